"""Processes that no longer move say so, are ended and started again; those asked to end do."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tallywire.edge.serving import Classifier
from tallywire.errors import PeerError
from tallywire.publish.receipts import read_receipts
from tallywire.settings import PREFIX
from tallywire.supervision.child import Program
from tallywire.supervision.ports import any_free_port
from tallywire.worker.health import STALLED_EXIT
from tallywire.workshop.stack.local import LocalStack, StackPlan
from tests.support.http import ask_json
from tests.support.night import Night
from tests.support.programs import blocked_worker
from tests.support.scan_files import draw_sheets, variant
from tests.support.scanning_desk import Desk, write_scans
from tests.support.waiting import wait_until

REPOSITORY = Path(__file__).parents[2]
GONE_WITHIN_S = 10.0


def ended_within(process: subprocess.Popen[Any]) -> float:
    """Ask it to end; seconds until it has."""
    asked_s = time.monotonic()
    process.send_signal(signal.SIGTERM)
    process.wait(30)
    return time.monotonic() - asked_s


@pytest.mark.timeout(240)
def test_a_blocked_worker_says_so_is_ended_and_started_again(night: Night, tmp_path: Path) -> None:
    """Lag, no progress, and an event loop that cannot tell: the watchdog's case."""
    port, once, said = any_free_port(), tmp_path / "blocked", list[str]()
    sheets = draw_sheets(2)
    for number, station in enumerate(list(night.election.stations)[:6]):
        night.send(station, variant(sheets[number % 2], number))
    given = {"HEALTH_PORT": str(port), "STALLED_AFTER_S": "3"}
    program = Program(
        "worker-1",
        (sys.executable, "-m", blocked_worker.__name__, "worker"),
        lambda: True,
        environment={
            **night.environment,
            **{f"{PREFIX}{name}": value for name, value in given.items()},
            "BLOCKED_ONCE": str(once),
        },
        folder=REPOSITORY,
        restart=True,
    )
    plan = StackPlan(tmp_path / "stack", broker=None, redis=False, model=False)
    with LocalStack(plan, said.append) as stack:
        worker = stack.start(program)
        wait_until(once.exists, 60, night.describe)
        wait_until(lambda: ask_json(port, "/healthz")[0] == 503, 20, night.describe)
        wait_until(lambda: worker.restarts > 0, 30, night.describe)
        night.wait_accounted(6)
        wait_until(lambda: ask_json(port, "/healthz")[0] == 200, 20, night.describe)
    assert f"worker-1 ended with code {STALLED_EXIT}" in said[0]
    assert "no progress" in worker.log_path.read_text()
    assert night.outcomes().total() == 6
    assert night.audit_clean()


async def test_a_model_server_that_is_asked_to_end_finishes_its_calls() -> None:
    command = [sys.executable, "-m", "tallywire", "serve-model", "--port", "0"]
    options = ["--health-port", "0", "--model-repo", str(REPOSITORY / "model_repo")]
    with subprocess.Popen(  # noqa: ASYNC220 - before anything else runs
        [*command, *options], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        target = process.stdout.readline().split()[1]
        port = int(process.stdout.readline().rpartition(":")[2])
        assert ask_json(port, "/healthz")[0] == ask_json(port, "/readyz")[0] == 200
        answered, refused, enough = 0, 0, asyncio.Event()

        async def keep_asking(classifier: Classifier) -> None:
            nonlocal answered, refused
            while not refused:
                try:
                    side = await classifier.takes()
                    answer = await classifier.classify(np.zeros((42, side, side), np.uint8))
                    assert answer.probabilities.shape == (42, 11)
                    answered += 1
                    if answered == 20:
                        enough.set()
                except PeerError:
                    refused += 1

        async with Classifier(target, timeout_s=10) as classifier:
            asking = [asyncio.create_task(keep_asking(classifier)) for _ in range(4)]
            await enough.wait()
            took_s = await asyncio.to_thread(ended_within, process)
            await asyncio.gather(*asking)
    assert took_s < GONE_WITHIN_S
    assert process.returncode == 0
    assert ask_json(port, "/healthz")[0] == 0


def test_a_watching_publisher_tells_its_health_and_ends_in_order(
    kafka_bootstrap: str, tmp_path: Path, unique: str
) -> None:
    port = any_free_port()
    desk = Desk(tmp_path / "scans", tmp_path / "receipts.jsonl", kafka_bootstrap, unique)
    write_scans(desk.scans, 300)
    run = desk.start("--watch", "--settle", "0.1", "--rate", "50", "--health-port", str(port))

    def acknowledged() -> int:
        assert run.poll() is None, desk.output()
        return len(list(read_receipts(desk.journal)))

    wait_until(lambda: acknowledged() >= 20, 60, desk.output)
    assert ask_json(port, "/healthz")[0] == ask_json(port, "/readyz")[0] == 200
    assert ended_within(run) < GONE_WITHIN_S
    assert run.returncode == 0
    receipts = [receipt.scan_id for receipt in read_receipts(desk.journal)]
    standing = desk.in_topic()
    assert set(standing.values()) == {1}
    assert sorted(receipts) == sorted(standing)  # all that was sent is acknowledged and noted
    assert len(receipts) < 300


def test_a_publisher_without_a_broker_is_live_and_not_ready(tmp_path: Path, unique: str) -> None:
    port = any_free_port()
    desk = Desk(tmp_path / "scans", tmp_path / "receipts.jsonl", "127.0.0.1:1", unique)
    write_scans(desk.scans, 1)
    run = desk.start("--watch", "--health-port", str(port))
    wait_until(lambda: ask_json(port, "/healthz")[0] != 0, 30, desk.output)
    status, told = ask_json(port, "/readyz")
    assert (status, told["waiting_for"]) == (503, "kafka")
    assert ask_json(port, "/healthz")[0] == 200
    assert ended_within(run) < GONE_WITHIN_S
