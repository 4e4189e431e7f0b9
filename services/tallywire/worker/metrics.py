"""What a worker tells Prometheus: every metric's name, in one place.

Each worker has a registry of its own and passes it on; nothing is global. Names end in the unit;
counters end in `_total` on the wire. Rules and dashboard in deploy/monitoring use these names
only, which a test checks against a real worker's answer.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from tallywire import __version__
from tallywire.edge.health_server import HttpAnswer

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

# Events that were accounted for. outcome: counted, held, duplicate, rejected, ... (ledger.state);
# reason: the first reason's code where a person has to look, else empty.
SCANS = "tallywire_scans"
# Seconds of one stage of one scan. stage: see STAGES. `whole` runs from admission to the ledger.
STAGE_SECONDS = "tallywire_stage_seconds"
# Times that a peer did not do what was asked, each followed by another attempt.
# peer: redis, kafka, kafka producer, model server.
RETRIES = "tallywire_peer_retries"
# 1 while the worker waits for this peer.
PEER_WAITING = "tallywire_peer_waiting"
# Scans admitted and not yet settled.
IN_FLIGHT = "tallywire_in_flight_scans"
# Offsets between the ledger and the end of a partition of ours. By topic and partition.
LAG = "tallywire_lag_offsets"
# Offsets that the broker confirmed never to have had. More than 0 wants an explanation.
GAPS = "tallywire_gap_offsets"
# 1 for the model version that answered last. By model and version.
MODEL = "tallywire_model_version_info"
# 1 while too many of the latest scans are rejected (settings reject_alert_*).
REJECT_ALERT = "tallywire_reject_alert"
# Seconds since the last progress while there was work and no peer was away: what /healthz judges.
STALLED = "tallywire_stalled_seconds"
# 1 while the worker has its partitions.
ASSIGNED = "tallywire_assigned"
# 1, with the code's version.
BUILD = "tallywire_build_info"

STAGES = ("decode", "prepare", "classify", "interpret", "apply", "publish", "whole")
BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0)


class Metrics:
    """One worker's instruments. Any thread may tell them something."""

    def __init__(self) -> None:
        self.registry = one = CollectorRegistry()
        self._scans = Counter(SCANS, "Events accounted for", ("outcome", "reason"), registry=one)
        self._stages = Histogram(
            STAGE_SECONDS, "Time of one stage", ("stage",), buckets=BUCKETS_S, registry=one
        )
        for stage in STAGES:
            self._stages.labels(stage)  # there from the start, so that a rate has a first point
        self._retries = Counter(RETRIES, "Failed attempts", ("peer",), registry=one)
        self.peer_waiting = Gauge(PEER_WAITING, "Waiting for it", ("peer",), registry=one)
        self.in_flight = Gauge(IN_FLIGHT, "Admitted, not settled", registry=one)
        self.lag = Gauge(LAG, "Offsets behind the log's end", ("topic", "partition"), registry=one)
        self._gaps = Counter(GAPS, "Offsets that never existed", ("topic",), registry=one)
        self._model = Gauge(MODEL, "The version that answered", ("model", "version"), registry=one)
        self.reject_alert = Gauge(REJECT_ALERT, "Too many rejected", registry=one)
        self.stalled = Gauge(STALLED, "Since the last progress", registry=one)
        self.assigned = Gauge(ASSIGNED, "Has its partitions", registry=one)
        Gauge(BUILD, "Code version", ("version",), registry=one).labels(__version__).set(1)

    def scan(self, outcome: str, reason: str) -> None:
        """One event was accounted for."""
        self._scans.labels(outcome, reason).inc()

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measure what happens inside; also where it raises."""
        started_s = time.monotonic()
        try:
            yield
        finally:
            self.took(name, time.monotonic() - started_s)

    def took(self, stage: str, seconds: float) -> None:
        """A stage took `seconds`."""
        self._stages.labels(stage).observe(seconds)

    def retry(self, peer: str) -> None:
        """A peer did not do what was asked; it will be asked again."""
        self._retries.labels(peer).inc()

    def gap(self, topic: str, offsets: int) -> None:
        """The log has nothing at so many offsets."""
        self._gaps.labels(topic).inc(offsets)

    def answered_by(self, model: str, version: int) -> None:
        """The model version that answered the latest call."""
        self._model.clear()
        self._model.labels(model, str(version)).set(1)

    def expose(self) -> HttpAnswer:
        """Everything, in Prometheus' text form."""
        return HttpAnswer(200, generate_latest(self.registry), CONTENT_TYPE)
