"""Transparent rules: which phrases speak for a category, and which words for a mood.

A phrase counts once, stronger ones more. Rules alone answer where no classifier can be had; beside one, they correct
it where a phrase leaves little doubt.
"""

import re
from typing import Final

from qms_mcp.services.feedback_classes.models import Category, Sentiment

# Phrase patterns and their weight; without a stem's end, as words are inflected.
_PHRASES: Final[tuple[tuple[Category, float, str], ...]] = (
    ("delivery", 2,
     (r"\b(?:deliver(?:y|ed|ies)|shipment|shipped|courier|parcel|consignment"
     r"|tracking number|back ?order\w*)\b")),
    ("delivery", 1,
     (r"\b(?:late|arriv\w+|dispatch\w*|carrier|freight|forwarder|lead times?|pallet"
     r"|truck|wrong article|missing items?)\b")),
    ("labelling", 2,
     (r"\b(?:label\w*|instructions? (?:for use|leaflet)|user manual|operating (?:manual"
     r"|instructions)|leaflet|udi|certificate)\b")),
    ("labelling", 1,
     (r"\b(?:manual|expiry|barcode|data ?sheet|type plate|translation|declaration"
     r"|lot number|printed)\b")),
    ("packaging", 2,
     (r"\b(?:packag\w+|pouch\w*|blister\w*|carton|wrapping|shrink wrap|tamper"
     r"|sterile barrier|peel pack|padding)\b")),
    ("packaging", 1, r"\b(?:box(?:es)?|lid|cap seal|sealed|crushed|squashed|dented|container|foil)\b"),
    ("service", 2,
     (r"\b(?:hotline|customer (?:care|service)|technician|service engineer|call(?:s"
     r"|ed)? back|callback|rude|refund|credit note|invoice)\b")),
    ("service", 1,
     (r"\b(?:support|engineer|repair\w*|quot(?:e|ation|ed)|ticket|appointment|warranty"
     r"|e-?mail|phone|visit|maintenance)\b")),
    ("software", 2,
     (r"\b(?:software|firmware|app\b|crash(?:es)? when|log ?in|password|database|api"
     r"|bluetooth|server|web portal|error \d{3}|synchroni\w+)")),
    ("software", 1,
     (r"\b(?:update|upgrade|screen freezes|export|import|interface|program|upload|driver"
     r"|dashboard|restart)\b")),
    ("usability", 2,
     (r"\b(?:confus\w+|hard to|difficult to|awkward|uncomfortable|fiddly|laborious"
     r"|complicated|mixed up|not (?:clear|logical))\b")),
    ("usability", 1,
     (r"\b(?:too (?:small|heavy|quiet|stiff|short|thick)|with gloves|right-handed"
     r"|buttons?|menu|icon|handle)\b")),
    ("product_performance", 2,
     (r"\b(?:leak\w*|drift\w*|broke\b|broken|crack\w*|fail(?:s|ed|ure)|does not (?:work"
     r"|hold|fit)|stop(?:s|ped) working|defect\w*|malfunction\w*)\b")),
    ("product_performance", 1,
     (r"\b(?:loose|rust\w*|clog\w*|jam\w*|stuck|wrong readings?|out of (?:spec\w*"
     r"|tolerance)|battery|sensor|valve|seal|motor)\b")),
    ("praise", 2,
     (r"\b(?:thank(?:s| you)|excellent|great|outstanding|well done|very (?:happy|pleased"
     r"|satisfied)|delighted|recommend|perfect|wonderful|keep (?:it|up))\b")),
    ("other", 2,
     (r"\b(?:price list|catalogue|newsletter|apply for|unsubscribe|questionnaire"
     r"|purchase order|could you (?:please )?send|do you offer)\b")),
    ("other", 1, r"\?\s*$"),
)  # fmt: skip
_COMPILED: Final[list[tuple[Category, float, re.Pattern[str]]]] = [
    (category, weight, re.compile(pattern, re.IGNORECASE)) for category, weight, pattern in _PHRASES
]
_GOOD = {
    "thank": 1.5, "thanks": 1.5, "great": 2, "excellent": 2.5, "good": 1.5, "happy": 2, "pleased": 2, "satisfied": 1.5,
    "perfect": 2.5, "love": 2, "lovely": 2, "friendly": 1.5, "competent": 1.5, "helpful": 1.5, "quick": 1, "fast": 1,
    "reliable": 1.5, "easy": 1, "better": 1, "best": 2, "wonderful": 2.5, "outstanding": 2.5, "impressive": 2,
    "fine": 1, "delighted": 2.5, "recommend": 1.5, "pleasure": 2, "praise": 2, "super": 2, "thrilled": 2.5,
    "clear": 0.5, "beautiful": 2, "comfortable": 1.5, "useful": 1, "works": 0.5, "glad": 1, "nice": 1,
    "precise": 1, "careful": 1,
}  # fmt: skip
_BAD = {
    "bad": 2, "poor": 2, "terrible": 3, "awful": 3, "rude": 2.5, "wrong": 1.5, "broken": 1.5, "broke": 1.5, "late": 1.5,
    "missing": 1.5, "fail": 1.5, "fails": 1.5, "failed": 1.5, "failure": 1.5,
    "leak": 1.5, "leaks": 1.5, "leaked": 1.5,
    "unhappy": 2, "angry": 2.5, "disappointed": 2, "disappointing": 2, "unacceptable": 3, "useless": 2.5, "worst": 3,
    "complaint": 1, "complain": 1.5, "defective": 2, "damaged": 1.5, "crash": 1.5, "crashes": 1.5, "slow": 1,
    "hard": 0.5,
    "difficult": 1, "confusing": 1.5, "refused": 1.5, "ignored": 2, "nobody": 0.5, "never": 0.5, "cracked": 1.5,
    "stopped": 1, "stuck": 1, "error": 1, "lost": 1, "injured": 2.5, "hurt": 2, "died": 3, "death": 3, "burned": 2,
    "fire": 2, "dangerous": 2.5, "unsafe": 2.5, "problem": 1, "trouble": 1, "delay": 1.5, "delayed": 1.5, "again": 0.5,
    "waiting": 1, "waited": 1, "horrible": 3, "impossible": 1.5, "laborious": 1.5, "uncomfortable": 1.5, "wet": 0.5,
    "crushed": 1.5, "expired": 1.5, "contaminated": 2, "rust": 1.5, "dirty": 1.5, "unreadable": 1.5, "drips": 1,
}  # fmt: skip
_TURNED = frozenset({"not", "no", "never", "without", "nobody", "hardly", "cannot"})
_STRONGER = frozenset({"very", "really", "extremely", "so", "absolutely", "totally", "highly"})
_REACH = 3
_SPREAD = 3.0
_NEUTRAL = 0.25
_WORD = re.compile(r"[\w']+")


def phrase_weights(text: str) -> dict[Category, float]:
    """Return how much the phrases in a text speak for each category; those for none are not there."""
    weights: dict[Category, float] = {}
    for category, weight, pattern in _COMPILED:
        found = {one[0].lower() for one in pattern.finditer(text)}
        if found:
            weights[category] = weights.get(category, 0.0) + weight * len(found)
    return weights


def mood_of(text: str) -> tuple[float, Sentiment]:
    """Return how a text sounds, from -1 to 1, and that in a word; a negation before a word turns it around."""
    words = [word.lower() for word in _WORD.findall(text.replace("\u2019", "'"))]
    total = 0.0
    for place, word in enumerate(words):
        value = _GOOD.get(word, 0.0) - _BAD.get(word, 0.0)
        if not value:
            continue
        before = words[max(0, place - _REACH) : place]
        if _STRONGER & set(before[-1:]):
            value *= 1.5
        if any(one in _TURNED or one.endswith("n't") for one in before):
            value *= -0.7
        total += value
    score = round(total / (abs(total) + _SPREAD), 2) if total else 0.0
    if abs(score) < _NEUTRAL:
        return score, "neutral"
    return score, "positive" if score > 0 else "negative"
