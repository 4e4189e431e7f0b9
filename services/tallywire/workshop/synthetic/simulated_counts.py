"""Believable station counts that add up to known district results exactly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from tallywire.election.election import Contest, Election, Station
from tallywire.errors import UsageError

I64 = NDArray[np.int64]
F64 = NDArray[np.float64]
Votes = Mapping[str, int]

TURNOUT_SPREAD = 0.09  # standard deviation of a station's log turnout around its district's
TASTE_SPREAD = 0.28  # of a station's log share of one option
UNKNOWN_TURNOUT = 0.6  # where no official result says how many voted


def simulate_counts(
    election: Election, contest: Contest, seed: int, *, most_votes: int = 999
) -> Mapping[str, Votes]:
    """Votes by option for every station.

    Each option's official votes of a district are dealt out to its stations with chances that
    vary by station, so every column adds up exactly; a station that got more votes than it has
    registered voters (or than the sheet's cells can hold) passes some on to those with room.
    A district without official results gets invented ones.

    Args:
        election: with all its stations; take a subset of the answer, not of the election.
        contest: whose votes.
        seed: same seed, same counts.
        most_votes: largest number that fits a row of the form.

    Returns:
        station id -> option id -> votes.

    Raises:
        UsageError: if a district has more official votes than its stations can hold.
    """
    counts: dict[str, Votes] = {}
    for index, district in enumerate(election.districts):
        stations = [one for one in election.stations.values() if one.district == district.id]
        if stations:
            rng = np.random.default_rng([seed, index])
            caps = np.array([min(one.registered, most_votes) for one in stations], np.int64)
            totals = _district_totals(contest, district.id, caps, rng)
            if totals.sum() > caps.sum():
                raise UsageError(
                    f"district {district.id}: {totals.sum()} official votes do not fit its"
                    f" {len(stations)} stations ({caps.sum()} at most) -"
                    " render from the whole election with --stations"
                )
            dealt = _deal(totals, caps, stations, rng)
            ids = [option.id for option in contest.options]
            for station, row in zip(stations, dealt.tolist(), strict=True):
                counts[station.id] = dict(zip(ids, row, strict=True))
    return counts


def _district_totals(contest: Contest, district: str, caps: I64, rng: np.random.Generator) -> I64:
    official = contest.official.get(district)
    if official is not None:
        return np.array([official.get(option.id, 0) for option in contest.options], np.int64)
    shares = rng.dirichlet(np.full(len(contest.options), 0.7))
    return np.asarray(rng.multinomial(int(caps.sum() * UNKNOWN_TURNOUT), shares), np.int64)


def _deal(totals: I64, caps: I64, stations: Sequence[Station], rng: np.random.Generator) -> I64:
    """Int64 [stations, options] whose columns sum to `totals` and rows to at most `caps`."""
    turnout = rng.lognormal(0, TURNOUT_SPREAD, (len(stations), 1))
    taste = rng.lognormal(0, TASTE_SPREAD, (len(stations), len(totals)))
    liking = taste * totals
    liking /= np.maximum(liking.sum(axis=1, keepdims=True), 1e-12)
    weights = caps[:, None] * turnout * liking
    columns = [
        rng.multinomial(total, _shares(weights[:, at])) for at, total in enumerate(totals.tolist())
    ]
    counts = np.stack(columns, axis=1).astype(np.int64)
    return _pass_on(counts, caps, rng)


def _shares(weights: F64) -> F64:
    """Weights as chances; an option without any votes has none to deal."""
    total = weights.sum()
    return weights / total if total > 0 else np.full(len(weights), 1 / len(weights))


def _pass_on(counts: I64, caps: I64, rng: np.random.Generator) -> I64:
    """Move votes out of full stations, keeping every column's sum."""
    counts = counts.copy()
    for row in np.flatnonzero(counts.sum(axis=1) > caps):
        excess = int(counts[row].sum() - caps[row])
        leaving = rng.multivariate_hypergeometric(counts[row], excess)
        counts[row] -= leaving
        for option in np.repeat(np.arange(len(leaving)), leaving):
            room = np.maximum(caps - counts.sum(axis=1), 0)
            room[row] = 0
            taker = int(rng.choice(len(caps), p=room / room.sum()))
            counts[taker, option] += 1
    return counts
