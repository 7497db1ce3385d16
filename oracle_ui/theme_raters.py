"""Raters as administrators see them, as HTML. Pure; texts as in `theme_desk`."""

from collections.abc import Iterable

from oracle_ui import theme_desk as desk
from oracle_ui.theme import literal
from store.records import Estimate, Record


def raters(records: Iterable[Record]) -> str:
    """Returns a list of raters: what they may do and did, and what their answers have shown of them."""
    return f'<ul class="desk-list">{"".join(map(_rater, records))}</ul>'


def interval(name: str, what: str, estimate: Estimate) -> str:
    """Returns a small bar from 0 to 100 % with the interval and a mark at the mean, and the same in words.

    Args:
        name: of the probability, ours.
        what: it is, in a few words of ours.
        estimate: of it.
    """
    low, mean, high = (100 * one for one in (estimate.low, estimate.mean, estimate.high))
    bar = (
        f'<span class="desk-range" aria-hidden="true"><span style="left: {low:.1f}%; width: {high - low:.1f}%"></span>'
        f'<i style="left: {mean:.1f}%"></i></span>'
    )
    figures = f'<b>{mean:.0f}&nbsp;%</b> <span class="desk-side">{low:.0f} to {high:.0f}&nbsp;%</span>'
    return f'<dt title="{what}">{name}</dt><dd>{bar}<span>{figures}</span></dd>'


def _rater(record: Record) -> str:
    return f'<li class="desk-rater"><div>{_who(record)}</div><div>{_shown(record)}</div></li>'


def _who(record: Record) -> str:
    one = record.standing
    chips = []
    if one.paused_at is not None:
        chips.append('<span class="desk-chip desk-against">paused</span>')
    if record.is_dismissed:
        chips.append('<span class="desk-chip desk-gold">answers dismissed</span>')
    seen = "never seen" if one.seen_at is None else f"seen {desk.when(one.seen_at)}"
    said = [one.role, desk.count(one.answers, "answer"), seen]
    if not one.has_password:
        said.append("no password")
    lines = f'<p><b>{literal(one.name)}</b> {" ".join(chips)}</p><p class="desk-side">{" · ".join(said)}</p>'
    if one.paused_at is not None:
        lines += f'<p class="desk-side">paused {desk.when(one.paused_at)}: {literal(one.paused_reason or "")}</p>'
    return lines


def _shown(record: Record) -> str:
    if record.sensitivity is None or record.specificity is None:
        bars = desk.quiet("Reliability: nothing known yet.")
    else:
        yes = interval("Sensitivity", "says yes where a claim is true", record.sensitivity)
        no = interval("Specificity", "says no where a claim is false", record.specificity)
        bars = f'<dl class="desk-ranges">{yes}{no}</dl>'
    said = f'<p class="desk-side">{_gold(record)} · {_belief(record)}</p>'
    return bars + said


def _gold(record: Record) -> str:
    if not record.gold_answered:
        return "no gold question answered"
    return f"gold questions right: {record.gold_right} of {record.gold_answered}"


def _belief(record: Record) -> str:
    if record.standing.vouched:
        return "vouched for"
    return f"believed as {record.standing.role}" if record.is_believed else "not vouched for"
