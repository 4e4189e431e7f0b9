"""What every page begins with: the head, and what is wrong with the ledger if something is."""

from __future__ import annotations

import streamlit as st

from dashboard import markup
from dashboard.source import Look
from tallywire.election import Election


def head(election: Election, subtitle: str, look: Look) -> None:
    """Title, badges, freshness; a notice where the ledger does not answer."""
    when = election.date.strftime("%-d %B %Y")
    st.html(
        markup.head(
            markup.Head(
                title=election.name,
                subtitle=f"{subtitle} · {when}",
                rehearsal=election.rehearsal,
                generation=look.generation,
                updated_at=look.read_at,
                stale=look.trouble is not None,
            )
        )
    )
    if look.trouble:
        st.html(markup.notice(look.trouble, bad=True))
