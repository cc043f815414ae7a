-- Finding and following records: indexes for lists of a hundred thousand, and the functions that read them.
--
-- The table indexed here holds few rows before these features exist, and a file runs in one transaction, in which
-- nothing can be built concurrently.
-- squawk-ignore-file require-concurrent-index-creation

-- A change of a record that no list is sorted by stays on its page and leaves the indexes alone.
ALTER TABLE qms.quality_items SET (fillfactor = 85);

CREATE FUNCTION qms.risk_rank(risk_class text) RETURNS integer
LANGUAGE sql IMMUTABLE SET search_path = ''
AS $$SELECT CASE risk_class WHEN 'critical' THEN 1 WHEN 'high' THEN 2 WHEN 'medium' THEN 3 WHEN 'low' THEN 4 ELSE 5 END$$;
COMMENT ON FUNCTION qms.risk_rank(text) IS 'The place of a risk class when the gravest comes first; without one, last.';

CREATE FUNCTION qms.words_of(title text) RETURNS tsvector
LANGUAGE sql IMMUTABLE SET search_path = ''
AS $$SELECT to_tsvector('pg_catalog.simple', coalesce(title, ''))$$;
COMMENT ON FUNCTION qms.words_of(text) IS 'The words of a title, as they are searched.';

CREATE INDEX quality_items_by_type ON qms.quality_items (organization_id, category, created_at DESC, id DESC);
CREATE INDEX quality_items_by_state ON qms.quality_items (organization_id, status, created_at DESC, id DESC);
CREATE INDEX quality_items_by_owner ON qms.quality_items (organization_id, owner_id, created_at DESC, id DESC);
CREATE INDEX quality_items_open ON qms.quality_items (organization_id, created_at DESC, id DESC) WHERE closed_at IS NULL;
CREATE INDEX quality_items_open_by_type ON qms.quality_items (organization_id, category, created_at DESC, id DESC)
WHERE closed_at IS NULL;
CREATE INDEX quality_items_open_by_due
ON qms.quality_items (organization_id, (coalesce(due_date, 'infinity'::timestamptz)), id) WHERE closed_at IS NULL;
CREATE INDEX quality_items_open_by_risk
ON qms.quality_items (organization_id, qms.risk_rank(risk_class), (coalesce(due_date, 'infinity'::timestamptz)), id)
WHERE closed_at IS NULL;
CREATE INDEX quality_items_open_of_owner ON qms.quality_items (owner_id, organization_id) WHERE closed_at IS NULL;
CREATE INDEX quality_items_open_of_assigned ON qms.quality_items (assigned_to, organization_id) WHERE closed_at IS NULL;
CREATE INDEX quality_items_words ON qms.quality_items USING gin (qms.words_of(title));
CREATE INDEX quality_items_number_prefix ON qms.quality_items (organization_id, number text_pattern_ops);
-- Estimates come from statistics over all organizations: texts give none away.
ALTER INDEX qms.quality_items_words ALTER COLUMN 1 SET STATISTICS 0;
-- Who ever held a field of a record is asked of the trail for each step it may take, and a part has no other key there.
CREATE INDEX audit_logs_entity ON qms.audit_logs (organization_id, entity_id);
CREATE INDEX capa_actions_open ON qms.capa_actions (owner_id, organization_id) WHERE completed_on IS NULL;

-- People ----------------------------------------------------------------------------------------------------------------

CREATE FUNCTION qms.find_colleague(reference text) RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT CASE WHEN count(*) = 1 THEN min(c.user_id::text)::uuid END
    FROM (
        SELECT DISTINCT m.user_id
        FROM qms.memberships AS m
        LEFT JOIN qms.people AS p ON m.user_id = p.user_id
        LEFT JOIN auth.users AS u ON m.user_id = u.id
        WHERE
            m.organization_id = qms.current_organization_id() AND p.deactivated_at IS NULL
            AND m.valid_from <= clock_timestamp() AND (m.valid_to IS NULL OR m.valid_to > clock_timestamp())
            AND CASE lower(btrim(reference))
                WHEN 'me' THEN m.user_id = qms.current_user_id()
                ELSE lower(btrim(reference)) IN (m.user_id::text, lower(p.printed_name), lower(u.email))
            END
    ) AS c
