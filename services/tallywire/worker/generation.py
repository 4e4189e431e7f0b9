"""What a worker reads with, and whether that belongs into its generation."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

from redis.asyncio import Redis
from redis.exceptions import RedisError

from tallywire import __version__
from tallywire.election.loading import LoadedElection
from tallywire.errors import UsageError
from tallywire.ledger import keys
from tallywire.ledger.generation_origin import REPLAY, GenerationOrigin, differences
from tallywire.settings import Settings
from tallywire.worker.progress import WorkerProgress

BEAT_S = 2.0
FORGET_S = 10  # without a beat, nobody follows the generation


def about_worker(settings: Settings, loaded: LoadedElection) -> GenerationOrigin:
    """How a generation is made that this worker opens."""
    return GenerationOrigin(
        districts=tuple(district.id for district in loaded.election.districts),
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        code_version=__version__,
        model=settings.model,
        model_version=settings.model_version,
        layouts=loaded.layouts_used,
    )


def agree(settings: Settings, mine: GenerationOrigin, found: GenerationOrigin) -> Settings:
    """The settings to work with in a generation that was made as `found` says.

    Whatever a replay built was read with one model and one layout and stays so; a worker that is
    not told the model takes it over. Where workers opened the generation themselves, a person may
    change both in the middle of a night.

    Raises:
        UsageError: the worker was told otherwise.
    """
    if found.made_by != REPLAY:
        return settings
    version = settings.model_version or found.model_version
    told = replace(mine, model_version=version, begin=found.begin)
    different = differences(told, found)
    if different:
        raise UsageError(
            f"Generation {settings.generation} was replayed with something else: "
            + "; ".join(different)
            + ". Start the worker with the same, or replay into another generation."
        )
    return settings.model_copy(update={"model_version": version})


async def keep_followed(
    redis: Redis, election: str, generation: str, progress: WorkerProgress
) -> None:
    """Say in the ledger, until cancelled, that somebody counts what arrives for this generation.

    Beside the consumer group, since a broker may name members that died long ago (the embedded one
    forgets them when the next one joins).
    """
    name = keys.followed(election, generation)
    while True:
        if progress.assigned:
            with suppress(RedisError):  # told by whoever counts
                await redis.set(name, b"1", ex=FORGET_S)
        await asyncio.sleep(BEAT_S)
