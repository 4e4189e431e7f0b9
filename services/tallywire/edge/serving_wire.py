"""TensorFlow Serving's messages without TensorFlow.

tensorflow-serving-api imports all of TensorFlow (seconds, 600 MB). The same messages are made
here from its descriptors alone (`serving.binpb`, written by `tallywire.training.descriptors`) in
a pool of their own, so that they also live beside the real package in one process.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import numpy as np
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from numpy.typing import NDArray

from tallywire.errors import PeerError

DT_FLOAT, DT_DOUBLE, DT_UINT8 = 1, 2, 4  # tensorflow/core/framework/types.proto
CLASSES = 11
SUM_TOLERANCE = 1e-3  # float32 softmax sums to 1 within far less
PACKED = {DT_FLOAT: ("<f4", "float_val"), DT_DOUBLE: ("<f8", "double_val")}

PREDICT = "/tensorflow.serving.PredictionService/Predict"
METADATA = "/tensorflow.serving.PredictionService/GetModelMetadata"
STATUS = "/tensorflow.serving.ModelService/GetModelStatus"


@dataclass(frozen=True, slots=True)
class ServingMessages:
    """The message classes, by their name in the package tensorflow.serving."""

    predict_request: Any
    predict_response: Any
    status_request: Any
    status_response: Any
    metadata_request: Any
    metadata_response: Any
    signature_map: Any


@dataclass(frozen=True, slots=True)
class ClassifierAnswer:
    """What the model said: `probabilities` float32 [N, 11], rows sum to 1; and which version."""

    probabilities: NDArray[np.float32]
    model_version: int


def load_messages() -> ServingMessages:
    """Build the message classes in a private pool; takes a few milliseconds."""
    described = FileDescriptorSet.FromString(
        files(__package__).joinpath("serving.binpb").read_bytes()
    )
    pool = DescriptorPool()
    for file in described.file:
        pool.Add(file)

    def message(name: str) -> Any:
        return GetMessageClass(pool.FindMessageTypeByName(f"tensorflow.serving.{name}"))

    return ServingMessages(
        message("PredictRequest"),
        message("PredictResponse"),
        message("GetModelStatusRequest"),
        message("GetModelStatusResponse"),
        message("GetModelMetadataRequest"),
        message("GetModelMetadataResponse"),
        message("SignatureDefMap"),
    )


def classify_request(
    messages: ServingMessages, model: str, version: int | None, cells: NDArray[np.uint8]
) -> Any:
    """A PredictRequest of cells uint8 [N, 28, 28]; `version` None asks for the newest."""
    request = _request(messages, model, version, "serving_default")
    _put_uint8(request.inputs["cells"], cells[..., None])
    request.output_filter.append("probabilities")
    return request


def policy_request(messages: ServingMessages, model: str, version: int | None) -> Any:
    """A PredictRequest of the signature `policy`; its input only has to be there."""
    request = _request(messages, model, version, "policy")
    _put_uint8(request.inputs["ask"], np.zeros(1, np.uint8))
    return request


def _request(messages: ServingMessages, model: str, version: int | None, signature: str) -> Any:
    request = messages.predict_request()
    request.model_spec.name = model
    request.model_spec.signature_name = signature
    if version is not None:
        request.model_spec.version.value = version
    return request


def _put_uint8(tensor: Any, values: NDArray[np.uint8]) -> None:
    tensor.dtype = DT_UINT8
    for size in values.shape:
        tensor.tensor_shape.dim.add().size = size
    tensor.tensor_content = np.ascontiguousarray(values).tobytes()


def read_answer(response: Any, count: int, version: int | None) -> ClassifierAnswer:
    """Check a PredictResponse for `count` cells and take it apart.

    Raises:
        PeerError: it is not `count` probability distributions, or not from the pinned `version`.
    """
    values = _read_tensor(response.outputs, "probabilities", DT_FLOAT, (count, CLASSES))
    if not np.isfinite(values).all() or values.min(initial=0) < 0:
        raise PeerError("the model server answered with values that are no probabilities")
    if np.abs(values.sum(axis=1, dtype=np.float64) - 1).max(initial=0) > SUM_TOLERANCE:
        raise PeerError("the model server answered with probabilities that do not sum to 1")
    return ClassifierAnswer(values.astype(np.float32), _answering_version(response, version))


def _answering_version(response: Any, pinned: int | None) -> int:
    answered = int(response.model_spec.version.value)
    if answered < 1:
        raise PeerError("the model server did not say which version answered")
    if pinned is not None and answered != pinned:
        raise PeerError(f"version {pinned} was asked, version {answered} answered")
    return answered


def read_scalars(response: Any, names: tuple[str, ...]) -> Mapping[str, float]:
    """The float64 [1] outputs called `names`; those that are missing are left out.

    Raises:
        PeerError: one has another type or shape, or is not finite.
    """
    found = {}
    for name in names:
        if name in response.outputs:
            value = float(_read_tensor(response.outputs, name, DT_DOUBLE, (1,))[0])
            if not np.isfinite(value):
                raise PeerError(f"the model's policy has no finite {name}")
            found[name] = value
    return found


def _read_tensor(
    outputs: Any, name: str, dtype: int, shape: tuple[int, ...]
) -> NDArray[np.floating[Any]]:
    """One output; TensorFlow Serving sends values packed as bytes or as a repeated field."""
    if name not in outputs:
        raise PeerError(f"the model server's answer has no output {name!r}")
    tensor = outputs[name]
    answered = tuple(int(dim.size) for dim in tensor.tensor_shape.dim)
    if tensor.dtype != dtype or answered != shape:
        raise PeerError(
            f"output {name!r} has type {tensor.dtype} and shape {list(answered)},"
            f" expected type {dtype} and shape {list(shape)}"
        )
    kind, repeated = PACKED[dtype]
    packed = tensor.tensor_content
    if len(packed) % np.dtype(kind).itemsize:
        raise PeerError(f"output {name!r} is cut short")
    values = np.frombuffer(packed, kind) if packed else np.array(getattr(tensor, repeated), kind)
    if values.size != np.prod(shape):
        raise PeerError(f"output {name!r} holds {values.size} values for shape {list(shape)}")
    return values.reshape(shape)
