"""What a run of the publisher came to: the closing table, and the same as JSON."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from rich.table import Table
from rich.text import Text

from tallywire.publish.outgoing_scans import RefusedFile, SkipReason
from tallywire.publish.receipts import Receipt

MOST_LISTED = 1_000  # refusals kept one by one; all are counted
MOST_SHOWN = 20


@dataclass(slots=True)
class PublishResult:
    """Counts of one run; filled while it goes on."""

    found: int = 0
    published: int = 0  # acknowledged by the broker in this run
    published_bytes: int = 0
    unacknowledged: int = 0  # handed over and never acknowledged; only after an interruption
    skipped: Counter[SkipReason] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    refusals: list[RefusedFile] = field(default_factory=list)
    seconds: float = 0.0
    waited_s: float = 0.0
    interrupted: bool = False
    topic_was_lost: bool = False
    dry_run: bool = False

    @property
    def rate(self) -> float:
        """Acknowledged scans a second."""
        return self.published / self.seconds if self.seconds else 0.0

    @property
    def mb_per_s(self) -> float:
        """Acknowledged megabytes (10^6) a second."""
        return self.published_bytes / 1e6 / self.seconds if self.seconds else 0.0

    @property
    def is_complete(self) -> bool:
        """True where every file found is at the broker."""
        return not (self.refused or self.unacknowledged or self.topic_was_lost)

    def acknowledge(self, receipt: Receipt) -> None:
        """Count an acknowledgement."""
        self.published += 1
        self.published_bytes += receipt.size_bytes

    def refuse(self, refusal: RefusedFile) -> None:
        """Count a file that was not sent."""
        self.refused[refusal.code] += 1
        if len(self.refusals) < MOST_LISTED:
            self.refusals.append(refusal)


def to_json(result: PublishResult) -> dict[str, Any]:
    """Plain values for `--json`."""
    return {
        "found": result.found,
        "published": result.published,
        "published_bytes": result.published_bytes,
        "unacknowledged": result.unacknowledged,
        "skipped": sum(result.skipped.values()),
        "skipped_by_reason": {skip.name.lower(): n for skip, n in sorted(result.skipped.items())},
        "refused": sum(result.refused.values()),
        "refused_by_reason": dict(sorted(result.refused.items())),
        "refusals": [
            {"file": item.path, "code": item.code, "message": item.message}
            for item in result.refusals
        ],
        "seconds": round(result.seconds, 3),
        "waited_for_kafka_s": round(result.waited_s, 3),
        "scans_per_second": round(result.rate, 2),
        "mb_per_second": round(result.mb_per_s, 3),
        "interrupted": result.interrupted,
        "topic_was_lost": result.topic_was_lost,
        "dry_run": result.dry_run,
    }


def to_table(result: PublishResult) -> Table:
    """The closing table."""
    table = Table(title="Dry run: nothing was sent" if result.dry_run else None, title_style="bold")
    table.add_column("")
    table.add_column("scans", justify="right")
    table.add_column("")
    note = "" if result.dry_run else f"{result.published_bytes / 1e6:,.1f} MB"
    label = "would be published" if result.dry_run else "published and acknowledged"
    table.add_row(label, f"{result.published:,}", note)
    for skip, number in sorted(result.skipped.items()):
        table.add_row("skipped", f"{number:,}", skip.value)
    for code, number in sorted(result.refused.items()):
        table.add_row(Text("refused", style="red"), f"{number:,}", str(code))
    if result.unacknowledged:
        remedy = "not acknowledged: run again, only these and what follows are sent"
        table.add_row(Text("interrupted", style="red"), f"{result.unacknowledged:,}", remedy)
    if not result.dry_run:
        waited = f", {result.waited_s:.0f} s of it waiting for Kafka" if result.waited_s else ""
        speed = f"{result.rate:,.1f} a second, {result.mb_per_s:,.1f} MB/s{waited}"
        table.add_row("time", f"{result.seconds:,.1f} s", speed)
    return table


def to_lines(result: PublishResult) -> list[str]:
    """The first refused files, one line each."""
    lines = [f"{item.path}: {item.code}, {item.message}" for item in result.refusals[:MOST_SHOWN]]
    more = sum(result.refused.values()) - len(lines)
    return [*lines, f"... and {more:,} more; --json FILE lists them"] if more > 0 else lines
