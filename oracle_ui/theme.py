"""The page's looks: the style sheet, and what `view` gives as HTML. Pure.

Claims, questions, notes and names are written by models and users, so every one of them passes through `literal`
and reaches the page by `st.html` alone. Streamlit's Markdown cannot carry them: even with every punctuation
character escaped it still makes links of addresses and pictures of emoji shortcodes, because it looks for those in
the text that is left after parsing.
"""

import html
import unicodedata
from collections.abc import Sequence

from oracle_ui.view import (
    Effect,
    Move,
    NothingView,
    NumberView,
    QuestionView,
    Rung,
    Stake,
    percents,
)
from oracle_ui.wording import LEFT_WORDS, pace_words, settled_words

_LONGEST = 2000  # characters of a text that are shown
_LONG = 140  # a claim longer than this gets smaller type
_MOST_MOVES = 5
_MOST_CLAIMS = 5

STYLE = """<style>
[data-testid="stMainBlockContainer"] {max-width: 42rem; padding-top: 2.5rem; padding-bottom: 4rem}
.at {--for: light-dark(#17794f, #4cc38a); --against: light-dark(#c2334a, #ff8b98);
  --line: color-mix(in srgb, currentColor 16%, transparent);
  --tint: color-mix(in srgb, currentColor 4%, transparent); line-height: 1.5; overflow-wrap: anywhere}
.at p {margin: 0}
.at bdi {white-space: pre-wrap}
.at-quiet {opacity: .75; font-size: .95rem}
.at-eyebrow {opacity: .75; font-size: .8rem; font-weight: 600; letter-spacing: .08em; text-transform: uppercase}
.at-claim {font-family: "Source Serif", Georgia, serif; font-size: clamp(1.7rem, 6vw, 2.5rem); font-weight: 600;
  line-height: 1.2; margin: .35rem 0 .7rem; text-wrap: balance}
.at-claim.at-long {font-size: 1.25rem; line-height: 1.4; text-wrap: auto}
.at-card {border: 1px solid var(--line); background: var(--tint); border-radius: .75rem; padding: .8rem 1rem}
.at-card.at-bad {border-color: var(--against)}
.at-move {display: flex; gap: 1rem; align-items: baseline; justify-content: space-between; margin-top: .35rem}
.at-figures {white-space: nowrap; font-variant-numeric: tabular-nums; font-weight: 600}
.at-up {color: var(--for)} .at-down {color: var(--against)}
.at-track {position: relative; height: .45rem; border-radius: 1rem; background: var(--line); margin: 2rem .5rem 2rem}
.at-span {position: absolute; top: 0; bottom: 0; background: color-mix(in srgb, currentColor 28%, transparent)}
.at-mark {position: absolute; top: 50%; width: .95rem; height: .95rem; border-radius: 50%;
  transform: translate(-50%, -50%)}
.at-mark.at-yes {background: var(--for)} .at-mark.at-no {background: var(--against)}
.at-mark.at-now {width: .2rem; height: 1.15rem; border-radius: .1rem; background: currentColor}
.at-mark span {position: absolute; left: 50%; transform: translateX(-50%); white-space: nowrap; font-size: .8rem;
  font-weight: 600}
.at-yes span, .at-no span {bottom: 1.15rem} .at-now span {top: 1.2rem; font-weight: 400; opacity: .75}
.at-chain {margin-top: .8rem}
.at-node {border: 1px solid var(--line); border-radius: .6rem; padding: .55rem .8rem; display: flex; gap: 1rem;
  justify-content: space-between; align-items: baseline}
.at-node .at-figures {opacity: .75; font-weight: 400; font-size: .9rem}
.at-node.at-root {border-color: currentColor; background: var(--tint); font-weight: 600}
.at-link {margin-left: 1.3rem; padding: .5rem 0 .5rem 1rem; border-left: 2px solid var(--hue); font-size: .9rem}
.at-support {--hue: var(--for)} .at-attack {--hue: var(--against)} .at-gap {--hue: var(--line)}
.at-link b {color: var(--hue)}
.at-gap b {color: inherit; opacity: .75; font-weight: 400}
.at-why {margin-top: 1rem}
.at-why > p + p {margin-top: .35rem}
[data-testid="stMain"]:focus-visible, [data-testid="stMain"]:focus-visible::before {outline: none; box-shadow: none}
@media (max-width: 640px) {[data-testid="stMainBlockContainer"] {padding-top: 4.4rem}}
</style>"""


def literal(text: str, longest: int = _LONGEST) -> str:
    """Returns HTML that shows the text as it is: no markup of any kind in it works, nor does it reach beyond itself.

    Characters without a look are shown as U+FFFD, except for line breaks and tabs. `bdi` keeps right-to-left marks
    from turning what stands around the text.
    """
    cut = text if len(text) <= longest else text[:longest] + "…"
    shown = "".join("\ufffd" if _is_control(character) else character for character in cut)
    return f"<bdi>{html.escape(shown)}</bdi>"


