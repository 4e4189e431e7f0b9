"""Sheets and broken files for tests: good scans, and every kind of bad input a scanner can send."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from tallywire.election.election import Election
from tallywire.election.loading import load_election
from tallywire.sheet.layout import Layout
from tallywire.workshop.synthetic.arithmetic import row_values
from tallywire.workshop.synthetic.conditions import ConditionName, conditions
from tallywire.workshop.synthetic.draw import (
    Content,
    RenderedSheet,
    compose_sheet,
    render_sheet,
    sheet_rng,
)
from tallywire.workshop.synthetic.form import Form, print_form
from tallywire.workshop.synthetic.mnist_sample import load_hand
from tallywire.workshop.synthetic.signs import Blank
from tallywire.workshop.synthetic.simulated_counts import simulate_counts
from tests.support.elections import GREY_SEVEN, SHIPPED

U8 = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Booth:
    """An election with its one contest's form, ready to draw sheets of."""

    election: Election
    layout: Layout
    form: Form


@cache
def booth(election: str | Path = SHIPPED, dpi: int = 120) -> Booth:
    """The shipped election, or that of a folder; printed once for all tests."""
    loaded = load_election(election)
    contest = loaded.election.contests[0]
    layout = loaded.layouts[contest.id]
    return Booth(loaded.election, layout, print_form(layout, contest, dpi))


def draw_sheet(
    at: Booth,
    station: str | None = None,
    *,
    condition: ConditionName = ConditionName.SCANNER,
    seed: int = 1,
    votes: Mapping[str, int] | None = None,
) -> RenderedSheet:
    """A sheet of that station (the first by default) with simulated votes, or with `votes`."""
    one = at.election.stations[station or next(iter(at.election.stations))]
    contest = at.election.contests[0]
    votes = votes or simulate_counts(at.election, contest, seed)[one.id]
    ranges = conditions()[condition]
    rng = sheet_rng(seed, one.id)
    signs = compose_sheet(at.form, row_values(at.layout, votes), ranges, rng)
    content = Content(signs, one.id, one.district, one.registered)
    return render_sheet(at.form, content, load_hand(), ranges, rng)


@cache
def draw_sheets(count: int, dpi: int = 150) -> tuple[bytes, ...]:
    """JPEG files of the first `count` stations' sheets, as a scanner gives them."""
    at = booth(SHIPPED, dpi)
    stations = list(at.election.stations)[:count]
    return tuple(jpeg(draw_sheet(at, station).pixels, quality=95) for station in stations)


def variant(image: bytes, number: int) -> bytes:
    """The same picture as another file: a scan id of its own without drawing another sheet."""
    return image + b"%d" % number


def jpeg(pixels: U8, quality: int = 90) -> bytes:
    """Pixels as a JPEG file."""
    return cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


def png(pixels: U8) -> bytes:
    """Pixels as a PNG file."""
    return cv2.imencode(".png", pixels)[1].tobytes()


def good_jpeg(at: Booth | None = None, *, upside_down: bool = False, seed: int = 1) -> bytes:
    """A scan that should be read."""
    pixels = draw_sheet(at or booth(), seed=seed, condition=ConditionName.CLEAN).pixels
    return jpeg(np.ascontiguousarray(pixels[::-1, ::-1]) if upside_down else pixels)


def upside_down_jpeg(at: Booth | None = None) -> bytes:
    """The same scan, fed into the scanner the other way round."""
    return good_jpeg(at, upside_down=True)


def blank_sheet_jpeg(at: Booth | None = None) -> bytes:
    """The form with nothing written on it."""
    at = at or booth()
    signs = {field.id: (Blank.EMPTY,) * len(field.cells) for field in at.layout.fields}
    station = next(iter(at.election.stations.values()))
    content = Content(signs, station.id, station.district, station.registered)
    clean = replace(conditions()[ConditionName.CLEAN], stamp_chance=0.0)
    rng = sheet_rng(1, "blank")
    return jpeg(render_sheet(at.form, content, load_hand(), clean, rng, handwritten=False).pixels)


def other_form_jpeg() -> bytes:
    """A good scan of a form that is not the shipped one."""
    return good_jpeg(booth(GREY_SEVEN))


def white_page_jpeg(width: int = 1020, height: int = 1320) -> bytes:
    """Paper with nothing on it."""
    return jpeg(np.full((height, width, 3), 255, np.uint8))


def truncated_jpeg(share: float = 0.5) -> bytes:
    """A scan whose transfer broke off after `share` of the file."""
    whole = good_jpeg()
    return whole[: int(len(whole) * share)]


def not_an_image() -> bytes:
    """A text file, whatever its name says."""
    return b"station,votes\n4251-B,276\n" * 40


def wrong_content_type() -> tuple[bytes, str]:
    """A PNG whose envelope says it is a JPEG."""
    return png(np.full((400, 300, 3), 250, np.uint8)), "image/jpeg"


def png_bomb(width: int = 10_000, height: int = 10_000) -> bytes:
    """A tiny, valid PNG file of 100 million white pixels (1 bit each)."""
    packer = zlib.compressobj(9)
    line = b"\0" + b"\xff" * ((width + 7) // 8)
    packed = b"".join(packer.compress(line) for _ in range(height)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", packed), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(kind + data))
    return struct.pack(">I", len(data)) + kind + data + checksum
