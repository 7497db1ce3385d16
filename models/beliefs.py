"""A belief: a distribution over a claim's probability, made of several readings of what a model says.

Pure arithmetic. Not here: what the model is asked (`prompts.py`) and asking it (`elicitation.py`).
"""

from dataclasses import dataclass

import numpy as np

from models.base import FloatArray

# A model is never certain: beyond this, log-odds tell of its training and no longer of the world, and a prior of
# exactly 0 or 1 could not be moved by any answer.
MIN_PROB = 1e-4
MIN_PSEUDO_COUNT, MAX_PSEUDO_COUNT = 1.0, 50.0


@dataclass(frozen=True)
class Belief:
    """What a model says a claim's probability is: a Beta distribution by its mean and pseudo-count."""

    mean: float  # P(claim), in [1e-4, 1 - 1e-4]
    pseudo_count: float  # how many answers it is worth, in [1, 50]: the sum of the Beta's two parameters
    draws: int | None = None  # replies drawn for each reading, where it rests on draws; None: on the model's own probs

    @property
    def variance(self) -> float:
        """Variance of that Beta distribution: p (1-p) / (pseudo_count + 1)."""
        return self.mean * (1 - self.mean) / (self.pseudo_count + 1)


@dataclass(frozen=True, eq=False)
class YesNo:
    """How a model leans between yes and no on P prompts."""

    log_odds: FloatArray  # [P] of yes against no, nats
    draws: int | None = None  # replies drawn for each prompt, where they are frequencies
    # [P] variance of P(yes) by the accident of which replies were drawn; 0 where the probabilities are the model's own
    drawn_variance: FloatArray | float = 0.0


def from_log_probs(yes: FloatArray, no: FloatArray) -> YesNo:
    """From a model's own log-probabilities of the words for yes, and for no, both [P, W]; a word's spellings add."""
    return YesNo(np.logaddexp.reduce(yes, axis=1) - np.logaddexp.reduce(no, axis=1))


def from_draws(yes: FloatArray, no: FloatArray, draws: int) -> YesNo:
    """From the shares of `draws` replies that began with the words for yes, and for no: logarithms, both [P, W].

    Of n replies that said either, k said yes: P(yes) is (k + 1/2) / (n + 1), the mean under Jeffreys' prior (Brown, Cai
    and DasGupta 2001, section 4.1.2), so that no agreement of a few draws is certainty. Its variance is taken as
    p (1-p) / (n + 1), the binomial one at that p.

    Raises:
        ValueError: For a prompt no reply said either.
    """
    said_yes, said_no = (draws * np.exp(words).sum(axis=1) for words in (yes, no))
    count = said_yes + said_no
    if (count < 0.5).any():
        raise ValueError(f"none of {draws} replies to a prompt said yes or no")
    prob = (said_yes + 0.5) / (count + 1)
    return YesNo(np.log(said_yes + 0.5) - np.log(said_no + 0.5), draws, prob * (1 - prob) / (count + 1))


def beliefs(readings: FloatArray, drawn_variance: FloatArray | float = 0.0, draws: int | None = None) -> list[Belief]:
    """Beliefs in C claims from K readings of each: log-odds of the claim, [K, C].

    A reading is what the model says to one wording of the question, turned round where the wording asks whether the
    claim is false. Every wording comes with its negation.

    Mean: the average of the log-odds, which is the logarithmic opinion pool of the readings with equal weights (Genest
    and Zidek 1986, section 3.2). A liking for yes that adds b to the log-odds of yes in a wording and in its negation
    adds b to one reading and takes it from the other: it cancels exactly. That a lean towards an answer can be divided
    out as a bias of the output is due to Zhao et al. 2021, "Calibrate before use" (arXiv 2102.09690), who measure it
    with a content-free input; to measure it with the negation is ours. Averaging over paraphrases: Jiang et al. 2020,
    "How can we know what language models know?" (arXiv 1911.12543).

    Pseudo-count (ours): the readings' probabilities p_k are draws from the belief, so its variance is theirs, V =
    mean((p_k - mean(p))^2). Where each is itself a frequency with a binomial variance v_k, V holds on average
    (K-1)/K mean(v) that is no disagreement, and their mean errs by mean(v)/K: the variance is max(0, V - (K-1)/K
    mean(v)) + mean(v)/K, the method of moments of a random-effects model (DerSimonian and Laird 1986) with equal
    weights. The Beta distribution of that mean and variance has the pseudo-count p (1-p) / variance - 1, here kept
    within [1, 50]: a model that contradicts itself is worth one answer, and none is worth more than fifty.

    Args:
        readings: [K, C].
        drawn_variance: v, [K, C]; 0 where the probabilities are the model's own.
        draws: to be kept with the beliefs.
    """
    count = len(readings)
    mean = np.clip(logistic(readings.mean(axis=0)), MIN_PROB, 1 - MIN_PROB)
    drawn = np.broadcast_to(drawn_variance, readings.shape).mean(axis=0)
    variance = np.maximum(0.0, logistic(readings).var(axis=0) - (count - 1) / count * drawn) + drawn / count
    smallest = mean * (1 - mean) / (MAX_PSEUDO_COUNT + 1)  # below it the count is cut off anyway; never divide by 0
    worth = np.clip(mean * (1 - mean) / np.maximum(variance, smallest) - 1, MIN_PSEUDO_COUNT, MAX_PSEUDO_COUNT)
    return [Belief(float(m), float(w), draws) for m, w in zip(mean, worth, strict=True)]


def logistic(log_odds: FloatArray) -> FloatArray:
    """1 / (1 + exp(-x)), written so that no log-odds overflow."""
    prob: FloatArray = np.exp(-np.logaddexp(0.0, -log_odds))
    return prob


def strength(polarity: str, prior: float, given: float) -> float | None:
    """The strength in (0, 1) that makes a claim of this prior as likely as `given` once the argument alone fires.

    By the conditional probability (docs/design.md) a support makes P(claim) 1 - (1 - prior)(1 - w) and an attack
    prior (1 - w), so w is (given - prior) / (1 - prior), or 1 - given / prior. None where that isn't above 0: what is
    called a support leaves the claim no likelier, or an attack no less likely. Such an argument is not turned round:
    its words say one thing and the number another, and which of the two the model means nobody can tell.

    Args:
        polarity: "support" or "attack".
        prior: P(claim) if none of its reasons holds, in (0, 1).
        given: P(claim) if the argument's premises are as it takes them and nothing else is known, in (0, 1).
    """
    found = (given - prior) / (1 - prior) if polarity == "support" else 1 - given / prior
    return found if found > 0 else None
