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

-- Name: begin_call(jsonb); Type: FUNCTION; Schema: agents; Owner: qms_ledger

CREATE FUNCTION agents.begin_call(call jsonb) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO ''
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
    SET search_path TO ''
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
    SET search_path TO ''
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
    SET search_path TO ''
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
    SET search_path TO ''
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
    SET search_path TO ''
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
    SET search_path TO ''
    AS $$
    DELETE FROM agents.otlp_outbox AS o WHERE o.id = ANY(ids)
$$;

ALTER FUNCTION agents.outbox_done(ids bigint[]) OWNER TO qms_ledger;

-- Name: FUNCTION outbox_done(ids bigint[]); Type: COMMENT; Schema: agents; Owner: qms_ledger

COMMENT ON FUNCTION agents.outbox_done(ids bigint[]) IS 'The host has these.';

-- Name: outbox_put(uuid, text, jsonb); Type: FUNCTION; Schema: agents; Owner: qms_ledger

CREATE FUNCTION agents.outbox_put(for_organization uuid, to_path text, message jsonb) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO ''
    AS $$
    INSERT INTO agents.otlp_outbox (organization_id, path, payload) VALUES (for_organization, to_path, message)
$$;

ALTER FUNCTION agents.outbox_put(for_organization uuid, to_path text, message jsonb) OWNER TO qms_ledger;

-- Name: FUNCTION outbox_put(for_organization uuid, to_path text, message jsonb); Type: COMMENT; Schema: agents; Owner: qms_ledger

COMMENT ON FUNCTION agents.outbox_put(for_organization uuid, to_path text, message jsonb) IS 'Puts a message into the outbox.';

-- Name: outbox_retry(bigint[], interval, text, boolean); Type: FUNCTION; Schema: agents; Owner: qms_ledger

CREATE FUNCTION agents.outbox_retry(ids bigint[], delay interval, reason text, give_up boolean) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO ''
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
    SET search_path TO ''
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
    SET search_path TO ''
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
    SET search_path TO ''
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

-- Name: match_embeddings(extensions.vector, integer, text); Type: FUNCTION; Schema: public; Owner: qms_owner

CREATE FUNCTION public.match_embeddings(query_embedding extensions.vector, match_count integer DEFAULT 10, filter_type text DEFAULT NULL::text) RETURNS TABLE(id uuid, content text, content_type text, similarity double precision)
    LANGUAGE sql STABLE
    AS $$
    SELECT
        e.id,
        e.content,
        e.content_type,
        1 - (e.embedding <=> query_embedding) AS similarity
    FROM public.embeddings AS e
    WHERE filter_type IS NULL OR e.content_type = filter_type
    ORDER BY (e.embedding <=> query_embedding) + 0
    LIMIT least(greatest(match_count, 0), 1000)
$$;

ALTER FUNCTION public.match_embeddings(query_embedding extensions.vector, match_count integer, filter_type text) OWNER TO qms_owner;

-- Name: FUNCTION match_embeddings(query_embedding extensions.vector, match_count integer, filter_type text); Type: COMMENT; Schema: public; Owner: qms_owner

COMMENT ON FUNCTION public.match_embeddings(query_embedding extensions.vector, match_count integer, filter_type text) IS 'The stored texts nearest to a vector by cosine similarity, best first; only those of the caller''s organization.';

-- Name: current_actor_kind(); Type: FUNCTION; Schema: qms; Owner: qms_definer

CREATE FUNCTION qms.current_actor_kind() RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$SELECT qms_private.identity() ->> 'kind'$$;

ALTER FUNCTION qms.current_actor_kind() OWNER TO qms_definer;

-- Name: FUNCTION current_actor_kind(); Type: COMMENT; Schema: qms; Owner: qms_definer

COMMENT ON FUNCTION qms.current_actor_kind() IS 'human, agent or system: who holds the pen.';

-- Name: current_organization_id(); Type: FUNCTION; Schema: qms; Owner: qms_definer

CREATE FUNCTION qms.current_organization_id() RETURNS uuid
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$SELECT (qms_private.identity() ->> 'org')::uuid$$;

ALTER FUNCTION qms.current_organization_id() OWNER TO qms_definer;

-- Name: FUNCTION current_organization_id(); Type: COMMENT; Schema: qms; Owner: qms_definer

COMMENT ON FUNCTION qms.current_organization_id() IS 'The organization of the caller. Use as (SELECT qms.current_organization_id()) in policies.';

-- Name: current_user_id(); Type: FUNCTION; Schema: qms; Owner: qms_definer

CREATE FUNCTION qms.current_user_id() RETURNS uuid
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$SELECT (qms_private.identity() ->> 'sub')::uuid$$;

ALTER FUNCTION qms.current_user_id() OWNER TO qms_definer;

