"""What a person needs to know of a running stack: addresses, and the next commands to type."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path

from rich.table import Table
from rich.text import Text

from tallywire.supervision.child import Child
from tallywire.workshop.stack.local import LocalStack
from tallywire.workshop.up.options import UpOptions

ENVIRONMENT_FILE = "env.sh"


def write_environment(folder: Path, environment: Mapping[str, str]) -> Path:
    """A file for other terminals to source, so that every command finds this stack."""
    path = folder / ENVIRONMENT_FILE
    lines = (f"export {name}={shlex.quote(value)}\n" for name, value in environment.items())
    path.write_text("".join(lines), encoding="utf-8")
    return path


def address_table(stack: LocalStack, options: UpOptions) -> Table:
    """Where everything answers."""
    settings = stack.settings
    keeps = "keeps all" if options.keep else "forgets all at the end"
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold")
    if stack.dashboard_url:
        _row(table, "live page", stack.dashboard_url)
    _row(table, "broker", settings.kafka, f"{options.broker}, {keeps}")
    _row(table, "redis", settings.redis, f"generation {settings.generation}")
    _row(table, "model server", settings.serving)
    for worker in stack.workers:
        _row(table, worker.program.name, _health_url(worker, stack), "its /metrics beside it")
    _row(table, "data" if options.keep else "folder", str(options.folder.absolute()))
    _row(table, "logs", str(options.folder.absolute() / "logs"))
    return table


def next_commands(options: UpOptions, environment_file: Path) -> str:
    """What to type in another terminal."""
    election = shlex.quote(options.election)
    commands = (
        (f". {shlex.quote(str(environment_file.absolute()))}", "first: tells commands where"),
        ("tallywire publish FOLDER --watch", "scans, each file called after its station"),
        (f"tallywire render --out scans --stations 20 --election {election}", "none at hand?"),
        ("tallywire rejected", "what could not be read, and why"),
        ("tallywire review", "what a person is to decide"),
        ("tallywire verify", "every total again, from the topics alone"),
        ("tallywire doctor", "is everything well?"),
    )
    width = max(len(command) for command, _ in commands)
    lines = (f"  {command:<{width}}  # {why}" for command, why in commands)
    return "\n".join(("In another terminal:", *lines))


def _health_url(worker: Child, stack: LocalStack) -> str:
    return stack.metrics_urls[worker.program.name].replace("/metrics", "/readyz")


def _row(table: Table, name: str, value: str, note: str = "") -> None:
    table.add_row(name, Text(value, no_wrap=True), Text(note, style="dim"))
