"""A night without pictures or models: scans, results and decisions are made by hand."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tallywire.ledger.async_client import open_async_ledger
from tallywire.ledger.state import Event, Outcome
from tallywire.reasons import Code, Reason
from tallywire.records import Correction, Reading, Rejection, Source, Verdict
from tallywire.wire import encode, encode_scan_headers
from tallywire.worker.handler import IncomingRecord
from tallywire.worker.outgoing import message_for
from tests.support.elections import copy_grey_seven
from tests.support.night import Night, NightPlan, envelope
from tests.support.values import NIGHT, make_correction, make_reading, make_rejection

VOTES = {"oak": 90, "elm": 70, "ash": 35, "fir": 12, "yew": 8, "spoilt": 4}


@dataclass(frozen=True, slots=True)
class HandmadeNight(Night):
    """What workers would do, step by step; workers that are started have no model server."""

    scans: list[tuple[Source, bytes]] = field(default_factory=list)

    def publish(
        self, station: str, image: bytes, content_type: str = "image/jpeg"
    ) -> tuple[Source, IncomingRecord]:
        """A scan on its topic, that nobody has read."""
        said = envelope(station, image, captured_at=NIGHT, content_type=content_type)
        headers = encode_scan_headers(said)
        source = self.put(self.settings.topics.scans, station.encode(), image, headers)
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
        made = replace(made, source=self.put(topic, key, encode(made)))
        self.apply(made)
        return made

    def tell(self, event: Event, record: IncomingRecord, generation: str = "g1") -> None:
        """What a worker does with a result: ledger, topic, next offset."""
        self.apply(event, generation)
        message = message_for(self.settings.topics, record, event, generation=generation)
        assert message is not None
        self.put(message.topic, message.key, message.value, message.headers)

    def apply(self, event: Event, generation: str = "g1") -> Outcome:
        """Tell the ledger alone."""

        async def take() -> Outcome:
            async with open_async_ledger(self.settings.redis, self.election, generation) as ledger:
                await ledger.open()
                return (await ledger.apply(event)).outcome

        return asyncio.run(take())


BY_HAND = NightPlan(
    HandmadeNight, copy_grey_seven, partitions=2, max_value_bytes=1024 * 1024, has_model=False
)
