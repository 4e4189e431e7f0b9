"""Which station a file is of: from its name, or from a table that came with the files."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tallywire.election.validation import ID, ID_RULE, show
from tallywire.errors import InvalidFileError, Problem, UsageError

DEFAULT_PATTERN = r"(?P<station>.+?)(?:__.*)?"
"""Of the name without its suffix: everything up to the first `__`, or all of it."""

GROUPS = ("station", "contest", "scanner")
COLUMNS = ("file", "station", "scanner", "captured_at", "contest")
BYTE_ORDER_MARK = "\ufeff"


@dataclass(frozen=True, slots=True)
class Label:
    """What is known of a file besides its content; None where nothing says it."""

    station: str
    contest: str | None = None
    scanner: str | None = None
    captured_at: datetime | None = None  # with time zone


@dataclass(frozen=True, slots=True)
class ByPattern:
    """Labels from file names."""

    pattern: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class ByTable:
    """Labels from an envelope file, by file name or by path relative to the envelope's folder."""

    folder: Path  # absolute
    labels: Mapping[str, Label]


Naming = ByPattern | ByTable


def find_label(naming: Naming, path: Path) -> Label | None:
    """The label of the file at `path` (absolute), None where its station is not known."""
    if isinstance(naming, ByTable):
        if path.is_relative_to(naming.folder):
            found = naming.labels.get(path.relative_to(naming.folder).as_posix())
            if found:
                return found
        return naming.labels.get(path.name)
    match = naming.pattern.fullmatch(path.stem)
    found_groups = match.groupdict() if match else {}
    station = found_groups.get("station")
    if not station or not re.fullmatch(ID, station):
        return None
    return Label(station, found_groups.get("contest"), found_groups.get("scanner"))


def parse_pattern(text: str = DEFAULT_PATTERN) -> ByPattern:
    """A regular expression over file names without suffix, with a named group `station` and,
    where wanted, `contest` and `scanner`.

    Raises:
        UsageError: it is none, or lacks the group.
    """
    try:
        pattern = re.compile(text)
    except re.error as error:
        raise UsageError(f"--pattern {text}: no regular expression ({error})") from error
    unknown = sorted(set(pattern.groupindex) - set(GROUPS))
    if "station" not in pattern.groupindex or unknown:
        raise UsageError(
            f"--pattern {text}: name one group (?P<station>...) and at most"
            f" (?P<contest>...) and (?P<scanner>...)"
        )
    return ByPattern(pattern)


def parse_envelopes(text: str, file: str, folder: Path) -> ByTable:
    """An envelope CSV with columns `file`, `station` and, optionally, `scanner`, `captured_at`
    (ISO 8601; UTC where it names no zone) and `contest`.

    Raises:
        InvalidFileError: naming every problem with its line.
    """
    reader = csv.DictReader(io.StringIO(text.removeprefix(BYTE_ORDER_MARK)), strict=True)
    problems: list[Problem] = []
    labels: dict[str, Label] = {}
    try:
        problems.extend(_wrong_columns(reader.fieldnames or (), file))
        for row in reader if not problems else ():
            where = f"{file}:{reader.line_num}"
            found = list(_wrong_cells(row, where, labels))
            problems.extend(found)
            if not found:
                labels[row["file"]] = _label(row)
    except csv.Error as error:
        problems.append(Problem(f"{file}:{reader.line_num}", str(error), "write it as plain CSV"))
    if problems:
        raise InvalidFileError(problems)
    return ByTable(folder, labels)


def _wrong_columns(found: object, file: str) -> list[Problem]:
    names = list(found) if isinstance(found, list | tuple) else []
    problems = [
        Problem(file, f"no column {name}", f"start with the line {','.join(COLUMNS)}")
        for name in ("file", "station")
        if name not in names
    ]
    unknown = [name for name in names if name not in COLUMNS]
    return problems + [
        Problem(file, f"column {name!r}", f"known columns: {', '.join(COLUMNS)}")
        for name in unknown
    ]


def _wrong_cells(
    row: Mapping[str | None, str | None], where: str, seen: Mapping[str, Label]
) -> list[Problem]:
    problems = []
    if None in row or any(value is None for value in row.values()):
        return [Problem(where, "wrong number of cells", "write one cell for each column")]
    if not row["file"]:
        problems.append(Problem(where, "file: missing", "write the file's name"))
    elif row["file"] in seen:
        problems.append(Problem(where, show(row["file"]), "a file may stand only once"))
    for column in ("station", "contest"):
        value = row.get(column) or ""
        if not re.fullmatch(ID, value) and (value or column == "station"):
            problems.append(Problem(where, f"{column}: {show(value)}", ID_RULE))
    time = row.get("captured_at")
    if time and _parse_time(time) is None:
        remedy = "write a time like 2015-06-07T20:15:00-06:00"
        problems.append(Problem(where, f"captured_at: {show(time)}", remedy))
    return problems


def _label(row: Mapping[str | None, str | None]) -> Label:
    return Label(
        station=row["station"] or "",
        contest=row.get("contest") or None,
        scanner=row.get("scanner") or None,
        captured_at=_parse_time(row.get("captured_at") or ""),
    )


def _parse_time(text: str) -> datetime | None:
    try:
        time = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)
