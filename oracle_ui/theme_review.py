"""The reviewers' page as HTML. Pure; texts as in `theme_desk`."""

from collections.abc import Sequence

from oracle_ui import theme_desk as desk
from oracle_ui.audit import deed_words, label_words, who
from oracle_ui.theme import literal
from oracle_ui.view import Effect
from oracle_ui.wording import FLAGS, answer_words
from store.flags import Flagged
from store.history import Event
from store.review import Case, Opinion, Setting

_DOUBTS = {
    "against": "Raters stand against each other",
    "unsettled": "Closed, and not settled",
    "gold": "Believed raters contradict it as a gold question",
    None: "Set by a reviewer",
}
_MOST_MOVES = 5


def case(one: Case) -> str:
    """Returns a claim to decide about, with all that was said of it side by side."""
    figure = (
        "" if one.label is None else f'<span class="desk-figure"><small>label</small> {desk.percent(one.label)}</span>'
    )
    meter = "" if one.label is None else _label_bar(one.label)
    head = f'<p class="desk-eyebrow">{_DOUBTS[one.doubt]}</p>'
    link = desk.link(one.claim, literal(one.text), "desk-inline")
    text = f'<p class="desk-case"><span>{link}</span>{figure}</p>'
    setting = "" if one.setting is None else _setting(one.setting)
    said = "".join(map(_opinion, one.opinions)) or desk.quiet("No answer to it counts.")
    return f'{head}{text}{meter}{setting}<div class="desk-opinions">{said}</div>'


def flagged(flags: Sequence[Flagged]) -> str:
    """Returns a question with its flags, and what was decided about them; at least one flag."""
    first = flags[0]
    text = literal(first.text) if first.claim is None else desk.link(first.claim, literal(first.text), "desk-inline")
    state = "held: nobody is asked" if first.is_held else "not held"
    chip = f'<span class="desk-chip desk-{"against" if first.is_held else "quiet"}">{state}</span>'
    rows = "".join(
        f'<li class="desk-row"><span><b>{FLAGS[one.kind]}</b>{_note(one.note)}</span>'
        f'<span class="desk-side">{literal(one.rater, 80)} · {desk.when(one.at)}</span></li>'
        for one in flags
    )
    return f'<p class="desk-case"><span>{text}</span>{chip}</p><ul class="desk-list">{rows}</ul>{_decision(first)}'


def events(found: Sequence[Event]) -> str:
    """Returns who did what and when, as a list."""
    return f'<ul class="desk-list">{"".join(map(_event, found))}</ul>'


def effect(done: Effect) -> str:
    """Returns what an act of a reviewer did to the questions."""
    said = f"<p><b>{literal(done.claim, 200)}</b>: {literal(done.said, 100)}.</p>"
    if done.trouble:
        said += f"<p>It is saved, but what follows from it is not known: {literal(done.trouble)}</p>"
    elif not done.moves:
        said += desk.quiet("No question moved by it.")
    left = len(done.moves) - _MOST_MOVES
    more = desk.quiet(f"and {left} more") if left > 0 else ""
    rows = "".join(desk.move(literal(one.question, 300), one.before, one.after) for one in done.moves[:_MOST_MOVES])
    return f'<div class="desk-card" role="status">{said}{rows}{more}</div>'


def _label_bar(prob: float) -> str:
    hue = "for" if prob > 0.5 else "against"
    left, width = (50, 100 * prob - 50) if prob > 0.5 else (100 * prob, 50 - 100 * prob)
    span = f'<span style="left: {left:.1f}%; width: {max(width, 0.6):.1f}%"></span>'
    return f'<div class="desk-track desk-{hue}" aria-hidden="true">{span}</div>'


def _setting(one: Setting) -> str:
    by = f"{literal(one.rater, 80)} · {desk.when(one.at)}"
    return f'<p class="desk-side">set to <b>{literal(label_words(one.prob))}</b> by {by}{_note(one.note)}</p>'


def _opinion(one: Opinion) -> str:
    side = "" if one.prob is None or one.prob == 0.5 else "for" if one.prob > 0.5 else "against"
    words = literal(answer_words(one.kind, one.prob, None, why=one.why), 100)
    said = f'<b class="desk-{side}">{words}</b>' if side else f"<b>{words}</b>"
    gold = ' <span class="desk-chip desk-gold">gold question</span>' if one.is_gold else ""
    right = (f"{100 * prob:.0f}&nbsp;%" for prob in (one.reliability.sensitivity, one.reliability.specificity))
    known = "<span>sensitivity {},</span> <span>specificity {}</span>".format(*right)
    source = f"<p>{desk.source(one.source)}</p>" if one.source else ""
    note = f"<p>{literal(one.note)}</p>" if one.note else ""
    under = f'<p class="desk-side">{known}</p><p class="desk-side">{desk.when(one.at)}</p>'
    card = f"desk-card desk-side-{side}" if side else "desk-card"
    return (
        f'<div class="{card}"><p class="desk-head">{said}{literal(one.rater, 80)}</p>{gold}{note}{source}{under}</div>'
    )


def _decision(flag: Flagged) -> str:
    if flag.resolution is None:
        return ""
    said = "Put back in the queue" if flag.resolution.back_to_queue else "Set aside for good"
    return f'<p class="desk-side">{said} · {desk.when(flag.resolution.resolved_at)}{_note(flag.resolution.note)}</p>'


def _event(event: Event) -> str:
    text = literal(event.text, 300)
    about = desk.link(event.claim, text, "desk-inline") if event.claim is not None else text
    about = f"<br>{about}" if event.text else ""
    source = f"<br>{desk.source(event.source)}" if event.source else ""
    did = f"<b>{literal(who(event), 80)}</b> {literal(deed_words(event), 300)}"
    said = f"<span>{did}{about}{_note(event.note)}{source}</span>"
    return f'<li class="desk-row">{said}<span class="desk-side">{desk.when(event.at)}</span></li>'


def _note(note: str) -> str:
    return f"<br>{literal(note)}" if note else ""
