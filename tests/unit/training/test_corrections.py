"""Corrections become labelled cells; the doubted and different ones are picked."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tallywire.election.loading import load_election
from tallywire.errors import InvalidFileError, UsageError
from tallywire.records import BLANK, Correction, Source
from tallywire.sheet.layout import Layout, Role
from tallywire.training.cells import Cells
from tallywire.training.corrections import (
    CORRECTIONS_FILE,
    CorrectedSheet,
    label_cells,
    pick_cells,
    read_corrections,
)
from tallywire.training.rendered_cells import training_hand
from tallywire.wire import encode
from tallywire.workshop.synthetic.conditions import ConditionName, conditions
from tallywire.workshop.synthetic.draw import Content, compose_sheet, render_sheet
from tallywire.workshop.synthetic.form import print_form
from tests.support.tiny_handwriting import tiny_digits, tiny_hands, write_mnist

LOADED = load_election("mx-2015-d15")
ELECTION = LOADED.election
CONTEST = ELECTION.contests[0]
LAYOUT: Layout = LOADED.layouts[CONTEST.id]
OPTIONS = [option.id for option in CONTEST.options]
CELLS = len(LAYOUT.cells)
MOST_PIXELS = 50_000_000


def correction(station: str, votes: dict[str, int] | None, offset: int = 0) -> Correction:
    return Correction(
        station=station, contest=CONTEST.id, district="15",
        source=Source("tally.corrections", 0, offset),
        decided_at=datetime(2015, 6, 7, 22, tzinfo=UTC), decided_by="clerk", why="misread",
        before=None, votes=votes,
    )  # fmt: skip


def write_scan(folder: Path, station: str, votes: dict[str, int]) -> None:
    rng = np.random.default_rng(len(station))
    form = print_form(LAYOUT, CONTEST, 100)
    condition = conditions()[ConditionName.CLEAN]
    signs = compose_sheet(form, row_values(votes), condition, rng)
    content = Content(signs, station, "15", 700)
    drawn = render_sheet(form, content, training_hand(tiny_hands(0.0)), condition, rng)
    assert cv2.imwrite(str(folder / f"{station}.png"), drawn.pixels)


def row_values(votes: dict[str, int]) -> dict[str, int]:
    """The number of every row; the total's is the sum."""
    return {field.id: votes.get(field.option or "", sum(votes.values())) for field in LAYOUT.fields}


def write_corrections(folder: Path, *corrections: Correction) -> None:
    (folder / CORRECTIONS_FILE).write_bytes(b"\n".join(encode(one) for one in corrections) + b"\n")


def votes_of(number: int) -> dict[str, int]:
    return {option: (number * 7 + index * 13) % 70 for index, option in enumerate(OPTIONS)}


def test_the_last_decision_counts_and_a_withdrawn_one_teaches_nothing(tmp_path: Path) -> None:
    for station in ("A", "BB"):
        write_scan(tmp_path, station, votes_of(1))
    write_corrections(
        tmp_path,
        correction("A", votes_of(9)),
        correction("BB", votes_of(1)),
        correction("A", votes_of(1), 2),
        correction("BB", None, 3),
    )
    (sheet,) = read_corrections(tmp_path, LAYOUT, MOST_PIXELS)
    assert (sheet.station, sheet.votes) == ("A", votes_of(1))
    assert sheet.cells.shape == (CELLS, 28, 28)


def test_every_problem_of_the_folder_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(InvalidFileError, match=r"corrections\.jsonl"):
        read_corrections(tmp_path, LAYOUT, MOST_PIXELS)
    lines = [b"{not json", encode(correction("GONE", votes_of(1)))]
    (tmp_path / CORRECTIONS_FILE).write_bytes(b"\n".join(lines))
    with pytest.raises(InvalidFileError) as caught:
        read_corrections(tmp_path, LAYOUT, MOST_PIXELS)
    assert len(caught.value.problems) == 2


