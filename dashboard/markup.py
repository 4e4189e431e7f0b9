"""The parts of the pages as HTML: values in, markup out, by templates that escape everything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from dashboard.figures import BallotLine, Outlook, StationProgress, ranked, share
from tallywire.reasons import Reason

NO_VALUE = "–"
HELD_ROOM = 1.5
"""A row's track is at most this many times as long as the longest counted bar."""


@dataclass(frozen=True, slots=True)
class Head:
    """What stands at the top of every page."""

    title: str
    subtitle: str
    rehearsal: bool
    generation: str | None
    updated_at: datetime | None  # of the newest successful look at the ledger, with time zone
    stale: bool  # the ledger did not answer lately


def count(number: int) -> str:
    """12,345."""
    return f"{number:,}"


def percent(part: int, whole: int, digits: int = 1) -> str:
    """12.3 %, or a dash where there is nothing to take a part of."""
    return f"{100 * share(part, whole):.{digits}f}\u202f%" if whole else NO_VALUE


@cache
def _parts() -> Any:
    """The macros of `templates/parts.html`, which give markup and escape what is none."""
    folder = Path(__file__).with_name("templates")
    environment = Environment(
        loader=FileSystemLoader(folder), autoescape=True, undefined=StrictUndefined
    )
    return environment.get_template("parts.html").module


def _part(name: str, *values: object) -> Markup:
    markup: Markup = getattr(_parts(), name)(*values)
    return markup


def head(page: Head) -> Markup:
    """Title, badges and how fresh the numbers are."""
    clock = page.updated_at.strftime("%H:%M:%S") if page.updated_at else NO_VALUE
    return _part("head", page, clock)


def notice(text: str, *, bad: bool = False) -> Markup:
    """A full-width message that keeps the numbers below it in view."""
    return _part("notice", text, bad)


def waiting(stations: int) -> Markup:
    """What the wall shows before the first scan."""
    return _part("waiting", count(stations))


def kpis(progress: StationProgress, votes: int, rate: float) -> Markup:
    """The row of key figures."""
    widths = (
        f"{100 * share(stations, progress.expected):.2f}"
        for stations in (progress.counted, progress.held)
    )
    plural = "" if progress.duplicate_scans == 1 else "s"
    duplicates = f"scans; {count(progress.duplicate_scans)} duplicate{plural}"
    figures = (
        ("Turnout", percent(votes, progress.registered_counted), "", "in counted stations"),
        ("Votes counted", count(votes), "", "all options"),
        ("Held", count(progress.held), "", "stations for review"),
        ("Rejected", count(progress.rejected_scans), "", duplicates),
        ("Rate", f"{rate:,.0f}", "/ min", "scans arriving"),
    )
    numbers = (progress.counted, progress.expected)
    return _part(
        "kpis", *map(count, numbers), percent(*numbers), count(progress.missing), *widths, figures
    )


def results(lines: Sequence[BallotLine]) -> Markup:
    """Vote shares of every option as bars, with the high-quality and official shares beside."""
    officials = [line.official for line in lines if line.official is not None]
    known = len(officials) == len(lines)
    whole = _Whole(
        votes=sum(line.votes for line in lines),
        high=sum(line.high for line in lines),
        official=sum(officials) if known else None,
    )
    widest = _widest(lines, whole)
    titles = ["All tallies", "Votes", "High quality only", *(["Official"] if known else [])]
    rows = [_row(line, whole, widest) for line in ranked(lines)]
    legend = [
        ("high", "high quality", False),
        ("moderate", "moderate quality", False),
        ("corrected", "corrected by a person", False),
        ("held", "held for review, in no total", False),
        *([("official", "official result", True)] if known else []),
    ]
    return _part("results", titles, rows, known, legend)


@dataclass(frozen=True, slots=True)
class _Whole:
    votes: int
    high: int
    official: int | None


