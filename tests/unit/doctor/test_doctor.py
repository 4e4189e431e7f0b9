"""The doctor's judgements, and the doctor where nothing runs at all."""

from __future__ import annotations

import io
import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from tallywire.cli.main import build
from tallywire.doctor.examine import run_checks
from tallywire.doctor.findings import Finding, Level, fail, ok, warn, worst
from tallywire.doctor.kafka_broker import judge_topic
from tallywire.doctor.machine import (
    check_disk,
    check_election,
    check_packages,
    check_port,
    check_python,
)
from tallywire.doctor.model_server import CELLS, PROBABILITIES, judge_signatures, judge_versions
from tallywire.doctor.redis_server import judge_durability, judge_eviction, judge_version
from tallywire.doctor.report import closing_line, findings_table, to_json
from tallywire.doctor.settings_in_force import settings_in_force
from tallywire.edge.serving import Signature, VersionState, VersionStatus
from tallywire.edge.topics import TopicCheck
from tallywire.errors import Problem, UsageError
from tallywire.settings import Settings

GOOD = Signature({"cells": CELLS}, {"probabilities": PROBABILITIES})
NOWHERE = ("--kafka", "127.0.0.1:1", "--redis", "redis://127.0.0.1:1/0", "--serving", "127.0.0.1:1")


def levels(findings: Iterator[Finding]) -> list[Level]:
    return [finding.level for finding in findings]


def test_the_worst_decides() -> None:
    assert worst([]) is Level.OK
    assert worst([ok("a", "b", "c"), warn("a", "b", "c", "d")]) is Level.WARN
    assert worst([warn("a", "b", "c", "d"), fail("a", "b", "c", "d")]) is Level.FAIL


@pytest.mark.parametrize(
    ("version", "level"), [((3, 10), "fail"), ((3, 11), "ok"), ((3, 13), "ok"), ((3, 14), "fail")]
)
def test_python_is_one_that_was_tested(version: tuple[int, int], level: str) -> None:
    assert levels(check_python(version)) == [level]


def test_this_machine_has_the_packages() -> None:
    (finding,) = check_packages()
    assert finding.level is Level.OK
    assert "redis" in finding.found


def test_there_is_room_here(tmp_path: Path) -> None:
    (finding,) = check_disk(tmp_path)
    assert "GiB free" in finding.found


