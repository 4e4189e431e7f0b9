"""What every page begins with: the head, and what is wrong with the ledger if something is."""

from __future__ import annotations

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

from dashboard import markup
from dashboard.source import LedgerView
from tallywire.election.election import Election


def head(election: Election, subtitle: str, look: LedgerView) -> None:
    """Title, badges, freshness; a notice where the ledger does not answer."""
    when = election.date.strftime("%-d %B %Y")
    st.html(
        markup.head(
            markup.Head(
                title=election.name,
                subtitle=f"{subtitle} · {when}",
                rehearsal=election.rehearsal,
                generation=look.generation,
                updated_at=look.read_at.astimezone(_zone()) if look.read_at else None,
                stale=look.trouble is not None,
            )
        )
    )
    for trouble in filter(None, (look.trouble, _mismatch(election, look))):
        st.html(markup.notice(trouble, bad=True))


def _mismatch(election: Election, look: LedgerView) -> str | None:
    """What to say where the ledger was opened for other stations than these pages know."""
    opened = sum(district.expected for district in look.districts.values())
    if not opened or opened == len(election.stations):
        return None
    return (
        f"The ledger was opened for {opened:,} stations, this election has"
        f" {len(election.stations):,}: start the dashboard with the election that is counted."
    )


def _zone() -> ZoneInfo:
    """The viewer's time zone; UTC where the browser does not say, or says one we do not know."""
    try:
        return ZoneInfo(st.context.timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")
