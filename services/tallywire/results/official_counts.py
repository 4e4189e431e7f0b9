"""Official counts of single stations, from the renderer's truth or from a plain CSV."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tallywire.election.csv_rows import CsvRows, read_rows
from tallywire.election.election import Contest
from tallywire.election.ground_truth import COLUMNS, parse_truth
from tallywire.election.station_list import whole_number
from tallywire.election.text_files import read_text
from tallywire.election.validation import refusal, show
from tallywire.errors import Problem
from tallywire.results.figures import Votes
from tallywire.sheet.layout import Layout

STATION, CONTEST = "station", "contest"


def read_official(contest: Contest, layout: Layout, path: Path) -> Mapping[str, Votes]:
    """Official votes by station and option.

    Args:
        contest: whose votes.
        layout: its form; says which field of a truth.csv is which option.
        path: a truth.csv of `render`; or any CSV with a column `station` and one for each option
            id that is known (and, where it holds several contests, a column `contest`).

    Raises:
        InvalidFileError: it is neither, or a count is no whole number.
    """
    text = read_text(path)
    if text.startswith(",".join(COLUMNS)):
        return _from_truth(contest, layout, text, path)
    problems: list[Problem] = []
    table = read_rows(text, str(path), [STATION], problems)
    if table is None:
        raise refusal(problems)
    options = [option.id for option in contest.options if option.id in table.header]
    if not options:
        remedy = f"its first line must name {STATION!r} and options of {contest.id!r}"
        raise refusal([Problem(f"{path}:1", show(",".join(table.header)), remedy)])
    votes = _votes(table, contest, options, problems)
    if problems:
        raise refusal(problems)
    return votes


def _votes(
    table: CsvRows, contest: Contest, options: list[str], problems: list[Problem]
) -> dict[str, dict[str, int]]:
    """Votes by station and option in the rows of this contest; `problems` takes what is none."""
    found: dict[str, dict[str, int]] = {}
    names = [STATION, *options, *([CONTEST] if CONTEST in table.header else [])]
    for line, row in zip(table.lines, table.columns(names), strict=True):
        if row.get(CONTEST, contest.id) != contest.id:
            continue
        counts = {option: whole_number(row[option]) for option in options}
        problems.extend(
            Problem(f"{table.file}:{line}: {name}", show(count), "write a whole number of votes")
            for name, count in counts.items()
            if not isinstance(count, int)
        )
        found[row[STATION]] = {
            name: count for name, count in counts.items() if isinstance(count, int)
        }
    return found


def _from_truth(contest: Contest, layout: Layout, text: str, path: Path) -> Mapping[str, Votes]:
    option_of = {one.id: one.option for one in layout.fields if one.option}
    return {
        row.station: {
            option_of[field]: votes or 0
            for field, votes in row.written.items()
            if field in option_of
        }
        for row in parse_truth(text, str(path))
        if row.contest == contest.id
    }
