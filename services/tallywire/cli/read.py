"""`tallywire read`: sheets from files to tables in the terminal, with no broker."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tallywire.cli.options import ServingOption
from tallywire.settings import Settings, load_settings

if TYPE_CHECKING:
    from tallywire.election.election import Contest
    from tallywire.sheet.layout import Layout


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
    overlay: Annotated[
        Path | None,
        typer.Option(
            help="Write the scan with what was found on it: a .png or .jpg, a folder for several"
        ),
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", dir_okay=False, help="Write the readings to this file")
    ] = None,
    serving: ServingOption = None,
    model_repo: Annotated[Path | None, typer.Option(help="Folder of models")] = None,
    model_version: Annotated[int | None, typer.Option(help="Model version; the newest one")] = None,
) -> None:
    """Read tally sheets from files and show what they say.

    Asks the model server; where none answers, starts one for the time of the reading. Exit code 1
    if a sheet gave no reading.
    """
    from rich.console import Console

    from tallywire.read.display import show, write_json, write_overlay
    from tallywire.read.sheets import a_classifier, open_sheet, read_opened, refused

    settings = load_settings(
        election=election, serving=serving, model_repo=model_repo, model_version=model_version
    )
    form, its_contest, registered = _context(settings, layout, election, contest, station)
    console, notes = Console(), Console(stderr=True)
    opened = [open_sheet(path, form, settings.max_pixels) for path in sheets]
    with a_classifier(settings, notes.print) as classify:
        done = [read_opened(sheet, form, registered, classify) for sheet in opened]
    for sheet in done:
        show(console, sheet, form, its_contest)
        if overlay and sheet.opened.image:
            write_overlay(_overlay_path(overlay, sheet.opened.path, len(done)), sheet, form)
    if json_file:
        write_json(json_file, done)
    if refused(done):
        raise typer.Exit(1)


def _context(
    settings: Settings, layout: str | None, election: str | None, contest: str | None,
    station: str | None,
) -> tuple[Layout, Contest | None, int | None]:  # fmt: skip
    """Layout, contest and registered voters, as far as the options tell them."""
    from tallywire.election.loading import load_election, load_layout
    from tallywire.errors import UsageError

    if layout and not (election or contest or station):
        return load_layout(layout), None, None
    loaded = load_election(settings.election)
    found = loaded.election
    its_contest = found.contest(contest)
    if its_contest is None:
        known = ", ".join(item.id for item in found.contests)
        raise UsageError(f"--contest {contest or '(none)'}: election {found.id} has {known}")
    form = load_layout(layout) if layout else loaded.layouts[its_contest.id]
    if station is None:
        return form, its_contest, None
    if station not in found.stations:
        raise UsageError(f"--station {station}: election {found.id} has no such station")
    return form, its_contest, found.stations[station].registered


def _overlay_path(overlay: Path, sheet: Path, count: int) -> Path:
    """The file itself for one sheet, or a file in that folder for each of several."""
    if count == 1 and not overlay.is_dir():
        return overlay
    overlay.mkdir(parents=True, exist_ok=True)
    return overlay / f"{sheet.stem}-overlay.png"
