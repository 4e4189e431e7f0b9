"""One small election night on real servers: sheets, a publisher, workers, and their results."""

from __future__ import annotations

import hashlib
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from redis import Redis

from tallywire.edge.kafka import TopicRecord, make_producer, read_topic
from tallywire.edge.topics import TopicSpec, end_offsets, ensure_topics
from tallywire.election.election import Election
from tallywire.election.loading import election_folder, load_election
from tallywire.ledger import keys
from tallywire.ledger.memory import MemoryLedger
from tallywire.ledger.snapshot import audit, read_snapshot
from tallywire.ledger.state import Event
from tallywire.records import Envelope, Reading, Rejection, Source
from tallywire.settings import PREFIX, Settings, load_settings
from tallywire.supervision.child import Child, Program
from tallywire.wire import decode, encode_scan_headers
from tallywire.workshop.synthetic.conditions import ConditionName, conditions
from tallywire.workshop.synthetic.draw import Content, compose_sheet, render_sheet, sheet_rng
from tallywire.workshop.synthetic.form import print_form
from tallywire.workshop.synthetic.mnist_sample import load_hand
from tallywire.workshop.synthetic.simulated_counts import simulate_counts

SHIPPED = "mx-2015-d15"
SPEC = TopicSpec(partitions=4, replication=1, max_value_bytes=4 * 1024 * 1024)
# The embedded broker lets a group join after half of it; Apache Kafka takes none below 6 s.
SESSION_S = 6 if {"TALLYWIRE_TEST_KAFKA", "TALLYWIRE_PROOF_BROKER"} & os.environ.keys() else 4
Headers = Sequence[tuple[str, bytes]]


@cache
def draw_sheets(count: int, dpi: int = 150) -> tuple[bytes, ...]:
    """JPEG files of the first `count` stations' sheets, as a scanner gives them."""
    loaded = load_election(SHIPPED)
    election = loaded.election
    contest = election.contests[0]
    layout = loaded.layouts[contest.id]
    form, hand = print_form(layout, contest, dpi), load_hand()
    condition = conditions()[ConditionName.SCANNER]
    counts = simulate_counts(election, contest, seed=1)
    files = []
    for station in list(election.stations.values())[:count]:
        votes = counts[station.id]
        values = {
            one.id: sum(votes.values()) if one.option is None else votes[one.option]
            for one in layout.fields
        }
        rng = sheet_rng(1, station.id)
        signs = compose_sheet(form, values, condition, rng)
        content = Content(signs, station.id, station.district, station.registered)
        drawn = render_sheet(form, content, hand, condition, rng)
        files.append(to_jpeg(drawn.pixels))
    return tuple(files)


def to_jpeg(pixels: np.ndarray[Any, Any]) -> bytes:
    """A JPEG file of uint8 pixels."""
    return cv2.imencode(".jpg", pixels)[1].tobytes()


def variant(image: bytes, number: int) -> bytes:
    """The same picture as another file: a scan id of its own without drawing another sheet."""
    return image + b"%d" % number


