"""The tables of election.toml, key by key."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import Field

from tallywire.election.election import OptionKind
from tallywire.election.layout_models import Colour
from tallywire.election.validation import FileModel, Id, Remedy, Text

MOST_VOTES = 10**12

VoteCount = Annotated[
    int, Field(ge=0, le=MOST_VOTES), Remedy(f"write a whole number from 0 to {MOST_VOTES}")
]


class DistrictTable(FileModel):
    """`[[districts]]`."""

    id: Id
    name: Text


class OptionTable(FileModel):
    """`[[contests.options]]`: one line of the ballot."""

    id: Id
    name: Text
    kind: Annotated[
        OptionKind, Field(strict=False), Remedy(f"write one of {', '.join(OptionKind)}")
    ] = OptionKind.PARTY
    colour: Colour


class ContestTable(FileModel):
    """`[[contests]]`. `official` holds results by district and option."""

    id: Id
    name: Text
    layout: Id
    options: Annotated[list[OptionTable], Field(min_length=1)]
    official: dict[str, dict[str, VoteCount]] = Field(default_factory=dict)


class ElectionFile(FileModel):
    """The whole file."""

    id: Id
    name: Text
    date: Annotated[date, Remedy("write the day as 2015-06-07, without quotes")]
    rehearsal: Annotated[bool, Remedy("write true or false")] = False
    districts: Annotated[list[DistrictTable], Field(min_length=1)]
    contests: Annotated[list[ContestTable], Field(min_length=1)]
