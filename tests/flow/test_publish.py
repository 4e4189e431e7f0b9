"""The publisher against a real broker: nothing lost, whatever happens on the way."""

from __future__ import annotations

import shutil
import signal
import time
from pathlib import Path

import psutil
import pytest

from tallywire.publish.receipts import read_receipts
from tallywire.supervision.ports import LOOPBACK, any_free_port
from tallywire.workshop.stack.local import LocalStack, StackPlan
from tests.support.scanning_desk import Desk, write_scans
from tests.support.waiting import wait_until


@pytest.fixture
def desk(tmp_path: Path, kafka_bootstrap: str, unique: str) -> Desk:
    return Desk(tmp_path / "scans", tmp_path / "receipts.jsonl", kafka_bootstrap, unique)


def test_a_folder_is_published_once_and_a_second_run_sends_nothing(desk: Desk) -> None:
    write_scans(desk.scans, 60)
    assert desk.run() == 0
    first = desk.result()
    assert (first["published"], first["skipped"], first["refused"]) == (60, 0, 0)
    assert desk.run() == 0
    second = desk.result()
    assert (second["published"], second["skipped"]) == (0, 60)
    standing = desk.in_topic()
    assert len(standing) == 60
    assert set(standing.values()) == {1}
    assert {receipt.scan_id for receipt in read_receipts(desk.journal)} == set(standing)


def test_refused_files_are_listed_and_the_exit_code_says_so(desk: Desk) -> None:
    write_scans(desk.scans, 3)
    (desk.scans / "empty.jpg").touch()
    (desk.scans / "large.jpg").write_bytes(b"\xff\xd8\xff" + bytes(5 * 1024 * 1024))
    (desk.scans / "no station.jpg").write_bytes(b"\xff\xd8\xff")
    (desk.scans / "truth.csv").write_text("file,station\n")
    shutil.copy(desk.scans / "S000001.jpg", desk.scans / "S000001__again.jpg")
    assert desk.run() == 1
    result = desk.result()
    assert result["published"] == 3
    assert result["skipped_by_reason"] == {"scan_sent": 1}
    assert result["refused_by_reason"] == {
        "empty_value": 1,
        "station_missing": 1,
        "value_too_large": 1,
    }
    assert {Path(item["file"]).name for item in result["refusals"]} == {
        "empty.jpg",
        "large.jpg",
        "no station.jpg",
    }


def test_killed_in_the_middle_and_run_again_loses_nothing(desk: Desk) -> None:
    write_scans(desk.scans, 400)
    first = desk.start("--rate", "150")
    desk.wait_receipts(first, 50)
    first.send_signal(signal.SIGKILL)
    first.wait()
    with desk.journal.open("ab") as file:  # and its last line was torn
        file.write(b'{"path": "/half')
    assert len(desk.in_topic()) < 400
    assert desk.run() == 0
    standing = desk.in_topic()
    assert len(standing) == 400
    # Only what was acknowledged in the last moment, and not yet in the journal, is there twice.
    assert sum(standing.values()) <= 400 + 150
    assert desk.result()["published"] <= 350


def test_ctrl_c_keeps_the_journal_right(desk: Desk) -> None:
    write_scans(desk.scans, 300)
    first = desk.start("--rate", "100")
    desk.wait_receipts(first, 30)
    first.send_signal(signal.SIGINT)
    assert first.wait(20) == 130
    interrupted = desk.result()
    assert interrupted["interrupted"]
    standing = desk.in_topic()
    assert len(list(read_receipts(desk.journal))) == len(standing) == interrupted["published"]
    assert desk.run() == 0
    assert desk.result()["published"] == 300 - interrupted["published"]
    assert sum(desk.in_topic().values()) == 300


def test_a_broker_that_starts_later_is_waited_for(tmp_path: Path) -> None:
    port = any_free_port()
    desk = Desk(tmp_path / "scans", tmp_path / "receipts.jsonl", f"{LOOPBACK}:{port}", "late")
    write_scans(desk.scans, 20)
    waiting = desk.start()
    wait_until(lambda: "Waiting for Kafka" in desk.output(), 30, desk.output)
    assert waiting.poll() is None
    plan = StackPlan(tmp_path / "run", redis=False, model=False, ports={"broker": port})
    with LocalStack(plan):
        assert waiting.wait(60) == 0
        assert len(desk.in_topic()) == 20
    assert "Kafka answers again" in desk.output()
    assert desk.result()["waited_for_kafka_s"] > 0


