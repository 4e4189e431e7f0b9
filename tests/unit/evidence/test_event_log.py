"""Lines of an export, and what they tell, without a server."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallywire.errors import InvalidFileError
from tallywire.evidence.claimed_totals import ClaimedTotals
from tallywire.evidence.event_log import (
    Evidence,
    EvidenceNotes,
    TopicNames,
    events_of,
    generations_told,
    match_scans,
)
from tallywire.evidence.export_folder import check_seal, seal
from tallywire.evidence.exported_records import ExportedRecord, from_text, make_line, to_text
from tallywire.ledger.rebuild import fingerprint, rebuild
from tallywire.ledger.state import Event
from tallywire.records import Partition, Reading, Source
from tallywire.results.totals_files import COLUMNS, district_csv, totals_json
from tallywire.settings import Topics
from tallywire.verify.recount import verify
from tallywire.wire import canonical, encode
from tallywire.worker.handler import IncomingRecord
from tallywire.worker.outgoing import message_for
from tests.support.values import (
    CORRECTIONS,
    NIGHT,
    SCANS,
    make_correction,
    make_election,
    make_reading,
    make_rejection,
)

ELECTION = make_election()
TOPICS = Topics("tally")
NAMES = TopicNames(*TOPICS.names)
BYTES = st.binary(max_size=40) | st.text(max_size=20).map(str.encode)
JSON = st.dictionaries(st.text(max_size=5), st.integers() | st.floats(allow_nan=False) | st.none())


@given(
    st.none() | BYTES,
    st.lists(st.tuples(st.text(max_size=8), BYTES), max_size=4),
    BYTES | JSON.map(lambda body: json.dumps(body).encode()),
    st.datetimes(timezones=st.just(UTC)),
    st.booleans(),
)
def test_a_line_keeps_every_byte(
    key: bytes | None,
    headers: list[tuple[str, bytes]],
    value: bytes,
    at: datetime,
    keep: bool,
) -> None:
    line = make_line(1, 2, at, key, tuple(headers), value, keep=keep)
    text = to_text(line)
    assert "\n" not in text
    assert from_text(text) == line
    assert (line.value is None) is not keep


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", '{"partition":1}', "{" * 9000])
def test_what_is_no_line_is_said_so(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        from_text(text)


def test_a_line_whose_value_was_changed_is_found() -> None:
    text = to_text(make_line(0, 7, NIGHT, b"k", (), encode(make_reading()), keep=True))
    with pytest.raises(ValueError, match="not what was hashed"):
        from_text(text.replace('"value":100', '"value":101', 1))


def told(events: Sequence[Event], generation: str = "g1") -> Mapping[str, list[ExportedRecord]]:
    """The topics' lines that a worker writes for these events."""
    lines: dict[str, list[ExportedRecord]] = {name: [] for name in TOPICS.names}
    for event in events:
        source = event.lineage.source if isinstance(event, Reading) else event.source
        record = IncomingRecord(source, b"d1-1", b"image", (), NIGHT)
        message = message_for(TOPICS, record, event, generation=generation)
        if message is None:
            value = encode(event)
            line = make_line(0, source.offset, NIGHT, b"d1-1", (), value, keep=True)
            lines[CORRECTIONS].append(line)
            continue
        log, keep = lines[message.topic], message.topic != TOPICS.rejected
        value = message.value or b""
        log.append(make_line(0, len(log), NIGHT, b"d1-1", message.headers, value, keep=keep))
    return lines


def evidence_of(lines: Mapping[str, list[ExportedRecord]], end: int) -> Evidence:
    def read(topic: str) -> Iterator[ExportedRecord]:
        return iter(lines[topic])

    return Evidence("a test", NAMES, read, lambda: {0: (0, end)})


STORY: Sequence[Event] = (
    make_reading("d1-1", 0),
    make_rejection("d1-2", 1),
    make_reading("d1-2", 2),
    make_correction("d1-3", 0, {"A": 3}),
)


def test_the_story_is_the_events() -> None:
    notes = EvidenceNotes()
    found = list(events_of(evidence_of(told(STORY), 3), ELECTION, "g1", notes))
    assert rebuild(found, ELECTION).totals == rebuild(STORY, ELECTION).totals
    assert (notes.problems, notes.told) == ([], {0: {0, 1, 2}})
    coverage = match_scans(evidence_of(told(STORY), 3), notes)
    assert (coverage.scans, coverage.lost, coverage.waiting, coverage.strays) == (3, (), 0, ())


def test_generations_are_kept_apart_and_corrections_belong_to_all() -> None:
    one, two = told(STORY[:2]), told([make_reading("d1-1", 0, votes={"A": 1}), STORY[3]], "g2")
    both = {topic: [*one[topic], *two[topic]] for topic in TOPICS.names}
    evidence = evidence_of(both, 2)
    assert generations_told(evidence) == ["g1", "g2"]
    first = rebuild(events_of(evidence, ELECTION, "g1", EvidenceNotes()), ELECTION).totals["d1"]
    second = rebuild(events_of(evidence, ELECTION, "g2", EvidenceNotes()), ELECTION).totals["d1"]
    assert first["votes|mayor|A|accepted|high"] == 100
    assert second["votes|mayor|A|accepted|high"] == 1
    assert first["corrections|applied"] == second["corrections|applied"] == 1
    starts = {Partition(CORRECTIONS, 0): 1}
    late = rebuild(events_of(evidence, ELECTION, "g2", EvidenceNotes(), starts), ELECTION).totals[
        "d1"
    ]
    assert "corrections|applied" not in late


