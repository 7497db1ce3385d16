import json
import logging
from collections.abc import Callable, Sequence

import jsonschema
import numpy as np
import pytest
from scipy.special import expit, logit

from models import prompts
from models.base import Reply, Scores
from models.beliefs import Belief
from models.elicitation import Elicitor, Proposal
from models.errors import BadQuestionError, BadReplyError, PromptTooLongError, UnknownWorldError
from models.prompts import ProposedArgument, ProposedPremise

CLAIM = "Honey sinks."


class ScriptedModel:
    """Says what it's told to: replies in order, and log-odds of yes as a function of the prompt."""

    name = "scripted"
    is_general = False  # asked in the two wordings of the bundled model

    def __init__(self, *replies: str, log_odds: Callable[[str], float] = lambda prompt: 0.0) -> None:
        self.replies, self.log_odds = list(replies), log_odds
        self.prompts: list[str] = []
        self.unknown: str | None = None

    def complete(
        self,
        prompts: Sequence[str],
        schema: dict[str, object],
        *,
        max_tokens: int,
        temperature: float = 0,
        seed: int = 0,
    ) -> list[Reply]:
        self.prompts += prompts
        said, self.replies = self.replies[: len(prompts)], self.replies[len(prompts) :]
        return [Reply(text, 1, 1) for text in said]

    def log_probs(self, prompts: Sequence[str], continuations: Sequence[str]) -> Scores:
        """Half of each word's probability in either spelling; a tenth goes to other replies."""
        self.prompts += prompts
        yes = np.array([self.log_odds(prompt) for prompt in prompts])
        per_word = {"yes": yes, "no": -yes}
        words = [np.log(0.9 * expit(per_word[word.lower()]) / 2) for word in continuations]
        return Scores(np.stack(words, axis=1), (1,) * len(prompts))

    def check_question(self, question: str) -> None:
        if self.unknown is not None and self.unknown in question:
            raise UnknownWorldError(f"Nothing is known of {self.unknown}.")


def stated(*texts: str, polarity: str = "support", strength: float = 0.8, holds: bool = True) -> dict[str, object]:
    return {"polarity": polarity, "strength": strength, "premises": [{"claim": t, "holds": holds} for t in texts]}


def reply(*arguments: dict[str, object]) -> str:
    return json.dumps({"arguments": arguments})


def propose(text: str, context: Sequence[ProposedArgument] = (), n: int = 5) -> Proposal:
    return Elicitor(ScriptedModel(text)).propose_arguments(CLAIM, context, n)


def is_negated(prompt: str) -> bool:
    """Whether a yes to the prompt says that the claim is false."""
    asked = next(one for one in prompts.READINGS if prompt.startswith(one.text))
    return asked.is_negated


def reader(p_true: float, p_false: float) -> Callable[[str], float]:
    """A model that says yes with p_true to is_true and with p_false to is_false."""
    return lambda prompt: float(logit(p_true if "true" in prompt.splitlines()[0] else p_false))


# --- likeness


def test_claims_are_compared_both_ways_and_each_turned_round() -> None:
    model = ScriptedModel(
        log_odds=lambda p: 3.0 if ("Does it follow" in p) == (p.index("Wax") < p.index("Tar")) else -3.0
    )
    model.is_general = True
    ((forth, back),) = Elicitor(model).same_claims([("Wax melts.", "Tar melts.")])
    assert forth == pytest.approx(expit(3.0)) and back == pytest.approx(expit(-3.0))
    assert len(model.prompts) == 4 and len(set(model.prompts)) == 4


def test_model_of_the_bundled_world_is_not_asked_to_compare() -> None:
    model = ScriptedModel()
    model.is_general = False
    with pytest.raises(ValueError, match="not made to compare"):
        Elicitor(model).same_claims([("a", "b")])
    assert model.prompts == []


# --- beliefs


@pytest.mark.parametrize("bias", [0.0, 3.0, -2.5])
def test_liking_for_yes_cancels_exactly(bias: float) -> None:
    knows = reader(0.7, 0.3)
    (belief,) = Elicitor(ScriptedModel(log_odds=lambda prompt: knows(prompt) + bias)).believe([CLAIM])
    assert belief.mean == pytest.approx(0.7, abs=1e-12)


def test_model_of_one_mind_gets_the_highest_pseudo_count() -> None:
    (belief,) = Elicitor(ScriptedModel(log_odds=reader(0.7, 0.3))).believe([CLAIM])
    assert belief == Belief(pytest.approx(0.7), 50.0)


