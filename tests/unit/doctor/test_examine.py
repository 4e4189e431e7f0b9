"""All checks, where some break and where nothing runs at all."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

from typer.testing import CliRunner

from tallywire.cli.main import build
from tallywire.doctor.examine import run_checks
from tallywire.doctor.findings import Finding, ok
from tallywire.errors import UsageError

NOWHERE = ("--kafka", "127.0.0.1:1", "--redis", "redis://127.0.0.1:1/0", "--serving", "127.0.0.1:1")


def test_a_check_that_raises_or_hangs_does_not_end_the_others() -> None:
    def raises() -> list[Finding]:
        raise RuntimeError("fell over")

    is_over = threading.Event()

    def hangs() -> list[Finding]:
        is_over.wait(30)
        return []

    began = time.monotonic()
    findings = run_checks(
        {"A": raises, "B": hangs, "C": lambda: [ok("C", "c", "fine")]}, patience_s=0.3
    )
    is_over.set()
    assert time.monotonic() - began < 5
    assert [finding.level for finding in findings] == ["fail", "fail", "ok"]
    assert "fell over" in findings[0].found


def test_where_nothing_runs_it_says_so_at_once_and_exits_1(tmp_path: Path) -> None:
    began = time.monotonic()
    file = tmp_path / "out.json"
    result = CliRunner().invoke(
        build(), ["doctor", "--timeout-s", "0.5", "--json", str(file), *NOWHERE]
    )
    assert time.monotonic() - began < 15
    assert result.exit_code == 1
    failed = {
        item["part"] for item in json.loads(file.read_text())["findings"] if item["level"] == "fail"
    }
    assert failed == {"Kafka", "Model server", "Redis"}


def test_a_redis_url_that_is_none_is_told() -> None:
    result = CliRunner().invoke(
        build(),
        ["doctor", "--timeout-s", "0.5", *NOWHERE[:2], "--redis", "nonsense", *NOWHERE[4:]],
    )
    assert isinstance(result.exception, UsageError)
    assert "--redis: 'nonsense' - a URL such as redis://" in str(result.exception)
