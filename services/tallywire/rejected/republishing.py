"""Publishes refused scans again, after the cause is gone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from kafka.errors import KafkaError

from tallywire.edge.kafka import abandon_producer, make_producer
from tallywire.edge.topics import TopicSpec
from tallywire.errors import PeerError
from tallywire.rejected.refused_scans import RefusedScan, bytes_of, scans_read
from tallywire.settings import Settings

ACKNOWLEDGED_S = 60.0
IN_FLIGHT = 8


@dataclass(frozen=True, slots=True)
class EnvelopeOverrides:
    """What the envelope says wrongly; None leaves it as it is."""

    station: str | None = None
    content_type: str | None = None


@dataclass(frozen=True, slots=True)
class RepublishPlan:
    """What is sent, and what is not: `read` has a reading by now, `repeated` is the same image of
    the same station, `empty` has no bytes."""

    send: tuple[RefusedScan, ...]
    read: int
    repeated: int
    empty: int


def plan(
    settings: Settings, refused: Iterable[RefusedScan], overrides: EnvelopeOverrides
) -> RepublishPlan:
    """What to publish again.

    Raises:
        PeerError: the broker is away.
    """
    known: dict[str, set[tuple[str, str]]] = {}
    send: dict[tuple[str, str], RefusedScan] = {}
    read = repeated = empty = 0
    for one in refused:
        scan_id = dict(one.headers).get("scan-id", b"").decode(errors="replace")
        station = overrides.station or one.station
        if one.generation not in known:
            known[one.generation] = scans_read(settings, one.generation)
        if one.value == b"":
            empty += 1
        elif (station, scan_id) in known[one.generation]:
            read += 1
        elif (station, scan_id) in send:
            repeated += 1
        else:
            send[station, scan_id or str(one.rejection.source)] = _without_bytes(one)
    return RepublishPlan(tuple(send.values()), read, repeated, empty)


def republish(
    settings: Settings, refused: Iterable[RefusedScan], overrides: EnvelopeOverrides
) -> int:
    """Publish each once more with its own envelope; how many the broker acknowledged.

    Sent twice, the second one is a duplicate by its scan id: it counts once.

    Raises:
        PeerError: the broker is away, or no longer has a record; what was sent stays sent.
    """
    spec = TopicSpec(settings.partitions, settings.replication, settings.max_value_bytes)
    producer = make_producer(settings.kafka, spec.max_record_bytes)
    acknowledged, waiting = 0, list[Any]()
    try:
        for one in refused:
            key = overrides.station.encode() if overrides.station else one.key
            value, headers = bytes_of(settings, one), list(_headers(one, overrides))
            waiting.append(
                producer.send(settings.topics.scans, key=key, value=value, headers=headers)
            )
            if len(waiting) >= IN_FLIGHT:
                waiting.pop(0).get(timeout=ACKNOWLEDGED_S)
                acknowledged += 1
        for future in waiting:
            future.get(timeout=ACKNOWLEDGED_S)
            acknowledged += 1
    except KafkaError as error:
        raise PeerError(
            f"The broker at {settings.kafka} took {acknowledged} and then none ({error}):"
            " run it again, what is sent twice counts once."
        ) from error
    finally:
        abandon_producer(producer)
    return acknowledged


def _headers(refused: RefusedScan, overrides: EnvelopeOverrides) -> Iterator[tuple[str, bytes]]:
    for name, value in refused.headers:
        replaced = name == "content-type" and overrides.content_type is not None
        yield name, (overrides.content_type or "").encode() if replaced else value


def _without_bytes(refused: RefusedScan) -> RefusedScan:
    """The plan keeps no image in memory: it is read again from where it was published."""
    return replace(refused, value=None)
