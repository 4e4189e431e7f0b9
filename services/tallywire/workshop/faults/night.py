"""One night with topics and a ledger of its own, and what a fault can do to it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TypeVar

from tallywire.edge.topics import end_offsets, ensure_topics
from tallywire.election.election import Election
from tallywire.errors import PeerError
from tallywire.records import Source
from tallywire.settings import PREFIX, Settings, load_settings
from tallywire.supervision.child import Child
from tallywire.workshop.faults.load_generator import LoadGenerator
from tallywire.workshop.faults.messages import NightMessage, SheetSupply
from tallywire.workshop.faults.progress_sampler import ProgressSampler, recovery_s
from tallywire.workshop.faults.worker_pool import MODULE, WorkerPool
from tallywire.workshop.stack.local import LocalStack, topic_spec

Value = TypeVar("Value")

BURST = 60  # scans that are there at once, so that a fault finds a queue
PER_S = 10.0
MOST = 480  # a fault that takes longer than these goes on without new scans
LOOK_EVERY_S = 0.1
PATIENCE_S = 120.0
SETTLED_WITHIN_S = 150.0  # without any progress


@dataclass(frozen=True, slots=True)
class FaultSite:
    """Where a night happens: servers, supplies, and names that no other night has."""

    stack: LocalStack
    settings: Settings
    folder: Path
    election: Election
    supplies: SheetSupply
    rng: Random
    short: bool
    say: Callable[[str], object]


@dataclass(slots=True)
class FaultNight:
    """What a fault works with. `strikes` are the moments at which things worked again.

    Raises:
        PeerError: from everything that waits, where it waited too long.
    """

    site: FaultSite
    letters: Iterator[NightMessage]
    settings: Settings = field(init=False)
    crew: WorkerPool = field(init=False)
    pulse: ProgressSampler = field(init=False)
    press: LoadGenerator | None = None
    published: dict[Source, NightMessage] = field(default_factory=dict)
    strikes: list[float] = field(default_factory=list)
    _left: ExitStack = field(default_factory=ExitStack)

    def __post_init__(self) -> None:
        self.settings = self.site.settings

    @property
    def rng(self) -> Random:
        """Chance, the same for the same seed."""
        return self.site.rng

    @property
    def short(self) -> bool:
        """True where a fault should strike less often, for a quick run."""
        return self.site.short

    def enter(self, context: AbstractContextManager[Value]) -> Value:
        """Have something until the night has been judged."""
        return self._left.enter_context(context)

    def begin(
        self,
        *,
        servers: Mapping[str, str] | None = None,
        worker: Mapping[str, str] | None = None,
        variables: Mapping[str, str] | None = None,
        module: str = MODULE,
        workers: int = 2,
        publish: bool = True,
    ) -> None:
        """Create the topics, publish, count; return once a first scan is behind us.

        Args:
            servers: settings by field name, where this night has servers of its own.
            worker: settings of the workers alone, over the others.
            variables: further environment of the workers.
            module: what is run as `python -m module worker`.
        """
        self.settings = load_settings(**{**plain(self.site.settings), **(servers or {})})
        names = self.settings.topics
        spec = topic_spec(self.settings)
        ensure_topics(self.settings.kafka, names.names, spec)
        self.pulse = self.enter(
            ProgressSampler(
                self.settings.redis, self.site.election, self.settings.generation, names.scans
            )
        )
        self._hire(workers, module, {**plain(self.settings), **(worker or {})}, variables or {})
        if publish:
            self.press = LoadGenerator(
                self.settings.kafka, names.scans, spec, self.letters,
                burst=BURST, per_s=PER_S, most=MOST,
            )  # fmt: skip
            self._left.callback(self.press.close)
            self.press.start()
            self.progress(5)

    def start(self, child: Child) -> Child:
        """Start a process that ends with the night."""
        self._left.callback(child.kill)
        child.start()
        return child

    def struck(self) -> None:
        """Something broke, and from now on works again: recovery is counted from here."""
        self.strikes.append(time.monotonic())

    def hold(self, seconds: float) -> None:
        """Let so much time pass; who ends is started again."""
        until_s = time.monotonic() + seconds
        while time.monotonic() < until_s:
            self._look()

    def progress(self, scans: int, within_s: float = PATIENCE_S) -> None:
        """Wait until that many more scans are settled, or nothing is left to settle."""
        wanted = self.pulse.settled() + scans
        self.wait(
            lambda: self.pulse.settled() >= wanted or self._all_settled(), "progress", within_s
        )

    def recovered(self) -> None:
        """Wait until every partition that had scans waiting at the last strike has moved on."""
        ends, last = self.ends(), self.strikes[-1:]
        self.wait(lambda: recovery_s(self.pulse.samples, last, ends) is not None, "recovery")

    def wait(self, done: Callable[[], bool], what: str, within_s: float = PATIENCE_S) -> None:
        """Wait until `done`; who ends meanwhile is started again."""
        until_s = time.monotonic() + within_s
        while not done():
            if time.monotonic() > until_s:
                raise PeerError(f"no {what} within {within_s:g} s; see {self.site.folder / 'logs'}")
            self._look()

    def settle(self, least: int) -> None:
        """Publish the rest, and wait until the ledger stands at the end of the topic.

        Raises:
            PeerError: it stood still for too long before that.
        """
        if self.press:
            self.published |= self.press.finish(least)
        last, moved_s = -1, time.monotonic()
        ends = self.ends()
        while any(self.pulse.at().get(number, 0) < end for number, end in ends.items()):
            if self.pulse.settled() != last:
                last, moved_s = self.pulse.settled(), time.monotonic()
            if time.monotonic() > moved_s + SETTLED_WITHIN_S:
                raise PeerError(f"stuck at {last} of {sum(ends.values())} scans")
            self._look()

    def ends(self) -> dict[int, int]:
        """The end of each partition of the scans topic; a broker in trouble is asked again."""
        topic = self.settings.topics.scans
        found = patiently(lambda: end_offsets(self.settings.kafka, topic))
        for source in self.published:  # the embedded broker may tell too low an end
            found[source.partition] = max(found.get(source.partition, 0), source.offset + 1)
        return found

    def close(self) -> None:
        """End what the night had for itself."""
        self._left.close()

    def _hire(
        self, workers: int, module: str, given: Mapping[str, str], variables: Mapping[str, str]
    ) -> None:
        named = {f"{PREFIX}{name.upper()}": value for name, value in given.items()}
        self.crew = WorkerPool(self.site.folder / "logs", {**named, **variables}, module)
        self._left.callback(self.crew.end)
        for _ in range(workers):
            self.crew.hire()

    def _all_settled(self) -> bool:
        press = self.press
        return press is not None and press.is_over and self.pulse.settled() >= press.sent

    def _look(self) -> None:
        self.crew.keep()
        sent = f" of {self.press.sent}" if self.press else ""
        self.site.say(f"{self.pulse.settled()}{sent} scans settled")
        time.sleep(LOOK_EVERY_S)


def plain(settings: Settings) -> dict[str, str]:
    """Settings by field name, as text."""
    given = settings.model_dump(mode="json", exclude_none=True)
    return {name: str(value) for name, value in given.items()}


def patiently(ask: Callable[[], Value], within_s: float = PATIENCE_S) -> Value:
    """What `ask` answers; asked again while the peer is still busy with its own recovery.

    Raises:
        PeerError: the last one, where none answered in time.
    """
    until_s = time.monotonic() + within_s
    while True:
        try:
            return ask()
        except PeerError:
            if time.monotonic() > until_s:
                raise
        time.sleep(1.0)
