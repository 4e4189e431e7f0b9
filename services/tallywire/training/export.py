"""A trained network becomes a SavedModel that TensorFlow Serving loads, and can be read back."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

from tallywire.errors import UsageError
from tallywire.sheet.prepare import Takes
from tallywire.training.cascade import CascadeStage, FirstStage, Predict, in_batches, look, reader

WARM_UP_BATCHES = (1, 42, 45, 168)
WARM_UP_SEED = 15


class Served(tf.Module):  # type: ignore[misc]  # TensorFlow has no types
    """What is saved: the network, the temperature that calibrates it, the first look if there is
    one, and the policy that goes along.

    `policy` rides with the model since its thresholds are chosen for these probabilities and no
    others; it reaches the worker over the same Predict call, from any TensorFlow Serving.
    """

    def __init__(
        self, look: CascadeStage, policy: Mapping[str, float], first: FirstStage | None
    ) -> None:
        super().__init__()
        self.look = look
        self.first = first
        cells = tf.TensorSpec([None, look.side, look.side, 1], tf.uint8, name="cells")
        self.serving_default = tf.function(self._answer, input_signature=[cells])
        self.rules = {
            name: tf.Variable(value, trainable=False, dtype=tf.float64)
            for name, value in policy.items()
        }

    def _answer(self, cells: Any) -> dict[str, Any]:
        """uint8 [N, side, side, 1], ink high -> probabilities float32 [N, 11], calibrated."""
        return {"probabilities": look(self.look, self.first, cells)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.uint8, name="ask")])  # type: ignore[untyped-decorator]
    def policy(self, ask: Any) -> dict[str, Any]:
        """Any uint8 [N] (TF Serving wants an input) -> each field of the policy, float64 [1]."""
        del ask
        return {name: tf.reshape(value, [1]) for name, value in self.rules.items()}


def save_model(
    look: CascadeStage, first: FirstStage | None, policy: Mapping[str, float], folder: Path
) -> None:
    """Write the SavedModel, with warm-up requests.

    Args:
        look: the network that decides.
        first: the one that reads before, if there is one.
        policy: the accept thresholds chosen for them, by the names of `Policy`'s fields.
        folder: the version folder, `<repository>/digits/<N>`; replaced if it is there.
    """
    _write(Served(look, policy, first), folder)


def _write(served: Any, folder: Path) -> None:
    staged = folder.with_name(f".{folder.name}.new")
    shutil.rmtree(staged, ignore_errors=True)
    signatures = {"serving_default": served.serving_default, "policy": served.policy}
    tf.saved_model.save(served, str(staged), signatures=signatures)
    (staged / "fingerprint.pb").unlink(missing_ok=True)
    _write_warm_up(staged / "assets.extra", folder.parent.name, served.look.side)
    if folder.is_dir():  # a card or curves that stand beside the model stay
        for name in ("saved_model.pb", "variables", "assets", "assets.extra", "fingerprint.pb"):
            _remove(folder / name)
        shutil.copytree(staged, folder, dirs_exist_ok=True)
        shutil.rmtree(staged)
    else:
        staged.rename(folder)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _write_warm_up(folder: Path, model: str, side: int) -> None:
    """Requests that TensorFlow Serving replays before it calls a version available."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(WARM_UP_SEED)
    with tf.io.TFRecordWriter(str(folder / "tf_serving_warmup_requests")) as out:
        for batch in WARM_UP_BATCHES:
            request = predict_pb2.PredictRequest()
            request.model_spec.name = model
            request.model_spec.signature_name = "serving_default"
            scrawls = np.stack([_scrawl(side, rng) for _ in range(batch)])
            request.inputs["cells"].CopyFrom(tf.make_tensor_proto(scrawls[..., None]))
            log = prediction_log_pb2.PredictionLog(
                predict_log=prediction_log_pb2.PredictLog(request=request)
            )
            out.write(log.SerializeToString())


