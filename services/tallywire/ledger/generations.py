"""Which builds of the ledger there are, and which one viewers follow.

One pointer names the live generation, and moving it is one atomic step: a viewer sees the old
totals or the new ones, never a mixture.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from redis import Redis

from tallywire.errors import UsageError
from tallywire.ledger import keys


@dataclass(frozen=True, slots=True)
class Generation:
    """One full build of an election's ledger; `about` is what its builder said when opening it."""

    name: str
    live: bool
    about: Mapping[str, Any]


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
    named = {name.decode(): json.loads(about) for name, about in found.items()}
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


def _text(found: Any) -> str | None:
    return found.decode() if found else None
