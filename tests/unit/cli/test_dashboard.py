"""`tallywire dashboard` up to the point where it becomes Streamlit."""

from __future__ import annotations

import socket
import tomllib
from pathlib import Path

import pytest

from tallywire.cli.dashboard import (
    find_dashboard,
    require_free_port,
    server_environment,
    streamlit_arguments,
)
from tallywire.errors import UsageError
from tallywire.settings import Settings

ROOT = Path(__file__).parents[3]


def test_it_finds_the_repositorys_own_folder() -> None:
    assert find_dashboard(None) == ROOT / "dashboard"


def test_a_folder_without_the_app_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="TALLYWIRE_DASHBOARD_FOLDER"):
        find_dashboard(tmp_path)


def test_a_taken_port_is_refused_with_what_to_do() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(UsageError, match="--port"):
            require_free_port("127.0.0.1", taken.getsockname()[1])


def test_a_free_port_is_not() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    require_free_port("127.0.0.1", port)


def test_options_reach_the_pages_as_settings() -> None:
    settings = Settings(election="here", redis="redis://r:1/0", dashboard_generation="g7")
    environment = server_environment({"PYTHONPATH": "/else"}, ROOT / "dashboard", settings)
    assert environment["TALLYWIRE_ELECTION"] == "here"
    assert environment["TALLYWIRE_REDIS"] == "redis://r:1/0"
    assert environment["TALLYWIRE_DASHBOARD_GENERATION"] == "g7"
    assert environment["PYTHONPATH"] == f"{ROOT}:/else"


def test_unpinned_the_pages_follow_the_live_generation() -> None:
    environment = server_environment({}, ROOT / "dashboard", Settings())
    assert "TALLYWIRE_DASHBOARD_GENERATION" not in environment


def test_it_listens_on_loopback_and_tells_nobody() -> None:
    arguments = streamlit_arguments(ROOT / "dashboard", Settings())
    assert arguments[arguments.index("--server.address") + 1] == "127.0.0.1"
    config = tomllib.loads((ROOT / "dashboard/.streamlit/config.toml").read_text())
    assert config["browser"]["gatherUsageStats"] is False
    assert config["server"]["headless"] is True
