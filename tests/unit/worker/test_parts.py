"""Patience, progress, health, and what is produced for a result."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable
from dataclasses import replace
from datetime import UTC, datetime
from http.client import HTTPConnection
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError, MessageSizeTooLargeError
from faust.exceptions import ProducerSendError
from hypothesis import given
from hypothesis import strategies as st

from tallywire.errors import PeerError
from tallywire.reasons import Code
from tallywire.records import Rejection, Source
from tallywire.settings import Topics
from tallywire.wire import decode, encode
from tallywire.worker import producing, retry
from tallywire.worker.correction_handler import read_correction
from tallywire.worker.health import STALLED_EXIT, healthz, readyz, serve_health, start_watchdog
from tallywire.worker.incoming import IncomingRecord, key_text, record_of
from tallywire.worker.outgoing import message_for
from tallywire.worker.producing import Message, publish
from tallywire.worker.progress import WorkerProgress
from tallywire.worker.retry import LONGEST_PAUSE_S, Peers, insist, pause_s
from tallywire.worker.scan_handler import give_up
from tests.factories import NIGHT, make_correction, make_election, make_reading

SOURCE = Source("tally.scans", 3, 41)


def make_record(**over: Any) -> IncomingRecord:
    fields = {"source": SOURCE, "key": b"d1-1", "value": b"image", "headers": (("a", b"1"),),
              "published_at": NIGHT, **over}  # fmt: skip
    return IncomingRecord(**fields)


@given(st.integers(1, 10_000))
def test_pauses_grow_and_are_bounded(attempt: int) -> None:
    assert 0 < pause_s(attempt) <= LONGEST_PAUSE_S
    assert pause_s(attempt) >= min(LONGEST_PAUSE_S, 0.1 * 2.0 ** min(attempt - 1, 16)) / 2


async def test_a_peer_is_waited_for_and_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "FIRST_PAUSE_S", 0.0)
    peers, seen = Peers(), []

    async def flaky() -> str:
        seen.append(dict(peers.troubles))
        if len(seen) < 5:
            raise PeerError("away")
        return "here"

    assert await insist(flaky, "redis", peers) == "here"
    assert [found["redis"].attempts for found in seen[1:]] == [1, 2, 3, 4]
    assert not peers.troubles


async def test_a_bug_is_no_peers_trouble() -> None:
    async def broken() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await insist(broken, "redis", Peers())


def test_work_without_progress_is_a_standstill_unless_a_peer_is_away() -> None:
    progress = WorkerProgress(Peers())
    progress.beat(lag=5, in_flight=1, assigned=True)
    progress.last_settled_s -= 100
    assert progress.stalled_s() > 99
    assert healthz(progress).status == 503
    progress.peers.failed("redis", "away")
    assert healthz(progress).status == 200
    assert readyz(progress).status == 503
    progress.beat(lag=5, in_flight=1, assigned=True)
    progress.peers.succeeded("redis")
    assert progress.stalled_s() < 1  # the wait is not held against us
    assert readyz(progress).status == 200


def test_idle_is_no_standstill_but_a_frozen_loop_is() -> None:
    progress = WorkerProgress(Peers())
    progress.last_settled_s -= 1000
    progress.beat(lag=0, in_flight=0, assigned=True)
    assert progress.stalled_s() < 1
    progress.last_beat_s -= 100
    assert progress.stalled_s() > 99


def test_the_watchdog_ends_a_process_that_stands_still() -> None:
    progress = WorkerProgress(Peers())
    ended: list[int] = []
    thread = start_watchdog(progress, limit_s=0.2, end=ended.append)
    time.sleep(0.1)
    assert not ended
    thread.join(timeout=5)
    assert ended == [STALLED_EXIT]


@pytest.mark.parametrize(
    ("path", "status"), [("/healthz", 200), ("/readyz?x=1", 503), ("/metrics", 200), ("/", 404)]
)
def test_health_speaks_http_on_loopback(path: str, status: int) -> None:
    progress = WorkerProgress(Peers())
    progress.beat(lag=0, in_flight=3, assigned=False)
    with serve_health(progress, 0) as server:
        connection = HTTPConnection("127.0.0.1", server.port, timeout=5)
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read().decode()
        connection.close()
    assert answer.status == status
    if path == "/metrics":
        assert "tallywire_in_flight_scans 3.0" in body
        assert 'tallywire_peer_waiting{peer="redis"} 0.0' in body
    else:
        assert json.loads(body)["status"]


def test_a_record_takes_what_a_broker_may_leave_out() -> None:
    bare = SimpleNamespace(topic="t", partition=0, offset=7, key=None, value=None, headers=None,
                           timestamp=None)  # fmt: skip
    record = record_of(bare)
    assert record == IncomingRecord(
        Source("t", 0, 7), None, None, (), datetime.fromtimestamp(0, UTC)
    )
    odd = SimpleNamespace(**{**vars(bare), "headers": [("a", None), ("b", b"\xff")]})
    assert record_of(odd).headers == (("a", b""), ("b", b"\xff"))
    assert key_text(make_record(key=b"\xff")) is None
    assert key_text(make_record(key=b"d1-1")) == "d1-1"


class Broker:
    """Takes messages; fails as told. `failures` maps a send's number to the error it gets."""

    def __init__(self, failures: dict[int, Exception]) -> None:
        self.failures, self.sends = failures, 0
        self.taken: list[Message] = []

    async def send(self, message: Message) -> Awaitable[Any]:
        self.sends += 1
        error = self.failures.get(self.sends)
        if isinstance(error, ProducerSendError):
            raise error
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
    monkeypatch.setattr(producing, "pause_s", lambda _: 0.0)
    broker = Broker({2: KafkaConnectionError(), 3: ProducerSendError("no"), 6: TimeoutError()})
    peers = Peers()
    messages = [make_message(number) for number in range(4)]
    await publish(broker.send, messages, peers)
    assert sorted(one.value or b"" for one in broker.taken) == [b"0", b"1", b"2", b"3"]
    assert not peers.troubles


async def test_a_value_too_large_for_the_broker_blocks_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(producing, "pause_s", lambda _: 0.0)
    error = ProducerSendError("too large")
    error.__cause__ = MessageSizeTooLargeError()
    broker = Broker({1: error, 2: MessageSizeTooLargeError()})
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


def test_a_give_up_names_the_contest_that_the_reading_would_have() -> None:
    two = make_election()
    two = replace(two, contests=(*two.contests, replace(two.contests[0], id="council")))
    named = make_record(headers=(("contest", b"council"),))
    assert give_up(two, named, ValueError("oops")).contest == "council"
    for headers in ((), (("contest", b"\xff"),), (("contest", b"nobody"),)):
        assert give_up(two, make_record(headers=headers), ValueError("oops")).contest is None


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


async def test_a_correction_stands_where_its_record_stands() -> None:
    election = make_election()
    sent = make_correction("d1-1")
    record = make_record(value=encode(sent), source=Source("tally.corrections", 0, 9))
    found = await read_correction(election, record)
    assert not isinstance(found, Rejection)
    assert found.source == record.source
    assert found.district == "d1"


@pytest.mark.parametrize(
    ("value", "code"),
    [(None, Code.BAD_HEADER), (b"{", Code.BAD_HEADER),
     (encode(make_correction("nowhere")), Code.UNKNOWN_STATION)],
)  # fmt: skip
async def test_what_is_no_correction_is_refused(value: bytes | None, code: Code) -> None:
    found = await read_correction(make_election(), make_record(value=value))
    assert isinstance(found, Rejection)
    assert found.reason.code is code
