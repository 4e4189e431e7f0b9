"""One Redis connection for a command, its troubles told as ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from redis import Redis
from redis.exceptions import RedisError

from tallywire.errors import PeerError, UsageError
from tallywire.settings import Settings

TIMEOUT_S = 5.0


@contextmanager
def redis_answers(settings: Settings) -> Iterator[Redis]:
    """A connection to the ledger.

    Raises:
        UsageError: the address is none.
        PeerError: Redis is away.
    """
    try:
        redis = Redis.from_url(
            settings.redis, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S, retry=None
        )
    except ValueError as error:
        raise UsageError(f"--redis {settings.redis}: {error}") from None
    try:
        with redis:
            yield redis
    except RedisError as error:
        raise PeerError(f"No ledger at {settings.redis}: {error}") from error
