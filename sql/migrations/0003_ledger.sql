-- The ledger: every call of a tool, a resource or a prompt, kept before its answer leaves.

CREATE SCHEMA agents;
COMMENT ON SCHEMA agents IS 'What agents did: runs, traces, tool calls, decisions.';
GRANT USAGE ON SCHEMA agents TO qms_app, qms_sql, qms_probe, qms_ledger, qms_definer, qms_server;

-- organization_id has no foreign key and may be null: a refused caller has none, and the record must not fail.
CREATE TABLE agents.agent_runs (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid,
    parent_run_id uuid REFERENCES agents.agent_runs (id),
    agent_type text NOT NULL,
    status text DEFAULT 'running' CHECK (status IN ('running', 'completed', 'failed', 'cancelled', 'lost')),
    input jsonb NOT NULL,
    output jsonb,
    error text,
    duration_ms integer,
    token_usage jsonb DEFAULT '{}',
    user_id uuid,
    actor_kind text CHECK (actor_kind IN ('human', 'agent', 'system')),
    client_name text,
    client_version text,
    protocol_version text,
    server_version text,
    created_at timestamptz DEFAULT now(),
    completed_at timestamptz,
    -- A reference names the organization too: a foreign key alone would reach across.
    UNIQUE (organization_id, id)
);
COMMENT ON TABLE agents.agent_runs IS 'One row per client connection or sub-agent; a sub-agent names its parent.';
CREATE INDEX idx_agent_runs_org ON agents.agent_runs (organization_id, created_at);
CREATE INDEX agent_runs_parent ON agents.agent_runs (parent_run_id);

CREATE TABLE agents.agent_traces (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid,
    run_id uuid REFERENCES agents.agent_runs (id),
    langfuse_trace_id text,
    parent_span_id text,
    span_name text NOT NULL,
    span_type text,
    input jsonb,
    output jsonb,
    metadata jsonb DEFAULT '{}',
    start_time timestamptz NOT NULL,
    end_time timestamptz,
    duration_ms integer
);
COMMENT ON TABLE agents.agent_traces IS 'Spans of a run, with the trace they have in Langfuse.';
CREATE INDEX agent_traces_run ON agents.agent_traces (run_id, start_time);
CREATE INDEX agent_traces_org ON agents.agent_traces (organization_id, start_time);

CREATE TABLE agents.tool_calls (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid,
    trace_id uuid REFERENCES agents.agent_traces (id),
    run_id uuid REFERENCES agents.agent_runs (id),
    kind text NOT NULL DEFAULT 'tool' CHECK (kind IN ('tool', 'resource', 'prompt')),
    tool_name text NOT NULL,
    tool_input jsonb,
    tool_output jsonb,
    success boolean,
    error text,
    error_code text,
    duration_ms integer,
    state text NOT NULL DEFAULT 'unfinished' CHECK (state IN ('unfinished', 'awaiting_input', 'finished')),
    rounds integer NOT NULL DEFAULT 1,
    user_id uuid,
    actor_kind text CHECK (actor_kind IN ('human', 'agent', 'system')),
    client_name text,
    client_version text,
    protocol_version text,
    request_id text,
    tool_use_id text,
    replayed boolean NOT NULL DEFAULT false,
    created_at timestamptz DEFAULT now(),
    finished_at timestamptz,
    CONSTRAINT finished_is_whole CHECK (state <> 'finished' OR (success IS NOT NULL AND finished_at IS NOT NULL))
);
COMMENT ON TABLE agents.tool_calls IS 'Every call, successful or not. A row is written before the work starts; one that stays '
'unfinished belongs to a process that died in it. Append-only: a finished row never changes.';
COMMENT ON COLUMN agents.tool_calls.tool_input IS 'The arguments, secrets masked; a large value is its size, sha256 and beginning.';
COMMENT ON COLUMN agents.tool_calls.tool_output IS 'The answer in the same form.';
COMMENT ON COLUMN agents.tool_calls.tool_use_id IS 'The id the model gave this call, when its client passes it on.';
COMMENT ON COLUMN agents.tool_calls.rounds IS 'How many requests the call took: a call that asks the user something arrives again with the answer.';
COMMENT ON COLUMN agents.tool_calls.replayed IS 'Written later from the local spool, because the database could not be reached at the time.';
CREATE INDEX tool_calls_org ON agents.tool_calls (organization_id, created_at DESC);
CREATE INDEX tool_calls_trace ON agents.tool_calls (trace_id);
CREATE INDEX tool_calls_run ON agents.tool_calls (run_id, created_at);

