"""The desk's style sheet: colours for both themes, and what `theme_desk` and `theme_claim` are dressed in. Pure.

Streamlit sets `color-scheme`, so `light-dark()` follows its theme. A test holds the colours against WCAG's contrasts.
"""

FOR, AGAINST = ("#17794f", "#4cc38a"), ("#c2334a", "#ff8b98")  # in the light and in the dark theme
ACCENT, GOLD = ("#4653c8", "#9aa5ff"), ("#8a6100", "#ffc94d")
QUIET = ("#5d6070", "#aeaba4")
INK = ("#2f2d2b", "#edebe8")
GROUNDS = ("#ffffff", "#f8f8f6"), ("#171614", "#22211e")  # behind the page, and behind the list of pages and fields
PRIMARY = ("#4653c8", "#5a66d8")  # behind white text

# The tree's picture is made for a light ground (`argtree.svg`): what its colours are on a dark one.
_PICTURE = {
    "[fill='#1f2430']": ("fill", "#1f2430", "#edebe8"),
    "[stroke='#1f2430']": ("stroke", "#1f2430", "#edebe8"),
    "[fill='#666b7a']": ("fill", "#5d6070", "#aeaba4"),
    "[stroke='#666b7a']": ("stroke", "#5d6070", "#aeaba4"),
    "[fill='#f7f7f4']": ("fill", "#ffffff", "#171614"),
    "[stroke='#f7f7f4']": ("stroke", "#ffffff", "#171614"),
    "[stroke='#dcdbd4']": ("stroke", "#dcdbd4", "#35332f"),
    "rect[fill='#ffffff']": ("fill", "#ffffff", "#22211e"),
    "rect[stroke='#c9c8c1']": ("stroke", "#c9c8c1", "#46443f"),
    "[stroke='#a3a8b4']": ("stroke", "#a3a8b4", "#6b6860"),
    "[stroke='#e4e6ec']": ("stroke", "#e4e6ec", "#403e39"),
    "[stroke='#3568d4']": ("stroke", "#3568d4", "#7da2ff"),
    "rect[fill='#232a3b']": ("fill", "#232a3b", "#3a46a8"),
    "rect[stroke='#232a3b']": ("stroke", "#232a3b", "#3a46a8"),
    "[fill='#23864b']": ("fill", "#1c7a43", "#3fa86c"),
    "[stroke='#23864b']": ("stroke", "#1c7a43", "#3fa86c"),
    "[fill='#c7352e']": ("fill", "#c7352e", "#ee6a62"),
    "[stroke='#c7352e']": ("stroke", "#c7352e", "#ee6a62"),
    "rect.halo": ("fill", "#ffc94d", "#a97c14"),
}


def _both(pair: tuple[str, str]) -> str:
    return f"light-dark({pair[0]}, {pair[1]})"


