"""Scans that wait before the workers start: memory stays bounded, and all are counted."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

QUEUED = 240


@pytest.mark.timeout(300)
def test_a_backlog_is_drained_within_bounds(tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    command = [sys.executable, "-m", "tallywire", "bench", "--backlog", str(QUEUED)]
    options = ["--folder", str(tmp_path / "run"), "--json", str(out)]
    done = subprocess.run(
        [*command, *options], capture_output=True, text=True, timeout=280, check=False
    )
    assert out.exists(), done.stderr
    found = json.loads(out.read_text())
    assert found["exact"], found
    assert sum(found["outcomes"].values()) == 2 * QUEUED  # the backlog, and a burst as large
    peaks = found["peak_mib_by_process"]
    assert {"broker", "redis", "model", "worker-1", "worker-2", "report"} == peaks.keys()
    for name in ("worker-1", "worker-2"):
        assert 50 < peaks[name] < found["worker_limit_mib"] == 400
    assert found["bounded"] == (not found["complaints"]) == (done.returncode == 0)
    assert found["bounded"], found["complaints"]
    assert found["drain_per_second"] > 0
    assert "embedded broker and Redis keep everything" in " ".join(done.stdout.split())
