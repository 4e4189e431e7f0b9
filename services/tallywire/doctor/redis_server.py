"""Redis: is it there, and does it keep what the ledger writes?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import redis

from tallywire.doctor.findings import Finding, fail, ok, warn
from tallywire.settings import Settings

PART = "Redis"
LEAST_VERSION = (6, 2)
CONFIG_KEYS = ("appendonly", "appendfsync", "maxmemory", "maxmemory-policy")


def check_redis(settings: Settings, timeout_s: float) -> list[Finding]:
    """Every check of Redis over one short-lived connection."""
    try:
        client = redis.Redis.from_url(
            settings.redis,
            socket_timeout=timeout_s,
            socket_connect_timeout=timeout_s,
            decode_responses=True,
            retry=None,
        )
    except ValueError as error:
        return [
            fail(PART, settings.redis, str(error), "set TALLYWIRE_REDIS to redis://host:port/0")
        ]
    try:
        with client:
            return list(_look(client, settings.redis))
    except (redis.RedisError, OSError) as error:
        words = str(error) or type(error).__name__
        return [fail(PART, settings.redis, words, "start it: redis-server --appendonly yes")]


def _look(client: redis.Redis, url: str) -> Iterator[Finding]:
    server: Mapping[str, object] = client.info("server")
    yield judge_version(str(server["redis_version"]), url)
    try:
        config = {key: str(client.config_get(key)[key]) for key in CONFIG_KEYS}
    except redis.ResponseError:
        yield warn(
            PART,
            "durability",
            "the server does not tell its configuration",
            "check that appendonly is yes and maxmemory-policy is noeviction",
        )
        return
    yield judge_durability(config)
    yield judge_eviction(config)


def judge_version(version: str, url: str) -> Finding:
    """Is the server new enough?"""
    have = tuple(int(part) for part in version.split(".")[:2])
    if have < LEAST_VERSION:
        return fail(PART, url, f"version {version}", "use Redis 6.2 or newer")
    return ok(PART, url, f"version {version}")


def judge_durability(config: Mapping[str, str]) -> Finding:
    """Does a write survive a crash of the server?

    A ledger that lost its last second is read again from the topic, because the offsets are in it
    too; one that keeps nothing costs a whole replay.
    """
    if config["appendonly"] != "yes":
        return warn(
            PART,
            "durability",
            "appendonly no: a restart loses the ledger, and all scans are read again",
            "redis-cli config set appendonly yes",
        )
    if config["appendfsync"] == "no":
        return warn(
            PART,
            "durability",
            "appendfsync no: a crash of the machine loses up to half a minute",
            "redis-cli config set appendfsync always",
        )
    return ok(PART, "durability", f"appendonly yes, appendfsync {config['appendfsync']}")


def judge_eviction(config: Mapping[str, str]) -> Finding:
    """Can the server throw away counted records when memory is short?"""
    policy, limit = config["maxmemory-policy"], int(config["maxmemory"])
    if policy != "noeviction" and limit:
        return fail(
            PART,
            "memory",
            f"maxmemory-policy {policy}: counted records would be thrown away",
            "redis-cli config set maxmemory-policy noeviction",
        )
    if policy != "noeviction":
        return warn(
            PART,
            "memory",
            f"maxmemory-policy {policy}, harmless while maxmemory is 0",
            "redis-cli config set maxmemory-policy noeviction",
        )
    return ok(PART, "memory", "noeviction, " + (f"maxmemory {limit:,}" if limit else "no limit"))
