"""One election night on real servers, with an election, topics and a ledger of its own.

`open_night` builds every night of the tests, `NightPlan` says what differs: sheets and workers, or
events made by hand (`handmade_night`). Tests get theirs from the fixture `night`.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from redis import Redis

from tallywire.edge.kafka import TopicRecord, make_producer, read_topic
from tallywire.edge.topics import TopicSpec, end_offsets, ensure_topics
from tallywire.election.election import Election
from tallywire.election.loading import load_election
from tallywire.ledger.client import LedgerClient, open_ledger
from tallywire.ledger.rebuild import nonzero
from tallywire.ledger.rejection_alert import SCANS
from tallywire.ledger.snapshot import audit, read_snapshot
from tallywire.ledger.state import Event, event_source
from tallywire.records import Envelope, Reading, Rejection, Source
from tallywire.settings import PREFIX, Settings, load_settings
from tallywire.supervision.child import Child, Program
from tallywire.wire import decode, encode_scan_headers
from tests.support.elections import copy_shipped
from tests.support.memory_ledger import MemoryLedger
from tests.support.waiting import wait_until

# The embedded broker lets a group join after half of it; Apache Kafka takes none below 6 s.
SESSION_S = 6 if {"TALLYWIRE_TEST_KAFKA", "TALLYWIRE_PROOF_BROKER"} & os.environ.keys() else 4
NOBODY = "127.0.0.1:1"
Headers = Sequence[tuple[str, bytes]]


@dataclass(frozen=True, slots=True)
class Night:
    """Topics and a ledger of its own on shared servers. `environment` leads commands to them."""

    folder: Path
    election: Election
    settings: Settings
    environment: Mapping[str, str]
    producer: Any
    workers: list[Child] = field(default_factory=list)

    def put(
        self, topic: str, key: bytes | None, value: bytes | None, headers: Headers = ()
    ) -> Source:
        """Publish one record and wait for the broker."""
        sent = self.producer.send(topic, key=key, value=value, headers=list(headers))
        place = sent.get(timeout=30)
        return Source(place.topic, place.partition, place.offset)

    def send(
        self, station: str | None, value: bytes | None, headers: Headers | None = None, **over: Any
    ) -> Source:
        """Publish one scan; `over` overrides fields of the envelope."""
        if headers is None:
            headers = encode_scan_headers(envelope(station or "", value or b"", **over))
        key = station.encode() if station else None
        return self.put(self.settings.topics.scans, key, value, headers)

    def in_generation(self, name: str) -> Night:
        """The same night, looked at in another generation of the ledger."""
        return replace(self, settings=self.settings.model_copy(update={"generation": name}))

    def start_worker(self, program: Sequence[str] = ("-m", "tallywire"), **settings: str) -> Child:
        """Start a `tallywire worker` process; `settings` by field name win."""
        extra = {f"{PREFIX}{name.upper()}": value for name, value in settings.items()}
        started = Program(
            f"worker-{len(self.workers) + 1}",
            (sys.executable, *program, "worker"),
            lambda: True,
            environment={**self.environment, **extra},
        )
        child = Child(started, self.folder)
        child.start()
        self.workers.append(child)
        return child

    def log(self, worker: Child) -> str:
        """What the worker said so far."""
        return worker.log_path.read_text() if worker.log_path.exists() else ""

    def redis(self) -> Redis:
        """A connection to the server that holds the ledger."""
        return Redis.from_url(self.settings.redis)

    def ledger(self) -> LedgerClient:
        """The ledger as commands read it."""
        return open_ledger(self.settings.redis, self.election)

    def outcomes(self) -> Counter[str]:
        """Scans by outcome, in all districts."""
        with self.ledger() as ledger:
            snapshot = read_snapshot(ledger, self.settings.generation)
        found: Counter[str] = Counter()
        for district in snapshot.districts.values() if snapshot else ():
            found.update({outcome: district.scans(outcome) for outcome in SCANS})
        return +found  # without those that no scan has

    def next_offsets(self, topic: str) -> dict[int, int]:
        """By partition, where the ledger says that reading goes on."""
        with self.ledger() as ledger:
            found = ledger.next_offsets(self.settings.generation)
        return {log.number: value for log, value in found.items() if log.topic == topic}

    def gaps(self) -> int:
        """Offsets that the ledger believes never existed."""
        with self.ledger() as ledger:
            snapshot = read_snapshot(ledger, self.settings.generation)
        return snapshot.gaps if snapshot else 0

    def ends(self, topic: str) -> dict[int, int]:
        """By partition with records, the end of the log."""
        found = end_offsets(self.settings.kafka, topic)
        return {number: end for number, end in found.items() if end}

    def wait_accounted(self, count: int, within_s: float = 60.0) -> Counter[str]:
        """Wait until `count` scans have an outcome and the ledger stands at the topic's end."""
        scans = self.settings.topics.scans
        wait_until(lambda: self.outcomes().total() >= count, within_s, self.describe)
        ends = self.ends(scans)
        wait_until(lambda: self.next_offsets(scans) == ends, 20.0, self.describe)
        return self.outcomes()

    def describe(self) -> str:
        """What a failed wait should show."""
        logs = "\n".join(self.log(worker)[-3000:] for worker in self.workers)
        return f"outcomes {dict(self.outcomes())}\n{logs}"

    def audit_clean(self) -> bool:
        """True where every total is the sum of the stations' records."""
        with self.ledger() as ledger:
            return audit(ledger, self.settings.generation) == []

    def totals(self, generation: str | None = None) -> dict[str, dict[str, int]]:
        """By district, every counter that is not zero; of our generation unless told otherwise."""
        with self.ledger() as ledger:
            snapshot = read_snapshot(ledger, generation or self.settings.generation)
        assert snapshot is not None
        return nonzero({one: found.totals for one, found in snapshot.districts.items()})

    def produced(self, topic: str) -> list[TopicRecord]:
        """Every record of a topic."""
        return list(read_topic(self.settings.kafka, topic))

    def rejections(self) -> dict[Source, tuple[Rejection, TopicRecord]]:
        """What stands on the rejected topic, by the scan's place."""
        found = {}
        for record in self.produced(self.settings.topics.rejected):
            rejection = decode(Rejection, dict(record.headers)["rejection"])
            found[rejection.source] = (rejection, record)
        return found

    def readings(self) -> list[Reading]:
        """What stands on the readings topic, repetitions included."""
        return [decode(Reading, one.value) for one in self.produced(self.settings.topics.readings)]

    def fold(self) -> dict[str, dict[str, int]]:
        """Totals as the pure ledger makes them of the two result topics, without Redis."""
        events: list[Event] = [*self.readings(), *(one for one, _ in self.rejections().values())]
        ledger = MemoryLedger(self.election)
        for event in sorted(events, key=event_source):
            ledger.apply_now(event)
        return {one: totals for one, totals in ledger.totals.items() if totals}


