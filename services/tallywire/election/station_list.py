"""stations.csv: the polling stations of an election. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Annotated

from pydantic import BeforeValidator, Field, TypeAdapter

from tallywire.election.csv_rows import CsvRows, read_rows, validate_rows
from tallywire.election.election import Station
from tallywire.election.validation import FileModel, Id, Remedy, list_ids, show
from tallywire.errors import Problem

COLUMNS = ("id", "district", "registered")
MOST_REGISTERED = 1_000_000


def whole_number(text: object) -> object:
    """The number that plain digits write; anything else as it is, for the model to refuse."""
    plain = isinstance(text, str) and text.isascii() and text.isdigit() and len(text) <= 18
    return int(text) if plain else text  # type: ignore[call-overload]  # plain says it is a str


class StationRow(FileModel):
    """One line."""

    id: Id
    district: str
    registered: Annotated[
        int,
        Field(ge=1, le=MOST_REGISTERED),
        BeforeValidator(whole_number),
        Remedy(f"write a whole number from 1 to {MOST_REGISTERED}"),
    ]


_ROWS = TypeAdapter(list[StationRow])


def parse_stations(
    text: str, file: str, districts: Collection[str], problems: list[Problem]
) -> Mapping[str, Station]:
    """Read a list of stations.

    Args:
        text: the file's text.
        file: its name, for the messages.
        districts: ids of those in the election file; empty where that is wrong itself.
        problems: takes what is wrong.

    Returns:
        The stations by id, in the file's order; not all of them after problems.
    """
    table = read_rows(text, file, COLUMNS, problems, any_case=True)
    if table is None:
        return {}
    if not table.rows:
        problems.append(Problem(file, "no stations", "write one line for each polling station"))
    values = table.columns(COLUMNS)
    rows = validate_rows(_ROWS, StationRow, table, values, problems)
    problems.extend(_id_problems(table, values, frozenset(districts)))
    return {row.id: Station(row.id, row.district, row.registered) for row in rows}


def stations_text(stations: Iterable[Station]) -> str:
    """The text that `parse_stations` reads."""
    lines = (f"{one.id},{one.district},{one.registered}\n" for one in stations)
    return "".join([f"{','.join(COLUMNS)}\n", *lines])


def _id_problems(
    table: CsvRows, values: Sequence[Mapping[str, str]], districts: frozenset[str]
) -> Iterator[Problem]:
    """Stations that stand twice, and districts that are nowhere."""
    known, first_line = list_ids(sorted(districts)), dict[str, int]()
    for line, row in zip(table.lines, values, strict=True):
        name, district = row["id"], row["district"]
        if name and name in first_line:
            remedy = f"already on line {first_line[name]}: each station stands once"
            yield Problem(f"{table.file}:{line}: id", show(name), remedy)
        first_line.setdefault(name, line)
        if districts and district not in districts:
            remedy = f"not in election.toml; it has {known}"
            yield Problem(f"{table.file}:{line}: district", show(district), remedy)