STYLE = (
    "<style>"
    + '[data-testid="stButtonGroup"] [aria-checked="true"] '
    + f"{{color: {_both(ACCENT)} !important}}\n"
    + f".desk {{--for: {_both(FOR)}; --against: {_both(AGAINST)}; --accent: {_both(ACCENT)}; --gold: {_both(GOLD)};"
    + f"--quiet: {_both(QUIET)};"
    + """
  --line: color-mix(in srgb, currentColor 14%, transparent); --tint: color-mix(in srgb, currentColor 4%, transparent);
  line-height: 1.5; overflow-wrap: anywhere; font-variant-numeric: tabular-nums}
[data-testid="stMainBlockContainer"] {max-width: 68rem; padding-top: 3.2rem; padding-bottom: 5rem}
[data-testid="stMain"]:focus-visible, [data-testid="stMain"]:focus-visible::before {outline: none; box-shadow: none}
[data-testid="stElementToolbar"]:focus-within {opacity: 1}
[data-testid="stElementToolbar"] button:focus-visible {outline: 2px solid currentColor; outline-offset: -2px}
.desk p, .desk h1, .desk h2, .desk ul, .desk dl, .desk dt, .desk dd {margin: 0; padding: 0}
.desk bdi {white-space: pre-wrap}
.desk h1 {font-size: clamp(1.5rem, 4.5vw, 2rem); font-weight: 650; line-height: 1.25; letter-spacing: -.015em;
  text-wrap: balance}
.desk h1.desk-long {font-size: 1.25rem; text-wrap: auto}
.desk h2 {font-size: 1.05rem; font-weight: 650; margin: 1.1rem 0 .6rem}
.desk > h2:last-child {margin-bottom: 0}
.desk-quiet {color: var(--quiet); font-size: .92rem}
.desk-eyebrow {color: var(--quiet); font-size: .78rem; font-weight: 600; letter-spacing: .07em;
  text-transform: uppercase}
.desk a {color: inherit; text-decoration: none}
.desk a:hover .desk-text, .desk a.desk-inline:hover {text-decoration: underline; text-underline-offset: .2em}
.desk a:focus-visible, .desk-view:focus-visible, .desk-records:focus-visible, .desk button:focus-visible
  {outline: 2px solid var(--accent); outline-offset: 2px; border-radius: .5rem}
.desk a.desk-inline {color: var(--accent)}
.desk-list {list-style: none; border: 1px solid var(--line); border-radius: .75rem; overflow: hidden}
.desk-list > li {margin: 0; list-style: none}
.desk-list > li + li {border-top: 1px solid var(--line)}
.desk-row {display: flex; gap: .4rem 1.1rem; align-items: center; padding: .65rem 1rem}
.desk a.desk-row:hover {background: var(--tint)}
.desk a.desk-row:focus-visible {outline-offset: -2px}
.desk-row > :first-child {flex: 1 1 auto; min-width: 0}
.desk-figure {flex: none; font-weight: 600; white-space: nowrap; min-width: 3.4rem; text-align: right}
.desk-side {flex: none; color: var(--quiet); font-size: .88rem; white-space: nowrap}
.desk-meter {flex: none; width: 4.5rem; height: .4rem; border-radius: 1rem; background: var(--line); overflow: hidden}
.desk-meter > span {display: block; height: 100%; background: var(--gold); border-radius: 1rem}
.desk-chip {display: inline-block; font-size: .8rem; font-weight: 600; line-height: 1.3; padding: .15rem .55rem;
  border-radius: 1rem; border: 1px solid currentColor; white-space: nowrap}
.desk-for {color: var(--for)} .desk-against {color: var(--against)} .desk-gold {color: var(--gold)}
.desk-accent {color: var(--accent)}
.desk dl.desk-facts {display: flex; flex-wrap: wrap; gap: .9rem 2.4rem; margin-top: 1rem}
.desk-facts dt {color: var(--quiet); font-size: .85rem}
.desk-facts dd {font-size: 1.45rem; font-weight: 600; letter-spacing: -.01em; line-height: 1.3}
.desk-facts dd small {display: block; font-size: .82rem; font-weight: 400; letter-spacing: 0; color: var(--quiet)}
.desk-spark {flex: none; width: 7.5rem; height: 2rem; color: var(--accent)}
.desk-spark path {fill: none; stroke: currentColor; stroke-width: 1.6; vector-effect: non-scaling-stroke}
.desk-spark line {stroke: var(--line); vector-effect: non-scaling-stroke}
.desk-course {width: 100%; height: 9.5rem; color: var(--accent); display: block}
.desk-course path {fill: none; stroke: currentColor; stroke-width: 2; vector-effect: non-scaling-stroke}
.desk-course path.desk-area {fill: color-mix(in srgb, currentColor 12%, transparent); stroke: none}
.desk-course line {stroke: var(--line); vector-effect: non-scaling-stroke}
.desk-course line.desk-own {stroke: var(--gold); stroke-width: 2}
.desk-axis {display: flex; justify-content: space-between; color: var(--quiet); font-size: .82rem}
.desk-plot {display: grid; grid-template-columns: auto 1fr; gap: .3rem .6rem}
.desk-scale {display: flex; flex-direction: column; justify-content: space-between; color: var(--quiet);
  font-size: .82rem; text-align: right}
.desk-two {display: grid; grid-template-columns: 1fr 1fr; gap: 1rem; align-items: start}
.desk-card {border: 1px solid var(--line); border-radius: .75rem; padding: .8rem 1rem; margin-bottom: .7rem}
.desk-card.desk-side-for {border-left: 3px solid var(--for)}
.desk-card.desk-side-against {border-left: 3px solid var(--against)}
.desk-head {display: flex; justify-content: space-between; gap: 1rem; align-items: baseline; font-size: .9rem}
.desk-card .desk-row {padding: .3rem 0}
.desk-list + .desk-quiet {margin-top: .6rem}
.desk-empty {border: 1px dashed var(--line); border-radius: .75rem; padding: 1.4rem; text-align: center}
.desk-move {display: grid; grid-template-columns: 1fr auto; gap: .2rem 1rem; padding: .7rem 1rem}
.desk-track {grid-column: 1 / -1; position: relative; height: .4rem; border-radius: 1rem; background: var(--line)}
.desk-track > span {position: absolute; top: 0; bottom: 0; border-radius: 1rem; background: currentColor}
.desk-rater {display: grid; grid-template-columns: minmax(0, 4fr) minmax(0, 5fr); gap: .5rem 1.5rem;
  padding: .8rem 1rem}
.desk .desk-rater .desk-side {white-space: normal}
.desk dl.desk-ranges {display: grid; grid-template-columns: auto minmax(0, 1fr); gap: .15rem .9rem;
  align-items: center; margin-bottom: .25rem; font-size: .92rem}
.desk-ranges dt {color: var(--quiet)}
.desk-ranges dd {display: grid; grid-template-columns: minmax(3rem, 1fr) 7.8rem; gap: .7rem; align-items: center}
.desk-range {position: relative; height: .5rem; border-radius: 1rem; background: var(--line)}
.desk-range > span {position: absolute; top: 0; bottom: 0; border-radius: 1rem;
  background: color-mix(in srgb, var(--accent) 45%, transparent)}
.desk-range > i {position: absolute; top: -.2rem; bottom: -.2rem; width: .2rem; margin-left: -.1rem;
  border-radius: .1rem; background: var(--accent)}
.desk .desk-case {display: flex; gap: .4rem 1.1rem; justify-content: space-between; align-items: baseline;
  font-size: 1.08rem; font-weight: 600; margin-bottom: .35rem}
.desk .desk-case > :first-child {min-width: 0}
.desk .desk-case a {color: inherit}
.desk-case small {color: var(--quiet); font-size: .85rem; font-weight: 400}
.desk .desk-case .desk-chip {flex: none}
.desk-opinions {display: grid; grid-template-columns: repeat(auto-fill, minmax(min(12rem, 100%), 1fr)); gap: .7rem;
  margin-top: .7rem}
.desk-opinions .desk-card {margin: 0}
.desk-opinions .desk-side {white-space: normal}
.desk-opinions .desk-side > span {display: inline-block}
.desk-track + .desk-side {display: block; margin-top: .4rem}
.desk-steps > li {padding: .45rem 0 .45rem 1rem; border-left: 2px solid var(--line); list-style: none; margin: 0}
.desk-steps > li.desk-by-support {border-color: var(--for)}
.desk-steps > li.desk-by-attack {border-color: var(--against)}
.desk table.desk-counts {width: 100%; border-collapse: collapse; margin: 1rem 0 0}
.desk-counts th, .desk-counts td {border: 0; border-bottom: 1px solid var(--line); padding: .45rem .3rem}
.desk-counts td, .desk-counts thead th {text-align: right; white-space: nowrap}
.desk-counts thead th {color: var(--quiet); font-size: .85rem; font-weight: 400}
.desk-counts tbody th {text-align: left; font-weight: 600}
.desk-counts .desk-side {font-weight: 400; white-space: normal}
.desk-records {overflow: auto; max-height: 30rem; border: 1px solid var(--line); border-radius: .75rem}
.desk-records table {border-collapse: collapse; font-size: .88rem; margin: 0; width: 100%; min-width: 44rem}
.desk-records th, .desk-records td {border: 0; border-bottom: 1px solid var(--line); padding: .5rem .8rem;
  text-align: left; vertical-align: top; min-width: 5rem; max-width: 24rem}
.desk-records tr:last-child td {border-bottom: 0}
.desk-records th {color: var(--quiet); font-weight: 400; white-space: nowrap}
.desk-tree {border: 1px solid var(--line); border-radius: .75rem; overflow: hidden}
.desk-bar {display: flex; flex-wrap: wrap; gap: .4rem 1rem; align-items: center; padding: .5rem .7rem;
  border-bottom: 1px solid var(--line)}
.desk-bar > :first-child {flex: 1 1 14rem}
.desk-bar button {font: inherit; font-size: .9rem; color: inherit; background: var(--tint); min-width: 2.4rem;
  min-height: 2.2rem; border: 1px solid var(--line); border-radius: .5rem; cursor: pointer; margin-left: .3rem}
.desk-bar button:hover {border-color: currentColor}
.desk-view {overflow: auto; height: min(34rem, 72vh); cursor: grab; scrollbar-width: thin}
.desk-view:active {cursor: grabbing}
.desk-view svg {display: block; margin: 0 auto; max-width: none; user-select: none}
.desk-view svg .panel {stroke: none}
.desk-view svg a {cursor: pointer}
.desk-view svg a:hover .claim, .desk-view svg a:focus-visible .claim {stroke: var(--accent); stroke-width: 3}
.desk-view svg a:focus-visible {outline: none}
"""
    + "".join(f".desk-view svg {one} {{{name}: light-dark({a}, {b})}}\n" for one, (name, a, b) in _PICTURE.items())
    + """
@media (max-width: 640px) {
  .desk-two, .desk-rater {grid-template-columns: minmax(0, 1fr)}
  [data-testid="stMainBlockContainer"] {padding-top: 4.4rem}
  .desk-list .desk-row {flex-wrap: wrap} .desk-list .desk-row > :first-child {flex-basis: 100%}
  .desk-list .desk-figure {text-align: left}
  .desk-side {white-space: normal}
  .desk-facts {gap: .8rem 1.6rem}
  .desk-view {height: 62vh}
}
@media (prefers-reduced-motion: no-preference) {.desk a.desk-row {transition: background .12s}}
</style>"""
)
