"""The local stack from its folder to Ctrl-C."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from rich.console import Console

from tallywire.doctor.findings import Level, worst
from tallywire.doctor.report import findings_table
from tallywire.edge.terminal import terminal
from tallywire.election.loading import load_election
from tallywire.errors import PeerError
from tallywire.settings import load_settings
from tallywire.workshop.stack.local import LocalStack
from tallywire.workshop.stack.work_folder import empty_folder, locked_folder
from tallywire.workshop.up.display import address_table, next_commands, write_environment
from tallywire.workshop.up.kept_data import (
    KeptData,
    read_kept,
    require_same_election,
    write_kept,
)
from tallywire.workshop.up.options import STANDARD_PORTS, UpOptions, plan_up
from tallywire.workshop.up.preflight import examine_stack, require_startable

CHECK_EVERY_S = 0.5
GONE = (
    "\nWhat it held is gone with it: start `tallywire up` again and publish again,"
    " or use --broker kafka, which keeps it."
)


def run_up(options: UpOptions) -> None:
    """Run the stack until Ctrl-C.

    Raises:
        UsageError: something that it needs is missing, or the folder is not ours.
        PeerError: a server did not start, or ended and cannot be started again without loss.
    """
    quiet_clients()
    console = terminal(stderr=True)
    require_startable(options, load_settings())
    with locked_folder(options.folder):
        options = resume(options) if options.keep else begin_anew(options)
        with running_stack(options, plain_printer(console)) as stack:
            if options.keep:
                write_kept(options.folder, describe(stack, options))
            file = write_environment(options.folder, stack.environment)
            console.print("\nTallywire is up\n", style="bold")
            console.print(address_table(stack, options), highlight=False)
            console.print(
                f"\n{next_commands(options, file)}\n",
                highlight=False,
                markup=False,
                soft_wrap=True,
            )
            console.print("Ctrl-C ends everything")
            wait_for_the_end(stack)
            console.print("Ending every process")


def check_up(options: UpOptions) -> bool:
    """Print what would start; True where nothing is missing."""
    findings = examine_stack(options, load_settings())
    terminal().print(findings_table(findings))
    return worst(findings) is not Level.FAIL


@contextmanager
def running_stack(options: UpOptions, say: Callable[[str], object]) -> Iterator[LocalStack]:
    """The stack, once every part of it answers and the workers have their partitions.

    Raises:
        PeerError: a part did not start, with the end of its log.
    """
    with LocalStack(plan_up(options, load_settings()), say) as stack:
        if options.workers:
            say("Waiting for the workers to share the partitions")
        stack.wait_ready()
        yield stack


def begin_anew(options: UpOptions) -> UpOptions:
    """The folder emptied: a ledger that outlived its broker would be ahead of its topics."""
    empty_folder(options.folder)
    return options


def resume(options: UpOptions) -> UpOptions:
    """The options, with what an earlier start in the same folder has settled.

    Raises:
        UsageError: the folder holds another election's count.
    """
    kept, election = read_kept(options.folder), load_election(options.election).election.id
    if kept is None:  # written first: what a failed start leaves must be known for ours
        write_kept(options.folder, KeptData(election, load_settings().partitions))
        return options
    require_same_election(kept, election, options.folder)
    return replace(options, ports={**STANDARD_PORTS, **kept.ports}, partitions=kept.partitions)


def describe(stack: LocalStack, options: UpOptions) -> KeptData:
    """What the next start is to know of this one."""
    settings = stack.settings
    return KeptData(load_election(options.election).election.id, settings.partitions, stack.ports)


def wait_for_the_end(stack: LocalStack, sleep: Callable[[float], object] = time.sleep) -> None:
    """Return at Ctrl-C.

    Raises:
        PeerError: a server ended that is not started again: what it held is gone with it.
    """
    try:
        while True:
            for child in stack.unwatched:
                if not child.is_alive():
                    raise PeerError(
                        f"{child.describe(f'ended with code {child.exit_code()}')}{GONE}"
                    )
            sleep(CHECK_EVERY_S)
    except KeyboardInterrupt:
        return


def plain_printer(console: Console) -> Callable[[str], None]:
    """Prints text as it is: names and logs of others are no markup."""

    def say(text: str) -> None:
        console.print(text, style="dim", markup=False, highlight=False, soft_wrap=True)

    return say


def quiet_clients() -> None:
    """Who starts and ends servers tells their troubles himself."""
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
