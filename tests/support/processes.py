"""Looks at a process of ours from outside."""

from __future__ import annotations

import os
from pathlib import Path

from tallywire.supervision.child import Child


def resident_mb(worker: Child) -> float:
    """Most memory that a process ever held, in MB."""
    status = Path(f"/proc/{worker.pid}/status").read_text()
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(peak.split()[1]) / 1024


def loaded_files(worker: Child) -> str:
    """The files that a process has mapped: shows which libraries it loaded."""
    return Path(f"/proc/{worker.pid}/maps").read_text()


def signal_worker(worker: Child, number: int) -> None:
    """Send a signal to one worker of ours."""
    os.kill(worker.pid, number)
