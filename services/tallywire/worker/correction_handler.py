"""One record of the corrections topic to one Correction, or to its refusal."""

from __future__ import annotations

from tallywire.election.election import Election
from tallywire.ledger.correction_records import open_correction
from tallywire.reasons import Reason
from tallywire.records import Correction, Rejection
from tallywire.worker.incoming import IncomingRecord
from tallywire.worker.scan_handler import refuse


async def read_correction(election: Election, record: IncomingRecord) -> Correction | Rejection:
    """The correction, standing where the record stands and in its station's district."""
    found = open_correction(election, record.value, record.source)
    return refuse(election, record, found) if isinstance(found, Reason) else found
