"""The method: argument graphs, their posteriors, and what an answer would be worth.

Pure: no network, no clock, no global random state; `format` alone touches files.
"""

from argtree.distributions import Distribution, LogNormal, Normal, Quantiles, Uniform
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
from argtree.format import FORMAT, FORMAT_WITH_QUANTITIES, graph_from_json, graph_to_json, read_graph, write_graph
from argtree.graph import (
    Argument,
    ArgumentGraph,
    Claim,
    Comparison,
    Measurement,
    Polarity,
    Premise,
    Quantity,
    Relation,
    Root,
    Threshold,
)
from argtree.propagate import Propagation, propagate
from argtree.quantities import expand_quantities
from argtree.quantity_value import QuantityValue, quantity_values
from argtree.rank import Ranked, rank
from argtree.value import MEASURES, Measure

__all__ = [
    "ArgtreeError",
    "Argument",
    "ArgumentGraph",
    "Claim",
    "Comparison",
    "Distribution",
    "FORMAT",
    "FORMAT_WITH_QUANTITIES",
    "FormatError",
    "ImpossibleEvidenceError",
    "LogNormal",
    "MEASURES",
    "Measure",
    "Measurement",
    "Normal",
    "Polarity",
    "Premise",
    "Propagation",
    "Quantiles",
    "Quantity",
    "QuantityValue",
    "Ranked",
    "Relation",
    "Reliability",
    "Root",
    "SETTLED",
    "Threshold",
    "TooEntangledError",
    "UNKNOWN_RATER",
    "Uniform",
    "answer_likelihood",
    "expand_quantities",
    "graph_from_json",
    "graph_to_json",
    "is_settled",
    "label_likelihood",
    "label_prob",
    "propagate",
    "quantity_values",
    "rank",
    "read_graph",
    "write_graph",
]
