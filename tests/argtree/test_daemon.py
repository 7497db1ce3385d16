"""The explorer on a real store, with a model that answers from the world's own rules."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from sqlalchemy import Engine

from argtree import propagate
from argtree.daemon import Follower, run
from argtree.explorer import Explorer, utc_now
from argtree.search import Frontier
from models.base import Reply, Scores
from models.elicitation import Elicitor
from models.errors import BadReplyError, ModelNotFoundError, ModelUnavailableError, NoWeightsError
from models.everyday.benchmark import read_benchmark
from models.everyday.world import Statement, load_world
from models.generations import Registry
from models.prompts import PROPOSE
from store.claims import closed_claims, find_claim, latest_beliefs, list_roots
from store.database import open_store, read_scope, session_scope
from store.graphs import load_graph
from store.posed import Posed, list_posed, next_posed, pose
from store.queue import next_question, open_questions, submit_answer
from store.raters import get_rater
from tests.stores import new_store
from tests.world_model import WorldModel

QUESTION = "Would a candle survive a drop from a roof?"


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return new_store(tmp_path / "store.db")


def explorer_on(engine: Engine) -> Explorer:
    return Explorer(engine, Elicitor(WorldModel()))


def explore_all(explorer: Explorer) -> None:
    while explorer.step():
        pass


def test_exploring_finds_the_worlds_own_reasons(engine: Engine) -> None:
    explorer = explorer_on(engine)
    root = explorer.add_question(QUESTION)
    explore_all(explorer)
    world = load_world()
    with read_scope(engine) as session:
        graph = load_graph(session)
    texts = {claim.id: claim.text for claim in graph.claims}
    found = {
        (a.polarity, a.strength, tuple((texts[p.claim], p.holds) for p in a.premises))
        for a in graph.arguments_for(root)
    }
    own = world.arguments(Statement("roof", ("a candle",)))
    assert found == {(a.polarity, a.strength, tuple((world.text(p), holds) for p, holds in ps)) for a, ps in own}
    assert len(graph.claims) == len(set(texts.values())) >= 20


def test_what_is_expanded_next_is_any_functions_choice_on_the_graph_so_far(engine: Engine) -> None:
    seen: list[Frontier] = []

    def most_visited(frontier: Frontier, at_most: int) -> list[str]:
        seen.append(frontier)
        return sorted(frontier.variances, key=lambda claim: frontier.visits.get(claim, 0))[-1:]

    explorer = Explorer(engine, Elicitor(WorldModel()), choose_fn=most_visited)
    root = explorer.add_question(QUESTION)
    assert [explorer.step()[0].claim for _ in range(2)] == [root, root]
    assert [dict(frontier.visits) for frontier in seen] == [{}, {root: 1}]


def test_what_tells_less_for_its_tokens_than_the_best_question_waits_for_that_to_be_answered(engine: Engine) -> None:
    explorer = Explorer(engine, Elicitor(WorldModel()), token_price=1e6)
    explorer.add_question(QUESTION)
    assert explorer.step()  # a root's first is worth it whatever is open
    assert explorer.elicitor.tokens > 0
    explorer.rank()
    assert explorer.step() == []
    explorer.token_price = 0.1
    assert explorer.step()
    explorer.token_price = 1e6
    while answer_best(engine):
        explorer.rank()
    assert explorer.step()


def answer_best(engine: Engine) -> bool:
    """Says yes to the best question; False where none is open."""
    with session_scope(engine) as session:
        now = utc_now()
        rater = get_rater(session, "ada", now)
        leased = next_question(session, rater, now)
        if leased is not None:
            submit_answer(session, leased.token, rater, "yes", None, now, "")
        return leased is not None


def test_argued_claim_takes_its_residual_prior_and_a_plain_one_its_belief(engine: Engine) -> None:
    explorer = explorer_on(engine)
    root = explorer.add_question(QUESTION)
    explore_all(explorer)
    with read_scope(engine) as session:
        graph, beliefs = load_graph(session), latest_beliefs(session)
    priors = {claim.id: claim.prior for claim in graph.claims}
    assert priors[root] == pytest.approx(load_world().families["roof"].prior)
    plain = next(claim.id for claim in graph.claims if not graph.arguments_for(claim.id))
    assert priors[plain] == beliefs[plain].mean


def test_same_question_again_is_the_same_root(engine: Engine) -> None:
    explorer = explorer_on(engine)
    assert explorer.add_question(QUESTION) == explorer.add_question("  Would a candle survive  a drop from a roof?")
    calls = explorer.elicitor.calls
    assert explorer.add_question(QUESTION) and explorer.elicitor.calls == calls
    with read_scope(engine) as session:
        assert len(list_roots(session)) == 1


def test_stopped_between_steps_it_goes_on_to_the_same_tree(engine: Engine, tmp_path: Path) -> None:
    whole = explorer_on(open_store(f"sqlite:///{tmp_path / 'whole.db'}"))
    whole.add_question(QUESTION)
    explore_all(whole)
    for _ in range(3):
        explorer = explorer_on(engine)
        assert explorer.add_question(QUESTION) and explorer.step()
    explore_all(explorer_on(engine))
    with read_scope(whole.engine) as one, read_scope(engine) as other:
        assert load_graph(one) == load_graph(other)


class Garbled(WorldModel):
    """Cuts off every reply about one claim."""

    def complete(self, prompts: Sequence[str], *args: Any, **options: Any) -> list[Reply]:
        replies = super().complete(prompts, *args, **options)
        about_it = ["falls off a table" in prompt.split("Listed")[0] for prompt in prompts]
        return [replace(said, text=said.text[:-9]) if it else said for said, it in zip(replies, about_it, strict=True)]


def test_claim_that_got_a_broken_reply_is_set_aside_and_stays_open(engine: Engine) -> None:
    explorer = Explorer(engine, Elicitor(Garbled()))
    explorer.add_question(QUESTION)
    explore_all(explorer)
    with read_scope(engine) as session:
        broken = find_claim(session, "A candle breaks when it falls off a table.")
    assert explorer.elicitor.dropped == 1
    assert broken is not None and broken.key not in all_closed(engine)
    explore_all(explorer_on(engine))
    assert broken.key in all_closed(engine)


def in_words(engine: Engine) -> set[tuple[Any, ...]]:
    """All arguments by their texts."""
    with read_scope(engine) as session:
        graph = load_graph(session)
    texts = {claim.id: claim.text for claim in graph.claims}
    return {
        (texts[a.conclusion], a.polarity, a.strength, frozenset((texts[p.claim], p.holds) for p in a.premises))
        for a in graph.arguments
    }


def test_claims_of_different_roots_are_expanded_together_to_the_same_graph(engine: Engine, tmp_path: Path) -> None:
    posed = [one.question for one in read_benchmark() if one.part == "explore"][:4]
    alone, together = explorer_on(open_store(f"sqlite:///{tmp_path / 'alone.db'}")), explorer_on(engine)
    for question in posed:
        alone.add_question(question)
    assert together.add_questions(posed) == [] == together.add_questions(posed[:1])
    assert together.elicitor.calls == alone.elicitor.calls == 3 * len(posed)
    explore_all(alone)
    numbers = []
    while expanded := together.step(at_most=3):
        numbers.append(len(expanded))
    assert max(numbers) == 3 and in_words(engine) == in_words(alone.engine)
    assert together.elicitor.calls == alone.elicitor.calls and together.set_aside == alone.set_aside


def test_question_that_cannot_be_worded_leaves_the_others(engine: Engine) -> None:
    explorer = explorer_on(engine)
    assert explorer.add_questions([QUESTION, "Is Paris nice?", " "]) == ["Is Paris nice?", " "]
    with read_scope(engine) as session:
        assert [root.question for root in list_roots(session)] == [QUESTION]


class NoWordOf(WorldModel):
    """Fails in any batch with a prompt about one thing, as a server does that refuses a prompt."""

    def complete(self, prompts: Sequence[str], *args: Any, **options: Any) -> list[Reply]:
        if any("brick" in prompt for prompt in prompts if prompt.startswith(PROPOSE)):
            raise BadReplyError("No word of bricks.")
        return super().complete(prompts, *args, **options)


def test_claim_that_fails_in_a_batch_is_set_aside_alone(engine: Engine) -> None:
    explorer = Explorer(engine, Elicitor(NoWordOf()))
    brick = explorer.add_question("Would a brick survive a drop from a roof?")
    candle = explorer.add_question(QUESTION)
    assert [one.claim for one in explorer.step(at_most=2)] == [candle] and explorer.set_aside == {brick}


class Moody(WorldModel):
    """Can't be reached while it is down."""

    def __init__(self) -> None:
        super().__init__()
        self.is_down = False
        self.tries = 0  # while it was down

    def _answer(self) -> None:
        if self.is_down:
            self.tries += 1
            raise ModelUnavailableError("http://127.0.0.1:9/v1 can't be reached: start it.")

    def complete(self, *args: Any, **options: Any) -> list[Reply]:
        self._answer()
        return super().complete(*args, **options)

    def log_probs(self, *args: Any) -> Scores:
        self._answer()
        return super().log_probs(*args)


