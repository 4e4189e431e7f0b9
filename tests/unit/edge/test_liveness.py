"""Whether a process still moves, told by what is at hand."""

from __future__ import annotations

import threading
import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallywire.edge.health_server import serve_vitals
from tallywire.edge.liveness import Vitals
from tests.support.http import ask


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr("tallywire.edge.liveness.time.monotonic", lambda: now[0])
    return now


def test_idle_is_no_standstill_but_a_frozen_loop_is(clock: list[float]) -> None:
    vitals = Vitals()
    clock[0] += 50
    assert vitals.stalled_s() == 50
    vitals.beat()
    assert vitals.stalled_s() == 0


def test_work_that_does_not_end_is_a_standstill(clock: list[float]) -> None:
    vitals = Vitals()
    clock[0] += 50  # idle before: does not count
    with vitals.working():
        clock[0] += 7
        vitals.beat()
        assert vitals.stalled_s() == 7
        with vitals.working():
            clock[0] += 1
        vitals.beat()
        assert vitals.stalled_s() == 0  # another piece got done
        assert vitals.at_hand == 1


def test_waiting_for_a_peer_is_no_standstill_of_ours(clock: list[float]) -> None:
    vitals = Vitals()
    vitals.note(3, further=False)
    vitals.waiting_for = "kafka"
    clock[0] += 1000
    assert vitals.stalled_s() == 0


@given(st.lists(st.booleans(), max_size=30))
def test_what_is_at_hand_is_what_was_begun_and_not_ended(raises: list[bool]) -> None:
    vitals = Vitals()
    for raising in raises:
        with suppress(ZeroDivisionError), vitals.working():
            assert vitals.at_hand == 1
            assert 1 // (not raising)
    assert vitals.at_hand == 0


def test_many_threads_lose_no_count() -> None:
    vitals = Vitals()

    def work() -> None:
        for _ in range(500):
            with vitals.working():
                time.sleep(0)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert vitals.at_hand == 0


def test_vitals_over_http() -> None:
    vitals = Vitals()
    with serve_vitals(vitals, lambda: True, 0, "127.0.0.1", 30.0) as server:
        assert ask(server.port, "/healthz")[0] == ask(server.port, "/readyz")[0] == 200
        vitals.waiting_for = "kafka"
        assert ask(server.port, "/healthz")[0] == 200
        assert ask(server.port, "/readyz")[0] == 503