def header(name: str, seconds: Sequence[float]) -> str:
    """Returns the line at the top: who is answering, how much they have, and how fast (see `wording.pace_words`)."""
    return _block(f'<p class="at-quiet">{literal(name)} · {pace_words(seconds)}</p>')


def eyebrow(words: str) -> str:
    """Returns a small heading, of words of ours."""
    return _block(f'<p class="at-eyebrow">{html.escape(words)}</p>')


def taken_back() -> str:
    """Returns that the last answer or comparison does not count any more."""
    return _block('<div class="at-card" role="status"><p>Taken back: it does not count any more.</p></div>')


def welcome(more: str = "") -> str:
    """Returns the words above the form of who comes in, with more (HTML of ours) under them."""
    return _block(
        '<p class="at-eyebrow">argtree</p><h1 class="at-claim">A few plain questions</h1>'
        '<p class="at-quiet">Each one is the answer that would teach the model most right now. '
        f"You see why it is asked, and what your answer did.</p>{more}"
    )


def welcome_first() -> str:
    """Returns the words for whoever makes the first account."""
    return welcome(
        '<p class="at-quiet">You are the first one here: your account is the administrator’s, who invites others.</p>'
    )


def welcome_invited(name: str | None) -> str:
    """Returns the words for whoever was invited, as anybody or as the rater of this name."""
    said = "with a name and a password of your choice" if name is None else f"as {literal(name)}, with a new password"
    return welcome(f'<p class="at-quiet">You are invited: come in {said}.</p>')


def account(name: str, role: str) -> str:
    """Returns who is signed in."""
    return f"<p>{literal(name)}<br><small>{html.escape(role)}</small></p>"


def notice(sentence: str) -> str:
    """Returns a sentence about something that went wrong."""
    return _block(f'<div class="at-card at-bad" role="alert">{literal(sentence)}</div>')


def question(view: QuestionView) -> str:
    """Returns the claim, large, and how sure the model is of it."""
    size = " at-long" if len(view.claim) > _LONG else ""
    return _block(
        f'<p class="at-eyebrow">Is this true?</p><h1 class="at-claim{size}">{literal(view.claim)}</h1>'
        f'<p class="at-quiet">The model gives it {_figures(view.prob)[0]}.</p>'
    )


def number_question(view: NumberView) -> str:
    """Returns what number is asked for, large, and what the model expects."""
    size = " at-long" if len(view.text) > _LONG else ""
    return _block(
        f'<p class="at-eyebrow">What is the number?</p><h1 class="at-claim{size}">{literal(view.text)}</h1>'
        f'<p class="at-quiet">The model expects {view.expected:.3g} {_unit(view)}, give or take {view.spread:.2g}.</p>'
    )


def number_unit(view: NumberView) -> str:
    """Returns the unit that stands beside the field."""
    return _block(f"<p>{_unit(view) or 'a plain number, without a unit'}</p>")


def number_reason(view: NumberView) -> str:
    """Returns why the number is asked for: the claims that it decides."""
    claims = "".join(f"<p>“{literal(text, 400)}”</p>" for text in view.claims[:_MOST_CLAIMS])
    left = len(view.claims) - _MOST_CLAIMS
    more = f'<p class="at-quiet">and {left} more</p>' if left > 0 else ""
    said = '<p class="at-quiet">It decides what the model argues from:</p>'
    return _block(f'<p class="at-eyebrow">Why this question</p>{said}{claims}{more}{_hanging(view)}', " at-why")


def _hanging(view: NumberView) -> str:
    """Returns the questions that the number bears on, as they stand now."""
    if not view.roots:
        return ""
    roots = "".join(
        f'<p class="at-move"><span>{literal(text, 200)}</span><span class="at-figures">{_figures(prob)[0]}</span></p>'
        for text, prob in view.roots[:_MOST_MOVES]
    )
    left = len(view.roots) - _MOST_MOVES
    more = f'<p class="at-quiet">and {left} more</p>' if left > 0 else ""
    return f'<p class="at-quiet">These bear on what somebody asked. Where that stands now:</p>{roots}{more}'


def reason(view: QuestionView) -> str:
    """Returns why the question is asked: what would become of the root, and the way up to it."""
    if view.stake is None:
        said = literal(view.trouble or "Since it was picked, other answers have settled what it decided.")
        return _block(f'<p class="at-eyebrow">Why this question</p><p class="at-quiet">{said}</p>', " at-why")
    return _block(
        f'<p class="at-eyebrow">Why this question</p>{_outlook(view.stake)}{_track(view.stake)}'
        f"{_chain(view)}{_others(view.stake.others)}",
        " at-why",
    )


