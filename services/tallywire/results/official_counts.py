"""Official counts of single stations, from the renderer's truth or from a plain CSV."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

from tallywire.election.election import Contest, Election
from tallywire.election.ground_truth import COLUMNS, read_truth
from tallywire.election.loading import load_layouts
from tallywire.errors import InvalidFileError, Problem
from tallywire.results.figures import Votes

STATION, CONTEST = "station", "contest"


def read_official(election: Election, contest: Contest, path: Path) -> Mapping[str, Votes]:
    """Official votes by station and option.

    Args:
        path: a truth.csv of `render`; or any CSV with a column `station` and one for each option
            id that is known (and, where it holds several contests, a column `contest`).

    Raises:
        InvalidFileError: it is neither, or a count is no whole number.
    """
    rows = _rows(path)
    if tuple(rows[0])[: len(COLUMNS)] == COLUMNS:
        return _from_truth(election, contest, path)
    options = [option.id for option in contest.options if option.id in rows[0]]
    if STATION not in rows[0] or not options:
        remedy = f"its first line must name {STATION!r} and options of {contest.id!r}"
        raise InvalidFileError([Problem(f"{path}:1", ",".join(rows[0]), remedy)])
    named = [(line, dict(zip(rows[0], row, strict=False))) for line, row in enumerate(rows, 1)]
    of_contest = [
        (line, row) for line, row in named[1:] if row and row.get(CONTEST, contest.id) == contest.id
    ]
    problems = [
        Problem(f"{path}:{line} {option}", row.get(option, ""), "write a whole number of votes")
        for line, row in of_contest
        for option in options
        if not row.get(option, "").isdecimal()
    ]
    if problems:
        raise InvalidFileError(problems)
    return {row[STATION]: {name: int(row[name]) for name in options} for _, row in of_contest}


def _rows(path: Path) -> list[list[str]]:
    try:
        rows = list(csv.reader(path.read_text(encoding="utf-8-sig").splitlines()))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InvalidFileError([Problem(str(path), str(error), "give a CSV file")]) from None
    if not any(rows[:1]):
        raise InvalidFileError([Problem(str(path), "an empty file", "give a CSV file")])
    return rows


def _from_truth(election: Election, contest: Contest, path: Path) -> Mapping[str, Votes]:
    folder = path.parent if contest.layout.endswith(".toml") else None
    layout = load_layouts(election, folder)[contest.id]
    option_of = {one.id: one.option for one in layout.fields if one.option}
    return {
        row.station: {
            option_of[field]: votes or 0
            for field, votes in row.written.items()
            if field in option_of
        }
        for row in read_truth(path)
        if row.contest == contest.id
    }
