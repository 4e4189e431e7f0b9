"""What comes out of Faust is plain: records, and Kafka's own errors."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import KafkaError, MessageSizeTooLargeError
from faust.exceptions import ProducerSendError

from tallywire.records import Source
from tallywire.worker.faust_app import faust_send, record_of
from tallywire.worker.handler import IncomingRecord
from tallywire.worker.outgoing import Message


def test_a_record_takes_what_a_broker_may_leave_out() -> None:
    bare = SimpleNamespace(topic="t", partition=0, offset=7, key=None, value=None, headers=None,
                           timestamp=None)  # fmt: skip
    record = record_of(bare)
    assert record == IncomingRecord(
        Source("t", 0, 7), None, None, (), datetime.fromtimestamp(0, UTC)
    )
    odd = SimpleNamespace(**{**vars(bare), "headers": [("a", None), ("b", b"\xff")]})
    assert record_of(odd).headers == (("a", b""), ("b", b"\xff"))


@pytest.mark.parametrize("cause", [MessageSizeTooLargeError(), None])
async def test_an_error_of_the_producer_is_told_as_kafkas_own(cause: Exception | None) -> None:
    async def send(*_: Any) -> None:
        raise ProducerSendError("no luck") from cause

    app = SimpleNamespace(producer=SimpleNamespace(send=send))
    with pytest.raises(KafkaError) as raised:
        await faust_send(app)(Message("t", b"k", b"v", ()))
    assert raised.value is cause or "no luck" in str(raised.value)
