"""The import rule of ARCHITECTURE.md, kept by walking the syntax trees."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "services" / "tallywire"

# Pure files in rooms that are not.
PURE_BESIDE = (
    "evidence/lines.py", "evidence/story.py", "reviewing/impact.py", "reviewing/decide.py",
    "demo/faults/verdict.py",
)  # fmt: skip
PURE_FILES = sorted(
    path
    for room in ("sheet", "reading", "ledger")
    for path in (PACKAGE / room).rglob("*.py")
    # The Redis store and its read side stand beside the pure state machine.
    if path.name not in {"store.py", "snapshot.py", "generations.py", "opening.py"}
)
PURE_FILES += [PACKAGE / name for name in PURE_BESIDE]
PURE_FILES.append(PACKAGE / "demo" / "faults" / "verdict.py")  # judges; must not look itself
OUTSIDE = {
    "faust", "mode", "aiokafka", "kafka", "redis", "grpc", "tensorflow", "tensorflow_serving",
    "keras", "streamlit", "os", "io", "pathlib", "time", "socket", "subprocess", "asyncio",
    "threading", "tempfile", "shutil", "typer", "rich", "structlog", "pydantic_settings",
}  # fmt: skip
CLOCKS = {"now", "today", "utcnow", "monotonic", "perf_counter"}
OWN_PURE = {
    "sheet",
    "reading",
    "ledger",
    "records",
    "reasons",
    "election",
    "errors",
    "wire",
    "evidence",
    "reviewing",
}

HEAVY = {"tensorflow", "tensorflow_serving", "keras"}
MAY_IMPORT_TENSORFLOW = {"training", "modelserver", "evaluation"}
PROCESSES = {
    "publish", "worker", "modelserver", "rendering", "single", "doctor", "training", "evaluation",
    "report", "replay", "verifying", "exporting", "reviewing", "rejecting",
}  # fmt: skip
ALLOWED = {("evaluation", "training")}  # the same hands, loaders and SavedModels


def imported_modules(path: Path) -> set[str]:
    """Every module that a file imports, anywhere in it, as dotted names."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def room_of(path: Path) -> str:
    """The room (folder or top file) that a source file belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def own_rooms(names: set[str]) -> set[str]:
    """The rooms of this package among imported modules."""
    return {
        parts[1] for name in names if (parts := name.split("."))[0] == "tallywire" and parts[1:]
    }


def relative_id(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


@pytest.mark.parametrize("path", PURE_FILES, ids=relative_id)
def test_a_pure_room_touches_nothing_outside(path: Path) -> None:
    modules = imported_modules(path)
    assert not {name.split(".")[0] for name in modules} & OUTSIDE
    assert own_rooms(modules) - {"__version__"} <= OWN_PURE


@pytest.mark.parametrize("path", PURE_FILES, ids=relative_id)
def test_a_pure_room_opens_no_file_and_reads_no_clock(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            called = node.func
            name = called.id if isinstance(called, ast.Name) else getattr(called, "attr", "")
            assert name not in CLOCKS | {"open", "imread", "imwrite", "getenv"}, (
                f"line {node.lineno}: {name}()"
            )


def test_only_the_model_rooms_import_tensorflow() -> None:
    offenders = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        if {name.split(".")[0] for name in imported_modules(path)} & HEAVY
        and room_of(path) not in MAY_IMPORT_TENSORFLOW
    }
    assert not offenders


def test_no_process_imports_another_except_the_demo() -> None:
    offenders = {
        f"{path.relative_to(PACKAGE)} -> {other}"
        for path in PACKAGE.rglob("*.py")
        if (room := room_of(path)) in PROCESSES
        for other in own_rooms(imported_modules(path)) & PROCESSES
        if other != room and (room, other) not in ALLOWED
    }
    assert not offenders


def test_nothing_below_imports_the_command_line() -> None:
    offenders = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        if room_of(path) not in {"cli", "commands", "__main__"}
        and own_rooms(imported_modules(path)) & {"cli", "commands"}
    }
    assert not offenders
