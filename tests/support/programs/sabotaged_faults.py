"""A fault suite whose workers forget: `tallywire faults` with one more fault, which must be found.

Run as a program in place of `-m tallywire`; `forget` is what its workers run.
"""

from __future__ import annotations

import sys
from typing import Any

from tallywire.cli.main import main
from tallywire.ledger.async_client import AsyncLedgerClient
from tallywire.ledger.state import ApplyResult, Outcome, event_source
from tallywire.workshop.faults import suite
from tallywire.workshop.faults.night import FaultNight
from tallywire.workshop.faults.scenarios import Scenario

EVERY = 10
MODULE = "tests.support.programs.sabotaged_faults"


def forgetful(night: FaultNight) -> None:
    """Nothing breaks, and every tenth scan is not counted all the same."""
    night.begin(module=MODULE)


FORGETFUL = Scenario("forgetful", "a ledger that forgets", forgetful, scans=60)


def forget() -> None:
    """Become a worker that says of every tenth scan that it is counted, and does not count it."""
    apply = AsyncLedgerClient.apply

    async def apply_most(ledger: AsyncLedgerClient, event: Any) -> ApplyResult:
        if event_source(event).offset % EVERY == 0:
            return ApplyResult(Outcome.COUNTED, event)
        return await apply(ledger, event)

    setattr(AsyncLedgerClient, AsyncLedgerClient.apply.__name__, apply_most)
    main()


if __name__ == "__main__":
    if "worker" in sys.argv:
        forget()
    else:
        vars(suite)["SCENARIOS"] = (FORGETFUL,)
        main()
