"""Every state machine, driven at random: roles, actors and orders nobody planned.

The rules a machine may never break are written down here a second time, from the regulations and not from the shipped
definitions, so that a hole in a definition is found too.
"""

import itertools
import random
import string
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from psycopg.types.json import Jsonb

from qms_mcp.db.embedded import EmbeddedPostgres
from tests.conftest import copied_database

CATEGORIES = (
    "nonconformance", "deviation", "complaint", "capa", "change_request", "document", "audit", "finding", "risk",
    "training", "supplier", "scar", "equipment", "field_action", "extension_request",
)  # fmt: skip

# States into which only a person may bring a record, whoever asks.
ONLY_A_PERSON = {
    "nonconformance": {"dispositioned", "closed", "cancelled", "reopened"},
    "deviation": {"dispositioned", "approved", "closed"},
    "complaint": {"closed", "reopened"},
    "capa": {"implementation", "closed", "cancelled"},
    "change_request": {"approved", "closed", "rejected"},
    "document": {"approved", "obsolete"},
    "audit": {"closed"},
    "finding": {"accepted", "closed"},
    "risk": {"residual_accepted"},
    "supplier": {"approved", "conditional", "disqualified"},
    "scar": {"accepted", "closed"},
    "field_action": {"closed"},
    "extension_request": {"approved", "rejected"},
}
# Who may not bring a record into a state, because it would be their own work: columns of the base and of the type.
NOT_THEIR_OWN = {
    ("nonconformance", "dispositioned"): ("drafted_by",),
    ("capa", "implementation"): ("owner_id",),
    ("capa", "closed"): ("owner_id",),
    ("change_request", "approved"): ("drafted_by",),
    ("document", "approved"): ("author_id", "drafted_by"),
    ("audit", "in_progress"): (),
    ("extension_request", "approved"): ("drafted_by",),
}
ROLE_SETS = (
    ("reporter",),
    ("owner", "reporter"),
    ("qa_approver", "approver", "reviewer", "mrb", "regulatory"),
    ("owner", "reviewer", "approver", "qa_approver", "mrb", "regulatory", "reporter"),
    ("auditor",),
    ("admin",),
)


@dataclass
class Person:
    """Somebody of the organization."""

    user_id: UUID
    roles: frozenset[str]


@dataclass
class Site:
    """An organization, its people and a superuser who can act as any of them."""

    connection: psycopg.Connection[Any]
    organization_id: UUID
    people: list[Person]
    columns: dict[str, list[tuple[str, str, list[str]]]] = field(
        default_factory=dict[str, list[tuple[str, str, list[str]]]]
    )

    @contextmanager
    def acting(self, person: Person, kind: str) -> Generator[psycopg.Cursor[Any]]:
        with self.connection.transaction(), self.connection.cursor() as cursor:
            cursor.execute(
                "SELECT set_config('qms.identity', qms_private.ticket_for(%s, %s, %s, pg_backend_pid()), true),"
                " set_config('qms.reason', 'driven at random by a test', true), set_config('role', 'qms_app', true)",
                [person.user_id, self.organization_id, kind],
            )
            yield cursor

    def rows(self, statement: str, *parameters: Any) -> list[Any]:
        return self.connection.execute(statement.encode(), parameters).fetchall()


_COLUMNS = """
SELECT t.attname, format_type(t.atttypid, t.atttypmod), coalesce((
    SELECT array_agg(m[1])
    FROM pg_constraint AS c, regexp_matches(pg_get_constraintdef(c.oid), '''([a-z_HML]+)''::text', 'g') AS m
    WHERE c.conrelid = t.attrelid AND c.contype = 'c' AND c.conkey = ARRAY[t.attnum]
), '{}')
FROM pg_attribute AS t
WHERE t.attrelid = format('qms.%%I', %s::text)::regclass AND t.attnum > 0 AND NOT t.attisdropped
AND t.attname = ANY (qms.writable_fields(%s, %s))
"""


@pytest.fixture(scope="module")
def site(embedded: EmbeddedPostgres, template: str) -> Iterator[Site]:
    with (
        copied_database(embedded, template) as name,
        psycopg.connect(embedded.conninfo(name, "postgres"), autocommit=True) as connection,
    ):
        organization = uuid4()
        connection.execute(
            b"INSERT INTO qms.organizations (id, name, slug) VALUES (%s, 'Site', 'site')", [organization]
        )
        people = [_person(connection, organization, roles) for roles in ROLE_SETS]
        yield Site(connection, organization, people)


