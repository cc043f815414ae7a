-- Feedback: what it is about is found out by the database, who gave it is the database's to say, and what a person has
-- looked at becomes an example to learn from.
--
-- A model may pass on what its user said; that counts, and is told apart. A scorer or a judge writes through a function
-- of its own. Only on the review page, by somebody signed in there, feedback is given by a human: the function that
-- takes it acts as that person for the one row it writes.
-- squawk-ignore-file require-timeout-settings

CREATE POLICY review ON agents.agent_runs FOR SELECT TO qms_definer USING (true);
CREATE POLICY review ON agents.tool_calls FOR SELECT TO qms_definer USING (true);
CREATE POLICY review ON agents.agent_traces FOR SELECT TO qms_definer USING (true);
CREATE POLICY review ON agents.context_state FOR SELECT TO qms_definer USING (true);
GRANT SELECT ON agents.agent_runs, agents.tool_calls, agents.agent_traces, agents.context_state TO qms_definer;

-- What feedback is about ------------------------------------------------------------------------------------------------

CREATE FUNCTION ml_loop.run_that_drafted(of_organization uuid, of_record uuid, at_version integer) RETURNS uuid
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT r.id
    FROM (
        SELECT l.seq, l.tool_call_id::uuid AS call_id
        FROM qms.audit_logs AS l
        WHERE
            l.organization_id = of_organization AND l.record_id = of_record AND l.record_version = at_version
            AND l.tool_call_id ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
        OFFSET 0
    ) AS w
    INNER JOIN agents.tool_calls AS c ON c.id = w.call_id
    INNER JOIN agents.agent_runs AS r ON r.id = c.run_id
    WHERE r.organization_id = of_organization AND r.dispatch_id IS NOT NULL
    ORDER BY w.seq DESC
    LIMIT 1
$$;
COMMENT ON FUNCTION ml_loop.run_that_drafted(uuid, uuid, integer) IS
'The run of an agent that made this version of a record; null when a person did, or a client.';

CREATE FUNCTION ml_loop.complete_feedback() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    run agents.agent_runs;
    of_call uuid;
    about text := CASE WHEN new.run_id IS NOT NULL THEN '' WHEN new.tool_call_id IS NOT NULL THEN 'tool_call' ELSE 'record' END;
BEGIN
    IF char_length(new.comment) > 10000 THEN
        RAISE EXCEPTION 'a comment has at most 10000 characters; this one has %', char_length(new.comment)
        USING ERRCODE = 'QM024', HINT = 'Say it in fewer words.';
    END IF;
    IF new.tool_call_id IS NOT NULL THEN
        SELECT c.run_id INTO of_call
        FROM agents.tool_calls AS c
        WHERE c.id = new.tool_call_id AND c.organization_id = new.organization_id;
        IF NOT found THEN
            RAISE EXCEPTION 'there is no such tool call' USING ERRCODE = 'QM023', HINT = 'get_dispatch names the calls of a run.';
        ELSIF new.run_id <> of_call THEN
            RAISE EXCEPTION 'this tool call is of another run' USING ERRCODE = 'QM024', HINT = 'Leave the run out.';
        END IF;
        new.run_id := of_call;
    END IF;
    IF new.record_id IS NOT NULL THEN
        SELECT coalesce(new.record_version, i.version) INTO new.record_version
        FROM qms.quality_items AS i
        WHERE i.id = new.record_id AND i.organization_id = new.organization_id;
        IF NOT found THEN
            RAISE EXCEPTION 'there is no such record' USING ERRCODE = 'QM023', HINT = 'list_records shows what there is.';
        END IF;
        new.run_id := coalesce(
            new.run_id, ml_loop.run_that_drafted(new.organization_id, new.record_id, new.record_version)
        );
    END IF;
    IF new.run_id IS NOT NULL THEN
        SELECT r.* INTO run
        FROM agents.agent_runs AS r
        WHERE r.id = new.run_id AND r.organization_id = new.organization_id;
        IF NOT found THEN
            RAISE EXCEPTION 'there is no such run' USING ERRCODE = 'QM023', HINT = 'list_dispatches and get_dispatch name runs.';
        END IF;
        IF run.agent_type <> 'client' THEN
            new.model_name := run.agent_type;
            new.agent_version := run.agent_version;
        END IF;
        new.langfuse_trace_id := (
            SELECT t.langfuse_trace_id
            FROM agents.agent_traces AS t
            WHERE t.run_id = new.run_id AND t.langfuse_trace_id IS NOT NULL
            ORDER BY t.start_time
            LIMIT 1
        );
        IF new.record_id IS NULL AND run.input ->> 'subject' <> '' THEN
            SELECT i.id, i.version INTO new.record_id, new.record_version
            FROM qms.quality_items AS i
            WHERE i.organization_id = new.organization_id AND i.number = upper(btrim(run.input ->> 'subject'));
        END IF;
    END IF;
    IF about <> '' THEN
        new.details := new.details || jsonb_build_object('about', about);
    END IF;
    -- Whoever has no identity fills the database from before: a restored copy, a test.
    IF qms.current_organization_id() IS NULL THEN
        RETURN new;
    END IF;
    IF new.source = 'user' AND new.given_kind = 'system' THEN
        RAISE EXCEPTION 'the system is no user: what a rule found is automated feedback'
        USING ERRCODE = 'QM022', HINT = 'Give the source automated.';
    ELSIF new.source = 'user' AND new.given_kind = 'agent' AND run.lane IN ('evaluation', 'trial', 'shadow') THEN
        RAISE EXCEPTION 'nobody was shown this answer: it only measured a version of the agent'
        USING ERRCODE = 'QM022', HINT = 'A person can look at it on the review page and say there what it is worth.';
    ELSIF new.source <> 'user' AND current_user = 'qms_definer' THEN
        new.given_kind := 'system';
    ELSIF new.source <> 'user' AND new.given_kind <> 'system' THEN
        RAISE EXCEPTION 'scores of rules and judges are written by the scorers and the judge'
        USING ERRCODE = 'QM022', HINT = 'Give the source user, and pass on what the user said.';
    END IF;
    RETURN new;
