"""One replay at a terminal: what was asked for, and how it goes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from threading import Event

from tallywire.edge.output_files import require_folder
from tallywire.edge.terminal import terminal
from tallywire.replay.preparation import OpenedReplay, open_replay
from tallywire.replay.progress_display import ReplayDisplay, words
from tallywire.replay.replayer import ReplayListener, ReplayProgress, ReplayResult, replay
from tallywire.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayOptions:
    """How to replay into the settings' generation; None is what `open_replay` makes of it."""

    model: int | None = None
    layout: Path | None = None
    begin: str | None = None
    workers: int = 1
    follow: bool = True
    logs: Path | None = None


def replay_at_terminal(
    settings: Settings, options: ReplayOptions, stop: Event
) -> tuple[OpenedReplay, ReplayResult]:
    """Open the generation and fill it, with a bar and lines above it.

    Raises:
        UsageError: the generation is live or was made otherwise; no such model, layout or time.
        PeerError: a server is away at the start.
    """
    folder = options.logs or Path("run") / f"replay-{settings.generation}"
    require_folder(folder, "--logs")
    opened = open_replay(settings, options.model, options.layout, options.begin)
    console = terminal(stderr=True)
    with ReplayDisplay(console, settings.generation) as display:
        display.say(_opening(opened, options))
        report = ReplayListener(
            display.say,
            display.show,
            lambda look, seconds: _tell_reached(display, opened, options, look, seconds),
        )
        ended = replay(opened, options.workers, folder, report, stop, follow=options.follow)
    if not ended.reached_end:
        console.print(
            f"Ended before the end: run the same command again to go on with {settings.generation}"
        )
    return opened, ended


def _opening(opened: OpenedReplay, options: ReplayOptions) -> str:
    verb = "Going on with" if opened.resumed else "Replaying into"
    about, name = opened.about, opened.settings.generation
    return f"{verb} {name}: {about.model_name}, from {about.begin}, {options.workers} worker(s)"


def _tell_reached(
    display: ReplayDisplay,
    opened: OpenedReplay,
    options: ReplayOptions,
    look: ReplayProgress,
    seconds: float,
) -> None:
    to = opened.settings.generation
    display.say(
        f"{to} has reached the end of the topics: {look.done:,} scans"
        f" ({words(look)}), {seconds:,.1f} s in this run. Compare: tallywire diff {to}."
        f" Show it: tallywire promote {to}{' --partial' if opened.about.is_partial else ''}"
    )
    if options.follow:
        display.follow(to)
