"""Words and phrases by which statements are compared. Names of the field, in English with some German and French.

An axis is a question with two answers (`rising` or `falling`); two statements that answer one of them differently are
never the same statement.
"""

import re


def _each(words: str) -> frozenset[str]:
    return frozenset(words.split())


PHRASES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), said)
    for pattern, said in (
        (r"\b(?:past|passed|after|beyond|over) (?:its |their |the )?due dates?\b", " overdue "),
        (r"\bpast due\b", " overdue "),
        (r"\bon time\b", " timely "),
        (r"\bout of control\b", " uncontrolled "),
        (r"\bin control\b", " controlled "),
        (r"\bout of date\b", " outdated "),
        (r"\bup to date\b", " current "),
        (r"\bno longer\b", " not "),
        (r"\bnot yet\b", " not "),
        (r"n['\u2019]t\b", " not "),
        (r"\bcannot\b", " can not "),
        (r"\bcorrective and preventive actions?\b", " capa "),
        (r"\bnon[- ]?conformit(?:y|ies)\b|\bnon[- ]conformances?\b|\bncrs?\b(?!-)", " nonconformance "),
        (r"\bstandard operating procedures?\b|\bsops?\b(?!-)", " procedure "),
        (r"\b(?:the )?(?:number|amount|count) of\b", " "),
        (r"%", " percent "),
        (r"[€]", " eur "),
        (r"[$]", " usd "),
        (r"[≤]|\bat most\b|\bno more than\b", " atmost "),
        (r"[≥]|\bat least\b|\bno less than\b", " atleast "),
        (r"<", " below "),
        (r">", " above "),
    )
)

NEGATIONS = _each(
    "not no never none without nor neither nobody nothing lack lacks lacked lacking nicht kein keine keinen "
    "keiner ohne nie aucun aucune sans pas jamais"
)

_AXES: dict[str, tuple[str, str]] = {
    "trend": (
        """increase increases increased increasing
        rise rises rising rose risen grow grows grew growing up upward climbing
        steigt steigend gestiegen augmente""",
        """decrease decreases decreased decreasing
        fall falls falling fell fallen decline declines declined declining
        drop drops dropped dropping down downward shrinking sinkt sinkend gesunken diminue""",
    ),
    "level": ("above exceeds exceed exceeded exceeding higher atleast", "below under lower atmost"),
    "state": ("open opened reopened offen ouvert", "closed close closes geschlossen clos"),
    "effect": ("effective wirksam efficace", "ineffective unwirksam inefficace"),
    "whole": ("complete completed vollständig", "incomplete unfinished unvollständig"),
    "test": ("pass passes passed", "fail fails failed"),
    "validity": ("valid current", "invalid expired outdated obsolete abgelaufen"),
    "presence": ("present exists exist available found", "missing absent unavailable fehlt fehlen manque"),
    "consent": ("approved accepted approve accept", "rejected unapproved refused reject"),
    "control": ("stable controlled", "unstable uncontrolled"),
    "enough": ("adequate sufficient", "inadequate insufficient"),
    "fit": ("conforming conforms compliant", "nonconforming noncompliant"),
    "time": ("timely early", "late overdue delayed überfällig"),
    "course": ("improves improved improving better", "worse worsens worsened worsening deteriorates deteriorating"),
    "switch": ("enabled enable", "disabled disable"),
    "order": ("before", "after"),
    "extent": ("all every always", "some few rarely sometimes"),
    "extreme": ("maximum highest", "minimum lowest"),
    "signed": ("signed", "unsigned"),
    "trained": ("trained", "untrained"),
    "side": ("internal", "external"),
    "start": ("start begin resume", "stop suspend pause"),
    "change": ("add include", "remove exclude"),
    "need": ("required mandatory", "optional voluntary"),
    "movement": ("extend widen loosen", "shorten reduce tighten"),
    "risk": ("safe harmless", "unsafe harmful"),
    "known": ("known identified", "unknown unidentified"),
}
AXIS: dict[str, tuple[str, int]] = {
    word: (axis, sign)
    for axis, sides in _AXES.items()
    for sign, words in zip((1, -1), sides, strict=True)
    for word in words.split()
}

COUNTED: dict[str, str] = {
    word: str(number)
    for number, word in enumerate(  # "one" is more often a pronoun
        ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
        start=2,
    )
}

# Words that stand for one another, each group by its first.
_SAME = (
    "overdue late delayed", "nonconformance nc ncs", "procedure instruction", "show indicate suggest reveal",
    "record entry", "supplier vendor", "staff personnel employee operator", "rise increase grow climb",
    "fall decrease decline drop", "begin start", "finish complete", "review check examine inspect", "retrain train",
    "cause reason", "lack miss absent", "repeat recur reoccur", "problem issue", "correct fix", "add introduce",
    "month monthly", "week weekly", "often frequently", "customer client", "define set establish", "need require",
)  # fmt: skip
SAME = {word: group.split()[0] for group in _SAME for word in group.split()}

EMPTY = _each(
    "about a an the this that these those is are was were be been being has have had do does did of in on at by for "
    "from to with as and or it its their there which who than then still already currently now also been can "
    "may should must will would into per"
)
GENERAL = EMPTY | _each("process table record system area topic")

# Written in capitals and yet no name of anything.
NO_NAMES = _each("capa sop nc ncr qa qc kpi spc mrb cpk ppk fmea rpn iso fda qmsr eu mdr gmp sla id ok")

# To the base of each dimension.
UNITS: dict[str, tuple[str, float]] = {
    word: (dimension, factor)
    for dimension, units in {
        "time": {
            "s sec second seconds": 1.0, "ms millisecond milliseconds": 0.001, "min minute minutes": 60.0,
            "h hour hours": 3600.0, "d day days": 86400.0, "week weeks": 604800.0, "month months": 2629800.0,
            "year years": 31557600.0,
        },
        "share": {"percent": 0.01, "ppm": 1e-6},
        "length": {"mm": 0.001, "cm": 0.01, "m": 1.0, "um": 1e-6, "\u03bcm": 1e-6},
        "mass": {"mg": 0.001, "g": 1.0, "kg": 1000.0},
        "usd": {"usd dollar dollars": 1.0},
        "eur": {"eur euro euros": 1.0},
    }.items()
    for words, factor in units.items()
    for word in words.split()
}  # fmt: skip

# Measures whose values exclude one another, whatever the words are.
EXCLUSIVE = _each(
    "status state phase stage grade severity class classification category disposition owner type version"
)
