"""What happens to a sheet between the polling station and the file, as ranges to draw from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType

from tallywire.workshop.synthetic.signs import Habit

Range = tuple[float, float]


class ConditionName(StrEnum):
    """The named conditions."""

    CLEAN = "clean"
    SCANNER = "scanner"
    PHONE = "phone"
    HARSH = "harsh"


@dataclass(frozen=True, slots=True)
class Condition:
    """Ranges are uniform (low, high); `*_chance` are probabilities from 0 to 1.

    People: `ink` is how much light a pen takes away (1 all), `pencil_chance` the share of sheets
    in pencil, `crossing_chance` the share of digits that touch or cross their box.
    Geometry: `skew_deg` and `shift_mm` are drawn from minus to plus the value; `tilt` moves each
    corner by up to that share of the page; `scale` is page size over frame size.
    Light: `shadow` is the largest share of light lost somewhere, `gain` the exposure,
    `noise` the standard deviation in grey levels, `contrast` the steepness around mid grey.
    """

    habit: Habit
    ink: Range = (0.8, 0.95)
    pencil_chance: float = 0.0
    crossing_chance: float = 0.0
    skew_deg: float = 0.0
    upside_down_chance: float = 0.0
    shift_mm: float = 0.0
    scale: Range = (1.0, 1.0)
    stretch: float = 0.0
    tilt: float = 0.0
    desk: bool = False  # the page lies on a desk that is seen around it
    shadow: Range = (0.0, 0.0)
    gain: Range = (1.0, 1.0)
    contrast: Range = (1.0, 1.0)
    blur_mm: Range = (0.0, 0.0)
    noise: Range = (0.0, 0.0)
    jpeg: tuple[int, int] = (95, 95)
    grey_chance: float = 0.0
    stain_chance: float = 0.0
    crease_chance: float = 0.0
    stamp_chance: float = 0.5
    struck_row_chance: float = 0.0  # a row of 0 votes is struck out: no digit is written


def conditions() -> Mapping[ConditionName, Condition]:
    """The named conditions' ranges."""
    scanner = _scanner()
    phone = _phone(scanner)
    return MappingProxyType(
        {
            ConditionName.CLEAN: _clean(),
            ConditionName.SCANNER: scanner,
            ConditionName.PHONE: phone,
            ConditionName.HARSH: _harsh(phone),
        }
    )


def _clean() -> Condition:
    """The pixels as printed and written."""
    return Condition(habit=Habit(zeros=0.8, empty=0.2, dash=0.0, slash=0.0, cross=0.0))


def _scanner() -> Condition:
    """What an office scanner with a feeder gives."""
    return Condition(
        habit=Habit(zeros=0.62, empty=0.24, dash=0.09, slash=0.03, cross=0.02),
        ink=(0.62, 0.92),
        pencil_chance=0.06,
        crossing_chance=0.06,
        skew_deg=2.0,
        upside_down_chance=0.06,
        shift_mm=2.0,
        scale=(0.985, 1.005),
        stretch=0.004,
        shadow=(0.0, 0.06),
        gain=(0.96, 1.05),
        contrast=(0.95, 1.3),
        blur_mm=(0.0, 0.09),
        noise=(1.0, 4.5),
        jpeg=(75, 90),
        grey_chance=0.12,
        stain_chance=0.08,
        crease_chance=0.3,
    )


def _phone(scanner: Condition) -> Condition:
    """A photograph on a desk, taken by hand."""
    return replace(
        scanner,
        ink=(0.58, 0.92),
        crossing_chance=0.08,
        skew_deg=5.0,
        upside_down_chance=0.04,
        shift_mm=4.0,
        scale=(0.84, 0.95),
        tilt=0.035,
        desk=True,
        shadow=(0.15, 0.45),
        gain=(0.8, 1.05),
        contrast=(0.9, 1.15),
        blur_mm=(0.04, 0.2),
        noise=(3.0, 8.0),
        jpeg=(65, 88),
        grey_chance=0.02,
        stain_chance=0.12,
        crease_chance=0.5,
    )


def _harsh(phone: Condition) -> Condition:
    """All of it, stronger: faint pencil, stains, hard shadows, nearly black and white."""
    return replace(
        phone,
        habit=Habit(zeros=0.5, empty=0.26, dash=0.14, slash=0.06, cross=0.04),
        ink=(0.38, 0.9),
        pencil_chance=0.25,
        crossing_chance=0.2,
        skew_deg=9.0,
        upside_down_chance=0.15,
        shift_mm=5.0,
        tilt=0.055,
        shadow=(0.25, 0.6),
        contrast=(0.8, 2.6),
        blur_mm=(0.05, 0.28),
        noise=(5.0, 13.0),
        jpeg=(40, 80),
        grey_chance=0.2,
        stain_chance=0.6,
        crease_chance=0.8,
        struck_row_chance=0.04,
    )
