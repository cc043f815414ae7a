-- The audit trail as a chain: who, on whose behalf, through what, why; gap-free and hashed per organization.
--
-- The tables altered here hold few rows before these features exist, and a file runs in one transaction, in which
-- nothing can be built concurrently.
-- squawk-ignore-file require-concurrent-index-creation, require-concurrent-index-deletion, adding-foreign-key-constraint
-- squawk-ignore-file constraint-missing-not-valid, adding-not-nullable-field, disallowed-unique-constraint

ALTER TABLE qms.audit_logs
ADD COLUMN seq bigint,
ADD COLUMN actor_name text,
ADD COLUMN on_behalf_of uuid REFERENCES auth.users (id),
ADD COLUMN client text,
ADD COLUMN tool_call_id text,
ADD COLUMN reason text,
ADD COLUMN app_version text,
ADD COLUMN definition_version integer,
ADD COLUMN record_id uuid,
ADD COLUMN record_version integer,
ADD COLUMN prev_hash text,
ADD COLUMN row_hash text;
COMMENT ON COLUMN qms.audit_logs.seq IS 'Place in the chain of the organization, from 1, without gaps.';
COMMENT ON COLUMN qms.audit_logs.actor_name IS 'The printed name as it was then.';
COMMENT ON COLUMN qms.audit_logs.on_behalf_of IS 'The person for whom an agent acted; empty when a person acted.';
COMMENT ON COLUMN qms.audit_logs.row_hash IS 'sha256 of prev_hash and qms.audit_canonical(entry), in hex.';
ALTER TABLE qms.audit_logs ALTER COLUMN reason SET STATISTICS 0;

CREATE TABLE qms_private.trail_heads (
    organization_id uuid PRIMARY KEY REFERENCES qms.organizations (id),
    seq bigint NOT NULL,
    row_hash text NOT NULL
);
COMMENT ON TABLE qms_private.trail_heads IS 'The last entry of each chain. Its row is the lock that makes writers take turns.';
GRANT SELECT, INSERT, UPDATE ON qms_private.trail_heads TO qms_definer;

-- These two have a parsed body, which names nothing that a search_path could change: unlike functions that set one,
-- they are planned into the statement that calls them. A verification hashes three times as many entries that way, and
-- an array takes half the time of an object.
CREATE FUNCTION qms.audit_canonical(entry qms.audit_logs) RETURNS text
LANGUAGE sql STABLE
RETURN json_build_array(
    entry.seq, entry.id, entry.organization_id, (extract(epoch FROM entry.created_at) * 1000000)::bigint,
    entry.entity_type, entry.entity_id, entry.action, entry.record_id, entry.record_version,
    entry.actor_id, entry.actor_name, entry.actor_kind, entry.on_behalf_of, entry.client, entry.tool_call_id,
    entry.reason, entry.changes, entry.metadata, entry.app_version, entry.definition_version
)::text;
COMMENT ON FUNCTION qms.audit_canonical(qms.audit_logs) IS
'The one text of an entry that is hashed: its values in this order, forever. Times are microseconds since 1970 UTC, so '
'that no setting changes it.';

CREATE FUNCTION qms.audit_hash(previous text, entry qms.audit_logs) RETURNS text
LANGUAGE sql STABLE
RETURN encode(sha256(convert_to(previous || qms.audit_canonical(entry), 'UTF8')), 'hex');
COMMENT ON FUNCTION qms.audit_hash(text, qms.audit_logs) IS 'The hash of an entry that follows one with the hash `previous`.';

-- Entries made before there was a chain are chained in the order in which they were made.
CREATE POLICY chaining ON qms.audit_logs TO CURRENT_USER USING (true) WITH CHECK (true);
ALTER TABLE qms.audit_logs DISABLE TRIGGER append_only;
DO $$
DECLARE
    entry qms.audit_logs;
    place bigint;
    before text;
    chained uuid;
