"""A data folder that outlives its stack: whose count it holds, and where its servers listened."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from tallywire.errors import UsageError
from tallywire.workshop.stack.work_folder import is_taken

FILE = "tallywire-up.json"


@dataclass(frozen=True, slots=True)
class KeptData:
    """What the next start must not change, and what it had better not: bookmarks name ports."""

    election: str  # id
    partitions: int
    ports: Mapping[str, int] = field(default_factory=dict)


_ADAPTER = TypeAdapter(KeptData)


def read_kept(folder: Path) -> KeptData | None:
    """What an earlier start has written down; None where there was none.

    Raises:
        UsageError: the folder holds something else, or its file is damaged.
    """
    if is_taken(folder, FILE):
        raise UsageError(
            f"{folder} is not empty and no data of tallywire up: choose another --data"
        )
    path = folder / FILE
    if not path.is_file():
        return None
    try:
        return _ADAPTER.validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise UsageError(
            f"{path} cannot be read: {error}. Restore it, or choose another --data"
        ) from error


def write_kept(folder: Path, kept: KeptData) -> None:
    """Write it down, whole or not at all."""
    half = folder / f"{FILE}.part"
    half.write_text(json.dumps(asdict(kept), indent=2) + "\n", encoding="utf-8")
    half.replace(folder / FILE)


def require_same_election(kept: KeptData, election: str, folder: Path) -> None:
    """Raise UsageError where the folder holds another election's count."""
    if kept.election != election:
        raise UsageError(
            f"{folder} holds the count of {kept.election}, not of {election}: choose another --data"
        )
