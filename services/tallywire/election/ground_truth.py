"""truth.csv: what is written on each rendered sheet, for grading what was read."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tallywire.errors import InvalidFileError, Problem

TRUTH_FILE = "truth.csv"
COLUMNS = (
    "file",
    "station",
    "district",
    "contest",
    "scan_id",
    "condition",
    "adds_up",
    "cells",
)


@dataclass(frozen=True, slots=True)
class TruthRow:
    """What one sheet says.

    `written` is the number of each row by field id, None where nothing is written; `cells` its
    cells, a character each: a digit, or `_` where no digit stands.
    """

    file: str
    station: str
    district: str
    contest: str
    scan_id: str  # lower-case hex SHA-256 of the file
    condition: str
    adds_up: bool
    written: Mapping[str, int | None]
    cells: Mapping[str, str]


def truth_text(rows: Sequence[TruthRow]) -> str:
    """The file's text: fixed columns, then one for each field with the written number."""
    fields = list(dict.fromkeys(field for row in rows for field in row.written))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*COLUMNS, *fields])
    for row in rows:
        cells = " ".join(f"{field}={signs}" for field, signs in row.cells.items())
        fixed = (row.file, row.station, row.district, row.contest, row.scan_id, row.condition)
        numbers = [row.written.get(field) for field in fields]
        writer.writerow([*fixed, "yes" if row.adds_up else "no", cells, *numbers])
    return out.getvalue()


def read_truth(path: Path) -> tuple[TruthRow, ...]:
    """Read a truth.csv.

    Raises:
        InvalidFileError: if it is not there or is no such file.
    """
    try:
        lines = list(csv.reader(path.read_text(encoding="utf-8").splitlines()))
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidFileError(
            [Problem(str(path), str(error), "render the sheets again")]
        ) from None
    if not lines or tuple(lines[0][: len(COLUMNS)]) != COLUMNS:
        remedy = f"its first line must begin with {','.join(COLUMNS)}"
        raise InvalidFileError([Problem(f"{path}:1", "not a truth file", remedy)])
    fields = lines[0][len(COLUMNS) :]
    wrong = [number for number, line in enumerate(lines, 1) if len(line) != len(lines[0])]
    if wrong:
        problems = [
            Problem(f"{path}:{number}", "a line cut short", "render again") for number in wrong
        ]
        raise InvalidFileError(problems)
    return tuple(_row(line, fields) for line in lines[1:])


def _row(line: Sequence[str], fields: Iterable[str]) -> TruthRow:
    *fixed, adds_up, packed = line[: len(COLUMNS)]
    cells = dict(pair.split("=", 1) for pair in packed.split())
    numbers = dict(zip(fields, line[len(COLUMNS) :], strict=True))
    written = {field: int(numbers[field]) if numbers[field] else None for field in cells}
    file, station, district, contest, scan_id, condition = fixed
    return TruthRow(
        file, station, district, contest, scan_id, condition, adds_up == "yes", written, cells
    )
