"""All faults, and the choice among them."""

from __future__ import annotations

from collections.abc import Sequence

from tallywire.demo.faults import broker, inputs, model, network, store, workers
from tallywire.demo.faults.fault import Fault
from tallywire.errors import UsageError

FAULTS: tuple[Fault, ...] = (
    *workers.FAULTS, *model.FAULTS, *store.FAULTS, *broker.FAULTS, *network.FAULTS, *inputs.FAULTS,
)  # fmt: skip


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
