"""Addresses that servers can have, and what people type instead."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallywire.addresses import bootstrap_servers, grpc_target, redis_url, without_password

HOSTS = st.from_regex(r"[a-z][a-z0-9.-]{0,20}", fullmatch=True) | st.just("[::1]")
PORTS = st.integers(1, 65_535)


@given(st.lists(st.tuples(HOSTS, PORTS), min_size=1, max_size=4))
def test_hosts_and_ports_are_addresses(servers: list[tuple[str, int]]) -> None:
    text = ",".join(f"{host}:{port}" for host, port in servers)
    assert bootstrap_servers(text) == text
    assert bootstrap_servers(text.replace(",", " , ")) == text
    assert grpc_target(f"ipv4:{text}") == f"ipv4:{text}"


@pytest.mark.parametrize(
    "text",
    ["", "kafka", ":9092", "kafka:", "kafka:0", "kafka:99999", "kafka:x", "a:1,", "a:1,b", "a b:1",
     "::1:9092", "kafka://a:1", "a:-1", "a:²"],
)  # fmt: skip
def test_what_is_no_list_of_brokers_is_told(text: str) -> None:
    with pytest.raises(ValueError, match="host:port"):
        bootstrap_servers(text)


@pytest.mark.parametrize(
    "text",
    ["model-server:8500", "127.0.0.1:8500", "[::1]:8500", "dns:///model:8500",
     "dns://8.8.8.8/model:8500", "dns:model:8500", "ipv6:[::1]:8500,[::2]:8500",
     "unix:/run/model.sock", "dns:8500"],
)  # fmt: skip
def test_targets_of_grpc_pass(text: str) -> None:
    assert grpc_target(text) == text


@pytest.mark.parametrize("text", ["", "x", "x:99999", "ipv4:a", "dns:///model", "http://a:1"])
def test_what_is_no_target_is_told(text: str) -> None:
    with pytest.raises(ValueError, match="host:port"):
        grpc_target(text)


@pytest.mark.parametrize(
    "text",
    ["redis://127.0.0.1:6379/0", "redis://redis", "rediss://user:pa%40ss@host:1/15",
     "redis://:secret@host/0", "redis://[::1]:6379/0", "unix:///run/redis.sock?db=1",
     "redis://host?db=3"],
)  # fmt: skip
def test_urls_of_redis_pass(text: str) -> None:
    assert redis_url(text) == text


@pytest.mark.parametrize(
    "text",
    ["", "x", "127.0.0.1:6379", "redis://", "redis://host:99999/0", "redis://host:x/0",
     "redis://host:0/0", "http://host:6379/0", "redis://host:6379/x", "redis://[::1"],
)  # fmt: skip
def test_what_is_no_url_is_told(text: str) -> None:
    with pytest.raises(ValueError, match="a URL such as redis://"):
        redis_url(text)


SECRETS = st.text(st.characters(categories=("L", "N"), include_characters="@:!$-"), min_size=6)


@given(SECRETS, st.sampled_from(["", "user"]))
def test_a_password_is_not_shown(secret: str, user: str) -> None:
    shown = without_password(f"redis://{user}:{secret}@host.example:6379/0")
    assert shown == f"redis://{user}:***@host.example:6379/0"
    asked = without_password(f"redis://host:6379/0?db=1&password={secret}")
    assert asked == "redis://host:6379/0?db=1&password=***"


@pytest.mark.parametrize("text", ["redis://127.0.0.1:6379/0", "unix:///a.sock", "kafka:9092", "x"])
def test_what_holds_none_is_shown_as_it_is(text: str) -> None:
    assert without_password(text) == text
