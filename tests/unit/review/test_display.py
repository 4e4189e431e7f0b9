"""The queue as a reviewer sees it."""

from __future__ import annotations

import io
from dataclasses import replace

from rich.console import Console

from tallywire.review.display import print_queue
from tallywire.review.priority import order
from tests.support.reviewed_stations import ROW, held, state_of
from tests.support.values import make_reading


def test_the_queue_shows_what_two_scans_disagree_about_and_what_is_doubted() -> None:
    other = make_reading("d1-1", 1, votes={"A": 90, "B": 50})
    disputed = state_of(make_reading("d1-1", 0, votes={"A": 100, "B": 50}), other)
    doubted = replace(ROW, evidence={**ROW.evidence, "value": 1})
    cases = order([disputed, held(doubted, station="d1-2", votes={"A": 1, "B": 2})], {})
    console = Console(record=True, width=200, file=io.StringIO())
    print_queue(console, cases, most=1)
    print_queue(console, cases[1:], most=5)
    said = console.export_text()
    assert f"scan {other.scan_id[:12]}" in said
    assert "A 90 (counted: 100)" in said
    assert "B 50" not in said
    assert "1 more: --limit 2" in said
    assert "A 1 (or 7)" in said
    assert "P(wrong) x votes at stake" in said
