"""From options and settings to an order."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from pathlib import Path

from tallywire.edge.topics import TopicSpec
from tallywire.errors import UsageError
from tallywire.publish.hot_folder import SettlingTimes
from tallywire.publish.naming import DEFAULT_PATTERN, Naming, parse_envelopes, parse_pattern
from tallywire.publish.outgoing_scans import SendingRules
from tallywire.publish.publisher import PublishOptions
from tallywire.publish.sending import Destination
from tallywire.settings import Settings

MOST_SCANNER_CHARACTERS = 200


def make_order(
    settings: Settings,
    *,
    paths: Sequence[Path],
    naming: Naming,
    scanner: str,
    journal: Path,
    rate: float | None = None,
    watching: bool = False,
    settle_s: float = 1.0,
) -> PublishOptions:
    """The order that settings and options amount to."""
    topics = settings.topics
    target = Destination(
        settings.kafka,
        topics.scans,
        topics.names,
        TopicSpec(settings.partitions, settings.replication, settings.max_value_bytes),
    )
    return PublishOptions(
        paths=tuple(paths),
        rules=SendingRules(naming, scanner, settings.max_value_bytes),
        target=target,
        journal=journal,
        rate=rate,
        watching=watching,
        patience=SettlingTimes(settle_s, max(SettlingTimes().unended_s, 10 * settle_s)),
    )


def choose_naming(pattern: str | None, envelope: Path | None) -> Naming:
    """How stations are told.

    Raises:
        UsageError: both ways are given, or the one that is given does not work.
    """
    if pattern and envelope:
        raise UsageError("Give --pattern or --envelope, not both")
    if not envelope:
        return parse_pattern(pattern or DEFAULT_PATTERN)
    try:
        text = envelope.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{envelope}: cannot be read as UTF-8 text ({error})") from error
    return parse_envelopes(text, str(envelope), envelope.absolute().parent)


def choose_scanner(name: str | None) -> str:
    """The name of this scanner; the machine's where none is given."""
    chosen = name or socket.gethostname()
    if len(chosen) > MOST_SCANNER_CHARACTERS or not chosen.isprintable():
        raise UsageError(f"--scanner: at most {MOST_SCANNER_CHARACTERS} printable characters")
    return chosen