END
$$;
COMMENT ON FUNCTION ml_loop.complete_feedback() IS
'Finds the run, the agent, its version and the trace feedback is about, and refuses what its giver can''t know.';
CREATE TRIGGER complete_feedback BEFORE INSERT ON ml_loop.feedback_loop
FOR EACH ROW EXECUTE FUNCTION ml_loop.complete_feedback();

-- What is learned from it -----------------------------------------------------------------------------------------------

CREATE FUNCTION ml_loop.only_people_validate() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF qms.current_organization_id() IS NOT NULL AND current_user <> 'qms_definer' THEN
        new.is_validated := false;
    END IF;
    RETURN new;
END
$$;
COMMENT ON FUNCTION ml_loop.only_people_validate() IS 'An example counts as validated only through feedback a person gave on the review page.';
CREATE TRIGGER only_people_validate BEFORE INSERT ON ml_loop.training_data
FOR EACH ROW EXECUTE FUNCTION ml_loop.only_people_validate();

CREATE FUNCTION ml_loop.learn_from_feedback() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- What was said of one call, or of a record, was not said of the answer. What only measures a version is never
    -- learned from: its cases would be on both sides of a split.
    INSERT INTO ml_loop.training_data (
        organization_id, model_name, input, output, feedback_score, is_validated, source, run_id, feedback_id,
        agent_version, group_key
    )
    SELECT
        r.organization_id, r.agent_type, r.input, r.output, new.score,
        new.source = 'user' AND new.given_kind IS NOT DISTINCT FROM 'human', new.source, r.id, new.id, r.agent_version,
        coalesce(r.dispatch_id, r.parent_run_id, r.id)::text
    FROM agents.agent_runs AS r
    WHERE
        r.id = new.run_id AND r.organization_id = new.organization_id AND r.agent_type <> 'client'
        AND r.status IN ('completed', 'partial') AND jsonb_typeof(r.output) = 'object'
        AND coalesce(r.lane, '') NOT IN ('evaluation', 'trial', 'shadow') AND NOT new.details ? 'about'
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION ml_loop.learn_from_feedback() IS 'Makes an example of an answer somebody gave feedback on.';
CREATE TRIGGER learn_from_feedback AFTER INSERT ON ml_loop.feedback_loop
FOR EACH ROW EXECUTE FUNCTION ml_loop.learn_from_feedback();

-- Scores of rules and of judges -----------------------------------------------------------------------------------------

