"""The TF Serving messages without TensorFlow, and what is refused of an answer."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tallywire.edge.serving_wire import (
    DT_DOUBLE,
    DT_FLOAT,
    DT_UINT8,
    ServingMessages,
    classify_request,
    load_messages,
    policy_request,
    read_answer,
    read_scalars,
)
from tallywire.errors import PeerError

MESSAGES = load_messages()


def answer(
    values: NDArray[np.float32], *, version: int = 2, packed: bool = True, dtype: int = DT_FLOAT
) -> Any:
    """A PredictResponse as a server would send it."""
    response = MESSAGES.predict_response()
    response.model_spec.version.value = version
    tensor = response.outputs["probabilities"]
    tensor.dtype = dtype
    for size in values.shape:
        tensor.tensor_shape.dim.add().size = size
    if packed:
        tensor.tensor_content = values.astype("<f4").tobytes()
    else:
        tensor.float_val.extend(values.ravel().tolist())
    return response


def even(count: int) -> NDArray[np.float32]:
    return np.full((count, 11), 1 / 11, np.float32)


@pytest.fixture(scope="module")
def messages() -> ServingMessages:
    return load_messages()


def test_the_request_holds_all_cells_in_one_tensor(messages: ServingMessages) -> None:
    cells = np.arange(2 * 28 * 28, dtype=np.uint8).reshape(2, 28, 28)
    request = classify_request(messages, "digits", 7, cells)
    tensor = request.inputs["cells"]
    assert tensor.dtype == DT_UINT8
    assert [dim.size for dim in tensor.tensor_shape.dim] == [2, 28, 28, 1]
    assert tensor.tensor_content == cells.tobytes()
    assert request.model_spec.version.value == 7


def test_the_newest_version_is_asked_for_by_naming_none(messages: ServingMessages) -> None:
    request = classify_request(messages, "digits", None, np.zeros((1, 28, 28), np.uint8))
    assert not request.model_spec.HasField("version")
    assert policy_request(messages, "digits", 3).model_spec.signature_name == "policy"


@pytest.mark.parametrize("packed", [True, False])
def test_values_come_packed_or_repeated(packed: bool) -> None:
    values = np.random.default_rng(1).dirichlet(np.ones(11), 5).astype(np.float32)
    read = read_answer(answer(values, packed=packed), 5, None)
    np.testing.assert_array_equal(read.probabilities, values)
    assert read.model_version == 2


@given(
    rows=st.integers(0, 6),
    columns=st.integers(0, 13),
    asked=st.integers(1, 6),
    packed=st.booleans(),
)
def test_any_other_shape_is_a_broken_peer(
    rows: int, columns: int, asked: int, packed: bool
) -> None:
    response = answer(np.full((rows, columns), 1 / 11, np.float32), packed=packed)
    if (rows, columns) == (asked, 11):
        assert len(read_answer(response, asked, None).probabilities) == asked
    else:
        with pytest.raises(PeerError):
            read_answer(response, asked, None)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -0.1, 0.5])
def test_what_is_no_distribution_never_becomes_a_reading(bad: float) -> None:
    values = even(3)
    values[1, 4] = bad
    with pytest.raises(PeerError):
        read_answer(answer(values), 3, None)


@given(st.binary(max_size=200))
def test_garbage_bytes_never_become_an_answer(content: bytes) -> None:
    response = answer(even(2))
    response.outputs["probabilities"].tensor_content = content
    with pytest.raises(PeerError):
        read_answer(response, 2, None)


def test_a_wrong_type_or_no_output_is_refused() -> None:
    with pytest.raises(PeerError, match="type 2"):
        read_answer(answer(even(1), dtype=DT_DOUBLE), 1, None)
    with pytest.raises(PeerError, match="no output"):
        read_answer(MESSAGES.predict_response(), 1, None)


def test_the_answer_must_come_from_the_pinned_version() -> None:
    assert read_answer(answer(even(1), version=4), 1, 4).model_version == 4
    with pytest.raises(PeerError, match="version 4 answered"):
        read_answer(answer(even(1), version=4), 1, 3)
    with pytest.raises(PeerError, match="which version"):
        read_answer(answer(even(1), version=0), 1, None)


def test_policy_values_are_read_by_name() -> None:
    response = MESSAGES.predict_response()
    tensor = response.outputs["limit"]
    tensor.dtype = DT_DOUBLE
    tensor.tensor_shape.dim.add().size = 1
    tensor.double_val.append(0.02)
    assert read_scalars(response, ("limit", "absent")) == {"limit": 0.02}
    tensor.double_val[0] = float("nan")
    with pytest.raises(PeerError, match="limit"):
        read_scalars(response, ("limit",))


def test_the_client_loads_no_tensorflow() -> None:
    code = (
        "import sys, tallywire.edge.serving;"
        "sys.exit(any(m.split('.')[0] in {'tensorflow', 'keras'} for m in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0
