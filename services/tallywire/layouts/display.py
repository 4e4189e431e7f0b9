"""Shows checked scans: a table for people, JSON for programs, pictures for doubters."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tallywire.edge.output_files import write_file
from tallywire.layouts.checking import CheckedScan, median_residual_mm, not_found
from tallywire.reasons import Reason
from tallywire.sheet.contact_sheet import contact_sheet, thumbnail
from tallywire.sheet.layout import Layout
from tallywire.sheet.overlay import draw_overlay

U8 = NDArray[np.uint8]

CONTACT_SHEET = "contact-sheet.png"


def print_checked(console: Console, checked: Sequence[CheckedScan], layout: Layout) -> None:
    """One line per scan, and what they come to."""
    table = Table(box=None, pad_edge=False)
    table.add_column("Scan", no_wrap=True)
    table.add_column("Form")
    for name in ("Seen", "Residual mm", "Worst mm", "Time ms"):
        table.add_column(name, justify="right")
    table.add_column("Doubtful rows")
    for one in checked:
        table.add_row(Text(one.path.name), *_cells(one))
    console.print(table)
    found, median = len(checked) - not_found(checked), median_residual_mm(checked)
    residual = "" if median is None else f", median residual {median:.2f} mm"
    console.print(Text(f"\nForm {layout.id}: found on {found} of {len(checked)} scans{residual}"))


def to_json(checked: Sequence[CheckedScan], layout: Layout) -> dict[str, Any]:
    """The same as JSON values."""
    return {
        "layout": layout.id,
        "scans": [_scan_json(one) for one in checked],
        "found": len(checked) - not_found(checked),
        "median_residual_mm": _rounded(median_residual_mm(checked)),
    }


def write_overlay(path: Path, pixels: U8, one: CheckedScan, layout: Layout) -> U8:
    """Write a scan with the rows drawn where they were found; uint8 [h, w, 3], a small copy.

    Raises:
        TallywireError: it cannot be written.
    """
    found = one.found
    picture = pixels if isinstance(found, Reason) else draw_overlay(pixels, layout, found)
    write_file(path, _png(picture))
    state = found.code.value if isinstance(found, Reason) else "found"
    return thumbnail(picture, f"{one.path.stem}: {state}")


def write_contact_sheet(folder: Path, small: Sequence[U8]) -> None:
    """Write all small copies in one picture.

    Raises:
        TallywireError: it cannot be written.
    """
    write_file(folder / CONTACT_SHEET, _png(contact_sheet(small)))


def _cells(one: CheckedScan) -> tuple[Text, ...]:
    if isinstance(one.found, Reason):
        nothing = (Text("-"),) * 3
        return Text(one.found.code.value, style="red"), *nothing, _time(one), Text("")
    residuals = list(one.residuals_mm.values())
    doubtful = one.found.doubtful_fields
    return (
        Text("found", style="yellow" if doubtful else "green"),
        Text(f"{one.found.box_support:.0%}"),
        Text(f"{np.median(residuals):.2f}" if residuals else "-"),
        Text(f"{one.found.strain_mm:.2f}"),
        _time(one),
        Text(", ".join(doubtful), style="yellow"),
    )


def _time(one: CheckedScan) -> Text:
    return Text(f"{one.align_ms:.0f}")


def _scan_json(one: CheckedScan) -> dict[str, Any]:
    body: dict[str, Any] = {"file": str(one.path), "align_ms": round(one.align_ms, 2)}
    if isinstance(one.found, Reason):
        reason = one.found
        told = {"code": reason.code.value, "message": reason.message}
        return {**body, "found": False, "reason": {**told, "evidence": dict(reason.evidence)}}
    return {
        **body,
        "found": True,
        "support": round(one.found.box_support, 4),
        "strain_mm": round(one.found.strain_mm, 3),
        "residual_mm": {field: round(mm, 3) for field, mm in one.residuals_mm.items()},
        "doubtful_fields": list(one.found.doubtful_fields),
        "page_to_image": one.found.page_to_image.tolist(),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def _png(picture: U8) -> bytes:
    return cv2.imencode(".png", picture)[1].tobytes()
