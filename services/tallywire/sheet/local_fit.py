"""The fine step: how far beside the page's map each field lies, by the print around it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]
Bools = NDArray[np.bool_]

AROUND_MM = 16.0  # how far print tells of its surroundings (standard deviation)
PULL = 0.5  # landmarks' worth of trust that a place is where the page's map puts it
ROUNDS = 3
OUTLYING_MM = 0.4  # beside what its neighbours say, a landmark counts half
LEAST_NEAR = 2.0  # landmarks' worth of print that must confirm a field's place
LEAST_AGREED = 0.4  # of the print around a field that can be seen
MOST_RESIDUAL_MM = 0.9


@dataclass(frozen=True, slots=True)
class FieldPlace:
    """How well one field's place is known.

    `residual_mm` is how far, on average, the print around it lies beside where it is now put;
    `near` how many landmarks' worth of print says so, `agreed` which share of what is seen
    there, 0 to 1.
    """

    field: str
    residual_mm: float
    near: float
    agreed: float

    @property
    def doubtful(self) -> bool:
        """True where its cells may have been cut beside it."""
        return (
            self.near < LEAST_NEAR
            or self.agreed < LEAST_AGREED
            or self.residual_mm > MOST_RESIDUAL_MM
        )

    @property
    def contradicted(self) -> bool:
        """True where something is printed around it, and it is something else."""
        return self.near < LEAST_NEAR and self.agreed < LEAST_AGREED


@dataclass(frozen=True, slots=True)
class Beside:
    """What the page's map leaves over: `places_mm` float64 [N, 2], where a landmark is on the
    page; `offsets_mm` float64 [N, 2], how far (right, down) it was found beside that; `trust`
    float64 [N], 0 where it was not found; `shown` bool [N], where the scan shows something."""

    places_mm: F64
    offsets_mm: F64
    trust: F64
    shown: Bools


def shifts_at(beside: Beside, points_mm: F64) -> tuple[F64, F64, F64]:
    """The offset at some points, smoothly from the landmarks around (a kernel average, made
    robust by weighing down those that contradict it).

    Args:
        beside: what was found.
        points_mm: float64 [P, 2].

    Returns:
        shifts in mm, float64 [P, 2]; the mean distance of landmarks from them, and how many
        landmarks' worth they rest on, float64 [P] each.
    """
    apart2 = ((points_mm[:, None] - beside.places_mm[None]) ** 2).sum(axis=2)
    near = np.exp(-apart2 / (2 * AROUND_MM**2)) * beside.trust
    weights = near
    shifts = np.zeros((len(points_mm), 2))
    for _ in range(ROUNDS):
        shifts = weights @ beside.offsets_mm / (weights.sum(axis=1, keepdims=True) + PULL)
        apart = np.linalg.norm(beside.offsets_mm[None] - shifts[:, None], axis=2)
        weights = near / (1 + (apart / OUTLYING_MM) ** 2)
    total = near.sum(axis=1)
    residual = (near * apart).sum(axis=1) / np.maximum(total, 1e-9)
    return shifts, residual, total


def field_place(field: str, beside: Beside, cells_mm: F64) -> tuple[FieldPlace, F64]:
    """How well a field's place is known, and how far (right, down) each cell lies beside the map.

    Args:
        field: its id.
        beside: what was found.
        cells_mm: float64 [C, 2], centres of its cells.
    """
    shifts, residual, near = shifts_at(beside, cells_mm)
    apart2 = ((cells_mm.mean(axis=0) - beside.places_mm) ** 2).sum(axis=1)
    kernel = np.exp(-apart2 / (2 * AROUND_MM**2))
    found = float(kernel @ (beside.trust > 0))
    agreed = found / max(float(kernel @ beside.shown), 1e-9)
    place = FieldPlace(field, float(residual.mean()), float(near.mean()), min(agreed, 1.0))
    return place, shifts
