"""Names, types and defaults of a design, without a database."""

from typing import Any

import pytest
from pydantic import ValidationError

from qms_mcp.errors import InvalidInputError
from qms_mcp.services.design.blueprint import Blueprint, ExistingTable
from qms_mcp.services.design.ddl import migration_sql
from qms_mcp.services.design.diagram import mermaid
from qms_mcp.services.design.models import Entity
from qms_mcp.services.design.names import check_name, literal, quoted, shortened, singular
from qms_mcp.services.design.types import column_type, default_sql
from qms_mcp.services.rls.expressions import calls_per_row, wrapped
from qms_mcp.services.rls.proof import proof_sql
from qms_mcp.services.rls.templates import Rules, row_security_sql

ITEMS = ExistingTable("qms.quality_items", "id", "uuid", tenant=True, pair=False, owned=True)
USERS = ExistingTable("auth.users", "id", "uuid", tenant=False, pair=False, owned=False)


def plan(*entities: dict[str, Any], existing: tuple[ExistingTable, ...] = (ITEMS, USERS)) -> Blueprint:
    made = [Entity.model_validate({"description": "Something.", **entity}) for entity in entities]
    return Blueprint("shop", made, {table.name: table for table in existing})


def refusal(*entities: dict[str, Any]) -> InvalidInputError:
    with pytest.raises(InvalidInputError) as refused:
        plan(*entities)
    return refused.value


