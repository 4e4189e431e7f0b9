"""Differences between generations, and what a replay came to, as JSON values."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from tallywire.ledger.compare import ComparedSheet, DistrictChange, StationChange
from tallywire.ledger.generations import to_values
from tallywire.replay.comparison import GenerationDifference
from tallywire.replay.preparation import OpenedReplay
from tallywire.replay.replayer import ReplayResult


def ended_values(opened: OpenedReplay, ended: ReplayResult) -> dict[str, Any]:
    """What a replay came to."""
    return {
        "generation": opened.settings.generation,
        "about": to_values(opened.about),
        "resumed": opened.resumed,
        "reached_end": ended.reached_end,
        "seconds": round(ended.seconds, 3),
        "worker_restarts": ended.restarts,
        "scans": ended.look.done if ended.look else 0,
        "outcomes": dict(ended.look.outcomes) if ended.look else {},
    }


def difference_values(found: GenerationDifference) -> dict[str, Any]:
    """All of a difference, stations, districts and reasons."""
    return {
        "election": found.election,
        "before": found.before,
        "after": found.after,
        "readings_changed": sum(one.reading_changed for one in found.stations),
        "stations": [_station(one) for one in found.stations],
        "districts": [_district(one) for one in found.districts],
        "reasons": [asdict(one) for one in found.reasons],
    }


def _station(change: StationChange) -> dict[str, Any]:
    return {
        "district": change.district,
        "contest": change.contest,
        "station": change.station,
        "before": _sheet(change.before),
        "after": _sheet(change.after),
        "delta": dict(change.delta),
    }


def _sheet(sheet: ComparedSheet | None) -> dict[str, Any] | None:
    return asdict(sheet) if sheet else None


def _district(change: DistrictChange) -> dict[str, Any]:
    before, after = change.leaders
    return {
        **asdict(change),
        "order_changed": change.order_changed,
        "lead_changed": change.lead_changed,
        "leaders_before": before,
        "leaders_after": after,
    }