-- Name: FUNCTION current_user_id(); Type: COMMENT; Schema: qms; Owner: qms_definer

COMMENT ON FUNCTION qms.current_user_id() IS 'The person who acts, or on whose behalf an agent acts.';

-- Name: has_role(text); Type: FUNCTION; Schema: qms; Owner: qms_definer

CREATE FUNCTION qms.has_role(wanted text) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$SELECT coalesce(qms_private.identity() -> 'roles' ? wanted, false)$$;

ALTER FUNCTION qms.has_role(wanted text) OWNER TO qms_definer;

-- Name: FUNCTION has_role(wanted text); Type: COMMENT; Schema: qms; Owner: qms_definer

COMMENT ON FUNCTION qms.has_role(wanted text) IS 'Whether the caller has this role in the current organization.';

-- Name: keep_decisions(); Type: FUNCTION; Schema: qms; Owner: qms_owner

CREATE FUNCTION qms.keep_decisions() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO ''
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

-- Name: keep_drafts(); Type: FUNCTION; Schema: qms; Owner: qms_owner

CREATE FUNCTION qms.keep_drafts() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO ''
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

-- Name: may_write(); Type: FUNCTION; Schema: qms; Owner: qms_definer

CREATE FUNCTION qms.may_write() RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$SELECT coalesce(jsonb_array_length((qms_private.identity() -> 'roles') - 'auditor') > 0, false)$$;

ALTER FUNCTION qms.may_write() OWNER TO qms_definer;

-- Name: FUNCTION may_write(); Type: COMMENT; Schema: qms; Owner: qms_definer

COMMENT ON FUNCTION qms.may_write() IS 'False for someone who is only an auditor: reads all, writes none.';

-- Name: record_change(); Type: FUNCTION; Schema: qms; Owner: qms_definer

CREATE FUNCTION qms.record_change() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
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

-- Name: refuse_change(); Type: FUNCTION; Schema: qms; Owner: qms_owner

CREATE FUNCTION qms.refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
BEGIN
    RAISE EXCEPTION '%.% is append-only: % is refused', tg_table_schema, tg_table_name, tg_op
    USING ERRCODE = 'QM003';
END
$$;

ALTER FUNCTION qms.refuse_change() OWNER TO qms_owner;

-- Name: FUNCTION refuse_change(); Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON FUNCTION qms.refuse_change() IS 'Refuses what would alter or remove recorded rows.';

-- Name: touch_updated_at(); Type: FUNCTION; Schema: qms; Owner: qms_owner

CREATE FUNCTION qms.touch_updated_at() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
BEGIN
    new.updated_at := clock_timestamp();
    RETURN new;
END
$$;

ALTER FUNCTION qms.touch_updated_at() OWNER TO qms_owner;

-- Name: FUNCTION touch_updated_at(); Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON FUNCTION qms.touch_updated_at() IS 'Keeps updated_at by the clock of the server.';

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
    CONSTRAINT approvals_channel_check CHECK ((channel = ANY (ARRAY['terminal'::text, 'elicitation'::text, 'page'::text]))),
    CONSTRAINT approvals_content_sha256_check CHECK ((content_sha256 ~ '^[0-9a-f]{64}$'::text)),
    CONSTRAINT approvals_requested_kind_check CHECK ((requested_kind = ANY (ARRAY['human'::text, 'agent'::text, 'system'::text]))),
    CONSTRAINT approvals_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'approved'::text, 'rejected'::text, 'used'::text]))),
    CONSTRAINT decided_by_someone CHECK (((state = 'pending'::text) = ((decided_by IS NULL) AND (decided_at IS NULL) AND (channel IS NULL)))),
    CONSTRAINT hash_of_content CHECK ((content_sha256 = encode(sha256(convert_to(content, 'UTF8'::name)), 'hex'::text))),
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

-- Name: confirm_approval(uuid, text); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.confirm_approval(approval_id uuid, verdict text) RETURNS qms.approvals
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
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

-- Name: decide_approval(uuid, uuid, text, text, text); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.decide_approval(approval_id uuid, by_user uuid, verdict text, via text, why text) RETURNS qms.approvals
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
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

-- Name: identity(); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.identity() RETURNS jsonb
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
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
    -- A ticket may be seconds old; a membership that has ended since counts at once.
    IF NOT EXISTS (
        SELECT FROM qms.memberships AS m
        WHERE
            m.user_id = (claims ->> 'sub')::uuid AND m.organization_id = (claims ->> 'org')::uuid
            AND m.valid_from <= clock_timestamp() AND (m.valid_to IS NULL OR m.valid_to > clock_timestamp())
    ) THEN
        RETURN NULL;
    END IF;
    RETURN claims;
END
$$;

