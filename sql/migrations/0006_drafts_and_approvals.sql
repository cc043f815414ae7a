-- Drafts of schema and data changes, and the approvals they wait for.

CREATE TABLE qms.approvals (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL REFERENCES qms.organizations (id),
    tool text NOT NULL,
    subject_id uuid NOT NULL,
    content_sha256 text NOT NULL CHECK (content_sha256 ~ '^[0-9a-f]{64}$'),
    summary text NOT NULL,
    content text NOT NULL,
    requested_by uuid NOT NULL REFERENCES auth.users (id),
    requested_kind text NOT NULL CHECK (requested_kind IN ('human', 'agent', 'system')),
    reason text NOT NULL,
    client_name text,
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'approved', 'rejected', 'used')),
    expires_at timestamptz NOT NULL DEFAULT now() + interval '7 days',
    decided_by uuid REFERENCES auth.users (id),
    decided_at timestamptz,
    decision_reason text,
    channel text CHECK (channel IN ('terminal', 'elicitation', 'page')),
    used_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT decided_by_someone CHECK (
        (state = 'pending') = (decided_by IS NULL AND decided_at IS NULL AND channel IS NULL)
    ),
    CONSTRAINT used_when_used CHECK ((state = 'used') = (used_at IS NOT NULL)),
    CONSTRAINT hash_of_content CHECK (content_sha256 = encode(sha256(convert_to(content, 'UTF8')), 'hex'))
);
COMMENT ON TABLE qms.approvals IS 'What a person has to decide: bound to the sha256 of exactly what will run, single use, expiring.';
COMMENT ON COLUMN qms.approvals.content IS 'What the person is shown and what will run.';
COMMENT ON COLUMN qms.approvals.channel IS 'terminal: password asked on the terminal. elicitation: confirmed in the client. page: approval page.';
CREATE INDEX approvals_org ON qms.approvals (organization_id, state, created_at);
CREATE INDEX approvals_subject ON qms.approvals (subject_id);
CREATE INDEX approvals_requested_by ON qms.approvals (requested_by);
CREATE INDEX approvals_decided_by ON qms.approvals (decided_by);

CREATE TABLE qms.migration_drafts (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL REFERENCES qms.organizations (id),
    name text NOT NULL CHECK (name ~ '^[a-z][a-z0-9_]{0,62}$'),
    script text NOT NULL CHECK (btrim(script) <> ''),
    reverse_script text,
    sha256 text NOT NULL CHECK (sha256 = encode(sha256(convert_to(script, 'UTF8')), 'hex')),
    report jsonb NOT NULL,
    reason text NOT NULL,
    drafted_by uuid NOT NULL REFERENCES auth.users (id),
    drafted_kind text NOT NULL CHECK (drafted_kind IN ('human', 'agent', 'system')),
    state text NOT NULL DEFAULT 'draft' CHECK (state IN ('draft', 'applied')),
    version text UNIQUE,
    applied_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT applied_with_version CHECK ((state = 'applied') = (applied_at IS NOT NULL AND version IS NOT NULL))
);
COMMENT ON TABLE qms.migration_drafts IS 'Schema changes somebody proposed, each tested in a transaction that was rolled back.';
COMMENT ON COLUMN qms.migration_drafts.report IS 'What the test run found: locks, rewritten tables, rows touched, lint.';
CREATE INDEX migration_drafts_org ON qms.migration_drafts (organization_id, created_at);
CREATE UNIQUE INDEX migration_drafts_text ON qms.migration_drafts (organization_id, name, sha256);
CREATE INDEX migration_drafts_drafted_by ON qms.migration_drafts (drafted_by);

