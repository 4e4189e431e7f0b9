"""The result as JSON, and as a table that a newcomer understands."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from rich.table import Table

from tallywire.workshop.demo.grading import Grade
from tallywire.workshop.demo.result import NightResult


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of the values do not exceed; 0 without values."""
    if not values:
        return 0.0
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def to_json(night: NightResult, grade: Grade) -> dict[str, Any]:
    """The keys that `demo --json` promises."""
    one = night.accounting
    return {
        "published": one.published,
        "acknowledged": one.acknowledged,
        "accounted": one.accounted,
        "counted": one.counted,
        "held": one.held,
        "duplicates": one.duplicates,
        "rejected": one.rejected,
        "lost": one.lost,
        "double_counted": one.double_counted,
        "sheets": grade.sheets,
        "sheets_exact": grade.sheets_exact,
        "cells": grade.cells,
        "cells_exact": grade.cells_exact,
        "votes_absolute_error": grade.votes_absolute_error,
        "accepted": grade.accepted,
        "accepted_wrong": grade.accepted_wrong,
        "tallies_per_second": round(one.accounted / night.seconds, 2) if night.seconds else 0.0,
        "latency_ms": {
            "p50": round(percentile(night.latencies_s, 0.5) * 1000),
            "p99": round(percentile(night.latencies_s, 0.99) * 1000),
        },
    }


def to_table(summary: dict[str, Any]) -> Table:
    """Where every scan went, and how well it was read."""
    table = Table(title="The night, accounted for", title_style="bold")
    table.add_column("")
    table.add_column("", justify="right")
    table.add_column("")
    for key, note in _ACCOUNTING:
        style = "red" if key in ("lost", "double_counted") and summary[key] else ""
        table.add_row(key.replace("_", " "), f"{summary[key]:,}", note, style=style)
    table.add_section()
    for key, of, note in _READING:
        whole = summary[of]
        share = f"{summary[key] / whole:.2%} {note}" if whole else note
        table.add_row(key.replace("_", " "), f"{summary[key]:,} of {whole:,}", share)
    error = summary["votes_absolute_error"]
    table.add_row("votes absolute error", f"{error:,}", "summed over all rows, held ones too")
    table.add_section()
    latency = summary["latency_ms"]
    table.add_row("tallies a second", f"{summary['tallies_per_second']:,}", "as they were drawn")
    note = "p50 and p99, from acknowledged to counted"
    table.add_row("latency, ms", f"{latency['p50']:,} / {latency['p99']:,}", note)
    return table


_ACCOUNTING = (
    ("published", "scans handed to the publisher"),
    ("acknowledged", "by the broker"),
    ("accounted", "each has exactly one outcome in the ledger:"),
    ("counted", "accepted by the machine"),
    ("held", "for a person to decide"),
    ("duplicates", "the same image again"),
    ("rejected", "not readable, with a reason"),
    ("lost", ""),
    ("double_counted", ""),
)
_READING = (
    ("cells_exact", "cells", "of the digits and blanks"),
    ("sheets_exact", "sheets", "of the sheets, every count"),
    ("accepted_wrong", "accepted", "of the accepted sheets have a wrong count"),
)
