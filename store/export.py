"""The dataset: what raters answered and what follows from it, as files that trainers read as they are.

One pass over the store, batch by batch of claims that hang together. Memory is that of one batch, of the rows of each
file that wait until they are ten thousand, of some twenty bytes for every claim, and before the first batch, for every
held-out claim, of the pairs of words that near-duplicates are found by. The same store gives byte-identical files: rows
are in a fixed order and nothing tells when or where they were written. Texts of claims come from models and users, so
they stand in Parquet only, never in the card.
"""

import gc
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
from sqlmodel import Session, col, select

from store.answers import is_standing, overrides
from store.croissant import croissant
from store.duplicates import Pair, near_duplicates
from store.errors import ExportError
from store.export_arguments import SAME_ROWS, argument_rows
from store.export_batch import Reader, quantity_rows
from store.export_card import card
from store.export_chains import chain_rows
from store.export_folder import CARD, METADATA, replacing
from store.export_preferences import comparison_rows, preference_rows
from store.export_rows import NewRow, Portion, Prompts, belief_rows, inferred_rows, portion, value_rows
from store.export_side import Side
from store.export_tables import CONFIGURATIONS, Tables, sync
from store.findings import Findings, PropagateFn, find
from store.splits import SPLITS, TRAIN, Families, SplitArray, batches, read_families
from store.tables import Answer, Claim, Comparison
from store.tournaments import comparison_stands

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
_ROWS_AT_ONCE = 10_000
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
    comparisons: int  # of two arguments, "can't say" included
    rows: dict[str, dict[str, int]]  # configuration -> split -> rows; those with rows only
    shared: int  # rows that bear on roots of several splits, and so were held out
    refused: int  # rows left out because a claim in them is nearly one of a stricter split

    def in_train(self) -> int:
        """Returns how many rows train, over all configurations."""
        return sum(splits.get(SPLITS[TRAIN], 0) for splits in self.rows.values())


