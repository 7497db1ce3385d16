"""How the raters' work goes: answers, what is left to know, what answers were worth, pace and agreement."""

from collections.abc import Sequence

import altair as alt
import pandas as pd
import streamlit as st

from oracle_ui import theme_desk as desk
from oracle_ui.reading import Snapshot
from oracle_ui.shared import course, frame, show, snapshot
from oracle_ui.view_progress import (
    Mark,
    Pace,
    most_uncertainty,
    see_agreement,
    see_days,
    see_marks,
    see_pace,
)
from oracle_ui.wording import BREAK_SECONDS

_BLUE, _GOLD, _GREY = "#6472e6", "#c98a00", "#8b90a0"  # seen well on light and on dark grounds
_HEIGHT = 240


def main() -> None:
    """Draws the page once."""
    frame(_draw)


def _draw() -> None:
    there = snapshot()
    show(desk.title("Progress", "How the answers come in"))
    if not there.given:
        waiting = f"{desk.count(there.num_open, 'question')} in the queue" if there.num_open else "The queue is empty"
        show(desk.empty(f"Nobody has answered yet. {waiting}."))
        return
    history = course()
    marks = see_marks(there.given, history) if history is not None else []
    pace = see_pace(there.given)
    show(_facts(there, marks, pace))
    _show_days(there)
    if marks:
        _show_uncertainty(marks)
        _show_worth(marks, pace)
    else:
        show(desk.notice("What the answers did to the questions can't be worked out: they exclude one another."))
    _show_pace(pace)


def _facts(there: Snapshot, marks: Sequence[Mark], pace: Pace) -> str:
    alpha, twice = see_agreement(there.given)
    raters = len({one.rater for one in there.given})
    typical = pace.typical_seconds
    left = f"{marks[-1].uncertainty:.2f}" if marks else "–"
    of = f"{marks[0].uncertainty:.2f} before any answer, {most_uncertainty(there.graph):.2f} at most" if marks else ""
    both = f"Krippendorff's alpha on {desk.count(twice, 'claim')}" if twice else "no claim has two raters' answers"
    return desk.facts(
        ("Answers", f"{len(there.given):,}", f"by {desk.count(raters, 'rater')}"),
        ("Uncertainty left", left, of),
        ("In the queue", f"{there.num_open:,}", "to be asked"),
        ("Between answers", "–" if typical is None else f"{typical:.2g}&nbsp;s", "median gap of a rater"),
        ("Agreement", "–" if alpha is None else f"{alpha:.2f}", both),
    )


def _show_days(there: Snapshot) -> None:
    show(desk.section("Answers a day"))
    days = see_days(there.given)
    rows = [
        (day.day, number, said)
        for day in days
        for number, said in ((day.answers, "answered"), (day.passes, "can't say"))
    ]
    frame_ = pd.DataFrame(rows, columns=["day", "answers", "said"])
    frame_["day"] = [f"{day:%-d %b}" if len(days) < 300 else f"{day:%Y-%m-%d}" for day in frame_["day"]]
    colour = alt.Color("said:N", title=None, scale=alt.Scale(domain=["answered", "can't say"], range=[_BLUE, _GREY]))
    bars = alt.Chart(frame_, height=_HEIGHT).mark_bar(size=_bar(len(days)))
    _plot(
        bars.encode(
            x=alt.X("day:O", sort=None, title=None, axis=alt.Axis(labelAngle=0, labelOverlap=True)),
            y=alt.Y("answers:Q", title=None, axis=alt.Axis(tickMinStep=1)),
            color=colour,
        ),
        "Bars: how many answers came on each day.",
    )


def _bar(num_days: int) -> float:
    return max(3.0, min(36.0, 600 / num_days))


def _show_uncertainty(marks: Sequence[Mark]) -> None:
    show(
        desk.section("Uncertainty left"),
        desk.quiet("The sum over all questions of weight × p (1 − p), worked out on the trees as they are now."),
    )
    frame_ = pd.DataFrame([(mark.answers, mark.uncertainty) for mark in marks], columns=["answers", "left"])
    base = alt.Chart(frame_, height=_HEIGHT).encode(
        x=alt.X("answers:Q", title="answers", axis=alt.Axis(tickMinStep=1)),
        y=alt.Y("left:Q", title=None, scale=alt.Scale(domainMin=0)),
    )
    area = base.mark_area(interpolate="step-after", color=_BLUE, opacity=0.15)
    _plot(area + base.mark_line(interpolate="step-after", color=_BLUE, strokeWidth=2), "Line: uncertainty by answers.")


def _show_worth(marks: Sequence[Mark], pace: Pace) -> None:
    last = marks[-1]
    rate = (
        f" That is {last.gained / pace.minutes:.3g} a minute, where {last.predicted / pace.minutes:.3g} was predicted."
        if pace.minutes
        else ""
    )
    show(
        desk.section("What answers were worth"),
        desk.quiet(
            f"Together they took {last.gained:.3g} from the uncertainty; when they were asked, {last.predicted:.3g} "
            f"was expected of raters who never err.{rate}"
        ),
    )
    rows = [(mark.answers, mark.predicted, "predicted") for mark in marks] + [
        (mark.answers, mark.gained, "gained") for mark in marks
    ]
    frame_ = pd.DataFrame(rows, columns=["answers", "value", "what"])
    _plot(
        alt.Chart(frame_, height=_HEIGHT)
        .mark_line(interpolate="step-after", strokeWidth=2)
        .encode(
            x=alt.X("answers:Q", title="answers", axis=alt.Axis(tickMinStep=1)),
            y=alt.Y("value:Q", title=None),
            color=alt.Color(
                "what:N", title=None, scale=alt.Scale(domain=["gained", "predicted"], range=[_BLUE, _GOLD])
            ),
            strokeDash=alt.StrokeDash(
                "what:N", legend=None, scale=alt.Scale(domain=["gained", "predicted"], range=[[1, 0], [6, 4]])
            ),
        ),
        "Lines: value gained and value predicted, summed up, by answers.",
    )


def _show_pace(pace: Pace) -> None:
    said = (
        "When a question was shown is not kept, so this is the time between two answers of the same rater; gaps over "
        f"{BREAK_SECONDS / 60:.0f} minutes count as breaks."
    )
    show(desk.section("Time between answers"), desk.quiet(said))
    if not pace.seconds:
        show(desk.empty("No rater has given two answers in one sitting yet."))
        return
    chart = alt.Chart(pd.DataFrame({"seconds": pace.seconds}), height=_HEIGHT)
    _plot(
        chart.mark_bar(color=_BLUE, cornerRadiusTopLeft=3, cornerRadiusTopRight=3).encode(
            x=alt.X("seconds:Q", bin=alt.Bin(maxbins=24), title="seconds"),
            y=alt.Y("count():Q", title="answers", axis=alt.Axis(tickMinStep=1)),
        ),
        "Bars: how many answers took how many seconds.",
    )


def _plot(chart: alt.Chart | alt.LayerChart, said: str) -> None:
    st.altair_chart(chart.properties(description=said).configure_legend(orient="top").configure_view(strokeWidth=0))


if __name__ == "__main__":
    main()