def test_pseudo_count_is_that_of_a_beta_with_the_variance_of_the_two_readings() -> None:
    (belief,) = Elicitor(ScriptedModel(log_odds=reader(0.6, 0.2))).believe([CLAIM])  # readings 0.6 and 0.8
    assert belief.variance == pytest.approx(0.1**2)
    assert belief.mean == pytest.approx(expit((logit(0.6) + logit(0.8)) / 2))


def test_model_that_contradicts_itself_is_worth_one_answer() -> None:
    (belief,) = Elicitor(ScriptedModel(log_odds=reader(0.999, 0.999))).believe([CLAIM])
    assert (belief.mean, belief.pseudo_count) == (pytest.approx(0.5), 1.0)


@pytest.mark.parametrize(("log_odds", "mean"), [(600.0, 1 - 1e-4), (-600.0, 1e-4)])
def test_no_model_is_certain(log_odds: float, mean: float) -> None:
    sure = ScriptedModel(log_odds=lambda prompt: log_odds if "true" in prompt else -log_odds)
    (belief,) = Elicitor(sure).believe([CLAIM])
    assert belief == Belief(mean, 50.0)


def test_beliefs_come_in_the_order_of_the_claims_and_two_calls_are_counted_for_each() -> None:
    def log_odds(prompt: str) -> float:
        sign = 1 if "true" in prompt.splitlines()[0] else -1
        return sign * (2.0 if "one" in prompt else -1.0)

    elicitor = Elicitor(ScriptedModel(log_odds=log_odds))
    one, two = elicitor.believe(["one", "two"])
    assert (one.mean, two.mean) == (pytest.approx(expit(2)), pytest.approx(expit(-1)))
    assert elicitor.calls == 4 and elicitor.believe([]) == [] and elicitor.calls == 4


def test_general_model_is_asked_in_several_wordings_and_their_spread_is_its_variance() -> None:
    model = ScriptedModel(log_odds=lambda prompt: said[prompt.removesuffix(CLAIM)])
    model.is_general = True
    said = {
        one.text: float(logit(1 - prob if one.is_negated else prob))
        for one, prob in zip(prompts.READINGS, [0.6, 0.8, 0.7, 0.9, 0.5, 0.7], strict=True)
    }
    (belief,) = Elicitor(model).believe([CLAIM])
    readings = np.array([0.6, 0.8, 0.7, 0.9, 0.5, 0.7])
    assert belief.mean == pytest.approx(expit(logit(readings).mean()))
    assert belief.variance == pytest.approx(readings.var())
    assert len(model.prompts) == 6


@pytest.mark.parametrize("bias", [3.0, -2.5])
def test_liking_for_yes_cancels_in_every_wording(bias: float) -> None:
    def log_odds(prompt: str) -> float:
        return bias + (-1.0 if is_negated(prompt) else 1.0)

    model = ScriptedModel(log_odds=log_odds)
    model.is_general = True
    (belief,) = Elicitor(model).believe([CLAIM])
    assert belief.mean == pytest.approx(expit(1.0), abs=1e-12)


class DrawingModel(ScriptedModel):
    """Says yes to so many of ten draws."""

    def __init__(self, yes: dict[bool, int]) -> None:
        super().__init__()
        self.yes = yes

    def log_probs(self, prompts: Sequence[str], continuations: Sequence[str]) -> Scores:
        self.prompts += prompts
        with np.errstate(divide="ignore"):
            rows = [
                np.log([self.yes[is_negated(prompt)] / 10, 0.0, (10 - self.yes[is_negated(prompt)]) / 10, 0.0])
                for prompt in prompts
            ]
        return Scores(np.array(rows), (1,) * len(prompts), 10)


def test_belief_from_draws_says_so_and_its_errors_add_to_its_variance() -> None:
    (belief,) = Elicitor(DrawingModel({False: 10, True: 0})).believe([CLAIM])
    prob = 10.5 / 11
    assert (belief.mean, belief.draws) == (pytest.approx(prob), 10)
    assert belief.variance == pytest.approx(prob * (1 - prob) / 11 / 2)  # two readings of ten draws that agree
    assert belief.pseudo_count == pytest.approx(21)


def test_draws_that_say_neither_yes_nor_no_are_no_belief(monkeypatch: pytest.MonkeyPatch) -> None:
    model = ScriptedModel()
    monkeypatch.setattr(model, "log_probs", lambda asked, words: Scores(np.full((2, 4), -np.inf), (1, 1), 10))
    with pytest.raises(BadReplyError, match="none of 10 replies to a prompt said yes or no"):
        Elicitor(model).believe([CLAIM])


