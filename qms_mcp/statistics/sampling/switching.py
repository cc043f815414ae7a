"""When inspection gets tighter or lighter: the switching rules, in words and as numbers.

The plans of the standard protect as a scheme of normal, tightened and reduced inspection together; a normal plan alone,
never switched, does not give the protection the AQL promises. Sources: ISO 2859-1:1999 clause 9.3, 9.4; ANSI/ASQ
Z1.4-2003 (MIL-STD-105E) clause 8.3, 8.4.
"""

from qms_mcp.statistics.sampling.tables import Severity, Standard

_TIGHTEN = "To tightened: as soon as 2 of 5 (or fewer) consecutive lots were not accepted on first inspection."
_RELAX = "To normal: after 5 consecutive lots were accepted on first inspection."
_STOP = {
    "ISO 2859-1": "Stop accepting lots: when 5 lots in all were not accepted under tightened inspection.",
    "ANSI/ASQ Z1.4": "Stop accepting lots: when 5 consecutive lots remain under tightened inspection (10 in "
    "MIL-STD-105E).",
}
_REDUCE = {
    "ISO 2859-1": "To reduced: when the switching score reaches 30, production is steady, and the responsible "
    "authority agrees. The score grows by 3 for a lot accepted with Ac >= 2 that would also be accepted one AQL step "
    "tighter, by 2 for one accepted with Ac of 0 or 1, and returns to 0 otherwise.",
    "ANSI/ASQ Z1.4": "To reduced: after 10 consecutive lots were accepted, when production is steady and the "
    "responsible authority agrees (and, where it is used, the total of nonconforming is within the limit number of "
    "table VIII).",
}
_END_REDUCED = {
    "ISO 2859-1": "To normal: when one lot is not accepted, production is irregular, or other conditions call for it.",
    "ANSI/ASQ Z1.4": "To normal: when one lot is not accepted, or a result lies between Ac and Re (that lot is "
    "accepted), production is irregular, or other conditions call for it.",
}


def switching_rules(severity: Severity, standard: Standard) -> tuple[str, ...]:
    """Return the rules that apply while lots are inspected with this severity."""
    if severity == "normal":
        return (_TIGHTEN, _REDUCE[standard])
    if severity == "tightened":
        return (_RELAX, _STOP[standard])
    return (_END_REDUCED[standard],)
