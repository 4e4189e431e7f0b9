"""How far a generation is behind, partition by partition."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tallywire.edge.log_offsets import OffsetRange
from tallywire.records import Partition
from tallywire.replay.lag import behind, lag, read_so_far, some

SCANS_0, SCANS_1, SCANS_2 = (Partition("scans", number) for number in range(3))
CORRECTIONS_0 = Partition("corrections", 0)
BOUNDS = {
    SCANS_0: OffsetRange(0, 10),
    SCANS_1: OffsetRange(0, 0),
    SCANS_2: OffsetRange(5, 8),
    CORRECTIONS_0: OffsetRange(0, 3),
}


def test_what_was_never_read_and_what_the_log_no_longer_holds() -> None:
    assert lag(BOUNDS, {}, "scans") == 13
    assert lag(BOUNDS, {SCANS_0: 4, SCANS_2: 2}, "scans") == 9
    assert lag(BOUNDS, {CORRECTIONS_0: 3}, "corrections") == 0
    assert lag(BOUNDS, {CORRECTIONS_0: 7}, "corrections") == 0  # an end that came too low


def test_the_partitions_are_named_with_numbers() -> None:
    found = behind(BOUNDS, {SCANS_0: 4, SCANS_2: 8})
    assert [str(one) for one in found] == [
        "corrections[0] 3 behind (0 of 3)",
        "scans[0] 6 behind (4 of 10)",
    ]
    assert some(found, most=1) == "corrections[0] 3 behind (0 of 3) and 1 more"


def test_progress_counts_from_where_the_generation_starts() -> None:
    starts = {SCANS_0: 6, SCANS_1: 0, SCANS_2: 7}
    assert read_so_far(BOUNDS, {}, starts, "scans") == (0, 5)
    stored = {SCANS_0: 9, SCANS_2: 8}
    assert read_so_far(BOUNDS, stored, starts, "scans") == (4, 5)
    assert read_so_far(BOUNDS, {}, {}, "scans") == (0, 13)


@given(st.dictionaries(st.sampled_from(sorted(BOUNDS)), st.integers(0, 12)))
def test_read_and_left_make_up_all(stored: dict[Partition, int]) -> None:
    done, total = read_so_far(BOUNDS, stored, {}, "scans")
    assert done + lag(BOUNDS, stored, "scans") == total
    assert bool(behind(BOUNDS, stored)) == any(
        lag(BOUNDS, stored, topic) for topic in ("scans", "corrections")
    )
