"""What the scanners do wrong: die, repeat themselves, send rubbish, live in another hour."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import cycle
from pathlib import Path
from random import Random

from tallywire.publish.receipts import read_receipts
from tallywire.records import Source
from tallywire.settings import PREFIX
from tallywire.supervision.child import Child, Program
from tallywire.workshop.faults.fault import Fault
from tallywire.workshop.faults.messages import (
    NightMessage,
    SheetSupply,
    plain_letters,
    write_letter,
)
from tallywire.workshop.faults.night import FaultNight, plain
from tallywire.workshop.faults.rubbish import every_kind

TIMES = 3
POISON_EVERY = 4
FILES, FILES_PER_S = 240, 20
KILLS = 3
HOUR = timedelta(hours=1)


def quiet(night: FaultNight) -> None:
    """Nothing breaks but what is published."""
    night.begin()


def publisher_killed(night: FaultNight) -> None:
    """SIGKILL of `tallywire publish` in the middle, and the same command again."""
    scans, journal = night.site.folder / "scans", night.site.folder / "receipts.jsonl"
    scans.mkdir()
    for number in range(FILES):
        station = night.site.supplies.station(number)
        (scans / f"{station}.jpg").write_bytes(night.site.supplies.picture(number))
    night.begin(publish=False)
    for kill in range(1, KILLS + 1):
        run = start_publisher(night, scans, journal)
        night.wait(partial(has_receipts, journal, FILES * kill // (KILLS + 1)), "receipt")
        run.kill()
        night.struck()
    run = start_publisher(night, scans, journal)
    night.wait(lambda: not run.is_alive(), "end of publishing")
    for receipt in read_receipts(journal):
        place = Source(receipt.topic, receipt.partition, receipt.offset)
        headers = (("scan-id", receipt.scan_id.encode()),)
        night.published[place] = NightMessage(receipt.station.encode(), None, headers)
    if len({letter.key for letter in night.published.values()}) != FILES:
        raise RuntimeError(f"{len(night.published)} of {FILES} files have a receipt")


def has_receipts(journal: Path, count: int) -> bool:
    """True once that many scans are acknowledged."""
    return sum(1 for _ in read_receipts(journal)) >= count


def start_publisher(night: FaultNight, scans: Path, journal: Path) -> Child:
    """`tallywire publish`, as a process of its own that ends with us."""
    options = ("--journal", str(journal), "--rate", str(FILES_PER_S))
    given = plain(night.settings)
    variables = {f"{PREFIX}{name.upper()}": value for name, value in given.items()}
    arguments = (sys.executable, "-m", "tallywire", "publish", str(scans), *options)
    program = Program("publish", arguments, lambda: True, environment=variables)
    return night.start(Child(program, night.site.folder / "logs"))


def thrice(supplies: SheetSupply, rng: Random) -> Iterator[NightMessage]:
    """Every scan three times: again at once, and again after others."""
    earlier: list[NightMessage] = []
    for letter in plain_letters(supplies, rng):
        yield from (letter, letter)
        earlier.append(letter)
        if len(earlier) == 10:
            rng.shuffle(earlier)
            yield from earlier
            earlier.clear()


def other_hours(supplies: SheetSupply, rng: Random) -> Iterator[NightMessage]:
    """Scanners whose clocks are an hour ahead or behind, some from one scan to the next."""
    for letter in plain_letters(supplies, rng):
        at = datetime.now(UTC) + rng.choice((-HOUR, timedelta(), HOUR))
        shifted = write_letter((letter.key or b"").decode(), letter.value or b"", at)
        yield replace(shifted, timestamp_ms=int(at.timestamp() * 1000))


def one_in_four_poison(supplies: SheetSupply, rng: Random) -> Iterator[NightMessage]:
    """Good scans, and between them every kind of rubbish in turn."""
    kinds = cycle(every_kind(rng))
    for number, letter in enumerate(plain_letters(supplies, rng)):
        yield letter
        if number % (POISON_EVERY - 1) == 0:
            yield replace(next(kinds)(letter), refused=True)


FAULTS = (
    Fault("publisher-killed", "SIGKILL of the publisher, started again", publisher_killed, scans=0),
    Fault("clock-scanner", "scans from an hour ago and an hour ahead", quiet, other_hours),
    Fault("scans-thrice", "every scan published three times", quiet, thrice),
    Fault(
        "scans-poison",
        "a quarter of the scans is rubbish",
        quiet,
        one_in_four_poison,
        in_short=True,
    ),
)
