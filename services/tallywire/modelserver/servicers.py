"""TensorFlow Serving's PredictionService and ModelService over a `Repository`."""

from __future__ import annotations

from typing import Any

import grpc
import numpy as np
import tensorflow as tf
from google.protobuf.any_pb2 import Any as AnyMessage
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from tallywire.edge.liveness import Vitals
from tallywire.modelserver.repository import LoadedVersion, LoadState, Repository

DEFAULT_SIGNATURE = "serving_default"
SIGNATURES = "signature_def"


class PredictionServicer(prediction_service_pb2_grpc.PredictionServiceServicer):  # type: ignore[misc]
    """Predict and GetModelMetadata; the other calls answer UNIMPLEMENTED."""

    def __init__(self, repository: Repository, vitals: Vitals | None = None) -> None:
        self._repository, self._vitals = repository, vitals or Vitals()

    def Predict(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        """Run one signature of one version on the tensors given."""
        with self._vitals.working():
            return self._predict(request, context)

    def _predict(self, request: Any, context: Any) -> Any:
        version = _version(self._repository, request.model_spec, context)
        name = request.model_spec.signature_name or DEFAULT_SIGNATURE
        if name not in version.signatures:
            known = ", ".join(sorted(version.signatures))
            context.abort(
                grpc.StatusCode.FAILED_PRECONDITION, f"no signature {name!r}; there are: {known}"
            )
        arguments = _arguments(version, name, request.inputs, context)
        try:
            outputs = version.signatures[name](**arguments)
        except (tf.errors.InvalidArgumentError, ValueError, TypeError) as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error)[:500])
        return self._respond(version, name, outputs, tuple(request.output_filter), context)

    def GetModelMetadata(self, request: Any, context: Any) -> Any:  # noqa: N802
        """The SignatureDefs of a version, the only metadata that TensorFlow Serving has."""
        version = _version(self._repository, request.model_spec, context)
        if list(request.metadata_field) != [SIGNATURES]:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"metadata_field must be {SIGNATURES}")
        signatures = get_model_metadata_pb2.SignatureDefMap()
        for name, signature in version.described.items():
            signatures.signature_def[name].CopyFrom(signature)
        packed = AnyMessage()
        packed.Pack(signatures)
        response = get_model_metadata_pb2.GetModelMetadataResponse()
        response.model_spec.name = self._repository.model
        response.model_spec.version.value = version.number
        response.metadata[SIGNATURES].CopyFrom(packed)
        return response

    def _respond(
        self, version: LoadedVersion, name: str, outputs: Any, asked: tuple[str, ...], context: Any
    ) -> Any:
        unknown = set(asked) - outputs.keys()
        if unknown:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"no output {sorted(unknown)}")
        response = predict_pb2.PredictResponse()
        response.model_spec.name = self._repository.model
        response.model_spec.version.value = version.number
        response.model_spec.signature_name = name
        for key in asked or outputs:
            response.outputs[key].CopyFrom(tf.make_tensor_proto(outputs[key].numpy()))
        return response


class ModelServicer(model_service_pb2_grpc.ModelServiceServicer):  # type: ignore[misc]
    """GetModelStatus; reloading a configuration answers UNIMPLEMENTED, the folder is watched."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository

    def GetModelStatus(self, request: Any, context: Any) -> Any:  # noqa: N802
        """State of one version, or of all of them."""
        spec = request.model_spec
        _check_name(self._repository, spec, context)
        wanted = spec.version.value if spec.HasField("version") else None
        found = [v for v in self._repository.versions if wanted in (None, v.number)]
        if not found:
            context.abort(grpc.StatusCode.NOT_FOUND, f"no version {wanted or ''} of {spec.name}")
        response = get_model_status_pb2.GetModelStatusResponse()
        for version in found:
            item = response.model_version_status.add(
                version=version.number, state=int(version.state)
            )
            if version.state is LoadState.END:
                item.status.error_code = grpc.StatusCode.INTERNAL.value[0]
                item.status.error_message = version.error
        return response


def _check_name(repository: Repository, spec: Any, context: Any) -> None:
    if spec.name != repository.model:
        context.abort(
            grpc.StatusCode.NOT_FOUND, f"no model {spec.name!r}; this serves {repository.model!r}"
        )


def _version(repository: Repository, spec: Any, context: Any) -> LoadedVersion:
    _check_name(repository, spec, context)
    wanted = spec.version.value if spec.HasField("version") else None
    version = repository.find(wanted)
    if version is None:
        available = [v.number for v in repository.versions if v.state is LoadState.AVAILABLE]
        context.abort(
            grpc.StatusCode.NOT_FOUND,
            f"version {wanted or 'latest'} of {spec.name!r} is not loaded; loaded: {available}",
        )
        raise AssertionError("abort raises")
    return version


def _arguments(version: LoadedVersion, signature: str, inputs: Any, context: Any) -> dict[str, Any]:
    """The tensors of a request, checked against the signature before TensorFlow sees them."""
    expected = version.described[signature].inputs
    if set(inputs) != set(expected):
        context.abort(
            grpc.StatusCode.INVALID_ARGUMENT,
            f"inputs {sorted(inputs)} given, {sorted(expected)} expected",
        )
    return {name: _tensor(name, inputs[name], expected[name], context) for name in expected}


def _tensor(name: str, given: Any, expected: Any, context: Any) -> Any:
    sizes = [dim.size for dim in expected.tensor_shape.dim]
    shape = [dim.size for dim in given.tensor_shape.dim]
    fits = len(shape) == len(sizes) and all(
        want in (-1, got) for want, got in zip(sizes, shape, strict=True)
    )
    if given.dtype != expected.dtype or not fits:
        context.abort(
            grpc.StatusCode.INVALID_ARGUMENT,
            f"input {name!r} has type {given.dtype} and shape {shape},"
            f" expected type {expected.dtype} and shape {sizes}",
        )
    try:
        return tf.constant(np.asarray(tf.make_ndarray(given)))
    except (ValueError, TypeError) as error:
        context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"input {name!r}: {error}"[:300])
