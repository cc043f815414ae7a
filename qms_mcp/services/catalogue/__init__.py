"""What is in the database, as far as the caller may use it.

- `models`: the answers
- `names`: what somebody wrote, and the relation they meant
- `listing`: schemas, tables, views, functions, policies and extensions, page by page
- `describing`: one relation with everything about it
- `own_rows`: how many rows the caller has, and a few to look at
- `markdown`: a description for people

PostgreSQL's own figures (estimated rows, sizes on disk) count the rows of all organizations, so none of them is ever
shown. Rows and bytes are counted under row-level security instead, up to a cap.
"""

from qms_mcp.services.catalogue.models import Column, Kind, SchemaObject, SchemaObjects, TableDescription
from qms_mcp.services.catalogue.service import Catalogue

__all__ = ["Catalogue", "Column", "Kind", "SchemaObject", "SchemaObjects", "TableDescription"]
