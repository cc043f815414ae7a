"""What several agents found becomes one result: nothing twice, nothing lost, nothing decided that is open."""

import random
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qms_mcp.agents.merging import Contribution, Embeddings, Merged, Trigrams, claims, grouping, merge, merge_with
from qms_mcp.agents.merging.likeness import TRIGRAM_THRESHOLD
from qms_mcp.agents.merging.models import Status
from qms_mcp.agents.outputs import AgentOutput, Evidence, Finding, Severity
from tests.support.merging_pairs import DIFFERENT, DIFFERENT_UNSEEN, SAME, SAME_UNSEEN


def finding(
    statement: str,
    *,
    severity: Severity = "minor",
    confidence: float = 0.6,
    calls: Sequence[str] = (),
    records: Sequence[str] = (),
    about: tuple[str, str, str] = ("", "", ""),
) -> Finding:
    subject, measure, value = about
    return Finding(
        statement=statement,
        severity=severity,
        confidence=confidence,
        evidence=Evidence(calls=list(calls), records=list(records)),
        subject=subject,
        measure=measure,
        value=value,
    )


def contribution(
    key: str,
    *insights: Finding,
    actions: Sequence[Finding] = (),
    agent: str = "",
    status: Status = "completed",
    labels: Mapping[str, str] | None = None,
) -> Contribution:
    output = AgentOutput(summary=key, insights=list(insights), actions=list(actions), recommendations=[])
    agent = agent or key
    return Contribution(
        key, agent, f"{agent}@1", f"run-{key}", "playbook", output, status=status, labels=labels or {}, seconds=1.5
    )


def merged_pair(one: str, other: str, threshold: float = TRIGRAM_THRESHOLD) -> Merged:
    return merge(
        [contribution("a", finding(one)), contribution("b", finding(other))], likeness=Trigrams(threshold=threshold)
    )


def test_the_same_words_are_one_item_with_both_sources() -> None:
    merged = merge(
        [
            contribution(
                "qa", finding("Three CAPAs are  overdue!", calls=["c1"], severity="major"), labels={"c1": "id-1"}
            ),
            contribution("data", finding("\uff54hree capas are overdue", records=["CAPA-2026-0001"], confidence=0.9)),
        ]
    )
    (item,) = merged.insights
    assert {(source.agent, source.why) for source in item.sources} == {("data", ""), ("qa", "exact")}
    assert (item.severity, item.agreement) == ("major", 2)
    assert item.confidence == pytest.approx((0.9 + 0.96) / 2)
    assert {call for source in item.sources for call in source.calls} == {"id-1"}
    assert (merged.tally.findings, merged.tally.merged_exact, merged.tally.merged_semantic) == (2, 1, 0)


def test_other_words_for_the_same_are_one_item_that_says_why() -> None:
    merged = merged_pair("CAPA-2026-0014 is overdue.", "CAPA-2026-0014 has passed its due date.")
    (item,) = merged.insights
    assert item.sources[1].why == "semantic 1.00"
    assert item.sources[1].statement
    assert merged.tally.merged_semantic == 1


def test_trigrams_find_most_of_what_is_the_same_and_nothing_that_is_not() -> None:
    found = [pair for pair in SAME if len(merged_pair(*pair).insights) == 1]
    wrong = [pair for pair in DIFFERENT if len(merged_pair(*pair).insights) == 1]
    assert len(SAME) + len(DIFFERENT) >= 60
    assert len(found) / len(SAME) >= 0.85
    assert wrong == []  # a precision of 1


def test_trigrams_take_nothing_unseen_for_the_same_that_is_not() -> None:
    assert [pair for pair in DIFFERENT_UNSEEN if len(merged_pair(*pair).insights) == 1] == []
    assert sum(len(merged_pair(*pair).insights) == 1 for pair in SAME_UNSEEN) >= 2


# Wherever the threshold is: what differs in a number, a record or a side is never the same.
@pytest.mark.parametrize(("one", "other"), DIFFERENT[:25])
def test_other_numbers_records_or_sides_never_merge_however_alike(one: str, other: str) -> None:
    alike = Embeddings({one: [1.0, 0.0], other: [1.0, 0.0]}, threshold=0.0)
    merged = merge([contribution("a", finding(one)), contribution("b", finding(other))], likeness=alike)
    assert len(merged.insights) == 2


@pytest.mark.slow
async def test_vectors_of_the_local_model_find_what_is_the_same_and_nothing_that_is_not() -> None:
    from qms_mcp.services.embedding.local import LocalEmbedder
    from qms_mcp.services.embedding.models import EmbeddingModel

    embedder = LocalEmbedder(EmbeddingModel(1, "k", "local", "all-MiniLM-L6-v2", 384, "", "", "active", None))
    if embedder.unusable():
        pytest.skip("no local model")

    async def embed(texts: Sequence[str]) -> Sequence[Sequence[float]]:
        return [[float(number) for number in row] for row in (await embedder.documents(texts)).vectors]

    async def one(pair: tuple[str, str]) -> bool:
        merged = await merge_with(
            [contribution(key, finding(text)) for key, text in zip("ab", pair, strict=True)], embed
        )
        assert merged.tally.likeness == "embeddings"
        return len(merged.insights) == 1

    found = sum([await one(pair) for pair in SAME])
    wrong = sum([await one(pair) for pair in DIFFERENT + DIFFERENT_UNSEEN])
    assert sum([await one(pair) for pair in SAME_UNSEEN]) >= 4
    assert found / len(SAME) >= 0.85
    assert wrong == 0