ALTER FUNCTION qms_private.identity() OWNER TO qms_definer;

-- Name: FUNCTION identity(); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.identity() IS 'The verified claims of this transaction, or null: forged, foreign or expired tickets count as none.';

-- Name: memberships_of(uuid); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.memberships_of(for_user uuid) RETURNS TABLE(organization_id uuid, roles text[], slug text, organization_name text, email text)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO ''
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
    SET search_path TO ''
    AS $$
DECLARE
    granted text [];
    payload text;
BEGIN
    SELECT m.roles INTO granted
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
    IF as_kind NOT IN ('human', 'agent', 'system') THEN
        RAISE EXCEPTION 'actor_kind must be human, agent or system' USING ERRCODE = 'QM002';
    END IF;
    payload := jsonb_build_object(
        'sub', for_user, 'org', for_organization, 'kind', as_kind, 'roles', to_jsonb(granted),
        'pid', backend_pid, 'exp', extract(epoch FROM clock_timestamp())::bigint + 300
    )::text;
    RETURN qms_private.sign_identity(payload) || '.' || payload;
END
$$;

ALTER FUNCTION qms_private.mint_identity(for_user uuid, for_organization uuid, as_kind text, backend_pid integer) OWNER TO qms_definer;

-- Name: FUNCTION mint_identity(for_user uuid, for_organization uuid, as_kind text, backend_pid integer); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.mint_identity(for_user uuid, for_organization uuid, as_kind text, backend_pid integer) IS 'A signed identity for one database connection and five minutes. Error QM001 when the membership is not valid.';

-- Name: request_approval(text, uuid, text, text, text, text); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.request_approval(for_tool text, for_subject uuid, in_words text, exactly text, why text, through_client text) RETURNS qms.approvals
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
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

-- Name: sign_identity(text); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.sign_identity(payload text) RETURNS text
    LANGUAGE sql STABLE STRICT SECURITY DEFINER
    SET search_path TO ''
    AS $$
    SELECT encode(sha256(k.outer_pad || sha256(k.inner_pad || convert_to(payload, 'UTF8'))), 'hex')
    FROM qms_private.identity_key AS k
$$;

ALTER FUNCTION qms_private.sign_identity(payload text) OWNER TO qms_definer;

-- Name: FUNCTION sign_identity(payload text); Type: COMMENT; Schema: qms_private; Owner: qms_definer

COMMENT ON FUNCTION qms_private.sign_identity(payload text) IS 'HMAC-SHA-256 of a payload, in hex.';

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
    SET search_path TO ''
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

-- Name: use_approval(uuid, uuid, text); Type: FUNCTION; Schema: qms_private; Owner: qms_definer

CREATE FUNCTION qms_private.use_approval(approval_id uuid, for_subject uuid, expected_sha256 text) RETURNS qms.approvals
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
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

-- Name: embeddings; Type: TABLE; Schema: public; Owner: qms_owner

CREATE TABLE public.embeddings (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    content text NOT NULL,
    content_type text NOT NULL,
    source_id uuid,
    source_table text,
    embedding extensions.vector(1536) NOT NULL,
    metadata jsonb DEFAULT '{}'::jsonb,
    created_at timestamp with time zone DEFAULT now()
);
ALTER TABLE ONLY public.embeddings ALTER COLUMN content SET STATISTICS 0;

ALTER TABLE ONLY public.embeddings FORCE ROW LEVEL SECURITY;

ALTER TABLE public.embeddings OWNER TO qms_owner;

-- Name: TABLE embeddings; Type: COMMENT; Schema: public; Owner: qms_owner

COMMENT ON TABLE public.embeddings IS 'Texts with their vectors, whatever table they come from.';

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
    CONSTRAINT audit_logs_actor_kind_check CHECK ((actor_kind = ANY (ARRAY['human'::text, 'agent'::text, 'system'::text])))
);

ALTER TABLE ONLY qms.audit_logs FORCE ROW LEVEL SECURITY;

ALTER TABLE qms.audit_logs OWNER TO qms_owner;

-- Name: TABLE audit_logs; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON TABLE qms.audit_logs IS 'Who changed what, written by triggers in the transaction of the change. Append-only.';

-- Name: COLUMN audit_logs.changes; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON COLUMN qms.audit_logs.changes IS 'Per field that changed: its old and its new value.';

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
    created_at timestamp with time zone DEFAULT now()
);

ALTER TABLE ONLY qms.compliance_records FORCE ROW LEVEL SECURITY;

ALTER TABLE qms.compliance_records OWNER TO qms_owner;

-- Name: TABLE compliance_records; Type: COMMENT; Schema: qms; Owner: qms_owner

