"""A file becomes a letter: the untouched bytes and an envelope. Or a refusal, or nothing to do."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from tallywire.edge.image_headers import ImageFormat, sniff_format
from tallywire.publish.files import FileStamp, read_unchanged, stamp
from tallywire.publish.naming import Label, Naming, find_label
from tallywire.publish.receipts import SentIndex
from tallywire.reasons import Code
from tallywire.records import Envelope

UNREADABLE = "unreadable"
"""Stands beside the reason codes for files that are away, locked, or still written to."""

BY_SUFFIX = {".png": ImageFormat.PNG, ".tif": ImageFormat.TIFF, ".tiff": ImageFormat.TIFF}


@dataclass(frozen=True, slots=True)
class SendingRules:
    """What makes a letter of a file."""

    naming: Naming
    scanner: str  # where neither name nor table says it
    max_value_bytes: int


@dataclass(frozen=True, slots=True)
class OutgoingScan:
    """A scan that is ready to be sent."""

    stamp: FileStamp
    envelope: Envelope
    image: bytes


@dataclass(frozen=True, slots=True)
class RefusedFile:
    """A file that was not sent, and why: a reason code, or `unreadable`."""

    path: str
    code: str
    message: str


class SkipReason(StrEnum):
    """Why a file needs no sending."""

    FILE_SENT = "already acknowledged"
    SCAN_SENT = "same image of the same station already sent from another file"


def write_letter(
    path: Path, rules: SendingRules, sent: SentIndex
) -> OutgoingScan | RefusedFile | SkipReason:
    """Open the file at `path` (absolute) and decide what to do with it.

    Only what cannot travel is refused here: no station, no bytes, too many bytes. A file that is
    no image, or a torn one, is sent: it then stands in `tally.rejected`, where officials see it.
    """
    try:
        found = stamp(path)
        if sent.has_file(found):
            return SkipReason.FILE_SENT
        label = find_label(rules.naming, path)
        refusal = _refuse(found, label, rules)
        if refusal or label is None:
            return refusal or _no_station(found)
        image = read_unchanged(found)
    except OSError as error:
        return RefusedFile(str(path), UNREADABLE, error.strerror or str(error))
    if image is None:
        return RefusedFile(str(path), UNREADABLE, "the file changed while it was read")
    scan_id = hashlib.sha256(image).hexdigest()
    if sent.has_scan(label.station, label.contest, scan_id):
        return SkipReason.SCAN_SENT
    return OutgoingScan(found, _envelope(found, label, rules, image, scan_id), image)


def content_type(name: str, image: bytes) -> str:
    """By the first bytes; by the suffix where these say nothing (the worker will refuse it)."""
    by_name = BY_SUFFIX.get(Path(name).suffix.lower(), ImageFormat.JPEG)
    return (sniff_format(image) or by_name).value


def _refuse(found: FileStamp, label: Label | None, rules: SendingRules) -> RefusedFile | None:
    if label is None:
        return _no_station(found)
    if not found.size_bytes:
        return RefusedFile(found.path, Code.EMPTY_VALUE, "the file is empty")
    if found.size_bytes > rules.max_value_bytes:
        message = (
            f"{found.size_bytes:,} bytes; the limit is {rules.max_value_bytes:,}"
            " (TALLYWIRE_MAX_VALUE_BYTES): scan at a lower resolution or quality"
        )
        return RefusedFile(found.path, Code.VALUE_TOO_LARGE, message)
    return None


def _no_station(found: FileStamp) -> RefusedFile:
    message = "neither its name nor the envelope file says which station it is of"
    return RefusedFile(found.path, Code.STATION_MISSING, message)


def _envelope(
    found: FileStamp, label: Label, rules: SendingRules, image: bytes, scan_id: str
) -> Envelope:
    written = datetime.fromtimestamp(found.mtime_ns / 1e9, UTC)
    return Envelope(
        station=label.station,
        scanner=label.scanner or rules.scanner,
        captured_at=label.captured_at or written,
        content_type=content_type(found.path, image),
        scan_id=scan_id,
        contest=label.contest,
    )
