"""The receipt journal: what the broker acknowledged, so that no run sends it again.

One JSON object a line, only ever appended. A line is written after the acknowledgement, so a
crash can leave scans acknowledged without a receipt: they are sent once more and the ledger calls
them duplicates. The other way round, a receipt without a scan, cannot happen: a receipt counts
only for the very topic (by its id) that gave it, not for one of the same name created later.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import IO

from tallywire.errors import UsageError
from tallywire.publish.files import FileStamp

BEGINNING = b'{"path":'  # of every line that `format_receipt` makes
LONGEST_LINE_BYTES = 64 * 1024
SYNC_EVERY_S = 0.5
SYNC_EVERY_LINES = 500


@dataclass(frozen=True, slots=True)
class Receipt:
    """One acknowledged scan."""

    path: str
    size_bytes: int
    mtime_ns: int
    scan_id: str
    station: str
    contest: str | None
    topic: str
    topic_id: str
    partition: int
    offset: int
    acknowledged_at: str  # ISO 8601, UTC


KINDS: dict[str, type | tuple[type, ...]] = {
    field.name: int
    if field.type == "int"
    else ((str, type(None)) if "None" in str(field.type) else str)
    for field in fields(Receipt)
}


def format_receipt(receipt: Receipt) -> bytes:
    """One line, newline included."""
    text = json.dumps(asdict(receipt), ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "surrogateescape") + b"\n"


def parse_receipt(line: bytes) -> Receipt | None:
    """A receipt, or None for a line that is torn or none of ours."""
    try:
        values = json.loads(line.decode("utf-8", "surrogateescape"))
        if not isinstance(values, dict) or not KINDS.keys() <= values.keys():
            return None
        known = {name: values[name] for name in KINDS}
    except (ValueError, RecursionError):
        return None
    if all(isinstance(value, KINDS[name]) for name, value in known.items()):
        return Receipt(**known)
    return None


def require_journal(path: Path) -> None:
    """Make sure that the file, where there is one, is a journal: nothing else is appended to.

    Raises:
        UsageError: it holds something else, or cannot be read.
    """
    try:
        with path.open("rb") as file:
            line = file.readline(LONGEST_LINE_BYTES).rstrip(b"\n")
    except FileNotFoundError:
        return
    except OSError as error:
        raise UsageError(
            f"--journal {path}: it cannot be read ({error.strerror}): name another --journal"
        ) from error
    torn = BEGINNING.startswith(line[: len(BEGINNING)])  # or empty, or whole
    if not torn and parse_receipt(line) is None:
        raise UsageError(
            f"--journal {path}: this file holds no receipts, and stays as it is:"
            " name another --journal"
        )


def read_receipts(path: Path) -> Iterator[Receipt]:
    """Every whole receipt of a journal; none where there is no such file."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return
    with file:
        yield from filter(None, map(parse_receipt, file))


class SentIndex:
    """What a topic has already acknowledged: 16 bytes a file and 16 bytes a scan, no paths."""

    def __init__(self, receipts: Iterable[Receipt] = (), topic_id: str | None = None) -> None:
        self._files: set[bytes] = set()
        self._scans: set[bytes] = set()
        for receipt in receipts:
            if topic_id in (None, receipt.topic_id):
                self.add(receipt)

    def __len__(self) -> int:
        return len(self._files)

    def add(self, receipt: Receipt) -> None:
        """Remember an acknowledgement."""
        self.add_file(FileStamp(receipt.path, receipt.size_bytes, receipt.mtime_ns))
        self.add_scan(receipt.station, receipt.contest, receipt.scan_id)

    def add_file(self, stamp: FileStamp) -> None:
        """Remember a file as it stands."""
        self._files.add(_digest(stamp.path, str(stamp.size_bytes), str(stamp.mtime_ns)))

    def add_scan(self, station: str, contest: str | None, scan_id: str) -> None:
        """Remember an image of a station."""
        self._scans.add(_digest(station, contest or "", scan_id))

    def has_file(self, stamp: FileStamp) -> bool:
        """True where this file, unchanged, was sent before."""
        return _digest(stamp.path, str(stamp.size_bytes), str(stamp.mtime_ns)) in self._files

    def has_scan(self, station: str, contest: str | None, scan_id: str) -> bool:
        """True where this image of this station was sent before, from whatever file."""
        return _digest(station, contest or "", scan_id) in self._scans


class Journal:
    """An open journal; no other publisher can open it meanwhile.

    Raises:
        UsageError: another publisher uses it, it is no journal, or it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        require_journal(path)
        self.path = path
        self._file = _open_alone(path)
        self._unsynced = 0
        self._synced_s = time.monotonic()

    def append(self, receipts: Iterable[Receipt]) -> None:
        """Write receipts; on disk for certain soon after, at the latest by `sync` or `close`."""
        for receipt in receipts:
            self._file.write(format_receipt(receipt))
            self._unsynced += 1
        due = time.monotonic() - self._synced_s > SYNC_EVERY_S
        if self._unsynced and (due or self._unsynced >= SYNC_EVERY_LINES):
            self.sync()

    def sync(self) -> None:
        """Have everything on disk."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._unsynced, self._synced_s = 0, time.monotonic()

    def close(self) -> None:
        """Sync, and let others open it."""
        if not self._file.closed:
            self.sync()
            self._file.close()


def _open_alone(path: Path) -> IO[bytes]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a+b")
    except OSError as error:
        raise UsageError(
            f"{path}: receipts cannot be written there ({error.strerror}): choose another --journal"
        ) from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise UsageError(
            f"{path}: another publisher writes its receipts there: choose another --journal"
        ) from None
    _end_line(file)
    return file


def _end_line(file: IO[bytes]) -> None:
    """A line torn by a crash must not swallow the next one."""
    if file.seek(0, os.SEEK_END):
        file.seek(-1, os.SEEK_END)
        if file.read(1) != b"\n":
            file.write(b"\n")


def _digest(*parts: str) -> bytes:
    text = "\0".join(parts).encode("utf-8", "surrogateescape")
    return hashlib.blake2b(text, digest_size=16).digest()
