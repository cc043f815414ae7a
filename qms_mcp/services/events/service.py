"""Events, as the tools see them: report, disposition, reportability, field action."""

from typing import TYPE_CHECKING

from qms_mcp.services.events.deciding import PersonAsked
from qms_mcp.services.events.dispositions import Dispositions
from qms_mcp.services.events.field_actions import FieldActions
from qms_mcp.services.events.reportability import Reportability
from qms_mcp.services.events.reporting import Reporting
from qms_mcp.services.records.people import People
from qms_mcp.services.records.writing import RecordWriter

if TYPE_CHECKING:
    from qms_mcp.db.database import Database
    from qms_mcp.services.signing.service import Signing


class Events:
    """What happened, and the decisions that have to follow.

    Attributes:
        reporting: Adds records of events.
        dispositions: Prepares the decision of the material review board.
        reportability: Prepares the decision whether an authority is told.
        field_actions: Opens corrections and removals.

    Args:
        database: Where the records are.
        signing: Where links to the approval page come from.
    """

    def __init__(self, database: "Database", signing: "Signing | None" = None) -> None:
        writer, people, asked = RecordWriter(database), People(database), PersonAsked(signing)
        self.reporting = Reporting(writer, people)
        self.dispositions = Dispositions(database, writer, asked)
        self.reportability = Reportability(database, writer, asked)
        self.field_actions = FieldActions(writer, people)
