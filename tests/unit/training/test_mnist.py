"""MNIST's IDX files."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallywire.errors import InvalidFileError
from tallywire.training import mnist


def write_images(path: Path, count: int) -> bytes:
    pixels = np.random.default_rng(count).integers(0, 256, (count, 28, 28), np.uint8)
    data = struct.pack(">IIII", 2051, count, 28, 28) + pixels.tobytes()
    path.write_bytes(data)
    return data


def write_labels(path: Path, count: int) -> None:
    labels = (np.arange(count) % 10).astype(np.uint8)
    path.write_bytes(struct.pack(">II", 2049, count) + labels.tobytes())


def test_plain_and_zipped_files_read_alike(tmp_path: Path) -> None:
    data = write_images(tmp_path / "images", 3)
    plain = mnist.read_images(tmp_path / "images")
    (tmp_path / "zipped.gz").write_bytes(gzip.compress(data))
    np.testing.assert_array_equal(plain, mnist.read_images(tmp_path / "zipped"))
    assert plain.shape == (3, 28, 28)


def test_validation_is_the_last_5000_writers_digits(tmp_path: Path) -> None:
    write_images(tmp_path / mnist.TRAIN[0], 5_050)
    write_labels(tmp_path / mnist.TRAIN[1], 5_050)
    train, validation = mnist.training_digits(tmp_path)
    assert (len(train.labels), len(validation.labels)) == (50, 5_000)
    everything = mnist.read_images(tmp_path / mnist.TRAIN[0])
    np.testing.assert_array_equal(validation.images, everything[50:])


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidFileError, match="train-images"):
        mnist.training_digits(tmp_path)


@given(cut=st.integers(0, 800))
def test_a_file_cut_anywhere_is_refused(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    path = tmp_path_factory.mktemp("idx") / "images"
    data = write_images(path, 1)
    path.write_bytes(data[: min(cut, len(data) - 1)])
    with pytest.raises(InvalidFileError):
        mnist.read_images(path)


def test_labels_are_no_images(tmp_path: Path) -> None:
    write_labels(tmp_path / "labels", 4)
    with pytest.raises(InvalidFileError, match="2051"):
        mnist.read_images(tmp_path / "labels")
    assert mnist.read_labels(tmp_path / "labels").tolist() == [0, 1, 2, 3]


def test_a_cached_copy_is_not_fetched_again(tmp_path: Path) -> None:
    folder = tmp_path / "mnist"
    folder.mkdir()
    for images, labels in (mnist.TRAIN, mnist.TEST):
        write_images(folder / images, 1)
        write_labels(folder / labels, 1)
    assert mnist.find_mnist(tmp_path) == folder
