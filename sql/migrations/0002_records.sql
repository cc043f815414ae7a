-- The base of every quality record, its trail and the compliance matrix.

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_extension AS e WHERE e.extname = 'vector') THEN
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_available_extensions AS a WHERE a.name = 'vector') THEN
            RAISE EXCEPTION 'this PostgreSQL has no pgvector'
            USING ERRCODE = 'QM010', HINT = 'Install pgvector 0.8 or newer on the database server.';
        END IF;
        CREATE EXTENSION vector SCHEMA extensions;
    END IF;
END
$$;

CREATE TABLE qms.quality_items (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL REFERENCES qms.organizations (id),
    title text NOT NULL,
    description text,
    category text NOT NULL,
    status text DEFAULT 'draft',
    priority integer DEFAULT 0,
    assigned_to uuid REFERENCES auth.users (id),
    due_date timestamptz,
    metadata jsonb DEFAULT '{}',
    embedding vector(1536),
    created_at timestamptz DEFAULT now(),
    updated_at timestamptz DEFAULT now(),
    -- What refers to a record names its organization too, so that no reference can cross organizations.
    UNIQUE (organization_id, id)
);
COMMENT ON TABLE qms.quality_items IS 'The base of every quality record. category is its type, status its state.';
COMMENT ON COLUMN qms.quality_items.category IS 'nonconformance, deviation, complaint, capa, change_request, document, audit, ...';
COMMENT ON COLUMN qms.quality_items.priority IS '0 is normal; higher is more urgent.';
COMMENT ON COLUMN qms.quality_items.due_date IS 'When the next step is due.';
COMMENT ON COLUMN qms.quality_items.metadata IS 'Fields of the site that have no column of their own.';
-- Estimates come from statistics over all organizations: texts give none away.
ALTER TABLE qms.quality_items ALTER COLUMN title SET STATISTICS 0, ALTER COLUMN description SET STATISTICS 0;
CREATE INDEX idx_quality_items_org ON qms.quality_items (organization_id, category, status);
CREATE INDEX quality_items_assigned ON qms.quality_items (assigned_to);
CREATE INDEX quality_items_due ON qms.quality_items (organization_id, due_date);

CREATE FUNCTION qms.touch_updated_at() RETURNS trigger
LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
    new.updated_at := clock_timestamp();
    RETURN new;
END
$$;
COMMENT ON FUNCTION qms.touch_updated_at() IS 'Keeps updated_at by the clock of the server.';
CREATE TRIGGER touch_updated_at BEFORE UPDATE ON qms.quality_items
FOR EACH ROW EXECUTE FUNCTION qms.touch_updated_at();

CREATE TABLE qms.audit_logs (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL REFERENCES qms.organizations (id),
    entity_type text NOT NULL,
    entity_id uuid NOT NULL,
    action text NOT NULL,
    actor_id uuid REFERENCES auth.users (id),
    actor_kind text CHECK (actor_kind IN ('human', 'agent', 'system')),
    changes jsonb,
    metadata jsonb DEFAULT '{}',
    created_at timestamptz DEFAULT now()
);
COMMENT ON TABLE qms.audit_logs IS 'Who changed what, written by triggers in the transaction of the change. Append-only.';
COMMENT ON COLUMN qms.audit_logs.changes IS 'Per field that changed: its old and its new value.';
CREATE INDEX audit_logs_entity ON qms.audit_logs (organization_id, entity_type, entity_id, created_at);
CREATE INDEX audit_logs_actor ON qms.audit_logs (actor_id);

CREATE TABLE qms.compliance_records (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL REFERENCES qms.organizations (id),
    standard text NOT NULL,
    requirement text NOT NULL,
    status text DEFAULT 'pending',
    evidence jsonb DEFAULT '[]',
    last_reviewed timestamptz,
    next_review timestamptz,
    created_at timestamptz DEFAULT now()
);
COMMENT ON TABLE qms.compliance_records IS 'Requirement by requirement: what evidence there is and when it was reviewed.';
CREATE INDEX compliance_records_org ON qms.compliance_records (organization_id, standard, requirement);

-- Append-only: neither the owner nor a trigger-happy migration can rewrite what is recorded by mistake. -------------

CREATE FUNCTION qms.refuse_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
    RAISE EXCEPTION '%.% is append-only: % is refused', tg_table_schema, tg_table_name, tg_op
    USING ERRCODE = 'QM003';
