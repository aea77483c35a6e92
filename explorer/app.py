"""The explorer's entry: page settings, the side bar that all pages share, and the four pages.

Open it with ``actviz explorer``.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from explorer import state
from explorer.entry import navigate
from explorer.sidebar import sidebar

st.session_state["entered"] = True
state.restore()
page = navigate()
st.html(Path(__file__).with_name("style.css"))
sidebar()
page.run()