COMMENT ON TABLE qms.compliance_records IS 'Requirement by requirement: what evidence there is and when it was reviewed.';

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
    updated_at timestamp with time zone DEFAULT now()
);
ALTER TABLE ONLY qms.quality_items ALTER COLUMN title SET STATISTICS 0;
ALTER TABLE ONLY qms.quality_items ALTER COLUMN description SET STATISTICS 0;

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

-- Name: embeddings embeddings_pkey; Type: CONSTRAINT; Schema: public; Owner: qms_owner

ALTER TABLE ONLY public.embeddings
    ADD CONSTRAINT embeddings_pkey PRIMARY KEY (id);

-- Name: approvals approvals_pkey; Type: CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.approvals
    ADD CONSTRAINT approvals_pkey PRIMARY KEY (id);

-- Name: audit_logs audit_logs_pkey; Type: CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.audit_logs
    ADD CONSTRAINT audit_logs_pkey PRIMARY KEY (id);

-- Name: compliance_records compliance_records_pkey; Type: CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.compliance_records
    ADD CONSTRAINT compliance_records_pkey PRIMARY KEY (id);

-- Name: memberships memberships_pkey; Type: CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.memberships
    ADD CONSTRAINT memberships_pkey PRIMARY KEY (id);

-- Name: migration_drafts migration_drafts_pkey; Type: CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.migration_drafts
    ADD CONSTRAINT migration_drafts_pkey PRIMARY KEY (id);

-- Name: migration_drafts migration_drafts_version_key; Type: CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.migration_drafts
    ADD CONSTRAINT migration_drafts_version_key UNIQUE (version);

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

-- Name: transform_drafts transform_drafts_pkey; Type: CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.transform_drafts
    ADD CONSTRAINT transform_drafts_pkey PRIMARY KEY (id);

-- Name: credentials credentials_pkey; Type: CONSTRAINT; Schema: qms_private; Owner: qms_owner

ALTER TABLE ONLY qms_private.credentials
    ADD CONSTRAINT credentials_pkey PRIMARY KEY (user_id);

-- Name: identity_key identity_key_pkey; Type: CONSTRAINT; Schema: qms_private; Owner: qms_owner

ALTER TABLE ONLY qms_private.identity_key
    ADD CONSTRAINT identity_key_pkey PRIMARY KEY (singleton);

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

-- Name: embeddings_org; Type: INDEX; Schema: public; Owner: qms_owner

CREATE INDEX embeddings_org ON public.embeddings USING btree (organization_id, content_type);

-- Name: embeddings_source; Type: INDEX; Schema: public; Owner: qms_owner

CREATE INDEX embeddings_source ON public.embeddings USING btree (source_table, source_id);

-- Name: idx_embeddings_vector; Type: INDEX; Schema: public; Owner: qms_owner

CREATE INDEX idx_embeddings_vector ON public.embeddings USING hnsw (embedding extensions.vector_cosine_ops);

-- Name: approvals_decided_by; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX approvals_decided_by ON qms.approvals USING btree (decided_by);

-- Name: approvals_org; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX approvals_org ON qms.approvals USING btree (organization_id, state, created_at);

-- Name: approvals_requested_by; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX approvals_requested_by ON qms.approvals USING btree (requested_by);

-- Name: approvals_subject; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX approvals_subject ON qms.approvals USING btree (subject_id);

-- Name: audit_logs_actor; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX audit_logs_actor ON qms.audit_logs USING btree (actor_id);

-- Name: audit_logs_entity; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX audit_logs_entity ON qms.audit_logs USING btree (organization_id, entity_type, entity_id, created_at);

-- Name: compliance_records_org; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX compliance_records_org ON qms.compliance_records USING btree (organization_id, standard, requirement);

-- Name: idx_quality_items_org; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX idx_quality_items_org ON qms.quality_items USING btree (organization_id, category, status);

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

-- Name: quality_items_assigned; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX quality_items_assigned ON qms.quality_items USING btree (assigned_to);

-- Name: quality_items_due; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX quality_items_due ON qms.quality_items USING btree (organization_id, due_date);

-- Name: transform_drafts_drafted_by; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX transform_drafts_drafted_by ON qms.transform_drafts USING btree (drafted_by);

-- Name: transform_drafts_org; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX transform_drafts_org ON qms.transform_drafts USING btree (organization_id, created_at);

-- Name: transform_drafts_text; Type: INDEX; Schema: qms; Owner: qms_owner

CREATE INDEX transform_drafts_text ON qms.transform_drafts USING btree (organization_id, sha256);

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

-- Name: audit_logs append_only; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON qms.audit_logs FOR EACH ROW EXECUTE FUNCTION qms.refuse_change();

-- Name: audit_logs append_only_truncate; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON qms.audit_logs FOR EACH STATEMENT EXECUTE FUNCTION qms.refuse_change();

