"""What a check found: values, and nothing that touches the outside."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """FAIL: the night would go wrong. WARN: it would go on, with less safety than promised."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor's table. `remedy` is empty where nothing needs doing."""

    part: str  # what was looked at: "Kafka", "Redis"
    check: str  # what about it: "topic tally.scans"
    level: Level
    found: str  # what was found, in words
    remedy: str = ""


def ok(part: str, check: str, found: str) -> Finding:
    """All is well."""
    return Finding(part, check, Level.OK, found)


def warn(part: str, check: str, found: str, remedy: str) -> Finding:
    """Works, but not as promised."""
    return Finding(part, check, Level.WARN, found, remedy)


def fail(part: str, check: str, found: str, remedy: str) -> Finding:
    """Does not work."""
    return Finding(part, check, Level.FAIL, found, remedy)


def worst(findings: Iterable[Finding]) -> Level:
    """The worst level among findings; OK of none."""
    levels = {finding.level for finding in findings}
    return next((level for level in (Level.FAIL, Level.WARN) if level in levels), Level.OK)
