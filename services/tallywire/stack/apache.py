"""Apache Kafka itself, from its Maven jars: for tests and rehearsals on a durable broker, without
Docker. Needs Java 17 and, the first time, Maven.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import partial
from pathlib import Path

from tallywire.errors import PeerError, UsageError
from tallywire.stack import probes
from tallywire.stack.child import Program
from tallywire.stack.ports import LOOPBACK, any_free_port

VERSION = "4.1.1"
CLUSTER_ID = "VGFsbHl3aXJlTmlnaHQwMQ"  # 22 characters, as Kafka wants them
POM = Path(__file__).parents[3] / "deploy" / "kafka" / "pom.xml"
FETCH_TIMEOUT_S = 600
FORMAT_TIMEOUT_S = 60
JVM = ("-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")  # quick to start
LOG_LEVEL = "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"


def apache_broker_program(port: int, folder: Path, max_record_bytes: int) -> Program:
    """One Kafka node, broker and controller in one, that keeps its log in `folder`.

    Started again with the same folder, it has everything that it acknowledged.

    Raises:
        UsageError: there is no Java, or the jars are missing and there is no Maven.
        PeerError: fetching the jars or formatting the folder failed.
    """
    java = _require("java", "install Java 17 or newer (apt install openjdk-17-jre-headless)")
    jars = fetch_jars(find_cache())
    folder.mkdir(parents=True, exist_ok=True)
    properties = folder / "server.properties"
    properties.write_text(server_properties(port, any_free_port(), folder, max_record_bytes))
    start = (java, *JVM, LOG_LEVEL, "-cp", str(jars / "*"))
    if not (folder / "log" / "meta.properties").exists():
        formatting = ("kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c", str(properties))
        _run((*start, *formatting), FORMAT_TIMEOUT_S, "Kafka could not format its folder")
    return Program(
        "broker",
        (*start, "kafka.Kafka", str(properties)),
        partial(probes.broker_answers, port),
        ready_within_s=60.0,
        grace_s=15.0,
    )


def server_properties(port: int, controller_port: int, folder: Path, max_record_bytes: int) -> str:
    """The node's configuration. The controller's port may differ from start to start."""
    settings = {
        "process.roles": "broker,controller",
        "node.id": 1,
        "controller.quorum.voters": f"1@{LOOPBACK}:{controller_port}",
        "listeners": f"PLAINTEXT://{LOOPBACK}:{port},CONTROLLER://{LOOPBACK}:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://{LOOPBACK}:{port}",
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": (folder / "log").resolve(),
        "offsets.topic.replication.factor": 1,
        "offsets.topic.num.partitions": 4,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "group.initial.rebalance.delay.ms": 0,
        "auto.create.topics.enable": "false",
        "message.max.bytes": max_record_bytes,
        "replica.fetch.max.bytes": max_record_bytes,
    }
    return "".join(f"{key}={value}\n" for key, value in settings.items())


def find_cache() -> Path:
    """Where the jars are kept: TALLYWIRE_KAFKA_JARS, else the user's cache folder."""
    given = os.environ.get("TALLYWIRE_KAFKA_JARS")
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(given) if given else home / "tallywire" / f"kafka-{VERSION}"


def fetch_jars(cache: Path) -> Path:
    """The folder with Kafka's jars; fetched by Maven if it is not there (43 MB, once).

    Raises:
        UsageError: there is no Maven.
        PeerError: Maven failed.
    """
    if _has_jars(cache):
        return cache
    maven = _require("mvn", f"install Maven, or put Kafka's jars into {cache}")
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
    has_jars = _has_jars(find_cache())
    return bool(shutil.which("java")) and (has_jars or bool(shutil.which("mvn")))


def _has_jars(cache: Path) -> bool:
    return (cache / f"kafka_2.13-{VERSION}.jar").exists()


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
