"""A long trail in a moment: entries as the database would have chained them, put in by a superuser."""

from uuid import UUID

import psycopg

_GROW = """
DO $$
DECLARE
    entry qms.audit_logs;
    place bigint;
    before text;
    records uuid [];
BEGIN
    SELECT array_agg(gen_random_uuid()) INTO records FROM generate_series(1, {records});
    SELECT h.seq, h.row_hash INTO place, before
    FROM qms_private.trail_heads AS h WHERE h.organization_id = '{organization}';
    place := coalesce(place, 0);
    before := coalesce(before, repeat('0', 64));
    FOR i IN 1..{entries} LOOP
        place := place + 1;
        entry.id := gen_random_uuid();
        entry.organization_id := '{organization}';
        entry.entity_type := CASE i % 3 WHEN 0 THEN 'qms.capas' ELSE 'qms.quality_items' END;
        entry.entity_id := records[1 + i % {records}];
        entry.record_id := entry.entity_id;
        entry.record_version := 1 + i / {records};
        entry.action := CASE i % 997 WHEN 0 THEN 'export' ELSE CASE i % 4 WHEN 0 THEN 'insert' ELSE 'update' END END;
        entry.actor_id := '{person}';
        entry.actor_name := 'Person of the past';
        entry.actor_kind := 'agent';
        entry.on_behalf_of := entry.actor_id;
        entry.client := 'bench/1.0';
        entry.tool_call_id := gen_random_uuid()::text;
        entry.reason := 'the lot was moved to quarantine';
        entry.changes := jsonb_build_object(
            'title', jsonb_build_object('old', 'Burr on edge ' || i, 'new', 'Burr on edge of housing ' || i),
            'priority', jsonb_build_object('old', i % 3, 'new', i % 5),
            'description', jsonb_build_object('old', repeat('a ', 40), 'new', repeat('b ', 60))
        );
        entry.metadata := '{{}}';
        entry.created_at := now() - make_interval(secs => ({entries} - i) * 60);
        entry.app_version := '1.0';
        entry.definition_version := 1;
        entry.seq := place;
        entry.prev_hash := before;
        before := qms.audit_hash(before, entry);
        entry.row_hash := before;
        INSERT INTO qms.audit_logs SELECT entry.*;
    END LOOP;
    INSERT INTO qms_private.trail_heads AS h (organization_id, seq, row_hash) VALUES ('{organization}', place, before)
    ON CONFLICT (organization_id) DO UPDATE SET seq = excluded.seq, row_hash = excluded.row_hash;
END
$$
"""


def grow_trail(superuser: str, organization_id: UUID, person_id: UUID, *, entries: int, records: int = 1_000) -> None:
    """Append entries to the trail of an organization, a minute apart, the last one now."""
    script = _GROW.format(organization=organization_id, person=person_id, entries=entries, records=records)
    with psycopg.connect(superuser, autocommit=True) as connection:
        with connection.transaction():
            connection.execute(b"SET LOCAL session_replication_role = 'replica'")
            connection.execute(script.encode())
        connection.execute(b"VACUUM (ANALYZE) qms.audit_logs")
