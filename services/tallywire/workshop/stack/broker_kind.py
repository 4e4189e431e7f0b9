"""The brokers that a local stack can run. Apart from the stack: the command line loads no more."""

from __future__ import annotations

from typing import Literal

BrokerKind = Literal["embedded", "kafka"]
"""Out of a wheel, in memory; or Apache Kafka, on disk."""
