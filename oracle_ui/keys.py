"""What keys do on a page where people answer, beyond Streamlit's shortcuts of buttons. Widgets only.

Streamlit's shortcuts rest while a field has the keys, a slider too, and only a form's fields hand in by Enter, which
tell nothing of what is typed before. So here a key puts the cursor into a field, Enter in a number's field hands the
number in, Escape leaves a field, and a slider lets the buttons' keys through.
"""

from collections.abc import Mapping

import streamlit as st

# Widgets are found by the class that Streamlit gives an element with a key. The listener comes after Streamlit's own,
# which by then has taken the number over.
_SCRIPT = """
let listener = null;
let focused = null;

function field(key) {
  return document.querySelector(`.st-key-${CSS.escape(key)} input`);
}

function focus(key) {
  const input = field(key);
  if (!input) return false;
  input.focus();
  if (input.type !== "range") input.select();
  return true;
}

function press(button) {
  if (button && !button.disabled) button.click();
  return Boolean(button);
}

function handle(event, data) {
  const { key, target } = event;
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return false;
  const isField = target.matches?.("input, textarea, select, [contenteditable=true]");
  const enter = document.querySelector(`.st-key-${CSS.escape(data.enter)} button`);
  if (target === document.body && key === "Enter") return press(enter);
  if (!isField) return key.toLowerCase() in data.fields && focus(data.fields[key.toLowerCase()]);
  if (!target.closest("[data-testid=stMain]")) return false;
  if (key === "Escape") target.blur();
  if (key === "Enter" && target.closest("[data-testid=stNumberInput]")) return press(enter);
  if (target.type !== "range" || !/^[a-z0-9]$/i.test(key)) return false;
  if (key.toLowerCase() in data.fields) return focus(data.fields[key.toLowerCase()]);
  return press(document.querySelector(`[aria-label="Shortcut ${key.toUpperCase()}"]`)?.closest("button"));
}

export default function ({ data }) {
  document.removeEventListener("keydown", listener);
  listener = (event) => handle(event, data) && event.preventDefault();
  document.addEventListener("keydown", listener);
  if (data.first && data.first !== focused && focus(data.first)) focused = data.first;
  return () => document.removeEventListener("keydown", listener);
}
"""

_listen = st.components.v2.component("argtree_keys", js=_SCRIPT)


def listen(fields: Mapping[str, str], enter: str = "", first: str = "") -> None:
    """Has keys put the cursor into fields.

    Args:
        fields: key of the keyboard, in lower case -> key of the widget that it leads to.
        enter: key of the button that Enter in a number's field presses.
        first: key of the widget that has the cursor when it comes onto the page.
    """
    _listen(data={"fields": dict(fields), "enter": enter, "first": first}, key="keys", height=1)
