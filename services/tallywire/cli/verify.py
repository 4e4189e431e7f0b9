"""`tallywire verify`: every total once more, from the topics alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tallywire.cli.options import ElectionOption, JsonOption, KafkaOption, RedisOption


def verify(
    from_folder: Annotated[
        Path | None, typer.Option(help="An export, instead of the broker; needs no server at all")
    ] = None,
    generation: Annotated[
        str | None, typer.Option(help="Build of the ledger (default: the live one)")
    ] = None,
    totals: Annotated[
        Path | None, typer.Option(help="Compare with this totals file, not with Redis")
    ] = None,
    alone: Annotated[
        bool, typer.Option("--alone", help="Only recompute: compare with nothing, need no Redis")
    ] = False,
    election: ElectionOption = None,
    kafka: KafkaOption = None,
    redis: RedisOption = None,
    json_file: JsonOption = None,
) -> None:
    """Recompute every district total from readings, corrections and rejections, and compare.

    Says `identical` with the SHA-256 of the totals, so that two people can compare by phone, or
    names the first difference. Also finds scans without an outcome, and outcomes told in two ways.

    Exit code: 0 identical and complete, 1 not, 2 wrong usage or a changed export.
    """
    from tallywire.edge.output_files import write_json
    from tallywire.edge.terminal import terminal
    from tallywire.settings import load_settings
    from tallywire.verify.display import print_verification
    from tallywire.verify.recount import to_json
    from tallywire.verify.sources import verify_broker, verify_folder

    sealed = None
    if from_folder is not None:
        found, sealed = verify_folder(from_folder, generation, totals)
    else:
        settings = load_settings(election=election, kafka=kafka, redis=redis)
        found = verify_broker(settings, generation, totals, alone=alone)
    print_verification(terminal(), found, sealed)
    if json_file:
        write_json(json_file, {**to_json(found), "sealed": sealed})
    if not found.is_good:
        raise typer.Exit(1)