def test_model_that_cannot_be_reached_is_asked_once_and_no_claim_is_set_aside(engine: Engine) -> None:
    model = Moody()
    explorer = Explorer(engine, Elicitor(model))
    explorer.add_questions([one.question for one in read_benchmark() if one.part == "explore"][:4])
    model.is_down = True
    with pytest.raises(ModelUnavailableError):
        explorer.step(at_most=4)
    assert model.tries == 1 and not explorer.set_aside


def test_daemon_ranks_while_the_model_is_down_and_goes_on_when_it_is_back(engine: Engine) -> None:
    model, stop = Moody(), Event()
    explorer = Explorer(engine, Elicitor(model))
    root = explorer.add_question(QUESTION)
    thread = Thread(target=run, args=(explorer, stop, 0.01))
    thread.start()
    try:
        wait_for(lambda: root in all_closed(engine) and bool(queued(engine)))
        model.is_down = True
        with session_scope(engine) as session:
            pose(session, "Would honey be ruined by rain?", "Ada", utc_now())
        wait_for(lambda: model.tries > 0)
        before = queued(engine)
        answer_one(engine)
        wait_for(lambda: bool(queued(engine)) and queued(engine)[0] != before[0] and model.tries > 1)
        assert [one.stage for one in posed(engine)] == ["waiting"]
        model.is_down = False
        wait_for(lambda: [one.stage for one in posed(engine)] == ["explored"])
    finally:
        stop.set()
        thread.join(timeout=30)


