"""Files that a command writes at its end: looked at before the work, and never half there."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path
from typing import Any

from tallywire.errors import TallywireError, UsageError, words


def require_writable(path: Path, option: str = "") -> None:
    """Find out whether `write_file` could write there now; leaves nothing behind.

    Args:
        path: the file that is going to be written.
        option: what it was given with, for the message: "--json".

    Raises:
        UsageError: its folder is not there, it is a folder itself, or it cannot be written.
    """
    name = f"{option} {path}".strip()
    try:
        if path.is_dir():
            raise UsageError(f"{name}: it is a folder - name a file")
        if _written_in_place(path):
            path.open("ab").close()
            return
        partial = _beside(path)
        partial.open("xb").close()
        partial.unlink()
        path.lstat()  # a name too long is told here
    except FileNotFoundError:
        if not path.parent.is_dir():
            raise UsageError(
                f"{name}: there is no folder {path.parent} - make it, or name another file"
            ) from None
    except OSError as error:
        raise UsageError(
            f"{name}: it cannot be written ({words(error)}) - name another file"
        ) from None


def make_folder_of(path: Path, option: str = "") -> None:
    """Make the folder that a file is going to be written in, and `require_writable` the file.

    Raises:
        UsageError: either is not possible.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        name = f"{option} {path}".strip()
        raise UsageError(
            f"{name}: {path.parent} can be no folder ({words(error)}) - name another file"
        ) from None
    require_writable(path, option)


def require_folder(path: Path, option: str = "") -> None:
    """Find out whether files could be written into that folder, or it be made; makes nothing.

    Raises:
        UsageError: it is a file, or nothing can be written where it would be.
    """
    name = f"{option} {path}".strip()
    try:
        there = next(one for one in (path, *path.absolute().parents) if one.exists())
        if not there.is_dir():
            raise UsageError(f"{name}: {there} is a file - name another folder")
        partial = there / f".tallywire-{os.getpid()}-{secrets.token_hex(4)}"
        partial.open("xb").close()
        partial.unlink()
    except OSError as error:
        raise UsageError(
            f"{name}: nothing can be written there ({words(error)}) - name another folder"
        ) from None


def write_file(path: Path, data: bytes) -> None:
    """Write a whole file beside, then rename it: no reader ever meets half of it.

    Raises:
        TallywireError: it cannot be written after all; an earlier file stays as it was.
    """
    try:
        if _written_in_place(path):
            path.write_bytes(data)
            return
        partial = _beside(path)
        try:
            partial.write_bytes(data)
            partial.replace(path)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise TallywireError(f"{path}: it cannot be written ({words(error)})") from None


def write_json(path: Path, values: Any) -> None:
    """Write values as one indented JSON document. All `--json` files are written here.

    Raises:
        TallywireError: it cannot be written after all.
    """
    write_file(path, (json.dumps(values, indent=2, default=str) + "\n").encode())


def _written_in_place(path: Path) -> bool:
    """Pipes, terminals and links (/dev/stdout is both) are written to, not replaced."""
    return path.is_symlink() or (path.exists() and not path.is_file())


def _beside(path: Path) -> Path:
    return path.parent / f".tallywire-{os.getpid()}-{secrets.token_hex(4)}"
