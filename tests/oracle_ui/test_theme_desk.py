"""The desk's looks: text stays text, and colours can be told apart."""

import re
from dataclasses import replace

import pytest

from argtree.evidence import TRUSTED_RATER
from argtree.graph import ArgumentGraph, Root
from argtree.propagate import propagate
from argtree.svg import svg
from oracle_ui import style, theme, theme_claim
from oracle_ui import theme_desk as desk
from oracle_ui.reading import Given, Held, Record
from oracle_ui.view_claim import see_claim
from oracle_ui.view_trees import RootRow, see_claims
from store.shown import ShownFact
from tests import hostile
from tests.oracle_ui.factories import NOW, hostile_graph, small_graph
from tests.oracle_ui.test_view import _Reader as Reader
from tests.oracle_ui.test_view_desk import snapshot

LIGHT, DARK = 0, 1
_TAGS = "div p h1 h2 span b bdi ul li a br dl dt dd small table thead tbody tr th td".split()


def luminance(colour: str) -> float:
    """Relative luminance of WCAG 2.2."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def blend(ink: str, ground: str, share: float) -> str:
    mixed = [share * int(ink[at : at + 2], 16) + (1 - share) * int(ground[at : at + 2], 16) for at in (1, 3, 5)]
    return "#" + "".join(f"{round(part):02x}" for part in mixed)


@pytest.mark.parametrize("mode", [LIGHT, DARK])
@pytest.mark.parametrize("name", ["FOR", "AGAINST", "ACCENT", "GOLD", "QUIET", "INK"])
def test_every_colour_of_text_reaches_4_5_on_every_ground(name: str, mode: int) -> None:
    assert all(contrast(getattr(style, name)[mode], ground) >= 4.5 for ground in style.GROUNDS[mode])


@pytest.mark.parametrize("mode", [LIGHT, DARK])
def test_what_stands_on_buttons_and_in_the_background_can_be_read(mode: int) -> None:
    assert contrast("#ffffff", style.PRIMARY[mode]) >= 4.5
    shares = [float(share) for share in re.findall(r"opacity: (\.\d+)", theme.STYLE)]
    for ground in style.GROUNDS[mode]:
        assert min(contrast(blend(style.INK[mode], ground, share), ground) for share in shares) >= 4.5


def test_the_pages_of_answers_and_the_desk_have_the_same_green_and_red() -> None:
    for name, pair in (("for", style.FOR), ("against", style.AGAINST)):
        assert f"--{name}: light-dark({pair[0]}, {pair[1]})" in theme.STYLE


def test_every_colour_of_a_trees_picture_is_known_in_the_dark() -> None:
    labels = {"h": 0.99, "t": 0.01}
    picture = svg(small_graph(), "r", propagate(small_graph()), labels, href_fn=desk.claim_href)
    colours = set(re.findall(r'(?:fill|stroke)="(#[0-9a-f]{6})"', picture))
    on_any_ground = {"#ffffff", "#ffc94d", "#d69a00", "#8fb3ff", "#465069", "#b9c0d0"}
    assert colours - on_any_ground <= set(re.findall(r"='(#[0-9a-f]{6})'", style.STYLE))


@pytest.mark.parametrize("text", hostile.ALL)
def test_every_part_of_the_desk_keeps_text_literal(text: str) -> None:
    graph = hostile_graph(text)
    there = replace(snapshot(graph=graph), questions={"r": f"{text} Q"})
    facts = ShownFact(1, text, NOW, text, text, True, "", 0), ShownFact(1, text, NOW, text, None, None, text, 3)
    held = Held(text, "direct", 0.5, 2.0, NOW, facts)
    record = Record(NOW, (held,), {"a": text, "b": text}, True, facts)
    answer = Given("c", None, text, "", text, TRUSTED_RATER, "yes", 1.0, None, text, NOW, 0.1)
    result = propagate(graph)
    views = [see_claim(key, there, result, None, record) for key in "rc"]
    view = replace(views[1], answers=(answer,), quantities=(text,))
    rows = see_claims(there, result, "rsc")
    parts = [desk.notice(text), desk.text_title("Claim", text), desk.claims(rows, 0.1)]
    parts += [desk.roots([RootRow(text, text, 0.5, (), 1, 0, 0)])]
    parts += [desk.records([{text: text}], "Rows")]
    parts += [theme_claim.heading(views[0]), theme_claim.reasons(views[0]), theme_claim.ways(view)]
    parts += [theme_claim.answers(view), theme_claim.beliefs(view), theme_claim.shown(view)]
    parts += [theme_claim.quantities(view)]
    for part in parts:
        reader = Reader(part)
        assert hostile.seen(text)[:60] in reader.text
        assert reader.tags <= {*_TAGS}


@pytest.mark.parametrize("text", hostile.ALL)
def test_keys_are_literal_in_addresses_and_attributes(text: str) -> None:
    graph = hostile_graph("Plain")
    keyed = replace(graph.claims[0], id=f"{text}'\"><b>")
    alone = ArgumentGraph((keyed,), (), (Root(keyed.id),))
    drawn = svg(alone, keyed.id, propagate(alone), {}, href_fn=desk.claim_href)
    for part in (desk.link(keyed.id, "inside"), drawn):
        assert "b" not in Reader(part).tags and 'href="claim?key=' in part and "<script" not in part


def test_a_course_is_said_in_words_too() -> None:
    drawn = desk.course(((0, 0.5), (3, 0.25)), own=(2,))
    assert "From 50\u00a0% before any answer to 25\u00a0% after 3 answers. Golden lines" in Reader(drawn).text
    assert 'x1="66.7"' in drawn and 'd="M0 50.0 H100.0 V75.0 H100"' in drawn
