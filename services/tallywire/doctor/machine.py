"""This machine: Python, packages, disk, and the files that describe the election."""

from __future__ import annotations

import re
import shutil
import socket
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from tallywire import __version__
from tallywire.doctor.findings import Finding, fail, ok, warn
from tallywire.election.election import Election
from tallywire.election.loading import load_election
from tallywire.errors import InvalidFileError, UsageError
from tallywire.settings import MIB, Settings

PYTHONS = ((3, 11), (3, 13))
"""First and last Python that the lock files are made for."""

ROOM_NEEDED_MIB, ROOM_WANTED_MIB = 512, 5 * 1024
TOP_PACKAGES = ("faust-streaming", "aiokafka", "kafka-python", "redis", "grpcio", "numpy")
CV_PACKAGE = "opencv-python-headless"


def check_python(version: tuple[int, int]) -> Iterator[Finding]:
    """Is this Python one that the packages were locked and tested for?"""
    found = f"Python {version[0]}.{version[1]}, tallywire {__version__}"
    first, last = PYTHONS
    if first <= version <= last:
        yield ok("Machine", "Python", found)
    else:
        yield fail("Machine", "Python", found, "use Python 3.11 to 3.13")


def check_packages() -> Iterator[Finding]:
    """Is every package there that this package asks for, in the versions it was written against?"""
    missing, strange = [], []
    for requirement in _requirements():
        if "extra ==" in requirement:
            continue
        name = re.split(r"[\[<>=!~; ]", requirement)[0]
        try:
            found = metadata.version(name)
        except metadata.PackageNotFoundError:
            missing.append(name)
        else:
            if not _within(found, requirement):
                strange.append(f"{name} {found}")
    if missing or strange:
        yield fail(
            "Machine",
            "packages",
            "; ".join([*(f"{name} missing" for name in missing), *strange]),
            "pip install --require-hashes -r deploy/requirements/worker.txt",
        )
    else:
        versions = (f"{name} {metadata.version(name)}" for name in (*TOP_PACKAGES, CV_PACKAGE))
        yield ok("Machine", "packages", ", ".join(versions))


def _requirements() -> list[str]:
    """What this package asks for; nothing where it runs from a folder, as in the container."""
    try:
        return metadata.requires("tallywire") or []
    except metadata.PackageNotFoundError:
        return []


def _within(version: str, requirement: str) -> bool:
    """Does a version satisfy the bounds of a requirement (>= and < only: we write no others)?"""
    bounds = re.findall(r"(>=|<)([0-9.]+)", requirement.split(";")[0])
    have = _numbers(version)
    return all(
        (have >= _numbers(bound)) if sign == ">=" else (have < _numbers(bound))
        for sign, bound in bounds
    )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version.split("+")[0])[:4])


def check_disk(folder: Path) -> Iterator[Finding]:
    """Is there room for logs, receipts and a broker's data where we stand?"""
    free_mib = shutil.disk_usage(folder).free // MIB
    found = f"{free_mib / 1024:,.1f} GiB free at {folder.resolve()}"
    remedy = "free some room: a night of 1,000 sheets takes about 1 GiB in the broker alone"
    if free_mib < ROOM_NEEDED_MIB:
        yield fail("Machine", "disk", found, remedy)
    elif free_mib < ROOM_WANTED_MIB:
        yield warn("Machine", "disk", found, remedy)
    else:
        yield ok("Machine", "disk", found)


def check_election(settings: Settings) -> Iterator[Finding]:
    """Do election, stations and layouts hold together? Every problem is a line of its own."""
    try:
        loaded = load_election(settings.election, settings.layout)
    except InvalidFileError as error:
        for problem in error.problems:
            yield fail("Election", problem.where, problem.value, problem.remedy)
        return
    except (UsageError, OSError) as error:
        yield fail("Election", settings.election, str(error), "see --election")
        return
    yield ok("Election", loaded.election.id, describe_election(loaded.election))
    for contest_id, layout in loaded.layouts.items():
        what = f"{len(layout.fields)} rows, {len(layout.cells)} cells, {len(layout.marks)} marks"
        yield ok("Election", f"layout {layout.id} v{layout.version}", f"fits {contest_id}: {what}")


def describe_election(election: Election) -> str:
    """One line on an election."""
    rehearsal = "rehearsal, marked TEST" if election.rehearsal else "a real election"
    parts = (
        (len(election.stations), "station"),
        (len(election.districts), "district"),
        (len(election.contests), "contest"),
    )
    counts = ", ".join(f"{many:,} {word}{'' if many == 1 else 's'}" for many, word in parts)
    return f"{rehearsal}: {counts}"


def check_port(address: str, port: int, timeout_s: float) -> Iterator[Finding]:
    """Is the dashboard's port free, or is it the dashboard that has it?"""
    where = f"{address}:{port}"
    try:
        with socket.create_connection((address, port), timeout_s) as connection:
            connection.sendall(b"GET /_stcore/health HTTP/1.0\r\n\r\n")
            running = b"200" in connection.recv(64).split(b"\r\n")[0]
    except OSError:  # nobody listens
        yield ok("Machine", "dashboard port", f"{where} is free")
        return
    if running:
        yield ok("Machine", "dashboard port", f"the dashboard answers on {where}")
    else:
        remedy = "give it another: TALLYWIRE_DASHBOARD_PORT"
        yield warn("Machine", "dashboard port", f"{where} is taken by something else", remedy)


def check_machine(settings: Settings, timeout_s: float) -> Iterator[Finding]:
    """Everything about this machine."""
    yield from check_python((sys.version_info.major, sys.version_info.minor))
    yield from check_packages()
    yield from check_disk(Path())
    yield from check_port(settings.dashboard_address, settings.dashboard_port, timeout_s)