CREATE TABLE agents.decisions (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL,
    run_id uuid,
    decision text NOT NULL,
    rationale text,
    alternatives jsonb NOT NULL DEFAULT '[]',
    confidence double precision CHECK (confidence BETWEEN 0 AND 1),
    created_at timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (organization_id, run_id) REFERENCES agents.agent_runs (organization_id, id)
);
COMMENT ON TABLE agents.decisions IS 'What an agent chose, between what, and why.';
CREATE INDEX decisions_run ON agents.decisions (run_id);
CREATE INDEX decisions_org ON agents.decisions (organization_id, created_at);

CREATE TABLE agents.context_state (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL,
    run_id uuid,
    step integer NOT NULL CHECK (step >= 0),
    state jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (run_id, step),
    FOREIGN KEY (organization_id, run_id) REFERENCES agents.agent_runs (organization_id, id)
);
COMMENT ON TABLE agents.context_state IS 'Checkpoints of a run: where it goes on after an interruption.';
CREATE INDEX context_state_org ON agents.context_state (organization_id);

CREATE TABLE agents.otlp_outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    organization_id uuid NOT NULL,
    call_id uuid UNIQUE REFERENCES agents.tool_calls (id),
    path text,
    payload jsonb,
    attempts integer NOT NULL DEFAULT 0,
    next_try_at timestamptz NOT NULL DEFAULT now(),
    given_up_at timestamptz,
    last_error text,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT call_or_message CHECK ((call_id IS NULL) = (path IS NOT NULL AND payload IS NOT NULL))
);
COMMENT ON TABLE agents.otlp_outbox IS 'What is on its way to Langfuse: calls, which become spans, and messages such as scores. '
'A call enters in the transaction that finishes it; a row goes when the host has taken it.';
COMMENT ON COLUMN agents.otlp_outbox.path IS 'Where a message is posted; a call goes where spans go.';
COMMENT ON COLUMN agents.otlp_outbox.next_try_at IS 'From when on a server may take the row; also the end of the lease of the one that has it.';
COMMENT ON COLUMN agents.otlp_outbox.given_up_at IS 'When the host had refused it too often; last_error says why.';
CREATE INDEX otlp_outbox_due ON agents.otlp_outbox (organization_id, id) WHERE given_up_at IS NULL;

-- Append-only ---------------------------------------------------------------------------------------------------------

CREATE FUNCTION agents.keep_finished_calls() RETURNS trigger
LANGUAGE plpgsql SET search_path = ''
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
COMMENT ON FUNCTION agents.keep_finished_calls() IS 'Lets a call be finished once, and nothing else.';
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON agents.tool_calls
FOR EACH ROW EXECUTE FUNCTION agents.keep_finished_calls();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON agents.tool_calls
FOR EACH STATEMENT EXECUTE FUNCTION qms.refuse_change();
CREATE TRIGGER never_deleted BEFORE DELETE ON agents.agent_runs
FOR EACH ROW EXECUTE FUNCTION qms.refuse_change();
CREATE TRIGGER never_truncated BEFORE TRUNCATE ON agents.agent_runs
FOR EACH STATEMENT EXECUTE FUNCTION qms.refuse_change();
CREATE TRIGGER never_deleted BEFORE DELETE ON agents.agent_traces
FOR EACH ROW EXECUTE FUNCTION qms.refuse_change();
CREATE TRIGGER never_truncated BEFORE TRUNCATE ON agents.agent_traces
FOR EACH STATEMENT EXECUTE FUNCTION qms.refuse_change();
CREATE TRIGGER never_deleted BEFORE DELETE ON agents.decisions
FOR EACH ROW EXECUTE FUNCTION qms.refuse_change();
CREATE TRIGGER never_truncated BEFORE TRUNCATE ON agents.decisions
FOR EACH STATEMENT EXECUTE FUNCTION qms.refuse_change();
CREATE TRIGGER never_deleted BEFORE DELETE ON agents.context_state
FOR EACH ROW EXECUTE FUNCTION qms.refuse_change();
CREATE TRIGGER never_truncated BEFORE TRUNCATE ON agents.context_state
FOR EACH STATEMENT EXECUTE FUNCTION qms.refuse_change();

