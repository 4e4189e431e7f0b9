"""`tallywire bench` from the first sheet to the closing table."""

from __future__ import annotations

import json
import logging
import shutil
from pathlib import Path

from rich.console import Console

from tallywire.election.ground_truth import TRUTH_FILE, read_truth
from tallywire.election.loading import load_election
from tallywire.errors import UsageError
from tallywire.workshop.bench.ceiling import measure_ceiling
from tallywire.workshop.bench.pipeline import measure_pipeline, to_json, to_table
from tallywire.workshop.demo.demo import (
    REPOSITORY,
    DemoOptions,
    check_broker,
    plan_stack,
    prepare_folder,
    render_night,
)
from tallywire.workshop.stack.local import BrokerKind, LocalStack
from tallywire.workshop.synthetic.conditions import ConditionName

SLOW_SHARE = 4  # one sheet in so many is kept for the latency pass


def run_bench(
    sheets: int,
    workers: int,
    condition: ConditionName,
    broker: BrokerKind,
    folder: Path,
    json_file: Path | None,
) -> None:
    """Render, measure the ceiling, then the pipeline, and print both.

    Raises:
        UsageError: the folder holds something else, or there is no model.
        PeerError: a server did not start, or the pipeline got stuck.
    """
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    console = Console(stderr=True)
    check_broker(broker)
    scans = prepare_folder(folder)
    wish = DemoOptions(sheets, workers, condition, 0.0, 1, None, False, folder, json_file, broker)
    render_night(wish, scans, console)
    slow = split_scans(scans, folder / "slow")
    loaded = load_election(scans)
    election = loaded.election
    burst = sorted(scans.glob("*.jpg"))
    console.print(f"Ceiling: {len(burst)} sheets in-process on all cores", style="dim")
    layout = loaded.layouts[election.contests[0].id]
    ceiling = measure_ceiling(burst, layout, newest_model(REPOSITORY / "model_repo" / "digits"))
    with LocalStack(plan_stack(wish, scans), console.print) as stack:
        stack.wait_ready()
        pipeline = measure_pipeline(stack, scans, slow, election, console)
    summary = to_json(ceiling, pipeline)
    Console().print(to_table(summary))
    if json_file:
        json_file.write_text(json.dumps(summary, indent=2) + "\n")


def split_scans(scans: Path, slow: Path) -> Path:
    """Move every fourth sheet to `slow`: the latency pass must not repeat images."""
    slow.mkdir()
    for row in read_truth(scans / TRUTH_FILE)[::SLOW_SHARE]:
        shutil.move(scans / row.file, slow / row.file)
    return slow


def newest_model(folder: Path) -> Path:
    """The version that a model server would serve.

    Raises:
        UsageError: there is none.
    """
    versions = [one for one in folder.iterdir() if one.name.isdigit()] if folder.is_dir() else []
    if not versions:
        raise UsageError(f"{folder} holds no model version: run `tallywire train`")
    return max(versions, key=lambda one: int(one.name))