$$;
COMMENT ON FUNCTION qms.find_colleague(text) IS
'The person of the caller''s organization with this id, e-mail address or printed name, or "me"; null when it is not '
'exactly one.';

-- Lists -----------------------------------------------------------------------------------------------------------------

CREATE FUNCTION qms.word_query(words text) RETURNS tsquery
LANGUAGE sql IMMUTABLE SET search_path = ''
AS $$
    SELECT string_agg(quote_literal(w.lexeme) || ':*', ' & ')::tsquery
    FROM unnest(qms.words_of(words)) AS w
$$;
COMMENT ON FUNCTION qms.word_query(text) IS 'A search for beginnings of words, all of them; null when there is no word.';

CREATE FUNCTION qms_private.list_conditions(filters jsonb) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = ''
AS $$
    SELECT concat_ws(
        ' AND ',
        'i.organization_id = $1',
        CASE WHEN filters ? 'category' THEN 'i.category = $2 ->> ''category''' END,
        CASE WHEN filters ? 'state' THEN 'i.status = $2 ->> ''state''' END,
        CASE WHEN filters ? 'risk_class' THEN 'i.risk_class = $2 ->> ''risk_class''' END,
        CASE WHEN filters ? 'owner_id' THEN 'i.owner_id = ($2 ->> ''owner_id'')::uuid' END,
        CASE
            WHEN filters ? 'tags'
                THEN 'i.tags @> ARRAY(SELECT t.tag FROM jsonb_array_elements_text($2 -> ''tags'') AS t (tag))'
        END,
        CASE WHEN filters ? 'since' THEN 'i.created_at >= ($2 ->> ''since'')::timestamptz' END,
        CASE WHEN filters ? 'before' THEN 'i.created_at < ($2 ->> ''before'')::timestamptz' END,
        CASE
            WHEN filters ->> 'text' ~* '^[a-z]+-[0-9-]*$' THEN 'i.number LIKE upper($2 ->> ''text'') || ''%'''
            WHEN filters ? 'text' THEN 'qms.words_of(i.title) @@ qms.word_query($2 ->> ''text'')'
        END,
        CASE filters ->> 'show'
            WHEN 'open' THEN 'i.closed_at IS NULL'
            WHEN 'closed' THEN 'i.closed_at IS NOT NULL'
            WHEN 'overdue'
                THEN 'i.closed_at IS NULL AND coalesce(i.due_date, ''infinity''::timestamptz) < clock_timestamp()'
        END
    )
$$;
COMMENT ON FUNCTION qms_private.list_conditions(jsonb) IS
'The conditions of a list, made of fixed words only: $1 is the organization, $2 the filters.';

CREATE FUNCTION qms.list_records(filters jsonb, sort text, after jsonb, max_rows integer) RETURNS SETOF qms.quality_items
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    due text := 'coalesce(i.due_date, ''infinity''::timestamptz)';
    rank text := 'qms.risk_rank(i.risk_class)';
    conditions text := qms_private.list_conditions(filters);
    beyond text := CASE sort
        WHEN 'due' THEN format('(%s, i.id) > (($3 ->> 0)::timestamptz, ($3 ->> 1)::uuid)', due)
        WHEN 'risk'
            THEN format('(%s, %s, i.id) > (($3 ->> 0)::integer, ($3 ->> 1)::timestamptz, ($3 ->> 2)::uuid)', rank, due)
        ELSE '(i.created_at, i.id) < (($3 ->> 0)::timestamptz, ($3 ->> 1)::uuid)'
    END;
    ordering text := CASE sort
        WHEN 'due' THEN due || ', i.id'
        WHEN 'risk' THEN rank || ', ' || due || ', i.id'
        ELSE 'i.created_at DESC, i.id DESC'
    END;