N = TypeVar("N", bound=Night)


@dataclass(frozen=True, slots=True)
class NightPlan(Generic[N]):
    """What one kind of night has; `election` makes the folder of one with this id."""

    kind: type[N]
    election: Callable[[Path, str], Path]
    partitions: int = 4
    max_value_bytes: int = 4 * 1024 * 1024
    kafka: str = "kafka_bootstrap"  # the fixture of its broker
    has_model: bool = True
    has_topics: bool = True

    @property
    def topic_spec(self) -> TopicSpec:
        """What its topics are like."""
        return TopicSpec(self.partitions, replication=1, max_value_bytes=self.max_value_bytes)


WITH_WORKERS = NightPlan(Night, copy_shipped)


def envelope(station: str, value: bytes, **over: Any) -> Envelope:
    """The envelope of a scan published now."""
    fields = {
        "station": station,
        "scanner": "scanner-1",
        "captured_at": datetime.now(UTC),
        "content_type": "image/jpeg",
        "scan_id": hashlib.sha256(value).hexdigest(),
        **over,
    }
    return Envelope(**fields)


@contextmanager
def open_night(
    plan: NightPlan[N], folder: Path, unique: str, *, kafka: str, redis: str, serving: str = NOBODY
) -> Iterator[N]:
    """A night on the given servers; its workers are ended with it."""
    election = plan.election(folder / "election", unique)
    given = {
        "election": str(election),
        "topic_prefix": unique,
        "partitions": str(plan.partitions),
        "kafka": kafka,
        "redis": redis,
        "serving": serving,
        "session_timeout_s": str(SESSION_S),
        "log_level": "debug",
    }
    environment = {f"{PREFIX}{name.upper()}": value for name, value in given.items()}
    settings = load_settings(**given)
    if plan.has_topics:
        ensure_topics(kafka, settings.topics.names, plan.topic_spec)
    producer = make_producer(kafka, plan.topic_spec.max_record_bytes)
    night = plan.kind(folder, load_election(election).election, settings, environment, producer)
    try:
        yield night
    finally:
        for worker in night.workers:
            worker.kill()
        producer.close()


class NightOpener(Protocol):
    """What the fixture `night_opener` gives: a night of any kind, on the servers of the tests."""

    def __call__(self, plan: NightPlan[N]) -> AbstractContextManager[N]:
        """Open it in a folder and under a name of its own."""
