"""From first tokens or draws to probabilities, by hand."""

import math
from contextlib import nullcontext

import numpy as np
import pytest

from models.errors import BadReplyError
from models.first_token import from_alternatives, from_draws
from models.wire import Alternative

WORDS = ["yes", "Yes", "no", "No"]


def listed(**probs: float) -> list[Alternative]:
    return [Alternative(token=token, logprob=math.log(prob)) for token, prob in probs.items()]


def probs(alternatives: list[Alternative], *continuations: str) -> list[float]:
    return [float(one) for one in np.exp(from_alternatives(alternatives, continuations))]


def test_listed_words_get_their_probabilities() -> None:
    assert probs(listed(yes=0.5, Yes=0.2, no=0.2, No=0.05), *WORDS) == pytest.approx([0.5, 0.2, 0.2, 0.05])


@pytest.mark.parametrize("blank", [" ", "\n", "▁", "Ġ"])
def test_blank_before_a_word_does_not_count(blank: str) -> None:
    alternatives = listed(no=0.25) + [Alternative(token=f"{blank}no", logprob=math.log(0.5))]
    assert probs(alternatives, "no") == pytest.approx([0.75])


def test_longer_token_is_another_word() -> None:
    assert probs(listed(Nothing=0.6, No=0.3), "No") == pytest.approx([0.3])


def test_token_that_is_a_words_beginning_bounds_it_from_above() -> None:
    assert probs(listed(n=0.1, no=0.3, y=0.2), "no!", "no", "yes") == pytest.approx([0.3, 0.3, 0.2])


def test_missing_word_gets_no_more_than_the_least_listed() -> None:
    assert probs(listed(yes=0.6, maybe=0.1), "yes", "no") == pytest.approx([0.6, 0.1])


def test_missing_words_share_what_is_left_over() -> None:
    assert probs(listed(yes=0.7, maybe=0.28), *WORDS) == pytest.approx([0.7, 0.02 / 3, 0.02 / 3, 0.02 / 3])


def test_nothing_is_impossible() -> None:
    alternatives = listed(yes=1.0) + [Alternative(token="no", logprob=-math.inf)]
    assert list(from_alternatives(alternatives, ["yes", "no", "No"])) == [0.0, -30.0, -30.0]


def test_model_that_would_say_something_else_has_no_belief() -> None:
    with pytest.raises(BadReplyError, match="begins its reply with '<think>' and not with 'yes' or 'no'"):
        from_alternatives(listed(**{"<think>": 0.99, "Well": 0.01}), ["yes", "no"])


@pytest.mark.parametrize(("yes", "is_refused"), [(0.004, True), (0.006, False)])
def test_model_that_hardly_means_to_say_either_has_no_belief(yes: float, is_refused: bool) -> None:
    alternatives = listed(**{"<think>": 0.99, "yes": yes, "no": 0.005})
    with pytest.raises(BadReplyError, match="without reasoning first") if is_refused else nullcontext():
        from_alternatives(alternatives, ["yes", "no"])


def test_draws_are_counted() -> None:
    replies = ["yes", "Yes.", " yes!", "maybe", "no"]
    assert np.exp(from_draws(replies, WORDS)) == pytest.approx([2 / 5, 1 / 5, 1 / 5, 0])


def test_drawn_word_must_end_where_the_continuation_does() -> None:
    assert np.exp(from_draws(["Nothing", "No", "No, it is"], ["No"])) == pytest.approx([2 / 3])


def test_draws_that_say_something_else_are_no_belief() -> None:
    with pytest.raises(BadReplyError, match="Of 2 replies none begins with 'yes' or 'no', but one with 'Well'"):
        from_draws(["Well", ""], ["yes", "no"])
