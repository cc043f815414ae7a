"""All services of a server, over one database."""

from dataclasses import dataclass

from qms_mcp.db.database import SQL_SEARCH_PATH, Database
from qms_mcp.db.guard import Guard
from qms_mcp.services.approvals import Approvals
from qms_mcp.services.catalogue import Catalogue
from qms_mcp.services.design.service import Design
from qms_mcp.services.ledger_reader import LedgerReader
from qms_mcp.services.migrations.service import Migrations
from qms_mcp.services.review.service import CodeReview
from qms_mcp.services.rls.service import RowSecurity
from qms_mcp.services.sql.service import SqlTools
from qms_mcp.services.sql_tests.service import SqlTests
from qms_mcp.services.transforms import Transforms
from qms_mcp.services.validation.service import DataValidation
from qms_mcp.settings import Settings


@dataclass(frozen=True, slots=True)
class Services:
    """What the system can do, by domain."""

    database: Database
    approvals: Approvals
    migrations: Migrations
    transforms: Transforms
    catalogue: Catalogue
    ledger: LedgerReader
    design: Design
    rls: RowSecurity
    sql: SqlTools
    sql_tests: SqlTests
    review: CodeReview
    validation: DataValidation

    @classmethod
    def over(cls, database: Database, settings: Settings) -> "Services":
        """Return the services working on `database`."""
        guard = Guard(search_path=SQL_SEARCH_PATH)
        return cls(
            database=database,
            approvals=Approvals(database),
            migrations=Migrations(database, changed=guard.catalogue_changed),
            transforms=Transforms(database, guard),
            catalogue=Catalogue(database, guard),
            ledger=LedgerReader(database),
            design=Design(database),
            rls=RowSecurity(database),
            sql=SqlTools(database, guard, settings),
            sql_tests=SqlTests(database, guard),
            review=CodeReview(database, guard),
            validation=DataValidation(database, guard, settings.qms_statement_timeout_ms),
        )
