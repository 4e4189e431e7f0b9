"""The model card that a training run leaves: what was learned from, and what it measured itself.

`tallywire evaluate` replaces it with the figures of the evaluation, on writers and papers that
the run never saw.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SOURCES = {
    "mnist": (
        "MNIST's training part (LeCun, Cortes, Burges; 60,000 digits of United States writers):"
        " 55,000 to learn from, the last 5,000 to validate. Its test part was never used here."
    ),
    "strokes": (
        "Pen trajectories: UCI Pen-Based Recognition of Handwritten Digits, original version"
        " (Alpaydin and Alimoglu 1998, CC BY 4.0), and UNIPEN train_r01_v07, category 1a (Guyon et"
        " al. 1994, International Unipen Foundation, CC BY 4.0, doi 10.5281/zenodo.1195803). Only"
        " the writers of the training split were learned from, those of the validation split"
        " chose the epoch and the temperature; the test split was never used here."
    ),
    "fillers": (
        "Signs that people write into empty cells (x, dash, slash, dot and others): pen"
        " trajectories of UNIPEN train_r01_v07, categories 1b to 1d (CC BY 4.0), by the same"
        " splits of writers."
    ),
}

CELLS = (
    "Reads one normalised cell (`tallywire.sheet.clean`) of a tally sheet: `cells` uint8"
    " [N, 28, 28, 1], ink high"
)
PATCHES = (
    "Reads a patch of paper (`tallywire.sheet.patches`), a cell of a tally sheet with the lines,"
    " print and neighbours around it, of which nothing is cleaned: `cells` uint8 [N, 48, 48, 1],"
    " ink high, contrast by two percentiles"
)
HARD_CELLS = (
    "The drawn cells are harder than any sheet: a third are crops with parts of other digits, a"
    " fifth have 19 to 34 px."
)
HARD_PATCHES = (
    "The drawn patches are pieces of forms drawn at random, each filled in by one person: half"
    " are scanned well, the others copied, faxed, dithered, blurred, small or in shadow."
)


def card_text(version: str, record: Mapping[str, Any]) -> str:
    """The card as Markdown.

    Args:
        version: name of the version folder.
        record: what `training.json` holds.
    """
    plan, figures, cells = record["plan"], record["figures"], record["training_cells"]
    earlier = record.get("earlier")
    before = [_earlier_line(earlier)] if earlier else []
    looks = (
        f" It is the second of two looks: version {plan['first_look']} reads every cell, and this"
        " network those that it doubts; the figures below are of both together."
        if plan.get("first_look")
        else ""
    )
    sources = [SOURCES["mnist"]]
    sources += [SOURCES[name] for name in ("strokes", "fillers") if plan["data"].get(name)]
    of_patches = plan["network"].startswith("patches")
    rows = [f"| {name} | {100 * share:.2f} % |" for name, share in figures["accuracy"].items()]
    return "\n".join(
        [
            f"# Digits, version {version}",
            "",
            f"The `{plan['network']}` network with {figures['parameters']:,} parameters.{looks}"
            f" {PATCHES if of_patches else CELLS} -> `probabilities` float32 [N, 11], digits 0 to 9"
            " and blank (empty, struck out, dash or X). The signature `policy` gives the thresholds"
            " that were chosen for it.",
            "",
            "## Learned from",
            "",
            *(f"- {source}" for source in sources),
            f"- {cells['drawn']:,} cells drawn from these on synthetic paper, and"
            f" {cells['rendered']:,} cut from rendered tally sheets through the whole pipeline"
            f"{', most of them such as the first look doubts' if looks else ''}.",
            *before,
            "",
            "## Measured by the training run, on validation writers",
            "",
            "| set | cells right |",
            "|---|---|",
            *rows,
            "",
            f"Expected calibration error {100 * figures['calibration_error_before']:.2f} %, after"
            f" dividing the logits by {figures['temperature']:.3f}"
            f" {100 * figures['calibration_error_after']:.2f} %."
            f" {HARD_PATCHES if of_patches else HARD_CELLS}",
            "",
            "All options, counts and epochs are in `training.json`, the curves in `curves.png`.",
            "",
        ]
    )


def _earlier_line(record: Mapping[str, Any]) -> str:
    cells = record["training_cells"]
    return (
        f"- Before that, a first run on {cells['drawn']:,} drawn and {cells['rendered']:,} rendered"
        f" cells and MNIST's {cells['mnist']:,} digits (its record is in `training.json`)."
    )
