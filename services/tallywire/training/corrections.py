"""Human corrections and the scans behind them become labelled cells; the useful ones are picked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from tallywire.edge.images import decode_image
from tallywire.errors import InvalidFileError, Problem
from tallywire.reasons import Reason
from tallywire.records import BLANK, Correction
from tallywire.sheet.layout import Layout, Role
from tallywire.sheet.prepare import prepare
from tallywire.training.cells import Cells
from tallywire.wire import WireError, decode

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]

CORRECTIONS_FILE = "corrections.jsonl"
CONTENT_TYPES = {
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".tif": "image/tiff",
}
COARSE_PX = 7  # cells are compared at this size when picking different ones
CANDIDATES = 3  # times as many informative cells are compared as are picked


@dataclass(frozen=True, slots=True)
class CorrectedSheet:
    """One corrected station: what its scan shows and what the official decided.

    `cells` uint8 [N, 28, 28] in the order of the layout; `votes` by option.
    """

    station: str
    cells: U8
    votes: Mapping[str, int]


def read_corrections(folder: Path, layout: Layout, max_pixels: int) -> tuple[CorrectedSheet, ...]:
    """Read `corrections.jsonl` (one message of tally.corrections a line) and the scans beside it.

    A scan is called `<station>.jpg`, `.png` or `.tif`. The last decision about a station counts;
    a withdrawn one, or a scan that cannot be aligned, teaches nothing and is left out.

    Raises:
        InvalidFileError: a line is no correction, or a corrected station has no scan.
    """
    path = folder / CORRECTIONS_FILE
    if not path.is_file():
        raise InvalidFileError([Problem(str(path), "no such file", "export the corrections to it")])
    problems: list[Problem] = []
    latest: dict[str, Correction] = {}
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        try:
            correction = decode(Correction, line)
            latest[correction.station] = correction
        except WireError as error:
            problems.append(Problem(f"{path.name}:{number}", str(error), "remove or repair it"))
    sheets = []
    for station, correction in sorted(latest.items()):
        scan = _find_scan(folder, station)
        if scan is None:
            problems.append(Problem(f"{path.name}: {station}", "no scan", f"add {station}.jpg"))
        elif correction.votes is not None:
            cells = _cells(scan, layout, max_pixels)
            if cells is not None:
                sheets.append(CorrectedSheet(station, cells, correction.votes))
    if problems:
        raise InvalidFileError(problems)
    return tuple(sheets)


def _find_scan(folder: Path, station: str) -> Path | None:
    candidates = (folder / f"{station}{suffix}" for suffix in CONTENT_TYPES)
    return next((path for path in candidates if path.is_file()), None)


def _cells(scan: Path, layout: Layout, max_pixels: int) -> U8 | None:
    image = decode_image(scan.read_bytes(), CONTENT_TYPES[scan.suffix], max_pixels)
    if isinstance(image, Reason):
        return None
    prepared = prepare(image.pixels, layout)
    return None if isinstance(prepared, Reason) else prepared.cells


def label_cells(sheet: CorrectedSheet, layout: Layout, probabilities: F32) -> tuple[Cells, F32]:
    """The cells of the corrected options with the digits that the official decided on.

    A zero before the number may be written or left blank, and nobody said which: there the
    model's own preference between the two decides. Total rows are left out, since a correction
    holds votes, and a paper's total may differ from their sum.

    Args:
        sheet: one corrected station.
        layout: its form.
        probabilities: float32 [N, 11], the model's, in the order of the layout.

    Returns:
        the cells, and for each what the model gave its label, float32 [cells].
    """
    images, labels, given = [], [], []
    at = 0
    for field in layout.fields:
        span = range(at, at + len(field.cells))
        at += len(field.cells)
        votes = sheet.votes.get(field.option or "")
        digits = str(votes).zfill(len(span))
        if field.role is not Role.OPTION or votes is None or len(digits) > len(span):
            continue
        leading = len(digits) - len(digits.lstrip("0"))
        for place, (index, digit) in enumerate(zip(span, digits, strict=True)):
            blank = place < leading and probabilities[index, BLANK] > probabilities[index, 0]
            label = BLANK if blank else int(digit)
            images.append(sheet.cells[index])
            labels.append(label)
            given.append(probabilities[index, label])
    stacked = np.stack(images) if images else np.zeros((0, 28, 28), np.uint8)
    return Cells(stacked, np.array(labels, np.uint8)), np.array(given, np.float32)


def pick_cells(cells: Cells, given: F32, most: int) -> Cells:
    """The informative and representative cells: those the model doubted, unlike each other.

    Of the `3 * most` cells whose label the model found least likely, farthest-first traversal
    keeps `most` that differ, so that fifty copies of one crossed seven do not fill the set.

    Args:
        cells: labelled cells.
        given: float32 [N], what the model gave each label.
        most: how many to keep at most.
    """
    doubted = np.argsort(given, kind="stable")[: CANDIDATES * most]
    if len(doubted) <= most:
        return Cells(cells.images[doubted], cells.labels[doubted])
    coarse = np.stack(
        [
            cv2.resize(cells.images[index], (COARSE_PX, COARSE_PX), interpolation=cv2.INTER_AREA)
            for index in doubted
        ]
    ).reshape(len(doubted), -1)
    chosen = doubted[_farthest_first(coarse.astype(np.float32), most)]
    return Cells(cells.images[chosen], cells.labels[chosen])


def _farthest_first(points: F32, count: int) -> NDArray[np.int64]:
    """Indices of `count` points: the first, then always the one farthest from all before it."""
    chosen = [0]
    distance = np.linalg.norm(points - points[0], axis=1)
    while len(chosen) < count:
        chosen.append(int(distance.argmax()))
        distance = np.minimum(distance, np.linalg.norm(points - points[chosen[-1]], axis=1))
    return np.array(chosen)
