"""The delivery guarantee on a real broker, Redis and model server, with processes that die."""

from __future__ import annotations

import re
import signal
import time
from datetime import datetime
from threading import Thread

from tallywire.reasons import Code
from tallywire.verify.sources import verify_broker
from tests.support.night import Night
from tests.support.processes import loaded_files, resident_mb, signal_worker
from tests.support.programs import poisoned_worker
from tests.support.programs.poisoned_worker import POISON
from tests.support.scan_files import draw_sheets, variant
from tests.support.waiting import wait_until

DRAWN = 6


def publish_many(night: Night, count: int, per_s: float) -> None:
    """One scan each of the first `count` stations, the pictures taking turns."""
    sheets = draw_sheets(DRAWN)
    for number, station in enumerate(list(night.election.stations)[:count]):
        night.send(station, variant(sheets[number % DRAWN], number))
        time.sleep(1 / per_s)


def assert_accounted_exactly_once(night: Night, count: int) -> None:
    """Every published scan has one outcome, and every total follows from the topics alone."""
    outcomes = night.wait_accounted(count)
    assert outcomes.total() == count
    assert not set(outcomes) - {"counted", "held", "rejected", "duplicate"}
    assert night.gaps() == 0
    assert night.audit_clean()
    sources = {reading.lineage.source for reading in night.readings()}
    assert len(sources | night.rejections().keys()) == count
    assert night.totals() == night.fold()
    found = verify_broker(night.settings, None, None, alone=False)
    assert found.is_good, found
    assert found.scans == count
    ends = night.ends(night.settings.topics.scans)
    assert sum(ends.values()) == count


def test_two_workers_on_a_fresh_topic_and_one_is_killed(night: Night) -> None:
    count = 140
    draw_sheets(DRAWN)
    publishing = Thread(target=publish_many, args=(night, count, 20.0))
    publishing.start()
    first, second = night.start_worker(), night.start_worker()
    wait_until(lambda: night.outcomes().total() >= 30, 40, night.describe)
    assert "partitions assigned" in night.log(first)
    assert "partitions assigned" in night.log(second)
    signal_worker(first, signal.SIGKILL)
    publishing.join()
    assert_accounted_exactly_once(night, count)
    assert "Traceback" not in night.log(second)
    assert resident_mb(second) < 400
    assert "tensorflow" not in loaded_files(second)


def test_a_worker_that_froze_and_woke_up_counts_nothing_twice(night: Night) -> None:
    """Asleep for longer than the session, with scans in flight that another worker reads."""
    count = 60
    draw_sheets(DRAWN)
    sleeper = night.start_worker()
    wait_until(lambda: "partitions assigned" in night.log(sleeper), 30, night.describe)
    publishing = Thread(target=publish_many, args=(night, count, 20.0))
    publishing.start()
    wait_until(lambda: night.outcomes().total() >= 5, 20, night.describe)
    signal_worker(sleeper, signal.SIGSTOP)
    other = night.start_worker()
    wait_until(lambda: "partitions assigned" in night.log(other), 40, night.describe)
    wait_until(lambda: night.outcomes().total() >= 30, 40, night.describe)
    signal_worker(sleeper, signal.SIGCONT)
    publishing.join()
    assert_accounted_exactly_once(night, count)
    assert sleeper.is_alive()


def test_a_scan_that_kills_every_worker_is_refused_in_the_end(night: Night) -> None:
    sheets, stations = draw_sheets(DRAWN), list(night.election.stations)[:12]
    for number, station in enumerate(stations):
        ending = POISON if number == 5 else b""
        night.send(station, variant(sheets[number % DRAWN], number) + ending)

    def accounted() -> bool:
        if not any(worker.is_alive() for worker in night.workers):
            night.start_worker([poisoned_worker.__file__])
        return night.outcomes().total() >= len(stations)

    wait_until(accounted, 90, night.describe)
    assert_accounted_exactly_once(night, len(stations))
    ((rejection, record),) = night.rejections().values()
    assert rejection.station == stations[5]
    assert rejection.reason.code is Code.INTERNAL_ERROR
    assert record.value.endswith(POISON)


def test_sigterm_hands_over_within_ten_seconds(night: Night) -> None:
    count = 60
    worker = night.start_worker()
    wait_until(lambda: "partitions assigned" in night.log(worker), 30, night.describe)
    publish_many(night, count, 100.0)
    wait_until(lambda: night.outcomes().total() >= 10, 20, night.describe)
    asked_s = time.monotonic()
    signal_worker(worker, signal.SIGTERM)
    wait_until(lambda: not worker.is_alive(), 10, night.describe)
    assert time.monotonic() - asked_s < 10
    assert worker.exit_code() == 0
    assert "Traceback" not in night.log(worker)
    settled = night.outcomes().total()
    scans = night.settings.topics.scans
    assert sum(night.next_offsets(scans).values()) == settled  # nothing half done
    night.start_worker()
    assert_accounted_exactly_once(night, count)


def test_the_first_scan_is_read_soon_after_the_assignment(night: Night) -> None:
    night.send(next(iter(night.election.stations)), draw_sheets(DRAWN)[0])
    worker = night.start_worker()
    night.wait_accounted(1, within_s=40)
    said = re.sub(r"\x1b\[[0-9;]*m", "", night.log(worker))
    assigned = log_time(said, "partitions assigned")
    assert (log_time(said, "settled") - assigned).total_seconds() < 3


def log_time(log: str, event: str) -> datetime:
    """When the first line with `event` was written."""
    line = next(line for line in log.splitlines() if event in line)
    return datetime.fromisoformat(line.split()[0])