CREATE TABLE qms.transform_drafts (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL REFERENCES qms.organizations (id),
    statement text NOT NULL CHECK (btrim(statement) <> ''),
    parameters jsonb NOT NULL DEFAULT '[]',
    content text NOT NULL,
    sha256 text NOT NULL CHECK (sha256 = encode(sha256(convert_to(content, 'UTF8')), 'hex')),
    target text NOT NULL,
    rows_expected bigint NOT NULL CHECK (rows_expected > 0),
    preview jsonb NOT NULL,
    reason text NOT NULL,
    drafted_by uuid NOT NULL REFERENCES auth.users (id),
    drafted_kind text NOT NULL CHECK (drafted_kind IN ('human', 'agent', 'system')),
    state text NOT NULL DEFAULT 'draft' CHECK (state IN ('draft', 'applied')),
    applied_at timestamptz,
    rows_changed bigint,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT applied_is_whole CHECK ((state = 'applied') = (applied_at IS NOT NULL)),
    CONSTRAINT content_is_what_runs CHECK (content = statement || E'\n-- parameters: ' || parameters::text),
    CONSTRAINT as_many_as_previewed CHECK (rows_changed IS NULL OR rows_changed = rows_expected)
);
COMMENT ON TABLE qms.transform_drafts IS 'Changes of data through SQL that somebody proposed, with a preview.';
COMMENT ON COLUMN qms.transform_drafts.content IS 'Statement and parameters as one text: what a person is shown and approves.';
COMMENT ON COLUMN qms.transform_drafts.rows_expected IS 'How many rows the preview changed. Another number when it is applied is refused.';
CREATE INDEX transform_drafts_org ON qms.transform_drafts (organization_id, created_at);
CREATE INDEX transform_drafts_text ON qms.transform_drafts (organization_id, sha256);
CREATE INDEX transform_drafts_drafted_by ON qms.transform_drafts (drafted_by);

CREATE FUNCTION qms.keep_decisions() RETURNS trigger
LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
    IF tg_op = 'UPDATE'
        AND (old.state, new.state) IN (('pending', 'approved'), ('pending', 'rejected'), ('approved', 'used'))
        AND to_jsonb(new) - ARRAY['state', 'decided_by', 'decided_at', 'decision_reason', 'channel', 'used_at']
        = to_jsonb(old) - ARRAY['state', 'decided_by', 'decided_at', 'decision_reason', 'channel', 'used_at']
        AND (old.state = 'pending' OR (new.decided_by, new.decided_at) = (old.decided_by, old.decided_at)) THEN
        RETURN new;
    END IF;
    RAISE EXCEPTION 'an approval is decided once and used once: % is refused', tg_op USING ERRCODE = 'QM003';
END
$$;
COMMENT ON FUNCTION qms.keep_decisions() IS 'pending to approved or rejected, approved to used, and nothing else.';
CREATE TRIGGER decided_once BEFORE UPDATE OR DELETE ON qms.approvals
FOR EACH ROW EXECUTE FUNCTION qms.keep_decisions();
CREATE TRIGGER never_truncated BEFORE TRUNCATE ON qms.approvals
FOR EACH STATEMENT EXECUTE FUNCTION qms.refuse_change();

CREATE FUNCTION qms.keep_drafts() RETURNS trigger
LANGUAGE plpgsql SET search_path = ''
AS $$
DECLARE
    changing text [] := ARRAY['state', 'version', 'applied_at', 'rows_changed'];
BEGIN
    IF tg_op = 'UPDATE' AND old.state = 'draft' AND new.state = 'applied'
        AND to_jsonb(new) - changing = to_jsonb(old) - changing
        AND EXISTS (
            SELECT FROM qms.approvals AS a
            WHERE
                a.subject_id = new.id AND a.content_sha256 = new.sha256
                AND a.state = 'used' AND a.used_at >= transaction_timestamp()
        ) THEN
        RETURN new;
    END IF;
    RAISE EXCEPTION 'a draft is applied once, unchanged, with an approval used for it: % is refused', tg_op
    USING ERRCODE = 'QM003';
