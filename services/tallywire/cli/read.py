"""`tallywire read`: sheets from files to tables in the terminal, with no broker."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tallywire.cli.options import JsonOption, ServingOption

OverlayOption = Annotated[
    Path | None,
    typer.Option(
        help="Write the scan with what was found on it: a .png or .jpg, a folder for several"
    ),
]


def read(
    sheets: Annotated[
        list[Path], typer.Argument(metavar="SHEET...", help="Images: JPEG, PNG or TIFF")
    ],
    layout: Annotated[
        str | None,
        typer.Option(help="Layout file (.toml) or id of a shipped one; the election's if left out"),
    ] = None,
    election: Annotated[
        str | None,
        typer.Option(help="Election folder or shipped id: names the rows and gives the layout"),
    ] = None,
    contest: Annotated[
        str | None, typer.Option(help="Contest id, where the election has several")
    ] = None,
    station: Annotated[
        str | None, typer.Option(help="Station id: its registered voters limit the counts")
    ] = None,
    overlay: OverlayOption = None,
    json_file: JsonOption = None,
    serving: ServingOption = None,
    model_repo: Annotated[Path | None, typer.Option(help="Folder of models")] = None,
    model_version: Annotated[int | None, typer.Option(help="Model version; the newest one")] = None,
) -> None:
    """Read tally sheets from files and show what they say.

    Asks the model server; where none answers, starts one for the time of the reading. Exit code 1
    if a sheet gave no reading.
    """
    from tallywire.edge.output_files import write_json
    from tallywire.edge.terminal import terminal
    from tallywire.read.display import plan_overlays, show, to_json, write_overlay
    from tallywire.read.form import FormOptions, find_form
    from tallywire.read.sheets import a_classifier, open_sheet, read_opened, refused
    from tallywire.settings import load_settings

    settings = load_settings(
        election=election, serving=serving, model_repo=model_repo, model_version=model_version
    )
    form = find_form(
        settings,
        FormOptions(layout=layout, election=election, contest=contest, station=station),
    )
    overlays = plan_overlays(overlay, sheets) if overlay else []
    opened = [open_sheet(path, form.layout, settings.max_pixels) for path in sheets]
    console, notes = terminal(), terminal(stderr=True)
    with a_classifier(settings, notes.print) as classify:
        done = [read_opened(sheet, form.layout, form.registered, classify) for sheet in opened]
    for sheet in done:
        show(console, sheet, form.layout, form.contest)
    for path, sheet in zip(overlays, done, strict=False):
        write_overlay(path, sheet, form.layout)
    if json_file:
        write_json(json_file, {"sheets": [to_json(sheet) for sheet in done]})
    if refused(done):
        raise typer.Exit(1)
