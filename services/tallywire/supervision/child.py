"""One process of ours: started under watch, logged to a file, ended in good order."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tallywire.errors import PeerError

LAUNCHER = str(Path(__file__).with_name("launch.py"))
TAIL_BYTES = 4096
TAIL_LINES = 15
PROBE_EVERY_S = 0.05


@dataclass(frozen=True, slots=True)
class Program:
    """What to run, and how to know that it answers."""

    name: str  # as the user sees it, and the log file's name: "redis", "worker-1"
    arguments: tuple[str, ...]  # the first is an absolute path
    is_ready: Callable[[], bool]  # asked again and again; must neither raise nor block for long
    environment: Mapping[str, str] = field(default_factory=dict)  # on top of our own
    folder: Path | None = None  # working directory
    ready_within_s: float = 30.0
    grace_s: float = 10.0  # from the request to end until it is killed
    restart: bool = False  # start it again when it ends by itself


class Child:
    """A running program. Not safe for use by two threads at once, but for `pid` and `is_alive`."""

    def __init__(self, program: Program, log_folder: Path) -> None:
        self.program = program
        self.log_path = log_folder / f"{program.name}.log"
        self.restarts = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Process id, 0 before the first start."""
        return self._process.pid if self._process else 0

    def is_alive(self) -> bool:
        """True while the process runs."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the process; its output is appended to the log file.

        The kernel watches the *thread* that called this: it must live as long as the process.
        """
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", LAUNCHER, str(os.getpid()), *self.program.arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.program.folder,
                env={**os.environ, "PYTHONUNBUFFERED": "1", **self.program.environment},
                start_new_session=True,  # Ctrl-C is for us; we end our children in order
            )

    def wait_ready(self) -> None:
        """Wait until the program answers.

        Raises:
            PeerError: it ended, or took longer than it may; carries the end of its log.
        """
        limit_s = self.program.ready_within_s
        deadline_s = time.monotonic() + limit_s
        while not self.program.is_ready():
            if not self.is_alive() and not self.program.restart:
                raise PeerError(self.describe(f"ended with code {self.exit_code()} while starting"))
            if time.monotonic() > deadline_s:
                raise PeerError(self.describe(f"did not answer within {limit_s:g} s"))
            time.sleep(PROBE_EVERY_S)

    def exit_code(self) -> int | None:
        """The exit code (minus the signal's number where one ended it); None while it runs."""
        return self._process.poll() if self._process else None

    def ask_to_end(self) -> None:
        """Send SIGTERM where it still runs."""
        if self._process and self.is_alive():
            self._process.terminate()

    def end(self) -> None:
        """SIGTERM, wait as long as the program may take, then SIGKILL. Returns when it is gone."""
        if self._process is None:
            return
        self.ask_to_end()
        try:
            self._process.wait(self.program.grace_s)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """SIGKILL to the process and all of its own, and wait until it is gone."""
        if self._process:
            if self.is_alive():
                os.killpg(self._process.pid, signal.SIGKILL)  # it leads a session of its own
            self._process.wait()

    def describe(self, what: str) -> str:
        """`what` happened to the program, with the end of its log."""
        tail = read_tail(self.log_path)
        shown = f"The end of {self.log_path}:\n{tail}" if tail else f"{self.log_path} is empty"
        return f"{self.program.name} {what}. {shown}"


def read_tail(path: Path) -> str:
    """The last lines of a text file, or nothing where there is none."""
    try:
        with path.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - TAIL_BYTES))
            lines = file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return ""
    return "\n".join(f"  {line}" for line in lines[-TAIL_LINES:])
