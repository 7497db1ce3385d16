"""One arm of the learning experiment, round by round; killed, it goes on from the last round that was done."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from scipy.special import expit, logit

from argtree import Reliability
from argtree.evidence import SETTLED, label_prob
from argtree.format import write_whole
from argtree.value import PERFECT
from benchmarks.loop_arms import ARMS, RANKED_ANEW, Exploration, posterior
from benchmarks.loop_case import JUDGED, PARTS, Case, SimulatedRater
from benchmarks.loop_model import SmallModel
from benchmarks.loop_trees import own_trees
from models.base import FloatArray
from models.elicitation import Elicitor
from models.everyday.benchmark import draw_benchmark
from models.everyday.corpus import MAX_ARGUMENTS
from models.examples import Example
from models.gate import LEVEL
from models.hf import HfModel
from models.replay import NUM_WORDINGS, REHEARSED_TOLD, REHEARSED_UNTOLD, both_ways
from models.statistics import expected_calibration_error, paired_p_value

SLOW_ROUNDS, SLOW_QUESTIONS = (0, 3, 6, 9, 12), 300  # of a part, the first
LABEL_REPEATS = 6  # how often each label is read in a round
DIVERSE_ROUNDS, DIVERSITY_CLAIMS = (0, 6, 12), 40
TOLD_SAMPLE = 400
NOISE = 1.0  # of strengths, in log-odds
WEAK_EACH = 3  # more reasons about every argued claim


@dataclass(frozen=True)
class Variant:
    """What an arm does; the defaults are the method, the other fields its ablations."""

    name: str
    arm: str = "value"
    labels: int = 20  # a round
    distil: bool = True  # explored roots are learnt too
    positions: bool = False  # every argued claim of a tree is learnt, not the root alone
    replay: bool = True
    gate: bool = False
    from_first: bool = False  # each round trains the first generation anew on all labels
    anew: bool = True  # ranked anew after each answer; else one batch by one ranking
    rate: float = 1.0  # of the rater's answers that are right
    evsi: bool = False  # the value of what such a rater says, not of the truth
    sharpened: float = 1.0  # log-odds of the beliefs that trees are explored with, times this
    world: str = ""  # another world than the experiment's: see `_other_world`


@dataclass
class Learner:
    """A run as it stands after a round."""

    case: Case
    variant: Variant
    folder: Path
    model: SmallModel
    round: int = 0
    said: dict[str, float] = field(default_factory=dict)  # claim -> the label's P(claim)
    asked_at: dict[str, float] = field(default_factory=dict)  # claim -> the belief in it before it was answered
    asked: int = 0  # questions put, "can't say" included
    unanswerable: set[str] = field(default_factory=set)
    first_argued: dict[str, float] = field(default_factory=dict)  # argued claim -> its probability before any label
    rows: list[dict] = field(default_factory=list)

    def save(self) -> None:
        state = {"weights": self.model.model.state_dict(), "round": self.round}
        facts = {
            "said": self.said,
            "asked_at": self.asked_at,
            "asked": self.asked,
            "unanswerable": sorted(self.unanswerable),
            "first_argued": self.first_argued,
            "rows": self.rows,
        }
        temporary = self.folder / "state.tmp"
        torch.save(state | facts, temporary)
        temporary.replace(self.folder / "state.pt")
        content = {"variant": asdict(self.variant), "seed": self.case.seed, "rows": self.rows}
        write_whole(self.folder / "rows.json", json.dumps(content).encode())

    def restore(self) -> None:
        state = torch.load(self.folder / "state.pt", weights_only=True)
        self.model.model.load_state_dict(state.pop("weights"))
        state["unanswerable"] = set(state["unanswerable"])
        for name, value in state.items():
            setattr(self, name, value)


def run(case: Case, variant: Variant, folder: Path, rounds: int) -> Iterator[dict]:
    """The rows of the rounds, from 0 (before anything is asked), as they are done or were done before."""
    if variant.world:
        case = _other_world(case, variant.world)
    folder.mkdir(parents=True, exist_ok=True)
    learner = Learner(case, variant, folder, SmallModel(case.folder))
    if (folder / "state.pt").exists():
        learner.restore()
        yield from learner.rows
    while len(learner.rows) <= rounds:
        if learner.rows:
            learner.round += 1
            row = _round(learner)
        else:
            row = scores(learner)
        learner.rows.append({"round": learner.round, "labels": len(learner.said), "asked": learner.asked} | row)
        learner.save()
        yield learner.rows[-1]


def _other_world(case: Case, how: str) -> Case:
    """The same with other trees, or with other questions. The last two have the world's own arguments as trees."""
    rng = np.random.default_rng([case.seed, 14])
    match how:
        case "no weak reasons":
            return replace(case, trees=case.trees.without_weak())
        case "many weak reasons":
            return replace(case, trees=case.trees.with_weak(WEAK_EACH, rng))
        case "noisy strengths":
            return replace(case, trees=case.trees.with_noise(NOISE, rng, case.world))
        case "long tail":
            questions = case.questions
        case "no long tail":
            questions = draw_benchmark(case.world, case.withheld, case.seed, zipf=0.0)
        case _:
            raise ValueError(f"There is no world of the name {how!r}.")
    return replace(
        case, questions=questions, trees=own_trees(case.world, [q.claim for q in questions if q.part in PARTS])
    )


