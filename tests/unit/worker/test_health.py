"""What counts as a standstill, what health says of it, and who ends it."""

from __future__ import annotations

import json
import time
from http.client import HTTPConnection

import pytest

from tallywire.worker.health import (
    STALLED_EXIT,
    WorkerProgress,
    healthz,
    readyz,
    serve_health,
    start_watchdog,
)
from tallywire.worker.retry import Peers


def test_work_without_progress_is_a_standstill_unless_a_peer_is_away() -> None:
    progress = WorkerProgress(Peers())
    progress.beat(lag=5, in_flight=1, assigned=True)
    progress.last_settled_s -= 100
    assert progress.stalled_s() > 99
    assert healthz(progress).status == 503
    progress.peers.failed("redis", "away")
    assert healthz(progress).status == 200
    assert readyz(progress).status == 503
    progress.beat(lag=5, in_flight=1, assigned=True)
    progress.peers.succeeded("redis")
    assert progress.stalled_s() < 1  # the wait is not held against us
    assert readyz(progress).status == 200


def test_idle_is_no_standstill_but_a_frozen_loop_is() -> None:
    progress = WorkerProgress(Peers())
    progress.last_settled_s -= 1000
    progress.beat(lag=0, in_flight=0, assigned=True)
    assert progress.stalled_s() < 1
    progress.last_beat_s -= 100
    assert progress.stalled_s() > 99


def test_the_watchdog_ends_a_process_that_stands_still() -> None:
    progress = WorkerProgress(Peers())
    ended: list[int] = []
    thread = start_watchdog(progress, limit_s=0.2, end=ended.append)
    time.sleep(0.1)
    assert not ended
    thread.join(timeout=5)
    assert ended == [STALLED_EXIT]


@pytest.mark.parametrize(
    ("path", "status"), [("/healthz", 200), ("/readyz?x=1", 503), ("/metrics", 200), ("/", 404)]
)
def test_health_speaks_http_on_loopback(path: str, status: int) -> None:
    progress = WorkerProgress(Peers())
    progress.beat(lag=0, in_flight=3, assigned=False)
    with serve_health(progress, 0) as server:
        connection = HTTPConnection("127.0.0.1", server.port, timeout=5)
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read().decode()
        connection.close()
    assert answer.status == status
    if path == "/metrics":
        assert "tallywire_in_flight_scans 3.0" in body
        assert 'tallywire_peer_waiting{peer="redis"} 0.0' in body
    else:
        assert json.loads(body)["status"]
