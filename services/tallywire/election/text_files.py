"""Files that people wrote, read whole and bounded; what is wrong with one is a problem."""

from __future__ import annotations

import stat
from pathlib import Path

from tallywire.election.validation import refusal
from tallywire.errors import Problem, words

MOST_BYTES = 64 * 1024 * 1024  # a station list of the largest country is a tenth of this


def read_text(path: Path) -> str:
    """The text of a file.

    Raises:
        InvalidFileError: it cannot be read, is too large, or is no UTF-8.
    """
    problems: list[Problem] = []
    text = decode(read_bytes(path, problems), path, problems)
    if problems:
        raise refusal(problems)
    return text


def read_bytes(path: Path, problems: list[Problem]) -> bytes:
    """The file's bytes; none after a problem."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe or a device might never end
            problems.append(Problem(str(path), "not a plain file", "give the right file"))
            return b""
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the path
        problems.append(Problem(str(path), words(error), "check the path and its rights"))
        return b""
    if len(data) > MOST_BYTES:
        problems.append(Problem(str(path), f"over {MOST_BYTES:,} bytes", "give the right file"))
        return b""
    return data


def decode(data: bytes, path: Path, problems: list[Problem]) -> str:
    """The text, without a byte order mark, its lines ended as Python has them; empty after a
    problem."""
    try:
        text = data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        what = f"not UTF-8 at byte {error.start}"
        problems.append(Problem(str(path), what, "save the file as UTF-8"))
        return ""
    return text.replace("\r\n", "\n").replace("\r", "\n")
