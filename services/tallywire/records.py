"""The values that travel between the parts. Their wire form is in `tallywire.wire`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from tallywire.reasons import Reason

Probabilities = tuple[float, ...]
"""Eleven probabilities of one cell: digits 0 to 9, then blank; they sum to 1."""

BLANK = 10
"""Index of the blank class (empty, struck out, dash or X)."""


class Partition(NamedTuple):
    """One partition of a topic; a tuple, as the Kafka clients' own `TopicPartition` is.

    `str` is what the ledger and an export call it: `tally.scans|3`.
    """

    topic: str
    number: int

    def __str__(self) -> str:
        return f"{self.topic}|{self.number}"

    @classmethod
    def parse(cls, text: str) -> Partition:
        """What `str` wrote.

        Raises:
            ValueError: it is no partition.
        """
        topic, _, number = text.rpartition("|")
        return cls(topic, int(number))


@dataclass(frozen=True, slots=True, order=True)
class Source:
    """Where in Kafka an event stands. Offsets of one partition are applied in order."""

    topic: str
    partition: int
    offset: int

    @property
    def log(self) -> Partition:
        """The partition it stands in, with its topic."""
        return Partition(self.topic, self.partition)

    def __str__(self) -> str:
        return f"{self.topic}[{self.partition}]@{self.offset}"


@dataclass(frozen=True, slots=True)
class Envelope:
    """What the scanner says about an image."""

    station: str
    scanner: str
    captured_at: datetime  # with time zone
    content_type: str  # image/jpeg, image/png or image/tiff
    scan_id: str  # lower-case hex SHA-256 of the image bytes
    contest: str | None = None  # may be left out where the election has one contest


@dataclass(frozen=True, slots=True)
class Scan:
    """One image of one sheet, as it came from the topic."""

    envelope: Envelope
    source: Source
    published_at: datetime  # the broker record's timestamp, with time zone
    image: bytes


class Quality(StrEnum):
    """The paper's label: mean count confidence above 0.9 is high. Not a gate."""

    HIGH = "high"
    MODERATE = "moderate"


class Verdict(StrEnum):
    """What the machine decides about a reading."""

    ACCEPTED = "accepted"
    HELD = "held"


@dataclass(frozen=True, slots=True)
class Count:
    """One row as read.

    `written` is the most probable reading of the row by itself, None where every cell is blank;
    `value` is what joint decoding with the sheet's arithmetic makes of it (equal to `written`
    unless a rule changed it); `runner_up` the next probable value. `confidence` is the paper's
    weighted maximum probability; `probability` the calibrated posterior that `value` is right.
    """

    field: str
    option: str | None  # the election's option id; None for totals and other figures
    written: int | None
    value: int | None
    confidence: float
    probability: float
    runner_up: int | None
    changed_by: str | None  # id of the rule that made `value` differ from `written`
    cells: tuple[Probabilities, ...]
    role: str | None = None  # of its row in the layout; None in readings from before there were


@dataclass(frozen=True, slots=True)
class Lineage:
    """What produced a reading, so that any vote can be traced and reproduced."""

    source: Source
    layout: str
    layout_version: int
    model: str
    model_version: int
    code_version: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What the machine read from one scan."""

    station: str
    contest: str
    district: str
    scan_id: str
    scanner: str
    captured_at: datetime
    published_at: datetime
    counts: tuple[Count, ...]
    confidence: float  # mean of the counts' confidences
    error_probability: float  # calibrated probability that at least one count is wrong
    quality: Quality
    verdict: Verdict
    reasons: tuple[Reason, ...]
    lineage: Lineage


@dataclass(frozen=True, slots=True)
class Correction:
    """A human decision about one station's counts. `votes` is None to withdraw a correction."""

    station: str
    contest: str
    district: str
    source: Source
    decided_at: datetime
    decided_by: str
    why: str
    before: Mapping[str, int] | None  # votes by option as the official saw them
    votes: Mapping[str, int] | None  # votes by option as decided


@dataclass(frozen=True, slots=True)
class Rejection:
    """A scan that gives no reading. `station` and `district` are None where unknown."""

    source: Source
    station: str | None
    contest: str | None
    district: str | None
    scan_id: str | None
    published_at: datetime
    reason: Reason
    attempts: int = 1
