"""The bytes of refused scans as files, with a list of what they are."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable
from pathlib import Path

from tallywire.edge.image_headers import ImageFormat, sniff_format
from tallywire.errors import UsageError
from tallywire.rejected.refused_scans import RefusedScan, bytes_of
from tallywire.settings import Settings

MANIFEST = "manifest.csv"
COLUMNS = (
    "file", "station", "reason", "message", "published_at", "content_type", "scan_id", "bytes",
    "sha256", "topic", "partition", "offset",
)  # fmt: skip
SUFFIXES = {ImageFormat.JPEG: ".jpg", ImageFormat.PNG: ".png", ImageFormat.TIFF: ".tif"}


def save(settings: Settings, refused: Iterable[RefusedScan], folder: Path) -> int:
    """Write each scan's bytes and the list; how many. Nothing is ever overwritten.

    Raises:
        UsageError: the folder holds an export already.
        PeerError: the broker is away, or no longer has a record.
    """
    folder.mkdir(parents=True, exist_ok=True)
    count = 0
    try:
        with (folder / MANIFEST).open("x", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(COLUMNS)
            for one in refused:
                value = bytes_of(settings, one)
                name = file_name(one, value)
                with (folder / name).open("xb") as out:
                    out.write(value)
                writer.writerow([_plain(cell) for cell in _row(one, name, value)])
                count += 1
    except FileExistsError as error:
        raise UsageError(f"{error.filename} exists already: name a new folder") from None
    return count


def file_name(refused: RefusedScan, value: bytes) -> str:
    """Reason and place in the log: no text of the sender's comes into a file name."""
    at = refused.rejection.source
    kind = sniff_format(value)
    suffix = SUFFIXES[kind] if kind else ".bin"
    code = refused.rejection.reason.code
    return f"{code}-{refused.generation}-{at.partition}-{at.offset}{suffix}"


def _row(refused: RefusedScan, name: str, value: bytes) -> tuple[object, ...]:
    rejection, headers = refused.rejection, dict(refused.headers)
    at = rejection.source
    kind = headers.get("content-type", b"").decode(errors="replace")
    return (
        name, refused.station, rejection.reason.code, rejection.reason.message,
        rejection.published_at.isoformat(), kind, rejection.scan_id or "", len(value),
        hashlib.sha256(value).hexdigest(), at.topic, at.partition, at.offset,
    )  # fmt: skip


def _plain(cell: object) -> str:
    """Text that no spreadsheet takes for a formula."""
    text = str(cell)
    return f"'{text}" if text[:1] in "=+-@\t\r" and text else text
