"""Words of harm in a text, and whether it says that there was none.

A word of harm is denied only by a negation right before it ("no injury", "nobody was hurt", "without any harm"); what
is further away denies nothing, because to overlook harm costs more than to look once too often.
"""

import re
import unicodedata
from dataclasses import dataclass

_HARM = re.compile(
    r"(?<![\w-])(?:"
    # People who are hurt.
    r"injur\w*|hurts?|hurting|wound(?:s|ed)?|bruis\w+|lacerat\w+|fractur(?:e|ed|es)|amputat\w+"
    r"|concussion|scald(?:s|ed)?|bleed(?:s|ing)?|bled|haemorrhag\w+|hemorrhag\w+|stitches|needle\s?stick\w*"
    r"|burn(?:ed|t) (?:\w+ ){0,3}?(?:hand|arm|skin|face|finger|leg|patient|user|operator|nurse|child|eye|mouth)s?"
    r"|(?:patient|user|operator|nurse|worker|child|employee|colleague|he|she|i) (?:was|were|got|is) "
    r"(?:badly |severely )?(?:burn(?:ed|t)|shocked(?! by (?:the |your )?(?:pric|cost|attitude|tone|delay|bill))"
    r"|crushed|trapped|stuck by|hit by|cut|poisoned|electrocuted)"
    r"|(?:first|second|third)[- ]degree burns?|(?:skin|chemical|acid|severe|serious|thermal) burns?"
    r"|(?:lost|loses|losing) (?:\w+ ){0,5}?(?:finger|hand|eye|sight|hearing|consciousness|limb|toe)s?"
    r"|broke (?:his|her|my|their|an?|the) (?:\w+ ){0,2}?(?:arm|leg|hip|hand|finger|nose|wrist|rib|ankle|tooth)"
    r"|cut (?:himself|herself|myself|themselves|my|his|her|their)|hand was cut|harm(?:ed|s|ful)?|maimed|paralys\w+"
    r"|(?:splash|spill|spray|squirt)(?:ed|s|es)? (?:\w+ ){0,3}?(?:eye|face|skin|mouth)s?|second operation|re-?operation"
    r"|revision surgery|(?:stay|remain|left|lodg|retain)(?:ed|s)? (?:behind )?in"
    r" (?:the |his |her )(?:vessel|body|patient|wound|tissue)"
    # Death and life in danger.
    r"|death|deaths|fatal\w*|deceased|killed|(?:patient|person|child|man|woman|user|resident) (?:is |was |found )?dead"
    r"|passed away|(?:did|didn't|does) ?(?:not )?survive|comas?|ist tot|broke off in(?:side)? the patient"
    r"|died|dies|life[- ]threatening|resuscitat\w+|cardiac arrest|stopped breathing|(?:can|could) ?n[o']t breathe"
    r"|intensive care|unconscious|faint(?:s|ed|ing)|seizures?|(?:had|suffered|of) a stroke|suffocat\w+"
    r"|strangl\w+|chok(?:e|ed|es|ing)|asphyxi\w+"
    # What makes people ill.
    r"|allerg(?:y|ic|ies)|anaphyla\w+|poison\w*|intoxicat\w+|infect(?:ed|ion|ions)|sepsis|overdos\w+|underdos\w+"
    r"|hospitali[sz]\w+|(?:taken|brought|admitted|sent|rushed) to (?:the |a )?(?:hospital|emergency)|emergency room"
    r"|adverse (?:event|reaction|effect)s?|side[- ]effects?|(?:became|fell|got|felt) (?:very )?(?:ill|sick)|vomit\w*"
    r"|severe pain|hypo-?glyc(?:a?emi\w+)|perforat(?:ed|ion|ions)|swallow(?:ed|s|ing)?"
    r"|rash|swelling of|blind(?:ed|ness)|miscarriage|birth defect"
    # What endangers.
    r"|electric(?:al)? shocks?|electrocut\w+|shocked (?:me|him|her|by the (?:mains|device|housing|cable))"
    r"|(?:caught|catches|on|set) (?:\w+ ){0,3}?fire|fire hazard|flames?|smok(?:e|es"
    r"|ing)|explo(?:de|ded|des|sion|sive)\w*"
    r"|sparks?|(?:finger|hand|arm|leg|foot|toe)s? (?:was|were|is|are|got) (?:crushed|trapped|pinched|burn(?:ed|t))"
    r"|burn(?:ed|t) (?:myself|himself|herself|themselves)|toxic|radiation"
    r"|hazard(?:s|ous)?|danger(?:ous|ously|s)?|unsafe|near[- ]miss|evacuat\w+"
    r"|glass (?:\w+ ){0,3}?in (?:the |my |our )?(?:food|vial|drug|jar|meal)|(?<!by )(?:accidents?|collisions?)"
    # The same in the languages customers also write.
    r"|verletz\w*|gestorben|verstorben|verbrann\w*|verbrühung\w*|stromschl[aä]g\w*|lebensgefahr|erstick\w*|brandgefahr"
    r"|bless(?:é|ée|és|ure|ures)|décéd\w*|décès|brûl(?:é|ée|ure|ures)|électrocut\w*"
    r"|herid[oa]s?|lesion\w*|muri[oó]|muerte"
    r"|quemad\w*|ferit[oaie]|mort[oe]|ustion\w*"
    r")(?!\w)",
    re.IGNORECASE,
)
_NOT_PEOPLE = re.compile(
    r"(?:batter(?:y|ies)|device|screen|display|motor|unit|charger|printer|pump|app|connection|phone|computer|laptop"
    r"|tablet|server|system|light|instrument|machine|engine|program|software|call"
    r"|line)\s+(?:has |had |just |then |again |suddenly )*$",
    re.IGNORECASE,
)
_DENIED = re.compile(
    r"(?:\b(?:no|not|never|without|neither|nor|none|nobody|n[o']t|no[- ]one|free of"
    r"|zero|kein\w*|nicht|niemand|ohne|aucun\w*|sans"
    r"|ning[uú]n\w*|sin|nessun\w*|senza)\b|n't)"
    r"(?:\s+(?:any|a|an|the|one|of|us|them|patient|patients|person|people|user|users|operator|staff|was|were|is|are|be"
    r"|been|has|have|had|got|getting|serious|seriously|severe|further|actual|known|reported|related|or|other|wurde"
    r"|wurden|ist|injury|injuries|injured|harm|harmed|hurt|death|deaths|damage|blessé|grave))*\s*$",
    re.IGNORECASE,
)
_AFTER_DENIED = re.compile(
    # "not reported", "not noticed" or "not treated" denies no harm.
    r"^\s*(?:was|were|is|are|has been|have been)\s+(?:(?:not|never) (?:observed|found|confirmed)\b|ruled out|excluded)",
    re.IGNORECASE,
)
_NOT_DENIED = re.compile(r"\bnot (?:only|just|merely)\b|\bno (?:doubt|wonder|longer)\b", re.IGNORECASE)
_URGENT = re.compile(
    r"\b(?:urgent\w*|immediately|at once|asap|as soon as possible|emergency|line (?:is )?(?:down|stopped|stands still)"
    r"|production (?:is )?(?:down|stopped)|stop(?:ped)? (?:our|the) line|recall|authorit(?:y|ies)|lawyer|legal action"
    r"|sue you|fda|last warning|dringend|sofort|eilt|urgente?)\b",
    re.IGNORECASE,
)
_BEFORE = 80
_MOST_WORDS = 6
_DIED = frozenset({"died", "dies"})


