"""The dataset: what raters answered and what follows from it, as files that trainers read as they are.

One pass over the store, batch by batch of claims that hang together, so memory is that of one batch and some fifty
bytes for every claim. The same store gives byte-identical files: rows are in a fixed order and nothing tells when or
where they were written. Texts of claims come from models and users, so they stand in Parquet only, never in the card.
"""

import gc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sqlmodel import Session, col, func, select

from argtree.evidence import is_settled
from store.croissant import croissant
from store.duplicates import Pair, near_duplicates
from store.errors import ExportError
from store.export_arguments import argument_rows
from store.export_batch import Batch, ClaimRow, Reader, Said, iso, quantity_rows
from store.export_card import card
from store.export_chains import chain_rows
from store.export_folder import CARD, METADATA, replacing
from store.export_rows import ANSWERS_NAMED, NewRow, Prompts, belief_rows, inferred_rows, value_rows
from store.export_tables import CONFIGURATIONS, Tables, sync
from store.findings import Findings, PropagateFn, find
from store.paths import Step
from store.splits import SPLITS, TRAIN, Families, IntArray, batches, read_families
from store.tables import Answer, Claim

FORMATS = {
    "beliefs": frozenset({"beliefs", "inferred", "values"}),
    "sft": frozenset({"sft"}),
    "dpo": frozenset({"dpo"}),
    "reward": frozenset({"reward"}),
    "kto": frozenset({"kto"}),
    "prm": frozenset({"prm"}),
    "all": frozenset(CONFIGURATIONS),
}
"""What each format writes, beside the side tables."""

HELD_OUT = 0.2
_IDS_AT_ONCE = 10_000
_COLLECT_EVERY = 16  # batches


@dataclass(frozen=True)
class Options:
    """What to export, and how."""

    format: str = "all"  # a key of FORMATS
    positions: int = 1  # of each explored root's tree in `values`; 0: all
    held_out: float = HELD_OUT  # share of root families that do not train: half validation, half test; 0: all train

    def __post_init__(self) -> None:
        if self.format not in FORMATS:
            raise ValueError(f"format must be one of {', '.join(FORMATS)}, got {self.format!r}.")
        if self.positions < 0:
            raise ValueError(f"positions must be at least 0, got {self.positions!r}.")
        if not 0 <= self.held_out <= 1:
            raise ValueError(f"held_out must be in [0, 1], got {self.held_out!r}.")


@dataclass(frozen=True)
class ExportSummary:
    """What was written."""

    folder: Path
    premises: int  # claims with at least one yes, no or probability
    answers: int  # about them, "can't say" included
    quantities: int  # with at least one number
    rows: dict[str, dict[str, int]]  # configuration -> split -> rows; those with rows only
    shared: int  # rows that bear on roots of several splits, and so were held out
    refused: int  # rows left out because a claim in them is nearly one of a stricter split

    def in_train(self) -> int:
        """Returns how many rows train, over all configurations."""
        return sum(splits.get(SPLITS[TRAIN], 0) for splits in self.rows.values())


def export_dataset(
    session: Session, folder: Path, prompts: Prompts, propagate_fn: PropagateFn, options: Options = Options()
) -> ExportSummary:
    """Returns what was written to the folder: configurations for trainers, side tables, the card and its metadata.

    The new export takes the place of an earlier one as a whole or not at all (`export_folder`).

    Args:
        folder: new, empty, or an earlier export; not the current folder, which would be gone from under the shell.
        prompts: the words that the model is asked with.
        propagate_fn: gives the posteriors of a graph, and how its roots are moved.

    Raises:
        ExportError: nothing is answered yet, the folder holds something else, or it cannot be written.
    """
    said = select(func.count()).where(col(Answer.kind) != "cannot_say")
    if not session.exec(said).one():
        raise ExportError("There is nothing to export: no question is answered yet (`argtree ui` or `argtree answer`).")
    with replacing(folder) as beside, _tables(beside) as tables, _rare_collection():
        export = _Export(session, tables, prompts, options)
        export.write(propagate_fn)
        tables.close()
        counts = tables.counts()
        for name, text in ((CARD, card(counts)), (METADATA, croissant(beside, counts))):
            (beside / name).write_text(text, encoding="utf-8")
            sync(beside / name)
    rows = {
        name: {split: counts[path] for split in SPLITS if (path := f"{name}/{split}.parquet") in counts}
        for name in CONFIGURATIONS
    }
    return ExportSummary(
        folder,
        counts.get("premises.parquet", 0),
        export.answers,
        counts.get("quantities.parquet", 0),
        {name: splits for name, splits in rows.items() if splits},
        export.shared,
        export.refused,
    )


@contextmanager
def _tables(folder: Path) -> Iterator[Tables]:
    tables = Tables(folder)
    try:
        yield tables
    except BaseException:
        tables.abandon()
        raise


@contextmanager
def _rare_collection() -> Iterator[None]:
    """Keeps Python from looking for garbage in cycles while millions of tuples are made, none of which is in one."""
    was_enabled = gc.isenabled()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.unfreeze()
        if was_enabled:
            gc.enable()


