"""The picture of a station's states in ARCHITECTURE.md is what the state machine does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from tallywire.ledger.state import Event, StationState, Status, apply
from tallywire.records import Verdict
from tests.support.station_histories import fresh
from tests.support.values import make_correction, make_reading, make_rejection

TEXT = Path(__file__).parents[3].joinpath("ARCHITECTURE.md").read_text()
STATES = "|".join(Status)
LONGEST = 5  # events of one history; every arrow is found by then


def drawn() -> set[tuple[str, str]]:
    """The arrows of the picture: from, to."""
    return set(re.findall(rf"^    ({STATES}) --> ({STATES}): .+$", TEXT, re.MULTILINE))


def events(offset: int) -> Iterator[Event]:
    """One of each kind that can happen to a station, at that offset."""
    yield make_reading(offset=offset)
    yield make_reading(offset=offset, verdict=Verdict.HELD)
    yield make_rejection(offset=offset)
    yield make_correction(offset=offset, votes={"A": 90, "B": 60, "null": 1})
    yield make_correction(offset=offset, votes=None)


def explored() -> set[tuple[str, str]]:
    """Every change of status that some history of `LONGEST` events makes."""
    found: set[tuple[str, str]] = set()
    states: list[StationState] = [fresh()]
    for offset in range(LONGEST):
        reached: dict[str, StationState] = {}
        for state in states:
            for event in events(offset):
                after = apply(state, event).state
                found.add((state.status, after.status))
                key = (after.status, bool(after.counted), bool(after.held), bool(after.rejected))
                reached.setdefault(str(key), after)
        states = list(reached.values())
    return found


def test_the_picture_shows_every_change_and_no_other() -> None:
    unchanged = {(Status.EXPECTED, Status.EXPECTED)}  # a withdrawal of nothing
    assert drawn() == explored() - unchanged


def test_every_state_is_drawn() -> None:
    assert {state for arrow in drawn() for state in arrow} == set(Status)
