-- The tree of a dispatch: dispatch, agent, reply of a model, call. A span around calls has one row, put when it begins
-- and completed when it ends; then it is exported, once.
--
-- What this file changes is on its way elsewhere within seconds (the outbox), or is a function that is made anew: only
-- their owner may touch them, and it may make none.
-- squawk-ignore-file adding-foreign-key-constraint, constraint-missing-not-valid, disallowed-unique-constraint
-- squawk-ignore-file ban-drop-constraint, ban-drop-function, require-concurrent-index-creation

ALTER TABLE agents.otlp_outbox ADD COLUMN span_id uuid UNIQUE REFERENCES agents.agent_traces (id);
COMMENT ON COLUMN agents.otlp_outbox.span_id IS 'A span that is no call: a dispatch, an agent''s part of it, a reply of a model.';
ALTER TABLE agents.otlp_outbox DROP CONSTRAINT call_or_message;
ALTER TABLE agents.otlp_outbox ADD CONSTRAINT call_span_or_message
CHECK (num_nonnulls(call_id, span_id, payload) = 1 AND (path IS NULL) = (payload IS NULL));
COMMENT ON TABLE agents.otlp_outbox IS 'What is on its way to Langfuse: calls and the spans around them, and messages such as scores. '
'A call enters in the transaction that finishes it; a row goes when the host has taken it.';

COMMENT ON COLUMN agents.agent_traces.parent_span_id IS 'The id of the row that holds the span around this one.';
COMMENT ON COLUMN agents.agent_traces.span_type IS 'dispatch, agent or generation, or the kind of a call.';
CREATE INDEX agent_traces_parent ON agents.agent_traces (parent_span_id) WHERE parent_span_id IS NOT NULL;

