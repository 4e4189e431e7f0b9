"""The Faust app and its agents: they hand every event to a sequencer, and that is all."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from tallywire.settings import MIB
from tallywire.worker.faust_parts import TallyApp

BUFFERED_EVENTS = 8  # images in memory between the fetcher and the agent
FETCH_BYTES = 4 * MIB  # of one partition in one answer
HEADROOM_BYTES = 64 * 1024  # headers and framing around the largest image


@dataclass(frozen=True, slots=True)
class Limits:
    """What the app needs to know of the settings."""

    brokers: str  # host:port[,host:port...]
    group: str
    session_timeout_s: float
    max_value_bytes: int


def make_app(limits: Limits) -> TallyApp:
    """A Faust app that is connected to nothing yet."""
    largest = limits.max_value_bytes + HEADROOM_BYTES
    return TallyApp(
        limits.group,
        broker=[f"kafka://{address.strip()}" for address in limits.brokers.split(",")],
        key_serializer="raw",
        value_serializer="raw",
        autodiscover=False,
        web_enabled=False,
        topic_disable_leader=True,
        topic_allow_declare=False,
        stream_wait_empty=False,
        stream_buffer_maxsize=BUFFERED_EVENTS,
        stream_recovery_delay=0.0,
        broker_max_poll_records=BUFFERED_EVENTS,
        broker_commit_interval=2.0,
        broker_session_timeout=limits.session_timeout_s,
        broker_heartbeat_interval=limits.session_timeout_s / 5,
        broker_request_timeout=max(40.0, limits.session_timeout_s + 10),
        broker_max_poll_interval=3600.0,  # a long outage of a peer is no reason to be put out
        consumer_auto_offset_reset="earliest",
        consumer_max_fetch_size=max(FETCH_BYTES, largest),
        producer_max_request_size=largest + HEADROOM_BYTES,
        producer_acks=-1,
        producer_linger=0,
        producer_request_timeout=30.0,
    )


def add_agent(app: TallyApp, topic: str, take: Callable[[Any], Awaitable[None]]) -> None:
    """Let `take` have every event of `topic`, unacknowledged, one after the other."""
    channel = app.topic(topic, key_type=bytes, value_type=bytes)

    async def agent(stream: Any) -> None:
        async for event in stream.noack().events():
            await take(event)

    app.agent(channel, name=f"tallywire.{topic}", concurrency=1)(agent)
