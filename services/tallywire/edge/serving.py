"""The client of TensorFlow Serving: one call per sheet, deadline, retry, round robin.

Light on purpose: grpc and `serving_wire` only, so that a worker never loads TensorFlow.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from types import TracebackType
from typing import Any

import grpc
import numpy as np
from numpy.typing import NDArray

from tallywire.edge.serving_wire import (
    METADATA,
    PREDICT,
    STATUS,
    ClassifierAnswer,
    classify_request,
    load_messages,
    policy_request,
    read_answer,
    read_scalars,
)
from tallywire.errors import PeerError, TallywireError, WrongInputError
from tallywire.reading.policy import Policy
from tallywire.sheet.prepare import Takes

MAX_ANSWER_BYTES = 4 * 1024 * 1024
KEEPALIVE_MS = 300_000  # servers end a connection that pings more often than every five minutes

SERVICE_CONFIG = json.dumps(
    {
        "loadBalancingConfig": [{"round_robin": {}}],
        "methodConfig": [
            {
                "name": [{}],
                "retryPolicy": {
                    "maxAttempts": 4,
                    "initialBackoff": "0.1s",
                    "maxBackoff": "1s",
                    "backoffMultiplier": 2,
                    "retryableStatusCodes": ["UNAVAILABLE"],
                },
            }
        ],
    }
)
CHANNEL_OPTIONS = (
    ("grpc.service_config", SERVICE_CONFIG),
    ("grpc.enable_retries", 1),
    ("grpc.keepalive_time_ms", KEEPALIVE_MS),
    ("grpc.max_receive_message_length", MAX_ANSWER_BYTES),
    ("grpc.max_reconnect_backoff_ms", 2_000),  # a restarted server is found again soon
)


class NotServedError(PeerError):
    """A model server answers, and does not serve the version that was asked for."""


WHAT_IS_WRONG: Mapping[grpc.StatusCode, type[TallywireError]] = {
    grpc.StatusCode.NOT_FOUND: NotServedError,
    grpc.StatusCode.INVALID_ARGUMENT: WrongInputError,
}


class VersionState(IntEnum):
    """Life of a model version on the server (tensorflow_serving ModelVersionStatus.State)."""

    UNKNOWN = 0
    START = 10
    LOADING = 20
    AVAILABLE = 30
    UNLOADING = 40
    END = 50


@dataclass(frozen=True, slots=True)
class VersionStatus:
    """One version the server knows; `error` is empty unless loading failed."""

    version: int
    state: VersionState
    error: str


@dataclass(frozen=True, slots=True)
class Signature:
    """Names, types (DataType numbers) and shapes (-1 is any) of one signature."""

    inputs: dict[str, tuple[int, tuple[int, ...]]]
    outputs: dict[str, tuple[int, tuple[int, ...]]]


class Classifier:
    """One reused channel to one or several model servers. Make it inside a running event loop.

    Args:
        target: gRPC target, `host:port`, or `ipv4:host:port,host:port` for several servers.
        model: the model's name on the server.
        version: the version pinned for the night; None is the newest one loaded.
        timeout_s: deadline of each call, retries included.
    """

    def __init__(
        self, target: str, model: str = "digits", version: int | None = None, timeout_s: float = 5.0
    ) -> None:
        self._target, self._model = target, model
        self._version, self._timeout_s = version, timeout_s
        self._takes: dict[int, Takes] = {}
        self._messages = load_messages()
        self._channel = grpc.aio.insecure_channel(target, options=CHANNEL_OPTIONS)
        self._predict = self._method(PREDICT, self._messages.predict_response)
        self._status = self._method(STATUS, self._messages.status_response)
        self._metadata = self._method(METADATA, self._messages.metadata_response)

    async def __aenter__(self) -> Classifier:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def classify(self, cells: NDArray[np.uint8]) -> ClassifierAnswer:
        """Probabilities of all cells of one or a few sheets, in one call.

        Args:
            cells: uint8 [N, S, S], N >= 1, ink high, paper 0; S is what `takes` answers.

        Raises:
            WrongInputError: another version is served now than when `takes` was asked.
            PeerError: no server answered within the deadline, the pinned version is not loaded,
                or the answer is not N probability distributions.
        """
        _check_cells(cells)
        request = classify_request(self._messages, self._model, self._version, cells)
        return read_answer(await self._call(self._predict, request), len(cells), self._version)

    async def policy(self, version: int | None = None) -> Policy:
        """The accept thresholds that were chosen for `version` (default: the pinned one).

        Raises:
            PeerError: no answer, or the model carries no policy.
        """
        request = policy_request(self._messages, self._model, version or self._version)
        response = await self._call(self._predict, request)
        known = {field.name for field in dataclasses.fields(Policy)}
        found = read_scalars(response, tuple(sorted(known)))
        try:
            return Policy(**found)
        except TypeError as error:
            raise PeerError(
                f"model {self._model!r} carries no complete policy ({error}): train or evaluate it"
                " with this version of tallywire"
            ) from None

    async def takes(self) -> Takes:
        """What the pinned version takes, or the newest one; of a pinned one it is asked once.

        Raises:
            PeerError: no answer, the version is not loaded, or it takes what we do not know.
        """
        if self._version in self._takes:
            return self._takes[self._version]
        found = takes_of((await self.signatures()).get("serving_default"))
        if self._version is not None:
            self._takes[self._version] = found
        return found

    async def versions(self) -> tuple[VersionStatus, ...]:
        """Every version the server knows, newest first.

        Raises:
            PeerError: no answer, or the server does not know the model.
        """
        request = self._messages.status_request()
        request.model_spec.name = self._model
        response = await self._call(self._status, request)
        found = [
            VersionStatus(
                int(item.version), VersionState(item.state), str(item.status.error_message)
            )
            for item in response.model_version_status
        ]
        return tuple(sorted(found, key=lambda item: -item.version))

    async def signatures(self, version: int | None = None) -> dict[str, Signature]:
        """The signatures of a version, by name.

        Raises:
            PeerError: no answer, or the version is not loaded.
        """
        request = self._messages.metadata_request()
        request.model_spec.name = self._model
        if version or self._version:
            request.model_spec.version.value = version or self._version
        request.metadata_field.append("signature_def")
        response = await self._call(self._metadata, request)
        packed = response.metadata["signature_def"].value
        found = self._messages.signature_map.FromString(packed).signature_def
        return {
            name: Signature(_tensors(found[name].inputs), _tensors(found[name].outputs))
            for name in found
        }

    async def close(self) -> None:
        """End the connection; calls under way are cancelled."""
        await self._channel.close()

    def _method(self, path: str, response: Any) -> Callable[..., Awaitable[Any]]:
        method: Callable[..., Awaitable[Any]] = self._channel.unary_unary(
            path,
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=response.FromString,
        )
        return method

    async def _call(self, method: Callable[..., Awaitable[Any]], request: Any) -> Any:
        try:
            return await method(request, timeout=self._timeout_s)
        except grpc.aio.AioRpcError as error:
            kind = WHAT_IS_WRONG.get(error.code(), PeerError)
            raise kind(self._explain(error)) from error

    def _explain(self, error: Any) -> str:
        code, details = error.code(), str(error.details())[:300]
        asked = f"version {self._version}" if self._version else "any version"
        where = f"model server {self._target}"
        if code is grpc.StatusCode.DEADLINE_EXCEEDED:
            return f"{where}: no answer within {self._timeout_s:g} s"
        if code is grpc.StatusCode.UNAVAILABLE:
            return f"{where}: not reachable ({details})"
        if code is grpc.StatusCode.NOT_FOUND:
            return f"{where}: does not serve {asked} of model {self._model!r} ({details})"
        return f"{where}: {code.name}: {details}"


def takes_of(signature: Signature | None) -> Takes:
    """What a version with this `serving_default` takes.

    Raises:
        PeerError: it has no input `cells`, or one of a side that we cannot cut.
    """
    shape = signature.inputs.get("cells", (0, ()))[1] if signature else ()
    if len(shape) != 4 or shape[1] != shape[2] or shape[1] not in list(Takes):
        raise PeerError(
            f"the model takes cells of shape {list(shape)}; this version of tallywire cuts"
            f" {', '.join(f'[N, {side}, {side}, 1]' for side in Takes)}"
        )
    return Takes(shape[1])


def takes_once(
    target: str, model: str = "digits", version: int | None = None, timeout_s: float = 5.0
) -> Takes:
    """`Classifier.takes` for a process that has no event loop."""

    async def ask() -> Takes:
        async with Classifier(target, model, version, timeout_s) as classifier:
            return await classifier.takes()

    return asyncio.run(ask())


def classify_once(
    cells: NDArray[np.uint8],
    target: str,
    model: str = "digits",
    version: int | None = None,
    timeout_s: float = 5.0,
) -> tuple[ClassifierAnswer, Policy]:
    """One call for a process that has no event loop; the arguments are those of `Classifier`.

    Returns:
        the answer and the policy of the version that gave it.

    Raises:
        PeerError: as `Classifier.classify`.
    """

    async def ask() -> tuple[ClassifierAnswer, Policy]:
        async with Classifier(target, model, version, timeout_s) as classifier:
            answer = await classifier.classify(cells)
            return answer, await classifier.policy(answer.model_version)

    return asyncio.run(ask())


def _check_cells(cells: NDArray[np.uint8]) -> None:
    shapes = [(side, side) for side in Takes]
    if cells.ndim != 3 or cells.shape[1:] not in shapes or not len(cells):
        raise ValueError(f"cells must be [N, S, S], N >= 1, S of {list(Takes)}, not {cells.shape}")
    if cells.dtype != np.uint8:
        raise ValueError(f"cells must be uint8, not {cells.dtype}")


def _tensors(infos: Any) -> dict[str, tuple[int, tuple[int, ...]]]:
    return {
        name: (int(infos[name].dtype), tuple(int(d.size) for d in infos[name].tensor_shape.dim))
        for name in infos
    }