def test_a_refused_or_broken_correction_changes_nothing() -> None:
    lines = told(STORY)
    broken = make_line(0, 1, NIGHT, b"d1-1", (), b"{", keep=True)
    unknown = make_line(0, 2, NIGHT, b"d1-1", (), encode(make_correction("nowhere")), keep=True)
    refused = make_line(0, 3, NIGHT, b"d1-1", (), encode(make_correction("d1-1", 3)), keep=True)
    lines[CORRECTIONS].extend([broken, unknown, refused])
    gave_up = replace(make_rejection("d1-1"), source=Source(CORRECTIONS, 0, 3))
    lines[TOPICS.rejected].extend(told([gave_up])[TOPICS.rejected])
    notes = EvidenceNotes()
    found = rebuild(events_of(evidence_of(lines, 3), ELECTION, "g1", notes), ELECTION)
    assert found.totals == rebuild(STORY, ELECTION).totals
    assert notes.problems == []


def test_what_is_missing_unread_or_too_much_is_named() -> None:
    lines = told([make_reading("d1-1", 0), make_reading("d1-2", 3), make_reading("d1-3", 9)])
    lines[TOPICS.readings].append(make_line(0, 9, NIGHT, b"k", (), b"junk", keep=True))
    notes = EvidenceNotes()
    list(events_of(evidence_of(lines, 6), ELECTION, "g1", notes))
    coverage = match_scans(evidence_of(lines, 6), notes)
    assert [at.offset for at in coverage.lost] == [1, 2, 4, 5]
    assert [at.offset for at in coverage.strays] == [9]
    assert len(notes.problems) == 1
    (problem,) = notes.problems
    assert "tally.readings[0]@9" in problem
    notes.told = {0: {0, 3}}
    found = match_scans(evidence_of(lines, 6), notes, {Partition(SCANS, 0): 2})
    assert ([at.offset for at in found.lost], found.waiting, found.scans) == ([2], 2, 4 + 1)


def test_a_verification_is_good_only_where_everything_is_there() -> None:
    right = rebuild(STORY, ELECTION).totals
    evidence = evidence_of(told(STORY), 3)
    good = verify(evidence, ELECTION, "g1", ClaimedTotals("somebody", right))
    assert (good.is_good, good.identical, good.digest) == (True, True, fingerprint(right))
    assert good.outcomes == {"counted": 2, "rejected": 1}
    wrong = {**right, "d1": {**right["d1"], "stations|mayor|counted": 3}}
    bad = verify(evidence, ELECTION, "g1", ClaimedTotals("somebody", wrong))
    assert not bad.is_good
    assert bad.difference is not None
    assert bad.difference.stations == ("d1-1", "d1-2")
    unread = verify(evidence_of(told(STORY), 5), ELECTION, "g1", ClaimedTotals("somebody", right))
    assert (unread.identical, unread.waiting, unread.is_good) == (True, 2, False)
    assert verify(evidence, ELECTION, "g1", None).is_good


@given(st.data())
def test_one_changed_byte_anywhere_breaks_the_seal(data: st.DataObject) -> None:
    folder = Path(data.draw(st.just(SEALED)))
    file = data.draw(st.sampled_from(sorted(path for path in folder.iterdir())))
    bytes_ = bytearray(file.read_bytes())
    at = data.draw(st.integers(0, len(bytes_) - 1))
    kept = bytes(bytes_)
    bytes_[at] ^= data.draw(st.integers(1, 255))
    before = check_seal(folder)
    file.write_bytes(bytes_)
    try:
        try:
            after = check_seal(folder)
        except InvalidFileError:
            return
        assert file.name == "SHA256SUMS"
        assert after != before  # what is compared by phone
    finally:
        file.write_bytes(kept)


SEALED = ""


@pytest.fixture(autouse=True, scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("sealed")
    (folder / "a.txt").write_text("one two three\n")
    (folder / "b.json").write_text('{"totals": {}}\n')
    seal(folder)
    globals()["SEALED"] = str(folder)


def test_files_that_are_missing_or_too_many_break_the_seal(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "a.txt").write_text("x")
    digest = seal(tmp_path)
    assert check_seal(tmp_path) == digest
    (tmp_path / "b.txt").write_text("y")
    with pytest.raises(InvalidFileError, match=r"b\.txt: is not in the list"):
        check_seal(tmp_path)
    (tmp_path / "b.txt").unlink()
    (tmp_path / "inner" / "a.txt").unlink()
    with pytest.raises(InvalidFileError, match=r"inner/a\.txt: is missing"):
        check_seal(tmp_path)
    (tmp_path / "SHA256SUMS").write_text("nonsense\n")
    with pytest.raises(InvalidFileError, match="not a list"):
        check_seal(tmp_path)
    with pytest.raises(InvalidFileError, match=r"none/SHA256SUMS: No such file or directory - ask"):
        check_seal(tmp_path / "none")


def test_every_counter_has_its_row() -> None:
    totals = rebuild(STORY, ELECTION).totals
    rows = [line.split(",") for line in district_csv(totals["d1"]).splitlines()]
    assert tuple(rows[0]) == COLUMNS
    assert len(rows) == len(totals["d1"]) + 1
    assert ["votes", "mayor", "A", "corrected", "moderate", "3"] in rows
    assert ["scans", "", "", "rejected", "", "1"] in rows
    body = json.loads(totals_json("test", "g1", totals))
    assert body["totals"] == totals
    assert body["sha256"] == fingerprint(totals)
    assert canonical(body["totals"]) == canonical(totals)