-- Name: migration_drafts applied_once; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER applied_once BEFORE DELETE OR UPDATE ON qms.migration_drafts FOR EACH ROW EXECUTE FUNCTION qms.keep_drafts();

-- Name: transform_drafts applied_once; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER applied_once BEFORE DELETE OR UPDATE ON qms.transform_drafts FOR EACH ROW EXECUTE FUNCTION qms.keep_drafts();

-- Name: approvals decided_once; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER decided_once BEFORE DELETE OR UPDATE ON qms.approvals FOR EACH ROW EXECUTE FUNCTION qms.keep_decisions();

-- Name: compliance_records never_deleted; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER never_deleted BEFORE DELETE ON qms.compliance_records FOR EACH ROW EXECUTE FUNCTION qms.refuse_change();

-- Name: quality_items never_deleted; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER never_deleted BEFORE DELETE ON qms.quality_items FOR EACH ROW EXECUTE FUNCTION qms.refuse_change();

-- Name: approvals never_truncated; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER never_truncated BEFORE TRUNCATE ON qms.approvals FOR EACH STATEMENT EXECUTE FUNCTION qms.refuse_change();

-- Name: compliance_records never_truncated; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER never_truncated BEFORE TRUNCATE ON qms.compliance_records FOR EACH STATEMENT EXECUTE FUNCTION qms.refuse_change();

-- Name: migration_drafts never_truncated; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER never_truncated BEFORE TRUNCATE ON qms.migration_drafts FOR EACH STATEMENT EXECUTE FUNCTION qms.refuse_change();

-- Name: quality_items never_truncated; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER never_truncated BEFORE TRUNCATE ON qms.quality_items FOR EACH STATEMENT EXECUTE FUNCTION qms.refuse_change();

-- Name: transform_drafts never_truncated; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER never_truncated BEFORE TRUNCATE ON qms.transform_drafts FOR EACH STATEMENT EXECUTE FUNCTION qms.refuse_change();

-- Name: compliance_records record_change; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER record_change AFTER INSERT OR UPDATE ON qms.compliance_records FOR EACH ROW EXECUTE FUNCTION qms.record_change();

-- Name: quality_items record_change; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER record_change AFTER INSERT OR UPDATE ON qms.quality_items FOR EACH ROW EXECUTE FUNCTION qms.record_change();

-- Name: quality_items touch_updated_at; Type: TRIGGER; Schema: qms; Owner: qms_owner

CREATE TRIGGER touch_updated_at BEFORE UPDATE ON qms.quality_items FOR EACH ROW EXECUTE FUNCTION qms.touch_updated_at();

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

-- Name: embeddings embeddings_organization_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: qms_owner

ALTER TABLE ONLY public.embeddings
    ADD CONSTRAINT embeddings_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES qms.organizations(id);

-- Name: approvals approvals_decided_by_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.approvals
    ADD CONSTRAINT approvals_decided_by_fkey FOREIGN KEY (decided_by) REFERENCES auth.users(id);

-- Name: approvals approvals_organization_id_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.approvals
    ADD CONSTRAINT approvals_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES qms.organizations(id);

-- Name: approvals approvals_requested_by_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.approvals
    ADD CONSTRAINT approvals_requested_by_fkey FOREIGN KEY (requested_by) REFERENCES auth.users(id);

-- Name: audit_logs audit_logs_actor_id_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.audit_logs
    ADD CONSTRAINT audit_logs_actor_id_fkey FOREIGN KEY (actor_id) REFERENCES auth.users(id);

-- Name: audit_logs audit_logs_organization_id_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.audit_logs
    ADD CONSTRAINT audit_logs_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES qms.organizations(id);

-- Name: compliance_records compliance_records_organization_id_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.compliance_records
    ADD CONSTRAINT compliance_records_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES qms.organizations(id);

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

-- Name: people people_user_id_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.people
    ADD CONSTRAINT people_user_id_fkey FOREIGN KEY (user_id) REFERENCES auth.users(id);

-- Name: quality_items quality_items_assigned_to_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.quality_items
    ADD CONSTRAINT quality_items_assigned_to_fkey FOREIGN KEY (assigned_to) REFERENCES auth.users(id);

-- Name: quality_items quality_items_organization_id_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.quality_items
    ADD CONSTRAINT quality_items_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES qms.organizations(id);

-- Name: transform_drafts transform_drafts_drafted_by_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.transform_drafts
    ADD CONSTRAINT transform_drafts_drafted_by_fkey FOREIGN KEY (drafted_by) REFERENCES auth.users(id);

-- Name: transform_drafts transform_drafts_organization_id_fkey; Type: FK CONSTRAINT; Schema: qms; Owner: qms_owner

