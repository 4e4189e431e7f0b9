"""`tallywire export`: topics, totals and the election, sealed, in one new folder."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from tallywire import __version__
from tallywire.election.election import Election
from tallywire.election.loading import (
    ELECTION_FILE,
    STATIONS_FILE,
    LoadedElection,
    load_election,
)
from tallywire.errors import PeerError, UsageError
from tallywire.evidence.broker import broker_evidence
from tallywire.evidence.claimed_totals import ClaimedTotals, read_claim
from tallywire.evidence.event_log import Evidence
from tallywire.evidence.export_folder import (
    ELECTION,
    ExportAbout,
    file_of,
    seal,
    totals_file,
    write_about,
    write_lines,
)
from tallywire.ledger.generations import list_generations, live_generation
from tallywire.ledger.snapshot import read_revision
from tallywire.results.totals_files import district_csv, totals_json
from tallywire.settings import Settings

GUIDE = """{mark}Evidence of the election {election}, exported by Tallywire {version}.

readings.jsonl     what was read from every scan, per generation of the ledger
rejected.jsonl     every scan that was refused, with its reason and SHA-256 (no images)
corrections.jsonl  every human decision: who, when, before, after, why
totals-*.json      what the ledger says, per generation; totals-*.csv the same per district
election/          contests, options, districts and polling stations
SHA256SUMS         check it: sha256sum --check SHA256SUMS

Recompute every total from the three .jsonl files, offline:

    tallywire verify --from-folder THIS_FOLDER
"""
TEST_MARK = "TEST - a rehearsal, not an election result.\n\n"


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written. `sha256` is that of the list of sums; it stands for the whole export."""

    folder: Path
    records: dict[str, int]  # by file
    generations: tuple[str, ...]
    settled: bool
    sha256: str


def export(settings: Settings, out: Path) -> Exported:
    """Write an export to `out`, which must not exist or be empty.

    Raises:
        UsageError: `out` holds something, or nothing has been counted.
        PeerError: broker or Redis are away.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"--out {out}: exists already; name a new folder")
    loaded = load_election(settings.election)
    election = loaded.election
    evidence = broker_evidence(settings)
    try:
        redis = Redis.from_url(settings.redis, socket_connect_timeout=5.0)
        live = live_generation(redis, election.id)
        names = [one.name for one in list_generations(redis, election.id)]
        if live is None:
            raise UsageError(f"Election {election.id}: nothing has been counted yet")
        before = [read_revision(redis, election, name) for name in names]
        claims = {name: read_claim(redis, election, name, settings.redis) for name in names}
        out.mkdir(parents=True, exist_ok=True)
        records = _write_topics(out, evidence)
        settled = before == [read_revision(redis, election, name) for name in names]
    except RedisError as error:
        raise PeerError(f"No ledger at {settings.redis}: {error}") from error
    _write_totals(out, election, claims)
    _copy_election(out / ELECTION, loaded)
    mark = TEST_MARK if election.rehearsal else ""
    guide = GUIDE.format(mark=mark, election=election.id, version=__version__)
    (out / "README.txt").write_text(guide, encoding="utf-8")
    write_about(out, _about(election, evidence, claims, live, settled=settled))
    return Exported(out, records, tuple(names), settled, seal(out))


def _write_topics(out: Path, evidence: Evidence) -> dict[str, int]:
    names = evidence.names
    topics: Sequence[str] = (names.readings, names.rejected, names.corrections)
    files = {file_of(names, topic): topic for topic in topics}
    return {file: write_lines(out / file, evidence.read(topic)) for file, topic in files.items()}


def _write_totals(out: Path, election: Election, claims: dict[str, ClaimedTotals]) -> None:
    mark = "TEST-" if election.rehearsal else ""
    for name, claim in claims.items():
        text = totals_json(election.id, name, claim.totals)
        (out / totals_file(name)).write_text(text, encoding="utf-8")
        for district, counters in claim.totals.items():
            file = out / f"{mark}totals-{name}-{'unknown' if district == '-' else district}.csv"
            file.write_text(district_csv(counters), encoding="utf-8")


def _copy_election(out: Path, loaded: LoadedElection) -> None:
    """The election's own files; a layout that ships with Tallywire is not copied."""
    out.mkdir()
    folder = loaded.folder
    for path in (folder / ELECTION_FILE, folder / STATIONS_FILE, *loaded.own_layouts):
        shutil.copyfile(path, out / path.name)


def _about(
    election: Election,
    evidence: Evidence,
    claims: dict[str, ClaimedTotals],
    live: str,
    *,
    settled: bool,
) -> ExportAbout:
    return ExportAbout(
        election=election.id,
        rehearsal=election.rehearsal,
        exported_at=datetime.now(UTC).isoformat(timespec="seconds"),
        code_version=__version__,
        names=evidence.names,
        scans=evidence.scans(),
        generations=tuple(claims),
        live=live,
        settled=settled,
        starts={name: dict(claim.starts) for name, claim in claims.items() if claim.starts},
    )