BEGIN
    FOR entry IN SELECT a.* FROM qms.audit_logs AS a ORDER BY a.organization_id, a.created_at, a.id LOOP
        IF chained IS DISTINCT FROM entry.organization_id THEN
            chained := entry.organization_id;
            place := 0;
            before := repeat('0', 64);
        END IF;
        place := place + 1;
        entry.seq := place;
        entry.prev_hash := before;
        before := qms.audit_hash(before, entry);
        UPDATE qms.audit_logs AS a SET seq = place, prev_hash = entry.prev_hash, row_hash = before WHERE a.id = entry.id;
        INSERT INTO qms_private.trail_heads AS h (organization_id, seq, row_hash) VALUES (chained, place, before)
        ON CONFLICT (organization_id) DO UPDATE SET seq = excluded.seq, row_hash = excluded.row_hash;
    END LOOP;
END
$$;
ALTER TABLE qms.audit_logs ENABLE TRIGGER append_only;
DROP POLICY chaining ON qms.audit_logs;

ALTER TABLE qms.audit_logs
ALTER COLUMN seq SET NOT NULL,
ALTER COLUMN prev_hash SET NOT NULL,
ALTER COLUMN row_hash SET NOT NULL,
ADD CONSTRAINT audit_logs_place UNIQUE (organization_id, seq);
CREATE INDEX audit_logs_record ON qms.audit_logs (organization_id, record_id, seq);
CREATE INDEX audit_logs_on_behalf ON qms.audit_logs (on_behalf_of);
CREATE INDEX audit_logs_time ON qms.audit_logs (organization_id, created_at);
CREATE INDEX audit_logs_action ON qms.audit_logs (organization_id, action, seq);
DROP INDEX qms.audit_logs_actor;
CREATE INDEX audit_logs_actor ON qms.audit_logs (actor_id, seq);
-- What happened to a record is found by audit_logs_record, with its parts.
DROP INDEX qms.audit_logs_entity;

-- One at a time ---------------------------------------------------------------------------------------------------------

