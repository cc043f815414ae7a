-- Which version of an agent answers, and jobs that outlive the call that asked for them.
--
-- A run belongs to a version that is stored whole: the shipped one is registered when it first answers. A task may name
-- its version; else a version on trial takes its share, by a hash that sticks; else the alias production decides.
-- squawk-ignore-file ban-drop-function

CREATE FUNCTION ml_loop.register_version(of_organization uuid, of_model text, shipped jsonb) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found uuid;
BEGIN
    SELECT v.id INTO found
    FROM ml_loop.model_versions AS v
    WHERE v.organization_id = of_organization AND v.model_name = of_model AND v.version = shipped ->> 'version';
    IF found IS NULL THEN
        INSERT INTO ml_loop.model_versions (
            organization_id, model_name, version, config, content, content_sha256, origin, status
        )
        VALUES (
            of_organization, of_model, shipped ->> 'version', (shipped ->> 'content')::jsonb, shipped ->> 'content',
            encode(sha256(convert_to(shipped ->> 'content', 'UTF8')), 'hex'), 'shipped', 'shipped'
        )
        ON CONFLICT (organization_id, model_name, version) DO NOTHING
        RETURNING id INTO found;
    END IF;
    IF found IS NULL THEN
        SELECT v.id INTO found
        FROM ml_loop.model_versions AS v
        WHERE v.organization_id = of_organization AND v.model_name = of_model AND v.version = shipped ->> 'version';
    END IF;
    RETURN found;
END
$$;
COMMENT ON FUNCTION ml_loop.register_version(uuid, text, jsonb) IS 'The stored version with this content; stored now if it is new.';

CREATE FUNCTION ml_loop.share_of(salt text, sticks_to text) RETURNS numeric
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT (('x' || substr(encode(sha256(convert_to(salt || ':' || sticks_to, 'UTF8')), 'hex'), 1, 8))::bit(32)::bigint % 10000)::numeric / 100
$$;
COMMENT ON FUNCTION ml_loop.share_of(text, text) IS 'A place from 0 to 99.99 that is always the same for the same two: below the percentage of a roll-out it takes part.';

CREATE FUNCTION ml_loop.choose_version(
    of_model text, pinned uuid, of_dispatch uuid, of_person uuid, purpose text, shipped jsonb, tried_and_failed boolean
) RETURNS TABLE (version_id uuid, version text, lane text, rollout_id uuid)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    our_organization uuid := qms.current_organization_id();
    -- Somebody who may not write still gets an answer; then nothing is stored, and the name of the version stands alone.
    shipped_id uuid;
    trial ml_loop.rollouts;
    takes_part boolean;
BEGIN
    IF our_organization IS NULL THEN
        RETURN;
    END IF;
    shipped_id := ml_loop.register_version(our_organization, of_model, shipped);
    IF pinned IS NOT NULL THEN
        RETURN QUERY
        SELECT v.id, v.version, CASE WHEN purpose = 'work' THEN 'production' ELSE purpose END, NULL::uuid
        FROM ml_loop.model_versions AS v
        WHERE v.id = pinned AND v.organization_id = our_organization AND v.model_name = of_model;
        IF NOT found THEN
            RAISE EXCEPTION 'there is no such version of this agent' USING ERRCODE = 'QM023';
        END IF;
        RETURN;
    END IF;
    SELECT r.* INTO trial
    FROM ml_loop.rollouts AS r
    WHERE
        r.organization_id = our_organization AND r.model_name = of_model AND r.state = 'running'
        AND r.kind IN ('canary', 'experiment')
    ORDER BY r.started_at DESC
    LIMIT 1;
    IF trial.id IS NOT NULL AND purpose = 'work' AND NOT tried_and_failed THEN
        takes_part := ml_loop.share_of(
            trial.salt, CASE trial.sticky_by WHEN 'person' THEN of_person::text ELSE of_dispatch::text END
        ) < trial.percent;
        IF takes_part THEN
            RETURN QUERY
            SELECT v.id, v.version, trial.kind, trial.id FROM ml_loop.model_versions AS v WHERE v.id = trial.version_id;
            RETURN;
        END IF;
    END IF;
    -- Whoever does not take part is what a version on trial is compared with.
    RETURN QUERY
    SELECT
        v.id, v.version,
        CASE
            WHEN trial.id IS NOT NULL AND NOT tried_and_failed THEN 'control'
            WHEN a.id IS NOT NULL THEN 'production'
            ELSE 'shipped'
        END,
        CASE WHEN NOT tried_and_failed THEN trial.id END
    FROM ml_loop.model_versions AS v
    LEFT JOIN ml_loop.aliases AS a
        ON a.organization_id = our_organization AND a.model_name = of_model AND a.alias = 'production'
    WHERE v.id = coalesce(a.version_id, shipped_id);