def _scrawl(side: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Three straight strokes: a cell that both looks have to read."""
    cell = np.zeros((side, side), np.uint8)
    points = rng.integers(4, side - 4, (4, 2))
    cv2.polylines(cell, [points.astype(np.int32)], False, 255, 2)
    return cell


def store_policy(folder: Path, policy: Mapping[str, float]) -> None:
    """Change the policy of a saved version, all else untouched.

    Raises:
        UsageError: `folder` holds no SavedModel of ours.
    """
    loaded = _load(folder)
    # New modules around the same weights: the loaded one's functions know only its old policy.
    _write(Served(_look_of(loaded), policy, _first_of(loaded)), folder)


def load_policy(folder: Path) -> dict[str, float]:
    """The policy that a saved version carries."""
    return {name: float(value) for name, value in _load(folder).rules.items()}


def load_temperature(folder: Path) -> float:
    """The temperature that a saved version divides its logits by."""
    return float(_load(folder).look.temperature)


def load_network_weights(folder: Path) -> list[NDArray[np.float32]]:
    """The weights of a saved version, in the order of its network's weights.

    Drop-out's random state is a variable of the network too, but an integer, and no weight.
    """
    saved = _load(folder).look.weights
    return [np.asarray(weight, np.float32) for weight in saved if weight.dtype.is_floating]


def load_first_look(folder: Path) -> FirstStage | None:
    """The first look that a saved version has; None if it reads every cell but once."""
    return _first_of(_load(folder))


def as_first_look(folder: Path) -> FirstStage:
    """A saved version as the first look of another.

    Raises:
        UsageError: there is none, or it looks twice itself.
    """
    loaded = _load(folder)
    if _first_of(loaded) is not None:
        raise UsageError(f"{folder} looks twice itself; a first look must be one that looks once")
    look = _look_of(loaded)
    return FirstStage(look.weights, look.call, float(look.temperature), side=look.side)


def load_saved(folder: Path, *, calibrated: bool = True) -> Predict:
    """A saved version as a function: uint8 [N, S, S] -> probabilities float32 [N, 11].

    Args:
        folder: the version folder, `<repository>/digits/<N>`.
        calibrated: False leaves its temperatures out, to measure what they bring.

    Raises:
        UsageError: there is no SavedModel of ours.
    """
    served = _load(folder)
    if not calibrated:
        return reader(_look_of(served), _first_of(served), calibrated=False)
    return in_batches(lambda cells: served.serving_default(cells)["probabilities"])


def load_takes(folder: Path) -> Takes:
    """What a saved version takes."""
    return Takes(_side_of(_load(folder)))


def _load(folder: Path) -> Any:
    if not (folder / "saved_model.pb").is_file():
        raise UsageError(f"{folder}: no SavedModel here; `tallywire train` makes one")
    try:
        loaded = tf.saved_model.load(str(folder))
    except (OSError, ValueError, tf.errors.OpError) as error:
        first_line = str(error).partition("\n")[0]
        message = f"{folder}: not a whole SavedModel, copy it again: {first_line}"
        raise UsageError(message) from error
    if not hasattr(loaded, "look"):
        raise UsageError(f"{folder}: a SavedModel of another make; `tallywire train` makes ours")
    return loaded


def _look_of(loaded: Any) -> CascadeStage:
    return CascadeStage(
        loaded.look.weights, loaded.look.call, float(loaded.look.temperature), _side_of(loaded)
    )


def _side_of(loaded: Any) -> int:
    """Side in px of what a loaded version takes."""
    arguments = loaded.signatures["serving_default"].structured_input_signature[1]
    return int(arguments["cells"].shape[1])


def _first_of(loaded: Any) -> FirstStage | None:
    found = getattr(loaded, "first", None)
    if found is None:
        return None
    temperature, sure, memory = (
        float(value) for value in (found.temperature, found.sure, found.memory)
    )
    return FirstStage(found.weights, found.call, temperature, sure, memory, _side_of(loaded))
