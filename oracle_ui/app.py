"""The desk: its pages and how one gets from one to another. `argtree ui` runs it (see `serve`)."""

import streamlit as st


def main() -> None:
    """Draws the page that is asked for."""
    st.set_page_config(page_title="argtree", layout="wide")
    pages = [
        st.Page("pages/answer.py", title="Answer", icon=":material/check_circle:", default=True),
    ]
    st.navigation(pages).run()


if __name__ == "__main__":
    main()
