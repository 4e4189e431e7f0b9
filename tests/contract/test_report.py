"""The report from a real ledger, with official counts from a plain CSV."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tallywire.cli.report import report
from tallywire.election.election import Election
from tallywire.election.loading import load_election
from tallywire.errors import PeerError, UsageError
from tallywire.ledger.async_client import open_async_ledger
from tallywire.records import Quality, Reading, Verdict
from tests.support.values import make_reading

ELECTION = load_election("mx-2015-d15").election
CONTEST = ELECTION.contests[0]
FIRST, SECOND = list(ELECTION.stations)[:2]


def read(station: str, offset: int, votes: Mapping[str, int], *, held: bool = False) -> Reading:
    every = {option.id: votes.get(option.id, 0) for option in CONTEST.options}
    return replace(
        make_reading(
            station,
            offset,
            votes=every,
            verdict=Verdict.HELD if held else Verdict.ACCEPTED,
            quality=Quality.MODERATE if held else Quality.HIGH,
        ),
        contest=CONTEST.id,
        district=ELECTION.stations[station].district,
    )


def fill(url: str, election: Election, generation: str, readings: Sequence[Reading]) -> None:
    async def run() -> None:
        ledger = open_async_ledger(url, election, generation)
        await ledger.open()
        for reading in readings:
            await ledger.apply(reading)
        await ledger.close()

    asyncio.run(run())


def write(url: str, generation: str, folder: Path, truth: Path | None = None) -> None:
    report(
        out=folder / "report.html",
        contest=None,
        generation=generation,
        truth=truth,
        election="mx-2015-d15",
        redis=url,
        json_file=folder / "report.json",
    )


def test_a_night_in_three_figures(redis_url: str, unique: str, tmp_path: Path) -> None:
    fill(
        redis_url,
        ELECTION,
        unique,
        [read(FIRST, 0, {"PAN": 120, "PRI": 40}), read(SECOND, 1, {"PAN": 10}, held=True)],
    )
    official = tmp_path / "official.csv"
    official.write_text(f"station,PAN,PRI\n{FIRST},120,40\n{SECOND},70,0\n")
    write(redis_url, unique, tmp_path, official)
    found = json.loads((tmp_path / "report.json").read_text())
    assert found["tallies"] == 2
    assert sum(pair["times"] for pair in found["pairs"]) == 4
    wrong = [pair for pair in found["pairs"] if pair["official"] != pair["predicted"]]
    assert [(one["official"], one["predicted"], one["quality"]) for one in wrong] == [
        (70, 10, "moderate")
    ]
    pan = next(one for one in found["shares"] if one["option"] == "PAN")
    assert pan["everything"] == pytest.approx(130 / 170)
    assert pan["high_only"] == pytest.approx(120 / 160)
    assert pan["official"] == pytest.approx(56625 / 165569, abs=1e-3)
    assert (tmp_path / "report.html").read_text().count("data:image/png;base64,") == 3


def test_a_ledger_without_tallies_is_told(redis_url: str, unique: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing has been counted"):
        write(redis_url, unique, tmp_path)


def test_no_redis_is_told(unique: str, tmp_path: Path) -> None:
    with pytest.raises(PeerError, match="No ledger"):
        write("redis://127.0.0.1:1/0", unique, tmp_path)
