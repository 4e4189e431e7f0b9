"""Collects what a night left behind, from the topics and from Redis."""

from __future__ import annotations

from collections.abc import Mapping

from tallywire.edge.kafka import read_topic
from tallywire.election.election import Election
from tallywire.ledger.client import open_ledger
from tallywire.ledger.snapshot import audit, list_stations, read_snapshot
from tallywire.ledger.state import Event
from tallywire.records import Reading, Rejection, Source
from tallywire.settings import Settings
from tallywire.wire import decode
from tallywire.workshop.faults.messages import ScanMessage
from tallywire.workshop.faults.verdict import NightEvidence, PublishedScan

SCAN_ID = "scan-id"


def collect(
    settings: Settings, election: Election, published: Mapping[Source, ScanMessage]
) -> NightEvidence:
    """Everything about one night in the generation of `settings`.

    Args:
        published: by its place, each scan that the broker acknowledged.

    Raises:
        PeerError: broker or Redis are away.
    """
    scans, generation = read_scans(settings), settings.generation
    with open_ledger(settings.redis, election) as ledger:
        snapshot = read_snapshot(ledger, generation)
        districts = snapshot.districts if snapshot else {}
        return NightEvidence(
            acknowledged={at: _scan_id(message.headers) for at, message in published.items()},
            scans=scans,
            malformed=frozenset(source for source, one in published.items() if one.malformed),
            events=read_events(settings),
            totals={name: district.totals for name, district in districts.items()},
            stations=list_stations(ledger, generation),
            discrepancies=len(audit(ledger, generation)),
            next_offsets={
                log.number: at
                for log, at in ledger.next_offsets(generation).items()
                if log.topic == settings.topics.scans
            },
            gaps=snapshot.gaps if snapshot else 0,
        )


def read_scans(settings: Settings) -> dict[Source, PublishedScan]:
    """Every record of the scans topic, by its place."""
    return {
        Source(one.topic, one.partition, one.offset): PublishedScan(one.key, _scan_id(one.headers))
        for one in read_topic(settings.kafka, settings.topics.scans)
    }


def read_events(settings: Settings) -> list[Event]:
    """What the workers wrote about scans, repetitions included."""
    names = settings.topics
    events: list[Event] = [
        decode(Reading, one.value) for one in read_topic(settings.kafka, names.readings)
    ]
    for one in read_topic(settings.kafka, names.rejected):
        rejection = decode(Rejection, dict(one.headers)["rejection"])
        if rejection.source.topic == names.scans:
            events.append(rejection)
    return events


def _scan_id(headers: tuple[tuple[str, bytes], ...]) -> bytes | None:
    return dict(headers).get(SCAN_ID)
