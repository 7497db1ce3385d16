"""HTML of ours in which links are followed within the session, and large pictures can be dragged and zoomed.

What is clicked comes back to Python; without that a link would load the page anew. The HTML is trusted as it is, so
every text of models and users in it must have passed through `theme.literal` or, in a picture, an XML writer.
"""

import streamlit as st

# `data-open` of a link is what comes back; a picture stands in `.desk-view`, its buttons carry `data-zoom`.
_SCRIPT = """
export default function ({ data, parentElement, setTriggerValue }) {
  let box = parentElement.querySelector(".desk-body");
  if (!box) {
    box = document.createElement("div");
    box.className = "desk-body";
    parentElement.appendChild(box);
  }
  if (box.shown !== data) {
    box.innerHTML = box.shown = data;
    box.querySelectorAll(".desk-tree").forEach(makeZoomable);
  }
  box.onclick = (event) => {
    const link = event.target.closest("a[data-open]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    setTriggerValue("opened", link.dataset.open);
  };
}

function makeZoomable(tree) {
  const view = tree.querySelector(".desk-view");
  const picture = view.querySelector("svg");
  const { width, height } = picture.viewBox.baseVal;
  let scale = 1;
  const zoom = (wanted, x = view.clientWidth / 2, y = view.clientHeight / 2) => {
    const next = Math.min(Math.max(wanted, 0.15), 3);
    const left = ((view.scrollLeft + x) / scale) * next - x;
    const top = ((view.scrollTop + y) / scale) * next - y;
    scale = next;
    picture.style.width = `${width * scale}px`;
    picture.style.height = `${height * scale}px`;
    view.scrollTo(left, top);
  };
  const fit = () => {
    zoom(Math.min(1, Math.max(view.clientWidth / width, 0.65)));
    const root = picture.querySelector(".claim").getBoundingClientRect();
    const frame = view.getBoundingClientRect();
    view.scrollTo(0, view.scrollTop + (root.top + root.bottom - frame.top - frame.bottom) / 2);
  };
  const act = { in: () => zoom(scale * 1.25), out: () => zoom(scale / 1.25), fit };
  tree.querySelectorAll("[data-zoom]").forEach((button) => (button.onclick = act[button.dataset.zoom]));
  view.onkeydown = (event) => {
    const name = { "+": "in", "=": "in", "-": "out", "0": "fit" }[event.key];
    if (name && !event.ctrlKey && !event.metaKey) act[name]();
  };
  view.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const frame = view.getBoundingClientRect();
    zoom(scale * Math.exp(-event.deltaY / 300), event.clientX - frame.left, event.clientY - frame.top);
  }, { passive: false });
  let from = null;
  let dragged = false;
  view.onpointerdown = (event) => {
    dragged = false;
    if (event.pointerType === "mouse" && event.button === 0) from = [event.clientX, event.clientY];
  };
  view.ondragstart = (event) => event.preventDefault();
  view.onpointermove = (event) => {
    if (!from) return;
    const [x, y] = [event.clientX - from[0], event.clientY - from[1]];
    if (!dragged && Math.hypot(x, y) < 5) return;
    dragged = true;
    view.scrollBy(-x, -y);
    from = [event.clientX, event.clientY];
  };
  view.onpointerup = view.onpointerleave = () => (from = null);
  view.addEventListener("click", (event) => {
    if (!dragged) return;
    event.preventDefault();
    event.stopPropagation();
  }, true);
  new ResizeObserver((_, watch) => {
    if (!view.clientWidth) return;
    watch.disconnect();
    fit();
  }).observe(view);
}
"""

_render = st.components.v2.component("argtree_clickable", js=_SCRIPT, isolate_styles=False)


def clickable(body: str, key: str) -> str | None:
    """Shows trusted HTML; returns what the link stands for that was followed just now, if one was.

    Args:
        body: of `theme_desk`.
        key: that no other element of the page has.
    """
    opened = _render(data=body, key=key, on_opened_change=lambda: None).opened
    return opened if isinstance(opened, str) else None
