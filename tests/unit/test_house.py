"""The house rules that a walk through the files can keep."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path

import pytest

from tests.support.running_order import LONGEST_FIRST, NEED_JAVA

ROOT = Path(__file__).parents[2]
PACKAGE, DASHBOARD, DEPLOY, TESTS = (
    ROOT / part for part in ("services/tallywire", "dashboard", "deploy", "tests")
)
UNIT = TESTS / "unit"
CODE = sorted(path for part in (PACKAGE, DASHBOARD, DEPLOY) for path in part.rglob("*.py"))
EVERYTHING = [*CODE, *sorted(TESTS.rglob("*.py"))]
MOST_LINES_OF_A_FILE, MOST_LINES_OF_A_FUNCTION = 350, 60

# Unit tests of what is no module: the house itself, the compose file, the lock files.
OF_NO_MODULE = {"test_architecture.py", "test_house.py", "deploy/test_compose.py",
                "deploy/test_locks.py"}  # fmt: skip


def relative_id(path: Path) -> str:
    return str(path.relative_to(ROOT))


def modules_named_by(test: Path) -> Iterator[Path]:
    """`test_state_properties.py` may be about `state_properties` or about `state`."""
    room = test.relative_to(UNIT).parent
    folder = ROOT / room if room.parts[:1] in {("dashboard",), ("deploy",)} else PACKAGE / room
    words = test.stem.removeprefix("test_").split("_")
    for name in accumulate(words, "{}_{}".format):
        yield folder / f"{name}.py"
        yield folder / name / "__init__.py"


@pytest.mark.parametrize("test", sorted(UNIT.rglob("test_*.py")), ids=relative_id)
def test_every_unit_test_names_its_module(test: Path) -> None:
    is_exception = str(test.relative_to(UNIT)) in OF_NO_MODULE
    assert any(path.is_file() for path in modules_named_by(test)) != is_exception


def test_no_class_name_stands_twice() -> None:
    names = Counter(
        node.name
        for path in CODE
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef)
    )
    assert [name for name, times in names.items() if times > 1] == []


def test_no_file_is_called_after_everything() -> None:
    assert not {"process.py", "utils.py", "helpers.py", "common.py"} & {
        path.name for path in EVERYTHING
    }


@pytest.mark.parametrize("path", EVERYTHING, ids=relative_id)
def test_files_and_functions_can_be_read_at_one_sitting(path: Path) -> None:
    text = path.read_text()
    assert text.count("\n") <= MOST_LINES_OF_A_FILE
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            # What is to be followed: not a command's list of options, nor its help.
            first = node.body[1 if ast.get_docstring(node) and node.body[1:] else 0]
            lines = node.end_lineno - first.lineno + 1
            assert lines <= MOST_LINES_OF_A_FUNCTION, f"{node.name}() has {lines} lines"


def test_files_that_run_first_or_need_java_are_there() -> None:
    named = [*NEED_JAVA, *LONGEST_FIRST]
    assert [name for name in named if not (TESTS / name).is_file()] == []


def own_names(tree: ast.Module) -> tuple[set[str], set[str]]:
    """What a file takes from our code: its names by full name, and what it calls them."""
    full, local = set(), set()
    for node in ast.walk(tree):
        if not isinstance(node, ast.ImportFrom) or not node.module:
            continue
        if node.module.split(".")[0] in {"tallywire", "dashboard", "deploy"}:
            full |= {f"{node.module}.{alias.name}" for alias in node.names}
            local |= {alias.asname or alias.name for alias in node.names}
    return full, local


@pytest.mark.parametrize("path", sorted(TESTS.rglob("*.py")), ids=relative_id)
def test_no_private_name_is_tested(path: Path) -> None:
    tree = ast.parse(path.read_text())
    full, local = own_names(tree)
    used = {
        f"{node.value.id}.{node.attr}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id in local
    }
    private = {name for name in full | used if name.rpartition(".")[2].startswith("_")}
    assert not {name for name in private if not name.endswith("__")}
