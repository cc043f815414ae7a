"""What a record of each type keeps of its own, as far as its state says that it has been done."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeAlias
from uuid import UUID, uuid5

from qms_mcp.demo.company import Company, Person
from qms_mcp.demo.events import Event

GAP = 0.03  # records nobody completed, for the checks to find
_DISPOSITIONS = ("scrap", "rework", "use_as_is", "return_to_supplier")
_JUSTIFIED = {
    "scrap": "Not to be saved at a cost below its price.",
    "rework": "Brought back to the drawing by a repeated operation, then inspected again.",
    "use_as_is": "Within what the fit needs; the deviation does not reach a function.",
    "return_to_supplier": "Delivered so; the supplier replaces it.",
}
_ASPECTS = ("function", "safety", "documents", "training", "validation", "inventory")
Fields: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Told:
    """What is known of a record before its own fields are made.

    Attributes:
        reached: The place of its state on the way to the last one, from 0.
        left: When it entered that state.
    """

    id: UUID
    company: Company
    event: Event
    names: Mapping[str, str]
    owner: Person
    created: datetime
    due: datetime
    left: datetime
    reached: int
    last: int
    chance: random.Random

    def person(self, role: str) -> str:
        """Return somebody with a role who is not the owner, if there is one."""
        others = [one for one in self.company.people if one is not self.owner]
        fitting = [one for one in others if role in one.roles]
        return str((fitting or others)[0].user_id)

    def at(self, share: float) -> datetime:
        """Return a moment between the beginning and the last step."""
        return self.created + (self.left - self.created) * share

    def on(self, share: float) -> str:
        """Return the day of such a moment."""
        return self.at(share).date().isoformat()


@dataclass(frozen=True, slots=True)
class Details:
    """The fields of a type and the parts of a record.

    Attributes:
        parts: Table and fields of each part.
    """

    fields: Fields
    parts: list[tuple[str, Fields]] = field(default_factory=list[tuple[str, Fields]])


def details_of(category: str, told: Told) -> Details:
    """Return what a record keeps beside the fields all records have."""
    return _BY_CATEGORY[category](told)


def _nonconformance(told: Told) -> Details:
    names, reached = told.names, told.reached
    quantity, lot = int(names["count"]), names["lot"]
    fields: Fields = {
        "detected_on": told.on(0),
        "detected_at_stage": told.chance.choice(("incoming", "in_process", "final")),
        "area": names["area"],
        "part_number": names["part"],
        "lot": lot,
        "quantity_affected": quantity,
        "unit": "pieces",
        "cause_category": told.event.cause_category,
        "cost": told.chance.randrange(4, 220) * 25,
        "currency": "EUR",
    }
    parts: list[tuple[str, Fields]] = []
    if reached >= 1:
        fields |= {"containment": f"Lot {lot} held and tagged in {names['area']}.", "contained_on": told.on(0.1)}
    if reached >= 3:  # noqa: PLR2004 - dispositioned
        chosen = told.chance.choice(_DISPOSITIONS)
        fields |= {"root_cause": told.event.root_cause, "correction": _JUSTIFIED[chosen]}
        parts.append(("dispositions", {
            "disposition": chosen, "quantity": quantity, "justification": _JUSTIFIED[chosen],
            "decided_by": told.person("mrb"), "decided_at": told.at(0.6),
        }))  # fmt: skip
    if reached >= 4:  # noqa: PLR2004 - verified
        fields["verification_result"] = f"{quantity} pieces accounted for; inspection repeated without a finding."
        if told.chance.random() > GAP:
            needed = told.chance.random() < 0.2  # noqa: PLR2004 - one in five
            fields |= {"capa_required": needed, "capa_rationale": "Seen before." if needed else "A single case."}
    return Details(fields, parts)


def _deviation(told: Told) -> Details:
    fields: Fields = {
        "planned": False,
        "batch": told.names["lot"],
        "immediate_action": f"Lot {told.names['lot']} held until it is judged.",
    }
    if told.reached >= 1:
        fields |= {
            "classification": told.chance.choices(("minor", "major", "critical"), weights=(6, 3, 1))[0],
            "batch_impact": f"{told.names['count']} pieces of the lot can be concerned.",
        }
    if told.reached >= 2:  # noqa: PLR2004 - investigated
        fields["investigation"] = f"{told.event.root_cause}."
    if told.reached >= 3:  # noqa: PLR2004 - dispositioned
        fields |= {
            "conclusion": "The lot meets its specification; nothing leaves without the check.",
            "capa_required": False,
            "capa_rationale": "A single case; the trend is watched.",
        }
    return Details(fields)


def _complaint(told: Told) -> Details:
    harmless = "Nobody was harmed, and if it happened again nobody would be."
    fields: Fields = {
        "received_on": told.on(0),
        "aware_on": told.on(0),
        "product": told.names["part"],
        "lot": told.names["lot"],
        "complainant_name": told.names["customer"],
        "event_type": told.chance.choice(("malfunction", "other")),
        "reporter_role": "manufacturer",
    }
    parts: list[tuple[str, Fields]] = []
    if told.reached >= 2:  # noqa: PLR2004 - reportability
        assessed: Fields = {
            "rule": "21 CFR 803",
            "answers": {"death": False, "serious_injury": False, "malfunction_could_harm": False},
            "proposal": "not_reportable",
            "rationale": harmless,
        }
        if told.reached >= 3:  # noqa: PLR2004 - investigation
            decider = told.person("regulatory")
            assessed |= {"decided_by": decider, "decided_at": told.at(0.3)}
            fields |= {"reportable": False, "reportability_decided_by": decider}
        parts.append(("reportability_assessments", assessed))
    if told.reached >= 4:  # noqa: PLR2004 - response
        fields["investigation"] = f"{told.event.root_cause}."
    if told.reached == told.last:
        fields |= {"reply": "We found the cause and replace what you returned.", "replied_on": told.on(0.9)}
    return Details(fields, parts)


def _capa(told: Told) -> Details:
    fields: Fields = {
        "source_kind": told.chance.choice(("nonconformance", "complaint", "audit")),
        "problem_statement": told.event.description.format_map(told.names),
    }
    if told.reached < 3:  # noqa: PLR2004 - no plan yet
        return Details(fields)
    baseline = told.chance.randrange(4, 12)
    ends = told.left if told.reached == told.last else told.due
    fields |= {
        "root_cause_summary": told.event.root_cause,
        "criterion": {
            "metric": f"nonconformances with the cause “{told.event.root_cause}”",
            "measure": "count",
            "counted": {"category": "nonconformance", "fields": {"root_cause": told.event.root_cause}},
            "baseline": baseline,
            "target": 1,
            "comparator": "<=",
        },
        "window_starts_on": (ends - timedelta(days=60)).date().isoformat(),
        "window_ends_on": ends.date().isoformat(),
        "minimum_sample": 30,
    }
    parts = [*_causes(told), *_actions(told)]
    if told.reached >= 6:  # noqa: PLR2004 - effectiveness
        fields |= {"verification_result": "Both actions seen in place on the floor.", "no_adverse_effect": True}
    if told.reached == told.last:
        fields |= {"verdict": "effective", "verdict_by": told.person("qa_approver")}
        parts.append(("effectiveness_checks", {
            "window_start": fields["window_starts_on"], "window_end": fields["window_ends_on"], "baseline": baseline,
            "target": 1, "value": told.chance.randrange(2), "sample": told.chance.randrange(12, 60), "outcome": "met",
        }))  # fmt: skip
    return Details(fields, parts)


def _causes(told: Told) -> list[tuple[str, Fields]]:
    first, second = uuid5(told.id, "why 1"), uuid5(told.id, "why 2")
    area = told.names["area"]
    common = {"method": "five_whys", "cause_category": told.event.cause_category}
    return [
        ("root_causes", {**common, "id": first, "ordinal": 1, "statement": f"It was not seen in {area}."}),
        ("root_causes", {
            **common, "id": second, "parent_id": first, "ordinal": 2, "statement": told.event.root_cause,
            "is_root_cause": True, "evidence": [f"Records of {area} of the last three months"],
        }),
    ]  # fmt: skip


def _actions(told: Told) -> list[tuple[str, Fields]]:
    cause = told.event.root_cause
    planned = (
        ("correction", "Bring what is in stock back to the drawing."),
        ("corrective", f"Remove the cause: {cause[:1].lower()}{cause[1:]}."),
    )
    done = told.reached >= 5  # noqa: PLR2004 - verification
    made: list[tuple[str, Fields]] = []
    for share, (kind, what) in zip((0.5, 0.7), planned, strict=True):
        action: Fields = {
            "action_type": kind,
            "description": what,
            "owner_id": str(told.owner.user_id),
            "due_on": told.due.date().isoformat(),
        }
        if done:
            action |= {
                "completed_on": told.on(share),
                "completion_evidence": "Seen on the floor; photograph kept with the record.",
                "accepted_by": told.person("reviewer"),
                "accepted_at": told.at(share + 0.1),
            }
        made.append(("capa_actions", action))
    return made


def _change_request(told: Told) -> Details:
    fields: Fields = {
        "change_kind": "process",
        "justification": told.event.description.format_map(told.names),
        "proposed_change": told.event.title.format_map(told.names),
    }
    parts: list[tuple[str, Fields]] = []
    if told.reached >= 2:  # noqa: PLR2004 - assessed
        concerned = set(told.chance.sample(_ASPECTS, 2))
        for aspect in _ASPECTS:
            said = "To be updated before the change counts." if aspect in concerned else "Not concerned."
            parts.append(("impact_assessments", {"aspect": aspect, "affected": aspect in concerned, "impact": said}))
    if told.reached >= 4:  # noqa: PLR2004 - verification
        fields["implementation"] = "Done as proposed, on one line first."
    if told.reached == told.last:
        fields |= {"verification_result": "Three lots without a finding.", "effective_on": told.on(1)}
    return Details(fields, parts)


def _document(told: Told) -> Details:
    kind = told.event.title.split(":")[0]
    fields: Fields = {
        "document_number": f"{kind.upper()}-{told.id.hex[:6].upper()}",
        "revision": 1,
        "document_type": kind,
        "author_id": str(told.owner.user_id),
        "change_summary": "First issue.",
        "content": told.event.description.format_map(told.names),
        "review_every_months": 24,
    }
    if told.reached == told.last:
        review = (told.left + timedelta(days=730)).date().isoformat()
        fields |= {"is_effective": True, "effective_from": told.left, "next_review_on": review}
    return Details(fields)


def _audit(told: Told) -> Details:
    kinds = {"Internal": "internal", "Supplier": "supplier"}
    fields: Fields = {
        "audit_kind": kinds.get(told.event.title.split()[0], "external"),
        "scope": told.event.title.format_map(told.names),
        "criteria": "ISO 9001:2015",
        "area": told.names["area"],
        "area_responsible": str(told.owner.user_id),
        "lead_auditor": told.person("auditor"),
        "planned_from": told.created.date().isoformat(),
        "planned_to": (told.created + timedelta(days=2)).date().isoformat(),
    }
    if told.reached >= 2:  # noqa: PLR2004 - report
        fields["conclusion"] = f"{told.names['number']} findings; the area knows its process."
    return Details(fields)


_BY_CATEGORY: Mapping[str, Callable[[Told], Details]] = {
    "nonconformance": _nonconformance,
    "deviation": _deviation,
    "complaint": _complaint,
    "capa": _capa,
    "change_request": _change_request,
    "document": _document,
    "audit": _audit,
}
