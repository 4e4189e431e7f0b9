"""Export and verification on a real broker and Redis, and offline."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tallywire.cli.main import build
from tallywire.errors import InvalidFileError, PeerError, UsageError
from tallywire.evidence.export_folder import seal
from tallywire.ledger import keys
from tallywire.ledger.rebuild import fingerprint
from tallywire.ledger.state import Event
from tallywire.reasons import Code
from tallywire.records import Verdict
from tallywire.verify.sources import verify_broker, verify_folder
from tallywire.worker.handler import IncomingRecord
from tests.support.handmade_night import BY_HAND, VOTES, HandmadeNight
from tests.support.values import NIGHT, make_rejection

NOBODY = "redis://127.0.0.1:1/0"


pytestmark = pytest.mark.night(BY_HAND)


@pytest.fixture(autouse=True)
def events(night: HandmadeNight) -> None:
    night.read("N1", b"sheet 1")
    night.read("N2", b"sheet 2", verdict=Verdict.HELD)
    night.refuse("N3", b"no sheet")
    night.read("N1", b"sheet 1")  # the same image again
    night.correct("N2", {**VOTES, "oak": 91})
    night.refuse("elsewhere", b"unknown", Code.UNKNOWN_STATION)


def run(night: HandmadeNight, *arguments: str) -> Any:
    return CliRunner().invoke(build(), arguments, env=dict(night.environment))


def test_the_broker_agrees_with_redis(night: HandmadeNight, tmp_path: Path) -> None:
    found = verify_broker(night.settings, None, None, alone=False)
    assert found.is_good, found
    assert found.outcomes == {"counted": 1, "duplicate": 1, "held": 1, "rejected": 2}
    assert (found.scans, found.corrections, found.waiting) == (5, 1, 0)
    assert found.digest == fingerprint(night.totals())
    result = run(night, "verify", "--json", str(tmp_path / "v.json"))
    assert result.exit_code == 0, result.output
    assert "identical" in result.output
    assert json.loads((tmp_path / "v.json").read_text())["digest"] == found.digest


def test_a_vote_that_somebody_added_in_redis_is_named(night: HandmadeNight) -> None:
    with night.redis() as redis:
        district = keys.DistrictKeys(night.election.id, "g1", "north")
        redis.hincrby(district.totals, "votes|council|oak|accepted|high", 1)
    found = verify_broker(night.settings, None, None, alone=False)
    assert found.difference is not None
    assert found.difference.counter == "votes|council|oak|accepted|high"
    assert (found.difference.rebuilt, found.difference.claimed) == (90, 91)
    assert found.difference.stations == ("N1",)
    result = run(night, "verify")
    assert result.exit_code == 1
    assert "DIFFERENT" in result.output


def test_a_scan_that_nobody_read_waits_and_one_passed_over_is_lost(night: HandmadeNight) -> None:
    source, record = night.publish("N1", b"sheet 5")
    found = verify_broker(night.settings, None, None, alone=False)
    assert (found.identical, found.waiting, found.is_good) == (True, 1, False)
    night.read("N1", b"sheet 6")  # goes to the same partition, behind it
    found = verify_broker(night.settings, None, None, alone=False)
    assert found.waiting == 0
    assert found.problems == (f"{source}: a scan without an outcome",)
    night.tell(night.reading("N1", source, b"sheet 5"), record)


def test_each_generation_is_verified_by_itself(night: HandmadeNight, tmp_path: Path) -> None:
    """A replay that reads one sheet otherwise, and saw nothing before the last two scans."""
    last = [scan for scan in night.scans if scan[1] in (b"sheet 1", b"unknown")][-2:]
    for source, image in last:
        record = IncomingRecord(source, b"N1", image, (), NIGHT)
        if image == b"unknown":
            told: Event = replace(make_rejection("elsewhere"), source=source, contest="council")
        else:
            told = night.reading("N1", source, image, {**VOTES, "oak": 1})
        night.tell(told, record, "g2")
    scans, corrections = night.settings.topics.scans, night.settings.topics.corrections
    starts = {str(source.log): source.offset for source, _ in reversed(last)}
    parts = {f"{scans}|0": 99, f"{scans}|1": 99, f"{corrections}|0": 9, f"{corrections}|1": 9}
    about = json.dumps({"begin": "2026-11-22T20:00:00Z", "starts": {**parts, **starts}})
    with night.redis() as redis:
        redis.hset(keys.generations(night.election.id), "g2", about)
    found = verify_broker(night.settings, "g2", None, alone=False)
    assert found.is_good, found
    assert (found.outcomes, found.corrections) == ({"counted": 1, "rejected": 1}, 0)
    assert night.totals("g2")["north"]["votes|council|oak|accepted|high"] == 1
    assert verify_broker(night.settings, "g1", None, alone=False).is_good
    out = tmp_path / "export"
    assert run(night, "export", "--out", str(out)).exit_code == 0
    for name in ("g1", "g2"):
        assert verify_folder(out, name, None)[0].is_good
    with pytest.raises(UsageError, match="the export holds g1, g2"):
        verify_folder(out, "g3", None)


def test_without_redis_it_recomputes_or_takes_a_file(night: HandmadeNight, tmp_path: Path) -> None:
    away = night.settings.model_copy(update={"redis": NOBODY})
    with pytest.raises(PeerError, match="--alone"):
        verify_broker(away, None, None, alone=False)
    alone = verify_broker(away, None, None, alone=True)
    assert alone.digest == fingerprint(night.totals())
    totals = tmp_path / "totals.json"
    totals.write_text(json.dumps({"generation": "g1", "totals": night.totals()}))
    assert verify_broker(away, None, totals, alone=False).identical
    with pytest.raises(UsageError, match="of generation g1, not g2"):
        verify_broker(away, "g2", totals, alone=False)


def test_an_outsider_checks_an_export_with_nothing_else(
    night: HandmadeNight, tmp_path: Path
) -> None:
    out = tmp_path / "export"
    result = run(night, "export", "--out", str(out))
    assert result.exit_code == 0, result.output
    moved = tmp_path / "elsewhere"
    shutil.move(out, moved)
    result = CliRunner().invoke(build(), ["verify", "--from-folder", str(moved)])
    assert result.exit_code == 0, result.output
    found, sealed = verify_folder(moved, None, None)
    assert found.is_good
    assert found.digest == fingerprint(night.totals())
    assert len(sealed) == 64
    assert b"no sheet" not in (moved / "rejected.jsonl").read_bytes()
    assert (moved / "TEST-totals-g1-north.csv").is_file()
    assert (moved / "README.txt").read_text().startswith("TEST")
    again = run(night, "export", "--out", str(moved))
    assert "exists already" in str(again.exception)


def test_one_changed_byte_in_an_export_is_found(night: HandmadeNight, tmp_path: Path) -> None:
    out = tmp_path / "export"
    assert run(night, "export", "--out", str(out)).exit_code == 0
    for path in sorted(path for path in out.rglob("*") if path.is_file()):
        before = path.read_bytes()
        middle = len(before) // 2
        path.write_bytes(before[:middle] + bytes([before[middle] ^ 1]) + before[middle + 1 :])
        with pytest.raises(InvalidFileError):
            verify_folder(out, None, None)
        path.write_bytes(before)
    assert verify_folder(out, None, None)[0].is_good


def test_a_forger_who_seals_again_still_has_to_explain_the_totals(
    night: HandmadeNight, tmp_path: Path
) -> None:
    out = tmp_path / "export"
    run(night, "export", "--out", str(out))
    _, honest = verify_folder(out, None, None)
    totals = out / "totals-g1.json"
    totals.write_text(totals.read_text().replace('accepted|high": 90', 'accepted|high": 95'))
    seal(out)
    found, sealed = verify_folder(out, None, None)
    assert sealed != honest
    assert not found.identical
    assert found.difference is not None
    assert found.difference.claimed == 95
