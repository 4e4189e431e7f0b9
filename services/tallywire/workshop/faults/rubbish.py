"""Every kind of rubbish that a scanner can send: no reader may find a sheet in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random

import cv2
import numpy as np

from tallywire.workshop.faults.messages import NightMessage, write_letter

BOMB_PX = 10_000  # width and height: 100 million pixels in a few kilobytes
NOISE_BYTES = 20_000

Spoil = Callable[[NightMessage], NightMessage]


def every_kind(rng: Random) -> tuple[Spoil, ...]:
    """Ways to make something that nobody can read out of a good scan."""
    bomb, noise = make_bomb(), rng.randbytes(NOISE_BYTES)
    return (
        lambda letter: with_value(letter, noise),
        lambda letter: with_value(letter, (letter.value or b"")[: len(letter.value or b"") // 2]),
        lambda letter: with_value(letter, b""),
        lambda letter: declared(with_value(letter, bomb), b"image/png"),
        lambda letter: declared(letter, b"image/png"),
        lambda letter: declared(letter, b"text/html"),
        lambda letter: write_letter("9999-X", letter.value or b""),
        lambda letter: replace(letter, headers=()),
        lambda letter: replace(letter, key=None),
        lambda letter: replace(letter, key=b"\xff\xfe"),
        lambda letter: replace(letter, value=None),
    )


def make_bomb() -> bytes:
    """A small, valid PNG file of an enormous picture."""
    pixels = np.zeros((BOMB_PX, BOMB_PX), np.uint8)
    return cv2.imencode(".png", pixels, [cv2.IMWRITE_PNG_BILEVEL, 1])[1].tobytes()


def with_value(letter: NightMessage, value: bytes) -> NightMessage:
    """Other bytes from the same station, in an envelope that is right about them."""
    return write_letter((letter.key or b"").decode(), value)


def declared(letter: NightMessage, content_type: bytes) -> NightMessage:
    """The same scan, under another content type."""
    headers = dict(letter.headers) | {"content-type": content_type}
    return replace(letter, headers=tuple(headers.items()))
