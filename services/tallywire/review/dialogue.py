"""`tallywire review` at a terminal: the queue, a decision with who and why, a history."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import typer

from tallywire.edge.terminal import terminal
from tallywire.election.loading import load_election
from tallywire.errors import UsageError
from tallywire.evidence.broker import broker_evidence
from tallywire.evidence.export_folder import ELECTION, folder_evidence
from tallywire.review.display import (
    cases_json,
    print_history,
    print_queue,
    print_votes,
    steps_json,
)
from tallywire.review.draft import DraftCorrection, change, parse_sets, require, shown
from tallywire.review.history import history, unread_scans
from tallywire.review.session import (
    ReviewedStation,
    find,
    follow,
    open_session,
    publish,
    queue,
    votes_now,
)
from tallywire.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionOptions:
    """What a reviewer typed about one station; the votes are `sets`, or the reading's with
    `accept`, or none with `withdraw`, or asked for row by row."""

    station: str | None
    contest: str | None = None
    scan: str | None = None
    sets: tuple[str, ...] = ()
    accept: bool = False
    withdraw: bool = False
    as_written: bool = False
    why: str | None = None
    by: str | None = None


def check_options(options: DecisionOptions, history_of: str | None) -> None:
    """Raise UsageError where options exclude each other."""
    asked = [bool(options.sets), options.accept, options.withdraw]
    if sum(asked) > 1:
        raise UsageError("--set, --accept and --withdraw exclude each other: choose one")
    if any(asked) and options.station is None:
        raise UsageError("--set, --accept and --withdraw need --station")
    if history_of is not None and options.station is not None:
        raise UsageError("--history and --station exclude each other: choose one")


def tell_queue(settings: Settings, limit: int) -> object:
    """Print what waits for a person; the same as JSON values."""
    cases = queue(open_session(settings))
    print_queue(terminal(), cases, limit)
    return cases_json(cases)


def tell_history(settings: Settings, station: str, folder: Path | None) -> object:
    """Print all that happened to a station, from the broker or an export; the same as JSON."""
    if folder is not None:
        evidence, _ = folder_evidence(folder)
        steps = history(evidence, load_election(folder / ELECTION).election, station)
    else:
        evidence = broker_evidence(settings)
        unread = unread_scans(evidence, settings.kafka, station)
        steps = history(evidence, load_election(settings.election).election, station, unread)
    print_history(terminal(), station, steps)
    return steps_json(steps)


def decide(settings: Settings, station: str, options: DecisionOptions) -> object:
    """Record a decision and follow it into the ledger; what came of it as JSON values.

    Raises:
        UsageError: the votes are not sound, or who and why are missing.
        PeerError: a server is away.
    """
    session = open_session(settings)
    subject = find(session, station, options.contest)
    votes = None if options.withdraw else _votes(subject, options)
    by = _require(options.by, "--by", "Decided by")
    why = _require(options.why, "--why", "Why")
    before = votes_now(subject.state)
    made = publish(session, subject, votes, by, why)
    typer.echo(f"The decision stands at {made.source}.")
    state = follow(session, made)
    after = votes_now(state) if state else None
    if state is None:
        typer.echo(
            "The ledger has not followed yet - is a worker running? It will: nothing is lost.",
            err=True,
        )
    else:
        print_votes(terminal(), subject.contest, before, after)
        typer.echo(f"Station {station} stands as {state.status} in {session.generation}.")
    return {
        "station": station, "place": str(made.source), "followed": state is not None,
        "before": before, "after": after, "decided": votes,
    }  # fmt: skip


def _votes(subject: ReviewedStation, options: DecisionOptions) -> Mapping[str, int]:
    """The votes that a person decided on, once they are sound."""
    draft = shown(subject.state, subject.layout, options.scan)
    if options.sets:
        draft = change(draft, parse_sets(options.sets), subject.contest, subject.layout)
    elif not options.accept:
        if not sys.stdin.isatty():
            raise UsageError("--station needs --set ROW=NUMBER, --accept or --withdraw")
        draft = change(draft, _ask_rows(subject, draft), subject.contest, subject.layout)
    require(
        draft,
        subject.contest,
        subject.layout,
        subject.station.registered,
        as_written=options.as_written,
    )
    return draft.votes


def _ask_rows(subject: ReviewedStation, draft: DraftCorrection) -> dict[str, int]:
    """Row by row in the order of the sheet: Enter keeps what was read."""
    typer.echo(f"Station {subject.station.id}, {subject.station.registered} registered voters.")
    names = {option.id: option.name for option in subject.contest.options}
    rows = [(row.option or row.id) for row in subject.layout.fields]
    read = {**draft.totals, **draft.votes}
    return {
        row: typer.prompt(f"{names.get(row, 'total')} ({row})", default=read.get(row), type=int)
        for row in rows
    }


def _require(given: str | None, name: str, question: str) -> str:
    """A person's words; asked for where somebody sits at the terminal."""
    text = given if given is not None or not sys.stdin.isatty() else str(typer.prompt(question))
    if not text or not text.strip():
        raise UsageError(f"{name} is missing: a decision without it is no evidence")
    return text.strip()
