"""The looks of the page where arguments are compared. Pure; as in `theme`, every text of others goes by `literal`."""

import html

from oracle_ui.theme import literal
from oracle_ui.view import percents
from oracle_ui.view_compare import Card, Compared, PairView, Reason

_LONG = 140  # a claim longer than this gets smaller type
_MOST_REASONS = 12

STYLE = """<style>
[data-testid="stMainBlockContainer"] {max-width: 60rem}
.at-pair {display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 15rem), 1fr)); gap: 1rem;
  margin-top: .4rem}
.at-side {border: 1px solid var(--line); border-top: .28rem solid var(--hue); background: var(--tint);
  border-radius: .75rem; padding: .8rem 1rem 1rem; display: flex; flex-direction: column; gap: .55rem}
.at-head {display: flex; gap: .7rem; align-items: center}
.at-number {border: 1px solid currentColor; border-radius: .4rem; min-width: 1.75rem; line-height: 1.7rem;
  text-align: center; font-weight: 600; font-variant-numeric: tabular-nums}
.at-head b {color: var(--hue)}
.at-side p {font-size: 1.06rem}
.at-joint {opacity: .75; font-size: .9rem}
</style>"""


def header(name: str, count: int) -> str:
    """Returns the line at the top: who is comparing, and how much they have."""
    counted = {0: "no comparisons in this sitting yet", 1: "1 comparison in this sitting"}
    said = counted.get(count, f"{count} comparisons in this sitting")
    return _block(f'<p class="at-quiet">{literal(name)} · {said}</p>')


def pair(view: PairView) -> str:
    """Returns the claim, large, and both arguments side by side, one below the other where there is no room."""
    size = " at-long" if len(view.claim) > _LONG else ""
    return _block(
        f'<p class="at-eyebrow">Which argues better about this?</p>'
        f'<h1 class="at-claim{size}">{literal(view.claim)}</h1>'
        f'<div class="at-pair">{"".join(map(_card, view.cards))}</div>'
    )


def reason() -> str:
    """Returns what the rater is to look at, and why these two are shown."""
    return _block(
        '<p class="at-quiet">Not whether you agree, but which of them gives the better reason: true, to the point, and '
        "strong enough. Of all pairs that you have not judged, these two are expected to tell most.</p>"
    )


def compared(done: Compared) -> str:
    """Returns what the last comparison did."""
    said = f'<p class="at-quiet">You said {html.escape(done.said)}: {literal(done.claim, 200)}</p>'
    if done.better is None:
        said += "<p>These two stay open for others.</p>"
    else:
        before, after = map(html.escape, percents(done.before, done.after))
        said += (
            f'<p class="at-move"><span>{_short(done.better)} argues better</span>'
            f'<span class="at-figures">{before} → {after}</span></p>'
        )
    return _block(f'<div class="at-card" role="status">{said}</div>')


def nothing() -> str:
    """Returns what to do when there is no pair for this rater."""
    return _block(
        '<h1 class="at-claim">Nothing to compare right now</h1><p class="at-quiet">Every pair that would still tell '
        "something is judged. Claims with two arguments or more are compared: ask argtree something new with "
        "<code>argtree explore &quot;a question&quot;</code>, then look again.</p>"
    )


def _card(card: Card) -> str:
    reasons = "".join(map(_reason, range(len(card.reasons)), card.reasons[:_MOST_REASONS]))
    left = len(card.reasons) - _MOST_REASONS
    more = f'<p class="at-joint">and {left} more</p>' if left > 0 else ""
    head = f'<div class="at-head"><span class="at-number">{card.number}</span><b>Argues {card.side}</b></div>'
    return f'<div class="at-side at-{card.polarity}">{head}{reasons}{more}</div>'


def _short(card: Card) -> str:
    """Returns the beginning of an argument, in quotation marks."""
    first, more = card.reasons[0], " …" if len(card.reasons) > 1 else ""
    return f"“{'' if first.holds else 'Not: '}{literal(first.text, 80)}{more}”"


def _reason(place: int, reason: Reason) -> str:
    joint = "because" if place == 0 else "and because"
    said = joint if reason.holds else f"{joint} it is not so that"
    return f'<div><span class="at-joint">{said}</span><p>{literal(reason.text, 600)}</p></div>'


def _block(body: str) -> str:
    return f'<div class="at">{body}</div>'
