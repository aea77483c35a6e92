"""The explorer's entry: page settings, the side bar that all pages share, and the four pages.

Open it with ``actviz explorer``.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from explorer import state
from explorer.sidebar import sidebar

st.set_page_config(
    page_title="actviz", page_icon="🎞️", layout="wide", initial_sidebar_state="expanded"
)
st.html(Path(__file__).with_name("style.css"))

state.restore()
page = st.navigation(
    [
        st.Page("pages/start.py", title="Start", icon=":material/home:", default=True),
        st.Page("pages/memory.py", title="Memory", icon=":material/layers:"),
        st.Page("pages/glance.py", title="One glance", icon=":material/visibility:"),
        st.Page("pages/skeleton.py", title="Skeleton", icon=":material/accessibility_new:"),
    ],
    position="top",
)
sidebar()
page.run()
