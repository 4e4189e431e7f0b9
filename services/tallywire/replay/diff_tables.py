"""A difference between two generations as tables for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tallywire.ledger.compare import ComparedSheet, DistrictChange, OptionChange, StationChange
from tallywire.replay.comparison import GenerationDifference
from tallywire.replay.lag import some

MOST_ROWS = 200


def print_difference(console: Console, found: GenerationDifference, by: str) -> None:
    """The lines that differ `by` district, station or reason, and how much differs in all."""
    if found.stations:
        table = {"district": by_district, "station": by_station, "reason": by_reason}[by]
        console.print(table(found))
    console.print(headline(found), soft_wrap=True)


def headline(found: GenerationDifference) -> str:
    """How much differs, in a line."""
    changed = sum(bool(one.before and one.after) for one in found.stations if one.reading_changed)
    only = {
        found.before: sum(one.after is None for one in found.stations),
        found.after: sum(one.before is None for one in found.stations),
    }
    alone = "".join(f" {count:,} stations only in {name}," for name, count in only.items() if count)
    lead = [one.district for one in found.districts if one.lead_changed]
    order = sum(one.order_changed for one in found.districts)
    if not found.stations:
        return f"{found.before} and {found.after} are equal: every record, every total"
    text = (
        f"From {found.before} to {found.after}: {changed:,} readings changed,{alone}"
        f" {len(found.districts):,} districts with other totals, {order:,} with another order"
    )
    return f"{text}. THE LEAD CHANGES in {some(lead)}" if lead else f"{text}, the lead in none"


def by_station(found: GenerationDifference) -> Table:
    """One line for each sheet whose reading changed."""
    changed = [one for one in found.stations if one.reading_changed]
    table = Table(title=_title("Sheets", found, len(changed)), title_justify="left")
    for heading in ("District", "Station", "Contest", "Before", "After", "Read", "Counts"):
        table.add_column(heading, overflow="fold")
    for one in changed[:MOST_ROWS]:
        table.add_row(
            one.district, one.station, one.contest, _label(one.before), _label(one.after),
            *_both_votes(one),
        )  # fmt: skip
    return table


def by_district(found: GenerationDifference) -> Table:
    """One line for each option whose votes or place changed, a change of the lead in red."""
    table = Table(title=_title("Districts", found, len(found.districts)), title_justify="left")
    for heading in ("District", "Contest", "Option"):
        table.add_column(heading)
    for heading in ("Before", "After", "Change", "Place before", "Place after"):
        table.add_column(heading, justify="right")
    for district in found.districts[:MOST_ROWS]:
        for cells in _district_rows(district):
            table.add_row(*cells)
        table.add_section()
    return table


def by_reason(found: GenerationDifference) -> Table:
    """One line for each way in which sheets changed."""
    table = Table(title=_title("Reasons", found, len(found.reasons)), title_justify="left")
    for heading in ("Before", "After", "Sheets", "Stations"):
        table.add_column(heading, overflow="fold")
    for one in found.reasons[:MOST_ROWS]:
        table.add_row(one.before, one.after, f"{len(one.stations):,}", some(one.stations))
    return table


def _district_rows(change: DistrictChange) -> Iterator[tuple[str | Text, ...]]:
    before, after = change.stations_before, change.stations_after
    name = Text(change.district, style="bold red" if change.lead_changed else "")
    counted = Text("stations counted", style="dim")
    yield (name, change.contest, counted, *_numbers(before, after), "", "")
    if change.lead_changed:
        old, new = (", ".join(names) or "nobody" for names in change.leaders)
        yield ("", "", Text(f"lead: {old} -> {new}", style="bold red"), "", "", "", "", "")
    for option in change.options:
        if option.before != option.after or option.rank_before != option.rank_after:
            yield ("", "", option.option, *_numbers(option.before, option.after), *_places(option))


def _numbers(before: int, after: int) -> tuple[str, str, str]:
    return f"{before:,}", f"{after:,}", f"{after - before:+,}" if after != before else "0"


def _places(option: OptionChange) -> tuple[str, str | Text]:
    old, new = option.rank_before, option.rank_after
    if old is None or new is None:
        return "-", "-"
    return str(old), Text(str(new), style="bold" if old != new else "")


def _title(what: str, found: GenerationDifference, count: int) -> str:
    cut = f", the first {MOST_ROWS} of {count:,} (all: --json)" if count > MOST_ROWS else ""
    return f"{what} that differ, {found.before} -> {found.after}{cut}"


def _label(sheet: ComparedSheet | None) -> str:
    return sheet.label if sheet else "nothing heard of it"


def _both_votes(change: StationChange) -> tuple[str, str]:
    """What was read and what counts, where both have the sheet."""
    old, new = change.before, change.after
    if old is None or new is None:
        return "", ""
    return _votes(old.read, new.read), _votes(old.votes, new.votes)


def _votes(before: Mapping[str, int], after: Mapping[str, int]) -> str:
    """Only the options that differ: `PAN 12 -> 17`; a dash where there is no number."""
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return ", ".join(f"{name} {before.get(name, '-')} -> {after.get(name, '-')}" for name in names)
