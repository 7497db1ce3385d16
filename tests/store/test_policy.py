import pytest

from argtree.evidence import TRUSTED_RATER, Reliability
from argtree.reliability import STRANGER
from store.policy import MOST_RATERS, raters_wanted


@pytest.mark.parametrize(
    "wanted, probs, then",
    [
        (1, [], 1),
        (1, [0.0], 1),
        (1, [0.4], 1),
        (2, [1.0], 2),
        (2, [1.0, 0.8], 2),
        (2, [1.0, 0.0], 3),  # a tie
        (2, [1.0, 0.5], 2),  # who leans to neither side contradicts nobody
        (3, [1.0, 0.0, 1.0], 3),  # two against one settle it
        (3, [1.0, 0.0, 0.55], 4),
        (4, [1.0, 0.0, 0.55, 1.0], 4),
        (5, [0.6, 0.4, 0.6, 0.4, 0.5], 5),  # no more than five
        (7, [0.6, 0.4] * 3 + [0.5], 7),
    ],
)
def test_one_more_is_asked_where_believed_raters_disagree(wanted: int, probs: list[float], then: int) -> None:
    assert raters_wanted(wanted, [(prob, TRUSTED_RATER) for prob in probs]) == then


@pytest.mark.parametrize(
    "rater, enough",
    [
        (STRANGER.mean, 5),  # 2^5 = 32 to 1
        (Reliability(0.8, 0.8), 3),  # 4^3 = 64 to 1
        (Reliability(0.9, 0.9), 2),
        (TRUSTED_RATER, 1),
        (Reliability(0.5, 0.5), MOST_RATERS),  # nobody of these will settle it
    ],
)
def test_as_many_are_asked_as_can_settle_it_by_agreeing(rater: Reliability, enough: int) -> None:
    count = 1
    while raters_wanted(count, [(1.0, rater)] * count) > count:
        count += 1
    assert count == enough


@pytest.mark.parametrize(
    "wanted, numbers, then",
    [
        (1, [(1.0, 0.1)], 1),
        (2, [(1.0, 0.1), (1.4, 0.1)], 2),  # 0.4 apart, and 3 * 0.1 * sqrt(2) = 0.424
        (2, [(1.0, 0.1), (1.5, 0.1)], 3),
        (3, [(1.0, 0.1), (1.5, 0.1), (1.2, 0.1)], 4),
        (5, [(1.0, 0.1), (1.5, 0.1), (1.2, 0.1), (9.0, 0.1), (9.0, 0.1)], 5),
    ],
)
def test_one_more_is_asked_where_numbers_are_too_far_apart(
    wanted: int, numbers: list[tuple[float, float]], then: int
) -> None:
    assert raters_wanted(wanted, numbers=numbers) == then
