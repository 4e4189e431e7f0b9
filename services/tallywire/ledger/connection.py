"""The only place that connects to Redis, and that says in our words what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from redis import ConnectionPool, Redis, exceptions
from redis.asyncio import BlockingConnectionPool
from redis.asyncio import Redis as AsyncRedis

from tallywire.errors import PeerError, UsageError

Pool = TypeVar("Pool", ConnectionPool, BlockingConnectionPool)

TIMEOUT_S = 5.0
CONNECTIONS = 32  # of one worker


def connect(url: str, timeout_s: float = TIMEOUT_S, **options: Any) -> Redis:
    """A connection that answers bytes. It repeats nothing by itself: who asks says what failed.

    Raises:
        UsageError: the address is none.
    """
    pool = _pool(ConnectionPool, url, timeout_s, retry=None, **options)
    return Redis.from_pool(pool)  # closing it closes the pool too


def connect_async(url: str, timeout_s: float = TIMEOUT_S) -> AsyncRedis:
    """A pooled connection for a worker, which waits for a free one instead of failing.

    Raises:
        UsageError: the address is none.
    """
    pool = _pool(
        BlockingConnectionPool, url, timeout_s, max_connections=CONNECTIONS, timeout=timeout_s
    )
    return AsyncRedis.from_pool(pool)


@contextmanager
def open_server(url: str, timeout_s: float = TIMEOUT_S) -> Iterator[Redis]:
    """The server itself, for who examines it or breaks it on purpose; answers are text.

    Raises:
        UsageError: the address is none.
        PeerError: Redis is away or refuses.
    """
    with connect(url, timeout_s, decode_responses=True) as redis, told_as_ours(url):
        yield redis


@contextmanager
def told_as_ours(url: str) -> Iterator[None]:
    """Whatever redis-py raises inside becomes ours.

    Raises:
        PeerError: naming the address, without its password, what is wrong, and what to do.
    """
    try:
        yield
    except exceptions.AuthenticationError as error:
        raise PeerError(
            f"Redis at {address_of(url)} lets nobody in: {_words(error)}."
            " Name user and password: redis://USER:PASSWORD@HOST:PORT/0"
        ) from error
    except (exceptions.ConnectionError, exceptions.TimeoutError, OSError) as error:
        raise PeerError(
            f"No ledger at {address_of(url)}: {_words(error)}. Start Redis there, or name its"
            " address (--redis, TALLYWIRE_REDIS)."
        ) from error
    except exceptions.RedisError as error:
        raise PeerError(
            f"Redis at {address_of(url)} refuses: {_words(error)}. See `tallywire doctor`."
        ) from error


def address_of(url: str) -> str:
    """The address for people: a URL without user, password and options."""
    return re.sub("//[^/]*@", "//", url).partition("?")[0]


def _pool(kind: type[Pool], url: str, timeout_s: float, **options: Any) -> Pool:
    try:
        return kind.from_url(
            url, socket_timeout=timeout_s, socket_connect_timeout=timeout_s, **options
        )
    except ValueError as error:
        raise UsageError(
            f"--redis {address_of(url)}: {_words(error)}. Write redis://HOST:PORT/0"
        ) from None


def _words(error: Exception) -> str:
    return (str(error) or type(error).__name__).rstrip(".")