END
$$;
COMMENT ON FUNCTION qms.keep_drafts() IS
'Draft to applied, in the transaction that uses the approval of exactly this text, and nothing else.';
CREATE TRIGGER applied_once BEFORE UPDATE OR DELETE ON qms.migration_drafts
FOR EACH ROW EXECUTE FUNCTION qms.keep_drafts();
CREATE TRIGGER never_truncated BEFORE TRUNCATE ON qms.migration_drafts
FOR EACH STATEMENT EXECUTE FUNCTION qms.refuse_change();
CREATE TRIGGER applied_once BEFORE UPDATE OR DELETE ON qms.transform_drafts
FOR EACH ROW EXECUTE FUNCTION qms.keep_drafts();
CREATE TRIGGER never_truncated BEFORE TRUNCATE ON qms.transform_drafts
FOR EACH STATEMENT EXECUTE FUNCTION qms.refuse_change();

CREATE FUNCTION qms_private.request_approval(
    for_tool text, for_subject uuid, in_words text, exactly text, why text, through_client text
) RETURNS qms.approvals
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    our_organization uuid := qms.current_organization_id();
    digest text := encode(sha256(convert_to(exactly, 'UTF8')), 'hex');
    standing qms.approvals;
BEGIN
    IF NOT (
        (for_tool = 'apply_migration' AND EXISTS (
            SELECT FROM qms.migration_drafts AS d
            WHERE d.id = for_subject AND d.organization_id = our_organization AND d.script = exactly AND d.state = 'draft'
        ))
        OR (for_tool = 'transform_data' AND EXISTS (
            SELECT FROM qms.transform_drafts AS d
            WHERE d.id = for_subject AND d.organization_id = our_organization AND d.content = exactly AND d.state = 'draft'
        ))
    ) THEN
        RAISE EXCEPTION 'there is no such draft to approve' USING ERRCODE = 'QM004';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended(for_subject::text, 0));
    SELECT a.* INTO standing
    FROM qms.approvals AS a
    WHERE
        a.subject_id = for_subject AND a.content_sha256 = digest
        AND (a.state IN ('rejected', 'used') OR a.expires_at > clock_timestamp())
    ORDER BY a.created_at DESC
    LIMIT 1;
    IF standing.id IS NULL THEN
        INSERT INTO qms.approvals (
            organization_id, tool, subject_id, content_sha256, summary, content, requested_by, requested_kind,
            reason, client_name
        )
        VALUES (
            our_organization, for_tool, for_subject, digest, in_words, exactly, qms.current_user_id(),
            qms.current_actor_kind(), why, through_client
        )
        RETURNING * INTO standing;
    END IF;
    RETURN standing;
END
$$;
COMMENT ON FUNCTION qms_private.request_approval(text, uuid, text, text, text, text) IS
'The approval a draft waits for: made once, for exactly the text of the draft. Error QM004 when there is no such draft.';

CREATE FUNCTION qms_private.decide_approval(
    approval_id uuid, by_user uuid, verdict text, via text, why text
) RETURNS qms.approvals
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    decided qms.approvals;
BEGIN
    UPDATE qms.approvals AS a
    SET
        state = verdict, decided_by = by_user, decided_at = clock_timestamp(), channel = via, decision_reason = why
    WHERE
        a.id = approval_id AND a.state = 'pending' AND a.expires_at > clock_timestamp()
        AND verdict IN ('approved', 'rejected')
        AND EXISTS (
            SELECT FROM qms.memberships AS m
            WHERE
                m.user_id = by_user AND m.organization_id = a.organization_id
                AND m.roles && ARRAY['approver', 'qa_approver', 'admin']
                AND m.valid_from <= clock_timestamp() AND (m.valid_to IS NULL OR m.valid_to > clock_timestamp())
                AND NOT EXISTS (SELECT FROM qms.people AS p WHERE p.user_id = by_user AND p.deactivated_at IS NOT NULL)
        )
    RETURNING * INTO decided;
    IF decided.id IS NULL THEN
        RAISE EXCEPTION 'there is no such approval to decide for this person' USING ERRCODE = 'QM004';
    END IF;
    RETURN decided;
END
$$;
COMMENT ON FUNCTION qms_private.decide_approval(uuid, uuid, text, text, text) IS
'A person decides, once, before it expires, holding a role that may approve. Error QM004 otherwise.';

