"""What is produced for a result, and that the broker has it, in order, whatever it takes.

Readings go to one topic, refusals with their bytes to another.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from tallywire.errors import PeerError
from tallywire.records import Correction, Reading, Rejection
from tallywire.settings import Topics
from tallywire.wire import GENERATION_HEADER, SCHEMA, encode, encode_rejection_headers
from tallywire.worker.handler import IncomingRecord
from tallywire.worker.retry import Peers, insist

TROUBLE = (KafkaError, OSError, TimeoutError)
OMITTED = ("value-omitted", b"replayed; see the original record")
TOO_LARGE = ("value-omitted", b"larger than the broker takes; see the original record")


@dataclass(frozen=True, slots=True)
class Message:
    """One record to produce."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]


Send = Callable[[Message], Awaitable[Awaitable[Any]]]
"""Hands a message to the producer; what comes back ends when the broker has acknowledged.

Both raise what is in `TROUBLE`."""


@dataclass(frozen=True, slots=True)
class OutgoingTopics:
    """Where messages go, which generation they name, and whether refusals keep their bytes."""

    send: Send
    topics: Topics
    generation: str = "g1"
    rejected_bytes: bool = True


async def publish_results(
    outgoing: OutgoingTopics,
    results: Iterable[tuple[IncomingRecord, Reading | Rejection]],
    peers: Peers,
) -> None:
    """Return when the broker has the message of every result."""
    messages = [
        message_for(
            outgoing.topics, record, result, outgoing.generation, bytes_too=outgoing.rejected_bytes
        )
        for record, result in results
    ]
    await publish(outgoing.send, [message for message in messages if message], peers)


def message_for(
    topics: Topics,
    record: IncomingRecord,
    result: Reading | Correction | Rejection,
    generation: str = "g1",
    *,
    bytes_too: bool = True,
) -> Message | None:
    """The message of one result; None for a correction, which stands on its topic already.

    Each says which generation of the ledger took it: a replay writes to the same topics.

    A refusal carries the record's own headers too, under `original-`, so that it can be repaired
    and published again. Without `bytes_too` it says where they stand instead: a replay would copy
    what the live count has put there already.
    """
    mark = (GENERATION_HEADER, generation.encode())
    if isinstance(result, Reading):
        schema = ("schema", str(SCHEMA).encode())
        return Message(topics.readings, record.key, encode(result), (mark, schema))
    if isinstance(result, Rejection):
        original = tuple((f"original-{name}", value) for name, value in record.headers)
        told = (mark, *encode_rejection_headers(result), *original)
        if bytes_too:
            return Message(topics.rejected, record.key, record.value, told)
        return Message(topics.rejected, record.key, None, (*told, OMITTED))
    return None


async def publish(send: Send, messages: Sequence[Message], peers: Peers) -> None:
    """Return when the broker has acknowledged every message.

    A value that the broker finds too large is left out, with a header that says so: the original
    still stands in the topic it came from, and one event must not block its partition.
    """
    left = list(messages)

    async def send_what_is_left() -> None:
        errors = await _send_all(send, left)
        failed = [(one, error) for one, error in zip(left, errors, strict=True) if error]
        left[:] = [_smaller(message, error) for message, error in failed]
        for _, error in failed[:1]:
            raise PeerError(str(error) or repr(error)) from error

    await insist(send_what_is_left, "kafka producer", peers)


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
    if not isinstance(error, MessageSizeTooLargeError):
        return message
    return replace(message, value=None, headers=(*message.headers, TOO_LARGE))
