"""Looks at the ledger's timeline now and then, and raises the alarm where too much is refused."""

from __future__ import annotations

import asyncio
from typing import Any

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from tallywire.election.election import Election
from tallywire.ledger import counters, keys
from tallywire.ledger.rejection_alert import RejectionAlert, StopLimit, judge_rejections
from tallywire.worker.health import WorkerProgress

LOOK_S = 20.0


async def watch_rejections(
    redis: Redis, election: Election, generation: str, limit: StopLimit, progress: WorkerProgress
) -> None:
    """Keep `progress.alert` up to date until cancelled; a line in the log when it changes.

    A worker that settled nothing since it looked last leaves the looking to those that did.
    """
    settled = -1
    while True:
        if progress.settled != settled:
            settled = progress.settled
            await look(redis, election, generation, limit, progress)
        await asyncio.sleep(LOOK_S)


async def look(
    redis: Redis, election: Election, generation: str, limit: StopLimit, progress: WorkerProgress
) -> None:
    """Judge once; a Redis that is away changes nothing, others tell of it."""
    try:
        found = await _judge(redis, election, generation, limit)
    except (RedisError, OSError):
        return
    message = found.message if found else None
    if found and progress.alert is None:
        structlog.get_logger().error(
            "too many scans are rejected", rejected=found.rejected, scans=found.scans,
            limit_percent=limit.percent, minutes=limit.minutes, remedy="tallywire rejected",
        )  # fmt: skip
    elif progress.alert is not None and message is None:
        structlog.get_logger().info("rejections are below the limit again")
    progress.alert = message


async def _judge(
    redis: Redis, election: Election, generation: str, limit: StopLimit
) -> RejectionAlert | None:
    ids = [*(district.id for district in election.districts), keys.NOWHERE]
    async with redis.pipeline(transaction=False) as pipe:
        for one in ids:
            pipe.hgetall(keys.DistrictKeys(election.id, generation, one).totals)
        answers: list[Any] = await pipe.execute()
    timelines = [
        counters.timeline_of({name.decode(): int(value) for name, value in totals.items()})
        for totals in answers
    ]
    return judge_rejections(timelines, limit)
