"""A record of the corrections topic becomes a correction, or a reason why it is none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tallywire.ledger.state import Outcome
from tallywire.reasons import Code
from tallywire.records import Correction, Rejection, Source
from tallywire.wire import encode
from tallywire.worker.correction_handler import CorrectionHandler
from tallywire.worker.handler import IncomingRecord
from tallywire.worker.retry import Peers
from tests.support.memory_ledger import MemoryLedger
from tests.support.values import CORRECTIONS, NIGHT, make_correction, make_election

DECIDED = make_correction("d2-1", votes={"A": 90, "B": 60, "null": 1})
HERE = Source(CORRECTIONS, 4, 17)


LEDGER = MemoryLedger(make_election())
HANDLER = CorrectionHandler(make_election(), LEDGER, Peers())


def record(value: bytes | None) -> IncomingRecord:
    return IncomingRecord(HERE, b"d2-1", value, (), NIGHT)


async def test_a_correction_stands_where_its_record_stands() -> None:
    said = replace(DECIDED, source=Source("elsewhere", 0, 0), district="d1")
    answer = await HANDLER.read(record(encode(said)))
    assert isinstance(answer, Correction)
    assert (answer.source, answer.district, answer.contest) == (HERE, "d2", "mayor")
    assert answer.votes == DECIDED.votes


async def test_a_withdrawal_needs_no_votes() -> None:
    answer = await HANDLER.read(record(encode(replace(DECIDED, votes=None))))
    assert isinstance(answer, Correction)


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (None, Code.BAD_HEADER),
        (b"not json", Code.BAD_HEADER),
        (encode(replace(DECIDED, station="nowhere")), Code.UNKNOWN_STATION),
        (encode(replace(DECIDED, contest="senate")), Code.UNKNOWN_CONTEST),
        (encode(replace(DECIDED, votes={"A": 1, "A ": 2})), Code.BAD_HEADER),
    ],
    ids=["absent", "no json", "no such station", "no such contest", "no such option"],
)
async def test_what_is_no_correction_changes_nothing(value: bytes | None, code: Code) -> None:
    answer = await HANDLER.read(record(value))
    assert isinstance(answer, Rejection)
    assert (answer.reason.code, answer.source) == (code, HERE)
    settled = await HANDLER.settle(answer)
    assert (settled.outcome, settled.publish) == (Outcome.REJECTED, answer)
    assert not LEDGER.totals
