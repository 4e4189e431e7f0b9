"""What running Apache Kafka here needs, and how its nodes are configured; no node is started."""

from __future__ import annotations

from pathlib import Path

import pytest

from tallywire.errors import PeerError, UsageError
from tallywire.supervision.ports import free_ports
from tallywire.workshop.stack import apache
from tallywire.workshop.stack.apache import LogRules
from tallywire.workshop.stack.local import LocalStack, StackPlan

LOG = LogRules(5_000_000)

MAVEN = """#!/bin/sh
for last; do :; done
/bin/mkdir -p "${last#-DoutputDirectory=}"
: > "${last#-DoutputDirectory=}/kafka_2.13-VERSION.jar"
"""


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder of programs, and no jars in the cache."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("TALLYWIRE_KAFKA_JARS", str(tmp_path / "jars"))
    return folder


def install(folder: Path, name: str, script: str = "#!/bin/sh\n") -> None:
    (folder / name).write_text(script)
    (folder / name).chmod(0o755)


def parse(text: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in text.splitlines())


def test_without_java_the_remedy_is_named(tools: Path) -> None:
    with pytest.raises(UsageError, match=r"no java .*apt install openjdk-17"):
        apache.check_tools()
    assert not apache.is_available()


def test_without_jars_and_maven_the_remedy_is_named(tools: Path, tmp_path: Path) -> None:
    install(tools, "java")
    with pytest.raises(UsageError, match=r"no mvn .*Maven .*jars into .*/jars"):
        apache.check_tools()
    (tmp_path / "jars").mkdir()
    (tmp_path / "jars" / f"kafka_2.13-{apache.VERSION}.jar").touch()
    apache.check_tools()
    assert apache.is_available()


def test_jars_are_fetched_once_and_told(tools: Path, tmp_path: Path) -> None:
    install(tools, "mvn", MAVEN.replace("VERSION", apache.VERSION))
    said: list[str] = []
    for _ in range(2):
        assert apache.fetch_jars(tmp_path / "jars", said.append) == tmp_path / "jars"
    (told,) = said
    assert apache.VERSION in told
    assert "Maven" in told
    assert [one.name for one in tmp_path.iterdir() if one.name.endswith(".part")] == []


def test_a_maven_that_fails_is_quoted(tools: Path, tmp_path: Path) -> None:
    install(tools, "mvn", "#!/bin/sh\necho no route to the repository\nexit 1\n")
    with pytest.raises(PeerError, match="no route to the repository"):
        apache.fetch_jars(tmp_path / "jars", lambda _: None)
    assert not (tmp_path / "jars").exists()


@pytest.mark.parametrize(("count", "copies"), [(1, "1"), (3, "2")])
def test_an_acknowledgement_means_most_of_the_nodes(
    tmp_path: Path, count: int, copies: str
) -> None:
    ports = iter(free_ports(2 * count))
    nodes = [
        apache.Node(number, next(ports), next(ports), tmp_path / str(number))
        for number in range(1, count + 1)
    ]
    found = [parse(apache.server_properties(node, nodes, LOG)) for node in nodes]
    for one in found:
        assert one["min.insync.replicas"] == copies
        assert one["default.replication.factor"] == str(count)
        assert one["offsets.topic.replication.factor"] == str(count)
        assert one["message.max.bytes"] == one["replica.fetch.max.bytes"] == "5000000"
    for key in ("node.id", "listeners", "log.dirs"):
        assert len({one[key] for one in found}) == count
    (voters,) = {one["controller.quorum.voters"] for one in found}
    assert len(voters.split(",")) == count


def test_what_is_kept_is_on_the_disk_before_it_is_acknowledged(tmp_path: Path) -> None:
    node = apache.Node(1, 9092, 9093, tmp_path)
    key = "log.flush.interval.messages"
    assert key not in parse(apache.server_properties(node, [node], LOG))
    kept = LogRules(5_000_000, sync_always=True)
    assert parse(apache.server_properties(node, [node], kept))[key] == "1"


def test_the_embedded_broker_stays_alone(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="3 brokers"):
        LocalStack(StackPlan(tmp_path, brokers=3))
