"""Moves the pointer that viewers follow, after looking whether the other side is fit to be seen."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from redis import Redis

from tallywire.edge.log_offsets import LogBounds
from tallywire.election.election import Election
from tallywire.election.loading import load_election
from tallywire.errors import PeerError, TallywireError, UsageError
from tallywire.ledger.generation_origin import GenerationOrigin
from tallywire.ledger.generations import (
    is_followed,
    list_generations,
    live_generation,
    previous_generation,
    set_live,
    station_names,
    stored_offsets,
)
from tallywire.ledger.snapshot import Snapshot, read_snapshot
from tallywire.replay.comparison import GenerationDifference, check_known, compare_generations
from tallywire.replay.lag import behind, read_bounds, some
from tallywire.replay.peers import redis_answers
from tallywire.settings import Settings

LOOK_EVERY_S = 0.25


class NotFitError(TallywireError):
    """The generation is not fit to be seen; the message says why and what to do. Exit code 1."""


@dataclass(frozen=True, slots=True)
class AcceptedRisks:
    """What a person takes upon himself."""

    partial: bool = False  # scans before some time are missing
    unfollowed: bool = False  # nobody counts what arrives from now on


@dataclass(frozen=True, slots=True)
class PromotionRequirements:
    """What was there when somebody asked: the ends of the topics, and the stations that the `live`
    generation had. While scans arrive nothing is ever quite complete; this much has to be."""

    live: str
    bounds: LogBounds
    stations: frozenset[str]


@dataclass(frozen=True, slots=True)
class Promotion:
    """What viewers saw, see now, and the difference; `warnings` are what speaks against it."""

    before: Snapshot
    after: Snapshot
    difference: GenerationDifference
    warnings: tuple[str, ...] = ()


def promote(
    settings: Settings, wanted: str, expected: str | None, allow: AcceptedRisks, wait_s: float
) -> Promotion:
    """Let viewers follow `wanted`, if it has everything that was there when this was called.

    Args:
        settings: lead to the servers.
        wanted: the generation to show.
        expected: the generation that must be live now; None takes whichever it is.
        allow: what is not refused.
        wait_s: how long the generation may take to read what it has not read yet.

    Raises:
        UsageError: no such generation, it is live already, or partial.
        NotFitError: it is behind, misses stations, or nobody follows it; or another one became
            live in between.
        PeerError: a server is away.
    """
    election = load_election(settings.election).election
    with redis_answers(settings) as redis:
        live = _check_wish(redis, election.id, wanted, expected)
        _check_partial(redis, election.id, wanted, allow)
        needed = read_needed(settings, redis, election, live)

        def find() -> list[str]:
            return list(problems(redis, election, wanted, needed, allow))

        found = patiently(find, wait_s)
        if found:
            told = "\n".join(found)
            raise NotFitError(f"{wanted} is not promoted; viewers still see {live}.\n{told}")
        return move(redis, election, live, wanted, ())


def roll_back(settings: Settings, expected: str | None) -> Promotion:
    """Let viewers follow the generation that was live before. What speaks against it is told, but
    does not keep anybody from it: this is the way out when the new numbers are wrong.

    Raises:
        UsageError: nothing was live before, or another generation than `expected` is live.
        NotFitError: somebody else moved the pointer in between.
        PeerError: a server is away.
    """
    election = load_election(settings.election).election
    with redis_answers(settings) as redis:
        live = live_generation(redis, election.id)
        previous = previous_generation(redis, election.id)
        if live is None or previous is None:
            raise UsageError(f"No generation of {election.id} was live before {live or 'any'}")
        _check_expected(live, expected)
        try:
            needed = read_needed(settings, redis, election, live)
            found = list(problems(redis, election, previous, needed, AcceptedRisks()))
        except PeerError as error:
            found = [f"whether {previous} is current cannot be told: {error}"]
        return move(redis, election, live, previous, tuple(found))


def read_needed(
    settings: Settings, redis: Redis, election: Election, live: str
) -> PromotionRequirements:
    """What another generation must have now to take the place of `live`.

    Raises:
        RedisError: Redis is away.
        PeerError: the broker is away.
    """
    bounds = read_bounds(settings)
    return PromotionRequirements(live, bounds, frozenset(station_names(redis, election, live)))


def problems(
    redis: Redis,
    election: Election,
    wanted: str,
    needed: PromotionRequirements,
    allow: AcceptedRisks,
) -> Iterator[str]:
    """Why `wanted` is not fit to be seen.

    Raises:
        RedisError: Redis is away.
    """
    late = behind(needed.bounds, stored_offsets(redis, election.id, wanted))
    if late:
        yield (
            f"{wanted} is behind: {some(late)}. Let its workers read on"
            f" (`tallywire generations` shows how far they are)."
        )
    missing = sorted(needed.stations - station_names(redis, election, wanted))
    if missing and not allow.partial:
        yield f"{wanted} misses {len(missing):,} stations that {needed.live} has: {some(missing)}."
    if not allow.unfollowed and not is_followed(redis, election.id, wanted):
        yield (
            f"Nobody follows {wanted}: what arrives from now on would not be counted in it. Start"
            f" `tallywire replay --to {wanted}` before it is live,"
            f" `tallywire worker --generation {wanted}` after."
        )


def patiently(find: Callable[[], list[str]], wait_s: float) -> list[str]:
    """What `find` finds, asked again until it is nothing or the time is over."""
    until_s = time.monotonic() + wait_s
    while (found := find()) and time.monotonic() < until_s:
        time.sleep(LOOK_EVERY_S)
    return found


def _check_wish(redis: Redis, election: str, wanted: str, expected: str | None) -> str:
    live = live_generation(redis, election)
    if live is None:
        raise UsageError(f"No generation of {election} is live yet: start `tallywire worker`")
    check_known(redis, election, wanted)
    _check_expected(live, expected)
    if live == wanted:
        raise UsageError(f"{wanted} is live already")
    return live


def _check_expected(live: str, expected: str | None) -> None:
    if expected and expected != live:
        raise UsageError(f"--expected {expected}, but viewers follow {live}: look again first")


def _check_partial(redis: Redis, election: str, wanted: str, allow: AcceptedRisks) -> None:
    about = next(
        (one.about for one in list_generations(redis, election) if one.name == wanted),
        GenerationOrigin(),
    )
    if about.is_partial and not allow.partial:
        raise UsageError(
            f"{wanted} holds only scans since {about.begin}: its totals are not the count."
            " Say --partial if viewers shall see just these."
        )


def move(
    redis: Redis, election: Election, live: str, wanted: str, warnings: tuple[str, ...]
) -> Promotion:
    """Point viewers from `live` to `wanted`, in one step.

    Raises:
        NotFitError: viewers follow neither; nothing was changed.
        RedisError: Redis is away.
    """
    found = compare_generations(redis, election, live, wanted)
    before = _snapshot(redis, election, live)
    after = _snapshot(redis, election, wanted)
    now = set_live(redis, election.id, wanted, live)
    if now != wanted:
        raise NotFitError(f"Somebody else made {now} live in between; nothing was changed by this")
    return Promotion(before, after, found, warnings)


def _snapshot(redis: Redis, election: Election, generation: str) -> Snapshot:
    return read_snapshot(redis, election, generation) or Snapshot(election.id, generation, {})