def export_dataset(
    session: Session,
    folder: Path,
    prompts: Prompts,
    propagate_fn: PropagateFn,
    options: Options = Options(),
    on_batch: Callable[[int, int], None] = lambda done, total: None,
) -> ExportSummary:
    """Returns what was written to the folder: configurations for trainers, side tables, the card and its metadata.

    The new export takes the place of an earlier one as a whole or not at all (`export_folder`).

    Args:
        folder: new, empty, or an earlier export; not the current folder, which would be gone from under the shell.
        prompts: the words that the model is asked with.
        propagate_fn: gives the posteriors of a graph, and how each root is moved by what lies under it. Many roots over
            shared premises are cheap and exact only root by root: `Propagator(only_askable=True)`.
        options: which rows.
        on_batch: told how many claims are done, of how many.

    Raises:
        ExportError: nothing is answered yet, the folder holds something else, or it cannot be written.
    """
    said = select(Answer.id).where(Answer.kind != "cannot_say", is_standing()).limit(1)
    compared = select(Comparison.id).where(Comparison.kind != "cannot_say", comparison_stands()).limit(1)
    if not any(session.exec(query).first() is not None for query in (said, compared)) and not overrides(session):
        raise ExportError("There is nothing to export: no question is answered yet (`argtree ui` or `argtree answer`).")
    with replacing(folder) as beside, _tables(beside) as tables, _rare_collection():
        export = _Export(session, tables, prompts, options)
        export.write(propagate_fn, on_batch)
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
        counts.get("comparisons.parquet", 0),
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
        self.near: SplitArray = np.full(len(self.families.ids), -1, np.int8)  # [C] of what the claim is nearly one of
        self.near[[pair.row for pair in pairs]] = self.families.split[[pair.like for pair in pairs]]
        self.answers = self.shared = self.refused = 0
        self._write_pairs(pairs)

    def write(self, propagate_fn: PropagateFn, on_batch: Callable[[int, int], None]) -> None:
        """Writes all rows."""
        reader, done = Reader(self.session), 0
        total = int((self.families.is_linked | self.families.is_answered).sum())
        for number, (rows, linked) in enumerate(batches(self.families)):
            on_batch(done, total)
            done += len(rows)
            ids = self.families.ids[rows].tolist()
            self._write_batch(find(reader.read(rows, ids, linked), propagate_fn))  # no name keeps it beyond this line
            if number % _COLLECT_EVERY == _COLLECT_EVERY - 1:
                gc.collect()  # else nothing does, see _rare_collection
        sides = {"quantities": quantity_rows(self.session), "comparisons": comparison_rows(self.session)}
        for name, found in sides.items():
            while part := list(islice(found, _ROWS_AT_ONCE)):
                self.tables.extend_rows(name, part)

    def _write_batch(self, findings: Findings) -> None:
        side = Side(findings)
        premises, answers = side.premises(self.families.split[findings.batch.rows])
        if len(premises[0]):
            self.tables.extend("premises", None, premises)
            self.answers += answers
        for name, rows in self._portions(findings):
            self._write(side, name, rows)

    def _portions(self, findings: Findings) -> Iterator[tuple[str, Portion]]:
        wanted, prompts = FORMATS[self.options.format], self.prompts
        if "beliefs" in wanted:
            yield "beliefs", belief_rows(findings, prompts)
            yield "inferred", inferred_rows(findings, prompts)
            yield "values", value_rows(findings, prompts, self.options.positions)
        yield from self._row_by_row(findings)

    def _row_by_row(self, findings: Findings) -> Iterator[tuple[str, Portion]]:
        wanted, prompts = FORMATS[self.options.format], self.prompts
        judged: dict[str, list[NewRow]] = {}
        preferred: dict[str, list[NewRow]] = {}
        if wanted & {"sft", "dpo", "reward", "kto"}:
            for row in argument_rows(findings, prompts):
                judged.setdefault(row.configuration, []).append(row)
        if wanted & {"sft", "prm"}:
            for row in chain_rows(findings, prompts):
                judged.setdefault(row.configuration, []).append(row)
        if wanted & {"dpo", "reward", "kto"}:
            for row in preference_rows(findings, prompts):
                preferred.setdefault(row.configuration, []).append(row)
        for rows in (judged, preferred):
            for name, of_name in rows.items():
                if same := [one for one in SAME_ROWS.get(name, (name,)) if one in wanted]:
                    of_all = portion(name, of_name)
                    yield from ((one, of_all) for one in same)

    def _write(self, side: Side, name: str, rows: Portion) -> None:
        """Writes rows, with where they are from, into the strictest split of the claims in them, unless refused."""
        if not len(rows.claim):
            return
        here = side.findings.batch.rows
        split = rows.mentions.largest(self.families.split[here])
        kept = rows.mentions.largest(self.near[here]) <= split
        is_shared = rows.mentions.largest(self.families.is_shared[here].astype(np.int8)) > 0
        self.refused += int((~kept).sum())
        self.shared += int((kept & is_shared & (split > TRAIN)).sum())
        number = np.full(len(split), -1)
        for one in np.unique(split[kept]).tolist():
            chosen = np.flatnonzero(kept & (split == one))
            whole = len(chosen) == len(split)
            columns = rows.columns if whole else [column.take(pa.array(chosen)) for column in rows.columns]
            number[chosen] = self.tables.extend(name, SPLITS[one], columns) + np.arange(len(chosen))
        origin = side.provenance(name, rows, split, number)
        if not kept.all():
            origin = [column.filter(pa.array(kept)) for column in origin]
        if kept.any():
            self.tables.extend("provenance", None, origin)

    def _write_pairs(self, pairs: list[Pair]) -> None:
        ids, splits = self.families.ids, self.families.split
        for start in range(0, len(pairs), _ROWS_AT_ONCE):
            part = pairs[start : start + _ROWS_AT_ONCE]
            named = self._named(ids[[row for pair in part for row in (pair.row, pair.like)]].tolist())
            rows = []
            for pair in part:
                one, like = named[int(ids[pair.row])], named[int(ids[pair.like])]
                of_one, of_like = SPLITS[splits[pair.row]], SPLITS[splits[pair.like]]
                rows.append((*one, of_one, *like, of_like, pair.likeness))
            self.tables.extend_rows("refused", rows)

    def _named(self, ids: Iterable[int]) -> dict[int, tuple[str, str]]:
        rows = self.session.exec(select(Claim.id, Claim.key, Claim.text).where(col(Claim.id).in_(ids)))
        return {one: (key, text) for one, key, text in rows if one is not None}
