-- Dispatches: what was asked of several agents at once, task by task, and who works on it.
--
-- A run belongs to the process that took it last: taking it raises its fence, and whatever comes with an older fence
-- (a checkpoint, an outcome, a change of a record) is refused. So a process that was frozen and taken over does no harm
-- when it wakes.
--
-- The runner takes an advisory lock and sets a lock time-out; the tables altered here are small or append-only.
-- squawk-ignore-file require-concurrent-index-creation, constraint-missing-not-valid, ban-drop-constraint

CREATE TABLE agents.executors (
    id text PRIMARY KEY,
    organization_id uuid,
    user_id uuid,
    kind text NOT NULL CHECK (kind IN ('server', 'worker')),
    host text NOT NULL,
    pid integer NOT NULL,
    version text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    beat_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT server_has_person CHECK ((kind = 'server') = (organization_id IS NOT NULL AND user_id IS NOT NULL))
);
COMMENT ON TABLE agents.executors IS 'Processes that run agents, by their heartbeat; a server works for one person, a worker for all.';
CREATE INDEX executors_org ON agents.executors (organization_id);

CREATE TABLE agents.dispatches (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL REFERENCES qms.organizations (id),
    user_id uuid NOT NULL,
    run_key text NOT NULL CHECK (length(run_key) BETWEEN 1 AND 200),
    request text NOT NULL,
    request_sha256 text NOT NULL,
    plan jsonb NOT NULL,
    on_failure text NOT NULL DEFAULT 'continue' CHECK (on_failure IN ('continue', 'stop')),
    may_draft boolean NOT NULL DEFAULT false,
    offered text [],
    at_once integer NOT NULL DEFAULT 5 CHECK (at_once BETWEEN 1 AND 50),
    budget_tokens bigint CHECK (budget_tokens > 0),
    budget_usd numeric CHECK (budget_usd > 0),
    runs_in text NOT NULL DEFAULT 'server' CHECK (runs_in IN ('server', 'workers')),
    status text NOT NULL DEFAULT 'queued'
    CHECK (status IN ('queued', 'running', 'completed', 'partial', 'failed', 'cancelled')),
    opening integer NOT NULL DEFAULT 1,
    fence integer NOT NULL DEFAULT 0,
    executor text,
    parent_run_id uuid,
    call_id uuid,
    result jsonb,
    error text,
    cancel_reason text,
    created_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    finished_at timestamptz,
    UNIQUE (organization_id, id),
    UNIQUE (organization_id, run_key),
    CONSTRAINT finished_is_dated CHECK ((status IN ('queued', 'running')) = (finished_at IS NULL))
);
COMMENT ON TABLE agents.dispatches IS 'A request to several agents: its plan, its limits, where it stands and what came of it.';
COMMENT ON COLUMN agents.dispatches.run_key IS 'The name its caller gave it: asked for again under the same name it is the same dispatch.';
COMMENT ON COLUMN agents.dispatches.offered IS 'The tools of the server that was asked: no agent gets another, wherever it runs. Null: all.';
COMMENT ON COLUMN agents.dispatches.opening IS 'How often it was begun: failed tasks may be tried again after its end.';
CREATE INDEX dispatches_newest ON agents.dispatches (organization_id, created_at DESC, id);
CREATE INDEX dispatches_unfinished ON agents.dispatches (executor) WHERE finished_at IS NULL;

CREATE TABLE agents.dispatch_tasks (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    dispatch_id uuid NOT NULL,
    key text NOT NULL CHECK (length(key) BETWEEN 1 AND 80),
    organization_id uuid NOT NULL,
    position integer NOT NULL,
    agent text NOT NULL,
    request text NOT NULL,
    subject text NOT NULL DEFAULT '',
    needs text [] NOT NULL DEFAULT '{}',
    after text [] NOT NULL DEFAULT '{}',
    priority integer NOT NULL DEFAULT 5 CHECK (priority BETWEEN 1 AND 9),
    seconds integer NOT NULL CHECK (seconds BETWEEN 1 AND 86400),
    max_attempts integer NOT NULL DEFAULT 3 CHECK (max_attempts > 0),
    planned_tokens bigint NOT NULL DEFAULT 0,
    planned_usd numeric NOT NULL DEFAULT 0,
    state text NOT NULL DEFAULT 'waiting'
    CHECK (state IN ('waiting', 'queued', 'running', 'done', 'failed', 'skipped', 'cancelled')),
    attempt integer NOT NULL DEFAULT 0,
    round text,
    run_id uuid,
    reserved_tokens bigint NOT NULL DEFAULT 0,
    reserved_usd numeric NOT NULL DEFAULT 0,
    spent_tokens bigint NOT NULL DEFAULT 0,
    spent_usd numeric NOT NULL DEFAULT 0,
    model text,
    error text,
    not_before timestamptz,
    queued_at timestamptz,
    started_at timestamptz,
    finished_at timestamptz,
    UNIQUE (dispatch_id, key),
    FOREIGN KEY (organization_id, dispatch_id) REFERENCES agents.dispatches (organization_id, id)
);
COMMENT ON TABLE agents.dispatch_tasks IS 'One agent''s part of a dispatch: what it waits for, what is reserved for it, how far it is.';
COMMENT ON COLUMN agents.dispatch_tasks.needs IS 'Tasks it can''t do without: when one of them fails, it is skipped.';
COMMENT ON COLUMN agents.dispatch_tasks.after IS 'Tasks whose answers help it: it waits for their end, however they end.';
COMMENT ON COLUMN agents.dispatch_tasks.max_attempts IS 'The last of them goes without a model: whatever keeps the API away does not keep it from that.';
COMMENT ON COLUMN agents.dispatch_tasks.round IS 'The step of the dispatch that chose it, so that a repeated step chooses the same.';
CREATE INDEX dispatch_tasks_active ON agents.dispatch_tasks (organization_id, state);
CREATE INDEX dispatch_tasks_run ON agents.dispatch_tasks (run_id);