def test_conditional_question_names_the_premises_and_not_the_side() -> None:
    model = ScriptedModel(log_odds=reader(0.8, 0.2))
    argument = ProposedArgument("attack", 0.5, (ProposedPremise("Wet.", True), ProposedPremise("Dry.", False)))
    (belief,) = Elicitor(model).conditional([(CLAIM, argument)])
    assert belief.mean == pytest.approx(0.8)
    assert model.prompts[0].endswith(f"Claim: {CLAIM}\nListed:\n- Wet.\n- not: Dry.")
    assert "against" not in model.prompts[0]


def test_residual_prior_asks_with_the_reasons_left_out() -> None:
    model = ScriptedModel(log_odds=reader(0.2, 0.8))
    reasons = [ProposedArgument("attack", 0.5, (ProposedPremise("Honey is light.", False),))]
    assert Elicitor(model).residual_prior(CLAIM, reasons).mean == pytest.approx(0.2)
    assert model.prompts == [prompts.is_true_without(CLAIM, reasons), prompts.is_false_without(CLAIM, reasons)]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_failed_call_is_never_a_belief(bad: float, monkeypatch: pytest.MonkeyPatch) -> None:
    model = ScriptedModel()
    monkeypatch.setattr(
        model, "log_probs", lambda asked, words: Scores(np.full((2, 4), -1.0) * [[1, 1, 1, bad]], (1, 1))
    )
    with pytest.raises(BadReplyError, match="no usable log-probabilities"):
        Elicitor(model).believe([CLAIM])


# --- arguments


def test_good_reply_becomes_arguments_as_stated() -> None:
    proposal = propose(reply(stated("Honey is dense.", "Honey is solid."), stated("Honey floats.", polarity="attack")))
    dense, floats = proposal.arguments
    assert dense.premises == (ProposedPremise("Honey is dense.", True), ProposedPremise("Honey is solid.", True))
    assert (dense.polarity, dense.strength, floats.polarity) == ("support", 0.8, "attack")
    assert (proposal.exhausted, proposal.dropped) == (False, 0)


def test_empty_list_means_nothing_to_add() -> None:
    assert propose('{"arguments": []}') == Proposal((), exhausted=True, dropped=0)


GOOD = [reply(), reply(stated("a")), reply(stated("a", strength=1)), " " + reply(stated("a", holds=False)) + "\n"]
BAD = {
    "no JSON": "Sure! Here are some arguments.",
    "empty": "",
    "cut off": reply(stated("Honey is dense."))[:-4],
    "fenced": f"```json\n{reply(stated('a'))}\n```",
    "talk after it": reply(stated("a")) + " I hope this helps.",
    "two values": reply() + reply(),
    "a list": json.dumps([stated("a")]),
    "null": "null",
    "missing list": "{}",
    "extra field at the top": '{"arguments": [], "note": "x"}',
    "extra field in an argument": reply(stated("a") | {"id": 1}),
    "missing strength": reply({"polarity": "support", "premises": [{"claim": "a", "holds": True}]}),
    "unknown polarity": reply(stated("a", polarity="pro")),
    "strength over 1": reply(stated("a", strength=1.01)),
    "strength as text": reply(stated("a") | {"strength": "0.8"}),
    "strength as truth value": reply(stated("a") | {"strength": True}),
    "strength NaN": reply(stated("a", strength=float("nan"))),
    "no premises": reply(stated()),
    "nine premises": reply(stated(*"abcdefghi")),
    "premise as text": reply(stated("a") | {"premises": ["a"]}),
    "holds as number": reply(stated("a") | {"premises": [{"claim": "a", "holds": 1}]}),
    "empty premise": reply(stated("")),
    "premise of 501 characters": reply(stated("x" * 501)),
    "one bad among good": reply(stated("a"), stated("b", strength=-1), stated("c")),
    "nested without end": "[" * 100_000,
}  # fmt: skip


@pytest.mark.parametrize("text", BAD.values(), ids=BAD.keys())
def test_malformed_reply_is_dropped_whole_counted_and_logged(text: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="argtree.models")
    elicitor = Elicitor(ScriptedModel(text))
    assert elicitor.propose_arguments(CLAIM, (), 5) == Proposal((), exhausted=False, dropped=1)
    assert (elicitor.dropped, elicitor.calls, len(caplog.records)) == (1, 1, 1)
    assert len(caplog.messages[0]) < 400


@pytest.mark.parametrize("text", [*GOOD, *(text for name, text in BAD.items() if "without end" not in name)])
def test_what_counts_as_a_reply_is_what_the_prompts_schema_says(text: str) -> None:
    try:
        jsonschema.validate(json.loads(text), prompts.ARGUMENTS_SCHEMA)
        valid = "NaN" not in text  # Python's json reads it, but JSON has no such word
    except (ValueError, jsonschema.ValidationError):
        valid = False
    proposal = propose(text)
    assert (bool(proposal.arguments) or proposal.exhausted) == valid


