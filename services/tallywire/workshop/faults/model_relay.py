"""A gRPC server between workers and the real model server: passes on, late, or nonsense.

It speaks for whatever service is behind it, in raw bytes, and takes answers of `Predict` apart only
to spoil them.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle
from types import TracebackType
from typing import Any, Self

import grpc

from tallywire.edge.serving_wire import PREDICT, load_messages
from tallywire.supervision.ports import LOOPBACK

THREADS = 32
PATIENCE_S = 20.0

Spoil = Callable[[Any], bytes]
"""From a PredictResponse to the bytes of another answer."""


class ModelRelay(grpc.GenericRpcHandler):  # type: ignore[misc]  # grpc has no types
    """Stands in front of the model server at `target`; a context manager, on `address`."""

    def __init__(self, target: str) -> None:
        self._channel = grpc.insecure_channel(target)
        self._messages = load_messages()
        self._server = grpc.server(ThreadPoolExecutor(THREADS), handlers=(self,))
        self._kinds = cycle(NONSENSE.values())
        self.address = f"{LOOPBACK}:{self._server.add_insecure_port(f'{LOOPBACK}:0')}"
        self.delay_s = 0.0
        self.nonsense = False
        self.spoilt = 0  # answers

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.stop(None).wait()
        self._channel.close()

    def service(self, handler_call_details: Any) -> Any:
        """Every method of every service."""
        method = handler_call_details.method
        ask = self._channel.unary_unary(method)

        def answer(request: bytes, context: Any) -> bytes:
            time.sleep(self.delay_s)
            try:
                found: bytes = ask(request, timeout=PATIENCE_S)
            except grpc.RpcError as error:
                context.abort(error.code(), error.details())
            if method != PREDICT or not self.nonsense:
                return found
            self.spoilt += 1
            return next(self._kinds)(self._messages.predict_response.FromString(found))

        return grpc.unary_unary_rpc_method_handler(answer)


def _first(answer: Any) -> Any:
    return next(iter(answer.outputs.values()))


def fewer_rows(answer: Any) -> bytes:
    """One cell less than was asked for."""
    dims = _first(answer).tensor_shape.dim
    dims[0].size = max(0, dims[0].size - 1)
    return bytes(answer.SerializeToString())


def other_shape(answer: Any) -> bytes:
    """One dimension too many."""
    _first(answer).tensor_shape.dim.add().size = 1
    return bytes(answer.SerializeToString())


def not_numbers(answer: Any) -> bytes:
    """Probabilities that are none."""
    tensor = _first(answer)
    count = max(1, len(tensor.tensor_content) // 4)
    tensor.tensor_content = struct.pack("<f", float("nan")) * count
    return bytes(answer.SerializeToString())


def cut_short(answer: Any) -> bytes:
    """Half of the values."""
    tensor = _first(answer)
    tensor.tensor_content = tensor.tensor_content[: len(tensor.tensor_content) // 2 + 1]
    tensor.ClearField("float_val")
    tensor.ClearField("double_val")
    return bytes(answer.SerializeToString())


def no_version(answer: Any) -> bytes:
    """It is not said which model answered."""
    answer.model_spec.ClearField("version")
    return bytes(answer.SerializeToString())


def nothing(_: Any) -> bytes:
    """An empty message."""
    return b""


def no_message(_: Any) -> bytes:
    """Bytes that are no message at all."""
    return b"\xff" * 64


NONSENSE: dict[str, Spoil] = {
    spoil.__name__: spoil
    for spoil in (
        fewer_rows, other_shape, not_numbers, cut_short, no_version, nothing, no_message,
    )
}  # fmt: skip
"""Every way to spoil an answer that a client can tell from a good one."""
