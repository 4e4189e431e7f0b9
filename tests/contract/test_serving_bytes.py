"""Our descriptor set speaks exactly what tensorflow-serving-api speaks."""

from __future__ import annotations

from importlib.resources import files

import numpy as np
import pytest

from tallywire.edge.serving_wire import (
    classify_request,
    load_messages,
    policy_request,
    read_answer,
)

pytestmark = pytest.mark.model


@pytest.mark.parametrize("version", [None, 3])
def test_requests_are_the_same_bytes(version: int | None) -> None:
    import tensorflow as tf
    from tensorflow_serving.apis import predict_pb2

    cells = np.random.default_rng(1).integers(0, 256, (5, 28, 28), np.uint8)
    ours = classify_request(load_messages(), "digits", version, cells)
    theirs = predict_pb2.PredictRequest()
    theirs.model_spec.name = "digits"
    theirs.model_spec.signature_name = "serving_default"
    if version:
        theirs.model_spec.version.value = version
    theirs.inputs["cells"].CopyFrom(tf.make_tensor_proto(cells[..., None]))
    theirs.output_filter.append("probabilities")
    assert ours.SerializeToString(deterministic=True) == theirs.SerializeToString(
        deterministic=True
    )
    asked = policy_request(load_messages(), "digits", version).SerializeToString()
    assert predict_pb2.PredictRequest.FromString(asked).model_spec.signature_name == "policy"


def test_their_answers_are_read() -> None:
    import tensorflow as tf
    from tensorflow_serving.apis import predict_pb2

    values = np.random.default_rng(2).dirichlet(np.ones(11), 4).astype(np.float32)
    theirs = predict_pb2.PredictResponse()
    theirs.model_spec.version.value = 9
    theirs.outputs["probabilities"].CopyFrom(tf.make_tensor_proto(values))
    parsed = load_messages().predict_response.FromString(theirs.SerializeToString())
    answer = read_answer(parsed, 4, 9)
    np.testing.assert_array_equal(answer.probabilities, values)


def test_the_committed_descriptors_are_those_of_the_installed_package() -> None:
    from tallywire.training.descriptors import descriptor_set

    committed = files("tallywire.edge").joinpath("serving.binpb").read_bytes()
    assert committed == descriptor_set(), "run python -m tallywire.training.descriptors"
