"""Rendering, with a bar that says how far it is."""

from __future__ import annotations

from rich.console import Console

from tallywire.edge.progress_bars import sheet_bar
from tallywire.workshop.synthetic.rendering import RenderOptions, RenderResult, render


def render_with_bar(options: RenderOptions, console: Console) -> RenderResult:
    """Draw the sheets; see `render`."""
    with sheet_bar("Rendering", console) as progress:
        return render(options, progress)
