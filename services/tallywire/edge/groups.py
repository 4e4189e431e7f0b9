"""Who is in a consumer group.

By aiokafka: kafka-python 3.0.12 cannot read what the embedded broker answers.
"""

from __future__ import annotations

import asyncio

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError, KafkaError

from tallywire.errors import PeerError

ATTEMPTS = 5  # a broker that has never had a group makes its table of groups first
PAUSE_S = 0.5
MEMBERS = 5  # their place in a described group


def count_members(kafka: str, group: str) -> int:
    """How many consumers are in the group, those included that died within their session time-out.

    Raises:
        PeerError: the broker is away or does not tell.
    """
    try:
        return asyncio.run(_count_members(kafka, group))
    except (KafkaError, OSError, TimeoutError) as error:
        why = str(error) or type(error).__name__
        raise PeerError(f"The Kafka broker at {kafka} does not describe {group}: {why}") from error


async def _count_members(kafka: str, group: str) -> int:
    client = AIOKafkaAdminClient(bootstrap_servers=kafka.split(","))
    await client.start()
    try:
        for attempt in range(ATTEMPTS):
            try:
                answers = await client.describe_consumer_groups([group])
            except GroupCoordinatorNotAvailableError:
                if attempt == ATTEMPTS - 1:
                    raise
                await asyncio.sleep(PAUSE_S)
            else:
                return sum(len(found[MEMBERS]) for answer in answers for found in answer.groups)
        raise AssertionError("the last attempt returns or raises")
    finally:
        await client.close()
