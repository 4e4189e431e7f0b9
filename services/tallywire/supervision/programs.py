"""The command lines of our own long-running commands."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import partial

from tallywire.settings import PREFIX
from tallywire.supervision import probes
from tallywire.supervision.child import Program
from tallywire.supervision.ports import LOOPBACK

QUIET_TENSORFLOW = {"TF_CPP_MIN_LOG_LEVEL": "2", "CUDA_VISIBLE_DEVICES": ""}


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
