"""All services of a server, over one database."""

from dataclasses import dataclass

from qms_mcp.db.database import SQL_SEARCH_PATH, Database
from qms_mcp.db.guard import Guard
from qms_mcp.services.approvals import Approvals
from qms_mcp.services.audits import Audits
from qms_mcp.services.capas.service import Capas
from qms_mcp.services.catalogue import Catalogue
from qms_mcp.services.changes import Changes
from qms_mcp.services.compliance import Compliance
from qms_mcp.services.design.service import Design
from qms_mcp.services.events.service import Events
from qms_mcp.services.ledger_reader import LedgerReader
from qms_mcp.services.migrations.service import Migrations
from qms_mcp.services.records.service import Records
from qms_mcp.services.review.service import CodeReview
from qms_mcp.services.risks import Risks
from qms_mcp.services.rls.service import RowSecurity
from qms_mcp.services.signing.service import Links, Signing
from qms_mcp.services.sql.service import SqlTools
from qms_mcp.services.sql_tests.service import SqlTests
from qms_mcp.services.suppliers import Suppliers
from qms_mcp.services.trail.service import Trail
from qms_mcp.services.trainings import Trainings
from qms_mcp.services.transforms import Transforms
from qms_mcp.services.validation.service import DataValidation
from qms_mcp.services.workflow.service import Workflow
from qms_mcp.settings import Settings


@dataclass(frozen=True, slots=True)
class Services:
    """What the system can do, by domain."""

    database: Database
    approvals: Approvals
    audits: Audits
    migrations: Migrations
    transforms: Transforms
    capas: Capas
    catalogue: Catalogue
    compliance: Compliance
    ledger: LedgerReader
    records: Records
    changes: Changes
    events: Events
    risks: Risks
    suppliers: Suppliers
    trail: Trail
    trainings: Trainings
    design: Design
    rls: RowSecurity
    signing: Signing
    sql: SqlTools
    sql_tests: SqlTests
    review: CodeReview
    validation: DataValidation
    workflow: Workflow

    @classmethod
    def over(cls, database: Database, settings: Settings, *, links: Links | None = None) -> "Services":
        """Return the services working on `database`; `links` is the approval page of this server, if it has one."""
        guard = Guard(search_path=SQL_SEARCH_PATH)
        return cls(
            database=database,
            approvals=Approvals(database),
            migrations=Migrations(database, changed=guard.catalogue_changed),
            transforms=Transforms(database, guard),
            capas=Capas(database, SqlTools(database, guard, settings)),
            catalogue=Catalogue(database, guard),
            compliance=Compliance(database, Signing(database, links)),
            ledger=LedgerReader(database),
            records=Records(database),
            audits=Audits(database),
            changes=Changes(database),
            events=Events(database, Signing(database, links)),
            risks=Risks(database),
            suppliers=Suppliers(database),
            trail=Trail(database),
            trainings=Trainings(database),
            design=Design(database),
            rls=RowSecurity(database),
            signing=Signing(database, links),
            sql=SqlTools(database, guard, settings),
            sql_tests=SqlTests(database, guard),
            review=CodeReview(database, guard),
            validation=DataValidation(database, guard, settings.qms_statement_timeout_ms),
            workflow=Workflow(database, Signing(database, links)),
        )
