"""A store with every kind of thing to export, and what it takes to export it."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from sqlmodel import Session, select

from argtree.graph import Argument, ArgumentGraph, Claim, Premise, Root
from argtree.propagate import propagate
from store.export import ExportSummary, Options, export_dataset
from store.export_rows import Prompts, Reason
from store.graphs import save_graph
from store.raters import get_rater
from store.tables import Answer, Question
from store.tables import Claim as ClaimRow
from tests.store.factories import NOW


def _listed(reasons: Sequence[Reason]) -> str:
    return json.dumps([[one.polarity, [list(premise) for premise in one.premises]] for one in reasons])


PROMPTS = Prompts(
    is_true=lambda text: f"Is it true? {text}",
    is_false=lambda text: f"Is it false? {text}",
    propose=lambda text, known, n: f"Give {n} beside {_listed(known)}: {text}",
    arguments=_listed,
    reason=lambda text: f"Reason: {text}",
    step=lambda text, holds: f"{holds}: {text}",
    verdict=lambda is_yes: f"So {is_yes}.",
    arguments_asked=2,
)


def fight_graph() -> ArgumentGraph:
    """A root over an argued claim and premises: see `said`, which settles all of its arguments one way or the other."""
    texts = {
        "r": "Nails beat jelly.",
        "s": "Nails scratch jelly.",
        "h": "Nails are hard.",
        "t": "Jelly is tough.",
        "w": "Jelly is wet.",
        "n": "Nails rust at once.",
        "u": "Nobody knows about jelly.",
    }
    arguments = (
        Argument("a1", "r", "support", 0.98, (Premise("s"), Premise("t", holds=False))),
        Argument("a2", "s", "support", 0.99, (Premise("h"),)),
        Argument("a3", "r", "support", 0.5, (Premise("t"),)),
        Argument("a4", "r", "attack", 0.1, (Premise("w"), Premise("n"))),
        Argument("a5", "s", "support", 0.5, (Premise("u"),)),
    )
    return ArgumentGraph(tuple(Claim(key, text, 0.4) for key, text in texts.items()), arguments, (Root("r"),))


SAID = {"h": 1.0, "t": 0.0, "w": 1.0, "n": 0.0}


def answer(session: Session, said: dict[str, float], rater: str = "Ada") -> None:
    """Stores an answer about each claim, by its key, as the queue would."""
    who = get_rater(session, rater, NOW)
    for key, prob in said.items():
        claim = session.exec(select(ClaimRow).where(ClaimRow.key == key)).one()
        question = session.exec(select(Question).where(Question.claim_id == claim.id)).first()
        if question is None:
            question = Question(claim_id=claim.id, value=1, prob=0.5, opened_at=NOW, ranked_at=NOW)
            session.add(question)
            session.flush()
        kind = {1.0: "yes", 0.0: "no"}.get(prob, "probability")
        token = f"{key}-{rater}"
        session.add(
            Answer(
                question_id=question.id, claim_id=claim.id, rater_id=who.id, kind=kind, prob=prob, note="| <b>\n---",
                answered_at=NOW, value_when_asked=1.0, token=token, generation="tiny",
            )
        )  # fmt: skip
    session.commit()


def filled(session: Session) -> Session:
    """The store of `fight_graph`, answered."""
    save_graph(session, fight_graph(), NOW)
    answer(session, SAID)
    return session


def export(session: Session, folder: Path, held_out: float = 0.0, **options: Any) -> ExportSummary:
    """Exports with the words above; everything trains unless told otherwise."""
    return export_dataset(session, folder, PROMPTS, propagate, Options(held_out=held_out, **options))


def rows(folder: Path, name: str, split: str | None = "train") -> list[dict[str, Any]]:
    """The rows of a configuration, or with no split of a side table."""
    path = folder / (f"{name}.parquet" if split is None else f"{name}/{split}.parquet")
    found: list[dict[str, Any]] = pq.read_table(path).to_pylist() if path.exists() else []
    return found


def said_in(row: dict[str, Any], column: str) -> str:
    """The content of a column's one message."""
    (message,) = row[column]
    content: str = message["content"]
    return content
