"""`LocalStack`: everything an election night needs, on this machine, for as long as a `with`."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self

from tallywire.edge.topics import TopicSpec, ensure_topics
from tallywire.election.loading import load_election
from tallywire.errors import UsageError
from tallywire.ledger.client import open_ledger
from tallywire.settings import PREFIX, Settings, load_settings
from tallywire.shipped import certified_version
from tallywire.supervision import programs
from tallywire.supervision.child import Child, Program
from tallywire.supervision.ports import LOOPBACK, any_free_port, choose_port, free_ports
from tallywire.supervision.supervisor import Supervisor
from tallywire.workshop.stack import servers
from tallywire.workshop.stack.apache import LogRules, apache_broker_programs
from tallywire.workshop.stack.broker_kind import BrokerKind

PINNED = f"{PREFIX}MODEL_VERSION"
LOCAL_SESSION_S = "6"
"""The embedded broker lets a group form only after about half the session time-out; and on one
machine a dead worker shall not keep its partitions for long."""


@dataclass(frozen=True, slots=True)
class StackPlan:
    """Which servers to run. `folder` takes their data and, in `logs/`, what they say."""

    folder: Path
    broker: BrokerKind | None = "embedded"
    brokers: int = 1  # nodes of Apache Kafka; three keep a copy of every topic each
    redis: bool = True
    model: bool = True
    workers: int = 0
    dashboard: bool = False
    append_only: bool = True  # whether Redis keeps its data through its own end
    durable: bool = False  # no end of a server loses what it confirmed, and it is started again
    ports: Mapping[str, int] = field(default_factory=dict)  # preferred ones; any where missing
    settings: Mapping[str, str] = field(default_factory=dict)  # by field name: {"partitions": "4"}


class LocalStack:
    """A context manager: starts what the plan says, ends it in reverse order.

    Inside, the servers answer and workers and dashboard are starting (`wait_ready`). The broker is
    the embedded one, which forgets everything at its end, or Apache Kafka, which needs Java.

    Enter it in a thread that lives as long as the stack, best the main one: there, SIGTERM and
    SIGHUP then end the stack just as Ctrl-C does. Whatever ends this process, SIGKILL included,
    ends its children.

    Raises:
        PeerError: a server did not start, with the end of its log.
        UsageError: a server's program is not installed.
    """

    def __init__(self, plan: StackPlan, say: Callable[[str], object] = print) -> None:
        self.plan = plan
        self.workers: list[Child] = []
        self.dashboard_url: str | None = None
        self.ports: dict[str, int] = {}  # of broker, redis, model and dashboard
        self.environment: dict[str, str] = {
            f"{PREFIX}{key.upper()}": value
            for key, value in {**_defaults(plan), **plan.settings}.items()
        }
        self._say = say
        self._children: list[Child] = []
        self._supervisor = Supervisor(say)
        self._handlers: dict[signal.Signals, object] = {}

    @property
    def settings(self) -> Settings:
        """Settings that lead to this stack; for what runs in this process."""
        given = {key.removeprefix(PREFIX).lower(): value for key, value in self.environment.items()}
        return load_settings(**given)

    @property
    def children(self) -> Sequence[Child]:
        """All processes, in the order they were started."""
        return tuple(self._children)

    @property
    def unwatched(self) -> Sequence[Child]:
        """The processes that are not started again when they end."""
        durable = self.plan.durable
        return () if durable else tuple(one for one in self._children if not one.program.restart)

    @property
    def restarts(self) -> int:
        """How often a process had to be started again."""
        return sum(child.restarts for child in self._children)

    @property
    def metrics_urls(self) -> dict[str, str]:
        """Where each worker tells Prometheus what it does, by its name."""
        key = f"{PREFIX}HEALTH_PORT"
        return {
            one.program.name: f"http://{LOOPBACK}:{one.program.environment[key]}/metrics"
            for one in self.workers
        }

    def child(self, name: str) -> Child:
        """The process called `name`: broker (or broker-1 ...), redis, model, dashboard, worker-1"""
        return next(child for child in self._children if child.program.name == name)

    def __enter__(self) -> Self:
        self._catch_signals()
        try:
            self._start_servers()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self, program: Program) -> Child:
        """Start any program as part of the stack; it is ended with it."""
        child = Child(program, self.plan.folder / "logs")
        self._children.append(child)
        child.start()
        if program.restart:
            self._supervisor.watch(child)
        return child

    def start_worker(self) -> Child:
        """Start one more worker; does not wait until it is ready."""
        number = len(self.workers) + 1
        child = self.start(programs.worker_program(number, any_free_port(), self.environment))
        self.workers.append(child)
        return child

    def start_dashboard(self) -> Child:
        """Start the live page; does not wait until it is ready."""
        port = self._port("dashboard")
        self.dashboard_url = f"http://{LOOPBACK}:{port}"
        return self.start(programs.dashboard_program(port, self.environment))

    def wait_ready(self) -> None:
        """Wait until every process answers.

        Raises:
            PeerError: one does not, with the end of its log.
        """
        for child in self._children:
            child.wait_ready()

    def stop(self) -> None:
        """End every process, last started first; a second Ctrl-C kills what is left."""
        self._supervisor.stop()
        try:
            # Workers in parallel, since each may take seconds to hand back its partitions.
            for child in self.workers:
                child.ask_to_end()
            for child in reversed(self._children):
                for one in self._brokers if child in self._brokers else ():
                    one.ask_to_end()  # together: the last node of a cluster could not leave alone
                child.end()
        finally:
            for child in self._children:
                child.kill()
            self._supervisor.release()
            self._release_signals()

    def _start_servers(self) -> None:
        """Start the servers side by side; workers as soon as there are topics, since they take
        about as long as the model to be of use."""
        started = [self.start(program) for program in self._servers()]
        for child in started:
            if child.program.name != "model":
                child.wait_ready()
        if self.plan.broker:
            create_topics(self.settings)
        if self.plan.durable and self.plan.redis:
            self._follow_live_generation()
        for _ in range(self.plan.workers):
            self.start_worker()
        if self.plan.dashboard:
            self.start_dashboard()
        for child in started:
            child.wait_ready()
            if self.plan.durable and not child.program.restart:
                self._supervisor.watch(child)

    def _follow_live_generation(self) -> None:
        """Workers go on with what viewers see: after a promotion that is no longer the first."""
        settings = self.settings
        with open_ledger(settings.redis, load_election(settings.election).election) as ledger:
            live = ledger.live()
        if live:
            self.environment.setdefault(f"{PREFIX}GENERATION", live)

    def _servers(self) -> Iterator[Program]:
        plan = self.plan
        if plan.model:
            port = self._port("model")
            yield programs.model_program(port, self.environment)
            self.environment[f"{PREFIX}SERVING"] = f"{LOOPBACK}:{port}"
        if plan.broker:
            yield from self._broker_programs()
        if plan.redis:
            port = self._port("redis")
            self.environment[f"{PREFIX}REDIS"] = f"redis://{LOOPBACK}:{port}/0"
            folder = plan.folder / "redis"
            yield servers.redis_program(
                port, folder, append_only=plan.append_only, sync_always=plan.durable
            )

    def _broker_programs(self) -> list[Program]:
        plan = self.plan
        preferred, rest = self._port("broker"), free_ports(plan.brokers - 1)
        ports = [preferred, *rest]
        self.environment[f"{PREFIX}KAFKA"] = ",".join(f"{LOOPBACK}:{port}" for port in ports)
        if plan.broker == "embedded":
            return [servers.embedded_broker_program(preferred)]
        log = LogRules(topic_spec(self.settings).max_record_bytes, sync_always=plan.durable)
        return apache_broker_programs(ports, plan.folder / "kafka", log, self._say)

    @property
    def _brokers(self) -> list[Child]:
        return [one for one in self._children if one.program.name.startswith("broker")]

    def _port(self, name: str) -> int:
        self.ports[name] = choose_port(name, self.plan.ports.get(name), self._say)
        return self.ports[name]

    def _catch_signals(self) -> None:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGHUP):
                self._handlers[number] = signal.signal(number, _leave)

    def _release_signals(self) -> None:
        while self._handlers:
            number, handler = self._handlers.popitem()
            signal.signal(number, handler)  # type: ignore[arg-type]


def _defaults(plan: StackPlan) -> dict[str, str]:
    """Settings that a local stack wants where its plan does not say otherwise."""
    if plan.brokers != 1 and plan.broker != "kafka":
        raise UsageError(f"{plan.brokers} brokers: the embedded one knows no others; ask for kafka")
    wanted = {"session_timeout_s": LOCAL_SESSION_S, "replication": str(plan.brokers)}
    if plan.model and PINNED not in os.environ:
        # Pinned, as on a night; a version without a certificate promises nothing about a count.
        given = load_settings(**{key: plan.settings.get(key) for key in ("model_repo", "model")})
        version = certified_version(given.model_repo / given.model)
        return wanted if version is None else {**wanted, "model_version": str(version)}
    return wanted


def create_topics(settings: Settings) -> None:
    """Create the four topics where they are missing.

    Raises:
        PeerError: the broker is away or refuses.
    """
    ensure_topics(settings.kafka, settings.topics.names, topic_spec(settings))


def topic_spec(settings: Settings) -> TopicSpec:
    """What topics must be like, by these settings."""
    return TopicSpec(settings.partitions, settings.replication, settings.max_value_bytes)


def _leave(number: int, _: FrameType | None) -> None:
    """Leave every `with` on the way out, as Ctrl-C does."""
    raise SystemExit(128 + number)
