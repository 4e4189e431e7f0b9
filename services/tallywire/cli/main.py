"""The `tallywire` command: what there is, loaded when it is asked for, and how errors end."""

from __future__ import annotations

import errno
import importlib
import io
import sys
from typing import Any, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup

from tallywire import __version__
from tallywire.errors import TallywireError, UsageError

COMMANDS = {
    "demo": "One election night, end to end, on this machine.",
    "up": "Start the servers of a count on this machine, for your own scans.",
    "read": "Read tally sheets from files and show what they say.",
    "layout": "Teach a form from scans of it, and tell how well it is found.",
    "render": "Draw synthetic tally sheets of an election.",
    "topics": "Create the Kafka topics where they are missing.",
    "publish": "Send scans to Kafka, and keep a receipt of each.",
    "worker": "Read scans as they arrive and count them exactly once.",
    "serve-model": "Serve the digit model, where TensorFlow Serving is not.",
    "dashboard": "Show the live count in the browser.",
    "replay": "Read all scans again, into a generation of their own.",
    "generations": "List the builds of the ledger: live, made how, how far.",
    "diff": "Name the sheets that two generations read differently.",
    "promote": "Show another generation to every viewer at once.",
    "rollback": "Show the generation that was live before.",
    "train": "Train a digit model.",
    "evaluate": "Measure how well models read.",
    "review": "List the held sheets, decide one, tell a station's history.",
    "rejected": "List refused scans, save them, publish them again.",
    "report": "Write the article's figures for one night.",
    "export": "Write evidence and totals for outsiders to check.",
    "verify": "Recompute every total from the topics alone.",
    "bench": "Measure what this machine reads and counts in a second.",
    "faults": "Break what can break, and see that nothing is lost.",
    "doctor": "Check every part before the night does.",
    "settings": "Print every setting in force and where it comes from.",
}
"""In the order of an election night. `tallywire.cli.<name>` (dashes as underscores) holds one
function of the same name, whose docstring is the whole help, or a `Typer` of sub-commands."""

FAILED, WRONG_USAGE = 1, 2
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EMFILE, errno.ENFILE)


class CommandGroup(TyperGroup):
    """Knows all commands by name and one line, and imports the one that is run.

    So a worker never imports a dashboard, and `tallywire --help` imports neither.
    """

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        for name, line in COMMANDS.items():
            self.commands[name] = TyperCommand(name, help=line)

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """The command that was typed, loaded; an unknown one is told with the nearest name."""
        name, _, rest = super().resolve_command(ctx, args)
        return name, load_command(str(name)), rest


def load_command(name: str) -> Any:
    """Import one command of `COMMANDS`."""
    function = name.replace("-", "_")
    found = getattr(importlib.import_module(f"tallywire.cli.{function}"), function)
    if isinstance(found, typer.Typer):
        group = typer.main.get_command(found)
        group.name = name
        return group
    single = typer.Typer(
        add_completion=False, pretty_exceptions_enable=False, rich_markup_mode="rich"
    )
    single.command(name)(found)
    return typer.main.get_command(single)


def build() -> typer.Typer:
    """The whole command tree."""
    app = typer.Typer(
        name="tallywire",
        cls=CommandGroup,
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
    return app


def _tell_version(asked: bool) -> None:
    if asked:
        typer.echo(f"tallywire {__version__}")
        raise typer.Exit


def _root(
    version: bool = typer.Option(
        False, "--version", is_eager=True, callback=_tell_version, help="Print the version and end."
    ),
) -> None:
    pass


def main() -> None:
    """Run the command line; our own errors end as one clear message, never as a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a name that this terminal has no letters for
            stream.reconfigure(errors="backslashreplace")
    try:
        build()()
    except UsageError as error:
        _end("Wrong usage or input", str(error), WRONG_USAGE)
    except TallywireError as error:
        _end("Failed", str(error), FAILED)
    except OSError as error:
        if error.filename is None and error.errno not in NO_ROOM:
            raise  # a bug of ours: some connection's, which the edges should have translated
        _end("Failed", ": ".join(filter(None, (error.filename, error.strerror))), FAILED)


def _end(title: str, message: str, code: int) -> NoReturn:
    from tallywire.edge.terminal import terminal

    console = terminal(stderr=True)
    console.print(title, style="bold red")
    console.print(message, soft_wrap=True)
    sys.exit(code)
