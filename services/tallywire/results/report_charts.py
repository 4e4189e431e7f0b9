"""The three figures as PNG bytes, with matplotlib and no window."""

from __future__ import annotations

import io
from collections.abc import Sequence

import matplotlib as mpl
import numpy as np

from tallywire.election.election import Contest
from tallywire.records import Quality
from tallywire.results.figures import CountPair, Spread, VoteShare

mpl.use("Agg")
from matplotlib import pyplot as plt

COLOURS = {Quality.HIGH: "#1b2a41", Quality.MODERATE: "#c8553d"}


def draw_pairs(pairs: Sequence[CountPair]) -> bytes:
    """Figure 10: log(1 + count) on both axes, points as large as they are frequent."""
    figure, axes = plt.subplots(figsize=(6.4, 6))
    for quality, colour in COLOURS.items():
        some = [pair for pair in pairs if pair.quality is quality]
        axes.scatter(
            [np.log1p(pair.official) for pair in some],
            [np.log1p(pair.predicted) for pair in some],
            s=[8 + 14 * np.sqrt(pair.times) for pair in some],
            color=colour, alpha=0.45, linewidths=0, label=f"{quality} quality",
        )  # fmt: skip
    ticks = [0, 1, 3, 10, 30, 100, 300, 999]
    axes.set_xticks(np.log1p(ticks), ticks)
    axes.set_yticks(np.log1p(ticks), ticks)
    axes.set(xlabel="official count", ylabel="predicted count")
    axes.legend(frameon=False)
    return _png(figure)


def draw_shares(shares: Sequence[VoteShare], contest: Contest) -> bytes:
    """Figure 11: three bars an option."""
    figure, axes = plt.subplots(figsize=(9, 4.4))
    at = np.arange(len(shares))
    colours = [option.colour for option in contest.options]
    bars = (
        ("official", [100 * (one.official or 0) for one in shares], 0.25, None),
        ("all tallies", [100 * one.everything for one in shares], 0.65, None),
        ("high quality only", [100 * one.high_only for one in shares], 1.0, "//"),
    )
    for nth, (label, heights, alpha, hatch) in enumerate(bars):
        axes.bar(at + 0.27 * (nth - 1), heights, 0.25, color=colours, alpha=alpha, hatch=hatch,
                 edgecolor="white", label=label)  # fmt: skip
    axes.set_xticks(at, [one.option for one in shares], rotation=35, ha="right")
    axes.set(ylabel="% of the votes")
    axes.legend(frameon=False)
    return _png(figure)


def draw_spreads(spreads: Sequence[Spread], contest: Contest) -> bytes:
    """Figure 12: a box an option."""
    figure, axes = plt.subplots(figsize=(9, 4.4))
    boxes = axes.boxplot([one.counts or (0,) for one in spreads], patch_artist=True,
                         flierprops={"markersize": 2})  # fmt: skip
    for box, option in zip(boxes["boxes"], contest.options, strict=True):
        box.set(facecolor=option.colour, alpha=0.75)
    axes.set_xticks(range(1, len(spreads) + 1), [one.option for one in spreads], rotation=35,
                    ha="right")  # fmt: skip
    axes.set(ylabel="votes on a tally")
    return _png(figure)


def _png(figure: plt.Figure) -> bytes:
    out = io.BytesIO()
    figure.tight_layout()
    figure.savefig(out, format="png", dpi=110)
    plt.close(figure)
    return out.getvalue()
