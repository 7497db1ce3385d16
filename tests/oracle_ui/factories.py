"""A small graph for raters, and one of texts that try to be more than text."""

import pickle
import random
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlmodel import Session, select

from argtree.graph import Argument, ArgumentGraph, Claim, Premise, Root
from argtree.propagate import propagate
from argtree.quantity_value import quantity_worths
from store.database import open_store, session_scope
from store.graphs import save_graph
from store.queue import AnswerKind, next_question, submit_answer
from store.ranking import rerank
from store.raters import get_rater
from store.sittings import begin
from store.tables import Question
from store.tables import Root as RootRow
from tests.stores import new_store

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
QUESTIONS = {"r": "Would nails beat jelly?", "g": "Can a key scratch glass?"}
LEAVES = ("Nails are hard.", "Nails are sharp.", "Jelly is tough.")


def small_graph() -> ArgumentGraph:
    """Two roots: r = s or not t (strengths .8, .5), s = h and p (.9); g rests on p alone (.5) and counts a tenth."""
    return ArgumentGraph(
        claims=(
            Claim("r", "Nails beat jelly.", 0.1),
            Claim("s", "Nails cut jelly.", 0.0),
            Claim("h", LEAVES[0], 0.5),
            Claim("p", LEAVES[1], 0.5),
            Claim("t", LEAVES[2], 0.25),
            Claim("g", "A key can scratch glass.", 0.2),
        ),
        arguments=(
            Argument("a1", "r", "support", 0.8, (Premise("s"),)),
            Argument("a2", "s", "support", 0.9, (Premise("h"), Premise("p"))),
            Argument("a3", "r", "attack", 0.5, (Premise("t", holds=False),)),
            Argument("a4", "g", "support", 0.5, (Premise("p"),)),
        ),
        roots=(Root("r"), Root("g", 0.1)),
    )


def hostile_graph(text: str) -> ArgumentGraph:
    """One hostile text everywhere a text can stand: root, conclusion, the one asked claim, another premise."""
    texts = (f"{text} R", f"{text} S", f"{text} C", f"{text} D")
    r, s, c, d = (Claim(name, text, 0.4, name == "c") for name, text in zip("rscd", texts, strict=True))
    arguments = (
        Argument("a", "s", "support", 0.9, (Premise("c"), Premise("d", holds=False))),
        Argument("b", "r", "attack", 0.9, (Premise("s"),)),
    )
    return ArgumentGraph((r, s, c, d), arguments, (Root("r"),))


def fill(url: str, graph: ArgumentGraph, questions: dict[str, str] | None = None) -> None:
    """Makes a store that holds the graph, ranked, or adds it to one; roots get the questions of their keys."""
    path = Path(url.removeprefix("sqlite:///"))
    if not path.exists():
        path.write_bytes(_filled(pickle.dumps(graph), tuple((questions or {}).items())))
        return
    engine = open_store(url)
    with session_scope(engine) as session:
        _fill(session, graph, questions or {})
    engine.dispose()


@lru_cache(maxsize=16)
def _filled(graph: bytes, questions: tuple[tuple[str, str], ...]) -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "store.db"
        engine = new_store(path)
        with session_scope(engine) as session:
            _fill(session, pickle.loads(graph), dict(questions))
        engine.dispose()
        return path.read_bytes()


def _fill(session: Session, graph: ArgumentGraph, questions: dict[str, str]) -> None:
    save_graph(session, graph, NOW)
    for number, root in enumerate(graph.roots, 1):
        row = session.get(RootRow, number)
        assert row is not None
        row.question = questions.get(root.claim, row.question)
    session.commit()
    rerank(session, propagate, NOW, quantity_worths)


def sit_down(url: str, name: str, role: str = "rater") -> str:
    """Returns the token of a sitting of this rater, who is made if need be, without the form."""
    now, engine = datetime.now(UTC), open_store(url)
    with session_scope(engine) as session:
        rater = get_rater(session, name, now)
        rater.role = role
        token = begin(session, rater, now)
    engine.dispose()
    return token


def fill_with_much(url: str) -> None:
    """Fills an empty store with 40 roots on 320 claims, "r" and "p" among them; three raters answer 150 times."""
    rng = random.Random(4)
    things = "nail jelly glass key candle rope brick wheel ladder kettle".split()
    texts = [f"{' '.join(rng.choices(things, k=rng.randint(1, 14)))} of number {n}".capitalize() for n in range(280)]
    leaves = [Claim("p" if n == 0 else f"p{n}", f"{text}.", rng.uniform(0.2, 0.8)) for n, text in enumerate(texts)]
    roots = [Claim("r" if n == 0 else f"r{n}", f"Number {n} holds.", 0.2) for n in range(40)]
    arguments = [
        Argument(f"a{n}", root.id, rng.choice(("support", "attack")), rng.uniform(0.3, 0.9),
                 tuple(Premise(leaf.id, rng.random() < 0.8) for leaf in leaves[n::120]))
        for n, root in enumerate(roots * 3)
    ]  # fmt: skip
    questions = {root.id: f"Does number {n} hold, {texts[n]}?" for n, root in enumerate(roots)}
    fill(url, ArgumentGraph((*roots, *leaves), tuple(arguments), tuple(Root(one.id) for one in roots)), questions)
    engine = open_store(url)
    with session_scope(engine) as session:
        for question in session.exec(select(Question)):
            question.wanted = 2
        for number in range(150):
            rater, at = (
                get_rater(session, ("Ben", "Cleo", "Dan")[number % 3], NOW),
                NOW + timedelta(minutes=20 * number),
            )
            leased = next_question(session, rater, at)
            assert leased is not None
            kind: AnswerKind = rng.choice(("yes", "no", "cannot_say"))
            submit_answer(
                session, leased.token, rater, kind, None, at + timedelta(seconds=rng.randint(5, 90)), "A note."
            )
    engine.dispose()
