"""What the doctor found, in short."""

from __future__ import annotations

from collections.abc import Iterator

from tallywire.doctor.findings import Finding, Level


def levels(findings: Iterator[Finding]) -> list[Level]:
    return [finding.level for finding in findings]
