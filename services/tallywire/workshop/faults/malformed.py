"""Every kind of malformed scan that a scanner can send: no reader may find a sheet in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random

import cv2
import numpy as np

from tallywire.workshop.faults.messages import ScanMessage, scan_message

BOMB_PX = 10_000  # width and height: 100 million pixels in a few kilobytes
NOISE_BYTES = 20_000

Damage = Callable[[ScanMessage], ScanMessage]


def every_kind(rng: Random) -> tuple[Damage, ...]:
    """Ways to make something that nobody can read out of a good scan."""
    bomb, noise = make_bomb(), rng.randbytes(NOISE_BYTES)
    return (
        lambda message: with_value(message, noise),
        lambda message: with_value(
            message, (message.value or b"")[: len(message.value or b"") // 2]
        ),
        lambda message: with_value(message, b""),
        lambda message: declared(with_value(message, bomb), b"image/png"),
        lambda message: declared(message, b"image/png"),
        lambda message: declared(message, b"text/html"),
        lambda message: scan_message("9999-X", message.value or b""),
        lambda message: replace(message, headers=()),
        lambda message: replace(message, key=None),
        lambda message: replace(message, key=b"\xff\xfe"),
        lambda message: replace(message, value=None),
    )


def make_bomb() -> bytes:
    """A small, valid PNG file of an enormous picture."""
    pixels = np.zeros((BOMB_PX, BOMB_PX), np.uint8)
    return cv2.imencode(".png", pixels, [cv2.IMWRITE_PNG_BILEVEL, 1])[1].tobytes()


def with_value(message: ScanMessage, value: bytes) -> ScanMessage:
    """Other bytes from the same station, in an envelope that is right about them."""
    return scan_message((message.key or b"").decode(), value)


def declared(message: ScanMessage, content_type: bytes) -> ScanMessage:
    """The same scan, under another content type."""
    headers = dict(message.headers) | {"content-type": content_type}
    return replace(message, headers=tuple(headers.items()))
