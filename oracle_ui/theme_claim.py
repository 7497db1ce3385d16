"""A claim's page as HTML. Pure; texts as in `theme_desk`."""

from oracle_ui import theme_desk as desk
from oracle_ui.reading import Given, Held
from oracle_ui.theme import literal
from oracle_ui.view_claim import ClaimView, Reason, Way
from oracle_ui.view_trees import ClaimRow
from store.shown import ShownFact

_KINDS = {"direct": "asked outright", "residual": "if none of its reasons holds"}


def heading(view: ClaimView) -> str:
    """Returns the claim's text and its figures."""
    eyebrow = "Question" if view.row.is_root else "Claim"
    worded = ""
    if view.row.text != view.text:
        worded = f'<p class="desk-quiet">As a claim: {literal(view.text)}</p>'
    under = "if no argument fires" if view.is_argued else "before any answer"
    pairs = [("Probability", desk.percent(view.row.prob), ""), ("Prior", desk.percent(view.prior), under)]
    if view.row.label is not None:
        pairs.append(("Label", desk.percent(view.row.label), "by the answers alone"))
    if view.row.value:
        pairs.append(("Worth of an answer", f"{view.row.value:.2g}", "drop in the roots' variance"))
    return desk.text_title(eyebrow, view.row.text) + worded + desk.facts(*pairs) + _standing(view)


def reasons(view: ClaimView) -> str:
    """Returns the arguments for and against, side by side."""
    sides = ""
    for polarity, name, none in (("support", "For", "for"), ("attack", "Against", "against")):
        cards = "".join(_reason(one) for one in view.reasons if one.polarity == polarity)
        sides += f"<div>{desk.section(name)}{cards or desk.empty(f'No argument {none} it.')}</div>"
    return f'<div class="desk-two">{sides}</div>'


def ways(view: ClaimView) -> str:
    """Returns what the claim is a premise of: the way up to each root."""
    if not view.ways:
        said = "It is a question itself and bears on no other." if view.row.is_root else "It bears on no question."
        return desk.section("Bears on") + desk.quiet(said)
    left = view.num_ways - len(view.ways)
    more = desk.quiet(f"and on {desk.count(left, 'more question')}") if left > 0 else ""
    return desk.section("Bears on") + "".join(map(_way, view.ways)) + more


def answers(view: ClaimView) -> str:
    """Returns what people said, newest first."""
    if not view.answers:
        return desk.section("Answers") + desk.quiet("Nobody was asked about it yet.")
    return desk.section("Answers") + f'<ul class="desk-list">{"".join(map(_answer, view.answers))}</ul>'


def beliefs(view: ClaimView) -> str:
    """Returns what each generation of the model believed, oldest first."""
    if not view.record.beliefs:
        return desk.section("Beliefs") + desk.quiet("No model said what it believes: the claim was imported.")
    return desk.section("Beliefs") + f'<ul class="desk-list">{"".join(map(_belief, view.record.beliefs))}</ul>'


def shown(view: ClaimView) -> str:
    """Returns what was put before the model when it was asked for arguments; nothing where nothing was."""
    if not view.record.shown:
        return ""
    items = ""
    for fact in view.record.shown:
        by = f'<span class="desk-side">{literal(fact.generation, 60)} · {desk.when(fact.at)}</span>'
        items += f'<li class="desk-row"><span>{_fact(fact)}</span>{by}</li>'
    return desk.section("Shown to the model before it argued") + f'<ul class="desk-list">{items}</ul>'


def quantities(view: ClaimView) -> str:
    """Returns the numbers that decide the claim, if any do."""
    items = "".join(f"<li>{literal(text, 300)}</li>" for text in view.quantities)
    return f'{desk.section("Decided by")}<ul class="desk-list desk-plain">{items}</ul>' if items else ""


def _standing(view: ClaimView) -> str:
    chips = [desk.label_chip(view.row)]
    if view.queue_value is not None:
        chips.append('<span class="desk-chip desk-accent">in the queue</span>')
    elif not view.is_askable and view.row.label is None:
        chips.append('<span class="desk-chip desk-quiet">not asked: it is argued</span>')
    if view.record.is_exhausted:
        chips.append('<span class="desk-chip desk-quiet">fully explored</span>')
    first = f'<span class="desk-side">since {desk.when(view.record.created_at)}</span>'
    return f'<p style="margin-top: .9rem">{" ".join(filter(None, [*chips, first]))}</p>'


def _reason(reason: Reason) -> str:
    side = "for" if reason.polarity == "support" else "against"
    by = f'<span class="desk-side">{literal(reason.generation, 60)}</span>' if reason.generation else ""
    head = f'<p class="desk-head"><b class="desk-{side}">strength {reason.strength:.2f}</b>{by}</p>'
    rows = "".join(_premise(taken.claim, taken.holds) for taken in reason.premises)
    return f'<div class="desk-card desk-side-{side}">{head}{rows}</div>'


def _premise(row: ClaimRow, holds: bool) -> str:
    no = "" if holds else "<b>not:</b> "
    figure = f'<span class="desk-figure">{desk.percent(row.prob)}</span>'
    return f'<p class="desk-row"><span>{no}{desk.text_link(row)}</span>{figure}</p>'


def _way(way: Way) -> str:
    items = ""
    for holds, polarity, row in way.steps:
        verb = "supports" if polarity == "support" else "attacks"
        hue = "for" if polarity == "support" else "against"
        shown = f'<b class="desk-{hue}">{verb if holds else f"if false, {verb}"}</b> {desk.text_link(row)}'
        items += f'<li class="desk-by-{polarity}">{shown} <span class="desk-side">{desk.percent(row.prob)}</span></li>'
    by = 100 * abs(way.difference)
    more = "more" if way.difference > 0 else "less"
    head = f"True rather than false, the question is {by:.2g} points {more} likely." if by >= 0.005 else ""
    return f'<div class="desk-card">{desk.quiet(head) if head else ""}<ul class="desk-steps">{items}</ul></div>'


def _answer(answer: Given) -> str:
    note = f"<br>{literal(answer.note)}" if answer.note else ""
    note += f"<br>{desk.source(answer.source)}" if answer.source else ""
    by = f'<span class="desk-side">{literal(answer.rater, 80)} · {desk.when(answer.at)}</span>'
    return f'<li class="desk-row"><span><b>{literal(answer.words, 100)}</b>{note}</span>{by}</li>'


def _belief(held: Held) -> str:
    sure = f"as sure as after {held.pseudo_count:.3g} observations"
    facts = "".join(f"<br>Shown with it: {_fact(fact)}" for fact in held.shown)
    said = f'<b>{desk.percent(held.mean)}</b> <span class="desk-side">{_KINDS[held.kind]}, {sure}</span>'
    text = f"<span>{said}{facts}</span>"
    return (
        f'<li class="desk-row">{text}<span class="desk-side">{literal(held.generation, 60)} · '
        f"{desk.when(held.at)}</span></li>"
    )


def _fact(fact: ShownFact) -> str:
    if fact.claim is None:
        place = f"{literal(fact.file, 120)}, line {fact.line}"
        return f'“{literal(fact.text, 700)}” <span class="desk-side">{place}</span>'
    settled = f"settled as {'true' if fact.is_true else 'false'}"
    link = desk.link(fact.claim, literal(fact.text, 300), "desk-inline")
    return f'{link} <span class="desk-side">{settled}</span>'
