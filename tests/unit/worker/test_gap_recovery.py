"""A partition that stands still is read again; a hole in the log is skipped only on evidence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallywire.records import Partition
from tallywire.worker.assignment import LedgerAheadError, StartingPoint, starting_point
from tallywire.worker.gap_recovery import (
    CONFIRMATIONS,
    QUIET_S,
    SETTLE_S,
    RecoveryAction,
    Standstill,
    judge,
    note_seek,
    see_gap,
)


def test_nothing_to_read_is_no_standstill() -> None:
    assert judge(Standstill(expected=7, since_s=0.0), end=7, now_s=1e6) is RecoveryAction.WAIT


def test_more_to_read_is_given_time_before_a_seek() -> None:
    state = Standstill(expected=7, since_s=0.0)
    assert judge(state, end=9, now_s=QUIET_S - 0.1) is RecoveryAction.WAIT
    assert judge(state, end=9, now_s=QUIET_S) is RecoveryAction.SEEK


def test_a_gap_is_sought_at_once_and_older_fetches_are_let_pass() -> None:
    state = Standstill(expected=7, since_s=0.0)
    see_gap(state, 12)
    see_gap(state, 13)
    assert state.first_seen == 12
    assert judge(state, end=20, now_s=0.0) is RecoveryAction.SEEK
    note_seek(state, now_s=0.0)
    see_gap(state, 14)  # from a batch that was fetched before the seek
    assert judge(state, end=20, now_s=SETTLE_S / 2) is RecoveryAction.WAIT


def seek_until_skip(firsts: list[int]) -> int | None:
    """Seek after seek, the lowest offset coming being of `firsts`; what is skipped to, if any."""
    state, now_s = Standstill(expected=7, since_s=0.0), 0.0
    for first in firsts:
        see_gap(state, first)
        action = judge(state, end=99, now_s=now_s)
        if action is RecoveryAction.SKIP:
            return state.first_seen
        assert action is RecoveryAction.SEEK
        note_seek(state, now_s)
        now_s += SETTLE_S
    return None


def test_a_hole_is_skipped_after_the_same_event_came_first_again_and_again() -> None:
    assert seek_until_skip([12] * (CONFIRMATIONS + 2)) == 12


@given(st.lists(st.integers(8, 90), min_size=1, max_size=30))
def test_no_hole_is_believed_on_thin_evidence(firsts: list[int]) -> None:
    """Only an offset that came first after several seeks in a row may be skipped to."""
    found = seek_until_skip(firsts)
    runs = [firsts[n : n + CONFIRMATIONS] for n in range(len(firsts) - CONFIRMATIONS + 1)]
    if found is not None:
        assert [found] * CONFIRMATIONS in runs


def test_silence_after_a_seek_means_another_seek() -> None:
    state = Standstill(expected=7, since_s=0.0)
    now_s = QUIET_S
    for _ in range(10):
        assert judge(state, end=9, now_s=now_s) is RecoveryAction.SEEK
        note_seek(state, now_s)
        now_s += QUIET_S


@given(begin=st.integers(0, 50), length=st.integers(0, 50), stored=st.none() | st.integers(0, 120))
def test_reading_goes_on_at_the_ledgers_offset_within_the_log(
    begin: int, length: int, stored: int | None
) -> None:
    end = begin + length
    if stored is not None and stored > end:
        with pytest.raises(LedgerAheadError, match="--generation"):
            starting_point(Partition("tally.scans", 3), stored, begin, end)
        return
    start = starting_point(Partition("tally.scans", 3), stored, begin, end)
    assert begin <= start.next_offset <= end
    if stored is None:
        assert start == StartingPoint(begin, waiting=length)
    else:
        assert start.next_offset == stored + start.missing
        assert start.next_offset + start.waiting == end
