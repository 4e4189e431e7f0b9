"""The one retry policy: peers are waited for as long as it takes, our own code is given up on.

- `insist` waits for a peer for ever, with growing pauses, and shows the trouble in health.
- `attempt` gives our own code a few attempts at a record; then the record is refused.
- `persist` is the last resort under both: whatever comes out of them, no event is dropped for it.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import structlog
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception_type,
    stop_after_attempt,
    wait_exponential,
    wait_fixed,
    wait_incrementing,
    wait_random_exponential,
)
from tenacity.wait import wait_base

from tallywire.errors import PeerError

Value = TypeVar("Value")
Action = Callable[[], Awaitable[Value]]

FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 10.0
ATTEMPTS = 3  # of our own code on one record, before the record is set aside for repair
ATTEMPT_PAUSE_S = 0.2  # after the first of them; as much longer after each
LAST_RESORT_PAUSE_S = 1.0


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


def pauses(longest_s: float = LONGEST_PAUSE_S) -> wait_base:
    """Doubling pauses, half of each random, so that workers that lost the same server do not come
    back in step."""
    half_s, longest_half_s = FIRST_PAUSE_S / 2, longest_s / 2
    return wait_exponential(half_s, longest_half_s) + wait_random_exponential(
        half_s, longest_half_s
    )


async def insist(
    action: Action[Value],
    peer: str,
    peers: Peers,
    trouble: tuple[type[Exception], ...] = (PeerError,),
    longest_pause_s: float = LONGEST_PAUSE_S,
) -> Value:
    """Do `action` until it succeeds; only the exceptions in `trouble` are waited out."""
    told = ""

    def note(state: RetryCallState) -> None:
        """One line at the first failure and at another reason, then ever more rarely."""
        nonlocal told
        error = _error(state)
        message, attempt = str(error) or repr(error), state.attempt_number
        peers.failed(peer, message)
        if message != told or attempt & (attempt - 1) == 0:
            structlog.get_logger().warning(
                "peer does not answer; waiting", peer=peer, error=message, attempt=attempt
            )
        told = message

    patient = AsyncRetrying(
        retry=retry_if_exception_type(trouble),
        wait=pauses(longest_pause_s),
        before_sleep=note,
    )
    value: Value = await patient(_call, action)
    peers.succeeded(peer)
    return value


async def attempt(action: Action[Value], doing: str, **where: object) -> Value:
    """Do `action`, `ATTEMPTS` times at most.

    Raises:
        Exception: that of the last attempt.
    """
    brief = AsyncRetrying(
        stop=stop_after_attempt(ATTEMPTS),
        wait=wait_incrementing(ATTEMPT_PAUSE_S, ATTEMPT_PAUSE_S),
        after=lambda state: _log_exception(state, doing, where),
        reraise=True,
    )
    value: Value = await brief(_call, action)
    return value


async def persist(action: Action[Value], doing: str, **where: object) -> Value:
    """Do `action` until it raises nothing, whatever it raises."""
    endless = AsyncRetrying(
        wait=wait_fixed(LAST_RESORT_PAUSE_S),
        before_sleep=lambda state: _log_exception(state, doing, where),
    )
    value: Value = await endless(_call, action)
    return value


async def _call(action: Action[Value]) -> Value:
    return await action()


def _error(state: RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None


def _log_exception(state: RetryCallState, doing: str, where: Mapping[str, object]) -> None:
    structlog.get_logger().error(
        f"{doing} failed", **where, attempt=state.attempt_number, exc_info=_error(state)
    )