CREATE TABLE agents.turnstiles (organization_id uuid PRIMARY KEY REFERENCES qms.organizations (id));
COMMENT ON TABLE agents.turnstiles IS 'A row to lock per organization: its dispatches choose what starts one after the other.';

ALTER TABLE agents.agent_runs
ADD COLUMN dispatch_id uuid,
ADD COLUMN task_key text,
ADD COLUMN attempt integer,
ADD COLUMN agent_version text,
ADD COLUMN model text,
ADD COLUMN cost_usd numeric,
ADD COLUMN stop_reason text,
ADD COLUMN fallback_reason text,
ADD COLUMN executor text,
ADD COLUMN fence integer NOT NULL DEFAULT 0;
COMMENT ON COLUMN agents.agent_runs.fence IS 'Raised by every process that takes the run over; what an older holder still writes is refused.';
ALTER TABLE agents.agent_runs DROP CONSTRAINT agent_runs_status_check;
ALTER TABLE agents.agent_runs ADD CONSTRAINT agent_runs_status_check
CHECK (status IN ('running', 'completed', 'partial', 'failed', 'cancelled', 'lost')) NOT VALID;
ALTER TABLE agents.agent_runs VALIDATE CONSTRAINT agent_runs_status_check;
CREATE UNIQUE INDEX agent_runs_attempt ON agents.agent_runs (dispatch_id, task_key, attempt) WHERE dispatch_id IS NOT NULL;

ALTER TABLE agents.tool_calls ADD COLUMN fence integer;
COMMENT ON COLUMN agents.tool_calls.fence IS 'The fence its run had when a sub-agent made the call.';

ALTER TABLE agents.context_state ADD COLUMN kind text NOT NULL DEFAULT 'state', ADD COLUMN fence integer;
COMMENT ON COLUMN agents.context_state.kind IS 'What was kept: a reply of the model, the answer of a tool.';

ALTER TABLE agents.decisions ADD COLUMN dispatch_id uuid;
ALTER TABLE agents.decisions ADD CONSTRAINT decisions_dispatch
FOREIGN KEY (organization_id, dispatch_id) REFERENCES agents.dispatches (organization_id, id) NOT VALID;
ALTER TABLE agents.decisions VALIDATE CONSTRAINT decisions_dispatch;
CREATE INDEX decisions_of_dispatch ON agents.decisions (dispatch_id);

-- What never changes --------------------------------------------------------------------------------------------------

CREATE FUNCTION agents.keep_dispatch() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF new.id <> old.id OR new.organization_id <> old.organization_id OR new.user_id <> old.user_id
        OR new.run_key <> old.run_key OR new.request <> old.request OR new.plan <> old.plan
        OR new.may_draft <> old.may_draft OR new.offered IS DISTINCT FROM old.offered OR new.budget_tokens IS DISTINCT FROM old.budget_tokens
        OR new.budget_usd IS DISTINCT FROM old.budget_usd THEN
        RAISE EXCEPTION 'what was asked for in a dispatch does not change' USING ERRCODE = 'QM003';
    END IF;
    -- After its end it may only be opened again, for the tasks that failed.
    IF old.finished_at IS NOT NULL AND new.opening = old.opening THEN
        RAISE EXCEPTION 'the dispatch has ended' USING ERRCODE = 'QM003';
    END IF;
    RETURN new;
END
$$;
COMMENT ON FUNCTION agents.keep_dispatch() IS 'Keeps what was asked for, and what came of it.';
CREATE TRIGGER keep_dispatch BEFORE UPDATE ON agents.dispatches
FOR EACH ROW EXECUTE FUNCTION agents.keep_dispatch();
CREATE TRIGGER never_deleted BEFORE DELETE ON agents.dispatches
FOR EACH ROW EXECUTE FUNCTION qms.refuse_change();
CREATE TRIGGER never_truncated BEFORE TRUNCATE ON agents.dispatches
FOR EACH STATEMENT EXECUTE FUNCTION qms.refuse_change();
CREATE TRIGGER never_deleted BEFORE DELETE ON agents.dispatch_tasks
FOR EACH ROW EXECUTE FUNCTION qms.refuse_change();
CREATE TRIGGER never_truncated BEFORE TRUNCATE ON agents.dispatch_tasks
FOR EACH STATEMENT EXECUTE FUNCTION qms.refuse_change();

