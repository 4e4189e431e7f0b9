"""Reads an image file's size and completeness from its bytes, before any decoder touches it."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

MOST_JPEG_SCANS = 64  # a progressive file has about ten; thousands would be an attack on our time
MOST_TIFF_TAGS = 512


class ImageFormat(StrEnum):
    """The formats that scanners write; the values are their content types."""

    JPEG = "image/jpeg"
    PNG = "image/png"
    TIFF = "image/tiff"


@dataclass(frozen=True, slots=True)
class ImageHeader:
    """What a file says about itself. `channels` counts alpha; `complete` is False where it ends
    early or its check sums are wrong."""

    format: ImageFormat
    width_px: int
    height_px: int
    channels: int
    complete: bool


def sniff_format(data: bytes) -> ImageFormat | None:
    """The format by its first bytes; None where it is none of ours."""
    if data[:3] == b"\xff\xd8\xff":
        return ImageFormat.JPEG
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return ImageFormat.PNG
    if data[:4] in (b"II*\0", b"MM\0*"):
        return ImageFormat.TIFF
    return None


def read_header(data: bytes) -> ImageHeader | None:
    """Size, channels and completeness of a JPEG, PNG or TIFF file.

    Returns:
        None where the bytes are none of these or their header cannot be read.
    """
    readers = {ImageFormat.JPEG: _jpeg, ImageFormat.PNG: _png, ImageFormat.TIFF: _tiff}
    found = sniff_format(data)
    try:
        return readers[found](data) if found else None
    except (struct.error, IndexError, ValueError, OverflowError):
        return None


def _jpeg(data: bytes) -> ImageHeader | None:
    size: tuple[int, int, int] | None = None
    for marker, at, length in _jpeg_segments(data):
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width, channels = struct.unpack_from(">xHHB", data, at)
            size = width, height, channels
        if marker == 0xDA and size:
            scans = data.count(b"\xff\xda", at - 4)
            ended = data.rfind(b"\xff\xd9", at + length) >= 0
            return ImageHeader(ImageFormat.JPEG, *size, complete=ended and scans <= MOST_JPEG_SCANS)
    return ImageHeader(ImageFormat.JPEG, *size, complete=False) if size else None


def _jpeg_segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield (marker, offset of its body, body length) up to the first scan's data."""
    at = 2
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            return
        marker = data[at + 1]
        if marker == 0xFF:  # fill byte
            at += 1
            continue
        if marker == 0x01 or 0xD0 <= marker <= 0xD8:
            at += 2
            continue
        (length,) = struct.unpack_from(">H", data, at + 2)
        if length < 2:
            return
        yield marker, at + 4, length - 2
        at += 2 + length


def _png(data: bytes) -> ImageHeader | None:
    if data[12:16] != b"IHDR":
        return None
    width, height, _, colour = struct.unpack_from(">IIBB", data, 16)
    channels = {0: 1, 2: 3, 3: 3, 4: 2, 6: 4}[colour] if colour in (0, 2, 3, 4, 6) else 0
    return (
        ImageHeader(ImageFormat.PNG, width, height, channels, _png_complete(data))
        if channels
        else None
    )


def _png_complete(data: bytes) -> bool:
    """True where every chunk up to the end chunk is there and its check sum is right."""
    at = 8
    while at + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        kind, end = data[at + 4 : at + 8], at + 8 + length
        if end + 4 > len(data):
            return False
        if zlib.crc32(memoryview(data)[at + 4 : end]) != struct.unpack_from(">I", data, end)[0]:
            return False
        if kind == b"IEND":
            return True
        at = end + 4
    return False


def _tiff(data: bytes) -> ImageHeader | None:
    order = "<" if data[:1] == b"I" else ">"
    (start,) = struct.unpack_from(order + "I", data, 4)
    (count,) = struct.unpack_from(order + "H", data, start)
    if count > MOST_TIFF_TAGS:
        return None
    tags = dict(_tiff_tag(data, order, start + 2 + 12 * index) for index in range(count))
    if not (tags.get(256) and tags.get(257)):
        return None
    offsets = tags.get(273) or tags.get(324) or ()
    lengths = tags.get(279) or tags.get(325) or ()
    inside = all(at + size <= len(data) for at, size in zip(offsets, lengths, strict=False))
    complete = bool(offsets) and len(offsets) == len(lengths) and inside
    channels = (tags.get(277) or (1,))[0]
    if (tags.get(262) or (1,))[0] == 3:  # palette
        channels = 3
    return ImageHeader(ImageFormat.TIFF, tags[256][0], tags[257][0], channels, complete)


def _tiff_tag(data: bytes, order: str, at: int) -> tuple[int, tuple[int, ...]]:
    """One directory entry as (tag, its unsigned values); other value types give none."""
    tag, kind, count = struct.unpack_from(order + "HHI", data, at)
    letter, size = {1: ("B", 1), 3: ("H", 2), 4: ("I", 4)}.get(kind, ("", 0))
    if not letter or count * size > len(data):
        return tag, ()
    place = at + 8
    if count * size > 4:
        (place,) = struct.unpack_from(order + "I", data, place)
    return tag, struct.unpack_from(f"{order}{count}{letter}", data, place)
