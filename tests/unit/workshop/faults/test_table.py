"""The rows of the fault suite."""

from __future__ import annotations

from tallywire.workshop.faults.table import FaultRow, to_json, to_lines, to_table


def test_a_short_row_is_seen() -> None:
    good = FaultRow("a", "x", 1, 10, 0, 0, 1.5, True, 3.0, ())
    short = FaultRow("b", "y", 1, 10, 1, 0, None, False, 3.0, ("one of them is gone",))
    left_out = FaultRow("c", "z", 0, 0, 0, 0, None, True, 0.0, (), skipped=True)
    assert to_table([good, short, left_out]).row_count == 3
    assert to_lines([good, short]) == ["b: one of them is gone"]
    assert to_json([good, left_out], "embedded", 1)["kept"]
    told = to_json([good, short], "kafka", 1)
    assert not told["kept"]
    assert [one["kept"] for one in told["faults"]] == [True, False]