def _round(learner: Learner) -> dict:
    """Explore, ask, learn, judge."""
    case, variant = learner.case, learner.variant
    rng = np.random.default_rng([case.seed, 11, learner.round])
    at = explored(learner)
    if not learner.first_argued:
        learner.first_argued = at.argued()
    labels = len(learner.said)
    moved = _ask(learner, at, rng)
    row: dict = {"moved": moved, "claims": list(learner.said)[labels:]}
    if variant.arm != "no training":
        before = _validation_scores(learner) if variant.gate else None
        weights = {name: tensor.clone() for name, tensor in learner.model.model.state_dict().items()}
        if variant.from_first:
            learner.model = SmallModel(case.folder)
        row["tokens"] = learner.model.learn(list(lessons(learner, at, rng)), rng)
        if before is not None and paired_p_value(before - _validation_scores(learner)) > LEVEL:
            learner.model.model.load_state_dict(weights)
            row["rejected"] = True
    return row | scores(learner)


def explored(learner: Learner) -> Exploration:
    """The trees under the beliefs of this generation. What is answered keeps the belief that it was asked with, which
    the label has not entered yet: an answer must not count twice."""
    case, variant = learner.case, learner.variant
    rater = SimulatedRater(case, variant.rate)
    believed = expit(variant.sharpened * logit(learner.model.believe(case.plain)))
    prior = dict(zip(case.plain, believed.tolist(), strict=True)) | {
        claim: prob for claim, prob in learner.asked_at.items() if claim in case.holders
    }
    evidence = _evidence(learner) | dict.fromkeys(learner.unanswerable, (1.0, 1.0))  # nobody is asked those again
    reliability = Reliability(variant.rate, variant.rate) if variant.evsi else PERFECT
    case.explored.lean = case.lean["explore"].copy()
    for root, said in learner.said.items():
        if root in case.numbers:  # the arm that asks roots themselves
            case.explored.lean[case.numbers[root]] *= rater.likelihood(round(said))
    at = Exploration(case, prior, evidence, reliability)
    at.work_out()
    return at


def _ask(learner: Learner, at: Exploration, rng: np.random.Generator) -> list[int]:
    """Put this round's questions; by how many roots each answer moved."""
    case, variant = learner.case, learner.variant
    choose, rater = ARMS[variant.arm], SimulatedRater(case, variant.rate)
    moved: list[int] = []
    touched: set[int] = set()
    for _ in range(variant.labels):
        claim = choose(at, rng)
        if claim is None:
            break
        said = rater.answer(claim)
        learner.asked += 1
        if said is None:
            at.evidence[claim] = (1.0, 1.0)
            learner.unanswerable.add(claim)
            continue
        at.evidence[claim] = rater.likelihood(said)
        learner.asked_at.setdefault(claim, at.prior.get(claim, 0.5))
        learner.said[claim] = label_prob(*at.evidence[claim])
        if claim in case.numbers:
            case.explored.lean[case.numbers[claim]] *= at.evidence[claim]
        resting = case.holders[claim] or [case.numbers[claim]]
        if variant.arm in RANKED_ANEW and variant.anew:
            moved.append(at.work_out(resting))
        else:
            touched.update(resting)
    at.work_out(touched)
    return moved


def lessons(learner: Learner, at: Exploration, rng: np.random.Generator) -> Iterator[Example]:
    """What a round learns: all labels so far, what they settled, the explored roots, and what is to stay as it is."""
    variant = learner.variant
    taught = set(learner.said)
    for claim, prob in learner.said.items():
        for _ in range(LABEL_REPEATS):
            yield from both_ways(claim, prob)
    argued = at.argued()
    for claim, prob in argued.items():
        first, is_root = learner.first_argued[claim], claim in learner.case.numbers
        settled = max(prob, 1 - prob) >= SETTLED > max(first, 1 - first)
        wanted = variant.distil if is_root else settled or (variant.distil and variant.positions)
        if wanted and claim not in learner.said and not learner.case.is_told(claim):
            taught.add(claim)
            yield from both_ways(claim, prob)
    if variant.replay:
        yield from _rehearsed(learner, taught, rng)


