"""Peers that are away, late, or not the right ones."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace

import pytest

from tallywire.edge.topics import ensure_topics
from tallywire.settings import PREFIX
from tallywire.supervision.ports import any_free_port
from tallywire.workshop.stack.tcp_proxy import TcpProxy
from tests.support.http import ask_json
from tests.support.night import WITH_WORKERS, Night
from tests.support.scan_files import draw_sheets, variant
from tests.support.waiting import wait_until

DRAWN = 3


def waits_for(port: int, peer: str) -> bool:
    """True where the worker says that it waits for that peer, and is otherwise well."""
    status, body = ask_json(port, "/readyz")
    return status == 503 and peer in body["waiting_for"] and ask_json(port, "/healthz")[0] == 200


def send_some(night: Night, count: int, before: int) -> None:
    sheets = draw_sheets(DRAWN)
    stations = list(night.election.stations)
    for number in range(before, before + count):
        night.send(stations[number], variant(sheets[number % DRAWN], number))


def test_model_server_and_redis_go_away_and_come_back(night: Night) -> None:
    port = any_free_port()
    redis = night.settings.redis.removeprefix("redis://").partition("/")[0]
    with TcpProxy(night.settings.serving) as model, TcpProxy(redis) as ledger:
        night.start_worker(
            serving=f"127.0.0.1:{model.port}",
            redis=f"redis://127.0.0.1:{ledger.port}/0",
            predict_timeout_s="2",
            health_port=str(port),
        )
        wait_until(lambda: ask_json(port, "/readyz")[0] == 200, 40, night.describe)
        send_some(night, 6, 0)
        night.wait_accounted(6)

        model.cut()
        send_some(night, 6, 6)
        wait_until(lambda: waits_for(port, "model server"), 30, night.describe)
        assert night.outcomes().total() == 6
        model.mend()
        night.wait_accounted(12)

        ledger.cut()
        send_some(night, 6, 12)
        wait_until(lambda: waits_for(port, "redis"), 40, night.describe)
        ledger.mend()
        outcomes = night.wait_accounted(18)
        wait_until(lambda: ask_json(port, "/readyz")[0] == 200, 20, night.describe)
    assert outcomes.total() == 18
    assert "rejected" not in outcomes
    assert night.gaps() == 0
    assert night.audit_clean()
    assert night.totals() == night.fold()


@pytest.mark.night(replace(WITH_WORKERS, has_topics=False))
def test_a_worker_waits_for_topics_and_says_so(night: Night) -> None:
    names = night.settings.topics
    worker = night.start_worker()
    wait_until(lambda: f"no topic {names.scans}" in night.log(worker), 20, night.describe)
    ensure_topics(night.settings.kafka, names.names, WITH_WORKERS.topic_spec)
    send_some(night, 2, 0)
    assert night.wait_accounted(2).total() == 2


def run_worker(environment: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `tallywire worker` to its end."""
    return subprocess.run(
        [sys.executable, "-m", "tallywire", "worker", *arguments],
        env={**os.environ, **environment}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_check_asks_every_peer(night: Night) -> None:
    fine = run_worker(night.environment, "--check")
    assert fine.returncode == 0, fine.stderr
    assert fine.stdout.count("ok") == 3
    away = {**night.environment, f"{PREFIX}SERVING": "127.0.0.1:1"}
    broken = run_worker(away, "--check")
    assert broken.returncode == 1
    assert "model server" in broken.stderr


def test_a_topic_that_was_created_anew_is_not_read_as_old(night: Night) -> None:
    """Its offsets begin again at 0: every scan would be taken for one that was counted."""
    with night.redis() as redis:
        name = f"{{{night.election.id}:g1}}:offsets"
        redis.hset(name, f"{night.settings.topics.scans}|1", 1000)
    send_some(night, 8, 0)
    ended = run_worker(night.environment)
    assert ended.returncode == 2
    assert "--generation" in ended.stderr
    assert night.outcomes().total() == 0
