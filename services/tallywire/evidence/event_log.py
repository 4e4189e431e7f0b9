"""From the records of three topics to the events of one generation. Pure.

What the worker did not tell the ledger is left out here too: broken and refused corrections. What
nobody can read is a problem, never silently left out.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from tallywire.election.election import Election
from tallywire.evidence.exported_records import ExportedRecord
from tallywire.ledger.correction_records import open_correction
from tallywire.ledger.state import Event, event_source
from tallywire.reasons import Reason
from tallywire.records import Partition, Reading, Rejection, Source
from tallywire.wire import GENERATION_HEADER, WireError, decode

Value = TypeVar("Value")

FIRST = "g1"

Bounds = Mapping[int, tuple[int, int]]
"""By partition, the first offset of a log and the one behind its last."""


@dataclass(frozen=True, slots=True)
class TopicNames:
    """The names of the four topics, as in `tallywire.settings.Topics`."""

    scans: str
    readings: str
    corrections: str
    rejected: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where it can be read what happened.

    `read` yields the records of a topic, by partition in order, images without their bytes;
    `scans` gives the bounds of the scans topic, asked for after the outcomes; `absent` says
    which of some offsets of one partition the broker does not hand out (a hole is no scan).
    """

    told_by: str  # for people: "the broker at ..." or "the export in ..."
    names: TopicNames
    read: Callable[[str], Iterator[ExportedRecord]]
    scans: Callable[[], Bounds]
    absent: Callable[[int, Collection[int]], Collection[int]] = lambda _, __: ()


@dataclass(frozen=True, slots=True)
class Coverage:
    """Scans and their outcomes: `lost` have none, `waiting` ones none yet, `strays` are outcomes
    of scans that the topic does not hold."""

    scans: int
    lost: tuple[Source, ...]
    waiting: int
    strays: tuple[Source, ...]


@dataclass(slots=True)
class EvidenceNotes:
    """What is found on the way: written by `events_of`."""

    problems: list[str] = field(default_factory=list)
    told: dict[int, set[int]] = field(default_factory=dict)  # scans' offsets, by partition


def generation_of(line: ExportedRecord) -> str:
    """The generation whose ledger took it."""
    return line.header(GENERATION_HEADER) or FIRST


def generations_told(evidence: Evidence) -> list[str]:
    """Every generation that a reading or a rejection names, in the order of their numbers."""
    lines = (line for name in _outcomes(evidence.names) for line in evidence.read(name))
    return sorted({generation_of(line) for line in lines}, key=lambda name: (len(name), name))


def rejection_of(line: ExportedRecord) -> Rejection:
    """The rejection in a record's header.

    Raises:
        WireError: there is none.
    """
    headers = dict(line.headers)
    return decode(Rejection, headers.get("rejection"))


def events_of(
    evidence: Evidence,
    election: Election,
    generation: str,
    notes: EvidenceNotes,
    starts: Mapping[Partition, int] | None = None,
) -> Iterator[Event]:
    """Everything that the generation's ledger was told, in no particular order.

    Args:
        starts: where a partial generation begins; all from the beginning otherwise.
    """
    names, refused = evidence.names, set[Source]()
    for line in _of(evidence.read(names.rejected), generation):
        event = _try(notes, names.rejected, line, rejection_of)
        if event is not None and event.source.topic != names.scans:
            refused.add(event.source)
        elif event is not None:
            yield _noted(notes, event)
    for line in _of(evidence.read(names.readings), generation):
        reading = _try(notes, names.readings, line, lambda one: decode(Reading, one.value))
        if reading is not None:
            yield _noted(notes, reading)
    for line in evidence.read(names.corrections):
        source = Source(names.corrections, line.partition, line.offset)
        begin = (starts or {}).get(source.log, 0)
        found = open_correction(election, line.value, source)
        if line.offset >= begin and source not in refused and not isinstance(found, Reason):
            yield found


def match_scans(
    evidence: Evidence, notes: EvidenceNotes, starts: Mapping[Partition, int] | None = None
) -> Coverage:
    """Set the scans topic against the outcomes; call it when `events_of` is exhausted.

    Workers settle a partition in the order of its offsets: a scan without an outcome behind one
    that has one is lost; at the end of a partition it may be that nobody has read it yet.
    """
    bounds, names = evidence.scans(), evidence.names
    scans, lost, waiting, strays = 0, list[Source](), 0, list[Source]()
    for partition in sorted(bounds.keys() | notes.told.keys()):
        begin, end = bounds.get(partition, (0, 0))
        begin = max(begin, (starts or {}).get(Partition(names.scans, partition), 0))
        told = notes.told.get(partition, set())
        silent = set(range(begin, end)) - told
        silent -= set(evidence.absent(partition, silent)) if silent else set()
        last = max(told, default=-1)
        at = [Source(names.scans, partition, offset) for offset in sorted(silent)]
        lost += [source for source in at if source.offset < last]
        waiting += sum(source.offset > last for source in at)
        scans += len(told | silent)
        strays += [Source(names.scans, partition, one) for one in sorted(told) if one >= end]
    return Coverage(scans, tuple(lost), waiting, tuple(strays))


def _outcomes(names: TopicNames) -> tuple[str, str]:
    return names.readings, names.rejected


def _of(lines: Iterable[ExportedRecord], generation: str) -> Iterator[ExportedRecord]:
    return (line for line in lines if generation_of(line) == generation)


def _noted(notes: EvidenceNotes, event: Event) -> Event:
    source = event_source(event)
    notes.told.setdefault(source.partition, set()).add(source.offset)
    return event


def _try(
    notes: EvidenceNotes, topic: str, line: ExportedRecord, read: Callable[[ExportedRecord], Value]
) -> Value | None:
    try:
        return read(line)
    except WireError as error:
        where = f"{topic}[{line.partition}]@{line.offset}"
        notes.problems.append(f"{where}: cannot be read: {error}")
        return None
