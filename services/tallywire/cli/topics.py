"""`tallywire topics`: creates the Kafka topics once, before the night."""

from __future__ import annotations

from typing import Annotated

import typer

from tallywire.cli.options import KafkaOption


def topics(
    kafka: KafkaOption = None,
    partitions: Annotated[
        int | None, typer.Option(help="Partitions of each topic; most workers there can be")
    ] = None,
    replication: Annotated[int | None, typer.Option(help="Copies of each partition")] = None,
) -> None:
    """Create the topics for scans, readings, corrections and rejected scans where they are missing.

    They keep everything for ever and take the largest scan. Those that exist stay as they are;
    `tallywire doctor` says whether they are fit.
    """
    from tallywire.edge.topics import TopicSpec, ensure_topics
    from tallywire.settings import load_settings

    settings = load_settings(kafka=kafka, partitions=partitions, replication=replication)
    spec = TopicSpec(settings.partitions, settings.replication, settings.max_value_bytes)
    created = ensure_topics(settings.kafka, settings.topics.names, spec)
    for name in settings.topics.names:
        typer.echo(f"{name}: {'created' if name in created else 'was there'}")