END
$$;
COMMENT ON FUNCTION ml_loop.choose_version(text, uuid, uuid, uuid, text, jsonb, boolean) IS
'The version that answers, and why: the one a task names, the share of a version on trial, the one in production, or the shipped one.';

GRANT CREATE ON SCHEMA ml_loop TO qms_definer;
ALTER FUNCTION ml_loop.register_version(uuid, text, jsonb) OWNER TO qms_definer;
ALTER FUNCTION ml_loop.choose_version(text, uuid, uuid, uuid, text, jsonb, boolean) OWNER TO qms_definer;
REVOKE CREATE ON SCHEMA ml_loop FROM qms_definer;
SET LOCAL ROLE qms_definer;
REVOKE ALL ON FUNCTION
    ml_loop.register_version(uuid, text, jsonb),
    ml_loop.choose_version(text, uuid, uuid, uuid, text, jsonb, boolean)
    FROM public;
GRANT EXECUTE ON FUNCTION ml_loop.choose_version(text, uuid, uuid, uuid, text, jsonb, boolean) TO qms_ledger;
RESET ROLE;

-- A version by its content, for services. What it is, its hash says; where it comes from, the caller.
CREATE FUNCTION ml_loop.store_version(of_model text, made jsonb) RETURNS uuid
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found uuid;
BEGIN
    INSERT INTO ml_loop.model_versions (
        organization_id, model_name, version, config, content, content_sha256, origin, parent_id, dataset_version_id,
        job_id, notes, status
    )
    VALUES (
        qms.current_organization_id(), of_model, made ->> 'version', (made ->> 'content')::jsonb, made ->> 'content',
        encode(sha256(convert_to(made ->> 'content', 'UTF8')), 'hex'), made ->> 'origin', (made ->> 'parent_id')::uuid,
        (made ->> 'dataset_version_id')::uuid, (made ->> 'job_id')::uuid, coalesce(made ->> 'notes', ''),
        made ->> 'origin'
    )
    ON CONFLICT (organization_id, model_name, version) DO NOTHING
    RETURNING id INTO found;
    IF found IS NULL THEN
        SELECT v.id INTO found
        FROM ml_loop.model_versions AS v
        WHERE
            v.organization_id = qms.current_organization_id() AND v.model_name = of_model
            AND v.version = made ->> 'version';
    END IF;
    RETURN found;
END
$$;
COMMENT ON FUNCTION ml_loop.store_version(text, jsonb) IS 'Stores a version, or finds the one that has its content.';
REVOKE ALL ON FUNCTION ml_loop.store_version(text, jsonb) FROM public;
GRANT EXECUTE ON FUNCTION ml_loop.store_version(text, jsonb) TO qms_app;
REVOKE ALL ON FUNCTION ml_loop.share_of(text, text) FROM public;
GRANT EXECUTE ON FUNCTION ml_loop.share_of(text, text) TO qms_app, qms_definer;
REVOKE ALL ON FUNCTION ml_loop.as_oneself(), ml_loop.keep_version() FROM public;

-- How a process works, with versions ----------------------------------------------------------------------------------