CREATE FUNCTION qms_private.confirm_approval(approval_id uuid, verdict text) RETURNS qms.approvals
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM qms.approvals AS a
        WHERE a.id = approval_id AND a.organization_id = qms.current_organization_id()
            AND a.tool IN ('apply_migration', 'transform_data')
            AND NOT EXISTS (
                SELECT FROM qms.organizations AS o
                WHERE o.id = a.organization_id AND o.settings @> '{"confirm_in_client": false}'
            )
    ) THEN
        RAISE EXCEPTION 'there is no such approval to confirm' USING ERRCODE = 'QM004';
    END IF;
    RETURN qms_private.decide_approval(
        approval_id, qms.current_user_id(), verdict, 'elicitation', 'confirmed in the client'
    );
END
$$;
COMMENT ON FUNCTION qms_private.confirm_approval(uuid, text) IS
'The person in front of the client confirms a change of schema or data, unless the organization wants a password for '
'it (settings.confirm_in_client = false). Quality records are never decided this way.';

CREATE FUNCTION qms_private.use_approval(approval_id uuid, for_subject uuid, expected_sha256 text) RETURNS qms.approvals
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    used qms.approvals;
BEGIN
    UPDATE qms.approvals AS a
    SET state = 'used', used_at = clock_timestamp()
    WHERE
        a.id = approval_id AND a.state = 'approved' AND a.expires_at > clock_timestamp()
        AND a.subject_id = for_subject AND a.content_sha256 = expected_sha256
        AND a.organization_id = qms.current_organization_id()
    RETURNING * INTO used;
    IF used.id IS NULL THEN
        RAISE EXCEPTION 'no approval that can be used' USING ERRCODE = 'QM005';
    END IF;
    RETURN used;
END
$$;
COMMENT ON FUNCTION qms_private.use_approval(uuid, uuid, text) IS
'Spends an approval for exactly the content that was approved. Error QM005 when there is none to spend.';

CREATE FUNCTION qms_private.take_migration(
    draft_id uuid, approval_id uuid, tested_sha256 text, as_version text
) RETURNS qms.migration_drafts
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    taken qms.migration_drafts;
BEGIN
    PERFORM qms_private.use_approval(take_migration.approval_id, draft_id, tested_sha256);
    UPDATE qms.migration_drafts AS d
    SET state = 'applied', version = as_version, applied_at = clock_timestamp()
    WHERE
        d.id = draft_id AND d.state = 'draft' AND d.sha256 = tested_sha256
        AND d.organization_id = qms.current_organization_id()
    RETURNING * INTO taken;
    IF taken.id IS NULL THEN
        RAISE EXCEPTION 'no such draft to apply' USING ERRCODE = 'QM005';
    END IF;
    RETURN taken;
END
$$;
COMMENT ON FUNCTION qms_private.take_migration(uuid, uuid, text, text) IS
'Spends the approval and marks the draft applied, before its script runs in the same transaction.';

