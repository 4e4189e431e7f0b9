"""`tallywire doctor`: says what is wrong and what to do, before the night does."""

from __future__ import annotations

from typing import Annotated

import typer

from tallywire.cli.options import (
    ElectionOption,
    JsonOption,
    KafkaOption,
    RedisOption,
    ServingOption,
)


def doctor(
    election: ElectionOption = None,
    kafka: KafkaOption = None,
    redis: RedisOption = None,
    serving: ServingOption = None,
    timeout_s: Annotated[
        float, typer.Option(min=0.2, max=60, help="Longest wait for one answer of a server")
    ] = 3.0,
    json_file: JsonOption = None,
) -> None:
    """Check every part: machine, election, Kafka and its topics, model server, Redis.

    Exit code 1 if anything failed, 0 otherwise; warnings do not count as failures.
    """
    from tallywire.doctor.examine import examine
    from tallywire.doctor.findings import Level, worst
    from tallywire.doctor.report import print_findings, to_json
    from tallywire.doctor.settings_in_force import settings_in_force
    from tallywire.edge.output_files import write_json
    from tallywire.edge.terminal import terminal
    from tallywire.settings import load_settings

    options = {"election": election, "kafka": kafka, "redis": redis, "serving": serving}
    settings = load_settings(**options)
    found, findings = settings_in_force(settings, options), examine(settings, timeout_s)
    print_findings(terminal(), findings, found)
    if json_file:
        write_json(json_file, to_json(findings, found))
    if worst(findings) is Level.FAIL:
        raise typer.Exit(1)
