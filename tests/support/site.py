"""A site with people in it, driven by SQL alone: what the database itself allows, whoever asks.

    ada = site.person("owner", name="Ada Lovelace")
    capa = site.add(ada, "capa", title="Burrs on the housing")
    site.move(ada, capa, "open")                     # through an agent
    site.move(grace, capa, "implementation", human=True)

Everything runs in the role of the application, with an identity the database made. The superuser behind it is needed
only to make somebody human without a password.
"""

import json
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.rows import dict_row

from qms_mcp.db.embedded import EmbeddedPostgres
from tests.conftest import copied_database

_REASON = "a test of the workflow needs it"


class Site:
    """One organization, on a connection of the superuser.

    Args:
        connection: Of the superuser, in autocommit.
        zone: The time zone of the organization.
        calendar: Its working days and holidays.
    """

    def __init__(
        self, connection: psycopg.Connection, *, zone: str = "UTC", calendar: dict[str, Any] | None = None
    ) -> None:
        self._connection = connection
        self.organization_id = uuid4()
        self.run(
            "INSERT INTO qms.organizations (id, name, slug, time_zone, site_calendar) VALUES (%s, %s, %s, %s, %s)",
            self.organization_id,
            "Site",
            f"site-{self.organization_id.hex[:12]}",
            zone,
            json.dumps(calendar or {}),
        )

    def run(self, statement: str, *values: object) -> list[dict[str, Any]]:
        """Run a statement as the superuser."""
        with self._connection.cursor(row_factory=dict_row) as cursor:
            cursor.execute(statement.encode(), values)
            return cursor.fetchall() if cursor.description else []

    def person(self, *roles: str, name: str | None = None) -> UUID:
        """Add a person of the site."""
        user_id = uuid4()
        self.run("INSERT INTO auth.users (id, email) VALUES (%s, %s)", user_id, f"{user_id.hex}@site.example")
        printed = name or f"Person {user_id.hex[:6]}"
        self.run("INSERT INTO qms.people (user_id, printed_name) VALUES (%s, %s)", user_id, printed)
        self.run(
            "INSERT INTO qms.memberships (organization_id, user_id, roles) VALUES (%s, %s, %s)",
            self.organization_id,
            user_id,
            list(roles),
        )
        return user_id

    @contextmanager
    def acting(self, person: UUID, *, human: bool = False) -> Generator[None]:
        """Act as somebody, in the role of the application, until the block ends."""
        with self._connection.transaction():
            self.run(
                "SELECT set_config('qms.identity', qms_private.ticket_for(%s, %s, %s, pg_backend_pid()), true), "
                "set_config('qms.reason', %s, true)",
                person,
                self.organization_id,
                "human" if human else "agent",
                _REASON,
            )
            self.run("SET LOCAL ROLE qms_app")
            yield

    def add(self, person: UUID, category: str, /, **fields: object) -> UUID:
        """Add a record through an agent of a person."""
        values = {"title": f"A {category} of the test", **fields}
        with self.acting(person):
            return self.run("SELECT (qms.add_record(%s, %s)).id", category, _json(values))[0]["id"]

    def change(self, person: UUID, record: UUID, /, **fields: object) -> None:
        """Change fields of a record."""
        with self.acting(person):
            self.run("SELECT qms.change_record(%s, NULL, %s)", record, _json(fields))

    def part(self, person: UUID, record: UUID, part: str, /, **fields: object) -> UUID:
        """Add a part to a record."""
        with self.acting(person):
            return self.run("SELECT qms.add_part(%s, %s, %s) AS id", record, part, _json(fields))[0]["id"]

    def change_part(self, person: UUID, part: str, part_id: UUID, /, **fields: object) -> None:
        """Change fields of a part."""
        with self.acting(person):
            self.run("SELECT qms.change_part(%s, %s, %s)", part, part_id, _json(fields))

    def link(self, person: UUID, from_id: UUID, to_id: UUID, kind: str = "relates_to") -> None:
        """Link two records."""
        with self.acting(person):
            self.run("SELECT qms.link_records(%s, %s, %s, NULL)", from_id, to_id, kind)

    def move(self, person: UUID, record: UUID, to_state: str, *, human: bool = False) -> None:
        """Take a step: through an agent of the person, or as the person."""
        with self.acting(person, human=human):
            self.run("SELECT qms.transition(%s, NULL, %s, %s)", record, to_state, _REASON)

    def blocked(self, person: UUID, record: UUID, to_state: str, *, human: bool = False) -> str:
        """Return why a step is not possible now, for the record and for the person."""
        with self.acting(person, human=human):
            rows = self.run(
                "SELECT s.blocked || s.not_you AS why FROM qms.next_steps(%s) AS s WHERE s.to_state = %s",
                record,
                to_state,
            )
        return "; ".join(rows[0]["why"])

    def read(self, record: UUID, table: str = "quality_items") -> dict[str, Any]:
        """Return the row of a record."""
        return self.run(f"SELECT t.* FROM qms.{table} AS t WHERE t.id = %s", record)[0]

    def state(self, record: UUID) -> str:
        """Return the state of a record."""
        return self.read(record)["status"]

    def today(self, days: int = 0) -> str:
        """Return today of the site, or so many days from it."""
        row = self.run("SELECT qms_private.today_of(%s) AS today", self.organization_id)[0]
        day: date = row["today"]
        return (day + timedelta(days=days)).isoformat()


@dataclass(frozen=True)
class Team:
    """A site and its people: `ada` reports, owns and works, the others decide."""

    site: Site
    ada: UUID
    grace: UUID
    mary: UUID
    rosa: UUID

    @classmethod
    def on(cls, connection: psycopg.Connection) -> "Team":
        """Make a site with its people."""
        site = Site(connection)
        return cls(
            site,
            ada=site.person("reporter", "owner", "qa_approver", "mrb", name="Ada Lovelace"),
            grace=site.person("qa_approver", "approver", "reviewer", name="Grace Hopper"),
            mary=site.person("mrb", "reviewer", name="Mary Jackson"),
            rosa=site.person("regulatory", name="Rosa Parks"),
        )


@contextmanager
def superuser_of_a_copy(embedded: EmbeddedPostgres, template: str) -> Generator[psycopg.Connection]:
    """Yield a connection of the superuser to a copy of the migrated database."""
    with (
        copied_database(embedded, template) as name,
        psycopg.connect(embedded.conninfo(name, "postgres"), autocommit=True) as opened,
    ):
        yield opened


@contextmanager
def refused(code: str, words: str | None = None) -> Generator[None]:
    """Expect the database to refuse, with this code and these words."""
    with pytest.raises(psycopg.DatabaseError, match=words) as refusal:
        yield
    assert refusal.value.sqlstate == code, str(refusal.value)


def _json(values: dict[str, Any]) -> str:
    return json.dumps(values, default=str)
