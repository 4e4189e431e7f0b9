"""Typed values out of a TOML table, with every problem collected instead of the first raised.

Each `take_*` returns a usable placeholder after noting a problem, so that the rest of the file is
still checked; whoever parsed raises once, at the end.
"""

from __future__ import annotations

import difflib
import math
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from tallywire.errors import Problem

ID = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
"""Ids become Kafka keys, parts of Redis keys and file names: nothing that needs escaping."""
ID_RULE = "use 1 to 64 letters (a-z), digits, dots, dashes or underscores, a letter or digit first"
TEXT_RULE = "write some text in quotes"
SHOWN = 60


@dataclass(frozen=True, slots=True)
class Table:
    """One table of a file. `path` names it inside the file, for example `contests[0]`."""

    file: str
    path: str
    values: Mapping[str, object]
    problems: list[Problem] = field(default_factory=list)


def parse_toml(text: str, file: str) -> Table:
    """The file's top table; a syntax error is its only problem and leaves it empty."""
    try:
        return Table(file, "", tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        problem = Problem(file, f"not valid TOML: {error}", "correct the line named here")
        return Table(file, "", {}, [problem])


def show(value: object) -> str:
    """A found value, short enough for a message."""
    if value is None:
        return "missing"
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 3]}..."


def key_path(table: Table, key: str) -> str:
    """Where a key stands: `election.toml: contests[0].id`."""
    return f"{table.file}: {table.path}{'.' if table.path and key else ''}{key}"


def note(table: Table, key: str, value: object, remedy: str) -> None:
    """Remember a problem with `key`."""
    shown = value if isinstance(value, Problem) else show(value)
    table.problems.append(Problem(key_path(table, key), str(shown), remedy))


def refuse_unknown(table: Table, known: Sequence[str]) -> None:
    """A misspelt key would be silently ignored otherwise."""
    for key in table.values:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            remedy = f"did you mean {near[0]}?" if near else f"known keys: {', '.join(known)}"
            table.problems.append(Problem(key_path(table, key), "unknown key", remedy))


def take_text(
    table: Table, key: str, *, pattern: str = r".*\S.*", remedy: str = TEXT_RULE, default: str = ""
) -> str:
    """A string that matches `pattern` as a whole; `default` where the key is absent, if given."""
    value = table.values.get(key)
    if value is None and default:
        return default
    if isinstance(value, str) and re.fullmatch(pattern, value):
        return value
    note(table, key, value, remedy)
    return default


def take_id(table: Table, key: str, default: str = "") -> str:
    """An identifier."""
    return take_text(table, key, pattern=ID, remedy=ID_RULE, default=default)


def take_int(table: Table, key: str, low: int, high: int, *, default: int | None = None) -> int:
    """A whole number from `low` to `high`."""
    value = table.values.get(key, default)
    if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
        return value
    note(table, key, value, f"write a whole number from {low} to {high}")
    return low


def take_length(table: Table, key: str, low: float, high: float) -> float:
    """A length in mm from `low` to `high`."""
    value = table.values.get(key)
    if is_number(value) and low <= float(value) <= high:  # type: ignore[arg-type]
        return float(value)  # type: ignore[arg-type]  # is_number has looked
    note(table, key, value, f"write a length in mm from {low:g} to {high:g}")
    return low


def take_bool(table: Table, key: str, *, default: bool) -> bool:
    """True or false."""
    value = table.values.get(key, default)
    if isinstance(value, bool):
        return value
    note(table, key, value, "write true or false")
    return default


def take_ids(table: Table, key: str) -> tuple[str, ...]:
    """A list of one or more texts."""
    value = table.values.get(key)
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        return tuple(value)
    note(table, key, value, 'write a list of ids, for example ["A", "B"]')
    return ()


def take_tables(table: Table, key: str, *, least: int = 0) -> tuple[Table, ...]:
    """An array of tables (`[[key]]`) with at least `least` entries."""
    value = table.values.get(key, [])
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        note(table, key, value, f"write each entry under its own [[{key}]] heading")
        return ()
    if len(value) < least:
        note(table, key, f"{len(value)} entries", f"write at least {least} [[{key}]]")
    prefix = f"{table.path}." if table.path else ""
    return tuple(
        Table(table.file, f"{prefix}{key}[{index}]", item, table.problems)
        for index, item in enumerate(value)
    )


def take_table(table: Table, key: str) -> Table:
    """A table inside this one; empty where absent."""
    value = table.values.get(key, {})
    prefix = f"{table.path}." if table.path else ""
    if isinstance(value, dict):
        return Table(table.file, f"{prefix}{key}", value, table.problems)
    note(table, key, value, f"write its keys under a [{key}] heading")
    return Table(table.file, f"{prefix}{key}", {}, table.problems)


def is_number(value: object) -> bool:
    """True for a finite int or float (and not for a bool)."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def refuse_repeated(table: Table, key: str, ids: Iterable[str]) -> None:
    """Note each id that stands more than once."""
    seen: set[str] = set()
    for one in ids:
        if one and one in seen:
            note(table, key, one, "ids must differ: rename one of them")
        seen.add(one)