def _widest(lines: Sequence[BallotLine], whole: _Whole) -> float:
    """The share that fills a row's track, in 0..1."""
    counted = max(
        (
            max(share(line.votes, whole.votes), share(line.official or 0, whole.official or 0))
            for line in lines
        ),
        default=0.0,
    )
    with_held = max((share(line.votes + line.held, whole.votes) for line in lines), default=0.0)
    # Early on, held votes can outnumber the counted ones: they must not squash the result.
    return min(with_held, HELD_ROOM * counted) if with_held > counted else counted or 1.0


def _row(line: BallotLine, whole: _Whole, widest: float) -> dict[str, object]:
    return {
        "id": line.id,
        "name": line.name,
        "short": _short(line),
        "lesser": not line.candidate,
        "colour": line.colour,
        "segments": _segments(line, whole, widest),
        "share": percent(line.votes, whole.votes),
        "votes": count(line.votes),
        "high": percent(line.high, whole.high),
        "official": percent(line.official or 0, whole.official or 0),
    }


def _short(line: BallotLine) -> str:
    """The ballot's short name where a voter knows it, else the words."""
    return line.id if line.candidate and len(line.name) > len(line.id) else line.name


def _segments(line: BallotLine, whole: _Whole, widest: float) -> list[tuple[str, str, str | None]]:
    """Kind, left and width (None: a tick) in percent of a row's track."""
    segments: list[tuple[str, str, str | None]] = []
    left = 0.0
    for kind in ("high", "moderate", "corrected", "held"):
        width = min(100 * share(getattr(line, kind), whole.votes) / widest, 100 - left)
        if width > 0:
            segments.append((kind, f"{left:.3f}", f"{width:.3f}"))
            left += width
    counted = 100 * share(line.votes, whole.votes) / widest
    if counted:
        segments.append(("edge", "0", f"{counted:.3f}"))
    if whole.official is not None:
        at = 100 * share(line.official or 0, whole.official) / widest
        segments.append(("official", f"{at:.3f}", None))
    return segments


def verdict(outlook: Outlook | None, progress: StationProgress, names: dict[str, str]) -> Markup:
    """Whether held and missing sheets can change who leads, with the numbers that decide it."""
    if outlook is None:
        return Markup()
    first, second = names[outlook.first], names[outlook.second]
    if not outlook.all_can_change:
        words, tone = "Held and missing sheets cannot change who leads", "cannot"
    elif not outlook.held_can_change:
        words, tone = "Held sheets alone cannot change who leads; missing ones still can", "can"
    elif progress.missing:
        words, tone = "Held and missing sheets can still change who leads", "can"
    else:
        words, tone = "Held sheets can still change who leads", "can"
    facts = (
        (f"{first} leads {second} by", count(outlook.lead)),
        (f"At most in {count(progress.held)} held sheets", count(outlook.held_swing)),
        (f"At most in {count(progress.missing)} missing sheets", count(outlook.missing_swing)),
    )
    return _part("verdict", words, tone, facts)


def leader(line: BallotLine, votes: int) -> str:
    """An option and its share for a table cell; a dash where nothing is counted."""
    if not votes:
        return NO_VALUE
    return _part("leader", line.colour, line.id, percent(line.votes, votes))


def table(
    title: str, headers: Sequence[str], rows: Sequence[Sequence[str]], *, tall: bool = False
) -> Markup:
    """A plain table; a cell that is no `Markup` is escaped."""
    return _part("table", title, headers, rows, tall)


def panel(title: str) -> Markup:
    """The heading of a panel whose content Streamlit draws."""
    return _part("panel", title)


def strong(text: str) -> Markup:
    """A cell that stands out."""
    return _part("strong", text)


def code(text: str) -> Markup:
    """A cell of a code or a hash."""
    return _part("code", text)


def reasons(found: Sequence[Reason]) -> Markup:
    """Every reason with its message and its evidence."""
    rows = [
        {
            "code": reason.code,
            "message": reason.message,
            "evidence": [
                (name.replace("_", " "), f"{value:.3g}" if isinstance(value, float) else value)
                for name, value in reason.evidence.items()
            ],
        }
        for reason in found
    ]
    return _part("reasons", rows)
