"""The rules of document-v1: the control of a version, and what its text says."""

from collections.abc import Iterator, Sequence

from qms_mcp.services.documents.control_models import Hint
from qms_mcp.services.documents.sections import DocumentText
from qms_mcp.services.quality_checks.models import Facts
from qms_mcp.services.quality_checks.placeholders import placeholder_in
from qms_mcp.services.quality_checks.record_reading import RecordFacts
from qms_mcp.services.quality_checks.report import Found, Report

_ENDED = frozenset({"superseded", "obsolete"})
_LIVING = frozenset({"draft", "in_review", "approved", "effective"})
_SIGNED = frozenset({"approved", "effective"})
_MOST_OF_A_KIND = 20


def check_control(facts: RecordFacts, trainings: Facts, report: Report) -> None:
    """Check what is known of a version besides its text."""
    report.applied("D01", [] if facts.text("content") or facts.parts.get("document_files") else [
        Found("it has neither a text nor a file", "ingest_document", field="content")
    ])  # fmt: skip
    report.applied("D02", [
        Found(f"{name} is empty", f"fill {name} with update_record or revise_document", field=name)
        for name in ("document_number", "revision", "document_type", "author_id") if not facts.text(name)
    ])  # fmt: skip
    if facts.state in _LIVING:
        report.applied("D03", _owner(facts))
    if facts.state == "effective":
        report.applied("D04", [] if facts.text("next_review_on") else [
            Found("no next review is planned", "plan it (review_every_months)", field="next_review_on")
        ])  # fmt: skip
        _check_review(facts, report)
        report.applied("D06", _training(facts, trainings))
    report.applied("D07", _dates(facts))
    if facts.state in _SIGNED:
        report.applied("D08", _signed(facts))
    if facts.state in _ENDED:
        report.applied("D14", [] if facts.text("replaced_by") or facts.text("obsolete_reason") else [
            Found("it says neither what replaces it nor why it ended", "fill obsolete_reason or replaced_by",
                  field="obsolete_reason")
        ])  # fmt: skip


def check_text(text: DocumentText, hints: Sequence[Hint], report: Report) -> None:
    """Check what a version says; `hints` are those of check_document."""
    report.applied("D09", list(_placeholders(text))[:_MOST_OF_A_KIND])
    by_rule: dict[str, list[Found]] = {"D10": [], "D11": [], "D12": [], "D13": []}
    last = "D11"
    for hint in hints:
        last = _rule_of(hint, last)
        quoted = f": {hint.quote!r}" if hint.quote else ""
        by_rule[last].append(Found(f"{hint.what}{quoted}", _MEND[last], field="content", citation=hint.where))
    for rule_id, found in by_rule.items():
        report.applied(rule_id, found)


_MEND = {
    "D10": "add the section, or leave it if the document needs none",
    "D11": "name a document that is effective",
    "D12": "say who does it",
    "D13": "explain it where it first stands",
}


def _rule_of(hint: Hint, last: str) -> str:
    """Return the rule a hint belongs to; "more like the last one" goes with the last."""
    if hint.what.startswith("no section"):
        return "D10"
    if hint.what.startswith("a requirement"):
        return "D12"
    if hint.what.endswith("is not explained"):
        return "D13"
    return last if "more like the last one" in hint.what else "D11"


def _owner(facts: RecordFacts) -> Iterator[Found]:
    owner = facts.people.get(facts.text("owner_id"))
    if not facts.text("owner_id"):
        yield Found("nobody owns it", "set owner_id", field="owner_id")
    elif owner is None or not owner["active"]:
        called = owner["printed_name"] if owner else "its owner"
        yield Found(f"{called} is no active member", "hand it over to somebody who is", field="owner_id")


def _check_review(facts: RecordFacts, report: Report) -> None:
    due = facts.day("next_review_on")
    if due is None:
        return
    days = (facts.today - due).days
    report.applied("D05", [] if days <= 0 else [
        Found(f"its review was due on {due}, {days} days ago", "review it; a person signs the review",
              field="next_review_on")
    ])  # fmt: skip


def _training(facts: RecordFacts, trainings: Facts) -> Iterator[Found]:
    if not facts.fields.get("training_required") or facts.text("training_waiver"):
        return
    assigned, done = trainings["assigned"], trainings["done"]
    if not assigned:
        yield Found("training is required, and nobody was assigned one", "assign it", field="training_required")
    elif done < assigned:
        yield Found(
            f"{assigned - done} of {assigned} trainings on it are not done",
            "training_status names the people",
            field="training_required",
        )


def _dates(facts: RecordFacts) -> Iterator[Found]:
    for first, second in (("effective_from", "effective_to"), ("effective_from", "next_review_on")):
        before, after = facts.day(first), facts.day(second)
        if before and after and after < before:
            yield Found(f"{second} {after} lies before {first} {before}", "correct the wrong one", field=second)
    planned = facts.day("planned_effective_on")
    if facts.state == "approved" and planned is not None and planned < facts.today:
        yield Found(
            f"it was to be effective on {planned} and is still approved only",
            "make it effective with transition_record, or plan another day",
            field="planned_effective_on",
        )


def _signed(facts: RecordFacts) -> Iterator[Found]:
    approvals = [one for one in facts.signatures if one["meaning"] == "approval" and one["verdict"] == "signed"]
    if not approvals:
        yield Found(f"it is {facts.state}, and no signature of an approval is kept here", "look where it was approved",
                    field="signatures")  # fmt: skip
    for one in approvals:
        if one["status"] == "broken":
            yield Found(
                f"the approval of {one['printed_name']} is broken: it does not verify",
                "verify_audit_trail, and tell an administrator",
                field="signatures",
            )


def _placeholders(text: DocumentText) -> Iterator[Found]:
    for section in text.sections:
        for line in text.body(section).splitlines():
            found = placeholder_in(line) if len(line.split()) > 1 or line.strip().isupper() else None
            if found:
                yield Found(f"it says {found!r}", "say what is meant", field="content", citation=text.cite(section))
