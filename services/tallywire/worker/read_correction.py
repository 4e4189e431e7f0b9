"""One record of the corrections topic to one Correction, or to its refusal."""

from __future__ import annotations

from tallywire.election import Election
from tallywire.ledger.decisions import open_correction
from tallywire.reasons import Reason
from tallywire.records import Correction, Rejection
from tallywire.worker.read_scan import refuse
from tallywire.worker.records_in import Record


async def read_correction(election: Election, record: Record) -> Correction | Rejection:
    """The correction, standing where the record stands and in its station's district."""
    found = open_correction(election, record.value, record.source)
    return refuse(election, record, found) if isinstance(found, Reason) else found
