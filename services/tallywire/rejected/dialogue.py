"""Publishing refused scans again from a terminal: what is meant, and is it really meant."""

from __future__ import annotations

import sys

import typer

from tallywire.election.loading import load_election
from tallywire.errors import UsageError
from tallywire.rejected.refused_scans import RejectionFilter, read_refused
from tallywire.rejected.republishing import EnvelopeOverrides, RepublishPlan, plan, republish
from tallywire.settings import Settings
from tallywire.wire.envelope import CONTENT_TYPES


def check_overrides(settings: Settings, overrides: EnvelopeOverrides, *, republish: bool) -> None:
    """Raise UsageError where the new label is none, or nothing is going to be published."""
    given = (overrides.station, overrides.content_type)
    if any(given) and not republish:
        raise UsageError("--as-station and --as-content-type need --republish")
    stations = load_election(settings.election).election.stations if overrides.station else {}
    if overrides.station and overrides.station not in stations:
        raise UsageError(f"--as-station {overrides.station}: the election has no such station")
    if overrides.content_type and overrides.content_type not in CONTENT_TYPES:
        known = ", ".join(CONTENT_TYPES)
        raise UsageError(f"--as-content-type {overrides.content_type}: choose one of {known}")


def republish_at_terminal(
    settings: Settings, choice: RejectionFilter, overrides: EnvelopeOverrides, *, yes: bool
) -> None:
    """Publish what is chosen again, once a person agreed.

    Raises:
        UsageError: nobody is there to agree, or several scans are to be of one station.
        PeerError: the broker is away; what was sent stays sent.
        typer.Abort: the person did not agree.
    """
    planned = plan(settings, read_refused(settings, choice), overrides)
    _tell_left_out(planned)
    count = len(planned.send)
    if overrides.station and count > 1:
        raise UsageError(f"--as-station fits one scan, but {count} are meant: narrow it down")
    if not count:
        typer.echo("Nothing to publish again.")
        return
    question = f"Publish {count:,} scans again to {settings.topics.scans}?"
    if not yes:
        if not sys.stdin.isatty():
            raise UsageError(f"{question} Say so with --yes.")
        typer.confirm(question, abort=True)
    sent = republish(settings, planned.send, overrides)
    typer.echo(f"{sent:,} scans are at the broker again.")


def _tell_left_out(planned: RepublishPlan) -> None:
    for count, what in (
        (planned.read, "have been read since"),
        (planned.repeated, "are the same image once more"),
        (planned.empty, "have no bytes"),
    ):
        if count:
            typer.echo(f"{count:,} {what}: not sent")
