"""`tallywire review`: what waits for a person, a decision, and the history of a station."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tallywire.cli.options import ElectionOption, JsonOption, KafkaOption, RedisOption

OFFICIAL = "TALLYWIRE_OFFICIAL"

ContestOption = Annotated[
    str | None, typer.Option("--contest", help="Contest, where the election has several")
]


SetsOption = Annotated[
    list[str] | None,
    typer.Option("--set", help="A row as it is on the paper, ROW=NUMBER; may be repeated"),
]
ScanOption = Annotated[
    str | None,
    typer.Option(help="Start from this scan (its id's beginning), not from what stands now"),
]
WithdrawOption = Annotated[
    bool, typer.Option("--withdraw", help="Take the station's correction back")
]
ByOption = Annotated[str | None, typer.Option(help="Who decides; kept for ever", envvar=OFFICIAL)]
AsWrittenOption = Annotated[
    bool, typer.Option("--as-written", help="The paper itself does not add up: record it so")
]


def review(
    station: Annotated[str | None, typer.Option(help="The station to decide")] = None,
    sets: SetsOption = None,
    scan: ScanOption = None,
    accept: Annotated[bool, typer.Option("--accept", help="The reading is right as it is")] = False,
    withdraw: WithdrawOption = False,
    why: Annotated[str | None, typer.Option(help="Why; kept for ever")] = None,
    by: ByOption = None,
    as_written: AsWrittenOption = False,
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
    json_file: JsonOption = None,
) -> None:
    """List the held sheets, decide one, or tell the history of a station.

    Without options: what waits for a person, the weightiest first. With --station: record a
    decision (--set, --accept or --withdraw; row by row on a terminal without any of them). Rows
    that are not set stay as they stand now, or as --scan was read. The decision goes
    to the corrections topic with who, when, before, after and why; the ledger follows within
    seconds, and a later decision supersedes it. --history reads the topics alone.
    """
    from tallywire.edge.kafka_client import silence_kafka
    from tallywire.edge.output_files import write_json
    from tallywire.review import dialogue
    from tallywire.settings import load_settings

    silence_kafka()
    options = dialogue.DecisionOptions(
        station=station,
        contest=contest,
        scan=scan,
        sets=tuple(sets or ()),
        accept=accept,
        withdraw=withdraw,
        as_written=as_written,
        why=why,
        by=by,
    )
    settings = load_settings(election=election, kafka=kafka, redis=redis)
    dialogue.check_options(options, history)
    if history is not None:
        body = dialogue.tell_history(settings, history, from_folder)
    elif station is None:
        body = dialogue.tell_queue(settings, limit)
    else:
        body = dialogue.decide(settings, station, options)
    if json_file:
        write_json(json_file, body)