-- How the server writes: functions, each repeatable, so that a spool can be replayed without doubling. ------------

CREATE FUNCTION agents.begin_run(run jsonb) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = ''
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
COMMENT ON FUNCTION agents.begin_run(jsonb) IS 'Records a client connection or a sub-agent, once.';

CREATE FUNCTION agents.end_run(ended jsonb) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = ''
AS $$
    SELECT agents.begin_run(ended);

    UPDATE agents.agent_runs AS r
    SET
        status = ended ->> 'status', completed_at = (ended ->> 'ended_at')::timestamptz,
        duration_ms = (extract(EPOCH FROM (ended ->> 'ended_at')::timestamptz - r.created_at) * 1000)::integer
    WHERE r.id = (ended ->> 'id')::uuid AND r.status = 'running'
$$;
COMMENT ON FUNCTION agents.end_run(jsonb) IS 'Ends a run, once.';

CREATE FUNCTION agents.begin_call(call jsonb) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = ''
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
COMMENT ON FUNCTION agents.begin_call(jsonb) IS 'The write-ahead row of a call and its span.';

CREATE FUNCTION agents.resume_call(call jsonb) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = ''
AS $$
    SELECT agents.begin_call(call);

    UPDATE agents.tool_calls AS c
    SET state = 'unfinished'
    WHERE c.id = (call ->> 'id')::uuid AND c.state = 'awaiting_input'
$$;
COMMENT ON FUNCTION agents.resume_call(jsonb) IS 'The write-ahead note that a call goes on with what the user answered.';

