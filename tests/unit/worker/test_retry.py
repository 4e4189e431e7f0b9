"""Peers are waited for with growing pauses; our own code is given up on, or never."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tenacity import AsyncRetrying, RetryCallState

from tallywire.errors import PeerError
from tallywire.worker import retry
from tallywire.worker.retry import (
    ATTEMPTS,
    FIRST_PAUSE_S,
    LONGEST_PAUSE_S,
    Peers,
    attempt,
    insist,
    pauses,
    persist,
)


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FIRST_PAUSE_S", "ATTEMPT_PAUSE_S", "LAST_RESORT_PAUSE_S"):
        monkeypatch.setattr(retry, name, 0.0)


class Flaky:
    """Raises so many times, then answers."""

    def __init__(self, failures: int, error: type[Exception] = ZeroDivisionError) -> None:
        self.failures, self.error, self.calls = failures, error, 0

    async def __call__(self) -> str:
        self.calls += 1
        if self.calls <= self.failures:
            raise self.error(f"number {self.calls}")
        return "here"


@pytest.mark.parametrize("longest_s", [LONGEST_PAUSE_S, 1.0])
@given(number=st.integers(1, 10_000))
def test_pauses_grow_and_are_bounded(longest_s: float, number: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(retry, "FIRST_PAUSE_S", FIRST_PAUSE_S)
        wait = pauses(longest_s)
    state = RetryCallState(AsyncRetrying(), None, (), {})
    state.attempt_number = number
    full_s = min(longest_s, FIRST_PAUSE_S * 2.0 ** min(number - 1, 16))
    assert full_s / 2 <= wait(state) <= full_s


async def test_a_peer_is_waited_for_and_shown() -> None:
    peers, seen = Peers(), []

    async def flaky() -> str:
        seen.append(dict(peers.troubles))
        if len(seen) < 5:
            raise PeerError("away")
        return "here"

    assert await insist(flaky, "redis", peers) == "here"
    assert [found["redis"].attempts for found in seen[1:]] == [1, 2, 3, 4]
    assert not peers.troubles


async def test_a_bug_is_no_peers_trouble() -> None:
    async def broken() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await insist(broken, "redis", Peers())


async def test_our_own_code_is_given_up_on_with_its_last_error() -> None:
    assert await attempt(Flaky(ATTEMPTS - 1), "a test") == "here"
    hopeless = Flaky(ATTEMPTS)
    with pytest.raises(ZeroDivisionError, match=f"number {ATTEMPTS}"):
        await attempt(hopeless, "a test")
    assert hopeless.calls == ATTEMPTS


async def test_the_last_resort_gives_up_on_nothing() -> None:
    assert await persist(Flaky(ATTEMPTS + 1), "a test") == "here"


@pytest.mark.parametrize(
    "patient",
    [
        lambda flaky: insist(flaky, "redis", Peers()),
        lambda flaky: attempt(flaky, "a test"),
        lambda flaky: persist(flaky, "a test"),
    ],
    ids=["insist", "attempt", "persist"],
)
async def test_whoever_waits_can_be_cancelled(
    patient: Callable[[Flaky], Coroutine[Any, Any, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("FIRST_PAUSE_S", "ATTEMPT_PAUSE_S", "LAST_RESORT_PAUSE_S"):
        monkeypatch.setattr(retry, name, 5.0)
    flaky = Flaky(9, PeerError)
    waiting = asyncio.create_task(patient(flaky))
    await asyncio.sleep(0.01)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert flaky.calls == 1