CREATE FUNCTION qms_private.lock_trail(of_organization uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    PERFORM FROM qms_private.trail_heads AS h WHERE h.organization_id = of_organization FOR UPDATE;
    IF NOT FOUND THEN
        INSERT INTO qms_private.trail_heads (organization_id, seq, row_hash) VALUES (of_organization, 0, repeat('0', 64))
        ON CONFLICT (organization_id) DO NOTHING;
        PERFORM FROM qms_private.trail_heads AS h WHERE h.organization_id = of_organization FOR UPDATE;
    END IF;
END
$$;
COMMENT ON FUNCTION qms_private.lock_trail(uuid) IS
'Takes the turn to write the trail of an organization until the transaction ends.';

-- White space of every width, and what has none: a text of nothing else says nothing.
CREATE FUNCTION qms.said(value text) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN nullif(btrim(
    value,
    U&' \0009\000A\000B\000C\000D\0085\00A0\00AD\1680\180E\2000\2001\2002\2003\2004\2005\2006\2007\2008\2009\200A'
    '\200B\200C\200D\2028\2029\202F\205F\2060\2800\3000\3164\FEFF'
), '');
COMMENT ON FUNCTION qms.said(text) IS 'A text without the white space around it; null when there is nothing else to it.';
GRANT EXECUTE ON FUNCTION qms.said(text) TO qms_app, qms_sql, qms_definer;

CREATE FUNCTION qms.written_reason() RETURNS text
LANGUAGE sql STABLE SET search_path = ''
AS $$SELECT qms.said(current_setting('qms.reason', true))$$;
COMMENT ON FUNCTION qms.written_reason() IS 'Why this transaction changes records, as its caller said.';

CREATE FUNCTION qms.take_trail_turn() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    ours uuid := qms.current_organization_id();
BEGIN
    -- Before any row is locked: all writers of an organization queue here, so none can wait for another in a circle.
    IF ours IS NOT NULL THEN
        IF coalesce(length(qms.written_reason()), 0) < 10 THEN
            RAISE EXCEPTION 'a change of quality records needs a reason of at least 10 characters'
            USING ERRCODE = 'QM024', HINT = 'Say in `reason` why the record changes; it stands in the audit trail.';
        END IF;
        PERFORM qms_private.lock_trail(ours);
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION qms.take_trail_turn() IS
'Statement trigger of every regulated table: no write without a reason, and one writer at a time per organization.';

CREATE FUNCTION qms.chain_entry() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    claims jsonb := qms_private.identity();
    last_seq bigint;
    last_hash text;
BEGIN
    new.actor_id := (claims ->> 'sub')::uuid;
    new.actor_kind := coalesce(claims ->> 'kind', 'system');
    new.actor_name := (SELECT p.printed_name FROM qms.people AS p WHERE p.user_id = new.actor_id);
    new.on_behalf_of := CASE WHEN new.actor_kind = 'agent' THEN new.actor_id END;
    new.client := nullif(current_setting('qms.client', true), '');
    new.tool_call_id := nullif(current_setting('qms.tool_call_id', true), '');
    new.app_version := nullif(current_setting('qms.app_version', true), '');
    new.reason := qms.written_reason();
    PERFORM qms_private.lock_trail(new.organization_id);
    SELECT h.seq, h.row_hash INTO STRICT last_seq, last_hash
    FROM qms_private.trail_heads AS h WHERE h.organization_id = new.organization_id;
    new.created_at := clock_timestamp();
    new.seq := last_seq + 1;
    new.prev_hash := last_hash;
    new.row_hash := qms.audit_hash(last_hash, new);
    UPDATE qms_private.trail_heads AS h SET seq = new.seq, row_hash = new.row_hash
    WHERE h.organization_id = new.organization_id;
    RETURN new;
END
$$;
COMMENT ON FUNCTION qms.chain_entry() IS 'Gives an entry its actor, reason, time, place and hash; nobody can choose them.';
CREATE TRIGGER chain_entry BEFORE INSERT ON qms.audit_logs FOR EACH ROW EXECUTE FUNCTION qms.chain_entry();

-- What is written -------------------------------------------------------------------------------------------------------

CREATE FUNCTION qms_private.write_entry(
    of_organization uuid, of_type text, of_entity uuid, what text, of_record uuid, at_version integer,
    under_definition integer, differences jsonb, details jsonb
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    INSERT INTO qms.audit_logs (
        organization_id, entity_type, entity_id, action, record_id, record_version, changes, metadata,
        definition_version
    )
    VALUES (
        of_organization, of_type, of_entity, what, of_record, at_version, differences, details, under_definition
    );
END
$$;
COMMENT ON FUNCTION qms_private.write_entry(uuid, text, uuid, text, uuid, integer, integer, jsonb, jsonb) IS
'Appends an entry to the trail of an organization, with who acts and why.';

CREATE FUNCTION qms.record_entry() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    before jsonb := CASE WHEN tg_op = 'INSERT' THEN '{}'::jsonb ELSE to_jsonb(old) END;
    after jsonb := to_jsonb(new);
    differences jsonb;
    of_record uuid := (after ->> tg_argv[0])::uuid;
    at_version integer;
    under_definition integer;
BEGIN
    SELECT jsonb_object_agg(
        k.field, jsonb_build_object('old', before -> k.field, 'new', after -> k.field)
    ) INTO differences
    FROM jsonb_object_keys(after) AS k (field)
    WHERE
        before -> k.field IS DISTINCT FROM after -> k.field
        AND k.field NOT IN ('embedding', 'updated_at', 'version', 'touched_by_transaction')
        AND NOT (tg_op = 'INSERT' AND after -> k.field = 'null'::jsonb);
    IF tg_op = 'UPDATE' AND differences IS NULL THEN
        RETURN NULL;
    END IF;
    IF of_record IS NOT NULL THEN
        SELECT i.version, d.version INTO at_version, under_definition
        FROM qms.quality_items AS i
        LEFT JOIN qms.workflow_definitions AS d ON i.definition_id = d.id
        WHERE i.id = of_record;
    END IF;
    PERFORM qms_private.write_entry(
        coalesce(after ->> 'organization_id', after ->> 'id')::uuid, tg_table_schema || '.' || tg_table_name,
        (after ->> 'id')::uuid,
        CASE WHEN tg_op = 'INSERT' AND qms.current_organization_id() IS NULL THEN 'loaded' ELSE lower(tg_op) END,
        of_record, at_version, under_definition, differences, '{}'
    );
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION qms.record_entry() IS
'Writes the audit entry of a change of a regulated table. Its argument names the column that holds the record. '
'Tables of a site use qms.record_change(); chain_entry completes what that leaves out.';

CREATE FUNCTION qms_private.note_event(
    of_organization uuid, of_type text, of_entity uuid, what text, details jsonb
) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = ''
AS $$
    SELECT qms_private.write_entry(of_organization, of_type, of_entity, what, NULL, NULL, NULL, NULL, details)
$$;
COMMENT ON FUNCTION qms_private.note_event(uuid, text, uuid, text, jsonb) IS
'Writes into the trail what is no change of a row: exports, sign-ins, refused attempts.';

CREATE FUNCTION qms.note_event(of_type text, of_entity uuid, what text, details jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    IF what NOT IN ('export', 'refused', 'verified', 'anchored', 'imported', 'shown') OR qms.current_organization_id() IS NULL THEN
        RAISE EXCEPTION 'no such event: %', what USING ERRCODE = 'QM024';
    END IF;
    PERFORM qms_private.write_entry(
        qms.current_organization_id(), of_type, coalesce(of_entity, qms.current_organization_id()), what,
        (SELECT i.id FROM qms.quality_items AS i
         WHERE i.id = of_entity AND i.organization_id = qms.current_organization_id()),
        NULL, NULL, NULL, details
    );
END
$$;
COMMENT ON FUNCTION qms.note_event(text, uuid, text, jsonb) IS
'What a service writes into the trail: export, refused, verified, anchored, imported, shown.';

-- Verification ----------------------------------------------------------------------------------------------------------

CREATE FUNCTION qms.trail_head() RETURNS TABLE (seq bigint, row_hash text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT h.seq, h.row_hash FROM qms_private.trail_heads AS h WHERE h.organization_id = qms.current_organization_id()
$$;
COMMENT ON FUNCTION qms.trail_head() IS 'The last entry of the caller''s chain: what an anchor keeps.';

CREATE FUNCTION qms.verify_trail(from_seq bigint DEFAULT 1, to_seq bigint DEFAULT NULL) RETURNS TABLE (
    entries bigint, first_seq bigint, last_seq bigint, last_hash text, bad_seq bigint, problem text
)
LANGUAGE sql STABLE SET search_path = ''
AS $$
    -- The entry before the range goes along: what follows it has to name its hash.
    WITH bounds AS (
        SELECT
            greatest(from_seq, 1) AS lowest, greatest(from_seq - 1, 1) AS before_lowest,
            coalesce(to_seq, 9223372036854775807) AS highest
    ),
    head AS (SELECT h.seq, h.row_hash FROM qms.trail_head() AS h),
    checked AS MATERIALIZED (
        SELECT
            a.seq, a.prev_hash, a.row_hash,
            lag(a.seq) OVER (ORDER BY a.seq) AS before_seq,
            lag(a.row_hash) OVER (ORDER BY a.seq) AS before_hash,
            a.row_hash IS NOT DISTINCT FROM qms.audit_hash(a.prev_hash, a.*::qms.audit_logs) AS own
        FROM qms.audit_logs AS a
        WHERE
            a.organization_id = (SELECT qms.current_organization_id())
            AND a.seq BETWEEN greatest(from_seq - 1, 1) AND coalesce(to_seq, 9223372036854775807)
    ),
    judged AS (
        SELECT
            c.seq,
            CASE
                WHEN c.before_seq IS NULL AND c.seq > b.before_lowest THEN b.before_lowest
                WHEN c.before_seq IS NOT NULL AND c.seq > c.before_seq + 1 THEN c.before_seq + 1
                WHEN NOT c.own OR c.seq = c.before_seq THEN c.seq
                WHEN c.before_hash IS DISTINCT FROM c.prev_hash AND c.before_seq IS NOT NULL THEN c.before_seq
                WHEN c.seq = 1 AND c.prev_hash <> repeat('0', 64) THEN c.seq
            END AS bad,
            CASE
                WHEN c.before_seq IS NULL AND c.seq > b.before_lowest THEN 'missing'
                WHEN c.before_seq IS NOT NULL AND c.seq > c.before_seq + 1 THEN 'missing'
                WHEN c.seq = c.before_seq THEN 'added'
                WHEN NOT c.own THEN 'altered'
                -- The one before is whole in itself, but not the entry this one was written after.
                WHEN c.before_hash IS DISTINCT FROM c.prev_hash AND c.before_seq IS NOT NULL THEN 'replaced'
                WHEN c.seq = 1 AND c.prev_hash <> repeat('0', 64) THEN 'altered'
            END AS how
        FROM checked AS c
        CROSS JOIN bounds AS b
    ),
    first_bad AS (
        SELECT j.bad, j.how FROM judged AS j WHERE j.bad IS NOT NULL
        ORDER BY j.bad, j.how = 'replaced', j.seq LIMIT 1
    ),
    last_one AS (SELECT c.seq, c.row_hash FROM checked AS c ORDER BY c.seq DESC LIMIT 1),
    ending AS (
        SELECT
            CASE
                WHEN h.seq IS NULL AND l.seq IS NULL THEN NULL
                WHEN h.seq IS NULL THEN l.seq + 1
                WHEN least(b.highest, h.seq) >= b.lowest AND coalesce(l.seq, b.before_lowest - 1) < least(b.highest, h.seq)
                    THEN coalesce(l.seq, b.before_lowest - 1) + 1
                WHEN l.seq > h.seq THEN h.seq + 1
                WHEN l.seq = h.seq AND l.row_hash <> h.row_hash THEN l.seq
            END AS bad,
            CASE
                WHEN h.seq IS NULL THEN 'missing'
                WHEN coalesce(l.seq, b.before_lowest - 1) < least(b.highest, h.seq) THEN 'missing'
                WHEN l.seq > h.seq THEN 'added'
                ELSE 'replaced'
            END AS how
        FROM bounds AS b
        LEFT JOIN head AS h ON true
        LEFT JOIN last_one AS l ON true
    )
    SELECT
        (SELECT count(*) FROM checked AS c WHERE c.seq >= b.lowest),
        (SELECT min(c.seq) FROM checked AS c WHERE c.seq >= b.lowest),
        (SELECT l.seq FROM last_one AS l WHERE l.seq >= b.lowest),
        (SELECT l.row_hash FROM last_one AS l WHERE l.seq >= b.lowest),
        coalesce(f.bad, e.bad),
        CASE WHEN f.bad IS NOT NULL THEN f.how WHEN e.bad IS NOT NULL THEN e.how END
    FROM bounds AS b
    CROSS JOIN ending AS e
    LEFT JOIN first_bad AS f ON true
$$;
COMMENT ON FUNCTION qms.verify_trail(bigint, bigint) IS
'Recomputes the chain of the caller''s organization, or a range of it. bad_seq is the first entry that is missing, '
'altered, replaced (whole in itself, but not what the next one followed) or added behind the head.';

CREATE TABLE qms.audit_anchors (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL REFERENCES qms.organizations (id),
    seq bigint NOT NULL CHECK (seq > 0),
    row_hash text NOT NULL CHECK (row_hash ~ '^[0-9a-f]{64}$'),
    place text NOT NULL CHECK (btrim(place) <> ''),
    anchored_by uuid REFERENCES auth.users (id),
    created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE qms.audit_anchors IS 'Where heads of the chain were written down outside of this database.';
CREATE INDEX audit_anchors_org ON qms.audit_anchors (organization_id, seq);
CREATE INDEX audit_anchors_by ON qms.audit_anchors (anchored_by);
ALTER TABLE qms.audit_anchors ENABLE ROW LEVEL SECURITY;
ALTER TABLE qms.audit_anchors FORCE ROW LEVEL SECURITY;
CREATE POLICY read_own ON qms.audit_anchors FOR SELECT TO qms_app, qms_sql
USING (organization_id = (SELECT qms.current_organization_id()));
CREATE POLICY administration ON qms.audit_anchors FOR ALL TO qms_definer USING (true) WITH CHECK (true);
GRANT SELECT ON qms.audit_anchors TO qms_app, qms_sql;
GRANT SELECT, INSERT ON qms.audit_anchors TO qms_definer;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON qms.audit_anchors
FOR EACH ROW EXECUTE FUNCTION qms.refuse_change();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON qms.audit_anchors
FOR EACH STATEMENT EXECUTE FUNCTION qms.refuse_change();

CREATE FUNCTION qms.note_anchor(at_place text, at_seq bigint) RETURNS qms.audit_anchors
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    made qms.audit_anchors;
BEGIN
    INSERT INTO qms.audit_anchors (organization_id, seq, row_hash, place, anchored_by)
    SELECT a.organization_id, a.seq, a.row_hash, at_place, qms.current_user_id()
    FROM qms.audit_logs AS a
    WHERE a.organization_id = qms.current_organization_id() AND a.seq = at_seq
    RETURNING * INTO made;
    RETURN made;
END
$$;
COMMENT ON FUNCTION qms.note_anchor(text, bigint) IS
'Records that an entry''s hash was written down at a place. Nothing when there is no such entry.';

GRANT SELECT ON qms.audit_logs TO qms_definer;
CREATE POLICY administration ON qms.audit_logs FOR SELECT TO qms_definer USING (true);
GRANT CREATE ON SCHEMA qms, qms_private TO qms_definer;
ALTER FUNCTION qms_private.lock_trail(uuid) OWNER TO qms_definer;
ALTER FUNCTION qms_private.write_entry(uuid, text, uuid, text, uuid, integer, integer, jsonb, jsonb) OWNER TO qms_definer;
ALTER FUNCTION qms_private.note_event(uuid, text, uuid, text, jsonb) OWNER TO qms_definer;
ALTER FUNCTION qms.note_event(text, uuid, text, jsonb) OWNER TO qms_definer;
ALTER FUNCTION qms.audit_canonical(qms.audit_logs) OWNER TO qms_definer;
ALTER FUNCTION qms.audit_hash(text, qms.audit_logs) OWNER TO qms_definer;
ALTER FUNCTION qms.written_reason() OWNER TO qms_definer;
ALTER FUNCTION qms.take_trail_turn() OWNER TO qms_definer;
ALTER FUNCTION qms.chain_entry() OWNER TO qms_definer;
ALTER FUNCTION qms.record_entry() OWNER TO qms_definer;
ALTER FUNCTION qms.trail_head() OWNER TO qms_definer;
ALTER FUNCTION qms.note_anchor(text, bigint) OWNER TO qms_definer;
REVOKE CREATE ON SCHEMA qms, qms_private FROM qms_definer;
SET LOCAL ROLE qms_definer;
GRANT EXECUTE ON FUNCTION qms.take_trail_turn(), qms.chain_entry(), qms.record_entry() TO SESSION_USER;
GRANT EXECUTE ON FUNCTION
    qms.audit_canonical(qms.audit_logs), qms.audit_hash(text, qms.audit_logs), qms.written_reason(), qms.trail_head()
    TO qms_app, qms_sql, SESSION_USER;
GRANT EXECUTE ON FUNCTION qms.note_event(text, uuid, text, jsonb), qms.note_anchor(text, bigint) TO qms_app;
RESET ROLE;
GRANT EXECUTE ON FUNCTION qms.verify_trail(bigint, bigint) TO qms_app, qms_sql;

-- Who belongs where, and what an organization set, is part of the trail.
CREATE TRIGGER record_change AFTER INSERT OR UPDATE ON qms.memberships
FOR EACH ROW EXECUTE FUNCTION qms.record_entry();
CREATE TRIGGER record_change AFTER UPDATE ON qms.organizations
FOR EACH ROW EXECUTE FUNCTION qms.record_entry();
DROP TRIGGER record_change ON qms.compliance_records;
CREATE TRIGGER record_change AFTER INSERT OR UPDATE ON qms.compliance_records
FOR EACH ROW EXECUTE FUNCTION qms.record_entry();
DROP TRIGGER record_change ON qms.quality_items;
CREATE TRIGGER record_change AFTER INSERT OR UPDATE ON qms.quality_items
FOR EACH ROW EXECUTE FUNCTION qms.record_entry('id');
CREATE TRIGGER trail_turn BEFORE INSERT OR UPDATE ON qms.quality_items
FOR EACH STATEMENT EXECUTE FUNCTION qms.take_trail_turn();
CREATE TRIGGER trail_turn BEFORE INSERT OR UPDATE ON qms.compliance_records
FOR EACH STATEMENT EXECUTE FUNCTION qms.take_trail_turn();
