"""What a run tells while it goes on."""

from __future__ import annotations

import io

from rich.console import Console

from tallywire.publish.progress_display import PublishDisplay
from tallywire.publish.receipts import Receipt
from tallywire.publish.result import (
    PublishResult,
)

RECEIPT = Receipt("/s/1.jpg", 2_000_000, 8, "ab", "S1", None, "t.scans", "id", 0, 5, "2015-06-07")


def test_without_a_terminal_the_last_state_is_told() -> None:
    out = io.StringIO()
    console = Console(file=out, width=100)
    result = PublishResult()
    with PublishDisplay(console, 2) as display:
        for _ in range(2):
            result.acknowledge(RECEIPT)
            display.show(result)
        display.say("[not markup]")
        display.show(result, at_once=True)
    assert "[not markup]" in out.getvalue()
    assert "2/2" in out.getvalue()
