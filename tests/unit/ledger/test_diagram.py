"""The picture of a station's states in ARCHITECTURE.md: every arrow names a test that exists."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from tallywire.ledger.state import Status

HERE = Path(__file__)
TEXT = HERE.parents[3].joinpath("ARCHITECTURE.md").read_text()
STATES = "|".join(Status)


def arrows() -> set[tuple[str, str, str]]:
    return set(re.findall(rf"^    ({STATES}) --> ({STATES}): (.+)$", TEXT, re.MULTILINE))


def rows() -> dict[tuple[str, str, str], str]:
    found = re.findall(rf"^\| ({STATES}) \| ({STATES}) \| (.+?) \| `(\w+)` \|$", TEXT, re.MULTILINE)
    return {(start, end, by): test for start, end, by, test in found}


def test_every_arrow_has_its_row_and_every_row_its_arrow() -> None:
    assert len(arrows()) >= 20
    assert arrows() == set(rows())


def test_every_row_names_a_test_that_exists() -> None:
    tree = ast.parse(HERE.with_name("test_state.py").read_text())
    tests = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert set(rows().values()) <= tests


def test_every_state_is_drawn() -> None:
    assert {state for arrow in arrows() for state in arrow[:2]} == set(Status)