@pytest.mark.anyio
async def test_without_vectors_statements_are_compared_by_trigrams() -> None:
    async def none(texts: Sequence[str]) -> None:
        assert texts == sorted(set(texts))

    given = [contribution("a", finding("Three CAPAs are overdue."))]
    assert (await merge_with(given, none)).tally.likeness == "trigrams"
    assert await merge_with(given, None) == await merge_with(given, none)


def test_the_same_words_about_different_records_are_two_things() -> None:
    one = finding("The CAPA is overdue", records=["CAPA-2026-0001"])
    other = finding("The CAPA is overdue", records=["CAPA-2026-0002"])
    assert len(merge([contribution("a", one), contribution("b", other)]).insights) == 2
    assert len(merge([contribution("a", one), contribution("b", one)]).insights) == 1


def test_other_values_of_one_measure_are_a_contradiction_and_both_stay() -> None:
    merged = merge(
        [
            contribution("qa", finding("Overdue CAPAs: twelve.", about=("CAPAs", "overdue count", "12"))),
            contribution("data", actions=[finding("Work on 14 CAPAs.", about=("capa", "Overdue_count", "14 CAPAs"))]),
        ]
    )
    (found,) = merged.contradictions
    assert found.why in {"12 against 14 CAPAs", "14 CAPAs against 12"}
    assert {(side.item, tuple(side.agents)) for side in found.sides} == {("I1", ("qa",)), ("A1", ("data",))}
    assert merged.insights[0].contradictions == merged.actions[0].contradictions == ["C1"]


@pytest.mark.parametrize(
    ("one", "other", "against"),
    [
        ("14 days", "2 weeks", False),
        ("12 %", "0.12", False),
        ("1,200", "1200", False),
        ("45.1 days", "45.2 days", False),
        ("45 days", "54 days", True),
        ("12 days", "5 %", False),
        ("increasing", "falling", True),
        ("rising", "increasing", False),
        ("effective", "not effective", True),
        ("ineffective", "not effective", False),
        ("open", "closed", True),
        ("verification", "investigation", True),
    ],
)
def test_values_are_compared_as_what_they_mean(one: str, other: str, against: bool) -> None:
    merged = merge(
        [
            contribution("a", finding("The first statement.", about=("CAPA-2026-0014", "status", one))),
            contribution("b", finding("Something else entirely.", about=("CAPA-2026-0014", "status", other))),
        ]
    )
    assert bool(merged.contradictions) == against


def test_alike_statements_turned_against_each_other_are_a_contradiction() -> None:
    rising, falling = "Complaints about seal leaks are increasing.", "Complaints about seal leaks are decreasing."
    (found,) = merged_pair(rising, falling).contradictions
    assert found.why == "opposite sides of: trend"
    (found,) = merged_pair("There is evidence of the training.", "There is no evidence of the training.").contradictions
    assert found.why == "one denies what the other says"


def test_nothing_that_is_the_same_contradicts_itself() -> None:
    assert [pair for pair in SAME if merged_pair(*pair).contradictions] == []


def test_evidence_that_is_not_there_is_named_and_a_claim_without_any_is_marked() -> None:
    given = [
        contribution(
            "qa",
            finding("First statement.", calls=["c1", "c9"], records=["CAPA-2026-0999"]),
            finding("Second matter.", calls=["c2"]),
            finding("Third thing."),
            labels={"c1": "id-1", "c2": "id-2"},
        )
    ]
    assert claims(given).calls == {"id-1", "id-2"}
    assert claims(given).records == {"CAPA-2026-0999"}
    merged = merge(given, verified={"id-1": True, "id-2": False})
    assert [(item.statement, item.unsupported, item.invalid) for item in merged.insights] == [
        ("First statement.", False, ["CAPA-2026-0999", "c9 of qa"]),
        ("Second matter.", True, ["c2 of qa"]),
        ("Third thing.", True, []),
    ]
    assert merged.tally.unsupported == 2


def test_items_are_ranked_by_severity_then_evidence_agreement_and_confidence() -> None:
    merged = merge(
        [
            contribution(
                "a",
                finding("Alpha bad.", severity="critical"),
                finding("Beta seen by two.", records=["NC-2026-0001"]),
                finding("Gamma surest.", records=["NC-2026-0001"], confidence=1.0),
                finding("Delta without evidence.", confidence=1.0),
                finding("Epsilon less sure.", records=["NC-2026-0001"], confidence=0.2),
            ),
            contribution("b", finding("Beta seen by two.")),
        ]
    )
    said = [item.statement.split()[0] for item in merged.insights]
    assert said == ["Alpha", "Beta", "Gamma", "Epsilon", "Delta"]
    assert [item.id for item in merged.page(2, 1).insights] == ["I2", "I3"]


