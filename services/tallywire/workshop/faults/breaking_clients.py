"""Workers that die, freeze, come and go, or whose clock jumps; a publisher that dies."""

from __future__ import annotations

import signal
import sys
from functools import partial
from pathlib import Path

from tallywire.publish.receipts import read_receipts
from tallywire.records import Source
from tallywire.settings import PREFIX
from tallywire.supervision.child import Child, Program
from tallywire.workshop.faults import shifted_worker
from tallywire.workshop.faults.messages import ScanMessage
from tallywire.workshop.faults.night import FaultNight, as_text
from tallywire.workshop.faults.worker_pool import signal_child

WORKER_KILLS, WORKER_KILLS_IN_SHORT = 20, 3
KILL_ANYHOW_S = 4.0  # a kill may also hit a group that is still forming
SWAPS = 8
BEYOND_SESSION_S = 3.0
CLOCK_JUMPS = 4
FILES, FILES_PER_S = 240, 20
PUBLISHER_KILLS = 3


def kill_workers(night: FaultNight) -> None:
    """SIGKILL at random moments, each worker started again at once."""
    night.begin()
    for _ in range(WORKER_KILLS_IN_SHORT if night.short else WORKER_KILLS):
        if night.rng.random() < 0.5:
            night.wait_progress(night.rng.randint(1, 12))
        else:
            night.wait_seconds(night.rng.uniform(0.0, KILL_ANYHOW_S))
        # A process that still loads its code has nothing to lose: it is no victim.
        night.wait_until(lambda: bool(night.workers.loaded()), "worker that is up")
        victim = night.rng.choice(night.workers.loaded() or night.workers.running)
        night.workers.kill(victim)
        night.mended()


def freeze_workers(night: FaultNight) -> None:
    """SIGSTOP for longer than the session, while the other counts on; then SIGCONT: a zombie."""
    night.begin()
    for worker in tuple(night.workers.running):
        signal_child(worker, signal.SIGSTOP)
        night.wait_seconds(night.settings.session_timeout_s + BEYOND_SESSION_S)
        night.wait_progress(10)
        signal_child(worker, signal.SIGCONT)
        night.mended()
        night.wait_recovered()


def swap_workers(night: FaultNight) -> None:
    """Every few seconds one worker joins and another leaves."""
    night.begin()
    for number in range(SWAPS):
        night.workers.start()
        night.wait_seconds(night.rng.uniform(1.0, 3.0))
        night.workers.stop(night.rng.choice(night.workers.running[:-1]))
        night.mended()
        night.wait_seconds(night.rng.uniform(1.0, 3.0))
        if number % 4 == 3:
            night.wait_progress(10)


def shift_worker_clocks(night: FaultNight) -> None:
    """The wall clock of each worker an hour on, and back, in the middle of counting."""
    night.begin(module=shifted_worker.__name__)
    workers = night.workers
    night.wait_until(lambda: len(workers.ready()) == len(workers.running), "worker that is ready")
    for number in range(CLOCK_JUMPS):
        signal_child(workers.running[number % len(workers.running)], signal.SIGUSR1)
        night.mended()
        night.wait_progress(10)


def kill_publisher(night: FaultNight) -> None:
    """SIGKILL of `tallywire publish` in the middle, and the same command again."""
    scans, journal = night.setup.folder / "scans", night.setup.folder / "receipts.jsonl"
    scans.mkdir()
    for number in range(FILES):
        station = night.setup.pool.station(number)
        (scans / f"{station}.jpg").write_bytes(night.setup.pool.image(number))
    night.begin(publish=False)
    for kill in range(1, PUBLISHER_KILLS + 1):
        publisher = start_publisher(night, scans, journal)
        enough = FILES * kill // (PUBLISHER_KILLS + 1)
        night.wait_until(partial(has_receipts, journal, enough), "receipt")
        publisher.kill()
        night.mended()
    publisher = start_publisher(night, scans, journal)
    night.wait_until(lambda: not publisher.is_alive(), "end of publishing")
    for receipt in read_receipts(journal):
        place = Source(receipt.topic, receipt.partition, receipt.offset)
        headers = (("scan-id", receipt.scan_id.encode()),)
        night.published[place] = ScanMessage(receipt.station.encode(), None, headers)
    if len({message.key for message in night.published.values()}) != FILES:
        raise RuntimeError(f"{len(night.published)} of {FILES} files have a receipt")


def has_receipts(journal: Path, count: int) -> bool:
    """True once that many scans are acknowledged."""
    return sum(1 for _ in read_receipts(journal)) >= count


def start_publisher(night: FaultNight, scans: Path, journal: Path) -> Child:
    """`tallywire publish`, as a process of its own that ends with us."""
    options = ("--journal", str(journal), "--rate", str(FILES_PER_S))
    given = as_text(night.settings)
    variables = {f"{PREFIX}{name.upper()}": value for name, value in given.items()}
    arguments = (sys.executable, "-m", "tallywire", "publish", str(scans), *options)
    program = Program("publish", arguments, lambda: True, environment=variables)
    return night.start(Child(program, night.setup.folder / "logs"))