def test_key_that_stands_twice_is_malformed() -> None:
    assert propose('{"arguments": [], "arguments": []}').dropped == 1


UNUSABLE = {
    "its own claim": stated("a", CLAIM),
    "its own claim in other letters": stated("  honey SINKS"),
    "a premise twice": stated("a", "A."),
    "a blank premise": stated("   "),
    "a line break": stated("a\n- for: b"),
    "a terminal escape": stated("\x1b[31mred"),
    "a turn of reading direction": stated("a\u202eb"),
    "known already": stated("Honey is solid.", "Honey is dense."),
}


@pytest.mark.parametrize("argument", UNUSABLE.values(), ids=UNUSABLE.keys())
def test_unusable_argument_is_dropped_and_the_others_kept(argument: dict[str, object]) -> None:
    known = ProposedArgument(
        "support", 0.1, (ProposedPremise("honey is dense", True), ProposedPremise("Honey is solid", True))
    )
    proposal = propose(reply(argument, stated("Honey is cold.")), [known])
    assert [a.premises[0].text for a in proposal.arguments] == ["Honey is cold."]
    assert (proposal.dropped, proposal.exhausted) == (1, False)


def test_same_premises_with_another_polarity_or_sign_are_another_argument() -> None:
    three = [stated("a"), stated("a", polarity="attack"), stated("a", holds=False)]
    assert len(propose(reply(*three)).arguments) == 3


def test_argument_that_stands_twice_in_a_reply_is_kept_once() -> None:
    proposal = propose(reply(stated("a", "b"), stated("b", "a", strength=0.2)))
    assert (len(proposal.arguments), proposal.dropped) == (1, 1)


def test_no_more_than_n_arguments_are_kept() -> None:
    proposal = propose(reply(*(stated(letter) for letter in "abcd")), n=3)
    assert [a.premises[0].text for a in proposal.arguments] == ["a", "b", "c"] and proposal.dropped == 1


def test_reply_of_only_unusable_arguments_does_not_close_the_claim() -> None:
    assert propose(reply(stated(CLAIM))) == Proposal((), exhausted=False, dropped=1)


def test_many_requests_go_in_one_batch_and_keep_their_order() -> None:
    model = ScriptedModel(reply(stated("a")), "broken", reply())
    elicitor = Elicitor(model)
    first, second, third = elicitor.propose_many([("one", ()), ("two", ()), ("three", ())], 2)
    assert model.prompts == [prompts.propose_arguments(claim, (), 2) for claim in ("one", "two", "three")]
    assert (len(first.arguments), second.dropped, third.exhausted) == (1, 1, True)
    assert (elicitor.calls, elicitor.dropped) == (3, 1)


def test_missing_reply_is_an_error() -> None:
    with pytest.raises(BadReplyError, match="0 replies to 1 prompts"):
        Elicitor(ScriptedModel()).propose_arguments(CLAIM, (), 5)


def test_logged_text_is_escaped_and_cut(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="argtree.models")
    propose("\x1b[31m\n" + "x" * 5_000)
    assert "\\x1b[31m\\n" in caplog.messages[0] and len(caplog.messages[0]) < 300


# --- claims


def test_question_becomes_a_claim_in_the_models_words() -> None:
    model = ScriptedModel('{"claim": "Honey sinks."}')
    assert Elicitor(model).state_claim("  Does honey\nsink? ") == "Honey sinks."
    assert model.prompts == [prompts.state_claim("Does honey sink?")]


@pytest.mark.parametrize(
    "text", ["Honey sinks.", '{"claim": ""}', '{"claim": " "}', '{"claim": "a\\nb"}', '{"claim": 1}']
)
def test_reply_without_a_claim_is_an_error(text: str) -> None:
    elicitor = Elicitor(ScriptedModel(text))
    with pytest.raises(BadReplyError, match="didn't turn the question into a claim"):
        elicitor.state_claim("Does honey sink?")
    assert (elicitor.calls, elicitor.dropped) == (1, 1)


def test_questions_become_claims_in_one_batch_but_for_broken_replies() -> None:
    elicitor = Elicitor(ScriptedModel('{"claim": "Honey sinks."}', "Honey.", '{"claim": "Iron sinks."}'))
    assert elicitor.state_claims(["Honey?", "What?", "Iron?"]) == ["Honey sinks.", None, "Iron sinks."]
    assert (elicitor.calls, elicitor.dropped) == (3, 1)


