"""The desk's looks: what the pages' views give as HTML. Pure.

As in `theme`, every text of models and users passes through `literal`; keys of claims stand in attributes, escaped.
Streamlit's lists to choose from show texts as they are. Its tables are not for them: `st.table` reads Markdown, and of
`st.dataframe` a CSV can be taken in which a text that begins as a formula is one.
"""

import html
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from urllib.parse import quote

from oracle_ui.theme import literal
from oracle_ui.view import percents
from oracle_ui.view_trees import ClaimRow, Points, RootRow


def block(*parts: str) -> str:
    """Returns HTML in the desk's style."""
    return f'<div class="desk">{"".join(parts)}</div>'


def title(eyebrow: str, words: str, said: str = "") -> str:
    """Returns a page's heading. The words are ours, not a user's."""
    under = f'<p class="desk-quiet">{said}</p>' if said else ""
    return f'<p class="desk-eyebrow">{eyebrow}</p><h1>{words}</h1>{under}'


def text_title(eyebrow: str, text: str) -> str:
    """Returns a heading that is somebody's text."""
    kind = ' class="desk-long"' if len(text) > 140 else ""
    return f'<p class="desk-eyebrow">{eyebrow}</p><h1{kind}>{literal(text)}</h1>'


def section(words: str) -> str:
    """Returns the heading of a part of a page, of our words."""
    return f"<h2>{words}</h2>"


def quiet(words: str) -> str:
    """Returns a sentence of ours (HTML) in the background."""
    return f'<p class="desk-quiet">{words}</p>'


def empty(words: str) -> str:
    """Returns what a page says where there is nothing to show yet; our words, as HTML."""
    return f'<div class="desk-empty"><p>{words}</p></div>'


def notice(sentence: str) -> str:
    """Returns a sentence about something that went wrong."""
    return f'<div class="desk-card desk-side-against" role="alert">{literal(sentence)}</div>'


def facts(*pairs: tuple[str, str, str]) -> str:
    """Returns figures, large: name, figure and what is small under it, each HTML of ours."""
    items = "".join(
        f"<div><dt>{name}</dt><dd>{figure}{f'<small>{under}</small>' if under else ''}</dd></div>"
        for name, figure, under in pairs
    )
    return f'<dl class="desk-facts">{items}</dl>'


def percent(prob: float) -> str:
    """Returns a probability as HTML."""
    return html.escape(percents(prob)[0])


def count(number: int, one: str, many: str = "") -> str:
    """Returns a number with its noun."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def when(at: datetime) -> str:
    """Returns a moment, in UTC to the minute."""
    return f"{at:%Y-%m-%d %H:%M} UTC"


def claim_href(key: str) -> str:
    """Returns the address of a claim's page."""
    return f"claim?key={quote(key, safe='')}"


def source(link: str) -> str:
    """Returns a link that a rater gave, to follow at one's own risk; as text only if it is none of http or https."""
    shown, rel = literal(link, 200), "noopener noreferrer nofollow"
    if not link.startswith(("http://", "https://")):
        return shown
    return f'<a class="desk-inline" href="{html.escape(link)}" rel="{rel}">{shown}</a>'


def link(key: str, inside: str, kind: str = "", page: str = "claim") -> str:
    """Returns a link to what has this key, around HTML of ours."""
    href = claim_href(key) if page == "claim" else f"{page}?root={quote(key, safe='')}"
    shown = f' class="{kind}"' if kind else ""
    return f'<a{shown} href="{href}" data-open="{html.escape(key)}">{inside}</a>'


def text_link(row: ClaimRow, longest: int = 300) -> str:
    """Returns a claim's text as a link to its page."""
    return link(row.key, literal(row.text, longest), "desk-inline")


def roots(rows: Iterable[RootRow]) -> str:
    """Returns the overview of roots, each a link to its tree."""
    return f'<ul class="desk-list">{"".join(f"<li>{_root(row)}</li>" for row in rows)}</ul>'


def claims(rows: Iterable[ClaimRow], most_value: float) -> str:
    """Returns a list of claims, links to their pages, with what answers would be worth beside the highest value."""
    return f'<ul class="desk-list">{"".join(f"<li>{_claim(row, most_value)}</li>" for row in rows)}</ul>'


def counts(columns: Sequence[str], rows: Sequence[tuple[str, str, Sequence[int]]]) -> str:
    """Returns a table of numbers; all words are ours.

    Args:
        columns: heads of the columns of numbers.
        rows: name, what it is, and the numbers.
    """
    head = "".join(f'<th scope="col">{name}</th>' for name in columns)
    body = "".join(
        f'<tr><th scope="row">{name} <span class="desk-side">{said}</span></th>'
        + "".join(f"<td>{number:,}</td>" for number in numbers)
        + "</tr>"
        for name, said, numbers in rows
    )
    return f'<table class="desk-counts"><thead><tr><th></th>{head}</tr></thead><tbody>{body}</tbody></table>'


def records(rows: Sequence[Mapping[str, str]], said: str) -> str:
    """Returns a table of texts that scrolls within itself.

    Args:
        rows: column -> what stands there, by anybody.
        said: what the table is, in words of ours.
    """
    names = list(rows[0]) if rows else []
    head = "".join(f'<th scope="col">{literal(name, 60)}</th>' for name in names)
    body = "".join(f"<tr>{''.join(f'<td>{literal(row[name], 600)}</td>' for name in names)}</tr>" for row in rows)
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return f'<div class="desk-records" tabindex="0" role="region" aria-label="{said}">{table}</div>'


