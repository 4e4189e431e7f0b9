"""An NPZ that a user names is read within bounds, or named with what is wrong."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from tallywire.edge import npz
from tallywire.errors import InvalidFileError

REMEDY = "give an NPZ"


def write(path: Path) -> Path:
    np.savez(path, a=np.arange(6), b=np.zeros((2, 2)))
    return path


def test_every_array_comes_back(tmp_path: Path) -> None:
    found = npz.read_npz(write(tmp_path / "x.npz"), ["a"], REMEDY)
    assert found.keys() == {"a", "b"}
    np.testing.assert_array_equal(found["a"], np.arange(6))


@pytest.mark.parametrize("kind", ["missing", "folder", "empty", "text", "npy", "cut", "objects"])
def test_what_is_no_npz_is_named_with_the_remedy(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    whole = write(tmp_path / "whole.npz").read_bytes()
    if kind == "folder":
        path.mkdir()
    elif kind == "npy":
        with path.open("wb") as file:
            np.save(file, np.arange(3))
    elif kind == "objects":
        np.savez(path, a=np.array([{"x": 1}], object))
    elif kind != "missing":
        path.write_bytes({"empty": b"", "text": b"PK nothing", "cut": whole[:-40]}[kind])
    with pytest.raises(InvalidFileError, match=r"x\.npz: .+ - give an NPZ") as told:
        npz.read_npz(path, ["a"], REMEDY)
    assert "Errno" not in str(told.value)


def test_a_changed_byte_and_a_pickle_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "x.npz")
    data = bytearray(path.read_bytes())
    data[150] ^= 0xFF  # inside the first array
    path.write_bytes(bytes(data))
    with pytest.raises(InvalidFileError, match="CRC"):
        npz.read_npz(path, ["a"], REMEDY)
    path.write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(InvalidFileError):
        npz.read_npz(path, ["a"], REMEDY)


def test_what_is_missing_and_what_is_too_large_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "x.npz")
    with pytest.raises(InvalidFileError, match="no array c, d"):
        npz.read_npz(path, ["a", "c", "d"], REMEDY)
    monkeypatch.setattr(npz, "MOST_BYTES", 100)
    with pytest.raises(InvalidFileError, match="at most 100 are read"):
        npz.read_npz(path, ["a"], REMEDY)
