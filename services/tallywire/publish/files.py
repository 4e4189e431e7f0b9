"""Finds scans in folders and reads them, one at a time."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tallywire.errors import UsageError

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".tif", ".tiff"})
CONTACT_SHEETS = frozenset({"contact.png", "contact.jpg"})  # what `tallywire render` adds
HIDDEN = (".", "~", "_tmp")  # how editors, sync tools and scanners mark files of their own


@dataclass(frozen=True, slots=True)
class FileStamp:
    """A file as it stands: if none of this changed, neither did the content."""

    path: str  # absolute
    size_bytes: int
    mtime_ns: int


def find_scans(paths: Iterable[Path]) -> Iterator[Path]:
    """Yield absolute paths: files as given, folders searched through in order of names.

    Nothing is held but one folder's names at a time. Links to folders are not followed.

    Raises:
        UsageError: a path does not exist.
    """
    for path in paths:
        if path.is_dir():
            yield from _walk(path.absolute())
        elif path.exists():
            yield path.absolute()
        else:
            raise UsageError(f"{path}: no such file or folder")


def is_scan_name(name: str) -> bool:
    """True for an image file that is not hidden, half-written or a contact sheet."""
    lowered = name.lower()
    return (
        not lowered.startswith(HIDDEN)
        and lowered not in CONTACT_SHEETS
        and Path(lowered).suffix in SUFFIXES
    )


def stamp(path: Path) -> FileStamp:
    """The file's stamp. Raises OSError where it cannot be looked at."""
    status = path.stat()
    return FileStamp(str(path), status.st_size, status.st_mtime_ns)


def read_unchanged(expected: FileStamp) -> bytes | None:
    """The content, or None where the file is not, or no longer, what the stamp says.

    Raises:
        OSError: it cannot be read.
    """
    with Path(expected.path).open("rb") as file:
        content = file.read(expected.size_bytes + 1)
        status = os.fstat(file.fileno())
    after = FileStamp(expected.path, status.st_size, status.st_mtime_ns)
    return content if after == expected and len(content) == expected.size_bytes else None


def _walk(folder: Path) -> Iterator[Path]:
    try:
        with os.scandir(folder) as entries:
            found = sorted(
                (entry.name, entry.is_dir(follow_symlinks=False))
                for entry in entries
                if not entry.name.startswith(HIDDEN)
            )
    except OSError as error:
        raise UsageError(f"{folder}: cannot be listed ({error.strerror})") from error
    for name, is_folder in found:
        if is_folder:
            yield from _walk(folder / name)
        elif is_scan_name(name):
            yield folder / name
