import html.parser
from dataclasses import replace
from datetime import timedelta

import pytest

from argtree.evidence import answer_likelihood
from argtree.graph import Argument, ArgumentGraph, Claim, Premise, Root
from argtree.propagate import propagate
from oracle_ui import theme, theme_desk
from oracle_ui.view import (
    MAX_RUNGS,
    Companion,
    Effect,
    Move,
    NothingView,
    NumberView,
    QuestionView,
    Stake,
    percents,
    see_effect,
    see_number,
    see_question,
)
from oracle_ui.wording import pace_words
from store.queue import LeasedQuestion
from tests import hostile
from tests.oracle_ui.factories import NOW, QUESTIONS, small_graph
from tests.store.factories import jelly_graph


def _leased(claim: str, text: str = "Asked.") -> LeasedQuestion:
    return LeasedQuestion(1, claim, text, 0.1, 0.5, "token", NOW + timedelta(minutes=5))


def _see(claim: str, graph: ArgumentGraph | None = None) -> QuestionView:
    return see_question(_leased(claim), propagate(graph or small_graph()), QUESTIONS)


def _stake(claim: str, graph: ArgumentGraph | None = None) -> Stake:
    stake = _see(claim, graph).stake
    assert stake is not None
    return stake


class _Reader(html.parser.HTMLParser):
    """Reads back what a browser would show, and which elements stand in the page."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.text, self.tags = "", set[str]()
        self.feed(page)
        self.close()

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)


def test_the_chain_runs_from_the_claim_to_the_question() -> None:
    stake = _stake("h")
    assert [(rung.polarity, rung.holds, rung.conclusion) for rung in stake.rungs] == [
        ("support", True, "Nails cut jelly."),
        ("support", True, "Would nails beat jelly?"),
    ]
    assert stake.rungs[0].companions == (Companion("Nails are sharp.", True),)
    assert stake.rungs[0].prob == pytest.approx(0.25 * 0.9)


def test_an_argument_from_a_failing_premise_says_so() -> None:
    (rung,) = _stake("t").rungs
    assert (rung.polarity, rung.holds, rung.companions) == ("attack", False, ())


@pytest.mark.parametrize(("claim", "said"), [("h", 1.0), ("h", 0.0), ("t", 1.0), ("p", 0.0)])
def test_what_is_foretold_is_what_comes(claim: str, said: float) -> None:
    stake = _stake(claim)
    answered = propagate(replace(small_graph(), evidence={claim: answer_likelihood(said)}))
    assert (stake.if_yes if said else stake.if_no) == pytest.approx(answered.prob[0])


def test_the_root_that_is_decided_most_by_weight_is_shown() -> None:
    assert _stake("p").question == QUESTIONS["r"] and _stake("p").others == 1
    weighed = replace(small_graph(), roots=(Root("r", 0.1), Root("g", 1.0)))
    assert _stake("p", weighed).question == QUESTIONS["g"]


def test_an_asked_root_decides_itself() -> None:
    stake = _stake("r")
    assert stake.is_root and stake.rungs == () and stake.if_yes > stake.prob > stake.if_no
    assert "it goes from" in theme.reason(_see("r"))


def test_nothing_is_at_stake_where_the_claim_is_certain_or_unknown_to_the_graph() -> None:
    assert _see("h", replace(small_graph(), evidence={"h": (0.0, 1.0)})).stake is None
    assert _see("elsewhere").stake is None
    assert "settled" in theme.reason(_see("elsewhere"))


def test_a_long_chain_is_folded_in_the_middle() -> None:
    claims = [Claim(str(i), f"Claim {i}.", 0.1) for i in range(30)]
    arguments = [Argument(f"a{i}", str(i), "support", 0.9, (Premise(str(i + 1)),)) for i in range(29)]
    graph = ArgumentGraph(tuple(claims), tuple(arguments), (Root("0"),))
    view = see_question(_leased("29"), propagate(graph), {})
    assert view.stake is not None and len(view.stake.rungs) == MAX_RUNGS
    assert [rung.skipped for rung in view.stake.rungs if rung.skipped] == [29 - MAX_RUNGS]
    assert view.stake.rungs[-1].conclusion == "Claim 0." and "21 more steps" in theme.reason(view)


def test_moves_come_farthest_first_and_only_of_roots_that_moved() -> None:
    before = propagate(small_graph())
    after = propagate(replace(small_graph(), evidence={"p": answer_likelihood(1.0)}))
    effect = see_effect("yes", "Nails are sharp.", before, after, QUESTIONS)
    spans = [abs(move.after - move.before) for move in effect.moves]
    assert {move.question for move in effect.moves} == set(QUESTIONS.values()) and spans == sorted(spans, reverse=True)
    tough = propagate(replace(small_graph(), evidence={"t": answer_likelihood(1.0)}))
    assert [move.question for move in see_effect("yes", "", before, tough, QUESTIONS).moves] == [QUESTIONS["r"]]


def test_claims_that_an_answer_settled_are_counted_unless_somebody_was_asked() -> None:
    claims = (Claim("r", "Root.", 0.01), *(Claim(one, f"{one}.", 0.0) for one in "spq"), Claim("x", "Asked.", 0.5))
    arguments = [Argument(one, one, "support", 0.99, (Premise("x"),)) for one in "rspq"]
    graph = ArgumentGraph(claims, tuple(arguments), (Root("r"),))
    before, after = (propagate(replace(graph, evidence=one)) for one in ({}, {"x": (0.001, 0.999)}))
    assert see_effect("yes", "Asked.", before, after, {}).settled == 3
    told = propagate(replace(graph, evidence={"x": (0.001, 0.999), "s": (0.5, 0.5)}))
    effect = see_effect("yes", "Asked.", before, told, {})
    assert effect.settled == 2 and "settled 2 other claims" in theme.effect(effect)
    assert see_effect("yes", "Asked.", after, after, {}).settled == 0


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        ((), "no answers in this sitting yet"),
        ((5.0,), "1 answer in this sitting"),
        ((5.0, 11.0, 20.0, 4000.0), "4 answers in this sitting, 11 s each"),
        ((4000.0, 150.0, 150.0), "3 answers in this sitting, 2.5 min each"),
    ],
)
def test_the_pace_is_a_median_without_breaks(seconds: tuple[float, ...], words: str) -> None:
    assert pace_words(seconds).replace("\u00a0", " ") == words


@pytest.mark.parametrize(
    ("link", "is_link"),
    [("https://example.org/?a='\"><b>", True), ("javascript:alert(1)", False), (" http://example.org", False)],
)
def test_a_source_is_a_link_only_where_its_scheme_is_harmless(link: str, is_link: bool) -> None:
    reader = _Reader(theme_desk.source(link))
    assert reader.text == link and reader.tags == ({"a", "bdi"} if is_link else {"bdi"})
    assert ('rel="noopener noreferrer nofollow"' in theme_desk.source(link)) == is_link


@pytest.mark.parametrize(
    ("probs", "shown"),
    [
        ((0.43, 0.71, 0.22), ("43 %", "71 %", "22 %")),
        ((0.431, 0.433), ("43.1 %", "43.3 %")),
        ((0.43101, 0.43099), ("43.10 %", "43.10 %")),
        ((0.5, 0.5), ("50 %", "50 %")),
        ((0.0001,), ("<1 %",)),
        ((0.9999,), (">99 %",)),
        ((0.0, 1.0), ("0 %", "100 %")),
    ],
)
def test_percentages_have_just_enough_decimals(probs: tuple[float, ...], shown: tuple[str, ...]) -> None:
    assert tuple(text.replace("\u00a0", " ") for text in percents(*probs)) == shown


@pytest.mark.parametrize("text", hostile.ALL)
def test_literal_text_is_only_text(text: str) -> None:
    reader = _Reader(theme.literal(text))
    assert reader.text == hostile.seen(text) and reader.tags == {"bdi"}


def test_literal_text_is_cut_and_its_control_characters_are_seen() -> None:
    assert _Reader(theme.literal("x" * 50, longest=10)).text == "x" * 10 + "…"
    assert _Reader(theme.literal("a\x00b\x1bc\ud800")).text == "a\ufffdb\ufffdc\ufffd"


@pytest.mark.parametrize("text", hostile.ALL)
def test_every_part_of_the_page_keeps_text_literal(text: str) -> None:
    rung = replace(_stake("h").rungs[0], companions=(Companion(text, False),), conclusion=text, skipped=2)
    view = replace(_see("h"), claim=text, stake=replace(_stake("h"), question=text, rungs=(rung,)))
    effect = Effect("yes", text, (Move(text, 0.1, 0.2),))
    parts = [theme.header(text, ()), theme.question(view), theme.reason(view), theme.effect(effect), theme.notice(text)]
    parts += [theme.effect(replace(effect, trouble=text)), theme.reason(replace(view, stake=None, trouble=text))]
    for reader in map(_Reader, parts):
        assert hostile.seen(text) in reader.text and reader.tags <= {"div", "p", "h1", "span", "b", "bdi"}


def test_a_number_question_tells_what_is_known_and_what_rests_on_it() -> None:
    leased = LeasedQuestion(1, None, "The density of jelly", 0.1, None, "token", NOW, "jelly")
    view = see_number(leased, jelly_graph(), propagate(jelly_graph()), {"m": "Does it sink in milk?"})
    assert (view.text, view.unit, view.expected) == ("The density of jelly", "g/cm³", pytest.approx(1.08))
    assert view.spread == pytest.approx(0.2 / 5**0.5) and view.usual_error == 0.009
    assert [text.split()[-1] for text in view.claims] == ["water.", "milk.", "dense."]
    milk = replace(leased, text="The density of milk", quantity="milk")
    assert see_number(milk, jelly_graph(), None, {}).claims == ("Jelly is heavier than milk.",)
    assert [text for text, _ in view.roots] == ["Jelly floats on water.", "Does it sink in milk?"]
    assert not view.doubt(1.3, 0.009) and not view.doubt(2.0, 0.5)
    assert view.doubt(0.5, 0.009).startswith("0.5 g/cm³ is far from the 1.08 g/cm³")


@pytest.mark.parametrize("text", hostile.ALL)
def test_every_part_of_a_number_question_keeps_text_literal(text: str) -> None:
    view = NumberView("token", "id", text, text[:80], 1.0, 0.1, (text,) * 7, ((text, 0.5),) * 8)
    parts = [theme.number_question(view), theme.number_unit(view), theme.number_reason(view)]
    for reader in map(_Reader, parts):
        assert hostile.seen(text)[:80] in reader.text and reader.tags <= {"div", "p", "h1", "span", "b", "bdi"}
    assert "and 2 more" in parts[2] and "and 3 more" in parts[2]


def test_the_page_says_what_to_do_when_nothing_is_open() -> None:
    assert "argtree explore" in theme.nothing(NothingView(held=0, passed=0))
    assert "All 2 open questions are" in theme.nothing(NothingView(held=2, passed=0))
    assert "1 that is still open" in theme.nothing(NothingView(held=0, passed=1))


def test_an_effect_says_when_nothing_moved_and_folds_many_moves() -> None:
    assert "no question moved" in theme.effect(Effect("no", "C.", ()))
    assert "and 2 more" in theme.effect(Effect("no", "C.", tuple(Move("q", 0.1, 0.2) for _ in range(7))))
