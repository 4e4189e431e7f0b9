"""The text of election.toml and stations.csv to a checked `Election`. Pure."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from datetime import date

from tallywire.election.election import Contest, District, Election, Option, OptionKind, Station
from tallywire.election.layout_parsing import COLOUR, COLOUR_RULE
from tallywire.election.validation import (
    ID,
    ID_RULE,
    Table,
    note,
    parse_toml,
    refuse_repeated,
    refuse_unknown,
    show,
    take_bool,
    take_id,
    take_int,
    take_table,
    take_tables,
    take_text,
)
from tallywire.errors import InvalidFileError, Problem

KEYS = ("id", "name", "date", "rehearsal", "districts", "contests")
COLUMNS = ("id", "district", "registered")
MOST_VOTES = 10**12
MOST_REGISTERED = 1_000_000


def parse_election(toml: str, stations_csv: str, file: str, stations_file: str) -> Election:
    """Read an election.

    Args:
        toml: text of election.toml.
        stations_csv: text of stations.csv.
        file: name of the first, for the messages.
        stations_file: name of the second.

    Raises:
        InvalidFileError: with every problem found in both files.
    """
    table = parse_toml(toml, file)
    districts: tuple[District, ...] = ()
    contests: tuple[Contest, ...] = ()
    if not table.problems:
        refuse_unknown(table, KEYS)
        districts = tuple(_district(row) for row in take_tables(table, "districts", least=1))
        refuse_repeated(table, "districts", (district.id for district in districts))
        known = frozenset(district.id for district in districts)
        contests = tuple(_contest(row, known) for row in take_tables(table, "contests", least=1))
        refuse_repeated(table, "contests", (contest.id for contest in contests))
    stations = _stations(stations_csv, stations_file, districts, table.problems)
    election = Election(
        id=take_id(table, "id") if table.values else "",
        name=take_text(table, "name") if table.values else "",
        date=_date(table) if table.values else date.min,
        rehearsal=take_bool(table, "rehearsal", default=False),
        contests=contests,
        districts=districts,
        stations=stations,
    )
    if table.problems:
        raise InvalidFileError(table.problems)
    return election


def _date(table: Table) -> date:
    value = table.values.get("date")
    if type(value) is date:  # TOML's own date; a date with a time is a subclass
        return value
    note(table, "date", value, "write the day as 2015-06-07, without quotes")
    return date.min


def _district(table: Table) -> District:
    refuse_unknown(table, ("id", "name"))
    return District(take_id(table, "id"), take_text(table, "name"))


def _contest(table: Table, districts: frozenset[str]) -> Contest:
    refuse_unknown(table, ("id", "name", "layout", "options", "official"))
    options = tuple(_option(row) for row in take_tables(table, "options", least=1))
    refuse_repeated(table, "options", (option.id for option in options))
    ids = frozenset(option.id for option in options)
    return Contest(
        id=take_id(table, "id"),
        name=take_text(table, "name"),
        layout=take_id(table, "layout"),
        options=options,
        official=_official(take_table(table, "official"), districts, ids),
    )


def _option(table: Table) -> Option:
    refuse_unknown(table, ("id", "name", "kind", "colour"))
    kinds = [kind.value for kind in OptionKind]
    remedy = f"write one of {', '.join(kinds)}"
    kind = take_text(table, "kind", pattern="|".join(kinds), remedy=remedy, default="party")
    return Option(
        take_id(table, "id"),
        take_text(table, "name"),
        OptionKind(kind),
        take_text(table, "colour", pattern=COLOUR, remedy=COLOUR_RULE).lower(),
    )


def _official(
    table: Table, districts: frozenset[str], options: frozenset[str]
) -> Mapping[str, Mapping[str, int]]:
    for district in table.values:
        if district not in districts:
            note(table, district, "unknown district", f"districts: {', '.join(sorted(districts))}")
    known = [district for district in table.values if district in districts]
    return {district: _votes(take_table(table, district), options) for district in known}


def _votes(table: Table, options: frozenset[str]) -> Mapping[str, int]:
    refuse_unknown(table, tuple(sorted(options)))
    return {
        option: take_int(table, option, 0, MOST_VOTES)
        for option in table.values
        if option in options
    }


def _stations(
    text: str, file: str, districts: tuple[District, ...], problems: list[Problem]
) -> Mapping[str, Station]:
    lines = csv.reader(text.removeprefix("\ufeff").splitlines(), strict=True)
    stations: dict[str, Station] = {}
    first_line: dict[str, int] = {}
    try:
        columns = _columns(next(lines, []), file, problems)
        for row in lines if columns else ():
            if not any(cell.strip() for cell in row):
                continue
            where = f"{file}:{lines.line_num}"
            values = {
                name: row[at].strip() if at < len(row) else "" for name, at in columns.items()
            }
            problems.extend(_row_problems(where, values, districts, first_line))
            first_line.setdefault(values["id"], lines.line_num)
            stations[values["id"]] = _station(values)
    except csv.Error as error:
        problems.append(Problem(f"{file}:{lines.line_num}", str(error), "mend the quotes here"))
        return stations
    if columns and not stations:
        problems.append(Problem(file, "no stations", "write one line for each polling station"))
    return stations


def _columns(header: list[str], file: str, problems: list[Problem]) -> Mapping[str, int]:
    """Column name -> index; empty after a problem, as no row can be read then."""
    names = [name.strip().lower() for name in header]
    missing = [name for name in COLUMNS if name not in names]
    if not missing:
        return {name: names.index(name) for name in COLUMNS}
    found = show(",".join(header)) if header else "an empty file"
    remedy = (
        f"the first line must name the columns {','.join(COLUMNS)} (missing: {', '.join(missing)})"
    )
    if len(header) == 1 and ";" in header[0]:
        remedy += "; separate them by commas, not semicolons"
    problems.append(Problem(f"{file}:1", found, remedy))
    return {}


def _row_problems(
    where: str,
    values: Mapping[str, str],
    districts: tuple[District, ...],
    first_line: Mapping[str, int],
) -> Iterator[Problem]:
    name, district, registered = (values[column] for column in COLUMNS)
    if not re.fullmatch(ID, name):
        yield Problem(f"{where}: id", show(name), ID_RULE)
    if name in first_line:
        remedy = f"already on line {first_line[name]}: each station stands once"
        yield Problem(f"{where}: id", show(name), remedy)
    if districts and district not in {one.id for one in districts}:
        known = ", ".join(one.id for one in districts[:20])
        yield Problem(f"{where}: district", show(district), f"not in election.toml; it has {known}")
    if not _is_registered(registered):
        remedy = f"write a whole number from 1 to {MOST_REGISTERED}"
        yield Problem(f"{where}: registered", show(registered), remedy)


def _is_registered(text: str) -> bool:
    return bool(re.fullmatch("[0-9]{1,7}", text)) and 1 <= int(text) <= MOST_REGISTERED


def _station(values: Mapping[str, str]) -> Station:
    registered = int(values["registered"]) if _is_registered(values["registered"]) else 0
    return Station(values["id"], values["district"], registered)
