"""How well a form is found on scans of it: place by place, and how long that takes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tallywire.layouts.scans import decode_scan
from tallywire.reasons import Reason
from tallywire.sheet.align import Alignment, align
from tallywire.sheet.cells import halve_from_px
from tallywire.sheet.layout import Layout


@dataclass(frozen=True, slots=True)
class CheckedScan:
    """One scan: where the form lies on it, or why it was not found. `align_ms` is the time for
    finding the form, beyond decoding."""

    path: Path
    found: Alignment | Reason
    align_ms: float

    @property
    def residuals_mm(self) -> dict[str, float]:
        """By field, how far the print around it lies beside where it was put."""
        if isinstance(self.found, Reason):
            return {}
        return {place.field: place.residual_mm for place in self.found.places}


def check_scan(
    path: Path, data: bytes, layout: Layout, max_pixels: int
) -> tuple[CheckedScan, NDArray[np.uint8] | None]:
    """Find the form on one scan, decoded as a worker does it; also its pixels, None where the
    file holds no picture."""
    pixels = decode_scan(data, max_pixels, halve_from_px(layout))
    if isinstance(pixels, Reason):
        return CheckedScan(path, pixels, 0.0), None
    started = time.perf_counter()
    found = align(pixels, layout)
    return CheckedScan(path, found, (time.perf_counter() - started) * 1000), pixels


def not_found(checked: Sequence[CheckedScan]) -> int:
    """On how many scans the form was not found."""
    return sum(isinstance(one.found, Reason) for one in checked)


def median_residual_mm(checked: Sequence[CheckedScan]) -> float | None:
    """Over all fields of all scans; None where nothing was measured."""
    found = [residual for one in checked for residual in one.residuals_mm.values()]
    return float(np.median(found)) if found else None