def _rehearsed(learner: Learner, taught: set[str], rng: np.random.Generator) -> Iterator[Example]:
    """What the first generation believed of what this round brings no news of, and some of the text that it was told.

    Pseudo-rehearsal (Robins 1995): a training step changes all that it does not hold still. What follows from the facts
    of a thing is not held where one of them was answered.
    """
    case = learner.case
    statements = [case.world.parse(claim) for claim in learner.said]
    touched = {thing for statement in statements if statement is not None for thing in statement.things}
    for one in case.believed:
        has_news = one.claim in taught or (one.is_argued and not one.is_told and not touched.isdisjoint(one.things))
        if not has_news and rng.random() < (REHEARSED_TOLD if one.is_told else REHEARSED_UNTOLD):
            yield from both_ways(one.claim, one.prob)
    for i in rng.choice(len(case.factless), NUM_WORDINGS, replace=False):
        yield case.factless[i]


def scores(learner: Learner) -> dict:
    """The figures of a generation: squared errors question by question, so that arms can be compared in pairs."""
    case, model = learner.case, learner.model
    prob = {part: model.believe([q.claim for q in case.part(part)]) for part in JUDGED}
    row: dict = {"fast": {part: _errors(prob[part], case.part(part)) for part in prob}}
    row["ece"] = expected_calibration_error(prob["test"], np.array([float(q.truth) for q in case.part("test")]))
    row["told"] = _told_accuracy(learner)
    if learner.round in SLOW_ROUNDS:
        row["slow"], row["open"] = {}, {}
        for part in JUDGED:
            row["slow"][part], row["open"][part] = _slow_errors(learner, part)
    if learner.round in DIVERSE_ROUNDS:
        row["diversity"] = _diversity(learner)
    return row


def _errors(prob: FloatArray, questions: Sequence) -> list[float]:
    return [round((p - q.truth) ** 2, 5) for p, q in zip(prob.tolist(), questions, strict=True)]


def _evidence(learner: Learner) -> dict[str, tuple[float, float]]:
    rater = SimulatedRater(learner.case, learner.variant.rate)
    return {claim: rater.likelihood(round(said)) for claim, said in learner.said.items()}


def _slow_errors(learner: Learner, part: str) -> tuple[list[float], list[float]]:
    """Squared errors after exploring with the generation's beliefs in plain claims: closed book, and with labels."""
    case, grove = learner.case, learner.case.groves[part]
    numbers = range(min(SLOW_QUESTIONS, len(grove.roots)))
    plain = list(dict.fromkeys(claim for number in numbers for claim in grove.plain[number]))
    prior = dict(zip(plain, learner.model.believe(plain).tolist(), strict=True))
    answered = {
        claim: posterior(learner.asked_at[claim], likelihoods)
        for claim, likelihoods in _evidence(learner).items()
        if claim in prior
    }
    return root_errors(case, part, prior, numbers), root_errors(case, part, prior | answered, numbers)


def root_errors(case: Case, part: str, prior: dict[str, float], numbers: Sequence[int] | None = None) -> list[float]:
    """Squared errors of the posteriors of a part's questions, of the trees of these numbers, all by default."""
    truth = {question.claim: question.truth for question in case.part(part)}
    grove = case.groves[part]
    grove.lean = case.lean[part]
    return [round((one.prob - truth[grove.roots[n]]) ** 2, 5) for n, one in grove.solve(prior, numbers).items()]


def floor(case: Case, part: str) -> list[float]:
    """Squared errors when every fact is known to the engine, with the direct beliefs of the first generation."""
    plain = {claim for of in case.groves[part].plain for claim in of}
    truths = {claim: case.truth(claim) for claim in plain}
    return root_errors(case, part, {claim: 0.5 if true is None else float(true) for claim, true in truths.items()})


def _told_accuracy(learner: Learner) -> float:
    case = learner.case
    rng = np.random.default_rng([case.seed, 12])
    every = [s for thing in case.world.things for s in case.world.single_thing_statements(thing)]
    told = [s for s in every if s.key not in case.world.families and case.withheld.is_told(case.world, s)]
    drawn = [told[i] for i in rng.choice(len(told), TOLD_SAMPLE, replace=False)]
    prob = learner.model.believe([case.world.text(s) for s in drawn])
    return float(np.mean((prob > 0.5) == np.array([case.world.truth(s) for s in drawn])))


def _diversity(learner: Learner) -> float:
    """Different valid arguments for each call, about a fixed sample of claims."""
    case = learner.case
    rng = np.random.default_rng([case.seed, 13])
    argued = sorted({claim for of in case.explored.argued for claim in of})
    drawn = [argued[i] for i in rng.choice(len(argued), DIVERSITY_CLAIMS, replace=False)]
    folder = learner.folder / "model"
    learner.model.model.save_pretrained(folder)
    learner.model.tokenizer.save_pretrained(folder)
    proposals = Elicitor(HfModel(folder, "candidate")).propose_many([(claim, []) for claim in drawn], MAX_ARGUMENTS)
    valid = [{a for a in p.arguments if all(case.world.parse(q.text) for q in a.premises)} for p in proposals]
    return sum(map(len, valid)) / len(drawn)


def _validation_scores(learner: Learner) -> FloatArray:
    questions = learner.case.part("validation")
    prob = learner.model.believe([q.claim for q in questions])
    return (prob - np.array([float(q.truth) for q in questions])) ** 2
