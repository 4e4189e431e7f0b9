"""The fault suite in its short form, and that it can fail."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tallywire.workshop.faults.scenarios import SCENARIOS, choose
from tests.support.programs import sabotaged_faults

REPOSITORY = Path(__file__).parents[2]
ROWS = "fault", "runs", "scans", "lost", "double", "identical"


def run_faults(folder: Path, *arguments: str, module: str = "tallywire") -> tuple[int, str, Any]:
    """Exit code, what was told, and the JSON."""
    out = folder / "out.json"
    command = (sys.executable, "-m", module, "faults", *arguments, "--json", str(out))
    done = subprocess.run(
        [*command, "--folder", str(folder / "faults")], cwd=REPOSITORY, check=False,
        env={**os.environ, "COLUMNS": "120"}, capture_output=True, text=True, timeout=500,
    )  # fmt: skip
    told = done.stdout + done.stderr
    return done.returncode, told, json.loads(out.read_text()) if out.exists() else None


@pytest.mark.timeout(520)
def test_the_short_form_loses_nothing(tmp_path: Path) -> None:
    code, told, found = run_faults(tmp_path, "--short")
    assert code == 0, told
    assert found["kept"]
    assert [row["fault"] for row in found["faults"]] == [
        one.name for one in choose(SCENARIOS, (), short=True)
    ]
    for row in found["faults"]:
        assert row["scans"] >= 100
        assert (row["lost"], row["double"], row["identical"]) == (0, 0, True)
        assert row["fault"] in told
    assert "time to recover" in told


@pytest.mark.timeout(300)
def test_a_ledger_that_forgets_makes_a_row_short(tmp_path: Path) -> None:
    code, told, found = run_faults(
        tmp_path, "--short", "--only", "forgetful", module=sabotaged_faults.__name__
    )
    assert code == 1, told
    (row,) = found["faults"]
    assert row["lost"] > 0
    assert not row["identical"]
    assert not row["kept"]
    assert "the topics make it" in told


def test_a_fault_that_nobody_knows_is_wrong_usage(tmp_path: Path) -> None:
    code, told, found = run_faults(tmp_path, "--only", "earthquake")
    assert code == 2
    assert "worker-killed" in told
    assert found is None
