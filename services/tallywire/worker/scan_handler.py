"""One record of the scans topic to one Reading, or to its refusal.

Open, prepare, await the model, interpret.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Protocol

from tallywire import __version__
from tallywire.edge.images import decode_image
from tallywire.edge.serving_wire import ClassifierAnswer
from tallywire.election.election import Contest, Election, Station
from tallywire.errors import PeerError
from tallywire.ledger.async_client import Ledger
from tallywire.ledger.state import ApplyResult
from tallywire.reading.interpret import Interpretation, interpret
from tallywire.reading.policy import Policy
from tallywire.reasons import Code, Reason
from tallywire.records import Lineage, Reading, Rejection, Scan
from tallywire.sheet.cells import halve_from_px
from tallywire.sheet.layout import Layout
from tallywire.sheet.prepare import U8, Prepared, Takes, prepare
from tallywire.wire import decode_scan
from tallywire.worker.handler import IncomingRecord, give_up, refuse
from tallywire.worker.metrics import Metrics
from tallywire.worker.retry import Peers, insist

PREPARE_S = 60.0  # a scan that takes a thread for longer is set aside for repair


class ClassifierClient(Protocol):
    """What reading asks of a model server."""

    async def takes(self) -> Takes:
        """What the version that will answer takes."""

    async def classify(self, cells: U8) -> ClassifierAnswer:
        """Probabilities of uint8 [N, S, S] cells, S as `takes` says."""

    async def policy(self, version: int | None = None) -> Policy:
        """The thresholds of that model version."""


@dataclass(frozen=True, slots=True)
class PreparedScan:
    """A scan that is aligned and cut into cells, with what the election knows about it."""

    scan: Scan
    station: Station
    contest: Contest
    layout: Layout
    prepared: Prepared


@dataclass(frozen=True, slots=True)
class ScanHandler:
    """What scanners sent. `layouts` are by contest id; `policies` fills by model version."""

    election: Election
    layouts: Mapping[str, Layout]
    ledger: Ledger
    model: ClassifierClient
    model_name: str
    threads: Executor
    peers: Peers
    max_pixels: int
    max_value_bytes: int
    metrics: Metrics = field(default_factory=Metrics)
    policies: dict[int, Policy] = field(default_factory=dict)

    async def read(self, record: IncomingRecord) -> Reading | Rejection:
        """Read one sheet. A model server that does not answer is waited for."""
        loop = asyncio.get_running_loop()
        sheet = await self._opened(record)
        if isinstance(sheet, Rejection):
            return sheet
        with self.metrics.stage("classify"):
            answer = await insist(
                lambda: self.model.classify(sheet.prepared.cells), "model server", self.peers
            )
        self.metrics.answered_by(self.model_name, answer.model_version)
        policy = await self.policy(answer.model_version)
        # In a thread as well: its convolutions would hold up the event loop for milliseconds.
        with self.metrics.stage("interpret"):
            found = await loop.run_in_executor(
                self.threads,
                interpret,
                answer.probabilities,
                sheet.layout,
                sheet.station.registered,
                policy,
                sheet.prepared.alignment.doubtful_places,
            )
        return compose(sheet, found, self.model_name, answer.model_version)

    async def _opened(self, record: IncomingRecord) -> PreparedScan | Rejection:
        """A sheet, cut as the model takes it. What is no sheet is refused while nobody answers."""
        loop = asyncio.get_running_loop()
        try:
            takes = await self.model.takes()
        except PeerError:
            async with asyncio.timeout(PREPARE_S):
                sheet = await loop.run_in_executor(self.threads, self.open_sheet, record)
            if isinstance(sheet, Rejection):
                return sheet
            takes = await insist(self.model.takes, "model server", self.peers)
        async with asyncio.timeout(PREPARE_S):
            return await loop.run_in_executor(self.threads, self.open_sheet, record, takes)

    async def settle(self, result: Reading | Rejection) -> ApplyResult:
        """Apply a reading, or count a refusal: every scan is in the ledger."""
        return await insist(lambda: self.ledger.apply(result), "redis", self.peers)

    def refuse(self, record: IncomingRecord, error: Exception) -> Rejection:
        """See `Handler.refuse`."""
        return give_up(self.election, record, error)

    async def policy(self, version: int | None) -> Policy:
        """The thresholds of a model version; asked for once, None is the one that is served now."""
        if version is not None and version in self.policies:
            return self.policies[version]
        policy = await insist(lambda: self.model.policy(version), "model server", self.peers)
        if version is not None:
            self.policies[version] = policy
        return policy

    def open_sheet(
        self, record: IncomingRecord, takes: Takes = Takes.CELLS
    ) -> PreparedScan | Rejection:
        """Everything before the model, in one go, so that it costs one change of thread."""
        scan = decode_scan(
            record.key, record.value, record.headers, record.source, record.published_at,
            self.max_value_bytes,
        )  # fmt: skip
        if isinstance(scan, Reason):
            return refuse(self.election, record, scan)
        envelope = scan.envelope
        station = self.election.stations.get(envelope.station)
        contest = self.election.contest(envelope.contest)
        if contest is None:
            return refuse(self.election, record, _unknown_contest(self.election, scan), envelope)
        if station is None:
            return refuse(self.election, record, _unknown_station(envelope.station), envelope)
        layout = self.layouts[contest.id]
        prepared = self._prepare(scan, layout, takes)
        if isinstance(prepared, Reason):
            return refuse(self.election, record, prepared, envelope)
        return PreparedScan(scan, station, contest, layout, prepared)

    def _prepare(self, scan: Scan, layout: Layout, takes: Takes) -> Prepared | Reason:
        content_type, halve_from = scan.envelope.content_type, halve_from_px(layout)
        with self.metrics.stage("decode"):
            image = decode_image(scan.image, content_type, self.max_pixels, halve_from)
        if isinstance(image, Reason):
            return image
        with self.metrics.stage("prepare"):
            return prepare(image.pixels, layout, takes)


def compose(sheet: PreparedScan, found: Interpretation, model: str, model_version: int) -> Reading:
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


def _unknown_station(station: str) -> Reason:
    return Reason(
        Code.UNKNOWN_STATION,
        f"The election has no polling station {station[:80]!r}.",
        {"station": station[:80]},
    )


def _unknown_contest(election: Election, scan: Scan) -> Reason:
    named = scan.envelope.contest
    known = ", ".join(contest.id for contest in election.contests)
    said = f"names the contest {named[:80]!r}" if named else "names no contest"
    return Reason(
        Code.UNKNOWN_CONTEST,
        f"The envelope {said}; the election has {known[:200]}.",
        {"contest": named and named[:80], "known": known[:200]},
    )
