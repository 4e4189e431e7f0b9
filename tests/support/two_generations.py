"""Two generations of a night that differ, and what is made of their difference."""

from __future__ import annotations

import io

from rich.console import Console, RenderableType

from tallywire.ledger.compare import compare, compare_districts, group_by_reason
from tallywire.ledger.snapshot import DistrictSnapshot, Snapshot
from tallywire.ledger.state import Event
from tallywire.records import Verdict
from tallywire.replay.comparison import GenerationDifference
from tallywire.replay.diff_tables import MOST_ROWS
from tests.support.memory_ledger import MemoryLedger
from tests.support.values import make_election, make_reading

ELECTION = make_election("test", stations_each=MOST_ROWS + 10)


def printed(*shown: RenderableType) -> str:
    console = Console(file=io.StringIO(), width=200)
    for one in shown:
        console.print(one)
    text = console.file
    assert isinstance(text, io.StringIO)
    return text.getvalue()


def ledger_of(*events: Event) -> MemoryLedger:
    ledger = MemoryLedger(ELECTION)
    for event in events:
        ledger.apply_now(event)
    return ledger


def difference(before: MemoryLedger, after: MemoryLedger) -> GenerationDifference:
    old, new = list(before.states.values()), list(after.states.values())
    stations = compare(old, new)
    districts = tuple(one for one in compare_districts(ELECTION, old, new) if one.changed)
    return GenerationDifference("test", "g1", "g2", stations, districts, group_by_reason(stations))


def snapshot(name: str, ledger: MemoryLedger) -> Snapshot:
    districts = {
        one: DistrictSnapshot(one, 1, 4, 700, totals) for one, totals in ledger.totals.items()
    }
    return Snapshot("test", name, districts)


OLD = ledger_of(
    make_reading("d1-1", 0, votes={"A": 10, "B": 20}),
    make_reading("d1-2", 1, votes={"A": 30, "B": 5}, verdict=Verdict.HELD),
    make_reading("d2-1", 2, votes={"A": 1, "B": 2}),
)
NEW = ledger_of(
    make_reading("d1-1", 0, votes={"A": 10, "B": 20}),
    make_reading("d1-2", 1, votes={"A": 30, "B": 5}),
    make_reading("d2-1", 2, votes={"A": 1, "B": 2}),
)
