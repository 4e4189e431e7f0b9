"""One evaluation from the first sheet to the model card."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from tallywire.election.election import Election
from tallywire.election.loading import load_election
from tallywire.evaluation import pictures
from tallywire.evaluation.certificate import SUGGESTING, TARGET, Certificate, choose
from tallywire.evaluation.crops import Crops, read_crops
from tallywire.evaluation.measurement import (
    Labelled,
    calibration,
    cell_figures,
    gather,
    label_cells,
    label_crops,
    read_cases,
    summary,
    time_per_cell_ms,
)
from tallywire.evaluation.mistakes import Predict, worst_mistakes
from tallywire.evaluation.rendered_sheets import DrawOptions, RenderedCase, draw_cases
from tallywire.evaluation.score import ReadCase, confusion
from tallywire.evaluation.targets import judge_targets
from tallywire.evaluation.test_writers import strokes_test_hands, validation_hand
from tallywire.reading.calibration import at_odds
from tallywire.reading.policy import Policy
from tallywire.reasons import Code
from tallywire.sheet.clean import clean_cell
from tallywire.sheet.layout import Layout
from tallywire.sheet.patches import view_of_crop
from tallywire.sheet.prepare import Takes
from tallywire.training.calibration import fit_odds
from tallywire.training.mnist import TEST, read_images, read_labels
from tallywire.workshop.synthetic.conditions import ConditionName
from tallywire.workshop.synthetic.handwriting import Hand
from tallywire.workshop.synthetic.mnist_sample import load_hand

MIXED = {ConditionName.SCANNER: 0.5, ConditionName.PHONE: 0.3, ConditionName.HARSH: 0.2}
UNBALANCED = 0.17  # Honduras 2025
SEED = 4_000  # of the evaluation; training uses others

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much is, and of how much."""


@dataclass(frozen=True, slots=True)
class EvaluationPlan:
    """What to evaluate on. `sheets` per set, `mixed` for the share accepted, `choosing` for the
    policy (0 keeps the one the model has); `wrong_cuts` keeps test trajectories that are no digit;
    `takes` is how the models that are compared need their cells.
    """

    mnist: Path
    strokes: Path | None
    crops: Path | None
    sheets: int
    mixed: int
    choosing: int
    processes: int
    wrong_cuts: bool = False
    election: str = "mx-2015-d15"
    takes: Takes = Takes.CELLS


@dataclass(frozen=True, slots=True)
class EvaluatedModel:
    """A saved network: what it says, what it would say without its temperatures, and when to
    accept that."""

    predict: Predict
    uncalibrated: Predict
    policy: Policy


@dataclass(frozen=True, slots=True)
class EvaluationSets:
    """Cases by set, drawn once for all models that are compared; and the user's own crops.

    `mixed` is of all test writers, every cell by anybody; `one_hand` is drawn alike, but each sheet
    by one of the strokes' writers.
    """

    layout: Layout
    sets: Mapping[str, tuple[RenderedCase, ...]]
    mixed: tuple[RenderedCase, ...]
    one_hand: tuple[RenderedCase, ...]
    choosing: tuple[RenderedCase, ...]
    crops: Crops | None


