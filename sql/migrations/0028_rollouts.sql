-- How a version of an agent goes to people, and how it is taken back.
--
-- Widening is a person's: whoever asked for it or made the version may not decide it, and what is decided is written
-- here from the rows themselves, so that nobody is shown anything but what will happen. Going back to what was approved
-- is anybody's, and the watch does it alone: after every run the outcomes are counted in order, and a cumulative sum that
-- reaches its limit ends the roll-out in the same transaction. All moves of one organization take the turn of its trail.
--
-- The runner takes an advisory lock and sets a lock time-out; the tables altered here are small.
-- squawk-ignore-file ban-drop-function, require-timeout-settings

CREATE POLICY administration ON agents.agent_runs FOR SELECT TO qms_definer USING (true);
GRANT SELECT ON agents.agent_runs TO qms_definer;

-- Only their owner may take them away, and only we may write new ones.
SET LOCAL ROLE qms_definer;
DROP FUNCTION qms_private.carry_out(qms.approvals, text);
DROP FUNCTION qms_private.why_not_decide(qms.approvals);
RESET ROLE;

-- What is where ---------------------------------------------------------------------------------------------------------

CREATE FUNCTION ml_loop.production_of(of_agent text) RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(
        (
            SELECT a.version_id
            FROM ml_loop.aliases AS a
            WHERE a.organization_id = qms.current_organization_id() AND a.model_name = of_agent AND a.alias = 'production'
        ),
        (
            SELECT v.id
            FROM ml_loop.model_versions AS v
            WHERE v.organization_id = qms.current_organization_id() AND v.model_name = of_agent AND v.origin = 'shipped'
            ORDER BY v.created_at DESC, v.id DESC
            LIMIT 1
        )
    )
$$;
COMMENT ON FUNCTION ml_loop.production_of(text) IS
'The version of an agent that answers people: the one its alias names, else the one shipped last.';

