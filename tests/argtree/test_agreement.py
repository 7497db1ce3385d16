import pytest

from argtree.agreement import krippendorff_alpha

_ = None
# Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011), sections A and C: a row for each observer.
TWO_OBSERVERS = ((0, 1, 0, 0, 0, 0, 0, 0, 1, 0), (1, 1, 1, 0, 0, 1, 0, 0, 0, 0))
FOUR_OBSERVERS = (
    (1, 2, 3, 3, 2, 1, 4, 1, 2, _, _, _),
    (1, 2, 3, 3, 2, 2, 4, 1, 2, 5, _, 3),
    (_, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, _),
    (1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, _),
)


@pytest.mark.parametrize(("observers", "alpha"), [(TWO_OBSERVERS, 0.095), (FOUR_OBSERVERS, 0.849)])
def test_the_published_values(observers: tuple[tuple[int | None, ...], ...], alpha: float) -> None:
    units = [[value for value in unit if value is not None] for unit in zip(*observers, strict=True)]
    assert krippendorff_alpha(units) == pytest.approx(alpha, abs=5e-4)


def test_full_agreement_is_1_and_steady_contradiction_is_below_0() -> None:
    assert krippendorff_alpha([[0, 0], [1, 1, 1]]) == 1.0
    assert (krippendorff_alpha([[0, 1], [1, 0]]) or 0) < 0


@pytest.mark.parametrize("units", [[], [[1.0], [0.0]], [[1.0, 1.0], [1.0, 1.0]]])
def test_with_nothing_to_agree_on_there_is_none(units: list[list[float]]) -> None:
    assert krippendorff_alpha(units) is None
