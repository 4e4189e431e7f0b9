"""The texts of election.toml and stations.csv: read, or every mistake named at once."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallywire.election.election_parsing import parse_election
from tallywire.errors import InvalidFileError, Problem

GOOD_TOML = """
id = "e"
name = "Election"
date = 2026-03-01
rehearsal = false
[[districts]]
id = "d"
name = "District"
[[contests]]
id = "c"
name = "Contest"
layout = "form.toml"
[[contests.options]]
id = "A"
name = "Party A"
colour = "#ff0000"
"""
GOOD_CSV = "id,district,registered\nS1,d,100\nS2,d,200\n"


def problems_of(toml: str = GOOD_TOML, stations: str = GOOD_CSV) -> tuple[Problem, ...]:
    with pytest.raises(InvalidFileError) as caught:
        parse_election(toml, stations, "election.toml", "stations.csv")
    return caught.value.problems


def only_problem(toml: str = GOOD_TOML, stations: str = GOOD_CSV) -> Problem:
    (problem,) = problems_of(toml, stations)
    return problem


def test_every_error_of_both_files_comes_at_once() -> None:
    toml = (
        GOOD_TOML.replace('id = "e"', 'id = "a b"')
        .replace("2026-03-01", '"1 March"')
        .replace("rehearsal = false", 'rehearsal = "no"')
        .replace("#ff0000", "red")
        .replace('layout = "form.toml"', 'layot = "form.toml"')
    )
    found = {one.where for one in problems_of(toml, "id,district,registered\nS1,x,0\nS1,d,5\n")}
    assert found == {
        "election.toml: id",
        "election.toml: date",
        "election.toml: rehearsal",
        "election.toml: contests[0].layot",
        "election.toml: contests[0].layout",
        "election.toml: contests[0].options[0].colour",
        "stations.csv:2: district",
        "stations.csv:2: registered",
        "stations.csv:3: id",
    }


@pytest.mark.parametrize(
    ("before", "after", "where", "value"),
    [
        ("[[districts]]", "[districts]", "districts", "'id': 'd'"),
        ('id = "c"', "id = 7", "contests[0].id", "7"),
        ('name = "Contest"', 'name = " "', "contests[0].name", "' '"),
        ("#ff0000", "#ff00", "contests[0].options[0].colour", "#ff00"),
        ('name = "Party A"', 'kind = "tribe"\nname = "P"', "contests[0].options[0].kind", "tribe"),
        ("rehearsal = false", "rehearsed = false", "rehearsed", "unknown key"),
        ("2026-03-01", "2026-03-01T10:00:00", "date", "2026-03-01T10:00:00"),
        ("2026-03-01", "2026-03-01T00:00:00", "date", "2026-03-01T00:00:00"),
        ("rehearsal = false", "rehearsal = 0", "rehearsal", "0"),
    ],
)
def test_a_wrong_value_is_named_by_file_key_and_value(
    before: str, after: str, where: str, value: str
) -> None:
    problems = problems_of(GOOD_TOML.replace(before, after))
    (one,) = [found for found in problems if found.where == f"election.toml: {where}"]
    assert value in one.value
    assert one.remedy


def test_a_misspelt_key_is_guessed() -> None:
    problem = only_problem(GOOD_TOML.replace("rehearsal = false", "rehersal = false"))
    assert problem.remedy == "did you mean rehearsal?"


def test_official_results_name_known_districts_and_options_only() -> None:
    toml = f"{GOOD_TOML}\n[contests.official.d]\nA = -3\nB = 5\n[contests.official.x]\nA = 1\n"
    official = "election.toml: contests[0].official"
    assert {one.where for one in problems_of(toml)} == {
        f"{official}.d.A", f"{official}.d.B", f"{official}.x",
    }  # fmt: skip


def test_tables_and_lists_that_are_none_are_told_by_their_heading() -> None:
    toml = f'{GOOD_TOML}\n[contests.official]\nd = 5\n"a\\u001bb" = 6\n'
    first, second, third = problems_of(toml)
    assert first.remedy == "write its keys under a [contests.official.d] heading"
    assert second.remedy == "write its keys under a [contests.official.'a\\x1bb'] heading"
    assert third.value == "unknown district"
    problem = only_problem(GOOD_TOML.partition("[[contests]]")[0])
    assert (problem.where, problem.value) == ("election.toml: contests", "missing")
    assert problem.remedy == "write at least 1 [[contests]]"


def test_repeated_ids_are_refused() -> None:
    toml = GOOD_TOML + '[[contests.options]]\nid = "A"\nname = "Again"\ncolour = "#00ff00"\n'
    problem = only_problem(toml)
    assert problem.where == "election.toml: contests[0].options[1].id"
    assert "contests[0].options[0].id is the same" in problem.remedy


def test_a_syntax_error_names_its_line_and_still_checks_the_stations() -> None:
    broken, csv_problem = problems_of("id = \n", "id,district\n")
    assert "line 1" in broken.value
    assert csv_problem.where == "stations.csv:1"


@pytest.mark.parametrize(
    ("stations", "where", "remedy"),
    [
        ("", "stations.csv:1", "first line must name the columns"),
        ("id;district;registered\nS1;d;4\n", "stations.csv:1", "commas, not semicolons"),
        ("id,registered\nS1,4\n", "stations.csv:1", "missing: district"),
        ("id,district,registered\n", "stations.csv", "one line for each polling station"),
        ("id,district,registered\nS 1,d,4\n", "stations.csv:2: id", "letters"),
        ("id,district,registered\nS1,d,many\n", "stations.csv:2: registered", "whole number"),
        ("id,district,registered\nS1,d,-4\n", "stations.csv:2: registered", "whole number"),
        ("id,district,registered\nS1,d,1e3\n", "stations.csv:2: registered", "whole number"),
        ("id,district,registered\nS1,d,٣\n", "stations.csv:2: registered", "whole number"),
        ("id,district,registered\nS1,d\n", "stations.csv:2: registered", "whole number"),
        ("id,district,registered\nS1,D,4\n", "stations.csv:2: district", "it has d"),
        ("id,district,registered\nS1,d,4\n\nS1,d,4\n", "stations.csv:4: id", "already on line 2"),
        ('id,district,registered\n"S1,d,4\n', "stations.csv:2", "mend the quotes"),
        ("id,district,registered\nS1,d,1,250\n", "stations.csv:2", "3 columns are named"),
        ("id,district,registered,ID\nS1,d,4,S2\n", "stations.csv:1", "each column once"),
    ],
)
def test_a_bad_station_list_is_named_by_line(stations: str, where: str, remedy: str) -> None:
    problem = only_problem(stations=stations)
    assert problem.where == where
    assert remedy in problem.remedy


def test_what_spreadsheets_add_to_a_station_list_is_understood() -> None:
    text = "\ufeffNote, ID ,District,registered\r\nx, S1 ,d, 100 \r\n,,,\r\n"
    election = parse_election(GOOD_TOML, text, "election.toml", "stations.csv")
    assert [(one.id, one.registered) for one in election.stations.values()] == [("S1", 100)]


@given(st.text(max_size=300), st.text(max_size=300))
def test_no_text_breaks_the_readers(toml: str, stations: str) -> None:
    with pytest.raises(InvalidFileError) as caught:
        parse_election(toml, stations, "election.toml", "stations.csv")
    assert all(
        re.match(r"(election\.toml|stations\.csv)", one.where) for one in caught.value.problems
    )


def test_a_country_of_stations_is_read_while_one_waits() -> None:
    lines = [f"S{number},d,{number % 900 + 1}\n" for number in range(100_000)]
    text = "".join(["id,district,registered\n", *lines])
    began_s = time.process_time()
    election = parse_election(GOOD_TOML, text, "election.toml", "stations.csv")
    assert time.process_time() - began_s < 20  # of a second or two: one that grows by the square
    assert len(election.stations) == 100_000


def test_a_wrong_column_does_not_fill_the_screen() -> None:
    lines = [f"S{number},d,none\n" for number in range(1000)]
    problems = problems_of(stations="".join(["id,district,registered\n", *lines]))
    assert len(problems) == 201
    assert problems[0].where == "stations.csv:2: registered"
    assert problems[-1].value == "800 more problems"