@dataclass(frozen=True, slots=True)
class Alarm:
    """What raises the urgency of a text.

    Attributes:
        harm: Words of harm that nothing denies.
        denied: Words of harm that are denied, with their negation.
        haste: Words that ask for haste.
    """

    harm: tuple[str, ...]
    denied: tuple[str, ...]
    haste: tuple[str, ...]


def alarm_in(text: str) -> Alarm:
    """Return the words of harm and of haste in a text."""
    plain = " ".join(unicodedata.normalize("NFKC", text).replace("\u2019", "'").split())
    harm: dict[str, None] = {}
    denied: dict[str, None] = {}
    for found in _HARM.finditer(plain):
        word = found[0]
        before = plain[max(0, found.start() - _BEFORE) : found.start()]
        if word.lower() in _DIED and _NOT_PEOPLE.search(before):
            continue
        negation = _DENIED.search(before)
        if negation and not _NOT_DENIED.search(before[negation.start() :]):
            denied[f"{negation[0].strip()} {word}".lower()] = None
        elif _AFTER_DENIED.match(plain[found.end() :]):
            denied[f"{word} denied".lower()] = None
        else:
            harm[word.lower()] = None
    haste = dict.fromkeys(found[0].lower() for found in _URGENT.finditer(plain))
    return Alarm(tuple(harm)[:_MOST_WORDS], tuple(denied)[:_MOST_WORDS], tuple(haste)[:_MOST_WORDS])
