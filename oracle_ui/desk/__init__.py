"""The desk's pages, a file each: widgets only, on functions that are tested without a browser.

The folder must not be called `pages`: Streamlit would take each file for an app of its own, past `app`.
"""