@given(st.lists(st.integers(0, 999), min_size=len(OPTIONS), max_size=len(OPTIONS)), st.booleans())
@settings(max_examples=40)
def test_labels_spell_the_votes_whatever_the_model_thought(
    numbers: list[int], prefers_blank: bool
) -> None:
    votes = dict(zip(OPTIONS, numbers, strict=True))
    probabilities = np.full((CELLS, 11), 0.01, np.float32)
    probabilities[:, BLANK if prefers_blank else 0] = 0.9
    sheet = CorrectedSheet("A", np.zeros((CELLS, 28, 28), np.uint8), votes)
    cells, given_by_model = label_cells(sheet, LAYOUT, probabilities)
    fields = [field for field in LAYOUT.fields if field.role is Role.OPTION]
    assert len(cells) == len(given_by_model) == sum(len(field.cells) for field in fields)
    rows = np.array_split(cells.labels, len(fields))
    for field, row in zip(fields, rows, strict=True):
        value = int("".join("0" if label == BLANK else str(label) for label in row))
        assert value == votes[str(field.option)]
        leading = len(row) - len(str(value)) if value else len(row)
        assert (row[:leading] == (BLANK if prefers_blank else 0)).all()


def test_doubted_cells_come_first_and_copies_last() -> None:
    digits = tiny_digits(copies=30)
    copies = Cells(np.repeat(digits.images[3:4], 50, axis=0), np.full(50, 3, np.uint8))
    others = Cells(digits.images[:10], digits.labels[:10])
    sure = Cells(digits.images[10:], digits.labels[10:])
    everything = Cells(
        np.concatenate([copies.images, others.images, sure.images]),
        np.concatenate([copies.labels, others.labels, sure.labels]),
    )
    given_by_model = np.array([0.1] * 50 + [0.2] * 10 + [0.99] * len(sure), np.float32)
    picked = pick_cells(everything, given_by_model, 20)
    assert len(picked) == 20
    assert set(picked.labels.tolist()) == set(range(10))
    few = Cells(others.images, others.labels)
    assert len(pick_cells(few, given_by_model[:10], 20)) == 10


@pytest.mark.model
def test_a_version_improves_from_corrections_or_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tallywire.training.export import load_first_look, load_policy, load_saved
    from tallywire.training.improve import Improvement, improve
    from tallywire.training.plan import TrainingData, TrainOptions
    from tallywire.training.restore import load_network
    from tallywire.training.run import TrainingListener, train

    told = TrainingListener(lambda *_: None, lambda _: None)
    digits = write_mnist(tmp_path, monkeypatch)
    data = TrainingData(digits, None, cells=200, sheets=1, validation_cells=60,
                validation_sheets=1, workers=1)  # fmt: skip
    base = tmp_path / "digits" / "1"
    train(TrainOptions(data, base, "paper", pretrain_epochs=1, epochs=0, tally_epochs=0), told)
    cells = np.random.default_rng(1).integers(0, 256, (5, 28, 28), np.uint8)
    network = load_network(base)
    answers: NDArray[np.float32] = load_saved(base)(cells)
    logits = network(cells[..., None].astype(np.float32) / 255).numpy()
    assert (logits.argmax(axis=1) == answers.argmax(axis=1)).all()

    stations = [f"S{number}" for number in range(5)]
    for station in stations:
        write_scan(tmp_path, station, votes_of(1))
    write_corrections(tmp_path, *(correction(station, votes_of(1)) for station in stations))
    plan = Improvement(base, tmp_path / "digits" / "2", tmp_path, data, most_cells=30, epochs=1)
    outcome = improve(plan, told)
    assert outcome.picked == 30
    assert outcome.published == all(one.after <= one.before for one in outcome.sets.values())
    assert plan.folder.is_dir() == outcome.published
    if outcome.published:
        assert load_policy(plan.folder) == load_policy(base)
        assert load_first_look(plan.folder) is None

    twice = tmp_path / "digits" / "3"
    second = TrainOptions(data, twice, "paper", pretrain_epochs=1, epochs=0, tally_epochs=0,
                  first_look=base)  # fmt: skip
    train(second, told)
    further = Improvement(twice, tmp_path / "digits" / "4", tmp_path, data, most_cells=30, epochs=1)
    outcome = improve(further, told)
    assert further.folder.is_dir() == outcome.published
    if outcome.published:
        assert load_first_look(further.folder) is not None

    write_corrections(tmp_path, correction("S1", votes_of(1)))
    with pytest.raises(UsageError, match="at least 4"):
        improve(plan, told)