ALTER TABLE ONLY qms.transform_drafts
    ADD CONSTRAINT transform_drafts_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES qms.organizations(id);

-- Name: credentials credentials_user_id_fkey; Type: FK CONSTRAINT; Schema: qms_private; Owner: qms_owner

ALTER TABLE ONLY qms_private.credentials
    ADD CONSTRAINT credentials_user_id_fkey FOREIGN KEY (user_id) REFERENCES auth.users(id);

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

-- Name: embeddings add_own; Type: POLICY; Schema: public; Owner: qms_owner

CREATE POLICY add_own ON public.embeddings FOR INSERT TO qms_app WITH CHECK (((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)) AND ( SELECT qms.may_write() AS may_write)));

-- Name: embeddings change_own; Type: POLICY; Schema: public; Owner: qms_owner

CREATE POLICY change_own ON public.embeddings FOR UPDATE TO qms_app USING (((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)) AND ( SELECT qms.may_write() AS may_write))) WITH CHECK ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: embeddings; Type: ROW SECURITY; Schema: public; Owner: qms_owner

ALTER TABLE public.embeddings ENABLE ROW LEVEL SECURITY;

-- Name: embeddings read_own; Type: POLICY; Schema: public; Owner: qms_owner

CREATE POLICY read_own ON public.embeddings FOR SELECT TO qms_app, qms_sql USING ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: compliance_records add_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY add_own ON qms.compliance_records FOR INSERT TO qms_app WITH CHECK (((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)) AND ( SELECT qms.may_write() AS may_write)));

-- Name: quality_items add_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY add_own ON qms.quality_items FOR INSERT TO qms_app WITH CHECK (((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)) AND ( SELECT qms.may_write() AS may_write)));

-- Name: approvals administration; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY administration ON qms.approvals TO qms_definer USING (true) WITH CHECK (true);

-- Name: memberships administration; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY administration ON qms.memberships TO qms_definer USING (true) WITH CHECK (true);

-- Name: migration_drafts administration; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY administration ON qms.migration_drafts TO qms_definer USING (true) WITH CHECK (true);

-- Name: organizations administration; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY administration ON qms.organizations TO qms_definer USING (true) WITH CHECK (true);

-- Name: people administration; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY administration ON qms.people TO qms_definer USING (true) WITH CHECK (true);

-- Name: transform_drafts administration; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY administration ON qms.transform_drafts FOR SELECT TO qms_definer USING (true);

-- Name: transform_drafts apply_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY apply_own ON qms.transform_drafts FOR UPDATE TO qms_app USING (((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)) AND (state = 'draft'::text) AND ( SELECT qms.may_write() AS may_write))) WITH CHECK ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: approvals; Type: ROW SECURITY; Schema: qms; Owner: qms_owner

ALTER TABLE qms.approvals ENABLE ROW LEVEL SECURITY;

-- Name: audit_logs; Type: ROW SECURITY; Schema: qms; Owner: qms_owner

ALTER TABLE qms.audit_logs ENABLE ROW LEVEL SECURITY;

-- Name: compliance_records change_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY change_own ON qms.compliance_records FOR UPDATE TO qms_app USING (((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)) AND ( SELECT qms.may_write() AS may_write))) WITH CHECK ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: quality_items change_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY change_own ON qms.quality_items FOR UPDATE TO qms_app USING (((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)) AND ( SELECT qms.may_write() AS may_write))) WITH CHECK ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: people colleagues; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY colleagues ON qms.people FOR SELECT TO qms_app, qms_sql USING ((EXISTS ( SELECT
   FROM qms.memberships m
  WHERE (m.user_id = people.user_id))));

-- Name: compliance_records; Type: ROW SECURITY; Schema: qms; Owner: qms_owner

ALTER TABLE qms.compliance_records ENABLE ROW LEVEL SECURITY;

-- Name: migration_drafts draft_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY draft_own ON qms.migration_drafts FOR INSERT TO qms_app WITH CHECK (((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)) AND (drafted_by = ( SELECT qms.current_user_id() AS current_user_id)) AND (drafted_kind = ( SELECT qms.current_actor_kind() AS current_actor_kind)) AND ( SELECT qms.has_role('admin'::text) AS has_role) AND (state = 'draft'::text)));

-- Name: transform_drafts draft_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY draft_own ON qms.transform_drafts FOR INSERT TO qms_app WITH CHECK (((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)) AND (drafted_by = ( SELECT qms.current_user_id() AS current_user_id)) AND (drafted_kind = ( SELECT qms.current_actor_kind() AS current_actor_kind)) AND ( SELECT qms.may_write() AS may_write) AND (state = 'draft'::text)));

