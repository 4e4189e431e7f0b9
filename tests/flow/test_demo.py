"""The demo as a newcomer runs it: one command, nothing lost, nothing left behind."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.support.waiting import wait_until

PROMISED = {
    "published", "acknowledged", "accounted", "counted", "held", "duplicates", "rejected", "lost",
    "double_counted", "sheets_exact", "cells_exact", "cells", "votes_absolute_error",
    "tallies_per_second", "latency_ms",
}  # fmt: skip


def start(folder: Path, *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tallywire", "demo", "--no-dashboard", "--folder", str(folder)]
    return subprocess.Popen(
        [*command, *options], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def family(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


def alive(processes: list[psutil.Process]) -> list[str]:
    """Names of processes that still run; ones that are being ended get a moment."""
    _, left = psutil.wait_procs(processes, timeout=10)
    return [str(one) for one in left]


@pytest.mark.timeout(240)
def test_a_small_night_is_accounted_for_to_the_last_scan(tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    night = start(tmp_path / "night", "--stations", "12", "--json", str(out))
    told, _ = night.communicate(timeout=220)
    assert night.returncode == 0, told
    found = json.loads(out.read_text())
    assert found.keys() >= PROMISED
    assert found["published"] == found["acknowledged"] == found["accounted"] == 12
    assert (found["lost"], found["double_counted"], found["duplicates"]) == (0, 0, 0)
    assert found["counted"] + found["held"] + found["rejected"] == 12
    assert found["cells"] == 12 * 42
    assert found["cells_exact"] > 0.95 * found["cells"]
    assert found["latency_ms"]["p50"] <= found["latency_ms"]["p99"]
    assert "The night, accounted for" in told
    assert re.search(r"Metrics of worker-2: http://127\.0\.0\.1:\d+/metrics", told)
    assert (tmp_path / "night" / "report.html").stat().st_size > 50_000


@pytest.mark.timeout(150)
@pytest.mark.parametrize("when", ["logs/redis.log", "logs/worker-2.log"], ids=["begun", "running"])
def test_ctrl_c_leaves_no_process_behind(tmp_path: Path, when: str) -> None:
    night = start(tmp_path / "night", "--stations", "400")
    wait_until((tmp_path / "night" / when).exists, 60)
    children = family(night)
    assert children
    assert not (tmp_path / "night" / "scans" / "truth.csv").exists(), "sheets are still drawn"
    night.send_signal(signal.SIGINT)
    night.communicate(timeout=60)
    assert night.returncode != 0
    assert alive(children) == []


def test_a_folder_of_somebody_elses_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("ten years of work")
    night = start(tmp_path)
    told, _ = night.communicate(timeout=60)
    assert night.returncode == 2
    assert "is not empty and no earlier demo" in " ".join(told.split())
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
