"""Evidence as a folder that an outsider can check with nothing but this folder.

`SHA256SUMS` lists every other file, in the form that `sha256sum --check` reads.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from tallywire.errors import InvalidFileError, Problem, UsageError, words
from tallywire.evidence.event_log import Evidence, TopicNames
from tallywire.evidence.exported_records import ExportedRecord, from_text, to_text

SUMS, ABOUT, ELECTION = "SHA256SUMS", "export.json", "election"
REMEDY = "ask for the export again, and compare its SHA-256 by phone"


@dataclass(frozen=True, slots=True)
class ExportAbout:
    """What an export says of itself. `scans` are the bounds of the scans topic, by partition;
    `live` the generation that was live; `starts` where partial generations begin, by name."""

    election: str
    rehearsal: bool
    exported_at: str  # ISO 8601
    code_version: str
    names: TopicNames
    scans: Mapping[int, tuple[int, int]]
    generations: tuple[str, ...]
    live: str
    settled: bool  # nothing was counted while the export was written
    starts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


_ABOUT = TypeAdapter(ExportAbout)


def file_of(names: TopicNames, topic: str) -> str:
    """The file of a topic."""
    kinds = {
        names.readings: "readings", names.corrections: "corrections", names.rejected: "rejected",
    }  # fmt: skip
    return f"{kinds[topic]}.jsonl"


def totals_file(generation: str) -> str:
    """The file of a generation's totals."""
    return f"totals-{generation}.json"


def write_lines(path: Path, lines: Iterable[ExportedRecord]) -> int:
    """Write one line each; how many."""
    count = 0
    with path.open("x", encoding="utf-8", newline="\n") as file:
        for line in lines:
            file.write(to_text(line) + "\n")
            count += 1
    return count


def write_about(folder: Path, about: ExportAbout) -> None:
    """Write what the export says of itself."""
    (folder / ABOUT).write_text(json.dumps(asdict(about), indent=2, sort_keys=True) + "\n")


def seal(folder: Path) -> str:
    """Write the sums of all files; the SHA-256 (hex) of the list itself stands for the export."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != SUMS)
    text = "".join(f"{hash_file(path)}  {path.relative_to(folder).as_posix()}\n" for path in files)
    (folder / SUMS).write_text(text)
    return hash_file(folder / SUMS)


def check_seal(folder: Path) -> str:
    """The SHA-256 (hex) of the list of sums, once every file has its sum.

    Raises:
        InvalidFileError: naming every file that was changed, is missing or was added.
    """
    listed = _read_sums(folder / SUMS)
    present = {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and path.name != SUMS
    }
    problems = [
        Problem(name, "is missing" if name in listed else "is not in the list of sums", REMEDY)
        for name in sorted(listed.keys() ^ present)
    ]
    for name in sorted(listed.keys() & present):
        found = hash_file(folder / name)
        if found != listed[name]:
            problems.append(Problem(name, f"was changed: SHA-256 {found}", REMEDY))
    if problems:
        raise InvalidFileError(problems)
    return hash_file(folder / SUMS)


def hash_file(path: Path) -> str:
    """SHA-256 of a file in lower-case hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def folder_evidence(folder: Path) -> tuple[Evidence, ExportAbout]:
    """What an export tells; its sums are not checked here.

    Raises:
        UsageError: it is no export. A line that cannot be read raises InvalidFileError later.
    """
    try:
        about = _ABOUT.validate_json((folder / ABOUT).read_bytes())
    except (OSError, ValidationError) as error:
        raise UsageError(f"{folder / ABOUT}: not an export of Tallywire ({error})") from None

    def read(topic: str) -> Iterator[ExportedRecord]:
        return _read_lines(folder / file_of(about.names, topic))

    return Evidence(f"the export in {folder}", about.names, read, lambda: about.scans), about


def _read_lines(path: Path) -> Iterator[ExportedRecord]:
    try:
        with path.open(encoding="utf-8", newline="\n") as file:
            for number, text in enumerate(file, 1):
                try:
                    yield from_text(text)
                except ValueError as error:
                    raise _wrong(f"{path.name}:{number}", str(error)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise _wrong(path.name, words(error)) from None


def _read_sums(path: Path) -> dict[str, str]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise _wrong(str(path), words(error)) from None
    pairs = [line.partition("  ") for line in lines]
    if not pairs or not all(len(digest) == 64 and name for digest, _, name in pairs):
        raise _wrong(str(path), "not a list of SHA-256 sums")
    return {name: digest for digest, _, name in pairs}


def read_totals(path: Path) -> tuple[str, dict[str, dict[str, int]]]:
    """The generation and totals that `totals_json` describes.

    Raises:
        InvalidFileError: if it is no such file.
    """
    try:
        body: Any = json.loads(path.read_text(encoding="utf-8"))
        totals = TypeAdapter(dict[str, dict[str, int]]).validate_python(body["totals"], strict=True)
        return str(body["generation"]), totals
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _wrong(str(path), f"no totals: {words(error)}") from None


def _wrong(where: str, what: str) -> InvalidFileError:
    return InvalidFileError([Problem(where, what[:300], REMEDY)])
