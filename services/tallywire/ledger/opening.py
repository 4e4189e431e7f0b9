"""Writes down, once, how a generation is made."""

from __future__ import annotations

import json
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from tallywire.errors import PeerError
from tallywire.ledger import keys
from tallywire.ledger.generation_origin import GenerationOrigin, from_values, to_values
from tallywire.wire import canonical


async def describe(
    redis: Redis, election: str, generation: str, about: GenerationOrigin
) -> GenerationOrigin:
    """What stands in the ledger about the generation: `about`, unless it was opened before.

    Raises:
        PeerError: Redis is away, or cannot write.
    """
    name = keys.generations(election)
    try:
        await redis.hsetnx(name, generation, canonical(to_values(about)))
        found: Any = await redis.hget(name, generation)
    except RedisError as error:
        raise PeerError(f"Redis: {error}") from error
    return from_values(json.loads(found))


async def place_starts(
    redis: Redis, election: str, generation: str, about: GenerationOrigin
) -> None:
    """Let workers begin where a partial generation begins; where one has begun, nothing changes.

    Raises:
        PeerError: Redis is away, or cannot write.
    """
    try:
        for log, offset in about.starts.items():
            await redis.hsetnx(keys.offsets(election, generation), log, str(offset))
    except RedisError as error:
        raise PeerError(f"Redis: {error}") from error
