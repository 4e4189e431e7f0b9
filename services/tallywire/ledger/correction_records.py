"""One record of the corrections topic to one Correction, or to the reason why it is none. Pure.

Worker, review and verification ask here, so that none of them takes what another refuses.
"""

from __future__ import annotations

from dataclasses import replace

from tallywire.election.election import Election
from tallywire.reasons import Code, Reason
from tallywire.records import Correction, Source
from tallywire.wire import WireError, decode


def open_correction(election: Election, value: bytes | None, source: Source) -> Correction | Reason:
    """The correction in `value`, standing at `source` and in its station's district."""
    try:
        correction = decode(Correction, value)
    except WireError as error:
        message = "The message is no correction; it changes nothing."
        return Reason(Code.BAD_HEADER, message, {"error": str(error)[:300]})
    station = election.stations.get(correction.station)
    contest = election.contest(correction.contest)
    if station is None or contest is None:
        message = f"The election has no station {correction.station[:80]!r} in that contest."
        return Reason(Code.UNKNOWN_CONTEST if station else Code.UNKNOWN_STATION, message)
    unknown = sorted(set(correction.votes or {}) - {option.id for option in contest.options})
    if unknown:
        message = f"The contest has no option {unknown[0][:80]!r}; the correction changes nothing."
        return Reason(Code.BAD_HEADER, message, {"field": "votes"})
    return replace(correction, source=source, district=station.district, contest=contest.id)
