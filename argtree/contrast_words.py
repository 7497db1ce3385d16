"""The words by which two wordings of a claim are told apart: closed classes of English, and some common opposites.

Data alone; how it is used is said in `argtree.contrast`. What is not listed here is not seen there: the list of
opposites is short on purpose, and a model has to judge the rest.
"""

from __future__ import annotations

from types import MappingProxyType

PHRASES = (  # replaced in this order, in folded text whose contractions are written out
    (r"\bno (?:less|fewer) than\b|\bat least\b|\bno earlier than\b", " ≥ "),
    (r"\bno more than\b|\bat most\b|\bup to (?=[\d£$€])|\bno later than\b", " ≤ "),
    (r"\b(?:more than|greater than|over|above) (?=[\d£$€])", " > "),
    (r"\b(?:less than|fewer than|under|below) (?=[\d£$€])", " < "),
    (r"\bis it possible to\b|\bit is possible to\b|\bit is possible that\b", " can "),
    (r"\bit is impossible to\b", " not can "),
    (r"\bit is necessary to\b", " must "),
    (r"\bimpossible\b|\bunable to\b", " not can "),
    (r"\bpossible\b|\bcapable of\b|\bable to\b|\ballowed to\b|\bpermitted to\b", " can "),
    (r"\bunlikely\b", " not likely "),
    (r"\bunnecessary\b", " not necessary "),
    (r"\b(?:have|has|had|having|need|needs|needed) to\b|\brequired to\b|\bobliged to\b", " must "),
    (r"\bought to\b", " should "),
    (r"\bgoing to (?=[a-z])", " will "),
    (r"(?<!is )(?<!are )(?<!was )(?<!were )\bused to\b", " formerly "),
    (r"\bno longer\b|\bnot any ?more\b", " formerly not "),
    (r"\bfail(?:s|ed|ing)? to\b", " not "),
    (r"\ba few\b|\ba couple of\b|\ba number of\b", " some "),
    (r"\ba lot of\b|\blots of\b|\bplenty of\b", " many "),
    (r"\b(?:a|the) (?:great |vast |large )?majority of\b|\bmost of\b", " most "),
    (r"\bat all\b|\bthe most\b|\beach other\b|\bone another\b|\bof course\b", " "),
    (r"\bdegrees? celsius\b|°c\b", " celsius "),
    (r"\bdegrees? fahrenheit\b|°f\b", " fahrenheit "),
    (r"\bo'clock\b", " "),
    (r"\ba dozen\b", " 12 "),
    (r"\bper cent\b", " % "),
)

NEGATIONS = frozenset("not no never none nobody nothing nowhere neither without lack lacks lacked cannot".split())
"""`nor` counts where there is no `neither`."""
NEGATING_PREFIXES = ("un", "in", "im", "il", "ir", "non-", "non", "dis", "de")
COMPLEMENTS = (  # not the one is the other
    "open close", "open shut", "true false", "alive dead", "present absent", "pass fail", "full empty",
    "guilty innocent", "odd even", "same different", "include exclude", "right wrong", "correct wrong",
    "accept reject", "win lose", "remember forget", "allow forbid", "legal illicit", "like hate", "visible hidden",
    "male female", "online offline",
)  # fmt: skip
OPPOSITES = (  # at most one of the two is so, or the one is the other seen from the far side
    "high low", "tall short", "long short", "deep shallow", "wide narrow", "thick thin", "big small", "large small",
    "heavy light", "hot cold", "warm cool", "wet dry", "hard soft", "rough smooth", "sharp blunt", "loud quiet",
    "fast slow", "quick slow", "early late", "old young", "old new", "strong weak", "rich poor", "cheap expensive",
    "cheap dear", "good bad", "well badly", "clean dirty", "bright dark", "light dark", "black white",
    "easy difficult", "easy hard", "simple complex", "safe dangerous", "healthy ill", "happy sad", "brave cowardly",
    "sweet bitter", "near far", "left right", "top bottom", "upper lower", "above below", "over under",
    "inside outside", "in out", "on off", "up down", "north south", "east west", "before after", "since until",
    "first last", "front behind", "increase decrease", "increase reduce", "raise lower", "raise reduce", "rise fall",
    "grow shrink", "expand contract", "gain lose", "strengthen weaken", "accelerate slow", "heat cool", "melt freeze",
    "float sink", "cause prevent", "help hinder", "support oppose", "support contradict", "confirm refute",
    "prove disprove", "love hate", "begin end", "start stop", "start end", "arrive leave", "arrive depart",
    "enter leave", "buy sell", "give take", "give receive", "send receive", "lend borrow", "push pull",
    "attract repel", "build destroy", "create destroy", "add remove", "maximum minimum", "max min", "parent child",
    "teacher pupil", "employer employee", "winner loser", "day night", "summer winter", "male female",
    "positive negative", "optimistic pessimistic", "public private", "rare common", "dense sparse", "solid liquid",
    "ancient modern", "export import", "upstream downstream", "input output", "encrypt decrypt", "enable disable",
    "lock unlock", "synchronous asynchronous", "maximise minimise", "maximize minimize", "best worst", "better worse",
)  # fmt: skip

