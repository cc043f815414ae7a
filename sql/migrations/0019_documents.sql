-- Controlled documents from files: the original of a version, what reading it gave, and who hears of a new version.
--
-- The function that is dropped is made again further down, with one table more.
-- squawk-ignore-file ban-drop-function

CREATE TABLE qms.document_files (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL,
    record_id uuid NOT NULL,
    created_by uuid REFERENCES auth.users (id),
    created_kind text,
    role text NOT NULL CHECK (role IN ('original', 'attachment')),
    file_name text NOT NULL CHECK (file_name !~ '[/\\[:cntrl:]]' AND char_length(file_name) BETWEEN 1 AND 255),
    media_type text NOT NULL,
    byte_count bigint NOT NULL CHECK (byte_count > 0),
    sha256 text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    stored_as text NOT NULL CHECK (stored_as IN ('local', 'supabase')),
    pages integer CHECK (pages > 0),
    language text,
    parser text,
    ingested_from text
);
COMMENT ON TABLE qms.document_files IS
'The file a document version came from, by the sha256 it is stored under (ISO 13485 4.2.5: records stay identifiable and retrievable).';
INSERT INTO qms.record_parts (table_name, changeable) VALUES ('document_files', '{}');
ALTER TABLE qms.document_files ADD COLUMN created_at timestamptz NOT NULL DEFAULT now();
ALTER TABLE qms.document_files
ADD FOREIGN KEY (organization_id, record_id) REFERENCES qms.quality_items (organization_id, id);
CREATE INDEX document_files_record ON qms.document_files (organization_id, record_id, created_at);
CREATE INDEX document_files_sha256 ON qms.document_files (organization_id, sha256);
SELECT qms_private.protect_table('document_files', 'part');
GRANT INSERT (structure), UPDATE (structure) ON qms.documents TO qms_app;

CREATE FUNCTION qms.keep_document() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF jsonb_typeof(new.structure) <> 'object' THEN
        RAISE EXCEPTION 'structure is an object' USING ERRCODE = 'QM024', HINT = 'Leave it out: reading a file makes it.';
    END IF;
    IF nullif(btrim(new.content), '') IS NULL THEN
        RETURN new;
    END IF;
    -- What was approved with another hash stays as it is.
    IF tg_op = 'INSERT' OR (new.content, new.content_sha256) IS DISTINCT FROM (old.content, old.content_sha256) THEN
        new.content_sha256 := encode(sha256(convert_to(new.content, 'UTF8')), 'hex');
    END IF;
    -- Pages are places in the content that was read; another content has others.
    IF tg_op = 'UPDATE' AND new.content IS DISTINCT FROM old.content
        AND new.structure IS NOT DISTINCT FROM old.structure THEN
        new.structure := nullif(new.structure - 'pages', '{}');
    END IF;
    RETURN new;
END
$$;
COMMENT ON FUNCTION qms.keep_document() IS 'The hash of a document is that of its content.';
CREATE TRIGGER keep_document BEFORE INSERT OR UPDATE ON qms.documents FOR EACH ROW EXECUTE FUNCTION qms.keep_document();
GRANT EXECUTE ON FUNCTION qms.keep_document() TO qms_app, qms_definer;

CREATE FUNCTION qms.announce_document() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- Only that something happened, and to whom it may matter; who hears it reads the record, with the rights it has.
    PERFORM pg_notify('qms_documents', json_build_object('organization', new.organization_id, 'record', new.id)::text);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION qms.announce_document() IS 'Says on the channel qms_documents that a version became effective or stopped being so.';
CREATE TRIGGER announce_document AFTER UPDATE OF is_effective ON qms.documents FOR EACH ROW
WHEN (old.is_effective IS DISTINCT FROM new.is_effective) EXECUTE FUNCTION qms.announce_document();
GRANT EXECUTE ON FUNCTION qms.announce_document() TO qms_app, qms_definer;

-- The parts of a record are read by one statement that names each table; this one makes it again.
DROP FUNCTION qms.record_parts_of(uuid, integer);
DO $do$
DECLARE
    one_part text;
    every_part text;
BEGIN
    one_part := 'SELECT %1$L AS part, (SELECT count(*) FROM qms.%1$I AS c '
        'WHERE c.organization_id = ours AND c.record_id = of_record) AS held, jsonb_agg(l.entry) AS entries '
        'FROM (SELECT jsonb_strip_nulls(to_jsonb(t) - ARRAY[''organization_id'', ''record_id'']) AS entry '
        'FROM qms.%1$I AS t WHERE t.organization_id = ours AND t.record_id = of_record '
        'ORDER BY t.created_at, t.id LIMIT at_most) AS l HAVING count(*) > 0';
    SELECT string_agg(format(one_part, p.table_name), ' UNION ALL ' ORDER BY p.table_name) INTO every_part
    FROM qms.record_parts AS p;
    EXECUTE format(
        'CREATE FUNCTION qms.record_parts_of(of_record uuid, at_most integer) RETURNS jsonb '
        'LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = ''force_generic_plan'' AS $$'
        'DECLARE ours uuid := qms.current_organization_id(); '
        'BEGIN RETURN (SELECT coalesce(jsonb_object_agg(k.part, jsonb_build_object(''count'', k.held, '
        '''entries'', k.entries)), ''{}'') FROM (%s) AS k); END $$', every_part
    );
END
$do$;
COMMENT ON FUNCTION qms.record_parts_of(uuid, integer) IS 'The parts of a record by kind: how many there are, and the first ones.';
GRANT EXECUTE ON FUNCTION qms.record_parts_of(uuid, integer) TO qms_app, qms_sql;

-- What is there already is indexed -----------------------------------------------------------------------------------------

DO $$
BEGIN
    SET LOCAL ROLE qms_definer;
    PERFORM search.index_safely(i.id) FROM qms.quality_items AS i ORDER BY i.organization_id, i.created_at, i.id;
    RESET ROLE;
END
$$;