CREATE FUNCTION agents.finish_call(outcome jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
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
COMMENT ON FUNCTION agents.finish_call(jsonb) IS 'The outcome of a call, once; a second outcome changes nothing.';

CREATE FUNCTION agents.record(entries jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
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
COMMENT ON FUNCTION agents.record(jsonb) IS 'Writes ledger entries in their order, in one transaction.';

-- How servers empty the outbox: several at once, each with the rows of its own organization. -----------------------

CREATE FUNCTION agents.outbox_put(for_organization uuid, to_path text, message jsonb) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = ''
AS $$
    INSERT INTO agents.otlp_outbox (organization_id, path, payload) VALUES (for_organization, to_path, message)
$$;
COMMENT ON FUNCTION agents.outbox_put(uuid, text, jsonb) IS 'Puts a message into the outbox.';

CREATE FUNCTION agents.outbox_claim(for_organization uuid, max_rows integer, lease interval)
RETURNS TABLE (id bigint, path text, payload jsonb, attempts integer)
LANGUAGE sql SECURITY DEFINER SET search_path = ''
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
COMMENT ON FUNCTION agents.outbox_claim(uuid, integer, interval) IS 'Takes rows for as long as the lease runs, with the calls they stand for.';

CREATE FUNCTION agents.outbox_done(ids bigint []) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = ''
AS $$
    DELETE FROM agents.otlp_outbox AS o WHERE o.id = ANY(ids)
$$;
COMMENT ON FUNCTION agents.outbox_done(bigint []) IS 'The host has these.';

CREATE FUNCTION agents.outbox_retry(ids bigint [], delay interval, reason text, give_up boolean) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = ''
AS $$
    UPDATE agents.otlp_outbox AS o
    SET
        next_try_at = clock_timestamp() + delay, last_error = reason,
        given_up_at = CASE WHEN give_up THEN clock_timestamp() END
    WHERE o.id = ANY(ids)
$$;
COMMENT ON FUNCTION agents.outbox_retry(bigint [], interval, text, boolean) IS 'The host did not take these; they are kept, and tried again unless given up.';

CREATE FUNCTION agents.outbox_trim(for_organization uuid, max_rows integer) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = ''
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
COMMENT ON FUNCTION agents.outbox_trim(uuid, integer) IS 'Drops the oldest rows beyond the limit and says how many.';

GRANT EXECUTE ON FUNCTION agents.record(jsonb), agents.outbox_put(uuid, text, jsonb),
agents.outbox_claim(uuid, integer, interval), agents.outbox_done(bigint []),
agents.outbox_retry(bigint [], interval, text, boolean), agents.outbox_trim(uuid, integer) TO qms_server;
GRANT CREATE ON SCHEMA agents TO qms_ledger;
ALTER FUNCTION agents.record(jsonb) OWNER TO qms_ledger;
ALTER FUNCTION agents.begin_run(jsonb) OWNER TO qms_ledger;
ALTER FUNCTION agents.end_run(jsonb) OWNER TO qms_ledger;
ALTER FUNCTION agents.begin_call(jsonb) OWNER TO qms_ledger;
ALTER FUNCTION agents.resume_call(jsonb) OWNER TO qms_ledger;
ALTER FUNCTION agents.finish_call(jsonb) OWNER TO qms_ledger;
ALTER FUNCTION agents.outbox_put(uuid, text, jsonb) OWNER TO qms_ledger;
ALTER FUNCTION agents.outbox_claim(uuid, integer, interval) OWNER TO qms_ledger;
ALTER FUNCTION agents.outbox_done(bigint []) OWNER TO qms_ledger;
ALTER FUNCTION agents.outbox_retry(bigint [], interval, text, boolean) OWNER TO qms_ledger;
ALTER FUNCTION agents.outbox_trim(uuid, integer) OWNER TO qms_ledger;
REVOKE CREATE ON SCHEMA agents FROM qms_ledger;
-- Where one login is all there is, the owner is also the server.
SET LOCAL ROLE qms_ledger;
GRANT EXECUTE ON FUNCTION agents.record(jsonb) TO SESSION_USER;
RESET ROLE;

GRANT SELECT, INSERT ON agents.agent_runs, agents.agent_traces, agents.tool_calls TO qms_ledger;
GRANT UPDATE (status, output, error, duration_ms, token_usage, completed_at) ON agents.agent_runs TO qms_ledger;
GRANT UPDATE (end_time, duration_ms, output, metadata) ON agents.agent_traces TO qms_ledger;
GRANT UPDATE (state, success, error, error_code, tool_output, duration_ms, finished_at, rounds, replayed)
ON agents.tool_calls TO qms_ledger;
GRANT SELECT, INSERT, UPDATE, DELETE ON agents.otlp_outbox TO qms_ledger;
GRANT SELECT ON agents.agent_runs, agents.agent_traces, agents.tool_calls, agents.decisions, agents.context_state
TO qms_app, qms_sql;
GRANT INSERT ON agents.decisions, agents.context_state TO qms_app;

DO $$
DECLARE
    ledger_table text;
BEGIN
    FOREACH ledger_table IN ARRAY ARRAY['agent_runs', 'agent_traces', 'tool_calls', 'decisions', 'context_state'] LOOP
        EXECUTE format('ALTER TABLE agents.%I ENABLE ROW LEVEL SECURITY', ledger_table);
        EXECUTE format('ALTER TABLE agents.%I FORCE ROW LEVEL SECURITY', ledger_table);
        EXECUTE format(
            'CREATE POLICY read_own ON agents.%I FOR SELECT TO qms_app, qms_sql '
            'USING (organization_id = (SELECT qms.current_organization_id()))', ledger_table
        );
        EXECUTE format(
            'CREATE POLICY ledger ON agents.%I FOR ALL TO qms_ledger USING (true) WITH CHECK (true)', ledger_table
        );
    END LOOP;
END
$$;
-- Nobody but the shipping functions sees the outbox.
ALTER TABLE agents.otlp_outbox ENABLE ROW LEVEL SECURITY;
ALTER TABLE agents.otlp_outbox FORCE ROW LEVEL SECURITY;
CREATE POLICY ledger ON agents.otlp_outbox FOR ALL TO qms_ledger USING (true) WITH CHECK (true);
CREATE POLICY add_own ON agents.decisions FOR INSERT TO qms_app
WITH CHECK (organization_id = (SELECT qms.current_organization_id()) AND (SELECT qms.may_write()));
CREATE POLICY add_own ON agents.context_state FOR INSERT TO qms_app
WITH CHECK (organization_id = (SELECT qms.current_organization_id()) AND (SELECT qms.may_write()));
