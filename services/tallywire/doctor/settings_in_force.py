"""Every setting with its value, where it comes from and what it means; passwords kept back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from rich.table import Table

from tallywire.addresses import without_password
from tallywire.settings import Settings, variable_of


class SettingSource(StrEnum):
    """Where a value comes from. An option wins over the environment."""

    DEFAULT = "default"
    ENVIRONMENT = "environment"
    OPTION = "option"


@dataclass(frozen=True, slots=True)
class SettingInForce:
    """One setting as it is now."""

    name: str
    value: str | float | bool | None
    source: SettingSource
    variable: str
    meaning: str


def settings_in_force(
    settings: Settings, options: Mapping[str, object]
) -> tuple[SettingInForce, ...]:
    """All settings in the order of their rooms.

    Args:
        settings: as `load_settings(**options)` gave them.
        options: what the command line said; None where it said nothing.
    """
    return tuple(
        SettingInForce(
            name,
            _shown(getattr(settings, name)),
            _source(settings, name, options),
            variable_of(name),
            str(field.description),
        )
        for name, field in Settings.model_fields.items()
    )


def to_table(found: Sequence[SettingInForce]) -> Table:
    """A row for each setting; those that somebody set stand out."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for header in ("Setting", "Value", "From", "Meaning"):
        table.add_column(header, overflow="fold")
    for one in found:
        style = "" if one.source is SettingSource.DEFAULT else "bold"
        table.add_row(one.name, _text(one.value), _origin(one), one.meaning, style=style)
    return table


def to_json(found: Sequence[SettingInForce]) -> list[dict[str, Any]]:
    """The same as JSON values."""
    return [asdict(one) for one in found]


def in_short(found: Sequence[SettingInForce]) -> str:
    """One line: what was set, and that all else is as shipped."""
    given = [one for one in found if one.source is not SettingSource.DEFAULT]
    if not given:
        return "Settings: all as shipped (`tallywire settings` lists them)."
    told = "; ".join(f"{one.name} {_text(one.value)} ({_origin(one)})" for one in given)
    return f"Settings: {told}; all others as shipped (`tallywire settings`)."


def _source(settings: Settings, name: str, options: Mapping[str, object]) -> SettingSource:
    if options.get(name) is not None:
        return SettingSource.OPTION
    given = name in settings.model_fields_set
    return SettingSource.ENVIRONMENT if given else SettingSource.DEFAULT


def _shown(value: Any) -> str | float | bool | None:
    if isinstance(value, str | Path):
        return without_password(str(value))
    return value if isinstance(value, bool | int | float) else None


def _origin(one: SettingInForce) -> str:
    return one.variable if one.source is SettingSource.ENVIRONMENT else str(one.source)


def _text(value: str | float | bool | None) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "-" if value is None else str(value)
