"""Topics, judged by what could be lost."""

from __future__ import annotations

from tallywire.doctor.kafka_broker import judge_topic
from tallywire.edge.topics import TopicCheck
from tallywire.errors import Problem
from tests.support.findings import levels


def topic(*problems: Problem, exists: bool = True, told: bool = True) -> TopicCheck:
    configuration = {"max.message.bytes": "5000000"} if told else {}
    notes = () if told else ("the broker does not tell retention.ms",)
    return TopicCheck("t.scans", exists, 12, configuration, problems, notes)


def test_topics_are_judged_by_what_could_be_lost() -> None:
    missing = topic(Problem("t.scans", "no such topic", "create it"), exists=False)
    spread = topic(Problem("t.scans: partitions", "3", "set them"))
    short = topic(Problem("t.scans: retention.ms", "604800000", "set it"))
    assert levels(judge_topic(topic())) == ["ok"]
    assert levels(judge_topic(topic(told=False))) == ["warn"]
    assert levels(judge_topic(missing)) == ["fail"]
    assert levels(judge_topic(spread)) == ["warn"]
    assert levels(judge_topic(short)) == ["fail"]
