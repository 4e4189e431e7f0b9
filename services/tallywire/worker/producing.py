"""Produces messages and sees to it that the broker has them, in order, whatever it takes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import structlog
from aiokafka.errors import KafkaError, MessageSizeTooLargeError
from faust.exceptions import ProducerSendError

from tallywire.worker.retry import Peers, pause_s

TROUBLE = (KafkaError, ProducerSendError, OSError, TimeoutError)


@dataclass(frozen=True, slots=True)
class Message:
    """One record to produce."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]


Send = Callable[[Message], Awaitable[Awaitable[Any]]]
"""Hands a message to the producer; what comes back ends when the broker has acknowledged."""


def faust_send(app: Any) -> Send:
    """Send by the app's own producer (acks=all)."""

    async def send(message: Message) -> Awaitable[Any]:
        acknowledged: Awaitable[Any] = await app.producer.send(
            message.topic, message.key, message.value, None, None, list(message.headers)
        )
        return acknowledged

    return send


async def publish(send: Send, messages: Sequence[Message], peers: Peers) -> None:
    """Return when the broker has acknowledged every message.

    A value that the broker finds too large is left out, with a header that says so: the original
    still stands in the topic it came from, and one event must not block its partition.
    """
    left, attempt = list(messages), 0
    while left:
        results = await _send_all(send, left)
        left = [
            _smaller(message, error) for message, error in zip(left, results, strict=True) if error
        ]
        if not left:
            break
        attempt += 1
        error = next(error for error in results if error)
        peers.failed("kafka producer", str(error) or repr(error))
        structlog.get_logger().warning("producing failed; again", error=str(error), attempt=attempt)
        await asyncio.sleep(pause_s(attempt))
    peers.succeeded("kafka producer")


async def _send_all(send: Send, messages: Sequence[Message]) -> list[Exception | None]:
    """The error of each message, in order; they are handed over before any is waited for."""
    started = [await _guard(send(message)) for message in messages]
    return [
        started_or_error
        if isinstance(started_or_error, Exception)
        else _error(await _guard(started_or_error))
        for started_or_error in started
    ]


async def _guard(action: Awaitable[Any]) -> Any:
    try:
        return await action
    except TROUBLE as error:
        return error


def _error(result: Any) -> Exception | None:
    return result if isinstance(result, Exception) else None


def _smaller(message: Message, error: Exception) -> Message:
    cause = error.__cause__ if isinstance(error, ProducerSendError) else error
    if not isinstance(cause, MessageSizeTooLargeError):
        return message
    note = ("value-omitted", b"larger than the broker takes; see the original record")
    return replace(message, value=None, headers=(*message.headers, note))
