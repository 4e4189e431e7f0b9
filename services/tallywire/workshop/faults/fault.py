"""What a fault is: a name, what breaks, and a night during which it does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

from tallywire.workshop.faults.messages import NightMessage, SheetSupply, plain_letters
from tallywire.workshop.faults.night import FaultNight

Write = Callable[[SheetSupply, Random], Iterator[NightMessage]]


@dataclass(frozen=True, slots=True)
class Fault:
    """One way in which a night can go wrong.

    `run` opens the night, breaks things and mends them; publishing goes on meanwhile, and what
    came of it is judged afterwards. `write` says what is published. At least `scans` are.
    """

    name: str
    breaks: str  # in a few words, for the table
    run: Callable[[FaultNight], None]
    write: Write = plain_letters
    scans: int = 240
    in_short: bool = False
    durable: bool = False  # needs a broker that survives its own end
