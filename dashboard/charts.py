"""Altair charts. They take plain numbers and the viewer's theme, and give a chart."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import altair as alt
import pandas as pd

INK = {"light": "#15202b", "dark": "#e9eef3"}
LINE = {"light": "#1f4e79", "dark": "#8ab8e6"}


def arrivals(
    counted: Sequence[tuple[int, int]], expected: int, theme: str, height_px: int = 230
) -> alt.LayerChart:
    """Tallies counted so far over time.

    Args:
        counted: (epoch seconds, tallies so far), in order.
        expected: stations expected, drawn as the line to reach.
        theme: "light" or "dark".
        height_px: height of the chart.
    """
    frame = pd.DataFrame(
        {
            "time": [datetime.fromtimestamp(epoch_s, UTC) for epoch_s, _ in counted],
            "tallies": [tallies for _, tallies in counted],
        }
    )
    ink, line = INK[theme], LINE[theme]
    x = alt.X("time:T").axis(title=None, format="%H:%M:%S", grid=False, tickCount=4)
    y = alt.Y("tallies:Q").axis(title=None, tickCount=4, format=",d", domain=False)
    area = (
        alt.Chart(frame)
        .mark_area(
            line={"color": line, "strokeWidth": 2.5},
            color=line,
            fillOpacity=0.18,
        )
        .encode(x=x, y=y.scale(domain=[0, max(expected, 1)], nice=True))
    )
    goal = (
        alt.Chart(pd.DataFrame({"tallies": [expected]}))
        .mark_rule(color=ink, strokeDash=[5, 4], opacity=0.55)
        .encode(y="tallies:Q")
    )
    chart: alt.LayerChart = (
        alt.layer(area, goal)
        .properties(height=height_px, background="transparent")
        .configure_view(strokeWidth=0)
        .configure_axis(
            labelColor=ink,
            labelFontSize=14,
            labelOpacity=0.7,
            tickColor=ink,
            domainColor=ink,
            gridColor=ink,
            gridOpacity=0.12,
        )
    )
    return chart
