"""A file becomes a letter: the untouched bytes and an envelope. Or a refusal, or nothing to do."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from tallywire.edge.headers import Format, sniff_format
from tallywire.publish.files import Stamp, read_unchanged, stamp
from tallywire.publish.journal import Sent
from tallywire.publish.naming import Label, Naming, find_label
from tallywire.reasons import Code
from tallywire.records import Envelope

UNREADABLE = "unreadable"
"""Stands beside the reason codes for files that are away, locked, or still written to."""

BY_SUFFIX = {".png": Format.PNG, ".tif": Format.TIFF, ".tiff": Format.TIFF}


@dataclass(frozen=True, slots=True)
class Rules:
    """What makes a letter of a file."""

    naming: Naming
    scanner: str  # where neither name nor table says it
    max_value_bytes: int


@dataclass(frozen=True, slots=True)
class Letter:
    """A scan that is ready to be sent."""

    stamp: Stamp
    envelope: Envelope
    image: bytes


@dataclass(frozen=True, slots=True)
class Refusal:
    """A file that was not sent, and why: a reason code, or `unreadable`."""

    path: str
    code: str
    message: str


class Skip(StrEnum):
    """Why a file needs no sending."""

    FILE_SENT = "already acknowledged"
    SCAN_SENT = "same image of the same station already sent from another file"


def write_letter(path: Path, rules: Rules, sent: Sent) -> Letter | Refusal | Skip:
    """Open the file at `path` (absolute) and decide what to do with it.

    Only what cannot travel is refused here: no station, no bytes, too many bytes. A file that is
    no image, or a torn one, is sent: it then stands in `tally.rejected`, where officials see it.
    """
    try:
        found = stamp(path)
        if sent.has_file(found):
            return Skip.FILE_SENT
        label = find_label(rules.naming, path)
        refusal = _refuse(found, label, rules)
        if refusal or label is None:
            return refusal or _no_station(found)
        image = read_unchanged(found)
    except OSError as error:
        return Refusal(str(path), UNREADABLE, error.strerror or str(error))
    if image is None:
        return Refusal(str(path), UNREADABLE, "the file changed while it was read")
    scan_id = hashlib.sha256(image).hexdigest()
    if sent.has_scan(label.station, label.contest, scan_id):
        return Skip.SCAN_SENT
    return Letter(found, _envelope(found, label, rules, image, scan_id), image)


def content_type(name: str, image: bytes) -> str:
    """By the first bytes; by the suffix where these say nothing (the worker will refuse it)."""
    by_name = BY_SUFFIX.get(Path(name).suffix.lower(), Format.JPEG)
    return (sniff_format(image) or by_name).value


def _refuse(found: Stamp, label: Label | None, rules: Rules) -> Refusal | None:
    if label is None:
        return _no_station(found)
    if not found.size_bytes:
        return Refusal(found.path, Code.EMPTY_VALUE, "the file is empty")
    if found.size_bytes > rules.max_value_bytes:
        message = (
            f"{found.size_bytes:,} bytes; the limit is {rules.max_value_bytes:,}"
            " (TALLYWIRE_MAX_VALUE_BYTES): scan at a lower resolution or quality"
        )
        return Refusal(found.path, Code.VALUE_TOO_LARGE, message)
    return None


def _no_station(found: Stamp) -> Refusal:
    message = "neither its name nor the envelope file says which station it is of"
    return Refusal(found.path, Code.STATION_MISSING, message)


def _envelope(found: Stamp, label: Label, rules: Rules, image: bytes, scan_id: str) -> Envelope:
    written = datetime.fromtimestamp(found.mtime_ns / 1e9, UTC)
    return Envelope(
        station=label.station,
        scanner=label.scanner or rules.scanner,
        captured_at=label.captured_at or written,
        content_type=content_type(found.path, image),
        scan_id=scan_id,
        contest=label.contest,
    )
