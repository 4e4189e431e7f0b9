"""Drawn pieces of forms: labelled right, as varied as they should be, the same for one seed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.random import SeedSequence

from tallywire.errors import InvalidFileError
from tallywire.records import BLANK
from tallywire.sheet.patches import VIEW_PX
from tallywire.training.cells import join
from tallywire.training.fillers import Fillers, read_fillers
from tallywire.training.patch_forms import Press, print_form, random_form, set_type
from tallywire.training.patch_hand import (
    KINDS,
    Hands,
    know_hands,
    random_person,
    write_digit,
    write_filler,
)
from tallywire.training.patch_paper import lay_ink, lay_paper, put_stamp, shine_through, wear
from tallywire.training.patch_scan import scan
from tallywire.training.patch_scenes import draw_scenes, random_row, synthesise_patches, write_form
from tallywire.training.strokes import Split
from tests.support import tiny_handwriting

CROSS = (
    np.array([[-0.5, -0.5], [0.0, 0.0], [0.5, 0.5]], np.float32),
    np.array([[0.5, -0.5], [0.0, 0.0], [-0.5, 0.5]], np.float32),
)
FILLERS = Fillers(dict.fromkeys(KINDS, (CROSS,)))
SEEDS = st.integers(0, 2**32 - 1)


def hands(share: float = 0.5) -> Hands:
    return know_hands(tiny_handwriting.tiny_hands(share), FILLERS)


def press() -> Press:
    return set_type(np.random.default_rng(1))


def test_the_same_seed_draws_the_same_patches_whatever_the_workers() -> None:
    alone = join(list(synthesise_patches(8, hands(), 3)))
    pooled = join(list(synthesise_patches(8, hands(), 3, workers=2)))
    np.testing.assert_array_equal(alone.images, pooled.images)
    np.testing.assert_array_equal(alone.labels, pooled.labels)
    other = join(list(synthesise_patches(8, hands(), 4)))
    assert alone.images.shape != other.images.shape or (alone.images != other.images).any()


def test_patches_are_many_and_hold_every_class() -> None:
    patches = draw_scenes(60, hands(), SeedSequence(5))
    assert patches.images.shape[1:] == (VIEW_PX, VIEW_PX)
    assert patches.images.dtype == np.uint8
    assert set(patches.labels.tolist()) == set(range(BLANK + 1))
    assert len(patches) > 200


@given(places=st.integers(1, 6), seed=SEEDS)
def test_a_row_holds_only_classes(places: int, seed: int) -> None:
    row = random_row(places, np.random.default_rng(seed))
    assert row.shape == (places,)
    assert row.max() <= BLANK


@given(seed=SEEDS)
@settings(max_examples=40)
def test_all_cells_lie_on_the_canvas(seed: int) -> None:
    form = random_form(50.0, np.random.default_rng(seed))
    assert form.edges[..., :2].min() >= 0
    assert (form.edges[..., 2:] <= (form.width_px, form.height_px)).all()
    assert form.cells[..., 2:].min() == pytest.approx(50.0)


@given(seed=SEEDS)
@settings(max_examples=25, deadline=None)
def test_print_ink_and_wear_only_darken_and_any_scan_is_grey_bytes(seed: int) -> None:
    rng, type_ = np.random.default_rng(seed), press()
    form = random_form(46.0, rng)
    light = lay_paper(form, type_, rng)
    ink, labels = write_form(form, random_person(hands(), rng), hands(), rng)
    assert labels.shape == form.cells.shape[:2]
    steps: tuple[Callable[[], None], ...] = (
        lambda: print_form(light, form, type_, rng),
        lambda: lay_ink(light, ink, form.short_px, rng),
        lambda: put_stamp(light, form, type_, rng),
        lambda: shine_through(light, ink, rng),
    )
    for darken in steps:
        before = light.copy()
        darken()
        assert (light <= before + 1e-2).all()
    wear(light, rng)
    image = scan(light, 0.5, rng)
    assert image.dtype == np.uint8
    assert image.shape == (round(form.height_px * 0.5), round(form.width_px * 0.5))


@pytest.mark.parametrize("label", range(10))
@pytest.mark.parametrize("share", [0.0, 1.0])
def test_every_digit_leaves_ink_near_where_it_was_written(label: int, share: float) -> None:
    rng = np.random.default_rng(label)
    ink = np.zeros((200, 200), np.uint8)
    known = hands(share)
    write_digit(ink, label, random_person(known, rng), known, (100.0, 100.0), 60.0, rng)
    rows, columns = np.nonzero(ink > 128)
    assert len(rows) > 20
    assert abs(rows.mean() - 100) < 25
    assert abs(columns.mean() - 100) < 25


@given(seed=SEEDS)
@settings(max_examples=60, deadline=None)
def test_fillers_leave_ink_and_stay_about_their_cell(seed: int) -> None:
    rng = np.random.default_rng(seed)
    ink = np.zeros((300, 300), np.uint8)
    write_filler(ink, random_person(hands(), rng), hands(), (150.0, 150.0), 60.0, rng)
    rows, columns = np.nonzero(ink)
    assert len(rows)
    assert max(np.abs(rows - 150).max(), np.abs(columns - 150).max()) < 110


def arrays() -> dict[str, Any]:
    """Two writers, an x each: two strokes of two points."""
    return {
        "points": np.array([[0, 0], [1000, 1000], [1000, 0], [0, 1000]] * 2, np.int16),
        "stroke_starts": np.array([0, 2, 4, 6], np.int32),
        "sign_starts": np.array([0, 2], np.int32),
        "kinds": np.array(["dash", "x"]),
        "labels": np.array([1, 1], np.uint8),
        "writers": np.array([0, 1], np.int16),
        "writer_split": np.array([0, 2], np.uint8),
    }


def test_fillers_are_read_by_split_and_centred(tmp_path: Path) -> None:
    np.savez(tmp_path / "signs.npz", **arrays())
    found = read_fillers(tmp_path / "signs.npz", Split.TRAIN)
    assert len(found.signs["x"]) == 1
    np.testing.assert_allclose(found.signs["x"][0][0], [[-0.5, -0.5], [0.5, 0.5]])
    assert found.draw("dash", np.random.default_rng(0)) is None
    assert not read_fillers(tmp_path / "signs.npz", Split.VALIDATION).signs["x"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"labels": np.array([1, 7], np.uint8)},
        {"sign_starts": np.array([0, 9], np.int32)},
        {"writers": np.array([0], np.int16)},
        {"points": np.zeros((8, 3), np.int16)},
    ],
)
def test_arrays_that_do_not_belong_together_are_told(tmp_path: Path, wrong: dict[str, Any]) -> None:
    np.savez(tmp_path / "signs.npz", **(arrays() | wrong))
    with pytest.raises(InvalidFileError, match="belong together"):
        read_fillers(tmp_path / "signs.npz", Split.TRAIN)
