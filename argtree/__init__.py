"""The method: argument graphs, their posteriors, and what an answer would be worth.

Pure: no network, no clock, no global random state; `format` alone touches files.
"""

from argtree.errors import ArgtreeError, FormatError, ImpossibleEvidenceError, TooEntangledError
from argtree.evidence import (
    SETTLED,
    UNKNOWN_RATER,
    Reliability,
    answer_likelihood,
    is_settled,
    label_likelihood,
    label_prob,
)
from argtree.format import FORMAT, graph_from_json, graph_to_json, read_graph, write_graph
from argtree.graph import Argument, ArgumentGraph, Claim, Polarity, Premise, Root
from argtree.propagate import Propagation, propagate
from argtree.rank import Ranked, rank
from argtree.value import MEASURES, Measure

__all__ = [
    "ArgtreeError",
    "Argument",
    "ArgumentGraph",
    "Claim",
    "FORMAT",
    "FormatError",
    "ImpossibleEvidenceError",
    "MEASURES",
    "Measure",
    "Polarity",
    "Premise",
    "Propagation",
    "Ranked",
    "Reliability",
    "Root",
    "SETTLED",
    "TooEntangledError",
    "UNKNOWN_RATER",
    "answer_likelihood",
    "graph_from_json",
    "graph_to_json",
    "is_settled",
    "label_likelihood",
    "label_prob",
    "propagate",
    "rank",
    "read_graph",
    "write_graph",
]
