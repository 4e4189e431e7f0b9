"""What is said of a Redis that nobody can talk to; no server is needed for it."""

from __future__ import annotations

import pytest
from redis import exceptions

from tallywire.errors import PeerError, UsageError
from tallywire.ledger.async_client import open_async_ledger
from tallywire.ledger.client import open_ledger
from tallywire.ledger.connection import address_of, open_server, told_as_ours
from tallywire.ledger.snapshot import read_snapshot
from tests.support.values import make_election

NOBODY = "redis://127.0.0.1:1/0"


@pytest.mark.parametrize("url", ["nonsense", "http://host", "redis://host:port/0", "redis://[::1"])
def test_an_address_that_is_none_is_wrong_usage(url: str) -> None:
    with pytest.raises(UsageError, match="--redis"):
        open_ledger(url, make_election())
    with pytest.raises(UsageError, match="--redis"):
        open_async_ledger(url, make_election(), "g1")


def test_a_server_that_is_away_is_told_with_address_and_remedy() -> None:
    with open_ledger(NOBODY, make_election()) as ledger:
        for ask in (ledger.live, ledger.previous, ledger.generations):
            with pytest.raises(PeerError, match=r"No ledger at redis://127.0.0.1:1/0.*--redis"):
                ask()
        with pytest.raises(PeerError, match="No ledger"):
            read_snapshot(ledger, "g1")
    with pytest.raises(PeerError, match="No ledger"), open_server(NOBODY) as server:
        server.ping()


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (exceptions.ConnectionError("gone"), "No ledger at .*: gone. Start Redis"),
        (exceptions.TimeoutError(), "No ledger at .*: TimeoutError. Start Redis"),
        (OSError("no route"), "No ledger at .*: no route. Start Redis"),
        (exceptions.AuthenticationError("no."), "lets nobody in: no. Name user"),
        (exceptions.ResponseError("OOM"), "refuses: OOM. See `tallywire doctor`"),
    ],
)
def test_every_trouble_has_its_own_remedy(error: Exception, said: str) -> None:
    with pytest.raises(PeerError, match=said) as caught, told_as_ours(NOBODY):
        raise error
    assert caught.value.__cause__ is error


def test_what_is_ours_already_stays_as_it_is() -> None:
    with pytest.raises(PeerError, match=r"^a race$"), told_as_ours(NOBODY):
        raise PeerError("a race")


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("redis://127.0.0.1:6379/0", "redis://127.0.0.1:6379/0"),
        ("redis://:secret@host:1/2", "redis://host:1/2"),
        ("rediss://user:se@cret@host", "rediss://host"),
        ("redis://host/0?password=se@cret", "redis://host/0"),
        ("redis://user:se?cret@host/0", "redis://host/0"),
        ("nonsense", "nonsense"),
    ],
)
def test_no_message_tells_a_password(url: str, address: str) -> None:
    assert address_of(url) == address
