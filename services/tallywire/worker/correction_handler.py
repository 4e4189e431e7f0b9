"""One record of the corrections topic to one Correction, or to its refusal."""

from __future__ import annotations

from dataclasses import dataclass

from tallywire.election.election import Election
from tallywire.ledger.async_client import Ledger
from tallywire.ledger.correction_records import open_correction
from tallywire.ledger.state import ApplyResult, Outcome
from tallywire.reasons import Reason
from tallywire.records import Correction, Rejection
from tallywire.worker.handler import IncomingRecord, give_up, refuse
from tallywire.worker.retry import Peers, insist


@dataclass(frozen=True, slots=True)
class CorrectionHandler:
    """What people decided about stations."""

    election: Election
    ledger: Ledger
    peers: Peers

    async def read(self, record: IncomingRecord) -> Correction | Rejection:
        """The correction, standing where the record stands and in its station's district."""
        found = open_correction(self.election, record.value, record.source)
        return refuse(self.election, record, found) if isinstance(found, Reason) else found

    async def settle(self, result: Correction | Rejection) -> ApplyResult:
        """Apply a correction. A broken one is no scan: it is published, and counted nowhere."""
        if isinstance(result, Rejection):
            return ApplyResult(Outcome.REJECTED, result)
        return await insist(lambda: self.ledger.apply(result), "redis", self.peers)

    def refuse(self, record: IncomingRecord, error: Exception) -> Rejection:
        """See `Handler.refuse`."""
        return give_up(self.election, record, error, "correction")
