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

from tallywire.edge.output_files import require_folder, write_json
from tallywire.edge.progress_bars import named_bars
from tallywire.edge.terminal import terminal
from tallywire.errors import UsageError
from tallywire.evaluation.card import join_card, write_evaluation
from tallywire.evaluation.certificate import Certificate
from tallywire.evaluation.display import to_table, to_targets
from tallywire.evaluation.evaluation import (
    EvaluatedModel,
    EvaluationPlan,
    EvaluationSets,
    choose_policy,
    draw_all,
    evaluate,
)
from tallywire.evaluation.forms import RealForm, read_forms, score_form
from tallywire.reading.policy import Policy
from tallywire.sheet.prepare import Takes
from tallywire.training.cascade import doubted
from tallywire.training.export import (
    load_first_look,
    load_policy,
    load_saved,
    load_takes,
    load_temperature,
    store_policy,
)
from tallywire.training.mnist import find_mnist

CARD = "README.md"
FLOAT32 = 1e-5  # a SavedModel keeps its policy as float32
CACHE = Path(".cache")  # where training keeps MNIST too
CERTIFICATE = "certificate.json"  # beside the threshold that it certifies


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluateOptions:
    """What the user asked for."""

    versions: tuple[str, ...]
    folder: Path
    mnist: Path | None = None
    strokes: Path | None = None
    digits: Path | None = None
    sheets: int
    mixed: int
    choose: int = 0
    out: Path
    card: bool = False
    json_file: Path | None = None
    wrong_cuts: bool = False
    forms: Path | None = None


def run(wish: EvaluateOptions) -> None:
    """Evaluate every version on the same sheets.

    Raises:
        UsageError: a version is not there, or no data, or nothing can be written to `out`.
    """
    require_folder(wish.out, "--out")
    folders = {version: find_version(wish.folder, version) for version in wish.versions}
    for folder in folders.values():
        load_policy(folder)  # a broken one is told before a quarter of an hour of drawing
        read_certificate(folder)
    forms = tuple(read_forms(wish.forms)) if wish.forms else ()
    ask = EvaluationPlan(
        mnist=wish.mnist or find_mnist(CACHE),
        strokes=wish.strokes,
        crops=wish.digits,
        sheets=wish.sheets,
        mixed=wish.mixed,
        choosing=wish.choose,
        processes=os.cpu_count() or 1,
        wrong_cuts=wish.wrong_cuts,
    )
    console = terminal(stderr=True)
    results: dict[str, Any] = {}
    drawn: dict[Takes, EvaluationSets] = {}  # the same sheets, cut once for each kind of model
    for version, folder in folders.items():
        takes = load_takes(folder)
        asked = replace(ask, takes=takes)
        if takes not in drawn:
            drawn[takes] = _draw(asked, console)
        console.print(f"Reading with version {version}", style="dim")
        results[version] = _evaluate(wish, asked, drawn[takes], version, folder, forms)
        terminal().print(to_table(version, results[version]), to_targets(results[version]))
    if wish.json_file:
        write_json(wish.json_file, results)


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
    wish: EvaluateOptions,
    ask: EvaluationPlan,
    drawn: EvaluationSets,
    version: str,
    folder: Path,
    forms: Sequence[RealForm],
) -> dict[str, Any]:
    policy, certificate = _policy(drawn, folder)
    model = EvaluatedModel(load_saved(folder), load_saved(folder, calibrated=False), policy)
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


def _read_again(drawn: EvaluationSets, folder: Path) -> float:
    """Share of the mixed sheets' cells that get a second look."""
    first = load_first_look(folder)
    cells = [case.cells for case in drawn.mixed if case.cells is not None]
    if first is None or not cells:
        return 0.0
    return round(float(doubted(first, np.concatenate(cells)).mean()), 4)


def _policy(drawn: EvaluationSets, folder: Path) -> tuple[Policy, Certificate | None]:
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


def _draw(ask: EvaluationPlan, console: Console) -> EvaluationSets:
    with named_bars(console, "Drawing {total:,} sheets: {name}") as tell:
        return draw_all(ask, tell)
