"""A Redis, judged: its version, what it keeps and what it throws away."""

from __future__ import annotations

import pytest

from tallywire.doctor.redis_server import judge_durability, judge_eviction, judge_version


@pytest.mark.parametrize(("version", "level"), [("6.0.16", "fail"), ("6.2.0", "ok"), ("8.0", "ok")])
def test_redis_is_new_enough(version: str, level: str) -> None:
    assert judge_version(version, "here").level == level


@pytest.mark.parametrize(
    ("appendonly", "fsync", "level"),
    [
        ("yes", "always", "ok"),
        ("yes", "everysec", "ok"),
        ("yes", "no", "warn"),
        ("no", "no", "warn"),
    ],
)
def test_redis_keeps_what_it_is_told(appendonly: str, fsync: str, level: str) -> None:
    assert judge_durability({"appendonly": appendonly, "appendfsync": fsync}).level == level


@pytest.mark.parametrize(
    ("policy", "limit", "level"),
    [("noeviction", "0", "ok"), ("allkeys-lru", "0", "warn"), ("allkeys-lru", "1000", "fail")],
)
def test_redis_throws_nothing_away(policy: str, limit: str, level: str) -> None:
    assert judge_eviction({"maxmemory-policy": policy, "maxmemory": limit}).level == level
