"""Asks the peers, beside Faust: are the topics there, is there a record, does everybody answer?

The worker waits for topics that others create. Partition counts are fixed before the election, and
a topic that springs up by itself has the wrong one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence

import typer
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from tallywire.edge.serving import Classifier
from tallywire.election.loading import load_election
from tallywire.errors import PeerError
from tallywire.ledger.async_client import open_async_ledger
from tallywire.records import Partition
from tallywire.settings import Settings
from tallywire.worker.retry import Peers, insist

TROUBLE = (KafkaError, OSError, TimeoutError)
ANSWER_S = 10.0
WHOLE_ANSWER_S = 15.0  # with every time-out of its own
RECORD_S = 5.0  # a broker that has the record hands it over well within this
LOOK_AGAIN_S = 1.0  # for topics, at the longest: somebody may be creating them right now


async def check_peers(settings: Settings) -> None:
    """`tallywire worker --check`: ask each peer once and print what it says.

    Raises:
        UsageError: the election's files are wrong.
        PeerError: naming every peer that does not answer as it should.
    """
    election = load_election(settings.election).election
    ledger = open_async_ledger(settings.redis, election, settings.generation, ANSWER_S)
    async with Classifier(settings.serving, settings.model, settings.model_version) as model:
        answers = {
            "kafka": await _problem(require_topics(settings.kafka, settings.topics.names)),
            "redis": await _problem(ledger.next_offsets(settings.topics.scans)),
            "model server": await _problem(model.policy(settings.model_version)),
        }
    await ledger.close()
    for peer, problem in answers.items():
        typer.echo(f"{peer}: {problem or 'ok'}")
    if any(answers.values()):
        raise PeerError("Not ready: " + ", ".join(peer for peer, bad in answers.items() if bad))


async def wait_for_topics(brokers: str, topics: Sequence[str], peers: Peers) -> None:
    """Return when the broker answers and has all `topics`; says what it waits for."""
    await insist(
        lambda: require_topics(brokers, topics), "kafka", peers, longest_pause_s=LOOK_AGAIN_S
    )


async def require_topics(brokers: str, topics: Sequence[str]) -> None:
    """Return where the broker has all `topics`.

    Raises:
        PeerError: why we cannot start yet.
    """
    try:
        present = await asyncio.wait_for(list_topics(brokers), ANSWER_S)
    except TROUBLE as error:
        said = error or type(error).__name__
        raise PeerError(f"no broker answers at {brokers} ({said})") from error
    missing = [topic for topic in topics if topic not in present]
    if missing:
        names = ", ".join(missing)
        raise PeerError(f"no topic {names} at {brokers}: `tallywire publish` creates it")


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


async def _problem(question: Awaitable[object]) -> str:
    """What is wrong with a peer; empty where it answers."""
    try:
        await asyncio.wait_for(question, WHOLE_ANSWER_S)
    except (PeerError, TimeoutError) as error:
        return str(error) or "no answer"
    return ""
