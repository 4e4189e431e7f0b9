"""`tallywire worker --check`: does every peer answer? For health checks and before a night."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

import typer

from tallywire.edge.serving import Classifier
from tallywire.election.loading import load_election
from tallywire.errors import PeerError
from tallywire.ledger.store import RedisLedger, connect
from tallywire.settings import Settings
from tallywire.worker.topics import topic_problem

ANSWER_S = 10.0


async def check_peers(settings: Settings) -> None:
    """Ask each peer once and print what it says.

    Raises:
        UsageError: the election's files are wrong.
        PeerError: naming every peer that does not answer as it should.
    """
    election = load_election(settings.election).election
    ledger = RedisLedger(connect(settings.redis, timeout_s=ANSWER_S), election, settings.generation)
    names = settings.topics
    wanted = (names.scans, names.readings, names.corrections, names.rejected)
    async with Classifier(settings.serving, settings.model, settings.model_version) as model:
        answers = {
            "kafka": await topic_problem(settings.kafka, wanted),
            "redis": await _problem(ledger.next_offsets(names.scans)),
            "model server": await _problem(model.policy(settings.model_version)),
        }
    await ledger.close()
    for peer, problem in answers.items():
        typer.echo(f"{peer}: {problem or 'ok'}")
    if any(answers.values()):
        raise PeerError("Not ready: " + ", ".join(peer for peer, bad in answers.items() if bad))


async def _problem(question: Awaitable[object]) -> str:
    try:
        await asyncio.wait_for(question, ANSWER_S)
    except (PeerError, TimeoutError) as error:
        return str(error) or "no answer"
    return ""
