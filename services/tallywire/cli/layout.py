"""`tallywire layout`: teaches a form from scans of it, and tells how well it is found."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tallywire.cli.options import JsonOption

layout = typer.Typer(
    help="Teach a form from scans of it, and tell how well it is found.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
FormArgument = Annotated[
    Path, typer.Argument(metavar="FORM", help="Layout file (.toml), its picture beside it")
]
ScansArgument = Annotated[
    list[Path], typer.Argument(metavar="SCAN...", help="Images: JPEG, PNG or TIFF")
]


@layout.command()
def reference(
    form: FormArgument,
    scans: ScansArgument,
    corners: Annotated[
        str | None,
        typer.Option(
            metavar="X,Y,X,Y,X,Y,X,Y",
            help="The page's corners on the first scan, px: top left, top right, bottom right,"
            " bottom left",
        ),
    ] = None,
) -> None:
    """Make the picture that a form is known by, from scans of it.

    The first scan, the right way up, says where the page lies: by --corners, else by the layout's
    marks, else it is all page. The others are found by it, and the median of all is kept: print
    stays, writing goes. Cells and ignored regions are painted over. Exit code 1 if any other scan
    was not found; the picture is then made of the rest.
    """
    from tallywire.edge.terminal import terminal
    from tallywire.layouts.session import TeachOptions, teach_form
    from tallywire.settings import load_settings

    options = TeachOptions(form, tuple(scans), corners, load_settings().max_pixels)
    if teach_form(terminal(), options):
        raise typer.Exit(1)


@layout.command()
def check(
    form: FormArgument,
    scans: ScansArgument,
    overlay: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write the scans there with their rows drawn on them"),
    ] = None,
    json_file: JsonOption = None,
) -> None:
    """Find a form on scans of it, and tell how surely.

    Exit code 1 if it is not found on some scan.
    """
    from tallywire.edge.terminal import terminal
    from tallywire.layouts.session import CheckOptions, check_form
    from tallywire.settings import load_settings

    options = CheckOptions(form, tuple(scans), overlay, json_file, load_settings().max_pixels)
    if check_form(terminal(), options):
        raise typer.Exit(1)
