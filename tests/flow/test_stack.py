"""Local servers start, are kept running, and are never left behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import psutil
import pytest
import redis

from tallywire.edge.topics import TopicSpec, check_topics
from tallywire.errors import PeerError
from tallywire.ledger import keys
from tallywire.supervision.child import LAUNCHER, Child, Program
from tallywire.supervision.ports import LOOPBACK, any_free_port, choose_port, is_free
from tallywire.supervision.supervisor import LONGEST_PAUSE_S, Supervisor, pause_s
from tallywire.workshop.stack.local import LocalStack, StackPlan
from tests.support.programs import stack_parent
from tests.support.waiting import wait_until

STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "print('deaf', flush=True); time.sleep(600)"
)


def python(name: str, code: str, **options: object) -> Program:
    return Program(name, (sys.executable, "-c", code), **{"is_ready": bool, **options})  # type: ignore[arg-type]


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def has_restarted(stack: LocalStack, times: int) -> bool:
    return stack.restarts == times


@contextmanager
def parent_of_a_stack(folder: Path) -> Iterator[tuple[subprocess.Popen[str], list[int]]]:
    """A process with a stack, and the pids of its children; ended whatever the test finds."""
    with subprocess.Popen(
        [sys.executable, stack_parent.__file__, str(folder)], stdout=subprocess.PIPE, text=True
    ) as parent:
        try:
            assert parent.stdout is not None
            yield parent, [int(word) for word in parent.stdout.readline().split()[1:]]
        finally:
            parent.kill()


def test_broker_and_redis_answer_inside_and_are_gone_outside(tmp_path: Path) -> None:
    said: list[str] = []
    with LocalStack(StackPlan(tmp_path, model=False), said.append) as stack:
        settings = stack.settings
        spec = TopicSpec(settings.partitions, settings.replication, settings.max_value_bytes)
        checks = check_topics(settings.kafka, settings.topics.names, spec)
        assert all(check.exists and not check.problems for check in checks)
        client = redis.Redis.from_url(settings.redis)
        assert client.config_get("appendonly") == {"appendonly": "yes"}
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        client.close()
        pids = [child.pid for child in stack.children]
    assert all(map(gone, pids))
    assert said == []
    assert sorted(path.name for path in (tmp_path / "logs").iterdir()) == [
        "broker.log",
        "redis.log",
    ]


def test_redis_keeps_its_data_for_the_next_start(tmp_path: Path) -> None:
    plan = StackPlan(tmp_path, broker=None, model=False)
    for expected in (None, b"1"):
        with LocalStack(plan) as stack:
            client = redis.Redis.from_url(stack.settings.redis)
            assert client.get("kept") == expected
            client.set("kept", 1)
            client.close()


def test_a_durable_redis_is_started_again_with_all_that_it_confirmed(tmp_path: Path) -> None:
    plan = StackPlan(tmp_path, broker=None, model=False, durable=True)
    with LocalStack(plan, lambda _: None) as stack:
        assert list(stack.unwatched) == []
        with redis.Redis.from_url(stack.settings.redis) as client:
            client.set("kept", 1)
        os.kill(stack.child("redis").pid, signal.SIGKILL)
        wait_until(partial(has_restarted, stack, 1))
        stack.child("redis").wait_ready()
        with redis.Redis.from_url(stack.settings.redis) as client:
            assert client.get("kept") == b"1"


def test_a_durable_stack_goes_on_with_the_generation_that_is_live(tmp_path: Path) -> None:
    plan = StackPlan(tmp_path, broker=None, model=False, durable=True)
    for expected in ("g1", "g2"):
        with LocalStack(plan) as stack:
            assert stack.settings.generation == expected
            with redis.Redis.from_url(stack.settings.redis) as client:
                client.set(keys.live(stack.settings.election), "g2")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_whatever_ends_the_parent_ends_its_children(tmp_path: Path, number: signal.Signals) -> None:
    with parent_of_a_stack(tmp_path) as (parent, pids):
        assert len(pids) == 3
        parent.send_signal(number)
        parent.wait(20)
    wait_until(lambda: all(map(gone, pids)))


@pytest.mark.parametrize("delay_s", [0.05, 0.3, 0.6, 0.9])
def test_ctrl_c_while_it_starts_leaves_nothing(tmp_path: Path, delay_s: float) -> None:
    parent = subprocess.Popen(
        [sys.executable, stack_parent.__file__, str(tmp_path)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    time.sleep(delay_s)
    children = psutil.Process(parent.pid).children(recursive=True)
    parent.send_signal(signal.SIGINT)
    parent.wait(20)
    wait_until(lambda: not any(child.is_running() for child in children))
    assert not any(str(tmp_path) in " ".join(p.cmdline()) for p in mine())


def mine() -> list[psutil.Process]:
    """Processes that started after this one, as far as they can be looked at."""
    born = psutil.Process().create_time()
    found = []
    for process in psutil.process_iter():
        try:
            if process.create_time() >= born and process.cmdline():
                found.append(process)
        except psutil.Error:
            continue
    return found


WATCH_OVER = """
import subprocess, sys
inner = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
middle = (
    "import os, runpy, sys; watch_over = runpy.run_path(sys.argv[1])['watch_over'];"
    "sys.exit(watch_over(os.getppid(), sys.argv[2:]))"
)
subprocess.run([sys.executable, "-c", middle, sys.argv[1], sys.executable, "-c", inner])
"""


def test_where_no_kernel_helps_the_launcher_itself_watches(tmp_path: Path) -> None:
    """The way of macOS, run here: parent, launcher and program are three processes."""
    parent = subprocess.Popen(
        [sys.executable, "-c", WATCH_OVER, LAUNCHER], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    program = int(parent.stdout.readline())
    parent.stdout.close()
    parent.kill()
    parent.wait()
    wait_until(lambda: gone(program))


def test_a_killed_worker_is_started_again_and_counted(tmp_path: Path) -> None:
    said: list[str] = []
    with LocalStack(
        StackPlan(tmp_path, broker=None, redis=False, model=False), said.append
    ) as stack:
        child = stack.start(python("worker-1", "import time; time.sleep(600)", restart=True))
        for number in (1, 2):
            os.kill(child.pid, signal.SIGKILL)
            wait_until(partial(has_restarted, stack, number))
            wait_until(child.is_alive)
        assert "worker-1 ended with code -9" in said[0]
        last = child.pid
    assert gone(last)


def test_a_program_that_will_not_end_is_killed(tmp_path: Path) -> None:
    child = Child(python("stubborn", STUBBORN, grace_s=0.3), tmp_path)
    child.start()
    wait_until(lambda: "deaf" in child.log_path.read_text())
    child.end()
    assert child.exit_code() == -signal.SIGKILL


def test_a_server_that_does_not_start_shows_the_end_of_its_log(tmp_path: Path) -> None:
    code = "import sys; print('the disk is full', file=sys.stderr); sys.exit(3)"
    program = python("redis", code, is_ready=lambda: False)
    with (
        pytest.raises(PeerError, match=r"(?s)redis ended with code 3 .*the disk is full"),
        LocalStack(StackPlan(tmp_path, broker=None, redis=False, model=False)) as stack,
    ):
        stack.start(program).wait_ready()


def test_a_server_that_never_answers_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    program = python(
        "slow", "import time; time.sleep(600)", is_ready=lambda: False, ready_within_s=0.3
    )
    with (
        pytest.raises(PeerError, match=r"slow did not answer within 0\.3 s"),
        LocalStack(StackPlan(tmp_path, broker=None, redis=False, model=False)) as stack,
    ):
        stack.start(program).wait_ready()


def test_a_taken_port_is_left_alone_and_told(tmp_path: Path) -> None:
    said: list[str] = []
    with socket.create_server((LOOPBACK, 0)) as taken:
        port = taken.getsockname()[1]
        plan = StackPlan(tmp_path, broker=None, model=False, ports={"redis": port})
        with LocalStack(plan, said.append) as stack:
            assert str(port) not in stack.settings.redis
    assert len(said) == 1
    assert f"Port {port} is taken" in said[0]


def test_ports() -> None:
    port = any_free_port()
    assert is_free(port)
    assert choose_port("redis", port, pytest.fail) == port
    with socket.create_server(("0.0.0.0", port)):  # noqa: S104 - taken on every address
        assert not is_free(port)


def test_restarts_slow_down_and_never_stop() -> None:
    pauses = [pause_s(failures) for failures in range(100)]
    assert pauses == sorted(pauses)
    assert pauses[0] < 1
    assert pauses[-1] == LONGEST_PAUSE_S


def test_a_stopped_supervisor_starts_nothing(tmp_path: Path) -> None:
    supervisor = Supervisor(lambda _: None)
    child = Child(python("once", "pass", restart=True), tmp_path)
    child.start()
    supervisor.watch(child)
    wait_until(lambda: child.restarts > 0)
    supervisor.stop()
    time.sleep(0.2)
    before = child.restarts
    time.sleep(1.0)
    assert child.restarts == before
    child.end()
    supervisor.release()
    assert threading.active_count() >= 1
