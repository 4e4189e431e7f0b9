"""Which builds of the ledger there are, and how each was made: with what, and from where. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from pydantic import TypeAdapter, ValidationError

from tallywire.election.election import LayoutUsed
from tallywire.records import Partition

BEGINNING = "beginning"
WORKER, REPLAY = "worker", "replay"


@dataclass(frozen=True, slots=True)
class GenerationOrigin:
    """What is written down when a generation is opened; never changed afterwards.

    `layouts` are by contest id. `model_version` is None where whatever the server has newest reads.
    `begin` is "beginning", or the time (ISO 8601) from which on scans were read; `starts` are then
    the offsets. Generations made before this was written know only districts.
    """

    districts: tuple[str, ...] = ()
    made_by: str = WORKER
    created_at: str = ""  # ISO 8601
    code_version: str = ""
    model: str = ""
    model_version: int | None = None
    layouts: Mapping[str, LayoutUsed] = field(default_factory=dict)
    begin: str = BEGINNING
    starts: Mapping[Partition, int] = field(default_factory=dict)

    @property
    def is_partial(self) -> bool:
        """True where scans before some time were left out."""
        return self.begin != BEGINNING

    @property
    def model_name(self) -> str:
        """For people: `digits 2`, or `digits, newest`."""
        version = "" if self.model_version is None else f" {self.model_version}"
        return f"{self.model}{version or ', newest'}" if self.model else "unknown"


@dataclass(frozen=True, slots=True)
class Generation:
    """One full build of an election's ledger; `about` is what its builder said when opening it."""

    name: str
    live: bool
    about: GenerationOrigin


_ADAPTER = TypeAdapter(GenerationOrigin)


def to_values(about: GenerationOrigin) -> dict[str, Any]:
    """As JSON values."""
    return {**asdict(about), "starts": starts_to_values(about.starts)}


def from_values(values: Mapping[str, Any]) -> GenerationOrigin:
    """What `to_values` made; keys that are missing get their default, others are ignored."""
    try:
        starts = starts_from_values(values.get("starts") or {})
        return _ADAPTER.validate_python({**values, "starts": starts})
    except (ValidationError, ValueError):
        return GenerationOrigin(districts=tuple(map(str, values.get("districts", ()))))


def starts_to_values(starts: Mapping[Partition, int]) -> dict[str, int]:
    """Offsets by partition as JSON values."""
    return {str(log): offset for log, offset in starts.items()}


def starts_from_values(values: Mapping[str, int]) -> dict[Partition, int]:
    """What `starts_to_values` made.

    Raises:
        ValueError: a key is no partition.
    """
    return {Partition.parse(log): offset for log, offset in values.items()}


def by_number(name: str) -> tuple[int, str]:
    """What names of generations are sorted by: g2 before g10."""
    return len(name), name


def differences(wanted: GenerationOrigin, found: GenerationOrigin) -> tuple[str, ...]:
    """Why votes read as `wanted` do not belong into a generation made as `found`; for people."""
    lines = []
    if (wanted.model, wanted.model_version) != (found.model, found.model_version):
        lines.append(f"model: {found.model_name} there, {wanted.model_name} asked for")
    for contest in sorted(wanted.layouts.keys() | found.layouts.keys()):
        here, there = wanted.layouts.get(contest), found.layouts.get(contest)
        if here != there:
            lines.append(f"layout of {contest}: {there} there, {here} asked for")
    if wanted.begin != found.begin:
        lines.append(f"from: {found.begin} there, {wanted.begin} asked for")
    return tuple(lines)
