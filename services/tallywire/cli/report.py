"""`tallywire report`: the paper's figures for one night."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from tallywire.cli.options import ElectionOption


def report(
    out: Annotated[Path, typer.Option(help="HTML page to write")] = Path("out/report.html"),
    contest: Annotated[
        str | None, typer.Option(help="Contest, where the election has several")
    ] = None,
    generation: Annotated[str | None, typer.Option(help="Ledger [default: the live one]")] = None,
    truth: Annotated[
        Path | None,
        typer.Option(
            help="Official counts by station: truth.csv of `render`, or a CSV with columns"
            " `station` and the options' ids"
        ),
    ] = None,
    election: ElectionOption = None,
    redis: Annotated[str | None, typer.Option(help="Redis URL")] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write the numbers there as well")
    ] = None,
) -> None:
    """Write one page with the paper's figures 10, 11 and 12 and their numbers, from a ledger.

    Figure 10 sets official against predicted counts of every tally (needs --truth), figure 11 the
    vote shares by quality, figure 12 the votes per tally.
    """
    from tallywire.results.report import make_report, to_json
    from tallywire.results.report_page import write_page
    from tallywire.settings import load_settings

    settings = load_settings(election=election, redis=redis)
    found = make_report(settings, contest, generation, truth)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(write_page(found), encoding="utf-8")
    if json_file:
        json_file.write_text(json.dumps(to_json(found), indent=2) + "\n")
    typer.echo(f"{len(found.tallies)} tallies of generation {found.generation}: look at {out}")
