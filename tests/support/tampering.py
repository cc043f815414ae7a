"""What somebody with all rights over the database could do to the trail, behind its back."""

from uuid import UUID

import psycopg

LAST, BEHIND_THE_LAST = -1, -2
# A script; the entry verification has to name; the word for what happened.
TAMPERING: dict[str, tuple[str, int, str]] = {
    "a value is altered": (
        "UPDATE qms.audit_logs SET changes = jsonb_set(changes, '{title,new}', '\"nothing happened\"') WHERE seq = 9",
        9,
        "altered",
    ),
    "a reason is altered": ("UPDATE qms.audit_logs SET reason = 'another reason' WHERE seq = 9", 9, "altered"),
    "the person is another one": ("UPDATE qms.audit_logs SET actor_name = 'Somebody Else' WHERE seq = 9", 9, "altered"),
    "an agent becomes a human": ("UPDATE qms.audit_logs SET actor_kind = 'human' WHERE seq = 9", 9, "altered"),
    "the time is moved by a microsecond": (
        "UPDATE qms.audit_logs SET created_at = created_at - interval '1 microsecond' WHERE seq = 9",
        9,
        "altered",
    ),
    "the reason is removed": ("UPDATE qms.audit_logs SET reason = NULL WHERE seq = 9", 9, "altered"),
    "the first entry is altered": ("UPDATE qms.audit_logs SET action = 'nothing' WHERE seq = 1", 1, "altered"),
    "the last entry is altered": ("UPDATE qms.audit_logs SET action = 'nothing' WHERE seq = {last}", LAST, "altered"),
    "only the hash is altered": (
        "UPDATE qms.audit_logs SET row_hash = repeat('a', 64) WHERE seq = 9",
        9,
        "altered",
    ),
    "only the link is altered": (
        "UPDATE qms.audit_logs SET prev_hash = repeat('a', 64) WHERE seq = 9",
        9,
        "altered",
    ),
    "an entry is deleted": ("DELETE FROM qms.audit_logs WHERE seq = 9", 9, "missing"),
    "the first entry is deleted": ("DELETE FROM qms.audit_logs WHERE seq = 1", 1, "missing"),
    "the last entry is deleted": ("DELETE FROM qms.audit_logs WHERE seq = {last}", LAST, "missing"),
    "everything after an entry is cut off": ("DELETE FROM qms.audit_logs WHERE seq > 9", 10, "missing"),
    "all of it is deleted": ("DELETE FROM qms.audit_logs", 1, "missing"),
    "an entry is moved to another organization": (
        "UPDATE qms.audit_logs SET organization_id = '{other}', seq = 99 WHERE seq = 9",
        9,
        "missing",
    ),
    "an entry is replaced and its hash recomputed": (
        (
            "UPDATE qms.audit_logs SET reason = 'a reason made up later' WHERE seq = 9;"
            "UPDATE qms.audit_logs AS a SET row_hash = qms.audit_hash(a.prev_hash, a) WHERE seq = 9"
        ),
        9,
        "replaced",
    ),
    "the last entry is replaced and its hash recomputed": (
        (
            "UPDATE qms.audit_logs SET reason = 'a reason made up later' WHERE seq = {last};"
            "UPDATE qms.audit_logs AS a SET row_hash = qms.audit_hash(a.prev_hash, a) WHERE seq = {last}"
        ),
        LAST,
        "replaced",
    ),
    "two entries change places": (
        (
            "UPDATE qms.audit_logs SET seq = 1000 WHERE seq = 9; UPDATE qms.audit_logs SET seq = 9 WHERE seq = 10;"
            "UPDATE qms.audit_logs SET seq = 10 WHERE seq = 1000"
        ),
        9,
        "altered",
    ),
    "an entry is deleted and the rest moves up": (
        (
            "DELETE FROM qms.audit_logs WHERE seq = 9;"
            "UPDATE qms.audit_logs SET seq = seq + 1000 WHERE seq > 9;"
            "UPDATE qms.audit_logs SET seq = seq - 1001 WHERE seq > 1000"
        ),
        9,
        "altered",
    ),
    "a well-made entry is put behind the last one": (
        (
            "INSERT INTO qms.audit_logs (organization_id, entity_type, entity_id, action, seq, prev_hash, row_hash) "
            "SELECT a.organization_id, 'qms.capas', a.id, 'update', a.seq + 1, a.row_hash, repeat('0', 64) "
            "FROM qms.audit_logs AS a WHERE a.seq = {last};"
            "UPDATE qms.audit_logs AS a SET row_hash = qms.audit_hash(a.prev_hash, a) WHERE a.seq = {last} + 1"
        ),
        BEHIND_THE_LAST,
        "added",
    ),
    "the head is wound back": (
        (
            "UPDATE qms_private.trail_heads SET seq = 9, row_hash = (SELECT a.row_hash FROM qms.audit_logs AS a "
            "WHERE a.seq = 9 AND a.organization_id = '{organization}') WHERE organization_id = '{organization}'"
        ),
        10,
        "added",
    ),
}
# Nothing inside of the database tells this from the truth: an anchor does.
REBUILD = """
DO $$
DECLARE
    entry qms.audit_logs;
    before text;
BEGIN
    UPDATE qms.audit_logs SET reason = 'a reason made up later' WHERE seq = 9 AND organization_id = '{organization}';
    SELECT a.row_hash INTO before FROM qms.audit_logs AS a WHERE a.seq = 8 AND a.organization_id = '{organization}';
    FOR entry IN
        SELECT a.* FROM qms.audit_logs AS a WHERE a.seq >= 9 AND a.organization_id = '{organization}' ORDER BY a.seq
    LOOP
        entry.prev_hash := before;
        before := qms.audit_hash(before, entry);
        UPDATE qms.audit_logs AS a SET prev_hash = entry.prev_hash, row_hash = before WHERE a.id = entry.id;
    END LOOP;
    UPDATE qms_private.trail_heads SET row_hash = before WHERE organization_id = '{organization}';
END
$$
"""


def tamper(superuser: str, script: str, *, organization: UUID, other: UUID, last: int) -> None:
    """Run a script with the triggers off; statements that name no organization reach only this one."""
    values = {"{organization}": str(organization), "{other}": str(other), "{last}": str(last)}
    for name, value in values.items():
        script = script.replace(name, value)
    with psycopg.connect(superuser, autocommit=True) as connection, connection.transaction():
        connection.execute(b"SET LOCAL session_replication_role = 'replica'")
        if not script.lstrip().startswith("DO"):
            # The other organizations are out of reach meanwhile.
            connection.execute(
                b"CREATE TEMP TABLE kept ON COMMIT DROP AS SELECT * FROM qms.audit_logs WHERE organization_id <> %s",
                [organization],
            )
            connection.execute(b"DELETE FROM qms.audit_logs WHERE organization_id <> %s", [organization])
        for statement in script.split(";") if "DO $$" not in script else [script]:
            if statement.strip():
                connection.execute(statement.encode())
        if not script.lstrip().startswith("DO"):
            connection.execute(b"INSERT INTO qms.audit_logs SELECT * FROM kept")
