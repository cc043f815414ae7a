"""All services of a server, over one database."""

from dataclasses import dataclass

from qms_mcp.db.database import Database
from qms_mcp.services.catalogue import Catalogue
from qms_mcp.services.ledger_reader import LedgerReader
from qms_mcp.settings import Settings


@dataclass(frozen=True, slots=True)
class Services:
    """What the system can do, by domain."""

    database: Database
    catalogue: Catalogue
    ledger: LedgerReader

    @classmethod
    def over(cls, database: Database, settings: Settings) -> "Services":
        """Return the services working on `database`."""
        del settings
        return cls(
            database=database,
            catalogue=Catalogue(database),
            ledger=LedgerReader(database),
        )
