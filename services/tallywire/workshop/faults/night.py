"""One night with topics and a ledger of its own, and what a scenario can do to it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TypeVar

from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from tallywire.edge.topics import end_offsets, ensure_topics
from tallywire.election.election import Election
from tallywire.errors import PeerError
from tallywire.records import Source
from tallywire.settings import PREFIX, Settings, load_settings
from tallywire.supervision.child import Child
from tallywire.workshop.faults.load_generator import LoadGenerator
from tallywire.workshop.faults.messages import ScanMessage, SheetPool
from tallywire.workshop.faults.progress_sampler import ProgressSampler, recovery_s
from tallywire.workshop.faults.worker_pool import MODULE, WorkerPool
from tallywire.workshop.stack.local import LocalStack, topic_spec

Value = TypeVar("Value")

BURST = 60  # scans that are there at once, so that a fault finds a queue
PER_S = 10.0
MOST = 480  # a fault that takes longer than these goes on without new scans
TICK_S = 0.1
PATIENCE_S = 120.0
SETTLED_WITHIN_S = 150.0  # without any progress


@dataclass(frozen=True, slots=True)
class NightSetup:
    """What a night is given: servers, sheets, and names that no other night has."""

    stack: LocalStack
    settings: Settings
    folder: Path
    election: Election
    pool: SheetPool
    rng: Random
    short: bool
    say: Callable[[str], object]


@dataclass(slots=True)
class FaultNight:
    """What a scenario works with. `mended_at_s` are the moments at which things worked again.

    Raises:
        PeerError: from everything that waits, where it waited too long.
    """

    setup: NightSetup
    messages: Iterator[ScanMessage]
    settings: Settings = field(init=False)
    workers: WorkerPool = field(init=False)
    sampler: ProgressSampler = field(init=False)
    load: LoadGenerator | None = None
    published: dict[Source, ScanMessage] = field(default_factory=dict)
    mended_at_s: list[float] = field(default_factory=list)
    _until_judged: ExitStack = field(default_factory=ExitStack)

    def __post_init__(self) -> None:
        self.settings = self.setup.settings

    @property
    def rng(self) -> Random:
        """Chance, the same for the same seed."""
        return self.setup.rng

    @property
    def short(self) -> bool:
        """True where things break less often, for a quick run."""
        return self.setup.short

    def enter(self, context: AbstractContextManager[Value]) -> Value:
        """Have something until the night has been judged."""
        return self._until_judged.enter_context(context)

    def begin(
        self,
        *,
        servers: Mapping[str, str] | None = None,
        worker: Mapping[str, str] | None = None,
        variables: Mapping[str, str] | None = None,
        module: str = MODULE,
        worker_count: int = 2,
        publish: bool = True,
    ) -> None:
        """Create the topics, publish, count; return once a first scan is behind us.

        Args:
            servers: settings by field name, where this night has servers of its own.
            worker: settings of the workers alone, over the others.
            variables: further environment of the workers.
            module: what is run as `python -m module worker`.
        """
        self.settings = load_settings(**{**as_text(self.setup.settings), **(servers or {})})
        names = self.settings.topics
        spec = topic_spec(self.settings)
        ensure_topics(self.settings.kafka, names.names, spec)
        self.sampler = self.enter(
            ProgressSampler(
                self.settings.redis, self.setup.election, self.settings.generation, names.scans
            )
        )
        self._start_workers(
            worker_count, module, {**as_text(self.settings), **(worker or {})}, variables or {}
        )
        if publish:
            self.load = LoadGenerator(
                self.settings.kafka, names.scans, spec, self.messages,
                burst=BURST, per_s=PER_S, most=MOST,
            )  # fmt: skip
            self._until_judged.callback(self.load.close)
            self.load.start()
            self.wait_progress(5)

    def start(self, child: Child) -> Child:
        """Start a process that ends with the night."""
        self._until_judged.callback(child.kill)
        child.start()
        return child

    def mended(self) -> None:
        """Something broke, and from now on works again: recovery is counted from here."""
        self.mended_at_s.append(time.monotonic())

    def wait_seconds(self, seconds: float) -> None:
        """Let so much time pass; a worker that ends is started again."""
        until_s = time.monotonic() + seconds
        while time.monotonic() < until_s:
            self._tick()

    def wait_progress(self, scans: int, within_s: float = PATIENCE_S) -> None:
        """Wait until that many more scans are settled, or nothing is left to settle."""
        wanted = self.sampler.settled() + scans
        self.wait_until(
            lambda: self.sampler.settled() >= wanted or self._all_settled(), "progress", within_s
        )

    def wait_recovered(self) -> None:
        """Wait until every partition with scans waiting at the last mending has moved on."""
        ends, last = self.ends(), self.mended_at_s[-1:]
        self.wait_until(
            lambda: recovery_s(self.sampler.samples, last, ends) is not None, "recovery"
        )

    def wait_until(self, done: Callable[[], bool], what: str, within_s: float = PATIENCE_S) -> None:
        """Wait until `done`; a worker that ends meanwhile is started again."""
        until_s = time.monotonic() + within_s
        while not done():
            if time.monotonic() > until_s:
                raise PeerError(
                    f"no {what} within {within_s:g} s; see {self.setup.folder / 'logs'}"
                )
            self._tick()

    def settle(self, least: int) -> None:
        """Publish the rest, and wait until the ledger stands at the end of the topic.

        Raises:
            PeerError: it stood still for too long before that.
        """
        if self.load:
            self.published |= self.load.finish(least)
        last, moved_s = -1, time.monotonic()
        ends = self.ends()
        while any(self.sampler.at().get(number, 0) < end for number, end in ends.items()):
            if self.sampler.settled() != last:
                last, moved_s = self.sampler.settled(), time.monotonic()
            if time.monotonic() > moved_s + SETTLED_WITHIN_S:
                raise PeerError(f"stuck at {last} of {sum(ends.values())} scans")
            self._tick()

    def ends(self) -> dict[int, int]:
        """The end of each partition of the scans topic; a broker in trouble is asked again."""
        topic = self.settings.topics.scans
        found = until_answered(lambda: end_offsets(self.settings.kafka, topic))
        for source in self.published:  # the embedded broker may tell too low an end
            found[source.partition] = max(found.get(source.partition, 0), source.offset + 1)
        return found

    def close(self) -> None:
        """End what the night had for itself."""
        self._until_judged.close()

    def _start_workers(
        self, count: int, module: str, given: Mapping[str, str], variables: Mapping[str, str]
    ) -> None:
        named = {f"{PREFIX}{name.upper()}": value for name, value in given.items()}
        self.workers = WorkerPool(self.setup.folder / "logs", {**named, **variables}, module)
        self._until_judged.callback(self.workers.end)
        for _ in range(count):
            self.workers.start()

    def _all_settled(self) -> bool:
        load = self.load
        return load is not None and load.is_over and self.sampler.settled() >= load.sent

    def _tick(self) -> None:
        self.workers.restart_ended()
        sent = f" of {self.load.sent}" if self.load else ""
        self.setup.say(f"{self.sampler.settled()}{sent} scans settled")
        time.sleep(TICK_S)


def as_text(settings: Settings) -> dict[str, str]:
    """Settings by field name, as text."""
    given = settings.model_dump(mode="json", exclude_none=True)
    return {name: str(value) for name, value in given.items()}


def until_answered(ask: Callable[[], Value], within_s: float = PATIENCE_S) -> Value:
    """What `ask` answers; asked again while the peer is still busy with its own recovery.

    Raises:
        PeerError: the last one, where none answered in time.
    """
    patient = Retrying(
        retry=retry_if_exception_type(PeerError),
        stop=stop_after_delay(within_s),
        wait=wait_fixed(1.0),
        reraise=True,
    )
    return patient(ask)
