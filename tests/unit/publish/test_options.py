"""What a run is asked for, and what excludes what."""

from __future__ import annotations

from pathlib import Path

import pytest

from tallywire.errors import InvalidFileError, UsageError
from tallywire.publish.naming import ByTable
from tallywire.publish.options import choose_naming, choose_scanner, make_order
from tallywire.settings import Settings


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
