"""The dashboard: its pages and the navigation. Run by `streamlit run`, or by `mm-env dashboard`."""

from __future__ import annotations

import streamlit as st

from mm_env.dashboard import page_compare, page_live, page_saved, page_scenarios, page_training

STYLE = """
.block-container {padding: 4rem 2rem 2rem 2rem;}
[data-testid="stMetricValue"] {font-size: 1.5rem;}
[data-testid="stMetricLabel"] {font-size: 0.85rem;}
"""
"""Wide charts and seven numbers in a line need the room that Streamlit leaves empty."""


def main() -> None:
    """Draw the page that is asked for."""
    st.set_page_config(page_title="mm_env", page_icon="📈", layout="wide")
    pages = [
        st.Page(page_live.page, title="Live", icon=":material/monitoring:", url_path="live", default=True),
        st.Page(page_saved.page, title="Saved run", icon=":material/folder_open:", url_path="saved"),
        st.Page(page_compare.page, title="Compare", icon=":material/balance:", url_path="compare"),
        st.Page(page_scenarios.page, title="Scenarios", icon=":material/casino:", url_path="scenarios"),
        st.Page(page_training.page, title="Training", icon=":material/school:", url_path="training"),
    ]
    asked = st.navigation(pages, position="top")
    st.html(f"<style>{STYLE}</style>")
    asked.run()


if __name__ == "__main__":
    main()
