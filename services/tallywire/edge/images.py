"""Bytes of an image file to pixels, bounded before anything is decoded.

OpenCV fills what is missing of a torn JPEG with grey and says nothing, and decodes whatever the
content type says: so both are checked here. EXIF orientation is ignored, since alignment finds
the sheet's own orientation.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tallywire.edge.image_headers import ImageFormat, ImageHeader, read_header, sniff_format
from tallywire.reasons import Code, Reason

U8 = NDArray[np.uint8]

SMALLEST_PX = 200  # shorter side: no form with legible cells is smaller
HALVE_FROM_PX = 2000  # longer side: half of it still gives a cell of 9 mm about 30 px
FLAT_ROWS = 8  # half a row of JPEG blocks, which halving leaves
SATURATED = 245
ALIASES = {
    "image/jpg": ImageFormat.JPEG,
    "image/pjpeg": ImageFormat.JPEG,
    "image/tif": ImageFormat.TIFF,
}


@dataclass(frozen=True, slots=True)
class DecodedImage:
    """A decoded scan.

    `pixels` is uint8 [H, W, 3] BGR, or [H, W] grey; `full_width_px`, `full_height_px` are the
    file's own size, of which `pixels` may be the half.
    """

    pixels: U8
    full_width_px: int
    full_height_px: int
    format: ImageFormat


def decode_image(
    data: bytes, content_type: str, max_pixels: int, halve_from_px: int = HALVE_FROM_PX
) -> DecodedImage | Reason:
    """Decode one scan.

    Args:
        data: the file's bytes.
        content_type: as the envelope has it; parameters after a semicolon are ignored.
        max_pixels: most width x height that is decoded.
        halve_from_px: files whose longer side has at least so many pixels are decoded at half
            scale, which takes less than half the time.

    Returns:
        the pixels, or the reason why there are none.
    """
    if not data:
        return Reason(Code.EMPTY_VALUE, "The message holds no image.", {"bytes": 0})
    header = read_header(data)
    refusal = _refuse_format(data, content_type, header) or _refuse_size(header, max_pixels)
    if refusal:
        return refusal
    assert header is not None  # noqa: S101 - told by _refuse_format
    if not header.complete:
        return _truncated(data, header)
    halve = max(header.width_px, header.height_px) >= halve_from_px
    pixels = _decode(data, header, halve=halve)
    if pixels is None:
        return Reason(
            Code.NOT_AN_IMAGE,
            f"The {header.format.name} file cannot be decoded.",
            {"bytes": len(data), "format": header.format.value},
        )
    if header.format is ImageFormat.JPEG and _torn(pixels):
        return _truncated(data, header)
    return DecodedImage(pixels, header.width_px, header.height_px, header.format)


def _refuse_format(data: bytes, content_type: str, header: ImageHeader | None) -> Reason | None:
    declared = content_type.split(";")[0].strip().lower()
    found = sniff_format(data)
    evidence = {"content_type": content_type[:80], "found": found and found.value}
    if found and ALIASES.get(declared, declared) != found:
        return Reason(
            Code.WRONG_CONTENT_TYPE,
            f"The content type says {declared[:80] or 'nothing'}, the bytes are {found.value}.",
            evidence,
        )
    if header is None:
        return Reason(
            Code.NOT_AN_IMAGE,
            "The bytes are not a JPEG, PNG or TIFF image that can be opened.",
            {**evidence, "bytes": len(data), "first_bytes": data[:8].hex()},
        )
    return None


def _refuse_size(header: ImageHeader | None, max_pixels: int) -> Reason | None:
    if header is None:
        return None
    width, height = header.width_px, header.height_px
    evidence = {"width_px": width, "height_px": height}
    if width * height > max_pixels:
        return Reason(
            Code.TOO_MANY_PIXELS,
            f"The image has {width} x {height} pixels, more than the limit of {max_pixels}.",
            {**evidence, "pixels": width * height, "max_pixels": max_pixels},
        )
    if min(width, height) < SMALLEST_PX:
        return Reason(
            Code.TOO_SMALL,
            f"The image has only {width} x {height} pixels; its digits cannot be read.",
            {**evidence, "smallest_px": SMALLEST_PX},
        )
    return None


def _decode(data: bytes, header: ImageHeader, *, halve: bool) -> U8 | None:
    """Pixels of the file, uint8, grey where the file is; None where OpenCV and Pillow fail."""
    if header.channels in (2, 4) and header.format is ImageFormat.PNG:
        pixels = _decode_with_pillow(data)  # lays transparent paper on white
    else:
        flag = cv2.IMREAD_GRAYSCALE if header.channels == 1 else cv2.IMREAD_COLOR
        if halve and header.format is ImageFormat.JPEG:  # inside the decoder: half the time
            grey = header.channels == 1
            flag = cv2.IMREAD_REDUCED_GRAYSCALE_2 if grey else cv2.IMREAD_REDUCED_COLOR_2
        pixels = _decode_with_opencv(data, flag | cv2.IMREAD_IGNORE_ORIENTATION)
        if pixels is None:
            pixels = _decode_with_pillow(data)
    if pixels is not None and halve and pixels.shape[1] == header.width_px:
        return np.asarray(cv2.resize(pixels, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))
    return pixels


def _decode_with_opencv(data: bytes, flag: int) -> U8 | None:
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flag)
    except cv2.error:
        return None
    return None if pixels is None else np.asarray(pixels, np.uint8)


def _decode_with_pillow(data: bytes) -> U8 | None:
    """For what OpenCV does not open (fax compressions of TIFF) or gets wrong (transparency)."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            if image.mode in ("1", "L"):
                return np.asarray(image.convert("L"), np.uint8)
            layered = image.convert("RGBA")
            white = Image.new("RGBA", image.size, "white")
            colour = Image.alpha_composite(white, layered).convert("RGB")
            return np.ascontiguousarray(np.asarray(colour, np.uint8)[:, :, ::-1])
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


def _torn(pixels: U8) -> bool:
    """True where the end of the picture is a decoder's filling for data that is missing.

    A JPEG with its end marker can still miss data: the rest of the page is then one flat colour.
    Paper never is, short of saturated white or black.
    """
    last = np.atleast_3d(pixels[-FLAT_ROWS:])
    flat = bool(np.all(np.ptp(last, axis=(0, 1)) <= 2))
    colour = last.mean(axis=(0, 1))
    saturated = colour.min() > SATURATED or colour.max() < 255 - SATURATED
    return flat and not saturated and int(np.ptp(pixels[:-FLAT_ROWS:8])) > 2


def _truncated(data: bytes, header: ImageHeader) -> Reason:
    return Reason(
        Code.TRUNCATED_IMAGE,
        f"The {header.format.name} file is torn: part of the image is missing.",
        {
            "bytes": len(data),
            "width_px": header.width_px,
            "height_px": header.height_px,
            "format": header.format.value,
        },
    )
