"""Shows a read sheet: a table for people, JSON for programs, an overlay for doubters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from tallywire.edge.output_files import require_writable, write_file
from tallywire.election.election import Contest
from tallywire.errors import UsageError, words
from tallywire.read.sheets import OpenedSheet, ReadSheet
from tallywire.reading.interpret import Interpretation
from tallywire.reasons import Reason
from tallywire.records import BLANK, Count, Verdict
from tallywire.sheet.layout import Layout
from tallywire.sheet.overlay import LIKELY, SURE, draw_overlay
from tallywire.sheet.prepare import Prepared


def show(console: Console, sheet: ReadSheet, layout: Layout, contest: Contest | None) -> None:
    """Print one sheet as a panel: counts row by row, verdict and reasons."""
    found = sheet.found
    if isinstance(found, Reason):
        console.print(Panel(_reason_text(found), title=_title(sheet), border_style="red"))
        return
    accepted = found.verdict is Verdict.ACCEPTED
    parts: list[RenderableType] = [_counts_table(found, layout, contest), _summary(sheet, found)]
    parts += [_reason_text(reason) for reason in found.reasons]
    style = "green" if accepted else "yellow"
    console.print(Panel(Group(*parts), title=_title(sheet), border_style=style, expand=False))


def to_json(sheet: ReadSheet) -> dict[str, Any]:
    """One sheet as JSON values."""
    opened = sheet.opened
    body: dict[str, Any] = {
        "file": str(opened.path),
        "prepare_ms": round(opened.prepare_ms, 2),
        "model_version": sheet.model_version,
        "alignment": _alignment_json(opened),
    }
    if isinstance(sheet.found, Reason):
        return {**body, "verdict": "refused", "reasons": [_reason_json(sheet.found)]}
    found = sheet.found
    return {
        **body,
        "verdict": found.verdict.value,
        "quality": found.quality.value,
        "confidence": found.confidence,
        "error_probability": found.error_probability,
        "reasons": [_reason_json(reason) for reason in found.reasons],
        "counts": [_count_json(count) for count in found.counts],
    }


def plan_overlays(overlay: Path, sheets: Sequence[Path]) -> list[Path]:
    """Where the overlay of each sheet goes: that file for one sheet, a folder for several.

    Raises:
        UsageError: there can be no picture there.
    """
    if len(sheets) == 1 and not overlay.is_dir():
        paths = [overlay]
    else:
        try:
            overlay.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"--overlay {overlay}: it can be no folder ({words(error)})") from None
        paths = [overlay / f"{sheet.stem}-overlay.png" for sheet in sheets]
    for path in paths:
        if path.suffix and not cv2.haveImageWriter(path.name):
            raise UsageError(f"--overlay {path}: not an image format - name a .png or .jpg file")
        require_writable(path, "--overlay")
    return paths


def write_overlay(path: Path, sheet: ReadSheet, layout: Layout) -> None:
    """Write the scan with what was found drawn on it; the plain scan where nothing was found, and
    nothing where there is no picture."""
    image = sheet.opened.image
    if image is None:
        return
    pixels = image.pixels
    if isinstance(sheet.opened.found, Prepared):
        counts = sheet.found.counts if isinstance(sheet.found, Interpretation) else ()
        pixels = draw_overlay(pixels, layout, sheet.opened.found.alignment, counts)
    _, encoded = cv2.imencode(path.suffix or ".png", pixels)
    write_file(path, encoded.tobytes())


def _title(sheet: ReadSheet) -> Text:
    return Text(sheet.opened.path.name)  # a str would be taken for markup, on any console


def _counts_table(found: Interpretation, layout: Layout, contest: Contest | None) -> Table:
    names = {option.id: option.name for option in contest.options} if contest else {}
    table = Table(box=None, pad_edge=False)
    table.add_column("Row", max_width=40)
    table.add_column("Cells", no_wrap=True)
    for name in ("Count", "Confidence", "Probability", "Next likely"):
        table.add_column(name, justify="right")
    for count in found.counts:
        field = layout.field_by_id[count.field]
        label = names.get(field.option or "", field.id)
        style = _style(count.probability)
        changed = (
            f" ({_number(count.written)} by ink, {count.changed_by})" if count.changed_by else ""
        )
        table.add_row(
            label,
            _cells_text(count),
            Text(_number(count.value) + changed, style=f"bold {style}"),
            f"{count.confidence:.3f}",
            Text(f"{count.probability:.4f}", style=style),
            Text(_number(count.runner_up), style="dim"),
        )
    return table


def _cells_text(count: Count) -> Text:
    text = Text()
    for cell in count.cells:
        best = max(range(len(cell)), key=cell.__getitem__)
        text.append(" ·" if best == BLANK else f" {best}", style=_style(cell[best]))
    return text


def _summary(sheet: ReadSheet, found: Interpretation) -> Text:
    accepted = found.verdict is Verdict.ACCEPTED
    text = Text("\n")
    text.append(
        "ACCEPTED" if accepted else "HELD", style="bold green" if accepted else "bold yellow"
    )
    text.append(
        f"  quality {found.quality.value}, confidence {found.confidence:.3f},"
        f" probability of an error {found.error_probability:.4f}"
    )
    if isinstance(sheet.opened.found, Prepared):
        support = sheet.opened.found.alignment.box_support
        text.append(f"\nBoxes seen {support:.0%}", style="dim")
    text.append(
        f"  prepared in {sheet.opened.prepare_ms:.0f} ms, model version {sheet.model_version}",
        style="dim",
    )
    return text


def _reason_text(reason: Reason) -> Text:
    evidence = ", ".join(f"{key} {value}" for key, value in reason.evidence.items())
    text = Text(f"{reason.code.value}: ", style="bold red" if reason.refuses else "bold yellow")
    text.append(reason.message, style="default")
    text.append(f" ({evidence})" if evidence else "", style="dim")
    return text


def _style(probability: float) -> str:
    if probability >= SURE:
        return "green"
    return "yellow" if probability >= LIKELY else "red"


def _number(value: int | None) -> str:
    return "-" if value is None else str(value)


def _reason_json(reason: Reason) -> Mapping[str, Any]:
    return {
        "code": reason.code.value,
        "message": reason.message,
        "evidence": dict(reason.evidence),
    }


def _count_json(count: Count) -> Mapping[str, Any]:
    return {
        "field": count.field,
        "option": count.option,
        "written": count.written,
        "value": count.value,
        "confidence": count.confidence,
        "probability": count.probability,
        "runner_up": count.runner_up,
        "changed_by": count.changed_by,
        "cells": [[round(p, 6) for p in cell] for cell in count.cells],
    }


def _alignment_json(opened: OpenedSheet) -> Mapping[str, Any] | None:
    if opened.image is None or not isinstance(opened.found, Prepared):
        return None
    alignment = opened.found.alignment
    return {
        "box_support": alignment.box_support,
        "residual_mm": {place.field: round(place.residual_mm, 3) for place in alignment.places},
        "marks": {mark.id: list(mark.center_px) for mark in alignment.marks},
        "page_to_image": alignment.page_to_image.tolist(),
        "pixels": list(opened.image.pixels.shape[1::-1]),
    }
