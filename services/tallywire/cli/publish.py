"""`tallywire publish`: scans from files or a hot folder to Kafka."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from tallywire.cli.options import KafkaOption
from tallywire.edge.liveness import Vitals
from tallywire.edge.signals import stop_on_signals
from tallywire.settings import Settings, load_settings

if TYPE_CHECKING:
    from tallywire.publish.progress_display import PublishDisplay
    from tallywire.publish.publisher import PublishOptions
    from tallywire.publish.result import PublishResult

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
JsonFileOption = Annotated[
    Path | None, typer.Option("--json", help="Write the result there as well")
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
    json_file: JsonFileOption = None,
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
    from tallywire.publish import publisher
    from tallywire.publish.files import find_scans
    from tallywire.publish.options import choose_naming, choose_scanner, make_order
    from tallywire.publish.progress_display import PublishDisplay
    from tallywire.publish.result import to_json, to_lines, to_table

    logging.getLogger("kafka").setLevel(logging.CRITICAL)  # we tell of its troubles ourselves
    settings = load_settings(kafka=kafka)
    order = make_order(
        settings,
        paths,
        choose_naming(pattern, envelope),
        choose_scanner(scanner),
        journal,
        rate,
        watching=watch,
        settle_s=settle,
    )
    console = Console(stderr=True)
    total = None if watch else sum(1 for _ in find_scans(order.paths))
    port = settings.health_port or None if health_port is None else health_port
    stop = stop_on_signals()
    with PublishDisplay(console, total) as display:
        if dry_run:
            result = publisher.rehearse(order, publisher.PublishListener(display.say, display.show))
        else:
            result = send(order, settings, display, port, stop)
        display.show(result, at_once=True)
    if json_file:
        json_file.write_text(json.dumps(to_json(result), indent=2) + "\n")
    Console().print(to_table(result))
    for line in to_lines(result):
        console.print(line, style="red", highlight=False, markup=False, soft_wrap=True)
    if result.interrupted and not watch:
        raise typer.Exit(INTERRUPTED)
    if not result.is_complete:
        raise typer.Exit(1)


def send(
    order: PublishOptions,
    settings: Settings,
    display: PublishDisplay,
    port: int | None,
    stop: Event,
) -> PublishResult:
    """Send until all is sent or `stop` is set, and warn where too much is refused."""
    from tallywire.publish import publisher
    from tallywire.publish.rejection_warning import make_warner

    warn = make_warner(settings, display.say)

    def show(result: PublishResult) -> None:
        display.show(result)
        if warn:
            warn()

    report = publisher.PublishListener(display.say, show)
    with serving_health(settings, report.vitals, port, display.say):
        result = publisher.publish(order, report, stop)
    if warn:
        warn.close()
    return result


@contextmanager
def serving_health(
    settings: Settings, vitals: Vitals, port: int | None, say: Callable[[str], object]
) -> Iterator[None]:
    """Live while acknowledgements come and the folder is looked at, or the broker is away; ready
    while the broker answers."""
    if port is None:
        yield
        return
    from tallywire.edge.health_server import serve_vitals

    address, limit_s = settings.health_address, settings.stalled_after_s
    with serve_vitals(vitals, lambda: True, port, address, limit_s) as server:
        say(f"Health on http://{address}:{server.port}/healthz")
        yield
