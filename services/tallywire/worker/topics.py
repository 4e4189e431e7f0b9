"""Asks the broker, beside Faust: are the topics there, is there a record at an offset?

The worker waits for topics that others create. Partition counts are fixed before the election, and
a topic that springs up by itself has the wrong one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from tallywire.worker.retry import Peers, pause_s
from tallywire.worker.sequencer import Partition

TROUBLE = (KafkaError, OSError, TimeoutError)
ANSWER_S = 10.0
RECORD_S = 5.0  # a broker that has the record hands it over well within this


async def wait_for_topics(brokers: str, topics: Sequence[str], peers: Peers) -> None:
    """Return when the broker answers and has all `topics`; says what it waits for."""
    log, attempt, told = structlog.get_logger(), 0, ""
    while True:
        problem = await topic_problem(brokers, topics)
        if not problem:
            return peers.succeeded("kafka")
        peers.failed("kafka", problem)
        if problem != told:
            log.warning("waiting for Kafka", problem=problem)
            told = problem
        attempt += 1
        await asyncio.sleep(min(pause_s(attempt), 1.0))


async def topic_problem(brokers: str, topics: Sequence[str]) -> str:
    """Why we cannot start yet; empty where we can."""
    try:
        present = await asyncio.wait_for(list_topics(brokers), ANSWER_S)
    except TROUBLE as error:
        return f"no broker answers at {brokers} ({error or type(error).__name__})"
    missing = [topic for topic in topics if topic not in present]
    if missing:
        return f"no topic {', '.join(missing)} at {brokers}: `tallywire publish` creates it"
    return ""


async def list_topics(brokers: str) -> set[str]:
    """The names of all topics.

    Raises:
        KafkaError, OSError: no broker answers.
    """
    client = AIOKafkaClient(bootstrap_servers=brokers.split(","))
    try:
        await client.bootstrap()
        cluster = await client.fetch_all_metadata()
        return set(cluster.topics())
    finally:
        await client.close()


async def record_exists(brokers: str, partition: Partition, offset: int) -> bool:
    """True where the broker hands out a record at `offset` or behind it.

    Raises:
        KafkaError, OSError: no broker answers.
    """
    consumer = AIOKafkaConsumer(
        bootstrap_servers=brokers.split(","), group_id=None, auto_offset_reset="none"
    )
    tp = TopicPartition(*partition)
    await consumer.start()
    try:
        consumer.assign([tp])
        consumer.seek(tp, offset)
        async with asyncio.timeout(RECORD_S):
            return bool((await consumer.getone(tp)).offset >= offset)
    except (OffsetOutOfRangeError, TimeoutError):
        return False
    finally:
        await consumer.stop()
