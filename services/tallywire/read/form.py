"""Which form the sheets are of, and what is known about their station."""

from __future__ import annotations

from dataclasses import dataclass

from tallywire.election.election import Contest
from tallywire.election.loading import load_election, load_layout
from tallywire.errors import UsageError
from tallywire.settings import Settings
from tallywire.sheet.layout import Layout


@dataclass(frozen=True, slots=True, kw_only=True)
class FormOptions:
    """What the user said about the sheets; whatever is None was not said."""

    layout: str | None = None
    election: str | None = None
    contest: str | None = None
    station: str | None = None


@dataclass(frozen=True, slots=True)
class FormContext:
    """The layout; contest and registered voters where they are known."""

    layout: Layout
    contest: Contest | None = None
    registered: int | None = None


def find_form(settings: Settings, options: FormOptions) -> FormContext:
    """Layout, contest and registered voters, as far as the options tell them.

    Raises:
        UsageError: the election has no such contest or station.
        InvalidFileError: the election or the layout is wrong.
    """
    if options.layout and not (options.election or options.contest or options.station):
        return FormContext(load_layout(options.layout))
    loaded = load_election(settings.election)
    found = loaded.election
    contest = found.contest(options.contest)
    if contest is None:
        known = ", ".join(item.id for item in found.contests)
        named = options.contest or "(none)"
        raise UsageError(f"--contest {named}: election {found.id} has {known}")
    layout = load_layout(options.layout) if options.layout else loaded.layouts[contest.id]
    if options.station is None:
        return FormContext(layout, contest)
    if options.station not in found.stations:
        raise UsageError(f"--station {options.station}: election {found.id} has no such station")
    return FormContext(layout, contest, found.stations[options.station].registered)
