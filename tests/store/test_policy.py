import pytest

from store.policy import raters_wanted


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
        (3, [1.0, 0.0, 0.55], 5),
        (5, [1.0, 0.0, 0.55, 1.0], 5),
        (5, [0.6, 0.4, 0.6, 0.4, 0.5], 5),  # no more than five
        (7, [0.6, 0.4] * 3 + [0.5], 7),
    ],
)
def test_more_are_asked_where_raters_disagree(wanted: int, probs: list[float], then: int) -> None:
    assert raters_wanted(wanted, probs) == then


@pytest.mark.parametrize(
    "wanted, numbers, then",
    [
        (1, [(1.0, 0.1)], 1),
        (2, [(1.0, 0.1), (1.4, 0.1)], 2),  # 0.4 apart, and 3 * 0.1 * sqrt(2) = 0.424
        (2, [(1.0, 0.1), (1.5, 0.1)], 3),
        (3, [(1.0, 0.1), (1.5, 0.1), (1.2, 0.1)], 5),
        (5, [(1.0, 0.1), (1.5, 0.1), (1.2, 0.1), (9.0, 0.1), (9.0, 0.1)], 5),
    ],
)
def test_more_are_asked_where_numbers_are_too_far_apart(
    wanted: int, numbers: list[tuple[float, float]], then: int
) -> None:
    assert raters_wanted(wanted, numbers=numbers) == then
