"""Records from files: through the same guards and trail, repeatable, and no row lost because of another."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from qms_mcp.auth.principal import Principal
from qms_mcp.cli import import_
from qms_mcp.db.database import Database
from qms_mcp.db.queries import Query
from qms_mcp.errors import InvalidInputError, NotAllowedError
from qms_mcp.services.imports.maps import ImportMap, load_map, shipped_maps
from qms_mcp.services.imports.models import ImportReport
from qms_mcp.services.imports.reading import rows_of
from qms_mcp.services.imports.service import Imports, check_columns
from qms_mcp.services.trail.scope import TrailFilter
from qms_mcp.services.trail.service import Trail
from tests.conftest import Tenants
from tests.support.real_events import events_file

pytestmark = [pytest.mark.anyio, pytest.mark.shared_database]

OWN_MAP = {
    "name": "scars of the past",
    "category": "nonconformance",
    "system": "the old list",
    "external_id": "Nr",
    "fields": {
        "title": "Was",
        "detected_on": {"from": "Datum", "kind": "date", "formats": ["%d.%m.%Y"]},
        "quantity_affected": {"from": "Menge", "kind": "number"},
    },
    "metadata": {"site": {"from": "Werk", "optional": True}},
}
HEADER = "Nr;Was;Datum;Menge"
RECORDS = Query(
    "test",
    "SELECT i.number, i.title, i.status, i.external_id, i.metadata, i.source, i.drafted_by_kind, i.risk_class, "
    "to_jsonb(c) AS complaint, to_jsonb(f) AS field_action, to_jsonb(n) AS nonconformance FROM qms.quality_items AS i "
    "LEFT JOIN qms.complaints AS c ON i.id = c.id LEFT JOIN qms.field_actions AS f ON i.id = f.id "
    "LEFT JOIN qms.nonconformances AS n ON i.id = n.id ORDER BY i.number",
)


async def records(database: Database, principal: Principal) -> list[dict[str, Any]]:
    async with database.transaction(principal, read_only=True) as transaction:
        return await transaction.fetch_dicts(RECORDS)


async def imported(
    database: Database, principal: Principal, path: Path, named: str | ImportMap, **options: Any
) -> ImportReport:
    map_ = load_map(named) if isinstance(named, str) else named
    return await Imports(database, principal).run(path, map_, **options)


def own_map(**changes: Any) -> ImportMap:
    return ImportMap.model_validate({**OWN_MAP, **changes})


def table(tmp_path: Path, *lines: str, name: str = "list.csv", encoding: str = "utf-8") -> Path:
    path = tmp_path / name
    path.write_text("\n".join([HEADER, *lines]) + "\n", encoding=encoding)
    return path


# Real events ----------------------------------------------------------------------------------------------------------


REAL = {
    "openfda_enforcement": ("openfda_enforcement_recalls.jsonl", 208, "FA"),
    "maude_event": ("maude_bone_cement_2017.csv", 535, "CMP"),
    "nhtsa_complaint": ("nhtsa_complaints.jsonl", 100, "CMP"),
}


@pytest.mark.parametrize("named", REAL)
async def test_real_events_are_imported_whole_and_a_second_time_nothing_is_doubled(
    database: Database, tenants: Tenants, named: str
) -> None:
    name, count, prefix = REAL[named]
    path = events_file(name)
    first = await imported(database, tenants.ours, path, named)
    assert (first.read, first.added, first.there_already, first.skipped) == (count, count, 0, {})
    made = await records(database, tenants.ours)
    assert [row["number"].rsplit("-", 1)[1] for row in made] == [f"{place:04}" for place in range(1, count + 1)]
    assert {row["number"].split("-", 1)[0] for row in made} == {prefix}
    assert {row["drafted_by_kind"] for row in made} == {"agent"}
    assert len({row["status"] for row in made}) == 1  # nothing jumps over a state, whatever the source says
    second = await imported(database, tenants.ours, path, named)
    assert (second.read, second.added, second.there_already, second.skipped) == (count, 0, count, {})
    assert await records(database, tenants.ours) == made
    assert (await Trail(database).verify(tenants.ours)).intact
    notes = await Trail(database).get(tenants.ours, TrailFilter(action="imported"), detail="full")
    assert [entry.details["added"] for entry in notes.entries if entry.details] == [0, count]
    assert await records(database, tenants.theirs) == []


async def test_a_recall_keeps_what_the_report_says(database: Database, tenants: Tenants) -> None:
    path = events_file("openfda_enforcement_recalls.jsonl")
    await imported(database, tenants.ours, path, "openfda_enforcement", limit=1)
    given = json.loads(path.read_text("utf-8").splitlines()[0])
    (made,) = await records(database, tenants.ours)
    assert made["external_id"] == given["recall_number"] == "Z-2038-2014"
    assert made["risk_class"] == "medium"
    assert made["field_action"]["initiated_on"] == "2014-06-04"
    assert made["field_action"]["terminated_on"] == "2015-04-01"
    assert made["field_action"]["lots"].startswith("REF BB50T: Lots 326902")
    assert made["field_action"]["quantity"] is None  # "24,650 units domestically" is no number
    assert made["metadata"]["status_at_source"] == "Terminated"
    assert made["source"]["row"] == given
    assert (made["source"]["system"], made["source"]["line"]) == ("openFDA enforcement", 1)


async def test_a_nested_event_of_openfda_reads_like_a_flat_one(
    database: Database, tenants: Tenants, tmp_path: Path
) -> None:
    event = {
        "report_number": "1-2026-1",
        "event_type": "Injury",
        "date_received": "20260105",
        "report_source_code": "Manufacturer report",
        "device": [{"brand_name": "CEMENT", "lot_number": "L7", "model_number": "M1", "generic_name": "BONE CEMENT"}],
        "mdr_text": [{"text": "IT SET TOO EARLY."}],
    }
    event["device"][0] |= {"manufacturer_d_name": "ACME", "manufacturer_d_country": "US"}  # pyright: ignore[reportArgumentType, reportOperatorIssue, reportIndexIssue]
    event["device"][0]["openfda"] = {"device_class": "2", "medical_specialty_description": "Orthopedic"}  # pyright: ignore[reportArgumentType, reportIndexIssue]
    document = {"meta": {"results": {"total": 2}}, "results": [event, event | {"report_number": "1-2026-2"}]}
    path = tmp_path / "events.json"
    path.write_text(json.dumps(document, indent=1))
    report = await imported(database, tenants.ours, path, "maude_event")
    assert (report.added, report.skipped) == (2, {})
    made = (await records(database, tenants.ours))[0]
    assert (made["title"], made["complaint"]["lot"]) == ("Injury: CEMENT", "L7")
    assert made["complaint"]["event_type"] == "serious_injury"
    assert made["metadata"]["manufacturer"] == "ACME"


# One's own files ------------------------------------------------------------------------------------------------------


async def test_a_broken_row_loses_no_other_and_is_named_with_its_reason(
    database: Database, tenants: Tenants, tmp_path: Path
) -> None:
    path = table(
        tmp_path,
        "1;Grat am Gehäuse;03.02.2026;12",
        "2;Kratzer",
        ";ohne Nummer;03.02.2026;1",
        "4;falscher Tag;31.02.2026;1",
        "5;keine Zahl;03.02.2026;viele",
        "1;noch einmal;03.02.2026;1",
        "7;;03.02.2026;1",
        "8;unmögliche Menge;03.02.2026;-4",
        '9;"zwei\nZeilen";03.02.2026;1,5',
    )
    report = await imported(database, tenants.ours, path, own_map())
    assert (report.read, report.added, report.skipped_rows) == (9, 2, 7)
    assert [row["title"] for row in await records(database, tenants.ours)] == ["Grat am Gehäuse", "zwei\nZeilen"]
    where = {reason: [one.line for one in rows.examples] for reason, rows in report.skipped.items()}
    refused = [reason for reason in where if reason.startswith("the database refused it")]
    assert [where.pop(reason) for reason in refused] == [[9]]
    assert where == {
        "it has another number of values than there are columns": [3],
        "it has no id of its own": [4],
        "detected_on is no date": [5],
        "quantity_affected is no number": [6],
        "its id is in the file more than once": [7],
        "it has no title": [8],
    }
    again = await imported(database, tenants.ours, path, own_map())
    assert (again.added, again.there_already) == (0, 2)


JSON_LINES = [
    b'{"Nr": "1", "Was": "erste", "Datum": "03.02.2026", "Menge": 2}',
    b'{"Nr": "2", "Was": "abgeschnit',
    b'["Nr", "3"]',
    b'{"Nr": "4", "Was": "falsch \xe4", "Datum": "03.02.2026", "Menge": 2}',
    b"",
    b'{"Nr": "5", "Was": "Null \\u0000 und \\ud83d\\ude00", "Datum": "03.02.2026", "Menge": 2.5}',
]


async def test_lines_that_are_no_json_or_no_utf_8_are_skipped_alone(
    database: Database, tenants: Tenants, tmp_path: Path
) -> None:
    path = tmp_path / "list.jsonl"
    path.write_bytes(b"\n".join(JSON_LINES))
    report = await imported(database, tenants.ours, path, own_map())
    assert (report.read, report.added) == (5, 2)
    assert {reason: rows.examples[0].line for reason, rows in report.skipped.items()} == {
        "it is no JSON": 2,
        "it is no JSON object": 3,
        "it is no UTF-8 text": 4,
    }
    titles = [row["title"] for row in await records(database, tenants.ours)]
    assert titles == ["erste", "Null \ufffd und \U0001f600"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
async def test_a_mark_at_the_beginning_of_a_file_is_no_part_of_a_name(
    database: Database, tenants: Tenants, tmp_path: Path, encoding: str
) -> None:
    path = table(tmp_path, "1;Größe 日本;03.02.2026;12", encoding=encoding)
    assert (await imported(database, tenants.ours, path, own_map())).added == 1
    assert (await records(database, tenants.ours))[0]["title"] == "Größe 日本"


async def test_a_trial_does_all_of_it_and_keeps_nothing(database: Database, tenants: Tenants, tmp_path: Path) -> None:
    path = table(tmp_path, "1;Grat;03.02.2026;12", "2;unmöglich;03.02.2026;-4")
    before = (await Trail(database).verify(tenants.ours)).entries
    report = await imported(database, tenants.ours, path, own_map(), trial=True)
    assert (report.trial, report.added, report.skipped_rows, report.first) == (True, 1, 1, None)
    assert await records(database, tenants.ours) == []
    assert (await Trail(database).verify(tenants.ours)).entries == before
    # No number was spent on it.
    assert str((await imported(database, tenants.ours, path, own_map())).first).endswith("-0001")


async def test_an_interrupted_import_goes_on_where_it_was(database: Database, tenants: Tenants, tmp_path: Path) -> None:
    path = table(tmp_path, *(f"{number};Grat {number};03.02.2026;1" for number in range(250)))

    def interrupt(report: ImportReport) -> None:
        if report.read >= 200:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await imported(database, tenants.ours, path, own_map(), at=interrupt)
    assert len(await records(database, tenants.ours)) == 200
    report = await imported(database, tenants.ours, path, own_map())
    assert (report.added, report.there_already) == (50, 200)


async def test_what_is_imported_says_from_where_in_record_and_trail(
    database: Database, tenants: Tenants, tmp_path: Path
) -> None:
    path = table(tmp_path, "1;Grat;03.02.2026;12")
    await imported(database, tenants.ours, path, own_map(keep_row=False))
    (made,) = await records(database, tenants.ours)
    assert made["source"] == {"system": "the old list", "file": "list.csv", "line": 2, "map": "scars of the past"}
    page = await Trail(database).get(tenants.ours, TrailFilter(record=made["number"]))
    assert {entry.reason for entry in page.entries} == {"imported from list.csv with the map scars of the past"}


async def test_an_auditor_imports_nothing(database: Database, tenants: Tenants, tmp_path: Path) -> None:
    path = table(tmp_path, "1;Grat;03.02.2026;12")
    with pytest.raises(NotAllowedError):
        await imported(database, tenants.auditor, path, own_map())


async def test_the_same_id_in_another_organization_is_another_record(
    database: Database, tenants: Tenants, tmp_path: Path
) -> None:
    path = table(tmp_path, "1;Grat;03.02.2026;12")
    for principal in (tenants.ours, tenants.theirs):
        assert (await imported(database, principal, path, own_map())).added == 1


# Maps -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "hint"),
    [
        ({"category": "nonconformence"}, "Did you mean nonconformance?"),
        ({"fields": {"title": "Was", "quantity_afected": "Menge"}}, "Did you mean quantity_affected?"),
        ({"fields": {"title": "Was", "status": "Menge"}}, "Did you mean tags?"),
        ({"external_id": "Nummer"}, "There are: Datum, Menge, Nr, Was."),
        ({"fields": {"title": "Was", "detected_on": {"from": "Datun", "kind": "date"}}}, "Did you mean Datum?"),
    ],
)
async def test_a_wrong_map_is_refused_with_the_nearest_name_before_anything_is_added(
    database: Database, tenants: Tenants, tmp_path: Path, changes: dict[str, Any], hint: str
) -> None:
    path = table(tmp_path, "1;Grat;03.02.2026;12")
    with pytest.raises(InvalidInputError) as refused:
        await imported(database, tenants.ours, path, own_map(**changes))
    assert hint in refused.value.hint
    assert await records(database, tenants.ours) == []


BROKEN_MAPS: dict[str, tuple[str, str, str]] = {
    "no TOML": ("map.toml", "category = ", "is no TOML"),
    "no JSON": ("map.json", "{", "is no JSON"),
    "no title": ("map.json", json.dumps({**OWN_MAP, "fields": {"description": "Was"}}), "needs a title"),
    "a key that does not exist": ("map.json", json.dumps({**OWN_MAP, "external": "Nr"}), "external"),
    "a rule with two sources": (
        "map.json",
        json.dumps({**OWN_MAP, "fields": {"title": {"from": "Was", "value": "x"}}}),
        "one of",
    ),
    "a field the import sets": (
        "map.json",
        json.dumps({**OWN_MAP, "fields": {"title": "Was", "source": "Nr"}}),
        "set by the import",
    ),
}


@pytest.mark.parametrize("how", BROKEN_MAPS)
def test_a_map_that_cannot_be_used_says_why(tmp_path: Path, how: str) -> None:
    name, text, words = BROKEN_MAPS[how]
    (tmp_path / name).write_text(text)
    with pytest.raises(InvalidInputError, match=words):
        load_map(str(tmp_path / name))


def test_a_map_can_be_toml_or_json_and_a_name_that_is_nearly_right_is_recognized(tmp_path: Path) -> None:
    (tmp_path / "own.json").write_text(json.dumps({**OWN_MAP, "name": ""}))
    assert load_map(str(tmp_path / "own.json")).name == "own"
    assert set(shipped_maps()) == set(REAL)
    for name in REAL:
        assert load_map(name).name == name
    with pytest.raises(InvalidInputError) as refused:
        load_map("openfda_enforcment")
    assert refused.value.hint == "Did you mean openfda_enforcement?"


DOCUMENTS: dict[str, Callable[[list[dict[str, Any]]], str]] = {
    "a list": json.dumps,
    "an indented list": lambda rows: json.dumps(rows, indent=2),
    "results": lambda rows: json.dumps(
        {"meta": {"about": '"results": [ below', "results": {"total": 40}}, "results": rows}
    ),
}


@pytest.mark.parametrize("how", DOCUMENTS)
def test_a_document_is_read_row_by_row_however_long_it_is(
    tmp_path: Path, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qms_mcp.services.imports.reading._PIECE", 7)
    rows = [{"Nr": str(number), "Was": "x" * number, "deep": {"list": [1, [2]]}} for number in range(40)]
    path = tmp_path / "list.json"
    path.write_text(DOCUMENTS[how](rows))
    assert [row.values for row in rows_of(path)] == rows
    path.write_text(DOCUMENTS[how](rows)[:-30])
    with pytest.raises(InvalidInputError):
        list(rows_of(path))


def test_a_document_without_rows_and_an_empty_table_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"meta": 1}')
    (tmp_path / "b.csv").write_text("")
    for name in ("a.json", "b.csv"):
        with pytest.raises(InvalidInputError):
            check_columns(tmp_path / name, own_map())


def test_the_command_prints_maps_and_asks_for_what_it_needs() -> None:
    runner = CliRunner()
    assert runner.invoke(import_.command, ["--show-map"]).output.split() == sorted(REAL)
    shown = runner.invoke(import_.command, ["--show-map", "maude_event"])
    assert 'category = "complaint"' in shown.output
    assert runner.invoke(import_.command, []).exit_code == 2
