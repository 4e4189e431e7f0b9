"""Which builds of the ledger there are, and which one viewers follow.

One pointer names the live generation, and moving it is one atomic step: a viewer sees the old
totals or the new ones, never a mixture.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from redis import Redis

from tallywire.election.election import Election
from tallywire.errors import UsageError
from tallywire.ledger import keys
from tallywire.ledger.generation_origin import GenerationOrigin, from_values


@dataclass(frozen=True, slots=True)
class Generation:
    """One full build of an election's ledger; `about` is what its builder said when opening it."""

    name: str
    live: bool
    about: GenerationOrigin


def live_generation(redis: Redis, election: str) -> str | None:
    """The generation that viewers follow; None before the first worker."""
    return _text(redis.get(keys.live(election)))


def previous_generation(redis: Redis, election: str) -> str | None:
    """The generation that was live before this one: where a rollback goes."""
    return _text(redis.lindex(keys.past(election), -1))


def list_generations(redis: Redis, election: str) -> list[Generation]:
    """Every generation that was opened, in the order of their numbers."""
    live = live_generation(redis, election)
    found: Any = redis.hgetall(keys.generations(election))
    named = {name.decode(): from_values(json.loads(about)) for name, about in found.items()}
    return [
        Generation(name, name == live, named[name])
        for name in sorted(named, key=lambda name: (len(name), name))
    ]


def set_live(redis: Redis, election: str, wanted: str, expected: str) -> str:
    """Point viewers at `wanted` if they follow `expected` now; repeating it is harmless.

    Returns:
        the generation that is live afterwards: `wanted`, or another one where somebody else has
        moved the pointer in between.

    Raises:
        UsageError: `wanted` was never opened.
        redis.exceptions.RedisError: if Redis is away.
    """
    script = files("tallywire.ledger").joinpath("promote.lua").read_text()
    answer = redis.register_script(script)(
        keys=[keys.live(election), keys.past(election), keys.generations(election)],
        args=[expected, wanted],
    )
    live = _text(answer)
    if live is None:
        raise UsageError(f"generation {wanted} of {election} does not exist: replay into it first")
    return live


def stored_offsets(redis: Redis, election: str, generation: str) -> dict[tuple[str, int], int]:
    """By topic and partition, the next offset that the generation's workers will read."""
    found: Any = redis.hgetall(keys.offsets(election, generation))
    split = [(name.decode().rpartition("|"), int(value)) for name, value in found.items()]
    return {(topic, int(partition)): offset for (topic, _, partition), offset in split}


def is_followed(redis: Redis, election: str, generation: str) -> bool:
    """True while a worker says that it counts what arrives (or did seconds ago)."""
    return bool(redis.exists(keys.followed(election, generation)))


def station_names(redis: Redis, election: Election, generation: str) -> set[str]:
    """`district:contest:station` of every known station that has a record."""
    ids = [district.id for district in election.districts]
    with redis.pipeline(transaction=False) as pipe:
        for one in ids:
            pipe.smembers(keys.DistrictKeys(election.id, generation, one).stations)
        answers: list[Any] = pipe.execute()
    pairs = zip(ids, answers, strict=True)
    return {f"{one}:{member.decode()}" for one, members in pairs for member in members}


def _text(found: Any) -> str | None:
    return found.decode() if found else None
