"""One self-contained HTML page: pictures inside, numbers beside them."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from tallywire.election.election import Contest, Election
from tallywire.records import Quality
from tallywire.results.figures import CountPair, Spread, Tally, VoteShare
from tallywire.results.report_charts import draw_pairs, draw_shares, draw_spreads

STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;
color:#1b2a41}h1{margin-bottom:0}.stamp{color:#c8553d;font-weight:600}img{max-width:100%}
table{border-collapse:collapse;margin:1rem 0}td,th{padding:.2rem .8rem;text-align:right;
border-bottom:1px solid #dde3ea}td:first-child,th:first-child{text-align:left}
"""


@dataclass(frozen=True, slots=True)
class ReportPage:
    """What one page shows."""

    election: Election
    contest: Contest
    generation: str
    tallies: Sequence[Tally]
    pairs: Sequence[CountPair]
    shares: Sequence[VoteShare]
    spreads: Sequence[Spread]


def write_page(report: ReportPage) -> str:
    """The page as HTML."""
    stamp = "UNOFFICIAL" + (" - TEST" if report.election.rehearsal else "")
    high = sum(tally.quality is Quality.HIGH for tally in report.tallies)
    held = sum(tally.held for tally in report.tallies)
    return "\n".join(
        [
            "<!doctype html><meta charset=utf-8>",
            f"<title>{escape(report.election.name)}</title><style>{STYLE}</style>",
            f"<h1>{escape(report.election.name)}</h1><p class=stamp>{stamp}</p>",
            f"<p>{escape(report.contest.name)}, generation {escape(report.generation)}:"
            f" {len(report.tallies):,} tallies, {high:,} of high quality, {held:,} held."
            " Figures after Torres and Cant&uacute;, <i>Learning to See</i>.</p>",
            *_pairs(report.pairs),
            *_shares(report),
            *_spreads(report),
        ]
    )


def _pairs(pairs: Sequence[CountPair]) -> Iterable[str]:
    yield "<h2>Official against predicted counts</h2><p>As in figure 10; logarithmic.</p>"
    if not pairs:
        yield "<p>No official counts of single stations were given (--truth).</p>"
        return
    yield _image(draw_pairs(pairs))
    rows = []
    for quality in Quality:
        some = [pair for pair in pairs if pair.quality is quality]
        counts = sum(pair.times for pair in some)
        same = sum(pair.times for pair in some if pair.official == pair.predicted)
        error = sum(pair.times * abs(pair.official - pair.predicted) for pair in some)
        share = f"{same / counts:.2%}" if counts else "-"
        rows.append([quality, f"{counts:,}", share, f"{error:,}"])
    yield _table(["quality", "counts", "equal", "votes of absolute error"], rows)


def _shares(report: ReportPage) -> Iterable[str]:
    yield "<h2>Vote shares</h2><p>As in figure 11.</p>"
    yield _image(draw_shares(report.shares, report.contest))
    rows = [
        [
            one.option,
            "-" if one.official is None else f"{one.official:.2%}",
            f"{one.everything:.2%}",
            f"{one.high_only:.2%}",
        ]
        for one in report.shares
    ]
    yield _table(["option", "official", "all tallies", "high quality only"], rows)


def _spreads(report: ReportPage) -> Iterable[str]:
    yield "<h2>Votes per tally</h2><p>As in figure 12.</p>"
    yield _image(draw_spreads(report.spreads, report.contest))
    rows = [
        [one.option, *(f"{one.quantile(share)}" for share in (0, 0.25, 0.5, 0.75, 1))]
        for one in report.spreads
    ]
    yield _table(["option", "least", "quartile", "median", "quartile", "most"], rows)


def _image(png: bytes) -> str:
    return f'<img alt="" src="data:image/png;base64,{base64.b64encode(png).decode()}">'


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["<tr>" + "".join(f"<th>{escape(cell)}</th>" for cell in head) + "</tr>"]
    lines += [
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    ]
    return "<table>" + "".join(lines) + "</table>"
