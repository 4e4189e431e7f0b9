"""`tallywire publish`: scans from files or a hot folder to Kafka."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tallywire.cli.options import JsonOption, KafkaOption

INTERRUPTED = 130

PathsArgument = Annotated[list[Path], typer.Argument(help="Files, or folders with all they hold")]
WatchOption = Annotated[
    bool, typer.Option("--watch", help="Stay, and send each file that a scanner completes")
]
PatternOption = Annotated[
    str | None,
    typer.Option(
        help="Regular expression of a file name without suffix, with (?P<station>...) and,"
        " if wanted, (?P<contest>...) and (?P<scanner>...)."
        " Default: the station is all up to the first `__`"
    ),
]
EnvelopeOption = Annotated[
    Path | None, typer.Option(help="CSV: file,station[,scanner,captured_at,contest]")
]
ScannerOption = Annotated[
    str | None, typer.Option(help="Name of this scanner (default: this machine's name)")
]
JournalOption = Annotated[Path, typer.Option(help="Where receipts are kept")]
RateOption = Annotated[float | None, typer.Option(min=0.001, help="Most scans a second")]
SettleOption = Annotated[
    float, typer.Option(min=0.0, help="Seconds a watched file must have stood still")
]
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Say what would be sent; needs no broker")
]
HealthPortOption = Annotated[
    int | None,
    typer.Option(
        min=0,
        max=65535,
        help="Port of /healthz and /readyz on loopback; off if left out, 0 lets us choose",
    ),
]


def publish(
    paths: PathsArgument,
    watch: WatchOption = False,
    pattern: PatternOption = None,
    envelope: EnvelopeOption = None,
    scanner: ScannerOption = None,
    journal: JournalOption = Path("run/receipts.jsonl"),
    rate: RateOption = None,
    settle: SettleOption = 1.0,
    dry_run: DryRunOption = False,
    json_file: JsonOption = None,
    kafka: KafkaOption = None,
    health_port: HealthPortOption = None,
) -> None:
    """Send scans to Kafka, each exactly as it is, and keep a receipt of every acknowledgement.

    Run it again at any time: only what has no receipt is sent. While the broker is away it waits.
    A file without a station, empty or too large is refused and listed; everything else is sent,
    broken images too, so that officials see them rejected.

    Exit code: 0 every scan is at the broker, 1 something was refused, 2 wrong usage,
    130 interrupted.
    """
    from tallywire.edge.kafka_client import silence_kafka
    from tallywire.edge.output_files import write_json
    from tallywire.edge.signals import stop_on_signals
    from tallywire.publish.options import choose_naming, choose_scanner, make_order
    from tallywire.publish.result import to_json
    from tallywire.publish.session import print_result, publish_at_terminal, rehearse_at_terminal
    from tallywire.settings import load_settings

    silence_kafka()
    settings = load_settings(kafka=kafka)
    options = make_order(
        settings,
        paths=paths,
        naming=choose_naming(pattern, envelope),
        scanner=choose_scanner(scanner),
        journal=journal,
        rate=rate,
        watching=watch,
        settle_s=settle,
    )
    port = settings.health_port or None if health_port is None else health_port
    if dry_run:
        result = rehearse_at_terminal(options)
    else:
        result = publish_at_terminal(options, settings, stop_on_signals(), port)
    print_result(result)
    if json_file:
        write_json(json_file, to_json(result))
    if result.interrupted and not watch:
        raise typer.Exit(INTERRUPTED)
    if not result.is_complete:
        raise typer.Exit(1)
