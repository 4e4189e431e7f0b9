"""A tiny handwriting: ten plain digits, as pixels and as trajectories."""

from __future__ import annotations

import struct
from pathlib import Path

import cv2
import numpy as np
import pytest

from tallywire.training import mnist
from tallywire.training.ink import Handwriting, handwriting
from tallywire.training.mnist import Digits
from tallywire.training.strokes import Trajectories


def tiny_digits(copies: int = 2) -> Digits:
    """Printed figures in MNIST's frame; enough to draw with, not to learn from."""
    images = np.zeros((10 * copies, 28, 28), np.uint8)
    for index, image in enumerate(images):
        cv2.putText(image, str(index % 10), (6, 22), cv2.FONT_HERSHEY_SIMPLEX, 0.8, 255, 2)
    return Digits(images, (np.arange(10 * copies) % 10).astype(np.uint8))


def tiny_trajectories() -> Trajectories:
    """One stroke a digit, each turned a little further."""
    angles = np.linspace(0, 5, 12)
    digits = tuple(
        (
            np.stack([0.4 * np.cos(angles + label), np.linspace(-0.5, 0.5, 12)], axis=1).astype(
                np.float32
            ),
        )
        for label in range(10)
    )
    return Trajectories(digits, np.arange(10, dtype=np.uint8), np.zeros(10, np.int64))


def tiny_hands(share: float = 0.5) -> Handwriting:
    """Half trajectories, half pixels."""
    return handwriting(tiny_digits(), tiny_trajectories(), share)


def write_mnist(folder: Path, monkeypatch: pytest.MonkeyPatch, copies: int = 20) -> Path:
    """IDX files of plain figures, as MNIST's training and test part.

    Half of the training part is held out: the 5,000 that are held out of MNIST's take a minute.
    """
    monkeypatch.setattr(mnist, "HOLDOUT", 5 * copies)
    for names, digits in ((mnist.TRAIN, tiny_digits(copies)), (mnist.TEST, tiny_digits(4))):
        for name, magic, data in zip(
            names, (2051, 2049), (digits.images, digits.labels), strict=True
        ):
            head = struct.pack(f">{1 + data.ndim}I", magic, *data.shape)
            (folder / name).write_bytes(head + data.tobytes())
    return folder
