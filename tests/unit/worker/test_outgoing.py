"""What is produced for a result, and that only what failed is produced again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError, KafkaError, MessageSizeTooLargeError

from tallywire.records import Rejection
from tallywire.settings import Topics
from tallywire.wire import decode
from tallywire.worker import retry
from tallywire.worker.handler import give_up
from tallywire.worker.outgoing import Message, message_for, publish
from tallywire.worker.retry import Peers
from tests.support.values import make_correction, make_election, make_reading, make_record


class Broker:
    """Takes messages; fails as told. `failures` maps a send's number to the error it gets, in
    `at_once` to the one that is raised before the message is handed over."""

    def __init__(
        self, failures: dict[int, Exception], at_once: dict[int, Exception] | None = None
    ) -> None:
        self.failures, self.at_once, self.sends = failures, at_once or {}, 0
        self.taken: list[Message] = []

    async def send(self, message: Message) -> Awaitable[Any]:
        self.sends += 1
        if self.sends in self.at_once:
            raise self.at_once[self.sends]
        error = self.failures.get(self.sends)
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        if error:
            future.set_exception(error)
        else:
            future.set_result(None)
            self.taken.append(message)
        return future


def make_message(number: int) -> Message:
    return Message("t", b"k", b"%d" % number, ())


async def test_only_what_failed_is_produced_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "FIRST_PAUSE_S", 0.0)
    broker = Broker({2: KafkaConnectionError(), 6: TimeoutError()}, at_once={3: KafkaError("no")})
    peers = Peers()
    messages = [make_message(number) for number in range(4)]
    await publish(broker.send, messages, peers)
    assert sorted(one.value or b"" for one in broker.taken) == [b"0", b"1", b"2", b"3"]
    assert not peers.troubles


async def test_a_value_too_large_for_the_broker_blocks_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(retry, "FIRST_PAUSE_S", 0.0)
    broker = Broker({2: MessageSizeTooLargeError()}, at_once={1: MessageSizeTooLargeError()})
    await publish(broker.send, [make_message(0), make_message(1)], Peers())
    assert [one.value for one in broker.taken] == [None, None]
    assert all(dict(one.headers)["value-omitted"] for one in broker.taken)


def test_a_refusal_keeps_bytes_key_and_headers() -> None:
    record = make_record()
    rejection = give_up(make_election(), record, ValueError("oops"))
    message = message_for(Topics("tally"), record, rejection)
    assert message is not None
    headers = dict(message.headers)
    assert (message.topic, message.key, message.value) == ("tally.rejected", b"d1-1", b"image")
    assert headers["reason"] == b"internal_error"
    assert headers["original-a"] == b"1"
    assert headers["generation"] == b"g1"
    assert decode(Rejection, headers["rejection"]) == rejection
    assert rejection.station == "d1-1"
    assert rejection.district == "d1"
    assert rejection.attempts > 1
    assert "oops" in str(rejection.reason.evidence)


def test_a_replay_leaves_the_bytes_of_a_refused_scan_where_they_are() -> None:
    rejection = give_up(make_election(), make_record(), ValueError("oops"))
    message = message_for(Topics("tally"), make_record(), rejection, "g2", bytes_too=False)
    assert message is not None
    headers = dict(message.headers)
    assert message.value is None
    assert b"original record" in headers["value-omitted"]
    assert decode(Rejection, headers["rejection"]) == rejection
    assert headers["generation"] == b"g2"


def test_a_reading_goes_to_its_topic_and_a_correction_to_none() -> None:
    record, topics = make_record(), Topics("tally")
    message = message_for(topics, record, make_reading("d1-1"))
    assert message is not None
    assert message.topic == "tally.readings"
    assert dict(message.headers)["generation"] == b"g1"
    other = message_for(topics, record, make_reading("d1-1"), generation="g12")
    assert other is not None
    assert dict(other.headers)["generation"] == b"g12"
    assert message_for(topics, record, make_correction("d1-1")) is None