CREATE FUNCTION ml_loop.name_of(of_version uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    SELECT v.version
    FROM ml_loop.model_versions AS v
    WHERE v.id = of_version AND v.organization_id = qms.current_organization_id()
$$;
COMMENT ON FUNCTION ml_loop.name_of(uuid) IS 'The name of a version, such as qa@3f2a9c41d0e7.';

CREATE FUNCTION ml_loop.version_of(of_agent text, of_version uuid) RETURNS ml_loop.model_versions
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found_version ml_loop.model_versions;
BEGIN
    SELECT v.* INTO found_version
    FROM ml_loop.model_versions AS v
    WHERE v.id = of_version AND v.organization_id = qms.current_organization_id() AND v.content IS NOT NULL;
    IF found_version.id IS NULL THEN
        RAISE EXCEPTION 'there is no such version' USING ERRCODE = 'QM023', HINT = 'list_models shows what there is.';
    ELSIF found_version.model_name IS DISTINCT FROM of_agent THEN
        RAISE EXCEPTION '% is a version of the agent %, not of %', found_version.version, found_version.model_name, of_agent
        USING ERRCODE = 'QM024', HINT = 'Name the agent whose version it is.';
    END IF;
    RETURN found_version;
END
$$;
COMMENT ON FUNCTION ml_loop.version_of(text, uuid) IS 'A version of this agent, or the error that says why there is none.';

-- What counts as bad ----------------------------------------------------------------------------------------------------

CREATE FUNCTION ml_loop.outcome_of(of_run agents.agent_runs, score_limit double precision, as_told text []) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE
        WHEN of_run.status IN ('failed', 'lost') THEN of_run.status
        WHEN of_run.status = 'partial' AND of_run.stop_reason IN ('timeout', 'looping', 'budget') THEN of_run.stop_reason
        WHEN EXISTS (
            SELECT
            FROM ml_loop.feedback_loop AS f
            WHERE
                f.run_id = of_run.id AND f.organization_id = qms.current_organization_id() AND f.source = 'automated'
                AND f.label = 'automatic' AND f.score < score_limit
        ) THEN 'low score'
        WHEN EXISTS (
            SELECT
            FROM ml_loop.feedback_loop AS f
            WHERE
                f.run_id = of_run.id AND f.organization_id = qms.current_organization_id() AND f.source = 'user'
                AND f.score < 0.5 AND f.given_kind = ANY(as_told)
        ) THEN 'bad feedback'
        ELSE ''
    END
$$;
COMMENT ON FUNCTION ml_loop.outcome_of(agents.agent_runs, double precision, text []) IS
'Why a run that has ended counts as bad; empty when it does not. as_told: whose feedback counts, by what kind of actor gave it.';

CREATE FUNCTION ml_loop.error_rate_of(of_version uuid, most integer, as_told text []) RETURNS TABLE (n bigint, bad bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    SELECT count(*), count(*) FILTER (WHERE ml_loop.outcome_of(r, 0.5, as_told) <> '')
    FROM (
        SELECT b.*
        FROM agents.agent_runs AS b
        WHERE
            b.organization_id = qms.current_organization_id() AND b.version_id = of_version
            AND b.lane IN ('shipped', 'production', 'control') AND b.completed_at IS NOT NULL AND b.status <> 'cancelled'
        ORDER BY b.completed_at DESC
        LIMIT most
    ) AS r
$$;
COMMENT ON FUNCTION ml_loop.error_rate_of(uuid, integer, text []) IS
'How many of the last runs of a version for people there were, and how many of them were bad: what a watch begins with. as_told: as the watch will count them.';

CREATE FUNCTION ml_loop.watch_plan(given jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    p0 double precision := least(greatest(coalesce((given ->> 'p0')::double precision, 0.05), 0.001), 0.8);
    p1 double precision := coalesce((given ->> 'p1')::double precision, 0);
BEGIN
    IF NOT p1 > p0 OR p1 >= 1 THEN
        p1 := least(greatest(3 * p0, p0 + 0.15), 0.95);
    END IF;
    RETURN coalesce(given, '{}') || jsonb_build_object(
        'p0', p0, 'p1', p1,
        -- A cumulative sum of log-likelihood ratios runs exp(h) observations on average before a false alarm, or longer
        -- (G. Lorden, Procedures for reacting to a change in distribution, Annals of Mathematical Statistics 42, 1971).
        'h', greatest(coalesce((given ->> 'h')::double precision, ln(1000.0)::double precision), 0.1),
        'score_limit', coalesce((given ->> 'score_limit')::double precision, 0.5),
        'runs', greatest(coalesce((given ->> 'runs')::integer, 100), 1)
    );
END
$$;
COMMENT ON FUNCTION ml_loop.watch_plan(jsonb) IS
'The plan of a watch, whole: the share p0 of bad runs that is usual, p1 that must not be, the limit h, from which score on a run is bad, and after how many runs it is over.';

CREATE FUNCTION ml_loop.watched(of_rollout ml_loop.rollouts) RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    plan jsonb := ml_loop.watch_plan(of_rollout.plan);
    up double precision := ln((plan ->> 'p1')::double precision / (plan ->> 'p0')::double precision);
    down double precision := ln((1 - (plan ->> 'p1')::double precision) / (1 - (plan ->> 'p0')::double precision));
    h double precision := (plan ->> 'h')::double precision;
    planned integer := (plan ->> 'runs')::integer;
    one record;
    n integer := 0;
    bad integer := 0;
    value double precision := 0;
    peak double precision := 0;
    whys jsonb := '{}';
    -- Nobody takes back what a person approved by telling an agent that it was bad: that takes the person.
    as_told text [] := CASE of_rollout.kind WHEN 'production' THEN ARRAY['human'] ELSE ARRAY['human', 'agent'] END;
BEGIN
    IF of_rollout.organization_id IS DISTINCT FROM qms.current_organization_id() THEN
        RETURN NULL;
    END IF;
    FOR one IN
        SELECT r.id, ml_loop.outcome_of(r, (plan ->> 'score_limit')::double precision, as_told) AS why
        FROM agents.agent_runs AS r
        WHERE
            r.organization_id = of_rollout.organization_id AND r.completed_at IS NOT NULL AND r.status <> 'cancelled'
            AND CASE
                WHEN of_rollout.kind = 'production'
                    THEN r.version_id = of_rollout.version_id AND r.lane IN ('production', 'control')
                    AND r.created_at >= of_rollout.started_at
                ELSE r.rollout_id = of_rollout.id AND r.lane = of_rollout.kind
            END
        ORDER BY r.completed_at, r.id
    LOOP
        EXIT WHEN of_rollout.kind = 'production' AND n >= planned;
        n := n + 1;
        IF one.why <> '' THEN
            bad := bad + 1;
            whys := jsonb_set(whys, ARRAY[one.why], to_jsonb(coalesce((whys ->> one.why)::integer, 0) + 1));
        END IF;
        value := greatest(0, value + CASE WHEN one.why <> '' THEN up ELSE down END);
        peak := greatest(peak, value);
        IF value >= h THEN
            RETURN jsonb_build_object(
                'n', n, 'bad', bad, 'value', value, 'peak', peak, 'limit', h, 'planned', planned, 'whys', whys,
                'alarm', true, 'at_run', one.id
            );
        END IF;
    END LOOP;
    RETURN jsonb_build_object(
        'n', n, 'bad', bad, 'value', value, 'peak', peak, 'limit', h, 'planned', planned, 'whys', whys, 'alarm', false
    );
END
$$;
COMMENT ON FUNCTION ml_loop.watched(ml_loop.rollouts) IS
'The cumulative sum over the runs of a roll-out in the order in which they ended, up to its alarm: S = max(0, S + w), '
'where w is ln(p1/p0) for a bad run and ln((1-p1)/(1-p0)) for a good one. The same rows give the same answer.';

-- Moves, for functions below alone --------------------------------------------------------------------------------------

CREATE FUNCTION ml_loop.move_alias(
    of_agent text, of_alias text, to_version uuid, because text, by_approval uuid, by_kind text
) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    ours uuid := qms.current_organization_id();
    before uuid;
BEGIN
    SELECT a.version_id INTO before
    FROM ml_loop.aliases AS a
    WHERE a.organization_id = ours AND a.model_name = of_agent AND a.alias = of_alias
    FOR UPDATE;
    IF before IS NOT DISTINCT FROM to_version THEN
        RETURN before;
    END IF;
    INSERT INTO ml_loop.aliases AS a (organization_id, model_name, alias, version_id)
    VALUES (ours, of_agent, of_alias, to_version)
    ON CONFLICT (organization_id, model_name, alias)
    DO UPDATE SET version_id = excluded.version_id, since = clock_timestamp();
    INSERT INTO ml_loop.alias_moves (
        organization_id, model_name, alias, from_id, to_id, reason, approval_id, moved_by, moved_kind
    )
    VALUES (
        ours, of_agent, of_alias, before, to_version, because, by_approval,
        CASE WHEN by_kind <> 'system' THEN qms.current_user_id() END, by_kind
    );
    RETURN before;
END
$$;
COMMENT ON FUNCTION ml_loop.move_alias(text, text, uuid, text, uuid, text) IS
'Lets a name of an agent stand for another version, and notes the move. Returns what it stood for.';

CREATE FUNCTION ml_loop.end_rollout(
    of_rollout uuid, as_state text, because text, by_kind text, with_outcome jsonb
) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    ended ml_loop.rollouts;
BEGIN
    UPDATE ml_loop.rollouts AS r
    SET
        state = as_state, ended_at = clock_timestamp(), end_reason = because, ended_kind = by_kind,
        outcome = r.outcome || coalesce(with_outcome, '{}')
    WHERE r.id = of_rollout AND r.organization_id = qms.current_organization_id() AND r.state = 'running'
    RETURNING r.* INTO ended;
    IF ended.id IS NULL THEN
        RETURN false;
    END IF;
    PERFORM qms_private.write_entry(
        ended.organization_id, 'ml_loop.rollouts', ended.id, as_state, NULL, NULL, NULL, NULL,
        jsonb_build_object(
            'agent', ended.model_name, 'kind', ended.kind, 'version', ml_loop.name_of(ended.version_id), 'why', because
        )
    );
    RETURN true;
END
$$;
COMMENT ON FUNCTION ml_loop.end_rollout(uuid, text, text, text, jsonb) IS 'Ends a roll-out and says so in the trail; false when it had ended.';

CREATE FUNCTION ml_loop.put_in_production(
    of_agent text, to_version uuid, because text, by_approval uuid, by_kind text, as_state text
) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    ours uuid := qms.current_organization_id();
    before uuid := ml_loop.production_of(of_agent);
    other record;
BEGIN
    FOR other IN
        SELECT r.id, r.kind, r.version_id
        FROM ml_loop.rollouts AS r
        WHERE
            r.organization_id = ours AND r.model_name = of_agent AND r.state = 'running'
            AND r.kind IN ('canary', 'experiment', 'production')
        ORDER BY r.id
        FOR UPDATE
    LOOP
        PERFORM ml_loop.end_rollout(
            other.id,
            CASE WHEN other.kind = 'production' THEN as_state WHEN other.version_id = to_version THEN 'completed' ELSE 'stopped' END,
            CASE
                WHEN other.kind = 'production' THEN format('%s answers now: %s', ml_loop.name_of(to_version), because)
                WHEN other.version_id = to_version THEN 'it went to production'
                ELSE format('what it was compared with is no longer in production: %s is', ml_loop.name_of(to_version))
            END,
            by_kind, '{}'
        );
    END LOOP;
    PERFORM ml_loop.move_alias(of_agent, 'production', to_version, because, by_approval, by_kind);
    UPDATE ml_loop.model_versions AS v
    SET
        status = CASE WHEN v.id = to_version THEN 'production' ELSE 'former' END,
        deployed_at = CASE WHEN v.id = to_version THEN clock_timestamp() ELSE v.deployed_at END
    WHERE v.organization_id = ours AND v.id IN (to_version, before);
    RETURN before;
END
$$;
COMMENT ON FUNCTION ml_loop.put_in_production(text, uuid, text, uuid, text, text) IS
'Makes a version the one that answers; ends the roll-outs that rested on what answered before. Returns that.';

-- Without a person: to look on, and to go back --------------------------------------------------------------------------

CREATE FUNCTION ml_loop.begin_move(why text, doing text) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF qms.current_organization_id() IS NULL OR NOT qms.may_write() THEN
        RAISE EXCEPTION '% takes somebody with a role other than auditor', doing USING ERRCODE = 'QM022';
    ELSIF length(btrim(coalesce(why, ''))) < 10 THEN
        RAISE EXCEPTION '% needs a reason of at least 10 characters', doing USING ERRCODE = 'QM024';
    END IF;
    PERFORM set_config('qms.reason', btrim(why), true);
    PERFORM qms_private.lock_trail(qms.current_organization_id());
    RETURN qms.current_organization_id();
END
$$;
COMMENT ON FUNCTION ml_loop.begin_move(text, text) IS 'What each move begins with: who may, why, and the turn of the trail.';

CREATE FUNCTION ml_loop.nominate(of_agent text, of_version uuid, why text) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    ours uuid := ml_loop.begin_move(why, 'naming a candidate');
    named ml_loop.model_versions := ml_loop.version_of(of_agent, of_version);
BEGIN
    IF named.origin = 'trial' THEN
        RAISE EXCEPTION '% is a step of an optimiser, not what it proposed', named.version USING ERRCODE = 'QM024';
    END IF;
    RETURN ml_loop.move_alias(of_agent, 'candidate', named.id, btrim(why), NULL, qms.current_actor_kind());
END
$$;
COMMENT ON FUNCTION ml_loop.nominate(text, uuid, text) IS 'Lets `candidate` stand for a version: it answers nobody by that.';

CREATE FUNCTION ml_loop.start_shadow(of_agent text, of_version uuid, share numeric, why text) RETURNS ml_loop.rollouts
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    ours uuid := ml_loop.begin_move(why, 'a shadow');
    wanted ml_loop.model_versions := ml_loop.version_of(of_agent, of_version);
    standing ml_loop.rollouts;
BEGIN
    IF wanted.origin = 'trial' THEN
        RAISE EXCEPTION '% is a step of an optimiser, not what it proposed', wanted.version USING ERRCODE = 'QM024';
    END IF;
    SELECT r.* INTO standing
    FROM ml_loop.rollouts AS r
    WHERE r.organization_id = ours AND r.model_name = of_agent AND r.kind = 'shadow' AND r.state = 'running'
    FOR UPDATE;
    IF standing.version_id = wanted.id THEN
        RETURN standing;
    ELSIF standing.id IS NOT NULL THEN
        RAISE EXCEPTION '% runs in the shadow already', ml_loop.name_of(standing.version_id)
        USING ERRCODE = 'QM021', HINT = 'End it first: rollback_model.';
    END IF;
    INSERT INTO ml_loop.rollouts (organization_id, model_name, kind, version_id, baseline_id, percent)
    VALUES (ours, of_agent, 'shadow', wanted.id, ml_loop.production_of(of_agent), share)
    RETURNING * INTO standing;
    PERFORM ml_loop.move_alias(of_agent, 'shadow', wanted.id, btrim(why), NULL, qms.current_actor_kind());
    PERFORM qms_private.write_entry(
        ours, 'ml_loop.rollouts', standing.id, 'started', NULL, NULL, NULL, NULL,
        jsonb_build_object('agent', of_agent, 'kind', 'shadow', 'version', wanted.version, 'percent', share)
    );
    RETURN standing;
END
$$;
COMMENT ON FUNCTION ml_loop.start_shadow(text, uuid, numeric, text) IS
'Lets a version answer beside the one in production, for nobody: a share of requests is asked twice.';

CREATE FUNCTION ml_loop.withdraw(of_rollout uuid, why text) RETURNS ml_loop.rollouts
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    ours uuid := ml_loop.begin_move(why, 'ending a roll-out');
    standing ml_loop.rollouts;
BEGIN
    SELECT r.* INTO standing
    FROM ml_loop.rollouts AS r
    WHERE r.id = of_rollout AND r.organization_id = ours
    FOR UPDATE;
    IF standing.id IS NULL THEN
        RAISE EXCEPTION 'there is no such roll-out' USING ERRCODE = 'QM023';
    ELSIF standing.kind = 'production' THEN
        RAISE EXCEPTION 'what is in production is taken back by a person'
        USING ERRCODE = 'QM022', HINT = 'rollback_model asks for it.';
    ELSIF standing.state <> 'running' THEN
        RETURN standing;
    END IF;
    PERFORM ml_loop.end_rollout(
        standing.id, 'stopped', btrim(why), qms.current_actor_kind(),
        CASE WHEN standing.kind <> 'shadow' THEN ml_loop.watched(standing) END
    );
    SELECT r.* INTO standing FROM ml_loop.rollouts AS r WHERE r.id = of_rollout;
    RETURN standing;
END
$$;
COMMENT ON FUNCTION ml_loop.withdraw(uuid, text) IS
'Ends a shadow, canary or experiment at once. Anybody who writes may: what was approved before answers again.';

-- With a person: to let more people have it -----------------------------------------------------------------------------

CREATE FUNCTION ml_loop.why_not_promote(
    of_agent text, wanted text, of_version uuid, watch jsonb, OUT why text, OUT hint text, OUT gates uuid
)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    ours uuid := qms.current_organization_id();
    asked ml_loop.model_versions := ml_loop.version_of(of_agent, of_version);
    answers uuid := ml_loop.production_of(of_agent);
    trial ml_loop.rollouts;
    report ml_loop.gate_reports;
BEGIN
    IF answers = asked.id THEN
        why := format('%s is in production already', asked.version);
        RETURN;
    ELSIF wanted = 'roll_back' THEN
        IF asked.origin <> 'shipped' AND NOT EXISTS (
            SELECT
            FROM ml_loop.alias_moves AS m
            WHERE
                m.organization_id = ours AND m.model_name = of_agent AND m.alias = 'production'
                AND asked.id IN (m.from_id, m.to_id)
        ) THEN
            why := format('%s was never in production: nobody can go back to it', asked.version);
            hint := 'promote_model lets a new version go to people.';
        END IF;
        RETURN;
    ELSIF asked.origin = 'trial' THEN
        why := format('%s is a step of an optimiser, not what it proposed', asked.version);
        RETURN;
    ELSIF answers IS NULL THEN
        why := format('there is no version of %s to compare with', of_agent);
        RETURN;
    END IF;
    SELECT r.* INTO trial
    FROM ml_loop.rollouts AS r
    WHERE
        r.organization_id = ours AND r.model_name = of_agent AND r.state = 'running'
        AND r.kind IN ('canary', 'experiment');
    IF trial.id IS NOT NULL AND (trial.version_id <> asked.id OR wanted <> 'production') THEN
        why := format('%s is on trial already (%s, %s percent)', ml_loop.name_of(trial.version_id), trial.kind, trial.percent);
        hint := 'One at a time: let it come to its end, or end it with rollback_model.';
        RETURN;
    END IF;
    SELECT g.* INTO report
    FROM ml_loop.gate_reports AS g
    WHERE g.organization_id = ours AND g.version_id = asked.id AND g.baseline_id = answers
    ORDER BY g.created_at DESC, g.id DESC
    LIMIT 1;
    IF report.id IS NULL THEN
        why := format('%s has not been through the gates against %s, which is in production', asked.version, ml_loop.name_of(answers));
        hint := 'Let it pass the gates first; a report against another version does not count.';
        RETURN;
    ELSIF NOT report.passed THEN
        why := format('the last gate report of %s was not passed', asked.version);
        hint := 'The report says which gate; a better version has to be made.';
        RETURN;
    END IF;
    gates := report.id;
    IF wanted = 'production' AND length(btrim(coalesce(watch ->> 'without_canary', ''))) < 10 AND NOT EXISTS (
        SELECT
        FROM ml_loop.rollouts AS r
        WHERE
            r.organization_id = ours AND r.version_id = asked.id AND r.kind IN ('canary', 'experiment')
            AND r.baseline_id = answers
            AND (r.state = 'completed' OR (r.state = 'running' AND r.outcome @> '{"ready": true}'))
    ) THEN
        why := format('%s has not come through a canary or an experiment', asked.version);
        hint := 'Begin with a canary, or say in without_canary why there is none; the signer reads it.';
    END IF;
END
$$;
COMMENT ON FUNCTION ml_loop.why_not_promote(text, text, uuid, jsonb) IS
'Why a version may not go to people, or not back, now; null when it may. With the gate report that lets it.';

CREATE FUNCTION ml_loop.on_one_line(words text) RETURNS text
LANGUAGE sql IMMUTABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    -- White space, control characters, separators of lines and paragraphs, and what turns the direction of a text round.
    SELECT btrim(
        regexp_replace(
            words, '[\s\u0001-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]+', ' ', 'g'
        )
    )
$$;
COMMENT ON FUNCTION ml_loop.on_one_line(text) IS 'What somebody wrote, as one line that holds nothing invisible.';

CREATE FUNCTION ml_loop.promotion_words(asked ml_loop.promotion_requests) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    wanted ml_loop.model_versions := ml_loop.version_of(asked.model_name, asked.version_id);
    answers text := ml_loop.name_of(ml_loop.production_of(asked.model_name));
BEGIN
    RETURN concat_ws(
        E'\n',
        CASE asked.action
            WHEN 'canary' THEN format(
                'Let %s answer %s %% of the requests to the agent %s (canary, by %s). Everybody else keeps %s.',
                wanted.version, asked.percent, asked.model_name, asked.sticky_by, answers
            )
            WHEN 'experiment' THEN format(
                'Let %s answer %s %% of the requests to the agent %s as an experiment (by %s), compared with %s.',
                wanted.version, asked.percent, asked.model_name, asked.sticky_by, answers
            )
            WHEN 'production' THEN format(
                'Let %s answer all requests to the agent %s, in place of %s.', wanted.version, asked.model_name, answers
            )
            ELSE format(
                'Go back: let %s answer all requests to the agent %s again, in place of %s.',
                wanted.version, asked.model_name, answers
            )
        END,
        -- What somebody wrote stays on its line: it is not to look like what is written here from the rows.
        '', 'Why: ' || ml_loop.on_one_line(asked.reason),
        'Version: ' || wanted.version || ', ' || wanted.origin || ', ' || concat_ws(
            ' ', 'made', (
                SELECT 'by ' || coalesce(p.printed_name, u.email) || CASE wanted.created_kind WHEN 'agent' THEN ' through an agent' ELSE '' END
                FROM auth.users AS u LEFT JOIN qms.people AS p ON p.user_id = u.id WHERE u.id = wanted.created_by
            ), 'on ' || to_char(wanted.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI') || ' UTC'
        ),
        'Content (SHA-256): ' || wanted.content_sha256,
        'Made from: ' || ml_loop.name_of(wanted.parent_id),
        'Learned from: ' || (
            SELECT format('%s version %s, %s items, SHA-256 %s', ml_loop.on_one_line(d.name), s.version, s.n, s.content_sha256)
            FROM ml_loop.dataset_versions AS s INNER JOIN ml_loop.datasets AS d ON d.id = s.dataset_id
            WHERE s.id = wanted.dataset_version_id
        ),
        CASE WHEN asked.action <> 'roll_back' THEN format(
            'Watched: %s runs; usual share of bad runs %s, must not be %s; at a cumulative sum of %s it goes back to %s by itself.',
            asked.plan ->> 'runs', round((asked.plan ->> 'p0')::numeric, 4), round((asked.plan ->> 'p1')::numeric, 4),
            round((asked.plan ->> 'h')::numeric, 3), answers
        ) END,
        'WITHOUT A CANARY: ' || nullif(ml_loop.on_one_line(asked.plan ->> 'without_canary'), ''),
        (
            SELECT E'\nGate report (SHA-256 ' || g.content_sha256 || E')\n' || g.content
            FROM ml_loop.gate_reports AS g WHERE g.id = asked.gate_report_id
        )
    );
END
$$;
COMMENT ON FUNCTION ml_loop.promotion_words(ml_loop.promotion_requests) IS 'What a person reads before deciding, written from the rows.';

CREATE FUNCTION ml_loop.request_promotion(
    of_agent text, wanted text, of_version uuid, share numeric, stick_by text, watch jsonb, why text, through_client text
) RETURNS qms.approvals
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    ours uuid := ml_loop.begin_move(why, 'asking for another version');
    chosen ml_loop.model_versions := ml_loop.version_of(of_agent, of_version);
    watched_by jsonb := CASE wanted WHEN 'roll_back' THEN '{}'::jsonb ELSE ml_loop.watch_plan(watch) END;
    against record;
    asked ml_loop.promotion_requests;
    standing qms.approvals;
BEGIN
    IF wanted NOT IN ('canary', 'experiment', 'production', 'roll_back') OR wanted IS NULL THEN
        RAISE EXCEPTION 'there is no such step: %', quote_nullable(wanted) USING ERRCODE = 'QM024';
    ELSIF wanted IN ('canary', 'experiment') AND share IS NULL THEN
        RAISE EXCEPTION 'this step is for a share of the requests' USING ERRCODE = 'QM024', HINT = 'Say for how many percent.';
    END IF;
    SELECT * INTO against FROM ml_loop.why_not_promote(of_agent, wanted, chosen.id, watched_by);
    IF against.why IS NOT NULL THEN
        RAISE EXCEPTION '%', against.why USING ERRCODE = 'QM021', HINT = coalesce(against.hint, '');
    END IF;
    asked := jsonb_populate_record(NULL::ml_loop.promotion_requests, jsonb_build_object(
        'id', gen_random_uuid(), 'organization_id', ours, 'model_name', of_agent, 'action', wanted,
        'version_id', chosen.id, 'percent', CASE WHEN wanted IN ('canary', 'experiment') THEN share END,
        'sticky_by', coalesce(stick_by, 'dispatch'), 'plan', watched_by, 'gate_report_id', against.gates, 'reason', btrim(why)
    ));
    SELECT a.* INTO standing
    FROM qms.approvals AS a
    INNER JOIN ml_loop.promotion_requests AS p ON p.id = a.subject_id AND p.organization_id = a.organization_id
    WHERE
        a.organization_id = ours AND a.tool IN ('promote_model', 'rollback_model') AND a.state = 'pending'
        AND a.expires_at > clock_timestamp() AND p.model_name = of_agent AND p.action = wanted
        AND p.version_id = chosen.id AND p.percent IS NOT DISTINCT FROM asked.percent AND p.sticky_by = asked.sticky_by
        AND p.gate_report_id IS NOT DISTINCT FROM asked.gate_report_id
        AND (p.plan ->> 'without_canary') IS NOT DISTINCT FROM (watched_by ->> 'without_canary')
    ORDER BY a.created_at DESC
    LIMIT 1;
    IF standing.id IS NOT NULL THEN
        RETURN standing;
    END IF;
    asked.content := ml_loop.promotion_words(asked);
    INSERT INTO ml_loop.promotion_requests (
        id, organization_id, model_name, action, version_id, percent, sticky_by, plan, gate_report_id, content, reason
    )
    VALUES (
        asked.id, ours, of_agent, wanted, chosen.id, asked.percent, asked.sticky_by, watched_by, against.gates, asked.content,
        asked.reason
    );
    INSERT INTO qms.approvals (
        organization_id, tool, subject_id, content_sha256, summary, content, requested_by, requested_kind, reason,
        client_name, meaning
    )
    VALUES (
        ours, CASE wanted WHEN 'roll_back' THEN 'rollback_model' ELSE 'promote_model' END, asked.id,
        encode(sha256(convert_to(asked.content, 'UTF8')), 'hex'), split_part(asked.content, E'\n', 1), asked.content,
        qms.current_user_id(), qms.current_actor_kind(), asked.reason, through_client, 'approval'
    )
    RETURNING * INTO standing;
    PERFORM qms_private.write_entry(
        ours, 'qms.approvals', standing.id, 'requested', NULL, NULL, NULL, NULL,
        jsonb_build_object('agent', of_agent, 'step', wanted, 'version', chosen.version, 'content_sha256', standing.content_sha256)
    );
    RETURN standing;
END
$$;
COMMENT ON FUNCTION ml_loop.request_promotion(text, text, uuid, numeric, text, jsonb, text, text) IS
'Asks a person to let a version go to people, or to take one back: the same request finds the one that waits.';

CREATE FUNCTION ml_loop.why_not_decide_promotion(asked qms.approvals) RETURNS text []
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    SELECT array_remove(ARRAY[
        CASE
            WHEN NOT (qms.has_role('approver') OR qms.has_role('qa_approver') OR qms.has_role('admin'))
                THEN 'it takes the role approver, qa_approver or admin'
        END,
        CASE WHEN asked.requested_by = qms.current_user_id() THEN 'whoever asked for it may not decide it' END,
        (
            SELECT 'whoever made the version may not decide about it'
            FROM ml_loop.promotion_requests AS p
            INNER JOIN ml_loop.model_versions AS v ON v.id = p.version_id
            WHERE
                p.id = asked.subject_id AND p.organization_id = asked.organization_id AND v.created_by = qms.current_user_id()
                -- The shipped one was made with the program; whoever first had it answer only stored it.
                AND v.origin <> 'shipped'
        )
    ], NULL)
$$;
COMMENT ON FUNCTION ml_loop.why_not_decide_promotion(qms.approvals) IS
'Why this person may not decide about a version: neither who asked nor who made it may.';

CREATE FUNCTION ml_loop.carry_out_promotion(approved qms.approvals) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    ours uuid := approved.organization_id;
    asked ml_loop.promotion_requests;
    against record;
    before uuid := NULL;
    begun uuid;
BEGIN
    -- A person, and nobody else, gets here: the page calls it in the name of whoever signed.
    IF qms.current_actor_kind() IS DISTINCT FROM 'human' THEN
        RAISE EXCEPTION 'only a person lets a version go to people' USING ERRCODE = 'QM022';
    END IF;
    SELECT p.* INTO asked
    FROM ml_loop.promotion_requests AS p
    WHERE p.id = approved.subject_id AND p.organization_id = ours;
    IF asked.id IS NULL OR asked.content <> approved.content
        OR (asked.action = 'roll_back') <> (approved.tool = 'rollback_model') THEN
        RAISE EXCEPTION 'what was shown is not what would happen' USING ERRCODE = 'QM020';
    END IF;
    SELECT * INTO against FROM ml_loop.why_not_promote(asked.model_name, asked.action, asked.version_id, asked.plan);
    IF against.why IS NOT NULL OR against.gates IS DISTINCT FROM asked.gate_report_id THEN
        RAISE EXCEPTION 'it can''t be done any more: %', coalesce(against.why, 'there is a newer gate report')
        USING ERRCODE = 'QM021', HINT = 'Reject it; it has to be asked for again.';
    ELSIF ml_loop.promotion_words(asked) <> approved.content THEN
        -- Such as "in place of" a version that does not answer any more.
        RAISE EXCEPTION 'what was shown is not what would happen now'
        USING ERRCODE = 'QM021', HINT = 'Reject it; it has to be asked for again.';
    END IF;
    before := ml_loop.production_of(asked.model_name);
    IF asked.action IN ('production', 'roll_back') THEN
        PERFORM ml_loop.put_in_production(
            asked.model_name, asked.version_id, asked.reason, approved.id, 'human',
            CASE asked.action WHEN 'roll_back' THEN 'rolled_back' ELSE 'completed' END
        );
    END IF;
    IF asked.action <> 'roll_back' THEN
        INSERT INTO ml_loop.rollouts (
            organization_id, model_name, kind, version_id, baseline_id, percent, sticky_by, plan, gate_report_id, approval_id
        )
        VALUES (
            ours, asked.model_name, asked.action, asked.version_id, before, coalesce(asked.percent, 100), asked.sticky_by,
            asked.plan, asked.gate_report_id, approved.id
        )
        RETURNING id INTO begun;
        IF asked.action <> 'production' THEN
            UPDATE ml_loop.model_versions AS v SET status = asked.action WHERE v.id = asked.version_id;
        END IF;
    END IF;
    PERFORM qms_private.write_entry(
        ours, CASE WHEN begun IS NULL THEN 'ml_loop.model_versions' ELSE 'ml_loop.rollouts' END,
        coalesce(begun, asked.version_id), CASE WHEN begun IS NULL THEN 'rolled_back' ELSE 'started' END,
        NULL, NULL, NULL, NULL,
        jsonb_build_object(
            'agent', asked.model_name, 'step', asked.action, 'version', ml_loop.name_of(asked.version_id),
            'before', ml_loop.name_of(before), 'approval_id', approved.id, 'content_sha256', approved.content_sha256
        )
    );
END
$$;
COMMENT ON FUNCTION ml_loop.carry_out_promotion(qms.approvals) IS 'Does what a person has just approved, if it still may be done.';

CREATE FUNCTION qms_private.carry_out(asked qms.approvals, why text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM set_config('qms.approval_id', asked.id::text, true);
    IF asked.tool = 'transition_record' THEN
        PERFORM qms.transition(asked.record_id, asked.record_version, asked.to_state, why);
    ELSIF asked.tool IN ('promote_model', 'rollback_model') THEN
        PERFORM ml_loop.carry_out_promotion(asked);
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

CREATE FUNCTION qms_private.why_not_decide(asked qms.approvals) RETURNS text []
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    item qms.quality_items;
BEGIN
    IF asked.tool = 'change_workflow' THEN
        RETURN CASE WHEN qms.has_role('qa_approver') THEN '{}'::text [] ELSE ARRAY['it takes the role qa_approver'] END
        || CASE WHEN asked.requested_by = qms.current_user_id() THEN ARRAY['whoever drafted it may not approve it'] ELSE '{}'::text [] END;
    ELSIF asked.tool IN ('promote_model', 'rollback_model') THEN
        RETURN ml_loop.why_not_decide_promotion(asked);
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

COMMENT ON FUNCTION qms_private.carry_out(qms.approvals, text) IS
'Does what was approved, as the person who approved it. Only the function that checked the signature calls it.';
COMMENT ON FUNCTION qms_private.why_not_decide(qms.approvals) IS
'Why the caller is not the one to decide this; empty when it is.';

-- The watch -------------------------------------------------------------------------------------------------------------

CREATE FUNCTION ml_loop.take_back(of_rollout ml_loop.rollouts, seen jsonb) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    plan jsonb := ml_loop.watch_plan(of_rollout.plan);
    because text := format(
        '%s of %s runs of %s were bad (%s); usual is a share of %s. The cumulative sum reached %s, its limit is %s.',
        seen ->> 'bad', seen ->> 'n', ml_loop.name_of(of_rollout.version_id),
        (SELECT string_agg(w.value || ' ' || w.key, ', ' ORDER BY w.key) FROM jsonb_each_text(seen -> 'whys') AS w),
        round((plan ->> 'p0')::numeric, 4), round((seen ->> 'value')::numeric, 3), round((seen ->> 'limit')::numeric, 3)
    );
BEGIN
    PERFORM set_config('qms.reason', because, true);
    PERFORM ml_loop.end_rollout(of_rollout.id, 'rolled_back', because, 'system', seen);
    IF of_rollout.kind = 'production' THEN
        PERFORM ml_loop.put_in_production(
            of_rollout.model_name, of_rollout.baseline_id, because, NULL, 'system', 'rolled_back'
        );
    ELSE
        UPDATE ml_loop.model_versions AS v SET status = 'rolled_back' WHERE v.id = of_rollout.version_id;
        -- No name moves, as the version only had a share: it is noted all the same, where moves are looked for.
        INSERT INTO ml_loop.alias_moves (
            organization_id, model_name, alias, from_id, to_id, reason, approval_id, moved_by, moved_kind
        )
        VALUES (
            of_rollout.organization_id, of_rollout.model_name, of_rollout.kind, of_rollout.version_id,
            of_rollout.baseline_id, because, of_rollout.approval_id, NULL, 'system'
        );
    END IF;
    INSERT INTO ml_loop.alerts (
        organization_id, metric, subject, level, threshold, opened_value, last_value, n, message
    )
    SELECT
        of_rollout.organization_id, 'error_rate', 'roll-out ' || ml_loop.name_of(of_rollout.version_id), 'critical',
        (plan ->> 'p0')::double precision, s.rate, s.rate, (seen ->> 'n')::integer,
        'Rolled back by itself: ' || because
    FROM (SELECT (seen ->> 'bad')::double precision / (seen ->> 'n')::double precision AS rate) AS s
    ON CONFLICT (organization_id, metric, subject) WHERE state <> 'closed' DO NOTHING;
    RETURN because;
END
$$;
COMMENT ON FUNCTION ml_loop.take_back(ml_loop.rollouts, jsonb) IS
'Ends a roll-out whose watch gave the alarm: what was approved before answers again, and it is told why.';

CREATE FUNCTION ml_loop.watch_rollouts(of_agent text) RETURNS TABLE (
    rollout_id uuid, agent text, kind text, version text, event text, reason text
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    ours uuid := qms.current_organization_id();
    reason_before text := coalesce(current_setting('qms.reason', true), '');
    standing ml_loop.rollouts;
    seen jsonb;
    due text;
BEGIN
    FOR standing IN
        SELECT r.*
        FROM ml_loop.rollouts AS r
        WHERE
            r.organization_id = ours AND (of_agent IS NULL OR r.model_name = of_agent) AND r.state = 'running'
            AND r.kind IN ('canary', 'experiment', 'production')
        ORDER BY r.started_at, r.id
    LOOP
        seen := ml_loop.watched(standing);
        due := CASE
            WHEN (seen ->> 'alarm')::boolean THEN 'rolled_back'
            WHEN (seen ->> 'n')::integer < (seen ->> 'planned')::integer THEN NULL
            WHEN standing.kind = 'production' THEN 'completed'
            WHEN NOT standing.outcome @> '{"ready": true}' THEN 'ready'
        END;
        CONTINUE WHEN due IS NULL;
        -- The turn of the trail before the row, as every move takes them.
        PERFORM qms_private.lock_trail(ours);
        SELECT r.* INTO standing FROM ml_loop.rollouts AS r WHERE r.id = standing.id AND r.state = 'running' FOR UPDATE;
        CONTINUE WHEN standing.id IS NULL OR (due = 'ready' AND standing.outcome @> '{"ready": true}');
        rollout_id := standing.id;
        agent := standing.model_name;
        kind := standing.kind;
        version := ml_loop.name_of(standing.version_id);
        event := due;
        IF due = 'rolled_back' THEN
            reason := ml_loop.take_back(standing, seen);
        ELSIF due = 'completed' THEN
            reason := format('it was watched for %s runs, %s of them bad, without an alarm', seen ->> 'n', seen ->> 'bad');
            PERFORM set_config('qms.reason', reason, true);
            PERFORM ml_loop.end_rollout(standing.id, 'completed', reason, 'system', seen);
        ELSE
            reason := format('%s runs, %s of them bad, without an alarm: it may be promoted', seen ->> 'n', seen ->> 'bad');
            UPDATE ml_loop.rollouts AS r
            SET outcome = r.outcome || seen || '{"ready": true}' || jsonb_build_object('ready_since', clock_timestamp())
            WHERE r.id = standing.id;
        END IF;
        RETURN NEXT;
    END LOOP;
    PERFORM set_config('qms.reason', reason_before, true);
END
$$;
COMMENT ON FUNCTION ml_loop.watch_rollouts(text) IS
'Looks at every roll-out of an agent, or of all: takes back what went wrong, and says what has come to its planned end. Done twice, it is done once.';

DO $$
DECLARE
    ours text [] := ARRAY[
        'production_of', 'name_of', 'version_of', 'outcome_of', 'error_rate_of', 'watch_plan', 'watched', 'move_alias',
        'on_one_line', 'end_rollout', 'put_in_production', 'begin_move', 'nominate', 'start_shadow', 'withdraw', 'why_not_promote',
        'promotion_words', 'request_promotion', 'why_not_decide_promotion', 'carry_out_promotion', 'carry_out',
        'why_not_decide', 'take_back', 'watch_rollouts'
    ];
    for_everybody text [] := ARRAY[
        'production_of', 'name_of', 'outcome_of', 'error_rate_of', 'watch_plan', 'watched', 'nominate', 'start_shadow',
        'withdraw', 'request_promotion', 'watch_rollouts'
    ];
    named record;
BEGIN
    GRANT CREATE ON SCHEMA ml_loop, qms_private TO qms_definer;
    FOR named IN
        SELECT p.oid::regprocedure AS place, p.proname
        FROM pg_catalog.pg_proc AS p
        WHERE p.pronamespace IN ('ml_loop'::regnamespace, 'qms_private'::regnamespace) AND p.proname = ANY (ours)
    LOOP
        EXECUTE format('ALTER FUNCTION %s OWNER TO qms_definer', named.place);
        SET LOCAL ROLE qms_definer;
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', named.place);
        IF named.proname = ANY (for_everybody) THEN
            EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO qms_app', named.place);
        END IF;
        RESET ROLE;
    END LOOP;
    REVOKE CREATE ON SCHEMA ml_loop, qms_private FROM qms_definer;
END
$$;