SET LOCAL ROLE qms_ledger;
DROP FUNCTION agents.open_dispatch(jsonb, jsonb);
DROP FUNCTION agents.take_run(uuid, text, integer, text, jsonb);
DROP FUNCTION agents.finish_run(uuid, integer, jsonb, interval);
DROP FUNCTION agents.watch(uuid [], integer []);
DROP FUNCTION agents.left_behind(uuid, uuid, interval);
RESET ROLE;

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
    ELSIF coalesce(asked ->> 'purpose', 'work') = 'work' THEN
        -- Which version people get is decided by what was approved, not by whoever asks.
        IF EXISTS (SELECT FROM jsonb_array_elements(tasks) AS t (task) WHERE t.task ->> 'version_id' IS NOT NULL) THEN
            RAISE EXCEPTION 'a task somebody wants the answer of names no version' USING ERRCODE = 'QM022';
        END IF;
    ELSIF (asked ->> 'may_draft')::boolean THEN
        RAISE EXCEPTION 'what only measures a version drafts nothing' USING ERRCODE = 'QM022';
    END IF;
    INSERT INTO agents.dispatches AS d (
        organization_id, user_id, run_key, request, request_sha256, plan, on_failure, may_draft, offered, at_once,
        budget_tokens, budget_usd, runs_in, parent_run_id, call_id, purpose
    )
    VALUES (
        organization, qms.current_user_id(), asked ->> 'run_key', asked ->> 'request', asked ->> 'request_sha256',
        asked -> 'plan', asked ->> 'on_failure', (asked ->> 'may_draft')::boolean,
        CASE
            WHEN jsonb_typeof(asked -> 'offered') = 'array'
                THEN ARRAY(SELECT o.name FROM jsonb_array_elements_text(asked -> 'offered') AS o (name))
        END, (asked ->> 'at_once')::integer,
        (asked ->> 'budget_tokens')::bigint, (asked ->> 'budget_usd')::numeric, asked ->> 'runs_in',
        (asked ->> 'parent_run_id')::uuid, (asked ->> 'call_id')::uuid, coalesce(asked ->> 'purpose', 'work')
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
        max_attempts, planned_tokens, planned_usd, version_id, inputs
    )
    SELECT
        made, organization, t.task ->> 'key', t.place::integer, t.task ->> 'agent', t.task ->> 'request',
        coalesce(t.task ->> 'subject', ''),
        ARRAY(SELECT n.name FROM jsonb_array_elements_text(t.task -> 'needs') AS n (name)),
        ARRAY(SELECT n.name FROM jsonb_array_elements_text(t.task -> 'after') AS n (name)),
        (t.task ->> 'priority')::integer, (t.task ->> 'seconds')::integer, (t.task ->> 'max_attempts')::integer,
        (t.task ->> 'tokens')::bigint, (t.task ->> 'usd')::numeric,
        (t.task ->> 'version_id')::uuid, coalesce(t.task -> 'inputs', '{}')
    FROM jsonb_array_elements(tasks) WITH ORDINALITY AS t (task, place);
    RETURN QUERY SELECT made, true, asked ->> 'request_sha256';
END
$$;
COMMENT ON FUNCTION agents.open_dispatch(jsonb, jsonb) IS
'Records a dispatch and its tasks, or finds the one that has its run_key already.';