def test_daemon_fills_the_queue_and_ranks_again_after_an_answer(engine: Engine) -> None:
    explorer, stop = explorer_on(engine), Event()
    root = explorer.add_question(QUESTION)
    thread = Thread(target=run, args=(explorer, stop, 0.01))
    thread.start()
    try:
        wait_for(lambda: root in all_closed(engine) and bool(queued(engine)))
        before = queued(engine)
        with session_scope(engine) as session:
            rater = get_rater(session, "ada", utc_now())
            leased = next_question(session, rater, utc_now())
            assert leased is not None and leased.text == before[0][0]
            submit_answer(session, leased.token, rater, "yes", None, utc_now())
        wait_for(lambda: bool(queued(engine)) and queued(engine)[0] != before[0])
        answered = queued(engine)
    finally:
        stop.set()
        thread.join(timeout=30)
    assert not thread.is_alive()
    assert leased.text not in [text for text, _ in answered]
    with read_scope(engine) as session:
        graph = load_graph(session)
    result = propagate(graph)
    values = {claim.text: result.value()[graph.index[claim.id]] for claim in graph.claims}
    assert all(value == pytest.approx(values[text]) for text, value in answered)


def queued(engine: Engine) -> list[tuple[str, float]]:
    with read_scope(engine) as session:
        return [(question.text, question.value) for question in open_questions(session, utc_now())]


def all_closed(engine: Engine) -> frozenset[str]:
    with read_scope(engine) as session:
        return closed_claims(session)


def wait_for(condition: Callable[[], bool], seconds: float = 60) -> None:
    pause = Event()
    for _ in range(int(seconds / 0.05)):
        if condition():
            return
        pause.wait(0.05)
    raise AssertionError("did not come about in time")


def generation(number: int, sure: float) -> Elicitor:
    model = WorldModel(sure)
    model.name = f"generation:{number}"
    return Elicitor(model)


def answer_one(engine: Engine) -> str:
    with session_scope(engine) as session:
        rater = get_rater(session, "ada", utc_now())
        leased = next_question(session, rater, utc_now())
        assert leased is not None and leased.claim is not None
        submit_answer(session, leased.token, rater, "yes", None, utc_now())
    return leased.claim


def test_beliefs_of_an_older_generation_are_asked_anew_but_for_answered_claims(engine: Engine) -> None:
    explorer = Explorer(engine, generation(0, 0.7))
    root = explorer.add_question(QUESTION)
    explore_all(explorer)
    explorer.rank()
    answered = answer_one(engine)
    explorer.follow(generation(1, 0.9))
    with read_scope(engine) as session:
        before = {claim.id: claim.prior for claim in load_graph(session).claims}
    renewed = explorer.renew_beliefs()
    with read_scope(engine) as session:
        graph, direct, residual = load_graph(session), latest_beliefs(session), latest_beliefs(session, "residual")
    assert {key for key, belief in direct.items() if belief.generation == "generation:0"} == {answered}
    assert {belief.generation for belief in residual.values()} == {"generation:1"}
    assert renewed == len(direct) - 1 + len(residual) and explorer.renew_beliefs() == 0
    priors = {claim.id: claim.prior for claim in graph.claims}
    assert priors[answered] == before[answered] and priors[root] == residual[root].mean
    plain = [key for key in direct if not graph.arguments_for(key) and key != answered]
    assert all(priors[key] == direct[key].mean != before[key] for key in plain)


