"""A store in which every text that people or models write is one that tries to be more than text."""

from datetime import UTC, datetime, timedelta

from sqlmodel import Session

from argtree.distributions import Normal
from argtree.graph import Argument, ArgumentGraph, Claim, Premise, Quantity, Root, Threshold
from store import flags, invitations, posed, queue, roles
from store.claims import get_claim
from store.corrections import override
from store.raters import get_rater
from store.tables import Belief, Question
from tests import hostile
from tests.oracle_ui.browsing import in_store
from tests.oracle_ui.factories import NOW, fill

HUBS = 2  # claims in the middle, each under half of the roots and on half of the premises
_ARGUMENTS = 4  # for or against each of them


def hostile_roots() -> dict[str, str]:
    """Returns the question of each root, by its claim's key, which is hostile too."""
    return {f"{number} {text}": text for number, text in enumerate(hostile.ALL)}


def premises(hub: int, argument: int) -> list[str]:
    """Returns the texts on which an argument about a hub rests."""
    return [f"{text} P" for text in hostile.ALL[hub::HUBS][argument::_ARGUMENTS]]


def hostile_world() -> ArgumentGraph:
    """Roots on hubs, hubs on arguments of a dozen premises each, one of them decided by a number with a unit."""
    roots = [Claim(key, f"{text} R", 0.1) for key, text in hostile_roots().items()]
    hubs = [Claim(f"hub{hub}", f"{hostile.ALL[hub]} hub {hub}", 0.1) for hub in range(HUBS)]
    leaves, arguments = [], []
    for number, root in enumerate(roots):
        arguments.append(Argument(f"r{number}", root.id, "support", 0.5, (Premise(f"hub{number % HUBS}"),)))
    for hub in range(HUBS):
        for argument in range(_ARGUMENTS):
            texts = premises(hub, argument)
            leaves += [Claim(text, text, 0.6) for text in texts]
            polarity = "attack" if argument == 0 else "support"
            taken = tuple(Premise(text) for text in texts)
            arguments.append(Argument(f"{hub}{argument}{texts[0]}", f"hub{hub}", polarity, 0.9, taken))  # type: ignore[arg-type]
    text, unit = "\n".join(hostile.ALL), hostile.NAMES[5]
    measured = Quantity(f"q{text[:50]}", text, unit, Normal(1.0, 1.0))
    leaves.append(Claim("number", f"{hostile.ALL[2]} N", 0.0, about=Threshold(measured.id, "<", 1.0)))
    arguments.append(Argument("n", "hub0", "support", 0.9, (Premise("number"),)))
    claims = (*roots, *hubs, *leaves)
    return ArgumentGraph(claims, tuple(arguments), tuple(Root(one.id) for one in roots), quantities=(measured,))


def fill_with_hostile_texts(url: str) -> str:
    """Fills an empty store with texts in all places; returns the key of the claim that all raters answered."""
    fill(url, hostile_world(), hostile_roots())
    with in_store(url) as session:
        best = next(one for one in queue.open_questions(session, NOW, 200) if one.claim is not None)
        question = session.get_one(Question, best.question_id)
        question.value, question.wanted = 1e6, len(hostile.NAMES) + 2
        for text in hostile.ALL:
            belief = Belief(claim_id=question.claim_id or 0, generation=text, kind="direct", mean=0.5, pseudo_count=1,
                            held_at=NOW)  # fmt: skip
            session.add(belief)
        for number, text in enumerate(hostile.ALL):
            _pose(session, text, hostile.ALL[-number])
        for number, name in enumerate(hostile.NAMES):
            _answer_and_pause(session, name, hostile.ALL[number], hostile.LINKS[number], 0.45 + 0.1 * (number % 2))
        question.value = 0.0
        for number in (0, 1):
            _flag(session, f"{hostile.NAMES[number]} 2", "\n".join(hostile.ALL[number::2]))
        reviewer = get_rater(session, "Ada", NOW)
        reviewer.role = "reviewer"
        override(session, get_claim(session, premises(0, 1)[0]), 1.0, reviewer, NOW, "\n".join(hostile.ALL))
    return str(best.claim)


def _pose(session: Session, text: str, refusal: str) -> None:
    one = posed.pose(session, text, text, NOW)
    posed.settle_posed(session, one.id, NOW, refusal=refusal)


def _flag(session: Session, name: str, note: str) -> None:
    rater = get_rater(session, name, NOW)
    leased = queue.next_question(session, rater, NOW)
    assert leased is not None
    flags.flag(session, leased.token, rater, "ambiguous", NOW, note)


def _answer_and_pause(session: Session, name: str, text: str, link: str, prob: float) -> None:
    rater = get_rater(session, name, NOW)
    leased = queue.next_question(session, rater, NOW)
    assert leased is not None
    at = NOW + timedelta(seconds=9)
    queue.submit_answer(session, leased.token, rater, "probability", prob, at, text, source=link)
    roles.pause(session, rater, text, None, NOW)
    invitations.invite(session, "rater", None, datetime.now(UTC), rater)