QUANTIFIERS = MappingProxyType(
    {
        **dict.fromkeys("all every each always everyone everybody everything everywhere whole entire".split(), "all"),
        **dict.fromkeys("some several someone somebody something somewhere sometimes occasionally".split(), "some"),
        **dict.fromkeys("most mostly usually generally typically normally".split(), "most"),
        **dict.fromkeys("many much often frequently".split(), "many"),
        **dict.fromkeys("few rarely seldom hardly scarcely barely".split(), "few"),
        **dict.fromkeys("only solely exclusively".split(), "only"),
        **{word: word for word in "both half almost nearly exactly".split()},
    }
)
"""`any` counts as all where nothing is negated; with a negation it goes without saying."""
MODALS = MappingProxyType(
    {
        **dict.fromkeys("can could may might possibly perhaps maybe".split(), "possible"),
        **dict.fromkeys("must necessary necessarily".split(), "necessary"),
        **dict.fromkeys("should".split(), "should"),
        **dict.fromkeys("would".split(), "would"),
        **dict.fromkeys("likely probably".split(), "likely"),
        **dict.fromkeys("certainly definitely surely certain".split(), "certain"),
    }
)
TENSES = MappingProxyType(
    {
        **dict.fromkeys("will shall".split(), "future"),
        **dict.fromkeys("was were did had ago formerly previously".split(), "past"),
    }
)
CALENDAR = frozenset(
    "monday tuesday wednesday thursday friday saturday sunday january february april june july august september "
    "october november december spring summer autumn winter today tomorrow yesterday tonight morning afternoon evening "
    "night weekend now currently already soon".split()
)  # without `may` and `march`, which are mostly verbs

PASTS: MappingProxyType[str, str] = MappingProxyType(
    {
        past: base
        for past, _, base in (
            pair.partition(":")
            for pair in (
                "ate:eat eaten:eat became:become began:begin bit:bite bitten:bite blew:blow bought:buy "
                "broke:break broken:break brought:bring built:build burnt:burn came:come caught:catch "
                "chose:choose chosen:choose drank:drink drunk:drink drew:draw drove:drive driven:drive fed:feed "
                "fell:fall fallen:fall felt:feel flew:fly fought:fight forgot:forget forgotten:forget "
                "found:find froze:freeze frozen:freeze gave:give given:give got:get grew:grow grown:grow heard:hear "
                "held:hold hid:hide hidden:hide kept:keep knew:know known:know led:lead lent:lend lost:lose "
                "made:make meant:mean met:meet paid:pay ran:run rang:ring rode:ride rose:rise risen:rise said:say "
                "sang:sing sank:sink sunk:sink sat:sit saw:see seen:see sent:send shook:shake shot:shoot "
                "slept:sleep sold:sell spent:spend spoke:speak spoken:speak stole:steal stolen:steal stood:stand "
                "stuck:stick swam:swim taught:teach taken:take thought:think threw:throw thrown:throw told:tell "
                "took:take tore:tear torn:tear understood:understand went:go gone:go woke:wake won:win wore:wear "
                "worn:wear written:write wrote:write "
            ).split()
        )
    }
)
PARTICIPLES_ONLY = frozenset(
    "bitten broken chosen driven drunk eaten fallen forgotten frozen given gone grown hidden known risen seen spoken "
    "stolen sunk taken thrown torn worn written".split()
)  # of the forms in `PASTS`; a verb that has one has a past of its own, like `rose`

