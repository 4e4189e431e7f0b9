"""Entry of the dashboard, a view of the ledger; start it with `tallywire dashboard`."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from dashboard import live, review

st.set_page_config(page_title="Tallywire", page_icon=":material/how_to_vote:", layout="wide")
st.html(Path(__file__).with_name("style.css"))
st.navigation(
    [
        st.Page(
            live.page,
            title="Live count",
            icon=":material/bar_chart:",
            default=True,
        ),
        st.Page(review.page, title="Review queue", icon=":material/rule:", url_path="review"),
    ],
    position="top",
).run()
