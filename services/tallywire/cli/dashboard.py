"""`tallywire dashboard`: becomes a Streamlit server over the dashboard folder."""

from __future__ import annotations

import importlib.util
import os
import socket
import sys
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from tallywire.cli.options import ElectionOption, RedisOption
from tallywire.errors import PeerError, UsageError
from tallywire.settings import PREFIX, Settings, load_settings
from tallywire.shipped import dashboard_folder

ANSWER_S = 4.0


def dashboard(
    port: Annotated[int | None, typer.Option(help="Port to listen on (default: 8501)")] = None,
    address: Annotated[
        str | None, typer.Option(help="Address to listen on (default: 127.0.0.1, this machine)")
    ] = None,
    election: ElectionOption = None,
    redis: RedisOption = None,
    generation: Annotated[
        str | None, typer.Option(help="Show this generation, not the live one; for example g2")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Ask a running dashboard and its ledger, and end")
    ] = False,
) -> None:
    """Show the live count in the browser: a read-only view of the ledger.

    Streamlit's own /_stcore/health tells that the server lives. Whether it could show anything, the
    ledger included, is what --check asks: exit code 0 ready, 1 not.
    """
    settings = load_settings(
        dashboard_port=port,
        dashboard_address=address,
        election=election,
        redis=redis,
        dashboard_generation=generation,
    )
    if check:
        check_ready(settings)
        typer.echo("ready")
        return
    folder = find_dashboard(settings.dashboard_folder)
    require_streamlit()
    require_free_port(settings.dashboard_address, settings.dashboard_port)
    typer.echo(f"Dashboard on http://{settings.dashboard_address}:{settings.dashboard_port}")
    # Becoming the server, not its parent: signals reach it and nothing can be left behind.
    os.execve(  # noqa: S606
        sys.executable,
        streamlit_arguments(folder, settings),
        server_environment(os.environ, folder, settings),
    )


def check_ready(settings: Settings) -> None:
    """Does the page answer, and the ledger that it shows?

    Raises:
        PeerError: naming who does not.
    """
    from tallywire.election.loading import load_election
    from tallywire.ledger.client import open_ledger

    address = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(  # noqa: S104 - what "all" is asked by
        settings.dashboard_address, settings.dashboard_address
    )
    url = f"http://{address}:{settings.dashboard_port}/_stcore/health"
    try:
        with urllib.request.urlopen(url, timeout=ANSWER_S):
            pass
    except OSError as error:
        raise PeerError(f"No dashboard answers at {url}: {error}") from error
    with open_ledger(settings.redis, load_election(settings.election).election, ANSWER_S) as ledger:
        if ledger.live() is None:
            raise PeerError(f"No ledger of {settings.election} at {ledger.address}: start a worker")


def find_dashboard(folder: Path | None) -> Path:
    """The folder with app.py: the one asked for, else the one that comes with Tallywire.

    Raises:
        UsageError: there is none.
    """
    found = folder or dashboard_folder()
    if not (found / "app.py").is_file():
        raise UsageError(
            f"No dashboard at {found}: set {PREFIX}DASHBOARD_FOLDER to the folder that holds app.py"
        )
    return found.resolve()


def require_streamlit() -> None:
    """Raise UsageError where the dashboard's packages are not installed."""
    if importlib.util.find_spec("streamlit") is None:
        raise UsageError("Streamlit is not installed: pip install 'tallywire[dashboard]'")


def require_free_port(address: str, port: int) -> None:
    """Raise UsageError where something already listens there."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            raise UsageError(
                f"Cannot listen on {address}:{port} ({error.strerror}): choose another --port"
            ) from None


def streamlit_arguments(folder: Path, settings: Settings) -> list[str]:
    """The command line of the server. Looks and privacy are in dashboard/.streamlit/config.toml."""
    return [
        sys.executable,
        "-P",  # nothing in the working directory can take the place of a module of ours
        *("-m", "streamlit", "run", str(folder / "app.py")),
        *("--server.address", settings.dashboard_address),
        *("--server.port", str(settings.dashboard_port)),
    ]


def server_environment(
    environment: Mapping[str, str], folder: Path, settings: Settings
) -> dict[str, str]:
    """The environment of the server: what the options said, as the settings' own variables."""
    paths = filter(None, [str(folder.parent), environment.get("PYTHONPATH")])
    given = {
        **environment,
        "PYTHONPATH": os.pathsep.join(paths),
        f"{PREFIX}ELECTION": settings.election,
        f"{PREFIX}REDIS": settings.redis,
    }
    # Unset, the pages follow the ledger's live pointer, also across a promotion.
    if settings.dashboard_generation:
        given[f"{PREFIX}DASHBOARD_GENERATION"] = settings.dashboard_generation
    return given