def test_a_broker_that_stops_for_a_while_costs_time_and_nothing_else(tmp_path: Path) -> None:
    plan = StackPlan(tmp_path / "run", redis=False, model=False)
    with LocalStack(plan) as stack:
        kafka = stack.settings.kafka
        desk = Desk(tmp_path / "scans", tmp_path / "receipts.jsonl", kafka, "pause")
        write_scans(desk.scans, 400)
        run = desk.start("--rate", "150")
        desk.wait_receipts(run, 50)
        broker = psutil.Process(stack.child("broker").pid)
        broker.suspend()
        wait_until(lambda: "Waiting for Kafka" in desk.output(), 30, desk.output)
        assert run.poll() is None
        broker.resume()
        assert run.wait(90) == 0
        assert len(desk.in_topic()) == 400
        assert len(list(read_receipts(desk.journal))) == 400


def test_a_broker_that_lost_everything_is_told_and_a_second_run_mends_it(tmp_path: Path) -> None:
    """The embedded broker keeps nothing: killed and started again, its topics are new."""
    port = any_free_port()
    plan = StackPlan(tmp_path / "run", redis=False, model=False, ports={"broker": port})
    desk = Desk(tmp_path / "scans", tmp_path / "receipts.jsonl", f"{LOOPBACK}:{port}", "lost")
    write_scans(desk.scans, 300)
    with LocalStack(plan) as stack:
        run = desk.start("--rate", "100")
        desk.wait_receipts(run, 50)
        stack.child("broker").kill()
        stack.child("broker").start()
        assert run.wait(90) == 1
        assert desk.result()["topic_was_lost"]
        assert desk.run() == 0
        assert len(desk.in_topic()) == 300


def test_a_hot_folder_is_watched_until_it_is_interrupted(desk: Desk, tmp_path: Path) -> None:
    write_scans(desk.scans, 5)
    write_scans(tmp_path / "elsewhere", 25, seed=2)
    run = desk.start("--watch", "--settle", "0.3")
    for number in range(5, 25):
        name = f"S{number:06d}.jpg"
        content = (tmp_path / "elsewhere" / name).read_bytes()
        with (desk.scans / name).open("wb") as file:  # as a scanner does, in pieces
            file.write(content[:10_000])
            file.flush()
            time.sleep(0.05)
            file.write(content[10_000:])
    desk.wait_receipts(run, 25)
    run.send_signal(signal.SIGINT)
    assert run.wait(20) == 0
    assert desk.result()["published"] == 25
    assert len(desk.in_topic()) == 25
    assert len(list(desk.scans.iterdir())) == 25  # every file stays where it is


def test_many_files_take_little_memory(desk: Desk) -> None:
    count = 10_000
    write_scans(desk.scans, count, size_bytes=200)
    run = desk.start()
    process, most_mb = psutil.Process(run.pid), 0.0
    while run.poll() is None:
        try:
            most_mb = max(most_mb, process.memory_info().rss / 1e6)
        except psutil.NoSuchProcess:
            break
        time.sleep(0.05)
    assert run.wait() == 0
    assert desk.result()["published"] == count
    assert 20 < most_mb < 200


def test_a_dry_run_needs_no_broker_and_writes_no_receipts(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "scans", tmp_path / "receipts.jsonl", f"{LOOPBACK}:1", "dry")
    write_scans(desk.scans, 4)
    (desk.scans / "empty.jpg").touch()
    assert desk.run("--dry-run") == 1
    assert desk.result()["published"] == 4
    assert not desk.journal.exists()


@pytest.mark.parametrize(
    "options",
    [("--pattern", "("), ("--pattern", "(?P<station>.)", "--envelope", "e.csv"), ("--rate", "0")],
)
def test_wrong_usage_has_its_own_exit_code(tmp_path: Path, options: tuple[str, ...]) -> None:
    desk = Desk(tmp_path / "scans", tmp_path / "receipts.jsonl", f"{LOOPBACK}:1", "wrong")
    write_scans(desk.scans, 1)
    assert desk.run(*options) == 2
