"""`tallywire evaluate`: models, progress, table, files."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from math import isclose
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from tallywire.errors import UsageError
from tallywire.evaluation.card import join_card, write_evaluation
from tallywire.evaluation.forms import RealForm, read_forms, score_form
from tallywire.evaluation.run import Ask, Drawn, Model, choose_policy, draw_all, evaluate
from tallywire.reading.guarantee import Certificate
from tallywire.reading.policy import Policy
from tallywire.sheet.prepare import Takes
from tallywire.training.export import (
    load_first_look,
    load_policy,
    load_saved,
    load_takes,
    load_temperature,
    store_policy,
)
from tallywire.training.looks import doubted
from tallywire.training.mnist import find_mnist

CARD = "README.md"
FLOAT32 = 1e-5  # a SavedModel keeps its policy as float32
CACHE = Path(".cache")  # where training keeps MNIST too
CERTIFICATE = "certificate.json"  # beside the threshold that it certifies


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
    wrong_cuts: bool = False
    forms: Path | None = None


def run(wish: Wish) -> None:
    """Evaluate every version on the same sheets.

    Raises:
        UsageError: a version is not there, or no data.
    """
    folders = {version: find_version(wish.folder, version) for version in wish.versions}
    for folder in folders.values():
        load_policy(folder)  # a broken one is told before a quarter of an hour of drawing
        read_certificate(folder)
    forms = tuple(read_forms(wish.forms)) if wish.forms else ()
    ask = Ask(
        mnist=wish.mnist or find_mnist(CACHE),
        strokes=wish.strokes,
        crops=wish.digits,
        sheets=wish.sheets,
        mixed=wish.mixed,
        choosing=wish.choose,
        processes=os.cpu_count() or 1,
        wrong_cuts=wish.wrong_cuts,
    )
    console = Console(stderr=True)
    results: dict[str, Any] = {}
    drawn: dict[Takes, Drawn] = {}  # the same sheets, cut once for each kind of model
    for version, folder in folders.items():
        takes = load_takes(folder)
        asked = replace(ask, takes=takes)
        if takes not in drawn:
            drawn[takes] = _draw(asked, console)
        console.print(f"Reading with version {version}", style="dim")
        results[version] = _evaluate(wish, asked, drawn[takes], version, folder, forms)
        Console().print(to_table(version, results[version]), to_targets(results[version]))
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


def _evaluate(
    wish: Wish, ask: Ask, drawn: Drawn, version: str, folder: Path, forms: Sequence[RealForm]
) -> dict[str, Any]:
    policy, certificate = _policy(drawn, folder)
    model = Model(load_saved(folder), load_saved(folder, calibrated=False), policy)
    out = wish.out / version
    out.mkdir(parents=True, exist_ok=True)
    figures = {
        "temperature": load_temperature(folder),
        "read_again": _read_again(drawn, folder),
        "forms": {
            form.name: asdict(score_form(form, model.predict, ask.takes, policy)) for form in forms
        },
        **evaluate(ask, drawn, model, out),
    }
    if certificate:
        figures["certificate"] = {**asdict(certificate), "holds": certificate.holds}
    if wish.card:
        card = folder / CARD
        before = card.read_text() if card.is_file() else ""
        card.write_text(join_card(before, version, write_evaluation(figures, certificate)))
    return figures


def _read_again(drawn: Drawn, folder: Path) -> float:
    """Share of the mixed sheets' cells that get a second look."""
    first = load_first_look(folder)
    cells = [case.cells for case in drawn.mixed if case.cells is not None]
    if first is None or not cells:
        return 0.0
    return round(float(doubted(first, np.concatenate(cells)).mean()), 4)


def _policy(drawn: Drawn, folder: Path) -> tuple[Policy, Certificate | None]:
    given = Policy(**load_policy(folder))
    if not drawn.choosing:
        stored = read_certificate(folder)
        fits = stored is not None and isclose(
            stored.threshold, given.max_error_probability, rel_tol=FLOAT32
        )
        return given, stored if fits else None
    policy, certificate = choose_policy(drawn, load_saved(folder), given)
    if certificate.holds:
        store_policy(folder, asdict(policy))
        text = json.dumps(asdict(certificate), indent=2) + "\n"
        (folder / CERTIFICATE).write_text(text)
    return policy, certificate


def read_certificate(folder: Path) -> Certificate | None:
    """What certifies a version's threshold; None where nothing does.

    Raises:
        UsageError: the file is no certificate.
    """
    kept = folder / CERTIFICATE
    if not kept.is_file():
        return None
    try:
        return Certificate(**json.loads(kept.read_text()))
    except (ValueError, TypeError) as error:
        raise UsageError(
            f"{kept} is no certificate ({error}): take it away, and certify the threshold again"
            " with --choose"
        ) from error


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
                if not console.is_terminal:
                    console.print(f"Drawing {total} sheets: {title}")
            bar.update(tasks[title], completed=done)

        return draw_all(ask, tell)


def to_table(version: str, figures: dict[str, Any]) -> Table:
    """The figures that matter first."""
    table = Table(title=f"Version {version}", title_style="bold")
    columns = (
        "set", "cells, arg-max", "joint", "calibration error", "sheets, arg-max", "joint",
        "refused",
    )  # fmt: skip
    for name in columns:
        table.add_column(name, justify="left" if name == "set" else "right")
    together = {"mixed": figures["mixed"]}
    if "one_hand" in figures:
        together["mixed, one hand"] = figures["one_hand"]
    for name, one in (figures["rendered"] | together).items():
        table.add_row(
            name,
            f"{one['cells_accuracy']:.2%}",
            f"{one['cells_accuracy_joint']:.2%}",
            f"{one['cells']['calibration_error']:.2%}",
            f"{one['sheets_accuracy_plain']:.1%}",
            f"{one['sheets_accuracy_joint']:.1%}",
            f"{one['refused']}",
        )
    for name, one in figures["forms"].items():
        table.add_row(
            f"real, {name}",
            f"{one['cells_right'] / max(1, one['cells']):.2%}",
            f"{one['rows_right_joint'] / max(1, one['rows']):.1%} of rows",
            f"{one['calibration_error']:.2%}",
            f"{one['exact_plain'] / one['sheets']:.1%}",
            f"{one['exact_joint'] / one['sheets']:.1%}",
            f"{one['refused']}",
        )
    table.add_section()
    for name, one in figures["loose"].items():
        table.add_row(name, f"{one['accuracy']:.2%}", "", f"{one['calibration_error']:.2%}")
    table.add_section()
    for name, one in together.items():
        note = f"{one['accepted_wrong']} of {one['accepted']} wrong"
        table.add_row(f"accepted of {name}", f"{one['accepted_share']:.1%}", note)
    table.add_row("ms a cell, one core", f"{figures['ms_per_cell']}")
    table.add_row("cells read again", f"{figures['read_again']:.1%}")
    return table


def to_targets(figures: dict[str, Any]) -> Table:
    """Every target with what was measured."""
    table = Table(title="Targets", title_style="bold")
    for name in ("on", "measure", "measured", "target", ""):
        table.add_column(name, justify="left" if name in ("on", "measure") else "right")
    for one in figures["targets"]:
        shown = [
            f"{value:.3g}" if one["measure"].startswith("ms") else f"{value:.2%}"
            for value in (one["measured"], one["limit"])
        ]
        side = "at least" if one["at_least"] else "at most"
        met = "[green]met[/]" if one["met"] else "[red]missed[/]"
        table.add_row(one["on"], one["measure"], shown[0], f"{side} {shown[1]}", met)
    return table
