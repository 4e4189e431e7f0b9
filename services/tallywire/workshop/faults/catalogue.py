"""All faults, and the choice among them."""

from __future__ import annotations

from collections.abc import Sequence

from tallywire.errors import UsageError
from tallywire.workshop.faults import (
    broker_faults,
    model_faults,
    network_faults,
    redis_faults,
    scanner_faults,
    worker_faults,
)
from tallywire.workshop.faults.fault import Fault

FAULTS: tuple[Fault, ...] = (
    *worker_faults.FAULTS,
    *model_faults.FAULTS,
    *redis_faults.FAULTS,
    *broker_faults.FAULTS,
    *network_faults.FAULTS,
    *scanner_faults.FAULTS,
)


def choose(faults: Sequence[Fault], names: Sequence[str], *, short: bool) -> list[Fault]:
    """Those called `names`; without names, all of them, or the ones of the short form.

    Raises:
        UsageError: there is no fault of that name.
    """
    known = {fault.name: fault for fault in faults}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise UsageError(f"There is no fault {unknown[0]!r}; there are: {', '.join(known)}")
    if names:
        return [known[name] for name in names]
    return [fault for fault in faults if fault.in_short or not short]
