"""Looks at the ledger's timeline now and then, and raises the alarm where too much is refused."""

from __future__ import annotations

import asyncio

import structlog

from tallywire.errors import PeerError
from tallywire.ledger.async_client import AsyncLedgerClient
from tallywire.ledger.rejection_alert import StopLimit, judge_rejections
from tallywire.worker.health import WorkerProgress

LOOK_S = 20.0


async def watch_rejections(
    ledger: AsyncLedgerClient, limit: StopLimit, progress: WorkerProgress
) -> None:
    """Keep `progress.alert` up to date until cancelled; a line in the log when it changes.

    A worker that settled nothing since it looked last leaves the looking to those that did.
    """
    settled = -1
    while True:
        if progress.settled != settled:
            settled = progress.settled
            await look(ledger, limit, progress)
        await asyncio.sleep(LOOK_S)


async def look(ledger: AsyncLedgerClient, limit: StopLimit, progress: WorkerProgress) -> None:
    """Judge once; a Redis that is away changes nothing, others tell of it."""
    try:
        found = judge_rejections(await ledger.timelines(), limit)
    except PeerError:
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
