"""The frameworks that are shipped: whole, in order, mapped, and without any text of a standard."""

import re
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from qms_mcp.db.embedded import EmbeddedPostgres
from qms_mcp.db.migrate import shipped_migrations
from qms_mcp.errors import NotFoundError
from qms_mcp.services.compliance.finding import choose
from qms_mcp.services.compliance.models import Framework

COUNTS = {
    "ISO 9001:2015": 73,
    "ISO 13485:2016": 91,
    "21 CFR 820 QMSR": 22,
    "21 CFR 820 QSR": 31,
    "21 CFR Part 11": 33,
    "EU GMP Annex 11": 37,
    "ICH Q10": 21,
}
LEGACY = {
    "820.20": {"5"},
    "820.22": {"8.2.4"},
    "820.30": {"7.3"},
    "820.40": {"4.2.4"},
    "820.90": {"8.3"},
    "820.100": {"8.5.2", "8.5.3", "8.4"},
    "820.120": {"820.45"},
    "820.180": {"4.2.5"},
    "820.198": {"8.2.2", "820.35(a)"},
}


Ask = Callable[[str], list[dict[str, Any]]]


@pytest.fixture
def rows(embedded: EmbeddedPostgres, template: str) -> Ask:
    def ask(statement: str) -> list[dict[str, Any]]:
        with psycopg.connect(embedded.conninfo(template, "postgres")) as connection:
            return connection.cursor(row_factory=dict_row).execute(statement.encode()).fetchall()

    return ask


def test_every_framework_is_there_with_all_its_clauses(rows: Ask) -> None:
    counted = rows(
        "SELECT f.name, count(*) AS n FROM qms.frameworks f JOIN qms.clauses c ON c.framework_id = f.id GROUP BY 1"
    )
    assert {row["name"]: row["n"] for row in counted} == COUNTS


def test_parents_follow_from_the_numbers_and_only_headings_have_parts(rows: Ask) -> None:
    wrong = rows(
        "SELECT c.number, c.parent, c.kind FROM qms.clauses c WHERE "
        "(c.parent IS NOT NULL AND NOT starts_with(c.number, c.parent)) "
        "OR ((c.kind = 'heading') <> EXISTS (SELECT FROM qms.clauses b "
        "WHERE b.framework_id = c.framework_id AND b.parent = c.number))"
    )
    assert wrong == []
    deep = rows("SELECT c.parent FROM qms.clauses c WHERE c.number IN ('820.10(b)(3)', '7.5.9.1', '11.10(e)')")
    assert {row["parent"] for row in deep} == {"820.10(b)", "7.5.9", "11.10"}


def test_clauses_sort_as_people_count(rows: Ask) -> None:
    listed = rows(
        "SELECT c.number FROM qms.clauses c JOIN qms.frameworks f ON f.id = c.framework_id "
        "WHERE f.key = 'iso-13485' AND c.parent = '7.5' ORDER BY c.sort_key"
    )
    assert [row["number"] for row in listed] == [f"7.5.{n}" for n in range(1, 12)]


def test_titles_are_titles_and_no_text_of_a_standard(rows: Ask) -> None:
    titles = [str(row["title"]) for row in rows("SELECT c.title FROM qms.clauses c")]
    assert max(len(title) for title in titles) <= 100
    assert [title for title in titles if re.search(r"\bshall\b|\bmust\b|[.;]$", title)] == []


def test_the_legacy_regulation_leads_to_where_it_lives_on_and_says_it_is_unchecked(rows: Ask) -> None:
    mapped = rows(
        "SELECT o.number AS old, n.number AS new, m.checked, m.note FROM qms.clause_map m "
        "JOIN qms.clauses o ON o.id = m.from_clause_id JOIN qms.clauses n ON n.id = m.to_clause_id "
        "WHERE m.relation = 'replaced_by'"
    )
    assert [row for row in mapped if row["checked"] or row["note"] != "to be checked"] == []
    for old, new in LEGACY.items():
        assert {row["new"] for row in mapped if row["old"] == old} == new, old
    replaced = rows("SELECT n.key FROM qms.frameworks f JOIN qms.frameworks n ON n.id = f.successor_id")
    assert [row["key"] for row in replaced] == ["fda-qmsr"]


def test_a_rule_speaks_of_record_types_that_exist_and_of_requirements(rows: Ask) -> None:
    assert rows("SELECT count(*) AS n FROM qms.clause_evidence_rules")[0]["n"] == 180
    unknown = rows(
        "SELECT r.category FROM qms.clause_evidence_rules r WHERE r.category IS NOT NULL "
        "AND NOT EXISTS (SELECT FROM qms.record_types t WHERE t.category = r.category)"
    )
    misplaced = rows(
        "SELECT c.number FROM qms.clause_evidence_rules r JOIN qms.clauses c ON c.id = r.clause_id "
        "WHERE c.kind <> 'requirement'"
    )
    assert (unknown, misplaced) == ([], [])


def test_a_rule_wants_states_the_workflow_has(rows: Ask) -> None:
    missing = rows(
        "SELECT r.category, w.state FROM qms.clause_evidence_rules r CROSS JOIN unnest(r.wanted) AS w (state) "
        "LEFT JOIN qms.workflow_definitions d ON d.category = r.category AND d.organization_id IS NULL "
        "WHERE r.source = 'records' AND NOT coalesce(d.body -> 'states' ? w.state, false) GROUP BY 1, 2"
    )
    assert missing == []


@pytest.mark.parametrize(
    "written", ["iso-13485", "ISO 13485:2016", "iso13485", "ISO-13485", "iso 13485 2016", "13485", "qmsr"]
)
def test_a_framework_is_found_as_people_write_it(rows: Ask, written: str) -> None:
    known = [
        Framework(**row)
        for row in rows(
            "SELECT id, key, version, name, title, publisher, note, in_force_from, in_force_until, "
            "NULL AS replaced_by, 0 AS clauses FROM qms.frameworks ORDER BY in_force_until NULLS FIRST, key"
        )
    ]
    assert choose(known, written).key == ("fda-qmsr" if written == "qmsr" else "iso-13485")
    with pytest.raises(NotFoundError, match="no framework 'iso 99'"):
        choose(known, "iso 99")


def test_the_migration_reads_nothing_from_outside() -> None:
    script = next(one.script for one in shipped_migrations() if one.version == "0013")
    assert "COPY " not in script
    assert "pg_read_file" not in script
