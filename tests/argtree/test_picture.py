"""A picture that is carried on says, step for step, what the whole store loaded anew would say."""

from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import pytest
from sqlalchemy import Engine
from sqlmodel import select

from argtree.coherence import disagreement
from argtree.distributions import Normal
from argtree.explorer import Explorer
from argtree.graph import ArgumentGraph, Quantity, Root, Threshold
from argtree.graph import Claim as GraphClaim
from argtree.picture import Picture
from argtree.propagate import Propagator
from argtree.search import Frontier, belief_variance, breadth_first, choose_expansions
from models.base import Reply, Scores
from models.elicitation import Elicitor
from models.prompts import ProposedArgument, ProposedPremise, arguments_json
from store import claims, tables
from store.aliases import add_alias, undo_merge
from store.corrections import override_all
from store.database import open_store, read_scope, session_scope
from store.direct import direct_weight, frozen, set_direct_weight
from store.graphs import load_graph, save_graph
from store.queue import next_question, submit_answer
from store.raters import get_rater
from store.roles import vouch
from tests.store.factories import NOW, later

POOL = 40  # texts of which premises are made, so that many are shared
PARTS = 4  # kinds of texts that are never mixed, so that not all hang together


class Inventive:
    """Proposes and believes anything at all, but of one prompt always the same."""

    name = "inventive"
    is_general = False

    def check_question(self, question: str) -> None:
        pass

    def complete(self, prompts: Sequence[str], schema: dict[str, object], **options: Any) -> list[Reply]:
        return [Reply(arguments_json(list(_proposed(prompt))), 1, 1) for prompt in prompts]

    def log_probs(self, prompts: Sequence[str], continuations: Sequence[str]) -> Scores:
        rows = [np.random.default_rng(crc32(one.encode())).dirichlet([1.0] * 4) for one in prompts]
        return Scores(np.log(np.array(rows).reshape(-1, 4)), (1,) * len(prompts))


def _proposed(prompt: str) -> Iterator[ProposedArgument]:
    rng = np.random.default_rng(crc32(prompt.encode()))
    part = next(part for part in range(PARTS) if f"of part {part}" in prompt)
    for _ in range(int(rng.integers(0, 5))):
        texts = [
            f"Thing {one} of part {part} is so." for one in rng.choice(POOL, int(rng.integers(1, 3)), replace=False)
        ]
        premises = tuple(ProposedPremise(text, bool(rng.random() < 0.8)) for text in texts)
        yield ProposedArgument("support" if rng.random() < 0.6 else "attack", float(rng.uniform(0.2, 0.9)), premises)


def loaded(engine: Engine, root_keys: Collection[str] | None, set_aside: Collection[str]) -> Frontier:
    """The frontier by the definition, from the store as it stands."""
    with read_scope(engine) as session:
        keys = [key for _, key in claims.root_keys(session)] if root_keys is None else root_keys
        graph = load_graph(session, keys)
        closed = claims.closed_claims(session) | graph.evidence.keys() | set(set_aside)
        weight = direct_weight(session)
        gaps = {key: disagreement(one.belief, one.marginal) for key, one in frozen(session).items()} if weight else {}
        variances = {
            key: belief_variance(one.mean, one.pseudo_count, len(graph.arguments_for(key)))
            + weight * gaps.get(key, 0.0)
            for key, one in claims.latest_beliefs(session).items()
            if key in graph.index and key not in closed
        }
        return Frontier(Propagator(only_askable=True)(graph), variances, claims.expansion_counts(session))


def add_roots(engine: Engine, numbers: Sequence[int]) -> None:
    with session_scope(engine) as session:
        for number in numbers:
            claim = claims.add_claim(session, f"Root {number} of part {number % PARTS}.", 0.5, NOW)
            claims.record_belief(session, claim, "inventive", "direct", 0.3 + number % 5 / 10, 2.0, NOW)
            claims.add_root(session, f"Root {number}?", claim, NOW, 1.0 + number % 3)


def new_store(folder: Path, name: str = "store.db") -> Engine:
    engine = open_store(str(folder / name))
    add_roots(engine, range(6))
    return engine