CREATE FUNCTION ml_loop.keep_score(
    of_run uuid, from_source text, given double precision, in_short text, words text, made_of jsonb, once text
) RETURNS TABLE (id uuid, created boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    made uuid;
BEGIN
    IF qms.current_organization_id() IS NULL OR NOT qms.may_write() THEN
        RAISE EXCEPTION 'scores are kept for somebody with a role other than auditor' USING ERRCODE = 'QM022';
    ELSIF from_source IS NULL OR from_source NOT IN ('automated', 'llm-judge') THEN
        RAISE EXCEPTION 'a score is automated or of a judge' USING ERRCODE = 'QM024';
    ELSIF EXISTS (
        SELECT
        FROM agents.agent_runs AS r
        WHERE r.id = of_run AND r.organization_id = qms.current_organization_id() AND r.status = 'running'
    ) THEN
        RAISE EXCEPTION 'the run has not ended' USING ERRCODE = 'QM021', HINT = 'Score it when it has.';
    END IF;
    INSERT INTO ml_loop.feedback_loop AS f (
        organization_id, run_id, source, score, label, comment, details, idempotency_key
    )
    VALUES (
        qms.current_organization_id(), of_run, from_source, given, in_short, nullif(words, ''), made_of, once
    )
    ON CONFLICT DO NOTHING
    RETURNING f.id INTO made;
    IF made IS NOT NULL THEN
        RETURN QUERY SELECT made, true;
        RETURN;
    END IF;
    RETURN QUERY
    SELECT f.id, false
    FROM ml_loop.feedback_loop AS f
    WHERE
        f.organization_id = qms.current_organization_id()
        AND (f.idempotency_key = once OR (f.run_id = of_run AND f.label = in_short AND f.source = from_source))
    ORDER BY f.idempotency_key IS NOT DISTINCT FROM once DESC, f.created_at
    LIMIT 1;
END
$$;
COMMENT ON FUNCTION ml_loop.keep_score(uuid, text, double precision, text, text, jsonb, text) IS
'Keeps the score a rule or a judge gave a run that has ended; an automatic one of a label once.';

CREATE FUNCTION ml_loop.send_score(of_feedback uuid) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    kept ml_loop.feedback_loop;
BEGIN
    SELECT f.* INTO kept
    FROM ml_loop.feedback_loop AS f
    WHERE f.id = of_feedback AND f.organization_id = qms.current_organization_id();
    IF kept.langfuse_trace_id IS NULL THEN
        RETURN false;
    END IF;
    -- Comments stay here: people write names into them.
    PERFORM agents.outbox_put(
        kept.organization_id, '/api/public/scores',
        jsonb_build_object(
            'id', kept.id, 'traceId', kept.langfuse_trace_id, 'value', kept.score, 'dataType', 'NUMERIC',
            'name', kept.source || CASE WHEN kept.given_kind = 'human' THEN ' (person)' ELSE '' END,
            'timestamp', to_char(kept.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
        )
    );
    RETURN true;
END
$$;
COMMENT ON FUNCTION ml_loop.send_score(uuid) IS
'Puts a score on its way to Langfuse under the id of the feedback: sent twice, it is one. False when there is no trace.';

-- What is worth a person's look -----------------------------------------------------------------------------------------

CREATE FUNCTION ml_loop.review_candidates(of_organization uuid, on_day date) RETURNS TABLE (
    run_id uuid, agent text, agent_version text, lane text, request text, subject text, completed_at timestamptz,
    low double precision, spread double precision, given integer, reasons text [], place text
)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    WITH runs AS (
        SELECT r.*
        FROM agents.agent_runs AS r
        WHERE
            r.organization_id = of_organization AND r.agent_type <> 'client' AND r.status IN ('completed', 'partial')
            AND r.completed_at >= on_day - 90 AND jsonb_typeof(r.output) = 'object'
            AND coalesce(r.lane, '') NOT IN ('evaluation', 'trial', 'shadow')
            AND NOT EXISTS (
                SELECT
                FROM ml_loop.feedback_loop AS f
                WHERE f.run_id = r.id AND f.source = 'user' AND f.given_kind = 'human'
            )
    ),

    by_source AS (
        SELECT f.run_id, f.source, avg(f.score) AS score, count(*) AS n
        FROM ml_loop.feedback_loop AS f
        WHERE f.organization_id = of_organization AND f.run_id IN (SELECT r.id FROM runs AS r) AND NOT f.details ? 'about'
        GROUP BY f.run_id, f.source
    ),

    scored AS (
        SELECT s.run_id, min(s.score) AS low, max(s.score) - min(s.score) AS spread, sum(s.n)::integer AS given
        FROM by_source AS s
        GROUP BY s.run_id
    ),

    drifted AS (
        SELECT d.model_name, max(d.created_at) AS noticed_at
        FROM ml_loop.drift_metrics AS d
        WHERE
            d.organization_id = of_organization AND d.created_at >= on_day - 14
            AND (d.severity = 'severe' OR (d.severity IS NULL AND d.drift_score >= 0.3))
        GROUP BY d.model_name
    ),

    judged AS (
        SELECT
            r.id, r.agent_type, r.agent_version, r.lane, r.input, r.completed_at, s.low, s.spread,
            coalesce(s.given, 0) AS given,
            array_remove(ARRAY[
                CASE WHEN s.low < 0.6 THEN 'low_score' END,
                CASE WHEN s.spread >= 0.4 THEN 'disagreement' END,
                -- Of an agent that has drifted, a share: all of its runs would hide the others.
                CASE
                    WHEN d.model_name IS NOT NULL AND r.completed_at >= on_day - 14
                        AND ml_loop.share_of('drifted:' || on_day, r.id::text) < 20 THEN 'drifted'
                END,
                CASE WHEN ml_loop.share_of('random:' || on_day, r.id::text) < 5 THEN 'random' END
            ], NULL) AS reasons
        FROM runs AS r
        LEFT JOIN scored AS s ON r.id = s.run_id
        LEFT JOIN drifted AS d ON r.agent_type = d.model_name
    )

    SELECT
        j.id, j.agent_type, j.agent_version, j.lane, j.input ->> 'request', j.input ->> 'subject', j.completed_at,
        j.low, j.spread, j.given, j.reasons,
        CASE j.reasons[1] WHEN 'low_score' THEN '1' WHEN 'disagreement' THEN '2' WHEN 'drifted' THEN '3' ELSE '4' END
        || to_char(coalesce(j.low, 1), 'FM0.0000') || ':'
        || lpad((9999999999 - extract(EPOCH FROM j.completed_at)::bigint)::text, 10, '0') || ':' || j.id
    FROM judged AS j
    WHERE cardinality(j.reasons) > 0
$$;
COMMENT ON FUNCTION ml_loop.review_candidates(uuid, date) IS
'Answers of the last 90 days no person has judged that are worth a look, and why: a score below 0.6, sources 0.4 apart, '
'a fifth of an agent that has drifted severely, and of all others one in twenty, other ones each day. place: their order.';

-- The review page -------------------------------------------------------------------------------------------------------

CREATE FUNCTION qms_private.review_waiting(session_token text, after_place text, max_rows integer) RETURNS TABLE (
    run_id uuid, organization text, agent text, agent_version text, lane text, request text, completed_at timestamptz,
    reasons text [], place text, total bigint
)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    SELECT
        c.run_id, m.organization_name, c.agent, c.agent_version, c.lane, left(c.request, 300), c.completed_at, c.reasons,
        c.place, count(*) OVER ()
    FROM qms_private.session_with(session_token) AS s
    CROSS JOIN LATERAL qms_private.memberships_of(s.user_id) AS m
    CROSS JOIN LATERAL ml_loop.review_candidates(m.organization_id, (clock_timestamp() AT TIME ZONE 'UTC')::date) AS c
    WHERE c.place COLLATE "C" > after_place
    ORDER BY c.place COLLATE "C"
    LIMIT max_rows
$$;
COMMENT ON FUNCTION qms_private.review_waiting(text, text, integer) IS
'What waits for a look in the organizations of whoever has this session; no scores, so that nobody is led by them.';

CREATE FUNCTION qms_private.review_content(of_run uuid) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone TO 'UTC'
AS $$
    SELECT jsonb_build_object(
        'run_id', r.id, 'agent', r.agent_type, 'agent_version', r.agent_version, 'lane', r.lane, 'model', r.model,
        'status', r.status, 'completed_at', r.completed_at, 'request', r.input ->> 'request',
        'subject', r.input ->> 'subject', 'answer', r.output
    )
    FROM agents.agent_runs AS r
    WHERE r.id = of_run
$$;
COMMENT ON FUNCTION qms_private.review_content(uuid) IS 'What a person judges of a run: request and answer, exactly.';

CREATE FUNCTION qms_private.review_run(session_token text, of_run uuid) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone TO 'UTC'
AS $$
DECLARE
    person uuid := (qms_private.session_with(session_token)).user_id;
    run agents.agent_runs;
    own ml_loop.feedback_loop;
    shown jsonb;
BEGIN
    SELECT r.* INTO run
    FROM agents.agent_runs AS r
    WHERE
        r.id = of_run AND r.agent_type <> 'client' AND r.completed_at IS NOT NULL
        AND r.organization_id IN (SELECT m.organization_id FROM qms_private.memberships_of(person) AS m);
    IF run.id IS NULL THEN
        RETURN NULL;
    END IF;
    SELECT f.* INTO own
    FROM ml_loop.feedback_loop AS f
    WHERE f.run_id = run.id AND f.given_by = person AND f.source = 'user' AND f.given_kind = 'human'
    ORDER BY f.created_at DESC
    LIMIT 1;
    shown := qms_private.review_content(run.id);
    RETURN shown || jsonb_build_object(
        'organization', (SELECT o.name FROM qms.organizations AS o WHERE o.id = run.organization_id),
        'sha256', encode(sha256(convert_to(shown::text, 'UTF8')), 'hex'),
        'calls', (
            SELECT coalesce(jsonb_agg(jsonb_build_object(
                'label', k.state ->> 'label', 'tool', k.state ->> 'tool', 'ok', k.state -> 'ok',
                'asked', left(c.tool_input::text, 2000), 'said', left(k.state ->> 'text', 4000)
            ) ORDER BY k.step), '[]')
            FROM agents.context_state AS k
            LEFT JOIN agents.tool_calls AS c ON c.id = (k.state ->> 'call_id')::uuid AND c.run_id = run.id
            WHERE k.run_id = run.id AND k.kind = 'tool'
        ),
        'own', CASE WHEN own.id IS NOT NULL THEN jsonb_build_object(
            'id', own.id, 'score', own.score, 'label', own.label, 'comment', own.comment, 'created_at', own.created_at
        ) END,
        'others', (
            SELECT count(*) FROM ml_loop.feedback_loop AS f
            WHERE f.run_id = run.id AND f.organization_id = run.organization_id AND f.id IS DISTINCT FROM own.id
        ),
        -- Nobody is led by what others thought: it is shown to those who have said what they think.
        'earlier', CASE WHEN own.id IS NOT NULL THEN (
            SELECT coalesce(jsonb_agg(jsonb_build_object(
                'source', f.source, 'kind', f.given_kind, 'score', f.score, 'label', f.label, 'comment', f.comment,
                'created_at', f.created_at,
                'by', (SELECT p.printed_name FROM qms.people AS p WHERE p.user_id = f.given_by AND f.source = 'user')
            ) ORDER BY f.created_at, f.id), '[]')
            FROM ml_loop.feedback_loop AS f
            WHERE f.run_id = run.id AND f.organization_id = run.organization_id AND f.id <> own.id
        ) ELSE '[]' END
    );
END
$$;
COMMENT ON FUNCTION qms_private.review_run(text, uuid) IS
'A run as the person of this session judges it, with what its calls were told; what others gave only after the own '
'score. Null when there is none in that person''s organizations.';

CREATE FUNCTION qms_private.give_feedback(
    session_token text, of_run uuid, given double precision, in_short text, words text, shown_sha256 text,
    to_langfuse boolean
) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone TO 'UTC'
AS $$
DECLARE
    person uuid := (qms_private.session_with(session_token)).user_id;
    place uuid;
    made uuid;
BEGIN
    IF person IS NULL THEN
        RETURN NULL;
    END IF;
    SELECT r.organization_id INTO place
    FROM agents.agent_runs AS r
    WHERE
        r.id = of_run AND r.agent_type <> 'client' AND r.completed_at IS NOT NULL
        AND r.organization_id IN (SELECT m.organization_id FROM qms_private.memberships_of(person) AS m);
    IF place IS NULL THEN
        RAISE EXCEPTION 'there is no such answer for you' USING ERRCODE = 'QM023', HINT = 'The list shows what waits.';
    ELSIF given IS NULL OR given NOT BETWEEN 0 AND 1 THEN
        RAISE EXCEPTION 'a score is between 0 and 1' USING ERRCODE = 'QM024', HINT = 'Choose one of the five.';
    ELSIF shown_sha256 IS DISTINCT FROM encode(sha256(convert_to(qms_private.review_content(of_run)::text, 'UTF8')), 'hex') THEN
        RAISE EXCEPTION 'what was shown is not what the answer is' USING ERRCODE = 'QM020', HINT = 'Open the page again.';
    END IF;
    PERFORM qms_private.lock_trail(place);
    IF EXISTS (
        SELECT FROM ml_loop.feedback_loop AS f
        WHERE f.run_id = of_run AND f.given_by = person AND f.source = 'user' AND f.given_kind = 'human'
    ) THEN
        RAISE EXCEPTION 'you have judged this answer already' USING ERRCODE = 'QM021', HINT = 'What you gave stays.';
    END IF;
    PERFORM qms_private.become(person, place, 'reviewed an answer', 'review page');
    IF NOT qms.may_write() THEN
        RAISE EXCEPTION 'feedback is given by somebody with a role other than auditor'
        USING ERRCODE = 'QM022', HINT = 'Somebody else has to do it.';
    END IF;
    INSERT INTO ml_loop.feedback_loop (organization_id, run_id, source, score, label, comment)
    VALUES (place, of_run, 'user', given, coalesce(in_short, ''), nullif(btrim(words), ''))
    RETURNING id INTO made;
    PERFORM qms_private.note_event(
        place, 'ml_loop.feedback_loop', made, 'reviewed',
        jsonb_build_object('run_id', of_run, 'score', given, 'label', in_short, 'shown_sha256', shown_sha256)
    );
    IF to_langfuse THEN
        PERFORM ml_loop.send_score(made);
    END IF;
    PERFORM qms_private.nobody();
    RETURN made;
END
$$;
COMMENT ON FUNCTION qms_private.give_feedback(text, uuid, double precision, text, text, text, boolean) IS
'Takes the feedback of the person of this session, as that person, once a run; null when the session has ended.';

DO $$
DECLARE
    ours text [] := ARRAY[
        'learn_from_feedback', 'keep_score', 'send_score', 'review_waiting', 'review_content', 'review_run', 'give_feedback'
    ];
    for_services text [] := ARRAY['keep_score', 'send_score'];
    for_the_page text [] := ARRAY['review_waiting', 'review_run', 'give_feedback'];
    named record;
BEGIN
    SET LOCAL ROLE qms_ledger;
    GRANT EXECUTE ON FUNCTION agents.outbox_put(uuid, text, jsonb) TO qms_definer;
    RESET ROLE;
    REVOKE ALL ON FUNCTION
        ml_loop.complete_feedback(), ml_loop.only_people_validate(), ml_loop.run_that_drafted(uuid, uuid, integer),
        ml_loop.review_candidates(uuid, date)
    FROM public;
    GRANT EXECUTE ON FUNCTION ml_loop.run_that_drafted(uuid, uuid, integer), ml_loop.review_candidates(uuid, date)
    TO qms_app, qms_definer;
    GRANT CREATE ON SCHEMA ml_loop, qms_private TO qms_definer;
    FOR named IN
        SELECT p.oid::regprocedure AS place, p.proname
        FROM pg_catalog.pg_proc AS p
        WHERE p.pronamespace IN ('ml_loop'::regnamespace, 'qms_private'::regnamespace) AND p.proname = ANY (ours)
    LOOP
        EXECUTE format('ALTER FUNCTION %s OWNER TO qms_definer', named.place);
        SET LOCAL ROLE qms_definer;
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', named.place);
        IF named.proname = ANY (for_services) THEN
            EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO qms_app', named.place);
        ELSIF named.proname = ANY (for_the_page) THEN
            -- Where one login is all there is, the owner is also the server.
            EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO qms_server, SESSION_USER', named.place);
        END IF;
        RESET ROLE;
    END LOOP;
    REVOKE CREATE ON SCHEMA ml_loop, qms_private FROM qms_definer;
END
$$;