@dataclass(frozen=True, slots=True)
class Night:
    """Topics and a ledger of its own on shared servers. `environment` leads workers to them."""

    folder: Path
    election: Election
    settings: Settings
    environment: Mapping[str, str]
    producer: Any
    workers: list[Child] = field(default_factory=list)

    def send(
        self, station: str | None, value: bytes | None, headers: Headers | None = None, **over: Any
    ) -> Source:
        """Publish one scan and wait for the broker; `over` overrides fields of the envelope."""
        if headers is None:
            headers = encode_scan_headers(envelope(station or "", value or b"", **over))
        sent = self.producer.send(
            self.settings.topics.scans,
            key=station.encode() if station else None,
            value=value,
            headers=list(headers),
        ).get(timeout=30)
        return Source(sent.topic, sent.partition, sent.offset)

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
        """A connection to the ledger."""
        return Redis.from_url(self.settings.redis)

    def outcomes(self) -> Counter[str]:
        """Scans by outcome, in all districts."""
        with self.redis() as redis:
            snapshot = read_snapshot(redis, self.election, self.settings.generation)
        found: Counter[str] = Counter()
        for district in snapshot.districts.values() if snapshot else ():
            for name, value in district.totals.items():
                kind, _, outcome = name.partition("|")
                if kind == "scans":
                    found[outcome] += value
        return found

    def next_offsets(self, topic: str) -> dict[int, int]:
        """By partition, where the ledger says that reading goes on."""
        name = keys.offsets(self.election.id, self.settings.generation)
        with self.redis() as redis:
            found: Any = redis.hgetall(name)
        pairs = [(key.decode().split("|"), int(value)) for key, value in found.items()]
        return {int(number): value for (of, number), value in pairs if of == topic}

    def gaps(self) -> int:
        """Offsets that the ledger believes never existed."""
        name = keys.gaps(self.election.id, self.settings.generation)
        with self.redis() as redis:
            found: Any = redis.hgetall(name)
        return sum(int(value) for value in found.values())

    def ends(self, topic: str) -> dict[int, int]:
        """By partition with records, the end of the log."""
        found = end_offsets(self.settings.kafka, topic)
        return {number: end for number, end in found.items() if end}

    def wait_accounted(self, count: int, within_s: float = 60.0) -> Counter[str]:
        """Wait until `count` scans have an outcome and the ledger stands at the topic's end."""
        scans = self.settings.topics.scans
        wait_until(lambda: self.outcomes().total() >= count, within_s, self.tell)
        ends = self.ends(scans)
        wait_until(lambda: self.next_offsets(scans) == ends, 20.0, self.tell)
        return self.outcomes()

    def tell(self) -> str:
        """What a failed wait should show."""
        logs = "\n".join(self.log(worker)[-3000:] for worker in self.workers)
        return f"outcomes {dict(self.outcomes())}\n{logs}"

    def audit_clean(self) -> bool:
        """True where every total is the sum of the stations' records."""
        with self.redis() as redis:
            return audit(redis, self.election, self.settings.generation) == []

    def totals(self) -> dict[str, dict[str, int]]:
        """By district, every counter that is not zero."""
        with self.redis() as redis:
            snapshot = read_snapshot(redis, self.election, self.settings.generation)
        assert snapshot is not None
        return {
            one: {name: value for name, value in district.totals.items() if value}
            for one, district in snapshot.districts.items()
            if any(district.totals.values())
        }

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
        for event in sorted(events, key=source_of):
            ledger.apply_now(event)
        return {one: totals for one, totals in ledger.totals.items() if totals}


def source_of(event: Event) -> Source:
    """Where an event's scan stands."""
    return event.lineage.source if isinstance(event, Reading) else event.source


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


def wait_until(done: Callable[[], bool], within_s: float, tell: Callable[[], str]) -> None:
    """Look until `done`; fail with what `tell` says."""
    deadline_s = time.monotonic() + within_s
    while not done():
        assert time.monotonic() < deadline_s, f"not done within {within_s:g} s\n{tell()}"
        time.sleep(0.1)


def own_election(folder: Path, election_id: str) -> Path:
    """The shipped election under an id of its own, so that its ledger is nobody else's."""
    shipped = election_folder(SHIPPED)
    folder.mkdir(parents=True)
    text = (shipped / "election.toml").read_text()
    text = text.replace(f'id = "{SHIPPED}"', f'id = "{election_id}"')
    (folder / "election.toml").write_text(text)
    (folder / "stations.csv").write_text((shipped / "stations.csv").read_text())
    return folder


def open_night(
    folder: Path,
    unique: str,
    kafka: str,
    redis: str,
    serving: str,
    *,
    topics: bool = True,
    election: Path | None = None,
) -> Iterator[Night]:
    """A night on the given servers; its workers are ended with it."""
    given = {
        "election": str(election or own_election(folder / "election", unique)),
        "topic_prefix": unique,
        "kafka": kafka,
        "redis": redis,
        "serving": serving,
        "session_timeout_s": str(SESSION_S),
        "log_level": "debug",
    }
    environment = {f"{PREFIX}{name.upper()}": value for name, value in given.items()}
    settings = load_settings(**given)
    names = settings.topics
    if topics:
        wanted = [names.scans, names.readings, names.corrections, names.rejected]
        ensure_topics(kafka, wanted, SPEC)
    producer = make_producer(kafka, SPEC.max_record_bytes)
    night = Night(
        folder, load_election(given["election"]).election, settings, environment, producer
    )
    try:
        yield night
    finally:
        for worker in night.workers:
            worker.kill()
        producer.close()


def resident_mb(worker: Child) -> float:
    """Most memory that a process ever held, in MB."""
    status = Path(f"/proc/{worker.pid}/status").read_text()
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(peak.split()[1]) / 1024


def loaded_files(worker: Child) -> str:
    """The files that a process has mapped: shows which libraries it loaded."""
    return Path(f"/proc/{worker.pid}/maps").read_text()


def signal_worker(worker: Child, number: int) -> None:
    """Send a signal to one worker of ours."""
    os.kill(worker.pid, number)