-- A draft runs inside a SECURITY DEFINER function of its own owner: in there PostgreSQL itself refuses COMMIT,
-- ROLLBACK, SET ROLE and SET SESSION AUTHORIZATION.
CREATE FUNCTION qms_private.run_script(script text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, extensions
AS $$
BEGIN
    EXECUTE script;
END
$$;
COMMENT ON FUNCTION qms_private.run_script(text) IS
'Runs a script that can neither end the transaction it runs in nor change its role. Only for its owner.';

GRANT USAGE ON SCHEMA qms_private TO qms_app;
GRANT CREATE ON SCHEMA qms_private TO qms_definer;
GRANT SELECT, INSERT, UPDATE ON qms.approvals TO qms_definer;
ALTER FUNCTION qms_private.request_approval(text, uuid, text, text, text, text) OWNER TO qms_definer;
ALTER FUNCTION qms_private.decide_approval(uuid, uuid, text, text, text) OWNER TO qms_definer;
ALTER FUNCTION qms_private.confirm_approval(uuid, text) OWNER TO qms_definer;
ALTER FUNCTION qms_private.use_approval(uuid, uuid, text) OWNER TO qms_definer;
ALTER FUNCTION qms_private.take_migration(uuid, uuid, text, text) OWNER TO qms_definer;
REVOKE CREATE ON SCHEMA qms_private FROM qms_definer;
SET LOCAL ROLE qms_definer;
GRANT EXECUTE ON FUNCTION
    qms_private.request_approval(text, uuid, text, text, text, text),
    qms_private.confirm_approval(uuid, text),
    qms_private.use_approval(uuid, uuid, text)
    TO qms_app;
GRANT EXECUTE ON FUNCTION
    qms_private.decide_approval(uuid, uuid, text, text, text),
    qms_private.take_migration(uuid, uuid, text, text)
    TO SESSION_USER;
RESET ROLE;

ALTER TABLE qms.approvals ENABLE ROW LEVEL SECURITY;
ALTER TABLE qms.approvals FORCE ROW LEVEL SECURITY;
CREATE POLICY read_own ON qms.approvals FOR SELECT TO qms_app, qms_sql
USING (organization_id = (SELECT qms.current_organization_id()));
CREATE POLICY administration ON qms.approvals FOR ALL TO qms_definer USING (true) WITH CHECK (true);
GRANT SELECT ON qms.approvals TO qms_app, qms_sql;

ALTER TABLE qms.migration_drafts ENABLE ROW LEVEL SECURITY;
ALTER TABLE qms.migration_drafts FORCE ROW LEVEL SECURITY;
CREATE POLICY read_own ON qms.migration_drafts FOR SELECT TO qms_app, qms_sql
USING (organization_id = (SELECT qms.current_organization_id()));
CREATE POLICY draft_own ON qms.migration_drafts FOR INSERT TO qms_app
WITH CHECK (
    organization_id = (SELECT qms.current_organization_id())
    AND drafted_by = (SELECT qms.current_user_id())
    AND drafted_kind = (SELECT qms.current_actor_kind())
    AND (SELECT qms.has_role('admin'))
    AND state = 'draft'
);
CREATE POLICY administration ON qms.migration_drafts FOR ALL TO qms_definer USING (true) WITH CHECK (true);
GRANT SELECT, INSERT ON qms.migration_drafts TO qms_app;
GRANT SELECT ON qms.migration_drafts TO qms_sql;
GRANT SELECT ON qms.migration_drafts TO qms_definer;
GRANT UPDATE (state, version, applied_at) ON qms.migration_drafts TO qms_definer;

ALTER TABLE qms.transform_drafts ENABLE ROW LEVEL SECURITY;
ALTER TABLE qms.transform_drafts FORCE ROW LEVEL SECURITY;
CREATE POLICY read_own ON qms.transform_drafts FOR SELECT TO qms_app, qms_sql
USING (organization_id = (SELECT qms.current_organization_id()));
CREATE POLICY draft_own ON qms.transform_drafts FOR INSERT TO qms_app
WITH CHECK (
    organization_id = (SELECT qms.current_organization_id())
    AND drafted_by = (SELECT qms.current_user_id())
    AND drafted_kind = (SELECT qms.current_actor_kind())
    AND (SELECT qms.may_write())
    AND state = 'draft'
);
CREATE POLICY apply_own ON qms.transform_drafts FOR UPDATE TO qms_app
USING (
    organization_id = (SELECT qms.current_organization_id()) AND state = 'draft' AND (SELECT qms.may_write())
)
WITH CHECK (organization_id = (SELECT qms.current_organization_id()));
CREATE POLICY administration ON qms.transform_drafts FOR SELECT TO qms_definer USING (true);
GRANT SELECT ON qms.transform_drafts TO qms_definer;
GRANT SELECT, INSERT ON qms.transform_drafts TO qms_app;
GRANT UPDATE (state, applied_at, rows_changed) ON qms.transform_drafts TO qms_app;
GRANT SELECT ON qms.transform_drafts TO qms_sql;

-- The server looks whether the schema is the one it was made for.
GRANT USAGE ON SCHEMA supabase_migrations TO qms_server;
GRANT SELECT (version, name) ON supabase_migrations.schema_migrations TO qms_server;
