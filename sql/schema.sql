-- What the migrations make of an empty database. Written by `make schema`; do not edit.

-- Name: agents; Type: SCHEMA; Schema: -; Owner: qms_owner

CREATE SCHEMA agents;

ALTER SCHEMA agents OWNER TO qms_owner;

-- Name: SCHEMA agents; Type: COMMENT; Schema: -; Owner: qms_owner

COMMENT ON SCHEMA agents IS 'What agents did: runs, traces, tool calls, decisions.';

-- Name: auth; Type: SCHEMA; Schema: -; Owner: qms_owner

CREATE SCHEMA auth;

ALTER SCHEMA auth OWNER TO qms_owner;

-- Name: ml_loop; Type: SCHEMA; Schema: -; Owner: qms_owner

CREATE SCHEMA ml_loop;

ALTER SCHEMA ml_loop OWNER TO qms_owner;

-- Name: SCHEMA ml_loop; Type: COMMENT; Schema: -; Owner: qms_owner

COMMENT ON SCHEMA ml_loop IS 'How agents are evaluated and improved, in measured steps.';

-- Name: public; Type: SCHEMA; Schema: -; Owner: qms_owner

CREATE SCHEMA public;

ALTER SCHEMA public OWNER TO qms_owner;

-- Name: SCHEMA public; Type: COMMENT; Schema: -; Owner: qms_owner

COMMENT ON SCHEMA public IS 'standard public schema';

-- Name: qms; Type: SCHEMA; Schema: -; Owner: qms_owner

CREATE SCHEMA qms;

ALTER SCHEMA qms OWNER TO qms_owner;

-- Name: SCHEMA qms; Type: COMMENT; Schema: -; Owner: qms_owner

COMMENT ON SCHEMA qms IS 'Quality records, the people who keep them, and their approvals.';

-- Name: qms_private; Type: SCHEMA; Schema: -; Owner: qms_owner

CREATE SCHEMA qms_private;

ALTER SCHEMA qms_private OWNER TO qms_owner;

-- Name: SCHEMA qms_private; Type: COMMENT; Schema: -; Owner: qms_owner

COMMENT ON SCHEMA qms_private IS 'What no client and no SQL tool may reach: keys, credentials, entry functions.';

-- Name: search; Type: SCHEMA; Schema: -; Owner: qms_owner

CREATE SCHEMA search;

ALTER SCHEMA search OWNER TO qms_owner;

-- Name: piece; Type: TYPE; Schema: search; Owner: qms_owner

CREATE TYPE search.piece AS (
	section text,
	heading text,
	char_start integer,
	char_end integer,
	content text
);

ALTER TYPE search.piece OWNER TO qms_owner;

-- Name: begin_call(jsonb); Type: FUNCTION; Schema: agents; Owner: qms_ledger

CREATE FUNCTION agents.begin_call(call jsonb) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    -- A call brings its run along: the entry that opened the run may lie in the spool of a process that died.
    SELECT agents.begin_run(call -> 'run')
    WHERE NOT EXISTS (SELECT FROM agents.agent_runs AS r WHERE r.id = (call -> 'run' ->> 'id')::uuid);

    WITH trace AS (
        INSERT INTO agents.agent_traces (
            id, organization_id, run_id, langfuse_trace_id, span_name, span_type, start_time
        )
        VALUES (
            (call ->> 'trace_id')::uuid, (call -> 'run' ->> 'organization_id')::uuid, (call -> 'run' ->> 'id')::uuid,
            call ->> 'langfuse_trace_id', call ->> 'tool_name', call ->> 'kind', (call ->> 'started_at')::timestamptz
        )
        ON CONFLICT (id) DO NOTHING
    )

    INSERT INTO agents.tool_calls (
        id, organization_id, trace_id, run_id, kind, tool_name, tool_input, user_id, actor_kind,
        client_name, client_version, protocol_version, request_id, tool_use_id, replayed, created_at
    )
    VALUES (
        (call ->> 'id')::uuid, (call -> 'run' ->> 'organization_id')::uuid, (call ->> 'trace_id')::uuid,
        (call -> 'run' ->> 'id')::uuid, call ->> 'kind', call ->> 'tool_name', call -> 'tool_input',
        (call -> 'run' ->> 'user_id')::uuid, call -> 'run' ->> 'actor_kind', call -> 'run' ->> 'client_name',
        call -> 'run' ->> 'client_version', call -> 'run' ->> 'protocol_version', call ->> 'request_id',
        call ->> 'tool_use_id', coalesce((call ->> 'replayed')::boolean, false), (call ->> 'started_at')::timestamptz
    )
    ON CONFLICT (id) DO NOTHING
$$;

ALTER FUNCTION agents.begin_call(call jsonb) OWNER TO qms_ledger;

-- Name: FUNCTION begin_call(call jsonb); Type: COMMENT; Schema: agents; Owner: qms_ledger

COMMENT ON FUNCTION agents.begin_call(call jsonb) IS 'The write-ahead row of a call and its span.';

-- Name: begin_run(jsonb); Type: FUNCTION; Schema: agents; Owner: qms_ledger

CREATE FUNCTION agents.begin_run(run jsonb) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    INSERT INTO agents.agent_runs (
        id, organization_id, parent_run_id, agent_type, input, user_id, actor_kind,
        client_name, client_version, protocol_version, server_version, created_at
    )
    VALUES (
        (run ->> 'id')::uuid, (run ->> 'organization_id')::uuid, (run ->> 'parent_run_id')::uuid,
        run ->> 'agent_type', coalesce(run -> 'input', '{}'), (run ->> 'user_id')::uuid, run ->> 'actor_kind',
        run ->> 'client_name', run ->> 'client_version', run ->> 'protocol_version', run ->> 'server_version',
        coalesce((run ->> 'created_at')::timestamptz, now())
    )
    ON CONFLICT (id) DO NOTHING
$$;

ALTER FUNCTION agents.begin_run(run jsonb) OWNER TO qms_ledger;

-- Name: FUNCTION begin_run(run jsonb); Type: COMMENT; Schema: agents; Owner: qms_ledger

COMMENT ON FUNCTION agents.begin_run(run jsonb) IS 'Records a client connection or a sub-agent, once.';

-- Name: end_run(jsonb); Type: FUNCTION; Schema: agents; Owner: qms_ledger

CREATE FUNCTION agents.end_run(ended jsonb) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT agents.begin_run(ended);

    UPDATE agents.agent_runs AS r
    SET
        status = ended ->> 'status', completed_at = (ended ->> 'ended_at')::timestamptz,
        duration_ms = (extract(EPOCH FROM (ended ->> 'ended_at')::timestamptz - r.created_at) * 1000)::integer
    WHERE r.id = (ended ->> 'id')::uuid AND r.status = 'running'
$$;

ALTER FUNCTION agents.end_run(ended jsonb) OWNER TO qms_ledger;

-- Name: FUNCTION end_run(ended jsonb); Type: COMMENT; Schema: agents; Owner: qms_ledger

COMMENT ON FUNCTION agents.end_run(ended jsonb) IS 'Ends a run, once.';

-- Name: finish_call(jsonb); Type: FUNCTION; Schema: agents; Owner: qms_ledger

CREATE FUNCTION agents.finish_call(outcome jsonb) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    subject uuid := (outcome ->> 'id')::uuid;
BEGIN
    LOOP
        UPDATE agents.tool_calls AS c
        SET
            state = outcome ->> 'state',
            success = (outcome ->> 'success')::boolean,
            error = outcome ->> 'error',
            error_code = outcome ->> 'error_code',
            tool_output = outcome -> 'tool_output',
            duration_ms = (outcome ->> 'duration_ms')::integer,
            finished_at = (outcome ->> 'finished_at')::timestamptz,
            rounds = coalesce((outcome ->> 'rounds')::integer, c.rounds),
            replayed = c.replayed OR coalesce((outcome ->> 'replayed')::boolean, false)
        WHERE c.id = subject AND c.state <> 'finished';
        EXIT WHEN found;
        IF EXISTS (SELECT FROM agents.tool_calls AS c WHERE c.id = subject) THEN
            RETURN;
        END IF;
        -- An outcome brings its call along: files of a spool may be replayed in any order.
        PERFORM agents.begin_call(outcome);
    END LOOP;
    IF outcome ->> 'state' <> 'finished' THEN
        RETURN;
    END IF;
    UPDATE agents.agent_traces AS t
    SET end_time = (outcome ->> 'finished_at')::timestamptz, duration_ms = (outcome ->> 'duration_ms')::integer
    WHERE t.id = (outcome ->> 'trace_id')::uuid AND t.end_time IS NULL;
    IF (outcome ->> 'to_langfuse')::boolean THEN
        INSERT INTO agents.otlp_outbox (organization_id, call_id)
        SELECT c.organization_id, c.id FROM agents.tool_calls AS c WHERE c.id = subject AND c.organization_id IS NOT NULL
        ON CONFLICT (call_id) DO NOTHING;
    END IF;
END
$$;

ALTER FUNCTION agents.finish_call(outcome jsonb) OWNER TO qms_ledger;

-- Name: FUNCTION finish_call(outcome jsonb); Type: COMMENT; Schema: agents; Owner: qms_ledger

COMMENT ON FUNCTION agents.finish_call(outcome jsonb) IS 'The outcome of a call, once; a second outcome changes nothing.';

-- Name: keep_finished_calls(); Type: FUNCTION; Schema: agents; Owner: qms_owner

CREATE FUNCTION agents.keep_finished_calls() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    IF tg_op = 'UPDATE' AND old.state <> 'finished' AND new.id = old.id AND new.tool_name = old.tool_name
        AND new.tool_input IS NOT DISTINCT FROM old.tool_input
        AND new.organization_id IS NOT DISTINCT FROM old.organization_id THEN
        RETURN new;
    END IF;
    RAISE EXCEPTION 'the ledger is append-only: % of a recorded call is refused', tg_op USING ERRCODE = 'QM003';
END
$$;

ALTER FUNCTION agents.keep_finished_calls() OWNER TO qms_owner;

-- Name: FUNCTION keep_finished_calls(); Type: COMMENT; Schema: agents; Owner: qms_owner

COMMENT ON FUNCTION agents.keep_finished_calls() IS 'Lets a call be finished once, and nothing else.';

-- Name: outbox_claim(uuid, integer, interval); Type: FUNCTION; Schema: agents; Owner: qms_ledger

CREATE FUNCTION agents.outbox_claim(for_organization uuid, max_rows integer, lease interval) RETURNS TABLE(id bigint, path text, payload jsonb, attempts integer)
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    WITH due AS (
        SELECT o.id
        FROM agents.otlp_outbox AS o
        WHERE o.organization_id = for_organization AND o.given_up_at IS NULL AND o.next_try_at <= clock_timestamp()
        ORDER BY o.id
        LIMIT max_rows
        FOR UPDATE SKIP LOCKED
    ),

    leased AS (
        UPDATE agents.otlp_outbox AS o
        SET next_try_at = clock_timestamp() + lease, attempts = o.attempts + 1
        FROM due
        WHERE o.id = due.id
        RETURNING o.*
    )

    SELECT
        l.id, l.path,
        coalesce(l.payload, to_jsonb(c) || jsonb_build_object('langfuse_trace_id', t.langfuse_trace_id)) AS payload,
        l.attempts
    FROM leased AS l
    LEFT JOIN agents.tool_calls AS c ON c.id = l.call_id
    LEFT JOIN agents.agent_traces AS t ON t.id = c.trace_id
    ORDER BY l.id
$$;

ALTER FUNCTION agents.outbox_claim(for_organization uuid, max_rows integer, lease interval) OWNER TO qms_ledger;

-- Name: FUNCTION outbox_claim(for_organization uuid, max_rows integer, lease interval); Type: COMMENT; Schema: agents; Owner: qms_ledger

COMMENT ON FUNCTION agents.outbox_claim(for_organization uuid, max_rows integer, lease interval) IS 'Takes rows for as long as the lease runs, with the calls they stand for.';

-- Name: outbox_done(bigint[]); Type: FUNCTION; Schema: agents; Owner: qms_ledger

CREATE FUNCTION agents.outbox_done(ids bigint[]) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    DELETE FROM agents.otlp_outbox AS o WHERE o.id = ANY(ids)
$$;

ALTER FUNCTION agents.outbox_done(ids bigint[]) OWNER TO qms_ledger;

-- Name: FUNCTION outbox_done(ids bigint[]); Type: COMMENT; Schema: agents; Owner: qms_ledger

COMMENT ON FUNCTION agents.outbox_done(ids bigint[]) IS 'The host has these.';

-- Name: outbox_put(uuid, text, jsonb); Type: FUNCTION; Schema: agents; Owner: qms_ledger

CREATE FUNCTION agents.outbox_put(for_organization uuid, to_path text, message jsonb) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    INSERT INTO agents.otlp_outbox (organization_id, path, payload) VALUES (for_organization, to_path, message)
$$;

ALTER FUNCTION agents.outbox_put(for_organization uuid, to_path text, message jsonb) OWNER TO qms_ledger;

-- Name: FUNCTION outbox_put(for_organization uuid, to_path text, message jsonb); Type: COMMENT; Schema: agents; Owner: qms_ledger

COMMENT ON FUNCTION agents.outbox_put(for_organization uuid, to_path text, message jsonb) IS 'Puts a message into the outbox.';

-- Name: outbox_retry(bigint[], interval, text, boolean); Type: FUNCTION; Schema: agents; Owner: qms_ledger

CREATE FUNCTION agents.outbox_retry(ids bigint[], delay interval, reason text, give_up boolean) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    UPDATE agents.otlp_outbox AS o
    SET
        next_try_at = clock_timestamp() + delay, last_error = reason,
        given_up_at = CASE WHEN give_up THEN clock_timestamp() END
    WHERE o.id = ANY(ids)
$$;

ALTER FUNCTION agents.outbox_retry(ids bigint[], delay interval, reason text, give_up boolean) OWNER TO qms_ledger;

-- Name: FUNCTION outbox_retry(ids bigint[], delay interval, reason text, give_up boolean); Type: COMMENT; Schema: agents; Owner: qms_ledger

COMMENT ON FUNCTION agents.outbox_retry(ids bigint[], delay interval, reason text, give_up boolean) IS 'The host did not take these; they are kept, and tried again unless given up.';

-- Name: outbox_trim(uuid, integer); Type: FUNCTION; Schema: agents; Owner: qms_ledger

CREATE FUNCTION agents.outbox_trim(for_organization uuid, max_rows integer) RETURNS bigint
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    WITH dropped AS (
        DELETE FROM agents.otlp_outbox AS o
        WHERE
            o.organization_id = for_organization
            AND o.id <= (
                SELECT newest.id
                FROM agents.otlp_outbox AS newest
                WHERE newest.organization_id = for_organization
                ORDER BY newest.id DESC
                OFFSET max_rows LIMIT 1
            )
        RETURNING o.id
    )

    SELECT count(*) FROM dropped
$$;

ALTER FUNCTION agents.outbox_trim(for_organization uuid, max_rows integer) OWNER TO qms_ledger;

-- Name: FUNCTION outbox_trim(for_organization uuid, max_rows integer); Type: COMMENT; Schema: agents; Owner: qms_ledger

COMMENT ON FUNCTION agents.outbox_trim(for_organization uuid, max_rows integer) IS 'Drops the oldest rows beyond the limit and says how many.';

-- Name: record(jsonb); Type: FUNCTION; Schema: agents; Owner: qms_ledger

CREATE FUNCTION agents.record(entries jsonb) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    entry jsonb;
BEGIN
    -- A row written ahead need not wait for the disk: whatever the call changes is committed later in the same log,
    -- so no effect can be durable without it.
    IF NOT entries @> '[{"op": "finish_call"}]' THEN
        PERFORM set_config('synchronous_commit', 'off', true);
    END IF;
    FOR entry IN SELECT e.value FROM jsonb_array_elements(entries) AS e (value) LOOP
        CASE entry ->> 'op'
            WHEN 'begin_run' THEN PERFORM agents.begin_run(entry);
            WHEN 'end_run' THEN PERFORM agents.end_run(entry);
            WHEN 'begin_call' THEN PERFORM agents.begin_call(entry);
            WHEN 'resume_call' THEN PERFORM agents.resume_call(entry);
            WHEN 'finish_call' THEN PERFORM agents.finish_call(entry);
        END CASE;
    END LOOP;
END
$$;

ALTER FUNCTION agents.record(entries jsonb) OWNER TO qms_ledger;

-- Name: FUNCTION record(entries jsonb); Type: COMMENT; Schema: agents; Owner: qms_ledger

COMMENT ON FUNCTION agents.record(entries jsonb) IS 'Writes ledger entries in their order, in one transaction.';

-- Name: resume_call(jsonb); Type: FUNCTION; Schema: agents; Owner: qms_ledger

CREATE FUNCTION agents.resume_call(call jsonb) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT agents.begin_call(call);

    UPDATE agents.tool_calls AS c
    SET state = 'unfinished'
    WHERE c.id = (call ->> 'id')::uuid AND c.state = 'awaiting_input'
$$;

ALTER FUNCTION agents.resume_call(call jsonb) OWNER TO qms_ledger;

-- Name: FUNCTION resume_call(call jsonb); Type: COMMENT; Schema: agents; Owner: qms_ledger

COMMENT ON FUNCTION agents.resume_call(call jsonb) IS 'The write-ahead note that a call goes on with what the user answered.';

-- Name: jwt(); Type: FUNCTION; Schema: auth; Owner: qms_owner

CREATE FUNCTION auth.jwt() RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$SELECT coalesce(nullif(current_setting('request.jwt.claims', true), ''), '{}')::jsonb$$;

ALTER FUNCTION auth.jwt() OWNER TO qms_owner;

-- Name: role(); Type: FUNCTION; Schema: auth; Owner: qms_owner

CREATE FUNCTION auth.role() RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$SELECT auth.jwt() ->> 'role'$$;

ALTER FUNCTION auth.role() OWNER TO qms_owner;

-- Name: uid(); Type: FUNCTION; Schema: auth; Owner: qms_owner

CREATE FUNCTION auth.uid() RETURNS uuid
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$SELECT nullif(auth.jwt() ->> 'sub', '')::uuid$$;

ALTER FUNCTION auth.uid() OWNER TO qms_owner;

-- Name: match_embeddings(extensions.vector, integer, text, text); Type: FUNCTION; Schema: public; Owner: qms_definer

CREATE FUNCTION public.match_embeddings(query_embedding extensions.vector, match_count integer DEFAULT 10, filter_type text DEFAULT NULL::text, of_model text DEFAULT NULL::text) RETURNS TABLE(id uuid, content text, content_type text, similarity double precision)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET "hnsw.ef_search" TO '120'
    SET "hnsw.iterative_scan" TO 'relaxed_order'
    AS $_$
DECLARE
    model search.embedding_models;
    filters jsonb := jsonb_strip_nulls(jsonb_build_object('types', CASE WHEN filter_type IS NOT NULL THEN jsonb_build_array(filter_type) END));
BEGIN
    SELECT m.* INTO model FROM search.embedding_models AS m
    WHERE
        m.state = 'active' AND m.dims = extensions.vector_dims(query_embedding)
        AND (match_embeddings.of_model IS NULL OR m.key = match_embeddings.of_model)
    ORDER BY m.provider = 'given' DESC, m.id LIMIT 1;
    IF model.id IS NULL THEN
        RAISE EXCEPTION 'no model%s has vectors of % dimensions', coalesce(' ' || match_embeddings.of_model, ''),
            extensions.vector_dims(query_embedding)
        USING ERRCODE = 'QM024', HINT = 'index_status names the models and their dimensions.';
    END IF;
    RETURN QUERY EXECUTE format(
        'SELECT c.source_id, c.content, c.content_type, 1 - n.distance FROM (%s) AS n '
        'INNER JOIN search.chunks AS c ON n.chunk_id = c.id AND c.organization_id = $1 ORDER BY n.distance, c.id',
        search.near_sql(model.id, filters)
    ) USING
        qms.current_organization_id(), filters, NULL::text, NULL::text, query_embedding::extensions.halfvec,
        least(greatest(match_count, 0), 1000);
END
$_$;

ALTER FUNCTION public.match_embeddings(query_embedding extensions.vector, match_count integer, filter_type text, of_model text) OWNER TO qms_definer;

-- Name: FUNCTION match_embeddings(query_embedding extensions.vector, match_count integer, filter_type text, of_model text); Type: COMMENT; Schema: public; Owner: qms_definer

COMMENT ON FUNCTION public.match_embeddings(query_embedding extensions.vector, match_count integer, filter_type text, of_model text) IS 'The pieces nearest to a vector by cosine similarity, best first; only those of the caller''s organization, current versions, and one model: the named one, or the one that has so many dimensions (vectors of callers first).';

-- Name: add_part(uuid, text, jsonb); Type: FUNCTION; Schema: qms; Owner: qms_owner

CREATE FUNCTION qms.add_part(record_id uuid, part text, fields jsonb) RETURNS uuid
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    PERFORM qms.seen_version(add_part.record_id, NULL);
    IF NOT EXISTS (SELECT FROM qms.record_parts AS p WHERE p.table_name = part) THEN
        RAISE EXCEPTION 'there is no part %', quote_nullable(part) USING ERRCODE = 'QM024';
    END IF;
    PERFORM qms.refuse_unknown(fields, qms.writable_fields(part, false), part);
    RETURN qms.write_row(
        part, NULL, fields,
        jsonb_build_object(
            'id', gen_random_uuid(), 'record_id', add_part.record_id, 'organization_id', qms.current_organization_id()
        )
    );
END
$$;

ALTER FUNCTION qms.add_part(record_id uuid, part text, fields jsonb) OWNER TO qms_owner;

-- Name: FUNCTION add_part(record_id uuid, part text, fields jsonb); Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON FUNCTION qms.add_part(record_id uuid, part text, fields jsonb) IS 'Adds a part (an action, a cause, a piece of evidence, ...) to a record.';

-- Name: quality_items; Type: TABLE; Schema: qms; Owner: qms_owner

CREATE TABLE qms.quality_items (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    title text NOT NULL,
    description text,
    category text NOT NULL,
    status text DEFAULT 'draft'::text,
    priority integer DEFAULT 0,
    assigned_to uuid,
    due_date timestamp with time zone,
    metadata jsonb DEFAULT '{}'::jsonb,
    embedding extensions.vector(1536),
    created_at timestamp with time zone DEFAULT now(),
    updated_at timestamp with time zone DEFAULT now(),
    number text,
    version integer DEFAULT 1 NOT NULL,
    risk_class text,
    owner_id uuid,
    occurred_at timestamp with time zone,
    tags text[] DEFAULT '{}'::text[] NOT NULL,
    source jsonb,
    external_id text,
    definition_id uuid,
    drafted_by uuid,
    drafted_by_kind text,
    adopted_by uuid,
    adopted_at timestamp with time zone,
    state_since timestamp with time zone,
    closed_at timestamp with time zone,
    escalation_level integer DEFAULT 0 NOT NULL,
    legal_hold boolean DEFAULT false NOT NULL,
    touched_by_transaction xid8,
    CONSTRAINT quality_items_drafted_by_kind_check CHECK ((drafted_by_kind = ANY (ARRAY['human'::text, 'agent'::text, 'system'::text]))),
    CONSTRAINT quality_items_finite CHECK ((isfinite(due_date) AND isfinite(created_at) AND isfinite(updated_at) AND isfinite(occurred_at) AND isfinite(adopted_at) AND isfinite(state_since) AND isfinite(closed_at))),
    CONSTRAINT quality_items_risk_class_check CHECK ((risk_class = ANY (ARRAY['low'::text, 'medium'::text, 'high'::text, 'critical'::text])))
)
WITH (fillfactor='85');
ALTER TABLE ONLY qms.quality_items ALTER COLUMN title SET STATISTICS 0;
ALTER TABLE ONLY qms.quality_items ALTER COLUMN description SET STATISTICS 0;
ALTER TABLE ONLY qms.quality_items ALTER COLUMN tags SET STATISTICS 0;
ALTER TABLE ONLY qms.quality_items ALTER COLUMN external_id SET STATISTICS 0;

ALTER TABLE ONLY qms.quality_items FORCE ROW LEVEL SECURITY;

ALTER TABLE qms.quality_items OWNER TO qms_owner;

-- Name: TABLE quality_items; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON TABLE qms.quality_items IS 'The base of every quality record. category is its type, status its state.';

-- Name: COLUMN quality_items.category; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON COLUMN qms.quality_items.category IS 'nonconformance, deviation, complaint, capa, change_request, document, audit, ...';

-- Name: COLUMN quality_items.priority; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON COLUMN qms.quality_items.priority IS '0 is normal; higher is more urgent.';

-- Name: COLUMN quality_items.due_date; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON COLUMN qms.quality_items.due_date IS 'When the next step is due.';

-- Name: COLUMN quality_items.metadata; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON COLUMN qms.quality_items.metadata IS 'Fields of the site that have no column of their own.';

-- Name: COLUMN quality_items.number; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON COLUMN qms.quality_items.number IS 'What people call it: CAPA-2026-0014. Gap-free per type and year.';

-- Name: COLUMN quality_items.version; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON COLUMN qms.quality_items.version IS 'Grows with every transaction that changes the record or a part of it.';

-- Name: COLUMN quality_items.owner_id; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON COLUMN qms.quality_items.owner_id IS 'Who answers for the record.';

-- Name: COLUMN quality_items.external_id; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON COLUMN qms.quality_items.external_id IS 'Its id where it was imported from; importing it again finds it.';

-- Name: COLUMN quality_items.drafted_by_kind; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON COLUMN qms.quality_items.drafted_by_kind IS 'agent: a model wrote it, until a person adopts it.';

-- Name: add_record(text, jsonb); Type: FUNCTION; Schema: qms; Owner: qms_owner

CREATE FUNCTION qms.add_record(of_category text, fields jsonb) RETURNS qms.quality_items
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    own_table text;
    base_fields text [] := qms.writable_fields('quality_items', false);
    own_fields text [];
    made uuid;
    result qms.quality_items;
BEGIN
    SELECT t.table_name INTO own_table FROM qms.record_types AS t WHERE t.category = of_category;
    IF own_table IS NULL THEN
        RAISE EXCEPTION 'there is no record type %', quote_nullable(of_category) USING ERRCODE = 'QM024',
        HINT = 'Types: ' || (SELECT string_agg(t.category, ', ' ORDER BY t.category) FROM qms.record_types AS t) || '.';
    END IF;
    own_fields := qms.writable_fields(own_table, false);
    PERFORM qms.refuse_unknown(fields, base_fields || own_fields, of_category);
    made := qms.write_row(
        'quality_items', NULL,
        (SELECT coalesce(jsonb_object_agg(f.key, f.value), '{}') FROM jsonb_each(fields) AS f WHERE f.key = ANY (base_fields)),
        jsonb_build_object('organization_id', qms.current_organization_id(), 'category', of_category)
    );
    PERFORM qms.write_row(
        own_table, NULL,
        (SELECT coalesce(jsonb_object_agg(f.key, f.value), '{}') FROM jsonb_each(fields) AS f WHERE f.key = ANY (own_fields)),
        jsonb_build_object('id', made, 'organization_id', qms.current_organization_id())
    );
    SELECT i.* INTO result FROM qms.quality_items AS i WHERE i.id = made;
    RETURN result;
END
$$;

ALTER FUNCTION qms.add_record(of_category text, fields jsonb) OWNER TO qms_owner;

-- Name: FUNCTION add_record(of_category text, fields jsonb); Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON FUNCTION qms.add_record(of_category text, fields jsonb) IS 'Adds a record with the fields of the base and of its type.';

-- Name: adopt_exclusion(); Type: FUNCTION; Schema: qms; Owner: qms_definer

CREATE FUNCTION qms.adopt_exclusion() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    proposal qms.compliance_records;
BEGIN
    SELECT r.* INTO proposal FROM qms.compliance_records AS r WHERE r.id = new.subject_id;
    IF proposal.applicability IS DISTINCT FROM 'not_applicable' OR proposal.proposed_at > new.created_at
        OR qms_private.exclusion_text(proposal) <> new.content THEN
        RAISE EXCEPTION 'what was proposed has changed meanwhile' USING ERRCODE = 'QM021';
    END IF;
    IF proposal.proposed_by = new.decided_by OR new.requested_by = new.decided_by THEN
        RAISE EXCEPTION 'whoever proposed it, also through an agent, can''t adopt it' USING ERRCODE = 'QM022',
        HINT = 'Another person with the role approver, qa_approver or admin decides.';
    END IF;
    UPDATE qms.compliance_records AS r
    SET adopted_by = new.decided_by, adopted_at = new.decided_at
    WHERE r.id = proposal.id;
    RETURN NULL;
END
$$;

ALTER FUNCTION qms.adopt_exclusion() OWNER TO qms_definer;

-- Name: FUNCTION adopt_exclusion(); Type: COMMENT; Schema: qms; Owner: qms_definer

COMMENT ON FUNCTION qms.adopt_exclusion() IS 'A person approved that a clause does not apply: it counts from here on.';

-- Name: announce_document(); Type: FUNCTION; Schema: qms; Owner: qms_owner

CREATE FUNCTION qms.announce_document() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    -- Only that something happened, and to whom it may matter; who hears it reads the record, with the rights it has.
    PERFORM pg_notify('qms_documents', json_build_object('organization', new.organization_id, 'record', new.id)::text);
    RETURN NULL;
END
$$;

ALTER FUNCTION qms.announce_document() OWNER TO qms_owner;

-- Name: FUNCTION announce_document(); Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON FUNCTION qms.announce_document() IS 'Says on the channel qms_documents that a version became effective or stopped being so.';

-- Name: audit_logs; Type: TABLE; Schema: qms; Owner: qms_owner

CREATE TABLE qms.audit_logs (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    entity_type text NOT NULL,
    entity_id uuid NOT NULL,
    action text NOT NULL,
    actor_id uuid,
    actor_kind text,
    changes jsonb,
    metadata jsonb DEFAULT '{}'::jsonb,
    created_at timestamp with time zone DEFAULT now(),
    seq bigint NOT NULL,
    actor_name text,
    on_behalf_of uuid,
    client text,
    tool_call_id text,
    reason text,
    app_version text,
    definition_version integer,
    record_id uuid,
    record_version integer,
    prev_hash text NOT NULL,
    row_hash text NOT NULL,
    CONSTRAINT audit_logs_actor_kind_check CHECK ((actor_kind = ANY (ARRAY['human'::text, 'agent'::text, 'system'::text])))
);
ALTER TABLE ONLY qms.audit_logs ALTER COLUMN reason SET STATISTICS 0;

ALTER TABLE ONLY qms.audit_logs FORCE ROW LEVEL SECURITY;

ALTER TABLE qms.audit_logs OWNER TO qms_owner;

-- Name: TABLE audit_logs; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON TABLE qms.audit_logs IS 'Who changed what, written by triggers in the transaction of the change. Append-only.';

-- Name: COLUMN audit_logs.changes; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON COLUMN qms.audit_logs.changes IS 'Per field that changed: its old and its new value.';

-- Name: COLUMN audit_logs.seq; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON COLUMN qms.audit_logs.seq IS 'Place in the chain of the organization, from 1, without gaps.';

-- Name: COLUMN audit_logs.actor_name; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON COLUMN qms.audit_logs.actor_name IS 'The printed name as it was then.';

-- Name: COLUMN audit_logs.on_behalf_of; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON COLUMN qms.audit_logs.on_behalf_of IS 'The person for whom an agent acted; empty when a person acted.';

-- Name: COLUMN audit_logs.row_hash; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON COLUMN qms.audit_logs.row_hash IS 'sha256 of prev_hash and qms.audit_canonical(entry), in hex.';

-- Name: audit_canonical(qms.audit_logs); Type: FUNCTION; Schema: qms; Owner: qms_definer

CREATE FUNCTION qms.audit_canonical(entry qms.audit_logs) RETURNS text
    LANGUAGE sql STABLE
    RETURN (json_build_array((entry).seq, (entry).id, (entry).organization_id, ((EXTRACT(epoch FROM (entry).created_at) * (1000000)::numeric))::bigint, (entry).entity_type, (entry).entity_id, (entry).action, (entry).record_id, (entry).record_version, (entry).actor_id, (entry).actor_name, (entry).actor_kind, (entry).on_behalf_of, (entry).client, (entry).tool_call_id, (entry).reason, (entry).changes, (entry).metadata, (entry).app_version, (entry).definition_version))::text;

ALTER FUNCTION qms.audit_canonical(entry qms.audit_logs) OWNER TO qms_definer;

-- Name: FUNCTION audit_canonical(entry qms.audit_logs); Type: COMMENT; Schema: qms; Owner: qms_definer

COMMENT ON FUNCTION qms.audit_canonical(entry qms.audit_logs) IS 'The one text of an entry that is hashed: its values in this order, forever. Times are microseconds since 1970 UTC, so that no setting changes it.';

-- Name: audit_hash(text, qms.audit_logs); Type: FUNCTION; Schema: qms; Owner: qms_definer

CREATE FUNCTION qms.audit_hash(previous text, entry qms.audit_logs) RETURNS text
    LANGUAGE sql STABLE
    RETURN encode(sha256(convert_to((previous || qms.audit_canonical(entry)), 'UTF8'::name)), 'hex'::text);

ALTER FUNCTION qms.audit_hash(previous text, entry qms.audit_logs) OWNER TO qms_definer;

-- Name: FUNCTION audit_hash(previous text, entry qms.audit_logs); Type: COMMENT; Schema: qms; Owner: qms_definer

COMMENT ON FUNCTION qms.audit_hash(previous text, entry qms.audit_logs) IS 'The hash of an entry that follows one with the hash `previous`.';

-- Name: business_days_between(uuid, date, date); Type: FUNCTION; Schema: qms; Owner: qms_definer

CREATE FUNCTION qms.business_days_between(of_organization uuid, from_day date, to_day date) RETURNS integer
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT count(*)::integer
    FROM qms.organizations AS o,
        generate_series(from_day + 1, to_day, interval '1 day') AS s (day)
    WHERE
        o.id = of_organization AND o.id = coalesce((SELECT qms.current_organization_id()), of_organization)
        AND qms_private.is_workday(o.site_calendar, s.day::date)
$$;

ALTER FUNCTION qms.business_days_between(of_organization uuid, from_day date, to_day date) OWNER TO qms_definer;

-- Name: FUNCTION business_days_between(of_organization uuid, from_day date, to_day date); Type: COMMENT; Schema: qms; Owner: qms_definer

COMMENT ON FUNCTION qms.business_days_between(of_organization uuid, from_day date, to_day date) IS 'How many days the site works after one day, up to and including the other; 0 when that is not later.';

-- Name: chain_entry(); Type: FUNCTION; Schema: qms; Owner: qms_definer

CREATE FUNCTION qms.chain_entry() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
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

ALTER FUNCTION qms.chain_entry() OWNER TO qms_definer;

-- Name: FUNCTION chain_entry(); Type: COMMENT; Schema: qms; Owner: qms_definer

COMMENT ON FUNCTION qms.chain_entry() IS 'Gives an entry its actor, reason, time, place and hash; nobody can choose them.';

-- Name: change_part(text, uuid, jsonb); Type: FUNCTION; Schema: qms; Owner: qms_owner

CREATE FUNCTION qms.change_part(part text, part_id uuid, fields jsonb) RETURNS uuid
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    written uuid;
BEGIN
    PERFORM qms.take_turn();
    IF NOT EXISTS (SELECT FROM qms.record_parts AS p WHERE p.table_name = part) THEN
        RAISE EXCEPTION 'there is no part %', quote_nullable(part) USING ERRCODE = 'QM024';
    END IF;
    PERFORM qms.refuse_unknown(fields, qms.writable_fields(part, true), part);
    written := qms.write_row(part, part_id, fields, '{}');
    IF written IS NULL THEN
        RAISE EXCEPTION 'there is no such entry in %', part USING ERRCODE = 'QM023';
    END IF;
    RETURN written;
END
$$;

ALTER FUNCTION qms.change_part(part text, part_id uuid, fields jsonb) OWNER TO qms_owner;

-- Name: FUNCTION change_part(part text, part_id uuid, fields jsonb); Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON FUNCTION qms.change_part(part text, part_id uuid, fields jsonb) IS 'Changes fields of a part that may still change.';

-- Name: change_record(uuid, integer, jsonb); Type: FUNCTION; Schema: qms; Owner: qms_owner

CREATE FUNCTION qms.change_record(record_id uuid, expected_version integer, fields jsonb) RETURNS qms.quality_items
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    item qms.quality_items := qms.seen_version(record_id, expected_version);
    own_table text;
    base_fields text [] := qms.writable_fields('quality_items', true);
    own_fields text [];
    own jsonb;
BEGIN
    SELECT t.table_name INTO own_table FROM qms.record_types AS t WHERE t.category = item.category;
    IF own_table IS NULL THEN
        RAISE EXCEPTION '% has a type that is not known (any more)', item.number USING ERRCODE = 'QM021';
    END IF;
    own_fields := qms.writable_fields(own_table, true);
    PERFORM qms.refuse_unknown(fields, base_fields || own_fields, item.category);
    SELECT coalesce(jsonb_object_agg(f.key, f.value), '{}') INTO own
    FROM jsonb_each(fields) AS f WHERE f.key = ANY (own_fields);
    -- A record of the time before there were types gets its fields with the first change of one.
    IF own <> '{}' AND qms.write_row(own_table, item.id, own, '{}') IS NULL THEN
        PERFORM qms.write_row(
            own_table, NULL, own, jsonb_build_object('id', item.id, 'organization_id', item.organization_id)
        );
    END IF;
    PERFORM qms.write_row(
        'quality_items', item.id,
        (SELECT coalesce(jsonb_object_agg(f.key, f.value), '{}') FROM jsonb_each(fields) AS f WHERE f.key = ANY (base_fields)),
        '{}'
    );
    SELECT i.* INTO item FROM qms.quality_items AS i WHERE i.id = item.id;
    RETURN item;
END
$$;

ALTER FUNCTION qms.change_record(record_id uuid, expected_version integer, fields jsonb) OWNER TO qms_owner;

-- Name: FUNCTION change_record(record_id uuid, expected_version integer, fields jsonb); Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON FUNCTION qms.change_record(record_id uuid, expected_version integer, fields jsonb) IS 'Changes fields of a record its caller has seen in its latest version (error QM020 otherwise).';

-- Name: changed_fields(jsonb, jsonb); Type: FUNCTION; Schema: qms; Owner: qms_owner

CREATE FUNCTION qms.changed_fields(before jsonb, after jsonb) RETURNS text[]
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT coalesce(array_agg(k.field ORDER BY k.field), '{}')
    FROM jsonb_object_keys(after) AS k (field)
    WHERE before -> k.field IS DISTINCT FROM after -> k.field
$$;

ALTER FUNCTION qms.changed_fields(before jsonb, after jsonb) OWNER TO qms_owner;

-- Name: FUNCTION changed_fields(before jsonb, after jsonb); Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON FUNCTION qms.changed_fields(before jsonb, after jsonb) IS 'Which fields differ.';

-- Name: changed_paths(jsonb, jsonb, text); Type: FUNCTION; Schema: qms; Owner: qms_owner

CREATE FUNCTION qms.changed_paths(before jsonb, after jsonb, at_path text DEFAULT ''::text) RETURNS text[]
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
DECLARE
    paths text [] := '{}';
    old_part jsonb := before;
    new_part jsonb := after;
    key text;
BEGIN
    IF before IS NOT DISTINCT FROM after THEN
        RETURN paths;
    END IF;
    IF jsonb_typeof(before) = 'array' AND jsonb_typeof(after) = 'array' AND jsonb_path_exists(before || after, '$[*].id') THEN
        SELECT coalesce(jsonb_object_agg(e.part ->> 'id', e.part), '{}') INTO old_part FROM jsonb_array_elements(before) AS e (part);
        SELECT coalesce(jsonb_object_agg(e.part ->> 'id', e.part), '{}') INTO new_part FROM jsonb_array_elements(after) AS e (part);
    ELSIF jsonb_typeof(before) IS DISTINCT FROM 'object' OR jsonb_typeof(after) IS DISTINCT FROM 'object' THEN
        RETURN ARRAY[at_path];
    END IF;
    FOR key IN SELECT k.key FROM jsonb_object_keys(old_part || new_part) AS k (key) ORDER BY k.key LOOP
        paths := paths || qms.changed_paths(
            old_part -> key, new_part -> key, CASE WHEN at_path = '' THEN key ELSE at_path || '.' || key END
        );
    END LOOP;
    RETURN paths;
END
$_$;

ALTER FUNCTION qms.changed_paths(before jsonb, after jsonb, at_path text) OWNER TO qms_owner;

-- Name: FUNCTION changed_paths(before jsonb, after jsonb, at_path text); Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON FUNCTION qms.changed_paths(before jsonb, after jsonb, at_path text) IS 'Which fields of two contents differ, each by its path; parts are matched by id.';

-- Name: clause_evidence(uuid[], integer); Type: FUNCTION; Schema: qms; Owner: qms_owner

CREATE FUNCTION qms.clause_evidence(of_clauses uuid[], most integer) RETURNS TABLE(clause_id uuid, source text, citation text, dated date, valid_until date, note text, record_id uuid, max_age_days integer, total bigint)
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
#variable_conflict use_column
DECLARE
    shown uuid [];
    looked_at uuid [];
    sources text [];
BEGIN
    SELECT array_agg(a.clause_id), array_agg(a.source_id) INTO shown, looked_at
    FROM (
        SELECT c.id AS clause_id, c.id AS source_id FROM qms.clauses AS c WHERE c.id = ANY (of_clauses)
        UNION
        SELECT m.from_clause_id, t.id
        FROM qms.clause_map AS m
        INNER JOIN qms.clauses AS n ON m.to_clause_id = n.id
        INNER JOIN qms.clauses AS t ON n.framework_id = t.framework_id
        WHERE
            m.from_clause_id = ANY (of_clauses) AND m.relation = 'replaced_by'
            AND (t.id = n.id OR starts_with(t.number, n.number || '.'))
    ) AS a;
    sources := ARRAY(SELECT DISTINCT r.source FROM qms.clause_evidence_rules AS r WHERE r.clause_id = ANY (looked_at));
    RETURN QUERY
    SELECT
        s.clause_id,
        'link' AS source,
        CASE
            WHEN i.id IS NULL THEN l.uri
            WHEN i.version = l.record_version THEN i.number || ' v' || i.version
            ELSE i.number || ' v' || l.record_version || ' (now v' || i.version || ')'
        END AS citation,
        coalesce(l.observed_on, i.closed_at::date, l.created_at::date) AS dated,
        l.valid_until,
        l.note,
        l.record_id,
        NULL::integer AS max_age_days,
        1::bigint AS total
    FROM unnest(shown, looked_at) AS s (clause_id, source_id)
    INNER JOIN qms.evidence_links AS l ON s.source_id = l.clause_id AND NOT l.withdrawn
    LEFT JOIN qms.quality_items AS i ON l.record_id = i.id
    WHERE i.id IS NULL OR i.status NOT IN ('cancelled', 'rejected');
    RETURN QUERY
    SELECT
        s.clause_id,
        'matrix',
        left(coalesce(
            e.item ->> 'record', e.item ->> 'document', e.item ->> 'reference', e.item ->> 'uri', e.item #>> '{}'
        ), 200) || ' (noted in the matrix)',
        m.last_reviewed::date,
        NULL::date,
        NULL::text,
        NULL::uuid,
        NULL::integer,
        1::bigint
    FROM unnest(shown, looked_at) AS s (clause_id, source_id)
    INNER JOIN qms.compliance_records AS m ON s.source_id = m.clause_id
    CROSS JOIN LATERAL jsonb_array_elements(
        CASE jsonb_typeof(m.evidence) WHEN 'array' THEN m.evidence ELSE '[]' END
    ) AS e (item);
    IF 'records' = ANY (sources) THEN
        RETURN QUERY
        SELECT
            s.clause_id,
            'records',
            i.number || ' v' || i.version,
            i.state_since::date,
            coalesce(d.next_review_on, p.reevaluation_due_on, t.expires_on),
            k.wanted,
            i.id,
            r.max_age_days,
            k.total
        FROM (
            -- Once for each type and state, however many clauses want them.
            SELECT
                x.category,
                w.wanted,
                (
                    SELECT count(*) FROM (
                        SELECT FROM qms.quality_items AS q WHERE q.category = x.category AND q.status = w.wanted LIMIT 101
                    ) AS few
                ) AS total
            FROM qms.clause_evidence_rules AS x
            CROSS JOIN LATERAL unnest(x.wanted) AS w (wanted)
            WHERE x.source = 'records' AND x.clause_id = ANY (looked_at)
            GROUP BY x.category, w.wanted
            OFFSET 0
        ) AS k
        CROSS JOIN LATERAL (
            SELECT q.id, q.number, q.version, q.state_since
            FROM qms.quality_items AS q
            WHERE q.category = k.category AND q.status = k.wanted
            ORDER BY q.state_since DESC NULLS LAST
            LIMIT most
        ) AS i
        INNER JOIN qms.clause_evidence_rules AS r
            ON r.source = 'records' AND k.category = r.category AND k.wanted = ANY (r.wanted)
        INNER JOIN unnest(shown, looked_at) AS s (clause_id, source_id) ON r.clause_id = s.source_id
        LEFT JOIN qms.documents AS d ON i.id = d.id
        LEFT JOIN qms.suppliers AS p ON i.id = p.id
        LEFT JOIN qms.trainings AS t ON i.id = t.id;
    END IF;
    IF 'calibrations' = ANY (sources) THEN
        RETURN QUERY
        SELECT
            s.clause_id,
            r.source,
            x.number || ' v' || x.version || ': calibrated ' || x.performed_on,
            x.performed_on,
            x.next_due_on,
            NULL::text,
            x.id,
            r.max_age_days,
            1::bigint
        FROM qms.clause_evidence_rules AS r
        INNER JOIN unnest(shown, looked_at) AS s (clause_id, source_id) ON r.clause_id = s.source_id
        CROSS JOIN LATERAL unnest(coalesce(r.wanted, ARRAY[NULL])) AS w (wanted)
        CROSS JOIN LATERAL (
            SELECT
                i.id,
                i.number,
                i.version,
                k.performed_on,
                k.next_due_on
            FROM qms.calibrations AS k
            CROSS JOIN LATERAL (
                SELECT i.id, i.number, i.version
                FROM qms.quality_items AS i
                WHERE i.id = k.record_id AND i.status IN ('in_service', 'due')
                OFFSET 0 -- looked up one by one: a hash of all records would cost more
            ) AS i
            WHERE k.result = 'in_tolerance'
            ORDER BY k.performed_on DESC
            LIMIT most
        ) AS x
        WHERE r.source = 'calibrations';
    END IF;
    IF 'capa_actions' = ANY (sources) THEN
        RETURN QUERY
        SELECT
            s.clause_id,
            r.source,
            x.number || ' v' || x.version || ': action completed ' || x.completed_on,
            x.completed_on,
            NULL::date,
            w.wanted,
            x.id,
            r.max_age_days,
            1::bigint
        FROM qms.clause_evidence_rules AS r
        INNER JOIN unnest(shown, looked_at) AS s (clause_id, source_id) ON r.clause_id = s.source_id
        CROSS JOIN LATERAL unnest(coalesce(r.wanted, ARRAY[NULL])) AS w (wanted)
        CROSS JOIN LATERAL (
            SELECT
                i.id,
                i.number,
                i.version,
                k.completed_on
            FROM qms.capa_actions AS k
            CROSS JOIN LATERAL (
                SELECT i.id, i.number, i.version
                FROM qms.quality_items AS i
                WHERE i.id = k.record_id AND i.status <> 'cancelled'
                OFFSET 0 -- looked up one by one: a hash of all records would cost more
            ) AS i
            WHERE k.action_type = w.wanted AND k.completed_on IS NOT NULL
            ORDER BY k.completed_on DESC
            LIMIT most
        ) AS x
        WHERE r.source = 'capa_actions';
    END IF;
    IF 'dispositions' = ANY (sources) THEN
        RETURN QUERY
        SELECT
            s.clause_id,
            r.source,
            x.number || ' v' || x.version || ': ' || w.wanted || ' decided ' || x.decided_at::date,
            x.decided_at::date,
            NULL::date,
            NULL::text,
            x.id,
            r.max_age_days,
            1::bigint
        FROM qms.clause_evidence_rules AS r
        INNER JOIN unnest(shown, looked_at) AS s (clause_id, source_id) ON r.clause_id = s.source_id
        CROSS JOIN LATERAL unnest(coalesce(r.wanted, ARRAY[NULL])) AS w (wanted)
        CROSS JOIN LATERAL (
            SELECT
                i.id,
                i.number,
                i.version,
                k.decided_at
            FROM qms.dispositions AS k
            CROSS JOIN LATERAL (
                SELECT i.id, i.number, i.version
                FROM qms.quality_items AS i
                WHERE i.id = k.record_id AND i.status <> 'cancelled'
                OFFSET 0 -- looked up one by one: a hash of all records would cost more
            ) AS i
            WHERE k.disposition = w.wanted AND k.decided_at IS NOT NULL
            ORDER BY k.decided_at DESC
            LIMIT most
        ) AS x
        WHERE r.source = 'dispositions';
    END IF;
    IF 'transitions' = ANY (sources) THEN
        RETURN QUERY
        SELECT
            s.clause_id,
            r.source,
            x.number || ' v' || x.record_version || ': ' || x.name || ' on ' || x.created_at::date,
            x.created_at::date,
            NULL::date,
            NULL::text,
            x.id,
            r.max_age_days,
            1::bigint
        FROM qms.clause_evidence_rules AS r
        INNER JOIN unnest(shown, looked_at) AS s (clause_id, source_id) ON r.clause_id = s.source_id
        CROSS JOIN LATERAL unnest(coalesce(r.wanted, ARRAY[NULL])) AS w (wanted)
        CROSS JOIN LATERAL (
            SELECT
                i.id,
                i.number,
                k.record_version,
                k.name,
                k.created_at
            FROM qms.transitions AS k
            CROSS JOIN LATERAL (
                SELECT i.id, i.number, i.version
                FROM qms.quality_items AS i
                WHERE i.id = k.record_id
                OFFSET 0 -- looked up one by one: a hash of all records would cost more
            ) AS i
            ORDER BY k.created_at DESC
            LIMIT most
        ) AS x
        WHERE r.source = 'transitions';
    END IF;
    IF 'signatures' = ANY (sources) THEN
        RETURN QUERY
        SELECT
            s.clause_id,
            r.source,
            x.number || ' v' || x.record_version || ': ' || x.verdict || ' by ' || x.printed_name || ' on ' || x.signed_at::date,
            x.signed_at::date,
            NULL::date,
            x.meaning,
            x.id,
            r.max_age_days,
            1::bigint
        FROM qms.clause_evidence_rules AS r
        INNER JOIN unnest(shown, looked_at) AS s (clause_id, source_id) ON r.clause_id = s.source_id
        CROSS JOIN LATERAL unnest(coalesce(r.wanted, ARRAY[NULL])) AS w (wanted)
        CROSS JOIN LATERAL (
            SELECT
                i.id,
                i.number,
                k.record_version,
                k.verdict,
                k.printed_name,
                k.meaning,
                k.signed_at
            FROM qms.signatures AS k
            CROSS JOIN LATERAL (
                SELECT i.id, i.number, i.version
                FROM qms.quality_items AS i
                WHERE i.id = k.record_id
                OFFSET 0 -- looked up one by one: a hash of all records would cost more
            ) AS i
            ORDER BY k.signed_at DESC
            LIMIT most
        ) AS x
        WHERE r.source = 'signatures';
    END IF;
    IF 'trail' = ANY (sources) THEN
        RETURN QUERY
        SELECT
            s.clause_id,
            r.source,
            'audit trail, entries 1 to ' || x.seq,
            x.created_at::date,
            NULL::date,
            NULL::text,
            NULL::uuid,
            r.max_age_days,
            1::bigint
        FROM qms.clause_evidence_rules AS r
        INNER JOIN unnest(shown, looked_at) AS s (clause_id, source_id) ON r.clause_id = s.source_id
        CROSS JOIN LATERAL unnest(coalesce(r.wanted, ARRAY[NULL])) AS w (wanted)
        CROSS JOIN LATERAL (
            SELECT
                a.seq,
                a.created_at
            FROM qms.audit_logs AS a
            ORDER BY a.seq DESC
            LIMIT 1
        ) AS x
        WHERE r.source = 'trail' AND w.wanted = '*';
        RETURN QUERY
        SELECT
            s.clause_id,
            r.source,
            'audit trail entry ' || x.seq || ' (' || w.wanted || ')',
            x.created_at::date,
            NULL::date,
            NULL::text,
            NULL::uuid,
            r.max_age_days,
            1::bigint
        FROM qms.clause_evidence_rules AS r
        INNER JOIN unnest(shown, looked_at) AS s (clause_id, source_id) ON r.clause_id = s.source_id
        CROSS JOIN LATERAL unnest(coalesce(r.wanted, ARRAY[NULL])) AS w (wanted)
        CROSS JOIN LATERAL (
            SELECT
                a.seq,
                a.created_at
            FROM qms.audit_logs AS a
            WHERE a.action = w.wanted AND a.action IN ('export', 'refused', 'locked')
            ORDER BY a.seq DESC
            LIMIT most
        ) AS x
        WHERE r.source = 'trail' AND w.wanted <> '*';
    END IF;
END
$$;

ALTER FUNCTION qms.clause_evidence(of_clauses uuid[], most integer) OWNER TO qms_owner;

-- Name: FUNCTION clause_evidence(of_clauses uuid[], most integer); Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON FUNCTION qms.clause_evidence(of_clauses uuid[], most integer) IS 'What the caller''s organization has for clauses: linked, noted in the matrix, or counting by a rule; the newest `most` of each rule, and how many there are (101: more than 100). A clause that was replaced has that of those it lives on in.';

-- Name: coming_version(qms.quality_items); Type: FUNCTION; Schema: qms; Owner: qms_owner

CREATE FUNCTION qms.coming_version(item qms.quality_items) RETURNS integer
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT item.version + (item.touched_by_transaction IS DISTINCT FROM pg_current_xact_id())::integer
$$;

ALTER FUNCTION qms.coming_version(item qms.quality_items) OWNER TO qms_owner;

-- Name: FUNCTION coming_version(item qms.quality_items); Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON FUNCTION qms.coming_version(item qms.quality_items) IS 'The version a record has once it is changed in this transaction: one more, whatever else changes in it.';

-- Name: count_records(jsonb, integer); Type: FUNCTION; Schema: qms; Owner: qms_definer

CREATE FUNCTION qms.count_records(filters jsonb, at_most integer) RETURNS bigint
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
DECLARE
    found bigint;
BEGIN
    EXECUTE format(
        'SELECT count(*) FROM (SELECT FROM qms.quality_items AS i WHERE %s LIMIT $3) AS c',
        qms_private.list_conditions(filters)
    ) INTO found USING qms.current_organization_id(), filters, at_most;
    RETURN found;
END
$_$;

ALTER FUNCTION qms.count_records(filters jsonb, at_most integer) OWNER TO qms_definer;

-- Name: FUNCTION count_records(filters jsonb, at_most integer); Type: COMMENT; Schema: qms; Owner: qms_definer

COMMENT ON FUNCTION qms.count_records(filters jsonb, at_most integer) IS 'How many records a list has, counted up to a limit.';

-- Name: current_actor_kind(); Type: FUNCTION; Schema: qms; Owner: qms_definer

CREATE FUNCTION qms.current_actor_kind() RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$SELECT qms_private.identity() ->> 'kind'$$;

ALTER FUNCTION qms.current_actor_kind() OWNER TO qms_definer;

-- Name: FUNCTION current_actor_kind(); Type: COMMENT; Schema: qms; Owner: qms_definer

COMMENT ON FUNCTION qms.current_actor_kind() IS 'human, agent or system: who holds the pen.';

-- Name: current_organization_id(); Type: FUNCTION; Schema: qms; Owner: qms_definer

CREATE FUNCTION qms.current_organization_id() RETURNS uuid
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$SELECT (qms_private.identity() ->> 'org')::uuid$$;

ALTER FUNCTION qms.current_organization_id() OWNER TO qms_definer;

-- Name: FUNCTION current_organization_id(); Type: COMMENT; Schema: qms; Owner: qms_definer

COMMENT ON FUNCTION qms.current_organization_id() IS 'The organization of the caller. Use as (SELECT qms.current_organization_id()) in policies.';

-- Name: current_user_id(); Type: FUNCTION; Schema: qms; Owner: qms_definer

CREATE FUNCTION qms.current_user_id() RETURNS uuid
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$SELECT (qms_private.identity() ->> 'sub')::uuid$$;

ALTER FUNCTION qms.current_user_id() OWNER TO qms_definer;

-- Name: FUNCTION current_user_id(); Type: COMMENT; Schema: qms; Owner: qms_definer

COMMENT ON FUNCTION qms.current_user_id() IS 'The person who acts, or on whose behalf an agent acts.';

-- Name: due_after(uuid, timestamp with time zone, integer, text); Type: FUNCTION; Schema: qms; Owner: qms_definer

CREATE FUNCTION qms.due_after(of_organization uuid, since timestamp with time zone, days integer, kind text) RETURNS timestamp with time zone
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    site qms.organizations;
    day date;
    -- Ten years are the most: a slip of the keyboard in a workflow must not keep the server counting.
    remaining integer := least(greatest(days, 0), 3660);
BEGIN
    IF kind IS NULL OR kind NOT IN ('business', 'calendar') THEN
        RAISE EXCEPTION 'days are counted as business or calendar, not %', quote_nullable(kind) USING ERRCODE = 'QM024';
    END IF;
    SELECT o.* INTO site FROM qms.organizations AS o
    WHERE o.id = of_organization AND o.id = coalesce(qms.current_organization_id(), of_organization);
    IF site.id IS NULL OR since IS NULL OR days IS NULL THEN
        RETURN NULL;
    END IF;
    day := (since AT TIME ZONE site.time_zone)::date;
    IF kind = 'calendar' THEN
        RETURN qms_private.end_of_day(site.time_zone, day + remaining);
    END IF;
    WHILE remaining > 0 OR NOT qms_private.is_workday(site.site_calendar, day) LOOP
        day := day + 1;
        IF remaining > 0 AND qms_private.is_workday(site.site_calendar, day) THEN
            remaining := remaining - 1;
        END IF;
    END LOOP;
    RETURN qms_private.end_of_day(site.time_zone, day);
END
$$;

ALTER FUNCTION qms.due_after(of_organization uuid, since timestamp with time zone, days integer, kind text) OWNER TO qms_definer;

-- Name: FUNCTION due_after(of_organization uuid, since timestamp with time zone, days integer, kind text); Type: COMMENT; Schema: qms; Owner: qms_definer

COMMENT ON FUNCTION qms.due_after(of_organization uuid, since timestamp with time zone, days integer, kind text) IS 'The end of the day by which something is due: so many business or calendar days after the day of `since`, counted where the organization is. No business days: that day, or the next one on which the site works.';

-- Name: edges_among(uuid[]); Type: FUNCTION; Schema: qms; Owner: qms_owner

CREATE FUNCTION qms.edges_among(records uuid[]) RETURNS TABLE(from_id uuid, to_id uuid, kind text)
    LANGUAGE plpgsql STABLE ROWS 50
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
DECLARE
    ours uuid := qms.current_organization_id();
BEGIN
    RETURN QUERY
    SELECT DISTINCT e.from_id, e.to_id, e.kind FROM qms.record_edges AS e
    WHERE e.organization_id = ours AND e.from_id = ANY (records) AND e.to_id = ANY (records);
END
$$;

ALTER FUNCTION qms.edges_among(records uuid[]) OWNER TO qms_owner;

-- Name: FUNCTION edges_among(records uuid[]); Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON FUNCTION qms.edges_among(records uuid[]) IS 'How some records hang together with each other.';

-- Name: escalate_due(); Type: FUNCTION; Schema: qms; Owner: qms_definer

CREATE FUNCTION qms.escalate_due() RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    ours uuid := qms.current_organization_id();
    reason_before text := coalesce(current_setting('qms.reason', true), '');
    made integer;
BEGIN
    IF NOT qms.may_write() THEN
        RAISE EXCEPTION 'an auditor reads and changes nothing' USING ERRCODE = 'QM022';
    END IF;
    PERFORM set_config('qms.reason', 'a due time has passed: escalated by the rules of the workflow', true);
    PERFORM qms_private.lock_trail(ours);
    WITH fresh AS (
        INSERT INTO qms.escalations (organization_id, record_id, state, state_since, overdue_since, level, to_role)
        SELECT ours, r.record_id, r.state, r.state_since, r.overdue_since, r.level, r.to_role
        FROM qms_private.due_rules(ours) AS r
        WHERE NOT EXISTS (
            SELECT FROM qms.escalations AS e
            WHERE
                e.organization_id = ours AND e.record_id = r.record_id AND e.state_since = r.state_since
                AND e.overdue_since = r.overdue_since AND e.level = r.level
        )
        LIMIT 200
        ON CONFLICT (organization_id, record_id, state_since, overdue_since, level) DO NOTHING
        RETURNING record_id, level
    ),
    raised AS (
        UPDATE qms.quality_items AS i
        SET escalation_level = e.level
        FROM (SELECT f.record_id, max(f.level) AS level FROM fresh AS f GROUP BY f.record_id) AS e
        WHERE i.id = e.record_id AND i.organization_id = ours AND i.escalation_level < e.level
    )
    SELECT count(*) INTO made FROM fresh;
    PERFORM set_config('qms.reason', reason_before, true);
    RETURN made;
END
$$;

ALTER FUNCTION qms.escalate_due() OWNER TO qms_definer;

-- Name: FUNCTION escalate_due(); Type: COMMENT; Schema: qms; Owner: qms_definer

COMMENT ON FUNCTION qms.escalate_due() IS 'Escalates the overdue records of the caller''s organization by the rules of their workflows, each once for each due time, at most 200 at once, so that other writers get their turn; returns how many escalations are new. A record keeps its version: nothing it says has changed.';

-- Name: find_colleague(text); Type: FUNCTION; Schema: qms; Owner: qms_definer

CREATE FUNCTION qms.find_colleague(reference text) RETURNS uuid
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
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

ALTER FUNCTION qms.find_colleague(reference text) OWNER TO qms_definer;

-- Name: FUNCTION find_colleague(reference text); Type: COMMENT; Schema: qms; Owner: qms_definer

COMMENT ON FUNCTION qms.find_colleague(reference text) IS 'The person of the caller''s organization with this id, e-mail address or printed name, or "me"; null when it is not exactly one.';

-- Name: find_record(text); Type: FUNCTION; Schema: qms; Owner: qms_owner

CREATE FUNCTION qms.find_record(reference text) RETURNS uuid
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
    SELECT i.id FROM qms.quality_items AS i
    WHERE
        i.organization_id = qms.current_organization_id()
        AND CASE
            WHEN reference ~* '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$' THEN i.id = reference::uuid
            ELSE i.number = upper(btrim(reference))
        END
$_$;

ALTER FUNCTION qms.find_record(reference text) OWNER TO qms_owner;

-- Name: FUNCTION find_record(reference text); Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON FUNCTION qms.find_record(reference text) IS 'The record with this id or number in the caller''s organization; null when there is none.';

-- Name: has_role(text); Type: FUNCTION; Schema: qms; Owner: qms_definer

CREATE FUNCTION qms.has_role(wanted text) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$SELECT coalesce(qms_private.identity() -> 'roles' ? wanted, false)$$;

ALTER FUNCTION qms.has_role(wanted text) OWNER TO qms_definer;

-- Name: FUNCTION has_role(wanted text); Type: COMMENT; Schema: qms; Owner: qms_definer

COMMENT ON FUNCTION qms.has_role(wanted text) IS 'Whether the caller has this role in the current organization.';

-- Name: in_cycle(); Type: FUNCTION; Schema: qms; Owner: qms_definer

CREATE FUNCTION qms.in_cycle() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    IF qms.current_user_id() IS NOT NULL THEN
        new.cycle := coalesce((SELECT c.cycle FROM qms.capas AS c WHERE c.id = new.record_id), 1);
    END IF;
    RETURN new;
END
$$;

ALTER FUNCTION qms.in_cycle() OWNER TO qms_definer;

-- Name: FUNCTION in_cycle(); Type: COMMENT; Schema: qms; Owner: qms_definer

COMMENT ON FUNCTION qms.in_cycle() IS 'A part of a CAPA belongs to the cycle in which it was added.';

-- Name: is_colleague(uuid); Type: FUNCTION; Schema: qms; Owner: qms_definer

CREATE FUNCTION qms.is_colleague(person uuid) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$SELECT person IS NULL OR qms_private.is_member(qms.current_organization_id(), person)$$;

ALTER FUNCTION qms.is_colleague(person uuid) OWNER TO qms_definer;

-- Name: FUNCTION is_colleague(person uuid); Type: COMMENT; Schema: qms; Owner: qms_definer

COMMENT ON FUNCTION qms.is_colleague(person uuid) IS 'Whether somebody (or nobody) belongs to the caller''s organization now.';

-- Name: keep_decisions(); Type: FUNCTION; Schema: qms; Owner: qms_owner

CREATE FUNCTION qms.keep_decisions() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
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

ALTER FUNCTION qms.keep_decisions() OWNER TO qms_owner;

-- Name: FUNCTION keep_decisions(); Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON FUNCTION qms.keep_decisions() IS 'pending to approved or rejected, approved to used, and nothing else.';

-- Name: keep_definition(); Type: FUNCTION; Schema: qms; Owner: qms_definer

CREATE FUNCTION qms.keep_definition() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    wrong text [];
BEGIN
    IF new.organization_id IS NULL THEN
        wrong := ARRAY(SELECT p.problem FROM qms_private.problems_alone(new.body) AS p (problem));
    ELSE
        wrong := qms.workflow_problems(new.category, new.body);
    END IF;
    IF cardinality(wrong) > 0 THEN
        RAISE EXCEPTION 'this % workflow can''t be used: %', new.category, array_to_string(wrong, '; ')
        USING ERRCODE = 'QM024';
    END IF;
    new.sha256 := encode(sha256(convert_to(new.body::text, 'UTF8')), 'hex');
    RETURN new;
END
$$;

ALTER FUNCTION qms.keep_definition() OWNER TO qms_definer;

-- Name: FUNCTION keep_definition(); Type: COMMENT; Schema: qms; Owner: qms_definer

COMMENT ON FUNCTION qms.keep_definition() IS 'Refuses a state machine that is broken, or guards less than the shipped one.';

-- Name: keep_details(); Type: FUNCTION; Schema: qms; Owner: qms_owner

CREATE FUNCTION qms.keep_details() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    item qms.quality_items;
    before jsonb := CASE WHEN tg_op = 'INSERT' THEN '{}'::jsonb ELSE to_jsonb(old) END;
    after jsonb := to_jsonb(new);
    expected text;
    belongs text;
BEGIN
    new.organization_id := coalesce(new.organization_id, qms.current_organization_id());
    SELECT i.* INTO item
    FROM qms.quality_items AS i WHERE i.id = new.id AND i.organization_id = new.organization_id;
    SELECT t.table_name INTO expected FROM qms.record_types AS t WHERE t.category = item.category;
    IF expected IS DISTINCT FROM tg_table_name::text THEN
        RAISE EXCEPTION 'there is no record for these fields' USING ERRCODE = 'QM023';
    END IF;
    IF tg_op = 'UPDATE' AND (new.id, new.organization_id) IS DISTINCT FROM (old.id, old.organization_id) THEN
        RAISE EXCEPTION 'fields stay with their record' USING ERRCODE = 'QM021';
    END IF;
    IF current_user <> 'qms_definer' THEN
        PERFORM qms.refuse_strangers(before, after);
        IF tg_op = 'UPDATE' THEN
            PERFORM qms.refuse_locked(item, qms.changed_fields(before, after), NULL);
            -- What waits for a record to be closed is not taken away from it.
            belongs := CASE tg_table_name
                WHEN 'findings' THEN 'audit_id' WHEN 'scars' THEN 'supplier_id' WHEN 'trainings' THEN 'document_id'
            END;
            IF before ->> belongs IS NOT NULL AND before -> belongs IS DISTINCT FROM after -> belongs THEN
                RAISE EXCEPTION '% of % says what it belongs to, and stays', belongs, item.number
                USING ERRCODE = 'QM021', HINT = 'Bring this one to its end and add another.';
            END IF;
        ELSIF qms.current_user_id() IS NOT NULL AND EXISTS (
            SELECT FROM qms.transitions AS t WHERE t.record_id = new.id
        ) THEN
            RAISE EXCEPTION '% is in state "%": its fields are added while it is new', item.number, item.status
            USING ERRCODE = 'QM021';
        END IF;
    END IF;
    RETURN new;
END
$$;

ALTER FUNCTION qms.keep_details() OWNER TO qms_owner;

-- Name: FUNCTION keep_details(); Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON FUNCTION qms.keep_details() IS 'The fields of a type belong to a record of that type, and locked ones stay as they are.';

-- Name: keep_document(); Type: FUNCTION; Schema: qms; Owner: qms_owner

CREATE FUNCTION qms.keep_document() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
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

ALTER FUNCTION qms.keep_document() OWNER TO qms_owner;

-- Name: FUNCTION keep_document(); Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON FUNCTION qms.keep_document() IS 'The hash of a document is that of its content.';

-- Name: keep_drafts(); Type: FUNCTION; Schema: qms; Owner: qms_owner

CREATE FUNCTION qms.keep_drafts() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
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

ALTER FUNCTION qms.keep_drafts() OWNER TO qms_owner;

-- Name: FUNCTION keep_drafts(); Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON FUNCTION qms.keep_drafts() IS 'Draft to applied, in the transaction that uses the approval of exactly this text, and nothing else.';

-- Name: keep_evidence_link(); Type: FUNCTION; Schema: qms; Owner: qms_owner

CREATE FUNCTION qms.keep_evidence_link() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    IF tg_op = 'INSERT' THEN
        new.added_by := qms.current_user_id();
        new.added_kind := coalesce(qms.current_actor_kind(), 'system');
        new.created_at := clock_timestamp();
        new.withdrawn := false;
        new.record_version := (SELECT i.version FROM qms.quality_items AS i WHERE i.id = new.record_id);
        RETURN new;
    END IF;
    IF old.withdrawn OR NOT new.withdrawn
        OR to_jsonb(new) - ARRAY['withdrawn', 'withdrawn_by', 'withdrawn_at']
        <> to_jsonb(old) - ARRAY['withdrawn', 'withdrawn_by', 'withdrawn_at'] THEN
        RAISE EXCEPTION 'a link of evidence never changes: it can be withdrawn, once' USING ERRCODE = 'QM021',
        HINT = 'Link the evidence again; the former link is withdrawn then.';
    END IF;
    new.withdrawn_by := qms.current_user_id();
    new.withdrawn_at := clock_timestamp();
    RETURN new;
END
$$;

ALTER FUNCTION qms.keep_evidence_link() OWNER TO qms_owner;

-- Name: FUNCTION keep_evidence_link(); Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON FUNCTION qms.keep_evidence_link() IS 'Says who linked and when; a link is withdrawn once and otherwise stays.';

-- Name: keep_link(); Type: FUNCTION; Schema: qms; Owner: qms_owner

CREATE FUNCTION qms.keep_link() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    new.organization_id := coalesce(new.organization_id, qms.current_organization_id());
    IF qms.current_user_id() IS NOT NULL THEN
        new.created_by := qms.current_user_id();
        new.created_kind := qms.current_actor_kind();
        new.created_at := clock_timestamp();
    END IF;
    RETURN new;
END
$$;

ALTER FUNCTION qms.keep_link() OWNER TO qms_owner;

-- Name: FUNCTION keep_link(); Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON FUNCTION qms.keep_link() IS 'A link says who made it and when.';

-- Name: keep_part(); Type: FUNCTION; Schema: qms; Owner: qms_owner

CREATE FUNCTION qms.keep_part() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    item qms.quality_items;
    changed text [];
    may_change text [];
BEGIN
    new.organization_id := coalesce(new.organization_id, qms.current_organization_id());
    SELECT i.* INTO item
    FROM qms.quality_items AS i WHERE i.id = new.record_id AND i.organization_id = new.organization_id;
    IF item.id IS NULL THEN
        RAISE EXCEPTION 'there is no record this could belong to' USING ERRCODE = 'QM023';
    END IF;
    changed := qms.changed_fields(CASE WHEN tg_op = 'INSERT' THEN '{}'::jsonb ELSE to_jsonb(old) END, to_jsonb(new));
    IF tg_op = 'INSERT' AND qms.current_user_id() IS NOT NULL THEN
        new.created_by := qms.current_user_id();
        new.created_kind := qms.current_actor_kind();
        -- Which one is the last follows from this: not from when somebody began a transaction.
        new.created_at := clock_timestamp();
    END IF;
    IF current_user = 'qms_definer' THEN
        RETURN new;
    END IF;
    IF tg_op = 'UPDATE' THEN
        SELECT p.changeable INTO may_change FROM qms.record_parts AS p WHERE p.table_name = tg_table_name::text;
        IF NOT changed <@ may_change THEN
            RAISE EXCEPTION '% of % can''t be changed', array_to_string(changed, ', '), tg_table_name
            USING ERRCODE = 'QM021', HINT = 'What was recorded stays; add a new entry instead.';
        END IF;
    END IF;
    PERFORM qms.refuse_strangers(CASE WHEN tg_op = 'INSERT' THEN '{}'::jsonb ELSE to_jsonb(old) END, to_jsonb(new));
    PERFORM qms.refuse_locked(
        item, CASE WHEN tg_op = 'INSERT' THEN ARRAY[tg_table_name::text] ELSE changed END, tg_table_name::text
    );
    -- What a person accepted or decided is that no more once it says something else.
    IF tg_op = 'UPDATE' AND NOT changed <@ ARRAY['withdrawn_reason']
        AND coalesce(to_jsonb(old) ->> 'decided_by', to_jsonb(old) ->> 'accepted_by') IS NOT NULL THEN
        new := jsonb_populate_record(
            new, '{"decided_by": null, "decided_at": null, "accepted_by": null, "accepted_at": null}'
        );
    END IF;
    RETURN new;
END
$$;

ALTER FUNCTION qms.keep_part() OWNER TO qms_owner;

-- Name: FUNCTION keep_part(); Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON FUNCTION qms.keep_part() IS 'A part belongs to a record of the same organization, says who added it, and changes only where its state lets it.';

-- Name: keep_record(); Type: FUNCTION; Schema: qms; Owner: qms_owner

CREATE FUNCTION qms.keep_record() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    before jsonb := to_jsonb(old) - ARRAY['embedding', 'updated_at', 'touched_by_transaction', 'escalation_level'];
    after jsonb := to_jsonb(new) - ARRAY['embedding', 'updated_at', 'touched_by_transaction', 'escalation_level'];
    changed text [] := qms.changed_fields(before, after);
    fixed text [] := ARRAY['id', 'organization_id', 'number', 'category', 'created_at', 'drafted_by', 'drafted_by_kind', 'source', 'external_id'];
BEGIN
    IF changed = '{}' AND new.touched_by_transaction IS NOT DISTINCT FROM old.touched_by_transaction THEN
        RETURN new;
    END IF;
    IF changed && fixed THEN
        RAISE EXCEPTION 'what identifies a record never changes: %', array_to_string(
            ARRAY(SELECT f FROM unnest(fixed) AS x (f) WHERE f = ANY (changed)), ', '
        ) USING ERRCODE = 'QM021';
    END IF;
    IF new.status IS DISTINCT FROM old.status AND NOT EXISTS (
        SELECT FROM qms.transitions AS t
        WHERE
            t.record_id = new.id AND t.record_version = qms.coming_version(old)
            AND t.from_state IS NOT DISTINCT FROM old.status AND t.to_state = new.status
    ) THEN
        RAISE EXCEPTION 'the state of a record changes only by a transition' USING ERRCODE = 'QM021';
    END IF;
    -- What the workflow itself changes it may change in any state; it runs as the role that owns it.
    IF current_user <> 'qms_definer' THEN
        PERFORM qms.refuse_locked(old, changed, NULL);
        IF (new.owner_id IS DISTINCT FROM old.owner_id AND NOT qms.is_colleague(new.owner_id))
            OR (new.assigned_to IS DISTINCT FROM old.assigned_to AND NOT qms.is_colleague(new.assigned_to)) THEN
            RAISE EXCEPTION 'owner_id and assigned_to must be people of this organization' USING ERRCODE = 'QM024';
        END IF;
    END IF;
    new.version := qms.coming_version(old);
    new.touched_by_transaction := pg_current_xact_id();
    RETURN new;
END
$$;

ALTER FUNCTION qms.keep_record() OWNER TO qms_owner;

-- Name: FUNCTION keep_record(); Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON FUNCTION qms.keep_record() IS 'What identifies a record stays, locked fields stay, the state moves only by a transition, and the version grows once in each transaction.';

-- Name: link_records(uuid, uuid, text, text); Type: FUNCTION; Schema: qms; Owner: qms_owner

CREATE FUNCTION qms.link_records(from_id uuid, to_id uuid, kind text, note text) RETURNS uuid
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    made uuid;
BEGIN
    PERFORM qms.seen_version(link_records.from_id, NULL);
    PERFORM qms.seen_version(link_records.to_id, NULL);
    SELECT l.id INTO made
    FROM qms.record_links AS l
    WHERE l.from_id = link_records.from_id AND l.to_id = link_records.to_id AND l.kind = link_records.kind;
    RETURN coalesce(made, qms.write_row('record_links', NULL, '{}', jsonb_build_object(
        'id', gen_random_uuid(), 'organization_id', qms.current_organization_id(), 'from_id', link_records.from_id,
        'to_id', link_records.to_id, 'kind', link_records.kind, 'note', link_records.note
    )));
END
$$;

ALTER FUNCTION qms.link_records(from_id uuid, to_id uuid, kind text, note text) OWNER TO qms_owner;

-- Name: FUNCTION link_records(from_id uuid, to_id uuid, kind text, note text); Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON FUNCTION qms.link_records(from_id uuid, to_id uuid, kind text, note text) IS 'Links two records; the same link is made once.';

-- Name: list_records(jsonb, text, jsonb, integer); Type: FUNCTION; Schema: qms; Owner: qms_definer

CREATE FUNCTION qms.list_records(filters jsonb, sort text, after jsonb, max_rows integer) RETURNS SETOF qms.quality_items
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
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
$_$;

ALTER FUNCTION qms.list_records(filters jsonb, sort text, after jsonb, max_rows integer) OWNER TO qms_definer;

-- Name: FUNCTION list_records(filters jsonb, sort text, after jsonb, max_rows integer); Type: COMMENT; Schema: qms; Owner: qms_definer

COMMENT ON FUNCTION qms.list_records(filters jsonb, sort text, after jsonb, max_rows integer) IS 'Records of the caller''s organization by newest, due or risk, after the place where the page before ended.';

-- Name: may_keep_records(); Type: FUNCTION; Schema: qms; Owner: qms_definer

CREATE FUNCTION qms.may_keep_records() RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$SELECT coalesce(jsonb_array_length((qms_private.identity() -> 'roles') - ARRAY['auditor', 'admin']) > 0, false)$$;

ALTER FUNCTION qms.may_keep_records() OWNER TO qms_definer;

-- Name: FUNCTION may_keep_records(); Type: COMMENT; Schema: qms; Owner: qms_definer

COMMENT ON FUNCTION qms.may_keep_records() IS 'False for who is only an auditor or administrator: the one reads all, the other configures, neither writes records.';

-- Name: may_write(); Type: FUNCTION; Schema: qms; Owner: qms_definer

CREATE FUNCTION qms.may_write() RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$SELECT coalesce(jsonb_array_length((qms_private.identity() -> 'roles') - 'auditor') > 0, false)$$;

ALTER FUNCTION qms.may_write() OWNER TO qms_definer;

-- Name: FUNCTION may_write(); Type: COMMENT; Schema: qms; Owner: qms_definer

COMMENT ON FUNCTION qms.may_write() IS 'False for someone who is only an auditor: reads all, writes none.';

-- Name: missing_links_of(uuid[]); Type: FUNCTION; Schema: qms; Owner: qms_owner

CREATE FUNCTION qms.missing_links_of(records uuid[]) RETURNS TABLE(record_id uuid, missing text)
    LANGUAGE plpgsql STABLE ROWS 20
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
DECLARE
    ours uuid := qms.current_organization_id();
BEGIN
    RETURN QUERY
    SELECT m.id, m.missing FROM qms.missing_links AS m WHERE m.organization_id = ours AND m.id = ANY (records);
END
$$;

ALTER FUNCTION qms.missing_links_of(records uuid[]) OWNER TO qms_owner;

-- Name: FUNCTION missing_links_of(records uuid[]); Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON FUNCTION qms.missing_links_of(records uuid[]) IS 'Which of some records should hang together with another one and do not.';

-- Name: my_decisions(); Type: FUNCTION; Schema: qms; Owner: qms_definer

CREATE FUNCTION qms.my_decisions() RETURNS TABLE(approval_id uuid, tool text, summary text, record_id uuid, meaning text, requested_at timestamp with time zone, expires_at timestamp with time zone)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
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

ALTER FUNCTION qms.my_decisions() OWNER TO qms_definer;

-- Name: FUNCTION my_decisions(); Type: COMMENT; Schema: qms; Owner: qms_definer

COMMENT ON FUNCTION qms.my_decisions() IS 'What waits for a decision the caller may take (on the approval page, as a person).';

-- Name: next_steps(uuid); Type: FUNCTION; Schema: qms; Owner: qms_definer

CREATE FUNCTION qms.next_steps(record_id uuid) RETURNS TABLE(name text, to_state text, person boolean, meaning text, roles text[], blocked text[], not_you text[])
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT
        e.name, e.to_state, e.person, e.edge ->> 'meaning', qms_private.as_texts(e.edge -> 'roles'),
        qms_private.blocked_by(i, e.edge, 'record', qms.current_user_id()), qms_private.not_this_person(i, e.edge)
    FROM qms.quality_items AS i
    INNER JOIN qms.workflow_definitions AS d
        ON d.id = coalesce(i.definition_id, (qms_private.definition_for(i.organization_id, i.category)).id),
        qms_private.edges(d.body) AS e
    WHERE
        i.id = next_steps.record_id AND i.organization_id = qms.current_organization_id() AND e.from_state = i.status
$$;

ALTER FUNCTION qms.next_steps(record_id uuid) OWNER TO qms_definer;

-- Name: FUNCTION next_steps(record_id uuid); Type: COMMENT; Schema: qms; Owner: qms_definer

COMMENT ON FUNCTION qms.next_steps(record_id uuid) IS 'What is possible for a record now; what blocks each step, and why it may not be the caller who takes it.';

-- Name: audit_anchors; Type: TABLE; Schema: qms; Owner: qms_owner

CREATE TABLE qms.audit_anchors (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    seq bigint NOT NULL,
    row_hash text NOT NULL,
    place text NOT NULL,
    anchored_by uuid,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT audit_anchors_place_check CHECK ((btrim(place) <> ''::text)),
    CONSTRAINT audit_anchors_row_hash_check CHECK ((row_hash ~ '^[0-9a-f]{64}$'::text)),
    CONSTRAINT audit_anchors_seq_check CHECK ((seq > 0))
);

ALTER TABLE ONLY qms.audit_anchors FORCE ROW LEVEL SECURITY;

ALTER TABLE qms.audit_anchors OWNER TO qms_owner;

-- Name: TABLE audit_anchors; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON TABLE qms.audit_anchors IS 'Where heads of the chain were written down outside of this database.';

-- Name: note_anchor(text, bigint); Type: FUNCTION; Schema: qms; Owner: qms_definer

CREATE FUNCTION qms.note_anchor(at_place text, at_seq bigint) RETURNS qms.audit_anchors
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
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

ALTER FUNCTION qms.note_anchor(at_place text, at_seq bigint) OWNER TO qms_definer;

-- Name: FUNCTION note_anchor(at_place text, at_seq bigint); Type: COMMENT; Schema: qms; Owner: qms_definer

COMMENT ON FUNCTION qms.note_anchor(at_place text, at_seq bigint) IS 'Records that an entry''s hash was written down at a place. Nothing when there is no such entry.';

-- Name: note_event(text, uuid, text, jsonb); Type: FUNCTION; Schema: qms; Owner: qms_definer

CREATE FUNCTION qms.note_event(of_type text, of_entity uuid, what text, details jsonb) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
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

ALTER FUNCTION qms.note_event(of_type text, of_entity uuid, what text, details jsonb) OWNER TO qms_definer;

-- Name: FUNCTION note_event(of_type text, of_entity uuid, what text, details jsonb); Type: COMMENT; Schema: qms; Owner: qms_definer

COMMENT ON FUNCTION qms.note_event(of_type text, of_entity uuid, what text, details jsonb) IS 'What a service writes into the trail: export, refused, verified, anchored, imported, shown.';

-- Name: own_fields(uuid, text); Type: FUNCTION; Schema: qms; Owner: qms_owner

CREATE FUNCTION qms.own_fields(of_record uuid, of_category text) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
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
$_$;

ALTER FUNCTION qms.own_fields(of_record uuid, of_category text) OWNER TO qms_owner;

-- Name: FUNCTION own_fields(of_record uuid, of_category text); Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON FUNCTION qms.own_fields(of_record uuid, of_category text) IS 'The fields a record has of its type, without those that are empty.';

-- Name: place_requirement(); Type: FUNCTION; Schema: qms; Owner: qms_owner

CREATE FUNCTION qms.place_requirement() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    IF tg_op = 'UPDATE' AND (new.standard, new.requirement) IS DISTINCT FROM (old.standard, old.requirement) THEN
        IF old.applicability = 'not_applicable' THEN
            RAISE EXCEPTION 'what was said not to apply keeps its clause' USING ERRCODE = 'QM021';
        END IF;
        new.clause_id := NULL;
        new.framework_id := NULL;
    END IF;
    IF new.clause_id IS NULL THEN
        SELECT c.framework_id, c.id INTO new.framework_id, new.clause_id
        FROM qms.frameworks AS f
        INNER JOIN qms.clauses AS c ON f.id = c.framework_id
        WHERE new.standard IN (f.name, f.key) AND c.number = split_part(btrim(new.requirement), ' ', 1)
        ORDER BY f.in_force_from DESC
        LIMIT 1;
    ELSE
        SELECT c.framework_id INTO new.framework_id FROM qms.clauses AS c WHERE c.id = new.clause_id;
    END IF;
    RETURN new;
END
$$;

ALTER FUNCTION qms.place_requirement() OWNER TO qms_owner;

-- Name: FUNCTION place_requirement(); Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON FUNCTION qms.place_requirement() IS 'Finds the clause a row of the matrix is about, when its number is one of a framework.';

-- Name: prepare_record(); Type: FUNCTION; Schema: qms; Owner: qms_definer

CREATE FUNCTION qms.prepare_record() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    claims jsonb := qms_private.identity();
    of_type qms.record_types;
    definition record;
    began timestamptz := clock_timestamp();
BEGIN
    SELECT t.* INTO of_type FROM qms.record_types AS t WHERE t.category = new.category;
    IF of_type.category IS NULL THEN
        RAISE EXCEPTION 'there is no record type %', quote_nullable(new.category) USING ERRCODE = 'QM024',
        HINT = 'Types: ' || (SELECT string_agg(t.category, ', ' ORDER BY t.category) FROM qms.record_types AS t) || '.';
    END IF;
    IF btrim(coalesce(new.title, '')) = '' THEN
        RAISE EXCEPTION 'a record needs a title' USING ERRCODE = 'QM024', HINT = 'One line that says what happened.';
    END IF;
    SELECT d.* INTO definition FROM qms_private.definition_for(new.organization_id, new.category) AS d;
    IF claims IS NOT NULL OR new.status IS NULL OR new.status = 'draft' THEN
        new.status := definition.body ->> 'initial';
    ELSIF NOT definition.body -> 'states' ? new.status THEN
        RAISE EXCEPTION 'a % has no state %', new.category, quote_literal(new.status) USING ERRCODE = 'QM024';
    END IF;
    IF claims IS NOT NULL THEN
        new.created_at := began;
        new.closed_at := NULL;
        new.drafted_by := (claims ->> 'sub')::uuid;
        new.drafted_by_kind := claims ->> 'kind';
        new.adopted_by := CASE WHEN claims ->> 'kind' = 'human' THEN new.drafted_by END;
        new.adopted_at := CASE WHEN claims ->> 'kind' = 'human' THEN began END;
    ELSE
        new.created_at := coalesce(new.created_at, began);
        new.drafted_by_kind := coalesce(new.drafted_by_kind, 'system');
        new.closed_at := CASE
            WHEN (definition.body -> 'states' -> new.status ->> 'final')::boolean THEN coalesce(new.closed_at, began)
        END;
    END IF;
    IF (new.owner_id IS NOT NULL AND NOT qms_private.is_member(new.organization_id, new.owner_id))
        OR (new.assigned_to IS NOT NULL AND NOT qms_private.is_member(new.organization_id, new.assigned_to)) THEN
        RAISE EXCEPTION 'owner_id and assigned_to must be people of this organization' USING ERRCODE = 'QM024';
    END IF;
    new.updated_at := greatest(new.created_at, coalesce(new.updated_at, new.created_at));
    new.version := 1;
    new.definition_id := definition.id;
    new.state_since := coalesce(CASE WHEN claims IS NULL THEN new.state_since END, new.created_at);
    new.touched_by_transaction := pg_current_xact_id();
    new.due_date := coalesce(new.due_date, qms_private.due_in_state(new.organization_id, definition.body, new.status, began));
    PERFORM qms_private.lock_trail(new.organization_id);
    -- A row that is there already is not added (ON CONFLICT): it takes no number, so that none is missing.
    IF EXISTS (SELECT FROM qms.quality_items AS i WHERE i.id = new.id) OR EXISTS (
        SELECT FROM qms.quality_items AS i
        WHERE
            i.organization_id = new.organization_id AND i.category = new.category AND i.external_id = new.external_id
    ) THEN
        RETURN new;
    END IF;
    new.number := qms_private.next_number(
        new.organization_id, of_type.prefix,
        extract(year FROM new.created_at AT TIME ZONE (
            SELECT o.time_zone FROM qms.organizations AS o WHERE o.id = new.organization_id
        ))::integer
    );
    RETURN new;
END
$$;

ALTER FUNCTION qms.prepare_record() OWNER TO qms_definer;

-- Name: FUNCTION prepare_record(); Type: COMMENT; Schema: qms; Owner: qms_definer

COMMENT ON FUNCTION qms.prepare_record() IS 'Gives a new record its number, first state, workflow and draft marks. Only the owner of the database, loading records, may name a state.';

-- Name: propose_exclusion(uuid, text); Type: FUNCTION; Schema: qms; Owner: qms_definer

CREATE FUNCTION qms.propose_exclusion(of_clause uuid, why text) RETURNS TABLE(compliance_record_id uuid, approval_id uuid, adopted boolean)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    ours uuid := qms.current_organization_id();
    clause qms.clauses;
    row_ qms.compliance_records;
    waiting uuid;
BEGIN
    IF ours IS NULL OR NOT qms.may_write() THEN
        RAISE EXCEPTION 'your roles let you read, not write' USING ERRCODE = 'QM022';
    END IF;
    IF length(btrim(coalesce(why, ''))) < 10 THEN
        RAISE EXCEPTION 'that a clause does not apply needs a justification' USING ERRCODE = 'QM024',
        HINT = 'Say which activity or product the organization does not have.';
    END IF;
    PERFORM qms_private.lock_trail(ours);
    SELECT c.* INTO clause FROM qms.clauses AS c WHERE c.id = of_clause AND c.kind <> 'reference';
    IF clause.id IS NULL THEN
        RAISE EXCEPTION 'there is no such clause' USING ERRCODE = 'QM023';
    END IF;
    SELECT r.* INTO row_
    FROM qms.compliance_records AS r
    WHERE r.organization_id = ours AND r.clause_id = clause.id
    ORDER BY r.applicability DESC, r.created_at DESC
    LIMIT 1;
    IF row_.id IS NULL THEN
        INSERT INTO qms.compliance_records (
            organization_id, standard, requirement, clause_id, applicability, justification, proposed_by, proposed_kind,
            proposed_at
        )
        SELECT
            ours, f.name, clause.number || ' ' || clause.title, clause.id, 'not_applicable', btrim(why),
            qms.current_user_id(), qms.current_actor_kind(), clock_timestamp()
        FROM qms.frameworks AS f WHERE f.id = clause.framework_id
        RETURNING * INTO row_;
    ELSIF row_.applicability = 'applicable' OR row_.justification <> btrim(why) THEN
        UPDATE qms.compliance_records AS r
        SET
            applicability = 'not_applicable', justification = btrim(why), proposed_by = qms.current_user_id(),
            proposed_kind = qms.current_actor_kind(), proposed_at = clock_timestamp(), adopted_by = NULL,
            adopted_at = NULL
        WHERE r.id = row_.id
        RETURNING * INTO row_;
    END IF;
    IF row_.adopted_at IS NULL THEN
        SELECT a.id INTO waiting
        FROM qms.approvals AS a
        WHERE
            a.subject_id = row_.id AND a.content = qms_private.exclusion_text(row_) AND a.state = 'pending'
            AND a.created_at >= row_.proposed_at AND a.expires_at > clock_timestamp()
        LIMIT 1;
        IF waiting IS NULL THEN
            INSERT INTO qms.approvals (
                organization_id, tool, subject_id, content, content_sha256, summary, requested_by, requested_kind,
                reason, client_name, created_at
            )
            SELECT
                ours, 'exclude_clause', row_.id, t.content, encode(sha256(convert_to(t.content, 'UTF8')), 'hex'),
                'Adopt that a clause does not apply: ' || row_.standard || ', ' || row_.requirement,
                qms.current_user_id(), qms.current_actor_kind(), coalesce(qms.written_reason(), btrim(why)),
                nullif(current_setting('qms.client', true), ''), clock_timestamp()
            FROM (SELECT qms_private.exclusion_text(row_) AS content) AS t
            RETURNING id INTO waiting;
            PERFORM qms_private.note_event(
                ours, 'qms.approvals', waiting, 'requested',
                jsonb_build_object('tool', 'exclude_clause', 'compliance_record_id', row_.id)
            );
        END IF;
    END IF;
    RETURN QUERY SELECT row_.id, waiting, row_.adopted_at IS NOT NULL;
END
$$;

ALTER FUNCTION qms.propose_exclusion(of_clause uuid, why text) OWNER TO qms_definer;

-- Name: FUNCTION propose_exclusion(of_clause uuid, why text); Type: COMMENT; Schema: qms; Owner: qms_definer

COMMENT ON FUNCTION qms.propose_exclusion(of_clause uuid, why text) IS 'Proposes that a clause does not apply, with the justification, and asks a person to adopt it. Until then it applies.';

-- Name: record_change(); Type: FUNCTION; Schema: qms; Owner: qms_definer

CREATE FUNCTION qms.record_change() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
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

ALTER FUNCTION qms.record_change() OWNER TO qms_definer;

-- Name: FUNCTION record_change(); Type: COMMENT; Schema: qms; Owner: qms_definer

COMMENT ON FUNCTION qms.record_change() IS 'Writes the audit entry of a change in the same transaction.';

-- Name: record_content(uuid); Type: FUNCTION; Schema: qms; Owner: qms_owner

CREATE FUNCTION qms.record_content(record_id uuid) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    AS $_$
DECLARE
    item qms.quality_items;
    own_table text;
    own jsonb;
    part text;
    rows_of_part jsonb;
    content jsonb;
BEGIN
    SELECT i.* INTO item FROM qms.quality_items AS i WHERE i.id = record_content.record_id;
    SELECT t.table_name INTO own_table FROM qms.record_types AS t WHERE t.category = item.category;
    content := to_jsonb(item) - ARRAY[
        'embedding', 'updated_at', 'version', 'status', 'state_since', 'closed_at', 'escalation_level', 'legal_hold',
        'touched_by_transaction', 'adopted_by', 'adopted_at', 'definition_id', 'drafted_by_kind', 'due_date'
    ];
    content := jsonb_set(content, '{created_at}', to_jsonb((extract(epoch FROM item.created_at) * 1000000)::bigint));
    IF item.occurred_at IS NOT NULL THEN
        content := jsonb_set(content, '{occurred_at}', to_jsonb((extract(epoch FROM item.occurred_at) * 1000000)::bigint));
    END IF;
    IF own_table IS NOT NULL THEN
        -- Left out is what steps write, and only that: the day a field action is to be reported by, people write.
        EXECUTE format('SELECT to_jsonb(t) - ARRAY[''id'', ''organization_id'', ''created_at'', ''effective_from'', ''effective_to'', ''is_effective'', ''acknowledged_at'', ''verdict'', ''verdict_by'', ''cycle'', ''reportable'', ''reportability_decided_by'', ''next_review_on'', ''replaced_by'', ''last_calibrated_on'', ''calibration_due_on''] FROM qms.%I AS t WHERE t.id = $1', own_table)
        INTO own USING item.id;
        IF own_table = 'complaints' THEN
            own := own - 'report_due_on';
        END IF;
    END IF;
    content := content || jsonb_build_object('details', coalesce(own, '{}'));
    FOR part IN SELECT p.table_name FROM qms.record_parts AS p WHERE p.table_name <> 'record_notes' ORDER BY p.table_name LOOP
        EXECUTE format(
            'SELECT jsonb_agg(to_jsonb(t) - ARRAY[''organization_id'', ''record_id'', ''created_at'', ''accepted_by'', ''accepted_at'', ''decided_by'', ''decided_at''] ORDER BY t.created_at, t.id) FROM qms.%I AS t WHERE t.record_id = $1', part
        ) INTO rows_of_part USING item.id;
        IF rows_of_part IS NOT NULL THEN
            content := content || jsonb_build_object(part, rows_of_part);
        END IF;
    END LOOP;
    -- A column added later is empty in what was signed before, and changes nothing about it.
    RETURN jsonb_strip_nulls(content);
END
$_$;

ALTER FUNCTION qms.record_content(record_id uuid) OWNER TO qms_owner;

-- Name: FUNCTION record_content(record_id uuid); Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON FUNCTION qms.record_content(record_id uuid) IS 'What a person signs: fields and parts of a record in one canonical object, without state and version.';

-- Name: record_entry(); Type: FUNCTION; Schema: qms; Owner: qms_definer

CREATE FUNCTION qms.record_entry() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
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

ALTER FUNCTION qms.record_entry() OWNER TO qms_definer;

-- Name: FUNCTION record_entry(); Type: COMMENT; Schema: qms; Owner: qms_definer

COMMENT ON FUNCTION qms.record_entry() IS 'Writes the audit entry of a change of a regulated table. Its argument names the column that holds the record. Tables of a site use qms.record_change(); chain_entry completes what that leaves out.';

-- Name: record_neighbours(uuid, integer); Type: FUNCTION; Schema: qms; Owner: qms_owner

CREATE FUNCTION qms.record_neighbours(of_record uuid, most integer) RETURNS TABLE(kind text, outgoing boolean, other_id uuid)
    LANGUAGE plpgsql STABLE ROWS 50
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
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

ALTER FUNCTION qms.record_neighbours(of_record uuid, most integer) OWNER TO qms_owner;

-- Name: FUNCTION record_neighbours(of_record uuid, most integer); Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON FUNCTION qms.record_neighbours(of_record uuid, most integer) IS 'What a record hangs together with, and how: the first ones of those it names, and of those that name it.';

-- Name: record_parts_of(uuid, integer); Type: FUNCTION; Schema: qms; Owner: qms_owner

CREATE FUNCTION qms.record_parts_of(of_record uuid, at_most integer) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$DECLARE ours uuid := qms.current_organization_id(); BEGIN RETURN (SELECT coalesce(jsonb_object_agg(k.part, jsonb_build_object('count', k.held, 'entries', k.entries)), '{}') FROM (SELECT 'calibrations' AS part, (SELECT count(*) FROM qms.calibrations AS c WHERE c.organization_id = ours AND c.record_id = of_record) AS held, jsonb_agg(l.entry) AS entries FROM (SELECT jsonb_strip_nulls(to_jsonb(t) - ARRAY['organization_id', 'record_id']) AS entry FROM qms.calibrations AS t WHERE t.organization_id = ours AND t.record_id = of_record ORDER BY t.created_at, t.id LIMIT at_most) AS l HAVING count(*) > 0 UNION ALL SELECT 'capa_actions' AS part, (SELECT count(*) FROM qms.capa_actions AS c WHERE c.organization_id = ours AND c.record_id = of_record) AS held, jsonb_agg(l.entry) AS entries FROM (SELECT jsonb_strip_nulls(to_jsonb(t) - ARRAY['organization_id', 'record_id']) AS entry FROM qms.capa_actions AS t WHERE t.organization_id = ours AND t.record_id = of_record ORDER BY t.created_at, t.id LIMIT at_most) AS l HAVING count(*) > 0 UNION ALL SELECT 'dispositions' AS part, (SELECT count(*) FROM qms.dispositions AS c WHERE c.organization_id = ours AND c.record_id = of_record) AS held, jsonb_agg(l.entry) AS entries FROM (SELECT jsonb_strip_nulls(to_jsonb(t) - ARRAY['organization_id', 'record_id']) AS entry FROM qms.dispositions AS t WHERE t.organization_id = ours AND t.record_id = of_record ORDER BY t.created_at, t.id LIMIT at_most) AS l HAVING count(*) > 0 UNION ALL SELECT 'document_files' AS part, (SELECT count(*) FROM qms.document_files AS c WHERE c.organization_id = ours AND c.record_id = of_record) AS held, jsonb_agg(l.entry) AS entries FROM (SELECT jsonb_strip_nulls(to_jsonb(t) - ARRAY['organization_id', 'record_id']) AS entry FROM qms.document_files AS t WHERE t.organization_id = ours AND t.record_id = of_record ORDER BY t.created_at, t.id LIMIT at_most) AS l HAVING count(*) > 0 UNION ALL SELECT 'effectiveness_checks' AS part, (SELECT count(*) FROM qms.effectiveness_checks AS c WHERE c.organization_id = ours AND c.record_id = of_record) AS held, jsonb_agg(l.entry) AS entries FROM (SELECT jsonb_strip_nulls(to_jsonb(t) - ARRAY['organization_id', 'record_id']) AS entry FROM qms.effectiveness_checks AS t WHERE t.organization_id = ours AND t.record_id = of_record ORDER BY t.created_at, t.id LIMIT at_most) AS l HAVING count(*) > 0 UNION ALL SELECT 'evidence' AS part, (SELECT count(*) FROM qms.evidence AS c WHERE c.organization_id = ours AND c.record_id = of_record) AS held, jsonb_agg(l.entry) AS entries FROM (SELECT jsonb_strip_nulls(to_jsonb(t) - ARRAY['organization_id', 'record_id']) AS entry FROM qms.evidence AS t WHERE t.organization_id = ours AND t.record_id = of_record ORDER BY t.created_at, t.id LIMIT at_most) AS l HAVING count(*) > 0 UNION ALL SELECT 'impact_assessments' AS part, (SELECT count(*) FROM qms.impact_assessments AS c WHERE c.organization_id = ours AND c.record_id = of_record) AS held, jsonb_agg(l.entry) AS entries FROM (SELECT jsonb_strip_nulls(to_jsonb(t) - ARRAY['organization_id', 'record_id']) AS entry FROM qms.impact_assessments AS t WHERE t.organization_id = ours AND t.record_id = of_record ORDER BY t.created_at, t.id LIMIT at_most) AS l HAVING count(*) > 0 UNION ALL SELECT 'record_notes' AS part, (SELECT count(*) FROM qms.record_notes AS c WHERE c.organization_id = ours AND c.record_id = of_record) AS held, jsonb_agg(l.entry) AS entries FROM (SELECT jsonb_strip_nulls(to_jsonb(t) - ARRAY['organization_id', 'record_id']) AS entry FROM qms.record_notes AS t WHERE t.organization_id = ours AND t.record_id = of_record ORDER BY t.created_at, t.id LIMIT at_most) AS l HAVING count(*) > 0 UNION ALL SELECT 'reportability_assessments' AS part, (SELECT count(*) FROM qms.reportability_assessments AS c WHERE c.organization_id = ours AND c.record_id = of_record) AS held, jsonb_agg(l.entry) AS entries FROM (SELECT jsonb_strip_nulls(to_jsonb(t) - ARRAY['organization_id', 'record_id']) AS entry FROM qms.reportability_assessments AS t WHERE t.organization_id = ours AND t.record_id = of_record ORDER BY t.created_at, t.id LIMIT at_most) AS l HAVING count(*) > 0 UNION ALL SELECT 'required_signatures' AS part, (SELECT count(*) FROM qms.required_signatures AS c WHERE c.organization_id = ours AND c.record_id = of_record) AS held, jsonb_agg(l.entry) AS entries FROM (SELECT jsonb_strip_nulls(to_jsonb(t) - ARRAY['organization_id', 'record_id']) AS entry FROM qms.required_signatures AS t WHERE t.organization_id = ours AND t.record_id = of_record ORDER BY t.created_at, t.id LIMIT at_most) AS l HAVING count(*) > 0 UNION ALL SELECT 'risk_controls' AS part, (SELECT count(*) FROM qms.risk_controls AS c WHERE c.organization_id = ours AND c.record_id = of_record) AS held, jsonb_agg(l.entry) AS entries FROM (SELECT jsonb_strip_nulls(to_jsonb(t) - ARRAY['organization_id', 'record_id']) AS entry FROM qms.risk_controls AS t WHERE t.organization_id = ours AND t.record_id = of_record ORDER BY t.created_at, t.id LIMIT at_most) AS l HAVING count(*) > 0 UNION ALL SELECT 'root_causes' AS part, (SELECT count(*) FROM qms.root_causes AS c WHERE c.organization_id = ours AND c.record_id = of_record) AS held, jsonb_agg(l.entry) AS entries FROM (SELECT jsonb_strip_nulls(to_jsonb(t) - ARRAY['organization_id', 'record_id']) AS entry FROM qms.root_causes AS t WHERE t.organization_id = ours AND t.record_id = of_record ORDER BY t.created_at, t.id LIMIT at_most) AS l HAVING count(*) > 0) AS k); END $$;

ALTER FUNCTION qms.record_parts_of(of_record uuid, at_most integer) OWNER TO qms_owner;

-- Name: FUNCTION record_parts_of(of_record uuid, at_most integer); Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON FUNCTION qms.record_parts_of(of_record uuid, at_most integer) IS 'The parts of a record by kind: how many there are, and the first ones.';

-- Name: record_sha256(uuid); Type: FUNCTION; Schema: qms; Owner: qms_owner

CREATE FUNCTION qms.record_sha256(record_id uuid) RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$SELECT encode(sha256(convert_to(qms.record_content(record_id)::text, 'UTF8')), 'hex')$$;

ALTER FUNCTION qms.record_sha256(record_id uuid) OWNER TO qms_owner;

-- Name: FUNCTION record_sha256(record_id uuid); Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON FUNCTION qms.record_sha256(record_id uuid) IS 'The hash a signature is bound to.';

-- Name: refuse_change(); Type: FUNCTION; Schema: qms; Owner: qms_owner

CREATE FUNCTION qms.refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    RAISE EXCEPTION '%.% is append-only: % is refused', tg_table_schema, tg_table_name, tg_op
    USING ERRCODE = 'QM003';
END
$$;

ALTER FUNCTION qms.refuse_change() OWNER TO qms_owner;

-- Name: FUNCTION refuse_change(); Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON FUNCTION qms.refuse_change() IS 'Refuses what would alter or remove recorded rows.';

-- Name: refuse_locked(qms.quality_items, text[], text); Type: FUNCTION; Schema: qms; Owner: qms_owner

CREATE FUNCTION qms.refuse_locked(item qms.quality_items, changed text[], of_part text) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    state jsonb;
    wrong text;
BEGIN
    SELECT d.body -> 'states' -> item.status INTO state
    FROM qms.workflow_definitions AS d
    -- A record of the time before there were workflows is locked as the shipped one says.
    WHERE d.id = item.definition_id OR (
        item.definition_id IS NULL AND d.category = item.category AND d.organization_id IS NULL
    )
    ORDER BY d.version DESC LIMIT 1;
    IF coalesce(jsonb_array_length(state -> 'locked'), 0) = 0 THEN
        RETURN;
    END IF;
    SELECT c.field INTO wrong
    FROM unnest(changed) AS c (field)
    WHERE
        state -> 'locked' ?| CASE WHEN of_part IS NULL THEN ARRAY['*', c.field] ELSE ARRAY['*', of_part, of_part || '.' || c.field] END
        AND NOT coalesce(
            CASE
                WHEN of_part IS NULL THEN state -> 'open' ? c.field
                ELSE state -> 'open' ?| ARRAY[of_part, of_part || '.' || c.field]
            END, false
        )
    LIMIT 1;
    IF wrong IS NOT NULL THEN
        RAISE EXCEPTION '% can''t be changed: % is in state "%", which locks it',
        CASE WHEN of_part IS NULL OR wrong = of_part THEN wrong ELSE of_part || '.' || wrong END, item.number, item.status
        USING ERRCODE = 'QM021', HINT = 'get_record says what is possible in this state.';
    END IF;
END
$$;

ALTER FUNCTION qms.refuse_locked(item qms.quality_items, changed text[], of_part text) OWNER TO qms_owner;

-- Name: FUNCTION refuse_locked(item qms.quality_items, changed text[], of_part text); Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON FUNCTION qms.refuse_locked(item qms.quality_items, changed text[], of_part text) IS 'Refuses a change of what the state of a record locks (error QM021).';

-- Name: refuse_strangers(jsonb, jsonb); Type: FUNCTION; Schema: qms; Owner: qms_owner

CREATE FUNCTION qms.refuse_strangers(before jsonb, after jsonb) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    named text;
BEGIN
    FOREACH named IN ARRAY ARRAY[
        'owner_id', 'signer_id', 'author_id', 'area_responsible', 'lead_auditor', 'trainee_id', 'trainer_id'
    ] LOOP
        IF after ->> named IS NOT NULL AND before -> named IS DISTINCT FROM after -> named
            AND qms.current_user_id() IS NOT NULL AND NOT qms.is_colleague((after ->> named)::uuid) THEN
            RAISE EXCEPTION '% must be somebody of this organization', named USING ERRCODE = 'QM024';
        END IF;
    END LOOP;
END
$$;

ALTER FUNCTION qms.refuse_strangers(before jsonb, after jsonb) OWNER TO qms_owner;

-- Name: FUNCTION refuse_strangers(before jsonb, after jsonb); Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON FUNCTION qms.refuse_strangers(before jsonb, after jsonb) IS 'Whoever a caller newly names as owner, signer, author, trainee and so on belongs to the organization (error QM024).';

-- Name: refuse_unknown(jsonb, text[], text); Type: FUNCTION; Schema: qms; Owner: qms_owner

CREATE FUNCTION qms.refuse_unknown(fields jsonb, known text[], of_what text) RETURNS void
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    wrong text;
BEGIN
    SELECT string_agg(quote_literal(k.field), ', ') INTO wrong
    FROM jsonb_object_keys(fields) AS k (field) WHERE k.field <> ALL (known);
    IF wrong IS NOT NULL THEN
        RAISE EXCEPTION '% has no field % that can be written here', of_what, wrong
        USING ERRCODE = 'QM024', HINT = 'Fields: ' || array_to_string(known, ', ') || '.';
    END IF;
END
$$;

ALTER FUNCTION qms.refuse_unknown(fields jsonb, known text[], of_what text) OWNER TO qms_owner;

-- Name: FUNCTION refuse_unknown(fields jsonb, known text[], of_what text); Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON FUNCTION qms.refuse_unknown(fields jsonb, known text[], of_what text) IS 'Refuses fields that do not exist, and names those that do (error QM024).';

-- Name: approvals; Type: TABLE; Schema: qms; Owner: qms_owner

CREATE TABLE qms.approvals (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    tool text NOT NULL,
    subject_id uuid NOT NULL,
    content_sha256 text NOT NULL,
    summary text NOT NULL,
    content text NOT NULL,
    requested_by uuid NOT NULL,
    requested_kind text NOT NULL,
    reason text NOT NULL,
    client_name text,
    state text DEFAULT 'pending'::text NOT NULL,
    expires_at timestamp with time zone DEFAULT (now() + '7 days'::interval) NOT NULL,
    decided_by uuid,
    decided_at timestamp with time zone,
    decision_reason text,
    channel text,
    used_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    record_id uuid,
    record_version integer,
    record_sha256 text,
    to_state text,
    meaning text,
    CONSTRAINT approvals_channel_check CHECK ((channel = ANY (ARRAY['terminal'::text, 'elicitation'::text, 'page'::text]))),
    CONSTRAINT approvals_content_sha256_check CHECK ((content_sha256 ~ '^[0-9a-f]{64}$'::text)),
    CONSTRAINT approvals_requested_kind_check CHECK ((requested_kind = ANY (ARRAY['human'::text, 'agent'::text, 'system'::text]))),
    CONSTRAINT approvals_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'approved'::text, 'rejected'::text, 'used'::text]))),
    CONSTRAINT bound_to_a_version CHECK (((record_id IS NULL) = ((record_version IS NULL) OR (record_sha256 IS NULL)))),
    CONSTRAINT decided_by_someone CHECK (((state = 'pending'::text) = ((decided_by IS NULL) AND (decided_at IS NULL) AND (channel IS NULL)))),
    CONSTRAINT hash_of_content CHECK ((content_sha256 = encode(sha256(convert_to(content, 'UTF8'::name)), 'hex'::text))),
    CONSTRAINT records_are_signed_on_the_page CHECK (((channel IS NULL) OR (channel = 'page'::text) OR (tool = ANY (ARRAY['apply_migration'::text, 'transform_data'::text])))),
    CONSTRAINT used_when_used CHECK (((state = 'used'::text) = (used_at IS NOT NULL)))
);

ALTER TABLE ONLY qms.approvals FORCE ROW LEVEL SECURITY;

ALTER TABLE qms.approvals OWNER TO qms_owner;

-- Name: TABLE approvals; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON TABLE qms.approvals IS 'What a person has to decide: bound to the sha256 of exactly what will run, single use, expiring.';

-- Name: COLUMN approvals.content; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON COLUMN qms.approvals.content IS 'What the person is shown and what will run.';

-- Name: COLUMN approvals.channel; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON COLUMN qms.approvals.channel IS 'terminal: password asked on the terminal. elicitation: confirmed in the client. page: approval page.';

-- Name: COLUMN approvals.meaning; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON COLUMN qms.approvals.meaning IS 'What the signature will mean: approval, review, disposition, effectiveness, ...';

-- Name: request_decision(uuid, integer, text, text, text); Type: FUNCTION; Schema: qms; Owner: qms_definer

CREATE FUNCTION qms.request_decision(record_id uuid, expected_version integer, to_state text, meaning text, reason text) RETURNS qms.approvals
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    item qms.quality_items;
    edge jsonb;
    why text [];
    standing qms.approvals;
    shown text;
    for_tool text := CASE WHEN to_state IS NULL THEN 'request_signature' ELSE 'transition_record' END;
BEGIN
    PERFORM set_config('qms.reason', request_decision.reason, true);
    IF coalesce(length(qms.written_reason()), 0) < 10 THEN
        RAISE EXCEPTION 'a request needs a reason of at least 10 characters' USING ERRCODE = 'QM024',
        HINT = 'The person who decides reads it.';
    END IF;
    item := qms_private.seen(request_decision.record_id, request_decision.expected_version);
    IF NOT qms.may_keep_records() THEN
        RAISE EXCEPTION 'whoever is only an auditor or administrator changes no record' USING ERRCODE = 'QM022';
    END IF;
    IF to_state IS NOT NULL THEN
        edge := qms_private.edge_to(item, to_state);
        IF NOT coalesce((edge ->> 'person')::boolean, false) THEN
            RAISE EXCEPTION '"%" of % needs no signature', edge ->> 'name', item.number USING ERRCODE = 'QM021',
            HINT = 'transition_record does it at once.';
        END IF;
        why := qms_private.blocked_by(item, edge, 'record', qms.current_user_id());
        IF cardinality(why) > 0 THEN
            RAISE EXCEPTION '"%" of % is blocked: %', edge ->> 'name', item.number, array_to_string(why, '; ')
            USING ERRCODE = 'QM021', HINT = 'Settle these first; get_record lists what blocks each step.';
        END IF;
    ELSIF btrim(coalesce(request_decision.meaning, '')) = '' THEN
        RAISE EXCEPTION 'a signature has a meaning' USING ERRCODE = 'QM024',
        HINT = 'authorship, review, approval, responsibility or verification.';
    END IF;
    SELECT a.* INTO standing
    FROM qms.approvals AS a
    WHERE
        a.organization_id = item.organization_id AND a.record_id = item.id AND a.record_version = item.version
        AND a.tool = for_tool AND a.to_state IS NOT DISTINCT FROM request_decision.to_state
        AND a.meaning = coalesce(edge ->> 'meaning', request_decision.meaning)
        AND a.state = 'pending' AND a.expires_at > clock_timestamp()
    LIMIT 1;
    IF standing.id IS NOT NULL THEN
        RETURN standing;
    END IF;
    shown := jsonb_pretty(jsonb_build_object(
        'step', coalesce(edge ->> 'name', 'signature'), 'from', item.status, 'to', to_state,
        'meaning', coalesce(edge ->> 'meaning', request_decision.meaning), 'record', item.number, 'version', item.version,
        'content', qms.record_content(item.id)
    ));
    INSERT INTO qms.approvals (
        organization_id, tool, subject_id, content_sha256, summary, content, requested_by, requested_kind, reason,
        client_name, record_id, record_version, record_sha256, to_state, meaning
    )
    VALUES (
        item.organization_id, for_tool, item.id, encode(sha256(convert_to(shown, 'UTF8')), 'hex'),
        CASE
            WHEN to_state IS NULL THEN format('Sign %s v%s: %s', item.number, item.version, item.title)
            ELSE format('%s %s v%s: %s', initcap(replace(edge ->> 'name', '_', ' ')), item.number, item.version, item.title)
        END,
        shown, qms.current_user_id(), qms.current_actor_kind(), qms.written_reason(),
        nullif(current_setting('qms.client', true), ''), item.id, item.version, qms.record_sha256(item.id), to_state,
        coalesce(edge ->> 'meaning', request_decision.meaning)
    )
    RETURNING * INTO standing;
    PERFORM qms_private.write_entry(
        item.organization_id, 'qms.approvals', standing.id, 'requested', item.id, item.version, NULL, NULL,
        jsonb_build_object('to_state', to_state, 'meaning', standing.meaning, 'record_sha256', standing.record_sha256)
    );
    RETURN standing;
END
$$;

ALTER FUNCTION qms.request_decision(record_id uuid, expected_version integer, to_state text, meaning text, reason text) OWNER TO qms_definer;

-- Name: FUNCTION request_decision(record_id uuid, expected_version integer, to_state text, meaning text, reason text); Type: COMMENT; Schema: qms; Owner: qms_definer

COMMENT ON FUNCTION qms.request_decision(record_id uuid, expected_version integer, to_state text, meaning text, reason text) IS 'Asks a person to take a step or to sign, for exactly this version of a record. Asked twice, it is one request.';

-- Name: request_workflow(text, jsonb, text); Type: FUNCTION; Schema: qms; Owner: qms_definer

CREATE FUNCTION qms.request_workflow(of_category text, new_body jsonb, reason text) RETURNS qms.approvals
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    ours uuid := qms.current_organization_id();
    active qms.workflow_definitions := qms_private.definition_for(ours, of_category);
    wrong text [] := qms.workflow_problems(of_category, new_body);
    draft uuid;
    asked qms.approvals;
    shown text := jsonb_pretty(new_body);
BEGIN
    PERFORM set_config('qms.reason', request_workflow.reason, true);
    IF NOT qms.has_role('admin') THEN
        RAISE EXCEPTION 'only the role admin drafts a workflow' USING ERRCODE = 'QM022';
    END IF;
    IF coalesce(length(qms.written_reason()), 0) < 10 THEN
        RAISE EXCEPTION 'a change of a workflow needs a reason of at least 10 characters' USING ERRCODE = 'QM024';
    END IF;
    IF active.id IS NULL THEN
        RAISE EXCEPTION 'there is no record type %', quote_nullable(of_category) USING ERRCODE = 'QM024';
    END IF;
    IF cardinality(wrong) > 0 THEN
        RAISE EXCEPTION 'this % workflow can''t be used: %', of_category, array_to_string(wrong, '; ')
        USING ERRCODE = 'QM024', HINT = 'An organization may add steps and guards; those shipped stay.';
    END IF;
    PERFORM qms_private.lock_trail(ours);
    INSERT INTO qms.workflow_drafts (organization_id, category, based_on, body, reason, drafted_by, drafted_kind)
    VALUES (ours, of_category, active.version, new_body, qms.written_reason(), qms.current_user_id(), qms.current_actor_kind())
    RETURNING id INTO draft;
    INSERT INTO qms.approvals (
        organization_id, tool, subject_id, content_sha256, summary, content, requested_by, requested_kind, reason,
        client_name, meaning
    )
    VALUES (
        ours, 'change_workflow', draft, encode(sha256(convert_to(shown, 'UTF8')), 'hex'),
        format('Change the workflow of %s (version %s)', of_category, active.version + 1), shown,
        qms.current_user_id(), qms.current_actor_kind(), qms.written_reason(),
        nullif(current_setting('qms.client', true), ''), 'approval'
    )
    RETURNING * INTO asked;
    PERFORM qms_private.write_entry(
        ours, 'qms.approvals', asked.id, 'requested', NULL, NULL, NULL, NULL,
        jsonb_build_object('workflow', of_category, 'content_sha256', asked.content_sha256)
    );
    RETURN asked;
END
$$;

ALTER FUNCTION qms.request_workflow(of_category text, new_body jsonb, reason text) OWNER TO qms_definer;

-- Name: FUNCTION request_workflow(of_category text, new_body jsonb, reason text); Type: COMMENT; Schema: qms; Owner: qms_definer

COMMENT ON FUNCTION qms.request_workflow(of_category text, new_body jsonb, reason text) IS 'Proposes a state machine for the caller''s organization; somebody who holds qa_approver and did not draft it decides.';

-- Name: risk_rank(text); Type: FUNCTION; Schema: qms; Owner: qms_owner

CREATE FUNCTION qms.risk_rank(risk_class text) RETURNS integer
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$SELECT CASE risk_class WHEN 'critical' THEN 1 WHEN 'high' THEN 2 WHEN 'medium' THEN 3 WHEN 'low' THEN 4 ELSE 5 END$$;

ALTER FUNCTION qms.risk_rank(risk_class text) OWNER TO qms_owner;

-- Name: FUNCTION risk_rank(risk_class text); Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON FUNCTION qms.risk_rank(risk_class text) IS 'The place of a risk class when the gravest comes first; without one, last.';

-- Name: said(text); Type: FUNCTION; Schema: qms; Owner: qms_owner

CREATE FUNCTION qms.said(value text) RETURNS text
    LANGUAGE sql IMMUTABLE
    RETURN NULLIF(btrim(value, ' 	

 ­ ᠎           ​‌‍    ⁠⠀　ㅤ﻿'::text), ''::text);

ALTER FUNCTION qms.said(value text) OWNER TO qms_owner;

-- Name: FUNCTION said(value text); Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON FUNCTION qms.said(value text) IS 'A text without the white space around it; null when there is nothing else to it.';

-- Name: seen_version(uuid, integer); Type: FUNCTION; Schema: qms; Owner: qms_owner

CREATE FUNCTION qms.seen_version(record_id uuid, expected_version integer) RETURNS qms.quality_items
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    item qms.quality_items;
BEGIN
    PERFORM qms.take_turn();
    SELECT i.* INTO item
    FROM qms.quality_items AS i
    WHERE i.id = seen_version.record_id AND i.organization_id = qms.current_organization_id();
    IF item.id IS NULL THEN
        RAISE EXCEPTION 'there is no such record' USING ERRCODE = 'QM023', HINT = 'list_records or search find it.';
    END IF;
    IF expected_version IS NOT NULL AND item.version <> expected_version THEN
        RAISE EXCEPTION '% is at version % now, not %', item.number, item.version, expected_version
        USING ERRCODE = 'QM020', HINT = 'Read it again with get_record, look at what changed, and repeat.';
    END IF;
    RETURN item;
END
$$;

ALTER FUNCTION qms.seen_version(record_id uuid, expected_version integer) OWNER TO qms_owner;

-- Name: FUNCTION seen_version(record_id uuid, expected_version integer); Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON FUNCTION qms.seen_version(record_id uuid, expected_version integer) IS 'The record, if it still has the version its caller saw (error QM020 otherwise); nobody else changes it until the transaction ends.';

-- Name: signature_status(uuid); Type: FUNCTION; Schema: qms; Owner: qms_owner

CREATE FUNCTION qms.signature_status(record_id uuid) RETURNS TABLE(id uuid, approval_id uuid, record_version integer, signer_id uuid, printed_name text, meaning text, verdict text, reason text, to_state text, signed_at timestamp with time zone, zone text, components integer, status text, changed text[], words text)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT
        s.id, s.approval_id, s.record_version, s.signer_id, s.printed_name, s.meaning, s.verdict, s.reason, s.to_state,
        s.signed_at, s.zone, s.components,
        CASE
            WHEN s.content_sha256 <> encode(sha256(convert_to(s.content::text, 'UTF8')), 'hex') THEN 'broken'
            -- When the next step is due follows from the state, which is not what was signed.
            WHEN s.content - 'due_date' IS DISTINCT FROM n.content - 'due_date' THEN 'content_changed'
            ELSE 'valid'
        END,
        qms.changed_paths(s.content - 'due_date', n.content - 'due_date'),
        qms.signature_words(s)
    FROM qms.signatures AS s
    CROSS JOIN LATERAL (SELECT qms.record_content(s.record_id) AS content OFFSET 0) AS n
    WHERE s.record_id = signature_status.record_id
    ORDER BY s.signed_at, s.id
$$;

ALTER FUNCTION qms.signature_status(record_id uuid) OWNER TO qms_owner;

-- Name: FUNCTION signature_status(record_id uuid); Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON FUNCTION qms.signature_status(record_id uuid) IS 'The signatures of a record, checked now. valid: the record still is what was signed. content_changed: it is not, `changed` says where. broken: the signature itself was altered.';

-- Name: signatures; Type: TABLE; Schema: qms; Owner: qms_owner

CREATE TABLE qms.signatures (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    record_id uuid NOT NULL,
    record_version integer NOT NULL,
    content jsonb NOT NULL,
    content_sha256 text NOT NULL,
    signer_id uuid NOT NULL,
    printed_name text NOT NULL,
    meaning text NOT NULL,
    verdict text NOT NULL,
    reason text NOT NULL,
    to_state text,
    zone text NOT NULL,
    components integer NOT NULL,
    approval_id uuid NOT NULL,
    signed_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT rejected_with_reason CHECK (((verdict = 'signed'::text) OR (length(btrim(reason)) >= 10))),
    CONSTRAINT signatures_check CHECK ((content_sha256 = encode(sha256(convert_to((content)::text, 'UTF8'::name)), 'hex'::text))),
    CONSTRAINT signatures_components_check CHECK (((components >= 0) AND (components <= 2))),
    CONSTRAINT signatures_meaning_check CHECK ((btrim(meaning) <> ''::text)),
    CONSTRAINT signatures_printed_name_check CHECK ((btrim(printed_name) <> ''::text)),
    CONSTRAINT signatures_record_version_check CHECK ((record_version > 0)),
    CONSTRAINT signatures_verdict_check CHECK ((verdict = ANY (ARRAY['signed'::text, 'rejected'::text])))
);
ALTER TABLE ONLY qms.signatures ALTER COLUMN content SET STATISTICS 0;
ALTER TABLE ONLY qms.signatures ALTER COLUMN reason SET STATISTICS 0;

ALTER TABLE ONLY qms.signatures FORCE ROW LEVEL SECURITY;

ALTER TABLE qms.signatures OWNER TO qms_owner;

-- Name: TABLE signatures; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON TABLE qms.signatures IS 'What people signed or rejected: the name as it was then, when, in which zone, what it means, and the very content. Only the deciding function writes here.';

-- Name: COLUMN signatures.zone; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON COLUMN qms.signatures.zone IS 'IANA zone of the person who signed.';

-- Name: COLUMN signatures.components; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON COLUMN qms.signatures.components IS '2: user id and password. 1: password, later in the same session. 0: a recorded approval, in an organization that set signatures to that.';

-- Name: signature_words(qms.signatures); Type: FUNCTION; Schema: qms; Owner: qms_owner

CREATE FUNCTION qms.signature_words(signature qms.signatures) RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT
        CASE
            WHEN signature.verdict = 'rejected' THEN 'Rejected'
            WHEN signature.components = 0 THEN 'Recorded approval'
            ELSE 'Signed'
        END
        || ' by ' || signature.printed_name || ', ' || signature.meaning || ', '
        || to_char(signature.signed_at AT TIME ZONE signature.zone, 'YYYY-MM-DD HH24:MI:SS') || ' ' || signature.zone
        || ' (' || to_char(signature.signed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') || ' UTC)'
        || CASE WHEN signature.verdict = 'rejected' THEN ': ' || signature.reason ELSE '' END
$$;

ALTER FUNCTION qms.signature_words(signature qms.signatures) OWNER TO qms_owner;

-- Name: FUNCTION signature_words(signature qms.signatures); Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON FUNCTION qms.signature_words(signature qms.signatures) IS 'How a signature reads wherever its record is shown: printed name, meaning, time in the signer''s zone and in UTC.';

-- Name: take_trail_turn(); Type: FUNCTION; Schema: qms; Owner: qms_definer

CREATE FUNCTION qms.take_trail_turn() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
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

ALTER FUNCTION qms.take_trail_turn() OWNER TO qms_definer;

-- Name: FUNCTION take_trail_turn(); Type: COMMENT; Schema: qms; Owner: qms_definer

COMMENT ON FUNCTION qms.take_trail_turn() IS 'Statement trigger of every regulated table: no write without a reason, and one writer at a time per organization.';

-- Name: take_turn(); Type: FUNCTION; Schema: qms; Owner: qms_definer

CREATE FUNCTION qms.take_turn() RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$SELECT qms_private.lock_trail(o.ours) FROM (SELECT qms.current_organization_id() AS ours) AS o WHERE o.ours IS NOT NULL$$;

ALTER FUNCTION qms.take_turn() OWNER TO qms_definer;

-- Name: FUNCTION take_turn(); Type: COMMENT; Schema: qms; Owner: qms_definer

COMMENT ON FUNCTION qms.take_turn() IS 'Waits for the turn to write records of the caller''s organization.';

-- Name: touch_parent(); Type: FUNCTION; Schema: qms; Owner: qms_definer

CREATE FUNCTION qms.touch_parent() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    PERFORM qms_private.touch_record((to_jsonb(new) ->> tg_argv[0])::uuid);
    RETURN NULL;
END
$$;

ALTER FUNCTION qms.touch_parent() OWNER TO qms_definer;

-- Name: FUNCTION touch_parent(); Type: COMMENT; Schema: qms; Owner: qms_definer

COMMENT ON FUNCTION qms.touch_parent() IS 'Its record gets a new version when a part or a field changes.';

-- Name: touch_updated_at(); Type: FUNCTION; Schema: qms; Owner: qms_owner

CREATE FUNCTION qms.touch_updated_at() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    new.updated_at := clock_timestamp();
    RETURN new;
END
$$;

ALTER FUNCTION qms.touch_updated_at() OWNER TO qms_owner;

-- Name: FUNCTION touch_updated_at(); Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON FUNCTION qms.touch_updated_at() IS 'Keeps updated_at by the clock of the server.';

-- Name: trace_record(uuid, text, integer, integer); Type: FUNCTION; Schema: qms; Owner: qms_owner

CREATE FUNCTION qms.trace_record(of_record uuid, way text, most_steps integer, most_nodes integer) RETURNS TABLE(id uuid, steps integer)
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
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

ALTER FUNCTION qms.trace_record(of_record uuid, way text, most_steps integer, most_nodes integer) OWNER TO qms_owner;

-- Name: FUNCTION trace_record(of_record uuid, way text, most_steps integer, most_nodes integer); Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON FUNCTION qms.trace_record(of_record uuid, way text, most_steps integer, most_nodes integer) IS 'The records a record came from (up) or led to (down), or both, with how many steps away they are.';

-- Name: trail_head(); Type: FUNCTION; Schema: qms; Owner: qms_definer

CREATE FUNCTION qms.trail_head() RETURNS TABLE(seq bigint, row_hash text)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT h.seq, h.row_hash FROM qms_private.trail_heads AS h WHERE h.organization_id = qms.current_organization_id()
$$;

ALTER FUNCTION qms.trail_head() OWNER TO qms_definer;

-- Name: FUNCTION trail_head(); Type: COMMENT; Schema: qms; Owner: qms_definer

COMMENT ON FUNCTION qms.trail_head() IS 'The last entry of the caller''s chain: what an anchor keeps.';

-- Name: transition(uuid, integer, text, text); Type: FUNCTION; Schema: qms; Owner: qms_definer

CREATE FUNCTION qms.transition(record_id uuid, expected_version integer, to_state text, reason text) RETURNS qms.quality_items
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
DECLARE
    item qms.quality_items;
    definition qms.workflow_definitions;
    edge jsonb;
    why text [];
    effect jsonb;
    kind text := qms.current_actor_kind();
BEGIN
    PERFORM set_config('qms.reason', transition.reason, true);
    IF coalesce(length(qms.written_reason()), 0) < 10 THEN
        RAISE EXCEPTION 'a transition needs a reason of at least 10 characters' USING ERRCODE = 'QM024';
    END IF;
    item := qms_private.seen(transition.record_id, transition.expected_version);
    IF NOT qms.may_keep_records() THEN
        RAISE EXCEPTION 'whoever is only an auditor or administrator changes no record' USING ERRCODE = 'QM022';
    END IF;
    edge := qms_private.edge_to(item, transition.to_state);
    IF coalesce((edge ->> 'person')::boolean, false) AND kind IS DISTINCT FROM 'human' THEN
        RAISE EXCEPTION '"%" of % is for a person to do, signed on the approval page', edge ->> 'name', item.number
        USING ERRCODE = 'QM022', HINT = 'transition_record asks for it and returns the link for the person.';
    END IF;
    why := qms_private.not_this_person(item, edge);
    IF cardinality(why) > 0 THEN
        RAISE EXCEPTION '"%" of % is not for you: %', edge ->> 'name', item.number, array_to_string(why, '; ')
        USING ERRCODE = 'QM022', HINT = 'Somebody else has to do it.';
    END IF;
    why := qms_private.blocked_by(item, edge, 'record', qms.current_user_id());
    IF cardinality(why) > 0 THEN
        RAISE EXCEPTION '"%" of % is blocked: %', edge ->> 'name', item.number, array_to_string(why, '; ')
        USING ERRCODE = 'QM021', HINT = 'Settle these first; get_record lists what blocks each step.';
    END IF;
    SELECT d.* INTO definition FROM qms.workflow_definitions AS d
    WHERE d.id = coalesce(item.definition_id, (qms_private.definition_for(item.organization_id, item.category)).id);
    INSERT INTO qms.transitions (
        organization_id, record_id, record_version, name, from_state, to_state, reason, by_id, by_kind, definition_id,
        approval_id
    )
    VALUES (
        item.organization_id, item.id, qms.coming_version(item), edge ->> 'name', item.status, transition.to_state,
        qms.written_reason(), qms.current_user_id(), kind, definition.id,
        -- Only a decision makes somebody human; whoever else names an approval here names one of their choice.
        CASE WHEN kind = 'human' THEN nullif(current_setting('qms.approval_id', true), '')::uuid END
    );
    UPDATE qms.quality_items AS i
    SET
        status = transition.to_state,
        state_since = clock_timestamp(),
        due_date = coalesce(
            qms_private.due_in_state(i.organization_id, definition.body, transition.to_state, clock_timestamp()), i.due_date
        ),
        closed_at = CASE
            WHEN (definition.body -> 'states' -> transition.to_state ->> 'final')::boolean THEN clock_timestamp()
        END,
        escalation_level = 0,
        definition_id = definition.id,
        adopted_by = CASE WHEN kind = 'human' THEN coalesce(i.adopted_by, qms.current_user_id()) ELSE i.adopted_by END,
        adopted_at = CASE WHEN kind = 'human' THEN coalesce(i.adopted_at, clock_timestamp()) ELSE i.adopted_at END
    WHERE i.id = item.id
    RETURNING i.* INTO item;
    FOR effect IN
        SELECT qms_private.guard_options(f.effect) FROM jsonb_array_elements(coalesce(edge -> 'effects', '[]')) AS f (effect)
    LOOP
        EXECUTE format('SELECT qms_private.%I($1, $2)', 'effect_' || (effect ->> 'name')) USING item, effect;
    END LOOP;
    SELECT i.* INTO item FROM qms.quality_items AS i WHERE i.id = item.id;
    RETURN item;
END
$_$;

ALTER FUNCTION qms.transition(record_id uuid, expected_version integer, to_state text, reason text) OWNER TO qms_definer;

-- Name: FUNCTION transition(record_id uuid, expected_version integer, to_state text, reason text); Type: COMMENT; Schema: qms; Owner: qms_definer

COMMENT ON FUNCTION qms.transition(record_id uuid, expected_version integer, to_state text, reason text) IS 'Moves a record to another state: the only way there is. QM021 when it is not possible, with every reason; QM022 when it is not for the caller.';

-- Name: verify_trail(bigint, bigint); Type: FUNCTION; Schema: qms; Owner: qms_owner

CREATE FUNCTION qms.verify_trail(from_seq bigint DEFAULT 1, to_seq bigint DEFAULT NULL::bigint) RETURNS TABLE(entries bigint, first_seq bigint, last_seq bigint, last_hash text, bad_seq bigint, problem text)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
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

ALTER FUNCTION qms.verify_trail(from_seq bigint, to_seq bigint) OWNER TO qms_owner;

-- Name: FUNCTION verify_trail(from_seq bigint, to_seq bigint); Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON FUNCTION qms.verify_trail(from_seq bigint, to_seq bigint) IS 'Recomputes the chain of the caller''s organization, or a range of it. bad_seq is the first entry that is missing, altered, replaced (whole in itself, but not what the next one followed) or added behind the head.';

-- Name: withdraw_exclusion(uuid); Type: FUNCTION; Schema: qms; Owner: qms_definer

CREATE FUNCTION qms.withdraw_exclusion(of_clause uuid) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    ours uuid := qms.current_organization_id();
    changed uuid;
BEGIN
    IF ours IS NULL OR NOT qms.may_write() THEN
        RAISE EXCEPTION 'your roles let you read, not write' USING ERRCODE = 'QM022';
    END IF;
    UPDATE qms.compliance_records AS r
    SET applicability = 'applicable', adopted_by = NULL, adopted_at = NULL
    WHERE r.organization_id = ours AND r.clause_id = of_clause AND r.applicability = 'not_applicable'
    RETURNING r.id INTO changed;
    IF changed IS NULL THEN
        RAISE EXCEPTION 'nobody said that this clause does not apply' USING ERRCODE = 'QM023';
    END IF;
    RETURN changed;
END
$$;

ALTER FUNCTION qms.withdraw_exclusion(of_clause uuid) OWNER TO qms_definer;

-- Name: FUNCTION withdraw_exclusion(of_clause uuid); Type: COMMENT; Schema: qms; Owner: qms_definer

COMMENT ON FUNCTION qms.withdraw_exclusion(of_clause uuid) IS 'The clause applies again, at once: only leaving one out needs a person.';

-- Name: word_query(text); Type: FUNCTION; Schema: qms; Owner: qms_owner

CREATE FUNCTION qms.word_query(words text) RETURNS tsquery
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT string_agg(quote_literal(w.lexeme) || ':*', ' & ')::tsquery
    FROM unnest(qms.words_of(words)) AS w
$$;

ALTER FUNCTION qms.word_query(words text) OWNER TO qms_owner;

-- Name: FUNCTION word_query(words text); Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON FUNCTION qms.word_query(words text) IS 'A search for beginnings of words, all of them; null when there is no word.';

-- Name: words_of(text); Type: FUNCTION; Schema: qms; Owner: qms_owner

CREATE FUNCTION qms.words_of(title text) RETURNS tsvector
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$SELECT to_tsvector('pg_catalog.simple', coalesce(title, ''))$$;

ALTER FUNCTION qms.words_of(title text) OWNER TO qms_owner;

-- Name: FUNCTION words_of(title text); Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON FUNCTION qms.words_of(title text) IS 'The words of a title, as they are searched.';

-- Name: workflow_problems(text, jsonb); Type: FUNCTION; Schema: qms; Owner: qms_definer

CREATE FUNCTION qms.workflow_problems(of_category text, body jsonb) RETURNS text[]
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT coalesce(array_agg(p.problem), '{}')
    FROM (
        SELECT a.problem FROM qms_private.problems_alone(body) AS a (problem)
        UNION ALL
        SELECT a.problem
        FROM qms_private.problems_against(body, (
            SELECT d.body FROM qms.workflow_definitions AS d
            WHERE d.category = of_category AND d.organization_id IS NULL ORDER BY d.version DESC LIMIT 1
        )) AS a (problem)
    ) AS p
$$;

ALTER FUNCTION qms.workflow_problems(of_category text, body jsonb) OWNER TO qms_definer;

-- Name: FUNCTION workflow_problems(of_category text, body jsonb); Type: COMMENT; Schema: qms; Owner: qms_definer

COMMENT ON FUNCTION qms.workflow_problems(of_category text, body jsonb) IS 'Why a state machine can''t be used by an organization; empty when it can.';

-- Name: writable_fields(text, boolean); Type: FUNCTION; Schema: qms; Owner: qms_owner

CREATE FUNCTION qms.writable_fields(of_table text, for_update boolean) RETURNS text[]
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT coalesce(array_agg(a.attname::text ORDER BY a.attnum), '{}')
    FROM pg_catalog.pg_attribute AS a
    WHERE
        a.attrelid = format('qms.%I', of_table)::regclass AND a.attnum > 0 AND NOT a.attisdropped
        AND a.attname NOT IN ('id', 'organization_id', 'record_id', 'category')
        AND has_column_privilege('qms_app', a.attrelid, a.attnum, CASE WHEN for_update THEN 'UPDATE' ELSE 'INSERT' END)
$$;

ALTER FUNCTION qms.writable_fields(of_table text, for_update boolean) OWNER TO qms_owner;

-- Name: FUNCTION writable_fields(of_table text, for_update boolean); Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON FUNCTION qms.writable_fields(of_table text, for_update boolean) IS 'The fields of a table that a caller may give or change.';

-- Name: write_row(text, uuid, jsonb, jsonb); Type: FUNCTION; Schema: qms; Owner: qms_owner

CREATE FUNCTION qms.write_row(of_table text, at_id uuid, fields jsonb, extra jsonb) RETURNS uuid
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
DECLARE
    names text;
    wanted jsonb := fields || extra;
    written uuid;
BEGIN
    SELECT string_agg(quote_ident(k.field), ', ') INTO names FROM jsonb_object_keys(wanted) AS k (field);
    IF at_id IS NULL THEN
        EXECUTE format(
            'INSERT INTO qms.%I (%s) SELECT %s FROM jsonb_populate_record(NULL::qms.%I, $1) RETURNING id',
            of_table, names, names, of_table
        ) INTO written USING wanted;
    ELSIF names IS NOT NULL THEN
        EXECUTE format(
            'UPDATE qms.%I AS t SET (%s) = (SELECT %s FROM jsonb_populate_record(NULL::qms.%I, $1)) WHERE t.id = $2 RETURNING t.id',
            of_table, names, names, of_table
        ) INTO written USING wanted, at_id;
    END IF;
    RETURN written;
EXCEPTION
    WHEN data_exception OR check_violation OR not_null_violation OR foreign_key_violation THEN
        RAISE EXCEPTION 'a value does not fit: %', CASE
            WHEN sqlerrm ~ 'violates' THEN regexp_replace(sqlerrm, ' of relation.*| for relation.*', '') ELSE sqlerrm
        END
        USING ERRCODE = 'QM024', HINT = 'describe_table qms.' || of_table || ' shows the fields and what they allow.';
END
$_$;

ALTER FUNCTION qms.write_row(of_table text, at_id uuid, fields jsonb, extra jsonb) OWNER TO qms_owner;

-- Name: FUNCTION write_row(of_table text, at_id uuid, fields jsonb, extra jsonb); Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON FUNCTION qms.write_row(of_table text, at_id uuid, fields jsonb, extra jsonb) IS 'Inserts a row, or updates the one with this id, from named fields.';

-- Name: written_reason(); Type: FUNCTION; Schema: qms; Owner: qms_definer

CREATE FUNCTION qms.written_reason() RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$SELECT qms.said(current_setting('qms.reason', true))$$;

ALTER FUNCTION qms.written_reason() OWNER TO qms_definer;

-- Name: FUNCTION written_reason(); Type: COMMENT; Schema: qms; Owner: qms_definer

COMMENT ON FUNCTION qms.written_reason() IS 'Why this transaction changes records, as its caller said.';

-- Name: acknowledge_report(text, uuid); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.acknowledge_report(session_token text, report uuid) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    person uuid := (qms_private.session_with(session_token)).user_id;
    place uuid;
BEGIN
    SELECT r.organization_id INTO place
    FROM qms.security_reports AS r
    INNER JOIN qms_private.memberships_of(person) AS m ON r.organization_id = m.organization_id
    WHERE r.id = report AND r.acknowledged_at IS NULL AND m.roles && ARRAY['admin', 'qa_approver'];
    IF place IS NULL THEN
        RETURN false;
    END IF;
    PERFORM qms_private.become(person, place, 'acknowledged a security report', 'approval page');
    UPDATE qms.security_reports AS r SET acknowledged_by = person, acknowledged_at = clock_timestamp()
    WHERE r.id = report AND r.acknowledged_at IS NULL;
    PERFORM qms_private.nobody();
    RETURN true;
END
$$;

ALTER FUNCTION qms_private.acknowledge_report(session_token text, report uuid) OWNER TO qms_definer;

-- Name: FUNCTION acknowledge_report(session_token text, report uuid); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.acknowledge_report(session_token text, report uuid) IS 'Somebody who answers for access has seen a report.';

-- Name: add_clauses(text, text); Type: FUNCTION; Schema: qms_private; Owner: qms_owner

CREATE FUNCTION qms_private.add_clauses(of_framework text, lines text) RETURNS integer
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
    WITH listed AS (
        SELECT
            split_part(l.line, ' ', 1) AS number,
            regexp_replace(substr(l.line, strpos(l.line, ' ') + 1), ' \[reference\]$', '') AS title,
            l.line LIKE '% [reference]' AS is_reference
        FROM regexp_split_to_table(btrim(lines, E'\n'), E'\n') AS l (line)
    ),
    placed AS (
        SELECT
            c.number,
            c.title,
            c.is_reference,
            (
                SELECT p.number
                FROM listed AS p
                WHERE
                    left(c.number, length(p.number)) = p.number
                    AND substr(c.number, length(p.number) + 1, 1) IN ('.', '(')
                ORDER BY length(p.number) DESC
                LIMIT 1
            ) AS parent
        FROM listed AS c
    ),
    added AS (
        INSERT INTO qms.clauses (framework_id, number, title, parent, kind)
        SELECT
            f.id,
            p.number,
            p.title,
            p.parent,
            CASE
                WHEN p.is_reference THEN 'reference'
                WHEN EXISTS (SELECT FROM placed AS below WHERE below.parent = p.number) THEN 'heading'
                ELSE 'requirement'
            END
        FROM placed AS p
        INNER JOIN qms.frameworks AS f ON f.name = of_framework
        RETURNING id
    )
    SELECT count(*)::integer FROM added
$_$;

ALTER FUNCTION qms_private.add_clauses(of_framework text, lines text) OWNER TO qms_owner;

-- Name: FUNCTION add_clauses(of_framework text, lines text); Type: COMMENT; Schema: qms_private; Owner: qms_owner

COMMENT ON FUNCTION qms_private.add_clauses(of_framework text, lines text) IS 'Adds clauses to a framework, one a line: number, title. Parents follow from the numbers; headings are those with parts.';

-- Name: all_fields(qms.quality_items); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.all_fields(item qms.quality_items) RETURNS jsonb
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
DECLARE
    own_table text;
    own jsonb;
BEGIN
    SELECT t.table_name INTO own_table FROM qms.record_types AS t WHERE t.category = item.category;
    IF own_table IS NOT NULL THEN
        EXECUTE format('SELECT to_jsonb(t) FROM qms.%I AS t WHERE t.id = $1', own_table) INTO own USING item.id;
    END IF;
    RETURN coalesce(own, '{}') || (to_jsonb(item) - 'embedding');
END
$_$;

ALTER FUNCTION qms_private.all_fields(item qms.quality_items) OWNER TO qms_definer;

-- Name: FUNCTION all_fields(item qms.quality_items); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.all_fields(item qms.quality_items) IS 'The fields of a record, of the base and of its type.';

-- Name: approval_for(text, uuid); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.approval_for(session_token text, of_approval uuid) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    AS $$
DECLARE
    person uuid := (qms_private.session_with(session_token)).user_id;
    approval qms.approvals;
    item qms.quality_items;
    baseline qms.signatures;
BEGIN
    SELECT a.* INTO approval
    FROM qms.approvals AS a
    WHERE
        a.id = of_approval
        AND a.organization_id IN (SELECT m.organization_id FROM qms_private.memberships_of(person) AS m);
    IF approval.id IS NULL THEN
        RETURN NULL;
    END IF;
    SELECT i.* INTO item FROM qms.quality_items AS i WHERE i.id = approval.record_id;
    SELECT s.* INTO baseline FROM qms.signatures AS s
    WHERE s.record_id = item.id AND s.verdict = 'signed' ORDER BY s.signed_at DESC LIMIT 1;
    RETURN jsonb_build_object(
        'id', approval.id, 'tool', approval.tool, 'summary', approval.summary, 'content', approval.content,
        'reason', approval.reason, 'requested_kind', approval.requested_kind, 'client_name', approval.client_name,
        'created_at', approval.created_at, 'expires_at', approval.expires_at, 'meaning', approval.meaning,
        'to_state', approval.to_state, 'decided_at', approval.decided_at, 'decision_reason', approval.decision_reason,
        'decided_by', (SELECT p.printed_name FROM qms.people AS p WHERE p.user_id = approval.decided_by),
        'state', CASE
            WHEN approval.state = 'pending' AND approval.expires_at <= clock_timestamp() THEN 'expired' ELSE approval.state
        END,
        'organization', (SELECT o.name FROM qms.organizations AS o WHERE o.id = approval.organization_id),
        'requested_by', (
            SELECT coalesce(p.printed_name, u.email) FROM auth.users AS u
            LEFT JOIN qms.people AS p ON u.id = p.user_id WHERE u.id = approval.requested_by
        ),
        'sha256', CASE WHEN item.id IS NULL THEN approval.content_sha256 ELSE qms.record_sha256(item.id) END,
        'way', qms_private.way_of_deciding(approval),
        'blocked', CASE
            WHEN approval.state = 'pending' AND approval.expires_at > clock_timestamp()
                THEN to_jsonb(qms_private.what_blocks(approval, person))
            ELSE '[]'
        END,
        'record', CASE WHEN item.id IS NOT NULL THEN jsonb_build_object(
            'id', item.id, 'number', item.number, 'category', item.category, 'title', item.title,
            'version', item.version, 'state', item.status, 'drafted_by_kind', item.drafted_by_kind,
            'adopted', item.adopted_by IS NOT NULL, 'content', qms.record_content(item.id),
            'signed_version', baseline.record_version, 'signed_content', baseline.content,
            'signatures', (SELECT jsonb_agg(to_jsonb(s) ORDER BY s.signed_at) FROM qms.signature_status(item.id) AS s),
            'last_changes', (
                SELECT jsonb_agg(jsonb_build_object('entity', l.entity_type, 'action', l.action, 'changes', l.changes) ORDER BY l.seq)
                FROM qms.audit_logs AS l
                WHERE l.organization_id = item.organization_id AND l.record_id = item.id
                    AND l.record_version = item.version AND l.action IN ('insert', 'update')
                    AND l.entity_type NOT IN ('qms.signatures', 'qms.transitions', 'qms.approvals')
            ),
            'people', (
                SELECT jsonb_object_agg(p.user_id, p.printed_name) FROM qms.people AS p
                WHERE EXISTS (
                    SELECT FROM qms.memberships AS m
                    WHERE m.user_id = p.user_id AND m.organization_id = item.organization_id
                )
            )
        ) END
    );
END
$$;

ALTER FUNCTION qms_private.approval_for(session_token text, of_approval uuid) OWNER TO qms_definer;

-- Name: FUNCTION approval_for(session_token text, of_approval uuid); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.approval_for(session_token text, of_approval uuid) IS 'An approval as the person of this session is shown it, with the whole record and what was signed before; null when there is none in that person''s organizations.';

-- Name: as_texts(jsonb); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.as_texts(list jsonb) RETURNS text[]
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$SELECT coalesce(array_agg(e.item), '{}') FROM jsonb_array_elements_text(coalesce(list, '[]')) AS e (item)$$;

ALTER FUNCTION qms_private.as_texts(list jsonb) OWNER TO qms_definer;

-- Name: FUNCTION as_texts(list jsonb); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.as_texts(list jsonb) IS 'A JSON array of texts as an array; null as an empty one.';

-- Name: become(uuid, uuid, text, text); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.become(for_user uuid, for_organization uuid, because text, through text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    PERFORM
        set_config('qms.reason', because, true), set_config('qms.client', through, true),
        set_config(
            'qms.identity', coalesce(qms_private.ticket_for(for_user, for_organization, 'human', pg_backend_pid()), ''), true
        );
END
$$;

ALTER FUNCTION qms_private.become(for_user uuid, for_organization uuid, because text, through text) OWNER TO qms_definer;

-- Name: FUNCTION become(for_user uuid, for_organization uuid, because text, through text); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.become(for_user uuid, for_organization uuid, because text, through text) IS 'From here on the transaction acts as this person. Whoever calls it has checked the person and calls nobody() after.';

-- Name: blocked_by(qms.quality_items, jsonb, text, uuid); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.blocked_by(item qms.quality_items, edge jsonb, wanted text, person uuid) RETURNS text[]
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
DECLARE
    found text [] := '{}';
    why text;
    one record;
    fields jsonb;
BEGIN
    IF wanted = 'record' AND edge ? 'requires' THEN
        fields := qms_private.all_fields(item);
        SELECT found || coalesce(array_agg(replace(r.field, '_', ' ') || ' is missing (' || r.field || ')'), '{}') INTO found
        FROM unnest(qms_private.as_texts(edge -> 'requires')) AS r (field)
        WHERE coalesce(qms.said(fields ->> r.field), '') IN ('', '[]', '{}');
    END IF;
    -- A guard about fields that are not there finds nothing wrong with them.
    IF wanted = 'record' AND NOT qms_private.has_details(item) THEN
        found := found || 'the fields of its type are not recorded yet'::text;
    END IF;
    FOR one IN
        SELECT k.name, o.options
        FROM jsonb_array_elements(coalesce(edge -> 'guards', '[]')) AS g (guard),
            LATERAL (SELECT qms_private.guard_options(g.guard) AS options) AS o
        INNER JOIN qms_private.guards AS k ON k.name = o.options ->> 'name' AND k.about = wanted
    LOOP
        EXECUTE format('SELECT qms_private.%I($1, $2, $3)', 'guard_' || one.name)
        INTO why USING item, one.options, person;
        IF why IS NOT NULL THEN
            found := found || why;
        END IF;
    END LOOP;
    RETURN found;
END
$_$;

ALTER FUNCTION qms_private.blocked_by(item qms.quality_items, edge jsonb, wanted text, person uuid) OWNER TO qms_definer;

-- Name: FUNCTION blocked_by(item qms.quality_items, edge jsonb, wanted text, person uuid); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.blocked_by(item qms.quality_items, edge jsonb, wanted text, person uuid) IS 'Why a transition is not possible: because of the record, or because of the person.';

-- Name: carry_out(qms.approvals, text); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.carry_out(asked qms.approvals, why text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    PERFORM set_config('qms.approval_id', asked.id::text, true);
    IF asked.tool = 'transition_record' THEN
        PERFORM qms.transition(asked.record_id, asked.record_version, asked.to_state, why);
    ELSIF asked.tool = 'change_workflow' THEN
        INSERT INTO qms.workflow_definitions (organization_id, category, version, body, approval_id)
        SELECT d.organization_id, d.category, d.based_on + 1, d.body, asked.id
        FROM qms.workflow_drafts AS d WHERE d.id = asked.subject_id;
        PERFORM qms_private.write_entry(
            asked.organization_id, 'qms.workflow_definitions', asked.subject_id, 'applied', NULL, NULL, NULL, NULL,
            jsonb_build_object('content_sha256', asked.content_sha256, 'approval_id', asked.id)
        );
    END IF;
    PERFORM set_config('qms.approval_id', '', true);
END
$$;

ALTER FUNCTION qms_private.carry_out(asked qms.approvals, why text) OWNER TO qms_definer;

-- Name: FUNCTION carry_out(asked qms.approvals, why text); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.carry_out(asked qms.approvals, why text) IS 'Does what was approved, as the person who approved it. Only the function that checked the signature calls it.';

-- Name: check_password(uuid, text, text); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.check_password(of_user uuid, derived text, via text) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    held qms_private.credentials;
    locks boolean;
BEGIN
    SELECT c.* INTO held FROM qms_private.credentials AS c WHERE c.user_id = of_user FOR UPDATE;
    IF held.user_id IS NULL OR derived IS NULL THEN
        RETURN 'unknown';
    ELSIF held.locked_until > clock_timestamp() THEN
        PERFORM qms_private.note_for_person(of_user, 'refused', jsonb_build_object('why', 'locked', 'via', via));
        RETURN 'locked';
    ELSIF sha256(convert_to(held.password_hash, 'UTF8')) = sha256(convert_to(derived, 'UTF8'))
        AND EXISTS (SELECT FROM qms_private.memberships_of(of_user)) THEN
        UPDATE qms_private.credentials AS c SET failed_tries = 0, locked_until = NULL WHERE c.user_id = of_user;
        RETURN 'right';
    END IF;
    locks := held.failed_tries + 1 >= 5;
    UPDATE qms_private.credentials AS c
    SET
        failed_tries = CASE WHEN locks THEN 0 ELSE held.failed_tries + 1 END,
        locked_until = CASE WHEN locks THEN clock_timestamp() + interval '15 minutes' END
    WHERE c.user_id = of_user;
    -- Locks are always taken in this order: credentials, sessions, trail.
    IF locks THEN
        UPDATE qms_private.sessions AS s SET ended_at = clock_timestamp() WHERE s.user_id = of_user AND s.ended_at IS NULL;
    END IF;
    PERFORM qms_private.note_for_person(
        of_user, CASE WHEN locks THEN 'locked' ELSE 'refused' END,
        jsonb_build_object('why', 'wrong password', 'via', via, 'tries', held.failed_tries + 1)
    );
    IF locks THEN
        INSERT INTO qms.security_reports (organization_id, kind, user_id, details)
        SELECT m.organization_id, 'locked_out', of_user, jsonb_build_object('via', via, 'tries', held.failed_tries + 1)
        FROM qms_private.memberships_of(of_user) AS m
        ORDER BY m.organization_id;
        RETURN 'locks';
    END IF;
    RETURN 'wrong';
END
$$;

ALTER FUNCTION qms_private.check_password(of_user uuid, derived text, via text) OWNER TO qms_definer;

-- Name: FUNCTION check_password(of_user uuid, derived text, via text); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.check_password(of_user uuid, derived text, via text) IS 'right, wrong, locks (this wrong try was the fifth: locked for 15 minutes, sessions ended, reported), locked or unknown. The row stays locked, so tries side by side count one by one.';

-- Name: confirm_approval(uuid, text); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.confirm_approval(approval_id uuid, verdict text) RETURNS qms.approvals
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
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

ALTER FUNCTION qms_private.confirm_approval(approval_id uuid, verdict text) OWNER TO qms_definer;

-- Name: FUNCTION confirm_approval(approval_id uuid, verdict text); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.confirm_approval(approval_id uuid, verdict text) IS 'The person in front of the client confirms a change of schema or data, unless the organization wants a password for it (settings.confirm_in_client = false). Quality records are never decided this way.';

-- Name: counted(bigint, text, text); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.counted(number bigint, one text, many text) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$SELECT CASE number WHEN 0 THEN NULL WHEN 1 THEN '1 ' || one ELSE number || ' ' || many END$$;

ALTER FUNCTION qms_private.counted(number bigint, one text, many text) OWNER TO qms_definer;

-- Name: FUNCTION counted(number bigint, one text, many text); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.counted(number bigint, one text, many text) IS 'A number of things in words: null for none of them.';

-- Name: decide(text, text, text, uuid, text, text, text); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.decide(session_token text, user_ref text, derived text, of_approval uuid, verdict text, why text, shown_sha256 text) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    session qms_private.sessions;
    approval qms.approvals;
    way text;
    with_components integer;
    checked text;
    decided jsonb;
BEGIN
    PERFORM FROM qms_private.credentials AS c
    INNER JOIN qms_private.sessions AS s ON c.user_id = s.user_id
    WHERE s.token_sha256 = sha256(convert_to(session_token, 'UTF8'))
    FOR UPDATE OF c;
    session := qms_private.session_with(session_token);
    IF session.user_id IS NULL THEN
        RETURN '{"outcome": "signed_out"}';
    END IF;
    SELECT a.* INTO approval
    FROM qms.approvals AS a
    WHERE
        a.id = of_approval
        AND a.organization_id IN (SELECT m.organization_id FROM qms_private.memberships_of(session.user_id) AS m);
    IF approval.id IS NULL THEN
        RAISE EXCEPTION 'there is no such approval' USING ERRCODE = 'QM023';
    END IF;
    way := qms_private.way_of_deciding(approval);
    with_components := CASE
        WHEN way = 'recorded' THEN 0 WHEN session.first_signed_at IS NULL OR user_ref IS NOT NULL THEN 2 ELSE 1
    END;
    IF way <> 'recorded' THEN
        IF session.first_signed_at IS NULL AND user_ref IS NULL THEN
            RAISE EXCEPTION 'the first signature of a session needs the user id too' USING ERRCODE = 'QM024';
        END IF;
        -- A user id that is not the one of this session is as wrong as a wrong password.
        checked := qms_private.check_password(
            session.user_id,
            CASE WHEN user_ref IS NULL OR qms_private.person_named(user_ref) = session.user_id THEN derived ELSE '' END,
            'signing'
        );
        IF checked <> 'right' THEN
            RETURN jsonb_build_object('outcome', checked);
        END IF;
    END IF;
    PERFORM qms_private.become(
        session.user_id, approval.organization_id,
        CASE WHEN length(btrim(coalesce(why, ''))) >= 10 THEN btrim(why)
            ELSE left(concat_ws(' ', verdict, 'on the approval page:', approval.summary), 500) END,
        'approval page'
    );
    decided := qms_private.decide_as_person(approval, session, verdict, why, shown_sha256, with_components);
    PERFORM qms_private.nobody();
    IF way <> 'recorded' THEN
        UPDATE qms_private.sessions AS s SET first_signed_at = coalesce(s.first_signed_at, clock_timestamp())
        WHERE s.token_sha256 = session.token_sha256;
    END IF;
    RETURN decided;
END
$$;

ALTER FUNCTION qms_private.decide(session_token text, user_ref text, derived text, of_approval uuid, verdict text, why text, shown_sha256 text) OWNER TO qms_definer;

-- Name: FUNCTION decide(session_token text, user_ref text, derived text, of_approval uuid, verdict text, why text, shown_sha256 text); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.decide(session_token text, user_ref text, derived text, of_approval uuid, verdict text, why text, shown_sha256 text) IS 'The one place where a person decides: living session, right password, an approval that waits, a record that is what was asked for and what was shown. A wrong password is an answer and no error, so that the try stays counted.';

-- Name: decide_approval(uuid, uuid, text, text, text); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.decide_approval(approval_id uuid, by_user uuid, verdict text, via text, why text) RETURNS qms.approvals
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
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

ALTER FUNCTION qms_private.decide_approval(approval_id uuid, by_user uuid, verdict text, via text, why text) OWNER TO qms_definer;

-- Name: FUNCTION decide_approval(approval_id uuid, by_user uuid, verdict text, via text, why text); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.decide_approval(approval_id uuid, by_user uuid, verdict text, via text, why text) IS 'A person decides, once, before it expires, holding a role that may approve. Error QM004 otherwise.';

-- Name: sessions; Type: TABLE; Schema: qms_private; Owner: qms_owner

CREATE TABLE qms_private.sessions (
    token_sha256 bytea NOT NULL,
    user_id uuid NOT NULL,
    zone text NOT NULL,
    opened_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    last_used_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    expires_at timestamp with time zone DEFAULT (clock_timestamp() + '08:00:00'::interval) NOT NULL,
    first_signed_at timestamp with time zone,
    ended_at timestamp with time zone,
    CONSTRAINT sessions_token_sha256_check CHECK ((length(token_sha256) = 32))
);

ALTER TABLE qms_private.sessions OWNER TO qms_owner;

-- Name: TABLE sessions; Type: COMMENT; Schema: qms_private; Owner: qms_owner

COMMENT ON TABLE qms_private.sessions IS 'People at the approval page. Of the token only its hash is kept; 15 minutes unused or 8 hours end a session.';

-- Name: decide_as_person(qms.approvals, qms_private.sessions, text, text, text, integer); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.decide_as_person(approval qms.approvals, session qms_private.sessions, verdict text, why text, shown_sha256 text, with_components integer) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    signature qms.signatures;
    reasons text [];
    now_state text;
BEGIN
    PERFORM qms_private.lock_trail(approval.organization_id);
    SELECT a.* INTO approval FROM qms.approvals AS a WHERE a.id = approval.id FOR UPDATE;
    IF approval.state <> 'pending' OR approval.expires_at <= clock_timestamp() THEN
        RAISE EXCEPTION 'there is nothing to decide any more: it is %',
        CASE approval.state WHEN 'pending' THEN 'expired' ELSE approval.state END
        USING ERRCODE = 'QM021', HINT = 'Ask for the decision again if it is still needed.';
    ELSIF verdict IS NULL OR verdict NOT IN ('approved', 'rejected') THEN
        RAISE EXCEPTION 'a verdict is approved or rejected' USING ERRCODE = 'QM024';
    ELSIF verdict = 'rejected' AND length(btrim(coalesce(why, ''))) < 10 THEN
        RAISE EXCEPTION 'a rejection needs a reason of at least 10 characters'
        USING ERRCODE = 'QM024', HINT = 'Whoever asked reads it.';
    END IF;
    IF approval.record_id IS NULL THEN
        reasons := qms_private.why_not_decide(approval);
        IF cardinality(reasons) > 0 THEN
            RAISE EXCEPTION 'this is not for you to decide: %', array_to_string(reasons, '; ')
            USING ERRCODE = 'QM022', HINT = 'Somebody else has to do it.';
        ELSIF shown_sha256 IS DISTINCT FROM approval.content_sha256 THEN
            RAISE EXCEPTION 'what was shown is not what would happen' USING ERRCODE = 'QM020', HINT = 'Open the page again.';
        END IF;
    END IF;
    UPDATE qms.approvals AS a
    SET
        state = verdict, decided_by = session.user_id, decided_at = clock_timestamp(), channel = 'page',
        decision_reason = why
    WHERE a.id = approval.id;
    PERFORM qms_private.write_entry(
        approval.organization_id, 'qms.approvals', approval.id, verdict, approval.record_id, approval.record_version,
        NULL, NULL, jsonb_build_object('tool', approval.tool, 'components', with_components)
    );
    IF approval.record_id IS NULL THEN
        -- A change of schema or rows is carried out later, by the tool that spends the approval.
        IF verdict = 'approved' AND approval.tool NOT IN ('apply_migration', 'transform_data') THEN
            PERFORM qms_private.carry_out(approval, qms.written_reason());
            UPDATE qms.approvals AS a SET state = 'used', used_at = clock_timestamp() WHERE a.id = approval.id;
        END IF;
        RETURN jsonb_build_object('outcome', 'decided', 'verdict', verdict);
    END IF;
    signature := qms_private.sign_record(approval, session, verdict, coalesce(btrim(why), ''), shown_sha256, with_components);
    IF verdict = 'approved' THEN
        UPDATE qms.approvals AS a SET state = 'used', used_at = clock_timestamp() WHERE a.id = approval.id;
    END IF;
    SELECT i.status INTO now_state FROM qms.quality_items AS i WHERE i.id = approval.record_id;
    RETURN jsonb_build_object(
        'outcome', 'decided', 'verdict', verdict, 'signature_id', signature.id, 'state', now_state,
        'words', qms.signature_words(signature)
    );
END
$$;

ALTER FUNCTION qms_private.decide_as_person(approval qms.approvals, session qms_private.sessions, verdict text, why text, shown_sha256 text, with_components integer) OWNER TO qms_definer;

-- Name: FUNCTION decide_as_person(approval qms.approvals, session qms_private.sessions, verdict text, why text, shown_sha256 text, with_components integer); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.decide_as_person(approval qms.approvals, session qms_private.sessions, verdict text, why text, shown_sha256 text, with_components integer) IS 'The decision itself, once the person is known. Only decide() calls it.';

-- Name: workflow_definitions; Type: TABLE; Schema: qms; Owner: qms_owner

CREATE TABLE qms.workflow_definitions (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid,
    category text NOT NULL,
    version integer NOT NULL,
    body jsonb NOT NULL,
    sha256 text NOT NULL,
    approval_id uuid,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT workflow_definitions_version_check CHECK ((version > 0))
);

ALTER TABLE ONLY qms.workflow_definitions FORCE ROW LEVEL SECURITY;

ALTER TABLE qms.workflow_definitions OWNER TO qms_owner;

-- Name: TABLE workflow_definitions; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON TABLE qms.workflow_definitions IS 'State machines, a version a row and never changed: those without an organization are shipped, the others somebody reviewed for their own.';

-- Name: definition_for(uuid, text); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.definition_for(of_organization uuid, of_category text) RETURNS qms.workflow_definitions
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT d.*
    FROM qms.workflow_definitions AS d
    WHERE d.category = of_category AND (d.organization_id IS NULL OR d.organization_id = of_organization)
    ORDER BY d.organization_id NULLS LAST, d.version DESC
    LIMIT 1
$$;

ALTER FUNCTION qms_private.definition_for(of_organization uuid, of_category text) OWNER TO qms_definer;

-- Name: FUNCTION definition_for(of_organization uuid, of_category text); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.definition_for(of_organization uuid, of_category text) IS 'The state machine new records of an organization run on: its own latest, or the latest that is shipped.';

-- Name: due_in_state(uuid, jsonb, text, timestamp with time zone); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.due_in_state(of_organization uuid, body jsonb, in_state text, since timestamp with time zone) RETURNS timestamp with time zone
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    IF NOT coalesce(body -> 'states' -> in_state ? 'due_days', false) THEN
        RETURN NULL;
    END IF;
    RETURN qms.due_after(
        of_organization, since, (body -> 'states' -> in_state ->> 'due_days')::integer,
        coalesce(body -> 'states' -> in_state ->> 'days', 'business')
    );
END
$$;

ALTER FUNCTION qms_private.due_in_state(of_organization uuid, body jsonb, in_state text, since timestamp with time zone) OWNER TO qms_definer;

-- Name: FUNCTION due_in_state(of_organization uuid, body jsonb, in_state text, since timestamp with time zone); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.due_in_state(of_organization uuid, body jsonb, in_state text, since timestamp with time zone) IS 'When a record that entered a state has to leave it; null when the workflow sets no time.';

-- Name: due_rules(uuid); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.due_rules(of_organization uuid) RETURNS TABLE(record_id uuid, state text, state_since timestamp with time zone, overdue_since timestamp with time zone, level integer, to_role text)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT i.id, i.status, i.state_since, i.due_date, (r.rule ->> 'level')::integer, r.rule ->> 'role'
    FROM qms.quality_items AS i
    INNER JOIN qms.workflow_definitions AS d ON i.definition_id = d.id,
        jsonb_array_elements(coalesce(d.body -> 'states' -> i.status -> 'escalate', '[]')) AS r (rule)
    WHERE
        i.organization_id = of_organization AND i.closed_at IS NULL AND i.due_date < clock_timestamp()
        AND i.state_since IS NOT NULL
        AND (r.rule ->> 'after_days')::integer <= qms.business_days_between(
            of_organization, qms_private.local_date(of_organization, i.due_date),
            qms_private.local_date(of_organization, clock_timestamp())
        )
$$;

ALTER FUNCTION qms_private.due_rules(of_organization uuid) OWNER TO qms_definer;

-- Name: FUNCTION due_rules(of_organization uuid); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.due_rules(of_organization uuid) IS 'The escalation rules that apply to the overdue records of an organization by now.';

-- Name: edge_to(qms.quality_items, text); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.edge_to(item qms.quality_items, wanted text) RETURNS jsonb
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    body jsonb;
    found jsonb;
BEGIN
    SELECT d.body INTO body FROM qms.workflow_definitions AS d
    WHERE d.id = coalesce(item.definition_id, (qms_private.definition_for(item.organization_id, item.category)).id);
    SELECT e.edge INTO found FROM qms_private.edges(body) AS e WHERE e.from_state = item.status AND e.to_state = wanted;
    IF found IS NULL THEN
        RAISE EXCEPTION '% can''t go from "%" to "%"', item.number, item.status, wanted USING ERRCODE = 'QM021',
        HINT = 'From here it can go to: ' || coalesce(
            (SELECT string_agg(e.to_state, ', ') FROM qms_private.edges(body) AS e WHERE e.from_state = item.status),
            'nowhere, this state is final'
        ) || '.';
    END IF;
    RETURN found;
END
$$;

ALTER FUNCTION qms_private.edge_to(item qms.quality_items, wanted text) OWNER TO qms_definer;

-- Name: FUNCTION edge_to(item qms.quality_items, wanted text); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.edge_to(item qms.quality_items, wanted text) IS 'The transition of a record to a state; error QM021 when there is none.';

-- Name: edges(jsonb); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.edges(body jsonb) RETURNS TABLE(name text, from_state text, to_state text, edge jsonb, person boolean, guards jsonb, effects jsonb)
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT
        t.edge ->> 'name', f.state, t.edge ->> 'to', t.edge, coalesce((t.edge ->> 'person')::boolean, false),
        coalesce((
            SELECT jsonb_agg(qms_private.guard_options(g.guard))
            FROM jsonb_array_elements(coalesce(t.edge -> 'guards', '[]')) AS g (guard)
        ), '[]'),
        coalesce((
            SELECT jsonb_agg(qms_private.guard_options(f.effect))
            FROM jsonb_array_elements(coalesce(t.edge -> 'effects', '[]')) AS f (effect)
        ), '[]')
    FROM jsonb_array_elements(body -> 'transitions') AS t (edge), jsonb_array_elements_text(t.edge -> 'from') AS f (state)
$$;

ALTER FUNCTION qms_private.edges(body jsonb) OWNER TO qms_definer;

-- Name: FUNCTION edges(body jsonb); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.edges(body jsonb) IS 'The transitions of a definition, one row for each pair of states.';

-- Name: editors_of(qms.quality_items); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.editors_of(item qms.quality_items) RETURNS SETOF uuid
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT DISTINCT a.actor_id
    FROM qms.audit_logs AS a
    WHERE
        a.organization_id = item.organization_id AND a.record_id = item.id AND a.actor_id IS NOT NULL
        AND a.action IN ('insert', 'update')
        AND a.entity_type NOT IN (
            'qms.transitions', 'qms.approvals', 'qms.signatures', 'qms.escalations', 'qms.record_notes',
            'qms.record_links', 'qms.required_signatures'
        )
        -- Taking a step writes these; that is no editing.
        AND EXISTS (
            SELECT FROM jsonb_object_keys(coalesce(a.changes, '{}')) AS k (field)
            WHERE k.field <> ALL (ARRAY[
                'status', 'state_since', 'due_date', 'closed_at', 'escalation_level', 'definition_id', 'adopted_by',
                'adopted_at', 'accepted_by', 'accepted_at', 'decided_by', 'decided_at', 'is_effective', 'effective_from',
                'effective_to', 'next_review_on', 'replaced_by', 'legal_hold', 'priority', 'assigned_to', 'owner_id'
            ])
        )
$$;

ALTER FUNCTION qms_private.editors_of(item qms.quality_items) OWNER TO qms_definer;

-- Name: FUNCTION editors_of(item qms.quality_items); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.editors_of(item qms.quality_items) IS 'Who wrote what a record says, by the trail. Behind an agent that wrote stands the person for whom it acted.';

-- Name: effect_accept_actions(qms.quality_items, jsonb); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.effect_accept_actions(item qms.quality_items, options jsonb) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    UPDATE qms.capa_actions AS a SET accepted_by = qms.current_user_id(), accepted_at = clock_timestamp()
    WHERE a.record_id = item.id AND a.completed_on IS NOT NULL AND a.owner_id IS DISTINCT FROM qms.current_user_id();
END
$$;

ALTER FUNCTION qms_private.effect_accept_actions(item qms.quality_items, options jsonb) OWNER TO qms_definer;

-- Name: FUNCTION effect_accept_actions(item qms.quality_items, options jsonb); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.effect_accept_actions(item qms.quality_items, options jsonb) IS 'Who takes the step accepts the actions that are done, except own ones.';

-- Name: effect_acknowledge_training(qms.quality_items, jsonb); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.effect_acknowledge_training(item qms.quality_items, options jsonb) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    UPDATE qms.trainings AS t SET acknowledged_at = clock_timestamp() WHERE t.id = item.id;
END
$$;

ALTER FUNCTION qms_private.effect_acknowledge_training(item qms.quality_items, options jsonb) OWNER TO qms_definer;

-- Name: FUNCTION effect_acknowledge_training(item qms.quality_items, options jsonb); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.effect_acknowledge_training(item qms.quality_items, options jsonb) IS 'When the training was acknowledged.';

-- Name: effect_apply_extension(qms.quality_items, jsonb); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.effect_apply_extension(item qms.quality_items, options jsonb) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    wanted qms.extension_requests;
BEGIN
    SELECT x.* INTO wanted FROM qms.extension_requests AS x WHERE x.id = item.id;
    IF wanted.action_id IS NOT NULL THEN
        UPDATE qms.capa_actions AS a SET due_on = wanted.requested_due_on
        WHERE a.id = wanted.action_id AND a.record_id = wanted.target_id AND a.organization_id = item.organization_id;
    END IF;
    -- While actions are carried out, the record is not due before the last of them.
    UPDATE qms.quality_items AS i
    SET
        due_date = CASE
            WHEN wanted.action_id IS NULL THEN qms_private.end_of_day(o.time_zone, wanted.requested_due_on)
            WHEN i.status <> 'implementation' THEN i.due_date
            ELSE greatest(i.due_date, qms_private.end_of_day(o.time_zone, wanted.requested_due_on))
        END,
        escalation_level = 0
    FROM qms.organizations AS o
    WHERE i.id = wanted.target_id AND i.organization_id = item.organization_id AND i.organization_id = o.id;
END
$$;

ALTER FUNCTION qms_private.effect_apply_extension(item qms.quality_items, options jsonb) OWNER TO qms_definer;

-- Name: FUNCTION effect_apply_extension(item qms.quality_items, options jsonb); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.effect_apply_extension(item qms.quality_items, options jsonb) IS 'Moves the due date that was asked for; escalation counts anew.';

-- Name: effect_calibration_due(qms.quality_items, jsonb); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.effect_calibration_due(item qms.quality_items, options jsonb) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    next_one date;
BEGIN
    UPDATE qms.equipment AS e
    SET last_calibrated_on = c.performed_on, calibration_due_on = coalesce(c.next_due_on, c.performed_on + e.interval_days)
    FROM qms_private.last_calibration(item) AS c
    WHERE e.id = item.id AND c.result = 'in_tolerance'
    RETURNING e.calibration_due_on INTO next_one;
    IF next_one IS NOT NULL THEN
        UPDATE qms.quality_items AS i SET due_date = qms_private.end_of_day(o.time_zone, next_one)
        FROM qms.organizations AS o
        WHERE i.id = item.id AND i.organization_id = o.id;
    END IF;
END
$$;

ALTER FUNCTION qms_private.effect_calibration_due(item qms.quality_items, options jsonb) OWNER TO qms_definer;

-- Name: FUNCTION effect_calibration_due(item qms.quality_items, options jsonb); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.effect_calibration_due(item qms.quality_items, options jsonb) IS 'When it was calibrated last, and by when it has to be again.';

-- Name: effect_decide_dispositions(qms.quality_items, jsonb); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.effect_decide_dispositions(item qms.quality_items, options jsonb) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    UPDATE qms.dispositions AS d SET decided_by = qms.current_user_id(), decided_at = clock_timestamp()
    WHERE d.record_id = item.id AND d.withdrawn_reason IS NULL;
END
$$;

ALTER FUNCTION qms_private.effect_decide_dispositions(item qms.quality_items, options jsonb) OWNER TO qms_definer;

-- Name: FUNCTION effect_decide_dispositions(item qms.quality_items, options jsonb); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.effect_decide_dispositions(item qms.quality_items, options jsonb) IS 'The proposed dispositions are decided by who takes the step.';

-- Name: effect_decide_reportability(qms.quality_items, jsonb); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.effect_decide_reportability(item qms.quality_items, options jsonb) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    last_one qms.reportability_assessments := qms_private.last_assessment(item);
BEGIN
    UPDATE qms.reportability_assessments AS a SET decided_by = qms.current_user_id(), decided_at = clock_timestamp()
    WHERE a.id = last_one.id;
    UPDATE qms.complaints AS c
    SET
        reportable = last_one.proposal = 'report', report_due_on = last_one.report_due_on,
        reportability_decided_by = qms.current_user_id()
    WHERE c.id = item.id;
    -- The clock of the authority runs, whatever the workflow would give.
    IF last_one.proposal = 'report' AND last_one.report_due_on IS NOT NULL THEN
        UPDATE qms.quality_items AS i
        SET due_date = least(i.due_date, qms_private.end_of_day(o.time_zone, last_one.report_due_on))
        FROM qms.organizations AS o
        WHERE i.id = item.id AND i.organization_id = o.id;
    END IF;
END
$$;

ALTER FUNCTION qms_private.effect_decide_reportability(item qms.quality_items, options jsonb) OWNER TO qms_definer;

-- Name: FUNCTION effect_decide_reportability(item qms.quality_items, options jsonb); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.effect_decide_reportability(item qms.quality_items, options jsonb) IS 'The last assessment of reportability is decided by who takes the step; the record is due when the report is.';

-- Name: effect_due_after_window(qms.quality_items, jsonb); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.effect_due_after_window(item qms.quality_items, options jsonb) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    UPDATE qms.quality_items AS i
    SET due_date = qms_private.end_of_day(
        o.time_zone, greatest(c.window_ends_on, qms_private.today_of(i.organization_id)) + (options ->> 'days')::integer
    )
    FROM qms.organizations AS o, qms.capas AS c
    WHERE i.id = item.id AND i.organization_id = o.id AND c.id = item.id;
END
$$;

ALTER FUNCTION qms_private.effect_due_after_window(item qms.quality_items, options jsonb) OWNER TO qms_definer;

-- Name: FUNCTION effect_due_after_window(item qms.quality_items, options jsonb); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.effect_due_after_window(item qms.quality_items, options jsonb) IS 'The record is due so many days after the window of its effectiveness check.';

-- Name: effect_due_by_actions(qms.quality_items, jsonb); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.effect_due_by_actions(item qms.quality_items, options jsonb) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    UPDATE qms.quality_items AS i
    SET due_date = qms_private.end_of_day(o.time_zone, (
        SELECT max(a.due_on) FROM qms.capa_actions AS a WHERE a.record_id = item.id AND a.completed_on IS NULL
    ))
    FROM qms.organizations AS o
    WHERE i.id = item.id AND i.organization_id = o.id;
END
$$;

ALTER FUNCTION qms_private.effect_due_by_actions(item qms.quality_items, options jsonb) OWNER TO qms_definer;

-- Name: FUNCTION effect_due_by_actions(item qms.quality_items, options jsonb); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.effect_due_by_actions(item qms.quality_items, options jsonb) IS 'The record is due when its last open action is.';

-- Name: effect_due_by_field(qms.quality_items, jsonb); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.effect_due_by_field(item qms.quality_items, options jsonb) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    UPDATE qms.quality_items AS i
    SET due_date = coalesce(
        qms_private.end_of_day(o.time_zone, (qms_private.all_fields(item) ->> (options ->> 'field'))::date), i.due_date
    )
    FROM qms.organizations AS o
    WHERE i.id = item.id AND i.organization_id = o.id;
END
$$;

ALTER FUNCTION qms_private.effect_due_by_field(item qms.quality_items, options jsonb) OWNER TO qms_definer;

-- Name: FUNCTION effect_due_by_field(item qms.quality_items, options jsonb); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.effect_due_by_field(item qms.quality_items, options jsonb) IS 'The record is due on the day a field of it names.';

-- Name: effect_end_effective(qms.quality_items, jsonb); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.effect_end_effective(item qms.quality_items, options jsonb) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    UPDATE qms.documents AS d SET is_effective = false, effective_to = clock_timestamp() WHERE d.id = item.id;
END
$$;

ALTER FUNCTION qms_private.effect_end_effective(item qms.quality_items, options jsonb) OWNER TO qms_definer;

-- Name: FUNCTION effect_end_effective(item qms.quality_items, options jsonb); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.effect_end_effective(item qms.quality_items, options jsonb) IS 'From now on no version of the document counts.';

-- Name: effect_make_effective(qms.quality_items, jsonb); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.effect_make_effective(item qms.quality_items, options jsonb) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    UPDATE qms.documents AS d SET is_effective = true, effective_from = clock_timestamp(), effective_to = NULL
    WHERE d.id = item.id;
END
$$;

ALTER FUNCTION qms_private.effect_make_effective(item qms.quality_items, options jsonb) OWNER TO qms_definer;

-- Name: FUNCTION effect_make_effective(item qms.quality_items, options jsonb); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.effect_make_effective(item qms.quality_items, options jsonb) IS 'From now on this version of the document is the one that counts.';

-- Name: effect_next_cycle(qms.quality_items, jsonb); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.effect_next_cycle(item qms.quality_items, options jsonb) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    -- What the former cycle planned and found stays in its parts and in the trail; the next one plans its own.
    UPDATE qms.capas AS c
    SET
        cycle = c.cycle + 1, window_starts_on = NULL, window_ends_on = NULL, verification_result = NULL,
        no_adverse_effect = NULL, root_cause_not_determined = NULL
    WHERE c.id = item.id;
END
$$;

ALTER FUNCTION qms_private.effect_next_cycle(item qms.quality_items, options jsonb) OWNER TO qms_definer;

-- Name: FUNCTION effect_next_cycle(item qms.quality_items, options jsonb); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.effect_next_cycle(item qms.quality_items, options jsonb) IS 'The investigation begins again, with a plan of its own.';

-- Name: effect_schedule_review(qms.quality_items, jsonb); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.effect_schedule_review(item qms.quality_items, options jsonb) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    next_review date;
BEGIN
    UPDATE qms.documents AS d
    SET next_review_on = (qms_private.today_of(item.organization_id) + make_interval(months => d.review_every_months))::date
    WHERE d.id = item.id
    RETURNING d.next_review_on INTO next_review;
    UPDATE qms.quality_items AS i
    SET due_date = qms_private.end_of_day(o.time_zone, next_review)
    FROM qms.organizations AS o
    WHERE i.id = item.id AND i.organization_id = o.id;
END
$$;

ALTER FUNCTION qms_private.effect_schedule_review(item qms.quality_items, options jsonb) OWNER TO qms_definer;

-- Name: FUNCTION effect_schedule_review(item qms.quality_items, options jsonb); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.effect_schedule_review(item qms.quality_items, options jsonb) IS 'The next periodic review is due so many months from today; without an interval nothing is due.';

-- Name: effect_set_verdict(qms.quality_items, jsonb); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.effect_set_verdict(item qms.quality_items, options jsonb) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    UPDATE qms.capas AS c SET verdict = options ->> 'verdict', verdict_by = qms.current_user_id() WHERE c.id = item.id;
END
$$;

ALTER FUNCTION qms_private.effect_set_verdict(item qms.quality_items, options jsonb) OWNER TO qms_definer;

-- Name: FUNCTION effect_set_verdict(item qms.quality_items, options jsonb); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.effect_set_verdict(item qms.quality_items, options jsonb) IS 'Whether the actions were effective, as the person who takes the step says.';

-- Name: effect_supersede_former(qms.quality_items, jsonb); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.effect_supersede_former(item qms.quality_items, options jsonb) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    former record;
BEGIN
    FOR former IN
        SELECT i.id, i.version, i.status, i.definition_id
        FROM qms.documents AS d
        INNER JOIN qms.documents AS f ON d.organization_id = f.organization_id AND d.document_number = f.document_number
        INNER JOIN qms.quality_items AS i ON f.id = i.id
        WHERE d.id = item.id AND f.id <> item.id AND f.is_effective
    LOOP
        INSERT INTO qms.transitions (
            organization_id, record_id, record_version, name, from_state, to_state, reason, by_id, by_kind, definition_id
        )
        VALUES (
            item.organization_id, former.id, former.version + 1, 'supersede', former.status, 'superseded',
            'superseded by ' || item.number || ': ' || qms.written_reason(), qms.current_user_id(),
            qms.current_actor_kind(), former.definition_id
        );
        UPDATE qms.quality_items AS i
        SET
            status = 'superseded', state_since = clock_timestamp(), closed_at = clock_timestamp(), due_date = NULL,
            escalation_level = 0
        WHERE i.id = former.id;
        UPDATE qms.documents AS d
        SET is_effective = false, effective_to = clock_timestamp(), replaced_by = item.id
        WHERE d.id = former.id;
        INSERT INTO qms.record_links (organization_id, from_id, to_id, kind)
        VALUES (item.organization_id, item.id, former.id, 'supersedes')
        ON CONFLICT (organization_id, from_id, to_id, kind) DO NOTHING;
    END LOOP;
END
$$;

ALTER FUNCTION qms_private.effect_supersede_former(item qms.quality_items, options jsonb) OWNER TO qms_definer;

-- Name: FUNCTION effect_supersede_former(item qms.quality_items, options jsonb); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.effect_supersede_former(item qms.quality_items, options jsonb) IS 'The version of the document that was effective is superseded, in the same transaction.';

-- Name: end_of_day(text, date); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.end_of_day(zone text, day date) RETURNS timestamp with time zone
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    -- Where clocks go back over midnight, it strikes twice: the earlier one ends the day.
    SELECT m.midnight - CASE
        WHEN ((m.midnight - interval '1 hour') AT TIME ZONE zone)::date > day THEN interval '1 hour' ELSE interval '0'
    END - interval '1 microsecond'
    FROM (SELECT (day + 1)::timestamp AT TIME ZONE zone AS midnight) AS m
$$;

ALTER FUNCTION qms_private.end_of_day(zone text, day date) OWNER TO qms_definer;

-- Name: FUNCTION end_of_day(zone text, day date); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.end_of_day(zone text, day date) IS 'The last microsecond of a day in a time zone.';

-- Name: compliance_records; Type: TABLE; Schema: qms; Owner: qms_owner

CREATE TABLE qms.compliance_records (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    standard text NOT NULL,
    requirement text NOT NULL,
    status text DEFAULT 'pending'::text,
    evidence jsonb DEFAULT '[]'::jsonb,
    last_reviewed timestamp with time zone,
    next_review timestamp with time zone,
    created_at timestamp with time zone DEFAULT now(),
    framework_id uuid,
    clause_id uuid,
    applicability text DEFAULT 'applicable'::text NOT NULL,
    justification text,
    review_days integer,
    proposed_by uuid,
    proposed_kind text,
    proposed_at timestamp with time zone,
    adopted_by uuid,
    adopted_at timestamp with time zone,
    CONSTRAINT adopted_by_another CHECK ((adopted_by <> proposed_by)),
    CONSTRAINT adopted_by_somebody CHECK (((adopted_by IS NULL) = (adopted_at IS NULL))),
    CONSTRAINT compliance_records_applicability_check CHECK ((applicability = ANY (ARRAY['applicable'::text, 'not_applicable'::text]))),
    CONSTRAINT compliance_records_proposed_kind_check CHECK ((proposed_kind = ANY (ARRAY['human'::text, 'agent'::text, 'system'::text]))),
    CONSTRAINT compliance_records_review_days_check CHECK (((review_days >= 1) AND (review_days <= 3650))),
    CONSTRAINT not_applicable_with_reason CHECK (((applicability = 'applicable'::text) OR ((length(btrim(justification)) >= 10) AND (proposed_by IS NOT NULL))))
);
ALTER TABLE ONLY qms.compliance_records ALTER COLUMN justification SET STATISTICS 0;

ALTER TABLE ONLY qms.compliance_records FORCE ROW LEVEL SECURITY;

ALTER TABLE qms.compliance_records OWNER TO qms_owner;

-- Name: TABLE compliance_records; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON TABLE qms.compliance_records IS 'Requirement by requirement: what evidence there is and when it was reviewed.';

-- Name: COLUMN compliance_records.applicability; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON COLUMN qms.compliance_records.applicability IS 'not_applicable is a proposal until adopted_at: a person other than the one who proposed it decides.';

-- Name: COLUMN compliance_records.review_days; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON COLUMN qms.compliance_records.review_days IS 'Evidence older than this is stale; empty: settings.compliance.review_days of the organization, else 365.';

-- Name: exclusion_text(qms.compliance_records); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.exclusion_text(proposed qms.compliance_records) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT proposed.standard || ', ' || proposed.requirement || E'\ndoes not apply, because:\n' || proposed.justification
$$;

ALTER FUNCTION qms_private.exclusion_text(proposed qms.compliance_records) OWNER TO qms_definer;

-- Name: FUNCTION exclusion_text(proposed qms.compliance_records); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.exclusion_text(proposed qms.compliance_records) IS 'What a person adopts or rejects, word for word.';

-- Name: follow_link(text); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.follow_link(link_token text) RETURNS uuid
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    UPDATE qms_private.approval_links AS l
    SET followed_at = clock_timestamp()
    WHERE
        l.token_sha256 = sha256(convert_to(link_token, 'UTF8'))
        AND l.followed_at IS NULL AND l.expires_at > clock_timestamp()
    RETURNING l.approval_id
$$;

ALTER FUNCTION qms_private.follow_link(link_token text) OWNER TO qms_definer;

-- Name: FUNCTION follow_link(link_token text); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.follow_link(link_token text) IS 'The approval a link leads to; null when it was followed before or is too old.';

-- Name: guard_acceptable_without_control(qms.quality_items, jsonb, uuid); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.guard_acceptable_without_control(item qms.quality_items, options jsonb, person uuid) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT 'the risk as it is rated needs a control first'
    FROM qms.risks AS r
    WHERE
        r.id = item.id
        AND NOT coalesce(CASE r.method WHEN 'iso14971' THEN r.acceptability = 'acceptable' ELSE r.action_priority = 'L' END, false)
$$;

ALTER FUNCTION qms_private.guard_acceptable_without_control(item qms.quality_items, options jsonb, person uuid) OWNER TO qms_definer;

-- Name: FUNCTION guard_acceptable_without_control(item qms.quality_items, options jsonb, person uuid); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.guard_acceptable_without_control(item qms.quality_items, options jsonb, person uuid) IS 'The risk is acceptable as it is.';

-- Name: guard_after_delivery_decided(qms.quality_items, jsonb, uuid); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.guard_after_delivery_decided(item qms.quality_items, options jsonb, person uuid) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT 'the product was delivered: link a field action, or say in field_action_rationale why there is none'
    FROM qms.nonconformances AS n
    WHERE
        n.id = item.id AND (n.delivered OR coalesce(n.detected_at_stage, '') IN ('delivered', 'field'))
        AND qms.said(n.field_action_rationale) IS NULL
        AND NOT EXISTS (SELECT FROM qms_private.linked(item, 'field_action') AS f WHERE f.status <> 'cancelled')
$$;

ALTER FUNCTION qms_private.guard_after_delivery_decided(item qms.quality_items, options jsonb, person uuid) OWNER TO qms_definer;

-- Name: FUNCTION guard_after_delivery_decided(item qms.quality_items, options jsonb, person uuid); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.guard_after_delivery_decided(item qms.quality_items, options jsonb, person uuid) IS 'For delivered product it is decided whether the field must be told.';

-- Name: guard_all_actions_accepted(qms.quality_items, jsonb, uuid); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.guard_all_actions_accepted(item qms.quality_items, options jsonb, person uuid) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT qms_private.counted(count(*), 'action is not accepted', 'actions are not accepted') || ' by somebody other than its owner'
    FROM qms.capa_actions AS a
    WHERE a.record_id = item.id AND (a.accepted_by IS NULL OR a.accepted_by = a.owner_id)
$$;

ALTER FUNCTION qms_private.guard_all_actions_accepted(item qms.quality_items, options jsonb, person uuid) OWNER TO qms_definer;

-- Name: FUNCTION guard_all_actions_accepted(item qms.quality_items, options jsonb, person uuid); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.guard_all_actions_accepted(item qms.quality_items, options jsonb, person uuid) IS 'Somebody other than its owner accepted every action.';

-- Name: guard_all_actions_done(qms.quality_items, jsonb, uuid); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.guard_all_actions_done(item qms.quality_items, options jsonb, person uuid) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT concat_ws(
        '; ',
        qms_private.counted(count(*) FILTER (WHERE a.completed_on IS NULL), 'action is open', 'actions are open'),
        qms_private.counted(
            count(*) FILTER (WHERE a.completed_on > qms_private.today_of(item.organization_id)),
            'action is said to be completed on a day that is still to come',
            'actions are said to be completed on days that are still to come'
        ),
        qms_private.counted(
            count(*) FILTER (WHERE a.completed_on IS NOT NULL AND qms.said(a.completion_evidence) IS NULL),
            'action is done without evidence', 'actions are done without evidence'
        )
    )
    FROM qms.capa_actions AS a WHERE a.record_id = item.id
    HAVING
        bool_or(
            a.completed_on IS NULL OR a.completed_on > qms_private.today_of(item.organization_id)
            OR qms.said(a.completion_evidence) IS NULL
        )
$$;

ALTER FUNCTION qms_private.guard_all_actions_done(item qms.quality_items, options jsonb, person uuid) OWNER TO qms_definer;

-- Name: FUNCTION guard_all_actions_done(item qms.quality_items, options jsonb, person uuid); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.guard_all_actions_done(item qms.quality_items, options jsonb, person uuid) IS 'Every action is done and says what shows it.';

-- Name: guard_all_signed(qms.quality_items, jsonb, uuid); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.guard_all_signed(item qms.quality_items, options jsonb, person uuid) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    WITH missing AS (
        SELECT r.signer_id, r.meaning
        FROM qms.required_signatures AS r
        WHERE
            r.record_id = item.id AND r.for_state = options ->> 'state' AND NOT EXISTS (
                SELECT FROM qms.signature_status(item.id) AS s
                WHERE
                    s.signer_id = r.signer_id AND s.meaning = r.meaning AND s.verdict = 'signed' AND s.status = 'valid'
            )
    )
    SELECT 'still to sign: ' || string_agg(qms_private.name_of(m.signer_id) || ' (' || m.meaning || ')', ', ')
    FROM missing AS m
    -- The last of them may sign by taking the step; until somebody takes it, that is not known.
    HAVING count(*) > 1 OR bool_or(
        m.meaning IS DISTINCT FROM options ->> 'meaning'
        OR (qms.current_actor_kind() = 'human' AND m.signer_id IS DISTINCT FROM person)
    )
$$;

ALTER FUNCTION qms_private.guard_all_signed(item qms.quality_items, options jsonb, person uuid) OWNER TO qms_definer;

-- Name: FUNCTION guard_all_signed(item qms.quality_items, options jsonb, person uuid); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.guard_all_signed(item qms.quality_items, options jsonb, person uuid) IS 'Everybody asked to sign before the state in "state" has signed what the record says now.';

-- Name: guard_auditor_independent(qms.quality_items, jsonb, uuid); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.guard_auditor_independent(item qms.quality_items, options jsonb, person uuid) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT CASE
        WHEN a.area_responsible IS NULL THEN 'who answers for the audited area is not recorded (area_responsible)'
        ELSE format('%s answers for the audited area and may not lead its audit', qms_private.name_of(a.area_responsible))
    END
    FROM qms.audits AS a
    WHERE
        a.id = item.id AND (
            a.area_responsible IN (a.lead_auditor, item.assigned_to)
            -- Of a supplier or an authority nobody of the organization does.
            OR (a.area_responsible IS NULL AND a.audit_kind = 'internal')
        )
$$;

ALTER FUNCTION qms_private.guard_auditor_independent(item qms.quality_items, options jsonb, person uuid) OWNER TO qms_definer;

-- Name: FUNCTION guard_auditor_independent(item qms.quality_items, options jsonb, person uuid); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.guard_auditor_independent(item qms.quality_items, options jsonb, person uuid) IS 'Whoever leads the audit does not answer for the audited area.';

-- Name: guard_benefit_outweighs(qms.quality_items, jsonb, uuid); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.guard_benefit_outweighs(item qms.quality_items, options jsonb, person uuid) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT 'the residual risk is unacceptable, and the benefit is not weighed against it (benefit_risk)'
    FROM qms.risks AS r
    WHERE r.id = item.id AND r.residual_acceptability = 'unacceptable' AND qms.said(r.benefit_risk) IS NULL
$$;

ALTER FUNCTION qms_private.guard_benefit_outweighs(item qms.quality_items, options jsonb, person uuid) OWNER TO qms_definer;

-- Name: FUNCTION guard_benefit_outweighs(item qms.quality_items, options jsonb, person uuid); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.guard_benefit_outweighs(item qms.quality_items, options jsonb, person uuid) IS 'A risk that stays unacceptable is weighed against the benefit.';

-- Name: guard_calibration_bad(qms.quality_items, jsonb, uuid); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.guard_calibration_bad(item qms.quality_items, options jsonb, person uuid) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT 'the last calibration was not out of tolerance'
    FROM qms_private.last_calibration(item) AS c WHERE c.result IS DISTINCT FROM 'out_of_tolerance'
$$;

ALTER FUNCTION qms_private.guard_calibration_bad(item qms.quality_items, options jsonb, person uuid) OWNER TO qms_definer;

-- Name: FUNCTION guard_calibration_bad(item qms.quality_items, options jsonb, person uuid); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.guard_calibration_bad(item qms.quality_items, options jsonb, person uuid) IS 'The last calibration was out of tolerance.';

-- Name: guard_calibration_due_soon(qms.quality_items, jsonb, uuid); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.guard_calibration_due_soon(item qms.quality_items, options jsonb, person uuid) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT CASE
        WHEN e.calibration_due_on IS NULL THEN 'when it is to be calibrated is not recorded (calibration_due_on)'
        WHEN e.calibration_due_on > qms_private.today_of(item.organization_id) + 30 THEN 'it is to be calibrated by ' || e.calibration_due_on
    END
    FROM qms.equipment AS e WHERE e.id = item.id
$$;

ALTER FUNCTION qms_private.guard_calibration_due_soon(item qms.quality_items, options jsonb, person uuid) OWNER TO qms_definer;

-- Name: FUNCTION guard_calibration_due_soon(item qms.quality_items, options jsonb, person uuid); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.guard_calibration_due_soon(item qms.quality_items, options jsonb, person uuid) IS 'The next calibration is due within 30 days.';

-- Name: guard_calibration_good(qms.quality_items, jsonb, uuid); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.guard_calibration_good(item qms.quality_items, options jsonb, person uuid) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT CASE
        WHEN c.id IS NULL THEN 'no calibration is recorded'
        WHEN c.result <> 'in_tolerance' THEN 'the last calibration, on ' || c.performed_on || ', was out of tolerance'
        WHEN c.performed_on > t.today THEN 'the calibration is dated ' || c.performed_on || ', that day is still to come'
        WHEN coalesce(c.next_due_on, c.performed_on + e.interval_days) IS NULL
            THEN 'until when the calibration holds is missing (next_due_on, or interval_days of the equipment)'
        WHEN coalesce(c.next_due_on, c.performed_on + e.interval_days) < t.today
            THEN 'the last calibration held until ' || coalesce(c.next_due_on, c.performed_on + e.interval_days)
    END
    FROM qms.equipment AS e, qms_private.last_calibration(item) AS c, qms_private.today_of(item.organization_id) AS t (today)
    WHERE e.id = item.id
$$;

ALTER FUNCTION qms_private.guard_calibration_good(item qms.quality_items, options jsonb, person uuid) OWNER TO qms_definer;

-- Name: FUNCTION guard_calibration_good(item qms.quality_items, options jsonb, person uuid); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.guard_calibration_good(item qms.quality_items, options jsonb, person uuid) IS 'The last calibration was in tolerance and is still valid.';

-- Name: guard_calibration_overdue(qms.quality_items, jsonb, uuid); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.guard_calibration_overdue(item qms.quality_items, options jsonb, person uuid) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT 'its calibration is not overdue' || coalesce(': it is due by ' || e.calibration_due_on, '')
    FROM qms.equipment AS e
    WHERE
        e.id = item.id
        AND NOT coalesce(e.calibration_due_on < qms_private.today_of(item.organization_id), false)
$$;

ALTER FUNCTION qms_private.guard_calibration_overdue(item qms.quality_items, options jsonb, person uuid) OWNER TO qms_definer;

-- Name: FUNCTION guard_calibration_overdue(item qms.quality_items, options jsonb, person uuid); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.guard_calibration_overdue(item qms.quality_items, options jsonb, person uuid) IS 'The next calibration is overdue.';

-- Name: guard_capa_linked(qms.quality_items, jsonb, uuid); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.guard_capa_linked(item qms.quality_items, options jsonb, person uuid) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT 'a CAPA is required, and none that is open or beyond is linked' || coalesce(
        ' (' || (SELECT string_agg(c.number || ': ' || c.status, ', ' ORDER BY c.number) FROM qms_private.linked(item, 'capa') AS c) || ')',
        ''
    )
    WHERE
        (qms_private.all_fields(item) ->> 'capa_required')::boolean
        AND NOT EXISTS (SELECT FROM qms_private.linked(item, 'capa') AS c WHERE c.status NOT IN ('draft', 'cancelled'))
$$;

ALTER FUNCTION qms_private.guard_capa_linked(item qms.quality_items, options jsonb, person uuid) OWNER TO qms_definer;

-- Name: FUNCTION guard_capa_linked(item qms.quality_items, options jsonb, person uuid); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.guard_capa_linked(item qms.quality_items, options jsonb, person uuid) IS 'When a CAPA is required, one is linked and has been opened.';

-- Name: guard_change_request_named(qms.quality_items, jsonb, uuid); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.guard_change_request_named(item qms.quality_items, options jsonb, person uuid) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT 'a new version needs an approved change request, and none is linked'
    FROM qms.documents AS d INNER JOIN qms.organizations AS o ON d.organization_id = o.id
    WHERE
        d.id = item.id AND d.revision > 1 AND o.settings ->> 'documents_need_change' = 'true'
        AND NOT EXISTS (
            SELECT FROM qms_private.linked(item, 'change_request') AS c
            WHERE c.status IN ('approved', 'implementing', 'verification', 'closed')
        )
$$;

ALTER FUNCTION qms_private.guard_change_request_named(item qms.quality_items, options jsonb, person uuid) OWNER TO qms_definer;

-- Name: FUNCTION guard_change_request_named(item qms.quality_items, options jsonb, person uuid); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.guard_change_request_named(item qms.quality_items, options jsonb, person uuid) IS 'A new version belongs to an approved change, where the organization wants that.';

-- Name: guard_complainant_named(qms.quality_items, jsonb, uuid); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.guard_complainant_named(item qms.quality_items, options jsonb, person uuid) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT 'name and address or telephone of the complainant are missing; write "not given" where they were not'
    FROM qms.complaints AS c
    WHERE
        c.id = item.id AND (
            qms.said(c.complainant_name) IS NULL
            OR coalesce(qms.said(c.complainant_contact), qms.said(c.complainant_address)) IS NULL
        )
$$;

ALTER FUNCTION qms_private.guard_complainant_named(item qms.quality_items, options jsonb, person uuid) OWNER TO qms_definer;

-- Name: FUNCTION guard_complainant_named(item qms.quality_items, options jsonb, person uuid); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.guard_complainant_named(item qms.quality_items, options jsonb, person uuid) IS 'Who complained is recorded.';

-- Name: guard_contained_if_in_hand(qms.quality_items, jsonb, uuid); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.guard_contained_if_in_hand(item qms.quality_items, options jsonb, person uuid) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT 'product may be in hand, and containment is missing: contain it first, or record that it was delivered or that nothing is affected (quantity_affected 0)'
    FROM qms.nonconformances AS n
    WHERE
        n.id = item.id AND qms.said(n.containment) IS NULL AND n.quantity_affected IS DISTINCT FROM 0
        AND NOT (n.delivered OR coalesce(n.detected_at_stage, '') IN ('delivered', 'field'))
$$;

ALTER FUNCTION qms_private.guard_contained_if_in_hand(item qms.quality_items, options jsonb, person uuid) OWNER TO qms_definer;

-- Name: FUNCTION guard_contained_if_in_hand(item qms.quality_items, options jsonb, person uuid); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.guard_contained_if_in_hand(item qms.quality_items, options jsonb, person uuid) IS 'Product in hand is contained before it is reviewed.';

-- Name: guard_controls_verified(qms.quality_items, jsonb, uuid); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.guard_controls_verified(item qms.quality_items, options jsonb, person uuid) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT nullif(concat_ws(
        '; ',
        qms_private.counted(
            count(*) FILTER (WHERE c.implementation_verified_on IS NULL OR qms.said(c.implementation_evidence) IS NULL),
            'control is not verified to be implemented', 'controls are not verified to be implemented'
        ),
        qms_private.counted(
            count(*) FILTER (WHERE c.effectiveness_verified_on IS NULL OR qms.said(c.effectiveness_evidence) IS NULL),
            'control is not verified to be effective', 'controls are not verified to be effective'
        )
    ), '')
    FROM qms.risk_controls AS c WHERE c.record_id = item.id
$$;

ALTER FUNCTION qms_private.guard_controls_verified(item qms.quality_items, options jsonb, person uuid) OWNER TO qms_definer;

-- Name: FUNCTION guard_controls_verified(item qms.quality_items, options jsonb, person uuid); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.guard_controls_verified(item qms.quality_items, options jsonb, person uuid) IS 'Each control is verified twice: that it is there, and that it works.';

-- Name: guard_critical_has_capa(qms.quality_items, jsonb, uuid); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.guard_critical_has_capa(item qms.quality_items, options jsonb, person uuid) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT 'it is critical, and no CAPA is linked'
    WHERE
        'critical' IN (
            item.risk_class, qms_private.all_fields(item) ->> 'grade', qms_private.all_fields(item) ->> 'classification'
        )
        AND NOT EXISTS (SELECT FROM qms_private.linked(item, 'capa') AS c WHERE c.status <> 'cancelled')
$$;

ALTER FUNCTION qms_private.guard_critical_has_capa(item qms.quality_items, options jsonb, person uuid) OWNER TO qms_definer;

-- Name: FUNCTION guard_critical_has_capa(item qms.quality_items, options jsonb, person uuid); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.guard_critical_has_capa(item qms.quality_items, options jsonb, person uuid) IS 'A critical record has a CAPA.';

-- Name: guard_device_identified(qms.quality_items, jsonb, uuid); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.guard_device_identified(item qms.quality_items, options jsonb, person uuid) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT 'no UDI, lot or serial number is recorded; write "not available" where nobody could tell'
    FROM qms.complaints AS c
    WHERE
        c.id = item.id
        AND coalesce(qms.said(c.udi_di), qms.said(c.udi_pi), qms.said(c.lot), qms.said(c.serial_number)) IS NULL
$$;

ALTER FUNCTION qms_private.guard_device_identified(item qms.quality_items, options jsonb, person uuid) OWNER TO qms_definer;

-- Name: FUNCTION guard_device_identified(item qms.quality_items, options jsonb, person uuid); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.guard_device_identified(item qms.quality_items, options jsonb, person uuid) IS 'Which product it was is recorded.';

-- Name: guard_document_has_content(qms.quality_items, jsonb, uuid); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.guard_document_has_content(item qms.quality_items, options jsonb, person uuid) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT 'it has no content, hash of a content or evidence that points to one'
    FROM qms.documents AS d
    WHERE
        d.id = item.id AND qms.said(d.content) IS NULL AND d.content_sha256 IS NULL
        AND NOT EXISTS (SELECT FROM qms.evidence AS e WHERE e.record_id = item.id AND e.sha256 IS NOT NULL)
$$;

ALTER FUNCTION qms_private.guard_document_has_content(item qms.quality_items, options jsonb, person uuid) OWNER TO qms_definer;

-- Name: FUNCTION guard_document_has_content(item qms.quality_items, options jsonb, person uuid); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.guard_document_has_content(item qms.quality_items, options jsonb, person uuid) IS 'There is something to approve.';

-- Name: guard_due_passed(qms.quality_items, jsonb, uuid); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.guard_due_passed(item qms.quality_items, options jsonb, person uuid) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT CASE
        WHEN item.due_date IS NULL THEN 'it has no due date'
        WHEN item.due_date >= clock_timestamp() THEN
            'it is due on ' || qms_private.local_date(item.organization_id, item.due_date) || ', that is not over yet'
    END
$$;

ALTER FUNCTION qms_private.guard_due_passed(item qms.quality_items, options jsonb, person uuid) OWNER TO qms_definer;

-- Name: FUNCTION guard_due_passed(item qms.quality_items, options jsonb, person uuid); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.guard_due_passed(item qms.quality_items, options jsonb, person uuid) IS 'The due time of the record has passed.';

-- Name: guard_effective_date_reached(qms.quality_items, jsonb, uuid); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.guard_effective_date_reached(item qms.quality_items, options jsonb, person uuid) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT CASE
        WHEN d.planned_effective_on IS NULL THEN 'the day on which it becomes effective is missing (planned_effective_on)'
        WHEN d.planned_effective_on > qms_private.today_of(item.organization_id)
            THEN 'it becomes effective on ' || d.planned_effective_on
    END
    FROM qms.documents AS d WHERE d.id = item.id
$$;

ALTER FUNCTION qms_private.guard_effective_date_reached(item qms.quality_items, options jsonb, person uuid) OWNER TO qms_definer;

-- Name: FUNCTION guard_effective_date_reached(item qms.quality_items, options jsonb, person uuid); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.guard_effective_date_reached(item qms.quality_items, options jsonb, person uuid) IS 'The day on which the document becomes effective is here.';

-- Name: guard_emergency_declared(qms.quality_items, jsonb, uuid); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.guard_emergency_declared(item qms.quality_items, options jsonb, person uuid) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT CASE
        WHEN NOT c.emergency THEN 'it is no emergency: it has to be approved first'
        WHEN c.approve_until IS NULL THEN 'until when it will be approved is missing (approve_until)'
        WHEN c.approve_until NOT BETWEEN t.today AND t.today + 10
            THEN 'approve_until is ' || c.approve_until || ': it has to be within the next 10 days'
    END
    FROM qms.change_requests AS c, qms_private.today_of(item.organization_id) AS t (today) WHERE c.id = item.id
$$;

ALTER FUNCTION qms_private.guard_emergency_declared(item qms.quality_items, options jsonb, person uuid) OWNER TO qms_definer;

-- Name: FUNCTION guard_emergency_declared(item qms.quality_items, options jsonb, person uuid); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.guard_emergency_declared(item qms.quality_items, options jsonb, person uuid) IS 'A change that cannot wait says until when it will be approved.';

-- Name: guard_extension_fits(qms.quality_items, jsonb, uuid); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.guard_extension_fits(item qms.quality_items, options jsonb, person uuid) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT CASE
        WHEN i.id IS NULL THEN 'it names no record whose due date is to move (target_id)'
        WHEN i.closed_at IS NOT NULL THEN coalesce(i.number, 'it') || ' is closed'
        WHEN x.action_id IS NOT NULL AND a.id IS NULL THEN 'the action does not belong to ' || coalesce(i.number, 'it')
        WHEN a.completed_on IS NOT NULL THEN 'the action is done'
        WHEN x.requested_due_on <= t.today THEN 'the requested date, ' || x.requested_due_on || ', is not in the future'
        WHEN x.requested_due_on <= coalesce(a.due_on, qms_private.local_date(item.organization_id, i.due_date))
            THEN 'the requested date, ' || x.requested_due_on || ', is not later than the due date'
    END
    FROM qms.extension_requests AS x
    LEFT JOIN qms.quality_items AS i ON x.organization_id = i.organization_id AND x.target_id = i.id
    LEFT JOIN qms.capa_actions AS a ON x.action_id = a.id AND x.target_id = a.record_id
    CROSS JOIN qms_private.today_of(item.organization_id) AS t (today)
    WHERE x.id = item.id
$$;

ALTER FUNCTION qms_private.guard_extension_fits(item qms.quality_items, options jsonb, person uuid) OWNER TO qms_definer;

-- Name: FUNCTION guard_extension_fits(item qms.quality_items, options jsonb, person uuid); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.guard_extension_fits(item qms.quality_items, options jsonb, person uuid) IS 'There is an open due date to move, to a later day.';

-- Name: guard_findings_closed(qms.quality_items, jsonb, uuid); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.guard_findings_closed(item qms.quality_items, options jsonb, person uuid) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT 'findings are open: ' || qms_private.open_numbers(
        ARRAY(
            SELECT i FROM qms.findings AS f INNER JOIN qms.quality_items AS i ON f.id = i.id
            WHERE f.organization_id = item.organization_id AND f.audit_id = item.id
        ), ARRAY['closed']
    )
$$;

ALTER FUNCTION qms_private.guard_findings_closed(item qms.quality_items, options jsonb, person uuid) OWNER TO qms_definer;

-- Name: FUNCTION guard_findings_closed(item qms.quality_items, options jsonb, person uuid); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.guard_findings_closed(item qms.quality_items, options jsonb, person uuid) IS 'Every finding of the audit is closed.';

-- Name: guard_has_control(qms.quality_items, jsonb, uuid); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.guard_has_control(item qms.quality_items, options jsonb, person uuid) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT 'no control is planned'
    WHERE NOT EXISTS (SELECT FROM qms.risk_controls AS c WHERE c.record_id = item.id)
$$;

ALTER FUNCTION qms_private.guard_has_control(item qms.quality_items, options jsonb, person uuid) OWNER TO qms_definer;

-- Name: FUNCTION guard_has_control(item qms.quality_items, options jsonb, person uuid); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.guard_has_control(item qms.quality_items, options jsonb, person uuid) IS 'There is a control of the risk.';

-- Name: guard_has_criterion(qms.quality_items, jsonb, uuid); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.guard_has_criterion(item qms.quality_items, options jsonb, person uuid) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT CASE
        WHEN cardinality(m.missing) > 0 THEN 'the effectiveness criterion is not measurable yet, missing: ' || array_to_string(m.missing, ', ')
        WHEN c.window_ends_on < c.window_starts_on THEN 'the window of the effectiveness criterion ends before it begins'
    END
    FROM qms.capas AS c,
        LATERAL (
            SELECT array_remove(ARRAY[
                CASE WHEN coalesce(c.criterion ->> 'metric', '') = '' THEN 'criterion.metric' END,
                CASE WHEN c.criterion ->> 'baseline' IS NULL THEN 'criterion.baseline' END,
                CASE WHEN c.criterion ->> 'target' IS NULL THEN 'criterion.target' END,
                CASE WHEN coalesce(c.criterion ->> 'comparator', '') = '' THEN 'criterion.comparator' END,
                CASE WHEN c.window_starts_on IS NULL THEN 'window_starts_on' END,
                CASE WHEN c.window_ends_on IS NULL THEN 'window_ends_on' END,
                CASE WHEN c.minimum_sample IS NULL THEN 'minimum_sample' END
            ], NULL) AS missing
        ) AS m
    WHERE c.id = item.id
$$;

ALTER FUNCTION qms_private.guard_has_criterion(item qms.quality_items, options jsonb, person uuid) OWNER TO qms_definer;

-- Name: FUNCTION guard_has_criterion(item qms.quality_items, options jsonb, person uuid); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.guard_has_criterion(item qms.quality_items, options jsonb, person uuid) IS 'How effectiveness will be measured is planned: metric, baseline, target, window, sample.';

-- Name: guard_has_disposition(qms.quality_items, jsonb, uuid); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.guard_has_disposition(item qms.quality_items, options jsonb, person uuid) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT 'no disposition is proposed for ' || n.quantity_affected || coalesce(' ' || n.unit, '')
    FROM qms.nonconformances AS n
    WHERE
        n.id = item.id AND n.quantity_affected > 0
        AND NOT EXISTS (SELECT FROM qms.dispositions AS d WHERE d.record_id = item.id AND d.withdrawn_reason IS NULL)
$$;

ALTER FUNCTION qms_private.guard_has_disposition(item qms.quality_items, options jsonb, person uuid) OWNER TO qms_definer;

-- Name: FUNCTION guard_has_disposition(item qms.quality_items, options jsonb, person uuid); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.guard_has_disposition(item qms.quality_items, options jsonb, person uuid) IS 'It is proposed what becomes of the affected product.';

-- Name: guard_has_effectiveness_check(qms.quality_items, jsonb, uuid); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.guard_has_effectiveness_check(item qms.quality_items, options jsonb, person uuid) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT 'effectiveness was not checked in this cycle' FROM qms_private.last_check(item) AS k WHERE k.id IS NULL
$$;

ALTER FUNCTION qms_private.guard_has_effectiveness_check(item qms.quality_items, options jsonb, person uuid) OWNER TO qms_definer;

-- Name: FUNCTION guard_has_effectiveness_check(item qms.quality_items, options jsonb, person uuid); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.guard_has_effectiveness_check(item qms.quality_items, options jsonb, person uuid) IS 'Effectiveness was checked in this cycle.';

-- Name: guard_has_planned_action(qms.quality_items, jsonb, uuid); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.guard_has_planned_action(item qms.quality_items, options jsonb, person uuid) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT CASE
        WHEN count(*) FILTER (WHERE a.cycle = c.cycle) = 0 THEN 'no action is planned in this cycle'
        ELSE qms_private.counted(
            count(*) FILTER (WHERE a.owner_id IS NULL OR a.due_on IS NULL), 'action has no owner or no due date',
            'actions have no owner or no due date'
        )
    END
    FROM qms.capas AS c LEFT JOIN qms.capa_actions AS a ON c.id = a.record_id
    WHERE c.id = item.id
$$;

ALTER FUNCTION qms_private.guard_has_planned_action(item qms.quality_items, options jsonb, person uuid) OWNER TO qms_definer;

-- Name: FUNCTION guard_has_planned_action(item qms.quality_items, options jsonb, person uuid); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.guard_has_planned_action(item qms.quality_items, options jsonb, person uuid) IS 'There is an action, and each action has an owner and a due date.';

-- Name: guard_has_root_cause_with_evidence(qms.quality_items, jsonb, uuid); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.guard_has_root_cause_with_evidence(item qms.quality_items, options jsonb, person uuid) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT 'no root cause with evidence is recorded in this cycle, and root_cause_not_determined does not say why'
    FROM qms.capas AS c
    WHERE
        c.id = item.id AND qms.said(c.root_cause_not_determined) IS NULL
        AND NOT EXISTS (
            SELECT FROM qms.root_causes AS r
            WHERE
                r.record_id = item.id AND r.cycle = c.cycle AND r.is_root_cause AND r.withdrawn_reason IS NULL
                AND jsonb_array_length(r.evidence) > 0
        )
$$;

ALTER FUNCTION qms_private.guard_has_root_cause_with_evidence(item qms.quality_items, options jsonb, person uuid) OWNER TO qms_definer;

-- Name: FUNCTION guard_has_root_cause_with_evidence(item qms.quality_items, options jsonb, person uuid); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.guard_has_root_cause_with_evidence(item qms.quality_items, options jsonb, person uuid) IS 'There is a root cause with evidence, or it is said why none could be found.';

-- Name: guard_impact_assessed(qms.quality_items, jsonb, uuid); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.guard_impact_assessed(item qms.quality_items, options jsonb, person uuid) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT nullif(concat_ws(
        '; ',
        'not assessed yet: ' || string_agg(w.aspect, ', ' ORDER BY w.place) FILTER (WHERE a.aspect IS NULL),
        'affected, and no action says what follows: '
        || string_agg(w.aspect, ', ' ORDER BY w.place) FILTER (WHERE a.affected AND qms.said(a.action_needed) IS NULL)
    ), '')
    FROM unnest(ARRAY[
        'function', 'performance', 'usability', 'safety', 'regulatory', 'documents', 'training', 'validation', 'suppliers',
        'inventory'
    ]) WITH ORDINALITY AS w (aspect, place)
    LEFT JOIN LATERAL (
        SELECT x.* FROM qms.impact_assessments AS x
        WHERE x.record_id = item.id AND x.aspect = w.aspect ORDER BY x.created_at DESC, x.id DESC LIMIT 1
    ) AS a ON true
$$;

ALTER FUNCTION qms_private.guard_impact_assessed(item qms.quality_items, options jsonb, person uuid) OWNER TO qms_definer;

-- Name: FUNCTION guard_impact_assessed(item qms.quality_items, options jsonb, person uuid); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.guard_impact_assessed(item qms.quality_items, options jsonb, person uuid) IS 'Each aspect a change can touch is assessed.';

-- Name: guard_is_person(qms.quality_items, jsonb, uuid); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.guard_is_person(item qms.quality_items, options jsonb, person uuid) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT format('%s is not %s', qms_private.name_of(person), string_agg(qms_private.source_words(s.source), ' or '))
    FROM unnest(qms_private.as_texts(options -> 'of')) AS s (source)
    HAVING NOT bool_or(EXISTS (SELECT FROM qms_private.people_named(item, s.source) AS p (id) WHERE p.id = person))
$$;

ALTER FUNCTION qms_private.guard_is_person(item qms.quality_items, options jsonb, person uuid) OWNER TO qms_definer;

-- Name: FUNCTION guard_is_person(item qms.quality_items, options jsonb, person uuid); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.guard_is_person(item qms.quality_items, options jsonb, person uuid) IS 'Only somebody who is named by one of the sources in "of" may take the step.';

-- Name: guard_last_check_met(qms.quality_items, jsonb, uuid); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.guard_last_check_met(item qms.quality_items, options jsonb, person uuid) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT CASE
        WHEN k.id IS NULL THEN 'effectiveness was not checked in this cycle'
        WHEN k.outcome <> 'met' THEN 'the last check says: ' || replace(k.outcome, '_', ' ')
    END
    FROM qms_private.last_check(item) AS k
$$;

ALTER FUNCTION qms_private.guard_last_check_met(item qms.quality_items, options jsonb, person uuid) OWNER TO qms_definer;

-- Name: FUNCTION guard_last_check_met(item qms.quality_items, options jsonb, person uuid); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.guard_last_check_met(item qms.quality_items, options jsonb, person uuid) IS 'The last check of effectiveness met the criterion.';

-- Name: guard_linked_changes_closed(qms.quality_items, jsonb, uuid); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.guard_linked_changes_closed(item qms.quality_items, options jsonb, person uuid) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT 'linked changes are open: ' || qms_private.open_numbers(
        ARRAY(SELECT r FROM qms_private.linked(item, 'change_request') AS r), ARRAY['closed', 'rejected', 'cancelled']
    )
$$;

ALTER FUNCTION qms_private.guard_linked_changes_closed(item qms.quality_items, options jsonb, person uuid) OWNER TO qms_definer;

-- Name: FUNCTION guard_linked_changes_closed(item qms.quality_items, options jsonb, person uuid); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.guard_linked_changes_closed(item qms.quality_items, options jsonb, person uuid) IS 'No change request that belongs to the record is open.';

-- Name: guard_linked_training_done(qms.quality_items, jsonb, uuid); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.guard_linked_training_done(item qms.quality_items, options jsonb, person uuid) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT 'linked training is open: ' || qms_private.open_numbers(
        ARRAY(SELECT r FROM qms_private.linked(item, 'training') AS r), ARRAY['completed', 'waived']
    )
$$;

ALTER FUNCTION qms_private.guard_linked_training_done(item qms.quality_items, options jsonb, person uuid) OWNER TO qms_definer;

-- Name: FUNCTION guard_linked_training_done(item qms.quality_items, options jsonb, person uuid); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.guard_linked_training_done(item qms.quality_items, options jsonb, person uuid) IS 'No training that belongs to the record is open.';

-- Name: guard_minimum_sample_reached(qms.quality_items, jsonb, uuid); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.guard_minimum_sample_reached(item qms.quality_items, options jsonb, person uuid) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT CASE
        WHEN k.id IS NULL THEN 'effectiveness was not checked in this cycle'
        WHEN coalesce(k.sample, 0) < c.minimum_sample
            THEN format('the last check saw %s of at least %s', coalesce(k.sample, 0), c.minimum_sample)
    END
    FROM qms.capas AS c, qms_private.last_check(item) AS k WHERE c.id = item.id
$$;

ALTER FUNCTION qms_private.guard_minimum_sample_reached(item qms.quality_items, options jsonb, person uuid) OWNER TO qms_definer;

-- Name: FUNCTION guard_minimum_sample_reached(item qms.quality_items, options jsonb, person uuid); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.guard_minimum_sample_reached(item qms.quality_items, options jsonb, person uuid) IS 'The last check of effectiveness saw enough.';

-- Name: guard_minor_deviation(qms.quality_items, jsonb, uuid); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.guard_minor_deviation(item qms.quality_items, options jsonb, person uuid) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT 'a deviation that is ' || coalesce(d.classification, 'not classified') || ' has to be investigated'
    FROM qms.deviations AS d WHERE d.id = item.id AND d.classification IS DISTINCT FROM 'minor'
$$;

ALTER FUNCTION qms_private.guard_minor_deviation(item qms.quality_items, options jsonb, person uuid) OWNER TO qms_definer;

-- Name: FUNCTION guard_minor_deviation(item qms.quality_items, options jsonb, person uuid); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.guard_minor_deviation(item qms.quality_items, options jsonb, person uuid) IS 'Only a minor deviation goes on without an investigation.';

-- Name: guard_no_adverse_effect(qms.quality_items, jsonb, uuid); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.guard_no_adverse_effect(item qms.quality_items, options jsonb, person uuid) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT CASE c.no_adverse_effect
        WHEN false THEN 'the actions have an adverse effect (no_adverse_effect is false)'
        ELSE 'whether the actions have an adverse effect is not recorded (no_adverse_effect)'
    END
    FROM qms.capas AS c WHERE c.id = item.id AND c.no_adverse_effect IS DISTINCT FROM true
$$;

ALTER FUNCTION qms_private.guard_no_adverse_effect(item qms.quality_items, options jsonb, person uuid) OWNER TO qms_definer;

-- Name: FUNCTION guard_no_adverse_effect(item qms.quality_items, options jsonb, person uuid); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.guard_no_adverse_effect(item qms.quality_items, options jsonb, person uuid) IS 'The actions were found to do no harm.';

-- Name: guard_no_open_scars(qms.quality_items, jsonb, uuid); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.guard_no_open_scars(item qms.quality_items, options jsonb, person uuid) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT 'corrective action requests to this supplier are open: ' || qms_private.open_numbers(
        ARRAY(
            SELECT i FROM qms.scars AS s INNER JOIN qms.quality_items AS i ON s.id = i.id
            WHERE s.organization_id = item.organization_id AND s.supplier_id = item.id
        ), ARRAY['closed', 'cancelled']
    )
$$;

ALTER FUNCTION qms_private.guard_no_open_scars(item qms.quality_items, options jsonb, person uuid) OWNER TO qms_definer;

-- Name: FUNCTION guard_no_open_scars(item qms.quality_items, options jsonb, person uuid); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.guard_no_open_scars(item qms.quality_items, options jsonb, person uuid) IS 'The supplier has answered every corrective action request.';

-- Name: guard_not_own_training_result(qms.quality_items, jsonb, uuid); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.guard_not_own_training_result(item qms.quality_items, options jsonb, person uuid) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT format('%s is the trainee, and the record says how effective the training was: the trainer says that', qms_private.name_of(person))
    FROM qms.trainings AS t
    WHERE t.id = item.id AND t.effectiveness_result IS NOT NULL AND t.trainee_id = person
$$;

ALTER FUNCTION qms_private.guard_not_own_training_result(item qms.quality_items, options jsonb, person uuid) OWNER TO qms_definer;

-- Name: FUNCTION guard_not_own_training_result(item qms.quality_items, options jsonb, person uuid); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.guard_not_own_training_result(item qms.quality_items, options jsonb, person uuid) IS 'Who was trained does not judge the training alone.';

-- Name: guard_not_person(qms.quality_items, jsonb, uuid); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.guard_not_person(item qms.quality_items, options jsonb, person uuid) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT format('%s is %s and may not do this', qms_private.name_of(person), qms_private.source_words(s.source))
    FROM unnest(qms_private.as_texts(options -> 'of')) WITH ORDINALITY AS s (source, place)
    WHERE EXISTS (SELECT FROM qms_private.people_named(item, s.source) AS p (id) WHERE p.id = person)
    ORDER BY s.place LIMIT 1
$$;

ALTER FUNCTION qms_private.guard_not_person(item qms.quality_items, options jsonb, person uuid) OWNER TO qms_definer;

-- Name: FUNCTION guard_not_person(item qms.quality_items, options jsonb, person uuid); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.guard_not_person(item qms.quality_items, options jsonb, person uuid) IS 'Segregation of duties: whoever is named by one of the sources in "of" may not take the step.';

-- Name: guard_not_reportable(qms.quality_items, jsonb, uuid); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.guard_not_reportable(item qms.quality_items, options jsonb, person uuid) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT 'the proposal is to report: a reportable event has to be investigated'
    FROM qms_private.last_assessment(item) AS a WHERE a.proposal = 'report'
$$;

ALTER FUNCTION qms_private.guard_not_reportable(item qms.quality_items, options jsonb, person uuid) OWNER TO qms_definer;

-- Name: FUNCTION guard_not_reportable(item qms.quality_items, options jsonb, person uuid); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.guard_not_reportable(item qms.quality_items, options jsonb, person uuid) IS 'An event that is reported is investigated.';

-- Name: guard_options(jsonb); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.guard_options(guard jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$SELECT CASE jsonb_typeof(guard) WHEN 'string' THEN jsonb_build_object('name', guard #>> '{}') ELSE guard END$$;

ALTER FUNCTION qms_private.guard_options(guard jsonb) OWNER TO qms_definer;

-- Name: FUNCTION guard_options(guard jsonb); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.guard_options(guard jsonb) IS 'A guard or effect with its options: "x" is {"name": "x"}.';

-- Name: guard_owner_signed(qms.quality_items, jsonb, uuid); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.guard_owner_signed(item qms.quality_items, options jsonb, person uuid) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT 'the owner' || coalesce(', ' || qms_private.name_of(item.owner_id) || ',', '') || ' has not signed what it says now'
        || coalesce(' (' || (options ->> 'meaning') || ')', '')
    WHERE item.owner_id IS NULL OR NOT EXISTS (
        SELECT FROM qms.signature_status(item.id) AS s
        WHERE
            s.signer_id = item.owner_id AND s.meaning = options ->> 'meaning' AND s.verdict = 'signed'
            AND s.status = 'valid'
    )
$$;

ALTER FUNCTION qms_private.guard_owner_signed(item qms.quality_items, options jsonb, person uuid) OWNER TO qms_definer;

-- Name: FUNCTION guard_owner_signed(item qms.quality_items, options jsonb, person uuid); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.guard_owner_signed(item qms.quality_items, options jsonb, person uuid) IS 'The owner of the record has signed what it says now.';

-- Name: guard_quantities_add_up(qms.quality_items, jsonb, uuid); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.guard_quantities_add_up(item qms.quality_items, options jsonb, person uuid) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT format(
        '%s of %s%s %s', trim_scale(s.total), trim_scale(n.quantity_affected), coalesce(' ' || n.unit, ''),
        CASE WHEN s.total > n.quantity_affected THEN 'are dispositioned: more than are affected'
            ELSE 'are dispositioned: ' || trim_scale(n.quantity_affected - s.total) || ' remain' END
    )
    FROM qms.nonconformances AS n,
        (
            SELECT coalesce(sum(d.quantity), 0) AS total
            FROM qms.dispositions AS d WHERE d.record_id = item.id AND d.withdrawn_reason IS NULL
        ) AS s
    WHERE n.id = item.id AND n.quantity_affected IS NOT NULL AND s.total <> n.quantity_affected
$$;

ALTER FUNCTION qms_private.guard_quantities_add_up(item qms.quality_items, options jsonb, person uuid) OWNER TO qms_definer;

-- Name: FUNCTION guard_quantities_add_up(item qms.quality_items, options jsonb, person uuid); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.guard_quantities_add_up(item qms.quality_items, options jsonb, person uuid) IS 'The dispositions account for the affected quantity, no more and no less.';

-- Name: guard_replaced_or_reason(qms.quality_items, jsonb, uuid); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.guard_replaced_or_reason(item qms.quality_items, options jsonb, person uuid) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT 'neither what replaces it (replaced_by) nor why it is withdrawn (obsolete_reason) is recorded'
    FROM qms.documents AS d
    WHERE d.id = item.id AND d.replaced_by IS NULL AND qms.said(d.obsolete_reason) IS NULL
$$;

ALTER FUNCTION qms_private.guard_replaced_or_reason(item qms.quality_items, options jsonb, person uuid) OWNER TO qms_definer;

-- Name: FUNCTION guard_replaced_or_reason(item qms.quality_items, options jsonb, person uuid); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.guard_replaced_or_reason(item qms.quality_items, options jsonb, person uuid) IS 'What is withdrawn is replaced, or it is said why.';

-- Name: guard_report_planned(qms.quality_items, jsonb, uuid); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.guard_report_planned(item qms.quality_items, options jsonb, person uuid) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT 'a report is required, and by when is missing (report_due_on)'
    FROM qms.field_actions AS f WHERE f.id = item.id AND f.report_required AND f.report_due_on IS NULL
$$;

ALTER FUNCTION qms_private.guard_report_planned(item qms.quality_items, options jsonb, person uuid) OWNER TO qms_definer;

-- Name: FUNCTION guard_report_planned(item qms.quality_items, options jsonb, person uuid); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.guard_report_planned(item qms.quality_items, options jsonb, person uuid) IS 'A report that is required has a due date.';

-- Name: guard_reportability_assessed(qms.quality_items, jsonb, uuid); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.guard_reportability_assessed(item qms.quality_items, options jsonb, person uuid) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT CASE
        WHEN a.id IS NULL THEN 'reportability is not assessed'
        WHEN a.proposal = 'undetermined' THEN 'the last assessment of reportability is undetermined'
    END
    FROM qms_private.last_assessment(item) AS a
$$;

ALTER FUNCTION qms_private.guard_reportability_assessed(item qms.quality_items, options jsonb, person uuid) OWNER TO qms_definer;

-- Name: FUNCTION guard_reportability_assessed(item qms.quality_items, options jsonb, person uuid); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.guard_reportability_assessed(item qms.quality_items, options jsonb, person uuid) IS 'The last assessment of reportability came to a proposal.';

-- Name: guard_reportability_decided(qms.quality_items, jsonb, uuid); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.guard_reportability_decided(item qms.quality_items, options jsonb, person uuid) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT CASE
        WHEN a.id IS NULL THEN 'reportability is not assessed'
        WHEN a.decided_by IS NULL THEN 'no person decided on the last assessment of reportability'
    END
    FROM qms_private.last_assessment(item) AS a
$$;

ALTER FUNCTION qms_private.guard_reportability_decided(item qms.quality_items, options jsonb, person uuid) OWNER TO qms_definer;

-- Name: FUNCTION guard_reportability_decided(item qms.quality_items, options jsonb, person uuid); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.guard_reportability_decided(item qms.quality_items, options jsonb, person uuid) IS 'A person decided on the last assessment of reportability.';

-- Name: guard_reported_if_required(qms.quality_items, jsonb, uuid); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.guard_reported_if_required(item qms.quality_items, options jsonb, person uuid) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT 'it is reportable' || coalesce(' by ' || c.report_due_on, '') || ', and when it was reported is missing (reported_on)'
    FROM qms.complaints AS c WHERE c.id = item.id AND c.reportable AND c.reported_on IS NULL
$$;

ALTER FUNCTION qms_private.guard_reported_if_required(item qms.quality_items, options jsonb, person uuid) OWNER TO qms_definer;

-- Name: FUNCTION guard_reported_if_required(item qms.quality_items, options jsonb, person uuid); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.guard_reported_if_required(item qms.quality_items, options jsonb, person uuid) IS 'What has to be reported was reported.';

-- Name: guard_residual_rated(qms.quality_items, jsonb, uuid); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.guard_residual_rated(item qms.quality_items, options jsonb, person uuid) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT CASE
        WHEN r.method IS NULL THEN 'the method is missing (fmea or iso14971)'
        WHEN r.method = 'fmea' AND NOT (r.residual_severity, r.residual_occurrence, r.residual_detection) IS NOT NULL
            THEN 'the residual rating is incomplete (residual_severity, residual_occurrence, residual_detection)'
        WHEN r.method = 'iso14971' AND NOT (r.residual_severity, r.residual_probability, r.residual_acceptability) IS NOT NULL
            THEN 'the residual risk is not rated (residual_severity, residual_probability, residual_acceptability)'
    END
    FROM qms.risks AS r WHERE r.id = item.id
$$;

ALTER FUNCTION qms_private.guard_residual_rated(item qms.quality_items, options jsonb, person uuid) OWNER TO qms_definer;

-- Name: FUNCTION guard_residual_rated(item qms.quality_items, options jsonb, person uuid); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.guard_residual_rated(item qms.quality_items, options jsonb, person uuid) IS 'The residual risk is rated by its method.';

-- Name: guard_revision_is_newer(qms.quality_items, jsonb, uuid); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.guard_revision_is_newer(item qms.quality_items, options jsonb, person uuid) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT format('revision %s of %s is effective already', f.revision, f.document_number)
    FROM qms.documents AS d
    INNER JOIN qms.documents AS f
        ON d.organization_id = f.organization_id AND d.document_number = f.document_number AND d.id <> f.id
    WHERE d.id = item.id AND f.is_effective AND f.revision >= d.revision
    LIMIT 1
$$;

ALTER FUNCTION qms_private.guard_revision_is_newer(item qms.quality_items, options jsonb, person uuid) OWNER TO qms_definer;

-- Name: FUNCTION guard_revision_is_newer(item qms.quality_items, options jsonb, person uuid); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.guard_revision_is_newer(item qms.quality_items, options jsonb, person uuid) IS 'The revision is higher than the one that is effective.';

-- Name: guard_rework_verified(qms.quality_items, jsonb, uuid); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.guard_rework_verified(item qms.quality_items, options jsonb, person uuid) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT qms_private.counted(
        count(*), 'rework or repair has no verification result', 'reworks or repairs have no verification result'
    )
    FROM qms.dispositions AS d
    INNER JOIN qms.nonconformances AS n ON d.record_id = n.id
    WHERE
        d.record_id = item.id AND d.withdrawn_reason IS NULL AND d.disposition IN ('rework', 'repair')
        AND qms.said(n.verification_result) IS NULL
$$;

ALTER FUNCTION qms_private.guard_rework_verified(item qms.quality_items, options jsonb, person uuid) OWNER TO qms_definer;

-- Name: FUNCTION guard_rework_verified(item qms.quality_items, options jsonb, person uuid); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.guard_rework_verified(item qms.quality_items, options jsonb, person uuid) IS 'What was reworked or repaired was verified again.';

-- Name: guard_risk_rated(qms.quality_items, jsonb, uuid); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.guard_risk_rated(item qms.quality_items, options jsonb, person uuid) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT CASE
        WHEN r.method IS NULL THEN 'the method is missing (fmea or iso14971)'
        WHEN r.method = 'fmea' AND NOT (r.failure_mode, r.severity, r.occurrence, r.detection) IS NOT NULL
            THEN 'the rating is incomplete (failure_mode, severity, occurrence, detection)'
        WHEN r.method = 'iso14971' AND NOT (r.hazard, r.hazardous_situation, r.harm, r.severity, r.probability, r.acceptability) IS NOT NULL
            THEN 'the chain is incomplete (hazard, hazardous_situation, harm, severity, probability, acceptability)'
    END
    FROM qms.risks AS r WHERE r.id = item.id
$$;

ALTER FUNCTION qms_private.guard_risk_rated(item qms.quality_items, options jsonb, person uuid) OWNER TO qms_definer;

-- Name: FUNCTION guard_risk_rated(item qms.quality_items, options jsonb, person uuid); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.guard_risk_rated(item qms.quality_items, options jsonb, person uuid) IS 'The risk is rated by its method.';

-- Name: guard_successor_capa_linked(qms.quality_items, jsonb, uuid); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.guard_successor_capa_linked(item qms.quality_items, options jsonb, person uuid) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT 'no other CAPA that is open is linked'
    WHERE NOT EXISTS (
        SELECT FROM qms_private.linked(item, 'capa') AS c
        WHERE c.status NOT IN ('draft', 'cancelled', 'replaced') AND c.created_at > item.created_at
    )
$$;

ALTER FUNCTION qms_private.guard_successor_capa_linked(item qms.quality_items, options jsonb, person uuid) OWNER TO qms_definer;

-- Name: FUNCTION guard_successor_capa_linked(item qms.quality_items, options jsonb, person uuid); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.guard_successor_capa_linked(item qms.quality_items, options jsonb, person uuid) IS 'Another CAPA goes on with the matter.';

-- Name: guard_successor_effective(qms.quality_items, jsonb, uuid); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.guard_successor_effective(item qms.quality_items, options jsonb, person uuid) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    -- The release of a version takes this step for the former one, in the same transaction; nobody else does.
    SELECT 'a document is superseded when a newer version of it becomes effective, by itself'
$$;

ALTER FUNCTION qms_private.guard_successor_effective(item qms.quality_items, options jsonb, person uuid) OWNER TO qms_definer;

-- Name: FUNCTION guard_successor_effective(item qms.quality_items, options jsonb, person uuid); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.guard_successor_effective(item qms.quality_items, options jsonb, person uuid) IS 'Another version is effective: that alone supersedes a document.';

-- Name: guard_training_complete_or_waived(qms.quality_items, jsonb, uuid); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.guard_training_complete_or_waived(item qms.quality_items, options jsonb, person uuid) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT CASE
        WHEN qms.said(d.training_waiver) IS NOT NULL OR NOT d.training_required THEN NULL
        WHEN count(i.id) = 0 THEN 'training is required, and nobody is assigned to it'
        WHEN count(i.id) FILTER (WHERE i.status NOT IN ('completed', 'waived')) > 0 THEN format(
            'training on this version is open for %s of %s people: %s',
            count(i.id) FILTER (WHERE i.status NOT IN ('completed', 'waived')), count(i.id),
            string_agg(i.number, ', ' ORDER BY i.number) FILTER (WHERE i.status NOT IN ('completed', 'waived'))
        )
    END
    FROM qms.documents AS d
    LEFT JOIN qms.trainings AS t ON d.organization_id = t.organization_id AND d.id = t.document_id
    LEFT JOIN qms.quality_items AS i ON t.id = i.id
    WHERE d.id = item.id
    GROUP BY d.training_waiver, d.training_required
$$;

ALTER FUNCTION qms_private.guard_training_complete_or_waived(item qms.quality_items, options jsonb, person uuid) OWNER TO qms_definer;

-- Name: FUNCTION guard_training_complete_or_waived(item qms.quality_items, options jsonb, person uuid); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.guard_training_complete_or_waived(item qms.quality_items, options jsonb, person uuid) IS 'Those who need it are trained on this version, or it is said why not.';

-- Name: guard_training_has_subject(qms.quality_items, jsonb, uuid); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.guard_training_has_subject(item qms.quality_items, options jsonb, person uuid) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT CASE
        WHEN t.document_id IS NULL AND qms.said(t.topic) IS NULL THEN 'it names neither a document version nor a topic'
        WHEN t.document_id IS NOT NULL AND NOT EXISTS (SELECT FROM qms.documents AS d WHERE d.id = t.document_id)
            THEN 'document_id is no document'
    END
    FROM qms.trainings AS t WHERE t.id = item.id
$$;

ALTER FUNCTION qms_private.guard_training_has_subject(item qms.quality_items, options jsonb, person uuid) OWNER TO qms_definer;

-- Name: FUNCTION guard_training_has_subject(item qms.quality_items, options jsonb, person uuid); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.guard_training_has_subject(item qms.quality_items, options jsonb, person uuid) IS 'The training is about a document version or a topic.';

-- Name: guard_use_as_is_justified(qms.quality_items, jsonb, uuid); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.guard_use_as_is_justified(item qms.quality_items, options jsonb, person uuid) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT qms_private.counted(
        count(*), 'disposition "use as is" has no justification', 'dispositions "use as is" have no justification'
    )
    FROM qms.dispositions AS d
    WHERE
        d.record_id = item.id AND d.withdrawn_reason IS NULL AND d.disposition = 'use_as_is'
        AND qms.said(d.justification) IS NULL
$$;

ALTER FUNCTION qms_private.guard_use_as_is_justified(item qms.quality_items, options jsonb, person uuid) OWNER TO qms_definer;

-- Name: FUNCTION guard_use_as_is_justified(item qms.quality_items, options jsonb, person uuid); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.guard_use_as_is_justified(item qms.quality_items, options jsonb, person uuid) IS 'A concession says why the product may be used.';

-- Name: guard_window_after_actions(qms.quality_items, jsonb, uuid); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.guard_window_after_actions(item qms.quality_items, options jsonb, person uuid) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT format(
        'the window ends on %s, before the last action was completed (%s): it shows nothing about the actions',
        c.window_ends_on, max(a.completed_on)
    )
    FROM qms.capas AS c INNER JOIN qms.capa_actions AS a ON c.id = a.record_id
    WHERE c.id = item.id AND a.action_type IN ('corrective', 'preventive')
    GROUP BY c.window_ends_on
    HAVING max(a.completed_on) > c.window_ends_on
$$;

ALTER FUNCTION qms_private.guard_window_after_actions(item qms.quality_items, options jsonb, person uuid) OWNER TO qms_definer;

-- Name: FUNCTION guard_window_after_actions(item qms.quality_items, options jsonb, person uuid); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.guard_window_after_actions(item qms.quality_items, options jsonb, person uuid) IS 'The window reaches beyond the day on which the last action was done.';

-- Name: guard_window_over(qms.quality_items, jsonb, uuid); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.guard_window_over(item qms.quality_items, options jsonb, person uuid) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT CASE
        WHEN c.window_ends_on IS NULL THEN 'no window is planned (window_ends_on)'
        WHEN c.window_ends_on >= qms_private.today_of(item.organization_id)
            THEN 'the window ends on ' || c.window_ends_on || ', that is not over yet'
    END
    FROM qms.capas AS c WHERE c.id = item.id
$$;

ALTER FUNCTION qms_private.guard_window_over(item qms.quality_items, options jsonb, person uuid) OWNER TO qms_definer;

-- Name: FUNCTION guard_window_over(item qms.quality_items, options jsonb, person uuid); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.guard_window_over(item qms.quality_items, options jsonb, person uuid) IS 'The window in which effectiveness is measured is over.';

-- Name: has_details(qms.quality_items); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.has_details(item qms.quality_items) RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
DECLARE
    own_table text;
    found boolean;
BEGIN
    SELECT t.table_name INTO own_table FROM qms.record_types AS t WHERE t.category = item.category;
    IF own_table IS NULL THEN
        RETURN false;
    END IF;
    EXECUTE format('SELECT EXISTS (SELECT FROM qms.%I AS t WHERE t.id = $1)', own_table) INTO found USING item.id;
    RETURN found;
END
$_$;

ALTER FUNCTION qms_private.has_details(item qms.quality_items) OWNER TO qms_definer;

-- Name: FUNCTION has_details(item qms.quality_items); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.has_details(item qms.quality_items) IS 'Whether a record has the row of its type.';

-- Name: identity(); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.identity() RETURNS jsonb
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    ticket text := current_setting('qms.identity', true);
    payload text := substr(ticket, 66);
    claims jsonb;
BEGIN
    IF coalesce(ticket, '') = '' OR substr(ticket, 1, 64) IS DISTINCT FROM qms_private.sign_identity(payload) THEN
        RETURN NULL;
    END IF;
    claims := payload::jsonb;
    IF (claims ->> 'pid')::integer <> pg_backend_pid()
        OR (claims ->> 'exp')::bigint < extract(epoch FROM transaction_timestamp()) THEN
        RETURN NULL;
    END IF;
    -- A ticket may be minutes old; roles taken away and people deactivated since count at once.
    IF NOT EXISTS (
        SELECT FROM qms.memberships AS m
        WHERE
            m.user_id = (claims ->> 'sub')::uuid AND m.organization_id = (claims ->> 'org')::uuid
            AND m.valid_from <= clock_timestamp() AND (m.valid_to IS NULL OR m.valid_to > clock_timestamp())
            -- Other roles are another membership. The owner of the database may sign claims that name none.
            AND m.id = coalesce((claims ->> 'membership')::uuid, m.id)
    ) OR EXISTS (
        SELECT FROM qms.people AS p WHERE p.user_id = (claims ->> 'sub')::uuid AND p.deactivated_at IS NOT NULL
    ) THEN
        RETURN NULL;
    END IF;
    RETURN claims;
END
$$;

ALTER FUNCTION qms_private.identity() OWNER TO qms_definer;

-- Name: FUNCTION identity(); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.identity() IS 'The verified claims of this transaction, or null: forged, foreign, expired and outdated tickets count as none.';

-- Name: is_member(uuid, uuid); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.is_member(of_organization uuid, person uuid) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT EXISTS (
        SELECT FROM qms.memberships AS m
        WHERE m.organization_id = of_organization AND m.user_id = person
            AND m.valid_from <= clock_timestamp() AND (m.valid_to IS NULL OR m.valid_to > clock_timestamp())
            AND NOT EXISTS (SELECT FROM qms.people AS p WHERE p.user_id = person AND p.deactivated_at IS NOT NULL)
    )
$$;

ALTER FUNCTION qms_private.is_member(of_organization uuid, person uuid) OWNER TO qms_definer;

-- Name: FUNCTION is_member(of_organization uuid, person uuid); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.is_member(of_organization uuid, person uuid) IS 'Whether somebody belongs to an organization now.';

-- Name: is_workday(jsonb, date); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.is_workday(site_calendar jsonb, day date) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
    SELECT
        CASE
            -- A calendar that names no day of the week would make nothing ever due.
            WHEN jsonb_typeof(site_calendar -> 'workdays') = 'array'
                AND jsonb_path_exists(site_calendar, 'lax $.workdays[*] ? (@ == 1 || @ == 2 || @ == 3 || @ == 4 || @ == 5 || @ == 6 || @ == 7)')
                THEN site_calendar -> 'workdays' @> to_jsonb(extract(isodow FROM day)::integer)
            ELSE extract(isodow FROM day) <= 5
        END
        -- Compared as text: what is no date is no holiday, and no error.
        AND NOT coalesce(
            jsonb_typeof(site_calendar -> 'holidays') = 'array'
            AND site_calendar -> 'holidays' ? to_char(day, 'YYYY-MM-DD'), false
        )
$_$;

ALTER FUNCTION qms_private.is_workday(site_calendar jsonb, day date) OWNER TO qms_definer;

-- Name: FUNCTION is_workday(site_calendar jsonb, day date); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.is_workday(site_calendar jsonb, day date) IS 'Whether a site works on a day: {"workdays": [1..7], "holidays": ["2026-12-25"]}; without valid workdays Monday to Friday.';

-- Name: reportability_assessments; Type: TABLE; Schema: qms; Owner: qms_owner

CREATE TABLE qms.reportability_assessments (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    record_id uuid NOT NULL,
    created_by uuid,
    created_kind text,
    rule text NOT NULL,
    answers jsonb NOT NULL,
    proposal text NOT NULL,
    rationale text NOT NULL,
    report_due_on date,
    decided_by uuid,
    decided_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT reportability_assessments_finite CHECK ((isfinite(report_due_on) AND isfinite(decided_at) AND isfinite(created_at))),
    CONSTRAINT reportability_assessments_proposal_check CHECK ((proposal = ANY (ARRAY['report'::text, 'not_reportable'::text, 'undetermined'::text])))
);
ALTER TABLE ONLY qms.reportability_assessments ALTER COLUMN created_kind SET STATISTICS 0;
ALTER TABLE ONLY qms.reportability_assessments ALTER COLUMN rule SET STATISTICS 0;
ALTER TABLE ONLY qms.reportability_assessments ALTER COLUMN answers SET STATISTICS 0;
ALTER TABLE ONLY qms.reportability_assessments ALTER COLUMN proposal SET STATISTICS 0;
ALTER TABLE ONLY qms.reportability_assessments ALTER COLUMN rationale SET STATISTICS 0;

ALTER TABLE ONLY qms.reportability_assessments FORCE ROW LEVEL SECURITY;

ALTER TABLE qms.reportability_assessments OWNER TO qms_owner;

-- Name: TABLE reportability_assessments; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON TABLE qms.reportability_assessments IS 'The answers to the decision tree of 21 CFR 803 or 806 and what follows from them: a proposal, until a person decides.';

-- Name: last_assessment(qms.quality_items); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.last_assessment(item qms.quality_items) RETURNS qms.reportability_assessments
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT a.* FROM qms.reportability_assessments AS a
    WHERE a.record_id = item.id ORDER BY a.created_at DESC, a.id DESC LIMIT 1
$$;

ALTER FUNCTION qms_private.last_assessment(item qms.quality_items) OWNER TO qms_definer;

-- Name: FUNCTION last_assessment(item qms.quality_items); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.last_assessment(item qms.quality_items) IS 'The last assessment of reportability.';

-- Name: calibrations; Type: TABLE; Schema: qms; Owner: qms_owner

CREATE TABLE qms.calibrations (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    record_id uuid NOT NULL,
    created_by uuid,
    created_kind text,
    performed_on date NOT NULL,
    performed_by text,
    result text NOT NULL,
    as_found text,
    as_left text,
    certificate text,
    next_due_on date,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT calibrations_finite CHECK ((isfinite(performed_on) AND isfinite(next_due_on) AND isfinite(created_at))),
    CONSTRAINT calibrations_result_check CHECK ((result = ANY (ARRAY['in_tolerance'::text, 'out_of_tolerance'::text])))
);
ALTER TABLE ONLY qms.calibrations ALTER COLUMN created_kind SET STATISTICS 0;
ALTER TABLE ONLY qms.calibrations ALTER COLUMN performed_by SET STATISTICS 0;
ALTER TABLE ONLY qms.calibrations ALTER COLUMN result SET STATISTICS 0;
ALTER TABLE ONLY qms.calibrations ALTER COLUMN as_found SET STATISTICS 0;
ALTER TABLE ONLY qms.calibrations ALTER COLUMN as_left SET STATISTICS 0;
ALTER TABLE ONLY qms.calibrations ALTER COLUMN certificate SET STATISTICS 0;

ALTER TABLE ONLY qms.calibrations FORCE ROW LEVEL SECURITY;

ALTER TABLE qms.calibrations OWNER TO qms_owner;

-- Name: TABLE calibrations; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON TABLE qms.calibrations IS 'Calibrations of equipment: as found, as left, and until when it may be used.';

-- Name: last_calibration(qms.quality_items); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.last_calibration(item qms.quality_items) RETURNS qms.calibrations
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT c.* FROM qms.calibrations AS c
    WHERE c.record_id = item.id ORDER BY c.performed_on DESC, c.created_at DESC, c.id DESC LIMIT 1
$$;

ALTER FUNCTION qms_private.last_calibration(item qms.quality_items) OWNER TO qms_definer;

-- Name: FUNCTION last_calibration(item qms.quality_items); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.last_calibration(item qms.quality_items) IS 'The last calibration of a piece of equipment.';

-- Name: effectiveness_checks; Type: TABLE; Schema: qms; Owner: qms_owner

CREATE TABLE qms.effectiveness_checks (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    record_id uuid NOT NULL,
    created_by uuid,
    created_kind text,
    cycle integer DEFAULT 1 NOT NULL,
    window_start date,
    window_end date,
    sample integer,
    value numeric,
    baseline numeric,
    target numeric,
    outcome text NOT NULL,
    detail jsonb,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT effectiveness_checks_finite CHECK ((isfinite(window_start) AND isfinite(window_end) AND (value > '-Infinity'::numeric) AND (value < 'Infinity'::numeric) AND (baseline > '-Infinity'::numeric) AND (baseline < 'Infinity'::numeric) AND (target > '-Infinity'::numeric) AND (target < 'Infinity'::numeric) AND isfinite(created_at))),
    CONSTRAINT effectiveness_checks_outcome_check CHECK ((outcome = ANY (ARRAY['met'::text, 'not_met'::text, 'too_early'::text])))
);
ALTER TABLE ONLY qms.effectiveness_checks ALTER COLUMN created_kind SET STATISTICS 0;
ALTER TABLE ONLY qms.effectiveness_checks ALTER COLUMN outcome SET STATISTICS 0;
ALTER TABLE ONLY qms.effectiveness_checks ALTER COLUMN detail SET STATISTICS 0;

ALTER TABLE ONLY qms.effectiveness_checks FORCE ROW LEVEL SECURITY;

ALTER TABLE qms.effectiveness_checks OWNER TO qms_owner;

-- Name: TABLE effectiveness_checks; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON TABLE qms.effectiveness_checks IS 'What the planned criterion gave on the data of its window.';

-- Name: last_check(qms.quality_items); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.last_check(item qms.quality_items) RETURNS qms.effectiveness_checks
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT e.*
    FROM qms.effectiveness_checks AS e INNER JOIN qms.capas AS c ON e.record_id = c.id AND e.cycle = c.cycle
    WHERE e.record_id = item.id
    ORDER BY e.created_at DESC, e.id DESC LIMIT 1
$$;

ALTER FUNCTION qms_private.last_check(item qms.quality_items) OWNER TO qms_definer;

-- Name: FUNCTION last_check(item qms.quality_items); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.last_check(item qms.quality_items) IS 'The last check of effectiveness in this cycle.';

-- Name: linked(qms.quality_items, text); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.linked(item qms.quality_items, of_category text) RETURNS SETOF qms.quality_items
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT i.*
    FROM qms.quality_items AS i
    WHERE
        i.organization_id = item.organization_id AND i.category = of_category AND i.id IN (
            SELECT CASE WHEN l.from_id = item.id THEN l.to_id ELSE l.from_id END
            FROM qms.record_links AS l
            WHERE
                l.organization_id = item.organization_id AND (l.from_id = item.id OR l.to_id = item.id)
                AND l.kind <> 'duplicates'
        )
$$;

ALTER FUNCTION qms_private.linked(item qms.quality_items, of_category text) OWNER TO qms_definer;

-- Name: FUNCTION linked(item qms.quality_items, of_category text); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.linked(item qms.quality_items, of_category text) IS 'The records of a type a record is linked with, whichever way the link points.';

-- Name: list_conditions(jsonb); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.list_conditions(filters jsonb) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
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
$_$;

ALTER FUNCTION qms_private.list_conditions(filters jsonb) OWNER TO qms_definer;

-- Name: FUNCTION list_conditions(filters jsonb); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.list_conditions(filters jsonb) IS 'The conditions of a list, made of fixed words only: $1 is the organization, $2 the filters.';

-- Name: local_date(uuid, timestamp with time zone); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.local_date(of_organization uuid, at_time timestamp with time zone) RETURNS date
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT (at_time AT TIME ZONE o.time_zone)::date FROM qms.organizations AS o WHERE o.id = of_organization
$$;

ALTER FUNCTION qms_private.local_date(of_organization uuid, at_time timestamp with time zone) OWNER TO qms_definer;

-- Name: FUNCTION local_date(of_organization uuid, at_time timestamp with time zone); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.local_date(of_organization uuid, at_time timestamp with time zone) IS 'The day an instant belongs to where the organization is.';

-- Name: lock_trail(uuid); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.lock_trail(of_organization uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
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

ALTER FUNCTION qms_private.lock_trail(of_organization uuid) OWNER TO qms_definer;

-- Name: FUNCTION lock_trail(of_organization uuid); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.lock_trail(of_organization uuid) IS 'Takes the turn to write the trail of an organization until the transaction ends.';

-- Name: make_link(uuid); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.make_link(to_approval uuid) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    fresh text := encode(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()), 'hex');
BEGIN
    INSERT INTO qms_private.approval_links (token_sha256, approval_id, expires_at)
    SELECT sha256(convert_to(fresh, 'UTF8')), a.id, a.expires_at
    FROM qms.approvals AS a
    WHERE a.id = to_approval AND a.state = 'pending' AND a.expires_at > clock_timestamp();
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no such approval to decide' USING ERRCODE = 'QM004';
    END IF;
    RETURN fresh;
END
$$;

ALTER FUNCTION qms_private.make_link(to_approval uuid) OWNER TO qms_definer;

-- Name: FUNCTION make_link(to_approval uuid); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.make_link(to_approval uuid) IS 'A token that leads to an approval, once. It shows nothing before somebody signs in.';

-- Name: memberships_of(uuid); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.memberships_of(for_user uuid) RETURNS TABLE(organization_id uuid, roles text[], slug text, organization_name text, email text)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT
        m.organization_id,
        m.roles,
        o.slug,
        o.name,
        (SELECT u.email FROM auth.users AS u WHERE u.id = for_user)
    FROM qms.memberships AS m
    INNER JOIN qms.organizations AS o ON m.organization_id = o.id
    WHERE
        m.user_id = for_user
        AND m.valid_from <= clock_timestamp() AND (m.valid_to IS NULL OR m.valid_to > clock_timestamp())
        AND NOT EXISTS (SELECT FROM qms.people AS p WHERE p.user_id = for_user AND p.deactivated_at IS NOT NULL)
    ORDER BY m.valid_from, m.id
$$;

ALTER FUNCTION qms_private.memberships_of(for_user uuid) OWNER TO qms_definer;

-- Name: FUNCTION memberships_of(for_user uuid); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.memberships_of(for_user uuid) IS 'The organizations a person belongs to now, the oldest first.';

-- Name: mint_identity(uuid, uuid, text, integer); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.mint_identity(for_user uuid, for_organization uuid, as_kind text, backend_pid integer) RETURNS text
    LANGUAGE plpgsql STABLE STRICT SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    IF as_kind = 'human' THEN
        RAISE EXCEPTION 'nobody can be made human by asking'
        USING ERRCODE = 'QM022', HINT = 'A person decides on the approval page, with a password.';
    ELSIF as_kind NOT IN ('agent', 'system') THEN
        RAISE EXCEPTION 'actor_kind must be agent or system' USING ERRCODE = 'QM002';
    END IF;
    RETURN qms_private.ticket_for(for_user, for_organization, as_kind, backend_pid);
END
$$;

ALTER FUNCTION qms_private.mint_identity(for_user uuid, for_organization uuid, as_kind text, backend_pid integer) OWNER TO qms_definer;

-- Name: FUNCTION mint_identity(for_user uuid, for_organization uuid, as_kind text, backend_pid integer); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.mint_identity(for_user uuid, for_organization uuid, as_kind text, backend_pid integer) IS 'A signed identity of an agent or of the system, for one database connection and five minutes. Error QM001 when the membership is not valid, QM022 for the kind human.';

-- Name: name_of(uuid); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.name_of(person uuid) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$SELECT coalesce((SELECT p.printed_name FROM qms.people AS p WHERE p.user_id = person), 'this person')$$;

ALTER FUNCTION qms_private.name_of(person uuid) OWNER TO qms_definer;

-- Name: FUNCTION name_of(person uuid); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.name_of(person uuid) IS 'The printed name of a person.';

-- Name: next_number(uuid, text, integer); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.next_number(of_organization uuid, of_prefix text, in_year integer) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    given integer;
BEGIN
    INSERT INTO qms_private.record_numbers AS n (organization_id, prefix, year, last_number)
    VALUES (of_organization, of_prefix, in_year, 1)
    ON CONFLICT (organization_id, prefix, year) DO UPDATE SET last_number = n.last_number + 1
    RETURNING n.last_number INTO given;
    RETURN of_prefix || '-' || in_year || '-' || lpad(given::text, greatest(4, length(given::text)), '0');
END
$$;

ALTER FUNCTION qms_private.next_number(of_organization uuid, of_prefix text, in_year integer) OWNER TO qms_definer;

-- Name: FUNCTION next_number(of_organization uuid, of_prefix text, in_year integer); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.next_number(of_organization uuid, of_prefix text, in_year integer) IS 'The next number of a type and year; its row is locked until the transaction ends.';

-- Name: nobody(); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.nobody() RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT set_config('qms.identity', '', true), set_config('qms.reason', '', true), set_config('qms.client', '', true);
    SELECT;
$$;

ALTER FUNCTION qms_private.nobody() OWNER TO qms_definer;

-- Name: FUNCTION nobody(); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.nobody() IS 'From here on the transaction acts for nobody.';

-- Name: not_this_person(qms.quality_items, jsonb); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.not_this_person(item qms.quality_items, edge jsonb) RETURNS text[]
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT
        CASE
            WHEN EXISTS (SELECT FROM unnest(qms_private.as_texts(edge -> 'roles')) AS r (role) WHERE qms.has_role(r.role))
                THEN '{}'::text []
            ELSE ARRAY['it takes the role ' || array_to_string(qms_private.as_texts(edge -> 'roles'), ' or ')]
        END || qms_private.blocked_by(item, edge, 'person', qms.current_user_id())
$$;

ALTER FUNCTION qms_private.not_this_person(item qms.quality_items, edge jsonb) OWNER TO qms_definer;

-- Name: FUNCTION not_this_person(item qms.quality_items, edge jsonb); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.not_this_person(item qms.quality_items, edge jsonb) IS 'Why the caller is not the one who may take this step: role and segregation of duties.';

-- Name: note_event(uuid, text, uuid, text, jsonb); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.note_event(of_organization uuid, of_type text, of_entity uuid, what text, details jsonb) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT qms_private.write_entry(of_organization, of_type, of_entity, what, NULL, NULL, NULL, NULL, details)
$$;

ALTER FUNCTION qms_private.note_event(of_organization uuid, of_type text, of_entity uuid, what text, details jsonb) OWNER TO qms_definer;

-- Name: FUNCTION note_event(of_organization uuid, of_type text, of_entity uuid, what text, details jsonb); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.note_event(of_organization uuid, of_type text, of_entity uuid, what text, details jsonb) IS 'Writes into the trail what is no change of a row: exports, sign-ins, refused attempts.';

-- Name: note_for_person(uuid, text, jsonb); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.note_for_person(of_user uuid, what text, details jsonb) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    place uuid;
BEGIN
    FOR place IN
        SELECT m.organization_id FROM qms_private.memberships_of(of_user) AS m ORDER BY m.organization_id
    LOOP
        PERFORM qms_private.note_event(place, 'qms.people', of_user, what, details);
    END LOOP;
END
$$;

ALTER FUNCTION qms_private.note_for_person(of_user uuid, what text, details jsonb) OWNER TO qms_definer;

-- Name: FUNCTION note_for_person(of_user uuid, what text, details jsonb); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.note_for_person(of_user uuid, what text, details jsonb) IS 'Writes an event into the trail of each organization of a person, always in the same order.';

-- Name: note_refusal(text, uuid, text); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.note_refusal(session_token text, of_approval uuid, why text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    person uuid := (qms_private.session_with(session_token)).user_id;
    place uuid;
BEGIN
    SELECT a.organization_id INTO place FROM qms.approvals AS a
    WHERE
        a.id = of_approval
        AND a.organization_id IN (SELECT m.organization_id FROM qms_private.memberships_of(person) AS m);
    IF place IS NOT NULL THEN
        PERFORM qms_private.note_event(
            place, 'qms.approvals', of_approval, 'refused', jsonb_build_object('person', person, 'why', left(why, 500))
        );
    END IF;
END
$$;

ALTER FUNCTION qms_private.note_refusal(session_token text, of_approval uuid, why text) OWNER TO qms_definer;

-- Name: FUNCTION note_refusal(session_token text, of_approval uuid, why text); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.note_refusal(session_token text, of_approval uuid, why text) IS 'Writes into the trail that a decision was tried and refused; the refusal itself undid all else.';

-- Name: open_numbers(qms.quality_items[], text[]); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.open_numbers(records qms.quality_items[], fine text[]) RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT string_agg(coalesce(r.number, r.title) || ' (' || coalesce(r.status, 'no state') || ')', ', ' ORDER BY r.number)
    FROM unnest(records) AS r WHERE coalesce(r.status, '') <> ALL (fine)
$$;

ALTER FUNCTION qms_private.open_numbers(records qms.quality_items[], fine text[]) OWNER TO qms_definer;

-- Name: FUNCTION open_numbers(records qms.quality_items[], fine text[]); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.open_numbers(records qms.quality_items[], fine text[]) IS 'Those of some records that are in none of the given states, by number.';

-- Name: password_parameters(text); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.password_parameters(user_ref text) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
    SELECT coalesce(
        (
            SELECT regexp_replace(c.password_hash, '\$[^$]*$', '')
            FROM qms_private.credentials AS c WHERE c.user_id = qms_private.person_named(user_ref)
        ),
        '$argon2id$v=19$m=65536,t=3,p=4$' || rtrim(
            encode(
                substr(decode(qms_private.sign_identity('no such person: ' || lower(btrim(user_ref))), 'hex'), 1, 16),
                'base64'
            ),
            '='
        )
    )
$_$;

ALTER FUNCTION qms_private.password_parameters(user_ref text) OWNER TO qms_definer;

-- Name: FUNCTION password_parameters(user_ref text); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.password_parameters(user_ref text) IS 'What is needed to derive the argon2id encoding of a typed password: all of it before the last $. Somebody who does not exist has parameters too, always the same, so that nobody learns who exists.';

-- Name: people_named(qms.quality_items, text); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.people_named(item qms.quality_items, source text) RETURNS SETOF uuid
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
DECLARE
    place text := split_part(source, '.', 1);
    field text := split_part(source, '.', 2);
    other qms.quality_items;
BEGIN
    IF field = '' THEN
        RETURN QUERY SELECT u.id FROM qms_private.uuids_in(qms_private.all_fields(item) -> place) AS u (id);
    ELSIF source = 'trail.editors' THEN
        RETURN QUERY SELECT e.id FROM qms_private.editors_of(item) AS e (id);
    ELSIF place = 'trail' THEN
        RETURN QUERY
        SELECT u.id
        FROM qms.audit_logs AS a, LATERAL qms_private.uuids_in(a.changes -> field -> 'new') AS u (id)
        WHERE
            a.organization_id = item.organization_id AND a.entity_id = item.id
            AND a.entity_type IN (
                'qms.quality_items',
                (SELECT 'qms.' || t.table_name FROM qms.record_types AS t WHERE t.category = item.category)
            )
            AND a.changes ? field;
    ELSIF place IN ('target', 'audit', 'action') THEN
        IF place = 'action' THEN
            RETURN QUERY
            SELECT c.owner_id FROM qms.extension_requests AS x INNER JOIN qms.capa_actions AS c ON x.action_id = c.id
            WHERE x.id = item.id AND c.organization_id = item.organization_id;
            RETURN QUERY
            SELECT u.id
            FROM qms.extension_requests AS x
            INNER JOIN qms.audit_logs AS a ON x.organization_id = a.organization_id AND x.action_id = a.entity_id,
                LATERAL qms_private.uuids_in(a.changes -> field -> 'new') AS u (id)
            WHERE x.id = item.id AND a.entity_type = 'qms.capa_actions' AND a.changes ? field;
            RETURN;
        END IF;
        SELECT i.* INTO other FROM qms.quality_items AS i
        WHERE
            i.organization_id = item.organization_id
            AND i.id = (qms_private.all_fields(item) ->> (place || '_id'))::uuid;
        IF other.id IS NOT NULL THEN
            -- Whoever was that before, too: nobody steps aside for the moment of a decision.
            RETURN QUERY SELECT u.id FROM qms_private.uuids_in(qms_private.all_fields(other) -> field) AS u (id);
            RETURN QUERY SELECT p.id FROM qms_private.people_named(other, 'trail.' || field) AS p (id);
        END IF;
    ELSIF EXISTS (SELECT FROM qms.record_parts AS p WHERE p.table_name = place) THEN
        RETURN QUERY EXECUTE format(
            'SELECT u.id FROM qms.%I AS t, LATERAL qms_private.uuids_in(to_jsonb(t) -> $2) AS u (id) WHERE t.record_id = $1',
            place
        ) USING item.id, field;
    END IF;
END
$_$;

ALTER FUNCTION qms_private.people_named(item qms.quality_items, source text) OWNER TO qms_definer;

-- Name: FUNCTION people_named(item qms.quality_items, source text); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.people_named(item qms.quality_items, source text) IS 'The people a source names: a field (owner_id, editors), a field of a part (capa_actions.owner_id), of the record it belongs to, now or ever (target., audit., action.), whoever a field ever held (trail.owner_id), or all who wrote it (trail.editors).';

-- Name: person_named(text); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.person_named(user_ref text) RETURNS uuid
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT u.id FROM auth.users AS u
    WHERE lower(u.email) = lower(btrim(user_ref)) OR u.id::text = lower(btrim(user_ref))
    ORDER BY u.id LIMIT 1
$$;

ALTER FUNCTION qms_private.person_named(user_ref text) OWNER TO qms_definer;

-- Name: FUNCTION person_named(user_ref text); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.person_named(user_ref text) IS 'The person with this user id: the e-mail address, or the id itself.';

-- Name: problems_against(jsonb, jsonb); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.problems_against(body jsonb, shipped jsonb) RETURNS SETOF text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    WITH RECURSIVE ours AS (SELECT e.* FROM qms_private.edges(body) AS e),
    theirs AS (SELECT e.* FROM qms_private.edges(shipped) AS e),
    -- A state of the organization stands for the shipped state from which it is reached: what is locked there stays
    -- locked, and it is left as that one is left.
    own_states AS (
        SELECT s.key AS state, s.value AS content FROM jsonb_each(body -> 'states') AS s WHERE NOT shipped -> 'states' ? s.key
    ),
    reached (state, anchor) AS (
        SELECT o.to_state, o.from_state FROM ours AS o
        WHERE shipped -> 'states' ? o.from_state AND NOT shipped -> 'states' ? o.to_state
        UNION
        SELECT o.to_state, r.anchor FROM reached AS r
        INNER JOIN ours AS o ON r.state = o.from_state WHERE NOT shipped -> 'states' ? o.to_state
    ),
    stands_for (state, anchor) AS (
        SELECT r.state, r.anchor FROM reached AS r
        UNION ALL SELECT s.state, s.state FROM jsonb_object_keys(shipped -> 'states') AS s (state)
    ),
    placed AS (
        SELECT o.*, f.anchor, m.edge AS model, m.name AS model_name, m.person AS model_person, m.guards AS model_guards, m.effects AS model_effects
        FROM ours AS o
        INNER JOIN stands_for AS f ON o.from_state = f.state
        LEFT JOIN theirs AS m ON f.anchor = m.from_state AND o.to_state = m.to_state
        WHERE shipped -> 'states' ? o.to_state
    )
    SELECT format('the first state has to be %s', shipped ->> 'initial') WHERE body -> 'initial' IS DISTINCT FROM shipped -> 'initial'
    UNION ALL
    SELECT format('the state %s is missing: records may be in it', s.state)
    FROM jsonb_object_keys(shipped -> 'states') AS s (state) WHERE NOT body -> 'states' ? s.state
    UNION ALL
    SELECT format('the state %s: whether it is final stays as it was', s.key)
    FROM jsonb_each(shipped -> 'states') AS s
    WHERE coalesce(body -> 'states' -> s.key -> 'final', 'false') <> coalesce(s.value -> 'final', 'false')
    UNION ALL
    SELECT format('the state %s locks less than %s', s.state, CASE s.state WHEN s.anchor THEN 'it did' ELSE s.anchor END)
    FROM stands_for AS s
    WHERE
        NOT qms_private.as_texts(body -> 'states' -> s.state -> 'locked') @> qms_private.as_texts(shipped -> 'states' -> s.anchor -> 'locked')
        OR NOT qms_private.as_texts(body -> 'states' -> s.state -> 'open') <@ qms_private.as_texts(shipped -> 'states' -> s.anchor -> 'open')
    UNION ALL
    SELECT format('the state %s is no end: only shipped states are final', o.state)
    FROM own_states AS o WHERE coalesce((o.content ->> 'final')::boolean, false)
    UNION ALL
    SELECT format('the state %s has to be reached from one shipped state, not from %s', r.state, string_agg(r.anchor, ', ' ORDER BY r.anchor))
    FROM reached AS r GROUP BY r.state HAVING count(*) > 1
    UNION ALL
    SELECT format('%s (%s to %s): a final state is left as the shipped workflow leaves it', o.name, o.from_state, o.to_state)
    FROM ours AS o
    WHERE coalesce((shipped -> 'states' -> o.from_state ->> 'final')::boolean, false) AND NOT shipped -> 'states' ? o.to_state
    UNION ALL
    SELECT format('%s (%s to %s): a step of an organization has no effects', o.name, o.from_state, o.to_state)
    FROM ours AS o WHERE o.effects <> '[]' AND NOT shipped -> 'states' ? o.to_state
    UNION ALL
    SELECT DISTINCT format('%s (%s to %s): the shipped workflow has no step from %s to %s', p.name, p.from_state, p.to_state, p.anchor, p.to_state)
    FROM placed AS p
    -- Back from an own state to where it was reached from a person may lead: that starts the clock anew.
    WHERE p.model IS NULL AND NOT (p.to_state = p.anchor AND p.from_state <> p.anchor AND p.person AND p.effects = '[]')
    UNION ALL
    SELECT DISTINCT format('%s (%s to %s): a person has to do it', p.name, p.from_state, p.to_state)
    FROM placed AS p WHERE p.model_person AND NOT p.person
    UNION ALL
    SELECT DISTINCT format('%s (%s to %s): its name, its meaning and what it rejects stay as they were (%s)', p.name, p.from_state, p.to_state, p.model_name)
    FROM placed AS p
    WHERE
        p.model IS NOT NULL AND (
            p.name IS DISTINCT FROM p.model_name OR p.edge -> 'rejects' IS DISTINCT FROM p.model -> 'rejects'
            OR (p.model_person AND p.edge -> 'meaning' IS DISTINCT FROM p.model -> 'meaning')
        )
    UNION ALL
    SELECT DISTINCT format('%s (%s to %s): the guard %s is missing', p.name, p.from_state, p.to_state, g.guard ->> 'name')
    FROM placed AS p, jsonb_array_elements(p.model_guards) AS g (guard)
    WHERE NOT EXISTS (
        SELECT FROM jsonb_array_elements(p.guards) AS k (guard)
        -- Whom a step excludes may grow; every other guard stays word for word.
        WHERE k.guard = g.guard OR (
            k.guard ->> 'name' = 'not_person' AND g.guard ->> 'name' = 'not_person' AND (k.guard -> 'of') @> (g.guard -> 'of')
        )
    )
    UNION ALL
    SELECT DISTINCT format('%s (%s to %s): %s is not required any more', p.name, p.from_state, p.to_state, r.field)
    FROM placed AS p, unnest(qms_private.as_texts(p.model -> 'requires')) AS r (field)
    WHERE r.field <> ALL (qms_private.as_texts(p.edge -> 'requires'))
    UNION ALL
    SELECT DISTINCT format('%s (%s to %s): more roles than shipped may do it', p.name, p.from_state, p.to_state)
    FROM placed AS p
    WHERE p.model IS NOT NULL AND NOT qms_private.as_texts(p.edge -> 'roles') <@ qms_private.as_texts(p.model -> 'roles')
    UNION ALL
    SELECT DISTINCT format('%s (%s to %s): what it does besides stays as it was', p.name, p.from_state, p.to_state)
    FROM placed AS p WHERE p.model IS NOT NULL AND p.effects <> p.model_effects
$$;

ALTER FUNCTION qms_private.problems_against(body jsonb, shipped jsonb) OWNER TO qms_definer;

-- Name: FUNCTION problems_against(body jsonb, shipped jsonb); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.problems_against(body jsonb, shipped jsonb) IS 'Where a definition of an organization guards less than the shipped one.';

-- Name: problems_alone(jsonb); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.problems_alone(body jsonb) RETURNS SETOF text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
    SELECT format('the first state %s is not among the states', coalesce(body ->> 'initial', 'is not named'))
    WHERE NOT coalesce(body -> 'states' ? (body ->> 'initial'), false)
    UNION ALL
    SELECT format('%s: the state %s does not exist', e.name, s.state)
    FROM qms_private.edges(body) AS e, unnest(ARRAY[e.from_state, e.to_state]) AS s (state)
    WHERE NOT coalesce(body -> 'states' ? s.state, false)
    UNION ALL
    SELECT format('%s: leads from %s to %s twice', min(e.name), e.from_state, e.to_state)
    FROM qms_private.edges(body) AS e GROUP BY e.from_state, e.to_state HAVING count(*) > 1
    UNION ALL
    SELECT format('%s: there is no guard %s', e.name, g.guard ->> 'name')
    FROM qms_private.edges(body) AS e, jsonb_array_elements(e.guards) AS g (guard)
    WHERE NOT EXISTS (SELECT FROM qms_private.guards AS k WHERE k.name = g.guard ->> 'name')
    UNION ALL
    SELECT format('%s: there is no effect %s', e.name, f.effect)
    FROM qms_private.edges(body) AS e, jsonb_array_elements(e.effects) AS f (effect)
    WHERE
        coalesce(f.effect ->> 'name', '') !~ '^[a-z][a-z_]*$'
        OR to_regprocedure(format('qms_private.effect_%s(qms.quality_items, jsonb)', f.effect ->> 'name')) IS NULL
    UNION ALL
    SELECT format('%s: it must name who may do it', e.name)
    FROM qms_private.edges(body) AS e
    WHERE
        cardinality(qms_private.as_texts(e.edge -> 'roles')) = 0
        OR NOT qms_private.as_texts(e.edge -> 'roles')
        <@ ARRAY['reporter', 'owner', 'reviewer', 'approver', 'qa_approver', 'mrb', 'regulatory']
    UNION ALL
    SELECT format('the state %s: due_days is a number of days up to 3660, days is business or calendar', s.key)
    FROM jsonb_each(body -> 'states') AS s
    WHERE
        coalesce(s.value ->> 'due_days', '0') !~ '^([0-9]{1,3}|[12][0-9]{3}|3[0-5][0-9]{2}|36[0-5][0-9]|3660)$'
        OR coalesce(s.value ->> 'days', 'business') NOT IN ('business', 'calendar')
    UNION ALL
    SELECT format('the state %s: escalation takes after_days, a level from 1 to 9 and a role', s.key)
    FROM jsonb_each(body -> 'states') AS s, jsonb_array_elements(coalesce(s.value -> 'escalate', '[]')) AS r (rule)
    WHERE
        coalesce(r.rule ->> 'after_days', '') !~ '^[0-9]{1,3}$' OR coalesce(r.rule ->> 'level', '') !~ '^[1-9]$'
        OR coalesce(r.rule ->> 'role', '') NOT IN (
            'reporter', 'owner', 'reviewer', 'approver', 'qa_approver', 'mrb', 'regulatory', 'admin'
        )
    UNION ALL
    SELECT format('%s: a step of a person says what the signature means', e.name)
    FROM qms_private.edges(body) AS e WHERE e.person AND coalesce(e.edge ->> 'meaning', '') = ''
$_$;

ALTER FUNCTION qms_private.problems_alone(body jsonb) OWNER TO qms_definer;

-- Name: FUNCTION problems_alone(body jsonb); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.problems_alone(body jsonb) IS 'What is wrong with a definition by itself.';

-- Name: protect_table(text, text); Type: FUNCTION; Schema: qms_private; Owner: qms_owner

CREATE FUNCTION qms_private.protect_table(named text, kind text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    own_columns text;
    changeable text;
BEGIN
    EXECUTE format('ALTER TABLE qms.%I ENABLE ROW LEVEL SECURITY', named);
    EXECUTE format('ALTER TABLE qms.%I FORCE ROW LEVEL SECURITY', named);
    EXECUTE format(
        'CREATE POLICY read_own ON qms.%I FOR SELECT TO qms_app, qms_sql '
        'USING (organization_id = (SELECT qms.current_organization_id()))', named);
    EXECUTE format(
        'CREATE POLICY add_own ON qms.%I FOR INSERT TO qms_app '
        'WITH CHECK (organization_id = (SELECT qms.current_organization_id()) AND (SELECT qms.may_keep_records()))', named);
    EXECUTE format(
        'CREATE POLICY change_own ON qms.%I FOR UPDATE TO qms_app '
        'USING (organization_id = (SELECT qms.current_organization_id()) AND (SELECT qms.may_keep_records())) '
        'WITH CHECK (organization_id = (SELECT qms.current_organization_id()))', named);
    EXECUTE format('CREATE POLICY administration ON qms.%I FOR ALL TO qms_definer USING (true) WITH CHECK (true)', named);
    EXECUTE format('GRANT SELECT ON qms.%I TO qms_app, qms_sql', named);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE ON qms.%I TO qms_definer', named);
    SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) INTO own_columns
    FROM pg_catalog.pg_attribute AS a
    WHERE
        a.attrelid = format('qms.%I', named)::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
        AND a.attname <> ALL (ARRAY[
            'created_at', 'created_by', 'created_kind', 'accepted_by', 'accepted_at', 'decided_by', 'decided_at',
            'verdict', 'verdict_by', 'cycle', 'reportable', 'reportability_decided_by', 'is_effective',
            'effective_from', 'effective_to', 'acknowledged_at', 'next_review_on', 'rpn', 'residual_rpn'
        ])
        -- By when a complaint is reported follows from what a person decided.
        AND (named, a.attname::text) <> ('complaints', 'report_due_on');
    EXECUTE format('GRANT INSERT (%s) ON qms.%I TO qms_app', own_columns, named);
    IF kind = 'part' THEN
        SELECT string_agg(quote_ident(c.name), ', ') INTO changeable
        FROM qms.record_parts AS p, unnest(p.changeable) AS c (name) WHERE p.table_name = named;
    ELSE
        SELECT string_agg(c.name, ', ') INTO changeable
        FROM unnest(string_to_array(own_columns, ', ')) AS c (name)
        -- Once equipment is registered, its dates follow from its calibrations.
        WHERE c.name NOT IN ('id', 'organization_id', 'last_calibrated_on', 'calibration_due_on');
    END IF;
    IF changeable IS NOT NULL AND kind <> 'link' THEN
        EXECUTE format('GRANT UPDATE (%s) ON qms.%I TO qms_app', changeable, named);
    END IF;
    EXECUTE format(
        'CREATE TRIGGER trail_turn BEFORE INSERT OR UPDATE ON qms.%I FOR EACH STATEMENT '
        'EXECUTE FUNCTION qms.take_trail_turn()', named);
    EXECUTE format(
        'CREATE TRIGGER keep BEFORE INSERT OR UPDATE ON qms.%I FOR EACH ROW EXECUTE FUNCTION qms.%I()', named,
        CASE kind WHEN 'type' THEN 'keep_details' WHEN 'part' THEN 'keep_part' ELSE 'keep_link' END);
    EXECUTE format(
        'CREATE TRIGGER a_touch_parent AFTER INSERT OR UPDATE ON qms.%I FOR EACH ROW EXECUTE FUNCTION qms.touch_parent(%L)',
        named, CASE kind WHEN 'type' THEN 'id' WHEN 'part' THEN 'record_id' ELSE 'from_id' END);
    EXECUTE format(
        'CREATE TRIGGER record_change AFTER INSERT OR UPDATE ON qms.%I FOR EACH ROW EXECUTE FUNCTION qms.record_entry(%L)',
        named, CASE kind WHEN 'type' THEN 'id' WHEN 'part' THEN 'record_id' ELSE 'from_id' END);
    EXECUTE format(
        'CREATE TRIGGER never_deleted BEFORE DELETE ON qms.%I FOR EACH ROW EXECUTE FUNCTION qms.refuse_change()', named);
    EXECUTE format(
        'CREATE TRIGGER never_truncated BEFORE TRUNCATE ON qms.%I FOR EACH STATEMENT EXECUTE FUNCTION qms.refuse_change()',
        named);
END
$$;

ALTER FUNCTION qms_private.protect_table(named text, kind text) OWNER TO qms_owner;

-- Name: FUNCTION protect_table(named text, kind text); Type: COMMENT; Schema: qms_private; Owner: qms_owner

COMMENT ON FUNCTION qms_private.protect_table(named text, kind text) IS 'Gives a table of records what all of them have: tenancy, rights by column, the trail, and no way to delete.';

-- Name: reports_for(text); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.reports_for(session_token text) RETURNS TABLE(id uuid, organization text, kind text, person text, details jsonb, created_at timestamp with time zone)
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT r.id, m.organization_name, r.kind, coalesce(p.printed_name, 'a person'), r.details, r.created_at
    FROM qms_private.session_with(session_token) AS s
    CROSS JOIN LATERAL qms_private.memberships_of(s.user_id) AS m
    INNER JOIN qms.security_reports AS r ON m.organization_id = r.organization_id
    LEFT JOIN qms.people AS p ON r.user_id = p.user_id
    WHERE m.roles && ARRAY['admin', 'qa_approver'] AND r.acknowledged_at IS NULL
    ORDER BY r.created_at, r.id
    LIMIT 50
$$;

ALTER FUNCTION qms_private.reports_for(session_token text) OWNER TO qms_definer;

-- Name: FUNCTION reports_for(session_token text); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.reports_for(session_token text) IS 'Security reports nobody has acknowledged, for those who answer for access.';

-- Name: request_approval(text, uuid, text, text, text, text); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.request_approval(for_tool text, for_subject uuid, in_words text, exactly text, why text, through_client text) RETURNS qms.approvals
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
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

ALTER FUNCTION qms_private.request_approval(for_tool text, for_subject uuid, in_words text, exactly text, why text, through_client text) OWNER TO qms_definer;

-- Name: FUNCTION request_approval(for_tool text, for_subject uuid, in_words text, exactly text, why text, through_client text); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.request_approval(for_tool text, for_subject uuid, in_words text, exactly text, why text, through_client text) IS 'The approval a draft waits for: made once, for exactly the text of the draft. Error QM004 when there is no such draft.';

-- Name: run_script(text); Type: FUNCTION; Schema: qms_private; Owner: qms_owner

CREATE FUNCTION qms_private.run_script(script text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'extensions'
    AS $$
BEGIN
    EXECUTE script;
END
$$;

ALTER FUNCTION qms_private.run_script(script text) OWNER TO qms_owner;

-- Name: FUNCTION run_script(script text); Type: COMMENT; Schema: qms_private; Owner: qms_owner

COMMENT ON FUNCTION qms_private.run_script(script text) IS 'Runs a script that can neither end the transaction it runs in nor change its role. Only for its owner.';

-- Name: seen(uuid, integer); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.seen(record_id uuid, expected_version integer) RETURNS qms.quality_items
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    RETURN qms.seen_version(record_id, expected_version);
END
$$;

ALTER FUNCTION qms_private.seen(record_id uuid, expected_version integer) OWNER TO qms_definer;

-- Name: FUNCTION seen(record_id uuid, expected_version integer); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.seen(record_id uuid, expected_version integer) IS 'qms.seen_version for functions of the workflow.';

-- Name: session_seen(text); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.session_seen(session_token text) RETURNS TABLE(user_id uuid, email text, printed_name text, zone text, has_signed boolean, expires_at timestamp with time zone)
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT
        s.user_id, u.email, coalesce(p.printed_name, u.email), s.zone, s.first_signed_at IS NOT NULL,
        least(s.expires_at, s.last_used_at + interval '15 minutes')
    FROM qms_private.session_with(session_token) AS s
    INNER JOIN auth.users AS u ON s.user_id = u.id
    LEFT JOIN qms.people AS p ON s.user_id = p.user_id
$$;

ALTER FUNCTION qms_private.session_seen(session_token text) OWNER TO qms_definer;

-- Name: FUNCTION session_seen(session_token text); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.session_seen(session_token text) IS 'Whose session this is. No row when it has ended.';

-- Name: session_with(text); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.session_with(session_token text) RETURNS qms_private.sessions
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    found_session qms_private.sessions;
BEGIN
    UPDATE qms_private.sessions AS s
    SET last_used_at = clock_timestamp()
    WHERE
        s.token_sha256 = sha256(convert_to(session_token, 'UTF8'))
        AND s.ended_at IS NULL AND s.expires_at > clock_timestamp()
        AND s.last_used_at > clock_timestamp() - interval '15 minutes'
        AND EXISTS (SELECT FROM qms_private.memberships_of(s.user_id))
    RETURNING s.* INTO found_session;
    RETURN found_session;
END
$$;

ALTER FUNCTION qms_private.session_with(session_token text) OWNER TO qms_definer;

-- Name: FUNCTION session_with(session_token text); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.session_with(session_token text) IS 'The living session with this token, used just now; or null.';

-- Name: sign_identity(text); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.sign_identity(payload text) RETURNS text
    LANGUAGE sql STABLE STRICT SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT encode(sha256(k.outer_pad || sha256(k.inner_pad || convert_to(payload, 'UTF8'))), 'hex')
    FROM qms_private.identity_key AS k
$$;

ALTER FUNCTION qms_private.sign_identity(payload text) OWNER TO qms_definer;

-- Name: FUNCTION sign_identity(payload text); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.sign_identity(payload text) IS 'HMAC-SHA-256 of a payload, in hex.';

-- Name: sign_in(text, text, text, text); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.sign_in(user_ref text, derived text, in_zone text, via text) RETURNS TABLE(outcome text, token text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    person uuid := qms_private.person_named(user_ref);
    fresh text := encode(sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())), 'hex');
    place uuid;
BEGIN
    outcome := qms_private.check_password(person, derived, via);
    IF outcome = 'right' THEN
        INSERT INTO qms_private.sessions (token_sha256, user_id, zone)
        VALUES (sha256(convert_to(fresh, 'UTF8')), person, qms_private.zone_of(person, in_zone));
        FOR place IN
            SELECT m.organization_id FROM qms_private.memberships_of(person) AS m ORDER BY m.organization_id
        LOOP
            PERFORM qms_private.become(person, place, 'signed in', via);
            PERFORM qms_private.note_event(place, 'qms.people', person, 'signed_in', jsonb_build_object('via', via));
        END LOOP;
        PERFORM qms_private.nobody();
        token := fresh;
    END IF;
    RETURN NEXT;
END
$$;

ALTER FUNCTION qms_private.sign_in(user_ref text, derived text, in_zone text, via text) OWNER TO qms_definer;

-- Name: FUNCTION sign_in(user_ref text, derived text, in_zone text, via text); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.sign_in(user_ref text, derived text, in_zone text, via text) IS 'Opens a session for who knows the password and returns its token, once; it is always a new one.';

-- Name: sign_out(text); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.sign_out(session_token text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    person uuid;
BEGIN
    UPDATE qms_private.sessions AS s SET ended_at = clock_timestamp()
    WHERE s.token_sha256 = sha256(convert_to(session_token, 'UTF8')) AND s.ended_at IS NULL
    RETURNING s.user_id INTO person;
    IF person IS NOT NULL THEN
        PERFORM qms_private.note_for_person(person, 'signed_out', '{}');
    END IF;
END
$$;

ALTER FUNCTION qms_private.sign_out(session_token text) OWNER TO qms_definer;

-- Name: FUNCTION sign_out(session_token text); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.sign_out(session_token text) IS 'Ends a session.';

-- Name: sign_record(qms.approvals, qms_private.sessions, text, text, text, integer); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.sign_record(approval qms.approvals, session qms_private.sessions, verdict text, why text, shown_sha256 text, with_components integer) RETURNS qms.signatures
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    AS $$
DECLARE
    item qms.quality_items;
    now_content jsonb;
    digest text;
    made qms.signatures;
    reasons text [];
    step text;
BEGIN
    SELECT i.* INTO item
    FROM qms.quality_items AS i
    WHERE i.id = approval.record_id AND i.organization_id = approval.organization_id FOR UPDATE;
    now_content := qms.record_content(item.id);
    digest := encode(sha256(convert_to(now_content::text, 'UTF8')), 'hex');
    IF item.version <> approval.record_version OR digest <> approval.record_sha256 THEN
        RAISE EXCEPTION '% changed since this was asked for: it is at version % now, not %', item.number, item.version,
        approval.record_version USING ERRCODE = 'QM020', HINT = 'Ask for the decision again; nothing was decided.';
    ELSIF shown_sha256 IS DISTINCT FROM digest THEN
        RAISE EXCEPTION 'what was shown is not what % holds now', item.number
        USING ERRCODE = 'QM020', HINT = 'Open the page again and read it; nothing was decided.';
    END IF;
    reasons := qms_private.why_not_decide(approval);
    IF cardinality(reasons) > 0 THEN
        RAISE EXCEPTION 'this is not for you to decide: %', array_to_string(reasons, '; ')
        USING ERRCODE = 'QM022', HINT = 'Somebody else has to do it.';
    END IF;
    INSERT INTO qms.signatures (
        organization_id, record_id, record_version, content, content_sha256, signer_id, printed_name, meaning, verdict,
        reason, to_state, zone, components, approval_id
    )
    SELECT
        item.organization_id, item.id, item.version, now_content, digest, u.id, coalesce(p.printed_name, u.email),
        coalesce(approval.meaning, 'approval'), CASE verdict WHEN 'approved' THEN 'signed' ELSE 'rejected' END,
        why, approval.to_state, session.zone, with_components, approval.id
    FROM auth.users AS u
    LEFT JOIN qms.people AS p ON u.id = p.user_id
    WHERE u.id = session.user_id
    RETURNING * INTO made;
    IF verdict = 'approved' THEN
        PERFORM qms_private.carry_out(approval, qms.written_reason());
    ELSE
        -- Refusing to cancel sends nothing back: the step says which requests it answers, and who may take it.
        SELECT e.to_state INTO step
        FROM qms.workflow_definitions AS d, qms_private.edges(d.body) AS e
        WHERE
            d.id = item.definition_id AND e.name = 'reject' AND e.from_state = item.status
            AND (approval.to_state IS NULL OR NOT e.edge ? 'rejects' OR e.edge -> 'rejects' ? approval.to_state)
            AND qms_private.not_this_person(item, e.edge) = '{}'
        LIMIT 1;
        IF step IS NOT NULL THEN
            PERFORM set_config('qms.approval_id', approval.id::text, true);
            PERFORM qms.transition(item.id, item.version, step, qms.written_reason());
            PERFORM set_config('qms.approval_id', '', true);
        END IF;
    END IF;
    RETURN made;
END
$$;

ALTER FUNCTION qms_private.sign_record(approval qms.approvals, session qms_private.sessions, verdict text, why text, shown_sha256 text, with_components integer) OWNER TO qms_definer;

-- Name: FUNCTION sign_record(approval qms.approvals, session qms_private.sessions, verdict text, why text, shown_sha256 text, with_components integer); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.sign_record(approval qms.approvals, session qms_private.sessions, verdict text, why text, shown_sha256 text, with_components integer) IS 'Writes the signature and takes the step it is for, as the person. A rejection is a signature too; it takes the step named reject where the workflow has one.';

-- Name: source_words(text); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.source_words(source text) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT CASE source
        WHEN 'owner_id' THEN 'the owner'
        WHEN 'assigned_to' THEN 'the one it is assigned to'
        WHEN 'drafted_by' THEN 'who drafted it'
        WHEN 'author_id' THEN 'the author'
        WHEN 'editors' THEN 'an editor of this version'
        WHEN 'trail.editors' THEN 'an editor of this version, by the trail'
        WHEN 'trail.owner_id' THEN 'a former owner'
        WHEN 'trail.assigned_to' THEN 'one it was assigned to'
        WHEN 'trail.author_id' THEN 'a former author'
        WHEN 'capa_actions.owner_id' THEN 'the owner of an action'
        WHEN 'action.owner_id' THEN 'the owner of the action'
        WHEN 'target.owner_id' THEN 'the owner of what is late'
        WHEN 'area_responsible' THEN 'responsible for the audited area'
        WHEN 'audit.area_responsible' THEN 'responsible for the audited area'
        WHEN 'trainee_id' THEN 'the trainee'
        WHEN 'trainer_id' THEN 'the trainer'
        ELSE 'named as ' || replace(replace(source, '_', ' '), '.', ', ')
    END
$$;

ALTER FUNCTION qms_private.source_words(source text) OWNER TO qms_definer;

-- Name: FUNCTION source_words(source text); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.source_words(source text) IS 'What somebody named by a source is, in words.';

-- Name: migration_drafts; Type: TABLE; Schema: qms; Owner: qms_owner

CREATE TABLE qms.migration_drafts (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    name text NOT NULL,
    script text NOT NULL,
    reverse_script text,
    sha256 text NOT NULL,
    report jsonb NOT NULL,
    reason text NOT NULL,
    drafted_by uuid NOT NULL,
    drafted_kind text NOT NULL,
    state text DEFAULT 'draft'::text NOT NULL,
    version text,
    applied_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT applied_with_version CHECK (((state = 'applied'::text) = ((applied_at IS NOT NULL) AND (version IS NOT NULL)))),
    CONSTRAINT migration_drafts_check CHECK ((sha256 = encode(sha256(convert_to(script, 'UTF8'::name)), 'hex'::text))),
    CONSTRAINT migration_drafts_drafted_kind_check CHECK ((drafted_kind = ANY (ARRAY['human'::text, 'agent'::text, 'system'::text]))),
    CONSTRAINT migration_drafts_name_check CHECK ((name ~ '^[a-z][a-z0-9_]{0,62}$'::text)),
    CONSTRAINT migration_drafts_script_check CHECK ((btrim(script) <> ''::text)),
    CONSTRAINT migration_drafts_state_check CHECK ((state = ANY (ARRAY['draft'::text, 'applied'::text])))
);

ALTER TABLE ONLY qms.migration_drafts FORCE ROW LEVEL SECURITY;

ALTER TABLE qms.migration_drafts OWNER TO qms_owner;

-- Name: TABLE migration_drafts; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON TABLE qms.migration_drafts IS 'Schema changes somebody proposed, each tested in a transaction that was rolled back.';

-- Name: COLUMN migration_drafts.report; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON COLUMN qms.migration_drafts.report IS 'What the test run found: locks, rewritten tables, rows touched, lint.';

-- Name: take_migration(uuid, uuid, text, text); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.take_migration(draft_id uuid, approval_id uuid, tested_sha256 text, as_version text) RETURNS qms.migration_drafts
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
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

ALTER FUNCTION qms_private.take_migration(draft_id uuid, approval_id uuid, tested_sha256 text, as_version text) OWNER TO qms_definer;

-- Name: FUNCTION take_migration(draft_id uuid, approval_id uuid, tested_sha256 text, as_version text); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.take_migration(draft_id uuid, approval_id uuid, tested_sha256 text, as_version text) IS 'Spends the approval and marks the draft applied, before its script runs in the same transaction.';

-- Name: ticket_for(uuid, uuid, text, integer); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.ticket_for(for_user uuid, for_organization uuid, as_kind text, backend_pid integer) RETURNS text
    LANGUAGE plpgsql STABLE STRICT SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    granted text [];
    held uuid;
    payload text;
BEGIN
    SELECT m.roles, m.id INTO granted, held
    FROM qms.memberships AS m
    WHERE
        m.user_id = for_user AND m.organization_id = for_organization
        AND m.valid_from <= clock_timestamp() AND (m.valid_to IS NULL OR m.valid_to > clock_timestamp())
        AND NOT EXISTS (
            SELECT FROM qms.people AS p WHERE p.user_id = for_user AND p.deactivated_at IS NOT NULL
        )
    ORDER BY m.valid_from DESC
    LIMIT 1;
    IF granted IS NULL THEN
        RAISE EXCEPTION 'no valid membership' USING ERRCODE = 'QM001';
    END IF;
    payload := jsonb_build_object(
        'sub', for_user, 'org', for_organization, 'kind', as_kind, 'roles', to_jsonb(granted),
        'membership', held, 'pid', backend_pid, 'exp', extract(epoch FROM clock_timestamp())::bigint + 300
    )::text;
    RETURN qms_private.sign_identity(payload) || '.' || payload;
END
$$;

ALTER FUNCTION qms_private.ticket_for(for_user uuid, for_organization uuid, as_kind text, backend_pid integer) OWNER TO qms_definer;

-- Name: FUNCTION ticket_for(for_user uuid, for_organization uuid, as_kind text, backend_pid integer); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.ticket_for(for_user uuid, for_organization uuid, as_kind text, backend_pid integer) IS 'A signed identity of any kind. Only functions of its owner may call it: this is what makes somebody human.';

-- Name: today_of(uuid); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.today_of(of_organization uuid) RETURNS date
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$SELECT qms_private.local_date(of_organization, clock_timestamp())$$;

ALTER FUNCTION qms_private.today_of(of_organization uuid) OWNER TO qms_definer;

-- Name: FUNCTION today_of(of_organization uuid); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.today_of(of_organization uuid) IS 'Today, where the organization is.';

-- Name: touch_record(uuid); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.touch_record(touched uuid) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    UPDATE qms.quality_items AS i SET touched_by_transaction = pg_current_xact_id()
    WHERE i.id = touched AND i.touched_by_transaction IS DISTINCT FROM pg_current_xact_id()
$$;

ALTER FUNCTION qms_private.touch_record(touched uuid) OWNER TO qms_definer;

-- Name: FUNCTION touch_record(touched uuid); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.touch_record(touched uuid) IS 'A part of the record changes: its version grows.';

-- Name: use_approval(uuid, uuid, text); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.use_approval(approval_id uuid, for_subject uuid, expected_sha256 text) RETURNS qms.approvals
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
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

ALTER FUNCTION qms_private.use_approval(approval_id uuid, for_subject uuid, expected_sha256 text) OWNER TO qms_definer;

-- Name: FUNCTION use_approval(approval_id uuid, for_subject uuid, expected_sha256 text); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.use_approval(approval_id uuid, for_subject uuid, expected_sha256 text) IS 'Spends an approval for exactly the content that was approved. Error QM005 when there is none to spend.';

-- Name: uuids_in(jsonb); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.uuids_in(value jsonb) RETURNS SETOF uuid
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
    SELECT (v.item #>> '{}')::uuid
    FROM jsonb_array_elements(CASE jsonb_typeof(value) WHEN 'array' THEN value ELSE jsonb_build_array(value) END) AS v (item)
    WHERE v.item #>> '{}' ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
$_$;

ALTER FUNCTION qms_private.uuids_in(value jsonb) OWNER TO qms_definer;

-- Name: FUNCTION uuids_in(value jsonb); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.uuids_in(value jsonb) IS 'The ids in a value: it is one, or a list of them.';

-- Name: waiting_for(text); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.waiting_for(session_token text) RETURNS TABLE(id uuid, organization text, tool text, summary text, number text, title text, to_state text, meaning text, requested_by text, requested_kind text, client_name text, created_at timestamp with time zone, expires_at timestamp with time zone, blocked text[])
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT
        a.id, m.organization_name, a.tool, a.summary, i.number, i.title, a.to_state, a.meaning,
        coalesce(p.printed_name, u.email), a.requested_kind, a.client_name, a.created_at, a.expires_at,
        qms_private.what_blocks(a, s.user_id)
    FROM qms_private.session_with(session_token) AS s
    CROSS JOIN LATERAL qms_private.memberships_of(s.user_id) AS m
    INNER JOIN qms.approvals AS a ON m.organization_id = a.organization_id
    INNER JOIN auth.users AS u ON a.requested_by = u.id
    LEFT JOIN qms.people AS p ON a.requested_by = p.user_id
    LEFT JOIN qms.quality_items AS i ON a.record_id = i.id
    WHERE a.state = 'pending' AND a.expires_at > clock_timestamp()
    ORDER BY a.created_at, a.id
    LIMIT 200
$$;

ALTER FUNCTION qms_private.waiting_for(session_token text) OWNER TO qms_definer;

-- Name: FUNCTION waiting_for(session_token text); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.waiting_for(session_token text) IS 'What waits for a decision in the organizations of whoever has this session.';

-- Name: way_of_deciding(qms.approvals); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.way_of_deciding(approval qms.approvals) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT CASE
        WHEN approval.record_id IS NULL THEN 'password'
        WHEN o.settings ->> 'signatures' = 'recorded' THEN 'recorded'
        ELSE 'signature'
    END
    FROM qms.organizations AS o WHERE o.id = approval.organization_id
$$;

ALTER FUNCTION qms_private.way_of_deciding(approval qms.approvals) OWNER TO qms_definer;

-- Name: FUNCTION way_of_deciding(approval qms.approvals); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.way_of_deciding(approval qms.approvals) IS 'signature: bound to the record. recorded: the organization wants approvals recorded without a password (settings.signatures). password: no record is signed, but a password is asked for.';

-- Name: what_blocks(qms.approvals, uuid); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.what_blocks(approval qms.approvals, person uuid) RETURNS text[]
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    reasons text [];
    item qms.quality_items;
BEGIN
    SELECT i.* INTO item FROM qms.quality_items AS i WHERE i.id = approval.record_id;
    IF item.version <> approval.record_version THEN
        RETURN ARRAY[format('the record is at version %s now; this was asked for version %s', item.version, approval.record_version)];
    END IF;
    PERFORM qms_private.become(person, approval.organization_id, 'looks at an approval', 'approval page');
    reasons := qms_private.why_not_decide(approval);
    IF approval.to_state IS NOT NULL THEN
        reasons := reasons || coalesce((
            SELECT s.blocked FROM qms.next_steps(approval.record_id) AS s WHERE s.to_state = approval.to_state LIMIT 1
        ), '{}');
    END IF;
    PERFORM qms_private.nobody();
    RETURN reasons;
END
$$;

ALTER FUNCTION qms_private.what_blocks(approval qms.approvals, person uuid) OWNER TO qms_definer;

-- Name: FUNCTION what_blocks(approval qms.approvals, person uuid); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.what_blocks(approval qms.approvals, person uuid) IS 'Why this person can''t decide this now, in words; nothing when the person can.';

-- Name: why_not_decide(qms.approvals); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.why_not_decide(asked qms.approvals) RETURNS text[]
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    item qms.quality_items;
BEGIN
    IF asked.tool = 'change_workflow' THEN
        RETURN CASE WHEN qms.has_role('qa_approver') THEN '{}'::text [] ELSE ARRAY['it takes the role qa_approver'] END
        || CASE WHEN asked.requested_by = qms.current_user_id() THEN ARRAY['whoever drafted it may not approve it'] ELSE '{}'::text [] END;
    END IF;
    IF asked.record_id IS NULL THEN
        RETURN CASE
            WHEN qms.has_role('approver') OR qms.has_role('qa_approver') OR qms.has_role('admin') THEN '{}'::text []
            ELSE ARRAY['it takes the role approver, qa_approver or admin']
        END;
    END IF;
    SELECT i.* INTO item FROM qms.quality_items AS i WHERE i.id = asked.record_id;
    IF asked.to_state IS NULL THEN
        RETURN CASE
            WHEN NOT qms.may_keep_records() THEN ARRAY['whoever is only an auditor or administrator signs nothing']
            WHEN EXISTS (
                SELECT FROM qms.required_signatures AS r WHERE r.record_id = item.id AND r.meaning = asked.meaning
            ) AND NOT EXISTS (
                SELECT FROM qms.required_signatures AS r
                WHERE r.record_id = item.id AND r.meaning = asked.meaning AND r.signer_id = qms.current_user_id()
            ) THEN ARRAY['this signature is asked of somebody else']
            ELSE '{}'::text []
        END;
    END IF;
    RETURN qms_private.not_this_person(item, qms_private.edge_to(item, asked.to_state));
END
$$;

ALTER FUNCTION qms_private.why_not_decide(asked qms.approvals) OWNER TO qms_definer;

-- Name: FUNCTION why_not_decide(asked qms.approvals); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.why_not_decide(asked qms.approvals) IS 'Why the caller is not the one to decide this; empty when it is.';

-- Name: write_entry(uuid, text, uuid, text, uuid, integer, integer, jsonb, jsonb); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.write_entry(of_organization uuid, of_type text, of_entity uuid, what text, of_record uuid, at_version integer, under_definition integer, differences jsonb, details jsonb) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
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

ALTER FUNCTION qms_private.write_entry(of_organization uuid, of_type text, of_entity uuid, what text, of_record uuid, at_version integer, under_definition integer, differences jsonb, details jsonb) OWNER TO qms_definer;

-- Name: FUNCTION write_entry(of_organization uuid, of_type text, of_entity uuid, what text, of_record uuid, at_version integer, under_definition integer, differences jsonb, details jsonb); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.write_entry(of_organization uuid, of_type text, of_entity uuid, what text, of_record uuid, at_version integer, under_definition integer, differences jsonb, details jsonb) IS 'Appends an entry to the trail of an organization, with who acts and why.';

-- Name: zone_of(uuid, text); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.zone_of(person uuid, wanted text) RETURNS text
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
DECLARE
    zone text;
BEGIN
    FOR zone IN
        SELECT z.zone FROM (
            SELECT wanted AS zone, 1 AS place
            UNION ALL SELECT p.time_zone, 2 FROM qms.people AS p WHERE p.user_id = person AND p.time_zone <> 'UTC'
            UNION ALL (
                SELECT o.time_zone, 3 FROM qms_private.memberships_of(person) AS m
                INNER JOIN qms.organizations AS o ON m.organization_id = o.id
                LIMIT 1
            )
        ) AS z WHERE z.zone ~ '^[A-Za-z]+(/[A-Za-z0-9_+-]+)*$' ORDER BY z.place
    LOOP
        BEGIN
            PERFORM clock_timestamp() AT TIME ZONE zone;
            RETURN zone;
        EXCEPTION WHEN invalid_parameter_value THEN
            CONTINUE;
        END;
    END LOOP;
    RETURN 'UTC';
END
$_$;

ALTER FUNCTION qms_private.zone_of(person uuid, wanted text) OWNER TO qms_definer;

-- Name: FUNCTION zone_of(person uuid, wanted text); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.zone_of(person uuid, wanted text) IS 'The wanted zone if there is such a one, else the person''s, else the first organization''s, else UTC.';

-- Name: activate_model(smallint); Type: FUNCTION; Schema: search; Owner: qms_owner

CREATE FUNCTION search.activate_model(of_model smallint) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    UPDATE search.embedding_models AS m SET state = 'retired'
    WHERE m.state = 'active' AND m.provider <> 'given' AND m.id <> of_model;
    UPDATE search.embedding_models AS m SET state = 'active', activated_at = clock_timestamp()
    WHERE m.id = of_model AND m.state <> 'active';
END
$$;

ALTER FUNCTION search.activate_model(of_model smallint) OWNER TO qms_owner;

-- Name: FUNCTION activate_model(of_model smallint); Type: COMMENT; Schema: search; Owner: qms_owner

COMMENT ON FUNCTION search.activate_model(of_model smallint) IS 'From now on searches use this model; the one before is retired and can be dropped.';

-- Name: add_cost(uuid, smallint, bigint, numeric); Type: FUNCTION; Schema: search; Owner: qms_owner

CREATE FUNCTION search.add_cost(of_organization uuid, of_model smallint, of_tokens bigint, of_cost numeric) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    INSERT INTO search.embedding_usage AS u (organization_id, model_key, requests, tokens, cost)
    SELECT of_organization, m.key, 1, of_tokens, of_cost FROM search.embedding_models AS m WHERE m.id = of_model
    ON CONFLICT (organization_id, model_key, day) DO UPDATE
    SET requests = u.requests + 1, tokens = u.tokens + excluded.tokens, cost = u.cost + excluded.cost
$$;

ALTER FUNCTION search.add_cost(of_organization uuid, of_model smallint, of_tokens bigint, of_cost numeric) OWNER TO qms_owner;

-- Name: FUNCTION add_cost(of_organization uuid, of_model smallint, of_tokens bigint, of_cost numeric); Type: COMMENT; Schema: search; Owner: qms_owner

COMMENT ON FUNCTION search.add_cost(of_organization uuid, of_model smallint, of_tokens bigint, of_cost numeric) IS 'Adds a request to a provider to the costs of the day.';

-- Name: add_embedding(); Type: FUNCTION; Schema: search; Owner: qms_owner

CREATE FUNCTION search.add_embedding() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    IF new.organization_id IS DISTINCT FROM qms.current_organization_id() THEN
        RAISE EXCEPTION 'rows belong to your organization' USING ERRCODE = '42501';
    END IF;
    new.id := search.put_text(
        new.content_type, left(new.content, 80), new.content, new.source_table, new.source_id, new.metadata
    );
    PERFORM search.put_vector(new.id, new.embedding::extensions.halfvec, NULL);
    RETURN new;
END
$$;

ALTER FUNCTION search.add_embedding() OWNER TO qms_owner;

-- Name: FUNCTION add_embedding(); Type: COMMENT; Schema: search; Owner: qms_owner

COMMENT ON FUNCTION search.add_embedding() IS 'A row added to public.embeddings is a text with a vector of the caller''s own.';

-- Name: add_model(text, text, text, integer, text, text[]); Type: FUNCTION; Schema: search; Owner: qms_owner

CREATE FUNCTION search.add_model(of_key text, of_provider text, of_model text, of_dims integer, of_base_url text, prefixes text[]) RETURNS smallint
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    added search.embedding_models;
    partition text;
BEGIN
    SELECT m.* INTO added FROM search.embedding_models AS m WHERE m.key = of_key;
    IF added.id IS NOT NULL THEN
        IF (added.provider, added.model, added.dims) IS DISTINCT FROM (of_provider, of_model, of_dims) THEN
            RAISE EXCEPTION 'there is another model with the key %: % % with % dimensions', of_key, added.provider, added.model, added.dims
            USING ERRCODE = 'QM024', HINT = 'Choose another key.';
        END IF;
        RETURN added.id;
    END IF;
    INSERT INTO search.embedding_models (key, provider, model, dims, base_url, query_prefix, document_prefix, state, activated_at)
    VALUES (
        of_key, of_provider, of_model, of_dims, of_base_url, coalesce(prefixes[1], ''), coalesce(prefixes[2], ''),
        CASE WHEN of_provider = 'given' THEN 'active' ELSE 'filling' END,
        CASE WHEN of_provider = 'given' THEN clock_timestamp() END
    )
    RETURNING * INTO added;
    partition := 'embeddings_m' || added.id;
    EXECUTE format('CREATE TABLE search.%I PARTITION OF search.embeddings_by_model FOR VALUES IN (%s)', partition, added.id);
    EXECUTE format(
        'ALTER TABLE search.%I ADD CONSTRAINT dims CHECK (extensions.vector_dims(embedding) = %s)', partition, of_dims
    );
    EXECUTE format('ALTER TABLE search.%I ALTER COLUMN embedding SET STORAGE PLAIN', partition);
    EXECUTE format('ALTER TABLE search.%I ENABLE ROW LEVEL SECURITY', partition);
    EXECUTE format('ALTER TABLE search.%I FORCE ROW LEVEL SECURITY', partition);
    EXECUTE format('CREATE POLICY administration ON search.%I TO qms_definer USING (true) WITH CHECK (true)', partition);
    EXECUTE format('GRANT SELECT ON search.%I TO qms_definer', partition);
    RETURN added.id;
END
$$;

ALTER FUNCTION search.add_model(of_key text, of_provider text, of_model text, of_dims integer, of_base_url text, prefixes text[]) OWNER TO qms_owner;

-- Name: FUNCTION add_model(of_key text, of_provider text, of_model text, of_dims integer, of_base_url text, prefixes text[]); Type: COMMENT; Schema: search; Owner: qms_owner

COMMENT ON FUNCTION search.add_model(of_key text, of_provider text, of_model text, of_dims integer, of_base_url text, prefixes text[]) IS 'Registers a model and makes its partition, without the index of neighbours: fill, then search.build_index. The same model twice is one.';

-- Name: better_word(text); Type: FUNCTION; Schema: search; Owner: qms_definer

CREATE FUNCTION search.better_word(unknown text) RETURNS text
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    AS $_$
DECLARE
    ours uuid := qms.current_organization_id();
    its text [] := search.trigrams(unknown);
    -- A word as similar as that shares so many that it has one of these, which saves looking up the rest.
    telling text [] := its[1 + greatest(floor(0.35 * (2 * cardinality(its) - 5) / 1.35 - 0.01)::integer, 0):];
    found text;
BEGIN
    IF unknown !~ '^[[:alpha:]]{4,40}$' THEN
        RETURN NULL;
    END IF;
    IF EXISTS (SELECT FROM search.corpora AS k WHERE k.organization_id = ours AND k.counted_at IS NOT NULL) THEN
        SELECT s.lexeme INTO found
        FROM search.term_stats AS s
        CROSS JOIN LATERAL (SELECT count(*) AS shared FROM unnest(s.trigrams) AS g (three) WHERE g.three = ANY (its)) AS o
        WHERE
            s.organization_id = ours AND s.trigrams && telling AND abs(char_length(s.lexeme) - char_length(unknown)) <= 5
            AND o.shared::real / (cardinality(s.trigrams) + cardinality(its) - o.shared) >= 0.35
        ORDER BY o.shared::real / (cardinality(s.trigrams) + cardinality(its) - o.shared) DESC, s.chunk_count DESC, s.lexeme
        LIMIT 1;
        RETURN found;
    END IF;
    -- Not counted yet: the first letter is taken as right, to be quick.
    SELECT s.word INTO found
    FROM ts_stat(format('SELECT c.stems FROM search.chunks AS c WHERE c.organization_id = %L', ours)) AS s
    CROSS JOIN LATERAL (SELECT search.trigrams(s.word) AS trigrams) AS v
    CROSS JOIN LATERAL (SELECT count(*) AS shared FROM unnest(v.trigrams) AS g (three) WHERE g.three = ANY (its)) AS o
    WHERE
        s.word ~ '^[[:alpha:]]{4,40}$' AND left(s.word, 1) = left(unknown, 1)
        AND abs(char_length(s.word) - char_length(unknown)) <= 5
        AND o.shared::real / (cardinality(v.trigrams) + cardinality(its) - o.shared) >= 0.35
    ORDER BY o.shared::real / (cardinality(v.trigrams) + cardinality(its) - o.shared) DESC, s.ndoc DESC, s.word
    LIMIT 1;
    RETURN found;
END
$_$;

ALTER FUNCTION search.better_word(unknown text) OWNER TO qms_definer;

-- Name: FUNCTION better_word(unknown text); Type: COMMENT; Schema: search; Owner: qms_definer

COMMENT ON FUNCTION search.better_word(unknown text) IS 'The word of the caller''s own collection that shares most groups of three letters with a word it does not have (Jaccard similarity of trigrams, at least 0.35).';

-- Name: build_index(smallint); Type: FUNCTION; Schema: search; Owner: qms_owner

CREATE FUNCTION search.build_index(of_model smallint) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    EXECUTE format(
        'CREATE INDEX IF NOT EXISTS %I ON search.%I USING hnsw ((embedding::extensions.halfvec(%s)) extensions.halfvec_cosine_ops)',
        'embeddings_m' || of_model || '_near', 'embeddings_m' || of_model,
        (SELECT m.dims FROM search.embedding_models AS m WHERE m.id = of_model)
    );
END
$$;

ALTER FUNCTION search.build_index(of_model smallint) OWNER TO qms_owner;

-- Name: FUNCTION build_index(of_model smallint); Type: COMMENT; Schema: search; Owner: qms_owner

COMMENT ON FUNCTION search.build_index(of_model smallint) IS 'Builds the index of neighbours of a model; reading and searching go on, writing of its vectors waits.';

-- Name: claim_jobs(smallint, integer, text, interval); Type: FUNCTION; Schema: search; Owner: qms_owner

CREATE FUNCTION search.claim_jobs(of_model smallint, max_rows integer, worker text, lease interval) RETURNS TABLE(chunk_id bigint, organization_id uuid, content_sha bytea, text_to_embed text)
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
#variable_conflict use_column
DECLARE
    mine bigint [];
BEGIN
    SELECT array_agg(t.chunk_id) INTO mine
    FROM (
        SELECT j.chunk_id
        FROM search.embedding_jobs AS j
        WHERE
            j.model_id = of_model AND NOT j.dead AND j.not_before <= clock_timestamp()
            AND (j.leased_until IS NULL OR j.leased_until < clock_timestamp())
        ORDER BY j.not_before, j.chunk_id
        LIMIT max_rows
        FOR UPDATE SKIP LOCKED
    ) AS t;
    -- What the organization has a vector of already needs no model.
    WITH known AS (
        INSERT INTO search.embeddings_by_model AS n (
            chunk_id, model_id, organization_id, content_type, is_current, content_sha, embedding
        )
        SELECT c.id, of_model, c.organization_id, c.content_type, c.is_current, c.content_sha, e.embedding
        FROM search.chunks AS c
        CROSS JOIN LATERAL (
            SELECT x.embedding
            FROM search.embeddings_by_model AS x
            WHERE
                x.model_id = of_model AND x.organization_id = c.organization_id AND x.content_sha = c.content_sha
            LIMIT 1
        ) AS e
        WHERE c.id = ANY (mine)
        ORDER BY c.id
        ON CONFLICT (chunk_id, model_id) DO UPDATE SET content_sha = excluded.content_sha, embedding = excluded.embedding
        RETURNING n.chunk_id
    ),

    settled AS (
        DELETE FROM search.embedding_jobs AS j USING known AS k
        WHERE j.model_id = of_model AND j.chunk_id = k.chunk_id
        RETURNING j.chunk_id
    )

    SELECT coalesce(array_agg(m.id), '{}') INTO mine
    FROM unnest(mine) AS m (id) WHERE NOT EXISTS (SELECT FROM settled AS s WHERE s.chunk_id = m.id);
    UPDATE search.embedding_jobs AS j SET leased_by = worker, leased_until = clock_timestamp() + lease
    WHERE j.model_id = of_model AND j.chunk_id = ANY (mine);
    RETURN QUERY
    SELECT c.id, c.organization_id, c.content_sha, c.heading || E'\n' || c.content
    FROM search.chunks AS c WHERE c.id = ANY (mine) ORDER BY c.id;
END
$$;

ALTER FUNCTION search.claim_jobs(of_model smallint, max_rows integer, worker text, lease interval) OWNER TO qms_owner;

-- Name: FUNCTION claim_jobs(of_model smallint, max_rows integer, worker text, lease interval); Type: COMMENT; Schema: search; Owner: qms_owner

COMMENT ON FUNCTION search.claim_jobs(of_model smallint, max_rows integer, worker text, lease interval) IS 'Leases pieces that wait for a vector of a model to a worker; what has one already is settled without work.';

-- Name: conditions(jsonb); Type: FUNCTION; Schema: search; Owner: qms_owner

CREATE FUNCTION search.conditions(filters jsonb) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
    SELECT concat_ws(
        ' AND ',
        'c.organization_id = $1',
        CASE WHEN coalesce((filters ->> 'superseded')::boolean, false) THEN NULL ELSE 'c.is_current' END,
        CASE
            WHEN filters ? 'types'
                THEN 'c.content_type = ANY (ARRAY(SELECT jsonb_array_elements_text($2 -> ''types'')))'
        END,
        CASE
            WHEN filters ? 'within'
                THEN 'c.source_id = ANY (ARRAY(SELECT w.id::uuid FROM jsonb_array_elements_text($2 -> ''within'') AS w (id)))'
        END,
        CASE WHEN filters ? 'except' THEN 'c.source_id <> ($2 ->> ''except'')::uuid' END,
        CASE
            WHEN filters ? 'document' THEN
                'EXISTS (SELECT FROM qms.documents AS d WHERE d.id = c.source_id AND d.organization_id = $1 '
                'AND upper(d.document_number) = upper($2 ->> ''document''))'
        END,
        CASE
            WHEN filters ? 'framework' THEN
                'EXISTS (SELECT FROM qms.evidence_links AS l '
                'INNER JOIN qms.clauses AS k ON l.clause_id = k.id INNER JOIN qms.frameworks AS f ON k.framework_id = f.id '
                'WHERE l.record_id = c.source_id AND l.organization_id = $1 AND NOT l.withdrawn '
                'AND f.key = $2 ->> ''framework'')'
        END,
        CASE
            WHEN filters ?| ARRAY['states', 'owner_id', 'since', 'until', 'tags'] THEN
                'EXISTS (SELECT FROM qms.quality_items AS i WHERE i.id = c.source_id AND i.organization_id = $1'
                || CASE
                    WHEN filters ? 'states'
                        THEN ' AND i.status = ANY (ARRAY(SELECT jsonb_array_elements_text($2 -> ''states'')))'
                    ELSE ''
                END
                || CASE WHEN filters ? 'owner_id' THEN ' AND i.owner_id = ($2 ->> ''owner_id'')::uuid' ELSE '' END
                || CASE
                    WHEN filters ? 'since'
                        THEN ' AND coalesce(i.occurred_at, i.created_at) >= ($2 ->> ''since'')::timestamptz'
                    ELSE ''
                END
                || CASE
                    WHEN filters ? 'until'
                        THEN ' AND coalesce(i.occurred_at, i.created_at) < ($2 ->> ''until'')::timestamptz'
                    ELSE ''
                END
                || CASE
                    WHEN filters ? 'tags' THEN ' AND i.tags @> ARRAY(SELECT jsonb_array_elements_text($2 -> ''tags''))'
                    ELSE ''
                END
                || ')'
        END
    )
$_$;

ALTER FUNCTION search.conditions(filters jsonb) OWNER TO qms_owner;

-- Name: FUNCTION conditions(filters jsonb); Type: COMMENT; Schema: search; Owner: qms_owner

COMMENT ON FUNCTION search.conditions(filters jsonb) IS 'The conditions of a search on its pieces (c), made of fixed words only: $1 is the organization, $2 the filters.';

-- Name: configuration(text); Type: FUNCTION; Schema: search; Owner: qms_owner

CREATE FUNCTION search.configuration(language text) RETURNS regconfig
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT CASE language
        WHEN 'en' THEN 'pg_catalog.english'
        WHEN 'de' THEN 'pg_catalog.german'
        WHEN 'fr' THEN 'pg_catalog.french'
        WHEN 'es' THEN 'pg_catalog.spanish'
        WHEN 'it' THEN 'pg_catalog.italian'
        WHEN 'pt' THEN 'pg_catalog.portuguese'
        WHEN 'nl' THEN 'pg_catalog.dutch'
        WHEN 'sv' THEN 'pg_catalog.swedish'
        WHEN 'da' THEN 'pg_catalog.danish'
        WHEN 'no' THEN 'pg_catalog.norwegian'
        WHEN 'fi' THEN 'pg_catalog.finnish'
        WHEN 'hu' THEN 'pg_catalog.hungarian'
        WHEN 'ro' THEN 'pg_catalog.romanian'
        WHEN 'ru' THEN 'pg_catalog.russian'
        WHEN 'tr' THEN 'pg_catalog.turkish'
        ELSE 'pg_catalog.simple'
    END::regconfig
$$;

ALTER FUNCTION search.configuration(language text) OWNER TO qms_owner;

-- Name: FUNCTION configuration(language text); Type: COMMENT; Schema: search; Owner: qms_owner

COMMENT ON FUNCTION search.configuration(language text) IS 'How words of a language (ISO 639-1) are reduced to stems.';

-- Name: counted_terms(text[]); Type: FUNCTION; Schema: search; Owner: qms_definer

CREATE FUNCTION search.counted_terms(lexemes text[]) RETURNS TABLE(lexeme text, chunk_count bigint, weight real)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    AS $$
DECLARE
    ours uuid := qms.current_organization_id();
    corpus search.corpora;
    added bigint;
BEGIN
    SELECT k.* INTO corpus FROM search.corpora AS k WHERE k.organization_id = ours;
    SELECT count(*) INTO added
    FROM search.chunks AS c WHERE c.organization_id = ours AND c.id > coalesce(corpus.last_chunk, 0);
    -- What was counted, and what was added since: a term is known as soon as a piece has it.
    RETURN QUERY
    SELECT
        n.term, n.found,
        ln(1 + greatest(coalesce(corpus.counted, 0) + added - n.found + 0.5, 0.5) / (greatest(n.found, 1) + 0.5))::real
    FROM (
        SELECT t.term, coalesce(s.chunk_count, 0) + coalesce(r.found, 0) AS found
        FROM unnest(lexemes) AS t (term)
        LEFT JOIN search.term_stats AS s ON s.organization_id = ours AND s.lexeme = t.term
        LEFT JOIN (
            SELECT u.lexeme, count(*) AS found
            FROM search.chunks AS c CROSS JOIN LATERAL unnest(c.stems) AS u
            WHERE
                c.organization_id = ours AND c.id > coalesce(corpus.last_chunk, 0) AND added > 0
                AND u.lexeme = ANY (lexemes)
            GROUP BY u.lexeme
        ) AS r ON r.lexeme = t.term
    ) AS n;
END
$$;

ALTER FUNCTION search.counted_terms(lexemes text[]) OWNER TO qms_definer;

-- Name: FUNCTION counted_terms(lexemes text[]); Type: COMMENT; Schema: search; Owner: qms_definer

COMMENT ON FUNCTION search.counted_terms(lexemes text[]) IS 'In how many pieces of the caller''s organization each term is, and its inverse document frequency (BM25): as search.refresh_terms counted them, and the pieces added since.';

-- Name: cut_long(text); Type: FUNCTION; Schema: search; Owner: qms_owner

CREATE FUNCTION search.cut_long(line text) RETURNS SETOF text
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    most CONSTANT integer := 1300;
    -- What is cut off is copied; of a line of millions of characters, so much at a time.
    slice CONSTANT integer := 40000;
    rest text;
    ahead text;
    upto integer;
BEGIN
    IF char_length(line) <= most THEN
        RETURN NEXT line;
        RETURN;
    END IF;
    FOR place IN 0..(char_length(line) - 1) / slice LOOP
        rest := substr(line, 1 + place * slice, slice);
        WHILE char_length(rest) > most LOOP
            ahead := left(rest, most);
            -- The last end of a sentence in the last two thirds, or else the last space.
            upto := char_length(substring(ahead FROM '^(.*[.!?;:]["'')\]]?\s)'));
            IF upto IS NULL OR upto < most / 3 THEN
                upto := char_length(substring(ahead FROM '^(.*\s)'));
            END IF;
            IF upto IS NULL OR upto < most / 3 THEN
                upto := most;
            END IF;
            RETURN NEXT left(rest, upto);
            rest := substr(rest, upto + 1);
        END LOOP;
        RETURN NEXT rest;
    END LOOP;
END
$$;

ALTER FUNCTION search.cut_long(line text) OWNER TO qms_owner;

-- Name: FUNCTION cut_long(line text); Type: COMMENT; Schema: search; Owner: qms_owner

COMMENT ON FUNCTION search.cut_long(line text) IS 'A long line in parts, at ends of sentences; together they are the line again.';

-- Name: drop_model(smallint); Type: FUNCTION; Schema: search; Owner: qms_owner

CREATE FUNCTION search.drop_model(of_model smallint) RETURNS boolean
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM search.embedding_models AS m WHERE m.id = of_model AND m.state = 'retired') THEN
        RETURN false;
    END IF;
    EXECUTE format('DROP TABLE IF EXISTS search.%I', 'embeddings_m' || of_model);
    DELETE FROM search.embedding_models AS m WHERE m.id = of_model;
    RETURN true;
END
$$;

ALTER FUNCTION search.drop_model(of_model smallint) OWNER TO qms_owner;

-- Name: FUNCTION drop_model(of_model smallint); Type: COMMENT; Schema: search; Owner: qms_owner

COMMENT ON FUNCTION search.drop_model(of_model smallint) IS 'Drops a retired model with its vectors and jobs. Set lock_timeout: it waits for searches, and they for it.';

-- Name: enqueue(); Type: FUNCTION; Schema: search; Owner: qms_owner

CREATE FUNCTION search.enqueue() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    INSERT INTO search.embedding_jobs (chunk_id, model_id, organization_id)
    SELECT c.id, m.id, c.organization_id
    FROM added AS c INNER JOIN search.embedding_models AS m ON m.state <> 'retired' AND m.provider <> 'given'
    ORDER BY c.id, m.id
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;

ALTER FUNCTION search.enqueue() OWNER TO qms_owner;

-- Name: FUNCTION enqueue(); Type: COMMENT; Schema: search; Owner: qms_owner

COMMENT ON FUNCTION search.enqueue() IS 'A new piece waits for a vector of each model that is used or filled.';

-- Name: fail_job(smallint, text, bigint, text, interval, boolean); Type: FUNCTION; Schema: search; Owner: qms_owner

CREATE FUNCTION search.fail_job(of_model smallint, worker text, chunk bigint, error text, retry_after interval, fatal boolean) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    UPDATE search.embedding_jobs AS j
    SET
        attempts = j.attempts + 1, last_error = left(error, 500), leased_by = NULL, leased_until = NULL,
        not_before = clock_timestamp() + retry_after, dead = fatal OR j.attempts >= 4
    WHERE j.model_id = of_model AND j.chunk_id = chunk AND j.leased_by = worker
$$;

ALTER FUNCTION search.fail_job(of_model smallint, worker text, chunk bigint, error text, retry_after interval, fatal boolean) OWNER TO qms_owner;

-- Name: FUNCTION fail_job(of_model smallint, worker text, chunk bigint, error text, retry_after interval, fatal boolean); Type: COMMENT; Schema: search; Owner: qms_owner

COMMENT ON FUNCTION search.fail_job(of_model smallint, worker text, chunk bigint, error text, retry_after interval, fatal boolean) IS 'Gives a piece back to be tried later; after five tries, or at once when it is fatal, it is set aside as dead.';

-- Name: find(text, text, extensions.halfvec, smallint, jsonb, integer); Type: FUNCTION; Schema: search; Owner: qms_definer

CREATE FUNCTION search.find(query text, mode text, vector extensions.halfvec, of_model smallint, filters jsonb, max_rows integer) RETURNS TABLE(source_id uuid, chunk_id bigint, score double precision, lexical_rank integer, lexical_score double precision, semantic_rank integer, similarity double precision, more_chunks bigint[])
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    AS $_$
DECLARE
    ours uuid := qms.current_organization_id();
    wanted text [] := ARRAY(SELECT t.lexeme FROM search.terms_of(query) AS t (lexeme));
    rarity extensions.sparsevec := '{}/268435456';
    any_of tsquery;
    phrase text;
BEGIN
    IF mode = 'number' THEN
        RETURN QUERY EXECUTE format(
            'SELECT s.id, (SELECT min(c.id) FROM search.chunks AS c WHERE c.source_id = s.id AND c.ordinal = 1), '
            '    CASE WHEN $3 IN (i.number, upper(d.document_number)) THEN 1.0 ELSE 0.5 END::double precision, '
            '    NULL::integer, NULL::double precision, NULL::integer, NULL::double precision, ''{}''::bigint [] '
            'FROM qms.quality_items AS i INNER JOIN search.sources AS s ON i.id = s.id '
            'LEFT JOIN qms.documents AS d ON i.id = d.id '
            'WHERE i.id IN ('
            '    SELECT x.id FROM qms.quality_items AS x WHERE x.organization_id = $1 AND starts_with(x.number, $3) '
            '    UNION '
            '    SELECT x.id FROM qms.documents AS x WHERE x.organization_id = $1 AND starts_with(upper(x.document_number), $3)) '
            'AND EXISTS (SELECT FROM search.chunks AS c WHERE c.source_id = s.id AND %s) '
            'ORDER BY 3 DESC, d.document_number, d.revision DESC NULLS LAST, i.number LIMIT $4',
            search.conditions(filters)
        ) USING ours, filters, upper(btrim(query)), max_rows;
        RETURN;
    END IF;
    IF mode <> 'semantic' THEN
        SELECT coalesce(w.weights, rarity), w.any_of INTO rarity, any_of FROM search.weighed(wanted, 64, mode <> 'exact') AS w;
        IF mode = 'exact' THEN
            phrase := lower(btrim(regexp_replace(search.fold(query), '[\s"]+', ' ', 'g')));
            SELECT string_agg('(' || q.words::text || ')', '|')::tsquery INTO any_of
            FROM (
                SELECT phraseto_tsquery(search.configuration(l.language), search.fold(query)) AS words
                FROM unnest(search.languages()) AS l (language)
            ) AS q
            WHERE numnode(q.words) > 0;
        END IF;
    END IF;
    RETURN QUERY
    SELECT r.*
    FROM search.ranked(
        rarity, any_of, phrase, CASE WHEN mode IN ('hybrid', 'semantic') THEN vector END,
        of_model, filters, CASE WHEN mode = 'hybrid' AND vector IS NULL THEN 'lexical' ELSE mode END, max_rows, true
    ) AS r;
END
$_$;

ALTER FUNCTION search.find(query text, mode text, vector extensions.halfvec, of_model smallint, filters jsonb, max_rows integer) OWNER TO qms_definer;

-- Name: FUNCTION find(query text, mode text, vector extensions.halfvec, of_model smallint, filters jsonb, max_rows integer); Type: COMMENT; Schema: search; Owner: qms_definer

COMMENT ON FUNCTION search.find(query text, mode text, vector extensions.halfvec, of_model smallint, filters jsonb, max_rows integer) IS 'What fits a query, best first, one row for each record and each section of a document. mode: hybrid (lexical without a vector), lexical, semantic, exact (the words as they stand) or number.';

-- Name: finish_jobs(smallint, text, bigint[], bytea[], extensions.halfvec[]); Type: FUNCTION; Schema: search; Owner: qms_owner

CREATE FUNCTION search.finish_jobs(of_model smallint, worker text, chunks bigint[], hashes bytea[], vectors extensions.halfvec[]) RETURNS integer
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    done integer;
BEGIN
    WITH given AS (
        SELECT g.chunk_id, g.content_sha, g.embedding FROM unnest(chunks, hashes, vectors) AS g (chunk_id, content_sha, embedding)
    ),

    stored AS (
        INSERT INTO search.embeddings_by_model AS n (
            chunk_id, model_id, organization_id, content_type, is_current, content_sha, embedding
        )
        SELECT c.id, of_model, c.organization_id, c.content_type, c.is_current, c.content_sha, g.embedding
        FROM given AS g INNER JOIN search.chunks AS c ON g.chunk_id = c.id AND g.content_sha = c.content_sha
        ORDER BY c.id
        ON CONFLICT (chunk_id, model_id) DO UPDATE
        SET content_sha = excluded.content_sha, embedding = excluded.embedding, is_current = excluded.is_current
        RETURNING n.chunk_id
    )

    DELETE FROM search.embedding_jobs AS j USING stored AS s WHERE j.model_id = of_model AND j.chunk_id = s.chunk_id;
    GET DIAGNOSTICS done = ROW_COUNT;
    RETURN done;
END
$$;

ALTER FUNCTION search.finish_jobs(of_model smallint, worker text, chunks bigint[], hashes bytea[], vectors extensions.halfvec[]) OWNER TO qms_owner;

-- Name: FUNCTION finish_jobs(of_model smallint, worker text, chunks bigint[], hashes bytea[], vectors extensions.halfvec[]); Type: COMMENT; Schema: search; Owner: qms_owner

COMMENT ON FUNCTION search.finish_jobs(of_model smallint, worker text, chunks bigint[], hashes bytea[], vectors extensions.halfvec[]) IS 'Stores the vectors of pieces that are still what they were (by hash) and takes them off the queue.';

-- Name: fold(text); Type: FUNCTION; Schema: search; Owner: qms_owner

CREATE FUNCTION search.fold(content text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN CASE WHEN (content !~ '[^\x01-\x7f]'::text) THEN content ELSE translate(content, (((('ÀÁÂÃÄÅÇÈÉÊËÌÍÎÏÑÒÓÔÕÖÙÚÛÜÝàáâãäåçèéêëìíîïñòóôõöùúûüýÿĀāĂăĄąĆćĈĉĊċČčĎďĒēĔĕĖėĘęĚěĜĝĞğĠġĢģĤĥĨĩĪīĬĭĮįİĴĵ'::text || 'ĶķĹĺĻļĽľŃńŅņŇňŌōŎŏŐőŔŕŖŗŘřŚśŜŝŞşŠšŢţŤťŨũŪūŬŭŮůŰűŲųŴŵŶŷŸŹźŻżŽžǍǎǏǐǑǒǓǔǕǖǗǘǙǚǛǜȘșȚțḀḁḂḃḄḅḆḇḈḉḊḋḌḍḎḏḐḑḒ'::text) || 'ḓḔḕḖḗḘḙḚḛḜḝḞḟḠḡḢḣḤḥḦḧḨḩḪḫḬḭḮḯḰḱḲḳḴḵḶḷḸḹḺḻḼḽḾḿṀṁṂṃṄṅṆṇṈṉṊṋṌṍṎṏṐṑṒṓṔṕṖṗṘṙṚṛṜṝṞṟṠṡṢṣṤṥṦṧṨṩṪṫṬṭṮṯṰṱṲṳṴṵṶ'::text) || 'ṷṸṹṺṻṼṽṾṿẀẁẂẃẄẅẆẇẈẉẊẋẌẍẎẏẐẑẒẓẔẕẖẗẘẙẠạẢảẤấẦầẨẩẪẫẬậẮắẰằẲẳẴẵẶặẸẹẺẻẼẽẾếỀềỂểỄễỆệỈỉỊịỌọỎỏỐốỒồỔổỖỗỘộỚớỜờỞởỠ'::text) || 'ỡỢợỤụỦủỨứỪừỬửỮữỰựỲỳỴỵỶỷỸỹßẞøØłŁđĐæÆœŒðþıµμ×‘’‚′“”„″«»‐‑‒–—−    '::text), (((('AAAAAACEEEEIIIINOOOOOUUUUYaaaaaaceeeeiiiinooooouuuuyyAaAaAaCcCcCcCcDdEeEeEeEeEeGgGgGgGgHhIiIiIiIiIJj'::text || 'KkLlLlLlNnNnNnOoOoOoRrRrRrSsSsSsSsTtTtUuUuUuUuUuUuWwYyYZzZzZzAaIiOoUuUuUuUuUuSsTtAaBbBbBbCcDdDdDdDdD'::text) || 'dEeEeEeEeEeFfGgHhHhHhHhHhIiIiKkKkKkLlLlLlLlMmMmMmNnNnNnNnOoOoOoOoPpPpRrRrRrRrSsSsSsSsSsTtTtTtTtUuUuU'::text) || 'uUuUuVvVvWwWwWwWwWwXxXxYyZzZzZzhtwyAaAaAaAaAaAaAaAaAaAaAaAaEeEeEeEeEeEeEeEeIiIiOoOoOoOoOoOoOoOoOoOoO'::text) || 'oOoUuUuUuUuUuUuUuYyYyYyYysSoOlLdDaAoOdtiuux''''''''""""""------    '::text)) END;

ALTER FUNCTION search.fold(content text) OWNER TO qms_owner;

-- Name: FUNCTION fold(content text); Type: COMMENT; Schema: search; Owner: qms_owner

COMMENT ON FUNCTION search.fold(content text) IS 'The text without accents and typographic marks, each character replaced by exactly one.';

-- Name: hash_of(text, text); Type: FUNCTION; Schema: search; Owner: qms_owner

CREATE FUNCTION search.hash_of(heading text, content text) RETURNS bytea
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN sha256(convert_to(((heading || '
'::text) || content), 'UTF8'::name));

ALTER FUNCTION search.hash_of(heading text, content text) OWNER TO qms_owner;

-- Name: FUNCTION hash_of(heading text, content text); Type: COMMENT; Schema: search; Owner: qms_owner

COMMENT ON FUNCTION search.hash_of(heading text, content text) IS 'The sha256 of what a model is given to read: heading, line break, content.';

-- Name: headed(text); Type: FUNCTION; Schema: search; Owner: qms_owner

CREATE FUNCTION search.headed(content text) RETURNS TABLE(ordinal integer, level integer, path text, title text, heading_path text, char_start integer, char_end integer)
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
DECLARE
    line record;
    fenced boolean := false;
    marks text [];
    titles text [] := '{}';
    levels integer [] := '{}';
    printed text;
    begun boolean := false;
BEGIN
    ordinal := 0;
    level := 0;
    path := '';
    title := '';
    heading_path := '';
    char_start := 0;
    FOR line IN
        SELECT l.words, (sum(char_length(l.words) + 1) OVER (ORDER BY l.place))::integer - char_length(l.words) - 1 AS at
        FROM string_to_table(content, E'\n') WITH ORDINALITY AS l (words, place)
    LOOP
        IF line.words ~ '^\s*(```|~~~)' THEN
            fenced := NOT fenced;
        END IF;
        -- A line of more than 1,000 characters is no heading.
        marks := CASE WHEN NOT fenced AND char_length(line.words) <= 1000 THEN regexp_match(line.words, '^ {0,3}(#{1,6})[ \t]+(\S.*?)[ \t]*#*[ \t]*$') END;
        IF marks IS NULL THEN
            begun := begun OR line.words ~ '\S';
            CONTINUE;
        END IF;
        IF begun THEN
            char_end := line.at;
            RETURN NEXT;
            ordinal := ordinal + 1;
        END IF;
        begun := true;
        level := char_length(marks[1]);
        title := left(btrim(regexp_replace(marks[2], '[*_`]+', '', 'g')), 500);
        WHILE cardinality(levels) > 0 AND levels[cardinality(levels)] >= level LOOP
            levels := trim_array(levels, 1);
            titles := trim_array(titles, 1);
        END LOOP;
        levels := levels || level;
        titles := titles || title;
        heading_path := array_to_string(titles, ' > ');
        printed := (regexp_match(title, '^(?:§+\s*|(?:Section|Clause|Chapter|Annex|Appendix|Abschnitt|Kapitel|Article)\s+)?((?:[A-Z]{1,2}[.-])?[0-9]{1,4}(?:[.-][0-9]{1,3})*[a-z]?)(?:[.):]|\s|$)'))[1];
        path := coalesce(printed, search.slug(title));
        char_start := line.at;
    END LOOP;
    IF begun THEN
        char_end := char_length(content);
        RETURN NEXT;
    END IF;
END
$_$;

ALTER FUNCTION search.headed(content text) OWNER TO qms_owner;

-- Name: FUNCTION headed(content text); Type: COMMENT; Schema: search; Owner: qms_owner

COMMENT ON FUNCTION search.headed(content text) IS 'The sections of a text as search.sections gives them, repeated paths not yet told apart.';

-- Name: identifiers(text); Type: FUNCTION; Schema: search; Owner: qms_owner

CREATE FUNCTION search.identifiers(content text) RETURNS text[]
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT coalesce(array_agg(DISTINCT f.found), '{}')
    FROM (
        -- Part, lot and record numbers: letters and digits, however they are separated.
        SELECT '#' || lower(regexp_replace(m.found[1], '[^[:alnum:]]', '', 'g')) AS found
        FROM regexp_matches(
            search.fold(content),
            '\m([[:alnum:]]+(?:[-/._][[:alnum:]]+)+|[[:alpha:]]+[0-9][[:alnum:]]*|[0-9]+[[:alpha:]][[:alnum:]]*)\M', 'g'
        ) AS m (found)
        WHERE m.found[1] ~ '[0-9]'
        UNION
        -- A quantity with its unit, with or without a space, comma or point.
        SELECT '#' || replace(m.found[1], ',', '.') || lower(m.found[2])
        FROM regexp_matches(
            search.fold(content),
            '\m([0-9]+(?:[.,][0-9]+)?)\s?°?\s?(mm|cm|um|nm|km|m|kg|mg|ug|g|ml|ul|l|ms|min|s|h|c|f|kpa|mpa|hpa|pa|mbar|bar|psi|nm|kn|n|mv|kv|v|ma|a|kw|mw|w|khz|mhz|ghz|hz|ppm|dpi|rpm|in)\M', 'gi'
        ) AS m (found)
    ) AS f
    WHERE char_length(f.found) BETWEEN 3 AND 60
$$;

ALTER FUNCTION search.identifiers(content text) OWNER TO qms_owner;

-- Name: FUNCTION identifiers(content text); Type: COMMENT; Schema: search; Owner: qms_owner

COMMENT ON FUNCTION search.identifiers(content text) IS 'Numbers of parts, lots, records and quantities with units in a text, each in one spelling and marked with #.';

-- Name: index_change(); Type: FUNCTION; Schema: search; Owner: qms_definer

CREATE FUNCTION search.index_change() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    PERFORM search.index_safely(new.id);
    RETURN NULL;
END
$$;

ALTER FUNCTION search.index_change() OWNER TO qms_definer;

-- Name: FUNCTION index_change(); Type: COMMENT; Schema: search; Owner: qms_definer

COMMENT ON FUNCTION search.index_change() IS 'Indexes a record when the transaction that changed it commits, once.';

-- Name: index_progress(); Type: FUNCTION; Schema: search; Owner: qms_owner

CREATE FUNCTION search.index_progress() RETURNS TABLE(model_id smallint, key text, provider text, model text, dims integer, state text, chunks bigint, done bigint, queued bigint, leased bigint, failed bigint, stale bigint, last_error text, oldest_queued timestamp with time zone)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT
        m.id, m.key, m.provider, m.model, m.dims, m.state, n.chunks, e.done, j.queued, j.leased, j.failed,
        (
            SELECT count(*) FROM qms.quality_items AS i
            LEFT JOIN search.sources AS s ON i.id = s.id
            WHERE i.number IS NOT NULL AND s.record_version IS DISTINCT FROM i.version
        ),
        j.last_error, j.oldest
    FROM search.embedding_models AS m
    CROSS JOIN (SELECT count(*) AS chunks FROM search.chunks) AS n
    CROSS JOIN LATERAL (
        SELECT count(*) AS done FROM search.embeddings_by_model AS x WHERE x.model_id = m.id
    ) AS e
    CROSS JOIN LATERAL (
        SELECT
            count(*) FILTER (WHERE NOT q.dead) AS queued,
            count(*) FILTER (WHERE q.leased_until > clock_timestamp()) AS leased,
            count(*) FILTER (WHERE q.dead) AS failed,
            (array_agg(q.last_error ORDER BY q.dead DESC, q.attempts DESC) FILTER (WHERE q.last_error IS NOT NULL))[1] AS last_error,
            min(q.created_at) FILTER (WHERE NOT q.dead) AS oldest
        FROM search.embedding_jobs AS q WHERE q.model_id = m.id
    ) AS j
    ORDER BY m.id
$$;

ALTER FUNCTION search.index_progress() OWNER TO qms_owner;

-- Name: FUNCTION index_progress(); Type: COMMENT; Schema: search; Owner: qms_owner

COMMENT ON FUNCTION search.index_progress() IS 'How far the index is, by model, of what the caller may see. stale: records whose pieces are of an older version.';

-- Name: index_record(uuid); Type: FUNCTION; Schema: search; Owner: qms_definer

CREATE FUNCTION search.index_record(of_record uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
DECLARE
    item qms.quality_items;
    document qms.documents;
    source search.sources;
BEGIN
    SELECT i.* INTO item FROM qms.quality_items AS i WHERE i.id = of_record;
    IF item.id IS NULL OR item.number IS NULL OR EXISTS (
        SELECT FROM search.sources AS s WHERE s.id = item.id AND s.record_version = item.version
    ) THEN
        RETURN;
    END IF;
    IF item.category = 'document' THEN
        SELECT d.* INTO document FROM qms.documents AS d WHERE d.id = item.id;
    END IF;
    INSERT INTO search.sources AS s (
        id, organization_id, record_id, record_version, content_type, title, is_current, language
    )
    SELECT
        item.id, item.organization_id, item.id, item.version, item.category, item.title,
        item.category <> 'document' OR item.status NOT IN ('superseded', 'obsolete', 'cancelled'),
        coalesce(
            substring(document.structure ->> 'language' FROM '^[a-z]{2}$'), substring(o.settings ->> 'language' FROM '^[a-z]{2}$'), 'en'
        )
    FROM qms.organizations AS o WHERE o.id = item.organization_id
    ON CONFLICT (id) DO UPDATE
    SET
        record_version = excluded.record_version, title = excluded.title, is_current = excluded.is_current,
        language = excluded.language, indexed_at = clock_timestamp()
    -- An id that belongs to a text somebody put in is not taken from them.
    WHERE s.organization_id = excluded.organization_id AND s.record_id IS NOT NULL
    RETURNING * INTO source;
    IF source.id IS NULL THEN
        RETURN;
    END IF;
    PERFORM search.put_pieces(
        source,
        CASE
            WHEN nullif(btrim(document.content), '') IS NOT NULL THEN document.content
            ELSE coalesce(search.text_of(item.id), '')
        END,
        concat_ws(' ', item.number, document.document_number),
        coalesce(document.structure -> 'pages', '[]')
    );
END
$_$;

ALTER FUNCTION search.index_record(of_record uuid) OWNER TO qms_definer;

-- Name: FUNCTION index_record(of_record uuid); Type: COMMENT; Schema: search; Owner: qms_definer

COMMENT ON FUNCTION search.index_record(of_record uuid) IS 'Brings the index of a record up to its present version; does nothing when it is.';

-- Name: index_safely(uuid); Type: FUNCTION; Schema: search; Owner: qms_definer

CREATE FUNCTION search.index_safely(of_record uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    PERFORM search.index_record(of_record);
EXCEPTION WHEN data_exception OR program_limit_exceeded OR invalid_parameter_value THEN
    -- A record is kept whether or not it can be found; index_progress counts it as stale.
    RAISE WARNING 'record % is not indexed: %', of_record, sqlerrm;
END
$$;

ALTER FUNCTION search.index_safely(of_record uuid) OWNER TO qms_definer;

-- Name: FUNCTION index_safely(of_record uuid); Type: COMMENT; Schema: search; Owner: qms_definer

COMMENT ON FUNCTION search.index_safely(of_record uuid) IS 'Indexes a record; a text that can''t be indexed is no reason not to keep it.';

-- Name: is_narrow(jsonb); Type: FUNCTION; Schema: search; Owner: qms_owner

CREATE FUNCTION search.is_narrow(filters jsonb) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT filters ?| ARRAY['within', 'document', 'framework', 'states', 'owner_id', 'since', 'until', 'tags']
$$;

ALTER FUNCTION search.is_narrow(filters jsonb) OWNER TO qms_owner;

-- Name: FUNCTION is_narrow(filters jsonb); Type: COMMENT; Schema: search; Owner: qms_owner

COMMENT ON FUNCTION search.is_narrow(filters jsonb) IS 'Whether the filters ask for more than a vector itself knows.';

-- Name: languages(); Type: FUNCTION; Schema: search; Owner: qms_definer

CREATE FUNCTION search.languages() RETURNS text[]
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT coalesce(
        (SELECT k.languages FROM search.corpora AS k WHERE k.organization_id = qms.current_organization_id()), ARRAY['en']
    )
$$;

ALTER FUNCTION search.languages() OWNER TO qms_definer;

-- Name: FUNCTION languages(); Type: COMMENT; Schema: search; Owner: qms_definer

COMMENT ON FUNCTION search.languages() IS 'The languages of the caller''s collection.';

-- Name: near_sql(smallint, jsonb); Type: FUNCTION; Schema: search; Owner: qms_owner

CREATE FUNCTION search.near_sql(of_model smallint, filters jsonb) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
DECLARE
    few CONSTANT integer := CASE WHEN search.is_narrow(filters) THEN 5000 ELSE 10000 END;
    model search.embedding_models;
    candidates bigint;
    from_where text;
BEGIN
    SELECT m.* INTO model FROM search.embedding_models AS m WHERE m.id = of_model AND m.state <> 'filling';
    IF model.id IS NULL THEN
        RAISE EXCEPTION 'the model of this search is not in use any more' USING ERRCODE = 'QM025', HINT = 'Search again.';
    END IF;
    from_where := format(
        'FROM search.%I AS e %s WHERE e.organization_id = $1%s%s%s', 'embeddings_m' || of_model,
        CASE
            WHEN search.is_narrow(filters) OR filters ? 'except'
                THEN 'INNER JOIN search.chunks AS c ON e.chunk_id = c.id AND ' || search.conditions(filters)
            ELSE ''
        END,
        CASE WHEN coalesce((filters ->> 'superseded')::boolean, false) THEN '' ELSE ' AND e.is_current' END,
        CASE
            WHEN filters ? 'types'
                THEN ' AND e.content_type = ANY (ARRAY(SELECT jsonb_array_elements_text($2 -> ''types'')))'
            ELSE ''
        END,
        ''
    );
    -- Conditions on records are counted by sources, of which there are fewer.
    EXECUTE format(
        'SELECT count(*) FROM (SELECT %s LIMIT %s) AS x',
        CASE
            WHEN search.is_narrow(filters) THEN
                'FROM (SELECT s.id AS source_id, s.organization_id, s.content_type, s.is_current FROM search.sources AS s) AS c WHERE '
                || search.conditions(filters)
            ELSE from_where
        END, few + 1
    )
    INTO candidates USING qms.current_organization_id(), filters;
    -- A filter over an index of neighbours loses rows in silence: up to 10,000 candidates are all compared. Adding 0 keeps
    -- the planner from that index.
    RETURN format(
        'SELECT e.chunk_id, e.embedding::extensions.halfvec(%1$s) OPERATOR(extensions.<=>) $5::extensions.halfvec(%1$s) AS distance '
        '%2$s ORDER BY (e.embedding::extensions.halfvec(%1$s) OPERATOR(extensions.<=>) $5::extensions.halfvec(%1$s))%3$s LIMIT $6',
        model.dims, from_where, CASE WHEN candidates <= few THEN ' + 0' ELSE '' END
    );
END
$_$;

ALTER FUNCTION search.near_sql(of_model smallint, filters jsonb) OWNER TO qms_owner;

-- Name: FUNCTION near_sql(of_model smallint, filters jsonb); Type: COMMENT; Schema: search; Owner: qms_owner

COMMENT ON FUNCTION search.near_sql(of_model smallint, filters jsonb) IS 'The statement that finds the nearest pieces: all candidates compared when they are few, the index of neighbours otherwise.';

-- Name: pages_of(jsonb); Type: FUNCTION; Schema: search; Owner: qms_owner

CREATE FUNCTION search.pages_of(pages jsonb) RETURNS TABLE(page integer, places int4range)
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
    SELECT p.page, int4range(p.at, lead(p.at) OVER (ORDER BY p.at, p.page))
    FROM (
        SELECT DISTINCT ON ((e.pair ->> 0)::integer) (e.pair ->> 0)::integer AS at, (e.pair ->> 1)::integer AS page
        FROM jsonb_array_elements(CASE jsonb_typeof(pages) WHEN 'array' THEN pages ELSE '[]' END) AS e (pair)
        WHERE e.pair ->> 0 ~ '^[0-9]{1,9}$' AND e.pair ->> 1 ~ '^[0-9]{1,9}$'
        ORDER BY (e.pair ->> 0)::integer, (e.pair ->> 1)::integer DESC
    ) AS p
$_$;

ALTER FUNCTION search.pages_of(pages jsonb) OWNER TO qms_owner;

-- Name: FUNCTION pages_of(pages jsonb); Type: COMMENT; Schema: search; Owner: qms_owner

COMMENT ON FUNCTION search.pages_of(pages jsonb) IS 'From which character to which one each page goes; what is no page is left out.';

-- Name: pieces(text); Type: FUNCTION; Schema: search; Owner: qms_owner

CREATE FUNCTION search.pieces(content text) RETURNS SETOF search.piece
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_nestloop TO 'off'
    AS $_$
DECLARE
    enough CONSTANT integer := 700;
    most CONSTANT integer := 1300;
    line record;
    one search.piece;
    at integer := 0;
    header text;
    in_table integer := 0;
    gathered text := '';
BEGIN
    one.section := '';
    one.heading := '';
    one.char_start := 0;
    FOR line IN
        SELECT p.words, s.path, s.heading_path, s.level > 0 AS is_heading
        FROM (
            SELECT l.words, l.place, (sum(char_length(l.words) + 1) OVER (ORDER BY l.place))::integer - char_length(l.words) - 1 AS at
            FROM string_to_table(content, E'\n') WITH ORDINALITY AS l (words, place)
        ) AS l
        LEFT JOIN search.sections(content) AS s ON l.at = s.char_start AND (s.level > 0 OR l.place = 1)
        CROSS JOIN LATERAL search.cut_long(l.words || E'\n') WITH ORDINALITY AS p (words, place)
        ORDER BY l.place, p.place
    LOOP
        IF line.is_heading AND line.path <> one.section THEN
            IF gathered ~ '\S' THEN
                one.char_end := at;
                one.content := btrim(gathered, E' \n');
                RETURN NEXT one;
            END IF;
            one.section := line.path;
            one.heading := left(line.heading_path, 500);
            gathered := '';
            header := NULL;
            in_table := 0;
        END IF;
        IF line.is_heading THEN
            one.char_start := at + char_length(line.words);
        ELSE
            IF line.words ~ '^\s*\|' THEN
                in_table := in_table + 1;
                IF in_table = 1 THEN
                    header := left(line.words, 400);
                ELSIF in_table = 2 AND line.words ~ '^\s*\|[\s:|-]+\|?\s*$' THEN
                    header := header || left(line.words, 400);
                ELSIF in_table = 2 THEN
                    header := NULL;
                END IF;
            ELSE
                in_table := 0;
                header := NULL;
            END IF;
            IF gathered <> '' AND (
                char_length(gathered) + char_length(line.words) > most
                OR (line.words !~ '\S' AND char_length(gathered) >= enough)
            ) THEN
                one.char_end := at;
                one.content := btrim(gathered, E' \n');
                RETURN NEXT one;
                gathered := CASE WHEN in_table > 2 AND header IS NOT NULL THEN header ELSE '' END;
                one.char_start := at;
            END IF;
            IF gathered = '' AND line.words !~ '\S' THEN
                one.char_start := at + char_length(line.words);
            ELSE
                gathered := gathered || line.words;
            END IF;
        END IF;
        at := at + char_length(line.words);
    END LOOP;
    IF gathered ~ '\S' THEN
        -- The line break after the last line is not part of the content.
        one.char_end := at - 1;
        one.content := btrim(gathered, E' \n');
        RETURN NEXT one;
    END IF;
END
$_$;

ALTER FUNCTION search.pieces(content text) OWNER TO qms_owner;

-- Name: FUNCTION pieces(content text); Type: COMMENT; Schema: search; Owner: qms_owner

COMMENT ON FUNCTION search.pieces(content text) IS 'A Markdown text in pieces to find, none across two sections, each with its section and the titles above it.';

-- Name: sources; Type: TABLE; Schema: search; Owner: qms_owner

CREATE TABLE search.sources (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    record_id uuid,
    record_version integer,
    content_type text NOT NULL,
    title text NOT NULL,
    is_current boolean DEFAULT true NOT NULL,
    language text DEFAULT 'en'::text NOT NULL,
    source_table text,
    source_id uuid,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    indexed_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT sources_check CHECK ((record_id = id)),
    CONSTRAINT sources_content_type_check CHECK ((content_type ~ '^[a-z][a-z0-9_.-]{0,62}$'::text))
);
ALTER TABLE ONLY search.sources ALTER COLUMN title SET STATISTICS 0;

ALTER TABLE ONLY search.sources FORCE ROW LEVEL SECURITY;

ALTER TABLE search.sources OWNER TO qms_owner;

-- Name: TABLE sources; Type: COMMENT; Schema: search; Owner: qms_owner

COMMENT ON TABLE search.sources IS 'What can be found: each record (its id is that of the record; a document is one version), and texts put in by callers.';

-- Name: COLUMN sources.is_current; Type: COMMENT; Schema: search; Owner: qms_owner

COMMENT ON COLUMN search.sources.is_current IS 'False for superseded, obsolete and cancelled versions: found only when asked for.';

-- Name: put_pieces(search.sources, text, text, jsonb); Type: FUNCTION; Schema: search; Owner: qms_owner

CREATE FUNCTION search.put_pieces(source search.sources, content text, names text, pages jsonb) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    stems_of_names tsvector := setweight(array_to_tsvector(search.identifiers(coalesce(names, ''))), 'A');
BEGIN
    -- Looked at first: while terms are counted the row is locked, and records go on being written.
    IF NOT EXISTS (
        SELECT FROM search.corpora AS k
        WHERE k.organization_id = source.organization_id AND k.languages @> ARRAY[source.language]
    ) THEN
        INSERT INTO search.corpora AS k (organization_id, languages)
        VALUES (source.organization_id, ARRAY[source.language])
        ON CONFLICT (organization_id) DO UPDATE SET languages = k.languages || excluded.languages
        WHERE NOT k.languages @> excluded.languages;
    END IF;
    -- A piece that is there already keeps its row and so its vectors, wherever it moved to.
    WITH cut AS (
        SELECT
            p.place::integer AS place, p.section, p.char_start, p.char_end, p.content,
            left(
                CASE
                    WHEN p.heading = '' OR p.heading = source.title THEN source.title
                    WHEN starts_with(p.heading, source.title || ' > ') THEN p.heading
                    ELSE source.title || ' > ' || p.heading
                END, 600
            ) AS heading,
            g.page
        FROM search.pieces(content) WITH ORDINALITY AS p (section, heading, char_start, char_end, content, place)
        LEFT JOIN search.pages_of(pages) AS g ON g.places @> p.char_start
    ),

    bare AS (
        -- What has no text is found by its title.
        SELECT c.* FROM cut AS c
        UNION ALL
        SELECT 1, '', 0, 0, left(source.title, 600), left(source.title, 600), NULL WHERE NOT EXISTS (SELECT FROM cut)
    ),

    wanted AS (
        SELECT b.*, b.hash AS sha, row_number() OVER (PARTITION BY b.hash ORDER BY b.place) AS nth
        FROM (SELECT c.*, search.hash_of(c.heading, c.content) AS hash FROM bare AS c) AS b
    ),

    there AS (
        SELECT c.id, c.content_sha AS sha, row_number() OVER (PARTITION BY c.content_sha ORDER BY c.ordinal) AS nth
        FROM search.chunks AS c WHERE c.source_id = source.id
    ),

    gone AS (
        DELETE FROM search.chunks AS c
        WHERE c.source_id = source.id AND NOT EXISTS (
            SELECT FROM there AS t INNER JOIN wanted AS w ON t.sha = w.sha AND t.nth = w.nth WHERE t.id = c.id
        )
    ),

    moved AS (
        UPDATE search.chunks AS c
        SET
            ordinal = w.place, section = w.section, page = w.page, char_start = w.char_start, char_end = w.char_end,
            is_current = source.is_current
        FROM there AS t INNER JOIN wanted AS w ON t.sha = w.sha AND t.nth = w.nth
        WHERE
            c.id = t.id
            AND (c.ordinal, c.section, c.page, c.char_start, c.char_end, c.is_current)
            IS DISTINCT FROM (w.place, w.section, w.page, w.char_start, w.char_end, source.is_current)
    ),

    stemmed AS (
        SELECT
            w.*,
            setweight(search.vector_of(w.heading, source.language), 'A') || stems_of_names
            || search.vector_of(w.content, source.language) AS stems
        FROM wanted AS w
        LEFT JOIN there AS t ON w.sha = t.sha AND w.nth = t.nth
        WHERE t.id IS NULL
    )

    INSERT INTO search.chunks (
        organization_id, source_id, content_type, is_current, ordinal, section, heading, page, char_start, char_end,
        content, stems, weights
    )
    SELECT
        source.organization_id, source.id, source.content_type, source.is_current, s.place, s.section, s.heading, s.page,
        s.char_start, s.char_end, s.content, s.stems, search.weights_of(s.stems)
    FROM stemmed AS s
    ORDER BY s.place;
    UPDATE search.embeddings_by_model AS e SET is_current = source.is_current
    FROM search.chunks AS c
    WHERE c.source_id = source.id AND e.chunk_id = c.id AND e.is_current <> source.is_current;
END
$$;

ALTER FUNCTION search.put_pieces(source search.sources, content text, names text, pages jsonb) OWNER TO qms_owner;

-- Name: FUNCTION put_pieces(source search.sources, content text, names text, pages jsonb); Type: COMMENT; Schema: search; Owner: qms_owner

COMMENT ON FUNCTION search.put_pieces(source search.sources, content text, names text, pages jsonb) IS 'Makes the pieces of a source those of this content; only what changed is written.';

-- Name: put_text(text, text, text, text, uuid, jsonb); Type: FUNCTION; Schema: search; Owner: qms_definer

CREATE FUNCTION search.put_text(of_type text, of_title text, of_content text, of_table text, of_id uuid, of_metadata jsonb) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    source search.sources;
BEGIN
    IF NOT qms.may_write() THEN
        RAISE EXCEPTION 'you may not put texts into the index' USING ERRCODE = 'QM022', HINT = 'Ask a colleague who may write.';
    END IF;
    IF EXISTS (SELECT FROM qms.record_types AS t WHERE t.category = of_type) THEN
        RAISE EXCEPTION 'texts of type % are records, which are indexed by themselves', of_type
        USING ERRCODE = 'QM024', HINT = 'Choose another content_type, such as note or manual.';
    END IF;
    INSERT INTO search.sources AS s (organization_id, content_type, title, source_table, source_id, metadata)
    VALUES (
        qms.current_organization_id(), of_type, coalesce(nullif(btrim(of_title), ''), left(of_content, 80)), of_table,
        of_id, coalesce(of_metadata, '{}')
    )
    ON CONFLICT (organization_id, source_table, source_id, content_type) DO UPDATE
    SET title = excluded.title, metadata = excluded.metadata, indexed_at = clock_timestamp()
    RETURNING * INTO source;
    PERFORM search.put_pieces(source, of_content, NULL, '[]');
    RETURN source.id;
END
$$;

ALTER FUNCTION search.put_text(of_type text, of_title text, of_content text, of_table text, of_id uuid, of_metadata jsonb) OWNER TO qms_definer;

-- Name: FUNCTION put_text(of_type text, of_title text, of_content text, of_table text, of_id uuid, of_metadata jsonb); Type: COMMENT; Schema: search; Owner: qms_definer

COMMENT ON FUNCTION search.put_text(of_type text, of_title text, of_content text, of_table text, of_id uuid, of_metadata jsonb) IS 'Puts a text of the caller into the index; the same source_table and source_id replace what was there. Returns its source.';

-- Name: put_vector(uuid, extensions.halfvec, text); Type: FUNCTION; Schema: search; Owner: qms_definer

CREATE FUNCTION search.put_vector(of_source uuid, vector extensions.halfvec, of_key text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    ours uuid := qms.current_organization_id();
    model search.embedding_models;
BEGIN
    IF NOT qms.may_write() THEN
        RAISE EXCEPTION 'you may not put vectors into the index' USING ERRCODE = 'QM022', HINT = 'Ask a colleague who may write.';
    END IF;
    SELECT m.* INTO model FROM search.embedding_models AS m
    WHERE m.provider = 'given' AND m.dims = extensions.vector_dims(vector) AND (of_key IS NULL OR m.key = of_key)
    ORDER BY m.id LIMIT 1;
    IF model.id IS NULL THEN
        RAISE EXCEPTION 'there is no model for vectors of % dimensions that callers bring', extensions.vector_dims(vector)
        USING ERRCODE = 'QM024', HINT = 'Dimensions there are: ' || (
            SELECT string_agg(m.dims::text, ', ' ORDER BY m.dims) FROM search.embedding_models AS m WHERE m.provider = 'given'
        ) || '. Leave the vector out to have it made here.';
    END IF;
    IF (SELECT count(*) FROM search.chunks AS c WHERE c.source_id = of_source AND c.organization_id = ours) <> 1 THEN
        RAISE EXCEPTION 'a vector belongs to one piece, and this text has several'
        USING ERRCODE = 'QM024', HINT = 'Give texts of at most 700 characters without headings, or leave the vector out.';
    END IF;
    INSERT INTO search.embeddings_by_model AS e (
        chunk_id, model_id, organization_id, content_type, is_current, content_sha, embedding
    )
    SELECT c.id, model.id, c.organization_id, c.content_type, c.is_current, c.content_sha, vector
    FROM search.chunks AS c WHERE c.source_id = of_source AND c.organization_id = ours
    ON CONFLICT (chunk_id, model_id) DO UPDATE SET embedding = excluded.embedding, content_sha = excluded.content_sha;
END
$$;

ALTER FUNCTION search.put_vector(of_source uuid, vector extensions.halfvec, of_key text) OWNER TO qms_definer;

-- Name: FUNCTION put_vector(of_source uuid, vector extensions.halfvec, of_key text); Type: COMMENT; Schema: search; Owner: qms_definer

COMMENT ON FUNCTION search.put_vector(of_source uuid, vector extensions.halfvec, of_key text) IS 'Stores a vector of the caller''s own for a text of theirs.';

-- Name: query_of(text); Type: FUNCTION; Schema: search; Owner: qms_owner

CREATE FUNCTION search.query_of(query text) RETURNS tsquery
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT string_agg(quote_literal(t.lexeme), '|')::tsquery FROM search.terms_of(query) AS t (lexeme)
$$;

ALTER FUNCTION search.query_of(query text) OWNER TO qms_owner;

-- Name: FUNCTION query_of(query text); Type: COMMENT; Schema: search; Owner: qms_owner

COMMENT ON FUNCTION search.query_of(query text) IS 'Any of the terms of a query; null when it has none.';

-- Name: queue_model(smallint); Type: FUNCTION; Schema: search; Owner: qms_owner

CREATE FUNCTION search.queue_model(of_model smallint) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    queued bigint;
BEGIN
    INSERT INTO search.embedding_jobs (chunk_id, model_id, organization_id)
    SELECT c.id, of_model, c.organization_id
    FROM search.chunks AS c
    WHERE NOT EXISTS (
        SELECT FROM search.embeddings_by_model AS e
        WHERE e.model_id = of_model AND e.chunk_id = c.id AND e.content_sha = c.content_sha
    )
    ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS queued = ROW_COUNT;
    RETURN queued;
END
$$;

ALTER FUNCTION search.queue_model(of_model smallint) OWNER TO qms_owner;

-- Name: FUNCTION queue_model(of_model smallint); Type: COMMENT; Schema: search; Owner: qms_owner

COMMENT ON FUNCTION search.queue_model(of_model smallint) IS 'Queues every piece that has no vector of a model yet.';

-- Name: ranked(extensions.sparsevec, tsquery, text, extensions.halfvec, smallint, jsonb, text, integer, boolean); Type: FUNCTION; Schema: search; Owner: qms_definer

CREATE FUNCTION search.ranked(weights extensions.sparsevec, any_of tsquery, phrase text, vector extensions.halfvec, of_model smallint, filters jsonb, mode text, max_rows integer, by_section boolean) RETURNS TABLE(source_id uuid, chunk_id bigint, score double precision, lexical_rank integer, lexical_score double precision, semantic_rank integer, similarity double precision, more_chunks bigint[])
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET "hnsw.ef_search" TO '120'
    SET "hnsw.iterative_scan" TO 'relaxed_order'
    SET "hnsw.max_scan_tuples" TO '40000'
    AS $_$
DECLARE
    -- A document is found by its sections, a record as a whole.
    part text := CASE WHEN by_section THEN 'CASE c.content_type WHEN ''document'' THEN c.section ELSE '''' END' ELSE '''''' END;
    by_words text := 'SELECT NULL::uuid AS source_id, '''' AS part, NULL::bigint AS id, NULL::double precision AS score WHERE false';
    by_meaning text := by_words;
BEGIN
    IF any_of IS NOT NULL OR phrase IS NOT NULL THEN
        by_words := format(
            'SELECT c.source_id, %s AS part, c.id, -(c.weights OPERATOR(extensions.<#>) $3) AS score FROM search.chunks AS c '
            'WHERE %s%s%s ORDER BY c.weights OPERATOR(extensions.<#>) $3, c.id LIMIT $10',
            part, search.conditions(filters),
            CASE WHEN any_of IS NOT NULL THEN ' AND c.stems @@ $4' ELSE '' END,
            CASE
                WHEN phrase IS NOT NULL THEN
                    ' AND position($7 IN lower(regexp_replace(search.fold(c.heading || '' '' || c.content), ''\s+'', '' '', ''g''))) > 0'
                ELSE ''
            END
        );
    END IF;
    IF vector IS NOT NULL THEN
        by_meaning := format(
            'SELECT c.source_id, %s AS part, c.id, 1 - n.distance AS score '
            'FROM (%s) AS n INNER JOIN search.chunks AS c ON n.chunk_id = c.id AND c.organization_id = $1',
            part, search.near_sql(of_model, filters)
        );
    END IF;
    RETURN QUERY EXECUTE format(
        'WITH words AS MATERIALIZED (%s), '
        'meaning AS MATERIALIZED (%s), '
        'best_words AS ('
        '    SELECT b.*, row_number() OVER (ORDER BY b.score DESC, b.id) AS place '
        '    FROM ('
        '        SELECT w.source_id, w.part, (array_agg(w.id ORDER BY w.score DESC, w.id))[1] AS id, '
        -- A second piece that fits counts a little; all of them would put the longest first.
        '            max(w.score) + 0.1 * coalesce((array_agg(w.score ORDER BY w.score DESC))[2], 0) AS score '
        '        FROM words AS w GROUP BY w.source_id, w.part) AS b), '
        'best_meaning AS ('
        '    SELECT b.*, row_number() OVER (ORDER BY b.score DESC, b.id) AS place '
        '    FROM (SELECT DISTINCT ON (m.source_id, m.part) m.* FROM meaning AS m '
        '        ORDER BY m.source_id, m.part, m.score DESC, m.id) AS b), '
        'fused AS ('
        '    SELECT source_id, part, '
        '        CASE $8 WHEN ''hybrid'' THEN coalesce(1.0 / (15 + l.place), 0) + coalesce(1.0 / (15 + s.place), 0) '
        '            WHEN ''semantic'' THEN s.score ELSE l.score END::double precision AS score, '
        '        l.place::integer AS lexical_rank, l.score::double precision AS lexical_score, '
        '        s.place::integer AS semantic_rank, s.score::double precision AS similarity '
        '    FROM best_words AS l FULL JOIN best_meaning AS s USING (source_id, part)), '
        -- Which piece is shown, and which else fit: by words and by meaning as well.
        'pieces AS ('
        '    SELECT source_id, part, id, coalesce(1.0 / (15 + w.place), 0) + coalesce(1.0 / (15 + m.place), 0) AS score '
        '    FROM (SELECT x.*, row_number() OVER (ORDER BY x.score DESC, x.id) AS place FROM words AS x) AS w '
        '    FULL JOIN (SELECT x.*, row_number() OVER (ORDER BY x.score DESC, x.id) AS place FROM meaning AS x) AS m '
        '    USING (source_id, part, id)), '
        'shown AS ('
        '    SELECT DISTINCT ON (p.source_id, p.part) p.source_id, p.part, p.id '
        '    FROM pieces AS p ORDER BY p.source_id, p.part, p.score DESC, p.id) '
        'SELECT f.source_id, h.id, f.score, f.lexical_rank, f.lexical_score, f.semantic_rank, f.similarity, '
        '    (array_remove(o.ids, h.id))[1:3] '
        'FROM fused AS f INNER JOIN shown AS h USING (source_id, part) INNER JOIN ('
        '    SELECT p.source_id, array_agg(p.id ORDER BY p.score DESC, p.id) AS ids FROM pieces AS p GROUP BY p.source_id'
        ') AS o USING (source_id) '
        'ORDER BY f.score DESC, f.lexical_rank NULLS LAST, h.id LIMIT $9',
        by_words, by_meaning
    ) USING
        qms.current_organization_id(), filters, weights, any_of, vector,
        -- Neighbours further away than these hardly move a result, and each costs time.
        CASE mode WHEN 'hybrid' THEN 150 ELSE greatest(150, max_rows) END, phrase, mode, max_rows,
        greatest(150, 2 * max_rows);
EXCEPTION WHEN undefined_table THEN
    RAISE EXCEPTION 'the model of this search is not in use any more' USING ERRCODE = 'QM025', HINT = 'Search again.';
END
$_$;

ALTER FUNCTION search.ranked(weights extensions.sparsevec, any_of tsquery, phrase text, vector extensions.halfvec, of_model smallint, filters jsonb, mode text, max_rows integer, by_section boolean) OWNER TO qms_definer;

-- Name: FUNCTION ranked(weights extensions.sparsevec, any_of tsquery, phrase text, vector extensions.halfvec, of_model smallint, filters jsonb, mode text, max_rows integer, by_section boolean); Type: COMMENT; Schema: search; Owner: qms_definer

COMMENT ON FUNCTION search.ranked(weights extensions.sparsevec, any_of tsquery, phrase text, vector extensions.halfvec, of_model smallint, filters jsonb, mode text, max_rows integer, by_section boolean) IS 'Sources, or sections of documents, by terms (BM25) and by meaning (cosine), fused by reciprocal ranks with k = 15 (Cormack et al. 2009 use 60; 15 was as good or better on what we measured), each with the piece that fits best.';

-- Name: refresh_terms(boolean); Type: FUNCTION; Schema: search; Owner: qms_definer

CREATE FUNCTION search.refresh_terms(force boolean) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
DECLARE
    ours uuid := qms.current_organization_id();
    corpus search.corpora;
    newest bigint;
    since bigint;
BEGIN
    SELECT k.* INTO corpus FROM search.corpora AS k WHERE k.organization_id = ours FOR UPDATE SKIP LOCKED;
    IF corpus.organization_id IS NULL THEN
        RETURN false;
    END IF;
    SELECT max(c.id), count(*) FILTER (WHERE c.id > coalesce(corpus.last_chunk, 0)) INTO newest, since
    FROM (SELECT x.id FROM search.chunks AS x WHERE x.organization_id = ours AND x.id > coalesce(corpus.last_chunk, 0)) AS c;
    IF NOT force AND coalesce(since, 0) <= greatest(100, coalesce(corpus.counted, 0) / 50)
        AND (coalesce(since, 0) = 0 OR corpus.counted_at > clock_timestamp() - interval '30 seconds') THEN
        RETURN false;
    END IF;
    -- In the order of the key, so that two of these never wait for each other in a circle.
    WITH now_there AS MATERIALIZED (
        SELECT s.word, s.ndoc
        FROM ts_stat(format('SELECT c.stems FROM search.chunks AS c WHERE c.organization_id = %L', ours)) AS s
    ),

    gone AS (
        DELETE FROM search.term_stats AS t
        WHERE t.organization_id = ours AND NOT EXISTS (SELECT FROM now_there AS n WHERE n.word = t.lexeme)
    )

    INSERT INTO search.term_stats AS t (organization_id, lexeme, chunk_count, trigrams)
    SELECT ours, n.word, n.ndoc, CASE WHEN n.word ~ '^[[:alpha:]]{4,40}$' THEN search.trigrams(n.word) END
    FROM now_there AS n
    ORDER BY n.word
    ON CONFLICT (organization_id, lexeme) DO UPDATE SET chunk_count = excluded.chunk_count
    WHERE t.chunk_count <> excluded.chunk_count;
    UPDATE search.corpora AS k
    SET
        counted = (SELECT count(*) FROM search.chunks AS c WHERE c.organization_id = ours),
        last_chunk = coalesce(newest, k.last_chunk), counted_at = clock_timestamp()
    WHERE k.organization_id = ours;
    RETURN true;
END
$_$;

ALTER FUNCTION search.refresh_terms(force boolean) OWNER TO qms_definer;

-- Name: FUNCTION refresh_terms(force boolean); Type: COMMENT; Schema: search; Owner: qms_definer

COMMENT ON FUNCTION search.refresh_terms(force boolean) IS 'Counts in how many pieces of the caller''s organization each term occurs, when enough has changed. Nothing of another organization goes into what this one sees.';

-- Name: release_jobs(text); Type: FUNCTION; Schema: search; Owner: qms_owner

CREATE FUNCTION search.release_jobs(worker text) RETURNS integer
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    released integer;
BEGIN
    UPDATE search.embedding_jobs AS j SET leased_by = NULL, leased_until = NULL WHERE j.leased_by = worker;
    GET DIAGNOSTICS released = ROW_COUNT;
    RETURN released;
END
$$;

ALTER FUNCTION search.release_jobs(worker text) OWNER TO qms_owner;

-- Name: FUNCTION release_jobs(worker text); Type: COMMENT; Schema: search; Owner: qms_owner

COMMENT ON FUNCTION search.release_jobs(worker text) IS 'Hands back what a worker has leased: it stops.';

-- Name: revive_jobs(smallint); Type: FUNCTION; Schema: search; Owner: qms_owner

CREATE FUNCTION search.revive_jobs(of_model smallint) RETURNS integer
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    revived integer;
BEGIN
    UPDATE search.embedding_jobs AS j SET dead = false, attempts = 0, not_before = clock_timestamp()
    WHERE j.model_id = of_model AND j.dead;
    GET DIAGNOSTICS revived = ROW_COUNT;
    RETURN revived;
END
$$;

ALTER FUNCTION search.revive_jobs(of_model smallint) OWNER TO qms_owner;

-- Name: FUNCTION revive_jobs(of_model smallint); Type: COMMENT; Schema: search; Owner: qms_owner

COMMENT ON FUNCTION search.revive_jobs(of_model smallint) IS 'Puts what was set aside as dead back into the queue.';

-- Name: sections(text); Type: FUNCTION; Schema: search; Owner: qms_owner

CREATE FUNCTION search.sections(content text) RETURNS TABLE(ordinal integer, level integer, path text, title text, heading_path text, char_start integer, char_end integer)
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT
        h.ordinal, h.level,
        h.path || CASE WHEN h.nth > 1 THEN '-' || h.nth ELSE '' END,
        h.title, h.heading_path, h.char_start, h.char_end
    FROM (SELECT x.*, row_number() OVER (PARTITION BY x.path ORDER BY x.ordinal) AS nth FROM search.headed(content) AS x) AS h
    ORDER BY h.ordinal
$$;

ALTER FUNCTION search.sections(content text) OWNER TO qms_owner;

-- Name: FUNCTION sections(content text); Type: COMMENT; Schema: search; Owner: qms_owner

COMMENT ON FUNCTION search.sections(content text) IS 'The sections of a Markdown text: printed number or slug of the title, titles above, and where each begins and ends (characters from 0, subsections not included). Text before the first heading has level 0 and an empty path.';

-- Name: similar(uuid, text, extensions.halfvec, smallint, jsonb, integer); Type: FUNCTION; Schema: search; Owner: qms_definer

CREATE FUNCTION search."similar"(of_source uuid, query text, vector extensions.halfvec, of_model smallint, filters jsonb, max_rows integer) RETURNS TABLE(source_id uuid, chunk_id bigint, score double precision, lexical_rank integer, lexical_score double precision, semantic_rank integer, similarity double precision, more_chunks bigint[])
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    AS $$
DECLARE
    ours uuid := qms.current_organization_id();
    most CONSTANT integer := 32;
    wanted text [];
    meaning extensions.halfvec := vector;
    rarity extensions.sparsevec;
    any_of tsquery;
BEGIN
    IF of_source IS NULL THEN
        wanted := ARRAY(SELECT t.lexeme FROM search.terms_of(query) AS t (lexeme));
    ELSE
        wanted := ARRAY(
            SELECT t.lexeme
            FROM search.chunks AS c CROSS JOIN LATERAL unnest(c.stems) AS t
            WHERE c.source_id = of_source AND c.organization_id = ours AND t.lexeme !~ '[\\'']'
            GROUP BY t.lexeme
            ORDER BY sum(cardinality(t.positions)) DESC, t.lexeme
            LIMIT 400
        );
        filters := filters || jsonb_build_object('except', of_source);
        IF meaning IS NULL THEN
            SELECT extensions.avg(e.embedding) INTO meaning
            FROM search.embeddings_by_model AS e
            INNER JOIN search.chunks AS c ON e.chunk_id = c.id AND e.organization_id = c.organization_id
            WHERE c.source_id = of_source AND e.organization_id = ours AND e.model_id = of_model;
        END IF;
    END IF;
    SELECT w.weights, w.any_of INTO rarity, any_of FROM search.weighed(wanted, most, false) AS w;
    RETURN QUERY
    SELECT r.*
    FROM search.ranked(
        coalesce(rarity, '{}/268435456'), any_of, NULL, meaning, of_model, filters,
        CASE WHEN meaning IS NULL THEN 'lexical' WHEN any_of IS NULL THEN 'semantic' ELSE 'hybrid' END, max_rows, false
    ) AS r;
END
$$;

ALTER FUNCTION search."similar"(of_source uuid, query text, vector extensions.halfvec, of_model smallint, filters jsonb, max_rows integer) OWNER TO qms_definer;

-- Name: FUNCTION "similar"(of_source uuid, query text, vector extensions.halfvec, of_model smallint, filters jsonb, max_rows integer); Type: COMMENT; Schema: search; Owner: qms_definer

COMMENT ON FUNCTION search."similar"(of_source uuid, query text, vector extensions.halfvec, of_model smallint, filters jsonb, max_rows integer) IS 'What resembles a source by its rarest terms and its vectors, or a text; best first, one row a source.';

-- Name: slug(text); Type: FUNCTION; Schema: search; Owner: qms_owner

CREATE FUNCTION search.slug(title text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN COALESCE(NULLIF("left"(btrim(regexp_replace(lower(search.fold(title)), '[^[:alnum:]]+'::text, '-'::text, 'g'::text), '-'::text), 60), ''::text), 'section'::text);

ALTER FUNCTION search.slug(title text) OWNER TO qms_owner;

-- Name: FUNCTION slug(title text); Type: COMMENT; Schema: search; Owner: qms_owner

COMMENT ON FUNCTION search.slug(title text) IS 'A title as part of an address: lower case, hyphens, at most 60 characters.';

-- Name: suggest(text); Type: FUNCTION; Schema: search; Owner: qms_definer

CREATE FUNCTION search.suggest(query text) RETURNS TABLE(word text, better text)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    AS $$
    SELECT u.lexeme, b.better
    FROM (
        SELECT t.lexeme
        FROM search.counted_terms(ARRAY(SELECT x.lexeme FROM search.terms_of(query) AS x (lexeme))) AS t
        WHERE t.chunk_count = 0
        LIMIT 8
    ) AS u
    CROSS JOIN LATERAL search.better_word(u.lexeme) AS b (better)
    WHERE b.better IS NOT NULL
$$;

ALTER FUNCTION search.suggest(query text) OWNER TO qms_definer;

-- Name: FUNCTION suggest(query text); Type: COMMENT; Schema: search; Owner: qms_definer

COMMENT ON FUNCTION search.suggest(query text) IS 'For words of a query that no piece has: the most similar one that there is.';

-- Name: term_number(text); Type: FUNCTION; Schema: search; Owner: qms_owner

CREATE FUNCTION search.term_number(lexeme text) RETURNS integer
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN (((('x'::text || substr(md5(lexeme), 1, 7)))::bit(28))::integer + 1);

ALTER FUNCTION search.term_number(lexeme text) OWNER TO qms_owner;

-- Name: FUNCTION term_number(lexeme text); Type: COMMENT; Schema: search; Owner: qms_owner

COMMENT ON FUNCTION search.term_number(lexeme text) IS 'The dimension of a term in a sparse vector: 28 bits of its hash.';

-- Name: terms_of(text); Type: FUNCTION; Schema: search; Owner: qms_owner

CREATE FUNCTION search.terms_of(query text) RETURNS SETOF text
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT DISTINCT t.lexeme
    FROM unnest(search.languages()) AS l (language)
    CROSS JOIN LATERAL unnest(search.vector_of(query, l.language)) AS t
    -- These two mean something in the text of a tsquery.
    WHERE t.lexeme !~ '[\\'']'
$$;

ALTER FUNCTION search.terms_of(query text) OWNER TO qms_owner;

-- Name: FUNCTION terms_of(query text); Type: COMMENT; Schema: search; Owner: qms_owner

COMMENT ON FUNCTION search.terms_of(query text) IS 'The terms of a query, reduced as the languages of the collection are.';

-- Name: text_of(uuid); Type: FUNCTION; Schema: search; Owner: qms_owner

CREATE FUNCTION search.text_of(of_record uuid) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$ DECLARE ours uuid; item qms.quality_items; own jsonb; parts text; BEGIN SELECT i.* INTO item FROM qms.quality_items AS i WHERE i.id = of_record; ours := item.organization_id; CASE item.category WHEN 'nonconformance' THEN SELECT to_jsonb(t) INTO own FROM qms.nonconformances AS t WHERE t.id = of_record; WHEN 'deviation' THEN SELECT to_jsonb(t) INTO own FROM qms.deviations AS t WHERE t.id = of_record; WHEN 'complaint' THEN SELECT to_jsonb(t) INTO own FROM qms.complaints AS t WHERE t.id = of_record; WHEN 'capa' THEN SELECT to_jsonb(t) INTO own FROM qms.capas AS t WHERE t.id = of_record; WHEN 'change_request' THEN SELECT to_jsonb(t) INTO own FROM qms.change_requests AS t WHERE t.id = of_record; WHEN 'document' THEN SELECT to_jsonb(t) INTO own FROM qms.documents AS t WHERE t.id = of_record; WHEN 'audit' THEN SELECT to_jsonb(t) INTO own FROM qms.audits AS t WHERE t.id = of_record; WHEN 'finding' THEN SELECT to_jsonb(t) INTO own FROM qms.findings AS t WHERE t.id = of_record; WHEN 'risk' THEN SELECT to_jsonb(t) INTO own FROM qms.risks AS t WHERE t.id = of_record; WHEN 'training' THEN SELECT to_jsonb(t) INTO own FROM qms.trainings AS t WHERE t.id = of_record; WHEN 'supplier' THEN SELECT to_jsonb(t) INTO own FROM qms.suppliers AS t WHERE t.id = of_record; WHEN 'scar' THEN SELECT to_jsonb(t) INTO own FROM qms.scars AS t WHERE t.id = of_record; WHEN 'equipment' THEN SELECT to_jsonb(t) INTO own FROM qms.equipment AS t WHERE t.id = of_record; WHEN 'field_action' THEN SELECT to_jsonb(t) INTO own FROM qms.field_actions AS t WHERE t.id = of_record; WHEN 'extension_request' THEN SELECT to_jsonb(t) INTO own FROM qms.extension_requests AS t WHERE t.id = of_record; ELSE own := NULL; END CASE; SELECT string_agg(g.label || E':\n' || g.words, E'\n\n' ORDER BY g.label) INTO parts FROM (SELECT upper(left(p.part, 1)) || replace(substr(p.part, 2), '_', ' ') AS label, string_agg(search.words_of(p.fields), E'\n' ORDER BY p.created_at, p.id) AS words FROM (SELECT 'calibrations' AS part, to_jsonb(t) AS fields, t.created_at, t.id FROM qms.calibrations AS t WHERE t.organization_id = ours AND t.record_id = of_record UNION ALL SELECT 'capa_actions' AS part, to_jsonb(t) AS fields, t.created_at, t.id FROM qms.capa_actions AS t WHERE t.organization_id = ours AND t.record_id = of_record UNION ALL SELECT 'dispositions' AS part, to_jsonb(t) AS fields, t.created_at, t.id FROM qms.dispositions AS t WHERE t.organization_id = ours AND t.record_id = of_record UNION ALL SELECT 'effectiveness_checks' AS part, to_jsonb(t) AS fields, t.created_at, t.id FROM qms.effectiveness_checks AS t WHERE t.organization_id = ours AND t.record_id = of_record UNION ALL SELECT 'evidence' AS part, to_jsonb(t) AS fields, t.created_at, t.id FROM qms.evidence AS t WHERE t.organization_id = ours AND t.record_id = of_record UNION ALL SELECT 'impact_assessments' AS part, to_jsonb(t) AS fields, t.created_at, t.id FROM qms.impact_assessments AS t WHERE t.organization_id = ours AND t.record_id = of_record UNION ALL SELECT 'record_notes' AS part, to_jsonb(t) AS fields, t.created_at, t.id FROM qms.record_notes AS t WHERE t.organization_id = ours AND t.record_id = of_record UNION ALL SELECT 'reportability_assessments' AS part, to_jsonb(t) AS fields, t.created_at, t.id FROM qms.reportability_assessments AS t WHERE t.organization_id = ours AND t.record_id = of_record UNION ALL SELECT 'risk_controls' AS part, to_jsonb(t) AS fields, t.created_at, t.id FROM qms.risk_controls AS t WHERE t.organization_id = ours AND t.record_id = of_record UNION ALL SELECT 'root_causes' AS part, to_jsonb(t) AS fields, t.created_at, t.id FROM qms.root_causes AS t WHERE t.organization_id = ours AND t.record_id = of_record) AS p GROUP BY p.part) AS g WHERE g.words IS NOT NULL; RETURN concat_ws(E'\n\n', item.description, search.words_of(own), search.words_of(item.metadata), search.words_of(jsonb_build_object('tags', item.tags)), parts); END $$;

ALTER FUNCTION search.text_of(of_record uuid) OWNER TO qms_owner;

-- Name: FUNCTION text_of(of_record uuid); Type: COMMENT; Schema: search; Owner: qms_owner

COMMENT ON FUNCTION search.text_of(of_record uuid) IS 'All that is said in words in a record and its parts, without its number and title.';

-- Name: trigrams(text); Type: FUNCTION; Schema: search; Owner: qms_owner

CREATE FUNCTION search.trigrams(word text) RETURNS text[]
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT array_agg(DISTINCT substr('  ' || word || ' ', g.place, 3))
    FROM generate_series(1, char_length(word) + 1) AS g (place)
$$;

ALTER FUNCTION search.trigrams(word text) OWNER TO qms_owner;

-- Name: FUNCTION trigrams(word text); Type: COMMENT; Schema: search; Owner: qms_owner

COMMENT ON FUNCTION search.trigrams(word text) IS 'The groups of three letters of a word, as pg_trgm makes them.';

-- Name: vector_of(text, text); Type: FUNCTION; Schema: search; Owner: qms_owner

CREATE FUNCTION search.vector_of(content text, language text) RETURNS tsvector
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT to_tsvector(search.configuration(language), search.fold(content)) || array_to_tsvector(search.identifiers(content))
$$;

ALTER FUNCTION search.vector_of(content text, language text) OWNER TO qms_owner;

-- Name: FUNCTION vector_of(content text, language text); Type: COMMENT; Schema: search; Owner: qms_owner

COMMENT ON FUNCTION search.vector_of(content text, language text) IS 'The stems of a text with their places, and its identifiers.';

-- Name: weighed(text[], integer, boolean); Type: FUNCTION; Schema: search; Owner: qms_definer

CREATE FUNCTION search.weighed(lexemes text[], most integer, mending boolean, OUT weights extensions.sparsevec, OUT any_of tsquery) RETURNS record
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    AS $$
    WITH counted AS MATERIALIZED (
        SELECT t.lexeme, t.chunk_count, t.weight FROM search.counted_terms(lexemes) AS t
    ),

    mended AS MATERIALIZED (
        SELECT array_agg(DISTINCT b.better) AS words
        FROM (SELECT c.lexeme FROM counted AS c WHERE mending AND c.chunk_count = 0 LIMIT 8) AS u
        CROSS JOIN LATERAL search.better_word(u.lexeme) AS b (better)
        WHERE b.better IS NOT NULL
    ),

    wanted AS (
        SELECT c.lexeme, c.chunk_count, c.weight, search.term_number(c.lexeme) AS term
        FROM (
            SELECT c.* FROM counted AS c
            UNION ALL
            SELECT t.* FROM mended AS m CROSS JOIN LATERAL search.counted_terms(m.words) AS t WHERE m.words IS NOT NULL
        ) AS c
        WHERE c.chunk_count > 0
        ORDER BY c.weight DESC, c.lexeme
        LIMIT most
    )

    SELECT
        ('{' || string_agg(c.term || ':' || c.weight, ',' ORDER BY c.term) || '}/268435456')::extensions.sparsevec,
        -- What has only very common terms of the query is not worth the time; what has a rarer one is weighed with all.
        coalesce(
            string_agg(quote_literal(c.lexeme), '|') FILTER (
                WHERE c.chunk_count <= greatest(5000, (SELECT min(x.chunk_count) FROM wanted AS x))
            ), string_agg(quote_literal(c.lexeme), '|')
        )::tsquery
    FROM (SELECT DISTINCT ON (x.term) x.* FROM wanted AS x ORDER BY x.term, x.weight DESC) AS c
$$;

ALTER FUNCTION search.weighed(lexemes text[], most integer, mending boolean, OUT weights extensions.sparsevec, OUT any_of tsquery) OWNER TO qms_definer;

-- Name: FUNCTION weighed(lexemes text[], most integer, mending boolean, OUT weights extensions.sparsevec, OUT any_of tsquery); Type: COMMENT; Schema: search; Owner: qms_definer

COMMENT ON FUNCTION search.weighed(lexemes text[], most integer, mending boolean, OUT weights extensions.sparsevec, OUT any_of tsquery) IS 'Terms as a sparse vector of their inverse document frequencies, and the ones that candidates must have one of.';

-- Name: weights_of(tsvector); Type: FUNCTION; Schema: search; Owner: qms_owner

CREATE FUNCTION search.weights_of(stems tsvector) RETURNS extensions.sparsevec
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    -- Okapi BM25 (Robertson and Zaragoza 2009) with k1 = 1.5, b = 0.75 and an average length of 90 terms; what depends
    -- on the collection, the inverse document frequency, is in the vector of the query.
    WITH terms AS (
        SELECT
            search.term_number(t.lexeme) AS term,
            -- A word of a heading or title counts twice.
            (coalesce(cardinality(t.positions), 1) + coalesce(cardinality(array_positions(t.weights, 'A')), 0))::real AS frequency
        FROM unnest(stems) AS t
    ),

    length AS (SELECT sum(t.frequency) AS terms FROM terms AS t),

    weights AS (
        SELECT
            t.term,
            sum(t.frequency * 2.5 / (t.frequency + 1.5 * (0.25 + 0.75 * l.terms / 90))) AS weight
        FROM terms AS t CROSS JOIN length AS l
        GROUP BY t.term
        -- A sparse vector holds 16,000 values; no piece has so many terms, a text of a caller may.
        ORDER BY weight DESC, t.term
        LIMIT 15000
    )

    SELECT ('{' || coalesce(string_agg(w.term || ':' || w.weight, ',' ORDER BY w.term), '') || '}/268435456')::extensions.sparsevec
    FROM weights AS w
$$;

ALTER FUNCTION search.weights_of(stems tsvector) OWNER TO qms_owner;

-- Name: FUNCTION weights_of(stems tsvector); Type: COMMENT; Schema: search; Owner: qms_owner

COMMENT ON FUNCTION search.weights_of(stems tsvector) IS 'The BM25 weights of the terms of a piece, as a sparse vector.';

-- Name: words_of(jsonb); Type: FUNCTION; Schema: search; Owner: qms_owner

CREATE FUNCTION search.words_of(fields jsonb) RETURNS text
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
DECLARE
    field record;
    words text;
    lines text [] := '{}';
BEGIN
    FOR field IN SELECT e.key, e.value, jsonb_typeof(e.value) AS kind FROM jsonb_each(
        CASE jsonb_typeof(fields) WHEN 'object' THEN fields ELSE '{}' END
    ) AS e ORDER BY e.key LOOP
        words := CASE field.kind
            WHEN 'string' THEN field.value #>> '{}'
            WHEN 'array' THEN (
                SELECT string_agg(a.item #>> '{}', ', ')
                FROM jsonb_array_elements(field.value) AS a (item) WHERE jsonb_typeof(a.item) = 'string'
            )
        END;
        -- Ids, hashes, dates and times say nothing to who searches in words.
        IF words ~ '[[:alpha:]]{2}' AND field.key NOT IN ('content', 'content_sha256', 'structure', 'sha256', 'uri')
            AND words !~ '^([0-9a-f]{8}-[0-9a-f]{4}-|[0-9a-f]{64}$|[0-9]{4}-[0-9]{2}-[0-9]{2}([T ]|$))' THEN
            lines := lines || (upper(left(field.key, 1)) || replace(substr(field.key, 2), '_', ' ') || ': ' || words);
        END IF;
    END LOOP;
    RETURN nullif(array_to_string(lines, E'\n'), '');
END
$_$;

ALTER FUNCTION search.words_of(fields jsonb) OWNER TO qms_owner;

-- Name: FUNCTION words_of(fields jsonb); Type: COMMENT; Schema: search; Owner: qms_owner

COMMENT ON FUNCTION search.words_of(fields jsonb) IS 'What is said in words in the fields of an object, a line for each field.';

-- Name: agent_runs; Type: TABLE; Schema: agents; Owner: qms_owner

CREATE TABLE agents.agent_runs (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid,
    parent_run_id uuid,
    agent_type text NOT NULL,
    status text DEFAULT 'running'::text,
    input jsonb NOT NULL,
    output jsonb,
    error text,
    duration_ms integer,
    token_usage jsonb DEFAULT '{}'::jsonb,
    user_id uuid,
    actor_kind text,
    client_name text,
    client_version text,
    protocol_version text,
    server_version text,
    created_at timestamp with time zone DEFAULT now(),
    completed_at timestamp with time zone,
    CONSTRAINT agent_runs_actor_kind_check CHECK ((actor_kind = ANY (ARRAY['human'::text, 'agent'::text, 'system'::text]))),
    CONSTRAINT agent_runs_status_check CHECK ((status = ANY (ARRAY['running'::text, 'completed'::text, 'failed'::text, 'cancelled'::text, 'lost'::text])))
);

ALTER TABLE ONLY agents.agent_runs FORCE ROW LEVEL SECURITY;

ALTER TABLE agents.agent_runs OWNER TO qms_owner;

-- Name: TABLE agent_runs; Type: COMMENT; Schema: agents; Owner: qms_owner

COMMENT ON TABLE agents.agent_runs IS 'One row per client connection or sub-agent; a sub-agent names its parent.';

-- Name: agent_traces; Type: TABLE; Schema: agents; Owner: qms_owner

CREATE TABLE agents.agent_traces (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid,
    run_id uuid,
    langfuse_trace_id text,
    parent_span_id text,
    span_name text NOT NULL,
    span_type text,
    input jsonb,
    output jsonb,
    metadata jsonb DEFAULT '{}'::jsonb,
    start_time timestamp with time zone NOT NULL,
    end_time timestamp with time zone,
    duration_ms integer
);

ALTER TABLE ONLY agents.agent_traces FORCE ROW LEVEL SECURITY;

ALTER TABLE agents.agent_traces OWNER TO qms_owner;

-- Name: TABLE agent_traces; Type: COMMENT; Schema: agents; Owner: qms_owner

COMMENT ON TABLE agents.agent_traces IS 'Spans of a run, with the trace they have in Langfuse.';

-- Name: context_state; Type: TABLE; Schema: agents; Owner: qms_owner

CREATE TABLE agents.context_state (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    run_id uuid,
    step integer NOT NULL,
    state jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT context_state_step_check CHECK ((step >= 0))
);

ALTER TABLE ONLY agents.context_state FORCE ROW LEVEL SECURITY;

ALTER TABLE agents.context_state OWNER TO qms_owner;

-- Name: TABLE context_state; Type: COMMENT; Schema: agents; Owner: qms_owner

COMMENT ON TABLE agents.context_state IS 'Checkpoints of a run: where it goes on after an interruption.';

-- Name: decisions; Type: TABLE; Schema: agents; Owner: qms_owner

CREATE TABLE agents.decisions (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    run_id uuid,
    decision text NOT NULL,
    rationale text,
    alternatives jsonb DEFAULT '[]'::jsonb NOT NULL,
    confidence double precision,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT decisions_confidence_check CHECK (((confidence >= (0)::double precision) AND (confidence <= (1)::double precision)))
);

ALTER TABLE ONLY agents.decisions FORCE ROW LEVEL SECURITY;

ALTER TABLE agents.decisions OWNER TO qms_owner;

-- Name: TABLE decisions; Type: COMMENT; Schema: agents; Owner: qms_owner

COMMENT ON TABLE agents.decisions IS 'What an agent chose, between what, and why.';

-- Name: otlp_outbox; Type: TABLE; Schema: agents; Owner: qms_owner

CREATE TABLE agents.otlp_outbox (
    id bigint NOT NULL,
    organization_id uuid NOT NULL,
    call_id uuid,
    path text,
    payload jsonb,
    attempts integer DEFAULT 0 NOT NULL,
    next_try_at timestamp with time zone DEFAULT now() NOT NULL,
    given_up_at timestamp with time zone,
    last_error text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT call_or_message CHECK (((call_id IS NULL) = ((path IS NOT NULL) AND (payload IS NOT NULL))))
);

ALTER TABLE ONLY agents.otlp_outbox FORCE ROW LEVEL SECURITY;

ALTER TABLE agents.otlp_outbox OWNER TO qms_owner;

-- Name: TABLE otlp_outbox; Type: COMMENT; Schema: agents; Owner: qms_owner

COMMENT ON TABLE agents.otlp_outbox IS 'What is on its way to Langfuse: calls, which become spans, and messages such as scores. A call enters in the transaction that finishes it; a row goes when the host has taken it.';

-- Name: COLUMN otlp_outbox.path; Type: COMMENT; Schema: agents; Owner: qms_owner

COMMENT ON COLUMN agents.otlp_outbox.path IS 'Where a message is posted; a call goes where spans go.';

-- Name: COLUMN otlp_outbox.next_try_at; Type: COMMENT; Schema: agents; Owner: qms_owner

COMMENT ON COLUMN agents.otlp_outbox.next_try_at IS 'From when on a server may take the row; also the end of the lease of the one that has it.';

-- Name: COLUMN otlp_outbox.given_up_at; Type: COMMENT; Schema: agents; Owner: qms_owner

COMMENT ON COLUMN agents.otlp_outbox.given_up_at IS 'When the host had refused it too often; last_error says why.';

-- Name: otlp_outbox_id_seq; Type: SEQUENCE; Schema: agents; Owner: qms_owner

ALTER TABLE agents.otlp_outbox ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME agents.otlp_outbox_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: tool_calls; Type: TABLE; Schema: agents; Owner: qms_owner

CREATE TABLE agents.tool_calls (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid,
    trace_id uuid,
    run_id uuid,
    kind text DEFAULT 'tool'::text NOT NULL,
    tool_name text NOT NULL,
    tool_input jsonb,
    tool_output jsonb,
    success boolean,
    error text,
    error_code text,
    duration_ms integer,
    state text DEFAULT 'unfinished'::text NOT NULL,
    rounds integer DEFAULT 1 NOT NULL,
    user_id uuid,
    actor_kind text,
    client_name text,
    client_version text,
    protocol_version text,
    request_id text,
    tool_use_id text,
    replayed boolean DEFAULT false NOT NULL,
    created_at timestamp with time zone DEFAULT now(),
    finished_at timestamp with time zone,
    CONSTRAINT finished_is_whole CHECK (((state <> 'finished'::text) OR ((success IS NOT NULL) AND (finished_at IS NOT NULL)))),
    CONSTRAINT tool_calls_actor_kind_check CHECK ((actor_kind = ANY (ARRAY['human'::text, 'agent'::text, 'system'::text]))),
    CONSTRAINT tool_calls_kind_check CHECK ((kind = ANY (ARRAY['tool'::text, 'resource'::text, 'prompt'::text]))),
    CONSTRAINT tool_calls_state_check CHECK ((state = ANY (ARRAY['unfinished'::text, 'awaiting_input'::text, 'finished'::text])))
);

ALTER TABLE ONLY agents.tool_calls FORCE ROW LEVEL SECURITY;

ALTER TABLE agents.tool_calls OWNER TO qms_owner;

-- Name: TABLE tool_calls; Type: COMMENT; Schema: agents; Owner: qms_owner

COMMENT ON TABLE agents.tool_calls IS 'Every call, successful or not. A row is written before the work starts; one that stays unfinished belongs to a process that died in it. Append-only: a finished row never changes.';

-- Name: COLUMN tool_calls.tool_input; Type: COMMENT; Schema: agents; Owner: qms_owner

COMMENT ON COLUMN agents.tool_calls.tool_input IS 'The arguments, secrets masked; a large value is its size, sha256 and beginning.';

-- Name: COLUMN tool_calls.tool_output; Type: COMMENT; Schema: agents; Owner: qms_owner

COMMENT ON COLUMN agents.tool_calls.tool_output IS 'The answer in the same form.';

-- Name: COLUMN tool_calls.rounds; Type: COMMENT; Schema: agents; Owner: qms_owner

COMMENT ON COLUMN agents.tool_calls.rounds IS 'How many requests the call took: a call that asks the user something arrives again with the answer.';

-- Name: COLUMN tool_calls.tool_use_id; Type: COMMENT; Schema: agents; Owner: qms_owner

COMMENT ON COLUMN agents.tool_calls.tool_use_id IS 'The id the model gave this call, when its client passes it on.';

-- Name: COLUMN tool_calls.replayed; Type: COMMENT; Schema: agents; Owner: qms_owner

COMMENT ON COLUMN agents.tool_calls.replayed IS 'Written later from the local spool, because the database could not be reached at the time.';

-- Name: users; Type: TABLE; Schema: auth; Owner: qms_owner

CREATE TABLE auth.users (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    email text,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE auth.users OWNER TO qms_owner;

-- Name: TABLE users; Type: COMMENT; Schema: auth; Owner: qms_owner

COMMENT ON TABLE auth.users IS 'People who can sign in. A shim: on Supabase this table is its own.';

-- Name: drift_metrics; Type: TABLE; Schema: ml_loop; Owner: qms_owner

CREATE TABLE ml_loop.drift_metrics (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    model_name text NOT NULL,
    metric_type text NOT NULL,
    baseline_value double precision,
    current_value double precision,
    drift_score double precision,
    alert_triggered boolean DEFAULT false,
    created_at timestamp with time zone DEFAULT now()
);

ALTER TABLE ONLY ml_loop.drift_metrics FORCE ROW LEVEL SECURITY;

ALTER TABLE ml_loop.drift_metrics OWNER TO qms_owner;

-- Name: TABLE drift_metrics; Type: COMMENT; Schema: ml_loop; Owner: qms_owner

COMMENT ON TABLE ml_loop.drift_metrics IS 'How far a metric has moved from its baseline.';

-- Name: eval_results; Type: TABLE; Schema: ml_loop; Owner: qms_owner

CREATE TABLE ml_loop.eval_results (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    model_version_id uuid,
    eval_type text NOT NULL,
    score double precision NOT NULL,
    details jsonb DEFAULT '{}'::jsonb,
    created_at timestamp with time zone DEFAULT now()
);

ALTER TABLE ONLY ml_loop.eval_results FORCE ROW LEVEL SECURITY;

ALTER TABLE ml_loop.eval_results OWNER TO qms_owner;

-- Name: TABLE eval_results; Type: COMMENT; Schema: ml_loop; Owner: qms_owner

COMMENT ON TABLE ml_loop.eval_results IS 'Results of evaluations, one row a case.';

-- Name: feedback_loop; Type: TABLE; Schema: ml_loop; Owner: qms_owner

CREATE TABLE ml_loop.feedback_loop (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    run_id uuid,
    source text NOT NULL,
    score double precision NOT NULL,
    comment text,
    given_by uuid,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT feedback_loop_score_check CHECK (((score >= (0)::double precision) AND (score <= (1)::double precision))),
    CONSTRAINT feedback_loop_source_check CHECK ((source = ANY (ARRAY['user'::text, 'automated'::text, 'llm-judge'::text])))
);

ALTER TABLE ONLY ml_loop.feedback_loop FORCE ROW LEVEL SECURITY;

ALTER TABLE ml_loop.feedback_loop OWNER TO qms_owner;

-- Name: TABLE feedback_loop; Type: COMMENT; Schema: ml_loop; Owner: qms_owner

COMMENT ON TABLE ml_loop.feedback_loop IS 'Feedback on a run: from a person, a rule or a judge.';

-- Name: model_versions; Type: TABLE; Schema: ml_loop; Owner: qms_owner

CREATE TABLE ml_loop.model_versions (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    model_name text NOT NULL,
    version text NOT NULL,
    config jsonb NOT NULL,
    metrics jsonb DEFAULT '{}'::jsonb,
    status text DEFAULT 'training'::text,
    deployed_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now()
);

ALTER TABLE ONLY ml_loop.model_versions FORCE ROW LEVEL SECURITY;

ALTER TABLE ml_loop.model_versions OWNER TO qms_owner;

-- Name: TABLE model_versions; Type: COMMENT; Schema: ml_loop; Owner: qms_owner

COMMENT ON TABLE ml_loop.model_versions IS 'Versions of an agent: prompt, exemplars, model and limits.';

-- Name: training_data; Type: TABLE; Schema: ml_loop; Owner: qms_owner

CREATE TABLE ml_loop.training_data (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    model_name text NOT NULL,
    input jsonb NOT NULL,
    output jsonb NOT NULL,
    feedback_score double precision,
    is_validated boolean DEFAULT false,
    source text,
    created_at timestamp with time zone DEFAULT now(),
    CONSTRAINT training_data_feedback_score_check CHECK (((feedback_score >= (0)::double precision) AND (feedback_score <= (1)::double precision)))
);

ALTER TABLE ONLY ml_loop.training_data FORCE ROW LEVEL SECURITY;

ALTER TABLE ml_loop.training_data OWNER TO qms_owner;

-- Name: TABLE training_data; Type: COMMENT; Schema: ml_loop; Owner: qms_owner

COMMENT ON TABLE ml_loop.training_data IS 'What an agent was asked and answered, with the score it got (0 to 1).';

-- Name: chunks; Type: TABLE; Schema: search; Owner: qms_owner

CREATE TABLE search.chunks (
    id bigint NOT NULL,
    organization_id uuid NOT NULL,
    source_id uuid NOT NULL,
    content_type text NOT NULL,
    is_current boolean NOT NULL,
    ordinal integer NOT NULL,
    section text NOT NULL,
    heading text NOT NULL,
    page integer,
    char_start integer NOT NULL,
    char_end integer NOT NULL,
    content text NOT NULL,
    content_sha bytea GENERATED ALWAYS AS (search.hash_of(heading, content)) STORED NOT NULL,
    stems tsvector NOT NULL,
    weights extensions.sparsevec NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
)
WITH (toast_tuple_target='1024');
ALTER TABLE ONLY search.chunks ALTER COLUMN section SET STATISTICS 0;
ALTER TABLE ONLY search.chunks ALTER COLUMN heading SET STATISTICS 0;
ALTER TABLE ONLY search.chunks ALTER COLUMN content SET STATISTICS 0;
ALTER TABLE ONLY search.chunks ALTER COLUMN stems SET STATISTICS 0;
ALTER TABLE ONLY search.chunks ALTER COLUMN weights SET STATISTICS 0;
ALTER TABLE ONLY search.chunks ALTER COLUMN weights SET STORAGE MAIN;

ALTER TABLE ONLY search.chunks FORCE ROW LEVEL SECURITY;

ALTER TABLE search.chunks OWNER TO qms_owner;

-- Name: TABLE chunks; Type: COMMENT; Schema: search; Owner: qms_owner

COMMENT ON TABLE search.chunks IS 'The pieces of each source, with the stems and BM25 weights they are found by.';

-- Name: COLUMN chunks.section; Type: COMMENT; Schema: search; Owner: qms_owner

COMMENT ON COLUMN search.chunks.section IS 'Path of the section in its document: a printed number such as 5.2, or a slug; empty outside sections.';

-- Name: COLUMN chunks.char_start; Type: COMMENT; Schema: search; Owner: qms_owner

COMMENT ON COLUMN search.chunks.char_start IS 'Where the piece begins in the content of the document, characters from 0; char_end is after its last one.';

-- Name: embeddings_by_model; Type: TABLE; Schema: search; Owner: qms_owner

CREATE TABLE search.embeddings_by_model (
    chunk_id bigint NOT NULL,
    model_id smallint NOT NULL,
    organization_id uuid NOT NULL,
    content_type text NOT NULL,
    is_current boolean NOT NULL,
    content_sha bytea NOT NULL,
    embedding extensions.halfvec NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
)
PARTITION BY LIST (model_id);
ALTER TABLE ONLY search.embeddings_by_model ALTER COLUMN content_sha SET STATISTICS 0;
ALTER TABLE ONLY search.embeddings_by_model ALTER COLUMN embedding SET STATISTICS 0;

ALTER TABLE ONLY search.embeddings_by_model FORCE ROW LEVEL SECURITY;

ALTER TABLE search.embeddings_by_model OWNER TO qms_owner;

-- Name: TABLE embeddings_by_model; Type: COMMENT; Schema: search; Owner: qms_owner

COMMENT ON TABLE search.embeddings_by_model IS 'The vector of a piece by a model, a partition for each model: vectors of two models never meet.';

-- Name: embeddings; Type: VIEW; Schema: public; Owner: qms_owner

CREATE VIEW public.embeddings WITH (security_invoker='true') AS
 SELECT s.id,
    c.organization_id,
    c.content,
    c.content_type,
    s.source_id,
    s.source_table,
    (e.embedding)::extensions.vector AS embedding,
    s.metadata,
    c.created_at
   FROM ((search.embeddings_by_model e
     JOIN search.chunks c ON (((e.chunk_id = c.id) AND (e.organization_id = c.organization_id))))
     JOIN search.sources s ON (((c.source_id = s.id) AND (c.organization_id = s.organization_id))));

ALTER VIEW public.embeddings OWNER TO qms_owner;

-- Name: VIEW embeddings; Type: COMMENT; Schema: public; Owner: qms_owner

COMMENT ON VIEW public.embeddings IS 'Pieces of texts with their vectors, of whatever model; the index itself is in the schema search.';

-- Name: audits; Type: TABLE; Schema: qms; Owner: qms_owner

CREATE TABLE qms.audits (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    audit_kind text,
    scope text,
    criteria text,
    area text,
    area_responsible uuid,
    lead_auditor uuid,
    planned_from date,
    planned_to date,
    checklist jsonb,
    conclusion text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT audits_audit_kind_check CHECK ((audit_kind = ANY (ARRAY['internal'::text, 'supplier'::text, 'external'::text]))),
    CONSTRAINT audits_finite CHECK ((isfinite(planned_from) AND isfinite(planned_to) AND isfinite(created_at)))
);
ALTER TABLE ONLY qms.audits ALTER COLUMN audit_kind SET STATISTICS 0;
ALTER TABLE ONLY qms.audits ALTER COLUMN scope SET STATISTICS 0;
ALTER TABLE ONLY qms.audits ALTER COLUMN criteria SET STATISTICS 0;
ALTER TABLE ONLY qms.audits ALTER COLUMN area SET STATISTICS 0;
ALTER TABLE ONLY qms.audits ALTER COLUMN checklist SET STATISTICS 0;
ALTER TABLE ONLY qms.audits ALTER COLUMN conclusion SET STATISTICS 0;

ALTER TABLE ONLY qms.audits FORCE ROW LEVEL SECURITY;

ALTER TABLE qms.audits OWNER TO qms_owner;

-- Name: TABLE audits; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON TABLE qms.audits IS 'Audits: scope, criteria, checklist (ISO 9001 9.2, ISO 13485 8.2.4).';

-- Name: capa_actions; Type: TABLE; Schema: qms; Owner: qms_owner

CREATE TABLE qms.capa_actions (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    record_id uuid NOT NULL,
    created_by uuid,
    created_kind text,
    cycle integer DEFAULT 1 NOT NULL,
    action_type text NOT NULL,
    description text NOT NULL,
    owner_id uuid,
    due_on date,
    progress text,
    completed_on date,
    completion_evidence text,
    accepted_by uuid,
    accepted_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT capa_actions_action_type_check CHECK ((action_type = ANY (ARRAY['containment'::text, 'correction'::text, 'corrective'::text, 'preventive'::text]))),
    CONSTRAINT capa_actions_finite CHECK ((isfinite(due_on) AND isfinite(completed_on) AND isfinite(accepted_at) AND isfinite(created_at)))
);
ALTER TABLE ONLY qms.capa_actions ALTER COLUMN created_kind SET STATISTICS 0;
ALTER TABLE ONLY qms.capa_actions ALTER COLUMN action_type SET STATISTICS 0;
ALTER TABLE ONLY qms.capa_actions ALTER COLUMN description SET STATISTICS 0;
ALTER TABLE ONLY qms.capa_actions ALTER COLUMN progress SET STATISTICS 0;
ALTER TABLE ONLY qms.capa_actions ALTER COLUMN completion_evidence SET STATISTICS 0;

ALTER TABLE ONLY qms.capa_actions FORCE ROW LEVEL SECURITY;

ALTER TABLE qms.capa_actions OWNER TO qms_owner;

-- Name: TABLE capa_actions; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON TABLE qms.capa_actions IS 'The actions of a CAPA. accepted_by: a person other than the owner saw that it is done.';

-- Name: capas; Type: TABLE; Schema: qms; Owner: qms_owner

CREATE TABLE qms.capas (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    source_kind text,
    problem_statement text,
    risk_screen jsonb,
    root_cause_summary text,
    root_cause_not_determined text,
    similar_cases text,
    criterion jsonb,
    window_starts_on date,
    window_ends_on date,
    minimum_sample integer,
    verification_result text,
    no_adverse_effect boolean,
    cycle integer DEFAULT 1 NOT NULL,
    verdict text,
    verdict_by uuid,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT capas_finite CHECK ((isfinite(window_starts_on) AND isfinite(window_ends_on) AND isfinite(created_at))),
    CONSTRAINT capas_minimum_sample_check CHECK ((minimum_sample > 0)),
    CONSTRAINT capas_verdict_check CHECK ((verdict = ANY (ARRAY['effective'::text, 'ineffective'::text])))
);
ALTER TABLE ONLY qms.capas ALTER COLUMN source_kind SET STATISTICS 0;
ALTER TABLE ONLY qms.capas ALTER COLUMN problem_statement SET STATISTICS 0;
ALTER TABLE ONLY qms.capas ALTER COLUMN risk_screen SET STATISTICS 0;
ALTER TABLE ONLY qms.capas ALTER COLUMN root_cause_summary SET STATISTICS 0;
ALTER TABLE ONLY qms.capas ALTER COLUMN root_cause_not_determined SET STATISTICS 0;
ALTER TABLE ONLY qms.capas ALTER COLUMN similar_cases SET STATISTICS 0;
ALTER TABLE ONLY qms.capas ALTER COLUMN criterion SET STATISTICS 0;
ALTER TABLE ONLY qms.capas ALTER COLUMN verification_result SET STATISTICS 0;
ALTER TABLE ONLY qms.capas ALTER COLUMN verdict SET STATISTICS 0;

ALTER TABLE ONLY qms.capas FORCE ROW LEVEL SECURITY;

ALTER TABLE qms.capas OWNER TO qms_owner;

-- Name: TABLE capas; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON TABLE qms.capas IS 'Corrective and preventive actions (ISO 9001 10.2, ISO 13485 8.5.2 and 8.5.3).';

-- Name: COLUMN capas.criterion; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON COLUMN qms.capas.criterion IS 'The measurable effectiveness criterion: metric, baseline, target, comparator.';

-- Name: COLUMN capas.cycle; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON COLUMN qms.capas.cycle IS 'Grows when actions were ineffective and the investigation begins again.';

-- Name: change_requests; Type: TABLE; Schema: qms; Owner: qms_owner

CREATE TABLE qms.change_requests (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    change_kind text,
    justification text,
    current_situation text,
    proposed_change text,
    emergency boolean DEFAULT false NOT NULL,
    approve_until date,
    implementation text,
    verification_result text,
    effective_on date,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT change_requests_finite CHECK ((isfinite(approve_until) AND isfinite(effective_on) AND isfinite(created_at)))
);
ALTER TABLE ONLY qms.change_requests ALTER COLUMN change_kind SET STATISTICS 0;
ALTER TABLE ONLY qms.change_requests ALTER COLUMN justification SET STATISTICS 0;
ALTER TABLE ONLY qms.change_requests ALTER COLUMN current_situation SET STATISTICS 0;
ALTER TABLE ONLY qms.change_requests ALTER COLUMN proposed_change SET STATISTICS 0;
ALTER TABLE ONLY qms.change_requests ALTER COLUMN implementation SET STATISTICS 0;
ALTER TABLE ONLY qms.change_requests ALTER COLUMN verification_result SET STATISTICS 0;

ALTER TABLE ONLY qms.change_requests FORCE ROW LEVEL SECURITY;

ALTER TABLE qms.change_requests OWNER TO qms_owner;

-- Name: TABLE change_requests; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON TABLE qms.change_requests IS 'Changes under control: what, why, and what it touches (ISO 13485 4.1.4, 7.3.9; ISO 9001 6.3, 8.5.6).';

-- Name: clause_evidence_rules; Type: TABLE; Schema: qms; Owner: qms_owner

CREATE TABLE qms.clause_evidence_rules (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    clause_id uuid NOT NULL,
    source text NOT NULL,
    category text,
    wanted text[],
    looked_for text NOT NULL,
    max_age_days integer,
    CONSTRAINT clause_evidence_rules_looked_for_check CHECK ((btrim(looked_for) <> ''::text)),
    CONSTRAINT clause_evidence_rules_max_age_days_check CHECK ((max_age_days > 0)),
    CONSTRAINT clause_evidence_rules_source_check CHECK ((source = ANY (ARRAY['records'::text, 'calibrations'::text, 'capa_actions'::text, 'dispositions'::text, 'transitions'::text, 'trail'::text, 'signatures'::text, 'links'::text]))),
    CONSTRAINT records_in_states CHECK (((source = 'records'::text) = (category IS NOT NULL))),
    CONSTRAINT wanted_where_it_means_something CHECK (((source = ANY (ARRAY['records'::text, 'capa_actions'::text, 'dispositions'::text, 'trail'::text])) = (wanted IS NOT NULL)))
);

ALTER TABLE ONLY qms.clause_evidence_rules FORCE ROW LEVEL SECURITY;

ALTER TABLE qms.clause_evidence_rules OWNER TO qms_owner;

-- Name: TABLE clause_evidence_rules; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON TABLE qms.clause_evidence_rules IS 'What counts as evidence for a clause by itself: records of a type in certain states, parts of records, steps taken, the trail, signatures. links: only what somebody links can show it.';

-- Name: COLUMN clause_evidence_rules.wanted; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON COLUMN qms.clause_evidence_rules.wanted IS 'States of the records, types of the parts, or actions in the trail ("*": any).';

-- Name: COLUMN clause_evidence_rules.looked_for; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON COLUMN qms.clause_evidence_rules.looked_for IS 'The same in words.';

-- Name: COLUMN clause_evidence_rules.max_age_days; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON COLUMN qms.clause_evidence_rules.max_age_days IS 'Older evidence is stale; empty: the interval of the organization.';

-- Name: clause_map; Type: TABLE; Schema: qms; Owner: qms_owner

CREATE TABLE qms.clause_map (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    from_clause_id uuid NOT NULL,
    to_clause_id uuid NOT NULL,
    relation text NOT NULL,
    checked boolean DEFAULT false NOT NULL,
    note text,
    CONSTRAINT clause_map_relation_check CHECK ((relation = ANY (ARRAY['replaced_by'::text, 'adds_to'::text])))
);

ALTER TABLE ONLY qms.clause_map FORCE ROW LEVEL SECURITY;

ALTER TABLE qms.clause_map OWNER TO qms_owner;

-- Name: TABLE clause_map; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON TABLE qms.clause_map IS 'Where a clause of one framework lives on in another.';

-- Name: COLUMN clause_map.checked; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON COLUMN qms.clause_map.checked IS 'False: from general knowledge, to be checked by somebody before it is relied on.';

-- Name: clauses; Type: TABLE; Schema: qms; Owner: qms_owner

CREATE TABLE qms.clauses (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    framework_id uuid NOT NULL,
    number text NOT NULL,
    title text NOT NULL,
    parent text,
    kind text NOT NULL,
    sort_key text GENERATED ALWAYS AS (regexp_replace(regexp_replace(number, '([0-9]+)'::text, '00\1'::text, 'g'::text), '[0-9]*([0-9]{3})'::text, '\1'::text, 'g'::text)) STORED NOT NULL COLLATE pg_catalog."C",
    CONSTRAINT clauses_check CHECK ((parent <> number)),
    CONSTRAINT clauses_kind_check CHECK ((kind = ANY (ARRAY['heading'::text, 'requirement'::text, 'reference'::text]))),
    CONSTRAINT clauses_number_check CHECK ((number ~ '^[0-9]+(\.[0-9]+)*(\([a-z0-9]+\))*$'::text)),
    CONSTRAINT clauses_title_check CHECK (((btrim(title) <> ''::text) AND (length(title) <= 120)))
);

ALTER TABLE ONLY qms.clauses FORCE ROW LEVEL SECURITY;

ALTER TABLE qms.clauses OWNER TO qms_owner;

-- Name: TABLE clauses; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON TABLE qms.clauses IS 'The clauses of a framework: number and short title only.';

-- Name: COLUMN clauses.kind; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON COLUMN qms.clauses.kind IS 'heading: its parts hold the requirements. requirement: evidence is looked for. reference: scope, definitions.';

-- Name: complaints; Type: TABLE; Schema: qms; Owner: qms_owner

CREATE TABLE qms.complaints (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    received_on date,
    aware_on date,
    event_on date,
    product text,
    udi_di text,
    udi_pi text,
    lot text,
    serial_number text,
    complainant_name text,
    complainant_contact text,
    complainant_address text,
    country text,
    event_type text,
    reporter_role text,
    investigation text,
    no_investigation_reason text,
    correction text,
    reply text,
    replied_on date,
    reportable boolean,
    report_due_on date,
    reported_on date,
    reportability_decided_by uuid,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT complaints_event_type_check CHECK ((event_type = ANY (ARRAY['death'::text, 'serious_injury'::text, 'malfunction'::text, 'other'::text, 'unknown'::text]))),
    CONSTRAINT complaints_finite CHECK ((isfinite(received_on) AND isfinite(aware_on) AND isfinite(event_on) AND isfinite(replied_on) AND isfinite(report_due_on) AND isfinite(reported_on) AND isfinite(created_at))),
    CONSTRAINT complaints_reporter_role_check CHECK ((reporter_role = ANY (ARRAY['manufacturer'::text, 'importer'::text, 'user_facility'::text])))
);
ALTER TABLE ONLY qms.complaints ALTER COLUMN product SET STATISTICS 0;
ALTER TABLE ONLY qms.complaints ALTER COLUMN udi_di SET STATISTICS 0;
ALTER TABLE ONLY qms.complaints ALTER COLUMN udi_pi SET STATISTICS 0;
ALTER TABLE ONLY qms.complaints ALTER COLUMN lot SET STATISTICS 0;
ALTER TABLE ONLY qms.complaints ALTER COLUMN serial_number SET STATISTICS 0;
ALTER TABLE ONLY qms.complaints ALTER COLUMN complainant_name SET STATISTICS 0;
ALTER TABLE ONLY qms.complaints ALTER COLUMN complainant_contact SET STATISTICS 0;
ALTER TABLE ONLY qms.complaints ALTER COLUMN complainant_address SET STATISTICS 0;
ALTER TABLE ONLY qms.complaints ALTER COLUMN country SET STATISTICS 0;
ALTER TABLE ONLY qms.complaints ALTER COLUMN event_type SET STATISTICS 0;
ALTER TABLE ONLY qms.complaints ALTER COLUMN reporter_role SET STATISTICS 0;
ALTER TABLE ONLY qms.complaints ALTER COLUMN investigation SET STATISTICS 0;
ALTER TABLE ONLY qms.complaints ALTER COLUMN no_investigation_reason SET STATISTICS 0;
ALTER TABLE ONLY qms.complaints ALTER COLUMN correction SET STATISTICS 0;
ALTER TABLE ONLY qms.complaints ALTER COLUMN reply SET STATISTICS 0;

ALTER TABLE ONLY qms.complaints FORCE ROW LEVEL SECURITY;

ALTER TABLE qms.complaints OWNER TO qms_owner;

-- Name: TABLE complaints; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON TABLE qms.complaints IS 'Complaints about released products and whether an authority must be told (21 CFR 820.35(a), 803).';

-- Name: COLUMN complaints.aware_on; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON COLUMN qms.complaints.aware_on IS 'The day somebody of the company became aware: clocks start here.';

-- Name: deviations; Type: TABLE; Schema: qms; Owner: qms_owner

CREATE TABLE qms.deviations (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    instruction text,
    planned boolean,
    classification text,
    batch text,
    batch_impact text,
    immediate_action text,
    investigation text,
    conclusion text,
    capa_required boolean,
    capa_rationale text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT deviations_classification_check CHECK ((classification = ANY (ARRAY['minor'::text, 'major'::text, 'critical'::text]))),
    CONSTRAINT deviations_finite CHECK (isfinite(created_at))
);
ALTER TABLE ONLY qms.deviations ALTER COLUMN instruction SET STATISTICS 0;
ALTER TABLE ONLY qms.deviations ALTER COLUMN classification SET STATISTICS 0;
ALTER TABLE ONLY qms.deviations ALTER COLUMN batch SET STATISTICS 0;
ALTER TABLE ONLY qms.deviations ALTER COLUMN batch_impact SET STATISTICS 0;
ALTER TABLE ONLY qms.deviations ALTER COLUMN immediate_action SET STATISTICS 0;
ALTER TABLE ONLY qms.deviations ALTER COLUMN investigation SET STATISTICS 0;
ALTER TABLE ONLY qms.deviations ALTER COLUMN conclusion SET STATISTICS 0;
ALTER TABLE ONLY qms.deviations ALTER COLUMN capa_rationale SET STATISTICS 0;

ALTER TABLE ONLY qms.deviations FORCE ROW LEVEL SECURITY;

ALTER TABLE qms.deviations OWNER TO qms_owner;

-- Name: TABLE deviations; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON TABLE qms.deviations IS 'Departures from approved instructions, with the impact on batches.';

-- Name: dispositions; Type: TABLE; Schema: qms; Owner: qms_owner

CREATE TABLE qms.dispositions (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    record_id uuid NOT NULL,
    created_by uuid,
    created_kind text,
    disposition text NOT NULL,
    quantity numeric NOT NULL,
    justification text,
    withdrawn_reason text,
    decided_by uuid,
    decided_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT dispositions_disposition_check CHECK ((disposition = ANY (ARRAY['use_as_is'::text, 'rework'::text, 'repair'::text, 'regrade'::text, 'scrap'::text, 'return_to_supplier'::text]))),
    CONSTRAINT dispositions_finite CHECK (((quantity > '-Infinity'::numeric) AND (quantity < 'Infinity'::numeric) AND isfinite(decided_at) AND isfinite(created_at))),
    CONSTRAINT dispositions_quantity_check CHECK ((quantity > (0)::numeric))
);
ALTER TABLE ONLY qms.dispositions ALTER COLUMN created_kind SET STATISTICS 0;
ALTER TABLE ONLY qms.dispositions ALTER COLUMN disposition SET STATISTICS 0;
ALTER TABLE ONLY qms.dispositions ALTER COLUMN justification SET STATISTICS 0;
ALTER TABLE ONLY qms.dispositions ALTER COLUMN withdrawn_reason SET STATISTICS 0;

ALTER TABLE ONLY qms.dispositions FORCE ROW LEVEL SECURITY;

ALTER TABLE qms.dispositions OWNER TO qms_owner;

-- Name: TABLE dispositions; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON TABLE qms.dispositions IS 'What becomes of nonconforming product, by quantity: proposed, until the material review board decides.';

-- Name: document_files; Type: TABLE; Schema: qms; Owner: qms_owner

CREATE TABLE qms.document_files (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    record_id uuid NOT NULL,
    created_by uuid,
    created_kind text,
    role text NOT NULL,
    file_name text NOT NULL,
    media_type text NOT NULL,
    byte_count bigint NOT NULL,
    sha256 text NOT NULL,
    stored_as text NOT NULL,
    pages integer,
    language text,
    parser text,
    ingested_from text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT document_files_byte_count_check CHECK ((byte_count > 0)),
    CONSTRAINT document_files_file_name_check CHECK (((file_name !~ '[/\\[:cntrl:]]'::text) AND ((char_length(file_name) >= 1) AND (char_length(file_name) <= 255)))),
    CONSTRAINT document_files_pages_check CHECK ((pages > 0)),
    CONSTRAINT document_files_role_check CHECK ((role = ANY (ARRAY['original'::text, 'attachment'::text]))),
    CONSTRAINT document_files_sha256_check CHECK ((sha256 ~ '^[0-9a-f]{64}$'::text)),
    CONSTRAINT document_files_stored_as_check CHECK ((stored_as = ANY (ARRAY['local'::text, 'supabase'::text])))
);

ALTER TABLE ONLY qms.document_files FORCE ROW LEVEL SECURITY;

ALTER TABLE qms.document_files OWNER TO qms_owner;

-- Name: TABLE document_files; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON TABLE qms.document_files IS 'The file a document version came from, by the sha256 it is stored under (ISO 13485 4.2.5: records stay identifiable and retrievable).';

-- Name: documents; Type: TABLE; Schema: qms; Owner: qms_owner

CREATE TABLE qms.documents (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    document_number text,
    revision integer,
    document_type text,
    author_id uuid,
    editors uuid[] DEFAULT '{}'::uuid[] NOT NULL,
    change_summary text,
    content text,
    content_sha256 text,
    training_required boolean DEFAULT false NOT NULL,
    training_waiver text,
    planned_effective_on date,
    review_every_months integer,
    next_review_on date,
    is_effective boolean DEFAULT false NOT NULL,
    effective_from timestamp with time zone,
    effective_to timestamp with time zone,
    replaced_by uuid,
    obsolete_reason text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    structure jsonb,
    CONSTRAINT documents_finite CHECK ((isfinite(planned_effective_on) AND isfinite(next_review_on) AND isfinite(effective_from) AND isfinite(effective_to) AND isfinite(created_at))),
    CONSTRAINT documents_review_every_months_check CHECK ((review_every_months > 0)),
    CONSTRAINT documents_revision_check CHECK ((revision > 0))
);
ALTER TABLE ONLY qms.documents ALTER COLUMN document_number SET STATISTICS 0;
ALTER TABLE ONLY qms.documents ALTER COLUMN document_type SET STATISTICS 0;
ALTER TABLE ONLY qms.documents ALTER COLUMN change_summary SET STATISTICS 0;
ALTER TABLE ONLY qms.documents ALTER COLUMN content SET STATISTICS 0;
ALTER TABLE ONLY qms.documents ALTER COLUMN content_sha256 SET STATISTICS 0;
ALTER TABLE ONLY qms.documents ALTER COLUMN training_waiver SET STATISTICS 0;
ALTER TABLE ONLY qms.documents ALTER COLUMN obsolete_reason SET STATISTICS 0;

ALTER TABLE ONLY qms.documents FORCE ROW LEVEL SECURITY;

ALTER TABLE qms.documents OWNER TO qms_owner;

-- Name: TABLE documents; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON TABLE qms.documents IS 'Controlled documents: a row is one version; at most one version of a document is effective (ISO 13485 4.2.4).';

-- Name: COLUMN documents.structure; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON COLUMN qms.documents.structure IS 'What reading the original gave besides the content: pages [[char_start, page], ...], language, media_type, parser, ...';

-- Name: equipment; Type: TABLE; Schema: qms; Owner: qms_owner

CREATE TABLE qms.equipment (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    asset_number text,
    equipment_kind text,
    location text,
    tolerance text,
    interval_days integer,
    last_calibrated_on date,
    calibration_due_on date,
    impact_assessment text,
    impact_concluded_on date,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT equipment_finite CHECK ((isfinite(last_calibrated_on) AND isfinite(calibration_due_on) AND isfinite(impact_concluded_on) AND isfinite(created_at))),
    CONSTRAINT equipment_interval_days_check CHECK ((interval_days > 0))
);
ALTER TABLE ONLY qms.equipment ALTER COLUMN asset_number SET STATISTICS 0;
ALTER TABLE ONLY qms.equipment ALTER COLUMN equipment_kind SET STATISTICS 0;
ALTER TABLE ONLY qms.equipment ALTER COLUMN location SET STATISTICS 0;
ALTER TABLE ONLY qms.equipment ALTER COLUMN tolerance SET STATISTICS 0;
ALTER TABLE ONLY qms.equipment ALTER COLUMN impact_assessment SET STATISTICS 0;

ALTER TABLE ONLY qms.equipment FORCE ROW LEVEL SECURITY;

ALTER TABLE qms.equipment OWNER TO qms_owner;

-- Name: TABLE equipment; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON TABLE qms.equipment IS 'Measuring and production equipment and its calibration (ISO 9001 7.1.5, ISO 13485 7.6).';

-- Name: escalations; Type: TABLE; Schema: qms; Owner: qms_owner

CREATE TABLE qms.escalations (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    record_id uuid NOT NULL,
    state text NOT NULL,
    state_since timestamp with time zone NOT NULL,
    level integer NOT NULL,
    to_role text NOT NULL,
    overdue_since timestamp with time zone NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT escalations_level_check CHECK (((level >= 1) AND (level <= 9))),
    CONSTRAINT escalations_to_role_check CHECK ((to_role = ANY (ARRAY['reporter'::text, 'owner'::text, 'reviewer'::text, 'approver'::text, 'qa_approver'::text, 'mrb'::text, 'regulatory'::text, 'admin'::text])))
);

ALTER TABLE ONLY qms.escalations FORCE ROW LEVEL SECURITY;

ALTER TABLE qms.escalations OWNER TO qms_owner;

-- Name: TABLE escalations; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON TABLE qms.escalations IS 'Records that stayed in a state for longer than they may, and who was to hear of it. A due date that was moved counts anew.';

-- Name: COLUMN escalations.overdue_since; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON COLUMN qms.escalations.overdue_since IS 'The due time that passed.';

-- Name: evidence; Type: TABLE; Schema: qms; Owner: qms_owner

CREATE TABLE qms.evidence (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    record_id uuid NOT NULL,
    created_by uuid,
    created_kind text,
    kind text NOT NULL,
    title text NOT NULL,
    uri text,
    document_id uuid,
    sha256 text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT evidence_finite CHECK (isfinite(created_at)),
    CONSTRAINT evidence_sha256_check CHECK ((sha256 ~ '^[0-9a-f]{64}$'::text)),
    CONSTRAINT points_somewhere CHECK (((uri IS NOT NULL) OR (document_id IS NOT NULL) OR (sha256 IS NOT NULL)))
);
ALTER TABLE ONLY qms.evidence ALTER COLUMN created_kind SET STATISTICS 0;
ALTER TABLE ONLY qms.evidence ALTER COLUMN kind SET STATISTICS 0;
ALTER TABLE ONLY qms.evidence ALTER COLUMN title SET STATISTICS 0;
ALTER TABLE ONLY qms.evidence ALTER COLUMN uri SET STATISTICS 0;
ALTER TABLE ONLY qms.evidence ALTER COLUMN sha256 SET STATISTICS 0;

ALTER TABLE ONLY qms.evidence FORCE ROW LEVEL SECURITY;

ALTER TABLE qms.evidence OWNER TO qms_owner;

-- Name: TABLE evidence; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON TABLE qms.evidence IS 'Objective evidence of a record: where it is and its hash.';

-- Name: evidence_links; Type: TABLE; Schema: qms; Owner: qms_owner

CREATE TABLE qms.evidence_links (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    clause_id uuid NOT NULL,
    record_id uuid,
    record_version integer,
    uri text,
    note text,
    observed_on date,
    valid_until date,
    withdrawn boolean DEFAULT false NOT NULL,
    withdrawn_by uuid,
    withdrawn_at timestamp with time zone,
    added_by uuid,
    added_kind text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT evidence_links_added_kind_check CHECK ((added_kind = ANY (ARRAY['human'::text, 'agent'::text, 'system'::text]))),
    CONSTRAINT evidence_links_note_check CHECK ((length(note) <= 2000)),
    CONSTRAINT evidence_links_uri_check CHECK (((uri ~* '^(https?|urn|doi|file|s3|ftps?):[^[:space:][:cntrl:]<>"]+$'::text) AND (length(uri) <= 2000))),
    CONSTRAINT one_thing CHECK ((num_nonnulls(record_id, uri) = 1)),
    CONSTRAINT withdrawn_at_some_time CHECK ((withdrawn = (withdrawn_at IS NOT NULL)))
);
ALTER TABLE ONLY qms.evidence_links ALTER COLUMN uri SET STATISTICS 0;
ALTER TABLE ONLY qms.evidence_links ALTER COLUMN note SET STATISTICS 0;

ALTER TABLE ONLY qms.evidence_links FORCE ROW LEVEL SECURITY;

ALTER TABLE qms.evidence_links OWNER TO qms_owner;

-- Name: TABLE evidence_links; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON TABLE qms.evidence_links IS 'What somebody says is evidence for a clause: a record at the version it had then, or a place outside. Withdrawn, never deleted.';

-- Name: COLUMN evidence_links.observed_on; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON COLUMN qms.evidence_links.observed_on IS 'The day the evidence speaks of; empty: the day it was linked.';

-- Name: COLUMN evidence_links.valid_until; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON COLUMN qms.evidence_links.valid_until IS 'After this day it is stale.';

-- Name: extension_requests; Type: TABLE; Schema: qms; Owner: qms_owner

CREATE TABLE qms.extension_requests (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    target_id uuid,
    action_id uuid,
    former_due_on date,
    requested_due_on date,
    justification text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT extension_requests_finite CHECK ((isfinite(former_due_on) AND isfinite(requested_due_on) AND isfinite(created_at)))
);
ALTER TABLE ONLY qms.extension_requests ALTER COLUMN justification SET STATISTICS 0;

ALTER TABLE ONLY qms.extension_requests FORCE ROW LEVEL SECURITY;

ALTER TABLE qms.extension_requests OWNER TO qms_owner;

-- Name: TABLE extension_requests; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON TABLE qms.extension_requests IS 'Requests to move a due date: the only way the due date of a CAPA changes.';

-- Name: field_actions; Type: TABLE; Schema: qms; Owner: qms_owner

CREATE TABLE qms.field_actions (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    action_kind text,
    classification text,
    product text,
    lots text,
    quantity numeric,
    distribution text,
    reason_for_action text,
    health_hazard text,
    initiated_on date,
    report_required boolean,
    report_rationale text,
    report_due_on date,
    effectiveness_result text,
    terminated_on date,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT field_actions_action_kind_check CHECK ((action_kind = ANY (ARRAY['recall'::text, 'correction'::text, 'removal'::text, 'advisory_notice'::text, 'stock_recovery'::text]))),
    CONSTRAINT field_actions_finite CHECK (((quantity > '-Infinity'::numeric) AND (quantity < 'Infinity'::numeric) AND isfinite(initiated_on) AND isfinite(report_due_on) AND isfinite(terminated_on) AND isfinite(created_at))),
    CONSTRAINT field_actions_quantity_check CHECK ((quantity >= (0)::numeric))
);
ALTER TABLE ONLY qms.field_actions ALTER COLUMN action_kind SET STATISTICS 0;
ALTER TABLE ONLY qms.field_actions ALTER COLUMN classification SET STATISTICS 0;
ALTER TABLE ONLY qms.field_actions ALTER COLUMN product SET STATISTICS 0;
ALTER TABLE ONLY qms.field_actions ALTER COLUMN lots SET STATISTICS 0;
ALTER TABLE ONLY qms.field_actions ALTER COLUMN distribution SET STATISTICS 0;
ALTER TABLE ONLY qms.field_actions ALTER COLUMN reason_for_action SET STATISTICS 0;
ALTER TABLE ONLY qms.field_actions ALTER COLUMN health_hazard SET STATISTICS 0;
ALTER TABLE ONLY qms.field_actions ALTER COLUMN report_rationale SET STATISTICS 0;
ALTER TABLE ONLY qms.field_actions ALTER COLUMN effectiveness_result SET STATISTICS 0;

ALTER TABLE ONLY qms.field_actions FORCE ROW LEVEL SECURITY;

ALTER TABLE qms.field_actions OWNER TO qms_owner;

-- Name: TABLE field_actions; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON TABLE qms.field_actions IS 'Corrections and removals of delivered products (21 CFR 806, ISO 13485 8.3.3).';

-- Name: findings; Type: TABLE; Schema: qms; Owner: qms_owner

CREATE TABLE qms.findings (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    audit_id uuid,
    grade text,
    clause text,
    requirement text,
    objective_evidence text,
    response text,
    response_due_on date,
    verification_result text,
    capa_required boolean,
    capa_rationale text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT findings_finite CHECK ((isfinite(response_due_on) AND isfinite(created_at))),
    CONSTRAINT findings_grade_check CHECK ((grade = ANY (ARRAY['critical'::text, 'major'::text, 'minor'::text, 'opportunity'::text])))
);
ALTER TABLE ONLY qms.findings ALTER COLUMN grade SET STATISTICS 0;
ALTER TABLE ONLY qms.findings ALTER COLUMN clause SET STATISTICS 0;
ALTER TABLE ONLY qms.findings ALTER COLUMN requirement SET STATISTICS 0;
ALTER TABLE ONLY qms.findings ALTER COLUMN objective_evidence SET STATISTICS 0;
ALTER TABLE ONLY qms.findings ALTER COLUMN response SET STATISTICS 0;
ALTER TABLE ONLY qms.findings ALTER COLUMN verification_result SET STATISTICS 0;
ALTER TABLE ONLY qms.findings ALTER COLUMN capa_rationale SET STATISTICS 0;

ALTER TABLE ONLY qms.findings FORCE ROW LEVEL SECURITY;

ALTER TABLE qms.findings OWNER TO qms_owner;

-- Name: TABLE findings; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON TABLE qms.findings IS 'What an audit found, with its grade and the response.';

-- Name: frameworks; Type: TABLE; Schema: qms; Owner: qms_owner

CREATE TABLE qms.frameworks (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    key text NOT NULL,
    version text NOT NULL,
    name text NOT NULL,
    title text NOT NULL,
    publisher text NOT NULL,
    note text,
    in_force_from date NOT NULL,
    in_force_until date,
    successor_id uuid,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT frameworks_check CHECK ((in_force_until >= in_force_from)),
    CONSTRAINT frameworks_key_check CHECK ((key ~ '^[a-z][a-z0-9-]{1,40}$'::text)),
    CONSTRAINT frameworks_name_check CHECK ((btrim(name) <> ''::text)),
    CONSTRAINT frameworks_version_check CHECK ((btrim(version) <> ''::text))
);

ALTER TABLE ONLY qms.frameworks FORCE ROW LEVEL SECURITY;

ALTER TABLE qms.frameworks OWNER TO qms_owner;

-- Name: TABLE frameworks; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON TABLE qms.frameworks IS 'Standards and regulations, a row for each version. The same for every organization; a migration adds versions.';

-- Name: COLUMN frameworks.name; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON COLUMN qms.frameworks.name IS 'As people cite it, for example ISO 13485:2016.';

-- Name: COLUMN frameworks.successor_id; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON COLUMN qms.frameworks.successor_id IS 'The version or framework that took its place.';

-- Name: impact_assessments; Type: TABLE; Schema: qms; Owner: qms_owner

CREATE TABLE qms.impact_assessments (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    record_id uuid NOT NULL,
    created_by uuid,
    created_kind text,
    aspect text NOT NULL,
    affected boolean NOT NULL,
    impact text NOT NULL,
    action_needed text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT impact_assessments_aspect_check CHECK ((aspect = ANY (ARRAY['function'::text, 'performance'::text, 'usability'::text, 'safety'::text, 'regulatory'::text, 'documents'::text, 'training'::text, 'validation'::text, 'suppliers'::text, 'inventory'::text]))),
    CONSTRAINT impact_assessments_finite CHECK (isfinite(created_at))
);
ALTER TABLE ONLY qms.impact_assessments ALTER COLUMN created_kind SET STATISTICS 0;
ALTER TABLE ONLY qms.impact_assessments ALTER COLUMN aspect SET STATISTICS 0;
ALTER TABLE ONLY qms.impact_assessments ALTER COLUMN impact SET STATISTICS 0;
ALTER TABLE ONLY qms.impact_assessments ALTER COLUMN action_needed SET STATISTICS 0;

ALTER TABLE ONLY qms.impact_assessments FORCE ROW LEVEL SECURITY;

ALTER TABLE qms.impact_assessments OWNER TO qms_owner;

-- Name: TABLE impact_assessments; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON TABLE qms.impact_assessments IS 'What a change does to each aspect of the product and the system.';

-- Name: memberships; Type: TABLE; Schema: qms; Owner: qms_owner

CREATE TABLE qms.memberships (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    user_id uuid NOT NULL,
    roles text[] NOT NULL,
    valid_from timestamp with time zone DEFAULT now() NOT NULL,
    valid_to timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT memberships_check CHECK ((valid_to > valid_from)),
    CONSTRAINT memberships_roles_check CHECK (((cardinality(roles) > 0) AND (roles <@ ARRAY['reporter'::text, 'owner'::text, 'reviewer'::text, 'approver'::text, 'qa_approver'::text, 'mrb'::text, 'regulatory'::text, 'auditor'::text, 'admin'::text])))
);

ALTER TABLE ONLY qms.memberships FORCE ROW LEVEL SECURITY;

ALTER TABLE qms.memberships OWNER TO qms_owner;

-- Name: TABLE memberships; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON TABLE qms.memberships IS 'Who belongs to which organization with which roles, from when to when. History is kept: a change ends one row and begins another.';

-- Name: nonconformances; Type: TABLE; Schema: qms; Owner: qms_owner

CREATE TABLE qms.nonconformances (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    detected_on date,
    detected_at_stage text,
    area text,
    part_number text,
    lot text,
    supplier_id uuid,
    quantity_affected numeric,
    unit text,
    delivered boolean DEFAULT false NOT NULL,
    containment text,
    contained_on date,
    correction text,
    cause_category text,
    root_cause text,
    verification_result text,
    capa_required boolean,
    capa_rationale text,
    field_action_rationale text,
    cost numeric,
    currency text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT nonconformances_cause_category_check CHECK ((cause_category = ANY (ARRAY['man'::text, 'machine'::text, 'material'::text, 'method'::text, 'measurement'::text, 'environment'::text]))),
    CONSTRAINT nonconformances_cost_check CHECK ((cost >= (0)::numeric)),
    CONSTRAINT nonconformances_detected_at_stage_check CHECK ((detected_at_stage = ANY (ARRAY['incoming'::text, 'in_process'::text, 'final'::text, 'delivered'::text, 'field'::text]))),
    CONSTRAINT nonconformances_finite CHECK ((isfinite(detected_on) AND (quantity_affected > '-Infinity'::numeric) AND (quantity_affected < 'Infinity'::numeric) AND isfinite(contained_on) AND (cost > '-Infinity'::numeric) AND (cost < 'Infinity'::numeric) AND isfinite(created_at))),
    CONSTRAINT nonconformances_quantity_affected_check CHECK ((quantity_affected >= (0)::numeric))
);
ALTER TABLE ONLY qms.nonconformances ALTER COLUMN detected_at_stage SET STATISTICS 0;
ALTER TABLE ONLY qms.nonconformances ALTER COLUMN area SET STATISTICS 0;
ALTER TABLE ONLY qms.nonconformances ALTER COLUMN part_number SET STATISTICS 0;
ALTER TABLE ONLY qms.nonconformances ALTER COLUMN lot SET STATISTICS 0;
ALTER TABLE ONLY qms.nonconformances ALTER COLUMN unit SET STATISTICS 0;
ALTER TABLE ONLY qms.nonconformances ALTER COLUMN containment SET STATISTICS 0;
ALTER TABLE ONLY qms.nonconformances ALTER COLUMN correction SET STATISTICS 0;
ALTER TABLE ONLY qms.nonconformances ALTER COLUMN cause_category SET STATISTICS 0;
ALTER TABLE ONLY qms.nonconformances ALTER COLUMN root_cause SET STATISTICS 0;
ALTER TABLE ONLY qms.nonconformances ALTER COLUMN verification_result SET STATISTICS 0;
ALTER TABLE ONLY qms.nonconformances ALTER COLUMN capa_rationale SET STATISTICS 0;
ALTER TABLE ONLY qms.nonconformances ALTER COLUMN field_action_rationale SET STATISTICS 0;
ALTER TABLE ONLY qms.nonconformances ALTER COLUMN currency SET STATISTICS 0;

ALTER TABLE ONLY qms.nonconformances FORCE ROW LEVEL SECURITY;

ALTER TABLE qms.nonconformances OWNER TO qms_owner;

-- Name: TABLE nonconformances; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON TABLE qms.nonconformances IS 'Nonconformances: what was found, how it was contained and what became of it (ISO 9001 8.7, ISO 13485 8.3).';

-- Name: record_links; Type: TABLE; Schema: qms; Owner: qms_owner

CREATE TABLE qms.record_links (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    from_id uuid NOT NULL,
    to_id uuid NOT NULL,
    kind text NOT NULL,
    note text,
    created_by uuid,
    created_kind text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT not_to_itself CHECK ((from_id <> to_id)),
    CONSTRAINT record_links_kind_check CHECK ((kind = ANY (ARRAY['caused_by'::text, 'corrects'::text, 'implements'::text, 'evidences'::text, 'supersedes'::text, 'duplicates'::text, 'relates_to'::text, 'trains_on'::text, 'affects'::text])))
);
ALTER TABLE ONLY qms.record_links ALTER COLUMN kind SET STATISTICS 0;
ALTER TABLE ONLY qms.record_links ALTER COLUMN note SET STATISTICS 0;
ALTER TABLE ONLY qms.record_links ALTER COLUMN created_kind SET STATISTICS 0;

ALTER TABLE ONLY qms.record_links FORCE ROW LEVEL SECURITY;

ALTER TABLE qms.record_links OWNER TO qms_owner;

-- Name: TABLE record_links; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON TABLE qms.record_links IS 'How records hang together: the graph that is walked from a complaint to the training.';

-- Name: scars; Type: TABLE; Schema: qms; Owner: qms_owner

CREATE TABLE qms.scars (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    supplier_id uuid,
    requirement text,
    response text,
    response_due_on date,
    root_cause text,
    corrective_action text,
    verification_result text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT scars_finite CHECK ((isfinite(response_due_on) AND isfinite(created_at)))
);
ALTER TABLE ONLY qms.scars ALTER COLUMN requirement SET STATISTICS 0;
ALTER TABLE ONLY qms.scars ALTER COLUMN response SET STATISTICS 0;
ALTER TABLE ONLY qms.scars ALTER COLUMN root_cause SET STATISTICS 0;
ALTER TABLE ONLY qms.scars ALTER COLUMN corrective_action SET STATISTICS 0;
ALTER TABLE ONLY qms.scars ALTER COLUMN verification_result SET STATISTICS 0;

ALTER TABLE ONLY qms.scars FORCE ROW LEVEL SECURITY;

ALTER TABLE qms.scars OWNER TO qms_owner;

-- Name: TABLE scars; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON TABLE qms.scars IS 'Corrective action requests to suppliers.';

-- Name: trainings; Type: TABLE; Schema: qms; Owner: qms_owner

CREATE TABLE qms.trainings (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    document_id uuid,
    trainee_id uuid,
    trainer_id uuid,
    topic text,
    completed_on date,
    acknowledged_at timestamp with time zone,
    effectiveness_result text,
    waiver_reason text,
    expires_on date,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT trainings_finite CHECK ((isfinite(completed_on) AND isfinite(acknowledged_at) AND isfinite(expires_on) AND isfinite(created_at)))
);
ALTER TABLE ONLY qms.trainings ALTER COLUMN topic SET STATISTICS 0;
ALTER TABLE ONLY qms.trainings ALTER COLUMN effectiveness_result SET STATISTICS 0;
ALTER TABLE ONLY qms.trainings ALTER COLUMN waiver_reason SET STATISTICS 0;

ALTER TABLE ONLY qms.trainings FORCE ROW LEVEL SECURITY;

ALTER TABLE qms.trainings OWNER TO qms_owner;

-- Name: TABLE trainings; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON TABLE qms.trainings IS 'Training assignments, each for one version of a document (ISO 9001 7.2, ISO 13485 6.2).';

-- Name: missing_links; Type: VIEW; Schema: qms; Owner: qms_owner

CREATE VIEW qms.missing_links WITH (security_invoker='true') AS
 SELECT t.organization_id,
    t.id,
    'capa_required is set, but no CAPA is linked'::text AS missing
   FROM ( SELECT n.id,
            n.organization_id
           FROM qms.nonconformances n
          WHERE n.capa_required
        UNION ALL
         SELECT d.id,
            d.organization_id
           FROM qms.deviations d
          WHERE d.capa_required
        UNION ALL
         SELECT f.id,
            f.organization_id
           FROM qms.findings f
          WHERE f.capa_required) t
  WHERE ((NOT (EXISTS ( SELECT
           FROM (qms.record_links l
             JOIN qms.capas c ON ((l.from_id = c.id)))
          WHERE ((l.organization_id = t.organization_id) AND (l.to_id = t.id))))) AND (NOT (EXISTS ( SELECT
           FROM (qms.record_links l
             JOIN qms.capas c ON ((l.to_id = c.id)))
          WHERE ((l.organization_id = t.organization_id) AND (l.from_id = t.id))))))
UNION ALL
 SELECT c.organization_id,
    c.id,
    'no event, finding or risk is linked that it answers'::text AS missing
   FROM qms.capas c
  WHERE (NOT (EXISTS ( SELECT
           FROM qms.record_links l
          WHERE ((l.organization_id = c.organization_id) AND (l.from_id = c.id)))))
UNION ALL
 SELECT c.organization_id,
    c.id,
    'nothing is linked that it implements or affects'::text AS missing
   FROM qms.change_requests c
  WHERE (NOT (EXISTS ( SELECT
           FROM qms.record_links l
          WHERE ((l.organization_id = c.organization_id) AND (l.from_id = c.id)))))
UNION ALL
 SELECT d.organization_id,
    d.id,
    'training is required, but no training refers to it'::text AS missing
   FROM qms.documents d
  WHERE (d.training_required AND (d.training_waiver IS NULL) AND (NOT (EXISTS ( SELECT
           FROM qms.trainings t
          WHERE ((t.organization_id = d.organization_id) AND (t.document_id = d.id))))))
UNION ALL
 SELECT f.organization_id,
    f.id,
    'no audit is named (audit_id)'::text AS missing
   FROM qms.findings f
  WHERE (f.audit_id IS NULL)
UNION ALL
 SELECT t.organization_id,
    t.id,
    'no document is named (document_id)'::text AS missing
   FROM qms.trainings t
  WHERE ((t.document_id IS NULL) AND (t.topic IS NULL))
UNION ALL
 SELECT s.organization_id,
    s.id,
    'no supplier is named (supplier_id)'::text AS missing
   FROM qms.scars s
  WHERE (s.supplier_id IS NULL)
UNION ALL
 SELECT e.organization_id,
    e.id,
    'it does not say what it extends (target_id)'::text AS missing
   FROM qms.extension_requests e
  WHERE (e.target_id IS NULL)
UNION ALL
 SELECT f.organization_id,
    f.id,
    'no complaint, nonconformance or deviation is linked'::text AS missing
   FROM qms.field_actions f
  WHERE ((NOT (EXISTS ( SELECT
           FROM qms.record_links l
          WHERE ((l.organization_id = f.organization_id) AND (l.from_id = f.id))))) AND (NOT (EXISTS ( SELECT
           FROM qms.record_links l
          WHERE ((l.organization_id = f.organization_id) AND (l.to_id = f.id))))));

ALTER VIEW qms.missing_links OWNER TO qms_owner;

-- Name: VIEW missing_links; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON VIEW qms.missing_links IS 'Records that should hang together with another one and do not, and what is missing.';

-- Name: organizations; Type: TABLE; Schema: qms; Owner: qms_owner

CREATE TABLE qms.organizations (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    name text NOT NULL,
    slug text NOT NULL,
    time_zone text DEFAULT 'UTC'::text NOT NULL,
    site_calendar jsonb DEFAULT '{}'::jsonb NOT NULL,
    settings jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT organizations_name_check CHECK ((btrim(name) <> ''::text)),
    CONSTRAINT organizations_slug_check CHECK ((slug ~ '^[a-z0-9][a-z0-9-]{0,62}$'::text))
);

ALTER TABLE ONLY qms.organizations FORCE ROW LEVEL SECURITY;

ALTER TABLE qms.organizations OWNER TO qms_owner;

-- Name: TABLE organizations; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON TABLE qms.organizations IS 'The tenants: a company or a site with its own records.';

-- Name: COLUMN organizations.slug; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON COLUMN qms.organizations.slug IS 'Short name used in configuration and addresses.';

-- Name: COLUMN organizations.time_zone; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON COLUMN qms.organizations.time_zone IS 'IANA zone in which the site counts its days.';

-- Name: COLUMN organizations.site_calendar; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON COLUMN qms.organizations.site_calendar IS 'Working days and holidays of the site.';

-- Name: people; Type: TABLE; Schema: qms; Owner: qms_owner

CREATE TABLE qms.people (
    user_id uuid NOT NULL,
    printed_name text NOT NULL,
    time_zone text DEFAULT 'UTC'::text NOT NULL,
    deactivated_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT people_printed_name_check CHECK ((btrim(printed_name) <> ''::text))
);

ALTER TABLE ONLY qms.people FORCE ROW LEVEL SECURITY;

ALTER TABLE qms.people OWNER TO qms_owner;

-- Name: TABLE people; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON TABLE qms.people IS 'People as they are named on records and signatures. Deactivated, never deleted; ids are never reused.';

-- Name: record_edges; Type: VIEW; Schema: qms; Owner: qms_owner

CREATE VIEW qms.record_edges WITH (security_invoker='true') AS
 SELECT l.organization_id,
    l.from_id,
    l.to_id,
    l.kind,
    l.to_id AS upstream_id,
    l.from_id AS downstream_id
   FROM qms.record_links l
  WHERE (l.kind <> 'affects'::text)
UNION ALL
 SELECT l.organization_id,
    l.from_id,
    l.to_id,
    l.kind,
    l.from_id AS upstream_id,
    l.to_id AS downstream_id
   FROM qms.record_links l
  WHERE (l.kind = 'affects'::text)
UNION ALL
 SELECT t.organization_id,
    t.id AS from_id,
    t.supplier_id AS to_id,
    'supplied_by'::text AS kind,
    t.supplier_id AS upstream_id,
    t.id AS downstream_id
   FROM qms.nonconformances t
  WHERE (t.supplier_id IS NOT NULL)
UNION ALL
 SELECT t.organization_id,
    t.id AS from_id,
    t.replaced_by AS to_id,
    'replaced_by'::text AS kind,
    t.id AS upstream_id,
    t.replaced_by AS downstream_id
   FROM qms.documents t
  WHERE (t.replaced_by IS NOT NULL)
UNION ALL
 SELECT t.organization_id,
    t.id AS from_id,
    t.audit_id AS to_id,
    'found_in'::text AS kind,
    t.audit_id AS upstream_id,
    t.id AS downstream_id
   FROM qms.findings t
  WHERE (t.audit_id IS NOT NULL)
UNION ALL
 SELECT t.organization_id,
    t.id AS from_id,
    t.document_id AS to_id,
    'trains_on'::text AS kind,
    t.document_id AS upstream_id,
    t.id AS downstream_id
   FROM qms.trainings t
  WHERE (t.document_id IS NOT NULL)
UNION ALL
 SELECT t.organization_id,
    t.id AS from_id,
    t.supplier_id AS to_id,
    'sent_to'::text AS kind,
    t.supplier_id AS upstream_id,
    t.id AS downstream_id
   FROM qms.scars t
  WHERE (t.supplier_id IS NOT NULL)
UNION ALL
 SELECT t.organization_id,
    t.id AS from_id,
    t.target_id AS to_id,
    'extends'::text AS kind,
    t.target_id AS upstream_id,
    t.id AS downstream_id
   FROM qms.extension_requests t
  WHERE (t.target_id IS NOT NULL)
UNION ALL
 SELECT t.organization_id,
    t.record_id AS from_id,
    t.document_id AS to_id,
    'evidenced_by'::text AS kind,
    t.document_id AS upstream_id,
    t.record_id AS downstream_id
   FROM qms.evidence t
  WHERE (t.document_id IS NOT NULL);

ALTER VIEW qms.record_edges OWNER TO qms_owner;

-- Name: VIEW record_edges; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON VIEW qms.record_edges IS 'All ways records hang together: links, and the fields that name another record. upstream is what came first.';

-- Name: record_notes; Type: TABLE; Schema: qms; Owner: qms_owner

CREATE TABLE qms.record_notes (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    record_id uuid NOT NULL,
    created_by uuid,
    created_kind text,
    body text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT record_notes_finite CHECK (isfinite(created_at))
);
ALTER TABLE ONLY qms.record_notes ALTER COLUMN created_kind SET STATISTICS 0;
ALTER TABLE ONLY qms.record_notes ALTER COLUMN body SET STATISTICS 0;

ALTER TABLE ONLY qms.record_notes FORCE ROW LEVEL SECURITY;

ALTER TABLE qms.record_notes OWNER TO qms_owner;

-- Name: TABLE record_notes; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON TABLE qms.record_notes IS 'Remarks on a record, in the order in which they were made.';

-- Name: record_parts; Type: TABLE; Schema: qms; Owner: qms_owner

CREATE TABLE qms.record_parts (
    table_name text NOT NULL,
    changeable text[] NOT NULL
);

ALTER TABLE ONLY qms.record_parts FORCE ROW LEVEL SECURITY;

ALTER TABLE qms.record_parts OWNER TO qms_owner;

-- Name: TABLE record_parts; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON TABLE qms.record_parts IS 'The tables of parts, and which of their columns may change after they were added.';

-- Name: record_types; Type: TABLE; Schema: qms; Owner: qms_owner

CREATE TABLE qms.record_types (
    category text NOT NULL,
    prefix text NOT NULL,
    label text NOT NULL,
    table_name text NOT NULL
);

ALTER TABLE ONLY qms.record_types FORCE ROW LEVEL SECURITY;

ALTER TABLE qms.record_types OWNER TO qms_owner;

-- Name: TABLE record_types; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON TABLE qms.record_types IS 'The types of quality records: how they are numbered and where their own fields are.';

-- Name: required_signatures; Type: TABLE; Schema: qms; Owner: qms_owner

CREATE TABLE qms.required_signatures (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    record_id uuid NOT NULL,
    created_by uuid,
    created_kind text,
    signer_id uuid NOT NULL,
    meaning text NOT NULL,
    for_state text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT required_signatures_finite CHECK (isfinite(created_at))
);
ALTER TABLE ONLY qms.required_signatures ALTER COLUMN created_kind SET STATISTICS 0;
ALTER TABLE ONLY qms.required_signatures ALTER COLUMN meaning SET STATISTICS 0;
ALTER TABLE ONLY qms.required_signatures ALTER COLUMN for_state SET STATISTICS 0;

ALTER TABLE ONLY qms.required_signatures FORCE ROW LEVEL SECURITY;

ALTER TABLE qms.required_signatures OWNER TO qms_owner;

-- Name: TABLE required_signatures; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON TABLE qms.required_signatures IS 'Who else has to sign before the record may go to a state.';

-- Name: risk_controls; Type: TABLE; Schema: qms; Owner: qms_owner

CREATE TABLE qms.risk_controls (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    record_id uuid NOT NULL,
    created_by uuid,
    created_kind text,
    control_kind text NOT NULL,
    description text NOT NULL,
    implementation_evidence text,
    implementation_verified_on date,
    effectiveness_evidence text,
    effectiveness_verified_on date,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT risk_controls_control_kind_check CHECK ((control_kind = ANY (ARRAY['inherent_design'::text, 'protective'::text, 'information'::text, 'prevention'::text, 'detection'::text]))),
    CONSTRAINT risk_controls_finite CHECK ((isfinite(implementation_verified_on) AND isfinite(effectiveness_verified_on) AND isfinite(created_at)))
);
ALTER TABLE ONLY qms.risk_controls ALTER COLUMN created_kind SET STATISTICS 0;
ALTER TABLE ONLY qms.risk_controls ALTER COLUMN control_kind SET STATISTICS 0;
ALTER TABLE ONLY qms.risk_controls ALTER COLUMN description SET STATISTICS 0;
ALTER TABLE ONLY qms.risk_controls ALTER COLUMN implementation_evidence SET STATISTICS 0;
ALTER TABLE ONLY qms.risk_controls ALTER COLUMN effectiveness_evidence SET STATISTICS 0;

ALTER TABLE ONLY qms.risk_controls FORCE ROW LEVEL SECURITY;

ALTER TABLE qms.risk_controls OWNER TO qms_owner;

-- Name: TABLE risk_controls; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON TABLE qms.risk_controls IS 'Controls of a risk. That it is implemented and that it works are verified apart (ISO 14971 7.2).';

-- Name: risks; Type: TABLE; Schema: qms; Owner: qms_owner

CREATE TABLE qms.risks (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    method text,
    item_function text,
    failure_mode text,
    effect text,
    cause text,
    hazard text,
    hazardous_situation text,
    harm text,
    severity integer,
    occurrence integer,
    detection integer,
    rpn integer GENERATED ALWAYS AS (((severity * occurrence) * detection)) STORED,
    action_priority text,
    probability integer,
    acceptability text,
    residual_severity integer,
    residual_occurrence integer,
    residual_detection integer,
    residual_rpn integer GENERATED ALWAYS AS (((residual_severity * residual_occurrence) * residual_detection)) STORED,
    residual_priority text,
    residual_probability integer,
    residual_acceptability text,
    benefit_risk text,
    new_risks_considered text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT risks_acceptability_check CHECK ((acceptability = ANY (ARRAY['acceptable'::text, 'as_low_as_possible'::text, 'unacceptable'::text]))),
    CONSTRAINT risks_action_priority_check CHECK ((action_priority = ANY (ARRAY['H'::text, 'M'::text, 'L'::text]))),
    CONSTRAINT risks_detection_check CHECK (((detection >= 1) AND (detection <= 10))),
    CONSTRAINT risks_finite CHECK (isfinite(created_at)),
    CONSTRAINT risks_method_check CHECK ((method = ANY (ARRAY['fmea'::text, 'iso14971'::text]))),
    CONSTRAINT risks_occurrence_check CHECK (((occurrence >= 1) AND (occurrence <= 10))),
    CONSTRAINT risks_probability_check CHECK (((probability >= 1) AND (probability <= 10))),
    CONSTRAINT risks_residual_acceptability_check CHECK ((residual_acceptability = ANY (ARRAY['acceptable'::text, 'as_low_as_possible'::text, 'unacceptable'::text]))),
    CONSTRAINT risks_residual_detection_check CHECK (((residual_detection >= 1) AND (residual_detection <= 10))),
    CONSTRAINT risks_residual_occurrence_check CHECK (((residual_occurrence >= 1) AND (residual_occurrence <= 10))),
    CONSTRAINT risks_residual_priority_check CHECK ((residual_priority = ANY (ARRAY['H'::text, 'M'::text, 'L'::text]))),
    CONSTRAINT risks_residual_probability_check CHECK (((residual_probability >= 1) AND (residual_probability <= 10))),
    CONSTRAINT risks_residual_severity_check CHECK (((residual_severity >= 1) AND (residual_severity <= 10))),
    CONSTRAINT risks_severity_check CHECK (((severity >= 1) AND (severity <= 10)))
);
ALTER TABLE ONLY qms.risks ALTER COLUMN method SET STATISTICS 0;
ALTER TABLE ONLY qms.risks ALTER COLUMN item_function SET STATISTICS 0;
ALTER TABLE ONLY qms.risks ALTER COLUMN failure_mode SET STATISTICS 0;
ALTER TABLE ONLY qms.risks ALTER COLUMN effect SET STATISTICS 0;
ALTER TABLE ONLY qms.risks ALTER COLUMN cause SET STATISTICS 0;
ALTER TABLE ONLY qms.risks ALTER COLUMN hazard SET STATISTICS 0;
ALTER TABLE ONLY qms.risks ALTER COLUMN hazardous_situation SET STATISTICS 0;
ALTER TABLE ONLY qms.risks ALTER COLUMN harm SET STATISTICS 0;
ALTER TABLE ONLY qms.risks ALTER COLUMN action_priority SET STATISTICS 0;
ALTER TABLE ONLY qms.risks ALTER COLUMN acceptability SET STATISTICS 0;
ALTER TABLE ONLY qms.risks ALTER COLUMN residual_priority SET STATISTICS 0;
ALTER TABLE ONLY qms.risks ALTER COLUMN residual_acceptability SET STATISTICS 0;
ALTER TABLE ONLY qms.risks ALTER COLUMN benefit_risk SET STATISTICS 0;
ALTER TABLE ONLY qms.risks ALTER COLUMN new_risks_considered SET STATISTICS 0;

ALTER TABLE ONLY qms.risks FORCE ROW LEVEL SECURITY;

ALTER TABLE qms.risks OWNER TO qms_owner;

-- Name: TABLE risks; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON TABLE qms.risks IS 'Risk items: an FMEA line or the chain from hazard to harm of ISO 14971.';

-- Name: root_causes; Type: TABLE; Schema: qms; Owner: qms_owner

CREATE TABLE qms.root_causes (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    record_id uuid NOT NULL,
    created_by uuid,
    created_kind text,
    cycle integer DEFAULT 1 NOT NULL,
    method text NOT NULL,
    parent_id uuid,
    ordinal integer DEFAULT 1 NOT NULL,
    statement text NOT NULL,
    detail jsonb,
    cause_category text,
    is_root_cause boolean DEFAULT false NOT NULL,
    evidence jsonb DEFAULT '[]'::jsonb NOT NULL,
    withdrawn_reason text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT a_root_cause_has_evidence CHECK (((NOT is_root_cause) OR (jsonb_array_length(evidence) > 0))),
    CONSTRAINT root_causes_cause_category_check CHECK ((cause_category = ANY (ARRAY['man'::text, 'machine'::text, 'material'::text, 'method'::text, 'measurement'::text, 'environment'::text]))),
    CONSTRAINT root_causes_finite CHECK (isfinite(created_at)),
    CONSTRAINT root_causes_method_check CHECK ((method = ANY (ARRAY['five_whys'::text, 'fishbone'::text, 'is_is_not'::text, 'fault_tree'::text])))
);
ALTER TABLE ONLY qms.root_causes ALTER COLUMN created_kind SET STATISTICS 0;
ALTER TABLE ONLY qms.root_causes ALTER COLUMN method SET STATISTICS 0;
ALTER TABLE ONLY qms.root_causes ALTER COLUMN statement SET STATISTICS 0;
ALTER TABLE ONLY qms.root_causes ALTER COLUMN detail SET STATISTICS 0;
ALTER TABLE ONLY qms.root_causes ALTER COLUMN cause_category SET STATISTICS 0;
ALTER TABLE ONLY qms.root_causes ALTER COLUMN evidence SET STATISTICS 0;
ALTER TABLE ONLY qms.root_causes ALTER COLUMN withdrawn_reason SET STATISTICS 0;

ALTER TABLE ONLY qms.root_causes FORCE ROW LEVEL SECURITY;

ALTER TABLE qms.root_causes OWNER TO qms_owner;

-- Name: TABLE root_causes; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON TABLE qms.root_causes IS 'The analysis of causes as a tree: 5 Whys, fishbone, is/is-not, fault tree. A root cause has evidence.';

-- Name: security_reports; Type: TABLE; Schema: qms; Owner: qms_owner

CREATE TABLE qms.security_reports (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    kind text NOT NULL,
    user_id uuid NOT NULL,
    details jsonb DEFAULT '{}'::jsonb NOT NULL,
    acknowledged_by uuid,
    acknowledged_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT acknowledged_by_someone CHECK (((acknowledged_by IS NULL) = (acknowledged_at IS NULL))),
    CONSTRAINT security_reports_kind_check CHECK ((kind = 'locked_out'::text))
);

ALTER TABLE ONLY qms.security_reports FORCE ROW LEVEL SECURITY;

ALTER TABLE qms.security_reports OWNER TO qms_owner;

-- Name: TABLE security_reports; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON TABLE qms.security_reports IS 'What those who answer for access have to see at once: a person locked out after wrong passwords.';

-- Name: suppliers; Type: TABLE; Schema: qms; Owner: qms_owner

CREATE TABLE qms.suppliers (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    supplier_code text,
    contact text,
    country text,
    supplied_scope text,
    approval_basis text,
    score numeric,
    evaluated_on date,
    reevaluation_due_on date,
    certificates jsonb,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT suppliers_finite CHECK (((score > '-Infinity'::numeric) AND (score < 'Infinity'::numeric) AND isfinite(evaluated_on) AND isfinite(reevaluation_due_on) AND isfinite(created_at))),
    CONSTRAINT suppliers_score_check CHECK (((score >= (0)::numeric) AND (score <= (100)::numeric)))
);
ALTER TABLE ONLY qms.suppliers ALTER COLUMN supplier_code SET STATISTICS 0;
ALTER TABLE ONLY qms.suppliers ALTER COLUMN contact SET STATISTICS 0;
ALTER TABLE ONLY qms.suppliers ALTER COLUMN country SET STATISTICS 0;
ALTER TABLE ONLY qms.suppliers ALTER COLUMN supplied_scope SET STATISTICS 0;
ALTER TABLE ONLY qms.suppliers ALTER COLUMN approval_basis SET STATISTICS 0;
ALTER TABLE ONLY qms.suppliers ALTER COLUMN certificates SET STATISTICS 0;

ALTER TABLE ONLY qms.suppliers FORCE ROW LEVEL SECURITY;

ALTER TABLE qms.suppliers OWNER TO qms_owner;

-- Name: TABLE suppliers; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON TABLE qms.suppliers IS 'The approved supplier list (ISO 9001 8.4.1, ISO 13485 7.4.1).';

-- Name: transform_drafts; Type: TABLE; Schema: qms; Owner: qms_owner

CREATE TABLE qms.transform_drafts (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    statement text NOT NULL,
    parameters jsonb DEFAULT '[]'::jsonb NOT NULL,
    content text NOT NULL,
    sha256 text NOT NULL,
    target text NOT NULL,
    rows_expected bigint NOT NULL,
    preview jsonb NOT NULL,
    reason text NOT NULL,
    drafted_by uuid NOT NULL,
    drafted_kind text NOT NULL,
    state text DEFAULT 'draft'::text NOT NULL,
    applied_at timestamp with time zone,
    rows_changed bigint,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT applied_is_whole CHECK (((state = 'applied'::text) = (applied_at IS NOT NULL))),
    CONSTRAINT as_many_as_previewed CHECK (((rows_changed IS NULL) OR (rows_changed = rows_expected))),
    CONSTRAINT content_is_what_runs CHECK ((content = ((statement || '
-- parameters: '::text) || (parameters)::text))),
    CONSTRAINT transform_drafts_check CHECK ((sha256 = encode(sha256(convert_to(content, 'UTF8'::name)), 'hex'::text))),
    CONSTRAINT transform_drafts_drafted_kind_check CHECK ((drafted_kind = ANY (ARRAY['human'::text, 'agent'::text, 'system'::text]))),
    CONSTRAINT transform_drafts_rows_expected_check CHECK ((rows_expected > 0)),
    CONSTRAINT transform_drafts_state_check CHECK ((state = ANY (ARRAY['draft'::text, 'applied'::text]))),
    CONSTRAINT transform_drafts_statement_check CHECK ((btrim(statement) <> ''::text))
);

ALTER TABLE ONLY qms.transform_drafts FORCE ROW LEVEL SECURITY;

ALTER TABLE qms.transform_drafts OWNER TO qms_owner;

-- Name: TABLE transform_drafts; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON TABLE qms.transform_drafts IS 'Changes of data through SQL that somebody proposed, with a preview.';

-- Name: COLUMN transform_drafts.content; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON COLUMN qms.transform_drafts.content IS 'Statement and parameters as one text: what a person is shown and approves.';

-- Name: COLUMN transform_drafts.rows_expected; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON COLUMN qms.transform_drafts.rows_expected IS 'How many rows the preview changed. Another number when it is applied is refused.';

-- Name: transitions; Type: TABLE; Schema: qms; Owner: qms_owner

CREATE TABLE qms.transitions (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    record_id uuid NOT NULL,
    record_version integer NOT NULL,
    name text NOT NULL,
    from_state text,
    to_state text NOT NULL,
    reason text NOT NULL,
    by_id uuid,
    by_kind text NOT NULL,
    definition_id uuid NOT NULL,
    approval_id uuid,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);
ALTER TABLE ONLY qms.transitions ALTER COLUMN reason SET STATISTICS 0;

ALTER TABLE ONLY qms.transitions FORCE ROW LEVEL SECURITY;

ALTER TABLE qms.transitions OWNER TO qms_owner;

-- Name: TABLE transitions; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON TABLE qms.transitions IS 'Each step a record took from state to state: the only way its state changes.';

-- Name: workflow_drafts; Type: TABLE; Schema: qms; Owner: qms_owner

CREATE TABLE qms.workflow_drafts (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    category text NOT NULL,
    based_on integer NOT NULL,
    body jsonb NOT NULL,
    reason text NOT NULL,
    drafted_by uuid NOT NULL,
    drafted_kind text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT workflow_drafts_drafted_kind_check CHECK ((drafted_kind = ANY (ARRAY['human'::text, 'agent'::text, 'system'::text]))),
    CONSTRAINT workflow_drafts_reason_check CHECK ((length(btrim(reason)) >= 10))
);

ALTER TABLE ONLY qms.workflow_drafts FORCE ROW LEVEL SECURITY;

ALTER TABLE qms.workflow_drafts OWNER TO qms_owner;

-- Name: TABLE workflow_drafts; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON TABLE qms.workflow_drafts IS 'Changes of a state machine somebody proposed; they count once a person approved them.';

-- Name: approval_links; Type: TABLE; Schema: qms_private; Owner: qms_owner

CREATE TABLE qms_private.approval_links (
    token_sha256 bytea NOT NULL,
    approval_id uuid NOT NULL,
    made_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    followed_at timestamp with time zone,
    CONSTRAINT approval_links_token_sha256_check CHECK ((length(token_sha256) = 32))
);

ALTER TABLE qms_private.approval_links OWNER TO qms_owner;

-- Name: TABLE approval_links; Type: COMMENT; Schema: qms_private; Owner: qms_owner

COMMENT ON TABLE qms_private.approval_links IS 'Links to the approval page, each good for one visit.';

-- Name: credentials; Type: TABLE; Schema: qms_private; Owner: qms_owner

CREATE TABLE qms_private.credentials (
    user_id uuid NOT NULL,
    password_hash text NOT NULL,
    failed_tries integer DEFAULT 0 NOT NULL,
    locked_until timestamp with time zone,
    changed_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT credentials_failed_tries_check CHECK ((failed_tries >= 0)),
    CONSTRAINT credentials_password_hash_check CHECK ((password_hash ~~ '$argon2id$%'::text))
);

ALTER TABLE qms_private.credentials OWNER TO qms_owner;

-- Name: TABLE credentials; Type: COMMENT; Schema: qms_private; Owner: qms_owner

COMMENT ON TABLE qms_private.credentials IS 'Password hashes for approvals. No role of the server can read this table.';

-- Name: guards; Type: TABLE; Schema: qms_private; Owner: qms_owner

CREATE TABLE qms_private.guards (
    name text NOT NULL,
    about text NOT NULL,
    meaning text NOT NULL,
    CONSTRAINT guards_about_check CHECK ((about = ANY (ARRAY['record'::text, 'person'::text]))),
    CONSTRAINT guards_name_check CHECK ((name ~ '^[a-z][a-z_]*$'::text))
);

ALTER TABLE qms_private.guards OWNER TO qms_owner;

-- Name: TABLE guards; Type: COMMENT; Schema: qms_private; Owner: qms_owner

COMMENT ON TABLE qms_private.guards IS 'The conditions a transition can name: qms_private.guard_<name>. About the record, or about the person who acts.';

-- Name: identity_key; Type: TABLE; Schema: qms_private; Owner: qms_owner

CREATE TABLE qms_private.identity_key (
    singleton boolean DEFAULT true NOT NULL,
    inner_pad bytea NOT NULL,
    outer_pad bytea NOT NULL,
    CONSTRAINT identity_key_singleton_check CHECK (singleton)
);

ALTER TABLE qms_private.identity_key OWNER TO qms_owner;

-- Name: TABLE identity_key; Type: COMMENT; Schema: qms_private; Owner: qms_owner

COMMENT ON TABLE qms_private.identity_key IS 'HMAC-SHA-256 key (RFC 2104), kept as its two padded blocks.';

-- Name: record_numbers; Type: TABLE; Schema: qms_private; Owner: qms_owner

CREATE TABLE qms_private.record_numbers (
    organization_id uuid NOT NULL,
    prefix text NOT NULL,
    year integer NOT NULL,
    last_number integer NOT NULL
);

ALTER TABLE ONLY qms_private.record_numbers FORCE ROW LEVEL SECURITY;

ALTER TABLE qms_private.record_numbers OWNER TO qms_owner;

-- Name: TABLE record_numbers; Type: COMMENT; Schema: qms_private; Owner: qms_owner

COMMENT ON TABLE qms_private.record_numbers IS 'The last number given, per type and year: gap-free, because it is given in the transaction that adds the record.';

-- Name: trail_heads; Type: TABLE; Schema: qms_private; Owner: qms_owner

CREATE TABLE qms_private.trail_heads (
    organization_id uuid NOT NULL,
    seq bigint NOT NULL,
    row_hash text NOT NULL
);

ALTER TABLE ONLY qms_private.trail_heads FORCE ROW LEVEL SECURITY;

ALTER TABLE qms_private.trail_heads OWNER TO qms_owner;

-- Name: TABLE trail_heads; Type: COMMENT; Schema: qms_private; Owner: qms_owner

COMMENT ON TABLE qms_private.trail_heads IS 'The last entry of each chain. Its row is the lock that makes writers take turns.';

-- Name: chunks_id_seq; Type: SEQUENCE; Schema: search; Owner: qms_owner

ALTER TABLE search.chunks ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME search.chunks_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: corpora; Type: TABLE; Schema: search; Owner: qms_owner

CREATE TABLE search.corpora (
    organization_id uuid NOT NULL,
    languages text[] DEFAULT '{}'::text[] NOT NULL,
    counted bigint,
    last_chunk bigint,
    counted_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE ONLY search.corpora FORCE ROW LEVEL SECURITY;

ALTER TABLE search.corpora OWNER TO qms_owner;

-- Name: TABLE corpora; Type: COMMENT; Schema: search; Owner: qms_owner

COMMENT ON TABLE search.corpora IS 'The collection of each organization: its languages, and when its terms were counted last (counted pieces, up to last_chunk).';

-- Name: embedding_jobs; Type: TABLE; Schema: search; Owner: qms_owner

CREATE TABLE search.embedding_jobs (
    chunk_id bigint NOT NULL,
    model_id smallint NOT NULL,
    organization_id uuid NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    not_before timestamp with time zone DEFAULT now() NOT NULL,
    leased_by text,
    leased_until timestamp with time zone,
    last_error text,
    dead boolean DEFAULT false NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE ONLY search.embedding_jobs FORCE ROW LEVEL SECURITY;

ALTER TABLE search.embedding_jobs OWNER TO qms_owner;

-- Name: TABLE embedding_jobs; Type: COMMENT; Schema: search; Owner: qms_owner

COMMENT ON TABLE search.embedding_jobs IS 'Pieces that wait for their vector: leased to a worker for a while, tried again later, set aside as dead with the last error.';

-- Name: embedding_models; Type: TABLE; Schema: search; Owner: qms_owner

CREATE TABLE search.embedding_models (
    id smallint NOT NULL,
    key text NOT NULL,
    provider text NOT NULL,
    model text NOT NULL,
    dims integer NOT NULL,
    query_prefix text DEFAULT ''::text NOT NULL,
    document_prefix text DEFAULT ''::text NOT NULL,
    base_url text,
    state text DEFAULT 'filling'::text NOT NULL,
    activated_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT embedding_models_dims_check CHECK (((dims >= 1) AND (dims <= 4000))),
    CONSTRAINT embedding_models_key_check CHECK ((key ~ '^[a-z0-9][a-z0-9._-]{0,60}$'::text)),
    CONSTRAINT embedding_models_provider_check CHECK ((provider = ANY (ARRAY['local'::text, 'voyage'::text, 'openai'::text, 'compatible'::text, 'given'::text]))),
    CONSTRAINT embedding_models_state_check CHECK ((state = ANY (ARRAY['filling'::text, 'active'::text, 'retired'::text])))
);

ALTER TABLE ONLY search.embedding_models FORCE ROW LEVEL SECURITY;

ALTER TABLE search.embedding_models OWNER TO qms_owner;

-- Name: TABLE embedding_models; Type: COMMENT; Schema: search; Owner: qms_owner

COMMENT ON TABLE search.embedding_models IS 'Models that make vectors. One is active, another may be filled to replace it; provider given means that callers bring vectors.';

-- Name: embedding_models_id_seq; Type: SEQUENCE; Schema: search; Owner: qms_owner

ALTER TABLE search.embedding_models ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME search.embedding_models_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: embedding_usage; Type: TABLE; Schema: search; Owner: qms_owner

CREATE TABLE search.embedding_usage (
    organization_id uuid NOT NULL,
    model_key text NOT NULL,
    day date DEFAULT ((now() AT TIME ZONE 'UTC'::text))::date NOT NULL,
    requests bigint DEFAULT 0 NOT NULL,
    tokens bigint DEFAULT 0 NOT NULL,
    cost numeric DEFAULT 0 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE ONLY search.embedding_usage FORCE ROW LEVEL SECURITY;

ALTER TABLE search.embedding_usage OWNER TO qms_owner;

-- Name: TABLE embedding_usage; Type: COMMENT; Schema: search; Owner: qms_owner

COMMENT ON TABLE search.embedding_usage IS 'What vectors of a provider cost each day (UTC): requests, tokens, money in US dollars.';

-- Name: embeddings_m1; Type: TABLE; Schema: search; Owner: qms_owner

CREATE TABLE search.embeddings_m1 (
    chunk_id bigint CONSTRAINT embeddings_by_model_chunk_id_not_null NOT NULL,
    model_id smallint CONSTRAINT embeddings_by_model_model_id_not_null NOT NULL,
    organization_id uuid CONSTRAINT embeddings_by_model_organization_id_not_null NOT NULL,
    content_type text CONSTRAINT embeddings_by_model_content_type_not_null NOT NULL,
    is_current boolean CONSTRAINT embeddings_by_model_is_current_not_null NOT NULL,
    content_sha bytea CONSTRAINT embeddings_by_model_content_sha_not_null NOT NULL,
    embedding extensions.halfvec CONSTRAINT embeddings_by_model_embedding_not_null NOT NULL,
    created_at timestamp with time zone DEFAULT now() CONSTRAINT embeddings_by_model_created_at_not_null NOT NULL,
    CONSTRAINT dims CHECK ((extensions.vector_dims(embedding) = 384))
);
ALTER TABLE ONLY search.embeddings_m1 ALTER COLUMN embedding SET STORAGE PLAIN;

ALTER TABLE ONLY search.embeddings_m1 FORCE ROW LEVEL SECURITY;

ALTER TABLE search.embeddings_m1 OWNER TO qms_owner;

-- Name: embeddings_m2; Type: TABLE; Schema: search; Owner: qms_owner

CREATE TABLE search.embeddings_m2 (
    chunk_id bigint CONSTRAINT embeddings_by_model_chunk_id_not_null NOT NULL,
    model_id smallint CONSTRAINT embeddings_by_model_model_id_not_null NOT NULL,
    organization_id uuid CONSTRAINT embeddings_by_model_organization_id_not_null NOT NULL,
    content_type text CONSTRAINT embeddings_by_model_content_type_not_null NOT NULL,
    is_current boolean CONSTRAINT embeddings_by_model_is_current_not_null NOT NULL,
    content_sha bytea CONSTRAINT embeddings_by_model_content_sha_not_null NOT NULL,
    embedding extensions.halfvec CONSTRAINT embeddings_by_model_embedding_not_null NOT NULL,
    created_at timestamp with time zone DEFAULT now() CONSTRAINT embeddings_by_model_created_at_not_null NOT NULL,
    CONSTRAINT dims CHECK ((extensions.vector_dims(embedding) = 1536))
);
ALTER TABLE ONLY search.embeddings_m2 ALTER COLUMN embedding SET STORAGE PLAIN;

ALTER TABLE ONLY search.embeddings_m2 FORCE ROW LEVEL SECURITY;

ALTER TABLE search.embeddings_m2 OWNER TO qms_owner;

-- Name: term_stats; Type: TABLE; Schema: search; Owner: qms_owner

CREATE TABLE search.term_stats (
    organization_id uuid NOT NULL,
    lexeme text NOT NULL,
    chunk_count integer NOT NULL,
    trigrams text[],
    created_at timestamp with time zone DEFAULT now() NOT NULL
);
ALTER TABLE ONLY search.term_stats ALTER COLUMN lexeme SET STATISTICS 0;
ALTER TABLE ONLY search.term_stats ALTER COLUMN trigrams SET STATISTICS 0;

ALTER TABLE ONLY search.term_stats FORCE ROW LEVEL SECURITY;

ALTER TABLE search.term_stats OWNER TO qms_owner;

-- Name: TABLE term_stats; Type: COMMENT; Schema: search; Owner: qms_owner

COMMENT ON TABLE search.term_stats IS 'In how many pieces of its organization a term occurs, and the groups of three letters a misspelling is recognised by.';

-- Name: embeddings_m1; Type: TABLE ATTACH; Schema: search; Owner: qms_owner

ALTER TABLE ONLY search.embeddings_by_model ATTACH PARTITION search.embeddings_m1 FOR VALUES IN ('1');

-- Name: embeddings_m2; Type: TABLE ATTACH; Schema: search; Owner: qms_owner

ALTER TABLE ONLY search.embeddings_by_model ATTACH PARTITION search.embeddings_m2 FOR VALUES IN ('2');

-- Name: agent_runs agent_runs_organization_id_id_key; Type: CONSTRAINT; Schema: agents; Owner: qms_owner

ALTER TABLE ONLY agents.agent_runs
    ADD CONSTRAINT agent_runs_organization_id_id_key UNIQUE (organization_id, id);

-- Name: agent_runs agent_runs_pkey; Type: CONSTRAINT; Schema: agents; Owner: qms_owner

ALTER TABLE ONLY agents.agent_runs
    ADD CONSTRAINT agent_runs_pkey PRIMARY KEY (id);

-- Name: agent_traces agent_traces_pkey; Type: CONSTRAINT; Schema: agents; Owner: qms_owner

ALTER TABLE ONLY agents.agent_traces
    ADD CONSTRAINT agent_traces_pkey PRIMARY KEY (id);

-- Name: context_state context_state_pkey; Type: CONSTRAINT; Schema: agents; Owner: qms_owner

ALTER TABLE ONLY agents.context_state
    ADD CONSTRAINT context_state_pkey PRIMARY KEY (id);

-- Name: context_state context_state_run_id_step_key; Type: CONSTRAINT; Schema: agents; Owner: qms_owner

ALTER TABLE ONLY agents.context_state
    ADD CONSTRAINT context_state_run_id_step_key UNIQUE (run_id, step);

-- Name: decisions decisions_pkey; Type: CONSTRAINT; Schema: agents; Owner: qms_owner

ALTER TABLE ONLY agents.decisions
    ADD CONSTRAINT decisions_pkey PRIMARY KEY (id);

-- Name: otlp_outbox otlp_outbox_call_id_key; Type: CONSTRAINT; Schema: agents; Owner: qms_owner

ALTER TABLE ONLY agents.otlp_outbox
    ADD CONSTRAINT otlp_outbox_call_id_key UNIQUE (call_id);

-- Name: otlp_outbox otlp_outbox_pkey; Type: CONSTRAINT; Schema: agents; Owner: qms_owner

ALTER TABLE ONLY agents.otlp_outbox
    ADD CONSTRAINT otlp_outbox_pkey PRIMARY KEY (id);

-- Name: tool_calls tool_calls_pkey; Type: CONSTRAINT; Schema: agents; Owner: qms_owner

ALTER TABLE ONLY agents.tool_calls
    ADD CONSTRAINT tool_calls_pkey PRIMARY KEY (id);

-- Name: users users_email_key; Type: CONSTRAINT; Schema: auth; Owner: qms_owner

ALTER TABLE ONLY auth.users
    ADD CONSTRAINT users_email_key UNIQUE (email);

-- Name: users users_pkey; Type: CONSTRAINT; Schema: auth; Owner: qms_owner

ALTER TABLE ONLY auth.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (id);

-- Name: drift_metrics drift_metrics_pkey; Type: CONSTRAINT; Schema: ml_loop; Owner: qms_owner

ALTER TABLE ONLY ml_loop.drift_metrics
    ADD CONSTRAINT drift_metrics_pkey PRIMARY KEY (id);

-- Name: eval_results eval_results_pkey; Type: CONSTRAINT; Schema: ml_loop; Owner: qms_owner

ALTER TABLE ONLY ml_loop.eval_results
    ADD CONSTRAINT eval_results_pkey PRIMARY KEY (id);

-- Name: feedback_loop feedback_loop_pkey; Type: CONSTRAINT; Schema: ml_loop; Owner: qms_owner

ALTER TABLE ONLY ml_loop.feedback_loop
    ADD CONSTRAINT feedback_loop_pkey PRIMARY KEY (id);

-- Name: model_versions model_versions_organization_id_id_key; Type: CONSTRAINT; Schema: ml_loop; Owner: qms_owner

ALTER TABLE ONLY ml_loop.model_versions
    ADD CONSTRAINT model_versions_organization_id_id_key UNIQUE (organization_id, id);

-- Name: model_versions model_versions_organization_id_model_name_version_key; Type: CONSTRAINT; Schema: ml_loop; Owner: qms_owner

ALTER TABLE ONLY ml_loop.model_versions
    ADD CONSTRAINT model_versions_organization_id_model_name_version_key UNIQUE (organization_id, model_name, version);

-- Name: model_versions model_versions_pkey; Type: CONSTRAINT; Schema: ml_loop; Owner: qms_owner

ALTER TABLE ONLY ml_loop.model_versions
    ADD CONSTRAINT model_versions_pkey PRIMARY KEY (id);

-- Name: training_data training_data_pkey; Type: CONSTRAINT; Schema: ml_loop; Owner: qms_owner

ALTER TABLE ONLY ml_loop.training_data
    ADD CONSTRAINT training_data_pkey PRIMARY KEY (id);

-- Name: approvals approvals_pkey; Type: CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.approvals
    ADD CONSTRAINT approvals_pkey PRIMARY KEY (id);

-- Name: audit_anchors audit_anchors_pkey; Type: CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.audit_anchors
    ADD CONSTRAINT audit_anchors_pkey PRIMARY KEY (id);

-- Name: audit_logs audit_logs_pkey; Type: CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.audit_logs
    ADD CONSTRAINT audit_logs_pkey PRIMARY KEY (id);

-- Name: audit_logs audit_logs_place; Type: CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.audit_logs
    ADD CONSTRAINT audit_logs_place UNIQUE (organization_id, seq);

-- Name: audits audits_pkey; Type: CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.audits
    ADD CONSTRAINT audits_pkey PRIMARY KEY (id);

-- Name: calibrations calibrations_pkey; Type: CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.calibrations
    ADD CONSTRAINT calibrations_pkey PRIMARY KEY (id);

-- Name: capa_actions capa_actions_pkey; Type: CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.capa_actions
    ADD CONSTRAINT capa_actions_pkey PRIMARY KEY (id);

-- Name: capas capas_pkey; Type: CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.capas
    ADD CONSTRAINT capas_pkey PRIMARY KEY (id);

-- Name: change_requests change_requests_pkey; Type: CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.change_requests
    ADD CONSTRAINT change_requests_pkey PRIMARY KEY (id);

-- Name: clause_evidence_rules clause_evidence_rules_clause_id_source_category_key; Type: CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.clause_evidence_rules
    ADD CONSTRAINT clause_evidence_rules_clause_id_source_category_key UNIQUE NULLS NOT DISTINCT (clause_id, source, category);

-- Name: clause_evidence_rules clause_evidence_rules_pkey; Type: CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.clause_evidence_rules
    ADD CONSTRAINT clause_evidence_rules_pkey PRIMARY KEY (id);

-- Name: clause_map clause_map_from_clause_id_to_clause_id_key; Type: CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.clause_map
    ADD CONSTRAINT clause_map_from_clause_id_to_clause_id_key UNIQUE (from_clause_id, to_clause_id);

-- Name: clause_map clause_map_pkey; Type: CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.clause_map
    ADD CONSTRAINT clause_map_pkey PRIMARY KEY (id);

-- Name: clauses clauses_framework_id_number_key; Type: CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.clauses
    ADD CONSTRAINT clauses_framework_id_number_key UNIQUE (framework_id, number);

-- Name: clauses clauses_pkey; Type: CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.clauses
    ADD CONSTRAINT clauses_pkey PRIMARY KEY (id);

-- Name: complaints complaints_pkey; Type: CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.complaints
    ADD CONSTRAINT complaints_pkey PRIMARY KEY (id);

-- Name: compliance_records compliance_records_pkey; Type: CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.compliance_records
    ADD CONSTRAINT compliance_records_pkey PRIMARY KEY (id);

-- Name: deviations deviations_pkey; Type: CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.deviations
    ADD CONSTRAINT deviations_pkey PRIMARY KEY (id);

-- Name: dispositions dispositions_pkey; Type: CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.dispositions
    ADD CONSTRAINT dispositions_pkey PRIMARY KEY (id);

-- Name: document_files document_files_pkey; Type: CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.document_files
    ADD CONSTRAINT document_files_pkey PRIMARY KEY (id);

-- Name: documents documents_pkey; Type: CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.documents
    ADD CONSTRAINT documents_pkey PRIMARY KEY (id);

-- Name: documents documents_revision; Type: CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.documents
    ADD CONSTRAINT documents_revision UNIQUE (organization_id, document_number, revision);

-- Name: effectiveness_checks effectiveness_checks_pkey; Type: CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.effectiveness_checks
    ADD CONSTRAINT effectiveness_checks_pkey PRIMARY KEY (id);

-- Name: equipment equipment_pkey; Type: CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.equipment
    ADD CONSTRAINT equipment_pkey PRIMARY KEY (id);

-- Name: escalations escalations_organization_id_record_id_state_since_overdue_s_key; Type: CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.escalations
    ADD CONSTRAINT escalations_organization_id_record_id_state_since_overdue_s_key UNIQUE (organization_id, record_id, state_since, overdue_since, level);

-- Name: escalations escalations_pkey; Type: CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.escalations
    ADD CONSTRAINT escalations_pkey PRIMARY KEY (id);

-- Name: evidence_links evidence_links_pkey; Type: CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.evidence_links
    ADD CONSTRAINT evidence_links_pkey PRIMARY KEY (id);

-- Name: evidence evidence_pkey; Type: CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.evidence
    ADD CONSTRAINT evidence_pkey PRIMARY KEY (id);

-- Name: extension_requests extension_requests_pkey; Type: CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.extension_requests
    ADD CONSTRAINT extension_requests_pkey PRIMARY KEY (id);

-- Name: field_actions field_actions_pkey; Type: CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.field_actions
    ADD CONSTRAINT field_actions_pkey PRIMARY KEY (id);

-- Name: findings findings_pkey; Type: CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.findings
    ADD CONSTRAINT findings_pkey PRIMARY KEY (id);

-- Name: frameworks frameworks_key_version_key; Type: CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.frameworks
    ADD CONSTRAINT frameworks_key_version_key UNIQUE (key, version);

-- Name: frameworks frameworks_name_key; Type: CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.frameworks
    ADD CONSTRAINT frameworks_name_key UNIQUE (name);

-- Name: frameworks frameworks_pkey; Type: CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.frameworks
    ADD CONSTRAINT frameworks_pkey PRIMARY KEY (id);

-- Name: impact_assessments impact_assessments_pkey; Type: CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.impact_assessments
    ADD CONSTRAINT impact_assessments_pkey PRIMARY KEY (id);

-- Name: memberships memberships_pkey; Type: CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.memberships
    ADD CONSTRAINT memberships_pkey PRIMARY KEY (id);

-- Name: migration_drafts migration_drafts_pkey; Type: CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.migration_drafts
    ADD CONSTRAINT migration_drafts_pkey PRIMARY KEY (id);

-- Name: migration_drafts migration_drafts_version_key; Type: CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.migration_drafts
    ADD CONSTRAINT migration_drafts_version_key UNIQUE (version);

-- Name: nonconformances nonconformances_pkey; Type: CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.nonconformances
    ADD CONSTRAINT nonconformances_pkey PRIMARY KEY (id);

-- Name: organizations organizations_pkey; Type: CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.organizations
    ADD CONSTRAINT organizations_pkey PRIMARY KEY (id);

-- Name: organizations organizations_slug_key; Type: CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.organizations
    ADD CONSTRAINT organizations_slug_key UNIQUE (slug);

-- Name: people people_pkey; Type: CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.people
    ADD CONSTRAINT people_pkey PRIMARY KEY (user_id);

-- Name: quality_items quality_items_organization_id_id_key; Type: CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.quality_items
    ADD CONSTRAINT quality_items_organization_id_id_key UNIQUE (organization_id, id);

-- Name: quality_items quality_items_pkey; Type: CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.quality_items
    ADD CONSTRAINT quality_items_pkey PRIMARY KEY (id);

-- Name: record_links record_links_organization_id_from_id_to_id_kind_key; Type: CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.record_links
    ADD CONSTRAINT record_links_organization_id_from_id_to_id_kind_key UNIQUE (organization_id, from_id, to_id, kind);

-- Name: record_links record_links_pkey; Type: CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.record_links
    ADD CONSTRAINT record_links_pkey PRIMARY KEY (id);

-- Name: record_notes record_notes_pkey; Type: CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.record_notes
    ADD CONSTRAINT record_notes_pkey PRIMARY KEY (id);

-- Name: record_parts record_parts_pkey; Type: CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.record_parts
    ADD CONSTRAINT record_parts_pkey PRIMARY KEY (table_name);

-- Name: record_types record_types_pkey; Type: CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.record_types
    ADD CONSTRAINT record_types_pkey PRIMARY KEY (category);

-- Name: record_types record_types_prefix_key; Type: CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.record_types
    ADD CONSTRAINT record_types_prefix_key UNIQUE (prefix);

-- Name: record_types record_types_table_name_key; Type: CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.record_types
    ADD CONSTRAINT record_types_table_name_key UNIQUE (table_name);

-- Name: reportability_assessments reportability_assessments_pkey; Type: CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.reportability_assessments
    ADD CONSTRAINT reportability_assessments_pkey PRIMARY KEY (id);

-- Name: required_signatures required_signatures_pkey; Type: CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.required_signatures
    ADD CONSTRAINT required_signatures_pkey PRIMARY KEY (id);

-- Name: risk_controls risk_controls_pkey; Type: CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.risk_controls
    ADD CONSTRAINT risk_controls_pkey PRIMARY KEY (id);

-- Name: risks risks_pkey; Type: CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.risks
    ADD CONSTRAINT risks_pkey PRIMARY KEY (id);

-- Name: root_causes root_causes_pkey; Type: CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.root_causes
    ADD CONSTRAINT root_causes_pkey PRIMARY KEY (id);

-- Name: scars scars_pkey; Type: CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.scars
    ADD CONSTRAINT scars_pkey PRIMARY KEY (id);

-- Name: security_reports security_reports_pkey; Type: CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.security_reports
    ADD CONSTRAINT security_reports_pkey PRIMARY KEY (id);

-- Name: signatures signatures_approval_id_key; Type: CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.signatures
    ADD CONSTRAINT signatures_approval_id_key UNIQUE (approval_id);

-- Name: signatures signatures_pkey; Type: CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.signatures
    ADD CONSTRAINT signatures_pkey PRIMARY KEY (id);

-- Name: suppliers suppliers_pkey; Type: CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.suppliers
    ADD CONSTRAINT suppliers_pkey PRIMARY KEY (id);

-- Name: trainings trainings_pkey; Type: CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.trainings
    ADD CONSTRAINT trainings_pkey PRIMARY KEY (id);

-- Name: transform_drafts transform_drafts_pkey; Type: CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.transform_drafts
    ADD CONSTRAINT transform_drafts_pkey PRIMARY KEY (id);

-- Name: transitions transitions_pkey; Type: CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.transitions
    ADD CONSTRAINT transitions_pkey PRIMARY KEY (id);

-- Name: workflow_definitions workflow_definitions_organization_id_category_version_key; Type: CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.workflow_definitions
    ADD CONSTRAINT workflow_definitions_organization_id_category_version_key UNIQUE NULLS NOT DISTINCT (organization_id, category, version);

-- Name: workflow_definitions workflow_definitions_pkey; Type: CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.workflow_definitions
    ADD CONSTRAINT workflow_definitions_pkey PRIMARY KEY (id);

-- Name: workflow_drafts workflow_drafts_pkey; Type: CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.workflow_drafts
    ADD CONSTRAINT workflow_drafts_pkey PRIMARY KEY (id);

-- Name: approval_links approval_links_pkey; Type: CONSTRAINT; Schema: qms_private; Owner: qms_owner

ALTER TABLE ONLY qms_private.approval_links
    ADD CONSTRAINT approval_links_pkey PRIMARY KEY (token_sha256);

-- Name: credentials credentials_pkey; Type: CONSTRAINT; Schema: qms_private; Owner: qms_owner

ALTER TABLE ONLY qms_private.credentials
    ADD CONSTRAINT credentials_pkey PRIMARY KEY (user_id);

-- Name: guards guards_pkey; Type: CONSTRAINT; Schema: qms_private; Owner: qms_owner

ALTER TABLE ONLY qms_private.guards
    ADD CONSTRAINT guards_pkey PRIMARY KEY (name);

-- Name: identity_key identity_key_pkey; Type: CONSTRAINT; Schema: qms_private; Owner: qms_owner

ALTER TABLE ONLY qms_private.identity_key
    ADD CONSTRAINT identity_key_pkey PRIMARY KEY (singleton);

-- Name: record_numbers record_numbers_pkey; Type: CONSTRAINT; Schema: qms_private; Owner: qms_owner

ALTER TABLE ONLY qms_private.record_numbers
    ADD CONSTRAINT record_numbers_pkey PRIMARY KEY (organization_id, prefix, year);

-- Name: sessions sessions_pkey; Type: CONSTRAINT; Schema: qms_private; Owner: qms_owner

ALTER TABLE ONLY qms_private.sessions
    ADD CONSTRAINT sessions_pkey PRIMARY KEY (token_sha256);

-- Name: trail_heads trail_heads_pkey; Type: CONSTRAINT; Schema: qms_private; Owner: qms_owner

ALTER TABLE ONLY qms_private.trail_heads
    ADD CONSTRAINT trail_heads_pkey PRIMARY KEY (organization_id);

-- Name: chunks chunks_organization_id_id_key; Type: CONSTRAINT; Schema: search; Owner: qms_owner

ALTER TABLE ONLY search.chunks
    ADD CONSTRAINT chunks_organization_id_id_key UNIQUE (organization_id, id);

-- Name: chunks chunks_pkey; Type: CONSTRAINT; Schema: search; Owner: qms_owner

ALTER TABLE ONLY search.chunks
    ADD CONSTRAINT chunks_pkey PRIMARY KEY (id);

-- Name: corpora corpora_pkey; Type: CONSTRAINT; Schema: search; Owner: qms_owner

ALTER TABLE ONLY search.corpora
    ADD CONSTRAINT corpora_pkey PRIMARY KEY (organization_id);

-- Name: embedding_jobs embedding_jobs_pkey; Type: CONSTRAINT; Schema: search; Owner: qms_owner

ALTER TABLE ONLY search.embedding_jobs
    ADD CONSTRAINT embedding_jobs_pkey PRIMARY KEY (chunk_id, model_id);

-- Name: embedding_models embedding_models_key_key; Type: CONSTRAINT; Schema: search; Owner: qms_owner

ALTER TABLE ONLY search.embedding_models
    ADD CONSTRAINT embedding_models_key_key UNIQUE (key);

-- Name: embedding_models embedding_models_pkey; Type: CONSTRAINT; Schema: search; Owner: qms_owner

ALTER TABLE ONLY search.embedding_models
    ADD CONSTRAINT embedding_models_pkey PRIMARY KEY (id);

-- Name: embedding_usage embedding_usage_pkey; Type: CONSTRAINT; Schema: search; Owner: qms_owner

ALTER TABLE ONLY search.embedding_usage
    ADD CONSTRAINT embedding_usage_pkey PRIMARY KEY (organization_id, model_key, day);

-- Name: embeddings_by_model embeddings_by_model_pkey; Type: CONSTRAINT; Schema: search; Owner: qms_owner

ALTER TABLE ONLY search.embeddings_by_model
    ADD CONSTRAINT embeddings_by_model_pkey PRIMARY KEY (chunk_id, model_id);

-- Name: embeddings_m1 embeddings_m1_pkey; Type: CONSTRAINT; Schema: search; Owner: qms_owner

ALTER TABLE ONLY search.embeddings_m1
    ADD CONSTRAINT embeddings_m1_pkey PRIMARY KEY (chunk_id, model_id);

-- Name: embeddings_m2 embeddings_m2_pkey; Type: CONSTRAINT; Schema: search; Owner: qms_owner

ALTER TABLE ONLY search.embeddings_m2
    ADD CONSTRAINT embeddings_m2_pkey PRIMARY KEY (chunk_id, model_id);

-- Name: sources sources_organization_id_id_key; Type: CONSTRAINT; Schema: search; Owner: qms_owner

ALTER TABLE ONLY search.sources
    ADD CONSTRAINT sources_organization_id_id_key UNIQUE (organization_id, id);

-- Name: sources sources_organization_id_source_table_source_id_content_type_key; Type: CONSTRAINT; Schema: search; Owner: qms_owner

ALTER TABLE ONLY search.sources
    ADD CONSTRAINT sources_organization_id_source_table_source_id_content_type_key UNIQUE (organization_id, source_table, source_id, content_type);

-- Name: sources sources_pkey; Type: CONSTRAINT; Schema: search; Owner: qms_owner

ALTER TABLE ONLY search.sources
    ADD CONSTRAINT sources_pkey PRIMARY KEY (id);

-- Name: term_stats term_stats_pkey; Type: CONSTRAINT; Schema: search; Owner: qms_owner

ALTER TABLE ONLY search.term_stats
    ADD CONSTRAINT term_stats_pkey PRIMARY KEY (organization_id, lexeme);

-- Name: agent_runs_parent; Type: INDEX; Schema: agents; Owner: qms_owner

CREATE INDEX agent_runs_parent ON agents.agent_runs USING btree (parent_run_id);

-- Name: agent_traces_org; Type: INDEX; Schema: agents; Owner: qms_owner

CREATE INDEX agent_traces_org ON agents.agent_traces USING btree (organization_id, start_time);

-- Name: agent_traces_run; Type: INDEX; Schema: agents; Owner: qms_owner

CREATE INDEX agent_traces_run ON agents.agent_traces USING btree (run_id, start_time);

-- Name: context_state_org; Type: INDEX; Schema: agents; Owner: qms_owner

CREATE INDEX context_state_org ON agents.context_state USING btree (organization_id);

-- Name: decisions_org; Type: INDEX; Schema: agents; Owner: qms_owner

CREATE INDEX decisions_org ON agents.decisions USING btree (organization_id, created_at);

-- Name: decisions_run; Type: INDEX; Schema: agents; Owner: qms_owner

CREATE INDEX decisions_run ON agents.decisions USING btree (run_id);

-- Name: idx_agent_runs_org; Type: INDEX; Schema: agents; Owner: qms_owner

CREATE INDEX idx_agent_runs_org ON agents.agent_runs USING btree (organization_id, created_at);

-- Name: otlp_outbox_due; Type: INDEX; Schema: agents; Owner: qms_owner

CREATE INDEX otlp_outbox_due ON agents.otlp_outbox USING btree (organization_id, id) WHERE (given_up_at IS NULL);

-- Name: tool_calls_org; Type: INDEX; Schema: agents; Owner: qms_owner

CREATE INDEX tool_calls_org ON agents.tool_calls USING btree (organization_id, created_at DESC);

-- Name: tool_calls_run; Type: INDEX; Schema: agents; Owner: qms_owner

CREATE INDEX tool_calls_run ON agents.tool_calls USING btree (run_id, created_at);

-- Name: tool_calls_trace; Type: INDEX; Schema: agents; Owner: qms_owner

CREATE INDEX tool_calls_trace ON agents.tool_calls USING btree (trace_id);

-- Name: drift_metrics_model; Type: INDEX; Schema: ml_loop; Owner: qms_owner

CREATE INDEX drift_metrics_model ON ml_loop.drift_metrics USING btree (organization_id, model_name, created_at);

-- Name: eval_results_org; Type: INDEX; Schema: ml_loop; Owner: qms_owner

CREATE INDEX eval_results_org ON ml_loop.eval_results USING btree (organization_id, created_at);

-- Name: eval_results_version; Type: INDEX; Schema: ml_loop; Owner: qms_owner

CREATE INDEX eval_results_version ON ml_loop.eval_results USING btree (model_version_id);

-- Name: feedback_loop_given_by; Type: INDEX; Schema: ml_loop; Owner: qms_owner

CREATE INDEX feedback_loop_given_by ON ml_loop.feedback_loop USING btree (given_by);

-- Name: feedback_loop_org; Type: INDEX; Schema: ml_loop; Owner: qms_owner

CREATE INDEX feedback_loop_org ON ml_loop.feedback_loop USING btree (organization_id, created_at);

-- Name: feedback_loop_run; Type: INDEX; Schema: ml_loop; Owner: qms_owner

CREATE INDEX feedback_loop_run ON ml_loop.feedback_loop USING btree (run_id);

-- Name: idx_training_data_model; Type: INDEX; Schema: ml_loop; Owner: qms_owner

CREATE INDEX idx_training_data_model ON ml_loop.training_data USING btree (organization_id, model_name, created_at);

-- Name: approvals_decided_by; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX approvals_decided_by ON qms.approvals USING btree (decided_by);

-- Name: approvals_org; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX approvals_org ON qms.approvals USING btree (organization_id, state, created_at);

-- Name: approvals_record; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX approvals_record ON qms.approvals USING btree (organization_id, record_id);

-- Name: approvals_requested_by; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX approvals_requested_by ON qms.approvals USING btree (requested_by);

-- Name: approvals_subject; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX approvals_subject ON qms.approvals USING btree (subject_id);

-- Name: audit_anchors_by; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX audit_anchors_by ON qms.audit_anchors USING btree (anchored_by);

-- Name: audit_anchors_org; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX audit_anchors_org ON qms.audit_anchors USING btree (organization_id, seq);

-- Name: audit_logs_action; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX audit_logs_action ON qms.audit_logs USING btree (organization_id, action, seq);

-- Name: audit_logs_actor; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX audit_logs_actor ON qms.audit_logs USING btree (actor_id, seq);

-- Name: audit_logs_entity; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX audit_logs_entity ON qms.audit_logs USING btree (organization_id, entity_id);

-- Name: audit_logs_on_behalf; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX audit_logs_on_behalf ON qms.audit_logs USING btree (on_behalf_of);

-- Name: audit_logs_rare; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX audit_logs_rare ON qms.audit_logs USING btree (organization_id, action, seq) WHERE (action = ANY (ARRAY['export'::text, 'refused'::text, 'locked'::text]));

-- Name: audit_logs_record; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX audit_logs_record ON qms.audit_logs USING btree (organization_id, record_id, seq);

-- Name: audit_logs_time; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX audit_logs_time ON qms.audit_logs USING btree (organization_id, created_at);

-- Name: audits_area_responsible_idx; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX audits_area_responsible_idx ON qms.audits USING btree (area_responsible);

-- Name: audits_lead_auditor_idx; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX audits_lead_auditor_idx ON qms.audits USING btree (lead_auditor);

-- Name: audits_org; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX audits_org ON qms.audits USING btree (organization_id);

-- Name: calibrations_created_by_idx; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX calibrations_created_by_idx ON qms.calibrations USING btree (created_by);

-- Name: calibrations_recent; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX calibrations_recent ON qms.calibrations USING btree (organization_id, performed_on);

-- Name: calibrations_record; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX calibrations_record ON qms.calibrations USING btree (organization_id, record_id, created_at);

-- Name: capa_actions_accepted_by_idx; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX capa_actions_accepted_by_idx ON qms.capa_actions USING btree (accepted_by);

-- Name: capa_actions_completed; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX capa_actions_completed ON qms.capa_actions USING btree (organization_id, action_type, completed_on);

-- Name: capa_actions_created_by_idx; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX capa_actions_created_by_idx ON qms.capa_actions USING btree (created_by);

-- Name: capa_actions_open; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX capa_actions_open ON qms.capa_actions USING btree (owner_id, organization_id) WHERE (completed_on IS NULL);

-- Name: capa_actions_owner_id_idx; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX capa_actions_owner_id_idx ON qms.capa_actions USING btree (owner_id);

-- Name: capa_actions_record; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX capa_actions_record ON qms.capa_actions USING btree (organization_id, record_id, created_at);

-- Name: capas_org; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX capas_org ON qms.capas USING btree (organization_id);

-- Name: capas_verdict_by_idx; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX capas_verdict_by_idx ON qms.capas USING btree (verdict_by);

-- Name: change_requests_org; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX change_requests_org ON qms.change_requests USING btree (organization_id);

-- Name: clause_map_to; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX clause_map_to ON qms.clause_map USING btree (to_clause_id);

-- Name: clauses_order; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX clauses_order ON qms.clauses USING btree (framework_id, sort_key);

-- Name: clauses_parent; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX clauses_parent ON qms.clauses USING btree (framework_id, parent);

-- Name: complaints_org; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX complaints_org ON qms.complaints USING btree (organization_id);

-- Name: complaints_reportability_decided_by_idx; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX complaints_reportability_decided_by_idx ON qms.complaints USING btree (reportability_decided_by);

-- Name: compliance_records_adopted; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX compliance_records_adopted ON qms.compliance_records USING btree (adopted_by);

-- Name: compliance_records_clause; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX compliance_records_clause ON qms.compliance_records USING btree (organization_id, clause_id);

-- Name: compliance_records_clause_id; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX compliance_records_clause_id ON qms.compliance_records USING btree (clause_id);

-- Name: compliance_records_framework; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX compliance_records_framework ON qms.compliance_records USING btree (framework_id);

-- Name: compliance_records_one_exclusion; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE UNIQUE INDEX compliance_records_one_exclusion ON qms.compliance_records USING btree (organization_id, clause_id) WHERE (applicability = 'not_applicable'::text);

-- Name: compliance_records_org; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX compliance_records_org ON qms.compliance_records USING btree (organization_id, standard, requirement);

-- Name: compliance_records_proposed; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX compliance_records_proposed ON qms.compliance_records USING btree (proposed_by);

-- Name: deviations_org; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX deviations_org ON qms.deviations USING btree (organization_id);

-- Name: dispositions_created_by_idx; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX dispositions_created_by_idx ON qms.dispositions USING btree (created_by);

-- Name: dispositions_decided; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX dispositions_decided ON qms.dispositions USING btree (organization_id, disposition, decided_at);

-- Name: dispositions_decided_by_idx; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX dispositions_decided_by_idx ON qms.dispositions USING btree (decided_by);

-- Name: dispositions_record; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX dispositions_record ON qms.dispositions USING btree (organization_id, record_id, created_at);

-- Name: document_files_record; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX document_files_record ON qms.document_files USING btree (organization_id, record_id, created_at);

-- Name: document_files_sha256; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX document_files_sha256 ON qms.document_files USING btree (organization_id, sha256);

-- Name: documents_author_id_idx; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX documents_author_id_idx ON qms.documents USING btree (author_id);

-- Name: documents_one_effective; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE UNIQUE INDEX documents_one_effective ON qms.documents USING btree (organization_id, document_number) WHERE is_effective;

-- Name: documents_org; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX documents_org ON qms.documents USING btree (organization_id);

-- Name: documents_organization_id_replaced_by_idx; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX documents_organization_id_replaced_by_idx ON qms.documents USING btree (organization_id, replaced_by);

-- Name: effectiveness_checks_created_by_idx; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX effectiveness_checks_created_by_idx ON qms.effectiveness_checks USING btree (created_by);

-- Name: effectiveness_checks_record; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX effectiveness_checks_record ON qms.effectiveness_checks USING btree (organization_id, record_id, created_at);

-- Name: equipment_org; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX equipment_org ON qms.equipment USING btree (organization_id);

-- Name: escalations_recent; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX escalations_recent ON qms.escalations USING btree (organization_id, created_at);

-- Name: evidence_created_by_idx; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX evidence_created_by_idx ON qms.evidence USING btree (created_by);

-- Name: evidence_links_added; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX evidence_links_added ON qms.evidence_links USING btree (added_by);

-- Name: evidence_links_clause; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX evidence_links_clause ON qms.evidence_links USING btree (organization_id, clause_id);

-- Name: evidence_links_clause_id; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX evidence_links_clause_id ON qms.evidence_links USING btree (clause_id);

-- Name: evidence_links_once; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE UNIQUE INDEX evidence_links_once ON qms.evidence_links USING btree (organization_id, clause_id, COALESCE((record_id)::text, uri)) WHERE (NOT withdrawn);

-- Name: evidence_links_record; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX evidence_links_record ON qms.evidence_links USING btree (organization_id, record_id);

-- Name: evidence_links_withdrawn; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX evidence_links_withdrawn ON qms.evidence_links USING btree (withdrawn_by);

-- Name: evidence_organization_id_document_id_idx; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX evidence_organization_id_document_id_idx ON qms.evidence USING btree (organization_id, document_id);

-- Name: evidence_record; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX evidence_record ON qms.evidence USING btree (organization_id, record_id, created_at);

-- Name: extension_requests_org; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX extension_requests_org ON qms.extension_requests USING btree (organization_id);

-- Name: extension_requests_organization_id_target_id_idx; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX extension_requests_organization_id_target_id_idx ON qms.extension_requests USING btree (organization_id, target_id);

-- Name: field_actions_org; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX field_actions_org ON qms.field_actions USING btree (organization_id);

-- Name: findings_org; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX findings_org ON qms.findings USING btree (organization_id);

-- Name: findings_organization_id_audit_id_idx; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX findings_organization_id_audit_id_idx ON qms.findings USING btree (organization_id, audit_id);

-- Name: frameworks_successor; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX frameworks_successor ON qms.frameworks USING btree (successor_id);

-- Name: idx_quality_items_org; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX idx_quality_items_org ON qms.quality_items USING btree (organization_id, category, status, state_since DESC NULLS LAST);

-- Name: impact_assessments_created_by_idx; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX impact_assessments_created_by_idx ON qms.impact_assessments USING btree (created_by);

-- Name: impact_assessments_record; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX impact_assessments_record ON qms.impact_assessments USING btree (organization_id, record_id, created_at);

-- Name: memberships_one_current; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE UNIQUE INDEX memberships_one_current ON qms.memberships USING btree (organization_id, user_id) WHERE (valid_to IS NULL);

-- Name: memberships_org; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX memberships_org ON qms.memberships USING btree (organization_id);

-- Name: memberships_user; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX memberships_user ON qms.memberships USING btree (user_id);

-- Name: migration_drafts_drafted_by; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX migration_drafts_drafted_by ON qms.migration_drafts USING btree (drafted_by);

-- Name: migration_drafts_org; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX migration_drafts_org ON qms.migration_drafts USING btree (organization_id, created_at);

-- Name: migration_drafts_text; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE UNIQUE INDEX migration_drafts_text ON qms.migration_drafts USING btree (organization_id, name, sha256);

-- Name: nonconformances_org; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX nonconformances_org ON qms.nonconformances USING btree (organization_id);

-- Name: nonconformances_organization_id_supplier_id_idx; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX nonconformances_organization_id_supplier_id_idx ON qms.nonconformances USING btree (organization_id, supplier_id);

-- Name: quality_items_adopted; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX quality_items_adopted ON qms.quality_items USING btree (adopted_by);

-- Name: quality_items_assigned; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX quality_items_assigned ON qms.quality_items USING btree (assigned_to);

-- Name: quality_items_by_owner; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX quality_items_by_owner ON qms.quality_items USING btree (organization_id, owner_id, created_at DESC, id DESC);

-- Name: quality_items_by_state; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX quality_items_by_state ON qms.quality_items USING btree (organization_id, status, created_at DESC, id DESC);

-- Name: quality_items_by_type; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX quality_items_by_type ON qms.quality_items USING btree (organization_id, category, created_at DESC, id DESC);

-- Name: quality_items_definition; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX quality_items_definition ON qms.quality_items USING btree (definition_id);

-- Name: quality_items_drafted; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX quality_items_drafted ON qms.quality_items USING btree (drafted_by);

-- Name: quality_items_due; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX quality_items_due ON qms.quality_items USING btree (organization_id, due_date);

-- Name: quality_items_external; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE UNIQUE INDEX quality_items_external ON qms.quality_items USING btree (organization_id, category, external_id) WHERE (external_id IS NOT NULL);

-- Name: quality_items_number; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE UNIQUE INDEX quality_items_number ON qms.quality_items USING btree (organization_id, number);

-- Name: quality_items_number_prefix; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX quality_items_number_prefix ON qms.quality_items USING btree (organization_id, number text_pattern_ops);

-- Name: quality_items_open; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX quality_items_open ON qms.quality_items USING btree (organization_id, created_at DESC, id DESC) WHERE (closed_at IS NULL);

-- Name: quality_items_open_by_due; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX quality_items_open_by_due ON qms.quality_items USING btree (organization_id, COALESCE(due_date, 'infinity'::timestamp with time zone), id) WHERE (closed_at IS NULL);

-- Name: quality_items_open_by_risk; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX quality_items_open_by_risk ON qms.quality_items USING btree (organization_id, qms.risk_rank(risk_class), COALESCE(due_date, 'infinity'::timestamp with time zone), id) WHERE (closed_at IS NULL);

-- Name: quality_items_open_by_type; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX quality_items_open_by_type ON qms.quality_items USING btree (organization_id, category, created_at DESC, id DESC) WHERE (closed_at IS NULL);

-- Name: quality_items_open_due; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX quality_items_open_due ON qms.quality_items USING btree (organization_id, due_date, id) WHERE (closed_at IS NULL);

-- Name: quality_items_open_of_assigned; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX quality_items_open_of_assigned ON qms.quality_items USING btree (assigned_to, organization_id) WHERE (closed_at IS NULL);

-- Name: quality_items_open_of_owner; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX quality_items_open_of_owner ON qms.quality_items USING btree (owner_id, organization_id) WHERE (closed_at IS NULL);

-- Name: quality_items_owner; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX quality_items_owner ON qms.quality_items USING btree (owner_id);

-- Name: quality_items_recent; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX quality_items_recent ON qms.quality_items USING btree (organization_id, created_at DESC, id);

-- Name: quality_items_tags; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX quality_items_tags ON qms.quality_items USING gin (tags);

-- Name: quality_items_words; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX quality_items_words ON qms.quality_items USING gin (qms.words_of(title));
ALTER INDEX qms.quality_items_words ALTER COLUMN 1 SET STATISTICS 0;

-- Name: record_links_by; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX record_links_by ON qms.record_links USING btree (created_by);

-- Name: record_links_to; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX record_links_to ON qms.record_links USING btree (organization_id, to_id);

-- Name: record_notes_created_by_idx; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX record_notes_created_by_idx ON qms.record_notes USING btree (created_by);

-- Name: record_notes_record; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX record_notes_record ON qms.record_notes USING btree (organization_id, record_id, created_at);

-- Name: reportability_assessments_created_by_idx; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX reportability_assessments_created_by_idx ON qms.reportability_assessments USING btree (created_by);

-- Name: reportability_assessments_decided_by_idx; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX reportability_assessments_decided_by_idx ON qms.reportability_assessments USING btree (decided_by);

-- Name: reportability_assessments_record; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX reportability_assessments_record ON qms.reportability_assessments USING btree (organization_id, record_id, created_at);

-- Name: required_signatures_created_by_idx; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX required_signatures_created_by_idx ON qms.required_signatures USING btree (created_by);

-- Name: required_signatures_record; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX required_signatures_record ON qms.required_signatures USING btree (organization_id, record_id, created_at);

-- Name: required_signatures_signer_id_idx; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX required_signatures_signer_id_idx ON qms.required_signatures USING btree (signer_id);

-- Name: risk_controls_created_by_idx; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX risk_controls_created_by_idx ON qms.risk_controls USING btree (created_by);

-- Name: risk_controls_record; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX risk_controls_record ON qms.risk_controls USING btree (organization_id, record_id, created_at);

-- Name: risks_org; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX risks_org ON qms.risks USING btree (organization_id);

-- Name: root_causes_created_by_idx; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX root_causes_created_by_idx ON qms.root_causes USING btree (created_by);

-- Name: root_causes_record; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX root_causes_record ON qms.root_causes USING btree (organization_id, record_id, created_at);

-- Name: scars_org; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX scars_org ON qms.scars USING btree (organization_id);

-- Name: scars_organization_id_supplier_id_idx; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX scars_organization_id_supplier_id_idx ON qms.scars USING btree (organization_id, supplier_id);

-- Name: security_reports_acknowledged_by; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX security_reports_acknowledged_by ON qms.security_reports USING btree (acknowledged_by);

-- Name: security_reports_org; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX security_reports_org ON qms.security_reports USING btree (organization_id, created_at);

-- Name: security_reports_user; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX security_reports_user ON qms.security_reports USING btree (user_id);

-- Name: signatures_recent; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX signatures_recent ON qms.signatures USING btree (organization_id, signed_at);

-- Name: signatures_record; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX signatures_record ON qms.signatures USING btree (organization_id, record_id, signed_at);

-- Name: signatures_signer; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX signatures_signer ON qms.signatures USING btree (signer_id);

-- Name: suppliers_org; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX suppliers_org ON qms.suppliers USING btree (organization_id);

-- Name: trainings_org; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX trainings_org ON qms.trainings USING btree (organization_id);

-- Name: trainings_organization_id_document_id_idx; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX trainings_organization_id_document_id_idx ON qms.trainings USING btree (organization_id, document_id);

-- Name: trainings_trainee_id_idx; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX trainings_trainee_id_idx ON qms.trainings USING btree (trainee_id);

-- Name: trainings_trainer_id_idx; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX trainings_trainer_id_idx ON qms.trainings USING btree (trainer_id);

-- Name: transform_drafts_drafted_by; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX transform_drafts_drafted_by ON qms.transform_drafts USING btree (drafted_by);

-- Name: transform_drafts_org; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX transform_drafts_org ON qms.transform_drafts USING btree (organization_id, created_at);

-- Name: transform_drafts_text; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX transform_drafts_text ON qms.transform_drafts USING btree (organization_id, sha256);

-- Name: transitions_approval; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX transitions_approval ON qms.transitions USING btree (approval_id);

-- Name: transitions_by; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX transitions_by ON qms.transitions USING btree (by_id);

-- Name: transitions_definition; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX transitions_definition ON qms.transitions USING btree (definition_id);

-- Name: transitions_lookup; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX transitions_lookup ON qms.transitions USING btree (record_id, record_version);

-- Name: transitions_recent; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX transitions_recent ON qms.transitions USING btree (organization_id, created_at);

-- Name: transitions_record; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX transitions_record ON qms.transitions USING btree (organization_id, record_id, created_at);

-- Name: workflow_definitions_approval; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX workflow_definitions_approval ON qms.workflow_definitions USING btree (approval_id);

-- Name: workflow_definitions_category; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX workflow_definitions_category ON qms.workflow_definitions USING btree (category, organization_id, version DESC);

-- Name: workflow_drafts_by; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX workflow_drafts_by ON qms.workflow_drafts USING btree (drafted_by);

-- Name: workflow_drafts_category; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX workflow_drafts_category ON qms.workflow_drafts USING btree (category);

-- Name: workflow_drafts_org; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX workflow_drafts_org ON qms.workflow_drafts USING btree (organization_id, created_at);

-- Name: approval_links_approval; Type: INDEX; Schema: qms_private; Owner: qms_owner

CREATE INDEX approval_links_approval ON qms_private.approval_links USING btree (approval_id);

-- Name: sessions_user; Type: INDEX; Schema: qms_private; Owner: qms_owner

CREATE INDEX sessions_user ON qms_private.sessions USING btree (user_id);

-- Name: chunks_newest; Type: INDEX; Schema: search; Owner: qms_owner

CREATE INDEX chunks_newest ON search.chunks USING btree (organization_id, id);

-- Name: chunks_organization; Type: INDEX; Schema: search; Owner: qms_owner

CREATE INDEX chunks_organization ON search.chunks USING btree (organization_id, content_type, is_current, id);

-- Name: chunks_source; Type: INDEX; Schema: search; Owner: qms_owner

CREATE INDEX chunks_source ON search.chunks USING btree (source_id, ordinal);

-- Name: chunks_stems; Type: INDEX; Schema: search; Owner: qms_owner

CREATE INDEX chunks_stems ON search.chunks USING gin (stems);

-- Name: embedding_jobs_organization; Type: INDEX; Schema: search; Owner: qms_owner

CREATE INDEX embedding_jobs_organization ON search.embedding_jobs USING btree (organization_id, model_id);

-- Name: embedding_jobs_waiting; Type: INDEX; Schema: search; Owner: qms_owner

CREATE INDEX embedding_jobs_waiting ON search.embedding_jobs USING btree (model_id, not_before) WHERE (NOT dead);

-- Name: embedding_models_one_active; Type: INDEX; Schema: search; Owner: qms_owner

CREATE UNIQUE INDEX embedding_models_one_active ON search.embedding_models USING btree ((true)) WHERE ((state = 'active'::text) AND (provider <> 'given'::text));

-- Name: embedding_models_one_filling; Type: INDEX; Schema: search; Owner: qms_owner

CREATE UNIQUE INDEX embedding_models_one_filling ON search.embedding_models USING btree ((true)) WHERE (state = 'filling'::text);

-- Name: embeddings_content; Type: INDEX; Schema: search; Owner: qms_owner

CREATE INDEX embeddings_content ON ONLY search.embeddings_by_model USING btree (organization_id, content_sha);

-- Name: embeddings_m1_near; Type: INDEX; Schema: search; Owner: qms_owner

CREATE INDEX embeddings_m1_near ON search.embeddings_m1 USING hnsw (((embedding)::extensions.halfvec(384)) extensions.halfvec_cosine_ops);

-- Name: embeddings_m1_organization_id_content_sha_idx; Type: INDEX; Schema: search; Owner: qms_owner

CREATE INDEX embeddings_m1_organization_id_content_sha_idx ON search.embeddings_m1 USING btree (organization_id, content_sha);

-- Name: embeddings_organization; Type: INDEX; Schema: search; Owner: qms_owner

CREATE INDEX embeddings_organization ON ONLY search.embeddings_by_model USING btree (organization_id, content_type, is_current);

-- Name: embeddings_m1_organization_id_content_type_is_current_idx; Type: INDEX; Schema: search; Owner: qms_owner

CREATE INDEX embeddings_m1_organization_id_content_type_is_current_idx ON search.embeddings_m1 USING btree (organization_id, content_type, is_current);

-- Name: embeddings_m2_near; Type: INDEX; Schema: search; Owner: qms_owner

CREATE INDEX embeddings_m2_near ON search.embeddings_m2 USING hnsw (((embedding)::extensions.halfvec(1536)) extensions.halfvec_cosine_ops);

-- Name: embeddings_m2_organization_id_content_sha_idx; Type: INDEX; Schema: search; Owner: qms_owner

CREATE INDEX embeddings_m2_organization_id_content_sha_idx ON search.embeddings_m2 USING btree (organization_id, content_sha);

-- Name: embeddings_m2_organization_id_content_type_is_current_idx; Type: INDEX; Schema: search; Owner: qms_owner

CREATE INDEX embeddings_m2_organization_id_content_type_is_current_idx ON search.embeddings_m2 USING btree (organization_id, content_type, is_current);

-- Name: sources_record; Type: INDEX; Schema: search; Owner: qms_owner

CREATE INDEX sources_record ON search.sources USING btree (organization_id, record_id);

-- Name: term_stats_trigrams; Type: INDEX; Schema: search; Owner: qms_owner

CREATE INDEX term_stats_trigrams ON search.term_stats USING gin (trigrams);

-- Name: embeddings_m1_organization_id_content_sha_idx; Type: INDEX ATTACH; Schema: search; Owner: qms_owner

ALTER INDEX search.embeddings_content ATTACH PARTITION search.embeddings_m1_organization_id_content_sha_idx;

-- Name: embeddings_m1_organization_id_content_type_is_current_idx; Type: INDEX ATTACH; Schema: search; Owner: qms_owner

ALTER INDEX search.embeddings_organization ATTACH PARTITION search.embeddings_m1_organization_id_content_type_is_current_idx;

-- Name: embeddings_m1_pkey; Type: INDEX ATTACH; Schema: search; Owner: qms_owner

ALTER INDEX search.embeddings_by_model_pkey ATTACH PARTITION search.embeddings_m1_pkey;

-- Name: embeddings_m2_organization_id_content_sha_idx; Type: INDEX ATTACH; Schema: search; Owner: qms_owner

ALTER INDEX search.embeddings_content ATTACH PARTITION search.embeddings_m2_organization_id_content_sha_idx;

-- Name: embeddings_m2_organization_id_content_type_is_current_idx; Type: INDEX ATTACH; Schema: search; Owner: qms_owner

ALTER INDEX search.embeddings_organization ATTACH PARTITION search.embeddings_m2_organization_id_content_type_is_current_idx;

-- Name: embeddings_m2_pkey; Type: INDEX ATTACH; Schema: search; Owner: qms_owner

ALTER INDEX search.embeddings_by_model_pkey ATTACH PARTITION search.embeddings_m2_pkey;

-- Name: tool_calls append_only; Type: TRIGGER; Schema: agents; Owner: qms_owner

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON agents.tool_calls FOR EACH ROW EXECUTE FUNCTION agents.keep_finished_calls();

-- Name: tool_calls append_only_truncate; Type: TRIGGER; Schema: agents; Owner: qms_owner

CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON agents.tool_calls FOR EACH STATEMENT EXECUTE FUNCTION qms.refuse_change();

-- Name: agent_runs never_deleted; Type: TRIGGER; Schema: agents; Owner: qms_owner

CREATE TRIGGER never_deleted BEFORE DELETE ON agents.agent_runs FOR EACH ROW EXECUTE FUNCTION qms.refuse_change();

-- Name: agent_traces never_deleted; Type: TRIGGER; Schema: agents; Owner: qms_owner

CREATE TRIGGER never_deleted BEFORE DELETE ON agents.agent_traces FOR EACH ROW EXECUTE FUNCTION qms.refuse_change();

-- Name: context_state never_deleted; Type: TRIGGER; Schema: agents; Owner: qms_owner

CREATE TRIGGER never_deleted BEFORE DELETE ON agents.context_state FOR EACH ROW EXECUTE FUNCTION qms.refuse_change();

-- Name: decisions never_deleted; Type: TRIGGER; Schema: agents; Owner: qms_owner

CREATE TRIGGER never_deleted BEFORE DELETE ON agents.decisions FOR EACH ROW EXECUTE FUNCTION qms.refuse_change();

-- Name: agent_runs never_truncated; Type: TRIGGER; Schema: agents; Owner: qms_owner

CREATE TRIGGER never_truncated BEFORE TRUNCATE ON agents.agent_runs FOR EACH STATEMENT EXECUTE FUNCTION qms.refuse_change();

-- Name: agent_traces never_truncated; Type: TRIGGER; Schema: agents; Owner: qms_owner

CREATE TRIGGER never_truncated BEFORE TRUNCATE ON agents.agent_traces FOR EACH STATEMENT EXECUTE FUNCTION qms.refuse_change();

-- Name: context_state never_truncated; Type: TRIGGER; Schema: agents; Owner: qms_owner

CREATE TRIGGER never_truncated BEFORE TRUNCATE ON agents.context_state FOR EACH STATEMENT EXECUTE FUNCTION qms.refuse_change();

-- Name: decisions never_truncated; Type: TRIGGER; Schema: agents; Owner: qms_owner

CREATE TRIGGER never_truncated BEFORE TRUNCATE ON agents.decisions FOR EACH STATEMENT EXECUTE FUNCTION qms.refuse_change();

-- Name: embeddings add_embedding; Type: TRIGGER; Schema: public; Owner: qms_owner

CREATE TRIGGER add_embedding INSTEAD OF INSERT ON public.embeddings FOR EACH ROW EXECUTE FUNCTION search.add_embedding();

-- Name: audits a_touch_parent; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER a_touch_parent AFTER INSERT OR UPDATE ON qms.audits FOR EACH ROW EXECUTE FUNCTION qms.touch_parent('id');

-- Name: calibrations a_touch_parent; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER a_touch_parent AFTER INSERT OR UPDATE ON qms.calibrations FOR EACH ROW EXECUTE FUNCTION qms.touch_parent('record_id');

-- Name: capa_actions a_touch_parent; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER a_touch_parent AFTER INSERT OR UPDATE ON qms.capa_actions FOR EACH ROW EXECUTE FUNCTION qms.touch_parent('record_id');

-- Name: capas a_touch_parent; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER a_touch_parent AFTER INSERT OR UPDATE ON qms.capas FOR EACH ROW EXECUTE FUNCTION qms.touch_parent('id');

-- Name: change_requests a_touch_parent; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER a_touch_parent AFTER INSERT OR UPDATE ON qms.change_requests FOR EACH ROW EXECUTE FUNCTION qms.touch_parent('id');

-- Name: complaints a_touch_parent; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER a_touch_parent AFTER INSERT OR UPDATE ON qms.complaints FOR EACH ROW EXECUTE FUNCTION qms.touch_parent('id');

-- Name: deviations a_touch_parent; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER a_touch_parent AFTER INSERT OR UPDATE ON qms.deviations FOR EACH ROW EXECUTE FUNCTION qms.touch_parent('id');

-- Name: dispositions a_touch_parent; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER a_touch_parent AFTER INSERT OR UPDATE ON qms.dispositions FOR EACH ROW EXECUTE FUNCTION qms.touch_parent('record_id');

-- Name: document_files a_touch_parent; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER a_touch_parent AFTER INSERT OR UPDATE ON qms.document_files FOR EACH ROW EXECUTE FUNCTION qms.touch_parent('record_id');

-- Name: documents a_touch_parent; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER a_touch_parent AFTER INSERT OR UPDATE ON qms.documents FOR EACH ROW EXECUTE FUNCTION qms.touch_parent('id');

-- Name: effectiveness_checks a_touch_parent; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER a_touch_parent AFTER INSERT OR UPDATE ON qms.effectiveness_checks FOR EACH ROW EXECUTE FUNCTION qms.touch_parent('record_id');

-- Name: equipment a_touch_parent; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER a_touch_parent AFTER INSERT OR UPDATE ON qms.equipment FOR EACH ROW EXECUTE FUNCTION qms.touch_parent('id');

-- Name: evidence a_touch_parent; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER a_touch_parent AFTER INSERT OR UPDATE ON qms.evidence FOR EACH ROW EXECUTE FUNCTION qms.touch_parent('record_id');

-- Name: extension_requests a_touch_parent; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER a_touch_parent AFTER INSERT OR UPDATE ON qms.extension_requests FOR EACH ROW EXECUTE FUNCTION qms.touch_parent('id');

-- Name: field_actions a_touch_parent; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER a_touch_parent AFTER INSERT OR UPDATE ON qms.field_actions FOR EACH ROW EXECUTE FUNCTION qms.touch_parent('id');

-- Name: findings a_touch_parent; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER a_touch_parent AFTER INSERT OR UPDATE ON qms.findings FOR EACH ROW EXECUTE FUNCTION qms.touch_parent('id');

-- Name: impact_assessments a_touch_parent; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER a_touch_parent AFTER INSERT OR UPDATE ON qms.impact_assessments FOR EACH ROW EXECUTE FUNCTION qms.touch_parent('record_id');

-- Name: nonconformances a_touch_parent; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER a_touch_parent AFTER INSERT OR UPDATE ON qms.nonconformances FOR EACH ROW EXECUTE FUNCTION qms.touch_parent('id');

-- Name: record_links a_touch_parent; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER a_touch_parent AFTER INSERT OR UPDATE ON qms.record_links FOR EACH ROW EXECUTE FUNCTION qms.touch_parent('from_id');

-- Name: record_notes a_touch_parent; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER a_touch_parent AFTER INSERT OR UPDATE ON qms.record_notes FOR EACH ROW EXECUTE FUNCTION qms.touch_parent('record_id');

-- Name: reportability_assessments a_touch_parent; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER a_touch_parent AFTER INSERT OR UPDATE ON qms.reportability_assessments FOR EACH ROW EXECUTE FUNCTION qms.touch_parent('record_id');

-- Name: required_signatures a_touch_parent; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER a_touch_parent AFTER INSERT OR UPDATE ON qms.required_signatures FOR EACH ROW EXECUTE FUNCTION qms.touch_parent('record_id');

-- Name: risk_controls a_touch_parent; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER a_touch_parent AFTER INSERT OR UPDATE ON qms.risk_controls FOR EACH ROW EXECUTE FUNCTION qms.touch_parent('record_id');

-- Name: risks a_touch_parent; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER a_touch_parent AFTER INSERT OR UPDATE ON qms.risks FOR EACH ROW EXECUTE FUNCTION qms.touch_parent('id');

-- Name: root_causes a_touch_parent; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER a_touch_parent AFTER INSERT OR UPDATE ON qms.root_causes FOR EACH ROW EXECUTE FUNCTION qms.touch_parent('record_id');

-- Name: scars a_touch_parent; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER a_touch_parent AFTER INSERT OR UPDATE ON qms.scars FOR EACH ROW EXECUTE FUNCTION qms.touch_parent('id');

-- Name: suppliers a_touch_parent; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER a_touch_parent AFTER INSERT OR UPDATE ON qms.suppliers FOR EACH ROW EXECUTE FUNCTION qms.touch_parent('id');

-- Name: trainings a_touch_parent; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER a_touch_parent AFTER INSERT OR UPDATE ON qms.trainings FOR EACH ROW EXECUTE FUNCTION qms.touch_parent('id');

-- Name: approvals adopt_exclusion; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER adopt_exclusion AFTER UPDATE OF state ON qms.approvals FOR EACH ROW WHEN (((new.tool = 'exclude_clause'::text) AND (old.state = 'pending'::text) AND (new.state = 'approved'::text))) EXECUTE FUNCTION qms.adopt_exclusion();

-- Name: documents announce_document; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER announce_document AFTER UPDATE OF is_effective ON qms.documents FOR EACH ROW WHEN ((old.is_effective IS DISTINCT FROM new.is_effective)) EXECUTE FUNCTION qms.announce_document();

-- Name: audit_anchors append_only; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON qms.audit_anchors FOR EACH ROW EXECUTE FUNCTION qms.refuse_change();

-- Name: audit_logs append_only; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON qms.audit_logs FOR EACH ROW EXECUTE FUNCTION qms.refuse_change();

-- Name: escalations append_only; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON qms.escalations FOR EACH ROW EXECUTE FUNCTION qms.refuse_change();

-- Name: transitions append_only; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON qms.transitions FOR EACH ROW EXECUTE FUNCTION qms.refuse_change();

-- Name: workflow_definitions append_only; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON qms.workflow_definitions FOR EACH ROW EXECUTE FUNCTION qms.refuse_change();

-- Name: workflow_drafts append_only; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON qms.workflow_drafts FOR EACH ROW EXECUTE FUNCTION qms.refuse_change();

-- Name: audit_anchors append_only_truncate; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON qms.audit_anchors FOR EACH STATEMENT EXECUTE FUNCTION qms.refuse_change();

-- Name: audit_logs append_only_truncate; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON qms.audit_logs FOR EACH STATEMENT EXECUTE FUNCTION qms.refuse_change();

-- Name: escalations append_only_truncate; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON qms.escalations FOR EACH STATEMENT EXECUTE FUNCTION qms.refuse_change();

-- Name: transitions append_only_truncate; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON qms.transitions FOR EACH STATEMENT EXECUTE FUNCTION qms.refuse_change();

-- Name: workflow_definitions append_only_truncate; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON qms.workflow_definitions FOR EACH STATEMENT EXECUTE FUNCTION qms.refuse_change();

-- Name: workflow_drafts append_only_truncate; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON qms.workflow_drafts FOR EACH STATEMENT EXECUTE FUNCTION qms.refuse_change();

-- Name: migration_drafts applied_once; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER applied_once BEFORE DELETE OR UPDATE ON qms.migration_drafts FOR EACH ROW EXECUTE FUNCTION qms.keep_drafts();

-- Name: transform_drafts applied_once; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER applied_once BEFORE DELETE OR UPDATE ON qms.transform_drafts FOR EACH ROW EXECUTE FUNCTION qms.keep_drafts();

-- Name: audit_logs chain_entry; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER chain_entry BEFORE INSERT ON qms.audit_logs FOR EACH ROW EXECUTE FUNCTION qms.chain_entry();

-- Name: approvals decided_once; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER decided_once BEFORE DELETE OR UPDATE ON qms.approvals FOR EACH ROW EXECUTE FUNCTION qms.keep_decisions();

-- Name: capa_actions in_cycle; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER in_cycle BEFORE INSERT ON qms.capa_actions FOR EACH ROW EXECUTE FUNCTION qms.in_cycle();

-- Name: effectiveness_checks in_cycle; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER in_cycle BEFORE INSERT ON qms.effectiveness_checks FOR EACH ROW EXECUTE FUNCTION qms.in_cycle();

-- Name: root_causes in_cycle; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER in_cycle BEFORE INSERT ON qms.root_causes FOR EACH ROW EXECUTE FUNCTION qms.in_cycle();

-- Name: quality_items index_record; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE CONSTRAINT TRIGGER index_record AFTER INSERT OR UPDATE ON qms.quality_items DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION search.index_change();

-- Name: audits keep; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER keep BEFORE INSERT OR UPDATE ON qms.audits FOR EACH ROW EXECUTE FUNCTION qms.keep_details();

-- Name: calibrations keep; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER keep BEFORE INSERT OR UPDATE ON qms.calibrations FOR EACH ROW EXECUTE FUNCTION qms.keep_part();

-- Name: capa_actions keep; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER keep BEFORE INSERT OR UPDATE ON qms.capa_actions FOR EACH ROW EXECUTE FUNCTION qms.keep_part();

-- Name: capas keep; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER keep BEFORE INSERT OR UPDATE ON qms.capas FOR EACH ROW EXECUTE FUNCTION qms.keep_details();

-- Name: change_requests keep; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER keep BEFORE INSERT OR UPDATE ON qms.change_requests FOR EACH ROW EXECUTE FUNCTION qms.keep_details();

-- Name: complaints keep; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER keep BEFORE INSERT OR UPDATE ON qms.complaints FOR EACH ROW EXECUTE FUNCTION qms.keep_details();

-- Name: deviations keep; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER keep BEFORE INSERT OR UPDATE ON qms.deviations FOR EACH ROW EXECUTE FUNCTION qms.keep_details();

-- Name: dispositions keep; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER keep BEFORE INSERT OR UPDATE ON qms.dispositions FOR EACH ROW EXECUTE FUNCTION qms.keep_part();

-- Name: document_files keep; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER keep BEFORE INSERT OR UPDATE ON qms.document_files FOR EACH ROW EXECUTE FUNCTION qms.keep_part();

-- Name: documents keep; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER keep BEFORE INSERT OR UPDATE ON qms.documents FOR EACH ROW EXECUTE FUNCTION qms.keep_details();

-- Name: effectiveness_checks keep; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER keep BEFORE INSERT OR UPDATE ON qms.effectiveness_checks FOR EACH ROW EXECUTE FUNCTION qms.keep_part();

-- Name: equipment keep; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER keep BEFORE INSERT OR UPDATE ON qms.equipment FOR EACH ROW EXECUTE FUNCTION qms.keep_details();

-- Name: evidence keep; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER keep BEFORE INSERT OR UPDATE ON qms.evidence FOR EACH ROW EXECUTE FUNCTION qms.keep_part();

-- Name: extension_requests keep; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER keep BEFORE INSERT OR UPDATE ON qms.extension_requests FOR EACH ROW EXECUTE FUNCTION qms.keep_details();

-- Name: field_actions keep; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER keep BEFORE INSERT OR UPDATE ON qms.field_actions FOR EACH ROW EXECUTE FUNCTION qms.keep_details();

-- Name: findings keep; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER keep BEFORE INSERT OR UPDATE ON qms.findings FOR EACH ROW EXECUTE FUNCTION qms.keep_details();

-- Name: impact_assessments keep; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER keep BEFORE INSERT OR UPDATE ON qms.impact_assessments FOR EACH ROW EXECUTE FUNCTION qms.keep_part();

-- Name: nonconformances keep; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER keep BEFORE INSERT OR UPDATE ON qms.nonconformances FOR EACH ROW EXECUTE FUNCTION qms.keep_details();

-- Name: record_links keep; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER keep BEFORE INSERT OR UPDATE ON qms.record_links FOR EACH ROW EXECUTE FUNCTION qms.keep_link();

-- Name: record_notes keep; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER keep BEFORE INSERT OR UPDATE ON qms.record_notes FOR EACH ROW EXECUTE FUNCTION qms.keep_part();

-- Name: reportability_assessments keep; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER keep BEFORE INSERT OR UPDATE ON qms.reportability_assessments FOR EACH ROW EXECUTE FUNCTION qms.keep_part();

-- Name: required_signatures keep; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER keep BEFORE INSERT OR UPDATE ON qms.required_signatures FOR EACH ROW EXECUTE FUNCTION qms.keep_part();

-- Name: risk_controls keep; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER keep BEFORE INSERT OR UPDATE ON qms.risk_controls FOR EACH ROW EXECUTE FUNCTION qms.keep_part();

-- Name: risks keep; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER keep BEFORE INSERT OR UPDATE ON qms.risks FOR EACH ROW EXECUTE FUNCTION qms.keep_details();

-- Name: root_causes keep; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER keep BEFORE INSERT OR UPDATE ON qms.root_causes FOR EACH ROW EXECUTE FUNCTION qms.keep_part();

-- Name: scars keep; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER keep BEFORE INSERT OR UPDATE ON qms.scars FOR EACH ROW EXECUTE FUNCTION qms.keep_details();

-- Name: suppliers keep; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER keep BEFORE INSERT OR UPDATE ON qms.suppliers FOR EACH ROW EXECUTE FUNCTION qms.keep_details();

-- Name: trainings keep; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER keep BEFORE INSERT OR UPDATE ON qms.trainings FOR EACH ROW EXECUTE FUNCTION qms.keep_details();

-- Name: workflow_definitions keep_definition; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER keep_definition BEFORE INSERT ON qms.workflow_definitions FOR EACH ROW EXECUTE FUNCTION qms.keep_definition();

-- Name: documents keep_document; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER keep_document BEFORE INSERT OR UPDATE ON qms.documents FOR EACH ROW EXECUTE FUNCTION qms.keep_document();

-- Name: evidence_links keep_evidence_link; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER keep_evidence_link BEFORE INSERT OR UPDATE ON qms.evidence_links FOR EACH ROW EXECUTE FUNCTION qms.keep_evidence_link();

-- Name: quality_items keep_record; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER keep_record BEFORE UPDATE ON qms.quality_items FOR EACH ROW EXECUTE FUNCTION qms.keep_record();

-- Name: signatures never_changed; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER never_changed BEFORE DELETE OR UPDATE ON qms.signatures FOR EACH ROW EXECUTE FUNCTION qms.refuse_change();

-- Name: audits never_deleted; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER never_deleted BEFORE DELETE ON qms.audits FOR EACH ROW EXECUTE FUNCTION qms.refuse_change();

-- Name: calibrations never_deleted; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER never_deleted BEFORE DELETE ON qms.calibrations FOR EACH ROW EXECUTE FUNCTION qms.refuse_change();

-- Name: capa_actions never_deleted; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER never_deleted BEFORE DELETE ON qms.capa_actions FOR EACH ROW EXECUTE FUNCTION qms.refuse_change();

-- Name: capas never_deleted; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER never_deleted BEFORE DELETE ON qms.capas FOR EACH ROW EXECUTE FUNCTION qms.refuse_change();

-- Name: change_requests never_deleted; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER never_deleted BEFORE DELETE ON qms.change_requests FOR EACH ROW EXECUTE FUNCTION qms.refuse_change();

-- Name: clause_evidence_rules never_deleted; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER never_deleted BEFORE DELETE ON qms.clause_evidence_rules FOR EACH ROW EXECUTE FUNCTION qms.refuse_change();

-- Name: clause_map never_deleted; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER never_deleted BEFORE DELETE ON qms.clause_map FOR EACH ROW EXECUTE FUNCTION qms.refuse_change();

-- Name: clauses never_deleted; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER never_deleted BEFORE DELETE ON qms.clauses FOR EACH ROW EXECUTE FUNCTION qms.refuse_change();

-- Name: complaints never_deleted; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER never_deleted BEFORE DELETE ON qms.complaints FOR EACH ROW EXECUTE FUNCTION qms.refuse_change();

-- Name: compliance_records never_deleted; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER never_deleted BEFORE DELETE ON qms.compliance_records FOR EACH ROW EXECUTE FUNCTION qms.refuse_change();

-- Name: deviations never_deleted; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER never_deleted BEFORE DELETE ON qms.deviations FOR EACH ROW EXECUTE FUNCTION qms.refuse_change();

-- Name: dispositions never_deleted; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER never_deleted BEFORE DELETE ON qms.dispositions FOR EACH ROW EXECUTE FUNCTION qms.refuse_change();

-- Name: document_files never_deleted; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER never_deleted BEFORE DELETE ON qms.document_files FOR EACH ROW EXECUTE FUNCTION qms.refuse_change();

-- Name: documents never_deleted; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER never_deleted BEFORE DELETE ON qms.documents FOR EACH ROW EXECUTE FUNCTION qms.refuse_change();

-- Name: effectiveness_checks never_deleted; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER never_deleted BEFORE DELETE ON qms.effectiveness_checks FOR EACH ROW EXECUTE FUNCTION qms.refuse_change();

-- Name: equipment never_deleted; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER never_deleted BEFORE DELETE ON qms.equipment FOR EACH ROW EXECUTE FUNCTION qms.refuse_change();

-- Name: evidence never_deleted; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER never_deleted BEFORE DELETE ON qms.evidence FOR EACH ROW EXECUTE FUNCTION qms.refuse_change();

-- Name: evidence_links never_deleted; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER never_deleted BEFORE DELETE ON qms.evidence_links FOR EACH ROW EXECUTE FUNCTION qms.refuse_change();

-- Name: extension_requests never_deleted; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER never_deleted BEFORE DELETE ON qms.extension_requests FOR EACH ROW EXECUTE FUNCTION qms.refuse_change();

-- Name: field_actions never_deleted; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER never_deleted BEFORE DELETE ON qms.field_actions FOR EACH ROW EXECUTE FUNCTION qms.refuse_change();

-- Name: findings never_deleted; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER never_deleted BEFORE DELETE ON qms.findings FOR EACH ROW EXECUTE FUNCTION qms.refuse_change();

-- Name: frameworks never_deleted; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER never_deleted BEFORE DELETE ON qms.frameworks FOR EACH ROW EXECUTE FUNCTION qms.refuse_change();

-- Name: impact_assessments never_deleted; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER never_deleted BEFORE DELETE ON qms.impact_assessments FOR EACH ROW EXECUTE FUNCTION qms.refuse_change();

-- Name: nonconformances never_deleted; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER never_deleted BEFORE DELETE ON qms.nonconformances FOR EACH ROW EXECUTE FUNCTION qms.refuse_change();

-- Name: quality_items never_deleted; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER never_deleted BEFORE DELETE ON qms.quality_items FOR EACH ROW EXECUTE FUNCTION qms.refuse_change();

-- Name: record_links never_deleted; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER never_deleted BEFORE DELETE ON qms.record_links FOR EACH ROW EXECUTE FUNCTION qms.refuse_change();

-- Name: record_notes never_deleted; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER never_deleted BEFORE DELETE ON qms.record_notes FOR EACH ROW EXECUTE FUNCTION qms.refuse_change();

-- Name: reportability_assessments never_deleted; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER never_deleted BEFORE DELETE ON qms.reportability_assessments FOR EACH ROW EXECUTE FUNCTION qms.refuse_change();

-- Name: required_signatures never_deleted; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER never_deleted BEFORE DELETE ON qms.required_signatures FOR EACH ROW EXECUTE FUNCTION qms.refuse_change();

-- Name: risk_controls never_deleted; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER never_deleted BEFORE DELETE ON qms.risk_controls FOR EACH ROW EXECUTE FUNCTION qms.refuse_change();

-- Name: risks never_deleted; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER never_deleted BEFORE DELETE ON qms.risks FOR EACH ROW EXECUTE FUNCTION qms.refuse_change();

-- Name: root_causes never_deleted; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER never_deleted BEFORE DELETE ON qms.root_causes FOR EACH ROW EXECUTE FUNCTION qms.refuse_change();

-- Name: scars never_deleted; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER never_deleted BEFORE DELETE ON qms.scars FOR EACH ROW EXECUTE FUNCTION qms.refuse_change();

-- Name: security_reports never_deleted; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER never_deleted BEFORE DELETE ON qms.security_reports FOR EACH ROW EXECUTE FUNCTION qms.refuse_change();

-- Name: suppliers never_deleted; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER never_deleted BEFORE DELETE ON qms.suppliers FOR EACH ROW EXECUTE FUNCTION qms.refuse_change();

-- Name: trainings never_deleted; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER never_deleted BEFORE DELETE ON qms.trainings FOR EACH ROW EXECUTE FUNCTION qms.refuse_change();

-- Name: approvals never_truncated; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER never_truncated BEFORE TRUNCATE ON qms.approvals FOR EACH STATEMENT EXECUTE FUNCTION qms.refuse_change();

-- Name: audits never_truncated; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER never_truncated BEFORE TRUNCATE ON qms.audits FOR EACH STATEMENT EXECUTE FUNCTION qms.refuse_change();

-- Name: calibrations never_truncated; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER never_truncated BEFORE TRUNCATE ON qms.calibrations FOR EACH STATEMENT EXECUTE FUNCTION qms.refuse_change();

-- Name: capa_actions never_truncated; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER never_truncated BEFORE TRUNCATE ON qms.capa_actions FOR EACH STATEMENT EXECUTE FUNCTION qms.refuse_change();

-- Name: capas never_truncated; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER never_truncated BEFORE TRUNCATE ON qms.capas FOR EACH STATEMENT EXECUTE FUNCTION qms.refuse_change();

-- Name: change_requests never_truncated; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER never_truncated BEFORE TRUNCATE ON qms.change_requests FOR EACH STATEMENT EXECUTE FUNCTION qms.refuse_change();

-- Name: clause_evidence_rules never_truncated; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER never_truncated BEFORE TRUNCATE ON qms.clause_evidence_rules FOR EACH STATEMENT EXECUTE FUNCTION qms.refuse_change();

-- Name: clause_map never_truncated; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER never_truncated BEFORE TRUNCATE ON qms.clause_map FOR EACH STATEMENT EXECUTE FUNCTION qms.refuse_change();

-- Name: clauses never_truncated; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER never_truncated BEFORE TRUNCATE ON qms.clauses FOR EACH STATEMENT EXECUTE FUNCTION qms.refuse_change();

-- Name: complaints never_truncated; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER never_truncated BEFORE TRUNCATE ON qms.complaints FOR EACH STATEMENT EXECUTE FUNCTION qms.refuse_change();

-- Name: compliance_records never_truncated; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER never_truncated BEFORE TRUNCATE ON qms.compliance_records FOR EACH STATEMENT EXECUTE FUNCTION qms.refuse_change();

-- Name: deviations never_truncated; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER never_truncated BEFORE TRUNCATE ON qms.deviations FOR EACH STATEMENT EXECUTE FUNCTION qms.refuse_change();

-- Name: dispositions never_truncated; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER never_truncated BEFORE TRUNCATE ON qms.dispositions FOR EACH STATEMENT EXECUTE FUNCTION qms.refuse_change();

-- Name: document_files never_truncated; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER never_truncated BEFORE TRUNCATE ON qms.document_files FOR EACH STATEMENT EXECUTE FUNCTION qms.refuse_change();

-- Name: documents never_truncated; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER never_truncated BEFORE TRUNCATE ON qms.documents FOR EACH STATEMENT EXECUTE FUNCTION qms.refuse_change();

-- Name: effectiveness_checks never_truncated; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER never_truncated BEFORE TRUNCATE ON qms.effectiveness_checks FOR EACH STATEMENT EXECUTE FUNCTION qms.refuse_change();

-- Name: equipment never_truncated; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER never_truncated BEFORE TRUNCATE ON qms.equipment FOR EACH STATEMENT EXECUTE FUNCTION qms.refuse_change();

-- Name: evidence never_truncated; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER never_truncated BEFORE TRUNCATE ON qms.evidence FOR EACH STATEMENT EXECUTE FUNCTION qms.refuse_change();

-- Name: evidence_links never_truncated; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER never_truncated BEFORE TRUNCATE ON qms.evidence_links FOR EACH STATEMENT EXECUTE FUNCTION qms.refuse_change();

-- Name: extension_requests never_truncated; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER never_truncated BEFORE TRUNCATE ON qms.extension_requests FOR EACH STATEMENT EXECUTE FUNCTION qms.refuse_change();

-- Name: field_actions never_truncated; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER never_truncated BEFORE TRUNCATE ON qms.field_actions FOR EACH STATEMENT EXECUTE FUNCTION qms.refuse_change();

-- Name: findings never_truncated; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER never_truncated BEFORE TRUNCATE ON qms.findings FOR EACH STATEMENT EXECUTE FUNCTION qms.refuse_change();

-- Name: frameworks never_truncated; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER never_truncated BEFORE TRUNCATE ON qms.frameworks FOR EACH STATEMENT EXECUTE FUNCTION qms.refuse_change();

-- Name: impact_assessments never_truncated; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER never_truncated BEFORE TRUNCATE ON qms.impact_assessments FOR EACH STATEMENT EXECUTE FUNCTION qms.refuse_change();

-- Name: migration_drafts never_truncated; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER never_truncated BEFORE TRUNCATE ON qms.migration_drafts FOR EACH STATEMENT EXECUTE FUNCTION qms.refuse_change();

-- Name: nonconformances never_truncated; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER never_truncated BEFORE TRUNCATE ON qms.nonconformances FOR EACH STATEMENT EXECUTE FUNCTION qms.refuse_change();

-- Name: quality_items never_truncated; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER never_truncated BEFORE TRUNCATE ON qms.quality_items FOR EACH STATEMENT EXECUTE FUNCTION qms.refuse_change();

-- Name: record_links never_truncated; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER never_truncated BEFORE TRUNCATE ON qms.record_links FOR EACH STATEMENT EXECUTE FUNCTION qms.refuse_change();

-- Name: record_notes never_truncated; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER never_truncated BEFORE TRUNCATE ON qms.record_notes FOR EACH STATEMENT EXECUTE FUNCTION qms.refuse_change();

-- Name: reportability_assessments never_truncated; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER never_truncated BEFORE TRUNCATE ON qms.reportability_assessments FOR EACH STATEMENT EXECUTE FUNCTION qms.refuse_change();

-- Name: required_signatures never_truncated; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER never_truncated BEFORE TRUNCATE ON qms.required_signatures FOR EACH STATEMENT EXECUTE FUNCTION qms.refuse_change();

-- Name: risk_controls never_truncated; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER never_truncated BEFORE TRUNCATE ON qms.risk_controls FOR EACH STATEMENT EXECUTE FUNCTION qms.refuse_change();

-- Name: risks never_truncated; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER never_truncated BEFORE TRUNCATE ON qms.risks FOR EACH STATEMENT EXECUTE FUNCTION qms.refuse_change();

-- Name: root_causes never_truncated; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER never_truncated BEFORE TRUNCATE ON qms.root_causes FOR EACH STATEMENT EXECUTE FUNCTION qms.refuse_change();

-- Name: scars never_truncated; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER never_truncated BEFORE TRUNCATE ON qms.scars FOR EACH STATEMENT EXECUTE FUNCTION qms.refuse_change();

-- Name: security_reports never_truncated; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER never_truncated BEFORE TRUNCATE ON qms.security_reports FOR EACH STATEMENT EXECUTE FUNCTION qms.refuse_change();

-- Name: signatures never_truncated; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER never_truncated BEFORE TRUNCATE ON qms.signatures FOR EACH STATEMENT EXECUTE FUNCTION qms.refuse_change();

-- Name: suppliers never_truncated; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER never_truncated BEFORE TRUNCATE ON qms.suppliers FOR EACH STATEMENT EXECUTE FUNCTION qms.refuse_change();

-- Name: trainings never_truncated; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER never_truncated BEFORE TRUNCATE ON qms.trainings FOR EACH STATEMENT EXECUTE FUNCTION qms.refuse_change();

-- Name: transform_drafts never_truncated; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER never_truncated BEFORE TRUNCATE ON qms.transform_drafts FOR EACH STATEMENT EXECUTE FUNCTION qms.refuse_change();

-- Name: compliance_records place_requirement; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER place_requirement BEFORE INSERT OR UPDATE OF standard, requirement, clause_id ON qms.compliance_records FOR EACH ROW EXECUTE FUNCTION qms.place_requirement();

-- Name: quality_items prepare_record; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER prepare_record BEFORE INSERT ON qms.quality_items FOR EACH ROW EXECUTE FUNCTION qms.prepare_record();

-- Name: audits record_change; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER record_change AFTER INSERT OR UPDATE ON qms.audits FOR EACH ROW EXECUTE FUNCTION qms.record_entry('id');

-- Name: calibrations record_change; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER record_change AFTER INSERT OR UPDATE ON qms.calibrations FOR EACH ROW EXECUTE FUNCTION qms.record_entry('record_id');

-- Name: capa_actions record_change; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER record_change AFTER INSERT OR UPDATE ON qms.capa_actions FOR EACH ROW EXECUTE FUNCTION qms.record_entry('record_id');

-- Name: capas record_change; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER record_change AFTER INSERT OR UPDATE ON qms.capas FOR EACH ROW EXECUTE FUNCTION qms.record_entry('id');

-- Name: change_requests record_change; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER record_change AFTER INSERT OR UPDATE ON qms.change_requests FOR EACH ROW EXECUTE FUNCTION qms.record_entry('id');

-- Name: complaints record_change; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER record_change AFTER INSERT OR UPDATE ON qms.complaints FOR EACH ROW EXECUTE FUNCTION qms.record_entry('id');

-- Name: compliance_records record_change; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER record_change AFTER INSERT OR UPDATE ON qms.compliance_records FOR EACH ROW EXECUTE FUNCTION qms.record_entry();

-- Name: deviations record_change; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER record_change AFTER INSERT OR UPDATE ON qms.deviations FOR EACH ROW EXECUTE FUNCTION qms.record_entry('id');

-- Name: dispositions record_change; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER record_change AFTER INSERT OR UPDATE ON qms.dispositions FOR EACH ROW EXECUTE FUNCTION qms.record_entry('record_id');

-- Name: document_files record_change; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER record_change AFTER INSERT OR UPDATE ON qms.document_files FOR EACH ROW EXECUTE FUNCTION qms.record_entry('record_id');

-- Name: documents record_change; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER record_change AFTER INSERT OR UPDATE ON qms.documents FOR EACH ROW EXECUTE FUNCTION qms.record_entry('id');

-- Name: effectiveness_checks record_change; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER record_change AFTER INSERT OR UPDATE ON qms.effectiveness_checks FOR EACH ROW EXECUTE FUNCTION qms.record_entry('record_id');

-- Name: equipment record_change; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER record_change AFTER INSERT OR UPDATE ON qms.equipment FOR EACH ROW EXECUTE FUNCTION qms.record_entry('id');

-- Name: escalations record_change; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER record_change AFTER INSERT ON qms.escalations FOR EACH ROW EXECUTE FUNCTION qms.record_entry('record_id');

-- Name: evidence record_change; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER record_change AFTER INSERT OR UPDATE ON qms.evidence FOR EACH ROW EXECUTE FUNCTION qms.record_entry('record_id');

-- Name: evidence_links record_change; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER record_change AFTER INSERT OR UPDATE ON qms.evidence_links FOR EACH ROW EXECUTE FUNCTION qms.record_entry('record_id');

-- Name: extension_requests record_change; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER record_change AFTER INSERT OR UPDATE ON qms.extension_requests FOR EACH ROW EXECUTE FUNCTION qms.record_entry('id');

-- Name: field_actions record_change; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER record_change AFTER INSERT OR UPDATE ON qms.field_actions FOR EACH ROW EXECUTE FUNCTION qms.record_entry('id');

-- Name: findings record_change; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER record_change AFTER INSERT OR UPDATE ON qms.findings FOR EACH ROW EXECUTE FUNCTION qms.record_entry('id');

-- Name: impact_assessments record_change; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER record_change AFTER INSERT OR UPDATE ON qms.impact_assessments FOR EACH ROW EXECUTE FUNCTION qms.record_entry('record_id');

-- Name: memberships record_change; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER record_change AFTER INSERT OR UPDATE ON qms.memberships FOR EACH ROW EXECUTE FUNCTION qms.record_entry();

-- Name: nonconformances record_change; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER record_change AFTER INSERT OR UPDATE ON qms.nonconformances FOR EACH ROW EXECUTE FUNCTION qms.record_entry('id');

-- Name: organizations record_change; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER record_change AFTER UPDATE ON qms.organizations FOR EACH ROW EXECUTE FUNCTION qms.record_entry();

-- Name: quality_items record_change; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER record_change AFTER INSERT OR UPDATE ON qms.quality_items FOR EACH ROW EXECUTE FUNCTION qms.record_entry('id');

-- Name: record_links record_change; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER record_change AFTER INSERT OR UPDATE ON qms.record_links FOR EACH ROW EXECUTE FUNCTION qms.record_entry('from_id');

-- Name: record_notes record_change; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER record_change AFTER INSERT OR UPDATE ON qms.record_notes FOR EACH ROW EXECUTE FUNCTION qms.record_entry('record_id');

-- Name: reportability_assessments record_change; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER record_change AFTER INSERT OR UPDATE ON qms.reportability_assessments FOR EACH ROW EXECUTE FUNCTION qms.record_entry('record_id');

-- Name: required_signatures record_change; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER record_change AFTER INSERT OR UPDATE ON qms.required_signatures FOR EACH ROW EXECUTE FUNCTION qms.record_entry('record_id');

-- Name: risk_controls record_change; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER record_change AFTER INSERT OR UPDATE ON qms.risk_controls FOR EACH ROW EXECUTE FUNCTION qms.record_entry('record_id');

-- Name: risks record_change; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER record_change AFTER INSERT OR UPDATE ON qms.risks FOR EACH ROW EXECUTE FUNCTION qms.record_entry('id');

-- Name: root_causes record_change; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER record_change AFTER INSERT OR UPDATE ON qms.root_causes FOR EACH ROW EXECUTE FUNCTION qms.record_entry('record_id');

-- Name: scars record_change; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER record_change AFTER INSERT OR UPDATE ON qms.scars FOR EACH ROW EXECUTE FUNCTION qms.record_entry('id');

-- Name: security_reports record_change; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER record_change AFTER INSERT OR UPDATE ON qms.security_reports FOR EACH ROW EXECUTE FUNCTION qms.record_entry();

-- Name: signatures record_change; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER record_change AFTER INSERT ON qms.signatures FOR EACH ROW EXECUTE FUNCTION qms.record_entry('record_id');

-- Name: suppliers record_change; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER record_change AFTER INSERT OR UPDATE ON qms.suppliers FOR EACH ROW EXECUTE FUNCTION qms.record_entry('id');

-- Name: trainings record_change; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER record_change AFTER INSERT OR UPDATE ON qms.trainings FOR EACH ROW EXECUTE FUNCTION qms.record_entry('id');

-- Name: quality_items touch_updated_at; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER touch_updated_at BEFORE UPDATE ON qms.quality_items FOR EACH ROW EXECUTE FUNCTION qms.touch_updated_at();

-- Name: audits trail_turn; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER trail_turn BEFORE INSERT OR UPDATE ON qms.audits FOR EACH STATEMENT EXECUTE FUNCTION qms.take_trail_turn();

-- Name: calibrations trail_turn; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER trail_turn BEFORE INSERT OR UPDATE ON qms.calibrations FOR EACH STATEMENT EXECUTE FUNCTION qms.take_trail_turn();

-- Name: capa_actions trail_turn; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER trail_turn BEFORE INSERT OR UPDATE ON qms.capa_actions FOR EACH STATEMENT EXECUTE FUNCTION qms.take_trail_turn();

-- Name: capas trail_turn; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER trail_turn BEFORE INSERT OR UPDATE ON qms.capas FOR EACH STATEMENT EXECUTE FUNCTION qms.take_trail_turn();

-- Name: change_requests trail_turn; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER trail_turn BEFORE INSERT OR UPDATE ON qms.change_requests FOR EACH STATEMENT EXECUTE FUNCTION qms.take_trail_turn();

-- Name: complaints trail_turn; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER trail_turn BEFORE INSERT OR UPDATE ON qms.complaints FOR EACH STATEMENT EXECUTE FUNCTION qms.take_trail_turn();

-- Name: compliance_records trail_turn; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER trail_turn BEFORE INSERT OR UPDATE ON qms.compliance_records FOR EACH STATEMENT EXECUTE FUNCTION qms.take_trail_turn();

-- Name: deviations trail_turn; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER trail_turn BEFORE INSERT OR UPDATE ON qms.deviations FOR EACH STATEMENT EXECUTE FUNCTION qms.take_trail_turn();

-- Name: dispositions trail_turn; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER trail_turn BEFORE INSERT OR UPDATE ON qms.dispositions FOR EACH STATEMENT EXECUTE FUNCTION qms.take_trail_turn();

-- Name: document_files trail_turn; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER trail_turn BEFORE INSERT OR UPDATE ON qms.document_files FOR EACH STATEMENT EXECUTE FUNCTION qms.take_trail_turn();

-- Name: documents trail_turn; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER trail_turn BEFORE INSERT OR UPDATE ON qms.documents FOR EACH STATEMENT EXECUTE FUNCTION qms.take_trail_turn();

-- Name: effectiveness_checks trail_turn; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER trail_turn BEFORE INSERT OR UPDATE ON qms.effectiveness_checks FOR EACH STATEMENT EXECUTE FUNCTION qms.take_trail_turn();

-- Name: equipment trail_turn; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER trail_turn BEFORE INSERT OR UPDATE ON qms.equipment FOR EACH STATEMENT EXECUTE FUNCTION qms.take_trail_turn();

-- Name: escalations trail_turn; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER trail_turn BEFORE INSERT ON qms.escalations FOR EACH STATEMENT EXECUTE FUNCTION qms.take_trail_turn();

-- Name: evidence trail_turn; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER trail_turn BEFORE INSERT OR UPDATE ON qms.evidence FOR EACH STATEMENT EXECUTE FUNCTION qms.take_trail_turn();

-- Name: evidence_links trail_turn; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER trail_turn BEFORE INSERT OR UPDATE ON qms.evidence_links FOR EACH STATEMENT EXECUTE FUNCTION qms.take_trail_turn();

-- Name: extension_requests trail_turn; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER trail_turn BEFORE INSERT OR UPDATE ON qms.extension_requests FOR EACH STATEMENT EXECUTE FUNCTION qms.take_trail_turn();

-- Name: field_actions trail_turn; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER trail_turn BEFORE INSERT OR UPDATE ON qms.field_actions FOR EACH STATEMENT EXECUTE FUNCTION qms.take_trail_turn();

-- Name: findings trail_turn; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER trail_turn BEFORE INSERT OR UPDATE ON qms.findings FOR EACH STATEMENT EXECUTE FUNCTION qms.take_trail_turn();

-- Name: impact_assessments trail_turn; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER trail_turn BEFORE INSERT OR UPDATE ON qms.impact_assessments FOR EACH STATEMENT EXECUTE FUNCTION qms.take_trail_turn();

-- Name: nonconformances trail_turn; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER trail_turn BEFORE INSERT OR UPDATE ON qms.nonconformances FOR EACH STATEMENT EXECUTE FUNCTION qms.take_trail_turn();

-- Name: quality_items trail_turn; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER trail_turn BEFORE INSERT OR UPDATE ON qms.quality_items FOR EACH STATEMENT EXECUTE FUNCTION qms.take_trail_turn();

-- Name: record_links trail_turn; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER trail_turn BEFORE INSERT OR UPDATE ON qms.record_links FOR EACH STATEMENT EXECUTE FUNCTION qms.take_trail_turn();

-- Name: record_notes trail_turn; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER trail_turn BEFORE INSERT OR UPDATE ON qms.record_notes FOR EACH STATEMENT EXECUTE FUNCTION qms.take_trail_turn();

-- Name: reportability_assessments trail_turn; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER trail_turn BEFORE INSERT OR UPDATE ON qms.reportability_assessments FOR EACH STATEMENT EXECUTE FUNCTION qms.take_trail_turn();

-- Name: required_signatures trail_turn; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER trail_turn BEFORE INSERT OR UPDATE ON qms.required_signatures FOR EACH STATEMENT EXECUTE FUNCTION qms.take_trail_turn();

-- Name: risk_controls trail_turn; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER trail_turn BEFORE INSERT OR UPDATE ON qms.risk_controls FOR EACH STATEMENT EXECUTE FUNCTION qms.take_trail_turn();

-- Name: risks trail_turn; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER trail_turn BEFORE INSERT OR UPDATE ON qms.risks FOR EACH STATEMENT EXECUTE FUNCTION qms.take_trail_turn();

-- Name: root_causes trail_turn; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER trail_turn BEFORE INSERT OR UPDATE ON qms.root_causes FOR EACH STATEMENT EXECUTE FUNCTION qms.take_trail_turn();

-- Name: scars trail_turn; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER trail_turn BEFORE INSERT OR UPDATE ON qms.scars FOR EACH STATEMENT EXECUTE FUNCTION qms.take_trail_turn();

-- Name: signatures trail_turn; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER trail_turn BEFORE INSERT ON qms.signatures FOR EACH STATEMENT EXECUTE FUNCTION qms.take_trail_turn();

-- Name: suppliers trail_turn; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER trail_turn BEFORE INSERT OR UPDATE ON qms.suppliers FOR EACH STATEMENT EXECUTE FUNCTION qms.take_trail_turn();

-- Name: trainings trail_turn; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER trail_turn BEFORE INSERT OR UPDATE ON qms.trainings FOR EACH STATEMENT EXECUTE FUNCTION qms.take_trail_turn();

-- Name: chunks enqueue; Type: TRIGGER; Schema: search; Owner: qms_owner

CREATE TRIGGER enqueue AFTER INSERT ON search.chunks REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION search.enqueue();

-- Name: agent_runs agent_runs_parent_run_id_fkey; Type: FK CONSTRAINT; Schema: agents; Owner: qms_owner

ALTER TABLE ONLY agents.agent_runs
    ADD CONSTRAINT agent_runs_parent_run_id_fkey FOREIGN KEY (parent_run_id) REFERENCES agents.agent_runs(id);

-- Name: agent_traces agent_traces_run_id_fkey; Type: FK CONSTRAINT; Schema: agents; Owner: qms_owner

ALTER TABLE ONLY agents.agent_traces
    ADD CONSTRAINT agent_traces_run_id_fkey FOREIGN KEY (run_id) REFERENCES agents.agent_runs(id);

-- Name: context_state context_state_organization_id_run_id_fkey; Type: FK CONSTRAINT; Schema: agents; Owner: qms_owner

ALTER TABLE ONLY agents.context_state
    ADD CONSTRAINT context_state_organization_id_run_id_fkey FOREIGN KEY (organization_id, run_id) REFERENCES agents.agent_runs(organization_id, id);

-- Name: decisions decisions_organization_id_run_id_fkey; Type: FK CONSTRAINT; Schema: agents; Owner: qms_owner

ALTER TABLE ONLY agents.decisions
    ADD CONSTRAINT decisions_organization_id_run_id_fkey FOREIGN KEY (organization_id, run_id) REFERENCES agents.agent_runs(organization_id, id);

-- Name: otlp_outbox otlp_outbox_call_id_fkey; Type: FK CONSTRAINT; Schema: agents; Owner: qms_owner

ALTER TABLE ONLY agents.otlp_outbox
    ADD CONSTRAINT otlp_outbox_call_id_fkey FOREIGN KEY (call_id) REFERENCES agents.tool_calls(id);

-- Name: tool_calls tool_calls_run_id_fkey; Type: FK CONSTRAINT; Schema: agents; Owner: qms_owner

ALTER TABLE ONLY agents.tool_calls
    ADD CONSTRAINT tool_calls_run_id_fkey FOREIGN KEY (run_id) REFERENCES agents.agent_runs(id);

-- Name: tool_calls tool_calls_trace_id_fkey; Type: FK CONSTRAINT; Schema: agents; Owner: qms_owner

ALTER TABLE ONLY agents.tool_calls
    ADD CONSTRAINT tool_calls_trace_id_fkey FOREIGN KEY (trace_id) REFERENCES agents.agent_traces(id);

-- Name: drift_metrics drift_metrics_organization_id_fkey; Type: FK CONSTRAINT; Schema: ml_loop; Owner: qms_owner

ALTER TABLE ONLY ml_loop.drift_metrics
    ADD CONSTRAINT drift_metrics_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES qms.organizations(id);

-- Name: eval_results eval_results_organization_id_fkey; Type: FK CONSTRAINT; Schema: ml_loop; Owner: qms_owner

ALTER TABLE ONLY ml_loop.eval_results
    ADD CONSTRAINT eval_results_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES qms.organizations(id);

-- Name: eval_results eval_results_organization_id_model_version_id_fkey; Type: FK CONSTRAINT; Schema: ml_loop; Owner: qms_owner

ALTER TABLE ONLY ml_loop.eval_results
    ADD CONSTRAINT eval_results_organization_id_model_version_id_fkey FOREIGN KEY (organization_id, model_version_id) REFERENCES ml_loop.model_versions(organization_id, id);

-- Name: feedback_loop feedback_loop_given_by_fkey; Type: FK CONSTRAINT; Schema: ml_loop; Owner: qms_owner

ALTER TABLE ONLY ml_loop.feedback_loop
    ADD CONSTRAINT feedback_loop_given_by_fkey FOREIGN KEY (given_by) REFERENCES auth.users(id);

-- Name: feedback_loop feedback_loop_organization_id_fkey; Type: FK CONSTRAINT; Schema: ml_loop; Owner: qms_owner

ALTER TABLE ONLY ml_loop.feedback_loop
    ADD CONSTRAINT feedback_loop_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES qms.organizations(id);

-- Name: feedback_loop feedback_loop_organization_id_run_id_fkey; Type: FK CONSTRAINT; Schema: ml_loop; Owner: qms_owner

ALTER TABLE ONLY ml_loop.feedback_loop
    ADD CONSTRAINT feedback_loop_organization_id_run_id_fkey FOREIGN KEY (organization_id, run_id) REFERENCES agents.agent_runs(organization_id, id);

-- Name: model_versions model_versions_organization_id_fkey; Type: FK CONSTRAINT; Schema: ml_loop; Owner: qms_owner

ALTER TABLE ONLY ml_loop.model_versions
    ADD CONSTRAINT model_versions_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES qms.organizations(id);

-- Name: training_data training_data_organization_id_fkey; Type: FK CONSTRAINT; Schema: ml_loop; Owner: qms_owner

ALTER TABLE ONLY ml_loop.training_data
    ADD CONSTRAINT training_data_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES qms.organizations(id);

-- Name: approvals approvals_decided_by_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.approvals
    ADD CONSTRAINT approvals_decided_by_fkey FOREIGN KEY (decided_by) REFERENCES auth.users(id);

-- Name: approvals approvals_organization_id_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.approvals
    ADD CONSTRAINT approvals_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES qms.organizations(id);

-- Name: approvals approvals_record; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.approvals
    ADD CONSTRAINT approvals_record FOREIGN KEY (organization_id, record_id) REFERENCES qms.quality_items(organization_id, id);

-- Name: approvals approvals_requested_by_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.approvals
    ADD CONSTRAINT approvals_requested_by_fkey FOREIGN KEY (requested_by) REFERENCES auth.users(id);

-- Name: audit_anchors audit_anchors_anchored_by_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.audit_anchors
    ADD CONSTRAINT audit_anchors_anchored_by_fkey FOREIGN KEY (anchored_by) REFERENCES auth.users(id);

-- Name: audit_anchors audit_anchors_organization_id_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.audit_anchors
    ADD CONSTRAINT audit_anchors_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES qms.organizations(id);

-- Name: audit_logs audit_logs_actor_id_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.audit_logs
    ADD CONSTRAINT audit_logs_actor_id_fkey FOREIGN KEY (actor_id) REFERENCES auth.users(id);

-- Name: audit_logs audit_logs_on_behalf_of_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.audit_logs
    ADD CONSTRAINT audit_logs_on_behalf_of_fkey FOREIGN KEY (on_behalf_of) REFERENCES auth.users(id);

-- Name: audit_logs audit_logs_organization_id_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.audit_logs
    ADD CONSTRAINT audit_logs_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES qms.organizations(id);

-- Name: audits audits_area_responsible_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.audits
    ADD CONSTRAINT audits_area_responsible_fkey FOREIGN KEY (area_responsible) REFERENCES auth.users(id);

-- Name: audits audits_lead_auditor_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.audits
    ADD CONSTRAINT audits_lead_auditor_fkey FOREIGN KEY (lead_auditor) REFERENCES auth.users(id);

-- Name: audits audits_organization_id_id_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.audits
    ADD CONSTRAINT audits_organization_id_id_fkey FOREIGN KEY (organization_id, id) REFERENCES qms.quality_items(organization_id, id);

-- Name: calibrations calibrations_created_by_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.calibrations
    ADD CONSTRAINT calibrations_created_by_fkey FOREIGN KEY (created_by) REFERENCES auth.users(id);

-- Name: calibrations calibrations_organization_id_record_id_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.calibrations
    ADD CONSTRAINT calibrations_organization_id_record_id_fkey FOREIGN KEY (organization_id, record_id) REFERENCES qms.quality_items(organization_id, id);

-- Name: capa_actions capa_actions_accepted_by_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.capa_actions
    ADD CONSTRAINT capa_actions_accepted_by_fkey FOREIGN KEY (accepted_by) REFERENCES auth.users(id);

-- Name: capa_actions capa_actions_created_by_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.capa_actions
    ADD CONSTRAINT capa_actions_created_by_fkey FOREIGN KEY (created_by) REFERENCES auth.users(id);

-- Name: capa_actions capa_actions_organization_id_record_id_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.capa_actions
    ADD CONSTRAINT capa_actions_organization_id_record_id_fkey FOREIGN KEY (organization_id, record_id) REFERENCES qms.quality_items(organization_id, id);

-- Name: capa_actions capa_actions_owner_id_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.capa_actions
    ADD CONSTRAINT capa_actions_owner_id_fkey FOREIGN KEY (owner_id) REFERENCES auth.users(id);

-- Name: capas capas_organization_id_id_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.capas
    ADD CONSTRAINT capas_organization_id_id_fkey FOREIGN KEY (organization_id, id) REFERENCES qms.quality_items(organization_id, id);

-- Name: capas capas_verdict_by_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.capas
    ADD CONSTRAINT capas_verdict_by_fkey FOREIGN KEY (verdict_by) REFERENCES auth.users(id);

-- Name: change_requests change_requests_organization_id_id_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.change_requests
    ADD CONSTRAINT change_requests_organization_id_id_fkey FOREIGN KEY (organization_id, id) REFERENCES qms.quality_items(organization_id, id);

-- Name: clause_evidence_rules clause_evidence_rules_clause_id_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.clause_evidence_rules
    ADD CONSTRAINT clause_evidence_rules_clause_id_fkey FOREIGN KEY (clause_id) REFERENCES qms.clauses(id);

-- Name: clause_map clause_map_from_clause_id_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.clause_map
    ADD CONSTRAINT clause_map_from_clause_id_fkey FOREIGN KEY (from_clause_id) REFERENCES qms.clauses(id);

-- Name: clause_map clause_map_to_clause_id_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.clause_map
    ADD CONSTRAINT clause_map_to_clause_id_fkey FOREIGN KEY (to_clause_id) REFERENCES qms.clauses(id);

-- Name: clauses clauses_framework_id_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.clauses
    ADD CONSTRAINT clauses_framework_id_fkey FOREIGN KEY (framework_id) REFERENCES qms.frameworks(id);

-- Name: clauses clauses_framework_id_parent_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.clauses
    ADD CONSTRAINT clauses_framework_id_parent_fkey FOREIGN KEY (framework_id, parent) REFERENCES qms.clauses(framework_id, number);

-- Name: complaints complaints_organization_id_id_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.complaints
    ADD CONSTRAINT complaints_organization_id_id_fkey FOREIGN KEY (organization_id, id) REFERENCES qms.quality_items(organization_id, id);

-- Name: complaints complaints_reportability_decided_by_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.complaints
    ADD CONSTRAINT complaints_reportability_decided_by_fkey FOREIGN KEY (reportability_decided_by) REFERENCES auth.users(id);

-- Name: compliance_records compliance_records_adopted_by_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.compliance_records
    ADD CONSTRAINT compliance_records_adopted_by_fkey FOREIGN KEY (adopted_by) REFERENCES auth.users(id);

-- Name: compliance_records compliance_records_clause_id_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.compliance_records
    ADD CONSTRAINT compliance_records_clause_id_fkey FOREIGN KEY (clause_id) REFERENCES qms.clauses(id);

-- Name: compliance_records compliance_records_framework_id_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.compliance_records
    ADD CONSTRAINT compliance_records_framework_id_fkey FOREIGN KEY (framework_id) REFERENCES qms.frameworks(id);

-- Name: compliance_records compliance_records_organization_id_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.compliance_records
    ADD CONSTRAINT compliance_records_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES qms.organizations(id);

-- Name: compliance_records compliance_records_proposed_by_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.compliance_records
    ADD CONSTRAINT compliance_records_proposed_by_fkey FOREIGN KEY (proposed_by) REFERENCES auth.users(id);

-- Name: deviations deviations_organization_id_id_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.deviations
    ADD CONSTRAINT deviations_organization_id_id_fkey FOREIGN KEY (organization_id, id) REFERENCES qms.quality_items(organization_id, id);

-- Name: dispositions dispositions_created_by_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.dispositions
    ADD CONSTRAINT dispositions_created_by_fkey FOREIGN KEY (created_by) REFERENCES auth.users(id);

-- Name: dispositions dispositions_decided_by_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.dispositions
    ADD CONSTRAINT dispositions_decided_by_fkey FOREIGN KEY (decided_by) REFERENCES auth.users(id);

-- Name: dispositions dispositions_organization_id_record_id_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.dispositions
    ADD CONSTRAINT dispositions_organization_id_record_id_fkey FOREIGN KEY (organization_id, record_id) REFERENCES qms.quality_items(organization_id, id);

-- Name: document_files document_files_created_by_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.document_files
    ADD CONSTRAINT document_files_created_by_fkey FOREIGN KEY (created_by) REFERENCES auth.users(id);

-- Name: document_files document_files_organization_id_record_id_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.document_files
    ADD CONSTRAINT document_files_organization_id_record_id_fkey FOREIGN KEY (organization_id, record_id) REFERENCES qms.quality_items(organization_id, id);

-- Name: documents documents_author_id_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.documents
    ADD CONSTRAINT documents_author_id_fkey FOREIGN KEY (author_id) REFERENCES auth.users(id);

-- Name: documents documents_organization_id_id_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.documents
    ADD CONSTRAINT documents_organization_id_id_fkey FOREIGN KEY (organization_id, id) REFERENCES qms.quality_items(organization_id, id);

-- Name: documents documents_organization_id_replaced_by_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.documents
    ADD CONSTRAINT documents_organization_id_replaced_by_fkey FOREIGN KEY (organization_id, replaced_by) REFERENCES qms.quality_items(organization_id, id);

-- Name: effectiveness_checks effectiveness_checks_created_by_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.effectiveness_checks
    ADD CONSTRAINT effectiveness_checks_created_by_fkey FOREIGN KEY (created_by) REFERENCES auth.users(id);

-- Name: effectiveness_checks effectiveness_checks_organization_id_record_id_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.effectiveness_checks
    ADD CONSTRAINT effectiveness_checks_organization_id_record_id_fkey FOREIGN KEY (organization_id, record_id) REFERENCES qms.quality_items(organization_id, id);

-- Name: equipment equipment_organization_id_id_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.equipment
    ADD CONSTRAINT equipment_organization_id_id_fkey FOREIGN KEY (organization_id, id) REFERENCES qms.quality_items(organization_id, id);

-- Name: escalations escalations_organization_id_record_id_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.escalations
    ADD CONSTRAINT escalations_organization_id_record_id_fkey FOREIGN KEY (organization_id, record_id) REFERENCES qms.quality_items(organization_id, id);

-- Name: evidence evidence_created_by_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.evidence
    ADD CONSTRAINT evidence_created_by_fkey FOREIGN KEY (created_by) REFERENCES auth.users(id);

-- Name: evidence_links evidence_links_added_by_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.evidence_links
    ADD CONSTRAINT evidence_links_added_by_fkey FOREIGN KEY (added_by) REFERENCES auth.users(id);

-- Name: evidence_links evidence_links_clause_id_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.evidence_links
    ADD CONSTRAINT evidence_links_clause_id_fkey FOREIGN KEY (clause_id) REFERENCES qms.clauses(id);

-- Name: evidence_links evidence_links_organization_id_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.evidence_links
    ADD CONSTRAINT evidence_links_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES qms.organizations(id);

-- Name: evidence_links evidence_links_organization_id_record_id_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.evidence_links
    ADD CONSTRAINT evidence_links_organization_id_record_id_fkey FOREIGN KEY (organization_id, record_id) REFERENCES qms.quality_items(organization_id, id);

-- Name: evidence_links evidence_links_withdrawn_by_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.evidence_links
    ADD CONSTRAINT evidence_links_withdrawn_by_fkey FOREIGN KEY (withdrawn_by) REFERENCES auth.users(id);

-- Name: evidence evidence_organization_id_document_id_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.evidence
    ADD CONSTRAINT evidence_organization_id_document_id_fkey FOREIGN KEY (organization_id, document_id) REFERENCES qms.quality_items(organization_id, id);

-- Name: evidence evidence_organization_id_record_id_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.evidence
    ADD CONSTRAINT evidence_organization_id_record_id_fkey FOREIGN KEY (organization_id, record_id) REFERENCES qms.quality_items(organization_id, id);

-- Name: extension_requests extension_requests_organization_id_id_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.extension_requests
    ADD CONSTRAINT extension_requests_organization_id_id_fkey FOREIGN KEY (organization_id, id) REFERENCES qms.quality_items(organization_id, id);

-- Name: extension_requests extension_requests_organization_id_target_id_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.extension_requests
    ADD CONSTRAINT extension_requests_organization_id_target_id_fkey FOREIGN KEY (organization_id, target_id) REFERENCES qms.quality_items(organization_id, id);

-- Name: field_actions field_actions_organization_id_id_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.field_actions
    ADD CONSTRAINT field_actions_organization_id_id_fkey FOREIGN KEY (organization_id, id) REFERENCES qms.quality_items(organization_id, id);

-- Name: findings findings_organization_id_audit_id_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.findings
    ADD CONSTRAINT findings_organization_id_audit_id_fkey FOREIGN KEY (organization_id, audit_id) REFERENCES qms.quality_items(organization_id, id);

-- Name: findings findings_organization_id_id_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.findings
    ADD CONSTRAINT findings_organization_id_id_fkey FOREIGN KEY (organization_id, id) REFERENCES qms.quality_items(organization_id, id);

-- Name: frameworks frameworks_successor_id_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.frameworks
    ADD CONSTRAINT frameworks_successor_id_fkey FOREIGN KEY (successor_id) REFERENCES qms.frameworks(id);

-- Name: impact_assessments impact_assessments_created_by_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.impact_assessments
    ADD CONSTRAINT impact_assessments_created_by_fkey FOREIGN KEY (created_by) REFERENCES auth.users(id);

-- Name: impact_assessments impact_assessments_organization_id_record_id_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.impact_assessments
    ADD CONSTRAINT impact_assessments_organization_id_record_id_fkey FOREIGN KEY (organization_id, record_id) REFERENCES qms.quality_items(organization_id, id);

-- Name: memberships memberships_organization_id_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.memberships
    ADD CONSTRAINT memberships_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES qms.organizations(id);

-- Name: memberships memberships_user_id_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.memberships
    ADD CONSTRAINT memberships_user_id_fkey FOREIGN KEY (user_id) REFERENCES auth.users(id);

-- Name: migration_drafts migration_drafts_drafted_by_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.migration_drafts
    ADD CONSTRAINT migration_drafts_drafted_by_fkey FOREIGN KEY (drafted_by) REFERENCES auth.users(id);

-- Name: migration_drafts migration_drafts_organization_id_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.migration_drafts
    ADD CONSTRAINT migration_drafts_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES qms.organizations(id);

-- Name: nonconformances nonconformances_organization_id_id_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.nonconformances
    ADD CONSTRAINT nonconformances_organization_id_id_fkey FOREIGN KEY (organization_id, id) REFERENCES qms.quality_items(organization_id, id);

-- Name: nonconformances nonconformances_organization_id_supplier_id_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.nonconformances
    ADD CONSTRAINT nonconformances_organization_id_supplier_id_fkey FOREIGN KEY (organization_id, supplier_id) REFERENCES qms.quality_items(organization_id, id);

-- Name: people people_user_id_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.people
    ADD CONSTRAINT people_user_id_fkey FOREIGN KEY (user_id) REFERENCES auth.users(id);

-- Name: quality_items quality_items_adopted_by_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.quality_items
    ADD CONSTRAINT quality_items_adopted_by_fkey FOREIGN KEY (adopted_by) REFERENCES auth.users(id);

-- Name: quality_items quality_items_assigned_to_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.quality_items
    ADD CONSTRAINT quality_items_assigned_to_fkey FOREIGN KEY (assigned_to) REFERENCES auth.users(id);

-- Name: quality_items quality_items_definition; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.quality_items
    ADD CONSTRAINT quality_items_definition FOREIGN KEY (definition_id) REFERENCES qms.workflow_definitions(id);

-- Name: quality_items quality_items_drafted_by_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.quality_items
    ADD CONSTRAINT quality_items_drafted_by_fkey FOREIGN KEY (drafted_by) REFERENCES auth.users(id);

-- Name: quality_items quality_items_organization_id_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.quality_items
    ADD CONSTRAINT quality_items_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES qms.organizations(id);

-- Name: quality_items quality_items_owner_id_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.quality_items
    ADD CONSTRAINT quality_items_owner_id_fkey FOREIGN KEY (owner_id) REFERENCES auth.users(id);

-- Name: record_links record_links_created_by_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.record_links
    ADD CONSTRAINT record_links_created_by_fkey FOREIGN KEY (created_by) REFERENCES auth.users(id);

-- Name: record_links record_links_organization_id_from_id_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.record_links
    ADD CONSTRAINT record_links_organization_id_from_id_fkey FOREIGN KEY (organization_id, from_id) REFERENCES qms.quality_items(organization_id, id);

-- Name: record_links record_links_organization_id_to_id_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.record_links
    ADD CONSTRAINT record_links_organization_id_to_id_fkey FOREIGN KEY (organization_id, to_id) REFERENCES qms.quality_items(organization_id, id);

-- Name: record_notes record_notes_created_by_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.record_notes
    ADD CONSTRAINT record_notes_created_by_fkey FOREIGN KEY (created_by) REFERENCES auth.users(id);

-- Name: record_notes record_notes_organization_id_record_id_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.record_notes
    ADD CONSTRAINT record_notes_organization_id_record_id_fkey FOREIGN KEY (organization_id, record_id) REFERENCES qms.quality_items(organization_id, id);

-- Name: reportability_assessments reportability_assessments_created_by_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.reportability_assessments
    ADD CONSTRAINT reportability_assessments_created_by_fkey FOREIGN KEY (created_by) REFERENCES auth.users(id);

-- Name: reportability_assessments reportability_assessments_decided_by_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.reportability_assessments
    ADD CONSTRAINT reportability_assessments_decided_by_fkey FOREIGN KEY (decided_by) REFERENCES auth.users(id);

-- Name: reportability_assessments reportability_assessments_organization_id_record_id_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.reportability_assessments
    ADD CONSTRAINT reportability_assessments_organization_id_record_id_fkey FOREIGN KEY (organization_id, record_id) REFERENCES qms.quality_items(organization_id, id);

-- Name: required_signatures required_signatures_created_by_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.required_signatures
    ADD CONSTRAINT required_signatures_created_by_fkey FOREIGN KEY (created_by) REFERENCES auth.users(id);

-- Name: required_signatures required_signatures_organization_id_record_id_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.required_signatures
    ADD CONSTRAINT required_signatures_organization_id_record_id_fkey FOREIGN KEY (organization_id, record_id) REFERENCES qms.quality_items(organization_id, id);

-- Name: required_signatures required_signatures_signer_id_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.required_signatures
    ADD CONSTRAINT required_signatures_signer_id_fkey FOREIGN KEY (signer_id) REFERENCES auth.users(id);

-- Name: risk_controls risk_controls_created_by_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.risk_controls
    ADD CONSTRAINT risk_controls_created_by_fkey FOREIGN KEY (created_by) REFERENCES auth.users(id);

-- Name: risk_controls risk_controls_organization_id_record_id_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.risk_controls
    ADD CONSTRAINT risk_controls_organization_id_record_id_fkey FOREIGN KEY (organization_id, record_id) REFERENCES qms.quality_items(organization_id, id);

-- Name: risks risks_organization_id_id_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.risks
    ADD CONSTRAINT risks_organization_id_id_fkey FOREIGN KEY (organization_id, id) REFERENCES qms.quality_items(organization_id, id);

-- Name: root_causes root_causes_created_by_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.root_causes
    ADD CONSTRAINT root_causes_created_by_fkey FOREIGN KEY (created_by) REFERENCES auth.users(id);

-- Name: root_causes root_causes_organization_id_record_id_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.root_causes
    ADD CONSTRAINT root_causes_organization_id_record_id_fkey FOREIGN KEY (organization_id, record_id) REFERENCES qms.quality_items(organization_id, id);

-- Name: scars scars_organization_id_id_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.scars
    ADD CONSTRAINT scars_organization_id_id_fkey FOREIGN KEY (organization_id, id) REFERENCES qms.quality_items(organization_id, id);

-- Name: scars scars_organization_id_supplier_id_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.scars
    ADD CONSTRAINT scars_organization_id_supplier_id_fkey FOREIGN KEY (organization_id, supplier_id) REFERENCES qms.quality_items(organization_id, id);

-- Name: security_reports security_reports_acknowledged_by_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.security_reports
    ADD CONSTRAINT security_reports_acknowledged_by_fkey FOREIGN KEY (acknowledged_by) REFERENCES auth.users(id);

-- Name: security_reports security_reports_organization_id_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.security_reports
    ADD CONSTRAINT security_reports_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES qms.organizations(id);

-- Name: security_reports security_reports_user_id_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.security_reports
    ADD CONSTRAINT security_reports_user_id_fkey FOREIGN KEY (user_id) REFERENCES auth.users(id);

-- Name: signatures signatures_approval_id_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.signatures
    ADD CONSTRAINT signatures_approval_id_fkey FOREIGN KEY (approval_id) REFERENCES qms.approvals(id);

-- Name: signatures signatures_organization_id_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.signatures
    ADD CONSTRAINT signatures_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES qms.organizations(id);

-- Name: signatures signatures_organization_id_record_id_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.signatures
    ADD CONSTRAINT signatures_organization_id_record_id_fkey FOREIGN KEY (organization_id, record_id) REFERENCES qms.quality_items(organization_id, id);

-- Name: signatures signatures_signer_id_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.signatures
    ADD CONSTRAINT signatures_signer_id_fkey FOREIGN KEY (signer_id) REFERENCES auth.users(id);

-- Name: suppliers suppliers_organization_id_id_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.suppliers
    ADD CONSTRAINT suppliers_organization_id_id_fkey FOREIGN KEY (organization_id, id) REFERENCES qms.quality_items(organization_id, id);

-- Name: trainings trainings_organization_id_document_id_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.trainings
    ADD CONSTRAINT trainings_organization_id_document_id_fkey FOREIGN KEY (organization_id, document_id) REFERENCES qms.quality_items(organization_id, id);

-- Name: trainings trainings_organization_id_id_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.trainings
    ADD CONSTRAINT trainings_organization_id_id_fkey FOREIGN KEY (organization_id, id) REFERENCES qms.quality_items(organization_id, id);

-- Name: trainings trainings_trainee_id_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.trainings
    ADD CONSTRAINT trainings_trainee_id_fkey FOREIGN KEY (trainee_id) REFERENCES auth.users(id);

-- Name: trainings trainings_trainer_id_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.trainings
    ADD CONSTRAINT trainings_trainer_id_fkey FOREIGN KEY (trainer_id) REFERENCES auth.users(id);

-- Name: transform_drafts transform_drafts_drafted_by_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.transform_drafts
    ADD CONSTRAINT transform_drafts_drafted_by_fkey FOREIGN KEY (drafted_by) REFERENCES auth.users(id);

-- Name: transform_drafts transform_drafts_organization_id_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.transform_drafts
    ADD CONSTRAINT transform_drafts_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES qms.organizations(id);

-- Name: transitions transitions_approval_id_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.transitions
    ADD CONSTRAINT transitions_approval_id_fkey FOREIGN KEY (approval_id) REFERENCES qms.approvals(id);

-- Name: transitions transitions_by_id_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.transitions
    ADD CONSTRAINT transitions_by_id_fkey FOREIGN KEY (by_id) REFERENCES auth.users(id);

-- Name: transitions transitions_definition_id_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.transitions
    ADD CONSTRAINT transitions_definition_id_fkey FOREIGN KEY (definition_id) REFERENCES qms.workflow_definitions(id);

-- Name: transitions transitions_organization_id_record_id_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.transitions
    ADD CONSTRAINT transitions_organization_id_record_id_fkey FOREIGN KEY (organization_id, record_id) REFERENCES qms.quality_items(organization_id, id);

-- Name: workflow_definitions workflow_definitions_approval_id_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.workflow_definitions
    ADD CONSTRAINT workflow_definitions_approval_id_fkey FOREIGN KEY (approval_id) REFERENCES qms.approvals(id);

-- Name: workflow_definitions workflow_definitions_category_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.workflow_definitions
    ADD CONSTRAINT workflow_definitions_category_fkey FOREIGN KEY (category) REFERENCES qms.record_types(category);

-- Name: workflow_definitions workflow_definitions_organization_id_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.workflow_definitions
    ADD CONSTRAINT workflow_definitions_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES qms.organizations(id);

-- Name: workflow_drafts workflow_drafts_category_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.workflow_drafts
    ADD CONSTRAINT workflow_drafts_category_fkey FOREIGN KEY (category) REFERENCES qms.record_types(category);

-- Name: workflow_drafts workflow_drafts_drafted_by_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.workflow_drafts
    ADD CONSTRAINT workflow_drafts_drafted_by_fkey FOREIGN KEY (drafted_by) REFERENCES auth.users(id);

-- Name: workflow_drafts workflow_drafts_organization_id_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.workflow_drafts
    ADD CONSTRAINT workflow_drafts_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES qms.organizations(id);

-- Name: approval_links approval_links_approval_id_fkey; Type: FK CONSTRAINT; Schema: qms_private; Owner: qms_owner

ALTER TABLE ONLY qms_private.approval_links
    ADD CONSTRAINT approval_links_approval_id_fkey FOREIGN KEY (approval_id) REFERENCES qms.approvals(id);

-- Name: credentials credentials_user_id_fkey; Type: FK CONSTRAINT; Schema: qms_private; Owner: qms_owner

ALTER TABLE ONLY qms_private.credentials
    ADD CONSTRAINT credentials_user_id_fkey FOREIGN KEY (user_id) REFERENCES auth.users(id);

-- Name: record_numbers record_numbers_organization_id_fkey; Type: FK CONSTRAINT; Schema: qms_private; Owner: qms_owner

ALTER TABLE ONLY qms_private.record_numbers
    ADD CONSTRAINT record_numbers_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES qms.organizations(id);

-- Name: sessions sessions_user_id_fkey; Type: FK CONSTRAINT; Schema: qms_private; Owner: qms_owner

ALTER TABLE ONLY qms_private.sessions
    ADD CONSTRAINT sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES auth.users(id);

-- Name: trail_heads trail_heads_organization_id_fkey; Type: FK CONSTRAINT; Schema: qms_private; Owner: qms_owner

ALTER TABLE ONLY qms_private.trail_heads
    ADD CONSTRAINT trail_heads_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES qms.organizations(id);

-- Name: chunks chunks_organization_id_source_id_fkey; Type: FK CONSTRAINT; Schema: search; Owner: qms_owner

ALTER TABLE ONLY search.chunks
    ADD CONSTRAINT chunks_organization_id_source_id_fkey FOREIGN KEY (organization_id, source_id) REFERENCES search.sources(organization_id, id) ON DELETE CASCADE;

-- Name: corpora corpora_organization_id_fkey; Type: FK CONSTRAINT; Schema: search; Owner: qms_owner

ALTER TABLE ONLY search.corpora
    ADD CONSTRAINT corpora_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES qms.organizations(id);

-- Name: embedding_jobs embedding_jobs_model_id_fkey; Type: FK CONSTRAINT; Schema: search; Owner: qms_owner

ALTER TABLE ONLY search.embedding_jobs
    ADD CONSTRAINT embedding_jobs_model_id_fkey FOREIGN KEY (model_id) REFERENCES search.embedding_models(id) ON DELETE CASCADE;

-- Name: embedding_jobs embedding_jobs_organization_id_chunk_id_fkey; Type: FK CONSTRAINT; Schema: search; Owner: qms_owner

ALTER TABLE ONLY search.embedding_jobs
    ADD CONSTRAINT embedding_jobs_organization_id_chunk_id_fkey FOREIGN KEY (organization_id, chunk_id) REFERENCES search.chunks(organization_id, id) ON DELETE CASCADE;

-- Name: embedding_jobs embedding_jobs_organization_id_fkey; Type: FK CONSTRAINT; Schema: search; Owner: qms_owner

ALTER TABLE ONLY search.embedding_jobs
    ADD CONSTRAINT embedding_jobs_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES qms.organizations(id);

-- Name: embedding_usage embedding_usage_organization_id_fkey; Type: FK CONSTRAINT; Schema: search; Owner: qms_owner

ALTER TABLE ONLY search.embedding_usage
    ADD CONSTRAINT embedding_usage_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES qms.organizations(id);

-- Name: embeddings_by_model embeddings_by_model_model_id_fkey; Type: FK CONSTRAINT; Schema: search; Owner: qms_owner

ALTER TABLE search.embeddings_by_model
    ADD CONSTRAINT embeddings_by_model_model_id_fkey FOREIGN KEY (model_id) REFERENCES search.embedding_models(id);

-- Name: embeddings_by_model embeddings_by_model_organization_id_chunk_id_fkey; Type: FK CONSTRAINT; Schema: search; Owner: qms_owner

ALTER TABLE search.embeddings_by_model
    ADD CONSTRAINT embeddings_by_model_organization_id_chunk_id_fkey FOREIGN KEY (organization_id, chunk_id) REFERENCES search.chunks(organization_id, id) ON DELETE CASCADE;

-- Name: embeddings_by_model embeddings_by_model_organization_id_fkey; Type: FK CONSTRAINT; Schema: search; Owner: qms_owner

ALTER TABLE search.embeddings_by_model
    ADD CONSTRAINT embeddings_by_model_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES qms.organizations(id);

-- Name: sources sources_organization_id_fkey; Type: FK CONSTRAINT; Schema: search; Owner: qms_owner

ALTER TABLE ONLY search.sources
    ADD CONSTRAINT sources_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES qms.organizations(id);

-- Name: sources sources_organization_id_record_id_fkey; Type: FK CONSTRAINT; Schema: search; Owner: qms_owner

ALTER TABLE ONLY search.sources
    ADD CONSTRAINT sources_organization_id_record_id_fkey FOREIGN KEY (organization_id, record_id) REFERENCES qms.quality_items(organization_id, id);

-- Name: term_stats term_stats_organization_id_fkey; Type: FK CONSTRAINT; Schema: search; Owner: qms_owner

ALTER TABLE ONLY search.term_stats
    ADD CONSTRAINT term_stats_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES qms.organizations(id);

-- Name: context_state add_own; Type: POLICY; Schema: agents; Owner: qms_owner

CREATE POLICY add_own ON agents.context_state FOR INSERT TO qms_app WITH CHECK (((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)) AND ( SELECT qms.may_write() AS may_write)));

-- Name: decisions add_own; Type: POLICY; Schema: agents; Owner: qms_owner

CREATE POLICY add_own ON agents.decisions FOR INSERT TO qms_app WITH CHECK (((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)) AND ( SELECT qms.may_write() AS may_write)));

-- Name: agent_runs; Type: ROW SECURITY; Schema: agents; Owner: qms_owner

ALTER TABLE agents.agent_runs ENABLE ROW LEVEL SECURITY;

-- Name: agent_traces; Type: ROW SECURITY; Schema: agents; Owner: qms_owner

ALTER TABLE agents.agent_traces ENABLE ROW LEVEL SECURITY;

-- Name: context_state; Type: ROW SECURITY; Schema: agents; Owner: qms_owner

ALTER TABLE agents.context_state ENABLE ROW LEVEL SECURITY;

-- Name: decisions; Type: ROW SECURITY; Schema: agents; Owner: qms_owner

ALTER TABLE agents.decisions ENABLE ROW LEVEL SECURITY;

-- Name: agent_runs ledger; Type: POLICY; Schema: agents; Owner: qms_owner

CREATE POLICY ledger ON agents.agent_runs TO qms_ledger USING (true) WITH CHECK (true);

-- Name: agent_traces ledger; Type: POLICY; Schema: agents; Owner: qms_owner

CREATE POLICY ledger ON agents.agent_traces TO qms_ledger USING (true) WITH CHECK (true);

-- Name: context_state ledger; Type: POLICY; Schema: agents; Owner: qms_owner

CREATE POLICY ledger ON agents.context_state TO qms_ledger USING (true) WITH CHECK (true);

-- Name: decisions ledger; Type: POLICY; Schema: agents; Owner: qms_owner

CREATE POLICY ledger ON agents.decisions TO qms_ledger USING (true) WITH CHECK (true);

-- Name: otlp_outbox ledger; Type: POLICY; Schema: agents; Owner: qms_owner

CREATE POLICY ledger ON agents.otlp_outbox TO qms_ledger USING (true) WITH CHECK (true);

-- Name: tool_calls ledger; Type: POLICY; Schema: agents; Owner: qms_owner

CREATE POLICY ledger ON agents.tool_calls TO qms_ledger USING (true) WITH CHECK (true);

-- Name: otlp_outbox; Type: ROW SECURITY; Schema: agents; Owner: qms_owner

ALTER TABLE agents.otlp_outbox ENABLE ROW LEVEL SECURITY;

-- Name: agent_runs read_own; Type: POLICY; Schema: agents; Owner: qms_owner

CREATE POLICY read_own ON agents.agent_runs FOR SELECT TO qms_app, qms_sql USING ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: agent_traces read_own; Type: POLICY; Schema: agents; Owner: qms_owner

CREATE POLICY read_own ON agents.agent_traces FOR SELECT TO qms_app, qms_sql USING ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: context_state read_own; Type: POLICY; Schema: agents; Owner: qms_owner

CREATE POLICY read_own ON agents.context_state FOR SELECT TO qms_app, qms_sql USING ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: decisions read_own; Type: POLICY; Schema: agents; Owner: qms_owner

CREATE POLICY read_own ON agents.decisions FOR SELECT TO qms_app, qms_sql USING ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: tool_calls read_own; Type: POLICY; Schema: agents; Owner: qms_owner

CREATE POLICY read_own ON agents.tool_calls FOR SELECT TO qms_app, qms_sql USING ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: tool_calls; Type: ROW SECURITY; Schema: agents; Owner: qms_owner

ALTER TABLE agents.tool_calls ENABLE ROW LEVEL SECURITY;

-- Name: drift_metrics add_own; Type: POLICY; Schema: ml_loop; Owner: qms_owner

CREATE POLICY add_own ON ml_loop.drift_metrics FOR INSERT TO qms_app WITH CHECK (((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)) AND ( SELECT qms.may_write() AS may_write)));

-- Name: eval_results add_own; Type: POLICY; Schema: ml_loop; Owner: qms_owner

CREATE POLICY add_own ON ml_loop.eval_results FOR INSERT TO qms_app WITH CHECK (((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)) AND ( SELECT qms.may_write() AS may_write)));

-- Name: feedback_loop add_own; Type: POLICY; Schema: ml_loop; Owner: qms_owner

CREATE POLICY add_own ON ml_loop.feedback_loop FOR INSERT TO qms_app WITH CHECK (((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)) AND ( SELECT qms.may_write() AS may_write)));

-- Name: model_versions add_own; Type: POLICY; Schema: ml_loop; Owner: qms_owner

CREATE POLICY add_own ON ml_loop.model_versions FOR INSERT TO qms_app WITH CHECK (((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)) AND ( SELECT qms.may_write() AS may_write)));

-- Name: training_data add_own; Type: POLICY; Schema: ml_loop; Owner: qms_owner

CREATE POLICY add_own ON ml_loop.training_data FOR INSERT TO qms_app WITH CHECK (((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)) AND ( SELECT qms.may_write() AS may_write)));

-- Name: drift_metrics change_own; Type: POLICY; Schema: ml_loop; Owner: qms_owner

CREATE POLICY change_own ON ml_loop.drift_metrics FOR UPDATE TO qms_app USING (((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)) AND ( SELECT qms.may_write() AS may_write))) WITH CHECK ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: eval_results change_own; Type: POLICY; Schema: ml_loop; Owner: qms_owner

CREATE POLICY change_own ON ml_loop.eval_results FOR UPDATE TO qms_app USING (((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)) AND ( SELECT qms.may_write() AS may_write))) WITH CHECK ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: feedback_loop change_own; Type: POLICY; Schema: ml_loop; Owner: qms_owner

CREATE POLICY change_own ON ml_loop.feedback_loop FOR UPDATE TO qms_app USING (((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)) AND ( SELECT qms.may_write() AS may_write))) WITH CHECK ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: model_versions change_own; Type: POLICY; Schema: ml_loop; Owner: qms_owner

CREATE POLICY change_own ON ml_loop.model_versions FOR UPDATE TO qms_app USING (((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)) AND ( SELECT qms.may_write() AS may_write))) WITH CHECK ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: training_data change_own; Type: POLICY; Schema: ml_loop; Owner: qms_owner

CREATE POLICY change_own ON ml_loop.training_data FOR UPDATE TO qms_app USING (((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)) AND ( SELECT qms.may_write() AS may_write))) WITH CHECK ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: drift_metrics; Type: ROW SECURITY; Schema: ml_loop; Owner: qms_owner

ALTER TABLE ml_loop.drift_metrics ENABLE ROW LEVEL SECURITY;

-- Name: eval_results; Type: ROW SECURITY; Schema: ml_loop; Owner: qms_owner

ALTER TABLE ml_loop.eval_results ENABLE ROW LEVEL SECURITY;

-- Name: feedback_loop; Type: ROW SECURITY; Schema: ml_loop; Owner: qms_owner

ALTER TABLE ml_loop.feedback_loop ENABLE ROW LEVEL SECURITY;

-- Name: model_versions; Type: ROW SECURITY; Schema: ml_loop; Owner: qms_owner

ALTER TABLE ml_loop.model_versions ENABLE ROW LEVEL SECURITY;

-- Name: drift_metrics read_own; Type: POLICY; Schema: ml_loop; Owner: qms_owner

CREATE POLICY read_own ON ml_loop.drift_metrics FOR SELECT TO qms_app, qms_sql USING ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: eval_results read_own; Type: POLICY; Schema: ml_loop; Owner: qms_owner

CREATE POLICY read_own ON ml_loop.eval_results FOR SELECT TO qms_app, qms_sql USING ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: feedback_loop read_own; Type: POLICY; Schema: ml_loop; Owner: qms_owner

CREATE POLICY read_own ON ml_loop.feedback_loop FOR SELECT TO qms_app, qms_sql USING ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: model_versions read_own; Type: POLICY; Schema: ml_loop; Owner: qms_owner

CREATE POLICY read_own ON ml_loop.model_versions FOR SELECT TO qms_app, qms_sql USING ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: training_data read_own; Type: POLICY; Schema: ml_loop; Owner: qms_owner

CREATE POLICY read_own ON ml_loop.training_data FOR SELECT TO qms_app, qms_sql USING ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: training_data; Type: ROW SECURITY; Schema: ml_loop; Owner: qms_owner

ALTER TABLE ml_loop.training_data ENABLE ROW LEVEL SECURITY;

-- Name: audits add_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY add_own ON qms.audits FOR INSERT TO qms_app WITH CHECK (((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)) AND ( SELECT qms.may_keep_records() AS may_keep_records)));

-- Name: calibrations add_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY add_own ON qms.calibrations FOR INSERT TO qms_app WITH CHECK (((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)) AND ( SELECT qms.may_keep_records() AS may_keep_records)));

-- Name: capa_actions add_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY add_own ON qms.capa_actions FOR INSERT TO qms_app WITH CHECK (((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)) AND ( SELECT qms.may_keep_records() AS may_keep_records)));

-- Name: capas add_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY add_own ON qms.capas FOR INSERT TO qms_app WITH CHECK (((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)) AND ( SELECT qms.may_keep_records() AS may_keep_records)));

-- Name: change_requests add_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY add_own ON qms.change_requests FOR INSERT TO qms_app WITH CHECK (((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)) AND ( SELECT qms.may_keep_records() AS may_keep_records)));

-- Name: complaints add_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY add_own ON qms.complaints FOR INSERT TO qms_app WITH CHECK (((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)) AND ( SELECT qms.may_keep_records() AS may_keep_records)));

-- Name: compliance_records add_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY add_own ON qms.compliance_records FOR INSERT TO qms_app WITH CHECK (((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)) AND ( SELECT qms.may_write() AS may_write)));

-- Name: deviations add_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY add_own ON qms.deviations FOR INSERT TO qms_app WITH CHECK (((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)) AND ( SELECT qms.may_keep_records() AS may_keep_records)));

-- Name: dispositions add_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY add_own ON qms.dispositions FOR INSERT TO qms_app WITH CHECK (((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)) AND ( SELECT qms.may_keep_records() AS may_keep_records)));

-- Name: document_files add_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY add_own ON qms.document_files FOR INSERT TO qms_app WITH CHECK (((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)) AND ( SELECT qms.may_keep_records() AS may_keep_records)));

-- Name: documents add_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY add_own ON qms.documents FOR INSERT TO qms_app WITH CHECK (((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)) AND ( SELECT qms.may_keep_records() AS may_keep_records)));

-- Name: effectiveness_checks add_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY add_own ON qms.effectiveness_checks FOR INSERT TO qms_app WITH CHECK (((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)) AND ( SELECT qms.may_keep_records() AS may_keep_records)));

-- Name: equipment add_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY add_own ON qms.equipment FOR INSERT TO qms_app WITH CHECK (((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)) AND ( SELECT qms.may_keep_records() AS may_keep_records)));

-- Name: evidence add_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY add_own ON qms.evidence FOR INSERT TO qms_app WITH CHECK (((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)) AND ( SELECT qms.may_keep_records() AS may_keep_records)));

-- Name: evidence_links add_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY add_own ON qms.evidence_links FOR INSERT TO qms_app WITH CHECK (((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)) AND ( SELECT qms.may_write() AS may_write)));

-- Name: extension_requests add_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY add_own ON qms.extension_requests FOR INSERT TO qms_app WITH CHECK (((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)) AND ( SELECT qms.may_keep_records() AS may_keep_records)));

-- Name: field_actions add_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY add_own ON qms.field_actions FOR INSERT TO qms_app WITH CHECK (((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)) AND ( SELECT qms.may_keep_records() AS may_keep_records)));

-- Name: findings add_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY add_own ON qms.findings FOR INSERT TO qms_app WITH CHECK (((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)) AND ( SELECT qms.may_keep_records() AS may_keep_records)));

-- Name: impact_assessments add_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY add_own ON qms.impact_assessments FOR INSERT TO qms_app WITH CHECK (((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)) AND ( SELECT qms.may_keep_records() AS may_keep_records)));

-- Name: nonconformances add_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY add_own ON qms.nonconformances FOR INSERT TO qms_app WITH CHECK (((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)) AND ( SELECT qms.may_keep_records() AS may_keep_records)));

-- Name: quality_items add_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY add_own ON qms.quality_items FOR INSERT TO qms_app WITH CHECK (((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)) AND ( SELECT qms.may_keep_records() AS may_keep_records)));

-- Name: record_links add_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY add_own ON qms.record_links FOR INSERT TO qms_app WITH CHECK (((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)) AND ( SELECT qms.may_keep_records() AS may_keep_records)));

-- Name: record_notes add_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY add_own ON qms.record_notes FOR INSERT TO qms_app WITH CHECK (((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)) AND ( SELECT qms.may_keep_records() AS may_keep_records)));

-- Name: reportability_assessments add_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY add_own ON qms.reportability_assessments FOR INSERT TO qms_app WITH CHECK (((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)) AND ( SELECT qms.may_keep_records() AS may_keep_records)));

-- Name: required_signatures add_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY add_own ON qms.required_signatures FOR INSERT TO qms_app WITH CHECK (((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)) AND ( SELECT qms.may_keep_records() AS may_keep_records)));

-- Name: risk_controls add_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY add_own ON qms.risk_controls FOR INSERT TO qms_app WITH CHECK (((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)) AND ( SELECT qms.may_keep_records() AS may_keep_records)));

-- Name: risks add_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY add_own ON qms.risks FOR INSERT TO qms_app WITH CHECK (((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)) AND ( SELECT qms.may_keep_records() AS may_keep_records)));

-- Name: root_causes add_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY add_own ON qms.root_causes FOR INSERT TO qms_app WITH CHECK (((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)) AND ( SELECT qms.may_keep_records() AS may_keep_records)));

-- Name: scars add_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY add_own ON qms.scars FOR INSERT TO qms_app WITH CHECK (((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)) AND ( SELECT qms.may_keep_records() AS may_keep_records)));

-- Name: suppliers add_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY add_own ON qms.suppliers FOR INSERT TO qms_app WITH CHECK (((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)) AND ( SELECT qms.may_keep_records() AS may_keep_records)));

-- Name: trainings add_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY add_own ON qms.trainings FOR INSERT TO qms_app WITH CHECK (((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)) AND ( SELECT qms.may_keep_records() AS may_keep_records)));

-- Name: approvals administration; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY administration ON qms.approvals TO qms_definer USING (true) WITH CHECK (true);

-- Name: audit_anchors administration; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY administration ON qms.audit_anchors TO qms_definer USING (true) WITH CHECK (true);

-- Name: audit_logs administration; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY administration ON qms.audit_logs FOR SELECT TO qms_definer USING (true);

-- Name: audits administration; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY administration ON qms.audits TO qms_definer USING (true) WITH CHECK (true);

-- Name: calibrations administration; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY administration ON qms.calibrations TO qms_definer USING (true) WITH CHECK (true);

-- Name: capa_actions administration; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY administration ON qms.capa_actions TO qms_definer USING (true) WITH CHECK (true);

-- Name: capas administration; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY administration ON qms.capas TO qms_definer USING (true) WITH CHECK (true);

-- Name: change_requests administration; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY administration ON qms.change_requests TO qms_definer USING (true) WITH CHECK (true);

-- Name: clause_evidence_rules administration; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY administration ON qms.clause_evidence_rules TO qms_definer, qms_owner USING (true) WITH CHECK (true);

-- Name: clause_map administration; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY administration ON qms.clause_map TO qms_definer, qms_owner USING (true) WITH CHECK (true);

-- Name: clauses administration; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY administration ON qms.clauses TO qms_definer, qms_owner USING (true) WITH CHECK (true);

-- Name: complaints administration; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY administration ON qms.complaints TO qms_definer USING (true) WITH CHECK (true);

-- Name: compliance_records administration; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY administration ON qms.compliance_records TO qms_definer USING (true) WITH CHECK (true);

-- Name: deviations administration; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY administration ON qms.deviations TO qms_definer USING (true) WITH CHECK (true);

-- Name: dispositions administration; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY administration ON qms.dispositions TO qms_definer USING (true) WITH CHECK (true);

-- Name: document_files administration; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY administration ON qms.document_files TO qms_definer USING (true) WITH CHECK (true);

-- Name: documents administration; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY administration ON qms.documents TO qms_definer USING (true) WITH CHECK (true);

-- Name: effectiveness_checks administration; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY administration ON qms.effectiveness_checks TO qms_definer USING (true) WITH CHECK (true);

-- Name: equipment administration; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY administration ON qms.equipment TO qms_definer USING (true) WITH CHECK (true);

-- Name: escalations administration; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY administration ON qms.escalations TO qms_definer USING (true) WITH CHECK (true);

-- Name: evidence administration; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY administration ON qms.evidence TO qms_definer USING (true) WITH CHECK (true);

-- Name: evidence_links administration; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY administration ON qms.evidence_links TO qms_definer USING (true) WITH CHECK (true);

-- Name: extension_requests administration; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY administration ON qms.extension_requests TO qms_definer USING (true) WITH CHECK (true);

-- Name: field_actions administration; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY administration ON qms.field_actions TO qms_definer USING (true) WITH CHECK (true);

-- Name: findings administration; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY administration ON qms.findings TO qms_definer USING (true) WITH CHECK (true);

-- Name: frameworks administration; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY administration ON qms.frameworks TO qms_definer, qms_owner USING (true) WITH CHECK (true);

-- Name: impact_assessments administration; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY administration ON qms.impact_assessments TO qms_definer USING (true) WITH CHECK (true);

-- Name: memberships administration; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY administration ON qms.memberships TO qms_definer USING (true) WITH CHECK (true);

-- Name: migration_drafts administration; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY administration ON qms.migration_drafts TO qms_definer USING (true) WITH CHECK (true);

-- Name: nonconformances administration; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY administration ON qms.nonconformances TO qms_definer USING (true) WITH CHECK (true);

-- Name: organizations administration; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY administration ON qms.organizations TO qms_definer USING (true) WITH CHECK (true);

-- Name: people administration; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY administration ON qms.people TO qms_definer USING (true) WITH CHECK (true);

-- Name: quality_items administration; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY administration ON qms.quality_items TO qms_definer USING (true) WITH CHECK (true);

-- Name: record_links administration; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY administration ON qms.record_links TO qms_definer USING (true) WITH CHECK (true);

-- Name: record_notes administration; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY administration ON qms.record_notes TO qms_definer USING (true) WITH CHECK (true);

-- Name: record_parts administration; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY administration ON qms.record_parts TO qms_definer, qms_owner USING (true) WITH CHECK (true);

-- Name: record_types administration; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY administration ON qms.record_types TO qms_definer, qms_owner USING (true) WITH CHECK (true);

-- Name: reportability_assessments administration; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY administration ON qms.reportability_assessments TO qms_definer USING (true) WITH CHECK (true);

-- Name: required_signatures administration; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY administration ON qms.required_signatures TO qms_definer USING (true) WITH CHECK (true);

-- Name: risk_controls administration; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY administration ON qms.risk_controls TO qms_definer USING (true) WITH CHECK (true);

-- Name: risks administration; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY administration ON qms.risks TO qms_definer USING (true) WITH CHECK (true);

-- Name: root_causes administration; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY administration ON qms.root_causes TO qms_definer USING (true) WITH CHECK (true);

-- Name: scars administration; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY administration ON qms.scars TO qms_definer USING (true) WITH CHECK (true);

-- Name: security_reports administration; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY administration ON qms.security_reports TO qms_definer USING (true) WITH CHECK (true);

-- Name: signatures administration; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY administration ON qms.signatures TO qms_definer USING (true) WITH CHECK (true);

-- Name: suppliers administration; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY administration ON qms.suppliers TO qms_definer USING (true) WITH CHECK (true);

-- Name: trainings administration; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY administration ON qms.trainings TO qms_definer USING (true) WITH CHECK (true);

-- Name: transform_drafts administration; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY administration ON qms.transform_drafts FOR SELECT TO qms_definer USING (true);

-- Name: transitions administration; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY administration ON qms.transitions TO qms_definer USING (true) WITH CHECK (true);

-- Name: workflow_definitions administration; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY administration ON qms.workflow_definitions TO qms_definer USING (true) WITH CHECK (true);

-- Name: workflow_drafts administration; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY administration ON qms.workflow_drafts TO qms_definer USING (true) WITH CHECK (true);

-- Name: transform_drafts apply_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY apply_own ON qms.transform_drafts FOR UPDATE TO qms_app USING (((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)) AND (state = 'draft'::text) AND ( SELECT qms.may_write() AS may_write))) WITH CHECK ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: approvals; Type: ROW SECURITY; Schema: qms; Owner: qms_owner

ALTER TABLE qms.approvals ENABLE ROW LEVEL SECURITY;

-- Name: audit_anchors; Type: ROW SECURITY; Schema: qms; Owner: qms_owner

ALTER TABLE qms.audit_anchors ENABLE ROW LEVEL SECURITY;

-- Name: audit_logs; Type: ROW SECURITY; Schema: qms; Owner: qms_owner

ALTER TABLE qms.audit_logs ENABLE ROW LEVEL SECURITY;

-- Name: audits; Type: ROW SECURITY; Schema: qms; Owner: qms_owner

ALTER TABLE qms.audits ENABLE ROW LEVEL SECURITY;

-- Name: calibrations; Type: ROW SECURITY; Schema: qms; Owner: qms_owner

ALTER TABLE qms.calibrations ENABLE ROW LEVEL SECURITY;

-- Name: capa_actions; Type: ROW SECURITY; Schema: qms; Owner: qms_owner

ALTER TABLE qms.capa_actions ENABLE ROW LEVEL SECURITY;

-- Name: capas; Type: ROW SECURITY; Schema: qms; Owner: qms_owner

ALTER TABLE qms.capas ENABLE ROW LEVEL SECURITY;

-- Name: audits change_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY change_own ON qms.audits FOR UPDATE TO qms_app USING (((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)) AND ( SELECT qms.may_keep_records() AS may_keep_records))) WITH CHECK ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: calibrations change_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY change_own ON qms.calibrations FOR UPDATE TO qms_app USING (((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)) AND ( SELECT qms.may_keep_records() AS may_keep_records))) WITH CHECK ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: capa_actions change_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY change_own ON qms.capa_actions FOR UPDATE TO qms_app USING (((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)) AND ( SELECT qms.may_keep_records() AS may_keep_records))) WITH CHECK ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: capas change_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY change_own ON qms.capas FOR UPDATE TO qms_app USING (((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)) AND ( SELECT qms.may_keep_records() AS may_keep_records))) WITH CHECK ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: change_requests change_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY change_own ON qms.change_requests FOR UPDATE TO qms_app USING (((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)) AND ( SELECT qms.may_keep_records() AS may_keep_records))) WITH CHECK ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: complaints change_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY change_own ON qms.complaints FOR UPDATE TO qms_app USING (((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)) AND ( SELECT qms.may_keep_records() AS may_keep_records))) WITH CHECK ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: compliance_records change_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY change_own ON qms.compliance_records FOR UPDATE TO qms_app USING (((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)) AND ( SELECT qms.may_write() AS may_write))) WITH CHECK ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: deviations change_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY change_own ON qms.deviations FOR UPDATE TO qms_app USING (((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)) AND ( SELECT qms.may_keep_records() AS may_keep_records))) WITH CHECK ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: dispositions change_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY change_own ON qms.dispositions FOR UPDATE TO qms_app USING (((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)) AND ( SELECT qms.may_keep_records() AS may_keep_records))) WITH CHECK ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: document_files change_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY change_own ON qms.document_files FOR UPDATE TO qms_app USING (((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)) AND ( SELECT qms.may_keep_records() AS may_keep_records))) WITH CHECK ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: documents change_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY change_own ON qms.documents FOR UPDATE TO qms_app USING (((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)) AND ( SELECT qms.may_keep_records() AS may_keep_records))) WITH CHECK ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: effectiveness_checks change_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY change_own ON qms.effectiveness_checks FOR UPDATE TO qms_app USING (((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)) AND ( SELECT qms.may_keep_records() AS may_keep_records))) WITH CHECK ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: equipment change_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY change_own ON qms.equipment FOR UPDATE TO qms_app USING (((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)) AND ( SELECT qms.may_keep_records() AS may_keep_records))) WITH CHECK ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: evidence change_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY change_own ON qms.evidence FOR UPDATE TO qms_app USING (((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)) AND ( SELECT qms.may_keep_records() AS may_keep_records))) WITH CHECK ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: extension_requests change_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY change_own ON qms.extension_requests FOR UPDATE TO qms_app USING (((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)) AND ( SELECT qms.may_keep_records() AS may_keep_records))) WITH CHECK ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: field_actions change_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY change_own ON qms.field_actions FOR UPDATE TO qms_app USING (((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)) AND ( SELECT qms.may_keep_records() AS may_keep_records))) WITH CHECK ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: findings change_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY change_own ON qms.findings FOR UPDATE TO qms_app USING (((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)) AND ( SELECT qms.may_keep_records() AS may_keep_records))) WITH CHECK ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: impact_assessments change_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY change_own ON qms.impact_assessments FOR UPDATE TO qms_app USING (((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)) AND ( SELECT qms.may_keep_records() AS may_keep_records))) WITH CHECK ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: nonconformances change_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY change_own ON qms.nonconformances FOR UPDATE TO qms_app USING (((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)) AND ( SELECT qms.may_keep_records() AS may_keep_records))) WITH CHECK ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: quality_items change_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY change_own ON qms.quality_items FOR UPDATE TO qms_app USING (((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)) AND ( SELECT qms.may_keep_records() AS may_keep_records))) WITH CHECK ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: record_links change_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY change_own ON qms.record_links FOR UPDATE TO qms_app USING (((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)) AND ( SELECT qms.may_keep_records() AS may_keep_records))) WITH CHECK ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: record_notes change_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY change_own ON qms.record_notes FOR UPDATE TO qms_app USING (((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)) AND ( SELECT qms.may_keep_records() AS may_keep_records))) WITH CHECK ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: reportability_assessments change_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY change_own ON qms.reportability_assessments FOR UPDATE TO qms_app USING (((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)) AND ( SELECT qms.may_keep_records() AS may_keep_records))) WITH CHECK ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: required_signatures change_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY change_own ON qms.required_signatures FOR UPDATE TO qms_app USING (((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)) AND ( SELECT qms.may_keep_records() AS may_keep_records))) WITH CHECK ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: risk_controls change_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY change_own ON qms.risk_controls FOR UPDATE TO qms_app USING (((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)) AND ( SELECT qms.may_keep_records() AS may_keep_records))) WITH CHECK ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: risks change_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY change_own ON qms.risks FOR UPDATE TO qms_app USING (((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)) AND ( SELECT qms.may_keep_records() AS may_keep_records))) WITH CHECK ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: root_causes change_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY change_own ON qms.root_causes FOR UPDATE TO qms_app USING (((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)) AND ( SELECT qms.may_keep_records() AS may_keep_records))) WITH CHECK ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: scars change_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY change_own ON qms.scars FOR UPDATE TO qms_app USING (((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)) AND ( SELECT qms.may_keep_records() AS may_keep_records))) WITH CHECK ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: suppliers change_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY change_own ON qms.suppliers FOR UPDATE TO qms_app USING (((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)) AND ( SELECT qms.may_keep_records() AS may_keep_records))) WITH CHECK ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: trainings change_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY change_own ON qms.trainings FOR UPDATE TO qms_app USING (((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)) AND ( SELECT qms.may_keep_records() AS may_keep_records))) WITH CHECK ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: change_requests; Type: ROW SECURITY; Schema: qms; Owner: qms_owner

ALTER TABLE qms.change_requests ENABLE ROW LEVEL SECURITY;

-- Name: clause_evidence_rules; Type: ROW SECURITY; Schema: qms; Owner: qms_owner

ALTER TABLE qms.clause_evidence_rules ENABLE ROW LEVEL SECURITY;

-- Name: clause_map; Type: ROW SECURITY; Schema: qms; Owner: qms_owner

ALTER TABLE qms.clause_map ENABLE ROW LEVEL SECURITY;

-- Name: clauses; Type: ROW SECURITY; Schema: qms; Owner: qms_owner

ALTER TABLE qms.clauses ENABLE ROW LEVEL SECURITY;

-- Name: people colleagues; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY colleagues ON qms.people FOR SELECT TO qms_app, qms_sql USING ((EXISTS ( SELECT
   FROM qms.memberships m
  WHERE (m.user_id = people.user_id))));

-- Name: complaints; Type: ROW SECURITY; Schema: qms; Owner: qms_owner

ALTER TABLE qms.complaints ENABLE ROW LEVEL SECURITY;

-- Name: compliance_records; Type: ROW SECURITY; Schema: qms; Owner: qms_owner

ALTER TABLE qms.compliance_records ENABLE ROW LEVEL SECURITY;

-- Name: deviations; Type: ROW SECURITY; Schema: qms; Owner: qms_owner

ALTER TABLE qms.deviations ENABLE ROW LEVEL SECURITY;

-- Name: dispositions; Type: ROW SECURITY; Schema: qms; Owner: qms_owner

ALTER TABLE qms.dispositions ENABLE ROW LEVEL SECURITY;

-- Name: document_files; Type: ROW SECURITY; Schema: qms; Owner: qms_owner

ALTER TABLE qms.document_files ENABLE ROW LEVEL SECURITY;

-- Name: documents; Type: ROW SECURITY; Schema: qms; Owner: qms_owner

ALTER TABLE qms.documents ENABLE ROW LEVEL SECURITY;

-- Name: migration_drafts draft_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY draft_own ON qms.migration_drafts FOR INSERT TO qms_app WITH CHECK (((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)) AND (drafted_by = ( SELECT qms.current_user_id() AS current_user_id)) AND (drafted_kind = ( SELECT qms.current_actor_kind() AS current_actor_kind)) AND ( SELECT qms.has_role('admin'::text) AS has_role) AND (state = 'draft'::text)));

-- Name: transform_drafts draft_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY draft_own ON qms.transform_drafts FOR INSERT TO qms_app WITH CHECK (((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)) AND (drafted_by = ( SELECT qms.current_user_id() AS current_user_id)) AND (drafted_kind = ( SELECT qms.current_actor_kind() AS current_actor_kind)) AND ( SELECT qms.may_write() AS may_write) AND (state = 'draft'::text)));

-- Name: effectiveness_checks; Type: ROW SECURITY; Schema: qms; Owner: qms_owner

ALTER TABLE qms.effectiveness_checks ENABLE ROW LEVEL SECURITY;

-- Name: equipment; Type: ROW SECURITY; Schema: qms; Owner: qms_owner

ALTER TABLE qms.equipment ENABLE ROW LEVEL SECURITY;

-- Name: escalations; Type: ROW SECURITY; Schema: qms; Owner: qms_owner

ALTER TABLE qms.escalations ENABLE ROW LEVEL SECURITY;

-- Name: evidence; Type: ROW SECURITY; Schema: qms; Owner: qms_owner

ALTER TABLE qms.evidence ENABLE ROW LEVEL SECURITY;

-- Name: evidence_links; Type: ROW SECURITY; Schema: qms; Owner: qms_owner

ALTER TABLE qms.evidence_links ENABLE ROW LEVEL SECURITY;

-- Name: extension_requests; Type: ROW SECURITY; Schema: qms; Owner: qms_owner

ALTER TABLE qms.extension_requests ENABLE ROW LEVEL SECURITY;

-- Name: field_actions; Type: ROW SECURITY; Schema: qms; Owner: qms_owner

ALTER TABLE qms.field_actions ENABLE ROW LEVEL SECURITY;

-- Name: findings; Type: ROW SECURITY; Schema: qms; Owner: qms_owner

ALTER TABLE qms.findings ENABLE ROW LEVEL SECURITY;

-- Name: frameworks; Type: ROW SECURITY; Schema: qms; Owner: qms_owner

ALTER TABLE qms.frameworks ENABLE ROW LEVEL SECURITY;

-- Name: impact_assessments; Type: ROW SECURITY; Schema: qms; Owner: qms_owner

ALTER TABLE qms.impact_assessments ENABLE ROW LEVEL SECURITY;

-- Name: memberships; Type: ROW SECURITY; Schema: qms; Owner: qms_owner

ALTER TABLE qms.memberships ENABLE ROW LEVEL SECURITY;

-- Name: migration_drafts; Type: ROW SECURITY; Schema: qms; Owner: qms_owner

ALTER TABLE qms.migration_drafts ENABLE ROW LEVEL SECURITY;

-- Name: nonconformances; Type: ROW SECURITY; Schema: qms; Owner: qms_owner

ALTER TABLE qms.nonconformances ENABLE ROW LEVEL SECURITY;

-- Name: organizations; Type: ROW SECURITY; Schema: qms; Owner: qms_owner

ALTER TABLE qms.organizations ENABLE ROW LEVEL SECURITY;

-- Name: memberships own_organization; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY own_organization ON qms.memberships FOR SELECT TO qms_app, qms_sql USING ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: organizations own_organization; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY own_organization ON qms.organizations FOR SELECT TO qms_app, qms_sql USING ((id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: people; Type: ROW SECURITY; Schema: qms; Owner: qms_owner

ALTER TABLE qms.people ENABLE ROW LEVEL SECURITY;

-- Name: quality_items; Type: ROW SECURITY; Schema: qms; Owner: qms_owner

ALTER TABLE qms.quality_items ENABLE ROW LEVEL SECURITY;

-- Name: approvals read_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY read_own ON qms.approvals FOR SELECT TO qms_app, qms_sql USING ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: audit_anchors read_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY read_own ON qms.audit_anchors FOR SELECT TO qms_app, qms_sql USING ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: audit_logs read_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY read_own ON qms.audit_logs FOR SELECT TO qms_app, qms_sql USING ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: audits read_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY read_own ON qms.audits FOR SELECT TO qms_app, qms_sql USING ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: calibrations read_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY read_own ON qms.calibrations FOR SELECT TO qms_app, qms_sql USING ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: capa_actions read_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY read_own ON qms.capa_actions FOR SELECT TO qms_app, qms_sql USING ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: capas read_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY read_own ON qms.capas FOR SELECT TO qms_app, qms_sql USING ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: change_requests read_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY read_own ON qms.change_requests FOR SELECT TO qms_app, qms_sql USING ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: complaints read_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY read_own ON qms.complaints FOR SELECT TO qms_app, qms_sql USING ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: compliance_records read_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY read_own ON qms.compliance_records FOR SELECT TO qms_app, qms_sql USING ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: deviations read_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY read_own ON qms.deviations FOR SELECT TO qms_app, qms_sql USING ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: dispositions read_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY read_own ON qms.dispositions FOR SELECT TO qms_app, qms_sql USING ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: document_files read_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY read_own ON qms.document_files FOR SELECT TO qms_app, qms_sql USING ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: documents read_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY read_own ON qms.documents FOR SELECT TO qms_app, qms_sql USING ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: effectiveness_checks read_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY read_own ON qms.effectiveness_checks FOR SELECT TO qms_app, qms_sql USING ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: equipment read_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY read_own ON qms.equipment FOR SELECT TO qms_app, qms_sql USING ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: escalations read_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY read_own ON qms.escalations FOR SELECT TO qms_app, qms_sql USING ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: evidence read_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY read_own ON qms.evidence FOR SELECT TO qms_app, qms_sql USING ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: evidence_links read_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY read_own ON qms.evidence_links FOR SELECT TO qms_app, qms_sql USING ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: extension_requests read_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY read_own ON qms.extension_requests FOR SELECT TO qms_app, qms_sql USING ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: field_actions read_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY read_own ON qms.field_actions FOR SELECT TO qms_app, qms_sql USING ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: findings read_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY read_own ON qms.findings FOR SELECT TO qms_app, qms_sql USING ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: impact_assessments read_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY read_own ON qms.impact_assessments FOR SELECT TO qms_app, qms_sql USING ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: migration_drafts read_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY read_own ON qms.migration_drafts FOR SELECT TO qms_app, qms_sql USING ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: nonconformances read_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY read_own ON qms.nonconformances FOR SELECT TO qms_app, qms_sql USING ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: quality_items read_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY read_own ON qms.quality_items FOR SELECT TO qms_app, qms_sql USING ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: record_links read_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY read_own ON qms.record_links FOR SELECT TO qms_app, qms_sql USING ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: record_notes read_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY read_own ON qms.record_notes FOR SELECT TO qms_app, qms_sql USING ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: reportability_assessments read_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY read_own ON qms.reportability_assessments FOR SELECT TO qms_app, qms_sql USING ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: required_signatures read_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY read_own ON qms.required_signatures FOR SELECT TO qms_app, qms_sql USING ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: risk_controls read_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY read_own ON qms.risk_controls FOR SELECT TO qms_app, qms_sql USING ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: risks read_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY read_own ON qms.risks FOR SELECT TO qms_app, qms_sql USING ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: root_causes read_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY read_own ON qms.root_causes FOR SELECT TO qms_app, qms_sql USING ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: scars read_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY read_own ON qms.scars FOR SELECT TO qms_app, qms_sql USING ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: security_reports read_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY read_own ON qms.security_reports FOR SELECT TO qms_app, qms_sql USING ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: signatures read_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY read_own ON qms.signatures FOR SELECT TO qms_app, qms_sql USING ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: suppliers read_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY read_own ON qms.suppliers FOR SELECT TO qms_app, qms_sql USING ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: trainings read_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY read_own ON qms.trainings FOR SELECT TO qms_app, qms_sql USING ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: transform_drafts read_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY read_own ON qms.transform_drafts FOR SELECT TO qms_app, qms_sql USING ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: transitions read_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY read_own ON qms.transitions FOR SELECT TO qms_app, qms_sql USING ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: workflow_definitions read_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY read_own ON qms.workflow_definitions FOR SELECT TO qms_app, qms_sql USING ((COALESCE(organization_id, ( SELECT qms.current_organization_id() AS current_organization_id)) = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: workflow_drafts read_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY read_own ON qms.workflow_drafts FOR SELECT TO qms_app, qms_sql USING ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: clause_evidence_rules read_signed_in; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY read_signed_in ON qms.clause_evidence_rules FOR SELECT TO qms_app, qms_sql USING ((( SELECT qms.current_organization_id() AS current_organization_id) IS NOT NULL));

-- Name: clause_map read_signed_in; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY read_signed_in ON qms.clause_map FOR SELECT TO qms_app, qms_sql USING ((( SELECT qms.current_organization_id() AS current_organization_id) IS NOT NULL));

-- Name: clauses read_signed_in; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY read_signed_in ON qms.clauses FOR SELECT TO qms_app, qms_sql USING ((( SELECT qms.current_organization_id() AS current_organization_id) IS NOT NULL));

-- Name: frameworks read_signed_in; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY read_signed_in ON qms.frameworks FOR SELECT TO qms_app, qms_sql USING ((( SELECT qms.current_organization_id() AS current_organization_id) IS NOT NULL));

-- Name: record_parts read_signed_in; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY read_signed_in ON qms.record_parts FOR SELECT TO qms_app, qms_sql USING ((( SELECT qms.current_organization_id() AS current_organization_id) IS NOT NULL));

-- Name: record_types read_signed_in; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY read_signed_in ON qms.record_types FOR SELECT TO qms_app, qms_sql USING ((( SELECT qms.current_organization_id() AS current_organization_id) IS NOT NULL));

-- Name: record_links; Type: ROW SECURITY; Schema: qms; Owner: qms_owner

ALTER TABLE qms.record_links ENABLE ROW LEVEL SECURITY;

-- Name: record_notes; Type: ROW SECURITY; Schema: qms; Owner: qms_owner

ALTER TABLE qms.record_notes ENABLE ROW LEVEL SECURITY;

-- Name: record_parts; Type: ROW SECURITY; Schema: qms; Owner: qms_owner

ALTER TABLE qms.record_parts ENABLE ROW LEVEL SECURITY;

-- Name: record_types; Type: ROW SECURITY; Schema: qms; Owner: qms_owner

ALTER TABLE qms.record_types ENABLE ROW LEVEL SECURITY;

-- Name: reportability_assessments; Type: ROW SECURITY; Schema: qms; Owner: qms_owner

ALTER TABLE qms.reportability_assessments ENABLE ROW LEVEL SECURITY;

-- Name: required_signatures; Type: ROW SECURITY; Schema: qms; Owner: qms_owner

ALTER TABLE qms.required_signatures ENABLE ROW LEVEL SECURITY;

-- Name: risk_controls; Type: ROW SECURITY; Schema: qms; Owner: qms_owner

ALTER TABLE qms.risk_controls ENABLE ROW LEVEL SECURITY;

-- Name: risks; Type: ROW SECURITY; Schema: qms; Owner: qms_owner

ALTER TABLE qms.risks ENABLE ROW LEVEL SECURITY;

-- Name: root_causes; Type: ROW SECURITY; Schema: qms; Owner: qms_owner

ALTER TABLE qms.root_causes ENABLE ROW LEVEL SECURITY;

-- Name: scars; Type: ROW SECURITY; Schema: qms; Owner: qms_owner

ALTER TABLE qms.scars ENABLE ROW LEVEL SECURITY;

-- Name: security_reports; Type: ROW SECURITY; Schema: qms; Owner: qms_owner

ALTER TABLE qms.security_reports ENABLE ROW LEVEL SECURITY;

-- Name: signatures; Type: ROW SECURITY; Schema: qms; Owner: qms_owner

ALTER TABLE qms.signatures ENABLE ROW LEVEL SECURITY;

-- Name: suppliers; Type: ROW SECURITY; Schema: qms; Owner: qms_owner

ALTER TABLE qms.suppliers ENABLE ROW LEVEL SECURITY;

-- Name: audit_logs trail; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY trail ON qms.audit_logs FOR INSERT TO qms_definer WITH CHECK (true);

-- Name: trainings; Type: ROW SECURITY; Schema: qms; Owner: qms_owner

ALTER TABLE qms.trainings ENABLE ROW LEVEL SECURITY;

-- Name: transform_drafts; Type: ROW SECURITY; Schema: qms; Owner: qms_owner

ALTER TABLE qms.transform_drafts ENABLE ROW LEVEL SECURITY;

-- Name: transitions; Type: ROW SECURITY; Schema: qms; Owner: qms_owner

ALTER TABLE qms.transitions ENABLE ROW LEVEL SECURITY;

-- Name: evidence_links withdraw_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY withdraw_own ON qms.evidence_links FOR UPDATE TO qms_app USING (((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)) AND ( SELECT qms.may_write() AS may_write))) WITH CHECK ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: workflow_definitions; Type: ROW SECURITY; Schema: qms; Owner: qms_owner

ALTER TABLE qms.workflow_definitions ENABLE ROW LEVEL SECURITY;

-- Name: workflow_drafts; Type: ROW SECURITY; Schema: qms; Owner: qms_owner

ALTER TABLE qms.workflow_drafts ENABLE ROW LEVEL SECURITY;

-- Name: record_numbers administration; Type: POLICY; Schema: qms_private; Owner: qms_owner

CREATE POLICY administration ON qms_private.record_numbers TO qms_definer USING (true) WITH CHECK (true);

-- Name: trail_heads administration; Type: POLICY; Schema: qms_private; Owner: qms_owner

CREATE POLICY administration ON qms_private.trail_heads TO qms_definer USING (true) WITH CHECK (true);

-- Name: record_numbers; Type: ROW SECURITY; Schema: qms_private; Owner: qms_owner

ALTER TABLE qms_private.record_numbers ENABLE ROW LEVEL SECURITY;

-- Name: trail_heads; Type: ROW SECURITY; Schema: qms_private; Owner: qms_owner

ALTER TABLE qms_private.trail_heads ENABLE ROW LEVEL SECURITY;

-- Name: chunks administration; Type: POLICY; Schema: search; Owner: qms_owner

CREATE POLICY administration ON search.chunks TO qms_definer USING (true) WITH CHECK (true);

-- Name: corpora administration; Type: POLICY; Schema: search; Owner: qms_owner

CREATE POLICY administration ON search.corpora TO qms_definer USING (true) WITH CHECK (true);

-- Name: embedding_jobs administration; Type: POLICY; Schema: search; Owner: qms_owner

CREATE POLICY administration ON search.embedding_jobs TO qms_definer USING (true) WITH CHECK (true);

-- Name: embedding_models administration; Type: POLICY; Schema: search; Owner: qms_owner

CREATE POLICY administration ON search.embedding_models TO qms_definer, qms_owner USING (true) WITH CHECK (true);

-- Name: embedding_usage administration; Type: POLICY; Schema: search; Owner: qms_owner

CREATE POLICY administration ON search.embedding_usage TO qms_definer USING (true) WITH CHECK (true);

-- Name: embeddings_by_model administration; Type: POLICY; Schema: search; Owner: qms_owner

CREATE POLICY administration ON search.embeddings_by_model TO qms_definer USING (true) WITH CHECK (true);

-- Name: embeddings_m1 administration; Type: POLICY; Schema: search; Owner: qms_owner

CREATE POLICY administration ON search.embeddings_m1 TO qms_definer USING (true) WITH CHECK (true);

-- Name: embeddings_m2 administration; Type: POLICY; Schema: search; Owner: qms_owner

CREATE POLICY administration ON search.embeddings_m2 TO qms_definer USING (true) WITH CHECK (true);

-- Name: sources administration; Type: POLICY; Schema: search; Owner: qms_owner

CREATE POLICY administration ON search.sources TO qms_definer USING (true) WITH CHECK (true);

-- Name: term_stats administration; Type: POLICY; Schema: search; Owner: qms_owner

CREATE POLICY administration ON search.term_stats TO qms_definer USING (true) WITH CHECK (true);

-- Name: chunks; Type: ROW SECURITY; Schema: search; Owner: qms_owner

ALTER TABLE search.chunks ENABLE ROW LEVEL SECURITY;

-- Name: corpora; Type: ROW SECURITY; Schema: search; Owner: qms_owner

ALTER TABLE search.corpora ENABLE ROW LEVEL SECURITY;

-- Name: embedding_jobs; Type: ROW SECURITY; Schema: search; Owner: qms_owner

ALTER TABLE search.embedding_jobs ENABLE ROW LEVEL SECURITY;

-- Name: embedding_models; Type: ROW SECURITY; Schema: search; Owner: qms_owner

ALTER TABLE search.embedding_models ENABLE ROW LEVEL SECURITY;

-- Name: embedding_usage; Type: ROW SECURITY; Schema: search; Owner: qms_owner

ALTER TABLE search.embedding_usage ENABLE ROW LEVEL SECURITY;

-- Name: embeddings_by_model; Type: ROW SECURITY; Schema: search; Owner: qms_owner

ALTER TABLE search.embeddings_by_model ENABLE ROW LEVEL SECURITY;

-- Name: embeddings_m1; Type: ROW SECURITY; Schema: search; Owner: qms_owner

ALTER TABLE search.embeddings_m1 ENABLE ROW LEVEL SECURITY;

-- Name: embeddings_m2; Type: ROW SECURITY; Schema: search; Owner: qms_owner

ALTER TABLE search.embeddings_m2 ENABLE ROW LEVEL SECURITY;

-- Name: chunks read_own; Type: POLICY; Schema: search; Owner: qms_owner

CREATE POLICY read_own ON search.chunks FOR SELECT TO qms_app, qms_sql USING ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: corpora read_own; Type: POLICY; Schema: search; Owner: qms_owner

CREATE POLICY read_own ON search.corpora FOR SELECT TO qms_app, qms_sql USING ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: embedding_jobs read_own; Type: POLICY; Schema: search; Owner: qms_owner

CREATE POLICY read_own ON search.embedding_jobs FOR SELECT TO qms_app, qms_sql USING ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: embedding_usage read_own; Type: POLICY; Schema: search; Owner: qms_owner

CREATE POLICY read_own ON search.embedding_usage FOR SELECT TO qms_app, qms_sql USING ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: embeddings_by_model read_own; Type: POLICY; Schema: search; Owner: qms_owner

CREATE POLICY read_own ON search.embeddings_by_model FOR SELECT TO qms_app, qms_sql USING ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: sources read_own; Type: POLICY; Schema: search; Owner: qms_owner

CREATE POLICY read_own ON search.sources FOR SELECT TO qms_app, qms_sql USING ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: term_stats read_own; Type: POLICY; Schema: search; Owner: qms_owner

CREATE POLICY read_own ON search.term_stats FOR SELECT TO qms_app, qms_sql USING ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: embedding_models read_signed_in; Type: POLICY; Schema: search; Owner: qms_owner

CREATE POLICY read_signed_in ON search.embedding_models FOR SELECT TO qms_app, qms_sql USING ((( SELECT qms.current_organization_id() AS current_organization_id) IS NOT NULL));

-- Name: sources; Type: ROW SECURITY; Schema: search; Owner: qms_owner

ALTER TABLE search.sources ENABLE ROW LEVEL SECURITY;

-- Name: term_stats; Type: ROW SECURITY; Schema: search; Owner: qms_owner

ALTER TABLE search.term_stats ENABLE ROW LEVEL SECURITY;

-- Name: embedding_jobs work_own; Type: POLICY; Schema: search; Owner: qms_owner

CREATE POLICY work_own ON search.embedding_jobs TO qms_app USING ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id))) WITH CHECK ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: embedding_usage work_own; Type: POLICY; Schema: search; Owner: qms_owner

CREATE POLICY work_own ON search.embedding_usage TO qms_app USING ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id))) WITH CHECK ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: embeddings_by_model work_own; Type: POLICY; Schema: search; Owner: qms_owner

CREATE POLICY work_own ON search.embeddings_by_model TO qms_app USING ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id))) WITH CHECK ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: SCHEMA agents; Type: ACL; Schema: -; Owner: qms_owner

GRANT USAGE ON SCHEMA agents TO qms_app;
GRANT USAGE ON SCHEMA agents TO qms_sql;
GRANT USAGE ON SCHEMA agents TO qms_probe;
GRANT USAGE ON SCHEMA agents TO qms_ledger;
GRANT USAGE ON SCHEMA agents TO qms_definer;
GRANT USAGE ON SCHEMA agents TO qms_server;

-- Name: SCHEMA auth; Type: ACL; Schema: -; Owner: qms_owner

GRANT USAGE ON SCHEMA auth TO anon;
GRANT USAGE ON SCHEMA auth TO authenticated;
GRANT USAGE ON SCHEMA auth TO service_role;
GRANT USAGE ON SCHEMA auth TO qms_definer;

-- Name: SCHEMA ml_loop; Type: ACL; Schema: -; Owner: qms_owner

GRANT USAGE ON SCHEMA ml_loop TO qms_app;
GRANT USAGE ON SCHEMA ml_loop TO qms_sql;
GRANT USAGE ON SCHEMA ml_loop TO qms_probe;

-- Name: SCHEMA public; Type: ACL; Schema: -; Owner: qms_owner

GRANT USAGE ON SCHEMA public TO qms_app;
GRANT USAGE ON SCHEMA public TO qms_sql;
GRANT USAGE ON SCHEMA public TO qms_probe;

-- Name: SCHEMA qms; Type: ACL; Schema: -; Owner: qms_owner

GRANT USAGE ON SCHEMA qms TO qms_app;
GRANT USAGE ON SCHEMA qms TO qms_sql;
GRANT USAGE ON SCHEMA qms TO qms_probe;
GRANT USAGE ON SCHEMA qms TO qms_definer;
GRANT USAGE ON SCHEMA qms TO qms_ledger;

-- Name: SCHEMA qms_private; Type: ACL; Schema: -; Owner: qms_owner

GRANT USAGE ON SCHEMA qms_private TO qms_server;
GRANT USAGE ON SCHEMA qms_private TO qms_definer;
GRANT USAGE ON SCHEMA qms_private TO qms_ledger;
GRANT USAGE ON SCHEMA qms_private TO qms_app;

-- Name: SCHEMA search; Type: ACL; Schema: -; Owner: qms_owner

GRANT USAGE ON SCHEMA search TO qms_app;
GRANT USAGE ON SCHEMA search TO qms_sql;
GRANT USAGE ON SCHEMA search TO qms_probe;
GRANT USAGE ON SCHEMA search TO qms_definer;

-- Name: LANGUAGE plpgsql; Type: ACL; Schema: -; Owner: postgres

REVOKE ALL ON LANGUAGE plpgsql FROM PUBLIC;
GRANT ALL ON LANGUAGE plpgsql TO qms_owner;

-- Name: FUNCTION begin_call(call jsonb); Type: ACL; Schema: agents; Owner: qms_ledger

REVOKE ALL ON FUNCTION agents.begin_call(call jsonb) FROM PUBLIC;

-- Name: FUNCTION begin_run(run jsonb); Type: ACL; Schema: agents; Owner: qms_ledger

REVOKE ALL ON FUNCTION agents.begin_run(run jsonb) FROM PUBLIC;

-- Name: FUNCTION end_run(ended jsonb); Type: ACL; Schema: agents; Owner: qms_ledger

REVOKE ALL ON FUNCTION agents.end_run(ended jsonb) FROM PUBLIC;

-- Name: FUNCTION finish_call(outcome jsonb); Type: ACL; Schema: agents; Owner: qms_ledger

REVOKE ALL ON FUNCTION agents.finish_call(outcome jsonb) FROM PUBLIC;

-- Name: FUNCTION keep_finished_calls(); Type: ACL; Schema: agents; Owner: qms_owner

REVOKE ALL ON FUNCTION agents.keep_finished_calls() FROM PUBLIC;

-- Name: FUNCTION outbox_claim(for_organization uuid, max_rows integer, lease interval); Type: ACL; Schema: agents; Owner: qms_ledger

REVOKE ALL ON FUNCTION agents.outbox_claim(for_organization uuid, max_rows integer, lease interval) FROM PUBLIC;
GRANT ALL ON FUNCTION agents.outbox_claim(for_organization uuid, max_rows integer, lease interval) TO qms_server;

-- Name: FUNCTION outbox_done(ids bigint[]); Type: ACL; Schema: agents; Owner: qms_ledger

REVOKE ALL ON FUNCTION agents.outbox_done(ids bigint[]) FROM PUBLIC;
GRANT ALL ON FUNCTION agents.outbox_done(ids bigint[]) TO qms_server;

-- Name: FUNCTION outbox_put(for_organization uuid, to_path text, message jsonb); Type: ACL; Schema: agents; Owner: qms_ledger

REVOKE ALL ON FUNCTION agents.outbox_put(for_organization uuid, to_path text, message jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION agents.outbox_put(for_organization uuid, to_path text, message jsonb) TO qms_server;

-- Name: FUNCTION outbox_retry(ids bigint[], delay interval, reason text, give_up boolean); Type: ACL; Schema: agents; Owner: qms_ledger

REVOKE ALL ON FUNCTION agents.outbox_retry(ids bigint[], delay interval, reason text, give_up boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION agents.outbox_retry(ids bigint[], delay interval, reason text, give_up boolean) TO qms_server;

-- Name: FUNCTION outbox_trim(for_organization uuid, max_rows integer); Type: ACL; Schema: agents; Owner: qms_ledger

REVOKE ALL ON FUNCTION agents.outbox_trim(for_organization uuid, max_rows integer) FROM PUBLIC;
GRANT ALL ON FUNCTION agents.outbox_trim(for_organization uuid, max_rows integer) TO qms_server;

-- Name: FUNCTION record(entries jsonb); Type: ACL; Schema: agents; Owner: qms_ledger

REVOKE ALL ON FUNCTION agents.record(entries jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION agents.record(entries jsonb) TO qms_server;
GRANT ALL ON FUNCTION agents.record(entries jsonb) TO qms_owner;

-- Name: FUNCTION resume_call(call jsonb); Type: ACL; Schema: agents; Owner: qms_ledger

REVOKE ALL ON FUNCTION agents.resume_call(call jsonb) FROM PUBLIC;

-- Name: FUNCTION match_embeddings(query_embedding extensions.vector, match_count integer, filter_type text, of_model text); Type: ACL; Schema: public; Owner: qms_definer

REVOKE ALL ON FUNCTION public.match_embeddings(query_embedding extensions.vector, match_count integer, filter_type text, of_model text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.match_embeddings(query_embedding extensions.vector, match_count integer, filter_type text, of_model text) TO qms_app;
GRANT ALL ON FUNCTION public.match_embeddings(query_embedding extensions.vector, match_count integer, filter_type text, of_model text) TO qms_sql;

-- Name: FUNCTION add_part(record_id uuid, part text, fields jsonb); Type: ACL; Schema: qms; Owner: qms_owner

REVOKE ALL ON FUNCTION qms.add_part(record_id uuid, part text, fields jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION qms.add_part(record_id uuid, part text, fields jsonb) TO qms_app;
GRANT ALL ON FUNCTION qms.add_part(record_id uuid, part text, fields jsonb) TO qms_definer;

-- Name: TABLE quality_items; Type: ACL; Schema: qms; Owner: qms_owner

GRANT SELECT ON TABLE qms.quality_items TO qms_app;
GRANT SELECT ON TABLE qms.quality_items TO qms_sql;
GRANT SELECT,INSERT,UPDATE ON TABLE qms.quality_items TO qms_definer;

-- Name: COLUMN quality_items.id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(id) ON TABLE qms.quality_items TO qms_app;

-- Name: COLUMN quality_items.organization_id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(organization_id) ON TABLE qms.quality_items TO qms_app;

-- Name: COLUMN quality_items.title; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(title),UPDATE(title) ON TABLE qms.quality_items TO qms_app;

-- Name: COLUMN quality_items.description; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(description),UPDATE(description) ON TABLE qms.quality_items TO qms_app;

-- Name: COLUMN quality_items.category; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(category) ON TABLE qms.quality_items TO qms_app;

-- Name: COLUMN quality_items.priority; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(priority),UPDATE(priority) ON TABLE qms.quality_items TO qms_app;

-- Name: COLUMN quality_items.assigned_to; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(assigned_to),UPDATE(assigned_to) ON TABLE qms.quality_items TO qms_app;

-- Name: COLUMN quality_items.due_date; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(due_date),UPDATE(due_date) ON TABLE qms.quality_items TO qms_app;

-- Name: COLUMN quality_items.metadata; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(metadata),UPDATE(metadata) ON TABLE qms.quality_items TO qms_app;

-- Name: COLUMN quality_items.risk_class; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(risk_class),UPDATE(risk_class) ON TABLE qms.quality_items TO qms_app;

-- Name: COLUMN quality_items.owner_id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(owner_id),UPDATE(owner_id) ON TABLE qms.quality_items TO qms_app;

-- Name: COLUMN quality_items.occurred_at; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(occurred_at),UPDATE(occurred_at) ON TABLE qms.quality_items TO qms_app;

-- Name: COLUMN quality_items.tags; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(tags),UPDATE(tags) ON TABLE qms.quality_items TO qms_app;

-- Name: COLUMN quality_items.source; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(source) ON TABLE qms.quality_items TO qms_app;

-- Name: COLUMN quality_items.external_id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(external_id) ON TABLE qms.quality_items TO qms_app;

-- Name: FUNCTION add_record(of_category text, fields jsonb); Type: ACL; Schema: qms; Owner: qms_owner

REVOKE ALL ON FUNCTION qms.add_record(of_category text, fields jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION qms.add_record(of_category text, fields jsonb) TO qms_app;
GRANT ALL ON FUNCTION qms.add_record(of_category text, fields jsonb) TO qms_definer;

-- Name: FUNCTION adopt_exclusion(); Type: ACL; Schema: qms; Owner: qms_definer

REVOKE ALL ON FUNCTION qms.adopt_exclusion() FROM PUBLIC;
GRANT ALL ON FUNCTION qms.adopt_exclusion() TO qms_owner;

-- Name: FUNCTION announce_document(); Type: ACL; Schema: qms; Owner: qms_owner

REVOKE ALL ON FUNCTION qms.announce_document() FROM PUBLIC;
GRANT ALL ON FUNCTION qms.announce_document() TO qms_app;
GRANT ALL ON FUNCTION qms.announce_document() TO qms_definer;

-- Name: TABLE audit_logs; Type: ACL; Schema: qms; Owner: qms_owner

GRANT SELECT,INSERT ON TABLE qms.audit_logs TO qms_definer;
GRANT SELECT ON TABLE qms.audit_logs TO qms_app;
GRANT SELECT ON TABLE qms.audit_logs TO qms_sql;

-- Name: FUNCTION audit_canonical(entry qms.audit_logs); Type: ACL; Schema: qms; Owner: qms_definer

REVOKE ALL ON FUNCTION qms.audit_canonical(entry qms.audit_logs) FROM PUBLIC;
GRANT ALL ON FUNCTION qms.audit_canonical(entry qms.audit_logs) TO qms_app;
GRANT ALL ON FUNCTION qms.audit_canonical(entry qms.audit_logs) TO qms_sql;
GRANT ALL ON FUNCTION qms.audit_canonical(entry qms.audit_logs) TO qms_owner;

-- Name: FUNCTION audit_hash(previous text, entry qms.audit_logs); Type: ACL; Schema: qms; Owner: qms_definer

REVOKE ALL ON FUNCTION qms.audit_hash(previous text, entry qms.audit_logs) FROM PUBLIC;
GRANT ALL ON FUNCTION qms.audit_hash(previous text, entry qms.audit_logs) TO qms_app;
GRANT ALL ON FUNCTION qms.audit_hash(previous text, entry qms.audit_logs) TO qms_sql;
GRANT ALL ON FUNCTION qms.audit_hash(previous text, entry qms.audit_logs) TO qms_owner;

-- Name: FUNCTION business_days_between(of_organization uuid, from_day date, to_day date); Type: ACL; Schema: qms; Owner: qms_definer

REVOKE ALL ON FUNCTION qms.business_days_between(of_organization uuid, from_day date, to_day date) FROM PUBLIC;
GRANT ALL ON FUNCTION qms.business_days_between(of_organization uuid, from_day date, to_day date) TO qms_app;

-- Name: FUNCTION chain_entry(); Type: ACL; Schema: qms; Owner: qms_definer

REVOKE ALL ON FUNCTION qms.chain_entry() FROM PUBLIC;
GRANT ALL ON FUNCTION qms.chain_entry() TO qms_owner;

-- Name: FUNCTION change_part(part text, part_id uuid, fields jsonb); Type: ACL; Schema: qms; Owner: qms_owner

REVOKE ALL ON FUNCTION qms.change_part(part text, part_id uuid, fields jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION qms.change_part(part text, part_id uuid, fields jsonb) TO qms_app;
GRANT ALL ON FUNCTION qms.change_part(part text, part_id uuid, fields jsonb) TO qms_definer;

-- Name: FUNCTION change_record(record_id uuid, expected_version integer, fields jsonb); Type: ACL; Schema: qms; Owner: qms_owner

REVOKE ALL ON FUNCTION qms.change_record(record_id uuid, expected_version integer, fields jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION qms.change_record(record_id uuid, expected_version integer, fields jsonb) TO qms_app;
GRANT ALL ON FUNCTION qms.change_record(record_id uuid, expected_version integer, fields jsonb) TO qms_definer;

-- Name: FUNCTION changed_fields(before jsonb, after jsonb); Type: ACL; Schema: qms; Owner: qms_owner

REVOKE ALL ON FUNCTION qms.changed_fields(before jsonb, after jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION qms.changed_fields(before jsonb, after jsonb) TO qms_app;
GRANT ALL ON FUNCTION qms.changed_fields(before jsonb, after jsonb) TO qms_sql;
GRANT ALL ON FUNCTION qms.changed_fields(before jsonb, after jsonb) TO qms_definer;

-- Name: FUNCTION changed_paths(before jsonb, after jsonb, at_path text); Type: ACL; Schema: qms; Owner: qms_owner

REVOKE ALL ON FUNCTION qms.changed_paths(before jsonb, after jsonb, at_path text) FROM PUBLIC;
GRANT ALL ON FUNCTION qms.changed_paths(before jsonb, after jsonb, at_path text) TO qms_app;
GRANT ALL ON FUNCTION qms.changed_paths(before jsonb, after jsonb, at_path text) TO qms_sql;
GRANT ALL ON FUNCTION qms.changed_paths(before jsonb, after jsonb, at_path text) TO qms_definer;

-- Name: FUNCTION clause_evidence(of_clauses uuid[], most integer); Type: ACL; Schema: qms; Owner: qms_owner

REVOKE ALL ON FUNCTION qms.clause_evidence(of_clauses uuid[], most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION qms.clause_evidence(of_clauses uuid[], most integer) TO qms_app;
GRANT ALL ON FUNCTION qms.clause_evidence(of_clauses uuid[], most integer) TO qms_sql;

-- Name: FUNCTION coming_version(item qms.quality_items); Type: ACL; Schema: qms; Owner: qms_owner

REVOKE ALL ON FUNCTION qms.coming_version(item qms.quality_items) FROM PUBLIC;
GRANT ALL ON FUNCTION qms.coming_version(item qms.quality_items) TO qms_app;
GRANT ALL ON FUNCTION qms.coming_version(item qms.quality_items) TO qms_sql;
GRANT ALL ON FUNCTION qms.coming_version(item qms.quality_items) TO qms_definer;

-- Name: FUNCTION count_records(filters jsonb, at_most integer); Type: ACL; Schema: qms; Owner: qms_definer

REVOKE ALL ON FUNCTION qms.count_records(filters jsonb, at_most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION qms.count_records(filters jsonb, at_most integer) TO qms_app;

-- Name: FUNCTION current_actor_kind(); Type: ACL; Schema: qms; Owner: qms_definer

REVOKE ALL ON FUNCTION qms.current_actor_kind() FROM PUBLIC;
GRANT ALL ON FUNCTION qms.current_actor_kind() TO qms_app;
GRANT ALL ON FUNCTION qms.current_actor_kind() TO qms_sql;
GRANT ALL ON FUNCTION qms.current_actor_kind() TO qms_ledger;

-- Name: FUNCTION current_organization_id(); Type: ACL; Schema: qms; Owner: qms_definer

REVOKE ALL ON FUNCTION qms.current_organization_id() FROM PUBLIC;
GRANT ALL ON FUNCTION qms.current_organization_id() TO qms_app;
GRANT ALL ON FUNCTION qms.current_organization_id() TO qms_sql;
GRANT ALL ON FUNCTION qms.current_organization_id() TO qms_ledger;

-- Name: FUNCTION current_user_id(); Type: ACL; Schema: qms; Owner: qms_definer

REVOKE ALL ON FUNCTION qms.current_user_id() FROM PUBLIC;
GRANT ALL ON FUNCTION qms.current_user_id() TO qms_app;
GRANT ALL ON FUNCTION qms.current_user_id() TO qms_sql;
GRANT ALL ON FUNCTION qms.current_user_id() TO qms_ledger;

-- Name: FUNCTION due_after(of_organization uuid, since timestamp with time zone, days integer, kind text); Type: ACL; Schema: qms; Owner: qms_definer

REVOKE ALL ON FUNCTION qms.due_after(of_organization uuid, since timestamp with time zone, days integer, kind text) FROM PUBLIC;
GRANT ALL ON FUNCTION qms.due_after(of_organization uuid, since timestamp with time zone, days integer, kind text) TO qms_app;

-- Name: FUNCTION edges_among(records uuid[]); Type: ACL; Schema: qms; Owner: qms_owner

REVOKE ALL ON FUNCTION qms.edges_among(records uuid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION qms.edges_among(records uuid[]) TO qms_app;
GRANT ALL ON FUNCTION qms.edges_among(records uuid[]) TO qms_sql;

-- Name: FUNCTION escalate_due(); Type: ACL; Schema: qms; Owner: qms_definer

REVOKE ALL ON FUNCTION qms.escalate_due() FROM PUBLIC;
GRANT ALL ON FUNCTION qms.escalate_due() TO qms_app;

-- Name: FUNCTION find_colleague(reference text); Type: ACL; Schema: qms; Owner: qms_definer

REVOKE ALL ON FUNCTION qms.find_colleague(reference text) FROM PUBLIC;
GRANT ALL ON FUNCTION qms.find_colleague(reference text) TO qms_app;

-- Name: FUNCTION find_record(reference text); Type: ACL; Schema: qms; Owner: qms_owner

REVOKE ALL ON FUNCTION qms.find_record(reference text) FROM PUBLIC;
GRANT ALL ON FUNCTION qms.find_record(reference text) TO qms_app;
GRANT ALL ON FUNCTION qms.find_record(reference text) TO qms_sql;
GRANT ALL ON FUNCTION qms.find_record(reference text) TO qms_definer;

-- Name: FUNCTION has_role(wanted text); Type: ACL; Schema: qms; Owner: qms_definer

REVOKE ALL ON FUNCTION qms.has_role(wanted text) FROM PUBLIC;
GRANT ALL ON FUNCTION qms.has_role(wanted text) TO qms_app;
GRANT ALL ON FUNCTION qms.has_role(wanted text) TO qms_sql;
GRANT ALL ON FUNCTION qms.has_role(wanted text) TO qms_ledger;

-- Name: FUNCTION in_cycle(); Type: ACL; Schema: qms; Owner: qms_definer

REVOKE ALL ON FUNCTION qms.in_cycle() FROM PUBLIC;

-- Name: FUNCTION is_colleague(person uuid); Type: ACL; Schema: qms; Owner: qms_definer

REVOKE ALL ON FUNCTION qms.is_colleague(person uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION qms.is_colleague(person uuid) TO qms_app;
GRANT ALL ON FUNCTION qms.is_colleague(person uuid) TO qms_owner;

-- Name: FUNCTION keep_decisions(); Type: ACL; Schema: qms; Owner: qms_owner

REVOKE ALL ON FUNCTION qms.keep_decisions() FROM PUBLIC;

-- Name: FUNCTION keep_definition(); Type: ACL; Schema: qms; Owner: qms_definer

REVOKE ALL ON FUNCTION qms.keep_definition() FROM PUBLIC;
GRANT ALL ON FUNCTION qms.keep_definition() TO qms_owner;

-- Name: FUNCTION keep_details(); Type: ACL; Schema: qms; Owner: qms_owner

REVOKE ALL ON FUNCTION qms.keep_details() FROM PUBLIC;

-- Name: FUNCTION keep_document(); Type: ACL; Schema: qms; Owner: qms_owner

REVOKE ALL ON FUNCTION qms.keep_document() FROM PUBLIC;
GRANT ALL ON FUNCTION qms.keep_document() TO qms_app;
GRANT ALL ON FUNCTION qms.keep_document() TO qms_definer;

-- Name: FUNCTION keep_drafts(); Type: ACL; Schema: qms; Owner: qms_owner

REVOKE ALL ON FUNCTION qms.keep_drafts() FROM PUBLIC;

-- Name: FUNCTION keep_evidence_link(); Type: ACL; Schema: qms; Owner: qms_owner

REVOKE ALL ON FUNCTION qms.keep_evidence_link() FROM PUBLIC;

-- Name: FUNCTION keep_link(); Type: ACL; Schema: qms; Owner: qms_owner

REVOKE ALL ON FUNCTION qms.keep_link() FROM PUBLIC;

-- Name: FUNCTION keep_part(); Type: ACL; Schema: qms; Owner: qms_owner

REVOKE ALL ON FUNCTION qms.keep_part() FROM PUBLIC;

-- Name: FUNCTION keep_record(); Type: ACL; Schema: qms; Owner: qms_owner

REVOKE ALL ON FUNCTION qms.keep_record() FROM PUBLIC;

-- Name: FUNCTION link_records(from_id uuid, to_id uuid, kind text, note text); Type: ACL; Schema: qms; Owner: qms_owner

REVOKE ALL ON FUNCTION qms.link_records(from_id uuid, to_id uuid, kind text, note text) FROM PUBLIC;
GRANT ALL ON FUNCTION qms.link_records(from_id uuid, to_id uuid, kind text, note text) TO qms_app;
GRANT ALL ON FUNCTION qms.link_records(from_id uuid, to_id uuid, kind text, note text) TO qms_definer;

-- Name: FUNCTION list_records(filters jsonb, sort text, after jsonb, max_rows integer); Type: ACL; Schema: qms; Owner: qms_definer

REVOKE ALL ON FUNCTION qms.list_records(filters jsonb, sort text, after jsonb, max_rows integer) FROM PUBLIC;
GRANT ALL ON FUNCTION qms.list_records(filters jsonb, sort text, after jsonb, max_rows integer) TO qms_app;

-- Name: FUNCTION may_keep_records(); Type: ACL; Schema: qms; Owner: qms_definer

REVOKE ALL ON FUNCTION qms.may_keep_records() FROM PUBLIC;
GRANT ALL ON FUNCTION qms.may_keep_records() TO qms_app;
GRANT ALL ON FUNCTION qms.may_keep_records() TO qms_sql;

-- Name: FUNCTION may_write(); Type: ACL; Schema: qms; Owner: qms_definer

REVOKE ALL ON FUNCTION qms.may_write() FROM PUBLIC;
GRANT ALL ON FUNCTION qms.may_write() TO qms_app;
GRANT ALL ON FUNCTION qms.may_write() TO qms_sql;
GRANT ALL ON FUNCTION qms.may_write() TO qms_ledger;

-- Name: FUNCTION missing_links_of(records uuid[]); Type: ACL; Schema: qms; Owner: qms_owner

REVOKE ALL ON FUNCTION qms.missing_links_of(records uuid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION qms.missing_links_of(records uuid[]) TO qms_app;
GRANT ALL ON FUNCTION qms.missing_links_of(records uuid[]) TO qms_sql;

-- Name: FUNCTION my_decisions(); Type: ACL; Schema: qms; Owner: qms_definer

REVOKE ALL ON FUNCTION qms.my_decisions() FROM PUBLIC;
GRANT ALL ON FUNCTION qms.my_decisions() TO qms_app;

-- Name: FUNCTION next_steps(record_id uuid); Type: ACL; Schema: qms; Owner: qms_definer

REVOKE ALL ON FUNCTION qms.next_steps(record_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION qms.next_steps(record_id uuid) TO qms_app;

-- Name: TABLE audit_anchors; Type: ACL; Schema: qms; Owner: qms_owner

GRANT SELECT ON TABLE qms.audit_anchors TO qms_app;
GRANT SELECT ON TABLE qms.audit_anchors TO qms_sql;
GRANT SELECT,INSERT ON TABLE qms.audit_anchors TO qms_definer;

-- Name: FUNCTION note_anchor(at_place text, at_seq bigint); Type: ACL; Schema: qms; Owner: qms_definer

REVOKE ALL ON FUNCTION qms.note_anchor(at_place text, at_seq bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION qms.note_anchor(at_place text, at_seq bigint) TO qms_app;

-- Name: FUNCTION note_event(of_type text, of_entity uuid, what text, details jsonb); Type: ACL; Schema: qms; Owner: qms_definer

REVOKE ALL ON FUNCTION qms.note_event(of_type text, of_entity uuid, what text, details jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION qms.note_event(of_type text, of_entity uuid, what text, details jsonb) TO qms_app;

-- Name: FUNCTION own_fields(of_record uuid, of_category text); Type: ACL; Schema: qms; Owner: qms_owner

REVOKE ALL ON FUNCTION qms.own_fields(of_record uuid, of_category text) FROM PUBLIC;
GRANT ALL ON FUNCTION qms.own_fields(of_record uuid, of_category text) TO qms_app;
GRANT ALL ON FUNCTION qms.own_fields(of_record uuid, of_category text) TO qms_sql;

-- Name: FUNCTION place_requirement(); Type: ACL; Schema: qms; Owner: qms_owner

REVOKE ALL ON FUNCTION qms.place_requirement() FROM PUBLIC;

-- Name: FUNCTION prepare_record(); Type: ACL; Schema: qms; Owner: qms_definer

REVOKE ALL ON FUNCTION qms.prepare_record() FROM PUBLIC;
GRANT ALL ON FUNCTION qms.prepare_record() TO qms_owner;

-- Name: FUNCTION propose_exclusion(of_clause uuid, why text); Type: ACL; Schema: qms; Owner: qms_definer

REVOKE ALL ON FUNCTION qms.propose_exclusion(of_clause uuid, why text) FROM PUBLIC;
GRANT ALL ON FUNCTION qms.propose_exclusion(of_clause uuid, why text) TO qms_app;

-- Name: FUNCTION record_change(); Type: ACL; Schema: qms; Owner: qms_definer

REVOKE ALL ON FUNCTION qms.record_change() FROM PUBLIC;
GRANT ALL ON FUNCTION qms.record_change() TO qms_owner;

-- Name: FUNCTION record_content(record_id uuid); Type: ACL; Schema: qms; Owner: qms_owner

REVOKE ALL ON FUNCTION qms.record_content(record_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION qms.record_content(record_id uuid) TO qms_app;
GRANT ALL ON FUNCTION qms.record_content(record_id uuid) TO qms_sql;
GRANT ALL ON FUNCTION qms.record_content(record_id uuid) TO qms_definer;

-- Name: FUNCTION record_entry(); Type: ACL; Schema: qms; Owner: qms_definer

REVOKE ALL ON FUNCTION qms.record_entry() FROM PUBLIC;
GRANT ALL ON FUNCTION qms.record_entry() TO qms_owner;

-- Name: FUNCTION record_neighbours(of_record uuid, most integer); Type: ACL; Schema: qms; Owner: qms_owner

REVOKE ALL ON FUNCTION qms.record_neighbours(of_record uuid, most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION qms.record_neighbours(of_record uuid, most integer) TO qms_app;
GRANT ALL ON FUNCTION qms.record_neighbours(of_record uuid, most integer) TO qms_sql;

-- Name: FUNCTION record_parts_of(of_record uuid, at_most integer); Type: ACL; Schema: qms; Owner: qms_owner

REVOKE ALL ON FUNCTION qms.record_parts_of(of_record uuid, at_most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION qms.record_parts_of(of_record uuid, at_most integer) TO qms_app;
GRANT ALL ON FUNCTION qms.record_parts_of(of_record uuid, at_most integer) TO qms_sql;

-- Name: FUNCTION record_sha256(record_id uuid); Type: ACL; Schema: qms; Owner: qms_owner

REVOKE ALL ON FUNCTION qms.record_sha256(record_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION qms.record_sha256(record_id uuid) TO qms_app;
GRANT ALL ON FUNCTION qms.record_sha256(record_id uuid) TO qms_sql;
GRANT ALL ON FUNCTION qms.record_sha256(record_id uuid) TO qms_definer;

-- Name: FUNCTION refuse_change(); Type: ACL; Schema: qms; Owner: qms_owner

REVOKE ALL ON FUNCTION qms.refuse_change() FROM PUBLIC;

-- Name: FUNCTION refuse_locked(item qms.quality_items, changed text[], of_part text); Type: ACL; Schema: qms; Owner: qms_owner

REVOKE ALL ON FUNCTION qms.refuse_locked(item qms.quality_items, changed text[], of_part text) FROM PUBLIC;
GRANT ALL ON FUNCTION qms.refuse_locked(item qms.quality_items, changed text[], of_part text) TO qms_app;
GRANT ALL ON FUNCTION qms.refuse_locked(item qms.quality_items, changed text[], of_part text) TO qms_sql;
GRANT ALL ON FUNCTION qms.refuse_locked(item qms.quality_items, changed text[], of_part text) TO qms_definer;

-- Name: FUNCTION refuse_strangers(before jsonb, after jsonb); Type: ACL; Schema: qms; Owner: qms_owner

REVOKE ALL ON FUNCTION qms.refuse_strangers(before jsonb, after jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION qms.refuse_strangers(before jsonb, after jsonb) TO qms_app;
GRANT ALL ON FUNCTION qms.refuse_strangers(before jsonb, after jsonb) TO qms_sql;
GRANT ALL ON FUNCTION qms.refuse_strangers(before jsonb, after jsonb) TO qms_definer;

-- Name: FUNCTION refuse_unknown(fields jsonb, known text[], of_what text); Type: ACL; Schema: qms; Owner: qms_owner

REVOKE ALL ON FUNCTION qms.refuse_unknown(fields jsonb, known text[], of_what text) FROM PUBLIC;
GRANT ALL ON FUNCTION qms.refuse_unknown(fields jsonb, known text[], of_what text) TO qms_app;
GRANT ALL ON FUNCTION qms.refuse_unknown(fields jsonb, known text[], of_what text) TO qms_definer;

-- Name: TABLE approvals; Type: ACL; Schema: qms; Owner: qms_owner

GRANT SELECT,INSERT,UPDATE ON TABLE qms.approvals TO qms_definer;
GRANT SELECT ON TABLE qms.approvals TO qms_app;
GRANT SELECT ON TABLE qms.approvals TO qms_sql;

-- Name: FUNCTION request_decision(record_id uuid, expected_version integer, to_state text, meaning text, reason text); Type: ACL; Schema: qms; Owner: qms_definer

REVOKE ALL ON FUNCTION qms.request_decision(record_id uuid, expected_version integer, to_state text, meaning text, reason text) FROM PUBLIC;
GRANT ALL ON FUNCTION qms.request_decision(record_id uuid, expected_version integer, to_state text, meaning text, reason text) TO qms_app;

-- Name: FUNCTION request_workflow(of_category text, new_body jsonb, reason text); Type: ACL; Schema: qms; Owner: qms_definer

REVOKE ALL ON FUNCTION qms.request_workflow(of_category text, new_body jsonb, reason text) FROM PUBLIC;
GRANT ALL ON FUNCTION qms.request_workflow(of_category text, new_body jsonb, reason text) TO qms_app;

-- Name: FUNCTION risk_rank(risk_class text); Type: ACL; Schema: qms; Owner: qms_owner

REVOKE ALL ON FUNCTION qms.risk_rank(risk_class text) FROM PUBLIC;
GRANT ALL ON FUNCTION qms.risk_rank(risk_class text) TO qms_app;
GRANT ALL ON FUNCTION qms.risk_rank(risk_class text) TO qms_sql;
GRANT ALL ON FUNCTION qms.risk_rank(risk_class text) TO qms_definer;

-- Name: FUNCTION said(value text); Type: ACL; Schema: qms; Owner: qms_owner

REVOKE ALL ON FUNCTION qms.said(value text) FROM PUBLIC;
GRANT ALL ON FUNCTION qms.said(value text) TO qms_app;
GRANT ALL ON FUNCTION qms.said(value text) TO qms_sql;
GRANT ALL ON FUNCTION qms.said(value text) TO qms_definer;

-- Name: FUNCTION seen_version(record_id uuid, expected_version integer); Type: ACL; Schema: qms; Owner: qms_owner

REVOKE ALL ON FUNCTION qms.seen_version(record_id uuid, expected_version integer) FROM PUBLIC;
GRANT ALL ON FUNCTION qms.seen_version(record_id uuid, expected_version integer) TO qms_app;
GRANT ALL ON FUNCTION qms.seen_version(record_id uuid, expected_version integer) TO qms_definer;

-- Name: FUNCTION signature_status(record_id uuid); Type: ACL; Schema: qms; Owner: qms_owner

REVOKE ALL ON FUNCTION qms.signature_status(record_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION qms.signature_status(record_id uuid) TO qms_app;
GRANT ALL ON FUNCTION qms.signature_status(record_id uuid) TO qms_sql;
GRANT ALL ON FUNCTION qms.signature_status(record_id uuid) TO qms_definer;

-- Name: TABLE signatures; Type: ACL; Schema: qms; Owner: qms_owner

GRANT SELECT ON TABLE qms.signatures TO qms_app;
GRANT SELECT ON TABLE qms.signatures TO qms_sql;
GRANT SELECT,INSERT ON TABLE qms.signatures TO qms_definer;

-- Name: FUNCTION signature_words(signature qms.signatures); Type: ACL; Schema: qms; Owner: qms_owner

REVOKE ALL ON FUNCTION qms.signature_words(signature qms.signatures) FROM PUBLIC;
GRANT ALL ON FUNCTION qms.signature_words(signature qms.signatures) TO qms_app;
GRANT ALL ON FUNCTION qms.signature_words(signature qms.signatures) TO qms_sql;
GRANT ALL ON FUNCTION qms.signature_words(signature qms.signatures) TO qms_definer;

-- Name: FUNCTION take_trail_turn(); Type: ACL; Schema: qms; Owner: qms_definer

REVOKE ALL ON FUNCTION qms.take_trail_turn() FROM PUBLIC;
GRANT ALL ON FUNCTION qms.take_trail_turn() TO qms_owner;

-- Name: FUNCTION take_turn(); Type: ACL; Schema: qms; Owner: qms_definer

REVOKE ALL ON FUNCTION qms.take_turn() FROM PUBLIC;
GRANT ALL ON FUNCTION qms.take_turn() TO qms_app;
GRANT ALL ON FUNCTION qms.take_turn() TO qms_owner;

-- Name: FUNCTION touch_parent(); Type: ACL; Schema: qms; Owner: qms_definer

REVOKE ALL ON FUNCTION qms.touch_parent() FROM PUBLIC;
GRANT ALL ON FUNCTION qms.touch_parent() TO qms_owner;

-- Name: FUNCTION touch_updated_at(); Type: ACL; Schema: qms; Owner: qms_owner

REVOKE ALL ON FUNCTION qms.touch_updated_at() FROM PUBLIC;

-- Name: FUNCTION trace_record(of_record uuid, way text, most_steps integer, most_nodes integer); Type: ACL; Schema: qms; Owner: qms_owner

REVOKE ALL ON FUNCTION qms.trace_record(of_record uuid, way text, most_steps integer, most_nodes integer) FROM PUBLIC;
GRANT ALL ON FUNCTION qms.trace_record(of_record uuid, way text, most_steps integer, most_nodes integer) TO qms_app;
GRANT ALL ON FUNCTION qms.trace_record(of_record uuid, way text, most_steps integer, most_nodes integer) TO qms_sql;

-- Name: FUNCTION trail_head(); Type: ACL; Schema: qms; Owner: qms_definer

REVOKE ALL ON FUNCTION qms.trail_head() FROM PUBLIC;
GRANT ALL ON FUNCTION qms.trail_head() TO qms_app;
GRANT ALL ON FUNCTION qms.trail_head() TO qms_sql;
GRANT ALL ON FUNCTION qms.trail_head() TO qms_owner;

-- Name: FUNCTION transition(record_id uuid, expected_version integer, to_state text, reason text); Type: ACL; Schema: qms; Owner: qms_definer

REVOKE ALL ON FUNCTION qms.transition(record_id uuid, expected_version integer, to_state text, reason text) FROM PUBLIC;
GRANT ALL ON FUNCTION qms.transition(record_id uuid, expected_version integer, to_state text, reason text) TO qms_app;

-- Name: FUNCTION verify_trail(from_seq bigint, to_seq bigint); Type: ACL; Schema: qms; Owner: qms_owner

REVOKE ALL ON FUNCTION qms.verify_trail(from_seq bigint, to_seq bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION qms.verify_trail(from_seq bigint, to_seq bigint) TO qms_app;
GRANT ALL ON FUNCTION qms.verify_trail(from_seq bigint, to_seq bigint) TO qms_sql;

-- Name: FUNCTION withdraw_exclusion(of_clause uuid); Type: ACL; Schema: qms; Owner: qms_definer

REVOKE ALL ON FUNCTION qms.withdraw_exclusion(of_clause uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION qms.withdraw_exclusion(of_clause uuid) TO qms_app;

-- Name: FUNCTION word_query(words text); Type: ACL; Schema: qms; Owner: qms_owner

REVOKE ALL ON FUNCTION qms.word_query(words text) FROM PUBLIC;
GRANT ALL ON FUNCTION qms.word_query(words text) TO qms_app;
GRANT ALL ON FUNCTION qms.word_query(words text) TO qms_sql;
GRANT ALL ON FUNCTION qms.word_query(words text) TO qms_definer;

-- Name: FUNCTION words_of(title text); Type: ACL; Schema: qms; Owner: qms_owner

REVOKE ALL ON FUNCTION qms.words_of(title text) FROM PUBLIC;
GRANT ALL ON FUNCTION qms.words_of(title text) TO qms_app;
GRANT ALL ON FUNCTION qms.words_of(title text) TO qms_sql;
GRANT ALL ON FUNCTION qms.words_of(title text) TO qms_definer;

-- Name: FUNCTION workflow_problems(of_category text, body jsonb); Type: ACL; Schema: qms; Owner: qms_definer

REVOKE ALL ON FUNCTION qms.workflow_problems(of_category text, body jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION qms.workflow_problems(of_category text, body jsonb) TO qms_app;

-- Name: FUNCTION writable_fields(of_table text, for_update boolean); Type: ACL; Schema: qms; Owner: qms_owner

REVOKE ALL ON FUNCTION qms.writable_fields(of_table text, for_update boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION qms.writable_fields(of_table text, for_update boolean) TO qms_app;
GRANT ALL ON FUNCTION qms.writable_fields(of_table text, for_update boolean) TO qms_definer;

-- Name: FUNCTION write_row(of_table text, at_id uuid, fields jsonb, extra jsonb); Type: ACL; Schema: qms; Owner: qms_owner

REVOKE ALL ON FUNCTION qms.write_row(of_table text, at_id uuid, fields jsonb, extra jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION qms.write_row(of_table text, at_id uuid, fields jsonb, extra jsonb) TO qms_app;
GRANT ALL ON FUNCTION qms.write_row(of_table text, at_id uuid, fields jsonb, extra jsonb) TO qms_definer;

-- Name: FUNCTION written_reason(); Type: ACL; Schema: qms; Owner: qms_definer

REVOKE ALL ON FUNCTION qms.written_reason() FROM PUBLIC;
GRANT ALL ON FUNCTION qms.written_reason() TO qms_app;
GRANT ALL ON FUNCTION qms.written_reason() TO qms_sql;
GRANT ALL ON FUNCTION qms.written_reason() TO qms_owner;

-- Name: FUNCTION acknowledge_report(session_token text, report uuid); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.acknowledge_report(session_token text, report uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION qms_private.acknowledge_report(session_token text, report uuid) TO qms_server;
GRANT ALL ON FUNCTION qms_private.acknowledge_report(session_token text, report uuid) TO qms_owner;

-- Name: FUNCTION add_clauses(of_framework text, lines text); Type: ACL; Schema: qms_private; Owner: qms_owner

REVOKE ALL ON FUNCTION qms_private.add_clauses(of_framework text, lines text) FROM PUBLIC;

-- Name: FUNCTION all_fields(item qms.quality_items); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.all_fields(item qms.quality_items) FROM PUBLIC;

-- Name: FUNCTION approval_for(session_token text, of_approval uuid); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.approval_for(session_token text, of_approval uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION qms_private.approval_for(session_token text, of_approval uuid) TO qms_server;
GRANT ALL ON FUNCTION qms_private.approval_for(session_token text, of_approval uuid) TO qms_owner;

-- Name: FUNCTION as_texts(list jsonb); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.as_texts(list jsonb) FROM PUBLIC;

-- Name: FUNCTION become(for_user uuid, for_organization uuid, because text, through text); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.become(for_user uuid, for_organization uuid, because text, through text) FROM PUBLIC;

-- Name: FUNCTION blocked_by(item qms.quality_items, edge jsonb, wanted text, person uuid); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.blocked_by(item qms.quality_items, edge jsonb, wanted text, person uuid) FROM PUBLIC;

-- Name: FUNCTION carry_out(asked qms.approvals, why text); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.carry_out(asked qms.approvals, why text) FROM PUBLIC;

-- Name: FUNCTION check_password(of_user uuid, derived text, via text); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.check_password(of_user uuid, derived text, via text) FROM PUBLIC;

-- Name: FUNCTION confirm_approval(approval_id uuid, verdict text); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.confirm_approval(approval_id uuid, verdict text) FROM PUBLIC;
GRANT ALL ON FUNCTION qms_private.confirm_approval(approval_id uuid, verdict text) TO qms_app;

-- Name: FUNCTION counted(number bigint, one text, many text); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.counted(number bigint, one text, many text) FROM PUBLIC;

-- Name: FUNCTION decide(session_token text, user_ref text, derived text, of_approval uuid, verdict text, why text, shown_sha256 text); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.decide(session_token text, user_ref text, derived text, of_approval uuid, verdict text, why text, shown_sha256 text) FROM PUBLIC;
GRANT ALL ON FUNCTION qms_private.decide(session_token text, user_ref text, derived text, of_approval uuid, verdict text, why text, shown_sha256 text) TO qms_server;
GRANT ALL ON FUNCTION qms_private.decide(session_token text, user_ref text, derived text, of_approval uuid, verdict text, why text, shown_sha256 text) TO qms_owner;

-- Name: FUNCTION decide_approval(approval_id uuid, by_user uuid, verdict text, via text, why text); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.decide_approval(approval_id uuid, by_user uuid, verdict text, via text, why text) FROM PUBLIC;
GRANT ALL ON FUNCTION qms_private.decide_approval(approval_id uuid, by_user uuid, verdict text, via text, why text) TO qms_owner;

-- Name: TABLE sessions; Type: ACL; Schema: qms_private; Owner: qms_owner

GRANT SELECT,INSERT ON TABLE qms_private.sessions TO qms_definer;

-- Name: COLUMN sessions.last_used_at; Type: ACL; Schema: qms_private; Owner: qms_owner

GRANT UPDATE(last_used_at) ON TABLE qms_private.sessions TO qms_definer;

-- Name: COLUMN sessions.first_signed_at; Type: ACL; Schema: qms_private; Owner: qms_owner

GRANT UPDATE(first_signed_at) ON TABLE qms_private.sessions TO qms_definer;

-- Name: COLUMN sessions.ended_at; Type: ACL; Schema: qms_private; Owner: qms_owner

GRANT UPDATE(ended_at) ON TABLE qms_private.sessions TO qms_definer;

-- Name: FUNCTION decide_as_person(approval qms.approvals, session qms_private.sessions, verdict text, why text, shown_sha256 text, with_components integer); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.decide_as_person(approval qms.approvals, session qms_private.sessions, verdict text, why text, shown_sha256 text, with_components integer) FROM PUBLIC;

-- Name: TABLE workflow_definitions; Type: ACL; Schema: qms; Owner: qms_owner

GRANT SELECT,INSERT ON TABLE qms.workflow_definitions TO qms_definer;
GRANT SELECT ON TABLE qms.workflow_definitions TO qms_app;
GRANT SELECT ON TABLE qms.workflow_definitions TO qms_sql;

-- Name: FUNCTION definition_for(of_organization uuid, of_category text); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.definition_for(of_organization uuid, of_category text) FROM PUBLIC;
GRANT ALL ON FUNCTION qms_private.definition_for(of_organization uuid, of_category text) TO qms_owner;

-- Name: FUNCTION due_in_state(of_organization uuid, body jsonb, in_state text, since timestamp with time zone); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.due_in_state(of_organization uuid, body jsonb, in_state text, since timestamp with time zone) FROM PUBLIC;

-- Name: FUNCTION due_rules(of_organization uuid); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.due_rules(of_organization uuid) FROM PUBLIC;

-- Name: FUNCTION edge_to(item qms.quality_items, wanted text); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.edge_to(item qms.quality_items, wanted text) FROM PUBLIC;

-- Name: FUNCTION edges(body jsonb); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.edges(body jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION qms_private.edges(body jsonb) TO qms_owner;

-- Name: FUNCTION editors_of(item qms.quality_items); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.editors_of(item qms.quality_items) FROM PUBLIC;

-- Name: FUNCTION effect_accept_actions(item qms.quality_items, options jsonb); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.effect_accept_actions(item qms.quality_items, options jsonb) FROM PUBLIC;

-- Name: FUNCTION effect_acknowledge_training(item qms.quality_items, options jsonb); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.effect_acknowledge_training(item qms.quality_items, options jsonb) FROM PUBLIC;

-- Name: FUNCTION effect_apply_extension(item qms.quality_items, options jsonb); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.effect_apply_extension(item qms.quality_items, options jsonb) FROM PUBLIC;

-- Name: FUNCTION effect_calibration_due(item qms.quality_items, options jsonb); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.effect_calibration_due(item qms.quality_items, options jsonb) FROM PUBLIC;

-- Name: FUNCTION effect_decide_dispositions(item qms.quality_items, options jsonb); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.effect_decide_dispositions(item qms.quality_items, options jsonb) FROM PUBLIC;

-- Name: FUNCTION effect_decide_reportability(item qms.quality_items, options jsonb); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.effect_decide_reportability(item qms.quality_items, options jsonb) FROM PUBLIC;

-- Name: FUNCTION effect_due_after_window(item qms.quality_items, options jsonb); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.effect_due_after_window(item qms.quality_items, options jsonb) FROM PUBLIC;

-- Name: FUNCTION effect_due_by_actions(item qms.quality_items, options jsonb); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.effect_due_by_actions(item qms.quality_items, options jsonb) FROM PUBLIC;

-- Name: FUNCTION effect_due_by_field(item qms.quality_items, options jsonb); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.effect_due_by_field(item qms.quality_items, options jsonb) FROM PUBLIC;

-- Name: FUNCTION effect_end_effective(item qms.quality_items, options jsonb); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.effect_end_effective(item qms.quality_items, options jsonb) FROM PUBLIC;

-- Name: FUNCTION effect_make_effective(item qms.quality_items, options jsonb); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.effect_make_effective(item qms.quality_items, options jsonb) FROM PUBLIC;

-- Name: FUNCTION effect_next_cycle(item qms.quality_items, options jsonb); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.effect_next_cycle(item qms.quality_items, options jsonb) FROM PUBLIC;

-- Name: FUNCTION effect_schedule_review(item qms.quality_items, options jsonb); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.effect_schedule_review(item qms.quality_items, options jsonb) FROM PUBLIC;

-- Name: FUNCTION effect_set_verdict(item qms.quality_items, options jsonb); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.effect_set_verdict(item qms.quality_items, options jsonb) FROM PUBLIC;

-- Name: FUNCTION effect_supersede_former(item qms.quality_items, options jsonb); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.effect_supersede_former(item qms.quality_items, options jsonb) FROM PUBLIC;

-- Name: FUNCTION end_of_day(zone text, day date); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.end_of_day(zone text, day date) FROM PUBLIC;

-- Name: TABLE compliance_records; Type: ACL; Schema: qms; Owner: qms_owner

GRANT SELECT ON TABLE qms.compliance_records TO qms_app;
GRANT SELECT ON TABLE qms.compliance_records TO qms_sql;
GRANT SELECT,INSERT,UPDATE ON TABLE qms.compliance_records TO qms_definer;

-- Name: COLUMN compliance_records.id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(id) ON TABLE qms.compliance_records TO qms_app;

-- Name: COLUMN compliance_records.organization_id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(organization_id) ON TABLE qms.compliance_records TO qms_app;

-- Name: COLUMN compliance_records.standard; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(standard),UPDATE(standard) ON TABLE qms.compliance_records TO qms_app;

-- Name: COLUMN compliance_records.requirement; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(requirement),UPDATE(requirement) ON TABLE qms.compliance_records TO qms_app;

-- Name: COLUMN compliance_records.status; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(status),UPDATE(status) ON TABLE qms.compliance_records TO qms_app;

-- Name: COLUMN compliance_records.evidence; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(evidence),UPDATE(evidence) ON TABLE qms.compliance_records TO qms_app;

-- Name: COLUMN compliance_records.last_reviewed; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(last_reviewed),UPDATE(last_reviewed) ON TABLE qms.compliance_records TO qms_app;

-- Name: COLUMN compliance_records.next_review; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(next_review),UPDATE(next_review) ON TABLE qms.compliance_records TO qms_app;

-- Name: COLUMN compliance_records.created_at; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(created_at) ON TABLE qms.compliance_records TO qms_app;

-- Name: COLUMN compliance_records.clause_id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(clause_id) ON TABLE qms.compliance_records TO qms_app;

-- Name: COLUMN compliance_records.review_days; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(review_days),UPDATE(review_days) ON TABLE qms.compliance_records TO qms_app;

-- Name: FUNCTION exclusion_text(proposed qms.compliance_records); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.exclusion_text(proposed qms.compliance_records) FROM PUBLIC;

-- Name: FUNCTION follow_link(link_token text); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.follow_link(link_token text) FROM PUBLIC;
GRANT ALL ON FUNCTION qms_private.follow_link(link_token text) TO qms_server;
GRANT ALL ON FUNCTION qms_private.follow_link(link_token text) TO qms_owner;

-- Name: FUNCTION guard_acceptable_without_control(item qms.quality_items, options jsonb, person uuid); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.guard_acceptable_without_control(item qms.quality_items, options jsonb, person uuid) FROM PUBLIC;

-- Name: FUNCTION guard_after_delivery_decided(item qms.quality_items, options jsonb, person uuid); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.guard_after_delivery_decided(item qms.quality_items, options jsonb, person uuid) FROM PUBLIC;

-- Name: FUNCTION guard_all_actions_accepted(item qms.quality_items, options jsonb, person uuid); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.guard_all_actions_accepted(item qms.quality_items, options jsonb, person uuid) FROM PUBLIC;

-- Name: FUNCTION guard_all_actions_done(item qms.quality_items, options jsonb, person uuid); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.guard_all_actions_done(item qms.quality_items, options jsonb, person uuid) FROM PUBLIC;

-- Name: FUNCTION guard_all_signed(item qms.quality_items, options jsonb, person uuid); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.guard_all_signed(item qms.quality_items, options jsonb, person uuid) FROM PUBLIC;

-- Name: FUNCTION guard_auditor_independent(item qms.quality_items, options jsonb, person uuid); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.guard_auditor_independent(item qms.quality_items, options jsonb, person uuid) FROM PUBLIC;

-- Name: FUNCTION guard_benefit_outweighs(item qms.quality_items, options jsonb, person uuid); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.guard_benefit_outweighs(item qms.quality_items, options jsonb, person uuid) FROM PUBLIC;

-- Name: FUNCTION guard_calibration_bad(item qms.quality_items, options jsonb, person uuid); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.guard_calibration_bad(item qms.quality_items, options jsonb, person uuid) FROM PUBLIC;

-- Name: FUNCTION guard_calibration_due_soon(item qms.quality_items, options jsonb, person uuid); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.guard_calibration_due_soon(item qms.quality_items, options jsonb, person uuid) FROM PUBLIC;

-- Name: FUNCTION guard_calibration_good(item qms.quality_items, options jsonb, person uuid); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.guard_calibration_good(item qms.quality_items, options jsonb, person uuid) FROM PUBLIC;

-- Name: FUNCTION guard_calibration_overdue(item qms.quality_items, options jsonb, person uuid); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.guard_calibration_overdue(item qms.quality_items, options jsonb, person uuid) FROM PUBLIC;

-- Name: FUNCTION guard_capa_linked(item qms.quality_items, options jsonb, person uuid); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.guard_capa_linked(item qms.quality_items, options jsonb, person uuid) FROM PUBLIC;

-- Name: FUNCTION guard_change_request_named(item qms.quality_items, options jsonb, person uuid); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.guard_change_request_named(item qms.quality_items, options jsonb, person uuid) FROM PUBLIC;

-- Name: FUNCTION guard_complainant_named(item qms.quality_items, options jsonb, person uuid); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.guard_complainant_named(item qms.quality_items, options jsonb, person uuid) FROM PUBLIC;

-- Name: FUNCTION guard_contained_if_in_hand(item qms.quality_items, options jsonb, person uuid); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.guard_contained_if_in_hand(item qms.quality_items, options jsonb, person uuid) FROM PUBLIC;

-- Name: FUNCTION guard_controls_verified(item qms.quality_items, options jsonb, person uuid); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.guard_controls_verified(item qms.quality_items, options jsonb, person uuid) FROM PUBLIC;

-- Name: FUNCTION guard_critical_has_capa(item qms.quality_items, options jsonb, person uuid); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.guard_critical_has_capa(item qms.quality_items, options jsonb, person uuid) FROM PUBLIC;

-- Name: FUNCTION guard_device_identified(item qms.quality_items, options jsonb, person uuid); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.guard_device_identified(item qms.quality_items, options jsonb, person uuid) FROM PUBLIC;

-- Name: FUNCTION guard_document_has_content(item qms.quality_items, options jsonb, person uuid); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.guard_document_has_content(item qms.quality_items, options jsonb, person uuid) FROM PUBLIC;

-- Name: FUNCTION guard_due_passed(item qms.quality_items, options jsonb, person uuid); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.guard_due_passed(item qms.quality_items, options jsonb, person uuid) FROM PUBLIC;

-- Name: FUNCTION guard_effective_date_reached(item qms.quality_items, options jsonb, person uuid); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.guard_effective_date_reached(item qms.quality_items, options jsonb, person uuid) FROM PUBLIC;

-- Name: FUNCTION guard_emergency_declared(item qms.quality_items, options jsonb, person uuid); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.guard_emergency_declared(item qms.quality_items, options jsonb, person uuid) FROM PUBLIC;

-- Name: FUNCTION guard_extension_fits(item qms.quality_items, options jsonb, person uuid); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.guard_extension_fits(item qms.quality_items, options jsonb, person uuid) FROM PUBLIC;

-- Name: FUNCTION guard_findings_closed(item qms.quality_items, options jsonb, person uuid); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.guard_findings_closed(item qms.quality_items, options jsonb, person uuid) FROM PUBLIC;

-- Name: FUNCTION guard_has_control(item qms.quality_items, options jsonb, person uuid); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.guard_has_control(item qms.quality_items, options jsonb, person uuid) FROM PUBLIC;

-- Name: FUNCTION guard_has_criterion(item qms.quality_items, options jsonb, person uuid); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.guard_has_criterion(item qms.quality_items, options jsonb, person uuid) FROM PUBLIC;

-- Name: FUNCTION guard_has_disposition(item qms.quality_items, options jsonb, person uuid); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.guard_has_disposition(item qms.quality_items, options jsonb, person uuid) FROM PUBLIC;

-- Name: FUNCTION guard_has_effectiveness_check(item qms.quality_items, options jsonb, person uuid); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.guard_has_effectiveness_check(item qms.quality_items, options jsonb, person uuid) FROM PUBLIC;

-- Name: FUNCTION guard_has_planned_action(item qms.quality_items, options jsonb, person uuid); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.guard_has_planned_action(item qms.quality_items, options jsonb, person uuid) FROM PUBLIC;

-- Name: FUNCTION guard_has_root_cause_with_evidence(item qms.quality_items, options jsonb, person uuid); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.guard_has_root_cause_with_evidence(item qms.quality_items, options jsonb, person uuid) FROM PUBLIC;

-- Name: FUNCTION guard_impact_assessed(item qms.quality_items, options jsonb, person uuid); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.guard_impact_assessed(item qms.quality_items, options jsonb, person uuid) FROM PUBLIC;

-- Name: FUNCTION guard_is_person(item qms.quality_items, options jsonb, person uuid); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.guard_is_person(item qms.quality_items, options jsonb, person uuid) FROM PUBLIC;

-- Name: FUNCTION guard_last_check_met(item qms.quality_items, options jsonb, person uuid); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.guard_last_check_met(item qms.quality_items, options jsonb, person uuid) FROM PUBLIC;

-- Name: FUNCTION guard_linked_changes_closed(item qms.quality_items, options jsonb, person uuid); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.guard_linked_changes_closed(item qms.quality_items, options jsonb, person uuid) FROM PUBLIC;

-- Name: FUNCTION guard_linked_training_done(item qms.quality_items, options jsonb, person uuid); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.guard_linked_training_done(item qms.quality_items, options jsonb, person uuid) FROM PUBLIC;

-- Name: FUNCTION guard_minimum_sample_reached(item qms.quality_items, options jsonb, person uuid); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.guard_minimum_sample_reached(item qms.quality_items, options jsonb, person uuid) FROM PUBLIC;

-- Name: FUNCTION guard_minor_deviation(item qms.quality_items, options jsonb, person uuid); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.guard_minor_deviation(item qms.quality_items, options jsonb, person uuid) FROM PUBLIC;

-- Name: FUNCTION guard_no_adverse_effect(item qms.quality_items, options jsonb, person uuid); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.guard_no_adverse_effect(item qms.quality_items, options jsonb, person uuid) FROM PUBLIC;

-- Name: FUNCTION guard_no_open_scars(item qms.quality_items, options jsonb, person uuid); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.guard_no_open_scars(item qms.quality_items, options jsonb, person uuid) FROM PUBLIC;

-- Name: FUNCTION guard_not_own_training_result(item qms.quality_items, options jsonb, person uuid); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.guard_not_own_training_result(item qms.quality_items, options jsonb, person uuid) FROM PUBLIC;

-- Name: FUNCTION guard_not_person(item qms.quality_items, options jsonb, person uuid); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.guard_not_person(item qms.quality_items, options jsonb, person uuid) FROM PUBLIC;

-- Name: FUNCTION guard_not_reportable(item qms.quality_items, options jsonb, person uuid); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.guard_not_reportable(item qms.quality_items, options jsonb, person uuid) FROM PUBLIC;

-- Name: FUNCTION guard_options(guard jsonb); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.guard_options(guard jsonb) FROM PUBLIC;

-- Name: FUNCTION guard_owner_signed(item qms.quality_items, options jsonb, person uuid); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.guard_owner_signed(item qms.quality_items, options jsonb, person uuid) FROM PUBLIC;

-- Name: FUNCTION guard_quantities_add_up(item qms.quality_items, options jsonb, person uuid); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.guard_quantities_add_up(item qms.quality_items, options jsonb, person uuid) FROM PUBLIC;

-- Name: FUNCTION guard_replaced_or_reason(item qms.quality_items, options jsonb, person uuid); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.guard_replaced_or_reason(item qms.quality_items, options jsonb, person uuid) FROM PUBLIC;

-- Name: FUNCTION guard_report_planned(item qms.quality_items, options jsonb, person uuid); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.guard_report_planned(item qms.quality_items, options jsonb, person uuid) FROM PUBLIC;

-- Name: FUNCTION guard_reportability_assessed(item qms.quality_items, options jsonb, person uuid); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.guard_reportability_assessed(item qms.quality_items, options jsonb, person uuid) FROM PUBLIC;

-- Name: FUNCTION guard_reportability_decided(item qms.quality_items, options jsonb, person uuid); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.guard_reportability_decided(item qms.quality_items, options jsonb, person uuid) FROM PUBLIC;

-- Name: FUNCTION guard_reported_if_required(item qms.quality_items, options jsonb, person uuid); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.guard_reported_if_required(item qms.quality_items, options jsonb, person uuid) FROM PUBLIC;

-- Name: FUNCTION guard_residual_rated(item qms.quality_items, options jsonb, person uuid); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.guard_residual_rated(item qms.quality_items, options jsonb, person uuid) FROM PUBLIC;

-- Name: FUNCTION guard_revision_is_newer(item qms.quality_items, options jsonb, person uuid); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.guard_revision_is_newer(item qms.quality_items, options jsonb, person uuid) FROM PUBLIC;

-- Name: FUNCTION guard_rework_verified(item qms.quality_items, options jsonb, person uuid); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.guard_rework_verified(item qms.quality_items, options jsonb, person uuid) FROM PUBLIC;

-- Name: FUNCTION guard_risk_rated(item qms.quality_items, options jsonb, person uuid); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.guard_risk_rated(item qms.quality_items, options jsonb, person uuid) FROM PUBLIC;

-- Name: FUNCTION guard_successor_capa_linked(item qms.quality_items, options jsonb, person uuid); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.guard_successor_capa_linked(item qms.quality_items, options jsonb, person uuid) FROM PUBLIC;

-- Name: FUNCTION guard_successor_effective(item qms.quality_items, options jsonb, person uuid); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.guard_successor_effective(item qms.quality_items, options jsonb, person uuid) FROM PUBLIC;

-- Name: FUNCTION guard_training_complete_or_waived(item qms.quality_items, options jsonb, person uuid); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.guard_training_complete_or_waived(item qms.quality_items, options jsonb, person uuid) FROM PUBLIC;

-- Name: FUNCTION guard_training_has_subject(item qms.quality_items, options jsonb, person uuid); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.guard_training_has_subject(item qms.quality_items, options jsonb, person uuid) FROM PUBLIC;

-- Name: FUNCTION guard_use_as_is_justified(item qms.quality_items, options jsonb, person uuid); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.guard_use_as_is_justified(item qms.quality_items, options jsonb, person uuid) FROM PUBLIC;

-- Name: FUNCTION guard_window_after_actions(item qms.quality_items, options jsonb, person uuid); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.guard_window_after_actions(item qms.quality_items, options jsonb, person uuid) FROM PUBLIC;

-- Name: FUNCTION guard_window_over(item qms.quality_items, options jsonb, person uuid); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.guard_window_over(item qms.quality_items, options jsonb, person uuid) FROM PUBLIC;

-- Name: FUNCTION has_details(item qms.quality_items); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.has_details(item qms.quality_items) FROM PUBLIC;

-- Name: FUNCTION identity(); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.identity() FROM PUBLIC;

-- Name: FUNCTION is_member(of_organization uuid, person uuid); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.is_member(of_organization uuid, person uuid) FROM PUBLIC;

-- Name: FUNCTION is_workday(site_calendar jsonb, day date); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.is_workday(site_calendar jsonb, day date) FROM PUBLIC;

-- Name: TABLE reportability_assessments; Type: ACL; Schema: qms; Owner: qms_owner

GRANT SELECT ON TABLE qms.reportability_assessments TO qms_app;
GRANT SELECT ON TABLE qms.reportability_assessments TO qms_sql;
GRANT SELECT,INSERT,UPDATE ON TABLE qms.reportability_assessments TO qms_definer;

-- Name: COLUMN reportability_assessments.id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(id) ON TABLE qms.reportability_assessments TO qms_app;

-- Name: COLUMN reportability_assessments.organization_id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(organization_id) ON TABLE qms.reportability_assessments TO qms_app;

-- Name: COLUMN reportability_assessments.record_id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(record_id) ON TABLE qms.reportability_assessments TO qms_app;

-- Name: COLUMN reportability_assessments.rule; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(rule) ON TABLE qms.reportability_assessments TO qms_app;

-- Name: COLUMN reportability_assessments.answers; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(answers) ON TABLE qms.reportability_assessments TO qms_app;

-- Name: COLUMN reportability_assessments.proposal; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(proposal) ON TABLE qms.reportability_assessments TO qms_app;

-- Name: COLUMN reportability_assessments.rationale; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(rationale) ON TABLE qms.reportability_assessments TO qms_app;

-- Name: COLUMN reportability_assessments.report_due_on; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(report_due_on) ON TABLE qms.reportability_assessments TO qms_app;

-- Name: FUNCTION last_assessment(item qms.quality_items); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.last_assessment(item qms.quality_items) FROM PUBLIC;

-- Name: TABLE calibrations; Type: ACL; Schema: qms; Owner: qms_owner

GRANT SELECT ON TABLE qms.calibrations TO qms_app;
GRANT SELECT ON TABLE qms.calibrations TO qms_sql;
GRANT SELECT,INSERT,UPDATE ON TABLE qms.calibrations TO qms_definer;

-- Name: COLUMN calibrations.id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(id) ON TABLE qms.calibrations TO qms_app;

-- Name: COLUMN calibrations.organization_id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(organization_id) ON TABLE qms.calibrations TO qms_app;

-- Name: COLUMN calibrations.record_id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(record_id) ON TABLE qms.calibrations TO qms_app;

-- Name: COLUMN calibrations.performed_on; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(performed_on) ON TABLE qms.calibrations TO qms_app;

-- Name: COLUMN calibrations.performed_by; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(performed_by) ON TABLE qms.calibrations TO qms_app;

-- Name: COLUMN calibrations.result; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(result) ON TABLE qms.calibrations TO qms_app;

-- Name: COLUMN calibrations.as_found; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(as_found) ON TABLE qms.calibrations TO qms_app;

-- Name: COLUMN calibrations.as_left; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(as_left) ON TABLE qms.calibrations TO qms_app;

-- Name: COLUMN calibrations.certificate; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(certificate) ON TABLE qms.calibrations TO qms_app;

-- Name: COLUMN calibrations.next_due_on; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(next_due_on) ON TABLE qms.calibrations TO qms_app;

-- Name: FUNCTION last_calibration(item qms.quality_items); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.last_calibration(item qms.quality_items) FROM PUBLIC;

-- Name: TABLE effectiveness_checks; Type: ACL; Schema: qms; Owner: qms_owner

GRANT SELECT ON TABLE qms.effectiveness_checks TO qms_app;
GRANT SELECT ON TABLE qms.effectiveness_checks TO qms_sql;
GRANT SELECT,INSERT,UPDATE ON TABLE qms.effectiveness_checks TO qms_definer;

-- Name: COLUMN effectiveness_checks.id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(id) ON TABLE qms.effectiveness_checks TO qms_app;

-- Name: COLUMN effectiveness_checks.organization_id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(organization_id) ON TABLE qms.effectiveness_checks TO qms_app;

-- Name: COLUMN effectiveness_checks.record_id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(record_id) ON TABLE qms.effectiveness_checks TO qms_app;

-- Name: COLUMN effectiveness_checks.window_start; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(window_start) ON TABLE qms.effectiveness_checks TO qms_app;

-- Name: COLUMN effectiveness_checks.window_end; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(window_end) ON TABLE qms.effectiveness_checks TO qms_app;

-- Name: COLUMN effectiveness_checks.sample; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(sample) ON TABLE qms.effectiveness_checks TO qms_app;

-- Name: COLUMN effectiveness_checks.value; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(value) ON TABLE qms.effectiveness_checks TO qms_app;

-- Name: COLUMN effectiveness_checks.baseline; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(baseline) ON TABLE qms.effectiveness_checks TO qms_app;

-- Name: COLUMN effectiveness_checks.target; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(target) ON TABLE qms.effectiveness_checks TO qms_app;

-- Name: COLUMN effectiveness_checks.outcome; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(outcome) ON TABLE qms.effectiveness_checks TO qms_app;

-- Name: COLUMN effectiveness_checks.detail; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(detail) ON TABLE qms.effectiveness_checks TO qms_app;

-- Name: FUNCTION last_check(item qms.quality_items); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.last_check(item qms.quality_items) FROM PUBLIC;

-- Name: FUNCTION linked(item qms.quality_items, of_category text); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.linked(item qms.quality_items, of_category text) FROM PUBLIC;

-- Name: FUNCTION list_conditions(filters jsonb); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.list_conditions(filters jsonb) FROM PUBLIC;

-- Name: FUNCTION local_date(of_organization uuid, at_time timestamp with time zone); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.local_date(of_organization uuid, at_time timestamp with time zone) FROM PUBLIC;

-- Name: FUNCTION lock_trail(of_organization uuid); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.lock_trail(of_organization uuid) FROM PUBLIC;

-- Name: FUNCTION make_link(to_approval uuid); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.make_link(to_approval uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION qms_private.make_link(to_approval uuid) TO qms_server;
GRANT ALL ON FUNCTION qms_private.make_link(to_approval uuid) TO qms_owner;

-- Name: FUNCTION memberships_of(for_user uuid); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.memberships_of(for_user uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION qms_private.memberships_of(for_user uuid) TO qms_server;
GRANT ALL ON FUNCTION qms_private.memberships_of(for_user uuid) TO qms_owner;

-- Name: FUNCTION mint_identity(for_user uuid, for_organization uuid, as_kind text, backend_pid integer); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.mint_identity(for_user uuid, for_organization uuid, as_kind text, backend_pid integer) FROM PUBLIC;
GRANT ALL ON FUNCTION qms_private.mint_identity(for_user uuid, for_organization uuid, as_kind text, backend_pid integer) TO qms_server;
GRANT ALL ON FUNCTION qms_private.mint_identity(for_user uuid, for_organization uuid, as_kind text, backend_pid integer) TO qms_owner;

-- Name: FUNCTION name_of(person uuid); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.name_of(person uuid) FROM PUBLIC;

-- Name: FUNCTION next_number(of_organization uuid, of_prefix text, in_year integer); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.next_number(of_organization uuid, of_prefix text, in_year integer) FROM PUBLIC;

-- Name: FUNCTION nobody(); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.nobody() FROM PUBLIC;

-- Name: FUNCTION not_this_person(item qms.quality_items, edge jsonb); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.not_this_person(item qms.quality_items, edge jsonb) FROM PUBLIC;

-- Name: FUNCTION note_event(of_organization uuid, of_type text, of_entity uuid, what text, details jsonb); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.note_event(of_organization uuid, of_type text, of_entity uuid, what text, details jsonb) FROM PUBLIC;

-- Name: FUNCTION note_for_person(of_user uuid, what text, details jsonb); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.note_for_person(of_user uuid, what text, details jsonb) FROM PUBLIC;

-- Name: FUNCTION note_refusal(session_token text, of_approval uuid, why text); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.note_refusal(session_token text, of_approval uuid, why text) FROM PUBLIC;
GRANT ALL ON FUNCTION qms_private.note_refusal(session_token text, of_approval uuid, why text) TO qms_server;
GRANT ALL ON FUNCTION qms_private.note_refusal(session_token text, of_approval uuid, why text) TO qms_owner;

-- Name: FUNCTION open_numbers(records qms.quality_items[], fine text[]); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.open_numbers(records qms.quality_items[], fine text[]) FROM PUBLIC;

-- Name: FUNCTION password_parameters(user_ref text); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.password_parameters(user_ref text) FROM PUBLIC;
GRANT ALL ON FUNCTION qms_private.password_parameters(user_ref text) TO qms_server;
GRANT ALL ON FUNCTION qms_private.password_parameters(user_ref text) TO qms_owner;

-- Name: FUNCTION people_named(item qms.quality_items, source text); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.people_named(item qms.quality_items, source text) FROM PUBLIC;

-- Name: FUNCTION person_named(user_ref text); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.person_named(user_ref text) FROM PUBLIC;

-- Name: FUNCTION problems_against(body jsonb, shipped jsonb); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.problems_against(body jsonb, shipped jsonb) FROM PUBLIC;

-- Name: FUNCTION problems_alone(body jsonb); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.problems_alone(body jsonb) FROM PUBLIC;

-- Name: FUNCTION protect_table(named text, kind text); Type: ACL; Schema: qms_private; Owner: qms_owner

REVOKE ALL ON FUNCTION qms_private.protect_table(named text, kind text) FROM PUBLIC;

-- Name: FUNCTION reports_for(session_token text); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.reports_for(session_token text) FROM PUBLIC;
GRANT ALL ON FUNCTION qms_private.reports_for(session_token text) TO qms_server;
GRANT ALL ON FUNCTION qms_private.reports_for(session_token text) TO qms_owner;

-- Name: FUNCTION request_approval(for_tool text, for_subject uuid, in_words text, exactly text, why text, through_client text); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.request_approval(for_tool text, for_subject uuid, in_words text, exactly text, why text, through_client text) FROM PUBLIC;
GRANT ALL ON FUNCTION qms_private.request_approval(for_tool text, for_subject uuid, in_words text, exactly text, why text, through_client text) TO qms_app;

-- Name: FUNCTION run_script(script text); Type: ACL; Schema: qms_private; Owner: qms_owner

REVOKE ALL ON FUNCTION qms_private.run_script(script text) FROM PUBLIC;

-- Name: FUNCTION seen(record_id uuid, expected_version integer); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.seen(record_id uuid, expected_version integer) FROM PUBLIC;

-- Name: FUNCTION session_seen(session_token text); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.session_seen(session_token text) FROM PUBLIC;
GRANT ALL ON FUNCTION qms_private.session_seen(session_token text) TO qms_server;
GRANT ALL ON FUNCTION qms_private.session_seen(session_token text) TO qms_owner;

-- Name: FUNCTION session_with(session_token text); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.session_with(session_token text) FROM PUBLIC;

-- Name: FUNCTION sign_identity(payload text); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.sign_identity(payload text) FROM PUBLIC;

-- Name: FUNCTION sign_in(user_ref text, derived text, in_zone text, via text); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.sign_in(user_ref text, derived text, in_zone text, via text) FROM PUBLIC;
GRANT ALL ON FUNCTION qms_private.sign_in(user_ref text, derived text, in_zone text, via text) TO qms_server;
GRANT ALL ON FUNCTION qms_private.sign_in(user_ref text, derived text, in_zone text, via text) TO qms_owner;

-- Name: FUNCTION sign_out(session_token text); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.sign_out(session_token text) FROM PUBLIC;
GRANT ALL ON FUNCTION qms_private.sign_out(session_token text) TO qms_server;
GRANT ALL ON FUNCTION qms_private.sign_out(session_token text) TO qms_owner;

-- Name: FUNCTION sign_record(approval qms.approvals, session qms_private.sessions, verdict text, why text, shown_sha256 text, with_components integer); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.sign_record(approval qms.approvals, session qms_private.sessions, verdict text, why text, shown_sha256 text, with_components integer) FROM PUBLIC;

-- Name: FUNCTION source_words(source text); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.source_words(source text) FROM PUBLIC;

-- Name: TABLE migration_drafts; Type: ACL; Schema: qms; Owner: qms_owner

GRANT SELECT,INSERT ON TABLE qms.migration_drafts TO qms_app;
GRANT SELECT ON TABLE qms.migration_drafts TO qms_sql;
GRANT SELECT ON TABLE qms.migration_drafts TO qms_definer;

-- Name: COLUMN migration_drafts.state; Type: ACL; Schema: qms; Owner: qms_owner

GRANT UPDATE(state) ON TABLE qms.migration_drafts TO qms_definer;

-- Name: COLUMN migration_drafts.version; Type: ACL; Schema: qms; Owner: qms_owner

GRANT UPDATE(version) ON TABLE qms.migration_drafts TO qms_definer;

-- Name: COLUMN migration_drafts.applied_at; Type: ACL; Schema: qms; Owner: qms_owner

GRANT UPDATE(applied_at) ON TABLE qms.migration_drafts TO qms_definer;

-- Name: FUNCTION take_migration(draft_id uuid, approval_id uuid, tested_sha256 text, as_version text); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.take_migration(draft_id uuid, approval_id uuid, tested_sha256 text, as_version text) FROM PUBLIC;
GRANT ALL ON FUNCTION qms_private.take_migration(draft_id uuid, approval_id uuid, tested_sha256 text, as_version text) TO qms_owner;

-- Name: FUNCTION ticket_for(for_user uuid, for_organization uuid, as_kind text, backend_pid integer); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.ticket_for(for_user uuid, for_organization uuid, as_kind text, backend_pid integer) FROM PUBLIC;

-- Name: FUNCTION today_of(of_organization uuid); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.today_of(of_organization uuid) FROM PUBLIC;

-- Name: FUNCTION touch_record(touched uuid); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.touch_record(touched uuid) FROM PUBLIC;

-- Name: FUNCTION use_approval(approval_id uuid, for_subject uuid, expected_sha256 text); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.use_approval(approval_id uuid, for_subject uuid, expected_sha256 text) FROM PUBLIC;
GRANT ALL ON FUNCTION qms_private.use_approval(approval_id uuid, for_subject uuid, expected_sha256 text) TO qms_app;

-- Name: FUNCTION uuids_in(value jsonb); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.uuids_in(value jsonb) FROM PUBLIC;

-- Name: FUNCTION waiting_for(session_token text); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.waiting_for(session_token text) FROM PUBLIC;
GRANT ALL ON FUNCTION qms_private.waiting_for(session_token text) TO qms_server;
GRANT ALL ON FUNCTION qms_private.waiting_for(session_token text) TO qms_owner;

-- Name: FUNCTION way_of_deciding(approval qms.approvals); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.way_of_deciding(approval qms.approvals) FROM PUBLIC;

-- Name: FUNCTION what_blocks(approval qms.approvals, person uuid); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.what_blocks(approval qms.approvals, person uuid) FROM PUBLIC;

-- Name: FUNCTION why_not_decide(asked qms.approvals); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.why_not_decide(asked qms.approvals) FROM PUBLIC;

-- Name: FUNCTION write_entry(of_organization uuid, of_type text, of_entity uuid, what text, of_record uuid, at_version integer, under_definition integer, differences jsonb, details jsonb); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.write_entry(of_organization uuid, of_type text, of_entity uuid, what text, of_record uuid, at_version integer, under_definition integer, differences jsonb, details jsonb) FROM PUBLIC;

-- Name: FUNCTION zone_of(person uuid, wanted text); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.zone_of(person uuid, wanted text) FROM PUBLIC;

-- Name: FUNCTION activate_model(of_model smallint); Type: ACL; Schema: search; Owner: qms_owner

REVOKE ALL ON FUNCTION search.activate_model(of_model smallint) FROM PUBLIC;

-- Name: FUNCTION add_cost(of_organization uuid, of_model smallint, of_tokens bigint, of_cost numeric); Type: ACL; Schema: search; Owner: qms_owner

REVOKE ALL ON FUNCTION search.add_cost(of_organization uuid, of_model smallint, of_tokens bigint, of_cost numeric) FROM PUBLIC;
GRANT ALL ON FUNCTION search.add_cost(of_organization uuid, of_model smallint, of_tokens bigint, of_cost numeric) TO qms_app;
GRANT ALL ON FUNCTION search.add_cost(of_organization uuid, of_model smallint, of_tokens bigint, of_cost numeric) TO qms_definer;

-- Name: FUNCTION add_embedding(); Type: ACL; Schema: search; Owner: qms_owner

REVOKE ALL ON FUNCTION search.add_embedding() FROM PUBLIC;

-- Name: FUNCTION add_model(of_key text, of_provider text, of_model text, of_dims integer, of_base_url text, prefixes text[]); Type: ACL; Schema: search; Owner: qms_owner

REVOKE ALL ON FUNCTION search.add_model(of_key text, of_provider text, of_model text, of_dims integer, of_base_url text, prefixes text[]) FROM PUBLIC;

-- Name: FUNCTION better_word(unknown text); Type: ACL; Schema: search; Owner: qms_definer

REVOKE ALL ON FUNCTION search.better_word(unknown text) FROM PUBLIC;

-- Name: FUNCTION build_index(of_model smallint); Type: ACL; Schema: search; Owner: qms_owner

REVOKE ALL ON FUNCTION search.build_index(of_model smallint) FROM PUBLIC;

-- Name: FUNCTION claim_jobs(of_model smallint, max_rows integer, worker text, lease interval); Type: ACL; Schema: search; Owner: qms_owner

REVOKE ALL ON FUNCTION search.claim_jobs(of_model smallint, max_rows integer, worker text, lease interval) FROM PUBLIC;
GRANT ALL ON FUNCTION search.claim_jobs(of_model smallint, max_rows integer, worker text, lease interval) TO qms_app;
GRANT ALL ON FUNCTION search.claim_jobs(of_model smallint, max_rows integer, worker text, lease interval) TO qms_definer;

-- Name: FUNCTION conditions(filters jsonb); Type: ACL; Schema: search; Owner: qms_owner

REVOKE ALL ON FUNCTION search.conditions(filters jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION search.conditions(filters jsonb) TO qms_definer;

-- Name: FUNCTION configuration(language text); Type: ACL; Schema: search; Owner: qms_owner

REVOKE ALL ON FUNCTION search.configuration(language text) FROM PUBLIC;
GRANT ALL ON FUNCTION search.configuration(language text) TO qms_app;
GRANT ALL ON FUNCTION search.configuration(language text) TO qms_sql;
GRANT ALL ON FUNCTION search.configuration(language text) TO qms_definer;

-- Name: FUNCTION counted_terms(lexemes text[]); Type: ACL; Schema: search; Owner: qms_definer

REVOKE ALL ON FUNCTION search.counted_terms(lexemes text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION search.counted_terms(lexemes text[]) TO qms_app;
GRANT ALL ON FUNCTION search.counted_terms(lexemes text[]) TO qms_sql;

-- Name: FUNCTION cut_long(line text); Type: ACL; Schema: search; Owner: qms_owner

REVOKE ALL ON FUNCTION search.cut_long(line text) FROM PUBLIC;
GRANT ALL ON FUNCTION search.cut_long(line text) TO qms_app;
GRANT ALL ON FUNCTION search.cut_long(line text) TO qms_sql;
GRANT ALL ON FUNCTION search.cut_long(line text) TO qms_definer;

-- Name: FUNCTION drop_model(of_model smallint); Type: ACL; Schema: search; Owner: qms_owner

REVOKE ALL ON FUNCTION search.drop_model(of_model smallint) FROM PUBLIC;

-- Name: FUNCTION enqueue(); Type: ACL; Schema: search; Owner: qms_owner

REVOKE ALL ON FUNCTION search.enqueue() FROM PUBLIC;
GRANT ALL ON FUNCTION search.enqueue() TO qms_definer;

-- Name: FUNCTION fail_job(of_model smallint, worker text, chunk bigint, error text, retry_after interval, fatal boolean); Type: ACL; Schema: search; Owner: qms_owner

REVOKE ALL ON FUNCTION search.fail_job(of_model smallint, worker text, chunk bigint, error text, retry_after interval, fatal boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION search.fail_job(of_model smallint, worker text, chunk bigint, error text, retry_after interval, fatal boolean) TO qms_app;
GRANT ALL ON FUNCTION search.fail_job(of_model smallint, worker text, chunk bigint, error text, retry_after interval, fatal boolean) TO qms_definer;

-- Name: FUNCTION find(query text, mode text, vector extensions.halfvec, of_model smallint, filters jsonb, max_rows integer); Type: ACL; Schema: search; Owner: qms_definer

REVOKE ALL ON FUNCTION search.find(query text, mode text, vector extensions.halfvec, of_model smallint, filters jsonb, max_rows integer) FROM PUBLIC;
GRANT ALL ON FUNCTION search.find(query text, mode text, vector extensions.halfvec, of_model smallint, filters jsonb, max_rows integer) TO qms_app;
GRANT ALL ON FUNCTION search.find(query text, mode text, vector extensions.halfvec, of_model smallint, filters jsonb, max_rows integer) TO qms_sql;

-- Name: FUNCTION finish_jobs(of_model smallint, worker text, chunks bigint[], hashes bytea[], vectors extensions.halfvec[]); Type: ACL; Schema: search; Owner: qms_owner

REVOKE ALL ON FUNCTION search.finish_jobs(of_model smallint, worker text, chunks bigint[], hashes bytea[], vectors extensions.halfvec[]) FROM PUBLIC;
GRANT ALL ON FUNCTION search.finish_jobs(of_model smallint, worker text, chunks bigint[], hashes bytea[], vectors extensions.halfvec[]) TO qms_app;
GRANT ALL ON FUNCTION search.finish_jobs(of_model smallint, worker text, chunks bigint[], hashes bytea[], vectors extensions.halfvec[]) TO qms_definer;

-- Name: FUNCTION fold(content text); Type: ACL; Schema: search; Owner: qms_owner

REVOKE ALL ON FUNCTION search.fold(content text) FROM PUBLIC;
GRANT ALL ON FUNCTION search.fold(content text) TO qms_app;
GRANT ALL ON FUNCTION search.fold(content text) TO qms_sql;
GRANT ALL ON FUNCTION search.fold(content text) TO qms_definer;

-- Name: FUNCTION hash_of(heading text, content text); Type: ACL; Schema: search; Owner: qms_owner

REVOKE ALL ON FUNCTION search.hash_of(heading text, content text) FROM PUBLIC;
GRANT ALL ON FUNCTION search.hash_of(heading text, content text) TO qms_app;
GRANT ALL ON FUNCTION search.hash_of(heading text, content text) TO qms_sql;
GRANT ALL ON FUNCTION search.hash_of(heading text, content text) TO qms_definer;

-- Name: FUNCTION headed(content text); Type: ACL; Schema: search; Owner: qms_owner

REVOKE ALL ON FUNCTION search.headed(content text) FROM PUBLIC;
GRANT ALL ON FUNCTION search.headed(content text) TO qms_app;
GRANT ALL ON FUNCTION search.headed(content text) TO qms_sql;
GRANT ALL ON FUNCTION search.headed(content text) TO qms_definer;

-- Name: FUNCTION identifiers(content text); Type: ACL; Schema: search; Owner: qms_owner

REVOKE ALL ON FUNCTION search.identifiers(content text) FROM PUBLIC;
GRANT ALL ON FUNCTION search.identifiers(content text) TO qms_app;
GRANT ALL ON FUNCTION search.identifiers(content text) TO qms_sql;
GRANT ALL ON FUNCTION search.identifiers(content text) TO qms_definer;

-- Name: FUNCTION index_change(); Type: ACL; Schema: search; Owner: qms_definer

REVOKE ALL ON FUNCTION search.index_change() FROM PUBLIC;

-- Name: FUNCTION index_progress(); Type: ACL; Schema: search; Owner: qms_owner

REVOKE ALL ON FUNCTION search.index_progress() FROM PUBLIC;
GRANT ALL ON FUNCTION search.index_progress() TO qms_app;
GRANT ALL ON FUNCTION search.index_progress() TO qms_sql;
GRANT ALL ON FUNCTION search.index_progress() TO qms_definer;

-- Name: FUNCTION index_record(of_record uuid); Type: ACL; Schema: search; Owner: qms_definer

REVOKE ALL ON FUNCTION search.index_record(of_record uuid) FROM PUBLIC;

-- Name: FUNCTION index_safely(of_record uuid); Type: ACL; Schema: search; Owner: qms_definer

REVOKE ALL ON FUNCTION search.index_safely(of_record uuid) FROM PUBLIC;

-- Name: FUNCTION is_narrow(filters jsonb); Type: ACL; Schema: search; Owner: qms_owner

REVOKE ALL ON FUNCTION search.is_narrow(filters jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION search.is_narrow(filters jsonb) TO qms_definer;

-- Name: FUNCTION languages(); Type: ACL; Schema: search; Owner: qms_definer

REVOKE ALL ON FUNCTION search.languages() FROM PUBLIC;
GRANT ALL ON FUNCTION search.languages() TO qms_app;
GRANT ALL ON FUNCTION search.languages() TO qms_sql;

-- Name: FUNCTION near_sql(of_model smallint, filters jsonb); Type: ACL; Schema: search; Owner: qms_owner

REVOKE ALL ON FUNCTION search.near_sql(of_model smallint, filters jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION search.near_sql(of_model smallint, filters jsonb) TO qms_definer;

-- Name: FUNCTION pages_of(pages jsonb); Type: ACL; Schema: search; Owner: qms_owner

REVOKE ALL ON FUNCTION search.pages_of(pages jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION search.pages_of(pages jsonb) TO qms_app;
GRANT ALL ON FUNCTION search.pages_of(pages jsonb) TO qms_sql;
GRANT ALL ON FUNCTION search.pages_of(pages jsonb) TO qms_definer;

-- Name: FUNCTION pieces(content text); Type: ACL; Schema: search; Owner: qms_owner

REVOKE ALL ON FUNCTION search.pieces(content text) FROM PUBLIC;
GRANT ALL ON FUNCTION search.pieces(content text) TO qms_app;
GRANT ALL ON FUNCTION search.pieces(content text) TO qms_sql;
GRANT ALL ON FUNCTION search.pieces(content text) TO qms_definer;

-- Name: TABLE sources; Type: ACL; Schema: search; Owner: qms_owner

GRANT SELECT ON TABLE search.sources TO qms_app;
GRANT SELECT ON TABLE search.sources TO qms_sql;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE search.sources TO qms_definer;

-- Name: FUNCTION put_pieces(source search.sources, content text, names text, pages jsonb); Type: ACL; Schema: search; Owner: qms_owner

REVOKE ALL ON FUNCTION search.put_pieces(source search.sources, content text, names text, pages jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION search.put_pieces(source search.sources, content text, names text, pages jsonb) TO qms_definer;

-- Name: FUNCTION put_text(of_type text, of_title text, of_content text, of_table text, of_id uuid, of_metadata jsonb); Type: ACL; Schema: search; Owner: qms_definer

REVOKE ALL ON FUNCTION search.put_text(of_type text, of_title text, of_content text, of_table text, of_id uuid, of_metadata jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION search.put_text(of_type text, of_title text, of_content text, of_table text, of_id uuid, of_metadata jsonb) TO qms_app;

-- Name: FUNCTION put_vector(of_source uuid, vector extensions.halfvec, of_key text); Type: ACL; Schema: search; Owner: qms_definer

REVOKE ALL ON FUNCTION search.put_vector(of_source uuid, vector extensions.halfvec, of_key text) FROM PUBLIC;
GRANT ALL ON FUNCTION search.put_vector(of_source uuid, vector extensions.halfvec, of_key text) TO qms_app;

-- Name: FUNCTION query_of(query text); Type: ACL; Schema: search; Owner: qms_owner

REVOKE ALL ON FUNCTION search.query_of(query text) FROM PUBLIC;
GRANT ALL ON FUNCTION search.query_of(query text) TO qms_app;
GRANT ALL ON FUNCTION search.query_of(query text) TO qms_sql;
GRANT ALL ON FUNCTION search.query_of(query text) TO qms_definer;

-- Name: FUNCTION queue_model(of_model smallint); Type: ACL; Schema: search; Owner: qms_owner

REVOKE ALL ON FUNCTION search.queue_model(of_model smallint) FROM PUBLIC;
GRANT ALL ON FUNCTION search.queue_model(of_model smallint) TO qms_app;
GRANT ALL ON FUNCTION search.queue_model(of_model smallint) TO qms_definer;

-- Name: FUNCTION ranked(weights extensions.sparsevec, any_of tsquery, phrase text, vector extensions.halfvec, of_model smallint, filters jsonb, mode text, max_rows integer, by_section boolean); Type: ACL; Schema: search; Owner: qms_definer

REVOKE ALL ON FUNCTION search.ranked(weights extensions.sparsevec, any_of tsquery, phrase text, vector extensions.halfvec, of_model smallint, filters jsonb, mode text, max_rows integer, by_section boolean) FROM PUBLIC;

-- Name: FUNCTION refresh_terms(force boolean); Type: ACL; Schema: search; Owner: qms_definer

REVOKE ALL ON FUNCTION search.refresh_terms(force boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION search.refresh_terms(force boolean) TO qms_app;

-- Name: FUNCTION release_jobs(worker text); Type: ACL; Schema: search; Owner: qms_owner

REVOKE ALL ON FUNCTION search.release_jobs(worker text) FROM PUBLIC;
GRANT ALL ON FUNCTION search.release_jobs(worker text) TO qms_app;
GRANT ALL ON FUNCTION search.release_jobs(worker text) TO qms_definer;

-- Name: FUNCTION revive_jobs(of_model smallint); Type: ACL; Schema: search; Owner: qms_owner

REVOKE ALL ON FUNCTION search.revive_jobs(of_model smallint) FROM PUBLIC;
GRANT ALL ON FUNCTION search.revive_jobs(of_model smallint) TO qms_app;
GRANT ALL ON FUNCTION search.revive_jobs(of_model smallint) TO qms_definer;

-- Name: FUNCTION sections(content text); Type: ACL; Schema: search; Owner: qms_owner

REVOKE ALL ON FUNCTION search.sections(content text) FROM PUBLIC;
GRANT ALL ON FUNCTION search.sections(content text) TO qms_app;
GRANT ALL ON FUNCTION search.sections(content text) TO qms_sql;
GRANT ALL ON FUNCTION search.sections(content text) TO qms_definer;

-- Name: FUNCTION "similar"(of_source uuid, query text, vector extensions.halfvec, of_model smallint, filters jsonb, max_rows integer); Type: ACL; Schema: search; Owner: qms_definer

REVOKE ALL ON FUNCTION search."similar"(of_source uuid, query text, vector extensions.halfvec, of_model smallint, filters jsonb, max_rows integer) FROM PUBLIC;
GRANT ALL ON FUNCTION search."similar"(of_source uuid, query text, vector extensions.halfvec, of_model smallint, filters jsonb, max_rows integer) TO qms_app;
GRANT ALL ON FUNCTION search."similar"(of_source uuid, query text, vector extensions.halfvec, of_model smallint, filters jsonb, max_rows integer) TO qms_sql;

-- Name: FUNCTION slug(title text); Type: ACL; Schema: search; Owner: qms_owner

REVOKE ALL ON FUNCTION search.slug(title text) FROM PUBLIC;
GRANT ALL ON FUNCTION search.slug(title text) TO qms_app;
GRANT ALL ON FUNCTION search.slug(title text) TO qms_sql;
GRANT ALL ON FUNCTION search.slug(title text) TO qms_definer;

-- Name: FUNCTION suggest(query text); Type: ACL; Schema: search; Owner: qms_definer

REVOKE ALL ON FUNCTION search.suggest(query text) FROM PUBLIC;
GRANT ALL ON FUNCTION search.suggest(query text) TO qms_app;
GRANT ALL ON FUNCTION search.suggest(query text) TO qms_sql;

-- Name: FUNCTION term_number(lexeme text); Type: ACL; Schema: search; Owner: qms_owner

REVOKE ALL ON FUNCTION search.term_number(lexeme text) FROM PUBLIC;
GRANT ALL ON FUNCTION search.term_number(lexeme text) TO qms_app;
GRANT ALL ON FUNCTION search.term_number(lexeme text) TO qms_sql;
GRANT ALL ON FUNCTION search.term_number(lexeme text) TO qms_definer;

-- Name: FUNCTION terms_of(query text); Type: ACL; Schema: search; Owner: qms_owner

REVOKE ALL ON FUNCTION search.terms_of(query text) FROM PUBLIC;
GRANT ALL ON FUNCTION search.terms_of(query text) TO qms_app;
GRANT ALL ON FUNCTION search.terms_of(query text) TO qms_sql;
GRANT ALL ON FUNCTION search.terms_of(query text) TO qms_definer;

-- Name: FUNCTION text_of(of_record uuid); Type: ACL; Schema: search; Owner: qms_owner

REVOKE ALL ON FUNCTION search.text_of(of_record uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION search.text_of(of_record uuid) TO qms_app;
GRANT ALL ON FUNCTION search.text_of(of_record uuid) TO qms_sql;
GRANT ALL ON FUNCTION search.text_of(of_record uuid) TO qms_definer;

-- Name: FUNCTION trigrams(word text); Type: ACL; Schema: search; Owner: qms_owner

REVOKE ALL ON FUNCTION search.trigrams(word text) FROM PUBLIC;
GRANT ALL ON FUNCTION search.trigrams(word text) TO qms_app;
GRANT ALL ON FUNCTION search.trigrams(word text) TO qms_sql;
GRANT ALL ON FUNCTION search.trigrams(word text) TO qms_definer;

-- Name: FUNCTION vector_of(content text, language text); Type: ACL; Schema: search; Owner: qms_owner

REVOKE ALL ON FUNCTION search.vector_of(content text, language text) FROM PUBLIC;
GRANT ALL ON FUNCTION search.vector_of(content text, language text) TO qms_app;
GRANT ALL ON FUNCTION search.vector_of(content text, language text) TO qms_sql;
GRANT ALL ON FUNCTION search.vector_of(content text, language text) TO qms_definer;

-- Name: FUNCTION weighed(lexemes text[], most integer, mending boolean, OUT weights extensions.sparsevec, OUT any_of tsquery); Type: ACL; Schema: search; Owner: qms_definer

REVOKE ALL ON FUNCTION search.weighed(lexemes text[], most integer, mending boolean, OUT weights extensions.sparsevec, OUT any_of tsquery) FROM PUBLIC;

-- Name: FUNCTION weights_of(stems tsvector); Type: ACL; Schema: search; Owner: qms_owner

REVOKE ALL ON FUNCTION search.weights_of(stems tsvector) FROM PUBLIC;
GRANT ALL ON FUNCTION search.weights_of(stems tsvector) TO qms_app;
GRANT ALL ON FUNCTION search.weights_of(stems tsvector) TO qms_sql;
GRANT ALL ON FUNCTION search.weights_of(stems tsvector) TO qms_definer;

-- Name: FUNCTION words_of(fields jsonb); Type: ACL; Schema: search; Owner: qms_owner

REVOKE ALL ON FUNCTION search.words_of(fields jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION search.words_of(fields jsonb) TO qms_app;
GRANT ALL ON FUNCTION search.words_of(fields jsonb) TO qms_sql;
GRANT ALL ON FUNCTION search.words_of(fields jsonb) TO qms_definer;

-- Name: TABLE agent_runs; Type: ACL; Schema: agents; Owner: qms_owner

GRANT SELECT,INSERT ON TABLE agents.agent_runs TO qms_ledger;
GRANT SELECT ON TABLE agents.agent_runs TO qms_app;
GRANT SELECT ON TABLE agents.agent_runs TO qms_sql;

-- Name: COLUMN agent_runs.status; Type: ACL; Schema: agents; Owner: qms_owner

GRANT UPDATE(status) ON TABLE agents.agent_runs TO qms_ledger;

-- Name: COLUMN agent_runs.output; Type: ACL; Schema: agents; Owner: qms_owner

GRANT UPDATE(output) ON TABLE agents.agent_runs TO qms_ledger;

-- Name: COLUMN agent_runs.error; Type: ACL; Schema: agents; Owner: qms_owner

GRANT UPDATE(error) ON TABLE agents.agent_runs TO qms_ledger;

-- Name: COLUMN agent_runs.duration_ms; Type: ACL; Schema: agents; Owner: qms_owner

GRANT UPDATE(duration_ms) ON TABLE agents.agent_runs TO qms_ledger;

-- Name: COLUMN agent_runs.token_usage; Type: ACL; Schema: agents; Owner: qms_owner

GRANT UPDATE(token_usage) ON TABLE agents.agent_runs TO qms_ledger;

-- Name: COLUMN agent_runs.completed_at; Type: ACL; Schema: agents; Owner: qms_owner

GRANT UPDATE(completed_at) ON TABLE agents.agent_runs TO qms_ledger;

-- Name: TABLE agent_traces; Type: ACL; Schema: agents; Owner: qms_owner

GRANT SELECT,INSERT ON TABLE agents.agent_traces TO qms_ledger;
GRANT SELECT ON TABLE agents.agent_traces TO qms_app;
GRANT SELECT ON TABLE agents.agent_traces TO qms_sql;

-- Name: COLUMN agent_traces.output; Type: ACL; Schema: agents; Owner: qms_owner

GRANT UPDATE(output) ON TABLE agents.agent_traces TO qms_ledger;

-- Name: COLUMN agent_traces.metadata; Type: ACL; Schema: agents; Owner: qms_owner

GRANT UPDATE(metadata) ON TABLE agents.agent_traces TO qms_ledger;

-- Name: COLUMN agent_traces.end_time; Type: ACL; Schema: agents; Owner: qms_owner

GRANT UPDATE(end_time) ON TABLE agents.agent_traces TO qms_ledger;

-- Name: COLUMN agent_traces.duration_ms; Type: ACL; Schema: agents; Owner: qms_owner

GRANT UPDATE(duration_ms) ON TABLE agents.agent_traces TO qms_ledger;

-- Name: TABLE context_state; Type: ACL; Schema: agents; Owner: qms_owner

GRANT SELECT,INSERT ON TABLE agents.context_state TO qms_app;
GRANT SELECT ON TABLE agents.context_state TO qms_sql;

-- Name: TABLE decisions; Type: ACL; Schema: agents; Owner: qms_owner

GRANT SELECT,INSERT ON TABLE agents.decisions TO qms_app;
GRANT SELECT ON TABLE agents.decisions TO qms_sql;

-- Name: TABLE otlp_outbox; Type: ACL; Schema: agents; Owner: qms_owner

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE agents.otlp_outbox TO qms_ledger;

-- Name: TABLE tool_calls; Type: ACL; Schema: agents; Owner: qms_owner

GRANT SELECT,INSERT ON TABLE agents.tool_calls TO qms_ledger;
GRANT SELECT ON TABLE agents.tool_calls TO qms_app;
GRANT SELECT ON TABLE agents.tool_calls TO qms_sql;

-- Name: COLUMN tool_calls.tool_output; Type: ACL; Schema: agents; Owner: qms_owner

GRANT UPDATE(tool_output) ON TABLE agents.tool_calls TO qms_ledger;

-- Name: COLUMN tool_calls.success; Type: ACL; Schema: agents; Owner: qms_owner

GRANT UPDATE(success) ON TABLE agents.tool_calls TO qms_ledger;

-- Name: COLUMN tool_calls.error; Type: ACL; Schema: agents; Owner: qms_owner

GRANT UPDATE(error) ON TABLE agents.tool_calls TO qms_ledger;

-- Name: COLUMN tool_calls.error_code; Type: ACL; Schema: agents; Owner: qms_owner

GRANT UPDATE(error_code) ON TABLE agents.tool_calls TO qms_ledger;

-- Name: COLUMN tool_calls.duration_ms; Type: ACL; Schema: agents; Owner: qms_owner

GRANT UPDATE(duration_ms) ON TABLE agents.tool_calls TO qms_ledger;

-- Name: COLUMN tool_calls.state; Type: ACL; Schema: agents; Owner: qms_owner

GRANT UPDATE(state) ON TABLE agents.tool_calls TO qms_ledger;

-- Name: COLUMN tool_calls.rounds; Type: ACL; Schema: agents; Owner: qms_owner

GRANT UPDATE(rounds) ON TABLE agents.tool_calls TO qms_ledger;

-- Name: COLUMN tool_calls.replayed; Type: ACL; Schema: agents; Owner: qms_owner

GRANT UPDATE(replayed) ON TABLE agents.tool_calls TO qms_ledger;

-- Name: COLUMN tool_calls.finished_at; Type: ACL; Schema: agents; Owner: qms_owner

GRANT UPDATE(finished_at) ON TABLE agents.tool_calls TO qms_ledger;

-- Name: TABLE users; Type: ACL; Schema: auth; Owner: qms_owner

GRANT SELECT,INSERT ON TABLE auth.users TO qms_definer;

-- Name: TABLE drift_metrics; Type: ACL; Schema: ml_loop; Owner: qms_owner

GRANT SELECT,INSERT,UPDATE ON TABLE ml_loop.drift_metrics TO qms_app;
GRANT SELECT ON TABLE ml_loop.drift_metrics TO qms_sql;

-- Name: TABLE eval_results; Type: ACL; Schema: ml_loop; Owner: qms_owner

GRANT SELECT,INSERT,UPDATE ON TABLE ml_loop.eval_results TO qms_app;
GRANT SELECT ON TABLE ml_loop.eval_results TO qms_sql;

-- Name: TABLE feedback_loop; Type: ACL; Schema: ml_loop; Owner: qms_owner

GRANT SELECT,INSERT,UPDATE ON TABLE ml_loop.feedback_loop TO qms_app;
GRANT SELECT ON TABLE ml_loop.feedback_loop TO qms_sql;

-- Name: TABLE model_versions; Type: ACL; Schema: ml_loop; Owner: qms_owner

GRANT SELECT,INSERT,UPDATE ON TABLE ml_loop.model_versions TO qms_app;
GRANT SELECT ON TABLE ml_loop.model_versions TO qms_sql;

-- Name: TABLE training_data; Type: ACL; Schema: ml_loop; Owner: qms_owner

GRANT SELECT,INSERT,UPDATE ON TABLE ml_loop.training_data TO qms_app;
GRANT SELECT ON TABLE ml_loop.training_data TO qms_sql;

-- Name: TABLE chunks; Type: ACL; Schema: search; Owner: qms_owner

GRANT SELECT ON TABLE search.chunks TO qms_app;
GRANT SELECT ON TABLE search.chunks TO qms_sql;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE search.chunks TO qms_definer;

-- Name: TABLE embeddings_by_model; Type: ACL; Schema: search; Owner: qms_owner

GRANT SELECT,INSERT,UPDATE ON TABLE search.embeddings_by_model TO qms_app;
GRANT SELECT ON TABLE search.embeddings_by_model TO qms_sql;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE search.embeddings_by_model TO qms_definer;

-- Name: TABLE embeddings; Type: ACL; Schema: public; Owner: qms_owner

GRANT SELECT,INSERT ON TABLE public.embeddings TO qms_app;
GRANT SELECT ON TABLE public.embeddings TO qms_sql;
GRANT SELECT ON TABLE public.embeddings TO qms_definer;

-- Name: TABLE audits; Type: ACL; Schema: qms; Owner: qms_owner

GRANT SELECT ON TABLE qms.audits TO qms_app;
GRANT SELECT ON TABLE qms.audits TO qms_sql;
GRANT SELECT,INSERT,UPDATE ON TABLE qms.audits TO qms_definer;

-- Name: COLUMN audits.id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(id) ON TABLE qms.audits TO qms_app;

-- Name: COLUMN audits.organization_id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(organization_id) ON TABLE qms.audits TO qms_app;

-- Name: COLUMN audits.audit_kind; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(audit_kind),UPDATE(audit_kind) ON TABLE qms.audits TO qms_app;

-- Name: COLUMN audits.scope; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(scope),UPDATE(scope) ON TABLE qms.audits TO qms_app;

-- Name: COLUMN audits.criteria; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(criteria),UPDATE(criteria) ON TABLE qms.audits TO qms_app;

-- Name: COLUMN audits.area; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(area),UPDATE(area) ON TABLE qms.audits TO qms_app;

-- Name: COLUMN audits.area_responsible; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(area_responsible),UPDATE(area_responsible) ON TABLE qms.audits TO qms_app;

-- Name: COLUMN audits.lead_auditor; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(lead_auditor),UPDATE(lead_auditor) ON TABLE qms.audits TO qms_app;

-- Name: COLUMN audits.planned_from; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(planned_from),UPDATE(planned_from) ON TABLE qms.audits TO qms_app;

-- Name: COLUMN audits.planned_to; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(planned_to),UPDATE(planned_to) ON TABLE qms.audits TO qms_app;

-- Name: COLUMN audits.checklist; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(checklist),UPDATE(checklist) ON TABLE qms.audits TO qms_app;

-- Name: COLUMN audits.conclusion; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(conclusion),UPDATE(conclusion) ON TABLE qms.audits TO qms_app;

-- Name: TABLE capa_actions; Type: ACL; Schema: qms; Owner: qms_owner

GRANT SELECT ON TABLE qms.capa_actions TO qms_app;
GRANT SELECT ON TABLE qms.capa_actions TO qms_sql;
GRANT SELECT,INSERT,UPDATE ON TABLE qms.capa_actions TO qms_definer;

-- Name: COLUMN capa_actions.id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(id) ON TABLE qms.capa_actions TO qms_app;

-- Name: COLUMN capa_actions.organization_id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(organization_id) ON TABLE qms.capa_actions TO qms_app;

-- Name: COLUMN capa_actions.record_id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(record_id) ON TABLE qms.capa_actions TO qms_app;

-- Name: COLUMN capa_actions.action_type; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(action_type) ON TABLE qms.capa_actions TO qms_app;

-- Name: COLUMN capa_actions.description; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(description),UPDATE(description) ON TABLE qms.capa_actions TO qms_app;

-- Name: COLUMN capa_actions.owner_id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(owner_id),UPDATE(owner_id) ON TABLE qms.capa_actions TO qms_app;

-- Name: COLUMN capa_actions.due_on; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(due_on),UPDATE(due_on) ON TABLE qms.capa_actions TO qms_app;

-- Name: COLUMN capa_actions.progress; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(progress),UPDATE(progress) ON TABLE qms.capa_actions TO qms_app;

-- Name: COLUMN capa_actions.completed_on; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(completed_on),UPDATE(completed_on) ON TABLE qms.capa_actions TO qms_app;

-- Name: COLUMN capa_actions.completion_evidence; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(completion_evidence),UPDATE(completion_evidence) ON TABLE qms.capa_actions TO qms_app;

-- Name: TABLE capas; Type: ACL; Schema: qms; Owner: qms_owner

GRANT SELECT ON TABLE qms.capas TO qms_app;
GRANT SELECT ON TABLE qms.capas TO qms_sql;
GRANT SELECT,INSERT,UPDATE ON TABLE qms.capas TO qms_definer;

-- Name: COLUMN capas.id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(id) ON TABLE qms.capas TO qms_app;

-- Name: COLUMN capas.organization_id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(organization_id) ON TABLE qms.capas TO qms_app;

-- Name: COLUMN capas.source_kind; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(source_kind),UPDATE(source_kind) ON TABLE qms.capas TO qms_app;

-- Name: COLUMN capas.problem_statement; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(problem_statement),UPDATE(problem_statement) ON TABLE qms.capas TO qms_app;

-- Name: COLUMN capas.risk_screen; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(risk_screen),UPDATE(risk_screen) ON TABLE qms.capas TO qms_app;

-- Name: COLUMN capas.root_cause_summary; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(root_cause_summary),UPDATE(root_cause_summary) ON TABLE qms.capas TO qms_app;

-- Name: COLUMN capas.root_cause_not_determined; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(root_cause_not_determined),UPDATE(root_cause_not_determined) ON TABLE qms.capas TO qms_app;

-- Name: COLUMN capas.similar_cases; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(similar_cases),UPDATE(similar_cases) ON TABLE qms.capas TO qms_app;

-- Name: COLUMN capas.criterion; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(criterion),UPDATE(criterion) ON TABLE qms.capas TO qms_app;

-- Name: COLUMN capas.window_starts_on; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(window_starts_on),UPDATE(window_starts_on) ON TABLE qms.capas TO qms_app;

-- Name: COLUMN capas.window_ends_on; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(window_ends_on),UPDATE(window_ends_on) ON TABLE qms.capas TO qms_app;

-- Name: COLUMN capas.minimum_sample; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(minimum_sample),UPDATE(minimum_sample) ON TABLE qms.capas TO qms_app;

-- Name: COLUMN capas.verification_result; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(verification_result),UPDATE(verification_result) ON TABLE qms.capas TO qms_app;

-- Name: COLUMN capas.no_adverse_effect; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(no_adverse_effect),UPDATE(no_adverse_effect) ON TABLE qms.capas TO qms_app;

-- Name: TABLE change_requests; Type: ACL; Schema: qms; Owner: qms_owner

GRANT SELECT ON TABLE qms.change_requests TO qms_app;
GRANT SELECT ON TABLE qms.change_requests TO qms_sql;
GRANT SELECT,INSERT,UPDATE ON TABLE qms.change_requests TO qms_definer;

-- Name: COLUMN change_requests.id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(id) ON TABLE qms.change_requests TO qms_app;

-- Name: COLUMN change_requests.organization_id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(organization_id) ON TABLE qms.change_requests TO qms_app;

-- Name: COLUMN change_requests.change_kind; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(change_kind),UPDATE(change_kind) ON TABLE qms.change_requests TO qms_app;

-- Name: COLUMN change_requests.justification; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(justification),UPDATE(justification) ON TABLE qms.change_requests TO qms_app;

-- Name: COLUMN change_requests.current_situation; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(current_situation),UPDATE(current_situation) ON TABLE qms.change_requests TO qms_app;

-- Name: COLUMN change_requests.proposed_change; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(proposed_change),UPDATE(proposed_change) ON TABLE qms.change_requests TO qms_app;

-- Name: COLUMN change_requests.emergency; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(emergency),UPDATE(emergency) ON TABLE qms.change_requests TO qms_app;

-- Name: COLUMN change_requests.approve_until; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(approve_until),UPDATE(approve_until) ON TABLE qms.change_requests TO qms_app;

-- Name: COLUMN change_requests.implementation; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(implementation),UPDATE(implementation) ON TABLE qms.change_requests TO qms_app;

-- Name: COLUMN change_requests.verification_result; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(verification_result),UPDATE(verification_result) ON TABLE qms.change_requests TO qms_app;

-- Name: COLUMN change_requests.effective_on; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(effective_on),UPDATE(effective_on) ON TABLE qms.change_requests TO qms_app;

-- Name: TABLE clause_evidence_rules; Type: ACL; Schema: qms; Owner: qms_owner

GRANT SELECT ON TABLE qms.clause_evidence_rules TO qms_app;
GRANT SELECT ON TABLE qms.clause_evidence_rules TO qms_sql;
GRANT SELECT ON TABLE qms.clause_evidence_rules TO qms_definer;

-- Name: TABLE clause_map; Type: ACL; Schema: qms; Owner: qms_owner

GRANT SELECT ON TABLE qms.clause_map TO qms_app;
GRANT SELECT ON TABLE qms.clause_map TO qms_sql;
GRANT SELECT ON TABLE qms.clause_map TO qms_definer;

-- Name: TABLE clauses; Type: ACL; Schema: qms; Owner: qms_owner

GRANT SELECT ON TABLE qms.clauses TO qms_app;
GRANT SELECT ON TABLE qms.clauses TO qms_sql;
GRANT SELECT ON TABLE qms.clauses TO qms_definer;

-- Name: TABLE complaints; Type: ACL; Schema: qms; Owner: qms_owner

GRANT SELECT ON TABLE qms.complaints TO qms_app;
GRANT SELECT ON TABLE qms.complaints TO qms_sql;
GRANT SELECT,INSERT,UPDATE ON TABLE qms.complaints TO qms_definer;

-- Name: COLUMN complaints.id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(id) ON TABLE qms.complaints TO qms_app;

-- Name: COLUMN complaints.organization_id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(organization_id) ON TABLE qms.complaints TO qms_app;

-- Name: COLUMN complaints.received_on; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(received_on),UPDATE(received_on) ON TABLE qms.complaints TO qms_app;

-- Name: COLUMN complaints.aware_on; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(aware_on),UPDATE(aware_on) ON TABLE qms.complaints TO qms_app;

-- Name: COLUMN complaints.event_on; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(event_on),UPDATE(event_on) ON TABLE qms.complaints TO qms_app;

-- Name: COLUMN complaints.product; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(product),UPDATE(product) ON TABLE qms.complaints TO qms_app;

-- Name: COLUMN complaints.udi_di; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(udi_di),UPDATE(udi_di) ON TABLE qms.complaints TO qms_app;

-- Name: COLUMN complaints.udi_pi; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(udi_pi),UPDATE(udi_pi) ON TABLE qms.complaints TO qms_app;

-- Name: COLUMN complaints.lot; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(lot),UPDATE(lot) ON TABLE qms.complaints TO qms_app;

-- Name: COLUMN complaints.serial_number; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(serial_number),UPDATE(serial_number) ON TABLE qms.complaints TO qms_app;

-- Name: COLUMN complaints.complainant_name; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(complainant_name),UPDATE(complainant_name) ON TABLE qms.complaints TO qms_app;

-- Name: COLUMN complaints.complainant_contact; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(complainant_contact),UPDATE(complainant_contact) ON TABLE qms.complaints TO qms_app;

-- Name: COLUMN complaints.complainant_address; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(complainant_address),UPDATE(complainant_address) ON TABLE qms.complaints TO qms_app;

-- Name: COLUMN complaints.country; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(country),UPDATE(country) ON TABLE qms.complaints TO qms_app;

-- Name: COLUMN complaints.event_type; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(event_type),UPDATE(event_type) ON TABLE qms.complaints TO qms_app;

-- Name: COLUMN complaints.reporter_role; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(reporter_role),UPDATE(reporter_role) ON TABLE qms.complaints TO qms_app;

-- Name: COLUMN complaints.investigation; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(investigation),UPDATE(investigation) ON TABLE qms.complaints TO qms_app;

-- Name: COLUMN complaints.no_investigation_reason; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(no_investigation_reason),UPDATE(no_investigation_reason) ON TABLE qms.complaints TO qms_app;

-- Name: COLUMN complaints.correction; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(correction),UPDATE(correction) ON TABLE qms.complaints TO qms_app;

-- Name: COLUMN complaints.reply; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(reply),UPDATE(reply) ON TABLE qms.complaints TO qms_app;

-- Name: COLUMN complaints.replied_on; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(replied_on),UPDATE(replied_on) ON TABLE qms.complaints TO qms_app;

-- Name: COLUMN complaints.reported_on; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(reported_on),UPDATE(reported_on) ON TABLE qms.complaints TO qms_app;

-- Name: TABLE deviations; Type: ACL; Schema: qms; Owner: qms_owner

GRANT SELECT ON TABLE qms.deviations TO qms_app;
GRANT SELECT ON TABLE qms.deviations TO qms_sql;
GRANT SELECT,INSERT,UPDATE ON TABLE qms.deviations TO qms_definer;

-- Name: COLUMN deviations.id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(id) ON TABLE qms.deviations TO qms_app;

-- Name: COLUMN deviations.organization_id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(organization_id) ON TABLE qms.deviations TO qms_app;

-- Name: COLUMN deviations.instruction; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(instruction),UPDATE(instruction) ON TABLE qms.deviations TO qms_app;

-- Name: COLUMN deviations.planned; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(planned),UPDATE(planned) ON TABLE qms.deviations TO qms_app;

-- Name: COLUMN deviations.classification; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(classification),UPDATE(classification) ON TABLE qms.deviations TO qms_app;

-- Name: COLUMN deviations.batch; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(batch),UPDATE(batch) ON TABLE qms.deviations TO qms_app;

-- Name: COLUMN deviations.batch_impact; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(batch_impact),UPDATE(batch_impact) ON TABLE qms.deviations TO qms_app;

-- Name: COLUMN deviations.immediate_action; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(immediate_action),UPDATE(immediate_action) ON TABLE qms.deviations TO qms_app;

-- Name: COLUMN deviations.investigation; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(investigation),UPDATE(investigation) ON TABLE qms.deviations TO qms_app;

-- Name: COLUMN deviations.conclusion; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(conclusion),UPDATE(conclusion) ON TABLE qms.deviations TO qms_app;

-- Name: COLUMN deviations.capa_required; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(capa_required),UPDATE(capa_required) ON TABLE qms.deviations TO qms_app;

-- Name: COLUMN deviations.capa_rationale; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(capa_rationale),UPDATE(capa_rationale) ON TABLE qms.deviations TO qms_app;

-- Name: TABLE dispositions; Type: ACL; Schema: qms; Owner: qms_owner

GRANT SELECT ON TABLE qms.dispositions TO qms_app;
GRANT SELECT ON TABLE qms.dispositions TO qms_sql;
GRANT SELECT,INSERT,UPDATE ON TABLE qms.dispositions TO qms_definer;

-- Name: COLUMN dispositions.id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(id) ON TABLE qms.dispositions TO qms_app;

-- Name: COLUMN dispositions.organization_id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(organization_id) ON TABLE qms.dispositions TO qms_app;

-- Name: COLUMN dispositions.record_id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(record_id) ON TABLE qms.dispositions TO qms_app;

-- Name: COLUMN dispositions.disposition; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(disposition) ON TABLE qms.dispositions TO qms_app;

-- Name: COLUMN dispositions.quantity; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(quantity),UPDATE(quantity) ON TABLE qms.dispositions TO qms_app;

-- Name: COLUMN dispositions.justification; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(justification),UPDATE(justification) ON TABLE qms.dispositions TO qms_app;

-- Name: COLUMN dispositions.withdrawn_reason; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(withdrawn_reason),UPDATE(withdrawn_reason) ON TABLE qms.dispositions TO qms_app;

-- Name: TABLE document_files; Type: ACL; Schema: qms; Owner: qms_owner

GRANT SELECT ON TABLE qms.document_files TO qms_app;
GRANT SELECT ON TABLE qms.document_files TO qms_sql;
GRANT SELECT,INSERT,UPDATE ON TABLE qms.document_files TO qms_definer;

-- Name: COLUMN document_files.id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(id) ON TABLE qms.document_files TO qms_app;

-- Name: COLUMN document_files.organization_id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(organization_id) ON TABLE qms.document_files TO qms_app;

-- Name: COLUMN document_files.record_id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(record_id) ON TABLE qms.document_files TO qms_app;

-- Name: COLUMN document_files.role; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(role) ON TABLE qms.document_files TO qms_app;

-- Name: COLUMN document_files.file_name; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(file_name) ON TABLE qms.document_files TO qms_app;

-- Name: COLUMN document_files.media_type; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(media_type) ON TABLE qms.document_files TO qms_app;

-- Name: COLUMN document_files.byte_count; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(byte_count) ON TABLE qms.document_files TO qms_app;

-- Name: COLUMN document_files.sha256; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(sha256) ON TABLE qms.document_files TO qms_app;

-- Name: COLUMN document_files.stored_as; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(stored_as) ON TABLE qms.document_files TO qms_app;

-- Name: COLUMN document_files.pages; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(pages) ON TABLE qms.document_files TO qms_app;

-- Name: COLUMN document_files.language; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(language) ON TABLE qms.document_files TO qms_app;

-- Name: COLUMN document_files.parser; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(parser) ON TABLE qms.document_files TO qms_app;

-- Name: COLUMN document_files.ingested_from; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(ingested_from) ON TABLE qms.document_files TO qms_app;

-- Name: TABLE documents; Type: ACL; Schema: qms; Owner: qms_owner

GRANT SELECT ON TABLE qms.documents TO qms_app;
GRANT SELECT ON TABLE qms.documents TO qms_sql;
GRANT SELECT,INSERT,UPDATE ON TABLE qms.documents TO qms_definer;

-- Name: COLUMN documents.id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(id) ON TABLE qms.documents TO qms_app;

-- Name: COLUMN documents.organization_id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(organization_id) ON TABLE qms.documents TO qms_app;

-- Name: COLUMN documents.document_number; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(document_number),UPDATE(document_number) ON TABLE qms.documents TO qms_app;

-- Name: COLUMN documents.revision; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(revision),UPDATE(revision) ON TABLE qms.documents TO qms_app;

-- Name: COLUMN documents.document_type; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(document_type),UPDATE(document_type) ON TABLE qms.documents TO qms_app;

-- Name: COLUMN documents.author_id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(author_id),UPDATE(author_id) ON TABLE qms.documents TO qms_app;

-- Name: COLUMN documents.editors; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(editors),UPDATE(editors) ON TABLE qms.documents TO qms_app;

-- Name: COLUMN documents.change_summary; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(change_summary),UPDATE(change_summary) ON TABLE qms.documents TO qms_app;

-- Name: COLUMN documents.content; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(content),UPDATE(content) ON TABLE qms.documents TO qms_app;

-- Name: COLUMN documents.content_sha256; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(content_sha256),UPDATE(content_sha256) ON TABLE qms.documents TO qms_app;

-- Name: COLUMN documents.training_required; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(training_required),UPDATE(training_required) ON TABLE qms.documents TO qms_app;

-- Name: COLUMN documents.training_waiver; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(training_waiver),UPDATE(training_waiver) ON TABLE qms.documents TO qms_app;

-- Name: COLUMN documents.planned_effective_on; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(planned_effective_on),UPDATE(planned_effective_on) ON TABLE qms.documents TO qms_app;

-- Name: COLUMN documents.review_every_months; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(review_every_months),UPDATE(review_every_months) ON TABLE qms.documents TO qms_app;

-- Name: COLUMN documents.replaced_by; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(replaced_by),UPDATE(replaced_by) ON TABLE qms.documents TO qms_app;

-- Name: COLUMN documents.obsolete_reason; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(obsolete_reason),UPDATE(obsolete_reason) ON TABLE qms.documents TO qms_app;

-- Name: COLUMN documents.structure; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(structure),UPDATE(structure) ON TABLE qms.documents TO qms_app;

-- Name: TABLE equipment; Type: ACL; Schema: qms; Owner: qms_owner

GRANT SELECT ON TABLE qms.equipment TO qms_app;
GRANT SELECT ON TABLE qms.equipment TO qms_sql;
GRANT SELECT,INSERT,UPDATE ON TABLE qms.equipment TO qms_definer;

-- Name: COLUMN equipment.id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(id) ON TABLE qms.equipment TO qms_app;

-- Name: COLUMN equipment.organization_id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(organization_id) ON TABLE qms.equipment TO qms_app;

-- Name: COLUMN equipment.asset_number; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(asset_number),UPDATE(asset_number) ON TABLE qms.equipment TO qms_app;

-- Name: COLUMN equipment.equipment_kind; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(equipment_kind),UPDATE(equipment_kind) ON TABLE qms.equipment TO qms_app;

-- Name: COLUMN equipment.location; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(location),UPDATE(location) ON TABLE qms.equipment TO qms_app;

-- Name: COLUMN equipment.tolerance; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(tolerance),UPDATE(tolerance) ON TABLE qms.equipment TO qms_app;

-- Name: COLUMN equipment.interval_days; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(interval_days),UPDATE(interval_days) ON TABLE qms.equipment TO qms_app;

-- Name: COLUMN equipment.last_calibrated_on; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(last_calibrated_on) ON TABLE qms.equipment TO qms_app;

-- Name: COLUMN equipment.calibration_due_on; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(calibration_due_on) ON TABLE qms.equipment TO qms_app;

-- Name: COLUMN equipment.impact_assessment; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(impact_assessment),UPDATE(impact_assessment) ON TABLE qms.equipment TO qms_app;

-- Name: COLUMN equipment.impact_concluded_on; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(impact_concluded_on),UPDATE(impact_concluded_on) ON TABLE qms.equipment TO qms_app;

-- Name: TABLE escalations; Type: ACL; Schema: qms; Owner: qms_owner

GRANT SELECT ON TABLE qms.escalations TO qms_app;
GRANT SELECT ON TABLE qms.escalations TO qms_sql;
GRANT SELECT,INSERT ON TABLE qms.escalations TO qms_definer;

-- Name: TABLE evidence; Type: ACL; Schema: qms; Owner: qms_owner

GRANT SELECT ON TABLE qms.evidence TO qms_app;
GRANT SELECT ON TABLE qms.evidence TO qms_sql;
GRANT SELECT,INSERT,UPDATE ON TABLE qms.evidence TO qms_definer;

-- Name: COLUMN evidence.id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(id) ON TABLE qms.evidence TO qms_app;

-- Name: COLUMN evidence.organization_id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(organization_id) ON TABLE qms.evidence TO qms_app;

-- Name: COLUMN evidence.record_id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(record_id) ON TABLE qms.evidence TO qms_app;

-- Name: COLUMN evidence.kind; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(kind) ON TABLE qms.evidence TO qms_app;

-- Name: COLUMN evidence.title; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(title) ON TABLE qms.evidence TO qms_app;

-- Name: COLUMN evidence.uri; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(uri) ON TABLE qms.evidence TO qms_app;

-- Name: COLUMN evidence.document_id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(document_id) ON TABLE qms.evidence TO qms_app;

-- Name: COLUMN evidence.sha256; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(sha256) ON TABLE qms.evidence TO qms_app;

-- Name: TABLE evidence_links; Type: ACL; Schema: qms; Owner: qms_owner

GRANT SELECT ON TABLE qms.evidence_links TO qms_app;
GRANT SELECT ON TABLE qms.evidence_links TO qms_sql;
GRANT SELECT ON TABLE qms.evidence_links TO qms_definer;

-- Name: COLUMN evidence_links.organization_id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(organization_id) ON TABLE qms.evidence_links TO qms_app;

-- Name: COLUMN evidence_links.clause_id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(clause_id) ON TABLE qms.evidence_links TO qms_app;

-- Name: COLUMN evidence_links.record_id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(record_id) ON TABLE qms.evidence_links TO qms_app;

-- Name: COLUMN evidence_links.uri; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(uri) ON TABLE qms.evidence_links TO qms_app;

-- Name: COLUMN evidence_links.note; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(note) ON TABLE qms.evidence_links TO qms_app;

-- Name: COLUMN evidence_links.observed_on; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(observed_on) ON TABLE qms.evidence_links TO qms_app;

-- Name: COLUMN evidence_links.valid_until; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(valid_until) ON TABLE qms.evidence_links TO qms_app;

-- Name: COLUMN evidence_links.withdrawn; Type: ACL; Schema: qms; Owner: qms_owner

GRANT UPDATE(withdrawn) ON TABLE qms.evidence_links TO qms_app;

-- Name: TABLE extension_requests; Type: ACL; Schema: qms; Owner: qms_owner

GRANT SELECT ON TABLE qms.extension_requests TO qms_app;
GRANT SELECT ON TABLE qms.extension_requests TO qms_sql;
GRANT SELECT,INSERT,UPDATE ON TABLE qms.extension_requests TO qms_definer;

-- Name: COLUMN extension_requests.id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(id) ON TABLE qms.extension_requests TO qms_app;

-- Name: COLUMN extension_requests.organization_id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(organization_id) ON TABLE qms.extension_requests TO qms_app;

-- Name: COLUMN extension_requests.target_id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(target_id),UPDATE(target_id) ON TABLE qms.extension_requests TO qms_app;

-- Name: COLUMN extension_requests.action_id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(action_id),UPDATE(action_id) ON TABLE qms.extension_requests TO qms_app;

-- Name: COLUMN extension_requests.former_due_on; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(former_due_on),UPDATE(former_due_on) ON TABLE qms.extension_requests TO qms_app;

-- Name: COLUMN extension_requests.requested_due_on; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(requested_due_on),UPDATE(requested_due_on) ON TABLE qms.extension_requests TO qms_app;

-- Name: COLUMN extension_requests.justification; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(justification),UPDATE(justification) ON TABLE qms.extension_requests TO qms_app;

-- Name: TABLE field_actions; Type: ACL; Schema: qms; Owner: qms_owner

GRANT SELECT ON TABLE qms.field_actions TO qms_app;
GRANT SELECT ON TABLE qms.field_actions TO qms_sql;
GRANT SELECT,INSERT,UPDATE ON TABLE qms.field_actions TO qms_definer;

-- Name: COLUMN field_actions.id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(id) ON TABLE qms.field_actions TO qms_app;

-- Name: COLUMN field_actions.organization_id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(organization_id) ON TABLE qms.field_actions TO qms_app;

-- Name: COLUMN field_actions.action_kind; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(action_kind),UPDATE(action_kind) ON TABLE qms.field_actions TO qms_app;

-- Name: COLUMN field_actions.classification; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(classification),UPDATE(classification) ON TABLE qms.field_actions TO qms_app;

-- Name: COLUMN field_actions.product; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(product),UPDATE(product) ON TABLE qms.field_actions TO qms_app;

-- Name: COLUMN field_actions.lots; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(lots),UPDATE(lots) ON TABLE qms.field_actions TO qms_app;

-- Name: COLUMN field_actions.quantity; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(quantity),UPDATE(quantity) ON TABLE qms.field_actions TO qms_app;

-- Name: COLUMN field_actions.distribution; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(distribution),UPDATE(distribution) ON TABLE qms.field_actions TO qms_app;

-- Name: COLUMN field_actions.reason_for_action; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(reason_for_action),UPDATE(reason_for_action) ON TABLE qms.field_actions TO qms_app;

-- Name: COLUMN field_actions.health_hazard; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(health_hazard),UPDATE(health_hazard) ON TABLE qms.field_actions TO qms_app;

-- Name: COLUMN field_actions.initiated_on; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(initiated_on),UPDATE(initiated_on) ON TABLE qms.field_actions TO qms_app;

-- Name: COLUMN field_actions.report_required; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(report_required),UPDATE(report_required) ON TABLE qms.field_actions TO qms_app;

-- Name: COLUMN field_actions.report_rationale; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(report_rationale),UPDATE(report_rationale) ON TABLE qms.field_actions TO qms_app;

-- Name: COLUMN field_actions.report_due_on; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(report_due_on),UPDATE(report_due_on) ON TABLE qms.field_actions TO qms_app;

-- Name: COLUMN field_actions.effectiveness_result; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(effectiveness_result),UPDATE(effectiveness_result) ON TABLE qms.field_actions TO qms_app;

-- Name: COLUMN field_actions.terminated_on; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(terminated_on),UPDATE(terminated_on) ON TABLE qms.field_actions TO qms_app;

-- Name: TABLE findings; Type: ACL; Schema: qms; Owner: qms_owner

GRANT SELECT ON TABLE qms.findings TO qms_app;
GRANT SELECT ON TABLE qms.findings TO qms_sql;
GRANT SELECT,INSERT,UPDATE ON TABLE qms.findings TO qms_definer;

-- Name: COLUMN findings.id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(id) ON TABLE qms.findings TO qms_app;

-- Name: COLUMN findings.organization_id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(organization_id) ON TABLE qms.findings TO qms_app;

-- Name: COLUMN findings.audit_id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(audit_id),UPDATE(audit_id) ON TABLE qms.findings TO qms_app;

-- Name: COLUMN findings.grade; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(grade),UPDATE(grade) ON TABLE qms.findings TO qms_app;

-- Name: COLUMN findings.clause; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(clause),UPDATE(clause) ON TABLE qms.findings TO qms_app;

-- Name: COLUMN findings.requirement; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(requirement),UPDATE(requirement) ON TABLE qms.findings TO qms_app;

-- Name: COLUMN findings.objective_evidence; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(objective_evidence),UPDATE(objective_evidence) ON TABLE qms.findings TO qms_app;

-- Name: COLUMN findings.response; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(response),UPDATE(response) ON TABLE qms.findings TO qms_app;

-- Name: COLUMN findings.response_due_on; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(response_due_on),UPDATE(response_due_on) ON TABLE qms.findings TO qms_app;

-- Name: COLUMN findings.verification_result; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(verification_result),UPDATE(verification_result) ON TABLE qms.findings TO qms_app;

-- Name: COLUMN findings.capa_required; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(capa_required),UPDATE(capa_required) ON TABLE qms.findings TO qms_app;

-- Name: COLUMN findings.capa_rationale; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(capa_rationale),UPDATE(capa_rationale) ON TABLE qms.findings TO qms_app;

-- Name: TABLE frameworks; Type: ACL; Schema: qms; Owner: qms_owner

GRANT SELECT ON TABLE qms.frameworks TO qms_app;
GRANT SELECT ON TABLE qms.frameworks TO qms_sql;
GRANT SELECT ON TABLE qms.frameworks TO qms_definer;

-- Name: TABLE impact_assessments; Type: ACL; Schema: qms; Owner: qms_owner

GRANT SELECT ON TABLE qms.impact_assessments TO qms_app;
GRANT SELECT ON TABLE qms.impact_assessments TO qms_sql;
GRANT SELECT,INSERT,UPDATE ON TABLE qms.impact_assessments TO qms_definer;

-- Name: COLUMN impact_assessments.id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(id) ON TABLE qms.impact_assessments TO qms_app;

-- Name: COLUMN impact_assessments.organization_id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(organization_id) ON TABLE qms.impact_assessments TO qms_app;

-- Name: COLUMN impact_assessments.record_id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(record_id) ON TABLE qms.impact_assessments TO qms_app;

-- Name: COLUMN impact_assessments.aspect; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(aspect) ON TABLE qms.impact_assessments TO qms_app;

-- Name: COLUMN impact_assessments.affected; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(affected),UPDATE(affected) ON TABLE qms.impact_assessments TO qms_app;

-- Name: COLUMN impact_assessments.impact; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(impact),UPDATE(impact) ON TABLE qms.impact_assessments TO qms_app;

-- Name: COLUMN impact_assessments.action_needed; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(action_needed),UPDATE(action_needed) ON TABLE qms.impact_assessments TO qms_app;

-- Name: TABLE memberships; Type: ACL; Schema: qms; Owner: qms_owner

GRANT SELECT ON TABLE qms.memberships TO qms_app;
GRANT SELECT ON TABLE qms.memberships TO qms_sql;
GRANT SELECT,INSERT ON TABLE qms.memberships TO qms_definer;

-- Name: COLUMN memberships.valid_to; Type: ACL; Schema: qms; Owner: qms_owner

GRANT UPDATE(valid_to) ON TABLE qms.memberships TO qms_definer;

-- Name: TABLE nonconformances; Type: ACL; Schema: qms; Owner: qms_owner

GRANT SELECT ON TABLE qms.nonconformances TO qms_app;
GRANT SELECT ON TABLE qms.nonconformances TO qms_sql;
GRANT SELECT,INSERT,UPDATE ON TABLE qms.nonconformances TO qms_definer;

-- Name: COLUMN nonconformances.id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(id) ON TABLE qms.nonconformances TO qms_app;

-- Name: COLUMN nonconformances.organization_id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(organization_id) ON TABLE qms.nonconformances TO qms_app;

-- Name: COLUMN nonconformances.detected_on; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(detected_on),UPDATE(detected_on) ON TABLE qms.nonconformances TO qms_app;

-- Name: COLUMN nonconformances.detected_at_stage; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(detected_at_stage),UPDATE(detected_at_stage) ON TABLE qms.nonconformances TO qms_app;

-- Name: COLUMN nonconformances.area; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(area),UPDATE(area) ON TABLE qms.nonconformances TO qms_app;

-- Name: COLUMN nonconformances.part_number; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(part_number),UPDATE(part_number) ON TABLE qms.nonconformances TO qms_app;

-- Name: COLUMN nonconformances.lot; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(lot),UPDATE(lot) ON TABLE qms.nonconformances TO qms_app;

-- Name: COLUMN nonconformances.supplier_id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(supplier_id),UPDATE(supplier_id) ON TABLE qms.nonconformances TO qms_app;

-- Name: COLUMN nonconformances.quantity_affected; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(quantity_affected),UPDATE(quantity_affected) ON TABLE qms.nonconformances TO qms_app;

-- Name: COLUMN nonconformances.unit; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(unit),UPDATE(unit) ON TABLE qms.nonconformances TO qms_app;

-- Name: COLUMN nonconformances.delivered; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(delivered),UPDATE(delivered) ON TABLE qms.nonconformances TO qms_app;

-- Name: COLUMN nonconformances.containment; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(containment),UPDATE(containment) ON TABLE qms.nonconformances TO qms_app;

-- Name: COLUMN nonconformances.contained_on; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(contained_on),UPDATE(contained_on) ON TABLE qms.nonconformances TO qms_app;

-- Name: COLUMN nonconformances.correction; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(correction),UPDATE(correction) ON TABLE qms.nonconformances TO qms_app;

-- Name: COLUMN nonconformances.cause_category; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(cause_category),UPDATE(cause_category) ON TABLE qms.nonconformances TO qms_app;

-- Name: COLUMN nonconformances.root_cause; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(root_cause),UPDATE(root_cause) ON TABLE qms.nonconformances TO qms_app;

-- Name: COLUMN nonconformances.verification_result; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(verification_result),UPDATE(verification_result) ON TABLE qms.nonconformances TO qms_app;

-- Name: COLUMN nonconformances.capa_required; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(capa_required),UPDATE(capa_required) ON TABLE qms.nonconformances TO qms_app;

-- Name: COLUMN nonconformances.capa_rationale; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(capa_rationale),UPDATE(capa_rationale) ON TABLE qms.nonconformances TO qms_app;

-- Name: COLUMN nonconformances.field_action_rationale; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(field_action_rationale),UPDATE(field_action_rationale) ON TABLE qms.nonconformances TO qms_app;

-- Name: COLUMN nonconformances.cost; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(cost),UPDATE(cost) ON TABLE qms.nonconformances TO qms_app;

-- Name: COLUMN nonconformances.currency; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(currency),UPDATE(currency) ON TABLE qms.nonconformances TO qms_app;

-- Name: TABLE record_links; Type: ACL; Schema: qms; Owner: qms_owner

GRANT SELECT ON TABLE qms.record_links TO qms_app;
GRANT SELECT ON TABLE qms.record_links TO qms_sql;
GRANT SELECT,INSERT,UPDATE ON TABLE qms.record_links TO qms_definer;

-- Name: COLUMN record_links.id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(id) ON TABLE qms.record_links TO qms_app;

-- Name: COLUMN record_links.organization_id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(organization_id) ON TABLE qms.record_links TO qms_app;

-- Name: COLUMN record_links.from_id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(from_id) ON TABLE qms.record_links TO qms_app;

-- Name: COLUMN record_links.to_id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(to_id) ON TABLE qms.record_links TO qms_app;

-- Name: COLUMN record_links.kind; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(kind) ON TABLE qms.record_links TO qms_app;

-- Name: COLUMN record_links.note; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(note) ON TABLE qms.record_links TO qms_app;

-- Name: TABLE scars; Type: ACL; Schema: qms; Owner: qms_owner

GRANT SELECT ON TABLE qms.scars TO qms_app;
GRANT SELECT ON TABLE qms.scars TO qms_sql;
GRANT SELECT,INSERT,UPDATE ON TABLE qms.scars TO qms_definer;

-- Name: COLUMN scars.id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(id) ON TABLE qms.scars TO qms_app;

-- Name: COLUMN scars.organization_id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(organization_id) ON TABLE qms.scars TO qms_app;

-- Name: COLUMN scars.supplier_id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(supplier_id),UPDATE(supplier_id) ON TABLE qms.scars TO qms_app;

-- Name: COLUMN scars.requirement; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(requirement),UPDATE(requirement) ON TABLE qms.scars TO qms_app;

-- Name: COLUMN scars.response; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(response),UPDATE(response) ON TABLE qms.scars TO qms_app;

-- Name: COLUMN scars.response_due_on; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(response_due_on),UPDATE(response_due_on) ON TABLE qms.scars TO qms_app;

-- Name: COLUMN scars.root_cause; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(root_cause),UPDATE(root_cause) ON TABLE qms.scars TO qms_app;

-- Name: COLUMN scars.corrective_action; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(corrective_action),UPDATE(corrective_action) ON TABLE qms.scars TO qms_app;

-- Name: COLUMN scars.verification_result; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(verification_result),UPDATE(verification_result) ON TABLE qms.scars TO qms_app;

-- Name: TABLE trainings; Type: ACL; Schema: qms; Owner: qms_owner

GRANT SELECT ON TABLE qms.trainings TO qms_app;
GRANT SELECT ON TABLE qms.trainings TO qms_sql;
GRANT SELECT,INSERT,UPDATE ON TABLE qms.trainings TO qms_definer;

-- Name: COLUMN trainings.id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(id) ON TABLE qms.trainings TO qms_app;

-- Name: COLUMN trainings.organization_id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(organization_id) ON TABLE qms.trainings TO qms_app;

-- Name: COLUMN trainings.document_id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(document_id),UPDATE(document_id) ON TABLE qms.trainings TO qms_app;

-- Name: COLUMN trainings.trainee_id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(trainee_id),UPDATE(trainee_id) ON TABLE qms.trainings TO qms_app;

-- Name: COLUMN trainings.trainer_id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(trainer_id),UPDATE(trainer_id) ON TABLE qms.trainings TO qms_app;

-- Name: COLUMN trainings.topic; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(topic),UPDATE(topic) ON TABLE qms.trainings TO qms_app;

-- Name: COLUMN trainings.completed_on; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(completed_on),UPDATE(completed_on) ON TABLE qms.trainings TO qms_app;

-- Name: COLUMN trainings.effectiveness_result; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(effectiveness_result),UPDATE(effectiveness_result) ON TABLE qms.trainings TO qms_app;

-- Name: COLUMN trainings.waiver_reason; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(waiver_reason),UPDATE(waiver_reason) ON TABLE qms.trainings TO qms_app;

-- Name: COLUMN trainings.expires_on; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(expires_on),UPDATE(expires_on) ON TABLE qms.trainings TO qms_app;

-- Name: TABLE missing_links; Type: ACL; Schema: qms; Owner: qms_owner

GRANT SELECT ON TABLE qms.missing_links TO qms_app;
GRANT SELECT ON TABLE qms.missing_links TO qms_sql;
GRANT SELECT ON TABLE qms.missing_links TO qms_definer;

-- Name: TABLE organizations; Type: ACL; Schema: qms; Owner: qms_owner

GRANT SELECT ON TABLE qms.organizations TO qms_app;
GRANT SELECT ON TABLE qms.organizations TO qms_sql;
GRANT SELECT,INSERT ON TABLE qms.organizations TO qms_definer;

-- Name: COLUMN organizations.settings; Type: ACL; Schema: qms; Owner: qms_owner

GRANT UPDATE(settings) ON TABLE qms.organizations TO qms_definer;

-- Name: TABLE people; Type: ACL; Schema: qms; Owner: qms_owner

GRANT SELECT ON TABLE qms.people TO qms_app;
GRANT SELECT ON TABLE qms.people TO qms_sql;
GRANT SELECT,INSERT ON TABLE qms.people TO qms_definer;

-- Name: COLUMN people.printed_name; Type: ACL; Schema: qms; Owner: qms_owner

GRANT UPDATE(printed_name) ON TABLE qms.people TO qms_definer;

-- Name: COLUMN people.time_zone; Type: ACL; Schema: qms; Owner: qms_owner

GRANT UPDATE(time_zone) ON TABLE qms.people TO qms_definer;

-- Name: COLUMN people.deactivated_at; Type: ACL; Schema: qms; Owner: qms_owner

GRANT UPDATE(deactivated_at) ON TABLE qms.people TO qms_definer;

-- Name: TABLE record_edges; Type: ACL; Schema: qms; Owner: qms_owner

GRANT SELECT ON TABLE qms.record_edges TO qms_app;
GRANT SELECT ON TABLE qms.record_edges TO qms_sql;
GRANT SELECT ON TABLE qms.record_edges TO qms_definer;

-- Name: TABLE record_notes; Type: ACL; Schema: qms; Owner: qms_owner

GRANT SELECT ON TABLE qms.record_notes TO qms_app;
GRANT SELECT ON TABLE qms.record_notes TO qms_sql;
GRANT SELECT,INSERT,UPDATE ON TABLE qms.record_notes TO qms_definer;

-- Name: COLUMN record_notes.id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(id) ON TABLE qms.record_notes TO qms_app;

-- Name: COLUMN record_notes.organization_id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(organization_id) ON TABLE qms.record_notes TO qms_app;

-- Name: COLUMN record_notes.record_id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(record_id) ON TABLE qms.record_notes TO qms_app;

-- Name: COLUMN record_notes.body; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(body) ON TABLE qms.record_notes TO qms_app;

-- Name: TABLE record_parts; Type: ACL; Schema: qms; Owner: qms_owner

GRANT SELECT ON TABLE qms.record_parts TO qms_app;
GRANT SELECT ON TABLE qms.record_parts TO qms_sql;
GRANT SELECT ON TABLE qms.record_parts TO qms_definer;

-- Name: TABLE record_types; Type: ACL; Schema: qms; Owner: qms_owner

GRANT SELECT ON TABLE qms.record_types TO qms_app;
GRANT SELECT ON TABLE qms.record_types TO qms_sql;
GRANT SELECT ON TABLE qms.record_types TO qms_definer;

-- Name: TABLE required_signatures; Type: ACL; Schema: qms; Owner: qms_owner

GRANT SELECT ON TABLE qms.required_signatures TO qms_app;
GRANT SELECT ON TABLE qms.required_signatures TO qms_sql;
GRANT SELECT,INSERT,UPDATE ON TABLE qms.required_signatures TO qms_definer;

-- Name: COLUMN required_signatures.id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(id) ON TABLE qms.required_signatures TO qms_app;

-- Name: COLUMN required_signatures.organization_id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(organization_id) ON TABLE qms.required_signatures TO qms_app;

-- Name: COLUMN required_signatures.record_id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(record_id) ON TABLE qms.required_signatures TO qms_app;

-- Name: COLUMN required_signatures.signer_id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(signer_id) ON TABLE qms.required_signatures TO qms_app;

-- Name: COLUMN required_signatures.meaning; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(meaning) ON TABLE qms.required_signatures TO qms_app;

-- Name: COLUMN required_signatures.for_state; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(for_state) ON TABLE qms.required_signatures TO qms_app;

-- Name: TABLE risk_controls; Type: ACL; Schema: qms; Owner: qms_owner

GRANT SELECT ON TABLE qms.risk_controls TO qms_app;
GRANT SELECT ON TABLE qms.risk_controls TO qms_sql;
GRANT SELECT,INSERT,UPDATE ON TABLE qms.risk_controls TO qms_definer;

-- Name: COLUMN risk_controls.id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(id) ON TABLE qms.risk_controls TO qms_app;

-- Name: COLUMN risk_controls.organization_id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(organization_id) ON TABLE qms.risk_controls TO qms_app;

-- Name: COLUMN risk_controls.record_id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(record_id) ON TABLE qms.risk_controls TO qms_app;

-- Name: COLUMN risk_controls.control_kind; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(control_kind) ON TABLE qms.risk_controls TO qms_app;

-- Name: COLUMN risk_controls.description; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(description),UPDATE(description) ON TABLE qms.risk_controls TO qms_app;

-- Name: COLUMN risk_controls.implementation_evidence; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(implementation_evidence),UPDATE(implementation_evidence) ON TABLE qms.risk_controls TO qms_app;

-- Name: COLUMN risk_controls.implementation_verified_on; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(implementation_verified_on),UPDATE(implementation_verified_on) ON TABLE qms.risk_controls TO qms_app;

-- Name: COLUMN risk_controls.effectiveness_evidence; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(effectiveness_evidence),UPDATE(effectiveness_evidence) ON TABLE qms.risk_controls TO qms_app;

-- Name: COLUMN risk_controls.effectiveness_verified_on; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(effectiveness_verified_on),UPDATE(effectiveness_verified_on) ON TABLE qms.risk_controls TO qms_app;

-- Name: TABLE risks; Type: ACL; Schema: qms; Owner: qms_owner

GRANT SELECT ON TABLE qms.risks TO qms_app;
GRANT SELECT ON TABLE qms.risks TO qms_sql;
GRANT SELECT,INSERT,UPDATE ON TABLE qms.risks TO qms_definer;

-- Name: COLUMN risks.id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(id) ON TABLE qms.risks TO qms_app;

-- Name: COLUMN risks.organization_id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(organization_id) ON TABLE qms.risks TO qms_app;

-- Name: COLUMN risks.method; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(method),UPDATE(method) ON TABLE qms.risks TO qms_app;

-- Name: COLUMN risks.item_function; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(item_function),UPDATE(item_function) ON TABLE qms.risks TO qms_app;

-- Name: COLUMN risks.failure_mode; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(failure_mode),UPDATE(failure_mode) ON TABLE qms.risks TO qms_app;

-- Name: COLUMN risks.effect; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(effect),UPDATE(effect) ON TABLE qms.risks TO qms_app;

-- Name: COLUMN risks.cause; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(cause),UPDATE(cause) ON TABLE qms.risks TO qms_app;

-- Name: COLUMN risks.hazard; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(hazard),UPDATE(hazard) ON TABLE qms.risks TO qms_app;

-- Name: COLUMN risks.hazardous_situation; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(hazardous_situation),UPDATE(hazardous_situation) ON TABLE qms.risks TO qms_app;

-- Name: COLUMN risks.harm; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(harm),UPDATE(harm) ON TABLE qms.risks TO qms_app;

-- Name: COLUMN risks.severity; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(severity),UPDATE(severity) ON TABLE qms.risks TO qms_app;

-- Name: COLUMN risks.occurrence; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(occurrence),UPDATE(occurrence) ON TABLE qms.risks TO qms_app;

-- Name: COLUMN risks.detection; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(detection),UPDATE(detection) ON TABLE qms.risks TO qms_app;

-- Name: COLUMN risks.action_priority; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(action_priority),UPDATE(action_priority) ON TABLE qms.risks TO qms_app;

-- Name: COLUMN risks.probability; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(probability),UPDATE(probability) ON TABLE qms.risks TO qms_app;

-- Name: COLUMN risks.acceptability; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(acceptability),UPDATE(acceptability) ON TABLE qms.risks TO qms_app;

-- Name: COLUMN risks.residual_severity; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(residual_severity),UPDATE(residual_severity) ON TABLE qms.risks TO qms_app;

-- Name: COLUMN risks.residual_occurrence; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(residual_occurrence),UPDATE(residual_occurrence) ON TABLE qms.risks TO qms_app;

-- Name: COLUMN risks.residual_detection; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(residual_detection),UPDATE(residual_detection) ON TABLE qms.risks TO qms_app;

-- Name: COLUMN risks.residual_priority; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(residual_priority),UPDATE(residual_priority) ON TABLE qms.risks TO qms_app;

-- Name: COLUMN risks.residual_probability; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(residual_probability),UPDATE(residual_probability) ON TABLE qms.risks TO qms_app;

-- Name: COLUMN risks.residual_acceptability; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(residual_acceptability),UPDATE(residual_acceptability) ON TABLE qms.risks TO qms_app;

-- Name: COLUMN risks.benefit_risk; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(benefit_risk),UPDATE(benefit_risk) ON TABLE qms.risks TO qms_app;

-- Name: COLUMN risks.new_risks_considered; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(new_risks_considered),UPDATE(new_risks_considered) ON TABLE qms.risks TO qms_app;

-- Name: TABLE root_causes; Type: ACL; Schema: qms; Owner: qms_owner

GRANT SELECT ON TABLE qms.root_causes TO qms_app;
GRANT SELECT ON TABLE qms.root_causes TO qms_sql;
GRANT SELECT,INSERT,UPDATE ON TABLE qms.root_causes TO qms_definer;

-- Name: COLUMN root_causes.id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(id) ON TABLE qms.root_causes TO qms_app;

-- Name: COLUMN root_causes.organization_id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(organization_id) ON TABLE qms.root_causes TO qms_app;

-- Name: COLUMN root_causes.record_id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(record_id) ON TABLE qms.root_causes TO qms_app;

-- Name: COLUMN root_causes.method; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(method) ON TABLE qms.root_causes TO qms_app;

-- Name: COLUMN root_causes.parent_id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(parent_id) ON TABLE qms.root_causes TO qms_app;

-- Name: COLUMN root_causes.ordinal; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(ordinal) ON TABLE qms.root_causes TO qms_app;

-- Name: COLUMN root_causes.statement; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(statement),UPDATE(statement) ON TABLE qms.root_causes TO qms_app;

-- Name: COLUMN root_causes.detail; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(detail),UPDATE(detail) ON TABLE qms.root_causes TO qms_app;

-- Name: COLUMN root_causes.cause_category; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(cause_category),UPDATE(cause_category) ON TABLE qms.root_causes TO qms_app;

-- Name: COLUMN root_causes.is_root_cause; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(is_root_cause),UPDATE(is_root_cause) ON TABLE qms.root_causes TO qms_app;

-- Name: COLUMN root_causes.evidence; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(evidence),UPDATE(evidence) ON TABLE qms.root_causes TO qms_app;

-- Name: COLUMN root_causes.withdrawn_reason; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(withdrawn_reason),UPDATE(withdrawn_reason) ON TABLE qms.root_causes TO qms_app;

-- Name: TABLE security_reports; Type: ACL; Schema: qms; Owner: qms_owner

GRANT SELECT ON TABLE qms.security_reports TO qms_app;
GRANT SELECT ON TABLE qms.security_reports TO qms_sql;
GRANT SELECT,INSERT ON TABLE qms.security_reports TO qms_definer;

-- Name: COLUMN security_reports.acknowledged_by; Type: ACL; Schema: qms; Owner: qms_owner

GRANT UPDATE(acknowledged_by) ON TABLE qms.security_reports TO qms_definer;

-- Name: COLUMN security_reports.acknowledged_at; Type: ACL; Schema: qms; Owner: qms_owner

GRANT UPDATE(acknowledged_at) ON TABLE qms.security_reports TO qms_definer;

-- Name: TABLE suppliers; Type: ACL; Schema: qms; Owner: qms_owner

GRANT SELECT ON TABLE qms.suppliers TO qms_app;
GRANT SELECT ON TABLE qms.suppliers TO qms_sql;
GRANT SELECT,INSERT,UPDATE ON TABLE qms.suppliers TO qms_definer;

-- Name: COLUMN suppliers.id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(id) ON TABLE qms.suppliers TO qms_app;

-- Name: COLUMN suppliers.organization_id; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(organization_id) ON TABLE qms.suppliers TO qms_app;

-- Name: COLUMN suppliers.supplier_code; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(supplier_code),UPDATE(supplier_code) ON TABLE qms.suppliers TO qms_app;

-- Name: COLUMN suppliers.contact; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(contact),UPDATE(contact) ON TABLE qms.suppliers TO qms_app;

-- Name: COLUMN suppliers.country; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(country),UPDATE(country) ON TABLE qms.suppliers TO qms_app;

-- Name: COLUMN suppliers.supplied_scope; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(supplied_scope),UPDATE(supplied_scope) ON TABLE qms.suppliers TO qms_app;

-- Name: COLUMN suppliers.approval_basis; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(approval_basis),UPDATE(approval_basis) ON TABLE qms.suppliers TO qms_app;

-- Name: COLUMN suppliers.score; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(score),UPDATE(score) ON TABLE qms.suppliers TO qms_app;

-- Name: COLUMN suppliers.evaluated_on; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(evaluated_on),UPDATE(evaluated_on) ON TABLE qms.suppliers TO qms_app;

-- Name: COLUMN suppliers.reevaluation_due_on; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(reevaluation_due_on),UPDATE(reevaluation_due_on) ON TABLE qms.suppliers TO qms_app;

-- Name: COLUMN suppliers.certificates; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT(certificates),UPDATE(certificates) ON TABLE qms.suppliers TO qms_app;

-- Name: TABLE transform_drafts; Type: ACL; Schema: qms; Owner: qms_owner

GRANT SELECT ON TABLE qms.transform_drafts TO qms_definer;
GRANT SELECT,INSERT ON TABLE qms.transform_drafts TO qms_app;
GRANT SELECT ON TABLE qms.transform_drafts TO qms_sql;

-- Name: COLUMN transform_drafts.state; Type: ACL; Schema: qms; Owner: qms_owner

GRANT UPDATE(state) ON TABLE qms.transform_drafts TO qms_app;

-- Name: COLUMN transform_drafts.applied_at; Type: ACL; Schema: qms; Owner: qms_owner

GRANT UPDATE(applied_at) ON TABLE qms.transform_drafts TO qms_app;

-- Name: COLUMN transform_drafts.rows_changed; Type: ACL; Schema: qms; Owner: qms_owner

GRANT UPDATE(rows_changed) ON TABLE qms.transform_drafts TO qms_app;

-- Name: TABLE transitions; Type: ACL; Schema: qms; Owner: qms_owner

GRANT SELECT,INSERT ON TABLE qms.transitions TO qms_definer;
GRANT SELECT ON TABLE qms.transitions TO qms_app;
GRANT SELECT ON TABLE qms.transitions TO qms_sql;

-- Name: TABLE workflow_drafts; Type: ACL; Schema: qms; Owner: qms_owner

GRANT SELECT,INSERT ON TABLE qms.workflow_drafts TO qms_definer;
GRANT SELECT ON TABLE qms.workflow_drafts TO qms_app;
GRANT SELECT ON TABLE qms.workflow_drafts TO qms_sql;

-- Name: TABLE approval_links; Type: ACL; Schema: qms_private; Owner: qms_owner

GRANT SELECT,INSERT ON TABLE qms_private.approval_links TO qms_definer;

-- Name: COLUMN approval_links.followed_at; Type: ACL; Schema: qms_private; Owner: qms_owner

GRANT UPDATE(followed_at) ON TABLE qms_private.approval_links TO qms_definer;

-- Name: TABLE credentials; Type: ACL; Schema: qms_private; Owner: qms_owner

GRANT SELECT,INSERT,UPDATE ON TABLE qms_private.credentials TO qms_definer;

-- Name: TABLE guards; Type: ACL; Schema: qms_private; Owner: qms_owner

GRANT SELECT ON TABLE qms_private.guards TO qms_definer;

-- Name: TABLE identity_key; Type: ACL; Schema: qms_private; Owner: qms_owner

GRANT SELECT ON TABLE qms_private.identity_key TO qms_definer;

-- Name: TABLE record_numbers; Type: ACL; Schema: qms_private; Owner: qms_owner

GRANT SELECT,INSERT,UPDATE ON TABLE qms_private.record_numbers TO qms_definer;

-- Name: TABLE trail_heads; Type: ACL; Schema: qms_private; Owner: qms_owner

GRANT SELECT,INSERT,UPDATE ON TABLE qms_private.trail_heads TO qms_definer;

-- Name: TABLE corpora; Type: ACL; Schema: search; Owner: qms_owner

GRANT SELECT ON TABLE search.corpora TO qms_app;
GRANT SELECT ON TABLE search.corpora TO qms_sql;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE search.corpora TO qms_definer;

-- Name: TABLE embedding_jobs; Type: ACL; Schema: search; Owner: qms_owner

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE search.embedding_jobs TO qms_app;
GRANT SELECT ON TABLE search.embedding_jobs TO qms_sql;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE search.embedding_jobs TO qms_definer;

-- Name: TABLE embedding_models; Type: ACL; Schema: search; Owner: qms_owner

GRANT SELECT ON TABLE search.embedding_models TO qms_app;
GRANT SELECT ON TABLE search.embedding_models TO qms_sql;
GRANT SELECT ON TABLE search.embedding_models TO qms_definer;

-- Name: TABLE embedding_usage; Type: ACL; Schema: search; Owner: qms_owner

GRANT SELECT,INSERT,UPDATE ON TABLE search.embedding_usage TO qms_app;
GRANT SELECT ON TABLE search.embedding_usage TO qms_sql;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE search.embedding_usage TO qms_definer;

-- Name: TABLE embeddings_m1; Type: ACL; Schema: search; Owner: qms_owner

GRANT SELECT ON TABLE search.embeddings_m1 TO qms_definer;

-- Name: TABLE embeddings_m2; Type: ACL; Schema: search; Owner: qms_owner

GRANT SELECT ON TABLE search.embeddings_m2 TO qms_definer;

-- Name: TABLE term_stats; Type: ACL; Schema: search; Owner: qms_owner

GRANT SELECT ON TABLE search.term_stats TO qms_app;
GRANT SELECT ON TABLE search.term_stats TO qms_sql;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE search.term_stats TO qms_definer;