NUMBERS = MappingProxyType(
    {
        word: float(value)
        for value, words in {
            0: "zero midnight", 2: "two twice", 3: "three thrice", 4: "four", 5: "five", 6: "six", 7: "seven",
            8: "eight", 9: "nine", 10: "ten", 11: "eleven", 12: "twelve noon", 13: "thirteen", 14: "fourteen",
            15: "fifteen", 16: "sixteen", 17: "seventeen", 18: "eighteen", 19: "nineteen", 20: "twenty",
            30: "thirty", 40: "forty", 50: "fifty", 60: "sixty", 70: "seventy", 80: "eighty", 90: "ninety",
            100: "hundred", 1_000: "thousand", 1_000_000: "million", 1_000_000_000: "billion",
        }.items()
        for word in words.split()
    }
)  # fmt: skip
ORDINALS = MappingProxyType(
    {word: rank for rank, word in enumerate("second third fourth fifth sixth seventh eighth ninth tenth".split(), 2)}
)

_UNITS: dict[str, dict[float, str]] = {
    "time": {1e-3: "ms millisecond milliseconds", 1: "s sec second seconds", 60: "min minute minutes",
             3600: "h hour hours", 86400: "day days", 604800: "week weeks"},
    "months": {1: "month months", 12: "year years", 120: "decade decades", 1200: "century centuries"},
    "length": {1e-3: "mm millimetre millimetres millimeter millimeters",
               1e-2: "cm centimetre centimetres centimeter centimeters", 1: "m metre metres meter meters",
               1e3: "km kilometre kilometres kilometer kilometers", 0.0254: "inch inches",
               0.3048: "foot feet ft", 1609.344: "mile miles"},
    "mass": {1e-6: "mg milligram milligrams", 1e-3: "g gram grams", 1: "kg kilo kilos kilogram kilograms",
             1e3: "t ton tons tonne tonnes", 0.45359237: "pound pounds lb lbs", 0.028349523125: "ounce ounces oz"},
    "volume": {1e-3: "ml millilitre millilitres milliliter milliliters", 1: "l litre litres liter liters"},
    "bytes": {1: "byte bytes", 1e3: "kb kilobyte kilobytes", 1e6: "mb megabyte megabytes",
              1e9: "gb gigabyte gigabytes", 1e12: "tb terabyte terabytes"},
    "power": {1: "w watt watts", 1e3: "kw kilowatt kilowatts", 1e6: "megawatt megawatts"},
    "voltage": {1: "v volt volts"}, "celsius": {1: "celsius"}, "fahrenheit": {1: "fahrenheit"},
    "degree": {1: "degree degrees °"}, "percent": {1: "% percent"}, "dollar": {1: "$ dollar dollars"},
    "euro": {1: "€ euro euros"}, "pound sterling": {1: "£"}, "cent": {1: "cent cents"},
}  # fmt: skip
UNITS: MappingProxyType[str, tuple[float, str]] = MappingProxyType(
    {
        word: (factor, dimension)
        for dimension, factors in _UNITS.items()
        for factor, words in factors.items()
        for word in words.split()
    }
)
"""By a unit's name its size in the dimension's first unit of size 1, and the dimension."""

BE = frozenset("is are was were be been being am get gets got".split())
HAVE = frozenset("has have had having".split())
SUBORDINATORS = frozenset("if when whenever because unless although though while whereas once".split())
PREPOSITIONS = frozenset(
    "in on at by to from of for with into onto over under above below between through during after before since until "
    "against about as than like near behind inside outside off out up down towards toward across along".split()
)
SYMMETRIC = frozenset(
    "marry parallel equal identical differ different similar same meet mix equivalent sibling near adjacent".split()
)
FUNCTION_WORDS = (
    BE
    | HAVE
    | SUBORDINATORS
    | PREPOSITIONS
    | frozenset(
        "a an the this that these those it its they them their he his him she her hers we us our you your i my me "
        "who whom which what there here and or but nor so do does did done doing not no any other another such own "
        "also too very really quite indeed truly just even still yet then ever to will shall more less most fewer "
        "enough whoever however thus therefore how why where make made".split()
    )
)