class Compared:
    """An explorer whose every choice is held against what the store says when it is loaded whole."""

    def __init__(self, engine: Engine, root_keys: Collection[str] | None = None) -> None:
        self.root_keys = root_keys
        self.now = NOW
        self.explorer = Explorer(engine, Elicitor(Inventive()), self.tick, self.choose)
        self.choices = 0

    def tick(self) -> Any:
        self.now += timedelta(seconds=1)
        return self.now

    def choose(self, frontier: Frontier, at_most: int) -> list[str]:
        right = loaded(self.explorer.engine, self.root_keys, self.explorer.set_aside)
        ids = [claim.id for claim in frontier.claims]
        assert ids == [claim.id for claim in right.claims]
        assert dict(frontier.variances) == dict(right.variances)
        np.testing.assert_allclose(frontier.gains, right.gains, rtol=1e-9, atol=1e-15)
        assert sorted(frontier.bare_roots()) == sorted(right.bare_roots())
        held = ids[self.choices % 3 :: 4]  # others may be at work anywhere
        np.testing.assert_allclose(frontier.beside(held).gains, right.beside(held).gains, rtol=1e-9, atol=1e-15)
        assert dict(frontier.beside(held).visits) == dict(right.beside(held).visits)
        chosen = choose_expansions(frontier, at_most)
        assert chosen == choose_expansions(right, at_most)
        self.choices += len(chosen)
        return chosen

    @property
    def picture(self) -> Picture:
        """What the explorer has in mind."""
        return self.explorer._pictures[None if self.root_keys is None else frozenset(self.root_keys)]

    def step(self, at_most: int) -> list[Any]:
        return self.explorer.step(self.root_keys, at_most)


def some_keys(engine: Engine, rng: np.random.Generator, count: int) -> list[str]:
    with read_scope(engine) as session:
        keys = list(claims.claim_ids(session))
    return [keys[one] for one in rng.integers(0, len(keys), count)]


def answer(engine: Engine, rng: np.random.Generator) -> None:
    """Somebody says something of two claims, or takes it back."""
    told = {
        key: float(rng.choice([0.02, 0.4, 0.9])) if rng.random() < 0.8 else None for key in some_keys(engine, rng, 2)
    }
    with session_scope(engine) as session:
        rater = get_rater(session, "Rev", NOW)
        rater.role = "reviewer"
        override_all(session, told, rater, later(int(rng.integers(100))))


def move_a_prior(engine: Engine, rng: np.random.Generator) -> None:
    (key,) = some_keys(engine, rng, 1)
    with session_scope(engine) as session:
        claims.set_prior(session, claims.get_claim(session, key), float(rng.random()))


def move_many_priors(engine: Engine, rng: np.random.Generator) -> None:
    with session_scope(engine) as session:
        claims.set_priors(session, {1: float(rng.random()), 2: 0.5})


def close(engine: Engine, rng: np.random.Generator) -> None:
    (key,) = some_keys(engine, rng, 1)
    with session_scope(engine) as session:
        claims.close_claim(session, claims.get_claim(session, key), NOW)


def believe(engine: Engine, rng: np.random.Generator) -> None:
    """Another belief in a claim; now and then one from before, which does not count."""
    (key,) = some_keys(engine, rng, 1)
    with session_scope(engine) as session:
        claim = claims.get_claim(session, key)
        held_at = later(1e6 if rng.random() < 0.6 else -1e6)
        claims.record_belief(session, claim, "other", "direct", float(rng.random()), 3.0, held_at)


def weigh(engine: Engine, rng: np.random.Generator) -> None:
    with session_scope(engine) as session:
        set_direct_weight(session, float(rng.choice([0.3, 0.8])), 60, NOW)


def merge_and_undo(engine: Engine, rng: np.random.Generator) -> None:
    (key,) = some_keys(engine, rng, 1)
    with session_scope(engine) as session:
        text = f"Wording {rng.integers(1000)} of part 0."
        alias = add_alias(session, claims.get_claim(session, key), text, "m", 0.9, 0.9, NOW)
        assert alias is not None
        undo_merge(session, claims.known(alias.id), NOW)


def reroot(engine: Engine, rng: np.random.Generator) -> None:
    """A new root, or one of a claim that is there."""
    if rng.random() < 0.5:
        add_roots(engine, [int(rng.integers(100, 200))])
        return
    (key,) = some_keys(engine, rng, 1)
    with session_scope(engine) as session:
        claim = claims.get_claim(session, key)
        claims.add_root(session, f"And {key}?", claim, NOW)


def orphan(engine: Engine, rng: np.random.Generator) -> None:
    """A claim of the models' that lies under no root yet, with an argument about it."""
    part = int(rng.integers(PARTS))
    texts = [f"Thing {int(one)} of part {part} is so." for one in rng.choice(POOL, 2, replace=False)]
    with session_scope(engine) as session:
        one, other = (claims.add_claim(session, text, 0.5, NOW) for text in texts)
        claims.add_argument(session, one, "support", 0.5, [(other, True)], "other", NOW)


EVENTS: list[Callable[[Engine, np.random.Generator], None]] = [
    answer, answer, answer, move_a_prior, move_many_priors, close, believe, weigh, merge_and_undo, reroot, orphan,
]  # fmt: skip