END
$$;
COMMENT ON FUNCTION qms.refuse_change() IS 'Refuses what would alter or remove recorded rows.';
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON qms.audit_logs
FOR EACH ROW EXECUTE FUNCTION qms.refuse_change();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON qms.audit_logs
FOR EACH STATEMENT EXECUTE FUNCTION qms.refuse_change();
CREATE TRIGGER never_deleted BEFORE DELETE ON qms.quality_items
FOR EACH ROW EXECUTE FUNCTION qms.refuse_change();
CREATE TRIGGER never_truncated BEFORE TRUNCATE ON qms.quality_items
FOR EACH STATEMENT EXECUTE FUNCTION qms.refuse_change();
CREATE TRIGGER never_deleted BEFORE DELETE ON qms.compliance_records
FOR EACH ROW EXECUTE FUNCTION qms.refuse_change();
CREATE TRIGGER never_truncated BEFORE TRUNCATE ON qms.compliance_records
FOR EACH STATEMENT EXECUTE FUNCTION qms.refuse_change();

-- The trail of every change, field by field. ---------------------------------------------------------------------------

CREATE FUNCTION qms.record_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    before jsonb := CASE WHEN tg_op = 'INSERT' THEN '{}'::jsonb ELSE to_jsonb(old) END;
    after jsonb := to_jsonb(new);
    differences jsonb;
BEGIN
    SELECT jsonb_object_agg(
        field, jsonb_build_object('old', before -> field, 'new', after -> field)
    ) INTO differences
    FROM jsonb_object_keys(after) AS k (field)
    WHERE before -> field IS DISTINCT FROM after -> field AND field NOT IN ('embedding', 'updated_at');
    IF tg_op = 'UPDATE' AND differences IS NULL THEN
        RETURN NULL;
    END IF;
    INSERT INTO qms.audit_logs (organization_id, entity_type, entity_id, action, actor_id, actor_kind, changes)
    VALUES (
        new.organization_id, tg_table_schema || '.' || tg_table_name, new.id, lower(tg_op),
        qms.current_user_id(), qms.current_actor_kind(), differences
    );
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION qms.record_change() IS 'Writes the audit entry of a change in the same transaction.';
GRANT INSERT ON qms.audit_logs TO qms_definer;
GRANT CREATE ON SCHEMA qms TO qms_definer;
ALTER FUNCTION qms.record_change() OWNER TO qms_definer;
REVOKE CREATE ON SCHEMA qms FROM qms_definer;
SET LOCAL ROLE qms_definer;
GRANT EXECUTE ON FUNCTION qms.record_change() TO SESSION_USER;
RESET ROLE;
CREATE TRIGGER record_change AFTER INSERT OR UPDATE ON qms.quality_items
FOR EACH ROW EXECUTE FUNCTION qms.record_change();
CREATE TRIGGER record_change AFTER INSERT OR UPDATE ON qms.compliance_records
FOR EACH ROW EXECUTE FUNCTION qms.record_change();

-- Tenancy ----------------------------------------------------------------------------------------------------------------

ALTER TABLE qms.quality_items ENABLE ROW LEVEL SECURITY;
ALTER TABLE qms.quality_items FORCE ROW LEVEL SECURITY;
CREATE POLICY read_own ON qms.quality_items FOR SELECT TO qms_app, qms_sql
USING (organization_id = (SELECT qms.current_organization_id()));
CREATE POLICY add_own ON qms.quality_items FOR INSERT TO qms_app
WITH CHECK (organization_id = (SELECT qms.current_organization_id()) AND (SELECT qms.may_write()));
CREATE POLICY change_own ON qms.quality_items FOR UPDATE TO qms_app
USING (organization_id = (SELECT qms.current_organization_id()) AND (SELECT qms.may_write()))
WITH CHECK (organization_id = (SELECT qms.current_organization_id()));

ALTER TABLE qms.audit_logs ENABLE ROW LEVEL SECURITY;
ALTER TABLE qms.audit_logs FORCE ROW LEVEL SECURITY;
CREATE POLICY read_own ON qms.audit_logs FOR SELECT TO qms_app, qms_sql
USING (organization_id = (SELECT qms.current_organization_id()));
CREATE POLICY trail ON qms.audit_logs FOR INSERT TO qms_definer WITH CHECK (true);

ALTER TABLE qms.compliance_records ENABLE ROW LEVEL SECURITY;
ALTER TABLE qms.compliance_records FORCE ROW LEVEL SECURITY;
CREATE POLICY read_own ON qms.compliance_records FOR SELECT TO qms_app, qms_sql
USING (organization_id = (SELECT qms.current_organization_id()));
CREATE POLICY add_own ON qms.compliance_records FOR INSERT TO qms_app
WITH CHECK (organization_id = (SELECT qms.current_organization_id()) AND (SELECT qms.may_write()));
CREATE POLICY change_own ON qms.compliance_records FOR UPDATE TO qms_app
USING (organization_id = (SELECT qms.current_organization_id()) AND (SELECT qms.may_write()))
WITH CHECK (organization_id = (SELECT qms.current_organization_id()));

GRANT SELECT ON qms.quality_items, qms.audit_logs, qms.compliance_records TO qms_app, qms_sql;
GRANT INSERT, UPDATE ON qms.quality_items, qms.compliance_records TO qms_app;
