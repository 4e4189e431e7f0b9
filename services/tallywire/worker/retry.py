"""Patience with peers: the same action again, with growing pauses, for ever."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import structlog

from tallywire.errors import PeerError

Value = TypeVar("Value")

FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 10.0


@dataclass(frozen=True, slots=True)
class Trouble:
    """A peer that does not do what is asked of it. `since_s` is on the monotonic clock."""

    message: str
    since_s: float
    attempts: int


@dataclass(slots=True)
class Peers:
    """Who is in trouble now, by name (redis, kafka, model server): shown by health."""

    tell: Callable[[str], object] = lambda _: None  # every failure, by the peer's name
    _troubles: dict[str, Trouble] = field(default_factory=dict)

    @property
    def troubles(self) -> Mapping[str, Trouble]:
        """The peers in trouble, by name."""
        return self._troubles

    def failed(self, peer: str, message: str) -> Trouble:
        """Note a failure of the peer; `since_s` stays that of the first one in a row."""
        before = self._troubles.get(peer)
        trouble = Trouble(
            message,
            before.since_s if before else time.monotonic(),
            before.attempts + 1 if before else 1,
        )
        self._troubles[peer] = trouble
        self.tell(peer)
        return trouble

    def succeeded(self, peer: str) -> None:
        """The peer answers (again)."""
        ended = self._troubles.pop(peer, None)
        if ended:
            seconds = round(time.monotonic() - ended.since_s, 1)
            structlog.get_logger().info("peer is back", peer=peer, after_s=seconds)


def pause_s(attempt: int) -> float:
    """Seconds to wait after the `attempt`th failure in a row (from 1): doubling, half of it random,
    so that workers that lost the same server do not come back in step."""
    full = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(attempt - 1, 16))
    return full * (0.5 + random.random() / 2)  # noqa: S311 - no secret


async def insist(
    action: Callable[[], Awaitable[Value]],
    peer: str,
    peers: Peers,
    trouble: tuple[type[Exception], ...] = (PeerError,),
) -> Value:
    """Do `action` until it succeeds; only the exceptions in `trouble` are waited out."""
    attempt = 0
    while True:
        try:
            value = await action()
        except trouble as error:
            attempt += 1
            _tell(peers.failed(peer, str(error) or repr(error)), peer, attempt)
        else:
            peers.succeeded(peer)
            return value
        await asyncio.sleep(pause_s(attempt))


def _tell(trouble: Trouble, peer: str, attempt: int) -> None:
    """One line at the first failure, then ever more rarely."""
    if attempt & (attempt - 1) == 0:
        structlog.get_logger().warning(
            "peer does not answer; waiting", peer=peer, error=trouble.message, attempt=attempt
        )
