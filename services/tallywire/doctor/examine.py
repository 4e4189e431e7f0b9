"""Runs every check at once, each bounded in time, and never lets one of them end the others."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from queue import Empty, SimpleQueue
from threading import Thread

from tallywire.doctor.findings import Finding, fail
from tallywire.doctor.kafka_broker import check_broker
from tallywire.doctor.ledger import check_ledger
from tallywire.doctor.machine import check_election, check_machine
from tallywire.doctor.model_server import check_model
from tallywire.doctor.redis_server import check_redis
from tallywire.settings import Settings

Check = Callable[[], Iterable[Finding]]
PATIENCE = 4
"""A part makes a few calls; together they may take this many time-outs."""


def examine(settings: Settings, timeout_s: float) -> list[Finding]:
    """Look at every part.

    Args:
        settings: where the parts are.
        timeout_s: the most that one call to a server may take.

    Returns:
        all findings, grouped by part, in the order of a scan's way.
    """
    return run_checks(
        {
            "Machine": lambda: check_machine(settings, timeout_s),
            "Election": lambda: check_election(settings),
            "Kafka": lambda: check_broker(settings, timeout_s),
            "Model server": lambda: check_model(settings, timeout_s),
            "Redis": lambda: check_redis(settings, timeout_s),
            "Ledger": lambda: check_ledger(settings, timeout_s),
        },
        patience_s=PATIENCE * timeout_s + 1,
    )


def run_checks(checks: dict[str, Check], patience_s: float) -> list[Finding]:
    """Run checks side by side; one that raises or hangs becomes a finding of its own."""
    answers: dict[str, SimpleQueue[list[Finding]]] = {part: SimpleQueue() for part in checks}
    for part, check in checks.items():
        # Daemons: a check that hangs must not keep the doctor from ending.
        Thread(target=_run, args=(part, check, answers[part]), daemon=True).start()
    until = time.monotonic() + patience_s
    return [finding for part in checks for finding in _await(part, answers[part], until)]


def _run(part: str, check: Check, answer: SimpleQueue[list[Finding]]) -> None:
    try:
        answer.put(list(check()))
    except Exception as error:  # a doctor that faints is no use: it says so
        words = f"{type(error).__name__}: {error}"
        answer.put([fail(part, "check", words, "report this as a bug of tallywire")])


def _await(part: str, answer: SimpleQueue[list[Finding]], until: float) -> list[Finding]:
    try:
        return answer.get(timeout=max(until - time.monotonic(), 0.01))
    except Empty:
        return [fail(part, "answer", "none in time", "restart it, or raise --timeout-s")]