def tree(picture: str) -> str:
    """Returns the frame in which a tree's picture (SVG of `argtree.svg`) is dragged and zoomed."""
    buttons = "".join(
        f'<button type="button" data-zoom="{act}" aria-label="{said}" title="{said}">{sign}</button>'
        for act, said, sign in (("out", "Zoom out", "−"), ("in", "Zoom in", "+"), ("fit", "Fit", "Fit"))
    )
    label = (
        '<b class="desk-for">Green</b> supports, <b class="desk-against">red</b> attacks, thicker is stronger. A '
        '<b class="desk-gold">golden rim</b>: worth asking, the wider the more. Press a claim to see all that is known.'
    )
    return (
        f'<div class="desk-tree"><div class="desk-bar"><p class="desk-quiet">{label}</p><div>{buttons}</div></div>'
        f'<div class="desk-view" tabindex="0" role="group" aria-label="The tree: arrows move it, + and - zoom, tab '
        f'goes from claim to claim">{picture}</div></div>'
    )


def course(points: Points, own: Sequence[int] = ()) -> str:
    """Returns a probability as answers came in, as a picture that is also said in words.

    Args:
        points: at least one.
        own: answers about the claim itself, which are marked.
    """
    last = max(points[-1][0], 1)
    line = _steps(points, last)
    marks = "".join(f'<line class="desk-own" x1="{_n(one / last * 100)}" x2="{_n(one / last * 100)}" y1="0" y2="100"/>'
                    for one in own)  # fmt: skip
    grid = "".join(f'<line x1="0" x2="100" y1="{y}" y2="{y}"/>' for y in (0, 50, 100))
    first, now = percent(points[0][1]), percent(points[-1][1])
    marked = " Golden lines: answers about this claim." if own else ""
    said = f"From {first} before any answer to {now} after {count(points[-1][0], 'answer')}."
    scale = "".join(f"<span>{mark}&nbsp;%</span>" for mark in (100, 50, 0))
    drawn = (
        '<svg class="desk-course" viewBox="0 0 100 100" preserveAspectRatio="none" role="img" '
        f'aria-label="{said}">{grid}{marks}<path class="desk-area" d="{line} V100 H0 Z"/><path d="{line}"/></svg>'
    )
    axis = f"<span>no answer yet</span><span>{count(last, 'answer')}</span>"
    return (
        f'<div class="desk-plot"><div class="desk-scale" aria-hidden="true">{scale}</div>{drawn}<span></span>'
        f'<div class="desk-axis" aria-hidden="true">{axis}</div></div>{quiet(said + marked)}'
    )


def track(before: float, after: float) -> str:
    """Returns the way from one probability to another on a line from 0 to 100 %."""
    left, right = sorted((100 * before, 100 * after))
    hue = "desk-for" if after > before else "desk-against"
    span = f'<span style="left: {left:.2f}%; width: {max(right - left, 0.6):.2f}%"></span>'
    return f'<div class="desk-track {hue}" aria-hidden="true">{span}</div>'


def move(text: str, before: float, after: float) -> str:
    """Returns what moved, HTML of ours, with its probability before and after."""
    was, now = map(html.escape, percents(before, after))
    hue = "desk-for" if after > before else "desk-against"
    figures = f'<span class="desk-figure">{was} → <span class="{hue}">{now}</span></span>'
    return f'<div class="desk-move"><span>{text}</span>{figures}{track(before, after)}</div>'


def label_chip(row: ClaimRow) -> str:
    """Returns whether people said that the claim is true, "" where nobody answered."""
    if row.label is None:
        return ""
    said, hue = ("said true", "for") if row.label > 0.5 else ("said false", "against")
    said, hue = ("unsure", "gold") if 0.2 < row.label < 0.8 else (said, hue)
    return f'<span class="desk-chip desk-{hue}">{said}</span>'


def _root(row: RootRow) -> str:
    under = count(row.num_claims, "claim")
    said = " · ".join(
        ([f"asked by the model itself, {literal(row.posed_by, 60)}"] if row.posed_by is not None else [])
        + [under]
        + ([f"{row.num_answered:,} answered"] if row.num_answered else [])
        + ([f"{row.num_open:,} to ask"] if row.num_open else [])
    )
    text = f'<span class="desk-text">{literal(row.question, 300)}</span><br><span class="desk-side">{said}</span>'
    inside = f'<span>{text}</span>{_spark(row.course)}<span class="desk-figure">{percent(row.prob)}</span>'
    return link(row.key, inside, "desk-row", "trees")


def _claim(row: ClaimRow, most_value: float) -> str:
    share = row.value / most_value if most_value > 0 else 0.0
    worth = f"worth {row.value:.2g}" if share >= 0.005 else ""
    meter = (
        f'<span class="desk-meter" title="{worth}" role="img" aria-label="{worth}"><span style="width: '
        f'{100 * share:.1f}%"></span></span>'
        if worth
        else ""
    )
    text = f'<span class="desk-text">{literal(row.text, 300)}</span>'
    inside = f'<span>{text}</span>{label_chip(row)}{meter}<span class="desk-figure">{percent(row.prob)}</span>'
    return link(row.key, inside, "desk-row")


def _spark(points: Points) -> str:
    if len(points) < 2:
        return ""
    line = _steps(points, points[-1][0])
    return (
        '<svg class="desk-spark" viewBox="0 -4 100 108" preserveAspectRatio="none" aria-hidden="true">'
        f'<line x1="0" x2="100" y1="50" y2="50"/><path d="{line}"/></svg>'
    )


def _steps(points: Points, last: int) -> str:
    """Returns a path through the points: a probability stays as it is until the next one."""
    path = f"M0 {_n(100 - 100 * points[0][1])}"
    for answers, prob in points[1:]:
        path += f" H{_n(answers / last * 100)} V{_n(100 - 100 * prob)}"
    return path + " H100"


def _n(number: float) -> str:
    return f"{number:.1f}"
