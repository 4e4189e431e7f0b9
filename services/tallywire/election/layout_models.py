"""A layout file's tables, key by key. A new key of a form begins here."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated

from pydantic import BeforeValidator, Field, TypeAdapter, ValidationInfo, field_validator

from tallywire.election.validation import FileModel, Id, Remedy, Text, wrong
from tallywire.sheet.layout import Box, EmptyRow, Filler, MarkKind, Role

COLOUR = "^#[0-9a-fA-F]{6}$"
COLOUR_RULE = "write a colour as #rrggbb"
BOX_RULE = "write [left, top, width, height] in mm, width and height above 0"
PICTURE = r"^[\w. -]+\.png$"
PICTURE_RULE = "name a PNG file beside the layout file"
MOST_CELLS = 5  # 99,999 votes in one row; reading keeps a weight for every count
MIN_MARKS = 3
MOST_MARKS, MOST_FIELDS, MOST_RULES = 50, 500, 500  # every box is compared with every other
MIN_CHROMA = 60  # of 255: less colour than this is grey once it has been printed and scanned
CELLS_RULE = f"write 1 to {MOST_CELLS} boxes [[x, y, w, h], ...] in mm"
PLACES_RULE = f"write how many digits have room in the box, 1 to {MOST_CELLS}"
ROLE_RULE = f"write option or total, or of a figure that is no vote {', '.join(list(Role)[2:])}"
FILLERS_RULE = f"write a list of {', '.join(Filler)}"
IGNORED_RULE = "write a list of boxes [[x, y, w, h], ...] in mm"
MOST_IGNORED = 100
IDS_RULE = 'write a list of ids, for example ["A", "B"]'

_FOUR = TypeAdapter(
    Annotated[
        list[Annotated[float, Field(strict=True, allow_inf_nan=False)]],
        Field(strict=True, min_length=4, max_length=4),
    ]
)


def _box(numbers: object) -> Box:
    box = Box(*_FOUR.validate_python(numbers))
    if box.width_mm <= 0 or box.height_mm <= 0:
        raise wrong(BOX_RULE)
    return box


def _few(cells: object, info: ValidationInfo) -> object:
    """The cells as they are written, or an open box in equal parts."""
    box, places = info.data.get("box"), info.data.get("places")
    if cells is None and isinstance(box, Box) and isinstance(places, int):
        return _equal_parts(box, places)
    if cells is not None and (box or places):
        raise wrong("leave out cells where there are box and places, or these two")
    if cells is None and (box or places or not {"box", "places"} <= info.data.keys()):
        raise wrong("an open box needs both, box and places")
    if not isinstance(cells, list) or not 1 <= len(cells) <= MOST_CELLS:
        raise wrong(CELLS_RULE)
    return cells


def _equal_parts(box: Box, places: int) -> list[list[float]]:
    edges = [box.x_mm + box.width_mm * at / places for at in range(places + 1)]
    return [[left, box.y_mm, right - left, box.height_mm] for left, right in pairwise(edges)]


def _listed(remedy: str) -> BeforeValidator:
    """Something else than a list is told so: pydantic would speak of a table's heading."""

    def check(value: object) -> object:
        if not isinstance(value, list):
            raise wrong(remedy)
        return value

    return BeforeValidator(check)


Colour = Annotated[str, Field(pattern=COLOUR), Remedy(COLOUR_RULE)]
Length = Annotated[
    float,
    Field(ge=50, le=1000, allow_inf_nan=False),
    Remedy("write a length in mm from 50 to 1000"),
]
BoxMm = Annotated[Box, BeforeValidator(_box), Remedy(BOX_RULE)]


class PageTable(FileModel):
    """`[page]`: the paper's size."""

    width_mm: Length
    height_mm: Length


class MarkTable(FileModel):
    """`[[marks]]`: something printed to align on. A coloured one says its colour."""

    id: Id
    kind: Annotated[MarkKind, Field(strict=False), Remedy(f"write one of {', '.join(MarkKind)}")]
    box: BoxMm
    colour: Colour | None = Field(default=None, validate_default=True)

    @field_validator("colour")
    @classmethod
    def _seen_in_print(cls, colour: str | None, info: ValidationInfo) -> str | None:
        if info.data.get("kind", MarkKind.CORNER_SQUARE) is MarkKind.CORNER_SQUARE:
            return colour
        if colour is None:
            raise wrong(COLOUR_RULE)
        levels = rgb(colour)
        if max(levels) - min(levels) < MIN_CHROMA:
            raise wrong("choose a stronger colour, or kind corner_square")
        return colour


