"""The contract of any model server: the embedded one, or the one TALLYWIRE_TEST_SERVING names.

What only our own server can be made to do (new folders, damaged ones) is in
tests/flow/test_serve_model.py.
"""

from __future__ import annotations

import asyncio
import time

import grpc
import numpy as np
import pytest
from numpy.typing import NDArray

from tallywire.edge.serving import Classifier, VersionState, classify_once, takes_once
from tallywire.edge.serving_wire import DT_FLOAT, DT_UINT8, PREDICT, load_messages
from tallywire.errors import PeerError, WrongInputError
from tallywire.sheet.prepare import Takes


@pytest.fixture(scope="module")
def cells(model_server: str) -> NDArray[np.uint8]:
    """Empty cells, and ones with a stem in the middle, as the newest version takes them."""
    return cells_for(takes_once(model_server, timeout_s=30))


def cells_for(takes: Takes) -> NDArray[np.uint8]:
    made = np.zeros((42, takes, takes), np.uint8)
    middle = takes // 2
    made[1::2, middle - 10 : middle + 10, middle - 1 : middle + 1] = 255
    return made


async def test_a_sheet_is_one_call(model_server: str, cells: NDArray[np.uint8]) -> None:
    async with Classifier(model_server) as classifier:
        answer = await classifier.classify(cells)
    assert answer.probabilities.shape == (42, 11)
    assert answer.probabilities.dtype == np.float32
    assert (answer.probabilities[0::2].argmax(axis=1) == 10).all()
    assert (answer.probabilities[1::2].argmax(axis=1) == 1).all()


async def test_batches_do_not_change_an_answer(model_server: str, cells: NDArray[np.uint8]) -> None:
    async with Classifier(model_server) as classifier:
        together = await classifier.classify(cells)
        alone = await classifier.classify(cells[1:2])
    np.testing.assert_allclose(alone.probabilities[0], together.probabilities[1], atol=1e-4)


async def test_the_version_that_answered_is_the_newest_or_the_pinned(
    model_server: str, cells: NDArray[np.uint8]
) -> None:
    async with Classifier(model_server) as classifier:
        loaded = [
            v.version for v in await classifier.versions() if v.state is VersionState.AVAILABLE
        ]
        assert (await classifier.classify(cells)).model_version == max(loaded)
    for version in loaded:
        async with Classifier(model_server, version=version) as pinned:
            answer = await pinned.classify(cells_for(await pinned.takes()))
            assert answer.model_version == version


async def test_what_another_version_takes_is_refused_and_no_reason_to_wait(
    model_server: str,
) -> None:
    async with Classifier(model_server) as classifier:
        taken = await classifier.takes()
        other = next(side for side in Takes if side is not taken)
        with pytest.raises(WrongInputError):
            await classifier.classify(cells_for(other))


async def test_a_pinned_version_that_is_missing_is_a_clear_error(
    model_server: str, cells: NDArray[np.uint8]
) -> None:
    async with Classifier(model_server, version=999_999) as classifier:
        with pytest.raises(PeerError, match="version 999999 of model 'digits'"):
            await classifier.classify(cells)
    async with Classifier(model_server, model="letters") as classifier:
        with pytest.raises(PeerError, match="letters"):
            await classifier.versions()


@pytest.mark.parametrize("version", [1, 2, 3])
async def test_the_signature_is_the_designs(model_server: str, version: int) -> None:
    async with Classifier(model_server, version=version) as classifier:
        signatures = await classifier.signatures()
    default = signatures["serving_default"]
    side = Takes.PATCHES if version == 3 else Takes.CELLS
    assert default.inputs == {"cells": (DT_UINT8, (-1, side, side, 1))}
    assert default.outputs == {"probabilities": (DT_FLOAT, (-1, 11))}


async def test_the_policy_travels_with_the_version(
    model_server: str, cells: NDArray[np.uint8]
) -> None:
    async with Classifier(model_server) as classifier:
        answer = await classifier.classify(cells)
        policy = await classifier.policy(answer.model_version)
    assert 0 < policy.max_error_probability < 1


def test_one_call_without_an_event_loop(model_server: str, cells: NDArray[np.uint8]) -> None:
    answer, policy = classify_once(cells, model_server)
    assert len(answer.probabilities) == 42
    assert policy.max_error_probability > 0


async def test_many_sheets_at_once_each_get_their_own_answer(model_server: str) -> None:
    rng = np.random.default_rng(1)
    async with Classifier(model_server, timeout_s=30) as classifier:
        side = await classifier.takes()
        sheets = [rng.integers(0, 256, (n, side, side), np.uint8) for n in rng.integers(1, 60, 40)]
        answers = await asyncio.gather(*(classifier.classify(sheet) for sheet in sheets))
    assert [len(a.probabilities) for a in answers] == [len(sheet) for sheet in sheets]


@pytest.mark.parametrize("shape", [(0, 28, 28), (3, 28, 27), (28, 28)])
async def test_what_are_no_cells_never_leaves_the_client(
    model_server: str, shape: tuple[int, ...]
) -> None:
    async with Classifier(model_server) as classifier:
        with pytest.raises(ValueError, match="cells must be"):
            await classifier.classify(np.zeros(shape, np.uint8))


async def test_a_wrong_tensor_is_refused_and_the_server_lives_on(
    model_server: str, cells: NDArray[np.uint8]
) -> None:
    messages = load_messages()
    request = messages.predict_request()
    request.model_spec.name = "digits"
    request.inputs["cells"].dtype = DT_FLOAT
    request.inputs["cells"].tensor_content = b"\0\0\0"
    async with grpc.aio.insecure_channel(model_server) as channel:
        call = channel.unary_unary(PREDICT, request_serializer=lambda m: m.SerializeToString())
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call(request, timeout=10)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    async with Classifier(model_server) as classifier:
        await classifier.classify(cells)


async def test_nobody_there_is_a_peer_error_within_the_deadline() -> None:
    began = time.monotonic()
    async with Classifier("127.0.0.1:9", timeout_s=1.5) as classifier:
        with pytest.raises(PeerError, match=r"127\.0\.0\.1:9"):
            await classifier.classify(cells_for(Takes.CELLS))
    assert time.monotonic() - began < 4
