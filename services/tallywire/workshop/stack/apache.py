"""Apache Kafka itself, from its Maven jars: for tests and rehearsals on a durable broker, without
Docker. Needs Java 17 and, the first time, Maven.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tallywire.errors import PeerError, UsageError
from tallywire.supervision import probes
from tallywire.supervision.child import Program
from tallywire.supervision.ports import LOOPBACK, free_ports

VERSION = "4.1.1"
CLUSTER_ID = "VGFsbHl3aXJlTmlnaHQwMQ"  # 22 characters, as Kafka wants them
POM = Path(__file__).with_name("kafka-pom.xml")
FETCH_TIMEOUT_S = 600
FORMAT_TIMEOUT_S = 60
CLUSTER_JVM = ("-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
JVM = ("-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")  # quick to start
LOG_LEVEL = "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"


@dataclass(frozen=True, slots=True)
class Node:
    """One node of a cluster on loopback, broker and controller in one."""

    number: int  # Kafka's node.id, from 1
    port: int  # for clients
    controller_port: int
    folder: Path


@dataclass(frozen=True, slots=True)
class LogRules:
    """The largest record that a node takes; with `sync_always` it acknowledges what is on disk."""

    max_record_bytes: int
    sync_always: bool = False


def apache_broker_programs(
    ports: Sequence[int],
    folder: Path,
    log: LogRules,
    say: Callable[[str], object] = print,
) -> list[Program]:
    """One Kafka node for each port, that keep their logs in `folder`; three make a cluster.

    Started again with the same folder, a node has everything that it acknowledged. In a cluster
    every topic has a copy on each node, and an acknowledgement means two copies at least.

    Raises:
        UsageError: there is no Java, or the jars are missing and there is no Maven.
        PeerError: fetching the jars or formatting a folder failed.
    """
    java = require_java()
    jars = fetch_jars(find_cache(), say)
    controllers = free_ports(len(ports))
    nodes = [
        Node(number, *both, folder if len(ports) == 1 else folder / f"node-{number}")
        for number, both in enumerate(zip(ports, controllers, strict=True), start=1)
    ]
    jvm = JVM if len(nodes) == 1 else CLUSTER_JVM
    start = (java, *jvm, LOG_LEVEL, "-cp", str(jars / "*"))
    with ThreadPoolExecutor(len(nodes)) as threads:  # each is a JVM of its own, 1.5 s
        return list(threads.map(lambda node: _program(start, node, nodes, log), nodes))


def _program(start: tuple[str, ...], node: Node, nodes: Sequence[Node], log: LogRules) -> Program:
    """The node's folder made ready, and how to run it."""
    node.folder.mkdir(parents=True, exist_ok=True)
    properties = node.folder / "server.properties"
    properties.write_text(server_properties(node, nodes, log))
    if not (node.folder / "log" / "meta.properties").exists():
        formatting = ("kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c", str(properties))
        _run((*start, *formatting), FORMAT_TIMEOUT_S, "Kafka could not format its folder")
    alone = len(nodes) == 1
    return Program(
        "broker" if alone else f"broker-{node.number}",
        (*start, "kafka.Kafka", str(properties)),
        partial(probes.broker_answers, node.port)
        if alone
        else partial(probes.node_is_registered, node.port, node.number),
        ready_within_s=60.0 if alone else 120.0,
        grace_s=15.0 if alone else 6.0,  # the last ones of a cluster have no quorum to leave by
    )


def server_properties(node: Node, nodes: Sequence[Node], log: LogRules) -> str:
    """The configuration of `node` among `nodes`. Controllers' ports may differ between starts of
    the whole cluster, not while it runs."""
    copies = len(nodes)
    voters = (f"{one.number}@{LOOPBACK}:{one.controller_port}" for one in nodes)
    here = f"{LOOPBACK}:{node.port}"
    settings = {
        "process.roles": "broker,controller",
        "node.id": node.number,
        "controller.quorum.voters": ",".join(voters),
        "listeners": f"PLAINTEXT://{here},CONTROLLER://{LOOPBACK}:{node.controller_port}",
        "advertised.listeners": f"PLAINTEXT://{here}",
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": (node.folder / "log").resolve(),
        "default.replication.factor": copies,
        "min.insync.replicas": copies // 2 + 1,
        "offsets.topic.replication.factor": copies,
        "offsets.topic.num.partitions": 4,
        "transaction.state.log.replication.factor": copies,
        "transaction.state.log.min.isr": copies // 2 + 1,
        "group.initial.rebalance.delay.ms": 0,
        "auto.create.topics.enable": "false",
        "message.max.bytes": log.max_record_bytes,
        "replica.fetch.max.bytes": log.max_record_bytes,
    }
    if log.sync_always:
        settings["log.flush.interval.messages"] = 1
    return "".join(f"{key}={value}\n" for key, value in settings.items())


def require_java() -> str:
    """Where Java is.

    Raises:
        UsageError: there is none.
    """
    return _require("java", "install Java 17 or newer (apt install openjdk-17-jre-headless)")


def check_tools() -> None:
    """Tell at once what is missing to run Apache Kafka here, rather than after other work.

    Raises:
        UsageError: there is no Java, or the jars are missing and there is no Maven.
    """
    require_java()
    if not has_jars(find_cache()):
        _require_maven(find_cache())


def find_cache() -> Path:
    """Where the jars are kept: TALLYWIRE_KAFKA_JARS, else the user's cache folder."""
    given = os.environ.get("TALLYWIRE_KAFKA_JARS")
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(given) if given else home / "tallywire" / f"kafka-{VERSION}"


def fetch_jars(cache: Path, say: Callable[[str], object] = print) -> Path:
    """The folder with Kafka's jars; fetched by Maven if it is not there (43 MB, once).

    Raises:
        UsageError: there is no Maven.
        PeerError: Maven failed.
    """
    if has_jars(cache):
        return cache
    maven = _require_maven(cache)
    say(f"Fetching Apache Kafka {VERSION} through Maven into {cache} (45 jars, 43 MB, only once)")
    half = cache.with_name(f"{cache.name}.{os.getpid()}.part")
    goal = ("dependency:copy-dependencies", f"-DoutputDirectory={half}")
    _run(
        (maven, "-q", "-B", "-f", str(POM), *goal),
        FETCH_TIMEOUT_S,
        "Maven could not fetch Kafka's jars",
    )
    cache.parent.mkdir(parents=True, exist_ok=True)
    try:
        half.rename(cache)  # whole or not at all
    except OSError:  # somebody else was quicker
        shutil.rmtree(half, ignore_errors=True)
    return cache


def is_available() -> bool:
    """True where this machine has Java, and the jars or Maven to fetch them."""
    fetchable = has_jars(find_cache()) or shutil.which("mvn")
    return bool(shutil.which("java") and fetchable)


def has_jars(cache: Path) -> bool:
    """True where `cache` holds Kafka's jars."""
    return (cache / f"kafka_2.13-{VERSION}.jar").exists()


def _require_maven(cache: Path) -> str:
    return _require("mvn", f"install Maven (apt install maven), or put Kafka's jars into {cache}")


def _require(name: str, remedy: str) -> str:
    found = shutil.which(name)
    if not found:
        raise UsageError(f"There is no {name} on this machine: {remedy}")
    return found


def _run(command: tuple[str, ...], timeout_s: float, failure: str) -> None:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=timeout_s, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise PeerError(f"{failure} within {timeout_s:g} s") from error
    if done.returncode:
        tail = "\n".join((done.stdout + done.stderr).splitlines()[-10:])
        raise PeerError(f"{failure}:\n{tail}")
