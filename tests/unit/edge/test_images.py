"""Bad image files get a coded reason before a decoder sees them; good ones give pixels."""

from __future__ import annotations

import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from tallywire.edge.images import DecodedImage, decode_image
from tallywire.reasons import Code, Reason

LIMIT = 5_000_000
TYPES = {".jpg": "image/jpeg", ".png": "image/png", ".tiff": "image/tiff"}


def page(height: int = 330, width: int = 250, colour: bool = True) -> NDArray[np.uint8]:
    random = np.random.default_rng(5)
    shape = (height, width, 3) if colour else (height, width)
    return random.integers(0, 256, shape).astype(np.uint8)


def encoded(pixels: NDArray[np.uint8], suffix: str = ".jpg", *options: int) -> bytes:
    return bytes(cv2.imencode(suffix, pixels, options)[1])


def decoded(data: bytes, content_type: str = "image/jpeg", limit: int = LIMIT) -> DecodedImage:
    image = decode_image(data, content_type, limit)
    assert isinstance(image, DecodedImage), image
    return image


def refused(data: bytes, content_type: str = "image/jpeg", limit: int = LIMIT) -> Reason:
    reason = decode_image(data, content_type, limit)
    assert isinstance(reason, Reason)
    assert reason.refuses
    assert reason.evidence
    return reason


@pytest.mark.parametrize("suffix", TYPES)
@pytest.mark.parametrize("colour", [True, False])
def test_decodes_each_format_in_colour_and_grey(suffix: str, colour: bool) -> None:
    pixels = page(colour=colour)
    image = decoded(encoded(pixels, suffix), TYPES[suffix])
    assert image.pixels.shape == pixels.shape
    assert (image.full_width_px, image.full_height_px) == (250, 330)
    if suffix != ".jpg":
        assert np.array_equal(image.pixels, pixels)


@pytest.mark.parametrize("suffix", TYPES)
@pytest.mark.parametrize("colour", [True, False])
def test_large_pages_are_decoded_at_half_scale(suffix: str, colour: bool) -> None:
    data = encoded(page(2000, 400, colour), suffix)
    image = decoded(data, TYPES[suffix])
    assert image.pixels.shape[:2] == (1000, 200)
    whole = decode_image(data, TYPES[suffix], LIMIT, halve_from_px=2001)
    assert isinstance(whole, DecodedImage)
    assert whole.pixels.shape[:2] == (2000, 400)


@pytest.mark.parametrize("compression", ["group4", "group3", "tiff_lzw", "tiff_deflate", "jpeg"])
def test_decodes_the_compressions_of_fax_machines_and_scanners(compression: str) -> None:
    grey = np.where(page(colour=False) > 127, 255, 0).astype(np.uint8)
    mode = "1" if compression.startswith("group") else "L"
    buffer = io.BytesIO()
    Image.fromarray(grey).convert(mode).save(buffer, "TIFF", compression=compression)
    image = decoded(buffer.getvalue(), "image/tiff")
    assert image.pixels.shape[:2] == grey.shape
    if compression != "jpeg":
        assert np.array_equal(np.atleast_3d(image.pixels)[:, :, 0], grey)


def test_transparent_paper_is_white() -> None:
    layered = np.zeros((300, 300, 4), np.uint8)
    layered[100:200, 100:200, 3] = 255
    image = decoded(encoded(layered, ".png"), "image/png")
    assert image.pixels[0, 0].tolist() == [255, 255, 255]
    assert image.pixels[150, 150].tolist() == [0, 0, 0]


def test_exif_orientation_is_left_to_alignment() -> None:
    buffer = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(page()).save(buffer, "JPEG", exif=exif)
    assert decoded(buffer.getvalue()).pixels.shape == (330, 250, 3)


def test_content_type_may_have_parameters_and_old_names() -> None:
    decoded(encoded(page()), "IMAGE/JPG; charset=binary")


def test_empty_value() -> None:
    assert refused(b"").code is Code.EMPTY_VALUE


@pytest.mark.parametrize("data", [b"not an image", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"II*\0"])
def test_not_an_image(data: bytes) -> None:
    types = {b"\xff": "image/jpeg", b"\x89": "image/png", b"I": "image/tiff"}
    assert refused(data, types.get(data[:1], "image/jpeg")).code is Code.NOT_AN_IMAGE


def test_wrong_content_type_names_both() -> None:
    reason = refused(encoded(page(), ".png"), "image/jpeg")
    assert reason.code is Code.WRONG_CONTENT_TYPE
    assert reason.evidence["content_type"] == "image/jpeg"
    assert reason.evidence["found"] == "image/png"


@pytest.mark.parametrize("suffix", TYPES)
@pytest.mark.parametrize("share", [0.4, 0.9, 0.999])
def test_torn_file(suffix: str, share: float) -> None:
    data = encoded(page(), suffix)
    # OpenCV writes a TIFF's directory first or last: cut where a header is still there
    reason = refused(data[: int(len(data) * share)], TYPES[suffix])
    assert reason.code in (Code.TRUNCATED_IMAGE, Code.NOT_AN_IMAGE)
    if suffix != ".tiff":
        assert reason.code is Code.TRUNCATED_IMAGE


def test_torn_jpeg_with_an_end_marker_sewn_on() -> None:
    data = encoded(page(900, 700))
    reason = refused(data[: len(data) // 2] + b"\xff\xd9")
    assert reason.code is Code.TRUNCATED_IMAGE


def test_a_flat_white_page_is_not_torn() -> None:
    decoded(encoded(np.full((400, 300, 3), 255, np.uint8)))


def test_png_with_a_wrong_check_sum() -> None:
    data = bytearray(encoded(page(), ".png"))
    data[len(data) // 2] ^= 0xFF
    assert refused(bytes(data), "image/png").code is Code.TRUNCATED_IMAGE


def bomb(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        sum_ = zlib.crc32(kind + body)
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", sum_)

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    body = zlib.compress(b"\0" * 1000)
    start = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
    return start + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def test_decompression_bomb_is_refused_by_its_header() -> None:
    reason = refused(bomb(100_000, 100_000), "image/png")
    assert reason.code is Code.TOO_MANY_PIXELS
    assert reason.evidence["pixels"] == 10**10
    assert reason.evidence["max_pixels"] == LIMIT


def test_hundred_megapixels() -> None:
    reason = refused(bomb(10_000, 10_000), "image/png", 50_000_000)
    assert reason.code is Code.TOO_MANY_PIXELS


def test_too_small_to_read() -> None:
    assert refused(encoded(page(100, 300))).code is Code.TOO_SMALL


@settings(max_examples=60)
@given(st.binary(max_size=300), st.sampled_from([*TYPES.values(), "", "text/plain"]))
def test_any_bytes_give_a_reason(data: bytes, content_type: str) -> None:
    assert isinstance(decode_image(data, content_type, LIMIT), Reason)


@settings(max_examples=80)
@given(st.sampled_from(sorted(TYPES)), st.data())
def test_any_damage_gives_pixels_or_a_reason(suffix: str, data: st.DataObject) -> None:
    whole = bytearray(encoded(page(220, 210), suffix))
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, min(len(whole), 700) - 1))
        whole[at] = data.draw(st.integers(0, 255))
    result = decode_image(bytes(whole), TYPES[suffix], LIMIT)
    assert isinstance(result, DecodedImage | Reason)
