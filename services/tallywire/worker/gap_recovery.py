"""Looks after the partitions: how far behind they are, and whether one has to be read again.

Offsets of a partition are contiguous (no compaction, no transactions), so an event beyond the
expected one, or an end of the log beyond it while nothing arrives, means that events were fetched
and dropped on the way. Faust 0.15 does that in four ways (see `faust_app`). Seeking back brings
them again. Only where the same later event comes first after several seeks, or the log begins
later, is the hole in the log itself: then it is recorded in the ledger, and reading goes on.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

import structlog
from aiokafka.errors import KafkaError

from tallywire.records import Partition
from tallywire.worker.assignment import Assignment
from tallywire.worker.faust_app import TallyApp
from tallywire.worker.health import WorkerProgress
from tallywire.worker.sequencer import Sequencer

TICK_S = 1.0
ANSWER_S = 10.0
QUIET_S = 3.0  # with more to read, nothing admitted and nothing in flight for so long: seek
SETTLE_S = 1.0  # after a seek, older fetches may still come in for so long
CONFIRMATIONS = 3  # seeks after which the same event came first


class RecoveryAction(Enum):
    """What to do about a partition."""

    WAIT = auto()
    SEEK = auto()
    SKIP = auto()  # to `Standstill.first_seen`: the log has nothing between


@dataclass(slots=True)
class Standstill:
    """What is known of one partition since its last admitted event. Times are monotonic."""

    expected: int
    since_s: float
    seeks: int = 0
    sought_s: float = 0.0
    first_seen: int | None = None  # lowest offset beyond the expected one since the last seek
    before: int | None = None  # the same, after the seek before
    confirmations: int = 0


def see_gap(state: Standstill, offset: int) -> None:
    """Note that an event beyond the expected one came."""
    state.first_seen = offset if state.first_seen is None else min(offset, state.first_seen)


def judge(state: Standstill, end: int, now_s: float) -> RecoveryAction:
    """What to do, the log's next offset being `end`."""
    if state.expected >= end and state.first_seen is None:
        return RecoveryAction.WAIT
    if state.seeks == 0:
        gap = state.first_seen is not None
        return (
            RecoveryAction.SEEK if gap or now_s - state.since_s >= QUIET_S else RecoveryAction.WAIT
        )
    patience_s = SETTLE_S if state.first_seen is not None else QUIET_S
    if now_s - state.sought_s < patience_s:
        return RecoveryAction.WAIT
    seen_again = state.first_seen is not None and state.first_seen == state.before
    enough = seen_again and state.confirmations + 1 >= CONFIRMATIONS
    return RecoveryAction.SKIP if enough else RecoveryAction.SEEK


def note_seek(state: Standstill, now_s: float) -> None:
    """Note that a seek to the expected offset was done."""
    if state.seeks:
        same = state.first_seen is not None and state.first_seen == state.before
        state.confirmations = state.confirmations + 1 if same else 0
    state.before, state.first_seen = state.first_seen, None
    state.seeks += 1
    state.sought_s = now_s


