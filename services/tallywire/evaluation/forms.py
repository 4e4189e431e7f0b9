"""Real sheets of any form: a folder with its layout, its scans and what stands on them.

A folder holds `layout.toml`, the scans, and `truth.json`: `{"sheets": {file: rows}}`, where rows
are by field id or a list in the layout's order. A row is what the paper says, one character a
place, right-aligned: a digit, `X` for a sign that stands for nothing, `_` for an empty place, `?`
where nobody can tell; where a row has fewer characters than places, those ahead may be empty or
zero. `maps.json` (`{file: 3 x 3}`, mm to px) puts the form where a person saw it, so that reading
can be measured apart from finding the form.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tallywire.edge.image_headers import sniff_format
from tallywire.edge.images import decode_image
from tallywire.election.layout_parsing import parse_layout
from tallywire.errors import InvalidFileError, Problem
from tallywire.evaluation.mistakes import Predict
from tallywire.reading.interpret import Interpretation, interpret
from tallywire.reading.policy import Policy
from tallywire.reading.rows import read_row
from tallywire.reasons import Reason
from tallywire.records import BLANK, Verdict
from tallywire.sheet.align import Alignment, align
from tallywire.sheet.layout import Layout
from tallywire.sheet.prepare import Takes, cut
from tallywire.training.calibration import calibration_error

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
Ints = NDArray[np.int64]

LAYOUT, TRUTH, MAPS = "layout.toml", "truth.json", "maps.json"
UNKNOWN, NOTHING_OR_ZERO = -1, -2
NOTHING = "X_-."
MAX_PIXELS = 50_000_000
NO_LIMIT = 10**9  # voters, where nobody said how many
REMEDY = 'write {"sheets": {"<file>": ["012", "XX5", ...]}}, one row for each field of the layout'


@dataclass(frozen=True, slots=True)
class RealSheet:
    """A scan and what stands on it: `rows` by field id; `place` float64 [3, 3], mm to px, or None
    where the form has to be found."""

    path: Path
    rows: Mapping[str, str]
    place: NDArray[np.float64] | None


@dataclass(frozen=True, slots=True)
class RealForm:
    """All sheets of one form."""

    name: str
    layout: Layout
    sheets: tuple[RealSheet, ...]


@dataclass(frozen=True, slots=True)
class FormScore:
    """What a model makes of one form. `cells`, `rows` and `exact` count what can be told; a
    refused sheet is in `sheets` alone."""

    sheets: int
    refused: int
    cells: int
    cells_right: int
    rows: int
    rows_right_plain: int
    rows_right_joint: int
    exact_plain: int
    exact_joint: int
    accepted: int
    accepted_wrong: int
    calibration_error: float


@dataclass(frozen=True, slots=True)
class _Read:
    labels: Ints
    probabilities: F32
    told: tuple[int | str | None, ...]
    plain: tuple[int | None, ...]
    found: Interpretation


def read_forms(folder: Path) -> Iterator[RealForm]:
    """Every sub-folder that has a layout, by name.

    Raises:
        InvalidFileError: a layout or a truth is wrong, or there is none.
    """
    found = sorted(path.parent for path in folder.glob(f"*/{LAYOUT}"))
    if not found:
        raise InvalidFileError([Problem(str(folder), f"no */{LAYOUT}", "give a folder of forms")])
    yield from (_read_form(path) for path in found)


def _read_form(folder: Path) -> RealForm:
    layout = parse_layout((folder / LAYOUT).read_text(encoding="utf-8"), str(folder / LAYOUT))
    truth = _json(folder / TRUTH).get("sheets")
    maps = _json(folder / MAPS) if (folder / MAPS).is_file() else {}
    if not isinstance(truth, dict) or not truth:
        raise InvalidFileError([Problem(str(folder / TRUTH), "no sheets", REMEDY)])
    sheets = tuple(
        RealSheet(
            folder / file,
            _rows(rows, layout, folder / TRUTH, file),
            np.array(maps[file], np.float64) if file in maps else None,
        )
        for file, rows in truth.items()
    )
    return RealForm(folder.name, layout, sheets)


def _json(path: Path) -> dict[str, object]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidFileError([Problem(str(path), str(error), REMEDY)]) from error
    return found if isinstance(found, dict) else {}


def _rows(rows: object, layout: Layout, path: Path, file: str) -> Mapping[str, str]:
    """Rows by field id; fields that the truth does not tell are left out."""
    ids = [field.id for field in layout.fields]
    if isinstance(rows, list) and len(rows) == len(ids):
        rows = dict(zip(ids, rows, strict=True))
    if not isinstance(rows, dict) or not set(rows) & set(ids):
        raise InvalidFileError([Problem(f"{path}, {file}", f"{rows!r}", REMEDY)])
    return {name: str(rows[name]) for name in ids if name in rows}


def labels_of(layout: Layout, rows: Mapping[str, str]) -> Ints:
    """Class of every cell, int64 [N]: 0 to 10, `UNKNOWN` or `NOTHING_OR_ZERO`."""
    labels: list[int] = []
    for field in layout.fields:
        places, row = len(field.cells), rows.get(field.id)
        if row is None or len(row) > places:
            labels += [UNKNOWN] * places
            continue
        labels += [NOTHING_OR_ZERO] * (places - len(row)) + [_label(sign) for sign in row]
    return np.array(labels, np.int64)


def _label(sign: str) -> int:
    return int(sign) if sign.isdecimal() else BLANK if sign in NOTHING else UNKNOWN


def value_of(row: str | None) -> int | str | None:
    """The count that a row says; None where nothing is written, "?" where it cannot be told."""
    if row is None or any(_label(sign) == UNKNOWN for sign in row):
        return "?"
    digits = "".join(sign for sign in row if sign.isdecimal())
    return int(digits) if digits else None


def score_form(form: RealForm, predict: Predict, takes: Takes, policy: Policy) -> FormScore:
    """Read every sheet of a form and compare it with the paper."""
    rules = replace(form.layout, cap_rules=())
    read = [_read(sheet, rules, predict, takes, policy) for sheet in form.sheets]
    return _score([one for one in read if one is not None], len(read))


def _read(
    sheet: RealSheet, layout: Layout, predict: Predict, takes: Takes, policy: Policy
) -> _Read | None:
    cells = _cut(sheet, layout, takes)
    if cells is None:
        return None
    probabilities = predict(cells)
    told = tuple(value_of(sheet.rows.get(field.id)) for field in layout.fields)
    ends = np.cumsum([len(field.cells) for field in layout.fields])[:-1]
    plain = tuple(read_row(part.astype(np.float64)).best for part in np.split(probabilities, ends))
    found = interpret(probabilities, layout, NO_LIMIT, policy)
    return _Read(labels_of(layout, sheet.rows), probabilities, told, plain, found)


def _cut(sheet: RealSheet, layout: Layout, takes: Takes) -> U8 | None:
    data = sheet.path.read_bytes()
    image = decode_image(data, sniff_format(data) or "", MAX_PIXELS)
    if isinstance(image, Reason):
        return None
    if sheet.place is not None:
        still = np.zeros((len(layout.cells), 2))
        return cut(image.pixels, layout, Alignment(sheet.place, (), 1.0, still, 0.0), takes)
    alignment = align(image.pixels, layout)
    return None if isinstance(alignment, Reason) else cut(image.pixels, layout, alignment, takes)


def _score(read: Sequence[_Read], sheets: int) -> FormScore:
    none = np.zeros((0, BLANK + 1), np.float32)
    probabilities = np.concatenate([none, *(one.probabilities for one in read)])
    labels = np.concatenate([np.zeros(0, np.int64), *(one.labels for one in read)])
    answers = probabilities.argmax(axis=1)
    # Where the paper may say nothing or zero, either is right, and is taken as it was read.
    either = (labels == NOTHING_OR_ZERO) & ((answers == 0) | (answers == BLANK))
    labels = np.where(either, answers, np.where(labels == NOTHING_OR_ZERO, BLANK, labels))
    known = labels != UNKNOWN
    plain = [_compare(one.told, one.plain) for one in read]
    joint = [_compare(one.told, [count.value for count in one.found.counts]) for one in read]
    accepted = [one.found.verdict is Verdict.ACCEPTED for one in read]
    return FormScore(
        sheets=sheets,
        refused=sheets - len(read),
        cells=int(known.sum()),
        cells_right=int((answers == labels)[known].sum()),
        rows=sum(len(one) for one in plain),
        rows_right_plain=sum(map(sum, plain)),
        rows_right_joint=sum(map(sum, joint)),
        exact_plain=sum(map(all, plain)),
        exact_joint=sum(map(all, joint)),
        accepted=sum(accepted),
        accepted_wrong=sum(
            yes and not all(rows) for yes, rows in zip(accepted, joint, strict=True)
        ),
        calibration_error=calibration_error(probabilities[known], labels[known].astype(np.uint8)),
    )


def _compare(told: Sequence[int | str | None], read: Sequence[int | None]) -> list[bool]:
    """Whether each row that can be told is read as it is; one where nothing is written may say
    zero."""
    return [
        one == other or (one is None and other == 0) or (one == 0 and other is None)
        for one, other in zip(told, read, strict=True)
        if one != "?"
    ]
