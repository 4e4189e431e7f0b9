"""What the doctor tells."""

from __future__ import annotations

import io

from rich.console import Console

from tallywire.doctor.findings import fail, ok, warn
from tallywire.doctor.report import closing_line, findings_table, to_json
from tallywire.doctor.settings_in_force import settings_in_force
from tallywire.settings import Settings


def test_the_table_says_what_to_do() -> None:
    findings = [
        ok("Election", "contests[0].id", "fine"),
        fail("Kafka", "topic x", "missing", "make it [now]"),
    ]
    console = Console(width=120, file=io.StringIO(), record=True)
    console.print(findings_table(findings))
    text = console.export_text()
    assert "make it [now]" in text  # brackets are not markup here
    assert "contests[0].id" in text
    assert "FAIL" in text


def test_the_closing_line_counts() -> None:
    good, odd, bad = ok("a", "b", "c"), warn("a", "b", "c", "d"), fail("a", "b", "c", "d")
    assert closing_line([good]) == "Ready: all 1 checks passed."
    assert "1 of 2" in closing_line([good, odd])
    assert "not ready" in closing_line([good, odd, bad])


def test_json_holds_every_finding() -> None:
    found = settings_in_force(Settings(), {})
    whole = to_json([fail("Kafka", "topic x", "missing", "make it")], found)
    assert len(whole["settings"]) == len(found)
    assert whole["level"] == "fail"
    assert whole["findings"] == [
        {
            "part": "Kafka",
            "check": "topic x",
            "level": "fail",
            "found": "missing",
            "remedy": "make it",
        }
    ]
