"""An installed wheel, outside of any checkout, is all that one needs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tallywire.supervision.ports import any_free_port
from tallywire.supervision.probes import http_answers

REPOSITORY = Path(__file__).parents[2]
SOURCES = ("pyproject.toml", "setup.py", "README.md", "LICENSE")
FOLDERS = ("services", "dashboard", "model_repo")
WITHIN = {
    "services/tallywire": "",
    "dashboard": "shipped/dashboard",
    "model_repo": "shipped/model_repo",
}
LEFT_OUT = {"screenshot.png"}  # for the README


@dataclass(frozen=True, slots=True)
class InstalledWheel:
    """A Python that has the wheel, and a folder outside of the repository."""

    python: Path
    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """Without what leads to the repository or its settings."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith("TALLYWIRE_")}
        return {k: v for k, v in kept.items() if k != "PYTHONPATH"}

    def run(self, *arguments: str, timeout_s: float = 60) -> subprocess.CompletedProcess[str]:
        """The result of `tallywire` with these arguments."""
        return subprocess.run(
            [str(self.python.with_name("tallywire")), *arguments], cwd=self.folder,
            env=self.environment, capture_output=True, text=True, timeout=timeout_s, check=False,
        )  # fmt: skip


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> InstalledWheel:
    """The wheel in a venv of its own that borrows the packages it depends on from this one."""
    folder = tmp_path_factory.mktemp("wheel")
    sources, venv = folder / "sources", folder / "venv"
    sources.mkdir()
    for name in SOURCES:
        shutil.copy(REPOSITORY / name, sources)
    for name in FOLDERS:
        ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
        shutil.copytree(REPOSITORY / name, sources / name, ignore=ignored)
    pip = [sys.executable, "-m", "pip"]
    quiet = ("--quiet", "--no-deps", "--disable-pip-version-check")
    subprocess.run(
        [*pip, "wheel", str(sources), *quiet, "--no-build-isolation", "-w", str(folder)],
        cwd=folder, check=True,
    )  # fmt: skip
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    python = venv / "bin" / "python"
    (wheel,) = folder.glob("*.whl")
    subprocess.run(
        [*pip, "--python", str(python), "install", *quiet, "--no-index", str(wheel)], check=True
    )
    (own,) = (venv / "lib").glob("python*/site-packages")
    (own / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    outside = folder / "outside"
    outside.mkdir()
    return InstalledWheel(python, outside)


def test_it_is_the_wheel_that_runs(installed: InstalledWheel) -> None:
    code = (
        "import sys, tallywire, tallywire.shipped as shipped;"
        "sys.path.append(str(shipped.dashboard_folder().parent));"
        "from dashboard import live, review;"
        "print(tallywire.__file__, live.__file__)"
    )
    done = subprocess.run(
        [str(installed.python), "-c", code], cwd=installed.folder, env=installed.environment,
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    package, page = map(Path, done.stdout.split())
    assert package.is_relative_to(installed.python.parents[1])
    assert page.is_relative_to(package.parent)
    assert "faults" in installed.run("--help").stdout


def test_no_file_of_the_repository_is_left_out(installed: InstalledWheel) -> None:
    (package,) = installed.python.parents[1].glob("lib/python*/site-packages/tallywire")
    for folder, within in WITHIN.items():
        files = [path for path in (REPOSITORY / folder).rglob("*") if path.is_file()]
        names = {str(path.relative_to(REPOSITORY / folder)) for path in files}
        wanted = {name for name in names if "__pycache__" not in name} - LEFT_OUT
        assert {name for name in wanted if not (package / within / name).is_file()} == set()


def test_what_a_stack_needs_is_there(installed: InstalledWheel) -> None:
    done = installed.run("up", "--check")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "site-packages" in done.stdout  # the models
    found = installed.run("doctor", "--timeout-s", "0.2", "--json", "doctor.json")
    assert "Traceback" not in found.stderr
    findings = json.loads((installed.folder / "doctor.json").read_text())["findings"]
    assert {one["level"] for one in findings if one["part"] == "Election"} == {"ok"}


@pytest.mark.timeout(240)
def test_the_demo_counts_every_scan(installed: InstalledWheel) -> None:
    options = ("--no-dashboard", "--stations", "10", "--workers", "1", "--json", "demo.json")
    done = installed.run("demo", *options, timeout_s=220)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((installed.folder / "demo.json").read_text())
    assert (found["accounted"], found["lost"], found["double_counted"]) == (10, 0, 0)
    assert (installed.folder / "run" / "demo" / "report.html").is_file()


@contextmanager
def running_dashboard(installed: InstalledWheel, port: int) -> Iterator[None]:
    command = [str(installed.python.with_name("tallywire")), "dashboard", "--port", str(port)]
    with subprocess.Popen(
        command, cwd=installed.folder, env=installed.environment,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    ) as server:  # fmt: skip
        try:
            yield
        finally:
            server.terminate()


def test_the_dashboard_answers(installed: InstalledWheel) -> None:
    port = any_free_port()
    with running_dashboard(installed, port):
        until_s = time.monotonic() + 60
        health = f"http://127.0.0.1:{port}/_stcore/health"
        while not http_answers(health) and time.monotonic() < until_s:
            time.sleep(0.2)
        assert http_answers(health)
