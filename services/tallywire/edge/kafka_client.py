"""Opens kafka-python clients without leaving anything behind where that fails.

A client that cannot bootstrap keeps its sockets and, for the admin client, a thread that reconnects
for ever (kafka-python 3.0.12, `KafkaAdminClient.__init__`). A publisher that waits a night for its
broker would collect thousands of them.
"""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Callable
from typing import Any

from kafka.errors import KafkaError
from kafka.net.compat import KafkaNetClient

from tallywire.errors import PeerError

DEFAULT_PORT = 9092


def silence_kafka() -> None:
    """Keep kafka-python's own log lines out of a command that tells its troubles itself."""
    logging.getLogger("kafka").setLevel(logging.CRITICAL)


def open_client(make: Callable[..., Any], kafka: str, timeout_ms: int, **config: Any) -> Any:
    """`make(bootstrap_servers=..., **config)`, one of kafka-python's client classes.

    Args:
        make: `KafkaProducer`, `KafkaConsumer` or `KafkaAdminClient`.
        kafka: bootstrap servers, `host:port[,host:port...]`.
        timeout_ms: how long to wait for a broker.

    Raises:
        PeerError: no broker answers in time.
    """
    require_listener(kafka, timeout_ms / 1000)
    opened: list[KafkaNetClient] = []

    def remember(**given: Any) -> KafkaNetClient:
        opened.append(KafkaNetClient(**given))
        return opened[-1]

    try:
        return make(
            bootstrap_servers=kafka.split(","),
            bootstrap_timeout_ms=timeout_ms,
            kafka_client=remember,
            **config,
        )
    except (KafkaError, OSError, ValueError) as error:
        for client in opened:
            client.close()
        raise PeerError(f"No Kafka broker answers at {kafka}: {error}") from error


def require_listener(kafka: str, timeout_s: float) -> None:
    """Raise PeerError unless one of the bootstrap servers accepts a connection."""
    until_s = time.monotonic() + timeout_s
    last = "no address given"
    for server in filter(None, kafka.split(",")):
        host, _, port = server.strip().rpartition(":")
        address = (
            (host.strip("[]"), int(port)) if host and port.isdigit() else (server, DEFAULT_PORT)
        )
        left_s = max(0.2, until_s - time.monotonic())
        try:
            with socket.create_connection(address, timeout=left_s):
                return
        except OSError as error:
            last = error.strerror or str(error)
    raise PeerError(f"No Kafka broker answers at {kafka}: {last}")
