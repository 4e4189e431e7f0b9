"""Findings as a table for people and as JSON for programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tallywire.doctor import settings_in_force
from tallywire.doctor.findings import Finding, Level, worst
from tallywire.doctor.settings_in_force import SettingInForce

STYLES = {Level.OK: "green", Level.WARN: "bold yellow", Level.FAIL: "bold red"}


def print_findings(
    console: Console, findings: Sequence[Finding], settings: Sequence[SettingInForce]
) -> None:
    """The findings, what was set, and one sentence at the end."""
    console.print(findings_table(findings))
    console.print(f"\n{settings_in_force.in_short(settings)}", soft_wrap=True)
    console.print(closing_line(findings), style="bold")


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


def to_json(findings: Sequence[Finding], settings: Sequence[SettingInForce]) -> dict[str, Any]:
    """`{"level": ..., "findings": [...], "settings": [...]}`."""
    return {
        "level": worst(findings),
        "findings": [asdict(finding) for finding in findings],
        "settings": settings_in_force.to_json(settings),
    }