CREATE FUNCTION agents.take_run(of_dispatch uuid, task_key text, of_attempt integer, by_executor text, versions jsonb)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    held agents.dispatches;
    task agents.dispatch_tasks;
    run agents.agent_runs;
    chosen record;
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
    SELECT r.* INTO run
    FROM agents.agent_runs AS r
    WHERE r.id = task.run_id;
    IF run.id IS NULL THEN
        SELECT c.* INTO chosen
        FROM ml_loop.choose_version(
            task.agent, task.version_id, of_dispatch, held.user_id, held.purpose, versions -> task.agent,
            EXISTS (
                SELECT
                FROM agents.agent_runs AS b
                WHERE b.dispatch_id = of_dispatch AND b.task_key = task.key AND b.lane IN ('canary', 'experiment')
            )
        ) AS c;
    ELSE
        SELECT run.version_id, run.agent_version AS version, run.lane, run.rollout_id INTO chosen;
    END IF;
    INSERT INTO agents.agent_runs AS r (
        id, organization_id, parent_run_id, agent_type, input, user_id, actor_kind, dispatch_id, task_key, attempt,
        agent_version, version_id, lane, rollout_id, executor, fence
    )
    VALUES (
        task.run_id, held.organization_id, held.parent_run_id, task.agent,
        jsonb_build_object('request', task.request, 'subject', task.subject), held.user_id, 'agent', of_dispatch,
        task_key, of_attempt, chosen.version, chosen.version_id, chosen.lane, chosen.rollout_id, by_executor, 1
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
        'run_id', run.id, 'fence', run.fence, 'agent_version', run.agent_version,
        'lane', run.lane, 'purpose', held.purpose,
        'version_content', (SELECT v.content FROM ml_loop.model_versions AS v WHERE v.id = run.version_id),
        'may_draft', held.may_draft, 'offered', held.offered, 'budget_usd', held.budget_usd,
        'failed_before', (
            SELECT r.error
            FROM agents.agent_runs AS r
            WHERE r.dispatch_id = of_dispatch AND r.task_key = task.key AND r.attempt = of_attempt - 1
        ),
        'user_id', held.user_id, 'parent_run_id', held.parent_run_id, 'created_at', run.created_at,
        'inputs', (
            SELECT task.inputs || coalesce(jsonb_object_agg(n.key, r.output) FILTER (WHERE r.output IS NOT NULL), '{}')
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
'Makes a process the one that works on a task, with the version of the agent that has to do it, and returns all it needs to go on; null when there is nothing to do any more.';

CREATE FUNCTION agents.finish_run(of_run uuid, with_fence integer, outcome jsonb, retry_after interval) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    held agents.agent_runs := agents.hold_run(of_run, with_fence);
    ended text := outcome ->> 'status';
    task_state text;
    -- Somebody got a version that is still being tried out: that it failed is not to be theirs to bear.
    on_trial boolean := held.lane IN ('canary', 'experiment');
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
            WHEN on_trial OR ((outcome ->> 'transient')::boolean AND t.attempt < t.max_attempts) THEN 'waiting'
            ELSE 'failed'
        END,
        max_attempts = CASE WHEN on_trial AND ended = 'failed' THEN t.max_attempts + 1 ELSE t.max_attempts END,
        model = outcome ->> 'model', error = outcome ->> 'error', reserved_tokens = 0, reserved_usd = 0,
        not_before = clock_timestamp() + CASE WHEN on_trial THEN interval '0' ELSE retry_after END, finished_at = clock_timestamp()
    WHERE t.dispatch_id = held.dispatch_id AND t.key = held.task_key AND t.run_id = of_run
    RETURNING t.state INTO task_state;
    RETURN task_state;
END
$$;
COMMENT ON FUNCTION agents.finish_run(uuid, integer, jsonb, interval) IS
'Records how a run ended, and what becomes of its task. What a version on trial failed at goes to the version people have otherwise.';

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
    UNION ALL
    SELECT w.id
    FROM unnest(runs, fences) AS w (id, fence)
    INNER JOIN agents.jobs AS j ON j.id = w.id
    WHERE j.fence <> w.fence OR j.finished_at IS NOT NULL
$$;
COMMENT ON FUNCTION agents.watch(uuid [], integer []) IS
'Of the runs, dispatches and jobs a process works on, those it has lost.';

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
    ) OR EXISTS (
        SELECT
        FROM agents.jobs AS j
        LEFT JOIN agents.executors AS e ON e.id = j.executor AND e.beat_at >= clock_timestamp() - grace
        WHERE
            j.finished_at IS NULL AND j.organization_id = of_organization AND j.user_id = of_user
            AND j.runs_in = 'server' AND e.id IS NULL
    )
$$;
COMMENT ON FUNCTION agents.left_behind(uuid, uuid, interval) IS
'Whether a server of this person ended in the middle of a dispatch or a job.';

-- Jobs ------------------------------------------------------------------------------------------------------------------

CREATE FUNCTION agents.open_job(of_kind text, named text, wanted jsonb, where_to text)
RETURNS TABLE (id uuid, created boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    organization uuid := qms.current_organization_id();
    made uuid;
BEGIN
    IF organization IS NULL OR NOT qms.may_write() THEN
        RAISE EXCEPTION 'work is begun by somebody with a role other than auditor' USING ERRCODE = 'QM022';
    END IF;
    INSERT INTO agents.jobs AS j (organization_id, user_id, kind, key, spec, runs_in)
    VALUES (organization, qms.current_user_id(), of_kind, named, wanted, where_to)
    ON CONFLICT (organization_id, kind, key) DO NOTHING
    RETURNING j.id INTO made;
    IF made IS NOT NULL THEN
        RETURN QUERY SELECT made, true;
        RETURN;
    END IF;
    RETURN QUERY
    SELECT j.id, false
    FROM agents.jobs AS j
    WHERE j.organization_id = organization AND j.kind = of_kind AND j.key = named;
END
$$;
COMMENT ON FUNCTION agents.open_job(text, text, jsonb, text) IS 'Records a job, or finds the one that has its kind and key already: it is begun once.';

CREATE FUNCTION agents.take_job(of_job uuid, by_executor text) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    held agents.jobs;
BEGIN
    UPDATE agents.jobs AS j
    SET
        state = 'running', fence = j.fence + 1, executor = by_executor,
        started_at = coalesce(j.started_at, clock_timestamp())
    WHERE j.id = of_job AND j.organization_id = qms.current_organization_id() AND j.finished_at IS NULL
    RETURNING j.* INTO held;
    IF held.id IS NULL THEN
        RETURN NULL;
    END IF;
    RETURN to_jsonb(held) || jsonb_build_object(
        'notes', (
            SELECT coalesce(jsonb_agg(jsonb_build_object('stage', n.stage, 'note', n.note) ORDER BY n.step), '[]')
            FROM agents.job_notes AS n
            WHERE n.job_id = of_job
        )
    );
END
$$;
COMMENT ON FUNCTION agents.take_job(uuid, text) IS 'Makes a process the one that works on a job, and returns what it has done so far; null when it has ended.';

CREATE FUNCTION agents.hold_job(of_job uuid, with_fence integer) RETURNS agents.jobs
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    held agents.jobs;
BEGIN
    SELECT j.* INTO held
    FROM agents.jobs AS j
    WHERE j.id = of_job AND j.organization_id = qms.current_organization_id()
    FOR UPDATE;
    IF held.fence IS DISTINCT FROM with_fence OR held.state IS DISTINCT FROM 'running' THEN
        RAISE EXCEPTION 'another process has taken the job over, or it was cancelled' USING ERRCODE = 'QM026';
    END IF;
    RETURN held;
END
$$;
COMMENT ON FUNCTION agents.hold_job(uuid, integer) IS 'Locks a job for the process that has it, and refuses any other.';

CREATE FUNCTION agents.note_job(of_job uuid, with_fence integer, at_stage text, noted jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    held agents.jobs := agents.hold_job(of_job, with_fence);
BEGIN
    UPDATE agents.jobs AS j SET stage = at_stage WHERE j.id = of_job;
    IF noted IS NOT NULL THEN
        INSERT INTO agents.job_notes (organization_id, job_id, step, stage, note)
        SELECT held.organization_id, of_job, coalesce(max(n.step) + 1, 0), at_stage, noted
        FROM agents.job_notes AS n
        WHERE n.job_id = of_job;
    END IF;
END
$$;
COMMENT ON FUNCTION agents.note_job(uuid, integer, text, jsonb) IS 'Keeps a checkpoint of a job and says at which stage it is.';

CREATE FUNCTION agents.finish_job(of_job uuid, with_fence integer, ended text, outcome jsonb, why text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM agents.hold_job(of_job, with_fence);
    UPDATE agents.jobs AS j
    SET state = ended, result = outcome, error = why, finished_at = clock_timestamp()
    WHERE j.id = of_job;
END
$$;
COMMENT ON FUNCTION agents.finish_job(uuid, integer, text, jsonb, text) IS 'Records how a job ended, once.';

CREATE FUNCTION agents.cancel_job(of_job uuid, reason text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT qms.may_write() THEN
        RAISE EXCEPTION 'a job is cancelled by somebody with a role other than auditor' USING ERRCODE = 'QM022';
    END IF;
    UPDATE agents.jobs AS j
    SET state = 'cancelled', error = reason, fence = j.fence + 1, finished_at = clock_timestamp()
    WHERE j.id = of_job AND j.organization_id = qms.current_organization_id() AND j.finished_at IS NULL;
    RETURN found;
END
$$;
COMMENT ON FUNCTION agents.cancel_job(uuid, text) IS 'Ends a job now: whoever works on it may write nothing more. False if it had ended.';

CREATE FUNCTION agents.job_on_behalf(of_job uuid) RETURNS TABLE (organization_id uuid, user_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    SELECT j.organization_id, j.user_id FROM agents.jobs AS j WHERE j.id = of_job
$$;
COMMENT ON FUNCTION agents.job_on_behalf(uuid) IS 'On whose behalf a process works on a job.';

CREATE FUNCTION agents.abandon_job(of_job uuid, why text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    UPDATE agents.jobs AS j
    SET state = 'failed', error = why, fence = j.fence + 1, finished_at = clock_timestamp()
    WHERE j.id = of_job AND j.finished_at IS NULL
$$;
COMMENT ON FUNCTION agents.abandon_job(uuid, text) IS 'Ends a job nobody can act for any more.';

CREATE FUNCTION agents.jobs_not_begun(of_organization uuid, of_user uuid, grace interval) RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    SELECT j.id
    FROM agents.jobs AS j
    WHERE
        j.finished_at IS NULL AND j.executor IS NULL AND j.created_at < clock_timestamp() - grace
        AND CASE
            WHEN of_user IS NULL THEN j.runs_in = 'workers'
            ELSE j.runs_in = 'server' AND j.organization_id = of_organization AND j.user_id = of_user
        END
    ORDER BY j.created_at
    LIMIT 50
$$;
COMMENT ON FUNCTION agents.jobs_not_begun(uuid, uuid, interval) IS 'Jobs of a person, or for workers, that nobody has taken.';

CREATE FUNCTION agents.time_keepers() RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    SELECT k.id
    FROM (
        SELECT DISTINCT ON (j.organization_id, j.user_id)
            j.id,
            j.created_at
        FROM agents.jobs AS j
        WHERE j.kind = 'scheduled' AND j.created_at > clock_timestamp() - interval '90 days'
        ORDER BY j.organization_id, j.user_id, j.created_at DESC
    ) AS k
    ORDER BY k.created_at DESC
$$;
COMMENT ON FUNCTION agents.time_keepers() IS
'The latest scheduled job of every person for whom there was one: on whose behalf a process without a person opens the next. The newest first.';

GRANT USAGE ON SCHEMA ml_loop TO qms_ledger;
GRANT SELECT ON ml_loop.model_versions TO qms_ledger;
CREATE POLICY ledger ON ml_loop.model_versions FOR SELECT TO qms_ledger USING (true);

GRANT CREATE ON SCHEMA agents TO qms_ledger;
ALTER FUNCTION agents.open_dispatch(jsonb, jsonb) OWNER TO qms_ledger;
ALTER FUNCTION agents.take_run(uuid, text, integer, text, jsonb) OWNER TO qms_ledger;
ALTER FUNCTION agents.finish_run(uuid, integer, jsonb, interval) OWNER TO qms_ledger;
ALTER FUNCTION agents.watch(uuid [], integer []) OWNER TO qms_ledger;
ALTER FUNCTION agents.left_behind(uuid, uuid, interval) OWNER TO qms_ledger;
ALTER FUNCTION agents.open_job(text, text, jsonb, text) OWNER TO qms_ledger;
ALTER FUNCTION agents.take_job(uuid, text) OWNER TO qms_ledger;
ALTER FUNCTION agents.hold_job(uuid, integer) OWNER TO qms_ledger;
ALTER FUNCTION agents.note_job(uuid, integer, text, jsonb) OWNER TO qms_ledger;
ALTER FUNCTION agents.finish_job(uuid, integer, text, jsonb, text) OWNER TO qms_ledger;
ALTER FUNCTION agents.cancel_job(uuid, text) OWNER TO qms_ledger;
ALTER FUNCTION agents.job_on_behalf(uuid) OWNER TO qms_ledger;
ALTER FUNCTION agents.abandon_job(uuid, text) OWNER TO qms_ledger;
ALTER FUNCTION agents.jobs_not_begun(uuid, uuid, interval) OWNER TO qms_ledger;
ALTER FUNCTION agents.time_keepers() OWNER TO qms_ledger;
REVOKE CREATE ON SCHEMA agents FROM qms_ledger;
SET LOCAL ROLE qms_ledger;
REVOKE ALL ON FUNCTION
    agents.open_dispatch(jsonb, jsonb),
    agents.take_run(uuid, text, integer, text, jsonb),
    agents.finish_run(uuid, integer, jsonb, interval),
    agents.watch(uuid [], integer []),
    agents.left_behind(uuid, uuid, interval),
    agents.open_job(text, text, jsonb, text),
    agents.take_job(uuid, text),
    agents.hold_job(uuid, integer),
    agents.note_job(uuid, integer, text, jsonb),
    agents.finish_job(uuid, integer, text, jsonb, text),
    agents.cancel_job(uuid, text),
    agents.job_on_behalf(uuid),
    agents.abandon_job(uuid, text),
    agents.jobs_not_begun(uuid, uuid, interval),
    agents.time_keepers()
    FROM public;
GRANT EXECUTE ON FUNCTION
    agents.open_dispatch(jsonb, jsonb), agents.take_run(uuid, text, integer, text, jsonb),
    agents.finish_run(uuid, integer, jsonb, interval), agents.open_job(text, text, jsonb, text),
    agents.take_job(uuid, text), agents.note_job(uuid, integer, text, jsonb),
    agents.finish_job(uuid, integer, text, jsonb, text), agents.cancel_job(uuid, text)
    TO qms_app;
-- Where one login is all there is, the owner is also the server.
GRANT EXECUTE ON FUNCTION
    agents.watch(uuid [], integer []), agents.left_behind(uuid, uuid, interval), agents.job_on_behalf(uuid),
    agents.abandon_job(uuid, text), agents.jobs_not_begun(uuid, uuid, interval), agents.time_keepers()
    TO qms_server, SESSION_USER;
RESET ROLE;
