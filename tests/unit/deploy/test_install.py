"""deploy/install.py installs what the lock pins, whatever else the registry has by then."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from packaging.version import Version

from tests.support.package_index import LocalIndex, serve_index

ROOT = Path(__file__).parents[3]
# The oldest pip that came with a Python that we support: 3.11.0, 3.12.0 and 3.13.0.
OLDEST_PIP = {(3, 11): "22.3", (3, 12): "23.2.1", (3, 13): "24.2"}[sys.version_info[:2]]
SETS_PIP_OR_UP = ("PIP_", "UV_")


@dataclass(frozen=True, slots=True)
class Place:
    """A checkout's deploy folder and an environment that has an old pip only."""

    folder: Path
    venv: Path
    environment: Mapping[str, str]

    @property
    def lock(self) -> Path:
        return self.folder / "deploy/requirements/dev.txt"

    def run(self, *command: str | Path) -> subprocess.CompletedProcess[str]:
        """A command's end; what it said is in stdout."""
        return subprocess.run(
            command, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, check=False, cwd=self.folder,
        )  # fmt: skip

    def install(self) -> subprocess.CompletedProcess[str]:
        """What the Makefile does, with the Python that runs the tests."""
        return self.run(sys.executable, "deploy/install.py", self.venv, "dev")

    def versions(self) -> dict[str, str]:
        """The version of everything that is installed, but pip's."""
        script = (
            "import re, importlib.metadata as m\n"
            "for d in m.distributions():\n"
            "    print(re.sub('[-_.]+', '-', d.name).lower(), d.version)"
        )
        told = self.run(self.venv / "bin/python", "-c", script)
        found = dict(line.split() for line in told.stdout.splitlines())
        del found["pip"]
        return found


@pytest.fixture(scope="module")
def old_pip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the oldest pip; the one that this Python brings if we are offline."""
    venv = tmp_path_factory.mktemp("old") / "venv"
    subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    pip: list[str | Path] = [venv / "bin/python", "-m", "pip", "install", "-q"]
    command = [*pip, f"pip=={OLDEST_PIP}"]
    subprocess.run(command, check="CI" in os.environ, capture_output=True)
    return venv


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalIndex]:
    with serve_index(
        tmp_path_factory.mktemp("index"), ROOT / "deploy/requirements/dev.txt"
    ) as served:
        yield served


@pytest.fixture
def place(tmp_path: Path, index: LocalIndex, old_pip: Path) -> Iterator[Place]:
    yield make_place(tmp_path, old_pip, index)
    shutil.rmtree(tmp_path)  # uv alone has 60 MB, and is there three times


def make_place(folder: Path, old_pip: Path, index: LocalIndex) -> Place:
    """Locks of the index's wheels, and a pip.conf, which nobody but pip reads."""
    requirements = folder / "deploy/requirements"
    requirements.mkdir(parents=True)
    shutil.copy(ROOT / "deploy/install.py", folder / "deploy")
    (requirements / "dev.txt").write_text(index.lock)
    (requirements / "uv.txt").write_text(index.uv_lock)
    shutil.copytree(old_pip, folder / "venv", symlinks=True)
    (folder / "pip.conf").write_text(f"[global]\nindex-url = {index.url}\n")
    own = {
        "PIP_CONFIG_FILE": str(folder / "pip.conf"),
        "PIP_CACHE_DIR": str(folder / "pip-cache"),
        "UV_CACHE_DIR": str(folder / "uv-cache"),
        "HOME": str(folder),
    }
    kept = {key: value for key, value in os.environ.items() if not key.startswith(SETS_PIP_OR_UP)}
    return Place(folder, folder / "venv", {**kept, **own})


def pip_version(venv: Path) -> str:
    """The version of an environment's pip."""
    asked: list[str | Path] = [venv / "bin/python", "-m", "pip", "--version"]
    told = subprocess.run(asked, capture_output=True, text=True, check=True)
    return told.stdout.split()[1]


def without(lock: str, name: str) -> str:
    """A lock that lacks a package."""
    return "\n".join(line for line in lock.splitlines() if not line.startswith(f"{name}=="))


def only(lock: str, *names: str) -> str:
    """A lock of a few packages."""
    return "\n".join(line for line in lock.splitlines() if line.split("==")[0] in names)


def test_the_pinned_versions_are_installed_though_newer_ones_are_offered(
    place: Place, index: LocalIndex
) -> None:
    assert {"coverage", "uvicorn", "requests"} <= index.newer
    ended = place.install()
    assert ended.returncode == 0, ended.stdout
    assert "Without uv" not in ended.stdout, ended.stdout
    assert place.versions() == index.pinned


def test_the_set_up_of_before_fails_here(place: Place, index: LocalIndex, old_pip: Path) -> None:
    """Else the test above could not fail. (It would not know tensorflow-cpu either.)"""
    version = pip_version(old_pip)
    if Version(version) >= Version("24"):
        pytest.skip(f"pip {version} takes what is pinned; pip before 24, as of 3.11 and 3.12, not")
    place.lock.write_text(without(index.lock, "tensorflow-serving-api"))
    pip = (place.venv / "bin/python", "-m", "pip", "install", "--quiet")
    ended = place.run(*pip, "--require-hashes", "-r", place.lock)
    assert ended.returncode != 0
    assert "all requirements must have their versions pinned" in ended.stdout


def test_where_there_is_no_uv_pip_installs_the_same(place: Place, index: LocalIndex) -> None:
    (place.folder / "pip.conf").write_text(f"[global]\nindex-url = {index.url_without_uv}\n")
    place.lock.write_text(without(index.lock, "uv"))
    ended = place.install()
    assert ended.returncode == 0, ended.stdout
    assert "Without uv" in ended.stdout
    expected = {name: version for name, version in index.pinned.items() if name != "uv"}
    found = place.versions()
    assert {name: found.get(name) for name in expected} == expected


def test_a_lock_that_lacks_something_is_told(place: Place, index: LocalIndex) -> None:
    place.lock.write_text(only(index.lock, "pytest", "iniconfig", "packaging", "pygments"))
    ended = place.install()
    assert ended.returncode == 1
    assert "requires pluggy, which is not installed" in ended.stdout
    assert "Traceback" not in ended.stdout


def test_a_file_with_another_hash_is_refused(place: Place, index: LocalIndex) -> None:
    place.lock.write_text(only(index.lock, "pluggy")[:-64] + "f" * 64)
    ended = place.install()
    assert ended.returncode == 1
    assert "pip could not install the lock" in ended.stdout
    assert "pluggy" not in place.versions()


def test_it_was_tried_with_the_oldest_pip(old_pip: Path) -> None:
    found = pip_version(old_pip)
    if found != OLDEST_PIP:
        pytest.skip(f"pip {OLDEST_PIP} could not be fetched: the tests here were made with {found}")
