"""How a generation was made: what its votes were read with, and from where. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from pydantic import TypeAdapter, ValidationError

from tallywire.election.election import LayoutUsed

BEGINNING = "beginning"
WORKER, REPLAY = "worker", "replay"


@dataclass(frozen=True, slots=True)
class GenerationOrigin:
    """What is written down when a generation is opened; never changed afterwards.

    `layouts` are by contest id. `model_version` is None where whatever the server has newest reads.
    `begin` is "beginning", or the time (ISO 8601) from which on scans were read; `starts` are then
    the offsets, by `topic|partition`. Generations made before this was written know only districts.
    """

    districts: tuple[str, ...] = ()
    made_by: str = WORKER
    created_at: str = ""  # ISO 8601
    code_version: str = ""
    model: str = ""
    model_version: int | None = None
    layouts: Mapping[str, LayoutUsed] = field(default_factory=dict)
    begin: str = BEGINNING
    starts: Mapping[str, int] = field(default_factory=dict)

    @property
    def is_partial(self) -> bool:
        """True where scans before some time were left out."""
        return self.begin != BEGINNING

    @property
    def model_name(self) -> str:
        """For people: `digits 2`, or `digits, newest`."""
        version = "" if self.model_version is None else f" {self.model_version}"
        return f"{self.model}{version or ', newest'}" if self.model else "unknown"


_ADAPTER = TypeAdapter(GenerationOrigin)


def to_values(about: GenerationOrigin) -> dict[str, Any]:
    """As JSON values."""
    return asdict(about)


def from_values(values: Mapping[str, Any]) -> GenerationOrigin:
    """What `to_values` made; keys that are missing get their default, others are ignored."""
    try:
        return _ADAPTER.validate_python(dict(values))
    except ValidationError:
        return GenerationOrigin(districts=tuple(map(str, values.get("districts", ()))))


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
