"""Scans of a form, from files: pixels, or the reason why there are none."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tallywire.edge.image_headers import sniff_format
from tallywire.edge.images import decode_image
from tallywire.election.text_files import read_bytes
from tallywire.election.validation import refusal
from tallywire.errors import Problem
from tallywire.reasons import Reason

NEVER_HALVED = sys.maxsize  # px: corners that a person measured are those of the whole file


def require_files(paths: Sequence[Path]) -> None:
    """Find out whether all are there, before any work is done.

    Raises:
        InvalidFileError: naming those that are not.
    """
    problems = [
        Problem(str(path), "no such file", "name an image file")
        for path in paths
        if not path.is_file()
    ]
    if problems:
        raise refusal(problems)


def read_scan(path: Path) -> bytes:
    """The bytes of a file.

    Raises:
        InvalidFileError: it cannot be read, or is too large.
    """
    problems: list[Problem] = []
    data = read_bytes(path, problems)
    if problems:
        raise refusal(problems)
    return data


def decode_scan(
    data: bytes, max_pixels: int, halve_from_px: int = NEVER_HALVED
) -> NDArray[np.uint8] | Reason:
    """Uint8 [H, W, 3] BGR or [H, W] grey, at half the scale from that size on."""
    decoded = decode_image(data, sniff_format(data) or "", max_pixels, halve_from_px)
    return decoded if isinstance(decoded, Reason) else decoded.pixels
