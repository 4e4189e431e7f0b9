"""Who looks at a cell, and what the second look learns from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tallywire.errors import UsageError
from tallywire.training.calibration import softmax
from tallywire.training.cascade import (
    MEMORY,
    SURE,
    SURE_SHARE,
    CascadeStage,
    FirstStage,
    doubted,
    fit_look,
    focus,
    look_of,
    reader,
)
from tallywire.training.cells import Cells
from tallywire.training.corpus import Corpus
from tallywire.training.export import (
    as_first_look,
    load_first_look,
    load_policy,
    load_saved,
    save_model,
    store_policy,
)

pytestmark = pytest.mark.model

POLICY = {"max_error_probability": 0.25}


def call_of(logits: NDArray[np.float32]) -> Any:
    """A network that knows its answers: the first pixel of a cell is the row of `logits`."""
    table = tf.constant(logits)

    def call(inks: Any) -> Any:
        # As TensorFlow's fused convolutions do.
        tf.debugging.assert_positive(tf.shape(inks)[0], "a batch of none")
        return tf.gather(table, tf.cast(tf.round(inks[:, 0, 0, 0] * 255), tf.int32))

    return tf.function(call, input_signature=[tf.TensorSpec([None, 28, 28, 1], tf.float32)])


def numbered(count: int) -> NDArray[np.uint8]:
    """Cells whose first pixel is their number."""
    cells = np.zeros((count, 28, 28), np.uint8)
    cells[:, 0, 0] = np.arange(count)
    return cells


def said_by(seed: int, sharpness: float, count: int = 40) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(0, sharpness, (count, 11)).astype(np.float32)


@settings(max_examples=20)
@given(seed=st.integers(0, 1000), sharpness=st.sampled_from([0.1, 4.0, 40.0]))
@pytest.mark.parametrize("calibrated", [True, False])
def test_the_second_look_decides_where_the_first_doubts(
    calibrated: bool, seed: int, sharpness: float
) -> None:
    before, after = said_by(seed, sharpness), said_by(seed + 1, 3.0)
    first, second = FirstStage([], call_of(before), 1.5), CascadeStage([], call_of(after), 0.8)
    answers = reader(second, first, calibrated=calibrated)(numbered(40))

    opinion = softmax(before.astype(np.float64), 1.5)
    again = opinion.max(axis=1) < SURE
    joined = after + MEMORY * np.log(opinion)
    expected = np.where(
        again[:, None],
        softmax(joined, 0.8 if calibrated else 1.0),
        opinion if calibrated else softmax(before.astype(np.float64)),
    )
    np.testing.assert_allclose(answers, expected, atol=1e-4)
    np.testing.assert_array_equal(doubted(first, numbered(40)), again)


def test_nobody_is_asked_about_no_cells() -> None:
    sure = FirstStage([], call_of(said_by(1, 1000.0)), 1.0)
    never = CascadeStage([], call_of(np.zeros((0, 11), np.float32)), 1.0)
    assert reader(never, sure)(numbered(40)).shape == (40, 11)  # sure of all of them
    assert reader(never, sure)(numbered(0)).shape == (0, 11)


def test_without_a_first_look_every_cell_is_the_networks() -> None:
    second = CascadeStage([], call_of(said_by(2, 3.0)), 2.0)
    expected = softmax(said_by(2, 3.0).astype(np.float64), 2.0)
    np.testing.assert_allclose(reader(second, None)(numbered(40)), expected, atol=1e-5)


def small(seed: int) -> Any:
    """A Keras network too small to be good at anything."""
    import keras

    keras.utils.set_random_seed(seed)
    cells = keras.Input((28, 28, 1))
    return keras.Model(cells, keras.layers.Dense(11)(keras.layers.Flatten()(cells)))


def test_two_looks_are_saved_and_read_back(tmp_path: Path) -> None:
    cells = np.random.default_rng(3).integers(0, 256, (9, 28, 28), np.uint8)
    one, two = tmp_path / "digits" / "1", tmp_path / "digits" / "2"
    save_model(look_of(small(1), 0.7), None, POLICY, one)
    assert load_first_look(one) is None
    first = as_first_look(one)
    np.testing.assert_allclose(reader(first, None)(cells), load_saved(one)(cells), atol=1e-6)

    second = look_of(small(2), 1.4)
    save_model(second, first, POLICY, two)
    expected = reader(second, first)(cells)
    np.testing.assert_allclose(load_saved(two)(cells), expected, atol=1e-6)
    plain = reader(second, first, calibrated=False)(cells)
    np.testing.assert_allclose(load_saved(two, calibrated=False)(cells), plain, atol=1e-6)
    assert np.abs(plain - expected).max() > 0.01

    store_policy(two, {"max_error_probability": 0.125})
    assert load_policy(two) == {"max_error_probability": 0.125}
    np.testing.assert_allclose(load_saved(two)(cells), expected, atol=1e-6)
    with pytest.raises(UsageError, match="looks twice itself"):
        as_first_look(two)


@pytest.mark.parametrize("part", ["saved_model.pb", "variables/variables.index"])
@pytest.mark.parametrize("bytes_left", [None, 0, 60])
def test_half_a_model_is_told_as_such(tmp_path: Path, part: str, bytes_left: int | None) -> None:
    folder = tmp_path / "digits" / "1"
    save_model(look_of(small(1)), None, POLICY, folder)
    path = folder / part
    content = path.read_bytes()
    path.unlink()
    if bytes_left is not None:
        path.write_bytes(content[:bytes_left])
    with pytest.raises(UsageError, match=f"{folder}: (no|not a whole) SavedModel"):
        load_saved(folder)


def test_a_model_of_another_make_is_no_model_of_ours(tmp_path: Path) -> None:
    tf.saved_model.save(tf.Module(), str(tmp_path))
    with pytest.raises(UsageError, match="another make"):
        load_saved(tmp_path)


class Known:
    """Stands for a Keras network whose logits are known."""

    variables: tuple[Any, ...] = ()

    def __init__(self, logits: NDArray[np.float32]) -> None:
        self.input_shape = (None, 28, 28, 1)
        self.call = call_of(logits)

    def __call__(self, inks: Any, training: bool) -> Any:
        assert not training
        return self.call(inks)


@pytest.mark.parametrize("memory", [0.0, 1.0])
def test_the_temperature_is_that_of_both_looks_together(memory: float) -> None:
    before, after = said_by(7, 2.0, 250), said_by(8, 4.0, 250)
    truth = softmax((after + memory * np.log(softmax(before.astype(np.float64)))) / 2.5)
    rng = np.random.default_rng(1)
    drawn = [rng.choice(11, 8, p=row) for row in truth]  # eight labels for every cell
    cells = Cells(np.repeat(numbered(250), 8, axis=0), np.concatenate(drawn).astype(np.uint8))
    first = FirstStage([], call_of(before), 1.0, sure=1.0, memory=memory)  # never sure
    assert float(fit_look(Known(after), first, cells).temperature) == pytest.approx(2.5, rel=0.1)


def test_the_second_look_learns_mostly_from_what_the_first_doubts() -> None:
    logits = np.zeros((200, 11), np.float32)
    logits[:80, 0] = 20  # sure of the first 80 of 200
    first = FirstStage([], call_of(logits), 1.0)
    cells = Cells(numbered(200), np.arange(200).astype(np.uint8))
    few = Cells(cells.images[:100], cells.labels[:100])  # 20 doubted
    corpus = Corpus(few, few, few, cells, cells, few)
    focused = focus(corpus, first, np.random.default_rng(1))
    assert focused.mnist is corpus.mnist
    assert set(range(80, 100)) <= set(focused.cells.labels.tolist())
    assert len(focused.cells) == round(20 / (1 - SURE_SHARE))
    assert len(set(focused.tally.labels.tolist())) == len(focused.tally) == 160
    assert sorted(focused.cells_validation.labels.tolist()) == list(range(80, 200))
    assert sorted(focused.tally_validation.labels.tolist()) == list(range(80, 100))
    assert focus(corpus, None, np.random.default_rng(1)) is corpus


def test_the_shipped_versions_warm_up_has_cells_that_the_first_look_doubts() -> None:
    shipped = Path(__file__).parents[3] / "model_repo" / "digits"
    first = load_first_look(shipped / "2")
    assert first is not None
    for path in sorted((shipped / "2" / "assets.extra").iterdir()):
        for record in tf.data.TFRecordDataset(str(path)):
            assert doubted(first, warm_up_cells(record.numpy())).any()


def warm_up_cells(record: bytes) -> NDArray[np.uint8]:
    from tensorflow_serving.apis import prediction_log_pb2

    log = prediction_log_pb2.PredictionLog.FromString(record)
    cells: NDArray[np.uint8] = tf.make_ndarray(log.predict_log.request.inputs["cells"])
    return cells[..., 0]