BEGIN
    RETURN QUERY EXECUTE format(
        'SELECT i.* FROM qms.quality_items AS i WHERE %s%s ORDER BY %s LIMIT $4', conditions,
        CASE WHEN after IS NULL THEN '' ELSE ' AND ' || beyond END, ordering
    ) USING qms.current_organization_id(), filters, after, max_rows;
END
$$;
COMMENT ON FUNCTION qms.list_records(jsonb, text, jsonb, integer) IS
'Records of the caller''s organization by newest, due or risk, after the place where the page before ended.';

CREATE FUNCTION qms.count_records(filters jsonb, at_most integer) RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    found bigint;
BEGIN
    EXECUTE format(
        'SELECT count(*) FROM (SELECT FROM qms.quality_items AS i WHERE %s LIMIT $3) AS c',
        qms_private.list_conditions(filters)
    ) INTO found USING qms.current_organization_id(), filters, at_most;
    RETURN found;
END
$$;
COMMENT ON FUNCTION qms.count_records(jsonb, integer) IS 'How many records a list has, counted up to a limit.';

-- One record ------------------------------------------------------------------------------------------------------------

-- Written out for each kind of part, so that a session plans it once; a plan made anew for each table at each call takes
-- longer than the reading.
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
        'LANGUAGE plpgsql STABLE SET search_path = '''' SET plan_cache_mode = ''force_generic_plan'' AS $$'
        'DECLARE ours uuid := qms.current_organization_id(); '
        'BEGIN RETURN (SELECT coalesce(jsonb_object_agg(k.part, jsonb_build_object(''count'', k.held, '
        '''entries'', k.entries)), ''{}'') FROM (%s) AS k); END $$', every_part
    );
END
$do$;
COMMENT ON FUNCTION qms.record_parts_of(uuid, integer) IS 'The parts of a record by kind: how many there are, and the first ones.';

CREATE FUNCTION qms.own_fields(of_record uuid, of_category text) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = ''
AS $$
DECLARE
    own_table text;
    own jsonb;
BEGIN
    SELECT t.table_name INTO own_table FROM qms.record_types AS t WHERE t.category = of_category;
    IF own_table IS NOT NULL THEN
        EXECUTE format('SELECT to_jsonb(t) - ARRAY[''id'', ''organization_id'', ''created_at''] FROM qms.%I AS t WHERE t.id = $1', own_table)
        INTO own USING of_record;
    END IF;
    RETURN coalesce(jsonb_strip_nulls(own), '{}');
END
$$;
COMMENT ON FUNCTION qms.own_fields(uuid, text) IS 'The fields a record has of its type, without those that are empty.';

-- How records hang together ---------------------------------------------------------------------------------------------

CREATE VIEW qms.record_edges WITH (security_invoker = true) AS
SELECT l.organization_id, l.from_id, l.to_id, l.kind, l.to_id AS upstream_id, l.from_id AS downstream_id
FROM qms.record_links AS l WHERE l.kind <> 'affects'
UNION ALL
-- Of what a change affects, the change came first.
SELECT l.organization_id, l.from_id, l.to_id, l.kind, l.from_id, l.to_id
FROM qms.record_links AS l WHERE l.kind = 'affects'
UNION ALL
SELECT t.organization_id, t.id, t.supplier_id, 'supplied_by', t.supplier_id, t.id
FROM qms.nonconformances AS t WHERE t.supplier_id IS NOT NULL
UNION ALL
SELECT t.organization_id, t.id, t.replaced_by, 'replaced_by', t.id, t.replaced_by
FROM qms.documents AS t WHERE t.replaced_by IS NOT NULL
UNION ALL
SELECT t.organization_id, t.id, t.audit_id, 'found_in', t.audit_id, t.id
FROM qms.findings AS t WHERE t.audit_id IS NOT NULL
UNION ALL
SELECT t.organization_id, t.id, t.document_id, 'trains_on', t.document_id, t.id
FROM qms.trainings AS t WHERE t.document_id IS NOT NULL
UNION ALL
SELECT t.organization_id, t.id, t.supplier_id, 'sent_to', t.supplier_id, t.id
FROM qms.scars AS t WHERE t.supplier_id IS NOT NULL
UNION ALL
SELECT t.organization_id, t.id, t.target_id, 'extends', t.target_id, t.id
FROM qms.extension_requests AS t WHERE t.target_id IS NOT NULL
UNION ALL
SELECT t.organization_id, t.record_id, t.document_id, 'evidenced_by', t.document_id, t.record_id
FROM qms.evidence AS t WHERE t.document_id IS NOT NULL;
COMMENT ON VIEW qms.record_edges IS
'All ways records hang together: links, and the fields that name another record. upstream is what came first.';
GRANT SELECT ON qms.record_edges TO qms_app, qms_sql, qms_definer;

