"""Requests that come up again and again, with the agents they need; and words of other languages for each agent."""

import re
from dataclasses import dataclass
from typing import Literal, TypeAlias

from qms_mcp.agents.definition import AgentName

When: TypeAlias = Literal["always", "runs"]


@dataclass(frozen=True, slots=True)
class UsualRequest:
    """A kind of request.

    Attributes:
        name: For people.
        pattern: What such a request says, in lower case.
        agents: Who is needed, the most important first, and when: always, or only where agents have
            run in the organization.
    """

    name: str
    pattern: re.Pattern[str]
    agents: tuple[tuple[AgentName, When], ...]


def _usual(name: str, pattern: str, *agents: AgentName, runs: bool = False) -> UsualRequest:
    needed: list[tuple[AgentName, When]] = [(agent, "always") for agent in agents]
    if runs:
        needed.append(("ml_eval", "runs"))
    return UsualRequest(name, re.compile(pattern), tuple(needed))


_PERIOD = r"(?:week|month|quarter|year|annual|dai)\w*|wöchentlich\w*|monatlich\w*|hebdomadaire|mensuel\w*|w[öo]chen\w*"
_REVIEW = r"(?:quality|qms|management)\W+(?:\w+\W+){0,2}?(?:review|report)"

USUAL: tuple[UsualRequest, ...] = (
    _usual(
        "quality review",
        rf"\b(?:{_PERIOD})\W+(?:\w+\W+){{0,2}}?(?:review|report|summary|bericht|revue)|\b{_REVIEW}\w*|\brevue qualité|"
        r"\bqualitäts\w*bericht",
        "data", "qa", "analytics", "feedback",
        runs=True,
    ),
    _usual(
        "audit preparation",
        r"\baudit\W+(?:readiness|preparation|ready)|\bprepar\w*\W+(?:\w+\W+){0,4}?(?:audit|inspection)\b|"
        r"\binspection readiness|\baudit\w*vorbereit\w*|\bpréparation\W+(?:\w+\W+){0,3}?audit",
        "qa", "data", "analytics",
    ),
    _usual(
        "change of the schema",
        r"\bmigrat(?:e|es|ion|ions|ing)\b|\bschema\W+(?:change|migration|review)|\b(?:add|drop|rename|alter)\W+"
        r"(?:\w+\W+){0,3}?(?:column|table|index|constraint)\b|\bschemaänderung\w*",
        "schema", "data",
    ),
    _usual(
        "quality of records",
        r"\bdata quality|\bduplicates?\b|\bcompleteness\b|\bincomplete records?|\bdatenqualität|\bqualité des données",
        "data", "schema",
    ),
    _usual(
        "supplier review",
        r"\bsupplier\w*\W+(?:\w+\W+){0,3}?(?:review|evaluation|performance|rating|audit)|"
        r"\breview\W+(?:\w+\W+){0,3}?suppliers?\b|\blieferanten\w*(?:bewertung|audit)|"
        r"\bévaluation\W+(?:\w+\W+){0,2}?fournisseur",
        "qa", "data", "analytics",
    ),
    _usual(
        "complaints",
        r"\bcomplaints?\W+(?:\w+\W+){0,3}?(?:trend|review|analysis)|\bcustomer feedback|"
        r"\breklamation\w*|\bréclamation\w*",
        "feedback", "analytics", "qa",
    ),
    _usual(
        "comparison of agents",
        r"\bevaluat\w*\W+(?:\w+\W+){0,3}?(?:agents?|models?|prompts?)\b|"
        r"\bagents?\W+(?:performance|quality|drift)|\bmodel drift",
        "ml_eval", "analytics",
    ),
    _usual(
        "investigation",
        r"\binvestigat\w+|\broot[- ]cause|\bwhat happened\b|\bwhy did\b|\buntersuch\w+|"
        r"\bursachen\w*|\benquête\b|\bcauses? racines?",
        "qa", "data", "analytics", "feedback",
    ),
)  # fmt: skip

# Cheap additions to the words of the definitions, which are English.
OTHER_WORDS: dict[str, tuple[str, ...]] = {
    "schema": (r"\btabellen?\b", r"\bspalten?\b", r"\bbase de données\b", r"\bdatenbank\w*"),
    "data": (r"\bdatensätze?n?\b", r"\bdonnées\b", r"\bdaten\b", r"\bvollständig\w*"),
    "qa": (
        r"\babweichung\w*", r"\bkorrekturma(?:ß|ss)nahme\w*", r"\bécarts?\b", r"\bnon[- ]conformités?\b",
        r"\bprüfung\w*", r"\blieferant\w*", r"\bfournisseurs?\b", r"\bschulung\w*",
    ),
    "analytics": (r"\bkennzahl\w*", r"\btendances?\b", r"\bindicateurs?\b", r"\bstatisti\w+", r"\bauswertung\w*"),
    "ml_eval": (r"\bmodellgüte\b", r"\bmodèles?\b"),
    "feedback": (r"\bbeschwerden?\b", r"\brückmeldung\w*", r"\bkunden\w*", r"\bréclamations?\b", r"\bplaintes?\b"),
}  # fmt: skip
