"""The one place that reads the ledger, at most once a second whatever the number of viewers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tallywire.ledger.snapshot import Snapshot

READ_EVERY_S = 1.0
TIMEOUT_S = 1.0


@dataclass(frozen=True, slots=True)
class Look:
    """What the dashboard last saw of the ledger. `trouble` says why it may be out of date."""

    snapshot: Snapshot | None = None
    read_at: datetime | None = None
    trouble: str | None = None
