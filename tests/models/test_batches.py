from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.batches import BATCH_SIZE, PASS_TOKENS, groups

ROWS = st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=30), max_size=12)


@given(ROWS, st.sampled_from([1, 4]))
def test_each_row_comes_once_with_rows_that_begin_alike(rows: list[list[int]], repeats: int) -> None:
    rows = [[*row[:3] * 90, *row] for row in rows for _ in range(repeats)]
    seen = []
    for shared, batches in groups(rows, [0] * len(rows)):
        members = [i for batch in batches for i in batch]
        assert len({tuple(rows[i][:shared]) for i in members}) == 1 and all(len(rows[i]) > shared for i in members)
        assert all(len(batch) <= BATCH_SIZE for batch in batches)
        seen += members
    assert sorted(seen) == list(range(len(rows)))


def test_rows_of_other_rooms_are_apart() -> None:
    rows = [[7] * 100 + [i] for i in range(6)]
    assert [sorted(sum(one.batches, [])) for one in groups(rows, [1, 2] * 3)] == [[0, 2, 4], [1, 3, 5]]


def test_each_wording_is_read_once_whatever_stands_beside_it() -> None:
    wordings = [[k] * 200 for k in range(3)]
    rows = [[9, *wording, i] for wording, i in product(wordings, range(5))] + [[9, 8, 8]]
    found = list(groups(rows, [0] * len(rows)))
    assert sorted((one.shared, len(one.batches[0])) for one in found) == [(0, 1), (201, 5), (201, 5), (201, 5)]


@pytest.mark.parametrize(("length", "shared"), [(PASS_TOKENS, 0), (PASS_TOKENS + 1, PASS_TOKENS + 1)])
def test_what_saves_less_than_a_pass_costs_is_not_read_apart(length: int, shared: int) -> None:
    assert [one.shared for one in groups([[1] * length + [i] for i in range(2)], [0, 0])] == [shared]