class GapRecovery:
    """Run `run` beside the app; tell it every gap by `gap`."""

    def __init__(
        self,
        app: TallyApp,
        assignment: Assignment,
        sequencers: Mapping[str, Sequencer[Any, Any]],
        progress: WorkerProgress,
        limit: int,
    ) -> None:
        self._app, self._assignment, self._sequencers = app, assignment, sequencers
        self._progress, self._limit = progress, limit
        self._states: dict[Partition, Standstill] = {}
        self._begins: dict[Partition, int] = {}
        self._ends: dict[Partition, int] = {}
        self._told: set[Partition] = set()  # whose lag the metrics tell
        self._wake = asyncio.Event()
        self._log = structlog.get_logger()

    def gap(self, partition: Partition, offset: int) -> None:
        """An event came before one that is missing."""
        expected = self._sequencers[partition[0]].expected().get(partition)
        if expected is None:
            return
        state = self._state(partition, expected)
        if state.first_seen is None and not state.seeks:
            self._wake.set()
        see_gap(state, offset)

    async def run(self) -> None:
        """Look every second, and at once when a gap shows, until cancelled."""
        asking = asyncio.create_task(self._ask_bounds())
        try:
            while not asking.done():
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), timeout=TICK_S)
                self._wake.clear()
                with self._kafka():
                    await asyncio.wait_for(self._look(), timeout=ANSWER_S)
            asking.result()  # it ends only by a bug: then so do we, and are started again
        finally:
            asking.cancel()

    async def _ask_bounds(self) -> None:
        """Keep knowing where the logs begin and end. Beside the looking, since the broker answers
        on the connection of the fetches, and only after the one that waits there."""
        while True:
            assigned = self._assignment.positions()
            if assigned:
                with self._kafka():
                    bounds = self._app.log_bounds(assigned)
                    self._begins, self._ends = await asyncio.wait_for(bounds, timeout=ANSWER_S)
                    self._progress.peers.succeeded("kafka")
            await asyncio.sleep(TICK_S)

    @contextmanager
    def _kafka(self) -> Iterator[None]:
        """What the broker does not answer is told, and asked again later."""
        try:
            yield
        except (KafkaError, OSError, TimeoutError) as error:
            self._progress.peers.failed("kafka", str(error) or repr(error))

    async def _look(self) -> None:
        if not self._assignment.complete.is_set():
            return self._beat({})
        expected = self._assignment.positions()
        ends = {key: self._end(key) for key in expected}
        behind = {key: max(0, ends[key] - at) for key, at in expected.items()}
        self._beat(behind)
        self._tell_lag(behind)
        self._states = {key: self._state(key, at) for key, at in expected.items()}
        for key in expected:
            await self._heal(key, self._begins.get(key, 0), ends[key])
        return None

    def _end(self, partition: Partition) -> int:
        """The next offset of the log as far as we know: as told, or as the last fetch said."""
        return max(self._ends.get(partition, 0), self._app.high_water(partition))

    def _beat(self, behind: Mapping[Partition, int]) -> None:
        in_flight = sum(sequencer.in_flight() for sequencer in self._sequencers.values())
        assigned = self._assignment.complete.is_set()
        self._progress.beat(sum(behind.values()) + in_flight, in_flight, assigned=assigned)

    def _tell_lag(self, behind: Mapping[Partition, int]) -> None:
        lag = self._progress.metrics.lag
        if behind.keys() != self._told:  # others' partitions are others' to tell
            lag.clear()
            self._told = set(behind)
        for (topic, number), offsets in behind.items():
            lag.labels(topic, str(number)).set(offsets)

    def _state(self, partition: Partition, expected: int) -> Standstill:
        """The partition's state; a new one where an event was admitted since."""
        state = self._states.get(partition)
        if state is None or state.expected != expected:
            state = self._states[partition] = Standstill(expected, time.monotonic())
        return state

    async def _heal(self, partition: Partition, begin: int, end: int) -> None:
        sequencer = self._sequencers[partition[0]]
        state = self._states[partition]
        if sequencer.in_flight(partition) or sequencer.in_flight() >= self._limit:
            return None  # it moves, or waits for its turn
        if begin > state.expected:
            return await self._skip(partition, state.expected, begin)
        action = judge(state, end, time.monotonic())
        if action is RecoveryAction.SKIP and state.first_seen is not None:
            return await self._skip(partition, state.expected, state.first_seen)
        if action is RecoveryAction.SEEK:
            await self._seek(partition, state, end)
        return None

    async def _seek(self, partition: Partition, state: Standstill, end: int) -> None:
        self._log.warning(
            "events are missing; reading again", topic=partition[0], partition=partition[1],
            offset=state.expected, seen=state.first_seen, end=end, attempt=state.seeks + 1,
        )  # fmt: skip
        note_seek(state, time.monotonic())
        await self._app.read_from(partition, state.expected)

    async def _skip(self, partition: Partition, expected: int, offset: int) -> None:
        """The log has nothing between: say so, and read on from `offset`."""
        await self._assignment.record_gap(partition, offset, offset - expected)
        self._progress.metrics.gap(partition[0], offset - expected)
        sequencer = self._sequencers[partition[0]]
        if sequencer.expected().get(partition) == expected and not sequencer.in_flight(partition):
            sequencer.skip_to(partition, offset)
            await self._app.read_from(partition, offset)
