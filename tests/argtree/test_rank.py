"""What is asked first."""

from __future__ import annotations

from argtree import Argument, ArgumentGraph, Claim, Premise, Root, propagate, rank


def _graph() -> ArgumentGraph:
    claims = [
        Claim("root", "the root", 0.1),
        Claim("weak", "hardly matters", 0.5),
        Claim("strong", "matters", 0.5),
        Claim("hidden", "not for raters", 0.5, askable=False),
        Claim("sure", "known", 1.0),
        Claim("argued", "argued but askable", 0.2, askable=True),
    ]
    strengths = {"weak": 0.1, "strong": 0.9, "hidden": 0.5, "sure": 0.2, "argued": 0.3}
    arguments = [Argument(name, "root", "support", w, [Premise(name)]) for name, w in strengths.items()]
    arguments.append(Argument("more", "argued", "support", 0.5, [Premise("weak")]))
    return ArgumentGraph(claims, arguments, [Root("root")])


def test_lists_what_may_be_asked_most_valuable_first() -> None:
    ranked = rank(propagate(_graph()))
    assert [one.claim for one in ranked] == ["strong", "argued", "weak"]
    assert ranked[0].text == "matters" and ranked[0].standard_error == 0.0


def test_lists_every_claim_when_told_to() -> None:
    result = propagate(_graph())
    ranked = rank(result, "mutual_information", everything=True)
    assert len(ranked) == 6 and ranked[0].claim == "root" and ranked[-1].claim == "sure"
    assert [one.value for one in ranked] == sorted(result.value("mutual_information"), reverse=True)


def test_equals_keep_the_order_of_the_graph() -> None:
    claims = [Claim(name, "", 0.5) for name in "zay"]
    assert [one.claim for one in rank(propagate(ArgumentGraph(claims)))] == ["z", "a", "y"]
