"""The `tallywire` command: registers every sub-command and turns our errors into exit codes."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

import typer
from rich.console import Console

from tallywire import __version__
from tallywire.errors import TallywireError, UsageError

# In the order of an election night. Each module holds one function of the same name
# (dashes as underscores) and imports nothing heavy at its top, so that --help stays quick.
COMMANDS = (
    "demo",
    "up",
    "read",
    "render",
    "topics",
    "publish",
    "worker",
    "serve-model",
    "dashboard",
    "replay",
    "generations",
    "diff",
    "promote",
    "rollback",
    "train",
    "evaluate",
    "review",
    "rejected",
    "report",
    "export",
    "verify",
    "bench",
    "faults",
    "doctor",
)

DONE, FAILED, WRONG_USAGE = 0, 1, 2


def build(names: Sequence[str] = COMMANDS) -> typer.Typer:
    """The command tree with the sub-commands `names`."""
    app = typer.Typer(
        name="tallywire",
        help=(
            "Reads the handwritten vote tallies of an election night as they arrive,"
            " into live, auditable district totals."
        ),
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich",
    )
    app.callback()(_root)
    for name in names:
        function = name.replace("-", "_")
        module = importlib.import_module(f"tallywire.cli.{function}")
        app.command(name)(getattr(module, function))
    return app


def _root(
    version: bool = typer.Option(False, "--version", help="Print the version and end."),
) -> None:
    if version:
        typer.echo(f"tallywire {__version__}")
        raise typer.Exit


def main() -> None:
    """Run the command line; our own errors end as one clear message, never as a traceback."""
    console = Console(stderr=True)
    asked = sys.argv[1] if len(sys.argv) > 1 else ""
    try:
        # Loading only what was asked for keeps a worker from importing a dashboard.
        build([asked] if asked in COMMANDS else COMMANDS)()
    except UsageError as error:
        console.print(
            f"[bold red]Wrong usage or input[/]\n{error}", highlight=False, soft_wrap=True
        )
        sys.exit(WRONG_USAGE)
    except TallywireError as error:
        console.print(f"[bold red]Failed[/]\n{error}", highlight=False, soft_wrap=True)
        sys.exit(FAILED)
