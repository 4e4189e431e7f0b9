"""A trained network becomes a SavedModel that TensorFlow Serving loads, and can be read back."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

from tallywire.errors import UsageError

Predict = Callable[[NDArray[np.uint8]], NDArray[np.float32]]

WARM_UP_BATCHES = (1, 42, 45, 168)


class Served(tf.Module):  # type: ignore[misc]  # TensorFlow has no types
    """What is saved: logits, the temperature that calibrates them, and the policy that goes along.

    `policy` rides with the model since its thresholds are chosen for these probabilities and no
    others; it reaches the worker over the same Predict call, from any TensorFlow Serving.
    """

    def __init__(self, network: Any, temperature: float, policy: Mapping[str, float]) -> None:
        super().__init__()
        self.network = network
        self.temperature = tf.Variable(temperature, trainable=False, dtype=tf.float32)
        self.rules = {
            name: tf.Variable(value, trainable=False, dtype=tf.float64)
            for name, value in policy.items()
        }

    @tf.function(input_signature=[tf.TensorSpec([None, 28, 28, 1], tf.uint8, name="cells")])  # type: ignore[untyped-decorator]
    def serving_default(self, cells: Any) -> dict[str, Any]:
        """uint8 [N, 28, 28, 1], ink high -> probabilities float32 [N, 11], calibrated."""
        logits = self.network(tf.cast(cells, tf.float32) / 255.0)
        return {"probabilities": tf.nn.softmax(logits / self.temperature)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.uint8, name="ask")])  # type: ignore[untyped-decorator]
    def policy(self, ask: Any) -> dict[str, Any]:
        """Any uint8 [N] (TF Serving wants an input) -> each field of the policy, float64 [1]."""
        del ask
        return {name: tf.reshape(value, [1]) for name, value in self.rules.items()}


def save_model(network: Any, temperature: float, policy: Mapping[str, float], folder: Path) -> None:
    """Write the SavedModel of a Keras network that gives logits, with warm-up requests.

    Args:
        network: keras.Model, float32 [N, 28, 28, 1] in 0..1 -> logits [N, 11].
        temperature: positive; the logits are divided by it.
        policy: the accept thresholds chosen for this network, by the names of `Policy`'s fields.
        folder: the version folder, `<repository>/digits/<N>`; replaced if it is there.
    """
    call = tf.function(lambda cells: network(cells, training=False))
    weights = [variable.value for variable in network.variables]
    _write(Served(_Frozen(weights, call), temperature, policy), folder)


class _Frozen(tf.Module):  # type: ignore[misc]
    """The network as a plain module: its variables and its call, without Keras' bookkeeping."""

    def __init__(self, weights: Any, call: Any) -> None:
        super().__init__()
        self.weights = weights
        self.call = call

    def __call__(self, cells: Any) -> Any:
        return self.call(cells)


def _write(served: Any, folder: Path) -> None:
    staged = folder.with_name(f".{folder.name}.new")
    shutil.rmtree(staged, ignore_errors=True)
    signatures = {"serving_default": served.serving_default, "policy": served.policy}
    tf.saved_model.save(served, str(staged), signatures=signatures)
    (staged / "fingerprint.pb").unlink(missing_ok=True)
    _write_warm_up(staged / "assets.extra", folder.parent.name)
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


def _write_warm_up(folder: Path, model: str) -> None:
    """Requests that TensorFlow Serving replays before it calls a version available."""
    folder.mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(str(folder / "tf_serving_warmup_requests")) as out:
        for batch in WARM_UP_BATCHES:
            request = predict_pb2.PredictRequest()
            request.model_spec.name = model
            request.model_spec.signature_name = "serving_default"
            cells = np.zeros((batch, 28, 28, 1), np.uint8)
            request.inputs["cells"].CopyFrom(tf.make_tensor_proto(cells))
            log = prediction_log_pb2.PredictionLog(
                predict_log=prediction_log_pb2.PredictLog(request=request)
            )
            out.write(log.SerializeToString())


def store_policy(
    folder: Path, policy: Mapping[str, float], temperature: float | None = None
) -> None:
    """Change the policy (and, if given, the temperature) of a saved version, weights untouched.

    Raises:
        UsageError: `folder` holds no SavedModel of ours.
    """
    loaded = _load(folder)
    # A new module around the same weights: the loaded one's functions know only its old policy.
    network = _Frozen(loaded.network.weights, loaded.network.call)
    kept = float(loaded.temperature) if temperature is None else temperature
    _write(Served(network, kept, policy), folder)


def load_policy(folder: Path) -> dict[str, float]:
    """The policy that a saved version carries."""
    return {name: float(value) for name, value in _load(folder).rules.items()}


def load_temperature(folder: Path) -> float:
    """The temperature that a saved version divides its logits by."""
    return float(_load(folder).temperature)


def load_network_weights(folder: Path) -> list[NDArray[np.float32]]:
    """The weights of a saved version, in the order of its network's weights.

    Drop-out's random state is a variable of the network too, but an integer, and no weight.
    """
    saved = _load(folder).network.weights
    return [np.asarray(weight, np.float32) for weight in saved if weight.dtype.is_floating]


def load_saved(folder: Path) -> Predict:
    """A saved version as a function: uint8 [N, 28, 28] -> probabilities float32 [N, 11].

    Args:
        folder: the version folder, `<repository>/digits/<N>`.

    Raises:
        UsageError: there is no SavedModel of ours.
    """
    served = _load(folder)

    def predict(cells: NDArray[np.uint8]) -> NDArray[np.float32]:
        parts = [np.zeros((0, 11), np.float32)]
        for at in range(0, len(cells), 4096):
            answer = served.serving_default(tf.constant(cells[at : at + 4096, :, :, None]))
            parts.append(answer["probabilities"].numpy())
        return np.concatenate(parts)

    return predict


def _load(folder: Path) -> Any:
    if not (folder / "saved_model.pb").is_file():
        raise UsageError(f"{folder}: no SavedModel here; `tallywire train` makes one")
    return tf.saved_model.load(str(folder))
