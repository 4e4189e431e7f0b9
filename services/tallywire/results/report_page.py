"""One self-contained HTML page: pictures inside, numbers beside them."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

from jinja2 import Environment, StrictUndefined

from tallywire.election.election import Contest, Election
from tallywire.records import Quality
from tallywire.results.figures import CountPair, Spread, Tally, VoteShare
from tallywire.results.report_charts import draw_pairs, draw_shares, draw_spreads


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
    """The page as HTML, by the template `report.html`, which escapes whatever it shows."""
    environment = Environment(autoescape=True, undefined=StrictUndefined)
    template = environment.from_string(
        files("tallywire.results").joinpath("report.html").read_text()
    )
    return template.render(
        report=report,
        high=sum(tally.quality is Quality.HIGH for tally in report.tallies),
        held=sum(tally.held for tally in report.tallies),
        pairs=_base64(draw_pairs(report.pairs)) if report.pairs else "",
        pair_rows=[_pair_row(quality, report.pairs) for quality in Quality],
        shares=_base64(draw_shares(report.shares, report.contest)),
        share_rows=[_share_row(one) for one in report.shares],
        spreads=_base64(draw_spreads(report.spreads, report.contest)),
        spread_rows=[_spread_row(one) for one in report.spreads],
    )


def _pair_row(quality: Quality, pairs: Sequence[CountPair]) -> tuple[str, ...]:
    some = [pair for pair in pairs if pair.quality is quality]
    counts = sum(pair.times for pair in some)
    same = sum(pair.times for pair in some if pair.official == pair.predicted)
    error = sum(pair.times * abs(pair.official - pair.predicted) for pair in some)
    return quality, f"{counts:,}", f"{same / counts:.2%}" if counts else "-", f"{error:,}"


def _share_row(one: VoteShare) -> tuple[str, ...]:
    official = "-" if one.official is None else f"{one.official:.2%}"
    return one.option, official, f"{one.everything:.2%}", f"{one.high_only:.2%}"


def _spread_row(one: Spread) -> tuple[str, ...]:
    return one.option, *(f"{one.quantile(share)}" for share in (0, 0.25, 0.5, 0.75, 1))


def _base64(png: bytes) -> str:
    return base64.b64encode(png).decode()
