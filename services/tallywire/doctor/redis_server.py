"""Redis: is it there, and does it keep what the ledger writes?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from redis import Redis
from redis.exceptions import ResponseError

from tallywire.doctor.findings import Finding, fail, ok, warn
from tallywire.errors import PeerError, UsageError
from tallywire.ledger.connection import address_of, open_server
from tallywire.settings import Settings

PART = "Redis"
LEAST_VERSION = (6, 2)
CONFIG_KEYS = ("appendonly", "appendfsync", "maxmemory", "maxmemory-policy")


def check_redis(settings: Settings, timeout_s: float) -> list[Finding]:
    """Every check of Redis over one short-lived connection."""
    address = address_of(settings.redis)
    try:
        with open_server(settings.redis, timeout_s) as server:
            return list(_look(server, address))
    except UsageError as error:
        return [fail(PART, address, str(error), "set TALLYWIRE_REDIS to redis://host:port/0")]
    except PeerError as error:
        return [fail(PART, address, str(error), "start it: redis-server --appendonly yes")]


def _look(server: Redis, url: str) -> Iterator[Finding]:
    told: Mapping[str, object] = server.info("server")
    yield judge_version(str(told["redis_version"]), url)
    try:
        config = {key: str(server.config_get(key)[key]) for key in CONFIG_KEYS}
    except ResponseError:
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
