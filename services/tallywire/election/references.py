"""Whether the ids in a file differ and refer to each other.

They are looked up in the file as it stands, not in its model: a file with one wrong value would
otherwise hide every reference that leads nowhere.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from tallywire.election.validation import Location, key_path, nearest, show
from tallywire.errors import Problem

Found = tuple[Location, object]


def find(value: object, pattern: str, base: Location = ()) -> Iterator[Found]:
    """Everything at places such as `contests[].options[].id`, with its place; wrong shapes are
    passed over.

    Args:
        value: where to look.
        pattern: keys, with `[]` behind those whose every entry is meant.
        base: where `value` itself stands.
    """
    found: list[Found] = [(base, value)]
    for step in pattern.split("."):
        key = step.removesuffix("[]")
        found = [
            ((*where, key), table[key])
            for where, table in found
            if isinstance(table, dict) and key in table
        ]
        if step.endswith("[]"):
            found = [
                ((*where, at), entry)
                for where, entries in found
                if isinstance(entries, list)
                for at, entry in enumerate(entries)
            ]
    yield from found


def texts(value: object, pattern: str) -> tuple[str, ...]:
    """The texts at those places."""
    return tuple(text for _, text in find(value, pattern) if isinstance(text, str))


def entries(found: Iterable[Found]) -> Iterator[Found]:
    """Every entry of the tables found."""
    for where, table in found:
        if isinstance(table, dict):
            yield from (((*where, key), entry) for key, entry in table.items())


def refuse_repeated(found: Iterable[Found], file: str) -> Iterator[Problem]:
    """A problem for each text that stands there a second time."""
    first: dict[str, Location] = {}
    for where, text in found:
        if not isinstance(text, str):
            continue
        if text in first:
            there = key_path(first[text])
            remedy = f"ids must differ, and {there} is the same: rename one of them"
            yield Problem(key_path(where, file), show(text), remedy)
        first.setdefault(text, where)


def refuse_unknown(
    found: Iterable[Found], known: Collection[str], thing: str, file: str
) -> Iterator[Problem]:
    """A problem for each text that is none of the known ids of a `thing`; for none where no id is
    known, since then these are what is wrong."""
    for where, text in found:
        if known and isinstance(text, str) and text not in known:
            remedy = nearest(text, known, f"no {thing} has this id; {thing}s are")
            yield Problem(key_path(where, file), show(text), remedy)


def refuse_unknown_keys(
    found: Iterable[Found], known: Collection[str], thing: str, file: str
) -> Iterator[Problem]:
    """The same for each key of the tables found."""
    for where, _ in entries(found):
        if known and where[-1] not in known:
            remedy = nearest(str(where[-1]), known, f"{thing}s are")
            yield Problem(key_path(where, file), f"unknown {thing}", remedy)