@pytest.mark.parametrize("question", ["", " \n\t", "x" * 2_001, "x" * 100_000, "a\x00b", "a\udc80b"])
def test_bad_question_is_refused_before_any_call(question: str) -> None:
    elicitor = Elicitor(ScriptedModel())
    with pytest.raises(BadQuestionError, match="^The question") as caught:
        elicitor.state_claim(question)
    assert isinstance(caught.value, ValueError) and elicitor.calls == 0


def test_question_beyond_the_models_world_is_refused_before_any_call() -> None:
    model = ScriptedModel('{"claim": "A unicorn sinks."}')
    model.unknown = "unicorn"
    elicitor = Elicitor(model)
    with pytest.raises(UnknownWorldError):
        elicitor.state_claim("Would a unicorn sink?")
    assert elicitor.calls == 0


# --- facts

FACTS: tuple[prompts.Fact, ...] = (
    prompts.SettledFact("Wax melts.", True),
    prompts.SettledFact("Tar floats.", False),
    prompts.QuotedFact("a.md", 3, 'Say "no".'),
)


class Crowded(ScriptedModel):
    """Reads prompts of up to so many characters."""

    is_general = True
    room = 400

    def log_probs(self, asked: Sequence[str], continuations: Sequence[str]) -> Scores:
        if max(map(len, asked)) > self.room:
            raise PromptTooLongError("A prompt is too long.")
        return super().log_probs(asked, continuations)


def test_facts_stand_after_the_claim_each_as_what_it_is() -> None:
    model = ScriptedModel(reply())
    model.is_general = True
    Elicitor(model).propose_many([(CLAIM, ())], 3, {CLAIM: FACTS})
    expected = f'{prompts.SETTLED}\n- "Wax melts."{prompts.REFUTED}\n- "Tar floats."{prompts.QUOTED}\n'
    assert model.prompts == [prompts.propose_arguments(CLAIM, (), 3) + expected + '- "Say \\"no\\"." ("a.md", line 3)']


def test_as_many_facts_are_shown_as_there_is_room_for() -> None:
    model, shown = Crowded(), {CLAIM: FACTS, "Tar melts.": FACTS[:1]}
    Elicitor(model).believe([CLAIM], shown)
    assert shown == {CLAIM: FACTS, "Tar melts.": FACTS[:1]}
    model.room = 200
    Elicitor(model).believe([CLAIM], shown)
    assert shown[CLAIM] == FACTS[:1] and "Wax" in model.prompts[-1] and "Tar" not in model.prompts[-1]
    model.room = 10
    with pytest.raises(PromptTooLongError):
        Elicitor(model).believe([CLAIM], shown)


def test_model_of_the_bundled_world_is_shown_no_facts() -> None:
    with pytest.raises(ValueError, match="facts"):
        Elicitor(ScriptedModel()).believe([CLAIM], {CLAIM: FACTS})


class GeneralModel(ScriptedModel):
    """Answers any prompt."""

    is_general = True


def posed(text: str, n: int = 3) -> tuple[list[str], Elicitor]:
    elicitor = Elicitor(GeneralModel(text))
    return elicitor.pose_questions([CLAIM], ["Does honey sink?"], n), elicitor


def test_questions_are_those_of_the_reply_each_once_and_no_more_than_asked_for() -> None:
    questions, elicitor = posed(
        json.dumps({"questions": ["Is it sweet?", "Is it sweet?", "Does it flow?", "Is it?"]}), 2
    )
    assert questions == ["Is it sweet?", "Does it flow?"] and elicitor.calls == 1
    (prompt,) = elicitor.model.prompts  # type: ignore[attr-defined]
    assert prompt == f"{prompts.POSE}2\nListed:\n- {CLAIM}\nAsked already:\n- Does honey sink?"


@pytest.mark.parametrize("text", ["", "[]", '{"questions": "Is it?"}', '{"questions": [1]}', '{"questions": [""]}'])
def test_reply_that_holds_no_questions_is_dropped(text: str) -> None:
    questions, elicitor = posed(text)
    assert questions == [] and elicitor.dropped == 1


def test_schema_of_questions_is_what_is_read() -> None:
    jsonschema.validate({"questions": ["Is it?"]}, prompts.QUESTIONS_SCHEMA)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"questions": [""]}, prompts.QUESTIONS_SCHEMA)


def test_models_of_the_bundled_world_are_not_asked_to_pose() -> None:
    with pytest.raises(ValueError, match="was not made to pose"):
        Elicitor(ScriptedModel()).pose_questions([CLAIM], [], 3)
