"""Where on a scan the form lies: by its reference, where the layout has one; otherwise by marks
first, then the printed boxes themselves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tallywire.reasons import Code, Reason
from tallywire.sheet.boxes import box_edges
from tallywire.sheet.fit import Fit, best_fit, guesses, needed_support
from tallywire.sheet.geometry import apply_map
from tallywire.sheet.layout import Layout, MarkKind
from tallywire.sheet.local_fit import FieldPlace
from tallywire.sheet.marks import MarkSearch, find_blobs
from tallywire.sheet.match import LEAST_MARKS, match_marks
from tallywire.sheet.picture import shrink, to_grey, zoom
from tallywire.sheet.reference import Reference
from tallywire.sheet.registration import Unregistered, register

U8 = NDArray[np.uint8]
F64 = NDArray[np.float64]

MARKS_PX = 500  # about the longer side of the copy that marks are looked for on
BOXES_PX = 1300  # about the longer side of the grey copy that boxes are looked for on
MOST_MATCHES = 6  # ways to tell the marks that are tried on the boxes


@dataclass(frozen=True, slots=True)
class FoundMark:
    """One mark on the scan: its id and centre (x, y) in px."""

    id: str
    center_px: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Alignment:
    """Where the form lies.

    `page_to_image` is float64 [3, 3], a homography from the layout's mm to the scan's px;
    `box_support` the share of printed box edges (of landmarks, with a reference) seen where it
    puts them, 0 to 1; `shifts_mm`, float64 [N, 2], how far (right, down) each cell lies beside
    where the map puts it; `strain_mm` how far at most a mark (a field's surroundings) does.
    `places` tells how well each field's place is known, where the layout has a reference.
    """

    page_to_image: F64
    marks: tuple[FoundMark, ...]
    box_support: float
    shifts_mm: F64
    strain_mm: float
    places: tuple[FieldPlace, ...] = ()

    @property
    def doubtful_places(self) -> tuple[FieldPlace, ...]:
        """Fields whose cells may have been cut beside their place."""
        return tuple(place for place in self.places if place.doubtful)

    @property
    def doubtful_fields(self) -> tuple[str, ...]:
        """Their ids."""
        return tuple(place.field for place in self.doubtful_places)


@dataclass(frozen=True, slots=True)
class _Attempt:
    """One way to look: for which marks, how many must be found, and how well the boxes must show
    to believe it. A form may be printed or copied palely, so three marks need less of the boxes."""

    look: MarkSearch
    marks: int
    least_support: float


ATTEMPTS = (
    _Attempt(MarkSearch.COLOUR, 3, 0.65),
    _Attempt(MarkSearch.TONE, 3, 0.65),
    _Attempt(MarkSearch.COLOUR, 2, 0.75),
    _Attempt(MarkSearch.TONE, 2, 0.75),
    _Attempt(MarkSearch.OUTLINE, 3, 0.65),
    _Attempt(MarkSearch.OUTLINE, 2, 0.75),
)


def align(pixels: U8, layout: Layout) -> Alignment | Reason:
    """Find the form on a scan, whichever way it lies.

    Args:
        pixels: uint8 [H, W, 3] BGR or [H, W] grey.
        layout: the form's layout.

    Returns:
        the alignment, or MARKS_NOT_FOUND or WRONG_FORM with what was found instead.
    """
    if layout.reference is not None:
        return _by_reference(pixels, layout, layout.reference)
    for_marks, for_boxes = _factor(pixels, MARKS_PX), _factor(pixels, BOXES_PX)
    small, grey = shrink(pixels, for_marks), to_grey(shrink(pixels, for_boxes))
    edges, finer = box_edges(layout), zoom(1 / for_boxes) @ zoom(for_marks)
    believed: Fit | None = None
    doubted: Fit | None = None
    seen: dict[str, int] = {}
    for attempt in _attempts(pixels, layout):
        blobs = find_blobs(small, layout, attempt.look)
        seen = {key: max(len(some), seen.get(key, 0)) for key, some in blobs.items()}
        matches = match_marks(layout, blobs, attempt.marks)[:MOST_MATCHES]
        tried = [guess for match in matches for guess in guesses(layout, match, finer)]
        fit = best_fit(grey, edges, tried)
        if fit and fit.coherent and fit.support >= needed_support(fit, attempt.least_support):
            believed = _better(believed, fit)
            if believed.certain:
                break
        elif fit and len(fit.guess.marks) >= LEAST_MARKS:
            doubted = _better(doubted, fit)
    if believed:
        return _alignment(believed, zoom(for_boxes))
    return _wrong_form(layout, doubted) if doubted else _marks_not_found(layout, seen)


def _by_reference(pixels: U8, layout: Layout, reference: Reference) -> Alignment | Reason:
    fields = [
        (field.id, np.array([cell.center_mm for cell in field.cells])) for field in layout.fields
    ]
    found = register(to_grey(pixels), reference, fields)
    if isinstance(found, Unregistered):
        return Reason(
            Code.WRONG_FORM,
            f"The image does not show the print of form {layout.id}.",
            {
                "layout": layout.id,
                "keypoints_matched": found.matched,
                "landmarks_found": found.landmarks,
                "landmark_support": round(found.support, 3),
            },
        )
    strain = max((place.residual_mm for place in found.places), default=0.0)
    return Alignment(found.page_to_image, (), found.support, found.shifts_mm, strain, found.places)


def _better(one: Fit | None, other: Fit) -> Fit:
    return one if one and one.support >= other.support else other


def _attempts(pixels: U8, layout: Layout) -> list[_Attempt]:
    """Those that make sense: without colour in form or scan, only tones are looked at."""
    coloured = any(mark.kind is not MarkKind.CORNER_SQUARE for mark in layout.marks)
    looks = {MarkSearch.TONE, MarkSearch.OUTLINE}
    if coloured and pixels.ndim == 3:
        looks.add(MarkSearch.COLOUR)
    return [attempt for attempt in ATTEMPTS if attempt.look in looks]


def _factor(pixels: U8, longest_px: int) -> int:
    longest = max(pixels.shape[0], pixels.shape[1])
    return max(1, round(int(longest) / longest_px))


def _alignment(fit: Fit, back: F64) -> Alignment:
    marks = []
    for key, center in fit.guess.marks:
        x, y = apply_map(back, np.array(center))
        marks.append(FoundMark(key, (float(x), float(y))))
    return Alignment(
        back @ fit.guess.page_to_image, tuple(marks), fit.support, fit.shifts_mm, fit.strain_mm
    )


def _marks_not_found(layout: Layout, seen: dict[str, int]) -> Reason:
    names = ", ".join(mark.id for mark in layout.marks)
    return Reason(
        Code.MARKS_NOT_FOUND,
        f"The printed marks of form {layout.id} ({names}) were not found on the image.",
        {"layout": layout.id, **{f"candidates_{key}": count for key, count in seen.items()}},
    )


def _wrong_form(layout: Layout, fit: Fit) -> Reason:
    return Reason(
        Code.WRONG_FORM,
        f"The image has marks like those of form {layout.id}, but not its boxes.",
        {
            "layout": layout.id,
            "box_support": round(fit.support, 3),
            "least_support": ATTEMPTS[0].least_support,
            "marks_found": len(fit.guess.marks),
            "field_elsewhere": _field_elsewhere(layout, fit),
        },
    )


def _field_elsewhere(layout: Layout, fit: Fit) -> str | None:
    """The field whose boxes lie farthest from where they should, None where none contradicts."""
    return None if fit.coherent else layout.fields[int(fit.contradicted.argmax())].id
