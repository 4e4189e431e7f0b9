"""Finds partitions that stand still although there is more to read, and reads them again.

Offsets of a partition are contiguous (no compaction, no transactions), so an event beyond the
expected one, or an end of the log beyond it while nothing arrives, means that events were fetched
and dropped on the way (facts.md, "Faust 0.15: four ways to lose a message"). Seeking back brings
them again. Only where the same later event comes first after several seeks, or the log begins
later, is the hole in the log itself: then it is recorded in the ledger, and reading goes on.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

QUIET_S = 3.0  # with more to read, nothing admitted and nothing in flight for so long: seek
SETTLE_S = 1.0  # after a seek, older fetches may still come in for so long
CONFIRMATIONS = 3  # seeks after which the same event came first


class RecoveryAction(Enum):
    """What to do about a partition."""

    WAIT = auto()
    SEEK = auto()
    SKIP = auto()  # to `Standstill.first_seen`: the log has nothing between


@dataclass(slots=True)
class Standstill:
    """What is known of one partition since its last admitted event. Times are monotonic."""

    expected: int
    since_s: float
    seeks: int = 0
    sought_s: float = 0.0
    first_seen: int | None = None  # lowest offset beyond the expected one since the last seek
    before: int | None = None  # the same, after the seek before
    confirmations: int = 0


def see_gap(state: Standstill, offset: int) -> None:
    """Note that an event beyond the expected one came."""
    state.first_seen = offset if state.first_seen is None else min(offset, state.first_seen)


def judge(state: Standstill, end: int, now_s: float) -> RecoveryAction:
    """What to do, the log's next offset being `end`."""
    if state.expected >= end and state.first_seen is None:
        return RecoveryAction.WAIT
    if state.seeks == 0:
        gap = state.first_seen is not None
        return (
            RecoveryAction.SEEK if gap or now_s - state.since_s >= QUIET_S else RecoveryAction.WAIT
        )
    patience_s = SETTLE_S if state.first_seen is not None else QUIET_S
    if now_s - state.sought_s < patience_s:
        return RecoveryAction.WAIT
    seen_again = state.first_seen is not None and state.first_seen == state.before
    enough = seen_again and state.confirmations + 1 >= CONFIRMATIONS
    return RecoveryAction.SKIP if enough else RecoveryAction.SEEK


def note_seek(state: Standstill, now_s: float) -> None:
    """Note that a seek to the expected offset was done."""
    if state.seeks:
        same = state.first_seen is not None and state.first_seen == state.before
        state.confirmations = state.confirmations + 1 if same else 0
    state.before, state.first_seen = state.first_seen, None
    state.seeks += 1
    state.sought_s = now_s
