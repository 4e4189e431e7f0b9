"""Runs our commands against a night as its users do."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

from tallywire.ledger import keys
from tallywire.supervision.child import Child, Program
from tests.support.night import Night
from tests.support.waiting import wait_until

REPLAYED = "has reached the end of the topics"


@dataclass(frozen=True, slots=True)
class Said:
    """A command's end: exit code, all it printed, and what it wrote for `--json`."""

    code: int
    text: str
    values: dict[str, Any]


def tallywire(night: Night, *arguments: str, within_s: float = 90.0) -> Said:
    """Run a command that takes `--json`."""
    file = night.folder / f"{arguments[0]}.json"
    file.unlink(missing_ok=True)
    done = subprocess.run(
        [sys.executable, "-m", "tallywire", *arguments, "--json", str(file)],
        cwd=night.folder,
        env={**os.environ, **night.environment, "COLUMNS": "200"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=within_s,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stdout, done.stdout
    return Said(done.returncode, done.stdout, json.loads(file.read_text()) if file.exists() else {})


def start_replay(night: Night, name: str, *arguments: str) -> Child:
    """Start `tallywire replay --to name`; it is ended with the night's workers."""
    logs = str(night.folder / f"logs-{name}")
    number = len(night.workers)
    program = Program(
        f"replay-{name}-{number}",
        (sys.executable, "-m", "tallywire", "replay", "--to", name, "--logs", logs, *arguments),
        lambda: True,
        environment=night.environment,
        folder=night.folder,
        grace_s=20.0,
    )
    child = Child(program, night.folder)
    child.start()
    night.workers.append(child)
    return child


def wait_replayed(night: Night, replay: Child, within_s: float = 90.0) -> None:
    """Wait until the replay says that it has reached the end."""

    def tell() -> str:
        return night.log(replay)[-3000:] + night.describe()

    wait_until(lambda: REPLAYED in night.log(replay) or not replay.is_alive(), within_s, tell)
    assert REPLAYED in night.log(replay), tell()


def interrupt(replay: Child) -> int | None:
    """Ctrl-C, and the exit code."""
    os.kill(replay.pid, signal.SIGINT)
    replay.end()
    return replay.exit_code()


def dump(night: Night, generation: str) -> dict[str, Any]:
    """All that a generation holds in Redis, by key without its own name, but what its workers note
    down for themselves: where they began, which scans they suspect, that they are there."""
    where = (night.election.id, generation)
    own = {keys.marks(*where), keys.begins(*where), keys.followed(*where)}
    prefix = f"{{{night.election.id}:{generation}"
    found: dict[str, Any] = {}
    with night.redis() as redis:
        for key in redis.scan_iter(f"{prefix}*"):
            if key.decode() in own:
                continue
            kind = redis.type(key)
            value = redis.hgetall(key) if kind == b"hash" else None
            value = redis.smembers(key) if kind == b"set" else value
            found[key.decode().removeprefix(prefix)] = redis.get(key) if value is None else value
    return found
