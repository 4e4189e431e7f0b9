"""`tallywire verify`: where evidence and claims come from."""

from __future__ import annotations

from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from tallywire.election.loading import load_election
from tallywire.errors import PeerError, UsageError
from tallywire.evidence.broker import broker_evidence
from tallywire.evidence.claimed_totals import ClaimedTotals, read_claim
from tallywire.evidence.event_log import FIRST
from tallywire.evidence.export_folder import (
    ELECTION,
    check_seal,
    folder_evidence,
    read_totals,
    totals_file,
)
from tallywire.ledger.generations import live_generation
from tallywire.ledger.snapshot import read_revision
from tallywire.settings import Settings
from tallywire.verify.recount import Verification, verify

ATTEMPTS = 5  # while the ledger goes on counting


def verify_folder(
    folder: Path, generation: str | None, totals: Path | None
) -> tuple[Verification, str]:
    """Check an export; needs nothing but the folder.

    Returns:
        what came of it, and the SHA-256 of the export's list of sums.

    Raises:
        InvalidFileError: a file is not the one that was exported.
        UsageError: it is no export, or does not hold that generation.
    """
    sealed = check_seal(folder)
    evidence, about = folder_evidence(folder)
    wanted = generation or about.live
    if wanted not in about.generations and totals is None:
        known = ", ".join(about.generations)
        raise UsageError(f"--generation {wanted}: the export holds {known}")
    path = totals or folder / totals_file(wanted)
    election = load_election(folder / ELECTION).election
    claim = ClaimedTotals(str(path), _totals_of(path, wanted), about.starts.get(wanted, {}))
    return verify(evidence, election, wanted, claim), sealed


def verify_broker(
    settings: Settings, generation: str | None, totals: Path | None, *, alone: bool
) -> Verification:
    """Check the broker's topics against Redis, or against `totals`, or `alone` against nothing.

    Raises:
        PeerError: the broker is away, or Redis where it is needed, or the ledger does not rest.
    """
    election = load_election(settings.election).election
    evidence = broker_evidence(settings)
    if totals is not None:
        claimed, found = read_totals(totals)
        wanted = generation or claimed
        return verify(
            evidence, election, wanted, ClaimedTotals(str(totals), _same(found, claimed, wanted))
        )
    if alone:
        return verify(evidence, election, generation or FIRST, None)
    try:
        redis = Redis.from_url(settings.redis, socket_connect_timeout=5.0)
        wanted = generation or live_generation(redis, election.id) or FIRST
        for _ in range(ATTEMPTS):
            before = read_revision(redis, election, wanted)
            claim = read_claim(redis, election, wanted, settings.redis)
            found_now = verify(evidence, election, wanted, claim)
            if read_revision(redis, election, wanted) == before:
                return found_now
    except RedisError as error:
        raise PeerError(
            f"No ledger at {settings.redis}: {str(error).rstrip('.')}. Compare with a file instead"
            " (--totals FILE), or only recompute (--alone)."
        ) from error
    raise PeerError(f"The ledger changed during each of {ATTEMPTS} attempts: verify when it rests.")


def _totals_of(path: Path, generation: str) -> dict[str, dict[str, int]]:
    claimed, found = read_totals(path)
    return _same(found, claimed, generation)


def _same(
    totals: dict[str, dict[str, int]], claimed: str, wanted: str
) -> dict[str, dict[str, int]]:
    if claimed != wanted:
        raise UsageError(f"The totals are of generation {claimed}, not {wanted}")
    return totals
