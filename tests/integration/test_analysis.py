"""Analyses over real records: sources are read as the caller, what was computed is kept, and can be computed again."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from qms_mcp.db.database import SQL_SEARCH_PATH, Database
from qms_mcp.db.embedded import EmbeddedPostgres
from qms_mcp.db.guard import Guard
from qms_mcp.db.queries import Query
from qms_mcp.errors import (
    ConflictError,
    InvalidInputError,
    LimitExceededError,
    NotFoundError,
    QmsError,
    RefusedStatementError,
)
from qms_mcp.pictures.model import Panel, Picture, Series
from qms_mcp.services.analysis import workbench as bench
from qms_mcp.services.analysis.baselines import Baselines
from qms_mcp.services.analysis.method import Analysed, Computed, Method, Options, Reader, RecordMethod
from qms_mcp.services.analysis.methods.spc_answer import SpcChart
from qms_mcp.services.analysis.methods.spc_chart import SPC_CHART
from qms_mcp.services.analysis.methods.spc_options import FrozenLimits, SpcOptions
from qms_mcp.services.analysis.source import Source
from qms_mcp.services.analysis.sources import Sources
from qms_mcp.services.analysis.table import Table
from qms_mcp.services.analysis.workbench import Workbench
from qms_mcp.services.documents.service import Documents
from qms_mcp.services.records.writing import RecordWriter
from qms_mcp.services.sql.querying import Querying
from qms_mcp.settings import Settings
from tests.conftest import Tenants, copied_database, two_tenants, wiring_for
from tests.support.readings import add_readings, make_readings

pytestmark = pytest.mark.anyio


class MeanOptions(Options):
    """Which column."""

    value: str


class Mean(Analysed):
    """A mean."""

    mean: float
    limits_to_freeze: dict[str, float] | None = None


def _mean(table: Table, options: MeanOptions) -> Computed[Mean]:
    values = table.numbers(options.value)
    mean = float(values.mean()) if len(values) != 4 else float("inf")
    picture = Picture(title="Mean", panels=(Panel(series=(Series(y=tuple(map(float, values))),)),))
    answer = Mean(headline=f"The mean is {mean}.", mean=mean, limits_to_freeze={"center": mean})
    return Computed(answer, len(values), picture)


async def _count(reader: Reader, options: MeanOptions) -> Computed[Mean]:
    rows = await reader.rows(Query("test", "SELECT i.id FROM qms.quality_items AS i WHERE i.category = %(category)s"),
                             {"category": options.value})  # fmt: skip
    return Computed(Mean(headline=f"{len(rows)} records on {reader.today}.", mean=len(rows)), len(rows))


MEAN = Method("spc_chart", "1", MeanOptions, _mean)
COUNT = RecordMethod("count", "1", MeanOptions, _count)
READINGS = "SELECT r.title, r.priority FROM site.readings AS r ORDER BY r.title"


@dataclass(frozen=True)
class World:
    """One database for the tests of this module."""

    database: Database
    tenants: Tenants
    workbench: Workbench
    baselines: Baselines
    documents: Documents
    superuser: str

    async def mean(self, value: str = "x", **source: Any) -> Mean:
        """Compute a mean for us."""
        return await self.workbench.run(self.tenants.ours, MEAN, Source(**source), MeanOptions(value=value))

    async def kept(self, answer: Analysed) -> dict[str, Any]:
        """Return what was kept of an answer."""
        return await self.workbench.answer(self.tenants.ours, calculation(answer))


@pytest.fixture(scope="module")
async def world(
    embedded: EmbeddedPostgres, template: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[World]:
    with copied_database(embedded, template) as name:
        database = Database(wiring_for(embedded, name))
        await database.open()
        tenants = await two_tenants(database)
        await make_readings(database)
        await add_readings(database, tenants.ours, n=5)
        await add_readings(database, tenants.theirs, "Theirs ", n=7)
        querying = Querying(database, Guard(search_path=SQL_SEARCH_PATH), 15_000)
        workbench = Workbench(database, Sources(database, querying))
        home: Path = tmp_path_factory.mktemp("home")
        documents = Documents(database, Settings.from_environment({}), home)
        baselines = Baselines(database, workbench, documents)
        yield World(database, tenants, workbench, baselines, documents, embedded.conninfo(name, "postgres"))
        await database.close()


@pytest.fixture(autouse=True)
def these_methods(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    found: dict[str, Any] = {"spc_chart": MEAN, "count": COUNT}
    monkeypatch.setattr(bench, "method_named", found.__getitem__)
    return found


def calculation(answer: Analysed) -> str:
    assert answer.provenance
    return answer.provenance.calculation


# Sources --------------------------------------------------------------------------------------------------------------


async def test_a_statement_is_read_as_the_caller_and_sees_no_other_organization(world: World) -> None:
    found = await world.mean("priority", sql=READINGS + ";")
    assert (found.mean, found.provenance and found.provenance.n) == (3, 5)
    theirs = await world.workbench.run(world.tenants.theirs, MEAN, Source(sql=READINGS), MeanOptions(value="priority"))
    assert (theirs.mean, theirs.provenance and theirs.provenance.n) == (4, 7)


async def test_a_statement_that_does_more_than_read_is_refused(world: World) -> None:
    with pytest.raises(RefusedStatementError):
        await world.mean("priority", sql="UPDATE site.readings SET priority = 0 RETURNING priority")


async def test_parameters_and_numbers_with_many_digits_are_numbers(world: World) -> None:
    found = await world.mean("x", sql="SELECT n / 3.0 AS x FROM generate_series(1, $1) AS n", parameters=[5])
    assert found.mean == pytest.approx(1.0)


async def test_columns_of_one_name_are_refused(world: World) -> None:
    with pytest.raises(InvalidInputError, match="several columns called 'x'"):
        await world.mean("x", sql="SELECT 1 AS x, 2 AS x")


async def test_records_come_with_their_own_fields_and_a_filter(world: World) -> None:
    writer = RecordWriter(world.database)
    for quantity in (3, 5, 40):
        fields = {"title": f"Burrs {quantity}", "quantity_affected": quantity}
        if quantity == 40:
            fields["occurred_at"] = "2020-05-05T10:00:00Z"
        await writer.add(world.tenants.ours, "nonconformance", fields, "found at the incoming inspection")
    assert (await world.mean("quantity_affected", records="nonconformance")).mean == 16
    recent = await world.mean("quantity_affected", records="nonconformance", since="2021-01-01")
    assert recent.mean == 4
    assert recent.provenance
    assert recent.provenance.source == "records of type nonconformance since 2021-01-01"
    early = await world.mean("quantity_affected", records="nonconformance", until="2020-05-05", states=["open"])
    assert early.mean == 40
    with pytest.raises(InvalidInputError, match="no type of record") as refused:
        await world.mean(records="nonconformity")
    assert "nonconformance" in refused.value.hint


async def test_a_table_of_a_document_is_read_by_its_number(world: World) -> None:
    from qms_mcp.services.documents.service import Source as DocumentSource

    text = "# Log\n\n| a |\n| --- |\n| 1 |\n\n| line | x |\n| --- | --- |\n| A | 9.5 mm |\n| B\\|2 | **10.5** mm |\n"
    await world.documents.ingest(
        world.tenants.ours, DocumentSource(text=text, file_name="log.md"), "a test needs a document",
        fields={"document_number": "LOG-1", "title": "Log"},
    )  # fmt: skip
    found = await world.mean("x", document="LOG-1", table=2)
    assert found.mean == 10
    assert found.provenance
    assert found.provenance.source.startswith("LOG-1 v1, table 2 (draft, content sha256 ")
    with pytest.raises(InvalidInputError, match="has 2 tables"):
        await world.mean("x", document="LOG-1", table=3)
    with pytest.raises(NotFoundError):
        await world.mean("x", document="LOG-2")


async def test_more_rows_than_are_read_at_once_are_refused_with_what_to_do(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from qms_mcp.services.analysis import sources

    monkeypatch.setattr(sources, "MOST_ROWS", 50)
    with pytest.raises(LimitExceededError, match="more than the 50 rows"):
        await world.mean("n", sql="SELECT n FROM generate_series(1, 51) AS n")


async def test_a_hundred_thousand_rows_are_read(world: World) -> None:
    found = await world.mean("n", sql="SELECT n::float8 / 7 AS n FROM generate_series(1, 100000) AS n")
    assert found.mean == pytest.approx(100_001 / 14)


@pytest.mark.parametrize("given", [{}, {"sql": "SELECT 1", "csv": "a\n1"}])
def test_exactly_one_source_is_named(given: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="exactly one"):
        Source(**given)  # type: ignore[arg-type]


# Keeping --------------------------------------------------------------------------------------------------------------


async def test_everything_needed_to_compute_it_again_is_kept(world: World) -> None:
    found = await world.mean(columns={"x": [1, 2, 6]}, units={"x": "mm"})
    kept = await world.kept(found)
    assert kept["source"] == {"columns": {"x": [1, 2, 6]}, "units": {"x": "mm"}}
    assert (kept["method"], kept["method_version"], kept["options"], kept["n"]) == ("spc_chart", "1", {"value": "x"}, 3)
    assert kept["answer"] == {"headline": "The mean is 3.0.", "mean": 3.0, "limits_to_freeze": {"center": 3.0}}
    assert {"numpy", "scipy", "qms-mcp"} == set(kept["software"])
    assert len(kept["input_sha256"]) == 64
    assert kept["created_kind"] == "agent"


async def test_nobody_changes_removes_or_forges_a_calculation(world: World) -> None:
    found = await world.mean(columns={"x": [1]})
    forged = (
        "INSERT INTO qms.calculations (organization_id, method, method_version, software, source_says, options, n, "
        "input_rows, input_sha256, answer, answer_sha256, created_kind) VALUES (qms.current_organization_id(), 'x', "
        "'1', '{}', '', '{}', 1, 1, repeat('0', 64), '{}', repeat('0', 64), 'human')"
    )
    for statement in ("UPDATE qms.calculations SET n = 2", "DELETE FROM qms.calculations", forged):
        with pytest.raises(QmsError):
            async with world.database.transaction(world.tenants.ours) as transaction:
                await transaction.execute(Query("test", statement))
    with psycopg.connect(world.superuser) as connection, pytest.raises(psycopg.Error, match="append-only"):
        connection.execute("UPDATE qms.calculations SET n = 2")
    assert (await world.kept(found))["n"] == 1


async def test_a_calculation_of_another_organization_is_not_there(world: World) -> None:
    found = await world.mean(columns={"x": [1]})
    with pytest.raises(NotFoundError):
        await world.workbench.answer(world.tenants.theirs, calculation(found))
    with pytest.raises(NotFoundError):
        await world.workbench.picture(world.tenants.theirs, calculation(found))
    with pytest.raises(NotFoundError):
        await world.workbench.recompute(world.tenants.theirs, calculation(found))


async def test_an_auditor_computes_too_and_writes_no_record(world: World) -> None:
    found = await world.workbench.run(world.tenants.auditor, MEAN, Source(columns={"x": [4]}), MeanOptions(value="x"))
    assert found.mean == 4
    with pytest.raises(QmsError):
        await world.baselines.freeze(world.tenants.auditor, calculation(found), "X", "an auditor tries to freeze it")


async def test_an_answer_with_a_number_that_is_none_is_refused_by_its_place(world: World) -> None:
    with pytest.raises(InvalidInputError, match=r"answer\.mean would be inf"):
        await world.mean(columns={"x": [1, 2, 3, 4]})


async def test_its_picture_comes_along_and_is_drawn_again_from_what_was_kept(world: World) -> None:
    found = await world.workbench.run(
        world.tenants.ours, MEAN, Source(columns={"x": [1, 2, 3]}), MeanOptions(value="x"), "svg"
    )
    media_type, image = found._images[0]  # pyright: ignore[reportPrivateUsage]
    assert media_type == "image/svg+xml"
    assert await world.workbench.draw(world.tenants.ours, calculation(found), "svg") == image
    assert (await world.workbench.draw(world.tenants.ours, calculation(found), "png")).startswith(b"\x89PNG")


async def test_an_unknown_id_says_where_ids_are(world: World) -> None:
    with pytest.raises(NotFoundError, match="no calculation"):
        await world.workbench.recompute(world.tenants.ours, str(uuid4()))
    with pytest.raises(InvalidInputError, match="no id") as refused:
        await world.workbench.recompute(world.tenants.ours, "latest")
    assert "provenance" in refused.value.hint


# Computing again ------------------------------------------------------------------------------------------------------


async def test_the_same_data_give_the_same_number(world: World) -> None:
    found = await world.mean(columns={"x": [1, 2, 6]})
    again = await world.workbench.recompute(world.tenants.ours, calculation(found))
    assert again.same
    assert again.why == []
    assert again.was["calculation"] == calculation(found)
    assert again.now["calculation"] != calculation(found)
    repeated = await world.workbench.answer(world.tenants.ours, again.now["calculation"])
    assert repeated["answer_sha256"] == (await world.kept(found))["answer_sha256"]


async def test_data_that_changed_are_said_with_what_differs(world: World) -> None:
    statement = "SELECT r.priority FROM site.readings AS r WHERE r.title LIKE 'Changing%'"
    await add_readings(world.database, world.tenants.ours, "Changing ", n=2)
    found = await world.mean("priority", sql=statement)
    await add_readings(world.database, world.tenants.ours, "Changing more ", n=3)
    again = await world.workbench.recompute(world.tenants.ours, calculation(found))
    assert not again.same
    assert again.why == ["The data changed: 2 rows then, 5 now."]
    assert ["mean", 1.5, 1.8] in again.differences
    assert again.headline.startswith("Not the same: ")


async def test_a_method_that_changed_is_said(world: World, these_methods: dict[str, Any]) -> None:
    found = await world.mean(columns={"x": [1, 2, 6]})
    these_methods["spc_chart"] = replace(MEAN, version="2")
    again = await world.workbench.recompute(world.tenants.ours, calculation(found))
    assert again.same
    assert again.why == ["The method changed: spc_chart 1 then, 2 now."]


async def test_a_number_of_the_records_themselves_is_computed_again(world: World) -> None:
    found = await world.workbench.run(world.tenants.ours, COUNT, None, MeanOptions(value="supplier"))
    assert found.provenance
    assert found.provenance.source == "the records of the organization"
    await RecordWriter(world.database).add(world.tenants.ours, "supplier", {"title": "A"}, "a test adds a supplier")
    again = await world.workbench.recompute(world.tenants.ours, calculation(found))
    assert (again.same, again.why) == (False, ["The data changed: 0 rows then, 1 now."])


async def test_a_table_too_large_to_keep_is_told_apart_by_its_hash(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from qms_mcp.services.analysis import keeping

    monkeypatch.setattr(keeping, "_MOST_KEPT_BYTES", 100)
    found = await world.mean(columns={"x": list(range(100))})
    kept = await world.kept(found)
    assert kept["source"]["sha256"] == kept["input_sha256"]
    with pytest.raises(InvalidInputError, match="too large to keep"):
        await world.workbench.recompute(world.tenants.ours, calculation(found))


# Baselines ------------------------------------------------------------------------------------------------------------


async def chart(world: World, shift: float = 0.0, **options: Any) -> SpcChart:
    values = [shift + 10 + (7 * n % 10) / 10 for n in range(30)]
    source = Source(columns={"x": values}, units={"x": "mm"})
    return await world.workbench.run(world.tenants.ours, SPC_CHART, source, SpcOptions(value="x", **options))


async def test_limits_are_frozen_as_a_document_whose_next_version_is_a_revision(world: World) -> None:
    ours, first = world.tenants.ours, await chart(world)
    frozen = await world.baselines.freeze(ours, calculation(first), "oven-3", "the line is qualified")
    assert (frozen.baseline, frozen.state, frozen.limits) == ("BL-OVEN-3 v1", "draft", first.limits_to_freeze)
    limits = await world.baselines.limits(ours, "oven-3")
    assert (limits.center, limits.unit, limits.name, limits.signed_off) == (10.45, "mm", "BL-OVEN-3 v1", False)
    judged = await chart(world, 5, baseline=limits)
    assert (judged.phase, judged.in_control, judged.limits_to_freeze) == ("II: BL-OVEN-3 v1", False, None)
    assert "not_signed_off" in {flag.code for flag in judged.flags}
    with psycopg.connect(world.superuser) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("UPDATE qms.documents SET is_effective = true WHERE id = %s", [frozen.id])
        connection.execute("UPDATE qms.quality_items SET status = 'effective' WHERE id = %s", [UUID(str(frozen.id))])
    second = await chart(world, 1)
    revised = await world.baselines.freeze(ours, calculation(second), "OVEN-3", "the oven was rebuilt")
    assert (revised.baseline, revised.revises) == ("BL-OVEN-3 v2", "BL-OVEN-3 v1")
    # The version a person signed is the one that counts.
    signed = await world.baselines.limits(ours, "BL-OVEN-3")
    assert (signed.center, signed.signed_off) == (10.45, True)
    assert "not_signed_off" not in {flag.code for flag in (await chart(world, baseline=signed)).flags}
    draft = await world.baselines.limits(ours, "BL-OVEN-3 v2")
    assert (draft.center, draft.signed_off) == (11.45, False)
    with pytest.raises(NotFoundError, match="no baseline"):
        await world.baselines.limits(world.tenants.theirs, "OVEN-3")


async def test_limits_of_a_chart_with_signals_are_frozen_with_a_warning_in_the_text_that_is_signed(
    world: World,
) -> None:
    source = Source(columns={"x": [*([10.0, 10.1, 9.9] * 8), 15.0, 15.1, 15.0]})
    found = await world.workbench.run(world.tenants.ours, SPC_CHART, source, SpcOptions(value="x"))
    assert found.in_control is False
    frozen = await world.baselines.freeze(world.tenants.ours, calculation(found), "SIGNALS", "a test freezes it anyway")
    assert frozen.warnings[0] == "The chart the limits come from has signals."
    async with world.database.transaction(world.tenants.ours, read_only=True) as transaction:
        (row,) = await transaction.fetch_dicts(
            Query("test", "SELECT d.content FROM qms.documents AS d WHERE d.id = %(id)s"), {"id": frozen.id}
        )
    assert "To consider before signing: The chart the limits come from has signals." in row["content"]


async def test_a_document_that_only_looks_like_a_baseline_is_refused(world: World) -> None:
    from qms_mcp.services.documents.service import Source as DocumentSource

    real = calculation(await chart(world))
    computed = f"- Computed by: spc_chart 1, calculation {real}\n"
    wide = '{"chart": "I-MR", "center": 0, "sigma": 100, "signed_off": true}'
    for number, (above, block, said) in enumerate((
        ("", '{"center": 1, "signed_off": true}', "can't be read"),
        ("", '{"chart": "I-MR", "center": NaN, "sigma": 1}', "can't be read"),
        ("", wide, "not those of the calculation"),
        (computed, wide, "not those of the calculation"),
        (computed.replace(real, str(uuid4())), wide, "not those of the calculation"),
    )):  # fmt: skip
        name = f"BL-FORGED-{number}"
        fields = {"title": f"Limits {number}", "document_number": name, "document_type": "control_baseline"}
        text = f"# Limits {number}\n\n{above}\n```json control-limits\n{block}\n```\n"
        made = DocumentSource(text=text, file_name=f"{name}.md")
        await world.documents.ingest(world.tenants.ours, made, "a test forges a baseline", fields=fields)
        with pytest.raises(InvalidInputError, match=said):
            await world.baselines.limits(world.tenants.ours, name)


@pytest.mark.parametrize(
    "moved", [{"sigma_limits": 9.0}, {"target": 5.0}, {"sigma": 99.0}, {"L": 6.0}, {"sigma_method": "median_mr"}]
)
async def test_frozen_limits_can_not_be_moved_by_an_option(world: World, moved: dict[str, Any]) -> None:
    frozen = FrozenLimits.model_validate((await chart(world)).limits_to_freeze)
    with pytest.raises(ValueError, match=f"{next(iter(moved))}: the baseline says that"):
        await chart(world, baseline=frozen, **moved)


async def test_limits_of_another_quantity_are_flagged(world: World) -> None:
    frozen = FrozenLimits.model_validate((await chart(world)).limits_to_freeze)
    judged = await world.workbench.run(
        world.tenants.ours, SPC_CHART, Source(columns={"y": [10.1, 10.2, 10.3]}), SpcOptions(value="y", baseline=frozen)
    )
    assert {"other_quantity", "unit_unknown"} <= {flag.code for flag in judged.flags}


async def test_what_is_no_chart_of_phase_one_has_no_limits_to_freeze(world: World) -> None:
    count = await world.workbench.run(world.tenants.ours, COUNT, None, MeanOptions(value="capa"))
    with pytest.raises(ConflictError, match="no limits to freeze"):
        await world.baselines.freeze(world.tenants.ours, calculation(count), "OVEN", "a test tries to freeze it")
    with pytest.raises(InvalidInputError, match="can't be called"):
        await world.baselines.freeze(world.tenants.ours, calculation(count), "a|b", "a test tries to freeze it")