def _person(connection: psycopg.Connection[Any], organization: UUID, roles: tuple[str, ...]) -> Person:
    user = uuid4()
    connection.execute(b"INSERT INTO auth.users (id, email) VALUES (%s, %s)", [user, f"{user}@site.example"])
    connection.execute(b"INSERT INTO qms.people (user_id, printed_name) VALUES (%s, %s)", [user, f"P {user.hex[:4]}"])
    connection.execute(
        b"INSERT INTO qms.memberships (organization_id, user_id, roles) VALUES (%s, %s, %s)",
        [organization, user, list(roles)],
    )
    return Person(user, frozenset(roles))


class Machine(RuleBasedStateMachine):
    """One record of one type, in the hands of everybody."""

    category = ""
    site: Site
    record: Any = None
    path: list[tuple[str, str]]
    reached: set[str]

    @initialize(seed=st.integers(0, 2**32))
    def begin(self, seed: int) -> None:
        self.chance = random.Random(seed)  # noqa: S311 - hypothesis gave the seed
        self.path = []
        keeper = self.site.people[3]
        with self.site.acting(keeper, "agent") as cursor:
            cursor.execute("SELECT id FROM qms.add_record(%s, %s)", [self.category, Jsonb({"title": "Random"})])
            self.record = cursor.fetchone()[0]  # pyright: ignore[reportOptionalSubscript]

    def _now(self) -> tuple[int, str]:
        return self.site.rows("SELECT version, status FROM qms.quality_items WHERE id = %s", self.record)[0]

    @rule(person=st.integers(0, len(ROLE_SETS) - 1), complete=st.booleans())
    def somebody_fills_in_fields(self, person: int, complete: bool) -> None:
        self._fill(self.site.people[person], complete=complete)

    @rule(person=st.integers(0, len(ROLE_SETS) - 1), which=st.integers(0, 50))
    def somebody_adds_a_part(self, person: int, which: int) -> None:
        parts = [row[0] for row in self.site.rows("SELECT table_name FROM qms.record_parts ORDER BY 1")]
        self._add(self.site.people[person], parts[which % len(parts)])

    def _fill(self, person: Person, *, complete: bool) -> None:
        table = self.site.rows("SELECT table_name FROM qms.record_types WHERE category = %s", self.category)[0][0]
        names = [*self._values("quality_items", update=True), *self._values(table, update=True)]
        statement = "SELECT qms.change_record(%s, NULL, %s)"
        if complete and self._try(person, "agent", statement, self.record, Jsonb(dict(names))):
            return
        name, value = self.chance.choice(names)
        self._try(person, "agent", statement, self.record, Jsonb({name: value}))

    def _add(self, person: Person, part: str) -> None:
        fields = Jsonb(dict(self._values(part, update=False)))
        self._try(person, "agent", "SELECT qms.add_part(%s, %s, %s)", self.record, part, fields)

    @rule(
        person=st.integers(0, len(ROLE_SETS) - 1), kind=st.sampled_from(["agent", "human", "agent", "system"]),
        which=st.integers(0, 50), known=st.booleans(),
    )  # fmt: skip
    def somebody_moves_it(self, person: int, kind: str, which: int, known: bool) -> None:
        possible, everything = self._possible(), self._states()
        candidates = possible if known and possible else everything
        self._attempt(self.site.people[person], kind, candidates[which % len(candidates)], possible)

    @rule(order=st.randoms(use_true_random=False))
    def everybody_wants_it_to_go_on(self, order: random.Random) -> None:
        """Fields are filled and people take turns until somebody brings it one step further."""
        keeper = self.site.people[3]
        self._fill(keeper, complete=True)
        for part in ("evidence", "capa_actions", "impact_assessments", "risk_controls", "dispositions"):
            self._add(keeper, part)
        turns = [(person, target) for person in self.site.people[1:4] for target in self._possible()]
        order.shuffle(turns)
        for person, target in turns:
            if self._attempt(person, "human", target, self._possible()):
                return

    def _possible(self) -> list[str]:
        return [row[0] for row in self.site.rows(
            "SELECT e.to_state FROM qms.quality_items AS i "
            "JOIN qms.workflow_definitions AS d ON d.id = i.definition_id, qms_private.edges(d.body) AS e "
            "WHERE i.id = %s AND e.from_state = i.status", self.record,
        )]  # fmt: skip

    def _attempt(self, actor: Person, kind: str, wanted: str, possible: list[str]) -> bool:
        before, state = self._now()
        owners = self._people_of_record(wanted)
        statement = "SELECT version FROM qms.transition(%s, %s, %s, 'driven at random')"
        if not self._try(actor, kind, statement, self.record, before, wanted):
            assert self._now() == (before, state), "a refused step changed something"
            return False
        self.path.append((state, wanted))
        self.reached.add(wanted)
        assert wanted in possible, f"{state} -> {wanted} is no step of a {self.category}"
        assert actor.roles - {"auditor", "admin"}, "an auditor or administrator moved a record"
        if kind != "human":
            assert wanted not in ONLY_A_PERSON.get(self.category, set()), f"a model brought a record to {wanted}"
        assert actor.user_id not in owners, f"{wanted}: it was their own work"
        return True

    def _people_of_record(self, wanted: str) -> set[UUID]:
        columns = NOT_THEIR_OWN.get((self.category, wanted), ())
        if not columns:
            return set()
        fields = self.site.rows(
            "SELECT qms_private.all_fields(i) FROM qms.quality_items AS i WHERE i.id = %s", self.record
        )[0][0]
        return {UUID(fields[column]) for column in columns if fields.get(column)}

    def _states(self) -> list[str]:
        return [row[0] for row in self.site.rows(
            "SELECT jsonb_object_keys(d.body -> 'states') FROM qms.quality_items AS i "
            "JOIN qms.workflow_definitions AS d ON d.id = i.definition_id WHERE i.id = %s", self.record,
        )]  # fmt: skip

    def _try(self, person: Person, kind: str, statement: str, *parameters: Any) -> bool:
        try:
            with self.site.acting(person, kind) as cursor:
                cursor.execute(statement.encode(), parameters)
        except psycopg.Error as error:
            if error.sqlstate not in {"QM020", "QM021", "QM022", "QM023", "QM024", "42501"}:
                raise
            return False
        return True

    def _values(self, table: str, *, update: bool) -> list[tuple[str, Any]]:
        key = f"{table} {update}"
        if key not in self.site.columns:
            self.site.columns[key] = self.site.rows(_COLUMNS, table, table, update)
        return [(name, self._value(name, kind, choices)) for name, kind, choices in self.site.columns[key]]

    def _value(self, name: str, kind: str, choices: list[str]) -> Any:
        if choices:
            return self.chance.choice(choices)
        if kind == "uuid":
            if name.endswith(("owner_id", "author_id", "assigned_to", "signer_id", "trainee_id", "trainer_id")):
                return str(self.chance.choice(self.site.people).user_id)
            return None
        plain: dict[str, Any] = {
            "boolean": self.chance.random() < 0.5, "integer": self.chance.randint(1, 10), "numeric": 10,
            "date": "2026-01-02",
            "timestamp with time zone": "2026-01-02T10:00:00Z", "text[]": ["x"], "uuid[]": [],
            "jsonb": [{"kind": "measurement", "title": "x", "uri": "file:x"}] if name == "evidence" else {
                "metric": "count", "baseline": 5, "target": 1, "comparator": "<=", "source": "count"},
        }  # fmt: skip
        if name == "sha256":
            return "0" * 64
        return plain.get(kind, "".join(self.chance.choices(string.ascii_letters, k=12)))

    @invariant()
    def the_steps_are_one_path(self) -> None:
        if self.record is None:
            return
        steps = self.site.rows(
            "SELECT from_state, to_state, by_kind, reason FROM qms.transitions "
            "WHERE record_id = %s ORDER BY created_at, id",
            self.record,
        )
        version, status = self._now()
        own = [(row[0], row[1]) for row in steps]
        assert own == self.path
        for before, after in itertools.pairwise(own):
            assert before[1] == after[0]
        if own:
            assert own[-1][1] == status
        assert version >= 1 + len(own)


# The machines with the most guards in every run, the others before a release.
OFTEN = {"nonconformance", "capa", "document"}


@pytest.mark.parametrize(
    "category", [one if one in OFTEN else pytest.param(one, marks=pytest.mark.slow) for one in CATEGORIES]
)
def test_no_order_of_people_and_steps_leads_anywhere_illegal(site: Site, category: str) -> None:
    reached: set[str] = set()
    machine = type(f"{category.title()}Machine", (Machine,), {"category": category, "site": site, "reached": reached})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=2,
            stateful_step_count=12,
            deadline=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )
    assert len(reached) >= 1, "the drive got nowhere, so it proves nothing"


def test_the_trail_of_all_these_steps_is_whole(site: Site) -> None:
    with site.acting(site.people[0], "agent") as cursor:
        cursor.execute("SELECT entries, bad_seq FROM qms.verify_trail()")
        entries, bad = cursor.fetchone() or (0, 0)
    assert entries > 0
    assert bad is None
