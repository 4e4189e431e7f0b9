"""A hot folder gives each file once, and only when it is whole. Real files, real clock."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tallywire.errors import UsageError
from tallywire.publish.files import FileStamp, stamp
from tallywire.publish.hot_folder import SettlingTimes, has_end, needed_s, watch
from tests.support.waiting import wait_until

JPEG = b"\xff\xd8\xff\xe0" + bytes(5000) + b"\xff\xd9"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(5000) + b"\0\0\0\0IEND\xaeB`\x82"
TIFF = b"II*\0" + bytes(5000)
QUICK = SettlingTimes(settle_s=0.2, unended_s=1.5, look_every_s=0.5)


class Watcher:
    """Watches a folder in a thread; `seen` fills with what it gives, and when."""

    def __init__(self, folder: Path) -> None:
        self.seen: list[tuple[str, float]] = []
        self.known: set[FileStamp] = set()
        self.said: list[str] = []
        self.stop = threading.Event()
        self._folder = folder
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        for path in watch(
            [self._folder], self.known.__contains__, QUICK, self.stop, self.said.append
        ):
            if path:
                self.seen.append((path.name, time.monotonic()))

    def names(self, count: int, within_s: float = 8.0) -> list[str]:
        """The names seen, once there are `count`, and then a little later."""
        wait_until(lambda: len(self.seen) >= count, within_s, lambda: str(self.seen))
        time.sleep(0.3)
        return [name for name, _ in self.seen]

    def end(self) -> None:
        self.stop.set()
        self._thread.join()


@pytest.fixture
def watcher(tmp_path: Path) -> Iterator[Watcher]:
    (tmp_path / "early.jpg").write_bytes(JPEG)
    watcher = Watcher(tmp_path)
    yield watcher
    watcher.end()


def test_what_lies_there_and_what_comes_later_is_given_once(
    watcher: Watcher, tmp_path: Path
) -> None:
    assert watcher.names(1) == ["early.jpg"]
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "late.png").write_bytes(PNG)
    (tmp_path / ".hidden.jpg").write_bytes(JPEG)
    (tmp_path / "notes.txt").write_text("no scan")
    assert watcher.names(2) == ["early.jpg", "late.png"]
    time.sleep(1.2)  # more searches find nothing new
    assert len(watcher.seen) == 2


def test_a_slow_writer_is_waited_for(watcher: Watcher, tmp_path: Path) -> None:
    watcher.names(1)
    with (tmp_path / "slow.jpg").open("wb") as file:
        for start in range(0, len(JPEG), 500):
            file.write(JPEG[start : start + 500])
            file.flush()
            time.sleep(0.15)
        ended_s = time.monotonic()
    assert watcher.names(2)[1:] == ["slow.jpg"]
    assert watcher.seen[1][1] >= ended_s


def test_a_writer_that_pauses_without_an_end_mark_is_waited_for_longer(
    watcher: Watcher, tmp_path: Path
) -> None:
    watcher.names(1)
    path = tmp_path / "paused.jpg"
    path.write_bytes(JPEG[:3000])
    time.sleep(1.0)  # five times as long as a whole file must stand still
    assert len(watcher.seen) == 1
    with path.open("ab") as file:
        file.write(JPEG[3000:])
    assert watcher.names(2)[1:] == ["paused.jpg"]


def test_a_torn_file_is_given_in_the_end(watcher: Watcher, tmp_path: Path) -> None:
    (tmp_path / "torn.jpg").write_bytes(JPEG[:3000])
    assert sorted(watcher.names(2)) == ["early.jpg", "torn.jpg"]


def test_a_rename_into_place_is_seen(watcher: Watcher, tmp_path: Path) -> None:
    watcher.names(1)
    part = tmp_path / "renamed.jpg.part"
    part.write_bytes(JPEG)
    time.sleep(0.5)
    part.rename(tmp_path / "renamed.jpg")
    assert watcher.names(2)[1:] == ["renamed.jpg"]


def test_a_file_written_anew_is_given_again(watcher: Watcher, tmp_path: Path) -> None:
    watcher.names(1)
    (tmp_path / "early.jpg").write_bytes(JPEG[:-2] + b"another" + JPEG[-2:])
    assert watcher.names(2) == ["early.jpg", "early.jpg"]


def test_what_is_known_is_not_given(tmp_path: Path) -> None:
    path = tmp_path / "1.jpg"
    path.write_bytes(JPEG)
    watcher = Watcher(tmp_path)
    watcher.known.add(stamp(path))
    (tmp_path / "2.jpg").write_bytes(JPEG)
    assert watcher.names(1) == ["2.jpg"]
    watcher.end()


def test_a_folder_that_goes_away_is_waited_for(tmp_path: Path) -> None:
    folder = tmp_path / "share"
    folder.mkdir()
    (folder / "1.jpg").write_bytes(JPEG)
    watcher = Watcher(folder)
    assert watcher.names(1) == ["1.jpg"]
    folder.rename(tmp_path / "away")
    wait_until(lambda: watcher.said, 8)
    (tmp_path / "away" / "2.jpg").write_bytes(JPEG)
    (tmp_path / "away").rename(folder)
    assert watcher.names(2) == ["1.jpg", "2.jpg"]
    wait_until(lambda: len(watcher.said) > 1, 8)
    watcher.end()
    assert [line.split(":")[0] for line in watcher.said] == [
        "Waiting",
        "The folder can be read again",
    ]


def test_a_file_cannot_be_watched(tmp_path: Path) -> None:
    path = tmp_path / "1.jpg"
    path.touch()
    with pytest.raises(UsageError, match="folder"):
        next(watch([path], lambda _: False, QUICK, threading.Event(), pytest.fail))


@pytest.mark.parametrize(
    ("content", "ended"),
    [
        (JPEG, True),
        (JPEG + bytes(40), True),
        (JPEG[:-2], False),
        (PNG, True),
        (PNG[:-1], False),
        (TIFF, False),
        (b"", False),
    ],
)
def test_the_end_of_an_image(tmp_path: Path, content: bytes, ended: bool) -> None:
    assert has_end(content[:16], content[-128:]) is ended
    path = tmp_path / "a.jpg"
    path.write_bytes(content)
    assert needed_s(stamp(path), QUICK) == (QUICK.settle_s if ended else QUICK.unended_s)
