"""Any night whatever, step by step: several readers of the topics, each thrown back at will.

A reader is a worker: it goes through a partition in order, may be sent back to an earlier offset
(a crash, a rebalance, a seek), and others may do the same partition at the same time (zombies).
"""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tallywire.ledger import counters
from tallywire.ledger.serialization import to_body
from tallywire.ledger.state import Event, Outcome, contribution
from tallywire.records import Quality, Verdict
from tests.support.memory_ledger import MemoryLedger
from tests.support.values import make_correction, make_election, make_reading, make_rejection

STATIONS = ("d1-1", "d1-2", "d2-1")
READERS = 3
Log = tuple[str, int]  # topic kind and partition

counts = st.integers(0, 300)
votes = st.fixed_dictionaries({"A": counts, "B": counts, "null": counts})


class Night(RuleBasedStateMachine):
    """Publishes, reads and throws back; the totals must always be those of one plain reading."""

    def __init__(self) -> None:
        super().__init__()
        self.ledger = MemoryLedger(make_election())
        self.logs: dict[Log, list[Event]] = {("scans", 0): [], ("scans", 1): [], ("fixes", 0): []}
        self.positions = [dict.fromkeys(self.logs, 0) for _ in range(READERS)]
        self.reached = dict.fromkeys(self.logs, 0)

    @initialize()
    def first_scan(self) -> None:
        self._publish("d1-1", lambda offset, part: make_reading("d1-1", offset, partition=part))

    @rule(
        station=st.sampled_from(STATIONS),
        image=st.integers(0, 4),
        votes=votes,
        verdict=st.sampled_from(Verdict),
        quality=st.sampled_from(Quality),
    )
    def scan(
        self, station: str, image: int, votes: dict[str, int], verdict: Verdict, quality: Quality
    ) -> None:
        """A sheet is photographed, perhaps not for the first time."""
        self._publish(
            station,
            lambda offset, part: make_reading(
                station, offset, image=f"{station} {image}", votes={**votes}, verdict=verdict,
                quality=quality, partition=part,
            ),
        )  # fmt: skip

    @rule(station=st.sampled_from([*STATIONS, "nowhere", None]))
    def refused_scan(self, station: str | None) -> None:
        """Something that is no sheet, or of no station."""
        self._publish(station, lambda offset, part: make_rejection(station, offset, part))

    @rule(station=st.sampled_from(STATIONS), votes=st.none() | votes)
    def correction(self, station: str, votes: dict[str, int] | None) -> None:
        """An official decides, or withdraws."""
        log = self.logs["fixes", 0]
        log.append(make_correction(station, len(log), votes))

    @rule(reader=st.integers(0, READERS - 1), data=st.data(), count=st.integers(1, 6))
    def read_on(self, reader: int, data: st.DataObject, count: int) -> None:
        """A reader applies the next events of a partition."""
        log = data.draw(st.sampled_from(sorted(self.logs)))
        start = self.positions[reader][log]
        for event in self.logs[log][start : start + count]:
            outcome = self.ledger.apply_now(event)
            assert (outcome is Outcome.CORRECTED) == (log[0] == "fixes") or (
                outcome is Outcome.REDELIVERED
            )
            self.positions[reader][log] += 1
        self.reached[log] = max(self.reached[log], self.positions[reader][log])

    @rule(reader=st.integers(0, READERS - 1), data=st.data())
    def thrown_back_or_takes_over(self, reader: int, data: st.DataObject) -> None:
        """A reader goes on anywhere at or before what was ever applied."""
        log = data.draw(st.sampled_from(sorted(self.logs)))
        self.positions[reader][log] = data.draw(st.integers(0, self.reached[log]))

    @invariant()
    def totals_are_the_sums_of_the_stations(self) -> None:
        sums: dict[str, dict[str, int]] = {}
        for state in self.ledger.states.values():
            before = sums.get(state.district, {})
            sums[state.district] = counters.add([before, contribution(state)])
        assert self.ledger.totals == sums

    @invariant()
    def every_offset_reached_has_one_outcome(self) -> None:
        outcomes = sum(
            value
            for totals in self.ledger.totals.values()
            for name, value in totals.items()
            if name.startswith("scans|")
        )
        assert outcomes == self.reached["scans", 0] + self.reached["scans", 1]

    @invariant()
    def no_counter_is_negative(self) -> None:
        for totals in self.ledger.totals.values():
            assert all(type(value) is int and value > 0 for value in totals.values())

    def teardown(self) -> None:
        """Reading each topic once, one after the other, gives the same ledger."""
        plain = MemoryLedger(make_election())
        for log, events in self.logs.items():
            for event in events[: self.reached[log]]:
                plain.apply_now(event)
        assert plain.totals == self.ledger.totals
        bodies = [
            {key: to_body(state) for key, state in ledger.states.items()}
            for ledger in (plain, self.ledger)
        ]
        assert bodies[0] == bodies[1]

    def _publish(self, station: str | None, make: Callable[[int, int], Event]) -> None:
        # As a key's hash does: one station, one partition.
        partition = STATIONS.index(station) % 2 if station in STATIONS else 1
        log = self.logs["scans", partition]
        log.append(make(len(log), partition))


Night.TestCase.settings = settings(max_examples=60, stateful_step_count=40)
TestAnyNight = Night.TestCase
