"""A station's record from any list of events, for the tests beside this file."""

from __future__ import annotations

from collections.abc import Sequence

from tallywire.ledger.state import Event, StationState, apply, contribution


def fresh() -> StationState:
    return StationState("d1-1", "mayor", "d1", 700)


def fold(events: Sequence[Event], state: StationState | None = None) -> StationState:
    state = state or fresh()
    for event in events:
        state = apply(state, event).state
    return state


def votes_of(state: StationState, option: str) -> dict[str, int]:
    """`state|quality` -> votes of an option that the station contributes."""
    start = f"votes|mayor|{option}|"
    return {
        name.removeprefix(start): value
        for name, value in contribution(state).items()
        if name.startswith(start)
    }
