"""The four pages, and the way into them through ``app.py``."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

__all__ = ["navigate", "run"]


def navigate() -> st.Page:
    """Declare the app and its pages; the one that the address names comes back."""
    st.set_page_config(
        page_title="actviz", page_icon="🎞️", layout="wide", initial_sidebar_state="expanded"
    )
    return st.navigation(
        [
            st.Page("pages/start.py", title="Start", icon=":material/home:", default=True),
            st.Page("pages/memory.py", title="Memory", icon=":material/layers:"),
            st.Page("pages/glance.py", title="One glance", icon=":material/visibility:"),
            st.Page("pages/skeleton.py", title="Skeleton", icon=":material/accessibility_new:"),
        ],
        position="top",
    )


def run(page: Callable[[], None]) -> None:
    """Run a page's function, inside of what ``app.py`` sets up.

    Until ``st.navigation`` has been called once, Streamlit takes a folder called ``pages`` for an
    older kind of app and runs a page alone when its address is the first that a server sees.
    """
    if "entered" not in st.session_state:
        navigate()
        st.rerun()
    page()
