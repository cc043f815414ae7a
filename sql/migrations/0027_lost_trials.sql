-- A run of a version on trial that no process can finish is answered by the version people have otherwise.
-- squawk-ignore-file ban-drop-function

SET LOCAL ROLE qms_ledger;
DROP FUNCTION agents.lose_run(uuid, text, integer, text);
RESET ROLE;

CREATE FUNCTION agents.lose_run(of_dispatch uuid, task_key text, of_attempt integer, why text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    on_trial boolean;
BEGIN
    SELECT r.lane IN ('canary', 'experiment') INTO on_trial
    FROM agents.agent_runs AS r
    WHERE
        r.dispatch_id = of_dispatch AND r.task_key = lose_run.task_key AND r.attempt = of_attempt
        AND r.organization_id = qms.current_organization_id();
    UPDATE agents.agent_runs AS r
    SET status = 'lost', error = why, fence = r.fence + 1, completed_at = clock_timestamp()
    WHERE
        r.dispatch_id = of_dispatch AND r.task_key = lose_run.task_key AND r.attempt = of_attempt
        AND r.organization_id = qms.current_organization_id() AND r.status = 'running';
    -- Who got a version on trial gets an answer all the same, from the version people have otherwise.
    UPDATE agents.dispatch_tasks AS t
    SET
        state = CASE WHEN on_trial OR t.attempt < t.max_attempts THEN 'waiting' ELSE 'failed' END,
        max_attempts = CASE WHEN on_trial THEN t.max_attempts + 1 ELSE t.max_attempts END, error = why,
        reserved_tokens = 0, reserved_usd = 0, finished_at = clock_timestamp()
    WHERE
        t.dispatch_id = of_dispatch AND t.key = lose_run.task_key AND t.attempt = of_attempt
        AND t.organization_id = qms.current_organization_id() AND t.state IN ('queued', 'running');
END
$$;
COMMENT ON FUNCTION agents.lose_run(uuid, text, integer, text) IS
'Gives up a run no process can finish; its task is tried again if it may be, and always when a version on trial had it.';

GRANT CREATE ON SCHEMA agents TO qms_ledger;
ALTER FUNCTION agents.lose_run(uuid, text, integer, text) OWNER TO qms_ledger;
REVOKE CREATE ON SCHEMA agents FROM qms_ledger;
SET LOCAL ROLE qms_ledger;
REVOKE ALL ON FUNCTION agents.lose_run(uuid, text, integer, text) FROM public;
GRANT EXECUTE ON FUNCTION agents.lose_run(uuid, text, integer, text) TO qms_app;
RESET ROLE;
