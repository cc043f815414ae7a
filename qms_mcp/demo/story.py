"""One whole story: a complaint becomes a nonconformance, a CAPA and a change, and all of them are closed.

The assistant does the writing through the tools; every step that decides is signed by a named person on the approval
page. The same story is walked in the demo and in the acceptance tests.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Protocol, TypeAlias

Answer: TypeAlias = dict[str, Any]

_ASPECTS = (
    "function",
    "performance",
    "usability",
    "safety",
    "regulatory",
    "documents",
    "training",
    "validation",
    "suppliers",
    "inventory",
)


def _impact(aspect: str) -> Answer:
    if aspect != "documents":
        return {"aspect": aspect, "affected": False, "impact": "Looked at, not affected"}
    return {
        "aspect": aspect,
        "affected": True,
        "impact": "WI-118 gets a new version",
        "action_needed": "Issue revision 5 and withdraw revision 4 from the machines",
    }


@dataclass(frozen=True, slots=True)
class Signatory:
    """Somebody who signs.

    Attributes:
        user: The user id typed on the page: an e-mail address.
    """

    name: str
    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Signatories:
    """Who signs what: quality assurance, the material review board, regulatory affairs."""

    quality: Signatory
    review_board: Signatory
    regulatory: Signatory


class Stage(Protocol):
    """Where the story is played: a client that calls tools, and a browser that signs."""

    async def call(self, asks: str, tool: str, arguments: Mapping[str, Any]) -> Answer:
        """Call a tool and return its structured answer."""
        ...

    async def sign(self, asks: str, link: str, person: Signatory) -> None:
        """Open the link as this person, read, type the password and sign."""
        ...


@dataclass
class Story:
    """The story as it goes.

    Attributes:
        numbers: What the records are called, by what they are in the story.
        signed: How many signatures were given.
    """

    stage: Stage
    people: Signatories
    today: date = field(default_factory=lambda: datetime.now(UTC).date())
    numbers: dict[str, str] = field(default_factory=dict[str, str])
    signed: int = 0

    async def run(self) -> None:
        """Walk through all of it."""
        await self._complaint()
        await self._nonconformance()
        await self._capa()
        await self._change()
        await self._capa_done()
        await self._closing()
        await self._looking_back()

    def _day(self, days_ago: int) -> str:
        return (self.today - timedelta(days=days_ago)).isoformat()

    async def _version(self, record: str) -> int:
        found = await self.stage.call("", "get_record", {"record": record})
        return int(found["version"])

    async def _update(self, asks: str, record: str, **more: Any) -> Answer:
        version = await self._version(record)
        arguments = {"record": record, "version": version, "reason": "As told by the quality engineer", **more}
        return await self.stage.call(asks, "update_record", arguments)

    async def _move(self, asks: str, record: str, to_state: str, person: Signatory | None = None) -> None:
        arguments = {
            "record": record,
            "to_state": to_state,
            "version": await self._version(record),
            "reason": asks,
        }
        await self._settle(asks, await self.stage.call(asks, "transition_record", arguments), person)

    async def _settle(self, asks: str, answer: Answer, person: Signatory | None) -> None:
        pending = answer.get("pending")
        if person is None:
            if pending:
                raise AssertionError(f"{asks}: nobody was to sign this")
            return
        if not pending or not pending.get("link"):
            raise AssertionError(f"{asks}: a person has to sign this")
        await self.stage.sign(asks, pending["link"], person)
        self.signed += 1

    async def _complaint(self) -> None:
        reported = await self.stage.call(
            "A hospital calls: the locking ring of an infusion clamp slips. Record it.",
            "report_event",
            {
                "type": "complaint",
                "title": "Locking ring of clamp HD-220 slips under load",
                "what_happened": "Ward nurse reports that the ring turned back twice while a pump ran. No patient "
                "was harmed; the line was clamped by hand. Lot 2631-418.",
                "reason": "Call of the customer this morning",
                "fields": {
                    "owner_id": "me",
                    "risk_class": "high",
                    "product": "Clamp HD-220",
                    "lot": "2631-418",
                    "received_on": self._day(70),
                    "aware_on": self._day(70),
                    "event_type": "malfunction",
                    "reporter_role": "manufacturer",
                    "udi_di": "04012345678901",
                    "complainant_name": "Ward 4, Nordvik Hospital",
                    "complainant_address": "Sjukhusveien 4, Nordvik",
                    "complainant_contact": "+47 555 01 220",
                    "country": "NO",
                },
            },
        )
        complaint = self.numbers["complaint"] = reported["number"]
        await self._move("Begin the triage.", complaint, "triage")
        await self._move("Does an authority have to be told? Begin that question.", complaint, "reportability")
        assessed = await self.stage.call(
            "Walk through the decision tree with what is known.",
            "assess_reportability",
            {
                "record": complaint,
                "answers": {
                    "death": False,
                    "serious_injury": False,
                    "malfunction": True,
                    "likely_if_recurs": False,
                    "remedial_action": False,
                    "fda_requested": False,
                },
                "reason": "Facts from the call and the returned part",
            },
        )
        await self._settle("Regulatory affairs decides on reporting.", assessed, self.people.regulatory)

    async def _nonconformance(self) -> None:
        reported = await self.stage.call(
            "The returned part and forty of the same lot are out of tolerance. Raise the nonconformance.",
            "report_event",
            {
                "type": "nonconformance",
                "title": "Groove of locking ring below depth, HD-220 lot 2631-418",
                "what_happened": "40 of 200 rings of the lot have a groove 0.06 mm too shallow.",
                "reason": "Result of the inspection of retained parts",
                "fields": {
                    "owner_id": "me",
                    "risk_class": "high",
                    "part_number": "HD-220",
                    "lot": "2631-418",
                    "quantity_affected": 40,
                    "unit": "pieces",
                    "detected_at_stage": "final",
                    "detected_on": self._day(69),
                },
            },
        )
        found = self.numbers["nonconformance"] = reported["number"]
        await self._update(
            "It was caused by the same thing the complaint is about, and the lot is on hold.",
            found,
            fields={"containment": "Lot moved to the locked cage, label red", "contained_on": self._day(69)},
            link={"to": self.numbers["complaint"], "kind": "caused_by", "note": "found on the returned part"},
        )
        await self._move("It is contained.", found, "contained")
        await self._move("Bring it before the review board.", found, "under_review")
        proposed = await self.stage.call(
            "Propose to scrap all forty.",
            "disposition_nonconformance",
            {
                "record": found,
                "dispositions": [
                    {"disposition": "scrap", "quantity": 40, "justification": "The groove cannot be deepened"}
                ],
                "reason": "Rework was looked at and is not possible",
            },
        )
        await self._settle("The review board decides.", proposed, self.people.review_board)
        await self._move("The scrapping is verified.", found, "verified", self.people.quality)

    async def _capa(self) -> None:
        opened = await self.stage.call(
            "Open a CAPA for both.",
            "open_capa",
            {
                "sources": [self.numbers["nonconformance"], self.numbers["complaint"]],
                "title": "Groove depth of locking rings drifts with tool wear",
                "problem_statement": "Since the change of the insert supplier, grooves of HD-220 rings are up to "
                "0.06 mm too shallow at the end of a tool's life: 40 of 200 pieces in lot 2631-418.",
                "risk_class": "high",
                "reason": "A function that keeps a patient safe failed in the field",
            },
        )
        capa = self.numbers["capa"] = opened["number"]
        await self._move("Begin to investigate.", capa, "investigation")
        await self.stage.call(
            "Record the chain of whys, with the evidence.",
            "record_root_cause",
            {
                "capa": capa,
                "version": await self._version(capa),
                "method": "five_whys",
                "summary": "Offsets are renewed by hand and were not, because the interval is not written down.",
                "reason": "Outcome of the analysis meeting",
                "nodes": [
                    {"key": "p", "statement": "Grooves are too shallow at the end of a tool's life"},
                    {"key": "1", "parent": "p", "statement": "The wear offset was not corrected"},
                    {"key": "2", "parent": "1", "statement": "The operator did not know that it was due"},
                    {
                        "key": "3",
                        "parent": "2",
                        "statement": "The work instruction gives no interval for this insert",
                        "is_root_cause": True,
                        "evidence": ["WI-118 revision 4, section 5", "offset log of machine L3"],
                    },
                ],
            },
        )
        await self._plan(capa)

    async def _plan(self, capa: str) -> None:
        await self.stage.call(
            "Plan what is done, and how we will know that it worked.",
            "plan_capa",
            {
                "capa": capa,
                "version": await self._version(capa),
                "reason": "Agreed with production and metrology",
                "actions": [
                    {
                        "type": "corrective",
                        "description": "Put the interval into the work instruction and an alarm on the counter",
                        "owner": "me",
                        "due_on": self._day(-10),
                    }
                ],
                "criterion": {
                    "metric": "Nonconformances for groove depth of HD-220",
                    "measure": "count",
                    "counted": {"category": "nonconformance", "words": "groove"},
                    "baseline": 4,
                    "target": 0,
                    "comparator": "<=",
                    "window_start": self._day(40),
                    "window_end": self._day(1),
                    "minimum_sample": 30,
                },
            },
        )
        await self._move("Submit the plan.", capa, "plan_approval")
        await self._move("Quality assurance approves the plan.", capa, "implementation", self.people.quality)

    async def _change(self) -> None:
        asked = await self.stage.call(
            "The work instruction changes: draft the change request with its impacts.",
            "request_change",
            {
                "implements": [self.numbers["capa"]],
                "impacts": [_impact(aspect) for aspect in _ASPECTS],
                "fields": {
                    "title": "Offset interval in WI-118 and counter alarm on L3",
                    "proposed_change": "State the interval for the new insert and stop the machine when it is reached.",
                    "justification": "Corrective action against shallow grooves",
                    "change_kind": "process",
                },
                "reason": "Planned in the CAPA",
            },
        )
        change = self.numbers["change"] = asked["number"]
        await self._move("Submit it.", change, "impact_assessment")
        await self._move("Quality assurance approves the change.", change, "approved", self.people.quality)
        await self._move("Implement it.", change, "implementing")
        await self._update(
            "It is done.", change, fields={"implementation": "WI-118 revision 5 issued, alarm tested on L3"}
        )
        await self._move("Have it verified.", change, "verification")
        fields = {"verification_result": "Alarm stops the machine at the interval", "effective_on": self._day(45)}
        await self._update("What the verification showed.", change, fields=fields)
        await self._move("Quality assurance closes the change.", change, "closed", self.people.quality)

    async def _capa_done(self) -> None:
        capa = self.numbers["capa"]
        await self.stage.call(
            "The action is done, here is the evidence.",
            "update_capa_action",
            {
                "capa": capa,
                "version": await self._version(capa),
                "action": "1",
                "completed_on": self._day(45),
                "evidence": f"{self.numbers['change']}, WI-118 revision 5",
                "reason": "Done as planned",
            },
        )
        await self._move("Somebody else accepts the action.", capa, "verification", self.people.quality)
        fields = {"verification_result": "Actions are in place; cycle time unchanged", "no_adverse_effect": True}
        await self._update("What the verification showed.", capa, fields=fields)
        await self._move("It did no harm either.", capa, "effectiveness", self.people.quality)
        await self.stage.call(
            "Did it work? Compute what was planned.",
            "check_effectiveness",
            {"capa": capa, "reason": "The window is over"},
        )
        await self._move("Effective: a person says so, and closes it.", capa, "closed", self.people.quality)

    async def _closing(self) -> None:
        found, complaint = self.numbers["nonconformance"], self.numbers["complaint"]
        rationale = {"capa_required": True, "capa_rationale": f"Systematic cause, see {self.numbers['capa']}"}
        await self._update("The decision about a CAPA belongs to the nonconformance.", found, fields=rationale)
        await self._move("Close the nonconformance.", found, "closed", self.people.quality)
        await self._update(
            "What came of the complaint.",
            complaint,
            fields={
                "investigation": f"Confirmed; cause and action in {self.numbers['capa']}",
                "correction": "Clamps of the lot replaced",
                "reply": "Letter with cause and action",
                "replied_on": self._day(2),
            },
        )
        await self._move("The answer is ready.", complaint, "response")
        await self._move("Close the complaint.", complaint, "closed", self.people.regulatory)

    async def _looking_back(self) -> None:
        await self.stage.call("Show how it all hangs together.", "trace_record", {"record": self.numbers["complaint"]})
        await self.stage.call("What happened to the CAPA?", "get_audit_trail", {"record": self.numbers["capa"]})
        await self.stage.call("Was anything altered?", "verify_audit_trail", {})