@pytest.mark.parametrize(
    ("name", "suggestion"),
    [
        ("order", "'orders'"),
        ("Work Order", "'work_order'"),
        ("workOrder", "'work_order'"),
        ("2nd", "'n_2nd'"),
        ("pg_tools", "'tools'"),
        ("x; DROP TABLE qms.people", "'x_drop_table_qms_people'"),
        ("größe", "'gr_e'"),
    ],
)
def test_a_name_that_needs_quotes_is_refused_with_one_that_does_not(name: str, suggestion: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        check_name(name, "table")
    assert suggestion in refused.value.hint


def test_a_name_is_at_most_63_bytes() -> None:
    assert check_name("n" * 63, "table")
    with pytest.raises(InvalidInputError, match="64 bytes"):
        check_name("n" * 64, "table")
    assert len(shortened("n" * 60, "m" * 60)) == 63
    assert shortened("n" * 60, "m" * 60) != shortened("n" * 60, "k" * 60)


@pytest.mark.parametrize(
    ("given", "sql"),
    [
        ("decimal(12, 4)", "numeric(12,4)"),
        ("DECIMAL", "numeric"),
        ("money", "numeric(19,4)"),
        ("timestamp", "timestamptz"),
        ("json", "jsonb"),
        ("vector(384)", "vector(384)"),
        ("double  precision", "double precision"),
        ("text[]", "text[]"),
        ("varchar(20)", "text"),
        ("enum", "text"),
    ],
)
def test_friendly_types_become_those_of_postgres(given: str, sql: str) -> None:
    assert column_type(given).sql == sql


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        ("integr", "'integer'"),
        ("timestmap", "'timestamp'"),
        ("serial", "uuid key"),
        ("vector", "vector(384)"),
        ("vector(20000)", "vector(384)"),
        ("decimal(2,5)", "decimal(12,4)"),
        ("boolean(3)", "alone"),
        ("text); DROP TABLE x; --", "There is"),
    ],
)
def test_a_type_that_is_none_is_refused_with_the_nearest(given: str, hint: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        column_type(given)
    assert hint in refused.value.hint


@pytest.mark.parametrize(
    ("value", "given", "sql"),
    [
        ("it's", "text", "'it''s'"),
        ("'; DROP TABLE x; --", "text", "'''; DROP TABLE x; --'"),
        (3, "integer", "3"),
        (0.1, "decimal(5,2)", "0.1"),
        (True, "boolean", "true"),
        ("today", "date", "current_date"),
        ("now", "timestamp", "now()"),
        ("2026-01-31", "date", "'2026-01-31'"),
        ('{"a": 1}', "json", "'{\"a\": 1}'"),
        ("random", "uuid", "gen_random_uuid()"),
    ],
)
def test_defaults_are_values_and_never_expressions(value: Any, given: str, sql: str) -> None:
    assert default_sql(value, column_type(given)) == sql


@pytest.mark.parametrize(
    ("value", "given"),
    [
        ("pg_sleep(9)", "integer"),
        (True, "integer"),
        ("soon", "date"),
        ("yes", "boolean"),
        ("{", "json"),
        ("NaN", "money"),
    ],
)
def test_a_default_of_another_type_is_refused(value: Any, given: str) -> None:
    with pytest.raises(InvalidInputError):
        default_sql(value, column_type(given))


def test_what_every_table_has_is_not_declared_again() -> None:
    assert "leave the field out" in refusal({"name": "a", "fields": [{"name": "organization_id"}]}).hint


def test_the_same_name_twice_is_refused() -> None:
    assert "twice" in refusal({"name": "a"}, {"name": "a"}).message
    assert "twice" in refusal({"name": "a", "fields": [{"name": "b"}, {"name": "b"}]}).message
    twice = {"name": "a", "fields": [{"name": "s", "type": "enum", "allowed": ["x", "x"]}]}
    assert "twice" in refusal(twice).message


def test_a_default_outside_of_the_allowed_values_is_refused_with_the_nearest() -> None:
    field = {"name": "state", "type": "enum", "allowed": ["draft", "released"], "default": "drafd"}
    assert refusal({"name": "a", "fields": [field]}).hint == "Did you mean 'draft'?"


def test_an_unknown_property_of_a_field_is_refused() -> None:
    with pytest.raises(ValidationError):
        Entity.model_validate({"name": "a", "description": "b", "fields": [{"name": "c", "requird": True}]})


def test_a_relation_to_many_of_an_existing_table_is_turned_round() -> None:
    relation = {"to": "qms.quality_items", "kind": "one_to_many"}
    assert "many_to_one" in refusal({"name": "a", "relations": [relation]}).hint


def test_keys_carry_the_organization_and_widen_what_they_point_at() -> None:
    script = migration_sql(plan({"name": "notes", "relations": [{"to": "qms.quality_items"}]}), new_schema=True)
    assert "CREATE UNIQUE INDEX quality_items_organization_key ON qms.quality_items (organization_id, id);" in script
    assert "FOREIGN KEY (organization_id, quality_item_id) REFERENCES qms.quality_items (organization_id, id)" in script


def test_a_key_to_a_tenant_table_of_somebody_else_is_warned_of() -> None:
    foreign = ExistingTable("crm.deals", "id", "bigint", tenant=True, pair=False, owned=False)
    made = plan({"name": "notes", "relations": [{"to": "crm.deals"}]}, existing=(foreign,))
    assert "does not stop a link" in made.warnings[-1]
    assert "deal_id bigint" in migration_sql(made, new_schema=False)


def test_many_to_many_makes_a_link_table_once() -> None:
    link = {"to": "b", "kind": "many_to_many"}
    made = plan({"name": "a", "relations": [link]}, {"name": "b"})
    assert "UNIQUE (organization_id, a_id, b_id)" in migration_sql(made, new_schema=False)
    own = plan({"name": "parts", "relations": [{"to": "parts", "kind": "many_to_many"}]})
    assert [key.column for key in own.tables["parts_parts"].keys] == ["part_id", "other_part_id"]


def test_the_diagram_shows_keys_and_columns() -> None:
    diagram = mermaid(plan({"name": "a", "relations": [{"to": "b", "required": True}]}, {"name": "b"}))
    assert "    b ||--o{ a : b_id" in diagram
    assert "        uuid b_id FK" in diagram


@pytest.mark.parametrize(
    ("plural", "one"),
    [("tools", "tool"), ("batteries", "battery"), ("boxes", "box"), ("analysis", "analysis"), ("status", "status")],
)
def test_key_columns_are_named_in_the_singular(plural: str, one: str) -> None:
    assert singular(plural) == one


def test_names_and_texts_are_quoted_so_that_nothing_breaks_out() -> None:
    assert quoted("tools") == "tools"
    assert quoted("order") == '"order"'
    assert quoted('a"b') == '"a""b"'
    with pytest.raises(InvalidInputError):
        literal("a\0b")


@pytest.mark.parametrize(
    ("expression", "slow"),
    [
        ("(organization_id = qms.current_organization_id())", ["qms.current_organization_id()"]),
        ("(organization_id = ( SELECT qms.current_organization_id() AS current_organization_id))", []),
        ("(a = (( SELECT (auth.jwt() ->> 'org'::text)))::uuid)", []),
        ("(a = ((auth.jwt() ->> 'org'::text))::uuid)", ["auth.jwt()"]),
        ("(EXISTS ( SELECT FROM m WHERE (m.u = auth.uid())))", ["auth.uid()"]),
        ("(EXISTS ( SELECT FROM m WHERE (m.u = ( SELECT auth.uid() AS uid))))", []),
        ("(qms.has_role('mrb'::text) OR ( SELECT qms.may_write() AS may_write))", ["qms.has_role('mrb'::text)"]),
    ],
)
def test_calls_made_once_per_row_are_told_from_those_made_once(expression: str, slow: list[str]) -> None:
    assert calls_per_row(expression) == slow
    assert calls_per_row(wrapped(expression)) == []


def test_an_append_only_table_has_neither_right_nor_policy_to_update() -> None:
    script = row_security_sql(Rules("shop.a", "owner", owner_column="order", append_only=True))
    assert "UPDATE" not in script
    assert '"order" = (SELECT qms.current_user_id())' in script
    assert "nothing is changed" in proof_sql(Rules("shop.a", append_only=True))
