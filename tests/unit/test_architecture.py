"""The import rule of ARCHITECTURE.md, kept by walking the syntax trees."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "services" / "tallywire"

# Which room may import which, floor by floor: nothing here imports upwards.
VALUES = {"addresses", "errors", "reasons", "records", "shipped", "__version__"}
NIGHT = {"sheet", "reading", "ledger", "election", "wire", "edge", "evidence", "supervision"}
PROCESSES = {
    "publish", "worker", "modelserver", "replay", "review", "rejected", "read", "verify",
    "results", "doctor", "layouts",
}  # fmt: skip
SCIENCE = {"training", "evaluation"}
MAY_IMPORT: dict[str, set[str]] = {
    **dict.fromkeys(VALUES, VALUES),
    "sheet": VALUES,
    "reading": VALUES | {"sheet"},
    "wire": VALUES,
    "ledger": VALUES | {"election", "wire"},
    "election": VALUES | {"sheet"},
    "settings": VALUES | {"ledger"},
    "edge": VALUES | {"reading", "settings"},
    "supervision": VALUES | {"edge", "settings"},
    "evidence": VALUES | {"settings", "election", "wire", "edge", "ledger"},
    **dict.fromkeys(PROCESSES, VALUES | NIGHT | {"settings"}),
    "training": VALUES | NIGHT | {"settings", "workshop.synthetic"},
    "evaluation": VALUES | NIGHT | {"settings", "workshop.synthetic", "training"},
    "workshop.synthetic": VALUES | {"sheet", "election", "edge", "settings"},
    "workshop.stack": VALUES | NIGHT | {"settings"},
    "workshop.up": VALUES | NIGHT | PROCESSES | {"settings", "workshop.stack"},
    "workshop.demo": VALUES
    | NIGHT
    | PROCESSES
    | {"settings", "workshop.stack", "workshop.up", "workshop.synthetic"},
    "workshop.bench": VALUES
    | NIGHT
    | PROCESSES
    | SCIENCE
    | {"settings", "workshop.stack", "workshop.up", "workshop.synthetic", "workshop.demo"},
    "workshop.faults": VALUES
    | NIGHT
    | PROCESSES
    | {"settings", "workshop.stack", "workshop.up", "workshop.synthetic"},
}

# Pure files in rooms that are not.
PURE_BESIDE = (
    "election/election.py",
    "election/election_parsing.py",
    "election/layout_parsing.py",
    "election/layout_checks.py",
    "election/references.py",
    "election/station_list.py",
    "election/validation.py",
    "evidence/exported_records.py",
    "evidence/event_log.py",
    "review/priority.py",
    "review/draft.py",
    "workshop/faults/verdict.py",
)
PURE_FILES = sorted(
    path
    for room in ("sheet", "reading", "ledger")
    for path in (PACKAGE / room).rglob("*.py")
    # The client of Redis and its read side stand beside the pure state machine.
    if path.name not in {"connection.py", "client.py", "async_client.py", "snapshot.py"}
)
PURE_FILES += [PACKAGE / name for name in PURE_BESIDE]
OUTSIDE = {
    "faust", "mode", "aiokafka", "kafka", "redis", "grpc", "tensorflow", "tensorflow_serving",
    "keras", "streamlit", "os", "io", "pathlib", "time", "socket", "subprocess", "asyncio",
    "threading", "tempfile", "shutil", "typer", "rich", "structlog", "pydantic_settings",
}  # fmt: skip
CLOCKS = {"now", "today", "utcnow", "monotonic", "perf_counter"}
HEAVY = {"tensorflow", "tensorflow_serving", "keras"}
MAY_IMPORT_TENSORFLOW = SCIENCE | {"modelserver"}


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


def room(parts: list[str]) -> str:
    """The room that a module belongs to; the workshop has rooms of its own."""
    return ".".join(parts[:2]) if parts[0] == "workshop" and len(parts) > 1 else parts[0]


def room_of(path: Path) -> str:
    return room(list(path.relative_to(PACKAGE).with_suffix("").parts))


def own_rooms(names: set[str]) -> set[str]:
    """The rooms of this package among imported modules."""
    split = (name.split(".") for name in names)
    found = {room(parts[1:]) for parts in split if parts[0] == "tallywire" and parts[1:]}
    return found - {"workshop"}


def relative_id(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


SOURCES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", SOURCES, ids=relative_id)
def test_arrows_run_one_way(path: Path) -> None:
    own = room_of(path)
    if own in {"cli", "__main__", "__init__", "workshop.__init__"}:
        return  # the top floor may import all, and nothing imports it
    assert own_rooms(imported_modules(path)) - {own} <= MAY_IMPORT[own]


@pytest.mark.parametrize("path", PURE_FILES, ids=relative_id)
def test_a_pure_room_touches_nothing_outside(path: Path) -> None:
    assert not {name.split(".")[0] for name in imported_modules(path)} & OUTSIDE
    assert not own_rooms(imported_modules(path)) & {"edge", "settings", "supervision"}


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
        for path in SOURCES
        if {name.split(".")[0] for name in imported_modules(path)} & HEAVY
        and room_of(path) not in MAY_IMPORT_TENSORFLOW
    }
    assert not offenders


def test_one_module_knows_faust() -> None:
    knowing = {
        str(path.relative_to(PACKAGE))
        for path in SOURCES
        if {name.split(".")[0] for name in imported_modules(path)} & {"faust", "mode"}
    }
    assert knowing == {"worker/faust_app.py"}


def test_one_module_connects_to_redis() -> None:
    """Time-outs, addresses and what is said of them are the same whoever asks."""
    dashboard = PACKAGE.parents[1] / "dashboard"
    connecting = {
        path.name
        for path in (*SOURCES, *dashboard.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr in {"from_url", "from_pool"}
    }
    assert connecting == {"connection.py"}
