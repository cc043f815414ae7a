"""Why an agent answered as it did."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qms_mcp.db.database import Database


class Explanations:
    """Explains runs from what is stored."""

    def __init__(self, database: "Database") -> None:
        self._database = database