-- The view is long and what is asked of it short: to plan it takes longer than to read it, so it is planned once.
CREATE FUNCTION qms.record_neighbours(of_record uuid, most integer) RETURNS TABLE (kind text, outgoing boolean, other_id uuid)
LANGUAGE plpgsql STABLE ROWS 50 SET search_path = '' SET plan_cache_mode = 'force_generic_plan'
AS $$
DECLARE
    ours uuid := qms.current_organization_id();
BEGIN
    RETURN QUERY
    (
        SELECT f.kind, true, f.to_id FROM qms.record_edges AS f
        WHERE f.organization_id = ours AND f.from_id = of_record
        ORDER BY f.kind, f.to_id
        LIMIT most
    )
    UNION ALL
    (
        SELECT b.kind, false, b.from_id FROM qms.record_edges AS b
        WHERE b.organization_id = ours AND b.to_id = of_record
        ORDER BY b.kind, b.from_id
        LIMIT most
    );
END
$$;
COMMENT ON FUNCTION qms.record_neighbours(uuid, integer) IS
'What a record hangs together with, and how: the first ones of those it names, and of those that name it.';

CREATE FUNCTION qms.edges_among(records uuid []) RETURNS TABLE (from_id uuid, to_id uuid, kind text)
LANGUAGE plpgsql STABLE ROWS 50 SET search_path = '' SET plan_cache_mode = 'force_generic_plan'
AS $$
DECLARE
    ours uuid := qms.current_organization_id();
BEGIN
    RETURN QUERY
    SELECT DISTINCT e.from_id, e.to_id, e.kind FROM qms.record_edges AS e
    WHERE e.organization_id = ours AND e.from_id = ANY (records) AND e.to_id = ANY (records);
END
$$;
COMMENT ON FUNCTION qms.edges_among(uuid []) IS 'How some records hang together with each other.';

CREATE FUNCTION qms.trace_record(of_record uuid, way text, most_steps integer, most_nodes integer) RETURNS TABLE (
    id uuid, steps integer
)
-- From one record to the next leads an index, however many hang on a single supplier.
LANGUAGE plpgsql STABLE SET search_path = '' SET enable_seqscan TO off SET plan_cache_mode = 'force_generic_plan'
AS $$
DECLARE
    ours uuid := qms.current_organization_id();
BEGIN
    RETURN QUERY
    WITH RECURSIVE walked (id, steps, way) AS (
        SELECT of_record, 0, w.way
        FROM unnest(
            CASE trace_record.way WHEN 'both' THEN ARRAY['up', 'down'] ELSE ARRAY[trace_record.way] END
        ) AS w (way)
        UNION
        SELECT n.id, w.steps + 1, w.way
        FROM walked AS w
        CROSS JOIN LATERAL (
            (
                SELECT e.upstream_id AS id FROM qms.record_edges AS e
                WHERE w.way = 'up' AND e.organization_id = ours AND e.downstream_id = w.id
                LIMIT most_nodes
            )
            UNION ALL
            (
                SELECT e.downstream_id FROM qms.record_edges AS e
                WHERE w.way = 'down' AND e.organization_id = ours AND e.upstream_id = w.id
                LIMIT most_nodes
            )
        ) AS n
        WHERE w.steps < most_steps
    )
    SELECT f.id, min(f.steps)
    FROM (SELECT w.id, w.steps FROM walked AS w LIMIT 2 * most_nodes) AS f
    GROUP BY f.id
    ORDER BY min(f.steps), f.id
    LIMIT most_nodes;
