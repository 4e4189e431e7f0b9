"""`tallywire review`: what waits for a person, a decision, and the history of a station."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from tallywire.cli.options import ElectionOption, KafkaOption, RedisOption

if TYPE_CHECKING:
    from tallywire.review.draft import DraftCorrection
    from tallywire.review.session import ReviewedStation
    from tallywire.settings import Settings

OFFICIAL = "TALLYWIRE_OFFICIAL"

ContestOption = Annotated[
    str | None, typer.Option("--contest", help="Contest, where the election has several")
]


def review(
    station: Annotated[str | None, typer.Option(help="The station to decide")] = None,
    sets: Annotated[
        list[str] | None,
        typer.Option("--set", help="A row as it is on the paper, ROW=NUMBER; may be repeated"),
    ] = None,
    scan: Annotated[
        str | None,
        typer.Option(help="Start from this scan (its id's beginning), not from what stands now"),
    ] = None,
    accept: Annotated[bool, typer.Option("--accept", help="The reading is right as it is")] = False,
    withdraw: Annotated[
        bool, typer.Option("--withdraw", help="Take the station's correction back")
    ] = False,
    why: Annotated[str | None, typer.Option(help="Why; kept for ever")] = None,
    by: Annotated[str | None, typer.Option(help="Who decides; kept for ever", envvar=OFFICIAL)] = (
        None
    ),
    as_written: Annotated[
        bool, typer.Option("--as-written", help="The paper itself does not add up: record it so")
    ] = False,
    history: Annotated[
        str | None, typer.Option(metavar="STATION", help="All that ever happened to a station")
    ] = None,
    from_folder: Annotated[
        Path | None, typer.Option(help="With --history: an export, instead of the broker")
    ] = None,
    contest: ContestOption = None,
    limit: Annotated[int, typer.Option(min=1, help="Most rows of the queue")] = 50,
    election: ElectionOption = None,
    kafka: KafkaOption = None,
    redis: RedisOption = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write what is shown there as well")
    ] = None,
) -> None:
    """List the held sheets, decide one, or tell the history of a station.

    Without options: what waits for a person, the weightiest first. With --station: record a
    decision (--set, --accept or --withdraw; row by row on a terminal without any of them). Rows
    that are not set stay as they stand now, or as --scan was read. The decision goes
    to the corrections topic with who, when, before, after and why; the ledger follows within
    seconds, and a later decision supersedes it. --history reads the topics alone.
    """
    from tallywire.settings import load_settings

    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    settings = load_settings(election=election, kafka=kafka, redis=redis)
    _check(station, sets, history, accept=accept, withdraw=withdraw)
    if history is not None:
        body = _history(settings, history, from_folder)
    elif station is None:
        body = _queue(settings, limit)
    else:
        body = _decide(
            settings, station, contest, scan, sets or [], why, by,
            accept=accept, withdraw=withdraw, as_written=as_written,
        )  # fmt: skip
    if json_file:
        json_file.write_text(json.dumps(body, indent=2, default=str) + "\n")


def _check(
    station: str | None,
    sets: list[str] | None,
    history: str | None,
    *,
    accept: bool,
    withdraw: bool,
) -> None:
    from tallywire.errors import UsageError

    asked = [bool(sets), accept, withdraw]
    if sum(asked) > 1:
        raise UsageError("--set, --accept and --withdraw exclude each other: choose one")
    if any(asked) and station is None:
        raise UsageError("--set, --accept and --withdraw need --station")
    if history is not None and station is not None:
        raise UsageError("--history and --station exclude each other: choose one")


def _queue(settings: Settings, limit: int) -> object:
    from tallywire.review.display import cases_json, print_queue
    from tallywire.review.session import open_desk, queue

    cases = queue(open_desk(settings))
    print_queue(Console(), cases, limit)
    return cases_json(cases)


def _history(settings: Settings, station: str, folder: Path | None) -> object:
    from tallywire.election.loading import load_election
    from tallywire.evidence.broker import broker_evidence
    from tallywire.evidence.export_folder import ELECTION, folder_evidence
    from tallywire.review.display import print_history, steps_json
    from tallywire.review.history import history, unread_scans

    if folder is not None:
        evidence, _ = folder_evidence(folder)
        steps = history(evidence, load_election(folder / ELECTION).election, station)
    else:
        evidence = broker_evidence(settings)
        unread = unread_scans(evidence, settings.kafka, station)
        steps = history(evidence, load_election(settings.election).election, station, unread)
    print_history(Console(), station, steps)
    return steps_json(steps)


def _decide(
    settings: Settings,
    station: str,
    contest: str | None,
    scan: str | None,
    sets: list[str],
    why: str | None,
    by: str | None,
    *,
    accept: bool,
    withdraw: bool,
    as_written: bool,
) -> object:
    from tallywire.review.display import print_votes
    from tallywire.review.session import find, follow, open_desk, publish, votes_now

    desk = open_desk(settings)
    subject = find(desk, station, contest)
    votes = None
    if not withdraw:
        votes = _votes(subject, scan, sets, accept=accept, as_written=as_written)
    by, why = _who(by, "--by", "Decided by"), _who(why, "--why", "Why")
    before = votes_now(subject.state)
    made = publish(desk, subject, votes, by, why)
    typer.echo(f"The decision stands at {made.source}.")
    state = follow(desk, made)
    after = votes_now(state) if state else None
    if state is None:
        typer.echo(
            "The ledger has not followed yet - is a worker running? It will: nothing is lost.",
            err=True,
        )
    else:
        print_votes(Console(), subject.contest, before, after)
        typer.echo(f"Station {station} stands as {state.status} in {desk.generation}.")
    return {
        "station": station, "place": str(made.source), "followed": state is not None,
        "before": before, "after": after, "decided": votes,
    }  # fmt: skip


def _votes(
    subject: ReviewedStation, scan: str | None, sets: list[str], *, accept: bool, as_written: bool
) -> Mapping[str, int]:
    """The votes that a person decided on, once they are sound."""
    from tallywire.errors import UsageError
    from tallywire.review.draft import change, parse_sets, require, shown

    draft = shown(subject.state, subject.layout, scan)
    if sets:
        draft = change(draft, parse_sets(sets), subject.contest, subject.layout)
    elif not accept:
        if not sys.stdin.isatty():
            raise UsageError("--station needs --set ROW=NUMBER, --accept or --withdraw")
        draft = change(draft, _ask_rows(subject, draft), subject.contest, subject.layout)
    require(
        draft, subject.contest, subject.layout, subject.station.registered, as_written=as_written
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


def _who(given: str | None, name: str, question: str) -> str:
    from tallywire.errors import UsageError

    text = given if given is not None or not sys.stdin.isatty() else str(typer.prompt(question))
    if not text or not text.strip():
        raise UsageError(f"{name} is missing: a decision without it is no evidence")
    return text.strip()
