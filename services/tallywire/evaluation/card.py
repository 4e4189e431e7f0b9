"""The measured half of a model card: on what, how well, and what it promises."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tallywire.evaluation.certificate import Certificate
from tallywire.training.wrong_cuts import TEST_CUTS

MARK = "<!-- Everything below is written by `tallywire evaluate`. -->"
BY_HAND = "<!-- Everything below is written by hand, and kept. -->"


def join_card(card: str, version: str, evaluation: str) -> str:
    """The training run's card with this evaluation in the place of the last one.

    What somebody wrote below `BY_HAND` (what was looked at while building) stays as it is.

    Args:
        card: what stands there; empty if there is no card yet.
        evaluation: of `write_evaluation`.
    """
    measured, _, by_hand = card.partition(f"{BY_HAND}\n")
    about = measured.split(MARK)[0].rstrip() or f"# Digits, version {version}"
    return f"{about}\n\n{MARK}\n\n{evaluation}\n{BY_HAND}\n{by_hand}"


def write_evaluation(figures: Mapping[str, Any], certificate: Certificate | None) -> str:
    """Markdown of one evaluation's figures."""
    return "\n".join(
        [
            *_forms(figures.get("forms") or {}),
            "## Rendered sheets, unseen writers",
            "",
            "| set | cells, arg-max | joint | calibration error | sheets exact, arg-max | joint"
            " | refused | votes of absolute error, arg-max / joint |",
            "|---|---|---|---|---|---|---|---|",
            *(_sheet_row(name, one) for name, one in figures["rendered"].items()),
            "",
            "## Loose digits",
            "",
            "| set | digits | right | calibration error |",
            "|---|---|---|---|",
            *(_cell_row(name, one) for name, one in figures["loose"].items()),
            "",
            *_calibration(figures),
            *_promise(figures, certificate),
            *_targets(figures),
            f"One cell takes {figures['ms_per_cell']} ms of one core, in calls of one sheet.",
            "",
            f"The strokes' test writers are drawn without {len(TEST_CUTS)} of their 5,554"
            " trajectories that hold no legible digit of their label, and without dashes and dots"
            " (`training/wrong_cuts.py` lists and explains the former; `--wrong-cuts` keeps"
            " those).",
            "",
            "No version is trained on the writers or crops above. What was looked at while"
            " building is for whoever built it to say, below.",
            "",
        ]
    )


def _forms(forms: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Real sheets stand first: they are what counts."""
    if not forms:
        return []
    return [
        "## Real sheets, never trained on",
        "",
        "| form | cells right | rows right, arg-max / joint | sheets exact, arg-max / joint"
        " | accepted, of them wrong | calibration error | refused |",
        "|---|---|---|---|---|---|---|",
        *(_form_row(name, one) for name, one in forms.items()),
        "",
    ]


def _form_row(name: str, one: Mapping[str, Any]) -> str:
    return (
        f"| {name} | {one['cells_right']} of {one['cells']}"
        f" | {one['rows_right_plain']} / {one['rows_right_joint']} of {one['rows']}"
        f" | {one['exact_plain']} / {one['exact_joint']} of {one['sheets']}"
        f" | {one['accepted']}, {one['accepted_wrong']} | {one['calibration_error']:.2%}"
        f" | {one['refused']} |"
    )


def _sheet_row(name: str, one: Mapping[str, Any]) -> str:
    error = one["cells"]["calibration_error"]
    return (
        f"| {name} | {one['cells_accuracy']:.2%} of {one['cells']['cells']:,}"
        f" | {one['cells_accuracy_joint']:.2%} | {error:.2%}"
        f" | {one['sheets_accuracy_plain']:.1%} | {one['sheets_accuracy_joint']:.1%}"
        f" | {one['refused']} of {one['sheets']}"
        f" | {one['votes_absolute_error_plain']:,} / {one['votes_absolute_error_joint']:,} |"
    )


def _cell_row(name: str, one: Mapping[str, Any]) -> str:
    return f"| {name} | {one['cells']:,} | {one['accuracy']:.2%} | {one['calibration_error']:.2%} |"


def _calibration(figures: Mapping[str, Any]) -> list[str]:
    every = figures["calibration"]["all"]
    share = figures["read_again"]
    again = f" of the second look, at {share:.1%} of the mixed sheets' cells" if share else ""
    return [
        "## Calibration",
        "",
        f"Temperature {figures['temperature']:.3f}{again}, fitted on validation cells and applied"
        " inside the SavedModel: over all cells above, the expected calibration error (15 bins)"
        f" goes from {every['before']:.2%} to {every['after']:.2%}.",
        "",
    ]


def _targets(figures: Mapping[str, Any]) -> list[str]:
    return [
        "## Targets",
        "",
        "| on | measure | measured | target | |",
        "|---|---|---|---|---|",
        *(
            f"| {one['on']} | {one['measure']} | {one['measured']:.4g}"
            f" | {'at least' if one['at_least'] else 'at most'} {one['limit']:g}"
            f" | {'met' if one['met'] else '**missed**'} |"
            for one in figures["targets"]
        ),
        "",
    ]


def _promise(figures: Mapping[str, Any], certificate: Certificate | None) -> list[str]:
    mixed = figures["mixed"]
    lines = [
        "## What is accepted",
        "",
        f"Of {mixed['sheets']} sheets in mixed conditions, 17 % of whose papers do not add up,"
        f" {mixed['accepted_share']:.1%} are accepted ({mixed['accepted_share_of_balanced']:.1%} of"
        f" those that add up); {mixed['accepted_wrong']} of {mixed['accepted']} accepted ones are"
        f" wrong. The limit on a sheet's error probability is"
        f" {figures['policy']['max_error_probability']:.4g}.",
        "",
    ]
    if "one_hand" in figures:
        one = figures["one_hand"]
        lines += [
            f"Each of these sheets has digits of many people. Of {one['sheets']} more, each by one"
            f" of the strokes' test writers as real sheets are, {one['accepted_share']:.1%} are"
            f" accepted ({one['accepted_share_of_balanced']:.1%} of those that add up),"
            f" {one['accepted_wrong']} of {one['accepted']} wrong;"
            f" {one['balanced_accuracy_joint']:.1%} of those that add up are read without an"
            " error.",
            "",
        ]
    if certificate:
        held = "holds" if certificate.holds else "DOES NOT HOLD; the limit is as it was"
        lines += [
            f"Certificate of the limit {certificate.threshold:.4g}: {certificate.wrong} of"
            f" {certificate.accepted} accepted held-out sheets were wrong, so at most"
            f" {certificate.upper:.2%} are, with 95 % confidence (Clopper-Pearson, one-sided)."
            f" The promise of 0.5 % {held}.",
            "",
        ]
    return lines
