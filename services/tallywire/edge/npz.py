"""NPZ files that a user names: bounded, and told apart from what is none."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tallywire.errors import InvalidFileError, Problem, words

MOST_BYTES = 2**31  # unpacked

Arrays = dict[str, NDArray[Any]]


def read_npz(path: Path, wanted: Collection[str], remedy: str) -> Arrays:
    """Every array of an NPZ.

    Args:
        path: the file.
        wanted: names that it must have.
        remedy: what the user is told to do where it is not as it should be.

    Raises:
        InvalidFileError: it cannot be read, is no NPZ, unpacks to more than 2 GiB, holds Python
            objects, or lacks an array.
    """
    try:
        _check_size(path)
        with np.load(path, allow_pickle=False) as found:
            data = {name: found[name] for name in found.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise InvalidFileError([Problem(str(path), words(error), remedy)]) from error
    missing = [name for name in wanted if name not in data]
    if missing:
        raise InvalidFileError([Problem(str(path), f"no array {', '.join(missing)}", remedy)])
    return data


def _check_size(path: Path) -> None:
    with zipfile.ZipFile(path) as packed:
        unpacked = sum(member.file_size for member in packed.infolist())
    if unpacked > MOST_BYTES:
        raise ValueError(f"{unpacked:,} bytes unpacked; at most {MOST_BYTES:,} are read")
