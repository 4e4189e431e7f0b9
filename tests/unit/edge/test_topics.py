"""What a cluster answers while it replaces a lost node is asked again; anything else is told."""

from __future__ import annotations

import pytest
from kafka import errors

from tallywire.edge.topics import ask_patiently
from tallywire.errors import PeerError

PASSING = [
    errors.KafkaConnectionError("hung up"),
    errors.KafkaTimeoutError("no answer"),
    errors.NodeNotReadyError(2),
    errors.NotLeaderForPartitionError("another node"),
    errors.LeaderNotAvailableError("not elected yet"),
    errors.OffsetNotAvailableError("elected, and not yet caught up"),
    errors.UnknownBrokerIdError(-1),  # kafka-python's word for a partition without a leader
]
LASTING = [
    errors.UnknownTopicOrPartitionError("no such topic"),
    errors.TopicAuthorizationFailedError("not yours"),
    errors.KafkaConfigurationError("nonsense"),
]


@pytest.mark.parametrize("cause", PASSING, ids=lambda cause: type(cause).__name__)
def test_asks_again_while_a_node_is_replaced(cause: Exception) -> None:
    asked = []

    def ask() -> int:
        asked.append(cause)
        if len(asked) < 3:
            raise PeerError(f"The Kafka broker refused: {cause}") from cause
        return 7

    assert ask_patiently(ask, pause_s=0) == 7
    assert len(asked) == 3


@pytest.mark.parametrize("cause", LASTING, ids=lambda cause: type(cause).__name__)
def test_does_not_ask_twice_where_that_cannot_help(cause: Exception) -> None:
    asked = []

    def ask() -> int:
        asked.append(cause)
        raise PeerError(f"The Kafka broker refused: {cause}") from cause

    with pytest.raises(PeerError, match="refused"):
        ask_patiently(ask, pause_s=0)
    assert len(asked) == 1
