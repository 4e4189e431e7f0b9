"""A form's geometry and rules as data. All lengths are millimetres from the page's top left."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tallywire.sheet.reference import Reference


@dataclass(frozen=True, slots=True)
class Box:
    """An upright rectangle: left, top, width and height in mm."""

    x_mm: float
    y_mm: float
    width_mm: float
    height_mm: float

    @property
    def center_mm(self) -> tuple[float, float]:
        """The box's centre as (x, y)."""
        return self.x_mm + self.width_mm / 2, self.y_mm + self.height_mm / 2

    @property
    def corners_mm(self) -> tuple[tuple[float, float], ...]:
        """The four corners (x, y): top left, top right, bottom right, bottom left."""
        right, bottom = self.x_mm + self.width_mm, self.y_mm + self.height_mm
        return (self.x_mm, self.y_mm), (right, self.y_mm), (right, bottom), (self.x_mm, bottom)


class Word(StrEnum):
    """Where a word is printed; a layout's `[texts]` has the same keys."""

    STATION = "station"
    DISTRICT = "district"
    REGISTERED = "registered"
    IN_WORDS = "in_words"
    IN_NUMBERS = "in_numbers"
    SIGNATURES = "signatures"
    TOTAL = "total"
    NOTE = "note"


class MarkKind(StrEnum):
    """Kinds of printed mark that a sheet can be aligned on."""

    COLOUR_RECT = "colour_rect"
    COLOUR_CIRCLE = "colour_circle"
    CORNER_SQUARE = "corner_square"


@dataclass(frozen=True, slots=True)
class Mark:
    """One printed mark; `box` bounds it. `colour` is (red, green, blue) 0-255, black if absent."""

    id: str
    kind: MarkKind
    box: Box
    colour: tuple[int, int, int] = (0, 0, 0)


class Role(StrEnum):
    """What a field counts: votes for one option of the contest, the sheet's own total of votes, or
    a figure that its arithmetic needs and that no total of votes contains."""

    OPTION = "option"
    TOTAL = "total"
    REGISTERED = "registered"  # voters on the list
    VOTERS = "voters"  # who came
    BALLOTS_RECEIVED = "ballots_received"
    BALLOTS_USED = "ballots_used"
    BALLOTS_CAST = "ballots_cast"  # found in the box
    BALLOTS_UNUSED = "ballots_unused"
    BALLOTS_SPOILT = "ballots_spoilt"
    OTHER = "other"


class Filler(StrEnum):
    """Signs that people write into places that a number leaves empty."""

    X = "x"
    DASH = "dash"
    DOT = "dot"
    SLASH = "slash"


class EmptyRow(StrEnum):
    """What a row without any digit says: a reader cannot tell fillers from nothing at all."""

    MISSING = "missing"
    ZERO = "zero"


@dataclass(frozen=True, slots=True)
class Field:
    """One row of the sheet: a vote count written in `cells`, most significant digit first."""

    id: str
    role: Role
    option: str | None  # the election's option id, for Role.OPTION
    cells: tuple[Box, ...]


@dataclass(frozen=True, slots=True)
class SumRule:
    """The count in field `total` equals the sum of the counts in fields `parts`."""

    id: str
    total: str
    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EqualRule:
    """The counts in `fields`, two or more, are the same."""

    id: str
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AtMostRule:
    """The count in field `field` is at most that in field `limit`."""

    id: str
    field: str
    limit: str


@dataclass(frozen=True, slots=True)
class CapRule:
    """The count in field `field` is at most the station's registered voters plus `tolerance`."""

    id: str
    field: str
    tolerance: int = 0


@dataclass(frozen=True, slots=True)
class Layout:
    """One form. `version` names this revision; it is part of every reading's lineage.

    `texts` are words printed on it, by their place; only the renderer reads them.
    `reference_file` names the form's picture beside the layout file, `reference` is that picture
    once it was read (`reference.attach`): a scan is then found by all that is printed, and marks
    may be missing. What is written in `ignored` boxes is no part of it. A difference is a sum
    turned round, and stands among `sum_rules`.
    """

    id: str
    version: int
    name: str
    width_mm: float
    height_mm: float
    marks: tuple[Mark, ...]
    fields: tuple[Field, ...]
    sum_rules: tuple[SumRule, ...]
    cap_rules: tuple[CapRule, ...]
    texts: Mapping[str, str] = field(default_factory=dict)
    equal_rules: tuple[EqualRule, ...] = ()
    at_most_rules: tuple[AtMostRule, ...] = ()
    fillers: tuple[Filler, ...] = ()
    empty_row: EmptyRow = EmptyRow.MISSING
    ignored: tuple[Box, ...] = ()
    reference_file: str | None = None
    reference: Reference | None = field(default=None, compare=False, repr=False)

    @property
    def cells(self) -> tuple[Box, ...]:
        """Every digit cell, field after field: the order of all cell arrays in this package."""
        return tuple(cell for row in self.fields for cell in row.cells)

    @property
    def field_by_id(self) -> Mapping[str, Field]:
        """Fields by their id."""
        return {row.id: row for row in self.fields}
