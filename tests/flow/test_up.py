"""`tallywire up` as a person uses it: what it prints works, and what it keeps is kept."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tallywire.election.loading import load_election
from tallywire.ledger.client import open_ledger
from tallywire.ledger.snapshot import read_snapshot
from tallywire.supervision.probes import http_answers
from tallywire.workshop.stack import apache
from tests.support import scan_files

ELECTION = "mx-2015-d15"
STATIONS = list(load_election(ELECTION).election.stations)
READY = "Ctrl-C ends everything"


@contextmanager
def running_up(folder: Path, *options: str) -> Iterator[str]:
    """`up` from its addresses to Ctrl-C; what it printed."""
    log = folder / "up.log"
    with log.open("w") as out:
        up = subprocess.Popen(
            [sys.executable, "-m", "tallywire", "up", *options],
            cwd=folder, stdout=out, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        until_s = time.monotonic() + 150
        while READY not in log.read_text() and up.poll() is None and time.monotonic() < until_s:
            time.sleep(0.2)
        printed = log.read_text()
        assert READY in printed, printed
        children = psutil.Process(up.pid).children(recursive=True)
        yield printed
        up.send_signal(signal.SIGINT)
        assert up.wait(60) == 0, log.read_text()
        assert not [one for one in children if one.is_running()]
    finally:
        up.terminate()
        up.wait(60)


def sourced(file: Path) -> dict[str, str]:
    """The environment after sourcing the file that `up` says to source."""
    done = subprocess.run(
        ["sh", "-c", f'. "{file}"; env -0'], capture_output=True, text=True, check=True
    )
    return dict(one.split("=", 1) for one in done.stdout.split("\0") if one)


def publish(folder: Path, stations: list[str], environment: Mapping[str, str]) -> None:
    folder.mkdir()
    for station in stations:
        (folder / f"{station}.jpg").write_bytes(scan_files.good_jpeg() + station.encode())
    command = [sys.executable, "-m", "tallywire", "publish", str(folder)]
    subprocess.run(command, env={**os.environ, **environment}, cwd=folder.parent, check=True)


def settled(environment: Mapping[str, str], expected: int) -> dict[str, int]:
    """Scans by outcome, once there are as many as expected (or a minute later)."""
    until_s = time.monotonic() + 60
    election = load_election(ELECTION).election
    with open_ledger(environment["TALLYWIRE_REDIS"], election) as ledger:
        while True:
            snapshot = read_snapshot(ledger, "g1")
            names = ("counted", "held", "duplicate", "rejected")
            found = {one: snapshot.scans(one) if snapshot else 0 for one in names}
            if sum(found.values()) >= expected or time.monotonic() > until_s:
                return found
            time.sleep(0.2)


@pytest.mark.timeout(240)
def test_every_address_that_is_printed_answers(tmp_path: Path) -> None:
    with running_up(tmp_path, "--workers", "1") as printed:
        addresses = re.findall(r"http://127\.0\.0\.1:\d+\S*", printed)
        assert len(addresses) == 2  # the live page and a worker
        assert all(map(http_answers, addresses))
        environment = sourced(tmp_path / "run" / "up" / "env.sh")
        publish(tmp_path / "scans", STATIONS[:2], environment)
        assert sum(settled(environment, 2).values()) == 2
        assert "embedded, forgets all at the end" in printed


@pytest.mark.timeout(400)
@pytest.mark.skipif(not apache.is_available(), reason="keeping data needs Apache Kafka, and Java")
def test_a_count_goes_on_after_a_restart(tmp_path: Path) -> None:
    options = ("--data", "kept", "--workers", "1", "--no-dashboard")
    with running_up(tmp_path, *options):
        environment = sourced(tmp_path / "kept" / "env.sh")
        publish(tmp_path / "first", STATIONS[:5], environment)
        before = settled(environment, 5)
        assert sum(before.values()) == 5
    with running_up(tmp_path, *options):
        environment = sourced(tmp_path / "kept" / "env.sh")
        assert settled(environment, 5) == before
        publish(tmp_path / "second", STATIONS[5:8], environment)
        assert sum(settled(environment, 8).values()) == 8
        verify = [sys.executable, "-m", "tallywire", "verify"]
        done = subprocess.run(
            verify, env={**os.environ, **environment}, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert "8 scans" in done.stdout + done.stderr


def test_what_is_missing_is_told_before_anything_starts(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tallywire", "up", "--check", "--data", str(tmp_path / "d")]
    environment = {**os.environ, "PATH": str(tmp_path), "TALLYWIRE_KAFKA_JARS": str(tmp_path)}
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert "no java on this machine" in " ".join(done.stdout.split())
    assert not (tmp_path / "d").exists()
