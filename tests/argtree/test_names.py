"""Which claim somebody means."""

from __future__ import annotations

import pytest

from argtree import ArgtreeError, ArgumentGraph, Claim
from argtree.names import find_claim, parse_given
from tests.store.factories import jelly_graph

GRAPH = ArgumentGraph(
    [Claim("rain", "It rains.", 0.5), Claim("a=b", "same", 0.5), Claim("c", "same", 0.5), Claim("x", "c", 0.5)]
)


def test_claim_goes_by_its_id_before_its_text() -> None:
    assert [find_claim(GRAPH, name) for name in ("rain", "It rains.", " rain ", "c")] == ["rain", "rain", "rain", "c"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("rein", "no claim has the id or the text 'rein'; the nearest is 'rain'"),
        ("it rains", "the nearest is 'It rains.'"),
        ("same", "2 claims have the text 'same': name one by its id, such as 'a=b', 'c'"),
        ("\x1b[31m", "no claim has the id or the text '�[31m'"),
    ],
)
def test_unknown_name_is_answered_with_the_nearest(name: str, said: str) -> None:
    with pytest.raises(ArgtreeError) as caught:
        find_claim(GRAPH, name)
    assert str(caught.value).endswith(said)


def test_name_of_a_quantity_is_answered_with_a_claim_about_it() -> None:
    said = "^'jelly' is a quantity, not a claim: name a claim about it, such as 'light'$"
    with pytest.raises(ArgtreeError, match=said):
        find_claim(jelly_graph(), "jelly")
    with pytest.raises(ArgtreeError, match=said):
        parse_given(jelly_graph(), ["jelly=1.07"])


def test_given_is_split_at_the_last_equals_sign() -> None:
    assert parse_given(GRAPH, ["a=b=yes", "rain=NO", "c=0.25", "c=0.25"]) == {"a=b": 1.0, "rain": 0.0, "c": 0.25}


@pytest.mark.parametrize("text", ["rain", "rain=", "=yes", "rain=2", "rain=-0.1", "rain=nan", "rain=maybe", ""])
def test_given_that_says_nothing_is_refused(text: str) -> None:
    with pytest.raises(ArgtreeError, match="must read CLAIM=yes, CLAIM=no or CLAIM=PROB"):
        parse_given(GRAPH, [text])


def test_two_probabilities_for_one_claim_are_refused() -> None:
    with pytest.raises(ArgtreeError, match="'rain' is given two probabilities: 1, 0.5"):
        parse_given(GRAPH, ["rain=yes", "It rains.=0.5"])
