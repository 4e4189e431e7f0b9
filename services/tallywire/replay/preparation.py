"""Before the first scan is replayed: is it allowed, and what is written down."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from tallywire import __version__
from tallywire.edge.log_offsets import offsets_at
from tallywire.edge.serving import Classifier, VersionState
from tallywire.election.election import Election
from tallywire.election.loading import load_election
from tallywire.errors import UsageError
from tallywire.ledger.generation_origin import BEGINNING, REPLAY, GenerationOrigin, differences
from tallywire.ledger.generations import Generation, list_generations
from tallywire.ledger.opening import describe, place_starts
from tallywire.ledger.store import connect
from tallywire.replay.peers import redis_answers
from tallywire.settings import Settings


@dataclass(frozen=True, slots=True)
class OpenedReplay:
    """A generation that may be filled. `settings` are those of its workers."""

    settings: Settings
    election: Election
    about: GenerationOrigin
    resumed: bool


def open_replay(
    settings: Settings, model_version: int | None, layout: Path | None, begin: str | None
) -> OpenedReplay:
    """Check what was asked for and open the generation `settings.generation`.

    Args:
        settings: lead to the servers.
        model_version: None is the one that the generation has already, else the newest served.
        layout: None is the election's own.
        begin: "beginning" or a time (ISO 8601); None is what the generation has, else beginning.

    Raises:
        UsageError: the generation is live or was made otherwise; no such model, layout or time.
        PeerError: a server is away.
    """
    loaded = load_election(settings.election, layout)
    election = loaded.election
    with redis_answers(settings) as redis:
        known = list_generations(redis, election.id)
    existing = check_name(known, settings.generation)
    since = parse_begin(begin)
    version = model_version or (existing.model_version if existing else None)
    about = GenerationOrigin(
        districts=tuple(district.id for district in election.districts),
        made_by=REPLAY,
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        code_version=__version__,
        model=settings.model,
        model_version=asyncio.run(find_version(settings, version)),
        layouts=loaded.layouts_used,
        begin=begin_text(since, existing if begin is None else None),
    )
    if existing:
        check_same(settings.generation, about, existing)
        about = existing
    elif since:
        about = replace(about, starts=find_starts(settings, since))
    about = asyncio.run(_open(settings, election, about))
    given = {"model_version": about.model_version, "layout": layout, "rejected_bytes": False}
    return OpenedReplay(settings.model_copy(update=given), election, about, existing is not None)


def check_name(known: list[Generation], wanted: str) -> GenerationOrigin | None:
    """How the generation was made, where it is there already.

    Raises:
        UsageError: nothing is live yet, or the one wanted is, or workers made it.
    """
    live = next((one.name for one in known if one.live), None)
    if live is None:
        raise UsageError(
            "No generation is live yet: start `tallywire worker`, which reads the topics from their"
            " beginning. A replay builds another generation beside a live one."
        )
    numbers = [int(one.name[1:]) for one in known if one.name[1:].isdigit()]
    free = f"g{max(numbers) + 1}"
    found = next((one.about for one in known if one.name == wanted), None)
    if wanted == live:
        raise UsageError(
            f"--to {wanted}: viewers follow it now, and a replay must not touch what they see."
            f" Replay into another one, for example --to {free}. (To keep {wanted} current, run"
            f" `tallywire worker --generation {wanted}`.)"
        )
    if found is not None and found.made_by != REPLAY:
        raise UsageError(
            f"--to {wanted} exists and was counted by workers, not replayed: choose --to {free}"
        )
    return found


def check_same(name: str, wanted: GenerationOrigin, found: GenerationOrigin) -> None:
    """Raise UsageError unless the generation was made with just these parameters."""
    different = differences(wanted, found)
    if different:
        raise UsageError(
            f"--to {name} exists and was made otherwise: {'; '.join(different)}."
            " Say the same to continue it, or choose another generation."
        )


def parse_begin(begin: str | None) -> datetime | None:
    """The time from which on to replay; None is the beginning.

    Raises:
        UsageError: no ISO 8601 time with a zone, or one that is yet to come.
    """
    if begin in (None, BEGINNING):
        return None
    try:
        at = datetime.fromisoformat(str(begin))
    except ValueError:
        raise UsageError(
            f"--from {begin}: write beginning, or a time such as 2026-11-22T20:00:00+00:00"
        ) from None
    if at.tzinfo is None:
        raise UsageError(
            f"--from {begin}: add the time zone, for example {begin}+00:00 or {begin}Z"
        )
    if at > datetime.now(UTC):
        raise UsageError(f"--from {begin} is yet to come: there would be nothing to replay")
    return at.astimezone(UTC)


def begin_text(since: datetime | None, existing: GenerationOrigin | None) -> str:
    """How the start is written down."""
    if existing:
        return existing.begin
    return since.isoformat() if since else BEGINNING


async def find_version(settings: Settings, wanted: int | None) -> int:
    """The model version to read with: the one wanted, else the newest that is served.

    Raises:
        UsageError: the server does not serve it.
        PeerError: the model server is away.
    """
    async with Classifier(settings.serving, settings.model) as model:
        versions = await model.versions()
    served = [one.version for one in versions if one.state is VersionState.AVAILABLE]
    if wanted is None and served:
        return served[0]
    if wanted is not None and wanted in served:
        return wanted
    asked = f"version {wanted}" if wanted else "any version"
    raise UsageError(
        f"--model: the model server {settings.serving} does not serve {asked} of {settings.model},"
        f" only {', '.join(map(str, sorted(served))) or 'none'}. Put it into the model repository"
        " (TensorFlow Serving: a model_version_policy that names it)."
    )


def find_starts(settings: Settings, since: datetime) -> dict[str, int]:
    """By `topic|partition`, where scans are read from. Corrections are read from their beginning:
    a person's decision holds, whenever it was made."""
    topic = settings.topics.scans
    found = offsets_at(settings.kafka, topic, since)
    return {f"{topic}|{partition}": offset for partition, offset in found.items()}


async def _open(
    settings: Settings, election: Election, about: GenerationOrigin
) -> GenerationOrigin:
    redis = connect(settings.redis)
    try:
        written = await describe(redis, election.id, settings.generation, about)
        check_same(settings.generation, about, written)  # somebody may have been quicker
        await place_starts(redis, election.id, settings.generation, written)
        return written
    finally:
        await redis.aclose()