@pytest.mark.parametrize(("seed", "at_most", "is_given"), [(0, 1, False), (1, 16, False), (2, 3, True), (3, 16, True)])
def test_choices_are_those_of_the_whole_store(tmp_path: Path, seed: int, at_most: int, is_given: bool) -> None:
    engine, rng = new_store(tmp_path), np.random.default_rng(seed)
    with read_scope(engine) as session:
        keys = [key for _, key in claims.root_keys(session)][1:4] if is_given else None
    one, other = Compared(engine, keys), Compared(engine)
    for _ in range(14):
        one.step(at_most)
        for event in rng.choice(len(EVENTS), int(rng.integers(0, 3))):
            EVENTS[event](engine, rng)
        if rng.random() < 0.4:
            other.step(4)
    assert one.choices > 10 and other.choices > 4


def rows(engine: Engine) -> list[list[dict[str, Any]]]:
    kept = (tables.Claim, tables.Argument, tables.Premise, tables.Belief, tables.Root, tables.Revision)
    with read_scope(engine) as session:
        return [[row.model_dump() for row in session.exec(select(table))] for table in kept]


def test_rows_are_those_of_an_explorer_that_loads_everything(tmp_path: Path) -> None:
    found = []
    for name in ("carried", "loaded"):
        engine, rng = new_store(tmp_path, name), np.random.default_rng(5)
        compared = Compared(engine)
        for step in range(8):
            if name == "loaded":
                compared.explorer._pictures.clear()
            compared.step(4)
            if step % 2:
                answer(engine, rng)
        found.append(rows(engine))
    assert found[0] == found[1]


def test_only_what_is_new_is_read(tmp_path: Path) -> None:
    engine, rng = new_store(tmp_path), np.random.default_rng(7)
    compared, other = Compared(engine), Compared(engine)
    compared.step(2)
    other.step(2)  # it learns from the answers so far, of which there are none
    picture = compared.picture
    for event in (answer, move_a_prior, close, believe):
        event(engine, rng)
        compared.step(2)
    other.step(2)
    compared.step(2)
    add_roots(engine, [50])
    compared.step(2)
    assert compared.picture is picture
    move_many_priors(engine, rng)
    compared.step(2)
    assert compared.picture is not picture


def test_two_sets_of_roots_are_kept_in_mind(tmp_path: Path) -> None:
    explorer = Compared(new_store(tmp_path)).explorer
    with read_scope(explorer.engine) as session:
        some = [key for _, key in claims.root_keys(session)][:2]
        kept = [explorer._look(session, keys) for keys in (some, None)]
        assert [explorer._look(session, keys) for keys in (some, None)] == kept
        explorer._look(session, some[:1])
        assert explorer._look(session, None) is kept[1] and explorer._look(session, some) is not kept[0]


def test_quantities_are_loaded_anew_when_something_is_said(tmp_path: Path) -> None:
    engine, rng = new_store(tmp_path), np.random.default_rng(8)
    compared = Compared(engine)
    compared.step(2)
    picture = compared.picture
    with session_scope(engine) as session:
        light = GraphClaim("light", "Thing 99 of part 1 is so.", 0.0, about=Threshold("q", "<", 1.0))
        quantity = Quantity("q", "How much?", "", Normal(0.0, 1.0))
        save_graph(session, ArgumentGraph((light,), roots=(Root("light"),), quantities=(quantity,)), NOW)
    compared.step(2)
    assert compared.picture is not picture
    answer(engine, rng)
    compared.step(2)


def test_raters_are_believed_anew(tmp_path: Path) -> None:
    engine = new_store(tmp_path)
    compared = Compared(engine)
    compared.step(2)
    compared.explorer.rank()
    with session_scope(engine) as session:
        rater = get_rater(session, "Ann", NOW)
        question = next_question(session, rater, NOW)
        assert question is not None
        submit_answer(session, question.token, rater, "yes", None, later(5))
    compared.step(2)
    before = dict(compared.picture.graph.evidence)
    with session_scope(engine) as session:
        vouch(session, get_rater(session, "Ann", NOW), False, None)
    compared.step(2)
    assert compared.picture.graph.evidence.keys() == before.keys()
    assert compared.picture.graph.evidence != before


def test_other_ways_to_choose_see_the_whole_graph(tmp_path: Path) -> None:
    engine = new_store(tmp_path)
    Compared(engine).step(4)
    right = loaded(engine, None, ())
    with read_scope(engine) as session:
        frontier = Picture(session).frontier((), lambda: right.visits)
    assert breadth_first(frontier, 5) == breadth_first(right, 5)
    assert frontier.among(frontier.gains > np.median(frontier.gains)).variances.keys() < frontier.variances.keys()