class _Export:
    """One pass over the store."""

    def __init__(self, session: Session, tables: Tables, prompts: Prompts, options: Options) -> None:
        self.session, self.tables, self.prompts, self.options = session, tables, prompts, options
        self.families: Families = read_families(session, options.held_out)
        pairs = near_duplicates(session, self.families)
        self.near: IntArray = np.full(len(self.families.ids), -1)  # [C] the split of what the claim is nearly one of
        self.near[[pair.row for pair in pairs]] = self.families.split[[pair.like for pair in pairs]]
        self.answers = self.shared = self.refused = 0
        self._write_pairs(pairs)

    def write(self, propagate_fn: PropagateFn) -> None:
        """Writes all rows."""
        reader = Reader(self.session)
        for number, (rows, linked) in enumerate(batches(self.families)):
            batch = reader.read(rows, self.families.ids[rows].tolist(), linked)
            self._write_batch(find(batch, propagate_fn))
            if number % _COLLECT_EVERY == _COLLECT_EVERY - 1:
                gc.collect()  # else nothing does, see _rare_collection
        for quantity in quantity_rows(self.session):
            self.tables.add("quantities", None, quantity)

    def _write_batch(self, findings: Findings) -> None:
        rows = findings.batch.rows
        of_batch = self.families.split[rows].tolist(), self.near[rows].tolist(), self.families.is_shared[rows].tolist()
        self._write_premises(findings, of_batch[0])
        for row in self._rows(findings):
            self._write(findings, row, *of_batch)

    def _rows(self, findings: Findings) -> Iterator[NewRow]:
        wanted, prompts = FORMATS[self.options.format], self.prompts
        if "beliefs" in wanted:
            yield from belief_rows(findings, prompts)
            yield from inferred_rows(findings, prompts)
            yield from value_rows(findings, prompts, self.options.positions)
        if wanted & {"sft", "dpo", "reward", "kto"}:
            yield from (row for row in argument_rows(findings, prompts) if row.configuration in wanted)
        if wanted & {"sft", "prm"}:
            yield from (row for row in chain_rows(findings, prompts) if row.configuration in wanted)

    def _write(
        self, findings: Findings, row: NewRow, splits: list[int], near: list[int], is_shared: list[bool]
    ) -> None:
        """Writes a row, with where it is from, into the strictest split of the claims in it, unless that is refused."""
        split = max([splits[place] for place in row.mentions])
        if max([near[place] for place in row.mentions]) > split:
            self.refused += 1
            return
        if split > TRAIN and any([is_shared[place] for place in row.mentions]):
            self.shared += 1
        number = self.tables.add(row.configuration, SPLITS[split], row.columns)
        self.tables.add("provenance", None, _provenance(findings, row, SPLITS[split], number))

    def _write_premises(self, findings: Findings, splits: list[int]) -> None:
        batch = findings.batch
        for place, label in enumerate(batch.labels):
            if label is not None:
                self.answers += len(batch.answers[place])
                self.tables.add("premises", None, _premise(findings, place, label, SPLITS[splits[place]]))

    def _write_pairs(self, pairs: list[Pair]) -> None:
        ids, splits = self.families.ids, self.families.split
        for start in range(0, len(pairs), _IDS_AT_ONCE):
            part = pairs[start : start + _IDS_AT_ONCE]
            named = self._named(ids[[row for pair in part for row in (pair.row, pair.like)]].tolist())
            for pair in part:
                one, like = named[int(ids[pair.row])], named[int(ids[pair.like])]
                of_one, of_like = SPLITS[splits[pair.row]], SPLITS[splits[pair.like]]
                self.tables.add("refused", None, (*one, of_one, *like, of_like, pair.likeness))

    def _named(self, ids: Iterable[int]) -> dict[int, tuple[str, str]]:
        rows = self.session.exec(select(Claim.id, Claim.key, Claim.text).where(col(Claim.id).in_(ids)))
        return {one: (key, text) for one, key, text in rows if one is not None}


def _provenance(findings: Findings, row: NewRow, split: str, number: int) -> tuple[Any, ...]:
    source, batch = row.source, findings.batch
    claim = batch.claims[source.claim].key
    said = [one for place in source.answers for one in batch.answers[place]]
    roots = findings.roots_of.get(claim, [])
    return (
        row.configuration,
        split,
        number,
        claim,
        source.basis,
        source.argument,
        source.rejected,
        source.generation,
        roots[0] if roots else None,
        len(roots),
        [one.id for one in said[:ANSWERS_NAMED]],
        len(said),
        list(dict.fromkeys(one.rater for one in said[:ANSWERS_NAMED])),
    )


def _premise(findings: Findings, place: int, label: float, split: str) -> tuple[Any, ...]:
    batch = findings.batch
    claim, said = batch.claims[place], batch.answers[place]
    return (
        claim.key,
        claim.text,
        split,
        None if label == 0.5 else "yes" if label > 0.5 else "no",
        label,
        is_settled(label),
        sum(one.prob is not None for one in said),
        [_answer(one) for one in said],
        [_path(findings, root, claim) for root in findings.roots_of.get(claim.key, [])],
    )


def _answer(said: Said) -> tuple[Any, ...]:
    rest = (said.generation, said.value_when_asked, said.prob_before)
    return said.id, said.rater, said.kind, said.prob, said.note, iso(said.answered_at), *rest


def _path(findings: Findings, root: str, claim: ClaimRow) -> tuple[Any, ...]:
    steps = [_step(findings.batch, findings.place, step) for step in findings.paths[root][claim.key]]
    return root, findings.batch.questions[root], steps


def _step(batch: Batch, place: dict[str, int], step: Step) -> tuple[Any, ...]:
    argument = step.argument
    conclusion = batch.claims[place[argument.conclusion]].text
    return argument.id, argument.polarity, argument.strength, step.holds, conclusion
