"""The live page's parts as HTML. Pure: values in, text out; everything from a file is escaped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape

from dashboard.figures import BallotLine, Outlook, StationProgress, ranked, share

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


def head(page: Head) -> str:
    """Title, badges and how fresh the numbers are."""
    test = '<span class="tw-badge test">TEST</span>' if page.rehearsal else ""
    dot = "stale" if page.stale else ""
    word = "Stale" if page.stale else "Live"
    clock = page.updated_at.strftime("%H:%M:%S") if page.updated_at else NO_VALUE
    generation = f"generation {escape(page.generation)}" if page.generation else "no ledger yet"
    return (
        f'<div class="tw tw-head"><div class="title"><h1>{escape(page.title)}</h1>'
        f'<div class="sub">{escape(page.subtitle)}</div></div>'
        f'<span class="tw-badge">UNOFFICIAL</span>{test}'
        f'<div class="tw-fresh"><div><i class="tw-dot {dot}"></i><b>{word}</b>'
        f' · updated {clock}</div><div class="soft">{generation}</div></div></div>'
    )


def notice(text: str, *, bad: bool = False) -> str:
    """A full-width message that keeps the numbers below it in view."""
    return f'<div class="tw tw-notice{" bad" if bad else ""}">{escape(text)}</div>'


def waiting(stations: int) -> str:
    """What the wall shows before the first scan."""
    return (
        '<div class="tw tw-waiting"><p>Waiting for the first scans</p>'
        f"<span>{count(stations)} polling stations are expected to report</span></div>"
    )


def kpis(progress: StationProgress, votes: int, rate: float) -> str:
    """The row of key figures."""
    counted, held = (
        100 * share(stations, progress.expected) for stations in (progress.counted, progress.held)
    )
    reported = (
        '<div class="tw-kpi"><div class="label">Stations reported</div>'
        f'<div class="value">{count(progress.counted)} <small>of {count(progress.expected)}'
        f"  ·  {percent(progress.counted, progress.expected)}</small></div>"
        f'<div class="tw-progress"><i style="width:{counted:.2f}%"></i>'
        f'<i class="held" style="width:{held:.2f}%"></i></div>'
        f'<div class="note">{count(progress.missing)} still missing</div></div>'
    )
    cells = (
        _kpi("Turnout", percent(votes, progress.registered_counted), "in counted stations"),
        _kpi("Votes counted", count(votes), "all options"),
        _kpi("Held", count(progress.held), "stations for review"),
        _kpi("Rejected", count(progress.rejected_scans), f"{_duplicates(progress)}"),
        _kpi("Rate", f"{rate:,.0f} <small>/ min</small>", "scans arriving"),
    )
    return f'<div class="tw tw-kpis">{reported}{"".join(cells)}</div>'


def _kpi(label: str, value: str, note: str) -> str:
    return (
        f'<div class="tw-kpi"><div class="label">{label}</div>'
        f'<div class="value">{value}</div><div class="note">{note}</div></div>'
    )


def _duplicates(progress: StationProgress) -> str:
    plural = "" if progress.duplicate_scans == 1 else "s"
    return f"scans; {count(progress.duplicate_scans)} duplicate{plural}"


def results(lines: Sequence[BallotLine]) -> str:
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
    header = "".join(f"<div>{title}</div>" for title in titles)
    rows = "".join(_row(line, whole, widest) for line in ranked(lines))
    return (
        '<div class="tw"><h2>Share of votes</h2>'
        f'<div class="tw-results{"" if known else " unknown"}">'
        f'<div class="row head"><div></div><div></div>{header}</div>{rows}</div>'
        f"{_legend(known)}</div>"
    )


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


def _row(line: BallotLine, whole: _Whole, widest: float) -> str:
    lesser = "" if line.candidate else " lesser"
    official = (
        f'<div class="num">{percent(line.official or 0, whole.official)}</div>'
        if whole.official is not None
        else ""
    )
    return (
        f'<div class="row{lesser}" data-option="{escape(line.id)}">'
        f'<div class="name" title="{escape(line.name)}">{escape(_short(line))}</div>'
        f"{_bar(line, whole, widest)}"
        f'<div class="num all">{percent(line.votes, whole.votes)}</div>'
        f'<div class="num votes">{count(line.votes)}</div>'
        f'<div class="num soft">{percent(line.high, whole.high)}</div>{official}</div>'
    )


def _short(line: BallotLine) -> str:
    """The ballot's short name where a voter knows it, else the words."""
    return line.id if line.candidate and len(line.name) > len(line.id) else line.name


def _bar(line: BallotLine, whole: _Whole, widest: float) -> str:
    segments, left = [], 0.0
    for kind in ("high", "moderate", "corrected", "held"):
        width = min(100 * share(getattr(line, kind), whole.votes) / widest, 100 - left)
        if width > 0:
            segments.append(f'<i class="{kind}" style="left:{left:.3f}%;width:{width:.3f}%"></i>')
            left += width
    counted = 100 * share(line.votes, whole.votes) / widest
    segments.append(f'<i class="edge" style="left:0;width:{counted:.3f}%"></i>' if counted else "")
    if whole.official is not None:
        at = 100 * share(line.official or 0, whole.official) / widest
        segments.append(f'<i class="official" style="left:{at:.3f}%"></i>')
    return f'<div class="tw-bar" style="--c:{escape(line.colour)}">{"".join(segments)}</div>'


def _legend(official_known: bool) -> str:
    entries = [
        ("high", "high quality", ""),
        ("moderate", "moderate quality", ""),
        ("corrected", "corrected by a person", ""),
        ("held", "held for review, in no total", ""),
        *([("official", "official result", " tick")] if official_known else []),
    ]
    items = "".join(
        f'<span><em class="tw-bar{extra}"><i class="{kind}" style="left:0;'
        f'{"left:50%" if extra else "width:100%"}"></i></em>{label}</span>'
        for kind, label, extra in entries
    )
    return f'<div class="tw-legend">{items}</div>'


def verdict(outlook: Outlook | None, progress: StationProgress, names: dict[str, str]) -> str:
    """Whether held and missing sheets can change who leads, with the numbers that decide it."""
    if outlook is None:
        return ""
    first, second = (escape(names[option]) for option in (outlook.first, outlook.second))
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
    rows = "".join(f"<span>{label}</span><b>{value} votes</b>" for label, value in facts)
    return (
        '<div class="tw tw-panel first"><h2>Can the order still change?</h2>'
        f'<p class="tw-verdict {tone}">{words}</p><div class="tw-facts">{rows}</div></div>'
    )


def leader(line: BallotLine, votes: int) -> str:
    """An option and its share for a table cell; a dash where nothing is counted."""
    if not votes:
        return NO_VALUE
    chip = f'<i class="tw-chip" style="--c:{escape(line.colour)}"></i>'
    return f"{chip}{escape(line.id)} {percent(line.votes, votes)}"


def table(
    title: str, headers: Sequence[str], rows: Sequence[Sequence[str]], *, tall: bool = False
) -> str:
    """A plain table; cells are HTML, so the caller escapes what comes from a file."""
    header = "".join(f"<th>{escape(text)}</th>" for text in headers)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    scroll = "tw-scroll tall" if tall else "tw-scroll"
    return (
        f'<div class="tw tw-panel"><h2>{escape(title)}</h2><div class="{scroll}">'
        f'<table class="tw-table"><thead><tr>{header}</tr></thead>'
        f"<tbody>{body}</tbody></table></div></div>"
    )
