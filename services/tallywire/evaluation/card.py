"""The model card: what a version is, what it was measured on, what it promises."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tallywire.reading.guarantee import Certificate


def write_card(
    version: str,
    record: Mapping[str, Any],
    figures: Mapping[str, Any],
    certificate: Certificate | None,
) -> str:
    """Markdown from the training record and the figures of one evaluation."""
    return "\n".join(
        [
            f"# Digit model, version {version}",
            "",
            "Written by `tallywire evaluate`; every figure below is from its last run.",
            "",
            *_about(record),
            "## Rendered sheets, unseen writers",
            "",
            "| set | cells | calibration error | sheets exact, arg-max | joint | refused | votes of"
            " absolute error, arg-max / joint |",
            "|---|---|---|---|---|---|---|",
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
            f"One cell takes {figures['ms_per_cell']} ms on one core, in calls of one sheet.",
            "",
            "What was looked at: training and validation writers while building; the open part of"
            " the loose crops for gaps between domains. Nobody trained, tuned or chose a version on"
            " test writers or on held-out crops; their figures are measured once, as printed.",
            "",
        ]
    )


def _about(record: Mapping[str, Any]) -> list[str]:
    if not record:
        return []
    rows = [f"| {name.replace('_', ' ')} | {value} |" for name, value in record.items()
            if isinstance(value, str | int | float)]  # fmt: skip
    return ["| | |", "|---|---|", *rows, ""]


def _sheet_row(name: str, one: Mapping[str, Any]) -> str:
    error = one["cells"]["calibration_error"]
    return (
        f"| {name} | {one['cells_accuracy']:.2%} of {one['cells']['cells']:,} | {error:.2%}"
        f" | {one['sheets_accuracy_plain']:.1%} | {one['sheets_accuracy_joint']:.1%}"
        f" | {one['refused']} of {one['sheets']}"
        f" | {one['votes_absolute_error_plain']:,} / {one['votes_absolute_error_joint']:,} |"
    )


def _cell_row(name: str, one: Mapping[str, Any]) -> str:
    return f"| {name} | {one['cells']:,} | {one['accuracy']:.2%} | {one['calibration_error']:.2%} |"


def _calibration(figures: Mapping[str, Any]) -> list[str]:
    every = figures["calibration"]["all"]
    return [
        "## Calibration",
        "",
        f"Temperature {figures['temperature']:.3f}, fitted on validation cells and applied inside"
        f" the SavedModel: over all cells above, the expected calibration error (15 bins) goes from"
        f" {every['before']:.2%} to {every['after']:.2%}.",
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
    if certificate:
        held = "holds" if certificate.holds else "DOES NOT HOLD"
        lines += [
            f"Certificate: {certificate.wrong} of {certificate.accepted} accepted held-out sheets"
            f" were wrong, so at most {certificate.upper:.2%} are, with 95 % confidence"
            f" (Clopper-Pearson, one-sided). The promise of 0.5 % {held}.",
            "",
        ]
    return lines
