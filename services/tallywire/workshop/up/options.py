"""What `tallywire up` was asked for, and the stack that follows from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tallywire.election.loading import election_folder
from tallywire.errors import UsageError
from tallywire.settings import Settings
from tallywire.workshop.stack.broker_kind import BrokerKind
from tallywire.workshop.stack.local import StackPlan

# Where the settings look for servers unless told otherwise: then no command needs to be told.
STANDARD_PORTS = {"broker": 9092, "redis": 6379, "model": 8500, "dashboard": 8501}
RUN_FOLDER = Path("run/up")
DATA_FOLDER = Path("run/up-kafka")


@dataclass(frozen=True, slots=True, kw_only=True)
class UpOptions:
    """`folder` takes data and logs; `keep` says whether the next start goes on with them."""

    election: str  # folder, or id of a shipped one
    broker: BrokerKind = "embedded"
    workers: int = 2
    dashboard: bool = True
    folder: Path = RUN_FOLDER
    keep: bool = False
    partitions: int | None = None  # None takes the settings' own
    ports: Mapping[str, int] = field(default_factory=lambda: STANDARD_PORTS)


def up_options(
    settings: Settings, *, broker: BrokerKind | None, data: Path | None, workers: int,
    dashboard: bool,
) -> UpOptions:  # fmt: skip
    """What the command line means. A broker that keeps its topics is what makes data worth keeping.

    Raises:
        UsageError: data is to be kept by the broker that keeps nothing.
    """
    if data and broker == "embedded":
        raise UsageError(
            "--data with --broker embedded: that broker forgets its topics when it ends, so the"
            f" ledger in {data} would be ahead of them, and new scans be taken for old ones."
            " Use --broker kafka (Java 17), or leave --data out and begin anew at each start."
        )
    keep = data is not None or broker == "kafka"
    return UpOptions(
        election=settings.election,
        broker="kafka" if keep else "embedded",
        workers=workers,
        dashboard=dashboard,
        folder=data or (DATA_FOLDER if keep else RUN_FOLDER),
        keep=keep,
    )


def plan_up(options: UpOptions, settings: Settings) -> StackPlan:
    """Servers, workers and what they are to know."""
    known = {
        "election": _absolute(options.election),
        "model_repo": str(settings.model_repo.absolute()),
        "partitions": str(options.partitions or settings.partitions),
    }
    if "generation" in settings.model_fields_set:
        known["generation"] = settings.generation
    return StackPlan(
        folder=options.folder,
        broker=options.broker,
        workers=options.workers,
        dashboard=options.dashboard,
        durable=options.keep,
        ports=options.ports,
        settings=known,
    )


def _absolute(election: str) -> str:
    """An election's folder from wherever it is looked for; the id of a shipped one as it is."""
    folder = election_folder(election)
    return str(folder.absolute()) if folder == Path(election) else election
