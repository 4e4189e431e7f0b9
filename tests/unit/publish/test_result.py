"""What a run tells at its end."""

from __future__ import annotations

import io
import json

from rich.console import Console

from tallywire.publish.outgoing_scans import RefusedFile, SkipReason
from tallywire.publish.receipts import Receipt
from tallywire.publish.result import (
    MOST_LISTED,
    MOST_SHOWN,
    PublishResult,
    to_json,
    to_lines,
    to_table,
)
from tallywire.reasons import Code

RECEIPT = Receipt("/s/1.jpg", 2_000_000, 8, "ab", "S1", None, "t.scans", "id", 0, 5, "2015-06-07")


def printed(result: PublishResult) -> str:
    out = io.StringIO()
    Console(file=out, width=120).print(to_table(result))
    return out.getvalue()


def test_the_table_and_the_json_say_the_same() -> None:
    result = PublishResult(found=5, seconds=2.0, waited_s=1.0)
    result.acknowledge(RECEIPT)
    result.acknowledge(RECEIPT)
    result.skipped[SkipReason.SCAN_SENT] += 1
    result.refuse(RefusedFile("/s/2.jpg", Code.EMPTY_VALUE, "the file is empty"))
    text, values = printed(result), json.loads(json.dumps(to_json(result)))
    assert "4.0 MB" in text
    assert "1.0 a second, 2.0 MB/s, 1 s of it waiting for Kafka" in text
    assert "empty_value" in text
    assert values["published"] == 2
    assert values["mb_per_second"] == 2.0
    assert values["skipped_by_reason"] == {"scan_sent": 1}
    assert values["refused_by_reason"] == {"empty_value": 1}
    assert not result.is_complete


def test_many_refusals_are_all_counted_and_not_all_kept() -> None:
    result = PublishResult()
    for number in range(MOST_LISTED + 7):
        result.refuse(RefusedFile(f"/s/{number}.jpg", Code.EMPTY_VALUE, "empty"))
    assert len(result.refusals) == MOST_LISTED
    assert result.refused[Code.EMPTY_VALUE] == MOST_LISTED + 7
    lines = to_lines(result)
    assert len(lines) == MOST_SHOWN + 1
    assert lines[-1].startswith(f"... and {MOST_LISTED + 7 - MOST_SHOWN:,} more")


def test_a_run_is_complete_only_with_everything_at_the_broker() -> None:
    assert PublishResult(published=3).is_complete
    assert not PublishResult(unacknowledged=1).is_complete
    assert not PublishResult(topic_was_lost=True).is_complete
