"""`tallywire report`: the article's figures for one night."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tallywire.cli.options import ElectionOption, JsonOption, RedisOption


def report(
    out: Annotated[Path, typer.Option(help="HTML page to write")] = Path("out/report.html"),
    contest: Annotated[
        str | None, typer.Option(help="Contest, where the election has several")
    ] = None,
    generation: Annotated[
        str | None, typer.Option(help="Build of the ledger (default: the live one)")
    ] = None,
    truth: Annotated[
        Path | None,
        typer.Option(
            help="Official counts by station: truth.csv of `render`, or a CSV with columns"
            " `station` and the options' ids"
        ),
    ] = None,
    election: ElectionOption = None,
    redis: RedisOption = None,
    json_file: JsonOption = None,
) -> None:
    """Write one page with the article's figures 10, 11 and 12 and their numbers, from a ledger.

    Figure 10 sets official against predicted counts of every tally (needs --truth), figure 11 the
    vote shares by quality, figure 12 the votes per tally.
    """
    from tallywire.edge.output_files import make_folder_of, write_file, write_json
    from tallywire.results.report import make_report, to_json
    from tallywire.results.report_page import write_page
    from tallywire.settings import load_settings

    settings = load_settings(election=election, redis=redis)
    make_folder_of(out, "--out")
    found = make_report(settings, contest, generation, truth)
    write_file(out, write_page(found).encode())
    typer.echo(f"{len(found.tallies)} tallies of generation {found.generation}: look at {out}")
    if json_file:
        write_json(json_file, to_json(found))
