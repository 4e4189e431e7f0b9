"""Decisions from the command line to a real broker, a real worker and its ledger."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tallywire.cli.main import build
from tallywire.edge.kafka import read_topic
from tallywire.errors import UsageError
from tallywire.records import Correction, Verdict
from tallywire.verify.sources import verify_broker
from tallywire.wire import decode
from tests.support.handmade_night import BY_HAND, VOTES, HandmadeNight
from tests.support.night import NightOpener


@pytest.fixture(scope="module", name="night")
def followed_night(night_opener: NightOpener) -> Iterator[HandmadeNight]:
    """N1 counted, N2 and N3 held, N3 without a row; a worker follows the corrections.

    It has no model server, which no correction needs; what it reads again of the scans is no
    image, and was judged already.
    """
    with night_opener(BY_HAND) as night:
        night.read("N1", b"sheet 1")
        night.read("N2", b"sheet 2", verdict=Verdict.HELD)
        night.read("N3", b"sheet 3", {**VOTES, "elm": None}, verdict=Verdict.HELD)
        night.start_worker()
        yield night


def run(night: HandmadeNight, *arguments: str, code: int = 0) -> Any:
    result = CliRunner().invoke(build(), ["review", *arguments], env=dict(night.environment))
    assert result.exit_code == code, (result.output, result.exception)
    return result


def decide(night: HandmadeNight, path: Path, station: str, *arguments: str) -> Any:
    who = ("--why", "looked at the paper", "--by", "official 7")
    run(night, "--station", station, *arguments, *who, "--json", str(path))
    body = json.loads(path.read_text())
    assert body["followed"]
    return body


def test_the_queue_names_what_waits_and_why(night: HandmadeNight, tmp_path: Path) -> None:
    path = tmp_path / "queue.json"
    result = run(night, "--json", str(path))
    assert "wait for a person" in result.output
    cases = {case["station"]: case for case in json.loads(path.read_text())}
    assert cases.keys() == {"N2", "N3"}
    for case in cases.values():
        assert case["reasons"][0]["code"] == "total_mismatch"


def test_a_decision_is_followed_superseded_withdrawn_and_told(
    night: HandmadeNight, tmp_path: Path
) -> None:
    path = tmp_path / "d.json"
    body = decide(night, path, "N2", "--set", "oak=91", "--set", "all=220")
    assert (body["before"]["oak"], body["after"]["oak"]) == (90, 91)
    assert night.totals()["north"]["votes|council|oak|corrected|high"] == 91
    body = decide(night, path, "N2", "--set", "oak=92")
    assert (body["before"]["oak"], body["after"]["oak"]) == (91, 92)
    assert night.totals()["north"]["votes|council|oak|corrected|high"] == 92
    body = decide(night, path, "N2", "--withdraw")
    assert body["after"]["oak"] == 90
    assert "votes|council|oak|corrected|high" not in night.totals()["north"]
    body = decide(night, path, "N2", "--accept")
    assert body["after"] == VOTES
    records = read_topic(night.settings.kafka, night.settings.topics.corrections)
    made = [decode(Correction, record.value) for record in records if record.key == b"N2"]
    assert [one.votes and one.votes["oak"] for one in made] == [91, 92, None, 90]
    assert all((one.decided_by, one.why) == ("official 7", "looked at the paper") for one in made)
    assert made[1].before is not None
    assert made[1].before["oak"] == 91

    run(night, "--history", "N2", "--json", str(path))
    steps = json.loads(path.read_text())
    kinds = [step["kind"] for step in steps]
    assert kinds == ["scan", "reading", *["correction"] * 4]
    assert [step["outcome"] for step in steps] == [
        "", "held", "corrected", "corrected", "withdrawn", "corrected",
    ]  # fmt: skip
    assert steps[1]["facts"]["counts"]["oak"] == 90
    assert steps[2]["facts"]["decided_by"] == "official 7"
    assert verify_broker(night.settings, None, None, alone=False).identical


def test_a_missing_row_has_to_be_named(night: HandmadeNight, tmp_path: Path) -> None:
    result = CliRunner().invoke(
        build(), ["review", "--station", "N3", "--accept", "--by", "a", "--why", "b"],
        env=dict(night.environment),
    )  # fmt: skip
    assert isinstance(result.exception, UsageError)
    assert "elm has no number" in str(result.exception)
    body = decide(night, tmp_path / "d.json", "N3", "--set", "elm=0")
    assert body["before"].get("elm") is None
    assert body["after"]["elm"] == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--station", "N1", "--set", "PAN=3"], "no such row"),
        (["--station", "N1", "--set", "oak=999"], "sum to"),
        (["--station", "N1", "--set", "oak=999", "--set", "all=1128"], "registered"),
        (["--station", "N9", "--accept"], "no such station"),
        (["--station", "N1"], "needs --set"),
        (["--accept"], "need --station"),
        (["--station", "N1", "--accept", "--withdraw"], "exclude each other"),
        (["--station", "N1", "--accept", "--why", "x"], "--by is missing"),
        (["--station", "N1", "--accept", "--by", "x", "--why", " "], "--why is missing"),
    ],
)
def test_a_decision_that_is_not_sound_is_not_written(
    night: HandmadeNight, arguments: list[str], message: str
) -> None:
    before = sum(1 for _ in read_topic(night.settings.kafka, night.settings.topics.corrections))
    result = CliRunner().invoke(build(), ["review", *arguments], env=dict(night.environment))
    assert isinstance(result.exception, UsageError)
    assert message in str(result.exception)
    after = sum(1 for _ in read_topic(night.settings.kafka, night.settings.topics.corrections))
    assert after == before


def test_a_history_shows_a_scan_that_nobody_read(night: HandmadeNight, tmp_path: Path) -> None:
    path = tmp_path / "h.json"
    run(night, "--history", "S1", "--json", str(path))
    assert json.loads(path.read_text()) == []
    export, unread = tmp_path / "export", night.publish
    unread("N4", b"not an image")
    run(night, "--history", "N4", "--json", str(path))
    (scan, *rest) = json.loads(path.read_text())
    assert scan["kind"] == "scan"
    assert not rest or rest[0]["kind"] == "rejection"  # the worker was quicker
    result = CliRunner().invoke(
        build(), ["export", "--out", str(export)], env=dict(night.environment)
    )
    assert result.exit_code == 0, result.output
    run(night, "--history", "N1", "--from-folder", str(export), "--json", str(path))
    assert [step["kind"] for step in json.loads(path.read_text())] == ["scan", "reading"]


def test_on_a_terminal_it_asks_row_by_row(night: HandmadeNight) -> None:
    """Enter keeps what stands; a new number, the total with it, and who and why are typed."""
    counter = "votes|council|elm|corrected|high"
    before = night.totals()["north"].get(counter, 0)
    typed = "\n71\n\n\n\n\n220\nofficial 7\nlooked at the paper\n"
    ours, theirs = os.openpty()
    try:
        os.write(ours, typed.encode())
        ended = subprocess.run(
            [sys.executable, "-m", "tallywire", "review", "--station", "N1"],
            stdin=theirs, capture_output=True, text=True, timeout=60,
            env={**os.environ, **night.environment}, check=False,
        )  # fmt: skip
    finally:
        os.close(ours)
        os.close(theirs)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "(elm) [70]" in ended.stdout
    assert "Station N1 stands as corrected" in ended.stdout
    assert night.totals()["north"][counter] == before + 71
