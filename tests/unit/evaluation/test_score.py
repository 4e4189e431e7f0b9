"""Scores that can be checked by hand, and crops of one's own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from tallywire.errors import InvalidFileError
from tallywire.evaluation.crops import read_crops
from tallywire.evaluation.mistakes import saliency, worst_mistakes
from tallywire.evaluation.rendered_sheets import RenderedCase
from tallywire.evaluation.score import (
    confusion,
    read_case,
    risk_coverage,
    score_cells,
    score_sheets,
)
from tallywire.reading.policy import Policy
from tallywire.workshop.synthetic.conditions import ConditionName
from tests.support.cell_probabilities import make_layout, sheet

LAYOUT = make_layout(2, 3)


def spread(*rows: tuple[int, float]) -> np.ndarray:
    """Probabilities with `share` on one class and the rest on the next."""
    found = np.zeros((len(rows), 11), np.float32)
    for row, (index, share) in zip(found, rows, strict=True):
        row[index], row[(index + 1) % 11] = share, 1 - share
    return found


def test_accuracy_and_confusion() -> None:
    probabilities = spread((1, 0.9), (7, 0.8), (10, 0.99))
    labels = np.array([1, 1, 10], np.uint8)
    assert score_cells(probabilities, labels).right == 2
    assert confusion(probabilities, labels)[1, 7] == 1


def test_risk_grows_with_coverage() -> None:
    coverage, risk = risk_coverage(np.array([0.3, 0.1, 0.2]), np.array([True, False, False]))
    assert coverage.tolist() == pytest.approx([1 / 3, 2 / 3, 1])
    assert risk.tolist() == pytest.approx([0, 0, 1 / 3])


def case(*values: int, adds_up: bool = True) -> RenderedCase:
    labels = np.array([int(mark) for value in values for mark in f"{value:03d}"], np.uint8)
    written = dict(zip(("o0", "o1", "total"), values, strict=True))
    cells = np.zeros((9, 28, 28), np.uint8)
    return RenderedCase(cells, labels, written, 700, adds_up, ConditionName.SCANNER)


def test_joint_decoding_beside_arg_max() -> None:
    good = sheet(["100", "023", "123"], 0.9999)
    doubtful = good.copy()
    doubtful[0] = 0
    doubtful[0, [7, 1]] = 0.6, 0.4
    outcomes = [
        read_case(case(100, 23, 123), probabilities, LAYOUT, Policy())
        for probabilities in (good, doubtful)
    ]
    score = score_sheets(outcomes, refused=1)
    assert (score.sheets, score.sheets_exact_plain, score.sheets_exact_joint) == (3, 1, 2)
    assert (score.votes_absolute_error_plain, score.votes_absolute_error_joint) == (600, 0)
    assert score.cells.right == 17
    assert score.cells_right_joint == 18


def test_to_decoding_a_leading_blank_is_its_zero() -> None:
    probabilities = sheet(["100", "_23", "123"], 0.9999)
    score = score_sheets([read_case(case(100, 23, 123), probabilities, LAYOUT, Policy())], 0)
    assert (score.cells.right, score.cells_right_joint) == (8, 9)


@pytest.mark.parametrize(("row", "right"), [("___", 9), ("000", 6)])
def test_to_decoding_an_empty_row_is_no_zero(row: str, right: int) -> None:
    zero = case(0, 23, 23)
    empty = replace(zero, written={**zero.written, "o0": None})
    probabilities = sheet([row, "023", "023"], 0.9999)
    score = score_sheets([read_case(empty, probabilities, LAYOUT, Policy())], 0)
    assert score.cells_right_joint == right


def test_a_paper_that_does_not_add_up_is_not_accepted() -> None:
    probabilities = sheet(["100", "023", "133"], 0.9999)
    found = read_case(case(100, 23, 133, adds_up=False), probabilities, LAYOUT, Policy())
    score = score_sheets([found], refused=0)
    assert (score.accepted, score.sheets_exact_joint, score.balanced) == (0, 1, 0)


def by_ink(cells: np.ndarray) -> np.ndarray:
    """A "model" that reads a 1 where the centre is inked, else a blank."""
    ink = cells[:, 12:16, 12:16].mean(axis=(1, 2)) / 255
    found = np.zeros((len(cells), 11), np.float32)
    found[:, 1], found[:, 10] = ink, 1 - ink
    return found


def test_saliency_points_at_what_decided() -> None:
    cell = np.zeros((28, 28), np.uint8)
    cell[12:16, 12:16] = 255
    found = saliency(cell, 1, by_ink)
    assert found.shape == (12, 12)
    assert found.max() == found[5:7, 5:7].max() > 0.9
    assert found[0, 0] == 0


def test_the_most_confident_mistakes_come_first() -> None:
    cells = np.zeros((3, 28, 28), np.uint8)
    cells[0, 12:16, 12:16] = 255
    cells[1, 12:16, 12:16] = 200
    labels = np.array([7, 7, 10], np.uint8)
    found = worst_mistakes(cells, labels, by_ink(cells), by_ink)
    assert [round(one.confidence, 2) for one in found] == [1.0, 0.78]


def test_crops_from_a_folder_and_from_an_npz(tmp_path: Path) -> None:
    crop = np.full((40, 30), 230, np.uint8)
    cv2.line(crop, (15, 5), (15, 35), 20, 4)
    (tmp_path / "folder" / "1").mkdir(parents=True)
    cv2.imwrite(str(tmp_path / "folder" / "1" / "a.png"), crop)
    np.savez(tmp_path / "crops.npz", pixels=crop.ravel(), shapes=np.array([[40, 30]]),
             offsets=np.array([0]), labels=np.array([1]), is_val=np.array([True]))  # fmt: skip
    folder, packed = read_crops(tmp_path / "folder"), read_crops(tmp_path / "crops.npz")
    np.testing.assert_array_equal(folder.cells, packed.cells)
    assert folder.labels.tolist() == packed.labels.tolist() == [1]
    assert (folder.held_out.tolist(), packed.held_out.tolist()) == ([False], [True])


@pytest.mark.parametrize("name", ["empty", "broken.npz", "other.npz", "missing.npz"])
def test_what_is_no_set_of_crops_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken.npz").write_bytes(b"PK nothing")
    np.savez(tmp_path / "other.npz", pixels=np.zeros(3))
    with pytest.raises(InvalidFileError, match=name):
        read_crops(tmp_path / name)


NONE = np.array([], int)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"shapes": np.array([[40, 31]])}, "outside the pixels"),
        ({"shapes": np.array([[0, 30]])}, "outside the pixels"),
        ({"offsets": np.array([-1])}, "outside the pixels"),
        ({"shapes": np.array([[1, 2_001]])}, "beyond 2000 px"),
        ({"labels": np.array([11])}, "a label is not one of 0 to 10"),
        ({"labels": np.array([1, 2])}, "do not belong together"),
        ({"labels": NONE, "shapes": np.zeros((0, 2), int), "offsets": NONE}, "empty"),
        ({"pixels": np.zeros(1200)}, "pixels are float64"),
    ],
)
def test_crops_that_do_not_fit_are_told(changes: dict[str, Any], told: str, tmp_path: Path) -> None:
    good = {"pixels": np.zeros(1200, np.uint8), "shapes": np.array([[40, 30]]),
            "offsets": np.array([0]), "labels": np.array([1])}  # fmt: skip
    np.savez(tmp_path / "crops.npz", **(good | changes))
    with pytest.raises(InvalidFileError, match=told):
        read_crops(tmp_path / "crops.npz")