END
$$;
COMMENT ON FUNCTION qms.trace_record(uuid, text, integer, integer) IS
'The records a record came from (up) or led to (down), or both, with how many steps away they are.';

CREATE VIEW qms.missing_links WITH (security_invoker = true) AS
SELECT t.organization_id, t.id, 'capa_required is set, but no CAPA is linked' AS missing
FROM (
    SELECT n.id, n.organization_id FROM qms.nonconformances AS n WHERE n.capa_required
    UNION ALL SELECT d.id, d.organization_id FROM qms.deviations AS d WHERE d.capa_required
    UNION ALL SELECT f.id, f.organization_id FROM qms.findings AS f WHERE f.capa_required
) AS t
WHERE
    NOT EXISTS (
        SELECT FROM qms.record_links AS l INNER JOIN qms.capas AS c ON l.from_id = c.id
        WHERE l.organization_id = t.organization_id AND l.to_id = t.id
    )
    AND NOT EXISTS (
        SELECT FROM qms.record_links AS l INNER JOIN qms.capas AS c ON l.to_id = c.id
        WHERE l.organization_id = t.organization_id AND l.from_id = t.id
    )
UNION ALL
SELECT c.organization_id, c.id, 'no event, finding or risk is linked that it answers'
FROM qms.capas AS c
WHERE NOT EXISTS (SELECT FROM qms.record_links AS l WHERE l.organization_id = c.organization_id AND l.from_id = c.id)
UNION ALL
SELECT c.organization_id, c.id, 'nothing is linked that it implements or affects'
FROM qms.change_requests AS c
WHERE NOT EXISTS (SELECT FROM qms.record_links AS l WHERE l.organization_id = c.organization_id AND l.from_id = c.id)
UNION ALL
SELECT d.organization_id, d.id, 'training is required, but no training refers to it'
FROM qms.documents AS d
WHERE
    d.training_required AND d.training_waiver IS NULL
    AND NOT EXISTS (
        SELECT FROM qms.trainings AS t WHERE t.organization_id = d.organization_id AND t.document_id = d.id
    )
UNION ALL
SELECT f.organization_id, f.id, 'no audit is named (audit_id)' FROM qms.findings AS f WHERE f.audit_id IS NULL
UNION ALL
SELECT t.organization_id, t.id, 'no document is named (document_id)'
FROM qms.trainings AS t WHERE t.document_id IS NULL AND t.topic IS NULL
UNION ALL
SELECT s.organization_id, s.id, 'no supplier is named (supplier_id)' FROM qms.scars AS s WHERE s.supplier_id IS NULL
UNION ALL
SELECT e.organization_id, e.id, 'it does not say what it extends (target_id)'
FROM qms.extension_requests AS e WHERE e.target_id IS NULL
UNION ALL
SELECT f.organization_id, f.id, 'no complaint, nonconformance or deviation is linked'
FROM qms.field_actions AS f
WHERE
    NOT EXISTS (SELECT FROM qms.record_links AS l WHERE l.organization_id = f.organization_id AND l.from_id = f.id)
    AND NOT EXISTS (SELECT FROM qms.record_links AS l WHERE l.organization_id = f.organization_id AND l.to_id = f.id);
COMMENT ON VIEW qms.missing_links IS 'Records that should hang together with another one and do not, and what is missing.';
GRANT SELECT ON qms.missing_links TO qms_app, qms_sql, qms_definer;

CREATE FUNCTION qms.missing_links_of(records uuid []) RETURNS TABLE (record_id uuid, missing text)
LANGUAGE plpgsql STABLE ROWS 20 SET search_path = '' SET plan_cache_mode = 'force_generic_plan'
AS $$
DECLARE
    ours uuid := qms.current_organization_id();
