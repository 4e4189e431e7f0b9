"""truth.csv: what is written on each rendered sheet, for grading what was read."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from tallywire.election.csv_rows import CsvRows, read_rows, validate_rows
from tallywire.election.station_list import whole_number
from tallywire.election.text_files import read_text
from tallywire.election.validation import FileModel, Id, Remedy, Text, refusal, show
from tallywire.errors import Problem

TRUTH_FILE = "truth.csv"
RENDER_AGAIN = "render the sheets again"


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


class TruthLine(FileModel):
    """The columns that every truth.csv begins with; one for each field follows."""

    file: Text
    station: Id
    district: Id
    contest: Id
    scan_id: Annotated[
        str, Field(pattern="^[0-9a-f]{64}$"), Remedy("write the file's SHA-256 in lower-case hex")
    ]
    condition: Text
    adds_up: Annotated[Literal["yes", "no"], Remedy("write yes or no")]
    cells: Annotated[
        str,
        Field(pattern=r"^[^ =]+=[0-9_]+( [^ =]+=[0-9_]+)*$"),
        Remedy("write field=cells pairs, for example A=_12 B=007"),
    ]


COLUMNS = tuple(TruthLine.model_fields)
_LINES = TypeAdapter(list[TruthLine])


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
    return parse_truth(read_text(path), str(path))


def parse_truth(text: str, file: str) -> tuple[TruthRow, ...]:
    """Read a truth.csv's text.

    Raises:
        InvalidFileError: with every problem found; `file` names it there.
    """
    problems: list[Problem] = []
    table = read_rows(text, file, COLUMNS, problems, once=False)  # a field may be called `file`
    if table is not None and table.header[: len(COLUMNS)] != COLUMNS:
        problems.append(Problem(f"{file}:1", "no truth file", f"begin with {','.join(COLUMNS)}"))
    if table is None or problems:
        raise refusal(problems)
    lines = validate_rows(_LINES, TruthLine, table, table.columns(COLUMNS), problems)
    fields = table.header[len(COLUMNS) :]
    numbers = [dict(zip(fields, row[len(COLUMNS) :], strict=False)) for row in table.rows]
    problems.extend(_number_problems(table, numbers))
    problems.extend(
        Problem(f"{file}:{at}: cells", show(line.cells), f"there is no column {field}")
        for at, line in zip(table.lines, lines, strict=False)
        for field in _cells(line)
        if field not in fields
    )
    if problems:
        raise refusal(problems)
    return tuple(_row(line, row) for line, row in zip(lines, numbers, strict=True))


def _number_problems(table: CsvRows, numbers: Sequence[Mapping[str, str]]) -> Iterator[Problem]:
    for line, row, written in zip(table.lines, table.rows, numbers, strict=True):
        where = f"{table.file}:{line}"
        if len(row) < len(table.header):
            yield Problem(where, "a line cut short", RENDER_AGAIN)
        for field, text in written.items():
            if text and not isinstance(whole_number(text), int):
                yield Problem(f"{where}: {field}", show(text), "write a whole number or nothing")


def _cells(line: TruthLine) -> Mapping[str, str]:
    return dict(pair.split("=", 1) for pair in line.cells.split())


def _row(line: TruthLine, numbers: Mapping[str, str]) -> TruthRow:
    cells = _cells(line)
    return TruthRow(
        file=line.file,
        station=line.station,
        district=line.district,
        contest=line.contest,
        scan_id=line.scan_id,
        condition=line.condition,
        adds_up=line.adds_up == "yes",
        written={field: int(numbers[field]) if numbers[field] else None for field in cells},
        cells=cells,
    )
