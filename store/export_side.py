"""The side tables about a batch of claims, column by column: what was answered, and where every row is from."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]

from store.export_rows import ANSWERS_NAMED, Portion
from store.export_tables import ANSWER_NUMBERS, ANSWERS, PATHS, STEPS, TEXTS, lists
from store.findings import Edge, Findings, is_settled
from store.ragged import IntArray, Ragged
from store.splits import SPLITS, SplitArray


class Side:
    """What the side tables say of one batch."""

    def __init__(self, findings: Findings) -> None:
        batch = findings.batch
        self.findings = findings
        self.keys = pa.array(batch.keys, pa.string())
        self._answer_id = np.array(batch.answers.id, np.int64)
        names = sorted(batch.raters)
        self._rater = np.searchsorted(names, np.array(batch.answers.rater_id, np.int64))
        self._names = pa.array([batch.raters[one] for one in names], pa.string())
        self._comparison_id = np.array([one.id for one in batch.comparisons], np.int64)
        self._comparer = np.searchsorted(names, np.array([one.rater_id for one in batch.comparisons], np.int64))
        self._first_root = np.full(len(batch.keys), -1)
        self._roots = np.zeros(len(batch.keys), np.int64)
        for claim, roots in findings.roots_of.items():
            self._first_root[claim], self._roots[claim] = roots[0], len(roots)

    def premises(self, split: SplitArray) -> tuple[list[pa.Array], int]:
        """Returns a row for each answered claim, and how many answers there are about them.

        Args:
            split: [N] of the batch's claims.
        """
        batch, label = self.findings.batch, self.findings.batch.label
        places = np.flatnonzero(~np.isnan(label))
        answers = Ragged(batch.answers.start, np.arange(len(self._answer_id))).take(places)
        says = np.concatenate([[0], np.cumsum([prob is not None for prob in batch.answers.prob], dtype=np.int64)])
        count = says[batch.answers.start[places + 1]] - says[batch.answers.start[places]]
        here = label[places]
        label_word = pa.array(["no", "yes"]).take(pa.array((here > 0.5).astype(np.int8), mask=here == 0.5))
        columns = [
            self.keys.take(pa.array(places)),
            pa.array([batch.texts[place] for place in places.tolist()], pa.string()),
            split_names(split[places]),
            label_word,
            pa.array(here),
            pa.array(is_settled(here)),
            pa.array(count),
            lists(answers.start, self._answers(answers.flat), ANSWERS),
            self._paths(places),
        ]
        return columns, len(answers.flat)

    def provenance(self, name: str, portion: Portion, split: SplitArray, number: IntArray) -> list[pa.Array]:
        """Returns for each row of a configuration where it is from.

        Args:
            split: [K] in which the row is.
            number: [K] within the file.
        """
        answers = portion.answers.into(self.findings.batch.answers.start)
        named = answers.head(ANSWERS_NAMED)
        compared = Ragged.of([()] * len(split)) if portion.comparisons is None else portion.comparisons
        named_too = compared.head(ANSWERS_NAMED)
        raters = named.distinct(self._rater) if portion.comparisons is None else named_too.distinct(self._comparer)
        root = self._first_root[portion.claim]
        return [
            pa.repeat(name, len(split)),
            split_names(split),
            pa.array(number),
            self.keys.take(pa.array(portion.claim)),
            pa.array(portion.basis, pa.string()),
            pa.array(portion.argument, pa.string()),
            pa.array(portion.rejected, pa.string()),
            pa.array(portion.generation, pa.string()),
            self.keys.take(pa.array(root, mask=root < 0)),
            pa.array(self._roots[portion.claim]),
            lists(named.start, pa.array(self._answer_id[named.flat]), ANSWER_NUMBERS),
            pa.array(np.diff(answers.start)),
            lists(named_too.start, pa.array(self._comparison_id[named_too.flat]), ANSWER_NUMBERS),
            pa.array(np.diff(compared.start)),
            lists(raters.start, self._names.take(pa.array(raters.flat)), TEXTS),
        ]

    def _answers(self, chosen: IntArray) -> pa.Array:
        said = self.findings.batch.answers
        columns = [
            pa.array(self._answer_id),
            self._names.take(pa.array(self._rater)),
            pa.array(said.kind, pa.string()),
            pa.array(said.prob, pa.float64()),
            pa.array(said.note, pa.string()),
            pa.array(said.source, pa.string()),
            pa.array(said.reason, pa.string()),
            pa.array(said.answered_at, pa.string()),
            pa.array(said.generation, pa.string()),
            pa.array(said.value_when_asked, pa.float64()),
            pa.array(said.prob_before, pa.float64()),
        ]
        found = pa.StructArray.from_arrays(columns, fields=list(ANSWERS.value_type))
        return found if len(chosen) == len(found) else found.take(pa.array(chosen))

    def _paths(self, places: IntArray) -> pa.Array:
        findings, batch = self.findings, self.findings.batch
        roots = Ragged.of([findings.roots_of.get(place, ()) for place in places.tolist()])
        pairs = zip(roots.flat.tolist(), np.repeat(places, np.diff(roots.start)).tolist(), strict=True)
        ways = [findings.paths[root][place] for root, place in pairs]
        start = np.cumsum([0, *map(len, ways)])
        columns = [
            self.keys.take(pa.array(roots.flat)),
            pa.array([batch.questions[root] for root in roots.flat.tolist()], pa.string()),
            lists(start, self._steps([edge for way in ways for edge in way]), STEPS),
        ]
        inner = pa.StructArray.from_arrays(columns, fields=list(PATHS.value_type))
        return lists(roots.start, inner, PATHS)

    def _steps(self, edges: Sequence[Edge]) -> pa.Array:
        texts = self.findings.batch.texts
        columns = [
            pa.array([argument.key for argument, _ in edges], pa.string()),
            pa.array([argument.polarity for argument, _ in edges], pa.string()),
            pa.array([argument.strength for argument, _ in edges], pa.float64()),
            pa.array([holds for _, holds in edges], pa.bool_()),
            pa.array([texts[argument.conclusion] for argument, _ in edges], pa.string()),
        ]
        return pa.StructArray.from_arrays(columns, fields=list(STEPS.value_type))


def split_names(split: SplitArray) -> pa.Array:
    """Returns the names of splits by their numbers."""
    return pa.array(SPLITS).take(pa.array(split))
