"""`tallywire evaluate`: models, progress, table, files."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from tallywire.errors import UsageError
from tallywire.evaluation.card import write_card
from tallywire.evaluation.run import Ask, Drawn, choose_policy, draw_all, evaluate
from tallywire.reading.guarantee import Certificate
from tallywire.reading.policy import Policy
from tallywire.training.export import load_policy, load_saved, load_temperature, store_policy
from tallywire.training.mnist import find_mnist

RECORD = "training.json"


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user asked for."""

    versions: tuple[str, ...]
    folder: Path
    mnist: Path | None
    strokes: Path | None
    digits: Path | None
    sheets: int
    mixed: int
    choose: int
    out: Path
    card: bool
    json_file: Path | None


def run(wish: Wish) -> None:
    """Evaluate every version on the same sheets.

    Raises:
        UsageError: a version is not there, or no data.
    """
    folders = {version: find_version(wish.folder, version) for version in wish.versions}
    ask = Ask(
        mnist=find_mnist(wish.mnist or Path(".cache/mnist")),
        strokes=wish.strokes,
        crops=wish.digits,
        sheets=wish.sheets,
        mixed=wish.mixed,
        choosing=wish.choose,
        processes=os.cpu_count() or 1,
    )
    console = Console(stderr=True)
    drawn = _draw(ask, console)
    results: dict[str, Any] = {}
    for version, folder in folders.items():
        console.print(f"Reading with version {version}", style="dim")
        results[version] = _evaluate(wish, ask, drawn, version, folder)
        Console().print(to_table(version, results[version]))
    if wish.json_file:
        wish.json_file.write_text(json.dumps(results, indent=2) + "\n")


def find_version(folder: Path, version: str) -> Path:
    """The folder of a version.

    Raises:
        UsageError: there is no such version.
    """
    path = folder / version
    if not (path / "saved_model.pb").is_file():
        raise UsageError(f"{path} holds no SavedModel: train one, or choose other --models")
    return path


def _evaluate(wish: Wish, ask: Ask, drawn: Drawn, version: str, folder: Path) -> dict[str, Any]:
    predict = load_saved(folder)
    policy, certificate = _policy(drawn, folder)
    out = wish.out / version
    out.mkdir(parents=True, exist_ok=True)
    figures = evaluate(ask, drawn, predict, policy, out)
    figures["temperature"] = load_temperature(folder)
    if certificate:
        figures["certificate"] = {**asdict(certificate), "holds": certificate.holds}
    if wish.card:
        record = folder / RECORD
        about = json.loads(record.read_text()) if record.is_file() else {}
        (folder / "README.md").write_text(write_card(int(version), about, figures, certificate))
    return figures


def _policy(drawn: Drawn, folder: Path) -> tuple[Policy, Certificate | None]:
    given = Policy(**load_policy(folder))
    if not drawn.choosing:
        return given, None
    policy, certificate = choose_policy(drawn, load_saved(folder), given)
    store_policy(folder, asdict(policy))
    return policy, certificate


def _draw(ask: Ask, console: Console) -> Drawn:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as bar:
        tasks: dict[str, Any] = {}

        def tell(title: str, done: int, total: int) -> None:
            if title not in tasks:
                tasks[title] = bar.add_task(title, total=total)
            bar.update(tasks[title], completed=done)

        return draw_all(ask, tell)


def to_table(version: str, figures: dict[str, Any]) -> Table:
    """The figures that matter first."""
    table = Table(title=f"Version {version}", title_style="bold")
    for name in ("set", "cells right", "calibration error", "sheets, arg-max", "joint", "refused"):
        table.add_column(name, justify="left" if name == "set" else "right")
    for name, one in [*figures["rendered"].items(), ("mixed, 17 % wrong totals", figures["mixed"])]:
        table.add_row(
            name,
            f"{one['cells_accuracy']:.2%}",
            f"{one['cells']['calibration_error']:.2%}",
            f"{one['sheets_accuracy_plain']:.1%}",
            f"{one['sheets_accuracy_joint']:.1%}",
            f"{one['refused']}",
        )
    table.add_section()
    for name, one in figures["loose"].items():
        table.add_row(name, f"{one['accuracy']:.2%}", f"{one['calibration_error']:.2%}")
    table.add_section()
    mixed = figures["mixed"]
    note = f"{mixed['accepted_wrong']} of {mixed['accepted']} wrong"
    table.add_row("accepted of mixed", f"{mixed['accepted_share']:.1%}", note)
    table.add_row("ms a cell, one core", f"{figures['ms_per_cell']}")
    return table