CREATE FUNCTION agents.put_span(span jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    subject uuid := (span ->> 'id')::uuid;
    of_run uuid := (span -> 'run' ->> 'id')::uuid;
BEGIN
    -- A span brings its run along, as a call does.
    IF of_run IS NOT NULL AND NOT EXISTS (SELECT FROM agents.agent_runs AS r WHERE r.id = of_run) THEN
        PERFORM agents.begin_run(span -> 'run');
    END IF;
    INSERT INTO agents.agent_traces (
        id, organization_id, run_id, langfuse_trace_id, parent_span_id, span_name, span_type, input, metadata, start_time
    )
    VALUES (
        subject, (span ->> 'organization_id')::uuid, of_run, span ->> 'langfuse_trace_id', span ->> 'parent_span_id',
        span ->> 'name', span ->> 'type', nullif(span -> 'input', 'null'), coalesce(span -> 'metadata', '{}'),
        (span ->> 'started_at')::timestamptz
    )
    ON CONFLICT (id) DO NOTHING;
    IF span ->> 'ended_at' IS NULL THEN
        RETURN;
    END IF;
    UPDATE agents.agent_traces AS t
    SET
        end_time = (span ->> 'ended_at')::timestamptz,
        -- A dispatch may have been waiting for longer than the column can say.
        duration_ms = least(
            extract(EPOCH FROM (span ->> 'ended_at')::timestamptz - t.start_time) * 1000, 2147483647
        )::integer,
        output = nullif(span -> 'output', 'null'),
        metadata = t.metadata || coalesce(span -> 'metadata', '{}')
    WHERE
        t.id = subject AND t.end_time IS NULL AND t.span_type = span ->> 'type'
        AND t.organization_id IS NOT DISTINCT FROM (span ->> 'organization_id')::uuid
        -- Whoever took the run over says how the agent's part ended; what was spent before is true all the same.
        AND NOT (
            t.span_type = 'agent' AND EXISTS (
                SELECT
                FROM agents.agent_runs AS r
                WHERE r.id = t.run_id AND r.status = 'running' AND r.fence > (span -> 'run' ->> 'fence')::integer
            )
        );
    IF found AND (span ->> 'to_langfuse')::boolean THEN
        INSERT INTO agents.otlp_outbox (organization_id, span_id)
        SELECT t.organization_id, t.id
        FROM agents.agent_traces AS t
        WHERE t.id = subject AND t.organization_id IS NOT NULL
        ON CONFLICT (span_id) DO NOTHING;
    END IF;
END
$$;
COMMENT ON FUNCTION agents.put_span(jsonb) IS 'Records that a span began or ended, each once; it is exported when it has ended.';

SET LOCAL ROLE qms_ledger;
DROP FUNCTION agents.begin_call(jsonb);
DROP FUNCTION agents.record(jsonb);
DROP FUNCTION agents.outbox_claim(uuid, integer, interval);
RESET ROLE;

CREATE FUNCTION agents.begin_call(call jsonb) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    -- A call brings its run along: the entry that opened the run may lie in the spool of a process that died.
    SELECT agents.begin_run(call -> 'run')
    WHERE NOT EXISTS (SELECT FROM agents.agent_runs AS r WHERE r.id = (call -> 'run' ->> 'id')::uuid);

    WITH trace AS (
        INSERT INTO agents.agent_traces (
            id, organization_id, run_id, langfuse_trace_id, parent_span_id, span_name, span_type, start_time
        )
        VALUES (
            (call ->> 'trace_id')::uuid, (call -> 'run' ->> 'organization_id')::uuid, (call -> 'run' ->> 'id')::uuid,
            call ->> 'langfuse_trace_id', call ->> 'parent_span_id', call ->> 'tool_name', call ->> 'kind',
            (call ->> 'started_at')::timestamptz
        )
        ON CONFLICT (id) DO NOTHING
    )

    INSERT INTO agents.tool_calls (
        id, organization_id, trace_id, run_id, kind, tool_name, tool_input, user_id, actor_kind,
        client_name, client_version, protocol_version, request_id, tool_use_id, replayed, fence, created_at
    )
    VALUES (
        (call ->> 'id')::uuid, (call -> 'run' ->> 'organization_id')::uuid, (call ->> 'trace_id')::uuid,
        (call -> 'run' ->> 'id')::uuid, call ->> 'kind', call ->> 'tool_name', call -> 'tool_input',
        (call -> 'run' ->> 'user_id')::uuid, call -> 'run' ->> 'actor_kind', call -> 'run' ->> 'client_name',
        call -> 'run' ->> 'client_version', call -> 'run' ->> 'protocol_version', call ->> 'request_id',
        call ->> 'tool_use_id', coalesce((call ->> 'replayed')::boolean, false),
        (call -> 'run' ->> 'fence')::integer, (call ->> 'started_at')::timestamptz
    )
    ON CONFLICT (id) DO NOTHING
$$;
COMMENT ON FUNCTION agents.begin_call(jsonb) IS 'The write-ahead row of a call and its span.';

CREATE FUNCTION agents.record(entries jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
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
            WHEN 'put_span' THEN PERFORM agents.put_span(entry);
        END CASE;
    END LOOP;
END
$$;
COMMENT ON FUNCTION agents.record(jsonb) IS 'Writes ledger entries in their order, in one transaction.';

CREATE FUNCTION agents.outbox_claim(for_organization uuid, max_rows integer, lease interval)
RETURNS TABLE (id bigint, path text, payload jsonb, attempts integer)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
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
        CASE
            WHEN l.payload IS NOT NULL THEN l.payload
            -- A call of a sub-agent says where in its dispatch it stands.
            WHEN l.call_id IS NOT NULL
                THEN to_jsonb(c) || jsonb_build_object(
                    'langfuse_trace_id', t.langfuse_trace_id, 'parent_span_id', t.parent_span_id,
                    'dispatch_id', r.dispatch_id, 'agent', CASE WHEN r.dispatch_id IS NOT NULL THEN r.agent_type END
                )
            ELSE to_jsonb(s)
        END AS payload,
        l.attempts
    FROM leased AS l
    LEFT JOIN agents.tool_calls AS c ON c.id = l.call_id
    LEFT JOIN agents.agent_traces AS t ON t.id = c.trace_id
    LEFT JOIN agents.agent_runs AS r ON r.id = c.run_id
    LEFT JOIN agents.agent_traces AS s ON s.id = l.span_id
    ORDER BY l.id
$$;
COMMENT ON FUNCTION agents.outbox_claim(uuid, integer, interval) IS
'Takes rows for as long as the lease runs, with the calls and spans they stand for.';

GRANT EXECUTE ON FUNCTION agents.record(jsonb), agents.outbox_claim(uuid, integer, interval) TO qms_server;
GRANT CREATE ON SCHEMA agents TO qms_ledger;
ALTER FUNCTION agents.put_span(jsonb) OWNER TO qms_ledger;
ALTER FUNCTION agents.begin_call(jsonb) OWNER TO qms_ledger;
ALTER FUNCTION agents.record(jsonb) OWNER TO qms_ledger;
ALTER FUNCTION agents.outbox_claim(uuid, integer, interval) OWNER TO qms_ledger;
REVOKE CREATE ON SCHEMA agents FROM qms_ledger;
-- Where one login is all there is, the owner is also the server.
SET LOCAL ROLE qms_ledger;
GRANT EXECUTE ON FUNCTION agents.record(jsonb) TO SESSION_USER;
RESET ROLE;
