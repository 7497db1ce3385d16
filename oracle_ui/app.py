"""The desk: its pages, the gate before them and how one gets about. `argtree ui` runs it (see `serve`)."""

import streamlit as st

from oracle_ui import signing_in

_MARK = """<path fill="none" stroke="#6472e6" stroke-width="2.4" d="M7 16 C14 16 13 7 20 7 M7 16 C14 16 13 25 20 25"/>
<circle cx="6" cy="16" r="4.4" fill="#6472e6"/><circle cx="22" cy="7" r="3.6" fill="#2f9e69"/>
<circle cx="22" cy="25" r="3.6" fill="#e0566a"/>"""
_LOGO = f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 132 32" width="132" height="32">{_MARK}
<text x="36" y="22.5" font-family="sans-serif" font-size="20" font-weight="600" fill="#6472e6">argtree</text>
</svg>"""

_ICON = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-2 0 32 32">{_MARK}</svg>'  # else one is fetched from afar


def main() -> None:
    """Draws the page that is asked for."""
    st.set_page_config(page_title="argtree", page_icon=_ICON, layout="wide")
    st.logo(_LOGO, size="large")
    pages = [
        st.Page("desk/answer.py", title="Answer", icon=":material/check_circle:", default=True),
        st.Page("desk/compare.py", title="Compare", icon=":material/compare_arrows:"),
        st.Page("desk/ask.py", title="Ask", icon=":material/add_circle:"),
        st.Page("desk/trees.py", title="Trees", icon=":material/account_tree:"),
        st.Page("desk/claim.py", title="Claims", icon=":material/article:"),
        st.Page("desk/what_if.py", title="What if", icon=":material/alt_route:"),
        st.Page("desk/progress.py", title="Progress", icon=":material/monitoring:"),
        st.Page("desk/dataset.py", title="Dataset", icon=":material/database:"),
    ]
    present = signing_in.let_in()
    if present is None or present.role != "rater":  # who signs in may come by a link to one of these
        pages.append(st.Page("desk/review.py", title="Review", icon=":material/rule:"))
    if present is None or present.role == "administrator":
        pages.append(st.Page("desk/raters.py", title="Raters", icon=":material/group:"))
    page = st.navigation(pages, position="hidden" if present is None else "sidebar")
    if present is not None:
        signing_in.show_account(present)
        page.run()


if __name__ == "__main__":
    main()
