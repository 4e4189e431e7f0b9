"""What the nights came to: a row each, for people and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.table import Table


@dataclass(frozen=True, slots=True)
class FaultRow:
    """One fault. `runs` is how often it happened; `recovery_s` None where nothing was away, or it
    never came back (then `problems` says so)."""

    fault: str
    breaks: str
    runs: int
    scans: int
    lost: int
    double: int
    recovery_s: float | None
    identical: bool
    seconds: float
    problems: tuple[str, ...]
    skipped: bool = False

    @property
    def kept(self) -> bool:
        """True where nothing was lost, doubled or left over."""
        return not self.lost and not self.double and self.identical and not self.problems


def to_table(rows: Sequence[FaultRow]) -> Table:
    """One row a fault. Rows that are short are red, and say below why."""
    table = Table(title="Nothing lost, nothing twice", title_style="bold")
    table.add_column("fault", no_wrap=True)
    for name in ("runs", "scans", "lost", "double", "time to recover"):
        table.add_column(name, justify="right")
    table.add_column("totals identical")
    for row in rows:
        style = "dim" if row.skipped else "" if row.kept else "red"
        table.add_row(row.fault, *_figures(row), style=style)
    return table


def to_lines(rows: Sequence[FaultRow]) -> list[str]:
    """What is wrong, in words."""
    return [f"{row.fault}: {problem}" for row in rows for problem in row.problems]


def to_json(rows: Sequence[FaultRow], broker: str, seed: int) -> dict[str, Any]:
    """The same for programs."""
    return {
        "broker": broker,
        "seed": seed,
        "kept": all(row.kept for row in rows),
        "faults": [{**asdict(row), "kept": row.kept} for row in rows],
    }


def _figures(row: FaultRow) -> tuple[str, ...]:
    if row.skipped:
        return "-", "-", "-", "-", "-", "needs --broker kafka"
    recovery = "-" if row.recovery_s is None else f"{row.recovery_s:.1f} s"
    counts = (row.runs, row.scans, row.lost, row.double)
    return *(f"{one:,}" for one in counts), recovery, "yes" if row.identical else "NO"


def describe_row(row: FaultRow) -> str:
    """One line about a night, as soon as it is over."""
    if row.skipped:
        return "left out, the embedded broker keeps nothing; use --broker kafka"
    if not row.kept:
        return f"{row.lost} lost, {row.double} double; " + "; ".join(row.problems)
    return f"{row.scans} scans, all accounted for once ({row.seconds:.0f} s)"
