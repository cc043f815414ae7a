"""Quantities that add up, and the screen that tells a CAPA from a correction."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qms_mcp.errors import ConflictError, InvalidInputError
from qms_mcp.services.domain.dispositions import add_up, check_disposition
from qms_mcp.services.domain.screening import ScreenedEvent, ScreenRules, regulatory_impact, screen

amounts = st.decimals(min_value="0.001", max_value="100000", places=3)


@given(amounts, st.lists(amounts, max_size=8))
def test_no_order_of_dispositions_exceeds_what_is_affected(affected: Decimal, wanted: list[Decimal]) -> None:
    now = add_up(affected, [])
    for amount in wanted:
        before = now
        try:
            now = check_disposition(now, amount, kind="scrap")
        except ConflictError:
            assert amount > before.remaining
    assert now.dispositioned + now.remaining == affected
    assert now.remaining >= 0
    assert now.complete == (now.remaining == 0)


def test_tenths_add_up_exactly() -> None:
    quantities = add_up(Decimal("0.3"), [Decimal("0.1"), Decimal("0.2")], unit="kg")
    assert quantities.complete
    assert quantities.words() == "0.3 of 0.3 kg dispositioned, 0 remain"


def test_more_than_affected_is_refused_with_the_numbers() -> None:
    with pytest.raises(ConflictError, match=r"11 dispositioned is more than the 10 affected"):
        add_up(Decimal(10), [Decimal(6), Decimal(5)])
    with pytest.raises(ConflictError, match=r"5 is more than the 4 that remain of 10"):
        check_disposition(add_up(Decimal(10), [Decimal(6)]), Decimal(5), kind="scrap")


@pytest.mark.parametrize("amount", ["0", "-1", "NaN", "Infinity"])
def test_a_disposition_of_nothing_is_refused(amount: str) -> None:
    with pytest.raises(InvalidInputError):
        check_disposition(add_up(Decimal(10), []), Decimal(amount), kind="scrap")


def test_a_concession_needs_a_justification() -> None:
    now = add_up(Decimal(10), [])
    with pytest.raises(InvalidInputError, match="needs a justification"):
        check_disposition(now, Decimal(1), kind="use_as_is")
    assert (
        check_disposition(now, Decimal(1), kind="use_as_is", justification="within the tolerance of fit").remaining == 9
    )


EVENT = ScreenedEvent(citation="NC-2026-0001 v2", category="nonconformance", risk_class="low")


def test_a_single_minor_event_gets_a_correction() -> None:
    assert screen([EVENT]).recommendation == "correction"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"risk_class": "critical"}, "NC-2026-0001 v2 has the risk class critical"),
        ({"grades": ("major",)}, "NC-2026-0001 v2 is graded major"),
        ({"similar": 2}, "2 records similar to NC-2026-0001 v2 in 12 months"),
        ({"regulatory": ("it is reportable",)}, "NC-2026-0001 v2: it is reportable"),
    ],
)
def test_each_reason_for_a_capa_is_named_with_its_number(change: dict[str, object], why: str) -> None:
    screening = screen([EVENT.model_copy(update=change)])
    assert screening.recommendation == "capa"
    assert why in screening.words()


def test_several_sources_are_a_recurrence_and_thresholds_are_the_organizations() -> None:
    assert screen([EVENT] * 3).reasons[0].why == "3 source records describe it"
    strict = ScreenRules(recurrences=1)
    assert screen([EVENT.model_copy(update={"similar": 1})], strict).recommendation == "capa"


def test_regulatory_impact_is_read_from_the_fields_of_a_record() -> None:
    assert regulatory_impact("complaint", {"reportable": True}) == ("it is reportable",)
    assert regulatory_impact("complaint", {"reportable": False}) == ()
    assert regulatory_impact("field_action", {}) == ("it is a correction or removal in the field",)
