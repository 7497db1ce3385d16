"""What the answers come to as a dataset to train on, and its download."""

import streamlit as st

from oracle_ui import reading
from oracle_ui import theme_desk as desk
from oracle_ui.dataset import Dataset, make_dataset
from oracle_ui.shared import frame, show, snapshot, store_url
from store.splits import SPLITS

_WHAT = {
    "beliefs": "what people said of claims",
    "inferred": "what follows from their answers about others",
    "values": "explored roots with their posteriors",
    "sft": "conversations to imitate",
    "dpo": "pairs, the better reply first",
    "reward": "pairs to train a judge on",
    "kto": "replies marked good or bad",
    "prm": "reasoning, marked step by step",
}


def main() -> None:
    """Draws the page once."""
    frame(_draw)


def _draw() -> None:
    show(
        desk.title(
            "Dataset",
            "What a model can learn from it",
            "As <code>argtree export</code> writes it: split by families of roots, with the provenance of every row.",
        )
    )
    there = snapshot()
    if all(one.kind == "cannot_say" for one in there.given):
        show(desk.empty("There is nothing to learn from yet: no question is answered."))
        return
    dataset = _dataset(store_url(), reading.mark(store_url()))
    there_are = {split for one in dataset.configurations for split in one.rows}
    splits = [split for split in SPLITS if split in there_are]
    rows = [(one.name, _WHAT[one.name], [one.rows.get(split, 0) for split in splits]) for one in dataset.configurations]
    show(desk.counts(splits, rows))
    st.download_button(
        "Download as zip",
        dataset.archive.read_bytes,
        file_name="argtree-dataset.zip",
        mime="application/zip",
        type="primary",
        icon=":material/download:",
        on_click="ignore",
    )
    show(desk.section("The first rows of each"))
    for tab, one in zip(st.tabs([one.name for one in dataset.configurations]), dataset.configurations, strict=True):
        tab.html(desk.block(desk.records(one.first, f"The first rows of {one.name}")))


@st.cache_resource(max_entries=1, show_spinner="Making the dataset")
def _dataset(url: str, mark: tuple[int, ...]) -> Dataset:
    return make_dataset(url)


if __name__ == "__main__":
    main()
