"""A small evaluation of a shipped model, from drawn sheets to the card."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tallywire.errors import UsageError
from tallywire.evaluation import mistakes
from tallywire.evaluation.card import MARK, join_card
from tallywire.evaluation.session import EvaluateOptions, run
from tallywire.reading.policy import Policy
from tallywire.training.export import load_policy
from tests.support.tiny_handwriting import tiny_trajectories, write_mnist

MODELS = Path(__file__).parents[3] / "model_repo" / "digits"


@pytest.fixture(scope="module")
def mnist(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """IDX files of plain figures, as MNIST's test part and as its training part."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield write_mnist(tmp_path_factory.mktemp("mnist"), monkeypatch)


@pytest.fixture(scope="module")
def strokes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three writers, one in each split, each with one stroke for every digit."""
    path = tmp_path_factory.mktemp("strokes") / "digits.npz"
    points = np.concatenate([stroke for (stroke,) in tiny_trajectories().digits])
    starts = np.arange(0, 3 * len(points), len(points) // 10, dtype=np.int32)
    np.savez(
        path,
        points=np.tile((1000 * points).astype(np.int16), (3, 1)),
        stroke_starts=starts,
        digit_starts=np.arange(30, dtype=np.int32),
        labels=np.tile(np.arange(10, dtype=np.uint8), 3),
        writers=np.repeat(np.arange(3, dtype=np.int16), 10),
        writer_split=np.arange(3, dtype=np.uint8),
        suspect=np.zeros(30, bool),
    )
    return path


@pytest.fixture(scope="module")
def evaluated(
    tmp_path_factory: pytest.TempPathFactory, mnist: Path, strokes: Path
) -> tuple[Path, Path]:
    """The folder of the model and the folder of the pictures, with the figures in it."""
    folder, out = tmp_path_factory.mktemp("digits"), tmp_path_factory.mktemp("out")
    shutil.copytree(MODELS / "1", folder / "1")
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(mistakes, "MOST", 4)  # of each set; every one is a picture
        run(
            EvaluateOptions(
                versions=("1",),
                folder=folder,
                mnist=mnist,
                strokes=strokes,
                sheets=2,
                mixed=4,
                choose=9,
                out=out,
                card=True,
                json_file=out / "figures.json",
            )
        )
    return folder / "1", out


@pytest.fixture(scope="module")
def figures(evaluated: tuple[Path, Path]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads((evaluated[1] / "figures.json").read_text())["1"]
    return found


def test_every_condition_is_measured_both_ways(figures: Mapping[str, Any]) -> None:
    conditions = ("clean", "scanner", "phone", "harsh")
    assert list(figures["rendered"]) == [
        f"{hand} test, {name}" for hand in ("mnist", "strokes") for name in conditions
    ]
    for name, one in figures["rendered"].items():
        assert one["sheets"] == 2
        assert one["counts_exact_joint"] >= one["counts_exact_plain"] - 3 or "strokes" in name
    assert figures["rendered"]["mnist test, clean"]["cells_accuracy"] > 0.9


def test_sheets_of_one_hand_are_measured_beside(figures: Mapping[str, Any]) -> None:
    assert figures["mixed"]["sheets"] == 4
    assert figures["one_hand"]["sheets"] == 2


def test_targets_and_calibration_are_in_the_json(figures: Mapping[str, Any]) -> None:
    assert {"before", "after"} == set(figures["calibration"]["all"])
    assert [one["on"] for one in figures["targets"]][-1] == "one core"
    assert all(isinstance(one["met"], bool) for one in figures["targets"])


def test_few_sheets_promise_nothing_and_change_nothing(
    evaluated: tuple[Path, Path], figures: Mapping[str, Any]
) -> None:
    assert not figures["certificate"]["holds"]
    assert figures["policy"] == pytest.approx(asdict(Policy(**load_policy(MODELS / "1"))))
    kept, shipped = (folder / "certificate.json" for folder in (evaluated[0], MODELS / "1"))
    assert kept.read_bytes() == shipped.read_bytes()


def test_the_card_says_what_was_measured(evaluated: tuple[Path, Path]) -> None:
    card = (evaluated[0] / "README.md").read_text()
    for words in (
        "version 1", "| mnist test, scanner |", "DOES NOT HOLD", "Of 2 more, each by one",
        "## Targets",
    ):  # fmt: skip
        assert words in card
    shipped = (MODELS / "1" / "README.md").read_text()
    assert card.startswith(shipped.split(MARK)[0].rstrip())
    assert join_card(card, "1", "new").count(MARK) == 1


def test_pictures_are_drawn(evaluated: tuple[Path, Path]) -> None:
    names = {path.name for path in (evaluated[1] / "1").glob("*.png")}
    assert {"reliability.png", "risk-coverage.png", "confusion-mnist-test-scanner.png"} <= names


def test_a_broken_version_is_told_before_anything_is_drawn(mnist: Path, tmp_path: Path) -> None:
    shutil.copytree(MODELS / "1", tmp_path / "1")
    (tmp_path / "1" / "saved_model.pb").write_bytes(b"half")
    wish = EvaluateOptions(
        versions=("1",), folder=tmp_path, mnist=mnist, sheets=2, mixed=4, out=tmp_path / "out"
    )
    with pytest.raises(UsageError, match="not a whole SavedModel"):
        run(wish)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("text", ["half", "[]", '{"threshold": 0.02}'])
def test_a_broken_certificate_is_told_before_anything_is_drawn(
    text: str, mnist: Path, tmp_path: Path
) -> None:
    shutil.copytree(MODELS / "1", tmp_path / "1")
    (tmp_path / "1" / "certificate.json").write_text(text)
    wish = EvaluateOptions(
        versions=("1",), folder=tmp_path, mnist=mnist, sheets=2, mixed=4, out=tmp_path / "out"
    )
    with pytest.raises(UsageError, match="is no certificate"):
        run(wish)
    assert not (tmp_path / "out").exists()
