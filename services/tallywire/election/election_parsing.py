"""The texts of election.toml and stations.csv to a checked `Election`. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tallywire.election.election import Contest, District, Election, Option, Station
from tallywire.election.election_models import ContestTable, ElectionFile, OptionTable
from tallywire.election.references import entries, find, refuse_repeated, refuse_unknown_keys, texts
from tallywire.election.station_list import parse_stations
from tallywire.election.validation import parse_toml, refusal, validate
from tallywire.errors import Problem


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
    problems: list[Problem] = []
    written = None
    values = parse_toml(toml, file, problems)
    if not problems:
        written = validate(ElectionFile, values, file, problems)
        problems.extend(_reference_problems(values, file))
    districts = texts(values, "districts[].id")
    stations = parse_stations(stations_csv, stations_file, districts, problems)
    if written is None or problems:
        raise refusal(problems)
    return _election(written, stations)


def _reference_problems(values: Mapping[str, object], file: str) -> Iterator[Problem]:
    """Ids in the election file that stand twice or lead nowhere."""
    districts = texts(values, "districts[].id")
    yield from refuse_repeated(find(values, "districts[].id"), file)
    yield from refuse_repeated(find(values, "contests[].id"), file)
    for where, contest in find(values, "contests[]"):
        options = texts(contest, "options[].id")
        yield from refuse_repeated(find(contest, "options[].id", where), file)
        official = list(find(contest, "official", where))
        yield from refuse_unknown_keys(official, districts, "district", file)
        yield from refuse_unknown_keys(entries(official), options, "option", file)


def _election(written: ElectionFile, stations: Mapping[str, Station]) -> Election:
    return Election(
        id=written.id,
        name=written.name,
        date=written.date,
        rehearsal=written.rehearsal,
        contests=tuple(_contest(table) for table in written.contests),
        districts=tuple(District(table.id, table.name) for table in written.districts),
        stations=stations,
    )


def _contest(table: ContestTable) -> Contest:
    options = tuple(_option(option) for option in table.options)
    return Contest(table.id, table.name, table.layout, options, table.official)


def _option(table: OptionTable) -> Option:
    return Option(table.id, table.name, table.kind, table.colour.lower())
