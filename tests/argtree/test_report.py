"""What `rank` says of figures that were sampled."""

from rich.text import Text

from argtree import Budget, propagate, rank
from argtree.report import Report
from benchmarks.random_dags import random_dag


def test_how_sure_the_order_is_counts_only_claims_worth_asking() -> None:
    result = propagate(random_dag(1000, 0.11, 0), Budget(precision=0.02))
    report = Report(result, result, {}, "variance_reduction", 0.0)

    def said(everything: bool, top: int) -> str:
        lines = report.list_of(rank(result, everything=everything)[:top], [])
        return "".join(line.plain for line in lines if isinstance(line, Text))

    assert said(everything=False, top=9).startswith("The first 5 are the 5 best with probability ")
    assert said(everything=True, top=9).startswith("Of the claims worth asking about, the first ")
    assert said(everything=True, top=1) == ""  # the root
