"""The fault suite from the first sheet to the table."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from rich.console import Console
from rich.text import Text

from tallywire.edge.output_files import write_json
from tallywire.edge.terminal import terminal
from tallywire.election.loading import load_election
from tallywire.errors import TallywireError
from tallywire.settings import load_settings
from tallywire.workshop.faults.collection import collect
from tallywire.workshop.faults.messages import SheetPool
from tallywire.workshop.faults.night import FaultNight, NightSetup, until_answered
from tallywire.workshop.faults.progress_sampler import recovery_s
from tallywire.workshop.faults.scenarios import SCENARIOS, Scenario, choose
from tallywire.workshop.faults.table import FaultRow, describe_row, to_json, to_lines, to_table
from tallywire.workshop.faults.verdict import FaultVerdict, judge
from tallywire.workshop.stack.apache import check_tools
from tallywire.workshop.stack.broker_kind import BrokerKind
from tallywire.workshop.stack.local import LocalStack, StackPlan
from tallywire.workshop.stack.work_folder import empty_folder, locked_folder, require_ours
from tallywire.workshop.synthetic.conditions import ConditionName
from tallywire.workshop.synthetic.display import render_with_bar
from tallywire.workshop.synthetic.rendering import ELECTION, RenderOptions
from tallywire.workshop.up.up import plain_printer, quiet_clients

DPI = 120
SHEETS, SHEETS_IN_SHORT = 60, 12
SCANS_IN_SHORT = 120
PARTITIONS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultsOptions:
    """What the user asked for; `only` names faults, none means all."""

    only: Sequence[str]
    short: bool
    broker: BrokerKind
    seed: int
    folder: Path
    json_file: Path | None = None


def run_faults(options: FaultsOptions) -> bool:
    """Run every chosen fault; True where the delivery guarantee held in each of them.

    Raises:
        UsageError: there is no fault of a name, or the folder holds something else.
        PeerError: a server did not start.
    """
    chosen = choose(SCENARIOS, options.only, short=options.short)
    require_ours(options.folder)
    if options.broker == "kafka":
        check_tools()
    quiet_clients()  # their servers are away on purpose
    console = terminal(stderr=True)
    with locked_folder(options.folder):
        empty_folder(options.folder)
        pool = render_sheets(options, console)
        rows = run_all(options, chosen, pool, console)
    terminal().print(to_table(rows))
    for line in to_lines(rows):
        console.print(line, style="red", highlight=False, markup=False, soft_wrap=True)
    if options.json_file:
        summary = to_json(rows, options.broker, options.seed)
        write_json(options.json_file, summary)
    return all(row.kept for row in rows)


def render_sheets(options: FaultsOptions, console: Console) -> SheetPool:
    """Draw the sheets that all nights share."""
    scans = options.folder / "scans"
    sheet_options = RenderOptions(
        out=scans,
        stations=SHEETS_IN_SHORT if options.short else SHEETS,
        seed=options.seed,
        condition=ConditionName.SCANNER,
        dpi=DPI,
        jobs=os.cpu_count() or 1,
    )
    drawn = render_with_bar(sheet_options, console)
    sheets = [(scans / row.file).read_bytes() for row in drawn.rows]
    return SheetPool(sheets, tuple(load_election(ELECTION).election.stations))


def run_all(
    options: FaultsOptions, chosen: Sequence[Scenario], pool: SheetPool, console: Console
) -> list[FaultRow]:
    """One night after another, on servers that outlive the faults or are started again by them."""
    console.print(f"Starting the servers; their logs are in {options.folder / 'logs'}")
    rows = []
    with LocalStack(plan_stack(options), plain_printer(console)) as stack:
        for number, scenario in enumerate(chosen, 1):
            title = f"{number}/{len(chosen)} {scenario.name}"
            row = run_one(options, scenario, number, stack, pool, title, console)
            line = f"{title}: {describe_row(row)}"
            console.print(line, style="" if row.kept else "red", markup=False)
            rows.append(row)
    return rows


def plan_stack(options: FaultsOptions) -> StackPlan:
    """The servers that all nights share."""
    return StackPlan(
        folder=options.folder,
        broker=options.broker,
        settings={
            "election": ELECTION,
            "model_repo": str(load_settings().model_repo.absolute()),
            "partitions": str(PARTITIONS),
            "log_level": "debug",
        },
    )


def run_one(
    options: FaultsOptions,
    scenario: Scenario,
    number: int,
    stack: LocalStack,
    pool: SheetPool,
    title: str,
    console: Console,
) -> FaultRow:
    """One fault in a night of its own: topics, generation, workers."""
    if scenario.durable and options.broker == "embedded":
        return FaultRow(
            scenario.name, scenario.breaks, 0, 0, 0, 0, None, True, 0.0, (), skipped=True
        )
    started_s = time.monotonic()
    own = {"topic_prefix": f"tally.{scenario.name}", "generation": f"g{number}"}
    folder = options.folder / scenario.name
    folder.mkdir()
    with console.status(Text(title)) as status:

        def say(text: str) -> None:
            status.update(Text(f"{title}: {text}"))

        setup = NightSetup(
            stack=stack,
            settings=stack.settings.model_copy(update=own),
            folder=folder,
            election=load_election(ELECTION).election,
            pool=pool,
            rng=Random(f"{options.seed} {scenario.name}"),  # noqa: S311 - no secret
            short=options.short,
            say=say,
        )
        night = FaultNight(setup, scenario.stream(pool, setup.rng))
        try:
            problems, verdict = run_night(night, scenario)
            return to_row(scenario, night, verdict, problems, time.monotonic() - started_s)
        finally:
            night.close()


def run_night(night: FaultNight, scenario: Scenario) -> tuple[tuple[str, ...], FaultVerdict | None]:
    """Let the fault happen, let it settle, judge. What went wrong becomes part of the row."""
    problems = []
    least = min(scenario.scans, SCANS_IN_SHORT) if night.short else scenario.scans
    try:
        scenario.run(night)
        night.settle(least)
    except TallywireError as error:
        problems.append(str(error))
    try:
        election = night.setup.election
        evidence = until_answered(lambda: collect(night.settings, election, night.published))
        verdict = judge(evidence, election)
    except TallywireError as error:
        return (*problems, f"nothing to judge by: {error}"), None
    return (*problems, *verdict.problems), verdict


def to_row(
    scenario: Scenario,
    night: FaultNight,
    verdict: FaultVerdict | None,
    problems: tuple[str, ...],
    seconds: float,
) -> FaultRow:
    """What the night came to."""
    recovery = None
    if verdict and night.mended_at_s:
        recovery = recovery_s(night.sampler.samples, night.mended_at_s, night.ends())
        if recovery is None and not problems:
            problems = ("a partition never moved again",)
    return FaultRow(
        fault=scenario.name,
        breaks=scenario.breaks,
        runs=len(night.mended_at_s) or 1,
        scans=verdict.scans if verdict else 0,
        lost=verdict.lost if verdict else 0,
        double=verdict.double if verdict else 0,
        recovery_s=recovery,
        identical=verdict is not None and verdict.identical,
        seconds=round(seconds, 1),
        problems=problems,
    )
