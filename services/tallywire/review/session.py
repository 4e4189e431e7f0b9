"""`tallywire review`: the queue, and a decision from the terminal to the ledger."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TypeVar

from kafka.errors import KafkaError
from redis import Redis
from redis.exceptions import RedisError

from tallywire.edge.kafka import abandon_producer, make_producer
from tallywire.election.election import Contest, Election, Station
from tallywire.election.loading import load_election
from tallywire.errors import PeerError, UsageError
from tallywire.ledger.generations import live_generation
from tallywire.ledger.snapshot import list_held, read_snapshot, read_station
from tallywire.ledger.state import StationState
from tallywire.records import Correction, Source
from tallywire.review.priority import HeldCase, margin, order
from tallywire.settings import MIB, Settings
from tallywire.sheet.layout import Layout
from tallywire.wire import SCHEMA, encode

Value = TypeVar("Value")

ACKNOWLEDGED_S = 30.0
FOLLOW_S = 15.0  # a worker that runs is there within a second or two
LOOK_S = 0.1


@dataclass(frozen=True, slots=True)
class ReviewSession:
    """What a reviewer works with."""

    settings: Settings
    election: Election
    layouts: Mapping[str, Layout]  # by contest id
    redis: Redis
    generation: str


@dataclass(frozen=True, slots=True)
class ReviewedStation:
    """One station in one contest, as the ledger has it now."""

    station: Station
    contest: Contest
    layout: Layout
    state: StationState | None


def open_desk(settings: Settings) -> ReviewSession:
    """Connect to the live generation.

    Raises:
        PeerError: Redis is away.
        UsageError: nothing has been counted.
    """
    loaded = load_election(settings.election)
    election = loaded.election
    redis = Redis.from_url(settings.redis, socket_connect_timeout=5.0)
    generation = _ask(settings, lambda: live_generation(redis, election.id))
    if generation is None:
        raise UsageError(f"Election {election.id}: no worker has opened a ledger yet")
    return ReviewSession(settings, election, loaded.layouts, redis, generation)


def queue(desk: ReviewSession) -> list[HeldCase]:
    """Every held station, the weightiest first.

    Raises:
        PeerError: Redis is away.
    """
    held = _ask(desk.settings, lambda: list_held(desk.redis, desk.election, desk.generation))
    snapshot = _ask(
        desk.settings, lambda: read_snapshot(desk.redis, desk.election, desk.generation)
    )
    districts = snapshot.districts if snapshot else {}
    margins = {
        (one, contest.id): margin(contest, found.totals)
        for one, found in districts.items()
        for contest in desk.election.contests
    }
    return order(held, margins)


def find(desk: ReviewSession, station_id: str, contest_id: str | None) -> ReviewedStation:
    """A station's record, with the form that belongs to it.

    Raises:
        UsageError: no such station or contest.
        PeerError: Redis is away.
    """
    station, contest = desk.election.stations.get(station_id), desk.election.contest(contest_id)
    if station is None:
        raise UsageError(f"--station {station_id}: election {desk.election.id} has no such station")
    if contest is None:
        known = ", ".join(one.id for one in desk.election.contests)
        raise UsageError(f"--contest {contest_id or '(none)'}: election has {known}")
    state = _read(desk, station.id, contest.id)
    return ReviewedStation(station, contest, desk.layouts[contest.id], state)


def votes_now(state: StationState | None) -> Mapping[str, int] | None:
    """The votes that the station stands with now; None where it has none."""
    if state is None:
        return None
    if state.decision is not None and state.decision.votes is not None:
        return state.decision.votes
    entry = state.counted or (state.held[0] if state.held else None)
    return entry.votes if entry else None


def publish(
    desk: ReviewSession,
    subject: ReviewedStation,
    votes: Mapping[str, int] | None,
    decided_by: str,
    why: str,
) -> Correction:
    """Write the decision to its topic and return it, with its place, once the broker has it.

    Raises:
        PeerError: the broker is away; nothing may have been decided then.
    """
    topic = desk.settings.topics.corrections
    made = Correction(
        station=subject.station.id,
        contest=subject.contest.id,
        district=subject.station.district,
        source=Source(topic, 0, 0),  # the log says where it stands
        decided_at=datetime.now(UTC),
        decided_by=decided_by,
        why=why,
        before=votes_now(subject.state),
        votes=votes,
    )
    producer = make_producer(desk.settings.kafka, MIB)
    try:
        headers = [("schema", str(SCHEMA).encode())]
        sent = producer.send(
            topic, key=made.station.encode(), value=encode(made), headers=headers
        ).get(timeout=ACKNOWLEDGED_S)
    except KafkaError as error:
        raise PeerError(
            f"The broker at {desk.settings.kafka} did not confirm the correction ({error});"
            f" see --history {made.station} before you decide again."
        ) from error
    finally:
        abandon_producer(producer)
    return replace(made, source=Source(topic, sent.partition, sent.offset))


def follow(
    desk: ReviewSession, made: Correction, patience_s: float = FOLLOW_S
) -> StationState | None:
    """The station's record once the ledger has the correction; None where it takes too long.

    Raises:
        PeerError: Redis is away.
    """
    log = f"{made.source.topic}|{made.source.partition}"
    until_s = time.monotonic() + patience_s
    while time.monotonic() < until_s:
        state = _read(desk, made.station, made.contest)
        if state is not None and state.applied.get(log, (-1,))[0] >= made.source.offset:
            return state
        time.sleep(LOOK_S)
    return None


def _read(desk: ReviewSession, station: str, contest: str) -> StationState | None:
    return _ask(
        desk.settings,
        lambda: read_station(desk.redis, desk.election, desk.generation, contest, station),
    )


def _ask(settings: Settings, question: Callable[[], Value]) -> Value:
    try:
        return question()
    except RedisError as error:
        raise PeerError(f"No ledger at {settings.redis}: {error}") from error
