"""One Kafka record to one Reading or one Rejection: open, prepare, await the model, interpret."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from tallywire import __version__
from tallywire.edge.images import decode_image
from tallywire.edge.serving_wire import Answer
from tallywire.election import Contest, Election, Station
from tallywire.reading.interpret import Interpretation, interpret
from tallywire.reading.policy import Policy
from tallywire.reasons import Code, Reason
from tallywire.records import Lineage, Reading, Rejection, Scan
from tallywire.sheet.cells import halve_from_px
from tallywire.sheet.layout import Layout
from tallywire.sheet.prepare import U8, Takes, prepare
from tallywire.worker.metrics import Metrics
from tallywire.worker.records_in import Record, header_text, key_text, scan_of
from tallywire.worker.retry import Peers, insist

ATTEMPTS = 3  # of our own code on one scan, before the scan is set aside for repair
PREPARE_S = 60.0  # a scan that takes a thread for longer is set aside too
PAUSE_S = 0.2
MESSAGE_CHARACTERS = 300


class Model(Protocol):
    """What reading asks of a model server."""

    async def takes(self) -> Takes:
        """What the version that will answer takes."""

    async def classify(self, cells: U8) -> Answer:
        """Probabilities of uint8 [N, S, S] cells, S as `takes` says."""

    async def policy(self, version: int | None = None) -> Policy:
        """The thresholds of that model version."""


@dataclass(frozen=True, slots=True)
class Desk:
    """All that reading needs. `layouts` are by contest id; `policies` fills by model version."""

    election: Election
    layouts: Mapping[str, Layout]
    model: Model
    model_name: str
    threads: Executor
    peers: Peers
    max_pixels: int
    max_value_bytes: int
    metrics: Metrics = field(default_factory=Metrics)
    policies: dict[int, Policy] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sheet:
    """A scan that is cut into cells, with what the election knows about it."""

    scan: Scan
    station: Station
    contest: Contest
    layout: Layout
    cells: U8


async def read_record(desk: Desk, record: Record) -> Reading | Rejection:
    """Read one record, come what may.

    A peer that does not answer is waited for. Our own code gets `ATTEMPTS` attempts; then the
    scan is refused with `INTERNAL_ERROR`, its bytes kept, so that it blocks no partition.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return await _read(desk, record)
        except Exception as error:
            problem = error
            structlog.get_logger().exception(
                "reading failed", source=str(record.source), attempt=attempt
            )
        await asyncio.sleep(PAUSE_S * attempt)
    return give_up(desk.election, record, problem)


def give_up(election: Election, record: Record, error: Exception) -> Rejection:
    """The rejection of an event that our own code could not digest."""
    text = f"{type(error).__name__}: {error}"[:MESSAGE_CHARACTERS]
    message = "The scan could not be processed; its bytes are kept for repair."
    reason = Reason(Code.INTERNAL_ERROR, message, {"error": text})
    return refuse(election, record, reason, attempts=ATTEMPTS)


async def policy_of(desk: Desk, version: int | None) -> Policy:
    """The thresholds of a model version; asked for once, None is the one that is served now."""
    if version is not None and version in desk.policies:
        return desk.policies[version]
    policy = await insist(lambda: desk.model.policy(version), "model server", desk.peers)
    if version is not None:
        desk.policies[version] = policy
    return policy


async def _read(desk: Desk, record: Record) -> Reading | Rejection:
    loop = asyncio.get_running_loop()
    takes = await insist(desk.model.takes, "model server", desk.peers)
    async with asyncio.timeout(PREPARE_S):
        sheet = await loop.run_in_executor(desk.threads, open_sheet, desk, record, takes)
    if isinstance(sheet, Rejection):
        return sheet
    with desk.metrics.stage("classify"):
        answer = await insist(lambda: desk.model.classify(sheet.cells), "model server", desk.peers)
    desk.metrics.answered_by(desk.model_name, answer.model_version)
    policy = await policy_of(desk, answer.model_version)
    # In a thread as well: its convolutions would hold up the event loop for milliseconds.
    with desk.metrics.stage("interpret"):
        found = await loop.run_in_executor(
            desk.threads,
            interpret,
            answer.probabilities,
            sheet.layout,
            sheet.station.registered,
            policy,
        )
    return compose(sheet, found, desk.model_name, answer.model_version)


