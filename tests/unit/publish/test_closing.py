"""What a run tells at its end, and while it goes on."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from tallywire.errors import InvalidFileError, UsageError
from tallywire.publish.naming import ByTable
from tallywire.publish.options import choose_naming, choose_scanner, make_order
from tallywire.publish.outgoing_scans import RefusedFile, SkipReason
from tallywire.publish.progress_display import PublishDisplay
from tallywire.publish.publisher import Pace
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
from tallywire.settings import Settings

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


def test_a_pattern_and_an_envelope_file_exclude_each_other(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not both"):
        choose_naming("(?P<station>.)", tmp_path / "e.csv")


def test_an_envelope_file_is_read_or_told(tmp_path: Path) -> None:
    path = tmp_path / "e.csv"
    with pytest.raises(UsageError, match="cannot be read"):
        choose_naming(None, path)
    path.write_bytes(b"file,station\n1.jpg,S1\n")
    naming = choose_naming(None, path)
    assert isinstance(naming, ByTable)
    assert naming.folder == tmp_path
    path.write_bytes(b"file\n")
    with pytest.raises(InvalidFileError):
        choose_naming(None, path)


def test_the_scanner_has_a_name_that_fits_a_header() -> None:
    assert choose_scanner("desk 4") == "desk 4"
    assert choose_scanner(None)
    for bad in ("x" * 500, "a\nb"):
        with pytest.raises(UsageError, match="--scanner"):
            choose_scanner(bad)


def test_an_order_takes_limits_and_topics_from_the_settings() -> None:
    settings = Settings(max_value_bytes=100_000, topic_prefix="x", partitions=3)
    naming = choose_naming(None, None)
    order = make_order(
        settings, paths=[], naming=naming, scanner="s", journal=Path("j"), rate=2.0, settle_s=5.0
    )
    assert order.rules.max_value_bytes == 100_000
    assert order.target.topic == "x.scans"
    assert set(order.target.topics) == {"x.scans", "x.readings", "x.corrections", "x.rejected"}
    assert order.target.spec.max_record_bytes > 100_000
    assert order.patience.settle_s < order.patience.unended_s


def test_a_pace_spaces_out_and_no_pace_does_not() -> None:
    slow, free = Pace(10.0), Pace(None)
    slow.step()
    slow.step()
    assert 0.1 < slow.left_s() <= 0.2
    free.step()
    assert free.left_s() == 0.0
