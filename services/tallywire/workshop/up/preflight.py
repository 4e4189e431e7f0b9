"""What would start, and what is missing for it; nothing is started."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from tallywire.doctor.findings import Finding, Level, fail, ok
from tallywire.doctor.machine import describe_election
from tallywire.election.loading import load_election
from tallywire.errors import UsageError
from tallywire.settings import Settings
from tallywire.supervision.ports import is_free
from tallywire.workshop.stack import apache, servers
from tallywire.workshop.stack.work_folder import require_ours
from tallywire.workshop.up.kept_data import read_kept, require_same_election
from tallywire.workshop.up.options import UpOptions


def examine_stack(options: UpOptions, settings: Settings) -> list[Finding]:
    """Every part of the stack: what it would be, or what to do so that it can be."""
    return [
        *_examine("election", "see --election", lambda: _election(options)),
        *_examine("data", "choose another folder", lambda: _data(options)),
        *_examine("broker", "", lambda: _broker(options)),
        *_examine("redis", "", servers.find_redis_server),
        *_examine("model", "pip install 'tallywire[model]'", lambda: _model(settings)),
        ok("Stack", "workers", f"{options.workers}, started again whenever they end"),
        *(
            _examine("dashboard", "pip install 'tallywire[dashboard]', or --no-dashboard", _pages)
            if options.dashboard
            else ()
        ),
        *_ports(options),
    ]


def require_startable(options: UpOptions, settings: Settings) -> None:
    """Raise UsageError, with everything that is missing, before anything is started."""
    missing = [one for one in examine_stack(options, settings) if one.level is Level.FAIL]
    if missing:
        raise UsageError("\n".join(f"{one.check}: {one.found}" for one in missing))


def _examine(check: str, remedy: str, describe: Callable[[], str]) -> Iterator[Finding]:
    try:
        yield ok("Stack", check, describe())
    except UsageError as error:
        yield fail("Stack", check, str(error), remedy)


def _election(options: UpOptions) -> str:
    election = load_election(options.election).election
    return f"{election.id}: {describe_election(election)}"


def _data(options: UpOptions) -> str:
    if not options.keep:
        require_ours(options.folder)
        return f"{options.folder}, emptied at each start: nothing survives the end"
    kept = read_kept(options.folder)
    if kept is None:
        return f"{options.folder}, new; topics and ledger stay there for the next start"
    require_same_election(kept, load_election(options.election).election.id, options.folder)
    return f"{options.folder}, goes on with the count of {kept.election}"


def _broker(options: UpOptions) -> str:
    if options.broker == "embedded":
        return f"embedded, in memory ({servers.find_tansu()})"
    apache.check_tools()
    jars = apache.find_cache()
    where = f"jars in {jars}" if apache.has_jars(jars) else "Maven fetches 43 MB of jars first"
    return f"Apache Kafka {apache.VERSION} ({apache.require_java()}, {where})"


def _model(settings: Settings) -> str:
    require_package("tensorflow", "TensorFlow")
    folder = settings.model_repo / settings.model
    versions = model_versions(folder)
    if not versions:
        raise UsageError(f"{folder} holds no model version: see TALLYWIRE_MODEL_REPO")
    return f"{settings.model} {', '.join(map(str, versions))} from {folder.resolve()}"


def model_versions(folder: Path) -> Sequence[int]:
    """The versions of a model, oldest first; none where there is no such folder."""
    names = [one.name for one in folder.iterdir()] if folder.is_dir() else []
    return sorted(int(name) for name in names if name.isdigit())


def _pages() -> str:
    require_package("streamlit", "Streamlit")
    return "the live page and the review queue"


def require_package(name: str, title: str) -> None:
    """Raise UsageError where a package is not installed."""
    if importlib.util.find_spec(name) is None:
        raise UsageError(f"{title} is not installed")


def _ports(options: UpOptions) -> Iterator[Finding]:
    for name, port in options.ports.items():
        if name == "dashboard" and not options.dashboard:
            continue
        state = "free" if is_free(port) else "taken, another one will be chosen"
        yield ok("Ports", name, f"{port}: {state}")
