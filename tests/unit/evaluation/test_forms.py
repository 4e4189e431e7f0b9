"""Real sheets of any form: read from a folder, compared with what the paper says."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tallywire.errors import InvalidFileError
from tallywire.evaluation.card import write_evaluation
from tallywire.evaluation.forms import (
    NOTHING_OR_ZERO,
    UNKNOWN,
    labels_of,
    read_forms,
    score_form,
    value_of,
)
from tallywire.reading.policy import Policy
from tallywire.records import BLANK
from tallywire.sheet.layout import Box, Field, Layout, Role
from tallywire.sheet.prepare import Takes

LAYOUT = """
id = "two"
version = 1
name = "two rows"
[page]
width_mm = 100
height_mm = 100
[[marks]]
id = "a"
kind = "corner_square"
box = [5, 5, 5, 5]
[[marks]]
id = "b"
kind = "corner_square"
box = [90, 5, 5, 5]
[[marks]]
id = "c"
kind = "corner_square"
box = [5, 90, 5, 5]
[[fields]]
id = "x"
option = "x"
cells = [[20, 20, 10, 10], [30, 20, 10, 10]]
[[fields]]
id = "y"
option = "y"
cells = [[20, 40, 10, 10], [30, 40, 10, 10]]
"""
CELLS = (Box(0, 0, 9, 9), Box(10, 0, 9, 9), Box(20, 0, 9, 9))
ROWS = Layout("r", 1, "r", 50, 50, (), (Field("x", Role.OPTION, "x", CELLS),), (), ())


def folder_of(path: Path, rows: object) -> Path:
    form = path / "two"
    form.mkdir()
    (form / "layout.toml").write_text(LAYOUT)
    (form / "truth.json").write_text(json.dumps({"sheets": {"one.png": rows}}))
    (form / "maps.json").write_text(
        json.dumps({"one.png": [[4, 0, -0.5], [0, 4, -0.5], [0, 0, 1]]})
    )
    cv2.imwrite(str(form / "one.png"), np.full((400, 400), 255, np.uint8))
    return path


def answers(row: list[int]) -> NDArray[np.float32]:
    out = np.full((len(row), BLANK + 1), 0.001, np.float32)
    out[np.arange(len(row)), row] = 0.99
    return out


def test_a_sheet_is_read_where_its_map_puts_it(tmp_path: Path) -> None:
    form = next(read_forms(folder_of(tmp_path, {"x": "12", "y": "X5"})))
    seen: list[tuple[int, ...]] = []

    def predict(cells: NDArray[np.uint8]) -> NDArray[np.float32]:
        seen.append(cells.shape)
        return answers([1, 2, BLANK, 6])

    score = score_form(form, predict, Takes.PATCHES, Policy())
    assert seen == [(4, 48, 48)]
    assert (score.sheets, score.refused, score.cells, score.cells_right) == (1, 0, 4, 3)
    assert (score.rows, score.rows_right_plain, score.exact_plain) == (2, 1, 0)
    assert "two | 3 of 4" in write_evaluation(figures_with(score), None)


def figures_with(score: object) -> dict[str, object]:
    from dataclasses import asdict

    return {
        "forms": {"two": asdict(score)},  # type: ignore[call-overload]
        "rendered": {}, "loose": {}, "ms_per_cell": 0.1, "targets": [], "temperature": 1.0,
        "read_again": 0.0, "calibration": {"all": {"before": 0.01, "after": 0.01}},
        "mixed": {
            "sheets": 1, "accepted_share": 0.0, "accepted_share_of_balanced": 0.0, "accepted": 0,
            "accepted_wrong": 0,
        },
        "policy": {"max_error_probability": 0.1},
    }  # fmt: skip


def test_a_sheet_on_which_nothing_is_found_is_refused(tmp_path: Path) -> None:
    folder_of(tmp_path, ["12", "5"])
    (tmp_path / "two" / "maps.json").unlink()
    form = next(read_forms(tmp_path))
    score = score_form(form, lambda cells: answers([0] * len(cells)), Takes.CELLS, Policy())
    assert (score.refused, score.cells, score.rows) == (1, 0, 0)


@pytest.mark.parametrize(
    ("row", "labels", "value"),
    [
        ("012", [0, 1, 2], 12),
        ("XX5", [BLANK, BLANK, 5], 5),
        ("_7-", [BLANK, 7, BLANK], 7),
        ("XXX", [BLANK] * 3, None),
        ("5", [NOTHING_OR_ZERO, NOTHING_OR_ZERO, 5], 5),
        ("?40", [UNKNOWN, 4, 0], "?"),
        ("1234", [UNKNOWN] * 3, 1234),
        ("", [NOTHING_OR_ZERO] * 3, None),
    ],
)
def test_a_row_says_its_classes_and_its_count(
    row: str, labels: list[int], value: int | str | None
) -> None:
    assert labels_of(ROWS, {"x": row}).tolist() == labels
    assert value_of(row) == value


@given(st.text("0123456789X_", min_size=3, max_size=3))
def test_every_whole_row_labels_every_place(row: str) -> None:
    labels = labels_of(ROWS, {"x": row})
    assert ((labels >= 0) & (labels <= BLANK)).all()
    digits = row.replace("X", "").replace("_", "")
    assert value_of(row) == (int(digits) if digits else None)


@pytest.mark.parametrize("rows", [[], ["1"], {"z": "1"}, 7])
def test_a_truth_that_does_not_fit_its_layout_is_told(tmp_path: Path, rows: object) -> None:
    with pytest.raises(InvalidFileError, match=r"one\.png"):
        list(read_forms(folder_of(tmp_path, rows)))


def test_a_folder_without_forms_is_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidFileError, match=r"layout\.toml"):
        list(read_forms(tmp_path))
