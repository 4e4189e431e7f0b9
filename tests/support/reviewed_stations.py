"""Stations that wait for a person, and why."""

from __future__ import annotations

from dataclasses import replace

from tallywire.ledger.state import Event, StationState, apply
from tallywire.reasons import Code, Reason
from tallywire.records import Verdict
from tests.support.values import make_reading


def state_of(*events: Event, station: str = "d1-1") -> StationState:
    state = StationState(station, "mayor", station.partition("-")[0], 700)
    for event in events:
        state = apply(state, event).state
    return state


def held(*reasons: Reason, station: str = "d1-1", votes: dict[str, int | None]) -> StationState:
    reading = make_reading(station, votes=votes, verdict=Verdict.HELD)
    return state_of(replace(reading, reasons=reasons), station=station)


DOUBT = Reason(Code.DOUBTFUL_SHEET, "?", {"error_probability": 0.2})
ROW = Reason(Code.DOUBTFUL_COUNT, "?", {"field": "A", "probability": 0.9, "runner_up": 7})
SUMS = Reason(Code.TOTAL_MISMATCH, "?", {"rule": "total"})
BESIDE = Reason(Code.FIELD_MISPLACED, "?", {"field": "A", "residual_mm": 0.7})
EMPTY = Reason(Code.BLANK_SHEET, "?")
