"""`tallywire render`: synthetic tally sheets of an election into a folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from tallywire.workshop.synthetic.conditions import ConditionName


def render(
    out: Annotated[Path, typer.Option(help="Folder to write to")],
    stations: Annotated[
        int | None, typer.Option(min=1, help="How many polling stations (default: all)")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same bytes")] = 1,
    condition: Annotated[
        ConditionName, typer.Option(help="What happened to the sheets")
    ] = ConditionName.SCANNER,
    dpi: Annotated[int, typer.Option(min=100, max=400, help="Resolution")] = 200,
    election: Annotated[
        str, typer.Option(help="Election folder, or the id of a shipped election")
    ] = "mx-2015-d15",
    inconsistent: Annotated[
        float, typer.Option(min=0, max=1, help="Share of sheets whose total does not add up")
    ] = 0.0,
    jobs: Annotated[
        int | None, typer.Option(min=1, max=64, help="Threads (default: one for each core)")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace an earlier render in that folder")
    ] = False,
) -> None:
    """Draw tally sheets as an election night would bring them in.

    Writes one JPEG for each station, truth.csv with what is written on them, contact.png to look
    at, and election.toml and stations.csv of exactly these stations. The counts of all stations
    together are the official result; the handwriting is MNIST's test writers, whom no model here
    is trained on.
    """
    from tallywire.edge.output_files import require_folder
    from tallywire.edge.progress_bars import sheet_bar
    from tallywire.edge.terminal import terminal
    from tallywire.workshop.synthetic.rendering import RenderOptions
    from tallywire.workshop.synthetic.rendering import render as draw

    require_folder(out, "--out")
    options = RenderOptions(
        out=out,
        stations=stations,
        seed=seed,
        condition=condition,
        dpi=dpi,
        election=election,
        inconsistent=inconsistent,
        jobs=jobs or os.cpu_count() or 1,
        force=force,
    )
    with sheet_bar("Rendering", terminal()) as progress:
        done = draw(options, progress)
    wrong = sum(not row.adds_up for row in done.rows)
    typer.echo(
        f"{len(done.rows)} sheets of {done.election.name} in {out}"
        f" ({done.size_bytes / 1e6:.0f} MB, {condition.value}, seed {seed}"
        f"{f', {wrong} with a wrong total' if wrong else ''}); look at {out / 'contact.png'}"
    )
