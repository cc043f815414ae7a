"""A site with things to find: records, versions of documents, and somebody who searches.

library = await a_library(embedded, name)
found = await library.search("torque wrench")
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID

import psycopg

from qms_mcp.auth.principal import Principal
from qms_mcp.db.database import Database
from qms_mcp.db.embedded import EmbeddedPostgres
from qms_mcp.services.search.service import Search
from tests.conftest import wiring_for
from tests.support.site import Team
from tests.support.word_vectors import WordVectors

# Two versions of a procedure differ in the torque.
PROCEDURE = """# Torque procedure

Text before any number.

## 1 Purpose

Screws of the housing are tightened.

## 5 Procedure

### 5.2 Setting the wrench

The torque wrench AB-12/34 is set to {torque} and the gap to 0.5 mm. Its gauge is
calibrated   every
year. Die Prüfung der Maßhaltigkeit geschieht vorher, in the café of the plant.

### 5.3 Records

The reading goes into the batch record.

## Ownership and review

The quality engineer owns this text.
"""


@dataclass
class Library:
    """A site in a database of the test, with a service that searches it.

    Attributes:
        reader: On whose behalf it is searched: Ada, through an agent.
    """

    team: Team
    connection: psycopg.Connection
    database: Database
    vectors: WordVectors = field(default_factory=WordVectors)

    @property
    def reader(self) -> Principal:
        """Return who searches."""
        return person_of(self.team)

    @property
    def search(self) -> Search:
        """Return the service, with vectors made of words."""
        return Search(self.database, self.vectors)

    def document(self, revision: int = 1, /, *, number: str = "SOP-014", **fields: object) -> UUID:
        """Add a version of a document, as a draft."""
        values = {
            "title": "Torque procedure",
            "document_number": number,
            "revision": revision,
            "document_type": "procedure",
            "author_id": self.team.ada,
            "owner_id": self.team.ada,
            "review_every_months": 24,
            "planned_effective_on": self.team.site.today(),
            "content": PROCEDURE.format(torque=f"{4 + revision} Nm"),
            **fields,
        }
        return self.team.site.add(self.team.ada, "document", **values)

    def make_effective(self, record: UUID) -> None:
        """Take a draft through review and approval."""
        make_effective(self.team, record)


def make_effective(team: Team, record: UUID) -> None:
    """Take a draft of a document through review and approval."""
    team.site.move(team.ada, record, "in_review")
    team.site.move(team.grace, record, "approved", human=True)
    team.site.move(team.ada, record, "effective")


def person_of(team: Team) -> Principal:
    """Return Ada as an agent's principal."""
    roles = frozenset({"reporter", "owner", "qa_approver", "mrb"})
    return Principal(team.ada, team.site.organization_id, roles, "agent", "ada@site.example")


@asynccontextmanager
async def library_in(embedded: EmbeddedPostgres, name: str) -> AsyncGenerator[Library]:
    """Yield an empty library in a database."""
    database = Database(wiring_for(embedded, name))
    await database.open()
    with psycopg.connect(embedded.conninfo(name, "postgres"), autocommit=True) as connection:
        yield Library(Team.on(connection), connection, database)
    await database.close()
