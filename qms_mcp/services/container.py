"""All services of a server, over one database."""

from dataclasses import dataclass
from pathlib import Path

from qms_mcp.db.database import SQL_SEARCH_PATH, Database
from qms_mcp.db.guard import Guard
from qms_mcp.home import default_home
from qms_mcp.services.analysis.baselines import Baselines
from qms_mcp.services.analysis.sources import Sources
from qms_mcp.services.analysis.workbench import Workbench
from qms_mcp.services.approvals import Approvals
from qms_mcp.services.audits import Audits
from qms_mcp.services.capas.service import Capas
from qms_mcp.services.catalogue import Catalogue
from qms_mcp.services.changes import Changes
from qms_mcp.services.compliance import Compliance
from qms_mcp.services.design.service import Design
from qms_mcp.services.dispatch.service import Dispatches
from qms_mcp.services.documents.control import DocumentControl
from qms_mcp.services.documents.service import Documents
from qms_mcp.services.embedding.service import Embedding
from qms_mcp.services.events.service import Events
from qms_mcp.services.feedback_classes.service import FeedbackClassifier
from qms_mcp.services.jobs.service import Jobs
from qms_mcp.services.learning.loop import Beside, Learning
from qms_mcp.services.ledger_reader import LedgerReader
from qms_mcp.services.migrations.service import Migrations
from qms_mcp.services.operations.service import Operations
from qms_mcp.services.quality_checks.dataset_reading import datasets_over
from qms_mcp.services.quality_checks.service import QualityChecks
from qms_mcp.services.records.service import Records
from qms_mcp.services.reports.service import QualityReports
from qms_mcp.services.review.service import CodeReview
from qms_mcp.services.risks import Risks
from qms_mcp.services.rls.service import RowSecurity
from qms_mcp.services.search.service import Search
from qms_mcp.services.signing.service import Links, Signing
from qms_mcp.services.sql.querying import Querying
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
    analysis: Workbench
    approvals: Approvals
    audits: Audits
    baselines: Baselines
    migrations: Migrations
    transforms: Transforms
    capas: Capas
    catalogue: Catalogue
    compliance: Compliance
    ledger: LedgerReader
    quality_checks: QualityChecks
    records: Records
    changes: Changes
    dispatches: Dispatches
    documents: Documents
    events: Events
    feedback_classes: FeedbackClassifier
    jobs: Jobs
    learning: Learning
    operations: Operations
    reports: QualityReports
    risks: Risks
    search: Search
    embedding: Embedding
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
    def over(
        cls, database: Database, settings: Settings, *, links: Links | None = None, home: Path | None = None
    ) -> "Services":
        """Return the services working on `database`.

        Args:
            database: Where everything is.
            settings: What the environment says.
            links: The approval page of this server, if it has one.
            home: Folder of this machine's data; the one of the settings if left out.
        """
        guard, embedding = Guard(search_path=SQL_SEARCH_PATH), Embedding(database, settings)
        documents = Documents(database, settings, home or settings.qms_home or default_home())
        beside = Beside(
            Dispatches(database, embedding, settings), embedding, FeedbackClassifier(database, settings),
            Jobs(database, settings), Signing(database, links),
        )  # fmt: skip
        analysis = Workbench(database, Sources(database, Querying(database, guard, settings.qms_statement_timeout_ms)))
        sql_tools, search = SqlTools(database, guard, settings), Search(database, embedding)
        learning, workflow = Learning.over(database, settings, beside), Workflow(database, beside.signing)
        return cls(
            database=database,
            analysis=analysis,
            baselines=Baselines(database, analysis, documents),
            approvals=Approvals(database),
            migrations=Migrations(database, changed=guard.catalogue_changed),
            transforms=Transforms(database, guard),
            capas=Capas(database, sql_tools),
            catalogue=Catalogue(database, guard),
            compliance=Compliance(database, beside.signing),
            ledger=LedgerReader(database),
            quality_checks=QualityChecks(
                database, search, DocumentControl(database), datasets_over(database, guard, settings)
            ),
            records=Records(database),
            audits=Audits(database),
            changes=Changes(database),
            dispatches=beside.dispatches,
            documents=documents,
            events=Events(database, beside.signing),
            feedback_classes=beside.feedback_classes,
            jobs=beside.jobs,
            learning=learning,
            operations=Operations(database, settings, beside.jobs, learning, workflow),
            reports=QualityReports(database, analysis, documents.originals, settings),
            risks=Risks(database),
            search=search,
            embedding=embedding,
            suppliers=Suppliers(database),
            trail=Trail(database),
            trainings=Trainings(database),
            design=Design(database),
            rls=RowSecurity(database),
            signing=beside.signing,
            sql=sql_tools,
            sql_tests=SqlTests(database, guard),
            review=CodeReview(database, guard),
            validation=DataValidation(database, guard, settings.qms_statement_timeout_ms),
            workflow=workflow,
        )