BEGIN
    RETURN QUERY
    SELECT m.id, m.missing FROM qms.missing_links AS m WHERE m.organization_id = ours AND m.id = ANY (records);
END
$$;
COMMENT ON FUNCTION qms.missing_links_of(uuid []) IS 'Which of some records should hang together with another one and do not.';

-- The work of a person --------------------------------------------------------------------------------------------------

CREATE FUNCTION qms.my_decisions() RETURNS TABLE (
    approval_id uuid, tool text, summary text, record_id uuid, meaning text, requested_at timestamptz, expires_at timestamptz
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT a.id, a.tool, a.summary, a.record_id, a.meaning, a.created_at, a.expires_at
    FROM qms.approvals AS a
    LEFT JOIN qms.quality_items AS i ON a.record_id = i.id
    WHERE
        a.organization_id = qms.current_organization_id() AND a.state = 'pending' AND a.expires_at > clock_timestamp()
        AND (a.record_id IS NULL OR a.record_version = i.version)
        AND cardinality(qms_private.why_not_decide(a)) = 0
    ORDER BY a.created_at
    LIMIT 200
$$;
COMMENT ON FUNCTION qms.my_decisions() IS 'What waits for a decision the caller may take (on the approval page, as a person).';

GRANT CREATE ON SCHEMA qms, qms_private TO qms_definer;
ALTER FUNCTION qms.find_colleague(text) OWNER TO qms_definer;
ALTER FUNCTION qms_private.list_conditions(jsonb) OWNER TO qms_definer;
ALTER FUNCTION qms.list_records(jsonb, text, jsonb, integer) OWNER TO qms_definer;
ALTER FUNCTION qms.count_records(jsonb, integer) OWNER TO qms_definer;
ALTER FUNCTION qms.my_decisions() OWNER TO qms_definer;
REVOKE CREATE ON SCHEMA qms, qms_private FROM qms_definer;
SET LOCAL ROLE qms_definer;
GRANT EXECUTE ON FUNCTION
    qms.find_colleague(text), qms.list_records(jsonb, text, jsonb, integer), qms.count_records(jsonb, integer),
    qms.my_decisions()
    TO qms_app;
RESET ROLE;
GRANT EXECUTE ON FUNCTION qms.risk_rank(text), qms.words_of(text), qms.word_query(text) TO qms_app, qms_sql, qms_definer;
GRANT EXECUTE ON FUNCTION
    qms.record_parts_of(uuid, integer), qms.own_fields(uuid, text), qms.trace_record(uuid, text, integer, integer),
    qms.record_neighbours(uuid, integer), qms.edges_among(uuid []), qms.missing_links_of(uuid [])
    TO qms_app, qms_sql;

-- Types a caller makes ----------------------------------------------------------------------------------------------------
-- An empty search_path still looks into pg_temp first when a name is that of a type: whoever may make temporary objects
-- could have `::jsonb` in a function of another role run a check of their own, as that role. Named last, it hides nothing.
DO $$
DECLARE
    named record;
BEGIN
    FOR named IN
        SELECT p.oid::regprocedure::text AS function_name, r.rolname AS owner_name
        FROM pg_catalog.pg_proc AS p
        INNER JOIN pg_catalog.pg_namespace AS n ON p.pronamespace = n.oid
        INNER JOIN pg_catalog.pg_roles AS r ON p.proowner = r.oid
        WHERE n.nspname IN ('qms', 'qms_private', 'agents', 'ml_loop') AND 'search_path=""' = ANY (p.proconfig)
        ORDER BY r.rolname
    LOOP
        EXECUTE format('SET LOCAL ROLE %I', named.owner_name);
        EXECUTE format('ALTER FUNCTION %s SET search_path TO pg_catalog, pg_temp', named.function_name);
        RESET ROLE;
    END LOOP;
END
$$;
