"""Refused scans on a real broker: listed, saved, published again; the stop limit."""

from __future__ import annotations

import csv
import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tallywire.cli.main import build
from tallywire.edge.kafka import TopicRecord, read_topic
from tallywire.errors import PeerError, UsageError
from tallywire.ledger.async_client import open_async_ledger
from tallywire.ledger.client import open_ledger
from tallywire.ledger.rejection_alert import StopLimit
from tallywire.publish.rejection_warning import RejectionWarner
from tallywire.reasons import Code, Reason
from tallywire.records import Source
from tallywire.worker.health import WorkerProgress, describe
from tallywire.worker.outgoing import message_for
from tallywire.worker.rejection_monitor import look
from tallywire.worker.retry import Peers
from tests.support.handmade_night import BY_HAND, HandmadeNight
from tests.support.values import make_rejection

JPEG, PNG = b"\xff\xd8\xff no real picture", b"\x89PNG\r\n\x1a\n neither"
NOBODY = "redis://127.0.0.1:1/0"
BAD = "=cmd|' /C calc'!A0"


pytestmark = pytest.mark.night(BY_HAND)


@pytest.fixture(autouse=True)
def events(night: HandmadeNight) -> None:
    night.read("N1", b"sheet 1")
    night.refuse("N2", JPEG, Code.MARKS_NOT_FOUND)
    night.refuse("N3", PNG, Code.WRONG_CONTENT_TYPE, content_type="image/gif")
    night.refuse(BAD, b"?", Code.UNKNOWN_STATION)


def run(night: HandmadeNight, *arguments: str, code: int = 0, **environment: Any) -> Any:
    given = {**night.environment, **environment}
    result = CliRunner().invoke(build(), ["rejected", *arguments], env=given)
    assert result.exit_code == code, (result.output, result.exception)
    return result


def listed(night: HandmadeNight, path: Path, *arguments: str) -> dict[str, int]:
    run(night, *arguments, "--json", str(path))
    return {one["reason"]: one["scans"] for one in json.loads(path.read_text())["reasons"]}


def scans(night: HandmadeNight) -> list[TopicRecord]:
    return list(read_topic(night.settings.kafka, night.settings.topics.scans))


def test_they_are_listed_by_reason(night: HandmadeNight, tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    assert listed(night, path) == {
        "marks_not_found": 1, "unknown_station": 1, "wrong_content_type": 1,
    }  # fmt: skip
    assert listed(night, path, "--reason", "marks_not_found") == {"marks_not_found": 1}
    assert listed(night, path, "--station", "N3") == {"wrong_content_type": 1}
    assert listed(night, path, "--generation", "g7") == {}
    result = CliRunner().invoke(
        build(), ["rejected", "--reason", "ugly"], env=dict(night.environment)
    )
    assert isinstance(result.exception, UsageError)


def test_the_list_needs_no_redis_but_the_limit_does(night: HandmadeNight, tmp_path: Path) -> None:
    away: dict[str, Any] = {"TALLYWIRE_REDIS": "redis://127.0.0.1:1/0"}
    assert "3 rejected scans" in run(night, **away).output
    given = {**night.environment, **away}
    result = CliRunner().invoke(build(), ["rejected", "--check"], env=given)
    assert isinstance(result.exception, PeerError)


def test_their_bytes_are_saved_once_and_safely(night: HandmadeNight, tmp_path: Path) -> None:
    folder = tmp_path / "saved"
    run(night, "--export", str(folder))
    with (folder / "manifest.csv").open() as file:
        rows = {row["reason"]: row for row in csv.DictReader(file)}
    assert {path.name for path in folder.iterdir()} == {
        "manifest.csv", *(row["file"] for row in rows.values()),
    }  # fmt: skip
    jpeg = rows["marks_not_found"]
    assert jpeg["file"].endswith(".jpg")
    assert (folder / jpeg["file"]).read_bytes() == JPEG
    assert jpeg["sha256"] == jpeg["scan_id"] == hashlib.sha256(JPEG).hexdigest()
    assert rows["wrong_content_type"]["content_type"] == "image/gif"
    assert rows["unknown_station"]["station"] == f"'{BAD}"  # no formula in a spreadsheet
    before = {path: path.read_bytes() for path in folder.iterdir()}
    result = CliRunner().invoke(
        build(), ["rejected", "--export", str(folder)], env=dict(night.environment)
    )
    assert isinstance(result.exception, UsageError)
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_they_are_published_again_as_they_came(night: HandmadeNight) -> None:
    before = scans(night)
    original = next(record for record in before if record.value == JPEG)
    run(night, "--reason", "marks_not_found", "--republish", "--yes")
    after = [record for record in scans(night) if record.value == JPEG]
    assert len(after) == 2
    assert all((one.key, one.headers) == (original.key, original.headers) for one in after)
    # Read by now: it is not sent a third time.
    night.read("N2", JPEG)
    result = run(night, "--reason", "marks_not_found", "--republish", "--yes")
    assert "have been read since" in result.output
    assert len(scans(night)) == len(before) + 2


def test_a_wrong_label_is_put_right(night: HandmadeNight) -> None:
    run(night, "--station", "N3", "--republish", "--yes", "--as-content-type", "image/png",
        "--as-station", "N4")  # fmt: skip
    sent = [record for record in scans(night) if record.value == PNG]
    old, new = sorted(sent, key=lambda record: record.key or b"")
    assert new.key == b"N4"
    assert dict(new.headers) == {**dict(old.headers), "content-type": b"image/png"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--republish"], "--yes"),
        (["--republish", "--yes", "--as-station", "N4"], "fits one scan"),
        (["--republish", "--yes", "--as-station", "N99"], "no such station"),
        (["--republish", "--yes", "--as-content-type", "image/gif"], "choose one of"),
        (["--as-station", "N4"], "need --republish"),
    ],
)
def test_nothing_is_published_by_mistake(
    night: HandmadeNight, arguments: list[str], message: str
) -> None:
    before = len(scans(night))
    result = CliRunner().invoke(build(), ["rejected", *arguments], env=dict(night.environment))
    assert isinstance(result.exception, UsageError)
    assert message in str(result.exception)
    assert len(scans(night)) == before