def draw_all(ask: EvaluationPlan, tell: Progress) -> EvaluationSets:
    """Draw every set of sheets.

    Raises:
        InvalidFileError: MNIST's, the strokes' or the crops' file is wrong; told before drawing.
    """
    crops = read_crops(ask.crops, ask.takes) if ask.crops else None
    loaded = load_election(ask.election)
    election = loaded.election
    layout = loaded.layouts[election.contests[0].id]
    hands: dict[str, Hand] = {"mnist test": load_hand()}
    one_hand: tuple[RenderedCase, ...] = ()
    if ask.strokes:
        strokes = strokes_test_hands(ask.mnist, ask.strokes, wrong_cuts=ask.wrong_cuts)
        hands["strokes test"], one = strokes
        draw = DrawOptions(ask.mixed // 2, MIXED, UNBALANCED, SEED + 200)
        one_hand = _drawn("mixed, one hand a sheet", draw, one, election, layout, ask, tell)
    sets = {}
    for at, (name, hand) in enumerate(hands.items()):
        for nth, condition in enumerate(ConditionName):
            draw = DrawOptions(ask.sheets, {condition: 1.0}, 0.0, SEED + 10 * at + nth)
            title = f"{name}, {condition.value}"
            sets[title] = _drawn(title, draw, hand, election, layout, ask, tell)
    share = {hand: ask.mixed // len(hands) for hand in hands}
    mixed = [
        _drawn(
            f"mixed, {name}",
            DrawOptions(count, MIXED, UNBALANCED, SEED + 100 + nth),
            hands[name],
            election,
            layout,
            ask,
            tell,
        )
        for nth, (name, count) in enumerate(share.items())
    ]
    choosing: tuple[RenderedCase, ...] = ()
    if ask.choosing:
        hand = validation_hand(ask.mnist, ask.strokes)
        draw = DrawOptions(ask.choosing, MIXED, UNBALANCED, SEED + 301)
        choosing = _drawn("choosing the policy", draw, hand, election, layout, ask, tell)
    everybody = tuple(case for part in mixed for case in part)
    return EvaluationSets(layout, sets, everybody, one_hand, choosing, crops)


def choose_policy(
    drawn: EvaluationSets, predict: Predict, given: Policy
) -> tuple[Policy, Certificate]:
    """The policy that held-out sheets certify, and its certificate; the given one if none is.

    The sheets that suggest limits also calibrate the error probability; the others certify both.
    """
    raw = replace(given, max_error_probability=1.0, error_slope=1.0, error_offset=0.0)
    outcomes, _ = read_cases(drawn.choosing, predict, drawn.layout, raw)
    candidates = [one for one in outcomes if not one.found.reasons]
    said = np.array([one.found.error_probability for one in candidates])
    wrong = np.array([not one.exact for one in candidates], bool)
    slope, offset = fit_odds(said[::SUGGESTING], wrong[::SUGGESTING])
    certificate = choose(np.array([at_odds(one, slope, offset) for one in said]), wrong)
    if not certificate.holds:
        return given, certificate
    limit = certificate.threshold
    chosen = replace(given, max_error_probability=limit, error_slope=slope, error_offset=offset)
    return chosen, certificate


def evaluate(
    ask: EvaluationPlan, drawn: EvaluationSets, model: EvaluatedModel, out: Path | None
) -> dict[str, Any]:
    """Measure one model on everything; pictures go to `out` if given."""
    policy, predict = model.policy, model.predict
    figures: dict[str, Any] = {"policy": asdict(policy), "rendered": {}}
    sets: dict[str, Labelled] = {}
    for name, cases in drawn.sets.items():
        outcomes, refused = read_cases(cases, predict, drawn.layout, policy)
        figures["rendered"][name] = summary(outcomes, refused)
        cells = gather(outcomes)
        sets[name] = cells
        _draw_cells(cells, name, predict, out)
    mixed, refused = read_cases(drawn.mixed, predict, drawn.layout, policy)
    figures["mixed"] = summary(mixed, refused)
    if drawn.one_hand:
        figures["one_hand"] = summary(*read_cases(drawn.one_hand, predict, drawn.layout, policy))
    figures["ms_per_cell"] = round(time_per_cell_ms(predict, gather(mixed).cells), 4)
    loose = _loose(ask, drawn.crops, predict, out)
    figures["loose"] = {name: cell_figures(part.score) for name, part in loose.items()}
    sets |= loose
    figures["calibration"] = calibration(sets, model.uncalibrated)
    figures["targets"] = [{**asdict(one), "met": one.met} for one in judge_targets(figures)]
    if out:
        pictures.draw_reliability(_grouped(sets), out / "reliability.png")
        _draw_risk(mixed, out / "risk-coverage.png")
    return figures


def _loose(
    ask: EvaluationPlan, crops: Crops | None, predict: Predict, out: Path | None
) -> dict[str, Labelled]:
    images, labels = read_images(ask.mnist / TEST[0]), read_labels(ask.mnist / TEST[1])
    found = {"mnist test digits": label_cells(_as_cells(images, ask.takes), labels, predict)}
    if crops:
        parts = label_crops(crops, predict)
        found |= {f"crops, {name}": part for name, part in parts.items()}
    for name, part in found.items():
        if name != "crops, held out":  # nobody looks at single ones of these
            _draw_cells(part, name, predict, out)
    return found


def _grouped(sets: Mapping[str, Labelled]) -> Mapping[str, tuple[Any, Any]]:
    """All conditions of one handwriting together: single ones have too few doubtful cells."""
    chosen: dict[str, list[tuple[Any, Any]]] = {}
    for name, one in sets.items():
        chosen.setdefault(name.split(", ")[0], []).append((one.probabilities, one.labels))
    return {
        name: (np.concatenate([said for said, _ in of]), np.concatenate([true for _, true in of]))
        for name, of in chosen.items()
    }


def _as_cells(images: Any, takes: Takes) -> Any:
    """MNIST's digits as a scanner would bring them, dark ink on light paper, as a model takes
    them: normalised, or on a patch of their own paper."""
    if takes is Takes.PATCHES:
        return np.stack([view_of_crop(255 - image) for image in images])
    paper = [np.pad(255 - image, 6, constant_values=255) for image in images]
    return np.stack([clean_cell(one.astype(np.uint8)) for one in paper])


def _drawn(
    title: str,
    draw: DrawOptions,
    hand: Hand,
    election: Election,
    layout: Layout,
    ask: EvaluationPlan,
    tell: Progress,
) -> tuple[RenderedCase, ...]:
    cut = replace(draw, takes=ask.takes)
    cases = draw_cases(cut, hand, election, layout, ask.processes)
    return tuple(_told(cases, title, draw.sheets, tell))


def _told(
    cases: Iterable[RenderedCase], title: str, total: int, tell: Progress
) -> Iterable[RenderedCase]:
    tell(title, 0, total)
    for done, case in enumerate(cases, 1):
        tell(title, done, total)
        yield case


def _draw_cells(cells: Labelled, name: str, predict: Predict, out: Path | None) -> None:
    if out is None:
        return
    stem = name.replace(", ", "-").replace(" ", "-")
    table = confusion(cells.probabilities, cells.labels)
    pictures.draw_confusion(table, name, out / f"confusion-{stem}.png")
    mistakes = worst_mistakes(cells.cells, cells.labels, cells.probabilities, predict)
    if mistakes:
        pictures.draw_mistakes(mistakes, name, out / f"mistakes-{stem}.png")


def _draw_risk(outcomes: list[ReadCase], path: Path) -> None:
    certain = {
        Code.TOTAL_MISMATCH, Code.MISSING_COUNT, Code.BLANK_SHEET, Code.OVER_REGISTERED,
        Code.OVER_LIMIT,
    }  # fmt: skip
    doubt = [
        1.0 if certain & {reason.code for reason in one.found.reasons}
        else one.found.error_probability
        for one in outcomes
    ]  # fmt: skip
    wrong = np.array([not one.exact for one in outcomes])
    pictures.draw_risk_coverage(np.array(doubt), wrong, TARGET, path)
