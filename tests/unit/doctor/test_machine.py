"""This machine, judged: Python, packages, disk, port, election."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import pytest

from tallywire.doctor.findings import Level, worst
from tallywire.doctor.machine import (
    check_disk,
    check_election,
    check_packages,
    check_port,
    check_python,
)
from tallywire.settings import Settings
from tests.support.findings import levels


@pytest.mark.parametrize(
    ("version", "level"), [((3, 10), "fail"), ((3, 11), "ok"), ((3, 13), "ok"), ((3, 14), "fail")]
)
def test_python_is_one_that_was_tested(version: tuple[int, int], level: str) -> None:
    assert levels(check_python(version)) == [level]


def test_this_machine_has_the_packages() -> None:
    (finding,) = check_packages()
    assert finding.level is Level.OK
    assert "redis" in finding.found


def test_there_is_room_here(tmp_path: Path) -> None:
    (finding,) = check_disk(tmp_path)
    assert "GiB free" in finding.found


@pytest.mark.parametrize(
    ("answer", "level"), [(b"HTTP/1.1 200 OK\r\n\r\n", "ok"), (b"HTTP/1.1 404 No\r\n\r\n", "warn")]
)
def test_the_dashboards_port_may_be_the_dashboards(answer: bytes, level: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(100)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        (finding,) = check_port("127.0.0.1", server.getsockname()[1], 2.0)
        thread.join()
    assert finding.level == level


def test_a_free_port_is_fine() -> None:
    (finding,) = check_port("127.0.0.1", 1, 2.0)
    assert finding.level is Level.OK


def test_the_shipped_election_is_healthy() -> None:
    findings = list(check_election(Settings()))
    assert worst(findings) is Level.OK
    assert any("510 stations, 1 district, 1 contest" in finding.found for finding in findings)


def test_every_problem_of_an_election_is_a_line(tmp_path: Path) -> None:
    (tmp_path / "election.toml").write_text('id = "x"\ncolour = "red"\n')
    (tmp_path / "stations.csv").write_text("station,district\n")
    findings = list(check_election(Settings(election=str(tmp_path))))
    assert len(findings) > 1
    assert all(finding.level is Level.FAIL and finding.remedy for finding in findings)


def test_an_election_that_is_not_there() -> None:
    assert worst(check_election(Settings(election="atlantis"))) is Level.FAIL
