"""The hot folder: a scanner writes into it, and each file is sent once it is complete.

A file is complete when its size and time have stood still and its last bytes are an image's end.
Where the end cannot be told (TIFF), or is missing, it must have stood still for longer. Changes
are heard from the operating system, and looked for now and then as well, since network folders
often tell nothing.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import watchfiles

from tallywire.edge.image_headers import ImageFormat, sniff_format
from tallywire.errors import UsageError
from tallywire.publish.files import FileStamp, find_scans, is_scan_name, stamp

TICK_S = 0.2
HEAD_BYTES, TAIL_BYTES = 16, 128
PNG_END = b"IEND\xaeB`\x82"
JPEG_END = b"\xff\xd9"


@dataclass(frozen=True, slots=True)
class SettlingTimes:
    """How long a file must have stood still."""

    settle_s: float = 1.0  # with its end in place
    unended_s: float = 10.0  # without
    look_every_s: float = 5.0  # how often the folders are searched


@dataclass(frozen=True, slots=True)
class PendingFile:
    """A file that may still grow: its stamp, and since when it is the same."""

    stamp: FileStamp
    since_s: float


def has_end(head: bytes, tail: bytes) -> bool:
    """True where the first and last bytes of a file say that it is whole: JPEG and PNG only.

    Scanners may pad behind the end mark.
    """
    kind = sniff_format(head)
    if kind is ImageFormat.JPEG:
        return JPEG_END in tail
    return kind is ImageFormat.PNG and PNG_END in tail


def needed_s(found: FileStamp, patience: SettlingTimes) -> float:
    """How long this file must have stood still. Raises OSError where it cannot be read."""
    with Path(found.path).open("rb") as file:
        head = file.read(HEAD_BYTES)
        file.seek(max(0, found.size_bytes - TAIL_BYTES))
        ended = has_end(head, file.read(TAIL_BYTES))
    return patience.settle_s if ended else patience.unended_s


def watch(
    folders: Sequence[Path],
    is_known: Callable[[FileStamp], bool],
    patience: SettlingTimes,
    stop: threading.Event,
    say: Callable[[str], object],
) -> Iterator[Path | None]:
    """Yield each complete file that is not known, and None whenever there is none just now.

    A file that changes after it was yielded is yielded again. A folder that goes away, as network
    folders do, is waited for. Ends when `stop` is set.

    Raises:
        UsageError: one of `folders` is none.
    """
    for folder in folders:
        if not folder.is_dir():
            raise UsageError(f"{folder}: --watch needs a folder")
    search = FolderSearch(say)
    standing: dict[Path, PendingFile] = {}
    given: dict[Path, FileStamp] = {}
    look_at_s = 0.0
    for changed in _changes(folders, stop):
        now_s = time.monotonic()
        look = now_s >= look_at_s
        candidates = {*changed, *(search(folders) if look else ())}
        for path in sorted(candidates - standing.keys()):
            standing[path] = PendingFile(FileStamp(str(path), -1, -1), now_s)
        for path in _complete(standing, given, is_known, patience):
            yield path
        yield None
        if look:  # a search of a large folder takes its time: no more than a tenth of ours
            took_s = time.monotonic() - now_s
            look_at_s = time.monotonic() + max(patience.look_every_s, 10 * took_s)


class FolderSearch:
    """Finds what lies in folders; says once when one cannot be read, and when it can again."""

    def __init__(self, say: Callable[[str], object]) -> None:
        self._say = say
        self._trouble = ""

    def __call__(self, folders: Sequence[Path]) -> list[Path]:
        """All scans in `folders`; none where there is trouble with one of them."""
        try:
            found = list(find_scans(folders))
            trouble = ""
        except UsageError as error:
            found, trouble = [], str(error)
        if trouble != self._trouble:
            self._say(f"Waiting: {trouble}" if trouble else "The folder can be read again")
            self._trouble = trouble
        return found


def _changes(folders: Sequence[Path], stop: threading.Event) -> Iterator[Sequence[Path]]:
    """Image files that changed, as the system tells it; at least every tick."""
    watcher = watchfiles.watch(
        *(folder.absolute() for folder in folders),
        watch_filter=lambda _, path: is_scan_name(Path(path).name),
        debounce=50,
        step=20,
        rust_timeout=int(TICK_S * 1000),
        yield_on_timeout=True,
        stop_event=stop,
        raise_interrupt=True,
    )
    yield ()  # what lies there already
    for changes in watcher:
        yield [Path(path) for _, path in changes]


def _complete(
    standing: dict[Path, PendingFile],
    given: dict[Path, FileStamp],
    is_known: Callable[[FileStamp], bool],
    patience: SettlingTimes,
) -> Iterator[Path]:
    """Yield what has stood still for long enough; forget what is gone or known."""
    for path, before in list(standing.items()):
        now_s = time.monotonic()
        try:
            now = stamp(path)
            if is_known(now):
                given.pop(path, None)
                del standing[path]
            elif now == given.get(path):
                del standing[path]
            elif now != before.stamp:
                standing[path] = PendingFile(now, now_s)
            elif now_s - before.since_s >= needed_s(now, patience):
                del standing[path]
                given[path] = now
                yield path
        except OSError:  # renamed or removed; or locked, and then found again by the next search
            del standing[path]