@pytest.mark.parametrize(
    ("answer", "level"), [(b"HTTP/1.1 200 OK\r\n\r\n", "ok"), (b"HTTP/1.1 404 No\r\n\r\n", "warn")]
)
def test_the_dashboards_port_may_be_the_dashboards(answer: bytes, level: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(100)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        (finding,) = check_port("127.0.0.1", server.getsockname()[1], 2.0)
        thread.join()
    assert finding.level == level


def test_a_free_port_is_fine() -> None:
    (finding,) = check_port("127.0.0.1", 1, 2.0)
    assert finding.level is Level.OK


def test_the_shipped_election_is_healthy() -> None:
    findings = list(check_election(Settings()))
    assert worst(findings) is Level.OK
    assert any("510 stations, 1 district, 1 contest" in finding.found for finding in findings)


def test_every_problem_of_an_election_is_a_line(tmp_path: Path) -> None:
    (tmp_path / "election.toml").write_text('id = "x"\ncolour = "red"\n')
    (tmp_path / "stations.csv").write_text("station,district\n")
    findings = list(check_election(Settings(election=str(tmp_path))))
    assert len(findings) > 1
    assert all(finding.level is Level.FAIL and finding.remedy for finding in findings)


def test_an_election_that_is_not_there() -> None:
    assert worst(check_election(Settings(election="atlantis"))) is Level.FAIL


def test_no_model_version_is_a_failure_and_an_unpinned_one_a_warning() -> None:
    served = (
        VersionStatus(2, VersionState.AVAILABLE, ""),
        VersionStatus(1, VersionState.AVAILABLE, ""),
    )
    assert levels(judge_versions((), Settings())) == ["fail"]
    assert levels(judge_versions(served, Settings())) == ["warn"]
    assert levels(judge_versions(served, Settings(model_version=1))) == ["ok"]
    assert levels(judge_versions(served, Settings(model_version=3))) == ["fail"]


def test_a_version_that_did_not_load_is_told() -> None:
    broken = (
        VersionStatus(2, VersionState.END, "no weights"),
        VersionStatus(1, VersionState.AVAILABLE, ""),
    )
    findings = list(judge_versions(broken, Settings(model_version=1)))
    assert (findings[0].level, findings[0].found) == ("warn", "no weights")


def test_signatures_are_the_workers() -> None:
    assert levels(judge_signatures({"serving_default": GOOD, "policy": GOOD})) == ["ok"]
    assert levels(judge_signatures({"serving_default": GOOD})) == ["ok", "fail"]
    odd = Signature({"cells": (1, (-1, 28, 28))}, {"probabilities": PROBABILITIES})
    assert levels(judge_signatures({"serving_default": odd, "policy": GOOD})) == ["fail"]
    assert levels(judge_signatures({})) == ["fail", "fail"]


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


def test_a_check_that_raises_or_hangs_does_not_end_the_others() -> None:
    def raises() -> list[Finding]:
        raise RuntimeError("fell over")

    def hangs() -> list[Finding]:
        time.sleep(30)
        return []

    began = time.monotonic()
    findings = run_checks(
        {"A": raises, "B": hangs, "C": lambda: [ok("C", "c", "fine")]}, patience_s=0.3
    )
    assert time.monotonic() - began < 5
    assert [finding.level for finding in findings] == ["fail", "fail", "ok"]
    assert "fell over" in findings[0].found


def test_the_table_says_what_to_do() -> None:
    findings = [
        ok("Election", "contests[0].id", "fine"),
        fail("Kafka", "topic x", "missing", "make it [now]"),
    ]
    console = Console(width=120, file=io.StringIO(), record=True)
    console.print(findings_table(findings))
    text = console.export_text()
    assert "make it [now]" in text  # brackets are not markup here
    assert "contests[0].id" in text
    assert "FAIL" in text


def test_the_closing_line_counts() -> None:
    good, odd, bad = ok("a", "b", "c"), warn("a", "b", "c", "d"), fail("a", "b", "c", "d")
    assert closing_line([good]) == "Ready: all 1 checks passed."
    assert "1 of 2" in closing_line([good, odd])
    assert "not ready" in closing_line([good, odd, bad])


def test_json_holds_every_finding() -> None:
    found = settings_in_force(Settings(), {})
    whole = to_json([fail("Kafka", "topic x", "missing", "make it")], found)
    assert len(whole["settings"]) == len(found)
    assert whole["level"] == "fail"
    assert whole["findings"] == [
        {
            "part": "Kafka",
            "check": "topic x",
            "level": "fail",
            "found": "missing",
            "remedy": "make it",
        }
    ]


def test_where_nothing_runs_it_says_so_at_once_and_exits_1(tmp_path: Path) -> None:
    began = time.monotonic()
    file = tmp_path / "out.json"
    result = CliRunner().invoke(
        build(), ["doctor", "--timeout-s", "0.5", "--json", str(file), *NOWHERE]
    )
    assert time.monotonic() - began < 15
    assert result.exit_code == 1
    failed = {
        item["part"] for item in json.loads(file.read_text())["findings"] if item["level"] == "fail"
    }
    assert failed == {"Kafka", "Model server", "Redis"}


def test_a_redis_url_that_is_none_is_told() -> None:
    result = CliRunner().invoke(
        build(),
        ["doctor", "--timeout-s", "0.5", *NOWHERE[:2], "--redis", "nonsense", *NOWHERE[4:]],
    )
    assert isinstance(result.exception, UsageError)
    assert "--redis: 'nonsense' - a URL such as redis://" in str(result.exception)