def test_bytes_that_a_replay_left_out_come_from_where_they_were_published(
    night: HandmadeNight, tmp_path: Path
) -> None:
    source, record = night.publish("N2", b"again no sheet")
    known = replace(make_rejection("N2"), source=source, contest="council", district="north")
    told = message_for(
        night.settings.topics, record, known, generation="g2", bytes_too=False
    )  # fmt: skip
    assert told is not None
    night.producer.send(
        told.topic, key=told.key, value=told.value, headers=list(told.headers)
    ).get(timeout=30)  # fmt: skip
    folder = tmp_path / "saved"
    run(night, "--generation", "g2", "--export", str(folder))
    (saved,) = [path for path in folder.iterdir() if path.suffix == ".bin"]
    assert saved.read_bytes() == b"again no sheet"
    run(night, "--generation", "g2", "--republish", "--yes")
    sent = [one for one in scans(night) if one.value == b"again no sheet"]
    assert len(sent) == 2
    assert sent[0].headers == sent[1].headers


async def test_the_stop_limit_is_raised_and_taken_back(
    night: HandmadeNight, tmp_path: Path
) -> None:
    limit, progress = StopLimit(percent=20, minutes=10, least=4), WorkerProgress(Peers())
    ledger = open_async_ledger(night.settings.redis, night.election, "g1")
    await look(ledger, limit, progress)
    assert progress.alert is not None
    assert "3 of the latest 4 scans were rejected" in progress.alert
    assert describe(progress)["alert"] == progress.alert
    await look(ledger, replace(limit, percent=80.0), progress)
    assert progress.alert is None
    await ledger.close()
    away = open_async_ledger(NOBODY, night.election, "g1")
    progress.alert = "still the last that is known"
    await look(away, limit, progress)
    assert progress.alert == "still the last that is known"
    await away.close()


def test_the_check_fails_while_the_limit_is_passed(night: HandmadeNight) -> None:
    result = run(night, "--check", code=1, TALLYWIRE_REJECT_ALERT_LEAST="4")
    assert "3 of the latest 4 scans were rejected" in result.output
    run(night, "--check")  # four scans are not enough by default


def test_a_publisher_is_warned_once_and_told_when_it_is_over(night: HandmadeNight) -> None:
    said, clock = list[str](), iter(range(0, 10_000, 100))
    strict = StopLimit(percent=20, minutes=10, least=4)
    warn = RejectionWarner(night.ledger(), strict, said.append, lambda: next(clock))
    warn()
    warn()
    (line,) = said
    assert line.startswith("WARNING: 3 of the latest 4 scans were rejected")
    for number in range(12):
        night.read("N4", b"good %d" % number)
    warn()
    assert said[1:] == ["Rejections are below the limit again."]
    warn.close()
    away = RejectionWarner(open_ledger(NOBODY, night.election), strict, said.append)
    away()
    away.close()
    assert len(said) == 2


def test_refused_corrections_are_no_scans(night: HandmadeNight, tmp_path: Path) -> None:
    source, record = night.publish("N2", b"whatever")
    topic = night.settings.topics.corrections
    refused = replace(
        make_rejection("N2"), source=Source(topic, 0, 0), reason=Reason(Code.BAD_HEADER, "no")
    )
    told = message_for(night.settings.topics, record, refused)
    assert told is not None
    night.producer.send(
        told.topic, key=told.key, value=told.value, headers=list(told.headers)
    ).get(timeout=30)  # fmt: skip
    assert "bad_header" not in listed(night, tmp_path / "r.json")
    assert source.topic != topic
