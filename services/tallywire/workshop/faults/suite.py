"""The fault suite from the first sheet to the table."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Literal

from rich.console import Console
from rich.text import Text

from tallywire.edge.output_files import write_json
from tallywire.edge.progress_bars import sheet_bar
from tallywire.edge.terminal import terminal
from tallywire.election.loading import load_election
from tallywire.errors import TallywireError
from tallywire.workshop.demo.demo import ELECTION, REPOSITORY, prepare_folder
from tallywire.workshop.faults.catalogue import FAULTS, choose
from tallywire.workshop.faults.collection import collect
from tallywire.workshop.faults.fault import Fault
from tallywire.workshop.faults.messages import SheetSupply
from tallywire.workshop.faults.night import FaultNight, FaultSite, patiently
from tallywire.workshop.faults.progress_sampler import recovery_s
from tallywire.workshop.faults.table import FaultRow, to_json, to_lines, to_table
from tallywire.workshop.faults.verdict import FaultVerdict, judge
from tallywire.workshop.stack.local import LocalStack, StackPlan
from tallywire.workshop.synthetic.conditions import ConditionName
from tallywire.workshop.synthetic.rendering import RenderOptions, render

DPI = 120
SHEETS, SHEETS_IN_SHORT = 60, 12
SCANS_IN_SHORT = 120
PARTITIONS = 4
SESSION_S = 6  # as short as Apache Kafka takes it


@dataclass(frozen=True, slots=True)
class FaultsOptions:
    """What the user asked for; `only` names faults, none means all."""

    only: Sequence[str]
    short: bool
    broker: Literal["embedded", "kafka"]
    seed: int
    folder: Path
    json_file: Path | None = None


def run_faults(wish: FaultsOptions) -> bool:
    """Run every chosen fault; True where the delivery guarantee held in each of them.

    Raises:
        UsageError: there is no fault of a name, or the folder holds something else.
        PeerError: a server did not start.
    """
    chosen = choose(FAULTS, wish.only, short=wish.short)
    logging.getLogger("kafka").setLevel(logging.CRITICAL)  # its servers are away on purpose
    console = terminal(stderr=True)
    supplies = draw(wish, prepare_folder(wish.folder), console)
    rows = []
    console.print(f"Starting the servers; their logs are in {wish.folder / 'logs'}")
    with LocalStack(plan_stack(wish), lambda text: console.print(text, style="dim")) as stack:
        for number, fault in enumerate(chosen, 1):
            title = f"{number}/{len(chosen)} {fault.name}"
            row = run_one(wish, fault, number, stack, supplies, title, console)
            console.print(f"{title}: {told(row)}", style="" if row.kept else "red")
            rows.append(row)
    terminal().print(to_table(rows))
    for line in to_lines(rows):
        console.print(line, style="red", highlight=False, soft_wrap=True)
    if wish.json_file:
        write_json(wish.json_file, to_json(rows, wish.broker, wish.seed))
    return all(row.kept for row in rows)


def draw(wish: FaultsOptions, scans: Path, console: Console) -> SheetSupply:
    """Render the sheets that all nights share."""
    request = RenderOptions(
        out=scans,
        stations=SHEETS_IN_SHORT if wish.short else SHEETS,
        seed=wish.seed,
        condition=ConditionName.SCANNER,
        dpi=DPI,
        election=ELECTION,
        jobs=os.cpu_count() or 1,
    )
    with sheet_bar("Rendering", console) as progress:
        drawn = render(request, progress)
    sheets = [(scans / row.file).read_bytes() for row in drawn.rows]
    return SheetSupply(sheets, tuple(load_election(ELECTION).election.stations))


def plan_stack(wish: FaultsOptions) -> StackPlan:
    """Servers that outlive the faults, or are started again by them."""
    return StackPlan(
        folder=wish.folder,
        broker=wish.broker,
        settings={
            "election": ELECTION,
            "model_repo": str(REPOSITORY / "model_repo"),
            "partitions": str(PARTITIONS),
            "session_timeout_s": str(SESSION_S),
            "log_level": "debug",
        },
    )


def run_one(
    wish: FaultsOptions,
    fault: Fault,
    number: int,
    stack: LocalStack,
    supplies: SheetSupply,
    title: str,
    console: Console,
) -> FaultRow:
    """One fault in a night of its own: topics, generation, workers."""
    if fault.durable and wish.broker == "embedded":
        return FaultRow(fault.name, fault.breaks, 0, 0, 0, 0, None, True, 0.0, (), skipped=True)
    started_s = time.monotonic()
    own = {"topic_prefix": f"tally.{fault.name}", "generation": f"g{number}"}
    folder = wish.folder / fault.name
    folder.mkdir()
    with console.status(Text(title)) as status:

        def say(text: str) -> None:
            status.update(Text(f"{title}: {text}"))

        site = FaultSite(
            stack=stack,
            settings=stack.settings.model_copy(update=own),
            folder=folder,
            election=load_election(ELECTION).election,
            supplies=supplies,
            rng=Random(f"{wish.seed} {fault.name}"),  # noqa: S311 - no secret
            short=wish.short,
            say=say,
        )
        night = FaultNight(site, fault.write(supplies, site.rng))
        try:
            problems, verdict = spend(night, fault)
            return to_row(fault, night, verdict, problems, time.monotonic() - started_s)
        finally:
            night.close()


def spend(night: FaultNight, fault: Fault) -> tuple[tuple[str, ...], FaultVerdict | None]:
    """Let the fault happen, let it settle, judge. What went wrong becomes part of the row."""
    problems = []
    least = min(fault.scans, SCANS_IN_SHORT) if night.short else fault.scans
    try:
        fault.run(night)
        night.settle(least)
    except TallywireError as error:
        problems.append(str(error))
    try:
        election = night.site.election
        evidence = patiently(lambda: collect(night.settings, election, night.published))
        verdict = judge(evidence, election)
    except TallywireError as error:
        return (*problems, f"nothing to judge by: {error}"), None
    return (*problems, *verdict.problems), verdict


def to_row(
    fault: Fault,
    night: FaultNight,
    verdict: FaultVerdict | None,
    problems: tuple[str, ...],
    seconds: float,
) -> FaultRow:
    """What the night came to."""
    recovery = None
    if verdict and night.strikes:
        recovery = recovery_s(night.pulse.samples, night.strikes, night.ends())
        if recovery is None and not problems:
            problems = ("a partition never moved again",)
    return FaultRow(
        fault=fault.name,
        breaks=fault.breaks,
        runs=len(night.strikes) or 1,
        scans=verdict.scans if verdict else 0,
        lost=verdict.lost if verdict else 0,
        double=verdict.double if verdict else 0,
        recovery_s=recovery,
        identical=verdict is not None and verdict.identical,
        seconds=round(seconds, 1),
        problems=problems,
    )


def told(row: FaultRow) -> str:
    """One line about a night, as soon as it is over."""
    if row.skipped:
        return "left out, the embedded broker keeps nothing; use --broker kafka"
    if not row.kept:
        return f"{row.lost} lost, {row.double} double; " + "; ".join(row.problems)
    return f"{row.scans} scans, all accounted for once ({row.seconds:.0f} s)"
