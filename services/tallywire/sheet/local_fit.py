"""The fine step: how far beside the page's map each field lies, by the print around it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]
Bools = NDArray[np.bool_]

AROUND_MM = 20.0  # how far print tells of its surroundings (standard deviation)
PULL = 0.5  # landmarks' worth of trust that a place is where the page's map puts it
OUTLYING_MM = 1.0, 0.5, 0.4  # beside what the others say, a landmark counts half: round by round
LEAST_NEAR = 1.0  # landmarks' worth of print that must confirm a field's place
LEAST_AGREED = 0.2  # of the print around a field that can be seen
CONTRADICTED = 0.2
MOST_RESIDUAL_MM = 0.5


@dataclass(frozen=True, slots=True)
class FieldPlace:
    """How well one field's place is known.

    `residual_mm` is how far, on average, the print around it lies beside where it is now put;
    `near` how many landmarks' worth of print says so, and `shown` how many's worth of anything is
    seen there.
    """

    field: str
    residual_mm: float
    near: float
    shown: float

    @property
    def agreed(self) -> float:
        """Share of what is seen around it that is in its place, 0 to 1."""
        return min(1.0, self.near / max(self.shown, 1e-9))

    @property
    def doubtful(self) -> bool:
        """True where its cells may have been cut beside it."""
        return (
            self.near < LEAST_NEAR
            or self.agreed < LEAST_AGREED
            or self.residual_mm > MOST_RESIDUAL_MM
        )

    @property
    def unseen(self) -> FieldPlace:
        """The same field where the scan ends before it."""
        return replace(self, near=0.0, shown=0.0)

    @property
    def contradicted(self) -> bool:
        """True where something is printed around it, and it is something else."""
        return self.shown >= LEAST_NEAR and self.agreed < CONTRADICTED


@dataclass(frozen=True, slots=True)
class Beside:
    """What the page's map leaves over: `places_mm` float64 [N, 2], where a landmark is on the
    page; `offsets_mm` float64 [N, 2], how far (right, down) it was found beside that; `trust`
    float64 [N], 0 where it was not found; `shown` bool [N], where the scan shows something."""

    places_mm: F64
    offsets_mm: F64
    trust: F64
    shown: Bools


def shifts_at(beside: Beside, points_mm: F64) -> tuple[F64, F64]:
    """The offset at some points, smoothly from the landmarks around (a kernel average, made
    robust by weighing down those that contradict it).

    Args:
        beside: what was found.
        points_mm: float64 [P, 2].

    Returns:
        shifts in mm, float64 [P, 2], and the mean distance of landmarks from them, float64 [P].
    """
    near = _kernel(points_mm, beside.places_mm) * beside.trust
    apart = np.broadcast_to(np.hypot(*beside.offsets_mm.T), near.shape)
    shifts = np.zeros((len(points_mm), 2))
    for outlying_mm in OUTLYING_MM:
        weights = near / (1 + (apart / outlying_mm) ** 2)
        shifts = weights @ beside.offsets_mm / (weights.sum(axis=1, keepdims=True) + PULL)
        gap = beside.offsets_mm[None] - shifts[:, None]
        apart = np.hypot(gap[..., 0], gap[..., 1])
    residual = (near * apart).sum(axis=1) / np.maximum(near.sum(axis=1), 1e-9)
    return shifts, residual


def field_places(
    beside: Beside, fields: Sequence[tuple[str, F64]]
) -> tuple[tuple[FieldPlace, ...], F64]:
    """How well each field's place is known, and how far (right, down) each cell lies beside it.

    Args:
        beside: what was found.
        fields: id and centres of the cells in mm, float64 [C, 2], of each.

    Returns:
        the fields' places, and float64 [N, 2] in mm for all cells, field after field.
    """
    if not fields:
        return (), np.empty((0, 2))
    middles = np.array([cells.mean(axis=0) for _, cells in fields])
    shifts, residual = shifts_at(beside, middles)
    kernel = _kernel(middles, beside.places_mm)
    found, shown = kernel @ (beside.trust > 0), kernel @ beside.shown
    places = tuple(
        FieldPlace(name, *map(float, told))
        for (name, _), *told in zip(fields, residual, found, shown, strict=True)
    )
    return places, np.repeat(shifts, [len(cells) for _, cells in fields], axis=0)


def _kernel(points_mm: F64, places_mm: F64) -> F64:
    """Float64 [P, N]: how much each place tells of each point, 1 where they are the same."""
    apart2 = (
        (points_mm**2).sum(axis=1)[:, None]
        + (places_mm**2).sum(axis=1)
        - 2 * points_mm @ places_mm.T
    )
    return np.asarray(np.exp(-apart2 / (2 * AROUND_MM**2)))