def effect(done: Effect) -> str:
    """Returns what the last answer did."""
    said = f'<p class="at-quiet">You said {literal(done.said, 200)}: {literal(done.claim, 200)}</p>'
    if done.left:
        said += f"<p>{LEFT_WORDS[done.left]}</p>"
    elif done.trouble:
        said += f"<p>Your answer is saved, but what follows from it is not known: {literal(done.trouble)}</p>"
    elif not done.moves:
        said += "<p>It is saved; no question moved by it.</p>"
    left = len(done.moves) - _MOST_MOVES
    more = f'<p class="at-quiet">and {left} more</p>' if left > 0 else ""
    moves = "".join(map(_move, done.moves[:_MOST_MOVES]))
    settled = f'<p class="at-quiet">{settled_words(done.settled)}</p>' if done.settled else ""
    return _block(f'<div class="at-card" role="status">{said}{moves}{more}{settled}</div>')


def nothing(view: NothingView) -> str:
    """Returns what to do when no question is open."""
    if view.held:
        title = "Others are on it"
        said = f"{_count(view.held)} being answered by somebody else just now: look again in a few minutes."
    else:
        title = "Nothing to ask you right now"
        said = (
            "Ask argtree something new with <code>argtree explore &quot;a question&quot;</code>, or leave "
            "<code>argtree daemon</code> running, which finds more; then look again."
        )
    passed = f" You could not say for {view.passed} that {_is(view.passed)} still open." if view.passed else ""
    return _block(f'<h1 class="at-claim">{title}</h1><p class="at-quiet">{said}{passed}</p>')


def _outlook(stake: Stake) -> str:
    now, yes, no = _figures(stake.prob, stake.if_yes, stake.if_no)
    goes = "it goes" if stake.is_root else f"“{literal(stake.question, 400)}” goes"
    return f"<p>If yes, {goes} from {now} to <b>{yes}</b>; if no, to <b>{no}</b>.</p>"


def _track(stake: Stake) -> str:
    """Returns a line from 0 to 100 % with the root's place now and after either answer."""
    now, yes, no = (min(max(100 * prob, 0), 100) for prob in (stake.prob, stake.if_yes, stake.if_no))
    left, right = min(yes, no), max(yes, no)
    marks = "".join(
        f'<div class="at-mark at-{name}" style="left: {place:.2f}%"><span>{name}</span></div>'
        for name, place in (("now", now), ("no", no), ("yes", yes))
    )
    span = f'<div class="at-span" style="left: {left:.2f}%; width: {right - left:.2f}%"></div>'
    return f'<div class="at-track" aria-hidden="true">{span}{marks}</div>'


def _chain(view: QuestionView) -> str:
    assert view.stake is not None
    if not view.stake.rungs:
        said = "This is one of the questions that somebody asked." if view.stake.is_root else ""
        return f'<p class="at-quiet">{said}</p>' if said else ""
    items = _node(view.claim, view.prob, "")
    for number, rung in enumerate(view.stake.rungs, 1):
        items += _gap(rung.skipped) if rung.skipped else ""
        items += _link(rung)
        items += _node(rung.conclusion, rung.prob, " at-root" if number == len(view.stake.rungs) else "")
    return f'<div class="at-chain" role="list">{items}</div>'


def _node(text: str, prob: float, kind: str) -> str:
    figure = f'<span class="at-figures">{_figures(prob)[0]}</span>'
    return f'<div class="at-node{kind}" role="listitem"><span>{literal(text, 400)}</span>{figure}</div>'


def _link(rung: Rung) -> str:
    verb = "supports" if rung.polarity == "support" else "attacks"
    said = f"<b>{verb}</b>" if rung.holds else f"if false, <b>{verb}</b>"
    for number, companion in enumerate(rung.companions):
        joint = "together with" if number == 0 else "and"
        said += f", {joint} {'' if companion.holds else 'the failing of '}“{literal(companion.text, 200)}”"
    return f'<div class="at-link at-{rung.polarity}" role="listitem">{said}</div>'


def _gap(skipped: int) -> str:
    return (
        f'<div class="at-link at-gap" role="listitem"><b>{skipped} more {"step" if skipped == 1 else "steps"}</b></div>'
    )


def _others(count: int) -> str:
    said = "one other question" if count == 1 else f"{count} other questions"
    return f'<p class="at-quiet" style="margin-top: .8rem">It bears on {said} too.</p>' if count else ""


def _unit(view: NumberView) -> str:
    return literal(view.unit, 80) if view.unit else ""


def _move(move: Move) -> str:
    before, after = _figures(move.before, move.after)
    way = "up" if move.after > move.before else "down"
    figures = f'<span class="at-figures">{before} → <span class="at-{way}">{after}</span></span>'
    return f'<p class="at-move"><span>{literal(move.question, 200)}</span>{figures}</p>'


def _count(number: int) -> str:
    return "The one open question is" if number == 1 else f"All {number} open questions are"


def _is(number: int) -> str:
    return "is" if number == 1 else "are"


def _is_control(character: str) -> bool:
    return character not in "\n\t" and unicodedata.category(character) in ("Cc", "Cs")


def _block(body: str, kind: str = "") -> str:
    return f'<div class="at{kind}">{body}</div>'


def _figures(*probs: float) -> tuple[str, ...]:
    return tuple(map(html.escape, percents(*probs)))  # "<1 %"
