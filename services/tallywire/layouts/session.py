"""The two verbs of `tallywire layout`: from files to a picture, and from files to a report."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.text import Text

from tallywire.edge.output_files import require_folder, require_writable, write_file, write_json
from tallywire.election.loading import layout_path, load_layout, load_layout_text
from tallywire.errors import UsageError
from tallywire.layouts.checking import check_scan, not_found
from tallywire.layouts.display import print_checked, to_json, write_contact_sheet, write_overlay
from tallywire.layouts.scans import decode_scan, read_scan, require_files
from tallywire.layouts.teaching import TaughtPicture, are_corners, teach
from tallywire.reasons import Reason
from tallywire.sheet.layout import Layout

CORNERS_RULE = "write x,y of the page's top left, top right, bottom right and bottom left, in px"


@dataclass(frozen=True, slots=True)
class TeachOptions:
    """What `layout reference` was asked."""

    form: Path
    scans: tuple[Path, ...]
    corners: str | None
    max_pixels: int


@dataclass(frozen=True, slots=True)
class CheckOptions:
    """What `layout check` was asked."""

    form: Path
    scans: tuple[Path, ...]
    overlay: Path | None
    json_file: Path | None
    max_pixels: int


def teach_form(console: Console, options: TeachOptions) -> int:
    """Write the picture of a form beside its layout file; how many scans are not in it.

    Raises:
        UsageError: the layout, the corners or a scan are wrong.
    """
    path = layout_path(str(options.form))
    layout = load_layout_text(path)
    if layout.reference_file is None:
        raise UsageError(f'{path}: it names no picture - write reference = "form.png" into it')
    target = path.parent / layout.reference_file
    corners = parse_corners(options.corners) if options.corners else None
    require_writable(target)
    require_files(options.scans)
    first, *rest = options.scans
    others = ((str(scan), _pixels(scan, options.max_pixels)) for scan in rest)
    taught = teach(_pixels(first, options.max_pixels), others, layout, corners)
    if isinstance(taught, Reason):
        raise UsageError(f"{first}: {taught.message} Say where its page lies with --corners")
    write_file(target, cv2.imencode(".png", taught.picture)[1].tobytes())
    _tell(console, taught, target, layout)
    return len(taught.left_out)


def check_form(console: Console, options: CheckOptions) -> int:
    """Find a form on scans and show how surely; on how many it was not found.

    Raises:
        UsageError: the layout or a file is wrong, or nothing can be written there.
    """
    layout = load_layout(options.form)
    if options.overlay:
        require_folder(options.overlay, "--overlay")
        options.overlay.mkdir(parents=True, exist_ok=True)
    require_files(options.scans)
    checked, small = [], []
    for number, path in enumerate(options.scans, 1):
        one, pixels = check_scan(path, read_scan(path), layout, options.max_pixels)
        checked.append(one)
        if options.overlay and pixels is not None:
            target = options.overlay / f"{number:03d}-{path.stem}-overlay.png"
            small.append(write_overlay(target, pixels, one, layout))
    print_checked(console, checked, layout)
    if options.overlay:
        write_contact_sheet(options.overlay, small)
    if options.json_file:
        write_json(options.json_file, to_json(checked, layout))
    return not_found(checked)


def parse_corners(text: str) -> NDArray[np.float64]:
    """Float64 [4, 2] of eight numbers.

    Raises:
        UsageError: they are no page's corners.
    """
    try:
        corners = np.array([float(number) for number in text.split(",")]).reshape(4, 2)
    except ValueError:
        raise UsageError(f"--corners {text}: {CORNERS_RULE}") from None
    if not (np.isfinite(corners).all() and are_corners(corners)):
        raise UsageError(f"--corners {text}: they do not go round a page - {CORNERS_RULE}")
    return corners


def _pixels(scan: Path, max_pixels: int) -> NDArray[np.uint8]:
    found = decode_scan(read_scan(scan), max_pixels)
    if isinstance(found, Reason):
        raise UsageError(f"{scan}: {found.message}")
    return found


def _tell(console: Console, taught: TaughtPicture, target: Path, layout: Layout) -> None:
    for name, reason in taught.left_out.items():
        console.print(Text(f"{name}: left out, {reason.code.value}: {reason.message}"))
    height, width = taught.picture.shape
    scans = "one scan" if taught.scans == 1 else f"{taught.scans} scans"
    console.print(Text(f"{target}: form {layout.id} from {scans}, {width} x {height} px"))
