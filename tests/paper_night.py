"""A night on a real broker and Redis without pictures or models: events are made by hand."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from redis import Redis

from tallywire.edge.kafka import make_producer
from tallywire.edge.topics import TopicSpec, ensure_topics
from tallywire.election.election import Election
from tallywire.election.loading import load_election
from tallywire.ledger.rebuild import nonzero
from tallywire.ledger.snapshot import read_snapshot
from tallywire.ledger.state import Event, Outcome
from tallywire.ledger.store import RedisLedger, connect
from tallywire.reasons import Code, Reason
from tallywire.records import Correction, Envelope, Reading, Rejection, Source, Verdict
from tallywire.settings import PREFIX, Settings, load_settings
from tallywire.wire import encode, encode_scan_headers
from tallywire.worker.incoming import IncomingRecord
from tallywire.worker.outgoing import message_for
from tests.factories import NIGHT, make_correction, make_reading, make_rejection
from tests.makers import GREY_SEVEN

SPEC = TopicSpec(partitions=2, replication=1, max_value_bytes=1024 * 1024)
VOTES = {"oak": 90, "elm": 70, "ash": 35, "fir": 12, "yew": 8, "spoilt": 4}


@dataclass(frozen=True, slots=True)
class PaperNight:
    """Topics and a ledger of its own. `environment` leads commands to them."""

    folder: Path
    election: Election
    settings: Settings
    environment: Mapping[str, str]
    producer: Any
    scans: list[tuple[Source, bytes]] = field(default_factory=list)

    def publish(
        self, station: str, image: bytes, content_type: str = "image/jpeg"
    ) -> tuple[Source, IncomingRecord]:
        """A scan on its topic, that nobody has read."""
        scan_id = hashlib.sha256(image).hexdigest()
        envelope = Envelope(station, "scanner 1", NIGHT, content_type, scan_id)
        headers = encode_scan_headers(envelope)
        source = self._send(self.settings.topics.scans, station.encode(), image, headers)
        self.scans.append((source, image))
        return source, IncomingRecord(source, station.encode(), image, tuple(headers), NIGHT)

    def read(
        self,
        station: str,
        image: bytes,
        votes: Mapping[str, int | None] | None = None,
        verdict: Verdict = Verdict.ACCEPTED,
    ) -> Reading:
        """A scan that was read, counted or held, and told."""
        source, record = self.publish(station, image)
        reading = self.reading(station, source, image, votes, verdict)
        self.tell(reading, record)
        return reading

    def reading(
        self,
        station: str,
        source: Source,
        image: bytes,
        votes: Mapping[str, int | None] | None = None,
        verdict: Verdict = Verdict.ACCEPTED,
    ) -> Reading:
        """A reading of the scan at `source`."""
        made = make_reading(station, votes=VOTES if votes is None else votes, verdict=verdict)
        return replace(
            made,
            contest="council",
            district=self.election.stations[station].district,
            scan_id=hashlib.sha256(image).hexdigest(),
            lineage=replace(made.lineage, source=source),
        )

    def refuse(
        self, station: str, image: bytes, code: Code = Code.NOT_AN_IMAGE, **over: Any
    ) -> Rejection:
        """A scan that was refused and told."""
        source, record = self.publish(station, image, **over)
        known = self.election.stations.get(station)
        rejection = replace(
            make_rejection(station),
            source=source,
            contest="council",
            district=known.district if known else None,
            scan_id=hashlib.sha256(image).hexdigest(),
            reason=Reason(code, f"Refused: {code}.", {"bytes": len(image)}),
        )
        self.tell(rejection, record)
        return rejection

    def correct(self, station: str, votes: Mapping[str, int] | None, why: str = "seen") -> Event:
        """A decision on its topic, followed by the ledger."""
        made = make_correction(station, votes=votes)
        made = replace(made, contest="council", why=why)
        made = replace(made, district=self.election.stations[station].district)
        return self.follow(made)

    def follow(self, made: Correction) -> Correction:
        """Publish a correction and apply it."""
        key, topic = made.station.encode(), self.settings.topics.corrections
        made = replace(made, source=self._send(topic, key, encode(made), []))
        self.apply(made)
        return made

    def tell(self, event: Event, record: IncomingRecord, generation: str = "g1") -> None:
        """What a worker does with a result: ledger, topic, next offset."""
        self.apply(event, generation)
        message = message_for(self.settings.topics, record, event, generation=generation)
        assert message is not None
        self._send(message.topic, message.key, message.value, message.headers)

    def apply(self, event: Event, generation: str = "g1") -> Outcome:
        """Tell the ledger alone."""

        async def take() -> Outcome:
            ledger = RedisLedger(connect(self.settings.redis), self.election, generation)
            await ledger.open(self.election)
            outcome = await ledger.apply(event)
            await ledger.close()
            return outcome

        return asyncio.run(take())

    def totals(self, generation: str = "g1") -> dict[str, dict[str, int]]:
        """What Redis holds."""
        with self.redis() as redis:
            snapshot = read_snapshot(redis, self.election, generation)
        assert snapshot is not None
        return nonzero({one: found.totals for one, found in snapshot.districts.items()})

    def redis(self) -> Redis:
        """A connection to the ledger."""
        return Redis.from_url(self.settings.redis)

    def _send(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes]],
    ) -> Source:
        sent = self.producer.send(topic, key=key, value=value, headers=list(headers))
        place = sent.get(timeout=30)
        return Source(place.topic, place.partition, place.offset)


def open_paper_night(folder: Path, unique: str, kafka: str, redis: str) -> Iterator[PaperNight]:
    """A night on the given servers."""
    own = folder / "election"
    shutil.copytree(GREY_SEVEN, own)
    text = (own / "election.toml").read_text()
    (own / "election.toml").write_text(text.replace('id = "grey-seven"', f'id = "{unique}"', 1))
    given = {"election": str(own), "topic_prefix": unique, "kafka": kafka, "redis": redis,
             "partitions": str(SPEC.partitions)}  # fmt: skip
    settings = load_settings(**given)
    ensure_topics(kafka, settings.topics.names, SPEC)
    producer = make_producer(kafka, SPEC.max_record_bytes)
    environment = {f"{PREFIX}{name.upper()}": value for name, value in given.items()}
    try:
        yield PaperNight(folder, load_election(own).election, settings, environment, producer)
    finally:
        producer.close()
