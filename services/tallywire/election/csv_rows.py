"""CSV files as people keep them: named columns in any order, spreadsheets' leftovers understood."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from tallywire.election.validation import FileModel, Location, problems_of, show
from tallywire.errors import Problem

RowModel = TypeVar("RowModel", bound=FileModel)


@dataclass(frozen=True, slots=True)
class CsvRows:
    """A file's rows without its blank ones. `lines` says where each row ends."""

    file: str
    header: tuple[str, ...]
    lines: Sequence[int]
    rows: Sequence[Sequence[str]]

    def columns(self, names: Sequence[str]) -> list[dict[str, str]]:
        """Each row's values in those columns, which must be there; empty where a row is short."""
        places = [(name, self.header.index(name)) for name in names]
        return [
            {name: row[at].strip() if at < len(row) else "" for name, at in places}
            for row in self.rows
        ]


def read_rows(
    text: str,
    file: str,
    columns: Sequence[str],
    problems: list[Problem],
    *,
    any_case: bool = False,
    once: bool = True,
) -> CsvRows | None:
    """The rows of a file whose first line names at least `columns`.

    Args:
        text: the file's text, a byte order mark and any line ends included.
        file: its name, for the messages.
        columns: that must be there; others may be.
        problems: takes what is wrong.
        any_case: read the names in the first line as lower case.
        once: refuse a first line that has a name twice; else the first one of these counts.

    Returns:
        None where no row can be read.
    """
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=None), strict=True)
    lines, rows = [], []
    try:
        first = next(reader, [])
        header = tuple(name.strip().lower() if any_case else name.strip() for name in first)
        remedy = _missing_remedy(header, columns) or (_repeated_remedy(header) if once else "")
        if remedy:
            found = show(",".join(header)) if header else "an empty file"
            problems.append(Problem(f"{file}:1", found, remedy))
            return None
        for row in reader:
            if "".join(row).strip():
                lines.append(reader.line_num)
                rows.append(row)
    except csv.Error as error:
        problems.append(Problem(f"{file}:{reader.line_num}", str(error), "mend the quotes here"))
        return None
    problems.extend(
        Problem(f"{file}:{line}", show(",".join(row)), f"{len(header)} columns are named, not more")
        for line, row in zip(lines, rows, strict=True)
        if len(row) > len(header) and "".join(row[len(header) :]).strip()
    )
    return CsvRows(file, header, lines, rows)


def _missing_remedy(header: Sequence[str], columns: Sequence[str]) -> str:
    """What to write in the first line where a column is missing; nothing where all are there."""
    missing = [name for name in columns if name not in header]
    if not missing:
        return ""
    wanted = f"the first line must name the columns {','.join(columns)}"
    semicolons = len(header) == 1 and ";" in header[0]
    hint = "; separate them by commas, not semicolons" if semicolons else ""
    return f"{wanted} (missing: {', '.join(missing)}){hint}"


def _repeated_remedy(header: Sequence[str]) -> str:
    twice = [name for name in dict.fromkeys(header) if name and header.count(name) > 1]
    return f"name each column once (twice: {', '.join(twice)})" if twice else ""


def validate_rows(
    adapter: TypeAdapter[list[RowModel]],
    model: type[RowModel],
    table: CsvRows,
    values: Sequence[Mapping[str, str]],
    problems: list[Problem],
) -> list[RowModel]:
    """Each row as its model, all in one go; empty after problems.

    Args:
        adapter: of a list of `model`; it has the speed that 100,000 rows want.
        model: what a row is.
        table: where the rows stand.
        values: of `table.columns`.
        problems: takes what is wrong.
    """

    def where(location: Location) -> str:
        row, *column = location
        return ": ".join([f"{table.file}:{table.lines[int(row)]}", *map(str, column[:1])])

    try:
        return adapter.validate_python(values)
    except ValidationError as error:
        problems.extend(problems_of(error, model, where))
        return []
