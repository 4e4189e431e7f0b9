"""Findings as a table for people and as JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.table import Table
from rich.text import Text

from tallywire.doctor.findings import Finding, Level, worst

STYLES = {Level.OK: "green", Level.WARN: "bold yellow", Level.FAIL: "bold red"}


def findings_table(findings: Sequence[Finding]) -> Table:
    """One row a finding; what to do stands under what was found."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for header in ("", "Part", "Check", "Found, and what to do"):
        table.add_column(header, overflow="fold")
    part = ""
    for finding in findings:
        words = Text(finding.found)
        if finding.remedy:
            words.append(f"\n→ {finding.remedy}", style="bold")
        level = Text(finding.level.upper(), style=STYLES[finding.level])
        title = finding.part if finding.part != part else ""
        table.add_row(level, title, Text(finding.check), words)
        part = finding.part
    return table


def closing_line(findings: Sequence[Finding]) -> str:
    """One sentence: may the night begin?"""
    fails, warns = (
        sum(finding.level is level for finding in findings) for level in (Level.FAIL, Level.WARN)
    )
    if fails:
        return f"{fails} of {len(findings)} checks failed: not ready."
    if warns:
        return f"Ready, with {warns} of {len(findings)} checks to look at."
    return f"Ready: all {len(findings)} checks passed."


def write_json(findings: Sequence[Finding], file: Path) -> None:
    """Write `{"level": ..., "findings": [...]}`."""
    whole = {"level": worst(findings), "findings": [asdict(finding) for finding in findings]}
    file.write_text(json.dumps(whole, indent=2) + "\n", encoding="utf-8")