def open_sheet(desk: Desk, record: Record, takes: Takes = Takes.CELLS) -> Sheet | Rejection:
    """Everything before the model, in one go, so that it costs one change of thread."""
    scan = scan_of(record, desk.max_value_bytes)
    if isinstance(scan, Reason):
        return refuse(desk.election, record, scan)
    envelope = scan.envelope
    station = desk.election.stations.get(envelope.station)
    contest = desk.election.contest(envelope.contest)
    if station is None or contest is None:
        reason = _unknown_station(envelope.station) if contest else _unknown_contest(desk, scan)
        return refuse(desk.election, record, reason, scan)
    layout = desk.layouts[contest.id]
    halve_from = halve_from_px(layout)
    with desk.metrics.stage("decode"):
        image = decode_image(scan.image, envelope.content_type, desk.max_pixels, halve_from)
    if isinstance(image, Reason):
        return refuse(desk.election, record, image, scan)
    with desk.metrics.stage("prepare"):
        prepared = prepare(image.pixels, layout, takes)
    if isinstance(prepared, Reason):
        return refuse(desk.election, record, prepared, scan)
    return Sheet(scan, station, contest, layout, prepared.cells)


def compose(sheet: Sheet, found: Interpretation, model: str, model_version: int) -> Reading:
    """The one place where a reading gets its identity and its lineage."""
    envelope = sheet.scan.envelope
    return Reading(
        station=sheet.station.id,
        contest=sheet.contest.id,
        district=sheet.station.district,
        scan_id=envelope.scan_id,
        scanner=envelope.scanner,
        captured_at=envelope.captured_at,
        published_at=sheet.scan.published_at,
        counts=found.counts,
        confidence=found.confidence,
        error_probability=found.error_probability,
        quality=found.quality,
        verdict=found.verdict,
        reasons=found.reasons,
        lineage=Lineage(
            source=sheet.scan.source,
            layout=sheet.layout.id,
            layout_version=sheet.layout.version,
            model=model,
            model_version=model_version,
            code_version=__version__,
        ),
    )


def refuse(
    election: Election,
    record: Record,
    reason: Reason,
    scan: Scan | None = None,
    attempts: int = 1,
) -> Rejection:
    """A rejection that names as much as is known: the envelope's station, else the key's."""
    claimed = scan.envelope.station if scan else key_text(record)
    station = election.stations.get(claimed or "")
    # Named by the header even where the envelope was not opened: what a second worker gives up
    # on must meet, in the ledger, the record that the first one wrote.
    contest = election.contest(scan.envelope.contest if scan else header_text(record, "contest"))
    return Rejection(
        source=record.source,
        station=claimed,
        contest=contest.id if contest else None,
        district=station.district if station else None,
        scan_id=scan.envelope.scan_id if scan else None,
        published_at=record.published_at,
        reason=reason,
        attempts=attempts,
    )


def _unknown_station(station: str) -> Reason:
    return Reason(
        Code.UNKNOWN_STATION,
        f"The election has no polling station {station[:80]!r}.",
        {"station": station[:80]},
    )


def _unknown_contest(desk: Desk, scan: Scan) -> Reason:
    named = scan.envelope.contest
    known = ", ".join(contest.id for contest in desk.election.contests)
    said = f"names the contest {named[:80]!r}" if named else "names no contest"
    return Reason(
        Code.UNKNOWN_CONTEST,
        f"The envelope {said}; the election has {known[:200]}.",
        {"contest": named and named[:80], "known": known[:200]},
    )