def test_what_failed_is_listed_with_its_reason() -> None:
    failed = Contribution("qa", "qa", "qa@1", "run-qa", "m", None, status="failed", error="The model was overloaded.")
    merged = merge([failed, contribution("data", finding("Five records."), status="partial")])
    assert (merged.tally.total, merged.tally.successful, merged.tally.partial, merged.tally.failed) == (2, 0, 1, 1)
    assert "qa (qa) failed: The model was overloaded." in merged.summary
    assert "data (data) stopped before its end" in merged.summary
    assert merged.contributors[1].error == "The model was overloaded."


def test_nothing_is_a_result_too() -> None:
    merged = merge([])
    assert merged.summary.startswith("No agent found anything.")
    assert Merged.model_validate_json(merged.model_dump_json()) == merged


def test_an_agent_that_repeats_itself_agrees_with_nobody() -> None:
    (item,) = merge([contribution(key, finding("It is so."), agent="qa") for key in ("a", "b", "c")]).insights
    assert (item.agreement, item.confidence, len(item.sources)) == (1, 0.6, 3)


TEXTS = sorted({text for pair in SAME + DIFFERENT for text in pair})
FINDINGS = st.builds(
    finding,
    st.sampled_from(TEXTS),
    severity=st.sampled_from(["major", "minor"]),
    confidence=st.sampled_from([0.2, 0.6, 0.9]),
    records=st.sampled_from([(), ("NC-2026-0001",)]),
    about=st.sampled_from(
        [("", "", ""), ("CAPA", "count", "3"), ("CAPAs", "count", "5"), ("lines", "trend", "rising")]
    ),
)
WORK = st.lists(st.lists(FINDINGS, max_size=8), min_size=1, max_size=5).map(
    lambda drawn: [contribution(f"task{place}", *found, actions=found[:2]) for place, found in enumerate(drawn)]
)


@settings(max_examples=25, deadline=None)
@given(WORK, st.randoms(use_true_random=False))
def test_the_order_and_repetition_of_contributions_change_nothing(
    work: list[Contribution], chance: random.Random
) -> None:
    merged = merge(work)
    again = [*work, *work[:2]]
    chance.shuffle(again)
    assert merge(again) == merged


@settings(max_examples=25, deadline=None)
@given(WORK)
def test_no_source_is_lost_and_what_was_merged_merges_no_further(work: list[Contribution]) -> None:
    merged = merge(work)
    given_in = sum(len(one.output.findings()) for one in work if one.output is not None)
    assert sum(len(item.sources) for item in merged.items()) == given_in == merged.tally.findings
    said = {source.statement or item.statement for item in merged.items() for source in item.sources}
    assert said == {found.statement for one in work if one.output for _, found in one.output.findings()}
    once = contribution(
        "all",
        *(finding(item.statement, about=(item.subject, item.measure, item.value)) for item in merged.insights),
        actions=[finding(item.statement, about=(item.subject, item.measure, item.value)) for item in merged.actions],
    )
    second = merge([once])
    assert len(second.insights) == len(merged.insights)
    assert len(second.actions) == len(merged.actions)


@given(st.text(max_size=200), st.sampled_from(["1,2,3 days", "9" * 400 + " %", "\u0663 h", "-5", "1.2.3.4", "<", ""]))
def test_any_text_can_be_read_and_is_the_same_as_itself(text: str, number: str) -> None:
    said = f"abc {text} {number}"
    merged = merge(
        [contribution("a", finding(said)), contribution("b", finding(said, about=(text[:99], text[:99], said[:99])))]
    )
    assert len(merged.insights) == 1
    assert merged.contradictions == []


def test_two_thousand_findings_are_compared_only_where_they_could_be_one(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[int] = []
    fits = grouping.fits

    def counted(*pair: grouping.Found) -> bool:
        compared.append(1)
        return fits(*pair)

    monkeypatch.setattr(grouping, "fits", counted)
    work = [
        contribution(
            f"t{task}",
            *(finding(f"CAPA-2026-{number:04} has been overdue for {task % 4} days.") for number in range(100)),
        )
        for task in range(20)
    ]
    merged = merge(work)
    assert merged.tally.findings == 2_000
    assert len(merged.insights) == 400
    assert len(compared) < 4_000
    assert len(merged.page(5).model_dump_json()) < 12_000


def test_a_thousand_alike_statements_without_numbers_are_one_item() -> None:
    work = [
        contribution(f"t{task}", *(finding("Complaints about labels rise.") for _ in range(100))) for task in range(10)
    ]
    assert [len(item.sources) for item in merge(work).insights] == [1_000]
