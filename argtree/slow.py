"""What a model answers after exploring: each question in a store of its own, at a fixed budget of model calls.

Closed book the store is empty; open book it holds the claims that people answered, with their labels as evidence.
Joins models, store and method, as `daemon.py` does.
"""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from sqlmodel import Session, select

from argtree.errors import ImpossibleEvidenceError, TooEntangledError
from argtree.explorer import Explorer, utc_now
from models.elicitation import Elicitor
from models.errors import ModelError
from store import claims
from store.answers import label_likelihoods
from store.database import open_store, session_scope
from store.tables import Claim, Evidence

Labels = Mapping[str, tuple[float, float]]  # claim's text to P(answers | false), P(answers | true)
UNSAID_PROB = (
    0.5  # of a question that the model can't word as a claim, or whose tree, with the labels, has no posterior
)


def slow_answers(
    elicitor: Elicitor,
    questions: Sequence[str],
    budget: int,
    labels: Labels | None = None,
    on_step: Callable[[int], None] | None = None,
) -> list[float]:
    """P(yes) of each question after a tree was grown under it; 0.5 where there is none: see UNSAID_PROB.

    Args:
        elicitor: Asks the model.
        questions: Each is explored by itself: what is found for one doesn't help another.
        budget: Model calls per question; an expansion once begun is finished.
        labels: Evidence (open book), from `labels_of`.
        on_step: Called with how many questions are done.
    """
    found = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        template = folder / "template.db"
        _make_template(template, elicitor, labels or {})
        for number, question in enumerate(questions, 1):
            found.append(_explored(elicitor, question, budget, template.read_bytes(), folder / f"{number}.db"))
            if on_step:
                on_step(number)
    return found


def labels_of(session: Session) -> dict[str, tuple[float, float]]:
    """What people together say of each claim of which they say something, by the claim's text."""
    likelihoods = label_likelihoods(session)
    rows = session.exec(select(Claim)).all()
    return {row.text: likelihoods[row.id] for row in rows if row.id is not None and row.id in likelihoods}


def _make_template(path: Path, elicitor: Elicitor, labels: Labels) -> None:
    """A store that holds the labelled claims, with this model's beliefs in them, and nothing else."""
    engine = open_store(str(path))
    texts = list(labels)
    now, generation = utc_now(), elicitor.model.name
    beliefs = elicitor.believe(texts)
    with session_scope(engine) as session:
        for text, belief in zip(texts, beliefs, strict=True):
            claim = claims.add_claim(session, text, belief.mean, now)
            claims.record_belief(
                session, claim, generation, "direct", belief.mean, belief.pseudo_count, now, belief.draws
            )
            if_false, if_true = labels[text]
            session.add(Evidence(claim_id=claims.known(claim.id), if_false=if_false, if_true=if_true))
    engine.dispose()  # the last connection to close writes the log back: the file alone is the whole store


def _explored(elicitor: Elicitor, question: str, budget: int, template: bytes, path: Path) -> float:
    path.write_bytes(template)
    engine = open_store(str(path))
    try:
        began = elicitor.calls
        explorer = Explorer(engine, elicitor)
        root = explorer.add_question(question)
        while elicitor.calls - began < budget and explorer.step([root]):
            pass
        return explorer.root_probs([root])[root]
    except (ModelError, TooEntangledError, ImpossibleEvidenceError):
        return UNSAID_PROB
    finally:
        engine.dispose()
        for file in path.parent.glob(f"{path.name}*"):
            file.unlink()