-- Name: memberships; Type: ROW SECURITY; Schema: qms; Owner: qms_owner

ALTER TABLE qms.memberships ENABLE ROW LEVEL SECURITY;

-- Name: migration_drafts; Type: ROW SECURITY; Schema: qms; Owner: qms_owner

ALTER TABLE qms.migration_drafts ENABLE ROW LEVEL SECURITY;

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

-- Name: audit_logs read_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY read_own ON qms.audit_logs FOR SELECT TO qms_app, qms_sql USING ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: compliance_records read_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY read_own ON qms.compliance_records FOR SELECT TO qms_app, qms_sql USING ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: migration_drafts read_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY read_own ON qms.migration_drafts FOR SELECT TO qms_app, qms_sql USING ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: quality_items read_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY read_own ON qms.quality_items FOR SELECT TO qms_app, qms_sql USING ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: transform_drafts read_own; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY read_own ON qms.transform_drafts FOR SELECT TO qms_app, qms_sql USING ((organization_id = ( SELECT qms.current_organization_id() AS current_organization_id)));

-- Name: audit_logs trail; Type: POLICY; Schema: qms; Owner: qms_owner

CREATE POLICY trail ON qms.audit_logs FOR INSERT TO qms_definer WITH CHECK (true);

-- Name: transform_drafts; Type: ROW SECURITY; Schema: qms; Owner: qms_owner

ALTER TABLE qms.transform_drafts ENABLE ROW LEVEL SECURITY;

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

-- Name: FUNCTION match_embeddings(query_embedding extensions.vector, match_count integer, filter_type text); Type: ACL; Schema: public; Owner: qms_owner

