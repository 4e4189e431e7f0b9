"""One record of the corrections topic to one Correction, or to the reason why it is none."""

from __future__ import annotations

from dataclasses import replace

from tallywire.election import Election
from tallywire.reasons import Code, Reason
from tallywire.records import Correction, Rejection
from tallywire.wire import WireError, decode
from tallywire.worker.read_scan import refuse
from tallywire.worker.records_in import Record


async def read_correction(election: Election, record: Record) -> Correction | Rejection:
    """The correction, standing where the record stands and in its station's district."""
    try:
        correction = decode(Correction, record.value)
    except WireError as error:
        message = "The message is no correction; it changes nothing."
        evidence = {"error": str(error)[:300]}
        return refuse(election, record, Reason(Code.BAD_HEADER, message, evidence))
    station = election.stations.get(correction.station)
    contest = election.contest(correction.contest)
    if station is None or contest is None:
        message = f"The election has no station {correction.station[:80]!r} in that contest."
        code = Code.UNKNOWN_CONTEST if station else Code.UNKNOWN_STATION
        return refuse(election, record, Reason(code, message))
    unknown = sorted(set(correction.votes or {}) - {option.id for option in contest.options})
    if unknown:
        message = f"The contest has no option {unknown[0][:80]!r}; the correction changes nothing."
        return refuse(election, record, Reason(Code.BAD_HEADER, message, {"field": "votes"}))
    return replace(correction, source=record.source, district=station.district, contest=contest.id)
