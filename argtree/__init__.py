"""The method: argument graphs, their posteriors, and what an answer would be worth.

Pure: no network, no clock, no global random state; `format` alone touches files.
"""

from argtree.answers import Answers, gather
from argtree.batch import Batch, choose_batch
from argtree.budget import Budget
from argtree.checks import reasons_to_pause
from argtree.crowd import Crowd, fit_crowd, fit_with_prior
from argtree.decision import Decision, Utilities, decide
from argtree.distributions import Distribution, LogNormal, Normal, Quantiles, Uniform
from argtree.errors import ArgtreeError, FormatError, ImpossibleEvidenceError, TooEntangledError
from argtree.evidence import (
    SETTLED,
    TRUSTED_RATER,
    Reliability,
    answer_likelihood,
    is_settled,
    label_prob,
    product_likelihood,
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
from argtree.live import LiveForest
from argtree.probes import Probed, probe_values
from argtree.propagate import Propagation, Propagator, propagate
from argtree.quantities import expand_quantities
from argtree.quantity_value import QuantityValue, quantity_values
from argtree.rank import Ranked, TopConfidence, rank, rank_confidence
from argtree.reliability import STRANGER, Beta, RaterReliability, heard
from argtree.sensitivity import Parameter, Sensitivity, sensitivity
from argtree.stopping import SameDecision, same_decision
from argtree.value import MEASURES, PERFECT, Measure
from argtree.what_if import suppose, with_answers

__all__ = [
    "Answers",
    "ArgtreeError",
    "Argument",
    "ArgumentGraph",
    "Batch",
    "Beta",
    "Budget",
    "Claim",
    "Comparison",
    "Crowd",
    "Decision",
    "Distribution",
    "FORMAT",
    "FORMAT_WITH_QUANTITIES",
    "FormatError",
    "ImpossibleEvidenceError",
    "LiveForest",
    "LogNormal",
    "MEASURES",
    "Measure",
    "Measurement",
    "Normal",
    "PERFECT",
    "Parameter",
    "Polarity",
    "Premise",
    "Probed",
    "Propagation",
    "Propagator",
    "Quantiles",
    "Quantity",
    "QuantityValue",
    "Ranked",
    "RaterReliability",
    "Relation",
    "Reliability",
    "Root",
    "SETTLED",
    "STRANGER",
    "SameDecision",
    "Sensitivity",
    "TRUSTED_RATER",
    "Threshold",
    "TooEntangledError",
    "TopConfidence",
    "Uniform",
    "Utilities",
    "answer_likelihood",
    "choose_batch",
    "decide",
    "expand_quantities",
    "fit_crowd",
    "fit_with_prior",
    "gather",
    "graph_from_json",
    "graph_to_json",
    "heard",
    "is_settled",
    "label_prob",
    "probe_values",
    "product_likelihood",
    "propagate",
    "quantity_values",
    "rank",
    "rank_confidence",
    "read_graph",
    "reasons_to_pause",
    "same_decision",
    "sensitivity",
    "suppose",
    "with_answers",
    "write_graph",
]