REVOKE ALL ON FUNCTION public.match_embeddings(query_embedding extensions.vector, match_count integer, filter_type text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.match_embeddings(query_embedding extensions.vector, match_count integer, filter_type text) TO qms_app;
GRANT ALL ON FUNCTION public.match_embeddings(query_embedding extensions.vector, match_count integer, filter_type text) TO qms_sql;

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

-- Name: FUNCTION has_role(wanted text); Type: ACL; Schema: qms; Owner: qms_definer

REVOKE ALL ON FUNCTION qms.has_role(wanted text) FROM PUBLIC;
GRANT ALL ON FUNCTION qms.has_role(wanted text) TO qms_app;
GRANT ALL ON FUNCTION qms.has_role(wanted text) TO qms_sql;
GRANT ALL ON FUNCTION qms.has_role(wanted text) TO qms_ledger;

-- Name: FUNCTION keep_decisions(); Type: ACL; Schema: qms; Owner: qms_owner

REVOKE ALL ON FUNCTION qms.keep_decisions() FROM PUBLIC;

-- Name: FUNCTION keep_drafts(); Type: ACL; Schema: qms; Owner: qms_owner

REVOKE ALL ON FUNCTION qms.keep_drafts() FROM PUBLIC;

-- Name: FUNCTION may_write(); Type: ACL; Schema: qms; Owner: qms_definer

REVOKE ALL ON FUNCTION qms.may_write() FROM PUBLIC;
GRANT ALL ON FUNCTION qms.may_write() TO qms_app;
GRANT ALL ON FUNCTION qms.may_write() TO qms_sql;
GRANT ALL ON FUNCTION qms.may_write() TO qms_ledger;

-- Name: FUNCTION record_change(); Type: ACL; Schema: qms; Owner: qms_definer

REVOKE ALL ON FUNCTION qms.record_change() FROM PUBLIC;
GRANT ALL ON FUNCTION qms.record_change() TO qms_owner;

-- Name: FUNCTION refuse_change(); Type: ACL; Schema: qms; Owner: qms_owner

REVOKE ALL ON FUNCTION qms.refuse_change() FROM PUBLIC;

-- Name: FUNCTION touch_updated_at(); Type: ACL; Schema: qms; Owner: qms_owner

REVOKE ALL ON FUNCTION qms.touch_updated_at() FROM PUBLIC;

-- Name: TABLE approvals; Type: ACL; Schema: qms; Owner: qms_owner

GRANT SELECT,INSERT,UPDATE ON TABLE qms.approvals TO qms_definer;
GRANT SELECT ON TABLE qms.approvals TO qms_app;
GRANT SELECT ON TABLE qms.approvals TO qms_sql;

-- Name: FUNCTION confirm_approval(approval_id uuid, verdict text); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.confirm_approval(approval_id uuid, verdict text) FROM PUBLIC;
GRANT ALL ON FUNCTION qms_private.confirm_approval(approval_id uuid, verdict text) TO qms_app;

-- Name: FUNCTION decide_approval(approval_id uuid, by_user uuid, verdict text, via text, why text); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.decide_approval(approval_id uuid, by_user uuid, verdict text, via text, why text) FROM PUBLIC;
GRANT ALL ON FUNCTION qms_private.decide_approval(approval_id uuid, by_user uuid, verdict text, via text, why text) TO qms_owner;

-- Name: FUNCTION identity(); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.identity() FROM PUBLIC;

-- Name: FUNCTION memberships_of(for_user uuid); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.memberships_of(for_user uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION qms_private.memberships_of(for_user uuid) TO qms_server;
GRANT ALL ON FUNCTION qms_private.memberships_of(for_user uuid) TO qms_owner;

-- Name: FUNCTION mint_identity(for_user uuid, for_organization uuid, as_kind text, backend_pid integer); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.mint_identity(for_user uuid, for_organization uuid, as_kind text, backend_pid integer) FROM PUBLIC;
GRANT ALL ON FUNCTION qms_private.mint_identity(for_user uuid, for_organization uuid, as_kind text, backend_pid integer) TO qms_server;
GRANT ALL ON FUNCTION qms_private.mint_identity(for_user uuid, for_organization uuid, as_kind text, backend_pid integer) TO qms_owner;

-- Name: FUNCTION request_approval(for_tool text, for_subject uuid, in_words text, exactly text, why text, through_client text); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.request_approval(for_tool text, for_subject uuid, in_words text, exactly text, why text, through_client text) FROM PUBLIC;
GRANT ALL ON FUNCTION qms_private.request_approval(for_tool text, for_subject uuid, in_words text, exactly text, why text, through_client text) TO qms_app;

-- Name: FUNCTION run_script(script text); Type: ACL; Schema: qms_private; Owner: qms_owner

REVOKE ALL ON FUNCTION qms_private.run_script(script text) FROM PUBLIC;

-- Name: FUNCTION sign_identity(payload text); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.sign_identity(payload text) FROM PUBLIC;

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

-- Name: FUNCTION use_approval(approval_id uuid, for_subject uuid, expected_sha256 text); Type: ACL; Schema: qms_private; Owner: qms_definer

REVOKE ALL ON FUNCTION qms_private.use_approval(approval_id uuid, for_subject uuid, expected_sha256 text) FROM PUBLIC;
GRANT ALL ON FUNCTION qms_private.use_approval(approval_id uuid, for_subject uuid, expected_sha256 text) TO qms_app;

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

-- Name: TABLE embeddings; Type: ACL; Schema: public; Owner: qms_owner

GRANT SELECT,INSERT,UPDATE ON TABLE public.embeddings TO qms_app;
GRANT SELECT ON TABLE public.embeddings TO qms_sql;

-- Name: TABLE audit_logs; Type: ACL; Schema: qms; Owner: qms_owner

GRANT INSERT ON TABLE qms.audit_logs TO qms_definer;
GRANT SELECT ON TABLE qms.audit_logs TO qms_app;
GRANT SELECT ON TABLE qms.audit_logs TO qms_sql;

-- Name: TABLE compliance_records; Type: ACL; Schema: qms; Owner: qms_owner

GRANT SELECT,INSERT,UPDATE ON TABLE qms.compliance_records TO qms_app;
GRANT SELECT ON TABLE qms.compliance_records TO qms_sql;

-- Name: TABLE memberships; Type: ACL; Schema: qms; Owner: qms_owner

GRANT SELECT ON TABLE qms.memberships TO qms_app;
GRANT SELECT ON TABLE qms.memberships TO qms_sql;
GRANT SELECT,INSERT ON TABLE qms.memberships TO qms_definer;

-- Name: COLUMN memberships.valid_to; Type: ACL; Schema: qms; Owner: qms_owner

GRANT UPDATE(valid_to) ON TABLE qms.memberships TO qms_definer;

-- Name: TABLE organizations; Type: ACL; Schema: qms; Owner: qms_owner

GRANT SELECT ON TABLE qms.organizations TO qms_app;
GRANT SELECT ON TABLE qms.organizations TO qms_sql;
GRANT SELECT,INSERT ON TABLE qms.organizations TO qms_definer;

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

-- Name: TABLE quality_items; Type: ACL; Schema: qms; Owner: qms_owner

GRANT SELECT,INSERT,UPDATE ON TABLE qms.quality_items TO qms_app;
GRANT SELECT ON TABLE qms.quality_items TO qms_sql;

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

-- Name: TABLE credentials; Type: ACL; Schema: qms_private; Owner: qms_owner

GRANT SELECT,INSERT,UPDATE ON TABLE qms_private.credentials TO qms_definer;

-- Name: TABLE identity_key; Type: ACL; Schema: qms_private; Owner: qms_owner

GRANT SELECT ON TABLE qms_private.identity_key TO qms_definer;
