"""Words of harm, moods and phrases: what the rules of classify_feedback see in a text, and what they do not."""

import json
from pathlib import Path

import pytest

from qms_mcp.services.feedback_classes.asking import Judged
from qms_mcp.services.feedback_classes.deciding import Feedback, decide
from qms_mcp.services.feedback_classes.models import CATEGORIES, Category
from qms_mcp.services.feedback_classes.rules import mood_of, phrase_weights
from qms_mcp.services.feedback_classes.safety import alarm_in

HELD_OUT = Path(__file__).parents[1] / "support" / "feedback_held_out.json"
SURE_OF_PRAISE: dict[Category, float] = {name: 0.999 if name == "praise" else 0.001 / 9 for name in CATEGORIES}

# Letters of double width, as an East Asian keyboard writes them.
FULL_WIDTH = "".join(chr(ord(one) + 0xFEE0) if one != " " else one for one in "The patient was injured")
HARM = [
    "The patient was injured.", "No doubt she was hurt by the blade.",
    "Not only was he injured, the lamp broke too.",
    "Great pump, thanks! It only gave my wife an electric shock once.",
    "No injury to the patient, but a nurse fainted.",
    "Nobody helped when the man was hurt.", "The battery exploded.", "Le patient est décédé.",
    "Der Bediener wurde verletzt.",
    "PATIENT DIED DURING USE", FULL_WIDTH, "Smoke came out of the socket.",
    "The pump did not stop and the patient died.", "It was not tested and harmed a child.",
    "could have killed somebody",
]  # fmt: skip
DENIED = [
    "No injury.", "Nobody was hurt.", "No one was seriously injured.", "There was no harm to the patient.",
    "without any injuries", "The user wasn't hurt.", "Patient was not harmed.", "No patient was injured or harmed.",
    "Niemand wurde verletzt.", "no deaths or serious injuries were reported", "Injury was ruled out.",
]  # fmt: skip
HARMLESS = [
    "The pump died after two days.", "The battery died.", "I was shocked by the price.",
    "The deadline was missed.", "The label is burned in.", "Hurry up, please.", "The stroke length is too short.",
]  # fmt: skip


@pytest.mark.parametrize("text", HARM)
def test_a_word_of_harm_makes_a_text_safety_whatever_the_classifier_or_a_model_says(text: str) -> None:
    judged = Judged(number=1, category="praise", confidence=1.0, sentiment=1.0)
    for found in (decide(Feedback("t", text)), decide(Feedback("t", text), SURE_OF_PRAISE),
                  decide(Feedback("t", text), None, judged)):  # fmt: skip
        assert (found.category, found.urgency, found.method) == ("safety", "safety", "rules")
        assert found.routing.role == "regulatory"
        assert found.words


@pytest.mark.parametrize("text", DENIED)
def test_denied_harm_is_shown_and_still_goes_to_regulatory_affairs(text: str) -> None:
    assert alarm_in(text).harm == ()
    found = decide(Feedback("t", text), SURE_OF_PRAISE)
    assert found.urgency == "safety_denied"
    assert found.words
    assert found.routing.role == "regulatory"


@pytest.mark.parametrize("text", HARMLESS)
def test_words_that_only_look_like_harm_raise_nothing(text: str) -> None:
    assert alarm_in(text).harm == ()


def test_every_held_out_sentence_about_harm_is_found_by_rules_alone() -> None:
    texts = json.loads(HELD_OUT.read_text(encoding="utf-8"))["examples"]["safety"]
    assert [text for text in texts if not alarm_in(text).harm] == []


@pytest.mark.parametrize(
    ("text", "mood"),
    [
        ("Excellent, we are very happy.", "positive"),
        ("The support was rude and the part was broken again.", "negative"),
        ("Not good at all.", "negative"),
        ("We are not happy with it.", "negative"),
        ("Please send the price list.", "neutral"),
        ("🙂", "neutral"),
    ],
)
def test_the_mood_of_a_text_turns_with_a_negation(text: str, mood: str) -> None:
    score, found = mood_of(text)
    assert found == mood
    assert -1 <= score <= 1


def test_without_a_phrase_rules_say_other_and_that_they_do_not_know() -> None:
    found = decide(Feedback("t", "洗浄工程の後に部品の表面に錆が見つかりました。"))
    assert (found.category, found.method) == ("other", "rules")
    assert found.confidence <= 0.2


def test_phrases_speak_for_their_category() -> None:
    weights = phrase_weights("The shipment was delivered late by the courier.")
    assert max(weights, key=lambda category: weights[category]) == "delivery"
    assert phrase_weights("") == {}


def test_a_grave_event_type_of_a_record_makes_it_safety() -> None:
    found = decide(Feedback("CMP-2026-0001 v1", "It stopped.", "CMP-2026-0001", "serious_injury"), SURE_OF_PRAISE)
    assert (found.category, found.urgency) == ("safety", "safety")
    assert found.routing.next == "assess_reportability of CMP-2026-0001"


def test_haste_is_urgent_and_names_its_words() -> None:
    found = decide(Feedback("t", "Our line is down, we need the parts immediately!"), SURE_OF_PRAISE)
    assert found.urgency == "urgent"
    assert "immediately" in found.words


def test_a_very_long_text_is_read_to_its_end_in_a_moment() -> None:
    assert alarm_in("The lid is loose and the box is wet. " * 2_000 + "The patient was injured.").harm == ("injured",)


@pytest.mark.parametrize(
    "text",
    [
        "The death was not reported to anybody.",
        "An infection was not treated in time.",
        "There was no operator and the patient was injured.",
        "The patient passed away two days later.",
        "He did not survive the operation.",
        "The tip broke off inside the patient.",
        "A child swallowed the cap.",
        "I burned myself on the housing.",
        "Her finger was crushed by the lid.",
        "Sparks came out of the socket.",
    ],
)
def test_harm_that_is_told_in_passing_is_not_denied(text: str) -> None:
    assert alarm_in(text).harm
