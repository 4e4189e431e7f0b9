"""Folders for what a run writes: never somebody else's, never two runs' at a time."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tallywire.errors import UsageError

STAMP = ".tallywire-demo"
LOCK = ".tallywire-lock"


def empty_folder(folder: Path) -> None:
    """Make `folder`, or remove what an earlier run left in it.

    Raises:
        UsageError: it holds something that no run of ours has made.
    """
    require_ours(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for entry in folder.iterdir():
        if entry.name in {STAMP, LOCK}:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
    (folder / STAMP).touch()


def require_ours(folder: Path) -> None:
    """Raise UsageError where a folder holds something that no run of ours has made."""
    if is_taken(folder, STAMP):
        raise UsageError(f"{folder} is not empty and no earlier demo: choose another folder")


def is_taken(folder: Path, stamp: str) -> bool:
    """True where a folder holds something, and not the file by which we know our own."""
    return (
        folder.is_dir()
        and any(entry.name != LOCK for entry in folder.iterdir())
        and not (folder / stamp).is_file()
    )


@contextmanager
def locked_folder(folder: Path) -> Iterator[None]:
    """Make `folder` and keep other runs out of it, for as long as this context lasts.

    Raises:
        UsageError: another run works in it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # ends with the process, however
        except BlockingIOError:
            raise UsageError(
                f"Another tallywire is at work in {folder}: end it, or choose another folder"
            ) from None
        yield
