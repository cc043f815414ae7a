"""`python -m tests.support.schema_dump`: writes sql/schema.sql, the dump of the migrated schema."""

import re
import subprocess
from pathlib import Path

from qms_mcp.db.embedded import EmbeddedPostgres
from tests.support.scratch import migrated_server

SCHEMA_FILE = Path(__file__).parents[2] / "sql" / "schema.sql"
_HEADER = "-- What the migrations make of an empty database. Written by `make schema`; do not edit.\n\n"
_OF_THE_TOOL = re.compile(
    r"^(--( Dumped .*| PostgreSQL database dump.*)?|SET .*|SELECT pg_catalog\.set_config.*|\\(un)?restrict .*)$\n",
    re.MULTILINE,
)


def dump(server: EmbeddedPostgres, database: str = "qms") -> str:
    """Return the schema of `database` as SQL, without what depends on the version of the tool."""
    program = server.bin_dir / "pg_dump"
    schemas = [f"--schema={name}" for name in ("auth", "qms", "qms_private", "agents", "ml_loop", "search", "public")]
    arguments = [str(program), "--schema-only", *schemas, f"--dbname={server.conninfo(database, 'qms_owner')}"]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=60, check=True)
    return _HEADER + re.sub(r"\n{3,}", "\n\n", _OF_THE_TOOL.sub("", done.stdout)).strip() + "\n"


def main() -> None:
    """Write the file."""
    with migrated_server() as server:
        SCHEMA_FILE.write_text(dump(server), encoding="utf-8")


if __name__ == "__main__":
    main()
