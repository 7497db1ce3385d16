"""Flat lists do what lists of lists do."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from store.ragged import Ragged, ranges, starts

LISTS = st.lists(st.lists(st.integers(0, 5), max_size=6), max_size=8)


def _lists(ragged: Ragged) -> list[list[int]]:
    pairs = zip(ragged.start[:-1].tolist(), ragged.start[1:].tolist(), strict=True)
    return [ragged.flat[first:last].tolist() for first, last in pairs]


@given(LISTS, st.integers(0, 4))
def test_lists_survive_and_are_cut(lists: list[list[int]], size: int) -> None:
    assert _lists(Ragged.of(lists)) == lists
    assert _lists(Ragged.of(lists).head(size)) == [one[:size] for one in lists]
    backwards = np.arange(len(lists))[::-1]
    assert _lists(Ragged.of(lists).take(backwards)) == lists[::-1]


@given(LISTS, st.lists(st.integers(0, 3), min_size=6, max_size=6))
def test_things_become_what_they_stand_for(lists: list[list[int]], counts: list[int]) -> None:
    parts = starts(np.array(counts))
    expected = [[at for thing in one for at in range(parts[thing], parts[thing + 1])] for one in lists]
    assert _lists(Ragged.of(lists).into(parts)) == expected


@given(LISTS)
def test_each_stands_once_in_a_list_where_it_came_first(lists: list[list[int]]) -> None:
    of = np.array([2, 0, 2, 1, 0, 3])
    assert _lists(Ragged.of(lists).distinct(of)) == [list(dict.fromkeys(of[one].tolist())) for one in lists]


@given(st.lists(st.lists(st.integers(0, 5), min_size=1, max_size=6), max_size=8))
def test_the_largest_of_each_list(lists: list[list[int]]) -> None:
    of = np.array([4, 0, 2, 7, -1, 3])
    assert Ragged.of(lists).largest(of).tolist() == [int(of[one].max()) for one in lists]


def test_ranges_follow_each_other() -> None:
    assert ranges(np.array([5, 0, 9]), np.array([2, 0, 3])).tolist() == [5, 6, 9, 10, 11]