class FieldTable(FileModel):
    """`[[fields]]`: one row of the form. An option row without `option` has its id for it.

    Digits have a cell each, or share one open `box` with room for so many `places`.
    """

    id: Id
    role: Annotated[Role, Field(strict=False), Remedy(ROLE_RULE)] = Role.OPTION
    option: Id | None = None
    box: BoxMm | None = None
    places: Annotated[int, Field(ge=1, le=MOST_CELLS), Remedy(PLACES_RULE)] | None = None
    cells: Annotated[list[BoxMm], BeforeValidator(_few)] = Field(
        default=None, validate_default=True
    )

    @field_validator("option")
    @classmethod
    def _of_an_option_row(cls, option: str, info: ValidationInfo) -> str:
        role = info.data.get("role", Role.OPTION)
        if role is not Role.OPTION:
            raise wrong(f"a {role} row has no option: remove it")
        return option


class SumRuleTable(FileModel):
    """`[[sum_rules]]`: one field is the sum of others."""

    id: Id
    total: Id
    parts: Annotated[
        list[str],
        Field(min_length=1),
        Remedy(IDS_RULE),
    ]


class DifferenceRuleTable(FileModel):
    """`[[difference_rules]]`: one field is another less a third."""

    id: Id
    difference: Id
    whole: Id
    less: Id


class EqualRuleTable(FileModel):
    """`[[equal_rules]]`: fields that say the same."""

    id: Id
    fields: Annotated[list[str], Field(min_length=2), Remedy(IDS_RULE)]


class AtMostRuleTable(FileModel):
    """`[[at_most_rules]]`: a field is at most another."""

    id: Id
    field: Id
    limit: Id


class CapRuleTable(FileModel):
    """`[[cap_rules]]`: a field is at most the registered voters, and a few."""

    id: Id
    field: Id
    tolerance: Annotated[
        int, Field(ge=0, le=1_000_000), Remedy("write a whole number from 0 to 1000000")
    ] = 0


class LayoutFile(FileModel):
    """The whole file."""

    id: Id
    version: Annotated[
        int, Field(ge=1, le=1_000_000), Remedy("write a whole number from 1 to 1000000")
    ]
    name: Text
    page: PageTable
    marks: Annotated[list[MarkTable], Field(min_length=MIN_MARKS, max_length=MOST_MARKS)]
    fields: Annotated[list[FieldTable], Field(min_length=1, max_length=MOST_FIELDS)]
    sum_rules: list[SumRuleTable] = Field(default_factory=list, max_length=MOST_RULES)
    difference_rules: list[DifferenceRuleTable] = Field(default_factory=list, max_length=MOST_RULES)
    equal_rules: list[EqualRuleTable] = Field(default_factory=list, max_length=MOST_RULES)
    at_most_rules: list[AtMostRuleTable] = Field(default_factory=list, max_length=MOST_RULES)
    cap_rules: list[CapRuleTable] = Field(default_factory=list, max_length=MOST_RULES)
    fillers: Annotated[
        list[Annotated[Filler, Field(strict=False), Remedy(FILLERS_RULE)]], _listed(FILLERS_RULE)
    ] = Field(default_factory=list)
    empty_row: Annotated[
        EmptyRow, Field(strict=False), Remedy(f"write {' or '.join(EmptyRow)}")
    ] = EmptyRow.MISSING
    texts: dict[str, Text] = Field(default_factory=dict)

    @field_validator("empty_row")
    @classmethod
    def _filled(cls, empty_row: EmptyRow, info: ValidationInfo) -> EmptyRow:
        if empty_row is EmptyRow.ZERO and not info.data.get("fillers"):
            raise wrong('say first with which signs a zero is written, as fillers = ["x"]')
        return empty_row


class TaughtLayoutFile(LayoutFile):
    """A form that is known by its picture, which stands beside the file: marks are left out."""

    reference: Annotated[str, Field(pattern=PICTURE), Remedy(PICTURE_RULE)]
    ignored: Annotated[list[BoxMm], Field(max_length=MOST_IGNORED), _listed(IGNORED_RULE)] = Field(
        default_factory=list
    )
    marks: Annotated[list[MarkTable], Field(max_length=MOST_MARKS)] = Field(default_factory=list)


def rgb(colour: str) -> tuple[int, int, int]:
    """Red, green and blue, 0 to 255, of `#rrggbb`."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
