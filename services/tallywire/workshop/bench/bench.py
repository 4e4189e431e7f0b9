"""`tallywire bench` from the first sheet to the closing table."""

from __future__ import annotations

import shutil
from pathlib import Path

from tallywire.edge.output_files import write_json
from tallywire.edge.terminal import terminal
from tallywire.election.ground_truth import TRUTH_FILE, read_truth
from tallywire.election.loading import load_election
from tallywire.errors import UsageError
from tallywire.settings import load_settings
from tallywire.shipped import certified_version
from tallywire.workshop.bench.ceiling import measure_ceiling
from tallywire.workshop.bench.options import BenchOptions, render_sheets, stack_options
from tallywire.workshop.bench.pipeline import measure_pipeline, to_json, to_table
from tallywire.workshop.stack.work_folder import empty_folder, locked_folder
from tallywire.workshop.synthetic.rendering import ELECTION
from tallywire.workshop.up.preflight import model_versions, require_startable
from tallywire.workshop.up.up import plain_printer, quiet_clients, running_stack

SLOW_SHARE = 4  # one sheet in so many is kept for the latency pass


def run_bench(options: BenchOptions) -> None:
    """Render, measure the ceiling, then the pipeline, and print both.

    Raises:
        UsageError: the folder holds something else, or a program or the model is missing.
        PeerError: a server did not start, or the pipeline got stuck.
    """
    quiet_clients()
    console = terminal(stderr=True)
    require_startable(stack_options(options, ELECTION, options.workers), load_settings())
    with locked_folder(options.folder):
        empty_folder(options.folder)
        render_sheets(options, options.sheets, console)
        slow = split_scans(options.scans, options.folder / "slow")
        loaded = load_election(options.scans)
        election = loaded.election
        burst = sorted(options.scans.glob("*.jpg"))
        console.print(f"Ceiling: {len(burst)} sheets in-process on all cores", style="dim")
        layout = loaded.layouts[election.contests[0].id]
        ceiling = measure_ceiling(burst, layout, newest_model())
        up = stack_options(options, str(options.scans.absolute()), options.workers)
        with running_stack(up, plain_printer(console)) as stack:
            pipeline = measure_pipeline(stack, options.scans, slow, election, console)
    summary = to_json(ceiling, pipeline)
    terminal().print(to_table(summary))
    if options.json_file:
        write_json(options.json_file, summary)


def split_scans(scans: Path, slow: Path) -> Path:
    """Move every fourth sheet to `slow`: the latency pass must not repeat images."""
    slow.mkdir()
    for row in read_truth(scans / TRUTH_FILE)[::SLOW_SHARE]:
        shutil.move(scans / row.file, slow / row.file)
    return slow


def newest_model() -> Path:
    """The version that the stack's workers read with: the newest certified one, else the newest.

    Raises:
        UsageError: there is none.
    """
    settings = load_settings()
    folder = settings.model_repo / settings.model
    versions = model_versions(folder)
    if not versions:
        raise UsageError(f"{folder} holds no model version: run `tallywire train`")
    return folder / str(certified_version(folder) or versions[-1])
