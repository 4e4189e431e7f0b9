"""One run of the publisher at a terminal: its progress, its health, its closing table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event

from tallywire.edge.health_server import serve_vitals
from tallywire.edge.liveness import Vitals
from tallywire.edge.terminal import terminal
from tallywire.publish import publisher
from tallywire.publish.files import find_scans
from tallywire.publish.progress_display import PublishDisplay
from tallywire.publish.publisher import PublishListener, PublishOptions
from tallywire.publish.rejection_warning import make_warner
from tallywire.publish.result import PublishResult, to_lines, to_table
from tallywire.settings import Settings


def rehearse_at_terminal(options: PublishOptions) -> PublishResult:
    """Tell what would be sent; needs no broker."""
    with PublishDisplay(terminal(stderr=True), _total(options)) as display:
        result = publisher.rehearse(options, PublishListener(display.say, display.show))
        display.show(result, at_once=True)
    return result


def publish_at_terminal(
    options: PublishOptions, settings: Settings, stop: Event, health_port: int | None
) -> PublishResult:
    """Send until all is sent or `stop` is set, and warn where too much is refused."""
    with PublishDisplay(terminal(stderr=True), _total(options)) as display:
        warn = make_warner(settings, display.say)

        def show(result: PublishResult) -> None:
            display.show(result)
            if warn:
                warn()

        report = PublishListener(display.say, show)
        with serving_health(settings, report.vitals, health_port, display.say):
            result = publisher.publish(options, report, stop)
        if warn:
            warn.close()
        display.show(result, at_once=True)
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
    address, limit_s = settings.health_address, settings.stalled_after_s
    with serve_vitals(vitals, lambda: True, port, address, limit_s) as server:
        say(f"Health on http://{address}:{server.port}/healthz")
        yield


def print_result(result: PublishResult) -> None:
    """The closing table on stdout, the first refused files on stderr."""
    terminal().print(to_table(result))
    console = terminal(stderr=True)
    for line in to_lines(result):
        console.print(line, style="red", soft_wrap=True)


def _total(options: PublishOptions) -> int | None:
    """How many files there are; None where more may come."""
    return None if options.watching else sum(1 for _ in find_scans(options.paths))