class TonguelessAbout(WorldModel):
    """Has no log-probabilities about one claim."""

    def log_probs(self, prompts: Sequence[str], continuations: Sequence[str]) -> Scores:
        found = super().log_probs(prompts, continuations)
        found.log_probs[["falls off a table" in prompt for prompt in prompts]] = float("nan")
        return found


def test_belief_that_the_new_model_cannot_give_stays(engine: Engine) -> None:
    explorer = explorer_on(engine)
    explorer.add_question(QUESTION)
    explore_all(explorer)
    model = TonguelessAbout()
    model.name = "generation:1"
    explorer.follow(Elicitor(model))
    explorer.renew_beliefs()
    with read_scope(engine) as session:
        texts = {claim.id: claim.text for claim in load_graph(session).claims}
        older = [texts[key] for key, belief in latest_beliefs(session).items() if belief.generation == "world"]
    assert older == ["A candle breaks when it falls off a table."]


def test_daemon_follows_a_promotion_and_no_rejection(engine: Engine, tmp_path: Path) -> None:
    registry = Registry(tmp_path / "generations")
    registry.start("bundled")
    loaded: list[str] = []

    def load(spec: str) -> Elicitor:
        loaded.append(spec)
        return generation(int(spec.removeprefix("generation:")), 0.8)

    explorer, stop = Explorer(engine, generation(0, 0.7)), Event()
    explorer.add_question(QUESTION)
    thread = Thread(target=run, args=(explorer, stop, 0.01, Follower(registry, load)))
    thread.start()
    try:
        for _ in range(2):
            registry.add(0, lambda folder: None, method="full")
        registry.reject(1, "It is worse.")
        wait_for(lambda: bool(all_closed(engine)))
        assert not loaded
        registry.promote(2)
        wait_for(lambda: explorer.elicitor.model.name == "generation:2")
        wait_for(lambda: holders(engine) == {"generation:2"})
    finally:
        stop.set()
        thread.join(timeout=30)
    assert loaded == ["generation:2"]


def test_generation_that_cannot_be_loaded_is_not_followed(tmp_path: Path) -> None:
    registry = Registry(tmp_path / "generations")
    registry.start("bundled")
    registry.promote(registry.add(0, lambda folder: None, method="full").number)
    tried: list[str] = []

    def load(spec: str) -> Elicitor:
        tried.append(spec)
        raise NoWeightsError("There are no weights.")

    follower = Follower(registry, load)
    assert follower("generation:0") is None and follower("generation:0") is None and len(tried) == 1
    registry.roll_back(0)
    assert follower("generation:0") is None


def posed(engine: Engine) -> list[Posed]:
    with read_scope(engine) as session:
        return list_posed(session)


def holders(engine: Engine) -> set[str]:
    with read_scope(engine) as session:
        return {belief.generation for belief in latest_beliefs(session).values()}


def test_posed_questions_become_roots_or_are_refused(engine: Engine) -> None:
    explorer = explorer_on(engine)
    with session_scope(engine) as session:
        for text in (QUESTION, "Would a glorp survive?", f"{QUESTION} "):
            pose(session, text, "Ada", utc_now())
    assert explorer.take_posed() == 2 and explorer.take_posed() == 0
    with read_scope(engine) as session:
        refused, explored = list_posed(session)
        assert explored.root == explorer.add_question(QUESTION) and refused.stage == "refused" and refused.refusal


class Broken(WorldModel):
    """Can't be reached."""

    def complete(self, prompts: Sequence[str], *args: Any, **options: Any) -> list[Reply]:
        raise ModelNotFoundError("The model is gone.")


def test_a_model_that_cannot_be_used_leaves_posed_questions_waiting(engine: Engine) -> None:
    with session_scope(engine) as session:
        pose(session, QUESTION, "Ada", utc_now())
    with pytest.raises(ModelNotFoundError):
        Explorer(engine, Elicitor(Broken())).take_posed()
    with read_scope(engine) as session:
        assert next_posed(session) is not None


def test_the_daemon_takes_on_what_is_posed_while_it_sleeps(engine: Engine) -> None:
    stop = Event()
    thread = Thread(target=run, args=(explorer_on(engine), stop, 0.02))
    thread.start()
    try:
        with session_scope(engine) as session:
            pose(session, QUESTION, "Ada", utc_now())
        wait_for(lambda: [one.stage for one in posed(engine)] == ["explored"])
    finally:
        stop.set()
        thread.join()