-- A change of a record made through a tool of a sub-agent counts only while the run is still the one that made the call.
-- Deferred: a process may be frozen, and its run taken over, between the change and its commit.
CREATE FUNCTION agents.refuse_late_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF EXISTS (
        SELECT
        FROM agents.tool_calls AS c
        INNER JOIN agents.agent_runs AS r ON r.id = c.run_id
        WHERE c.id = new.tool_call_id::uuid AND r.dispatch_id IS NOT NULL AND c.fence IS DISTINCT FROM r.fence
    ) THEN
        RAISE EXCEPTION 'another process has taken over the run that made this change' USING ERRCODE = 'QM026';
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION agents.refuse_late_change() IS 'Refuses what a sub-agent changes after its run was taken over or cancelled.';
CREATE CONSTRAINT TRIGGER refuse_late_change AFTER INSERT ON qms.audit_logs
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
WHEN (new.tool_call_id ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$')
EXECUTE FUNCTION agents.refuse_late_change();

-- Opening, and what a person does to a dispatch ------------------------------------------------------------------------

CREATE FUNCTION agents.open_dispatch(asked jsonb, tasks jsonb)
RETURNS TABLE (id uuid, created boolean, request_sha256 text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    organization uuid := qms.current_organization_id();
    made uuid;
BEGIN
    IF organization IS NULL OR NOT qms.may_write() THEN
        RAISE EXCEPTION 'agents are sent by somebody with a role other than auditor' USING ERRCODE = 'QM022';
    END IF;
    INSERT INTO agents.dispatches AS d (
        organization_id, user_id, run_key, request, request_sha256, plan, on_failure, may_draft, offered, at_once,
        budget_tokens, budget_usd, runs_in, parent_run_id, call_id
    )
    VALUES (
        organization, qms.current_user_id(), asked ->> 'run_key', asked ->> 'request', asked ->> 'request_sha256',
        asked -> 'plan', asked ->> 'on_failure', (asked ->> 'may_draft')::boolean,
        CASE
            WHEN jsonb_typeof(asked -> 'offered') = 'array'
                THEN ARRAY(SELECT o.name FROM jsonb_array_elements_text(asked -> 'offered') AS o (name))
        END, (asked ->> 'at_once')::integer,
        (asked ->> 'budget_tokens')::bigint, (asked ->> 'budget_usd')::numeric, asked ->> 'runs_in',
        (asked ->> 'parent_run_id')::uuid, (asked ->> 'call_id')::uuid
    )
    ON CONFLICT ON CONSTRAINT dispatches_organization_id_run_key_key DO NOTHING
    RETURNING d.id INTO made;
    IF made IS NULL THEN
        RETURN QUERY
        SELECT d.id, false, d.request_sha256
        FROM agents.dispatches AS d
        WHERE d.organization_id = organization AND d.run_key = asked ->> 'run_key';
        RETURN;
    END IF;
    INSERT INTO agents.dispatch_tasks (
        dispatch_id, organization_id, key, position, agent, request, subject, needs, after, priority, seconds,
        max_attempts, planned_tokens, planned_usd
    )
    SELECT
        made, organization, t.task ->> 'key', t.place::integer, t.task ->> 'agent', t.task ->> 'request',
        coalesce(t.task ->> 'subject', ''),
        ARRAY(SELECT n.name FROM jsonb_array_elements_text(t.task -> 'needs') AS n (name)),
        ARRAY(SELECT n.name FROM jsonb_array_elements_text(t.task -> 'after') AS n (name)),
        (t.task ->> 'priority')::integer, (t.task ->> 'seconds')::integer, (t.task ->> 'max_attempts')::integer,
        (t.task ->> 'tokens')::bigint, (t.task ->> 'usd')::numeric
    FROM jsonb_array_elements(tasks) WITH ORDINALITY AS t (task, place);
    RETURN QUERY SELECT made, true, asked ->> 'request_sha256';
END
$$;
COMMENT ON FUNCTION agents.open_dispatch(jsonb, jsonb) IS 'Records a dispatch and its tasks, or finds the one that has its run_key already.';

CREATE FUNCTION agents.cancel_dispatch(of_dispatch uuid, reason text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found_status text;
BEGIN
    SELECT d.status INTO found_status
    FROM agents.dispatches AS d
    WHERE d.id = of_dispatch AND d.organization_id = qms.current_organization_id()
    FOR UPDATE;
    IF found_status IS NULL THEN
        RAISE EXCEPTION 'there is no such dispatch' USING ERRCODE = 'QM023';
    ELSIF NOT qms.may_write() THEN
        RAISE EXCEPTION 'a dispatch is cancelled by somebody with a role other than auditor' USING ERRCODE = 'QM022';
    ELSIF found_status NOT IN ('queued', 'running') THEN
        RETURN false;
    END IF;
    -- From here on nothing of it is written any more: its runs have another fence than their holders know.
    UPDATE agents.agent_runs AS r
    SET
        status = 'cancelled', stop_reason = 'cancelled', error = reason, fence = r.fence + 1, completed_at = now(),
        duration_ms = (extract(EPOCH FROM now() - r.created_at) * 1000)::integer
    WHERE r.dispatch_id = of_dispatch AND r.status = 'running';
    UPDATE agents.dispatch_tasks AS t
    SET
        state = 'cancelled', error = reason, reserved_tokens = 0, reserved_usd = 0,
        finished_at = CASE WHEN t.started_at IS NOT NULL THEN now() END
    WHERE t.dispatch_id = of_dispatch AND t.state IN ('waiting', 'queued', 'running');
    UPDATE agents.dispatches AS d
    SET status = 'cancelled', cancel_reason = reason, fence = d.fence + 1, finished_at = now()
    WHERE d.id = of_dispatch;
    RETURN true;
END
$$;
COMMENT ON FUNCTION agents.cancel_dispatch(uuid, text) IS 'Ends a dispatch and all its runs at once; what was finished stays. False if it had ended.';

CREATE FUNCTION agents.reopen_dispatch(of_dispatch uuid) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    again integer;
    ended text;
BEGIN
    -- Its own person only: agents act as whoever it was opened by.
    SELECT d.status INTO ended
    FROM agents.dispatches AS d
    WHERE
        d.id = of_dispatch AND d.organization_id = qms.current_organization_id()
        AND d.user_id = qms.current_user_id() AND qms.may_write() AND d.status IN ('partial', 'failed', 'cancelled')
    FOR UPDATE;
    -- One that failed although all its tasks are done is concluded once more.
    IF ended IS NULL OR (
        ended <> 'failed' AND NOT EXISTS (
            SELECT
            FROM agents.dispatch_tasks AS t
            WHERE t.dispatch_id = of_dispatch AND t.state IN ('failed', 'skipped', 'cancelled')
        )
    ) THEN
        RETURN 0;
    END IF;
    UPDATE agents.dispatches AS d
    SET
        status = 'queued', opening = d.opening + 1, fence = d.fence + 1, executor = NULL, finished_at = NULL,
        error = NULL, cancel_reason = NULL
    WHERE d.id = of_dispatch;
    UPDATE agents.dispatch_tasks AS t
    SET
        state = 'waiting', max_attempts = greatest(t.max_attempts, t.attempt + 2), round = NULL, error = NULL,
        not_before = NULL, finished_at = NULL, started_at = NULL, queued_at = NULL
    WHERE t.dispatch_id = of_dispatch AND t.state IN ('failed', 'skipped', 'cancelled');
    GET DIAGNOSTICS again = ROW_COUNT;
    RETURN greatest(again, 1);
END
$$;
COMMENT ON FUNCTION agents.reopen_dispatch(uuid) IS 'Lets the tasks that did not get done be tried again, and says how many; the others keep their answers.';

-- How a process works on a dispatch --------------------------------------------------------------------------------------

CREATE FUNCTION agents.take_dispatch(of_dispatch uuid, by_executor text) RETURNS integer
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    UPDATE agents.dispatches AS d
    SET status = 'running', fence = d.fence + 1, executor = by_executor, started_at = coalesce(d.started_at, now())
    WHERE d.id = of_dispatch AND d.organization_id = qms.current_organization_id() AND d.finished_at IS NULL
    RETURNING d.fence
$$;
COMMENT ON FUNCTION agents.take_dispatch(uuid, text) IS 'Makes a process the one that works on a dispatch, and returns its fence; null when it has ended.';

CREATE FUNCTION agents.hold_dispatch(of_dispatch uuid, with_fence integer) RETURNS agents.dispatches
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    held agents.dispatches;
BEGIN
    SELECT d.* INTO held
    FROM agents.dispatches AS d
    WHERE d.id = of_dispatch AND d.organization_id = qms.current_organization_id()
    FOR UPDATE;
    IF held.fence IS DISTINCT FROM with_fence THEN
        RAISE EXCEPTION 'another process has taken the dispatch over, or it was cancelled' USING ERRCODE = 'QM026';
    END IF;
    RETURN held;
END
$$;
COMMENT ON FUNCTION agents.hold_dispatch(uuid, integer) IS 'Locks a dispatch for the process that has it, and refuses any other.';

CREATE FUNCTION agents.settle_waiting(of_dispatch uuid, rule text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF rule = 'stop' THEN
        UPDATE agents.dispatch_tasks AS t
        SET state = 'skipped', error = 'another task failed, and the dispatch stops then'
        WHERE
            t.dispatch_id = of_dispatch AND t.state = 'waiting'
            AND EXISTS (
                SELECT FROM agents.dispatch_tasks AS f WHERE f.dispatch_id = of_dispatch AND f.state = 'failed'
            );
    END IF;
    LOOP
        UPDATE agents.dispatch_tasks AS t
        SET state = 'skipped', error = 'a task it needs did not get done'
        WHERE
            t.dispatch_id = of_dispatch AND t.state = 'waiting'
            AND EXISTS (
                SELECT
                FROM agents.dispatch_tasks AS n
                WHERE n.dispatch_id = of_dispatch AND n.key = ANY(t.needs) AND n.state IN ('failed', 'skipped', 'cancelled')
            );
        EXIT WHEN NOT found;
    END LOOP;
END
$$;
COMMENT ON FUNCTION agents.settle_waiting(uuid, text) IS 'Skips what can''t be done any more.';

CREATE FUNCTION agents.advance(of_dispatch uuid, with_fence integer, in_round text, per_organization integer)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    held agents.dispatches := agents.hold_dispatch(of_dispatch, with_fence);
    chosen agents.dispatch_tasks;
    active integer;
    elsewhere integer;
    left_tokens numeric;
    left_usd numeric;
    fits boolean;
BEGIN
    PERFORM agents.settle_waiting(of_dispatch, held.on_failure);
    -- A step that is repeated after a crash finds what it chose the first time.
    IF NOT EXISTS (SELECT FROM agents.dispatch_tasks AS t WHERE t.dispatch_id = of_dispatch AND t.round = in_round) THEN
        -- One at a time per organization, so that all its dispatches together keep to its limit.
        INSERT INTO agents.turnstiles (organization_id) VALUES (held.organization_id) ON CONFLICT DO NOTHING;
        PERFORM FROM agents.turnstiles AS s WHERE s.organization_id = held.organization_id FOR UPDATE;
        FOR chosen IN
            SELECT t.*
            FROM agents.dispatch_tasks AS t
            WHERE
                t.dispatch_id = of_dispatch AND t.state = 'waiting'
                AND (t.not_before IS NULL OR t.not_before <= clock_timestamp())
                AND NOT EXISTS (
                    SELECT
                    FROM agents.dispatch_tasks AS n
                    WHERE
                        n.dispatch_id = of_dispatch AND n.key = ANY(t.needs || t.after)
                        AND n.state NOT IN ('done', 'failed', 'skipped', 'cancelled')
                )
            ORDER BY t.priority, t.position
        LOOP
            SELECT count(*) FILTER (WHERE t.dispatch_id = of_dispatch), count(*)
            INTO active, elsewhere
            FROM agents.dispatch_tasks AS t
            INNER JOIN agents.dispatches AS d ON d.id = t.dispatch_id
            LEFT JOIN agents.executors AS e ON e.id = d.executor AND e.beat_at >= clock_timestamp() - interval '6 seconds'
            WHERE
                t.organization_id = held.organization_id AND t.state IN ('queued', 'running')
                -- What a process left behind when it died works on nothing.
                AND (t.dispatch_id = of_dispatch OR e.id IS NOT NULL);
            EXIT WHEN active >= held.at_once OR elsewhere >= per_organization;
            SELECT
                held.budget_tokens - sum(t.spent_tokens + greatest(t.reserved_tokens - t.spent_tokens, 0)),
                held.budget_usd - sum(t.spent_usd + greatest(t.reserved_usd - t.spent_usd, 0))
            INTO left_tokens, left_usd
            FROM agents.dispatch_tasks AS t
            WHERE t.dispatch_id = of_dispatch;
            fits := coalesce(chosen.planned_tokens <= left_tokens, true) AND coalesce(chosen.planned_usd <= left_usd, true);
            -- What others have reserved may come back; when nobody is left, it goes without a model.
            CONTINUE WHEN NOT fits AND active > 0;
            UPDATE agents.dispatch_tasks AS t
            SET
                state = 'queued', round = in_round, attempt = t.attempt + 1, run_id = gen_random_uuid(), error = NULL,
                reserved_tokens = t.spent_tokens + CASE WHEN fits THEN t.planned_tokens ELSE 0 END,
                reserved_usd = t.spent_usd + CASE WHEN fits THEN t.planned_usd ELSE 0 END,
                queued_at = clock_timestamp(), started_at = NULL, finished_at = NULL
            WHERE t.dispatch_id = of_dispatch AND t.key = chosen.key;
        END LOOP;
    END IF;
    RETURN (
        SELECT
            jsonb_build_object(
                'start', coalesce(
                    jsonb_agg(jsonb_build_object('key', t.key, 'attempt', t.attempt) ORDER BY t.priority, t.position)
                        FILTER (WHERE t.round = in_round), '[]'
                ),
                'active', coalesce(
                    jsonb_agg(jsonb_build_object('key', t.key, 'attempt', t.attempt) ORDER BY t.position)
                        FILTER (WHERE t.state IN ('queued', 'running')), '[]'
                ),
                'waiting', count(*) FILTER (WHERE t.state = 'waiting'),
                'settled', count(*) FILTER (WHERE t.state IN ('done', 'failed', 'skipped', 'cancelled')),
                'next_at', min(t.not_before) FILTER (WHERE t.state = 'waiting')
            )
        FROM agents.dispatch_tasks AS t
        WHERE t.dispatch_id = of_dispatch
    );
END
$$;
COMMENT ON FUNCTION agents.advance(uuid, integer, text, integer) IS
'Settles what can''t be done any more and chooses what starts now, within the limits of the dispatch, its budget and the organization; repeated for the same round it returns the same.';

CREATE FUNCTION agents.take_run(of_dispatch uuid, task_key text, of_attempt integer, by_executor text, versions jsonb)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    held agents.dispatches;
    task agents.dispatch_tasks;
    run agents.agent_runs;
BEGIN
    SELECT d.* INTO held
    FROM agents.dispatches AS d
    WHERE d.id = of_dispatch AND d.organization_id = qms.current_organization_id()
    FOR SHARE;
    -- The run before its task, as everything locks them that writes for a run.
    PERFORM
    FROM agents.agent_runs AS r
    WHERE
        r.dispatch_id = of_dispatch AND r.task_key = take_run.task_key AND r.attempt = of_attempt
        AND r.organization_id = held.organization_id
    FOR NO KEY UPDATE;
    SELECT t.* INTO task
    FROM agents.dispatch_tasks AS t
    WHERE t.dispatch_id = of_dispatch AND t.key = task_key AND t.organization_id = held.organization_id
    FOR UPDATE;
    IF task.attempt IS DISTINCT FROM of_attempt OR task.state NOT IN ('queued', 'running') THEN
        RETURN NULL;
    END IF;
    INSERT INTO agents.agent_runs AS r (
        id, organization_id, parent_run_id, agent_type, input, user_id, actor_kind, dispatch_id, task_key, attempt,
        agent_version, executor, fence
    )
    VALUES (
        task.run_id, held.organization_id, held.parent_run_id, task.agent,
        jsonb_build_object('request', task.request, 'subject', task.subject), held.user_id, 'agent', of_dispatch,
        task_key, of_attempt, versions ->> task.agent, by_executor, 1
    )
    ON CONFLICT (id) DO UPDATE SET fence = r.fence + 1, executor = excluded.executor
    WHERE r.status = 'running'
    RETURNING r.* INTO run;
    IF run.id IS NULL THEN
        RETURN NULL;
    END IF;
    UPDATE agents.dispatch_tasks AS t
    SET state = 'running', started_at = coalesce(t.started_at, clock_timestamp())
    WHERE t.dispatch_id = of_dispatch AND t.key = task_key;
    RETURN to_jsonb(task) || jsonb_build_object(
        'run_id', run.id, 'fence', run.fence, 'agent_version', run.agent_version, 'may_draft', held.may_draft, 'offered', held.offered, 'budget_usd', held.budget_usd,
        'failed_before', (
            SELECT r.error
            FROM agents.agent_runs AS r
            WHERE r.dispatch_id = of_dispatch AND r.task_key = task.key AND r.attempt = of_attempt - 1
        ),
        'user_id', held.user_id, 'parent_run_id', held.parent_run_id, 'created_at', run.created_at,
        'inputs', (
            SELECT coalesce(jsonb_object_agg(n.key, r.output) FILTER (WHERE r.output IS NOT NULL), '{}')
            FROM agents.dispatch_tasks AS n
            INNER JOIN agents.agent_runs AS r ON r.id = n.run_id
            WHERE n.dispatch_id = of_dispatch AND n.key = ANY(task.needs || task.after) AND n.state = 'done'
        ),
        'memory', (
            SELECT
                coalesce(jsonb_agg(jsonb_build_object('kind', c.kind, 'entry', c.state) ORDER BY c.step), '[]')
            FROM agents.context_state AS c
            WHERE c.run_id = run.id
        )
    );
END
$$;
COMMENT ON FUNCTION agents.take_run(uuid, text, integer, text, jsonb) IS
'Makes a process the one that works on a task, with all it needs to go on; null when there is nothing to do any more.';

CREATE FUNCTION agents.hold_run(of_run uuid, with_fence integer) RETURNS agents.agent_runs
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    held agents.agent_runs;
BEGIN
    SELECT r.* INTO held
    FROM agents.agent_runs AS r
    WHERE r.id = of_run AND r.organization_id = qms.current_organization_id()
    FOR NO KEY UPDATE;
    IF held.fence IS DISTINCT FROM with_fence OR held.status IS DISTINCT FROM 'running' THEN
        RAISE EXCEPTION 'another process has taken the run over, or it was cancelled' USING ERRCODE = 'QM026';
    END IF;
    RETURN held;
END
$$;
COMMENT ON FUNCTION agents.hold_run(uuid, integer) IS 'Locks a run for the process that has it, and refuses any other.';

CREATE FUNCTION agents.keep_state(
    of_run uuid, with_fence integer, of_kind text, entry jsonb, tokens bigint, usd numeric
) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    held agents.agent_runs := agents.hold_run(of_run, with_fence);
    next_step integer;
BEGIN
    INSERT INTO agents.context_state (organization_id, run_id, step, kind, state, fence)
    SELECT held.organization_id, of_run, coalesce(max(c.step) + 1, 0), of_kind, entry, with_fence
    FROM agents.context_state AS c
    WHERE c.run_id = of_run
    RETURNING step INTO next_step;
    IF tokens > 0 OR usd > 0 THEN
        UPDATE agents.dispatch_tasks AS t
        SET spent_tokens = t.spent_tokens + tokens, spent_usd = t.spent_usd + usd
        WHERE t.dispatch_id = held.dispatch_id AND t.key = held.task_key;
    END IF;
    RETURN next_step;
END
$$;
COMMENT ON FUNCTION agents.keep_state(uuid, integer, text, jsonb, bigint, numeric) IS
'Keeps a checkpoint of a run, and what it cost in the same transaction.';

CREATE FUNCTION agents.finish_run(of_run uuid, with_fence integer, outcome jsonb, retry_after interval) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    held agents.agent_runs := agents.hold_run(of_run, with_fence);
    ended text := outcome ->> 'status';
    task_state text;
BEGIN
    UPDATE agents.agent_runs AS r
    SET
        status = ended, output = outcome -> 'output', error = outcome ->> 'error', model = outcome ->> 'model',
        stop_reason = outcome ->> 'stop', fallback_reason = outcome ->> 'fallback_reason',
        token_usage = coalesce(outcome -> 'usage', '{}'), cost_usd = (outcome ->> 'cost_usd')::numeric,
        completed_at = clock_timestamp(),
        duration_ms = (extract(EPOCH FROM clock_timestamp() - r.created_at) * 1000)::integer
    WHERE r.id = of_run;
    UPDATE agents.dispatch_tasks AS t
    SET
        state = CASE
            WHEN ended IN ('completed', 'partial') THEN 'done'
            WHEN ended = 'cancelled' THEN 'cancelled'
            WHEN (outcome ->> 'transient')::boolean AND t.attempt < t.max_attempts THEN 'waiting'
            ELSE 'failed'
        END,
        model = outcome ->> 'model', error = outcome ->> 'error', reserved_tokens = 0, reserved_usd = 0,
        not_before = clock_timestamp() + retry_after, finished_at = clock_timestamp()
    WHERE t.dispatch_id = held.dispatch_id AND t.key = held.task_key AND t.run_id = of_run
    RETURNING t.state INTO task_state;
    RETURN task_state;
END
$$;
COMMENT ON FUNCTION agents.finish_run(uuid, integer, jsonb, interval) IS
'Records how a run ended, once; a task whose failure another try may get over waits for it.';

CREATE FUNCTION agents.lose_run(of_dispatch uuid, task_key text, of_attempt integer, why text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE agents.agent_runs AS r
    SET status = 'lost', error = why, fence = r.fence + 1, completed_at = clock_timestamp()
    WHERE
        r.dispatch_id = of_dispatch AND r.task_key = lose_run.task_key AND r.attempt = of_attempt
        AND r.organization_id = qms.current_organization_id() AND r.status = 'running';
    UPDATE agents.dispatch_tasks AS t
    SET
        state = CASE WHEN t.attempt < t.max_attempts THEN 'waiting' ELSE 'failed' END, error = why,
        reserved_tokens = 0, reserved_usd = 0, finished_at = clock_timestamp()
    WHERE
        t.dispatch_id = of_dispatch AND t.key = lose_run.task_key AND t.attempt = of_attempt
        AND t.organization_id = qms.current_organization_id() AND t.state IN ('queued', 'running');
END
$$;
COMMENT ON FUNCTION agents.lose_run(uuid, text, integer, text) IS 'Gives up a run no process can finish; its task is tried again if it may be.';

CREATE FUNCTION agents.finish_dispatch(of_dispatch uuid, with_fence integer, ended text, outcome jsonb, why text)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM agents.hold_dispatch(of_dispatch, with_fence);
    UPDATE agents.agent_runs AS r
    SET status = 'failed', error = why, fence = r.fence + 1, completed_at = clock_timestamp()
    WHERE r.dispatch_id = of_dispatch AND r.status = 'running';
    UPDATE agents.dispatch_tasks AS t
    SET state = 'failed', error = why, reserved_tokens = 0, reserved_usd = 0, finished_at = clock_timestamp()
    WHERE t.dispatch_id = of_dispatch AND t.state IN ('waiting', 'queued', 'running');
    UPDATE agents.dispatches AS d
    SET status = ended, result = outcome, error = why, finished_at = clock_timestamp()
    WHERE d.id = of_dispatch AND d.finished_at IS NULL;
END
$$;
COMMENT ON FUNCTION agents.finish_dispatch(uuid, integer, text, jsonb, text) IS 'Records what came of a dispatch, once; whatever of it should still be open ends with it.';

-- What processes know of each other: for nobody in particular, so no row of an organization leaves these. ----------------

CREATE FUNCTION agents.beat(of_executor jsonb) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    INSERT INTO agents.executors AS e (id, organization_id, user_id, kind, host, pid, version, beat_at)
    VALUES (
        of_executor ->> 'id', (of_executor ->> 'organization_id')::uuid, (of_executor ->> 'user_id')::uuid,
        of_executor ->> 'kind', of_executor ->> 'host', (of_executor ->> 'pid')::integer, of_executor ->> 'version',
        clock_timestamp()
    )
    ON CONFLICT (id) DO UPDATE SET beat_at = clock_timestamp();

    DELETE FROM agents.executors AS e WHERE e.beat_at < clock_timestamp() - interval '1 day'
$$;
COMMENT ON FUNCTION agents.beat(jsonb) IS 'The heartbeat of a process; the first one is its lease.';

CREATE FUNCTION agents.leave(of_executor text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    DELETE FROM agents.executors AS e WHERE e.id = of_executor
$$;
COMMENT ON FUNCTION agents.leave(text) IS 'A process ends and says so: what it had may be taken over at once.';

CREATE FUNCTION agents.living(grace interval, of_kind text DEFAULT NULL) RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    SELECT e.id
    FROM agents.executors AS e
    WHERE e.beat_at >= clock_timestamp() - grace AND (of_kind IS NULL OR e.kind = of_kind)
$$;
COMMENT ON FUNCTION agents.living(interval, text) IS 'The processes whose heartbeat is recent.';

CREATE FUNCTION agents.watch(runs uuid [], fences integer []) RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    SELECT w.id
    FROM unnest(runs, fences) AS w (id, fence)
    INNER JOIN agents.agent_runs AS r ON r.id = w.id
    WHERE r.fence <> w.fence OR r.status <> 'running'
    UNION ALL
    SELECT w.id
    FROM unnest(runs, fences) AS w (id, fence)
    INNER JOIN agents.dispatches AS d ON d.id = w.id
    WHERE d.fence <> w.fence OR d.finished_at IS NOT NULL
$$;
COMMENT ON FUNCTION agents.watch(uuid [], integer []) IS 'Of the runs and dispatches a process works on, those it has lost.';

CREATE FUNCTION agents.on_behalf(of_dispatch uuid) RETURNS TABLE (organization_id uuid, user_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    SELECT d.organization_id, d.user_id FROM agents.dispatches AS d WHERE d.id = of_dispatch
$$;
COMMENT ON FUNCTION agents.on_behalf(uuid) IS 'On whose behalf a process works on a dispatch; whether they still belong to it is decided when it acts.';

CREATE FUNCTION agents.abandon_dispatch(of_dispatch uuid, why text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM FROM agents.dispatches AS d WHERE d.id = of_dispatch FOR UPDATE;
    UPDATE agents.agent_runs AS r
    SET status = 'failed', error = why, fence = r.fence + 1, completed_at = clock_timestamp()
    WHERE r.dispatch_id = of_dispatch AND r.status = 'running';
    UPDATE agents.dispatch_tasks AS t
    SET state = 'failed', error = why, reserved_tokens = 0, reserved_usd = 0, finished_at = clock_timestamp()
    WHERE t.dispatch_id = of_dispatch AND t.state IN ('waiting', 'queued', 'running');
    UPDATE agents.dispatches AS d
    SET status = 'failed', error = why, fence = d.fence + 1, finished_at = clock_timestamp()
    WHERE d.id = of_dispatch AND d.finished_at IS NULL;
END
$$;
COMMENT ON FUNCTION agents.abandon_dispatch(uuid, text) IS 'Ends a dispatch nobody can act for any more, because its person has left.';

CREATE FUNCTION agents.left_behind(of_organization uuid, of_user uuid, grace interval) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    SELECT EXISTS (
        SELECT
        FROM agents.dispatches AS d
        LEFT JOIN agents.executors AS e ON e.id = d.executor AND e.beat_at >= clock_timestamp() - grace
        WHERE
            d.finished_at IS NULL AND d.organization_id = of_organization AND d.user_id = of_user
            AND d.runs_in = 'server' AND e.id IS NULL
    )
$$;
COMMENT ON FUNCTION agents.left_behind(uuid, uuid, interval) IS 'Whether a server of this person ended in the middle of a dispatch.';

CREATE FUNCTION agents.not_begun(of_organization uuid, of_user uuid, grace interval)
RETURNS TABLE (id uuid, opening integer)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    SELECT d.id, d.opening
    FROM agents.dispatches AS d
    WHERE
        d.finished_at IS NULL AND d.executor IS NULL AND d.created_at < clock_timestamp() - grace
        AND CASE
            WHEN of_user IS NULL THEN d.runs_in = 'workers'
            ELSE d.runs_in = 'server' AND d.organization_id = of_organization AND d.user_id = of_user
        END
    ORDER BY d.created_at
    LIMIT 50
$$;
COMMENT ON FUNCTION agents.not_begun(uuid, uuid, interval) IS
'Dispatches of a person, or for workers, that nobody has taken: their server may have died before it could start them.';

CREATE FUNCTION agents.queue_state() RETURNS TABLE (
    waiting bigint, queued bigint, running bigint, oldest_waiting timestamptz, failed_last_hour bigint,
    servers bigint, workers bigint
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    SELECT
        count(*) FILTER (WHERE t.state = 'waiting') AS waiting,
        count(*) FILTER (WHERE t.state = 'queued') AS queued,
        count(*) FILTER (WHERE t.state = 'running') AS running,
        min(coalesce(t.queued_at, d.created_at)) FILTER (WHERE t.state IN ('waiting', 'queued')) AS oldest_waiting,
        count(*) FILTER (WHERE t.state = 'failed' AND t.finished_at > now() - interval '1 hour') AS failed_last_hour,
        (
            SELECT count(*)
            FROM agents.executors AS e
            WHERE e.kind = 'server' AND e.organization_id = qms.current_organization_id()
                AND e.beat_at > clock_timestamp() - interval '10 seconds'
        ) AS servers,
        (
            SELECT count(*)
            FROM agents.executors AS e
            WHERE e.kind = 'worker' AND e.beat_at > clock_timestamp() - interval '10 seconds'
        ) AS workers
    FROM agents.dispatch_tasks AS t
    INNER JOIN agents.dispatches AS d ON d.id = t.dispatch_id
    WHERE
        t.organization_id = qms.current_organization_id()
        AND (d.finished_at IS NULL OR t.finished_at > now() - interval '1 hour')
$$;
COMMENT ON FUNCTION agents.queue_state() IS 'Depth, age and failures of the organization''s tasks, and who is there to work on them.';

CREATE FUNCTION agents.executor_lives(of_dispatch uuid, grace interval) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    SELECT EXISTS (
        SELECT
        FROM agents.dispatches AS d
        INNER JOIN agents.executors AS e ON e.id = d.executor
        WHERE
            d.id = of_dispatch AND d.organization_id = qms.current_organization_id()
            AND e.beat_at >= clock_timestamp() - grace
    )
$$;
COMMENT ON FUNCTION agents.executor_lives(uuid, interval) IS 'Whether the process that works on a dispatch is there.';

-- Who owns and who may ------------------------------------------------------------------------------------------------------

GRANT CREATE ON SCHEMA agents TO qms_ledger;
ALTER FUNCTION agents.refuse_late_change() OWNER TO qms_ledger;
ALTER FUNCTION agents.open_dispatch(jsonb, jsonb) OWNER TO qms_ledger;
ALTER FUNCTION agents.cancel_dispatch(uuid, text) OWNER TO qms_ledger;
ALTER FUNCTION agents.reopen_dispatch(uuid) OWNER TO qms_ledger;
ALTER FUNCTION agents.take_dispatch(uuid, text) OWNER TO qms_ledger;
ALTER FUNCTION agents.hold_dispatch(uuid, integer) OWNER TO qms_ledger;
ALTER FUNCTION agents.settle_waiting(uuid, text) OWNER TO qms_ledger;
ALTER FUNCTION agents.advance(uuid, integer, text, integer) OWNER TO qms_ledger;
ALTER FUNCTION agents.take_run(uuid, text, integer, text, jsonb) OWNER TO qms_ledger;
ALTER FUNCTION agents.hold_run(uuid, integer) OWNER TO qms_ledger;
ALTER FUNCTION agents.keep_state(uuid, integer, text, jsonb, bigint, numeric) OWNER TO qms_ledger;
ALTER FUNCTION agents.finish_run(uuid, integer, jsonb, interval) OWNER TO qms_ledger;
ALTER FUNCTION agents.lose_run(uuid, text, integer, text) OWNER TO qms_ledger;
ALTER FUNCTION agents.finish_dispatch(uuid, integer, text, jsonb, text) OWNER TO qms_ledger;
ALTER FUNCTION agents.beat(jsonb) OWNER TO qms_ledger;
ALTER FUNCTION agents.leave(text) OWNER TO qms_ledger;
ALTER FUNCTION agents.living(interval, text) OWNER TO qms_ledger;
ALTER FUNCTION agents.watch(uuid [], integer []) OWNER TO qms_ledger;
ALTER FUNCTION agents.on_behalf(uuid) OWNER TO qms_ledger;
ALTER FUNCTION agents.abandon_dispatch(uuid, text) OWNER TO qms_ledger;
ALTER FUNCTION agents.left_behind(uuid, uuid, interval) OWNER TO qms_ledger;
ALTER FUNCTION agents.not_begun(uuid, uuid, interval) OWNER TO qms_ledger;
ALTER FUNCTION agents.queue_state() OWNER TO qms_ledger;
ALTER FUNCTION agents.executor_lives(uuid, interval) OWNER TO qms_ledger;
REVOKE CREATE ON SCHEMA agents FROM qms_ledger;

GRANT USAGE ON SCHEMA qms TO qms_ledger;
GRANT SELECT, INSERT, UPDATE ON agents.dispatches, agents.dispatch_tasks TO qms_ledger;
GRANT SELECT, INSERT, UPDATE, DELETE ON agents.executors TO qms_ledger;
GRANT SELECT, INSERT, UPDATE ON agents.turnstiles TO qms_ledger;
GRANT INSERT ON agents.context_state TO qms_ledger;
GRANT SELECT ON agents.context_state TO qms_ledger;
GRANT UPDATE (fence, executor, model, cost_usd, stop_reason, fallback_reason) ON agents.agent_runs TO qms_ledger;
GRANT SELECT ON agents.dispatches, agents.dispatch_tasks TO qms_app, qms_sql;
-- Checkpoints are kept by the process that has the run, through keep_state.
REVOKE INSERT ON agents.context_state FROM qms_app;
DROP POLICY add_own ON agents.context_state;

ALTER TABLE agents.dispatches ENABLE ROW LEVEL SECURITY;
ALTER TABLE agents.dispatches FORCE ROW LEVEL SECURITY;
CREATE POLICY read_own ON agents.dispatches FOR SELECT TO qms_app, qms_sql
USING (organization_id = (SELECT qms.current_organization_id()));
CREATE POLICY ledger ON agents.dispatches FOR ALL TO qms_ledger USING (true) WITH CHECK (true);
ALTER TABLE agents.dispatch_tasks ENABLE ROW LEVEL SECURITY;
ALTER TABLE agents.dispatch_tasks FORCE ROW LEVEL SECURITY;
CREATE POLICY read_own ON agents.dispatch_tasks FOR SELECT TO qms_app, qms_sql
USING (organization_id = (SELECT qms.current_organization_id()));
CREATE POLICY ledger ON agents.dispatch_tasks FOR ALL TO qms_ledger USING (true) WITH CHECK (true);
ALTER TABLE agents.executors ENABLE ROW LEVEL SECURITY;
ALTER TABLE agents.executors FORCE ROW LEVEL SECURITY;
CREATE POLICY ledger ON agents.executors FOR ALL TO qms_ledger USING (true) WITH CHECK (true);
ALTER TABLE agents.turnstiles ENABLE ROW LEVEL SECURITY;
ALTER TABLE agents.turnstiles FORCE ROW LEVEL SECURITY;
CREATE POLICY ledger ON agents.turnstiles FOR ALL TO qms_ledger USING (true) WITH CHECK (true);

SET LOCAL ROLE qms_ledger;
GRANT EXECUTE ON FUNCTION
    agents.open_dispatch(jsonb, jsonb), agents.cancel_dispatch(uuid, text), agents.reopen_dispatch(uuid),
    agents.take_dispatch(uuid, text), agents.advance(uuid, integer, text, integer),
    agents.take_run(uuid, text, integer, text, jsonb), agents.keep_state(uuid, integer, text, jsonb, bigint, numeric),
    agents.finish_run(uuid, integer, jsonb, interval), agents.lose_run(uuid, text, integer, text),
    agents.finish_dispatch(uuid, integer, text, jsonb, text), agents.queue_state(),
    agents.executor_lives(uuid, interval)
    TO qms_app;
-- Where one login is all there is, the owner is also the server.
GRANT EXECUTE ON FUNCTION
    agents.beat(jsonb), agents.leave(text), agents.living(interval, text), agents.watch(uuid [], integer []),
    agents.on_behalf(uuid), agents.abandon_dispatch(uuid, text), agents.left_behind(uuid, uuid, interval),
    agents.not_begun(uuid, uuid, interval)
    TO qms_server, SESSION_USER;
RESET ROLE;
