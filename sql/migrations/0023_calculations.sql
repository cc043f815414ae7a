-- What was computed, of what, by which method and version: kept so that a number can be computed again.

CREATE TABLE qms.calculations (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL REFERENCES qms.organizations (id),
    method text NOT NULL CHECK (char_length(method) BETWEEN 1 AND 100),
    method_version text NOT NULL CHECK (char_length(method_version) BETWEEN 1 AND 100),
    software jsonb NOT NULL CHECK (jsonb_typeof(software) = 'object'),
    source jsonb CHECK (jsonb_typeof(source) = 'object'),
    source_says text NOT NULL,
    options jsonb NOT NULL CHECK (jsonb_typeof(options) = 'object'),
    n bigint NOT NULL CHECK (n >= 0),
    input_rows bigint NOT NULL CHECK (input_rows >= 0),
    input_sha256 text NOT NULL CHECK (input_sha256 ~ '^[0-9a-f]{64}$'),
    answer jsonb NOT NULL CHECK (jsonb_typeof(answer) = 'object'),
    answer_sha256 text NOT NULL CHECK (answer_sha256 ~ '^[0-9a-f]{64}$'),
    picture jsonb CHECK (jsonb_typeof(picture) = 'object'),
    repeats uuid,
    created_by uuid NOT NULL DEFAULT qms.current_user_id() REFERENCES auth.users (id),
    created_kind text NOT NULL DEFAULT qms.current_actor_kind(),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (organization_id, id),
    FOREIGN KEY (organization_id, repeats) REFERENCES qms.calculations (organization_id, id)
);
COMMENT ON TABLE qms.calculations IS
'Numbers that were computed: source, filter, options, method and its version, n, time and answer (ISO 9001 9.1.1, ISO 13485 8.4). Never changed.';
COMMENT ON COLUMN qms.calculations.source IS 'What was read: a statement with its parameters, a filter of records, a document and table; null when nothing was.';
COMMENT ON COLUMN qms.calculations.input_sha256 IS 'Of the rows as they were read: whether a later reading gives the same.';
COMMENT ON COLUMN qms.calculations.picture IS 'The description its picture is drawn from.';
COMMENT ON COLUMN qms.calculations.repeats IS 'The calculation this one repeated, to see whether the number is the same.';
CREATE INDEX calculations_made ON qms.calculations (organization_id, created_at DESC);
CREATE INDEX calculations_repeats ON qms.calculations (organization_id, repeats) WHERE repeats IS NOT NULL;
CREATE INDEX calculations_created_by ON qms.calculations (created_by);

ALTER TABLE qms.calculations ENABLE ROW LEVEL SECURITY;
ALTER TABLE qms.calculations FORCE ROW LEVEL SECURITY;
CREATE POLICY read_own ON qms.calculations FOR SELECT TO qms_app, qms_sql
USING (organization_id = (SELECT qms.current_organization_id()));
-- An auditor computes too: a calculation changes no record.
CREATE POLICY add_own ON qms.calculations FOR INSERT TO qms_app
WITH CHECK (
    organization_id = (SELECT qms.current_organization_id())
    AND created_by = (SELECT qms.current_user_id())
    AND created_kind = (SELECT qms.current_actor_kind())
);
CREATE POLICY administration ON qms.calculations FOR ALL TO qms_definer USING (true) WITH CHECK (true);
GRANT SELECT ON qms.calculations TO qms_app, qms_sql, qms_definer;
GRANT INSERT (
    id, organization_id, method, method_version, software, source, source_says, options, n, input_rows, input_sha256,
    answer, answer_sha256, picture, repeats
) ON qms.calculations TO qms_app;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON qms.calculations
FOR EACH ROW EXECUTE FUNCTION qms.refuse_change();
CREATE TRIGGER never_truncated BEFORE TRUNCATE ON qms.calculations
FOR EACH STATEMENT EXECUTE FUNCTION qms.refuse_change();

DO $$
DECLARE
    texts text;
BEGIN
    -- Estimates come from statistics over all organizations: texts give none away.
    FOR texts IN
        SELECT a.attname
        FROM pg_catalog.pg_attribute AS a
        WHERE
            a.attrelid = 'qms.calculations'::regclass AND a.attnum > 0
            AND a.atttypid IN ('text'::regtype, 'jsonb'::regtype)
    LOOP
        EXECUTE format('ALTER TABLE qms.calculations ALTER COLUMN %I SET STATISTICS 0', texts);
    END LOOP;
END
$$;
