"""Drawn cells: believable, labelled right, the same for the same seed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallywire.election.loading import load_election
from tallywire.records import BLANK
from tallywire.training import cells
from tallywire.training.augment import Augment, augment
from tallywire.training.cells import draw_cells, join, synthesise
from tallywire.training.ink import CANVAS_PX, handwriting, random_style, write_blank, write_digit
from tallywire.training.paper import PrintedBox, lay_ink, random_paper, scan
from tallywire.training.rendered_cells import rendered_cells, training_hand
from tallywire.workshop.synthetic.handwriting import Writer
from tests.support import tiny_handwriting

HANDS = tiny_handwriting.tiny_hands()


@pytest.mark.parametrize("label", range(10))
@pytest.mark.parametrize("share", [0.0, 1.0])
def test_every_digit_leaves_ink_from_either_source(label: int, share: float) -> None:
    rng = np.random.default_rng(label)
    canvas = np.zeros((CANVAS_PX, CANVAS_PX), np.uint8)
    hands = tiny_handwriting.tiny_hands(share)
    write_digit(canvas, label, hands, random_style(rng), (55.5, 55.5), rng)
    assert (canvas > 128).sum() > 30


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=60)
def test_a_blank_stays_within_reach_of_its_box(seed: int) -> None:
    rng = np.random.default_rng(seed)
    canvas = np.zeros((CANVAS_PX, CANVAS_PX), np.uint8)
    write_blank(canvas, 60, 84, random_style(rng), rng)
    assert (canvas > 0).mean() < 0.75


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=40)
def test_any_scan_is_a_grey_square_of_19_px_a_box_at_least(seed: int) -> None:
    rng = np.random.default_rng(seed)
    light = random_paper(rng)
    lay_ink(light, np.zeros((CANVAS_PX, CANVAS_PX), np.uint8), 0.5, rng)
    image = scan(light, rng)
    assert image.dtype == np.uint8
    assert image.shape[0] == image.shape[1]
    assert 22 <= image.shape[0] <= CANVAS_PX


def test_ink_only_darkens() -> None:
    rng = np.random.default_rng(2)
    before = random_paper(rng)
    after = before.copy()
    lay_ink(after, np.full((CANVAS_PX, CANVAS_PX), 255, np.uint8), 0.8, rng)
    assert (after <= before + 1e-3).all()


def test_the_same_seed_gives_the_same_cells_whatever_the_workers() -> None:
    one = join(list(synthesise(1_050, HANDS, seed=4)))
    two = join(list(synthesise(1_050, HANDS, seed=4, workers=2)))
    np.testing.assert_array_equal(one.images, two.images)
    np.testing.assert_array_equal(one.labels, two.labels)
    few, other = (join(list(synthesise(100, HANDS, seed=seed))) for seed in (4, 5))
    assert few.images.shape != other.images.shape or (few.images != other.images).any()


def test_classes_are_balanced_and_cells_normalised() -> None:
    drawn = draw_cells(1_000, HANDS, np.random.SeedSequence(1))
    counts = np.bincount(drawn.labels, minlength=11)
    assert drawn.images.dtype == np.uint8
    assert drawn.images.shape[1:] == (28, 28)
    assert counts[:10].min() > 40
    assert counts[BLANK] > counts[:10].mean()
    assert len(drawn) > 900  # hardly any digit is lost in the scan


def test_hands_without_trajectories_write_with_pixels_alone() -> None:
    hands = handwriting(tiny_handwriting.tiny_digits(), None)
    assert hands.trajectory_share == 0
    assert len(draw_cells(50, hands, np.random.SeedSequence(3))) > 40


def test_a_careless_cut_takes_a_part_of_what_stands_beside(monkeypatch: pytest.MonkeyPatch) -> None:
    paper = np.zeros((CANVAS_PX, CANVAS_PX), np.uint8)
    picture = cells.ScannedCell(paper, PrintedBox(84, 84), 1, (50.0, 20.0, 60.0, 90.0), loose=True)
    rng = np.random.default_rng(6)

    def widths(careless: float) -> set[int]:
        monkeypatch.setattr(cells, "CARELESS", careless)
        return {cells.cut_ink(picture, rng).shape[1] for _ in range(50)}

    assert max(widths(0.0)) <= 18  # the digit and a margin
    assert min(widths(1.0)) > 18
    assert max(widths(1.0)) <= 18 + 42  # half a box


def test_cells_of_rendered_sheets_come_with_their_labels() -> None:
    loaded = load_election("mx-2015-d15")
    election = loaded.election
    contest = election.contests[0]
    layout = loaded.layouts[contest.id]
    parts = list(rendered_cells(3, HANDS, layout, contest, seed=8))
    cut = join(parts)
    assert len(cut) in {n * len(layout.cells) for n in (2, 3)}
    assert set(np.unique(cut.labels)) <= set(range(11))
    inked = (cut.images > 90).sum(axis=(1, 2))
    assert np.median(inked[cut.labels < BLANK]) > 25


def test_the_training_hand_draws_cropped_ink() -> None:
    hand = training_hand(HANDS)
    rng = np.random.default_rng(1)
    for digit in range(10):
        mask = hand(digit, 60.0, Writer(0, 6.0, 1.0, 0.1, 0.6), rng)
        assert mask.dtype == np.float32
        assert 0 <= mask.min() <= mask.max() <= 1
        assert 30 < max(mask.shape) < 120


def test_augmentation_keeps_shape_and_can_be_turned_off() -> None:
    images = tiny_handwriting.tiny_digits().images
    rng = np.random.default_rng(3)
    changed = augment(images, Augment(equalise=0.5), rng)
    assert changed.shape == images.shape
    assert (changed != images).any()
    assert augment(images, Augment(enabled=False), rng) is images
