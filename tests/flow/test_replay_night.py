"""A replay night: half of the scans replayed while the other half arrives, viewers looking on.

Small by itself. `make replay-proof` runs it with TALLYWIRE_PROOF_SCANS=2000, in each half, on
Apache Kafka and prints what it measured.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from threading import Event, Thread

import pytest

from dashboard.source import LedgerView, Reader
from tallywire.ledger.client import LedgerClient
from tallywire.ledger.rebuild import first_difference, rebuild
from tallywire.ledger.snapshot import Snapshot, read_snapshot
from tallywire.ledger.state import Event as LedgerEvent
from tallywire.records import Reading, Rejection
from tallywire.wire import decode
from tests.support.commands import interrupt, start_replay, tallywire, wait_replayed
from tests.support.elections import large_election
from tests.support.night import WITH_WORKERS, Night
from tests.support.scan_files import draw_sheets, variant
from tests.support.waiting import wait_until

HALF = int(os.environ.get("TALLYWIRE_PROOF_SCANS", "40"))
DRAWN = min(60, max(12, HALF))
DPI = 120
LIVE_MODEL, NEW_MODEL = "2", "1"
DISTRICTS = 12
PER_S = 4.0 if HALF > 200 else 1.0  # arriving: still so when the replay reaches the end
LOOK_EVERY_S = 0.02
TURNS = 40  # promotions and rollbacks in a row, at the end
WITHIN_S = 120 + HALF * 2.0
OUTCOMES = ("counted", "held", "rejected", "duplicate")

ON_APACHE = os.environ.get("TALLYWIRE_PROOF_BROKER") == "kafka"
PLAN = replace(
    WITH_WORKERS,
    election=partial(large_election, districts=DISTRICTS, stations=2 * HALF),
    kafka="apache_kafka" if ON_APACHE else "kafka_bootstrap",
)
pytestmark = [pytest.mark.night(PLAN), pytest.mark.timeout(300 + 4 * int(WITHIN_S))]


@dataclass(slots=True)
class Viewer:
    """A dashboard that never rests: each of its looks is held against both generations.

    Counters of scans only grow. So whatever a look shows of generation g lies, district by
    district, between what g had just before and just after it; a number of the other generation
    would not, wherever their models judge differently (`telling` counts such numbers).
    """

    night: Night
    shown: Counter[str] = field(default_factory=Counter)
    order: list[str] = field(default_factory=list)
    mixtures: list[str] = field(default_factory=list)
    numbers: int = 0
    telling: int = 0
    ended: Event = field(default_factory=Event)

    def watch(self) -> None:
        """Look until `ended`."""
        ticks = 0.0

        def always_later() -> float:
            nonlocal ticks
            ticks += 10.0
            return ticks

        with self.night.ledger() as ledger:
            reader = Reader(ledger, now_s=always_later)
            while not self.ended.wait(LOOK_EVERY_S):
                before = self._both(ledger)
                look, queue = reader.queue()
                after = self._both(ledger)
                self._judge(look, before, after)
                if {state.district for state in queue} - set(look.districts):
                    self.mixtures.append("a review queue of districts that are not there")

    def _both(self, ledger: LedgerClient) -> dict[str, Snapshot]:
        found = {name: read_snapshot(ledger, name) for name in ("g1", "g2")}
        return {name: one for name, one in found.items() if one}

    def _judge(
        self, look: LedgerView, before: dict[str, Snapshot], after: dict[str, Snapshot]
    ) -> None:
        name = look.generation
        assert name is not None
        assert look.trouble is None
        other = "g2" if name == "g1" else "g1"
        self.shown[name] += 1
        if self.order[-1:] != [name]:
            self.order.append(name)
        for district, seen in look.districts.items():
            for outcome in OUTCOMES:
                value = seen.scans(outcome)
                low, high = (
                    one[name].districts[district].scans(outcome) for one in (before, after)
                )
                lower, higher = (
                    one[other].districts[district].scans(outcome) for one in (before, after)
                )
                self.numbers += 1
                self.telling += not lower <= value <= higher
                if not low <= value <= high:
                    self.mixtures.append(
                        f"{name} {district} {outcome}: {value} not in {low}..{high}"
                    )


def publish(night: Night, first: int, last: int, per_s: float) -> None:
    """One scan each of these stations."""
    sheets, stations = draw_sheets(DRAWN, DPI), list(night.election.stations)
    for number in range(first, last):
        image = variant(sheets[number % DRAWN], number)
        night.send(stations[number], image[:3000] if number % 50 == 3 else image)
        time.sleep(1 / per_s)


def events_of(night: Night, generation: str) -> Iterator[LedgerEvent]:
    """What the topics say that a generation applied."""
    mark = ("generation", generation.encode())
    for record in night.produced(night.settings.topics.readings):
        if mark in record.headers:
            yield decode(Reading, record.value)
    for record in night.produced(night.settings.topics.rejected):
        if mark in record.headers:
            yield decode(Rejection, dict(record.headers)["rejection"])


def assert_right(night: Night, generation: str) -> Counter[str]:
    """Every scan has one outcome, and the ledger is what the topics make of it."""
    asked = night.in_generation(generation)
    outcomes = asked.wait_accounted(2 * HALF, WITHIN_S)
    assert outcomes.total() == 2 * HALF
    assert asked.gaps() == 0
    assert asked.audit_clean()
    reference = rebuild(events_of(night, generation), night.election)
    assert reference.contradictions == ()
    assert first_difference(reference, asked.totals()) is None
    verified = tallywire(night, "verify", "--generation", generation, within_s=WITHIN_S)
    assert verified.code == 0, verified.text
    return outcomes


def take_turns(night: Night, viewer: Viewer) -> int:
    """Promote and roll back in quick succession, each seen by the viewer before the next."""
    seen = 0
    with night.ledger() as ledger:
        for _ in range(TURNS):
            live = ledger.live() or ""
            wanted = "g1" if live == "g2" else "g2"
            looks = viewer.shown[wanted]
            assert ledger.set_live(wanted, live) == wanted
            wait_until(lambda: viewer.shown[wanted] > looks, 30, night.describe)  # noqa: B023
            seen += 1
    return seen


def test_half_is_replayed_while_the_other_half_arrives(night: Night) -> None:
    draw_sheets(DRAWN, DPI)
    started_s = time.monotonic()
    publish(night, 0, HALF, 1000.0)
    night.start_worker(model_version=LIVE_MODEL)
    night.wait_accounted(HALF, WITHIN_S)
    counted_s = time.monotonic() - started_s
    start_s = time.monotonic()
    arriving = Thread(target=publish, args=(night, HALF, 2 * HALF, PER_S))
    arriving.start()
    replay = start_replay(night, "g2", "--model", NEW_MODEL)
    replayed = night.in_generation("g2")
    wait_until(lambda: replayed.outcomes().total() > 0, 90, night.describe)
    viewer = Viewer(night)
    watching = Thread(target=viewer.watch)
    watching.start()
    wait_replayed(night, replay, WITHIN_S)
    replay_s = time.monotonic() - start_s
    arrived_before = sum(night.ends(night.settings.topics.scans).values())
    promoted = tallywire(night, "promote", "g2", "--expected", "g1", "--wait", "60")
    assert promoted.code == 0, promoted.text
    assert promoted.values["live"] == "g2"
    still_arriving = arriving.is_alive()
    turns = take_turns(night, viewer)
    arriving.join()
    outcomes = {name: assert_right(night, name) for name in ("g1", "g2")}
    with night.ledger() as ledger:
        live = ledger.live()
    assert live == "g2"
    viewer.ended.set()
    watching.join()
    found = tallywire(night, "diff", "g1", "g2").values
    assert interrupt(replay) == 0
    measured = {
        "scans": 2 * HALF,
        "first_half_counted_s": round(counted_s, 1),
        "replayed_to_the_end_s": round(replay_s, 1),
        "scans_at_that_end": arrived_before,
        "still_arriving_at_promotion": still_arriving,
        "outcomes": {name: dict(one) for name, one in outcomes.items()},
        "readings_changed": found["readings_changed"],
        "districts_with_another_lead": sum(one["lead_changed"] for one in found["districts"]),
        "looks": dict(viewer.shown),
        "switches_seen": len(viewer.order) - 1,
        "switches_made": turns + 1,
        "numbers_checked": viewer.numbers,
        "of_them_telling": viewer.telling,
        "mixtures": len(viewer.mixtures),
    }
    sys.stdout.write("\n" + json.dumps(measured, indent=2) + "\n")
    assert viewer.mixtures == []
    assert set(viewer.shown) == {"g1", "g2"}
    assert viewer.order[0] == "g1"
    assert viewer.telling > 0
    assert len(viewer.order) - 1 == turns + 1
