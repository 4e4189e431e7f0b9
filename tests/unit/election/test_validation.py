"""Any value in any place of a file: read, or refused in words; never an error of ours."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from tallywire.election.election_parsing import parse_election
from tallywire.election.layout_parsing import parse_layout
from tallywire.errors import InvalidFileError, Problem
from tests.support.elections import GREY_SEVEN

FORM = (GREY_SEVEN / "form.toml").read_text()
ELECTION = (GREY_SEVEN / "election.toml").read_text()
STATIONS = (GREY_SEVEN / "stations.csv").read_text()
TOML_VALUES = (
    "1", "-1", "1.5", "nan", "-inf", "1e308", "true", '""', '"a b"', '"oak"', '"\\u0000"', '"é"',
    '"\\n"', "[]", "[1]", "[[1, 2, 3, 4]]", "[[[[[1]]]]]", "{}", "{a = 1}", '[{id = "x"}]',
    "2020-01-01", "2020-01-01T00:00:00Z", "10:00:00", "0x" + "f" * 5000, f'"{"x" * 300}"',
)  # fmt: skip
CELLS = ("", "1", "-1", "nan", '"', "a,b", "1e3", "9" * 50, "é", ";", "\0", '"a""b"', '"a\nb"')
Parse = Callable[[str], object]


def check(parse: Parse, text: str) -> None:
    """Read or refused; what is told can be shown in a terminal and names its file."""
    for problem in problems_of(parse, text):
        assert str(problem).isprintable()
        assert problem.where.startswith("file")
        assert problem.value
        assert problem.remedy


def problems_of(parse: Parse, text: str) -> tuple[Problem, ...]:
    try:
        parse(text)
    except InvalidFileError as error:
        return error.problems
    return ()


def edited(text: str, places: list[tuple[int, str]]) -> str:
    """The file with other values, each by the number of its `key = value` line."""
    lines = text.splitlines()
    keyed = [at for at, line in enumerate(lines) if "=" in line and not line.startswith("#")]
    for place, value in places:
        at = keyed[place % len(keyed)]
        lines[at] = f"{lines[at].split('=')[0]}= {value}" if value else ""
    return "\n".join([*lines, ""])


edits = st.lists(
    st.tuples(st.integers(0, 200), st.sampled_from(["", *TOML_VALUES])), min_size=1, max_size=4
)


@given(edits)
def test_any_value_in_a_layout(places: list[tuple[int, str]]) -> None:
    check(lambda text: parse_layout(text, "file"), edited(FORM, places))


@given(edits)
def test_any_value_in_an_election(places: list[tuple[int, str]]) -> None:
    check(lambda text: parse_election(text, STATIONS, "file", "file.csv"), edited(ELECTION, places))


@given(st.integers(0, 12), st.integers(0, 2), st.sampled_from(CELLS))
def test_any_value_in_a_station_list(row: int, column: int, value: str) -> None:
    rows = [line.split(",") for line in STATIONS.splitlines()]
    rows[row % len(rows)][column] = value
    text = "\n".join(",".join(cells) for cells in rows)
    check(lambda stations: parse_election(ELECTION, stations, "file", "file.csv"), text)


@given(st.lists(st.sampled_from(FORM.splitlines()), max_size=60))
def test_any_order_of_a_layouts_lines(lines: list[str]) -> None:
    check(lambda text: parse_layout(text, "file"), "\n".join(lines))
