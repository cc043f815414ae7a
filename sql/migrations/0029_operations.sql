-- Alerts: opened and closed with hysteresis, once however many processes look; acknowledged; told once per state.
--
-- The values are measured by a service; whether that opens, keeps or closes an alert is decided here, under a lock of
-- the organization, the metric and what it is measured on, so that two processes that look at once agree.
--
-- The runner takes an advisory lock and sets a lock time-out; the tables that get an index are append-only.
-- squawk-ignore-file require-concurrent-index-creation

-- What usage and alerts look at, and which ticks there were.
CREATE INDEX agent_runs_ended ON agents.agent_runs (organization_id, completed_at) WHERE dispatch_id IS NOT NULL;
CREATE INDEX jobs_scheduled ON agents.jobs (organization_id, (spec ->> 'job'), created_at DESC) WHERE kind = 'scheduled';

CREATE FUNCTION ml_loop.settle_alert(
    of_metric text, of_subject text, of_level text, beyond double precision, clears_at double precision, falls boolean,
    of_value double precision, of_n integer, in_words text
) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    ours uuid := qms.current_organization_id();
    standing ml_loop.alerts;
    is_beyond boolean := CASE WHEN falls THEN of_value < beyond ELSE of_value > beyond END;
    is_clear boolean := CASE WHEN falls THEN of_value >= clears_at ELSE of_value <= clears_at END;
    came_of_it text := 'none';
BEGIN
    IF ours IS NULL OR NOT qms.may_write() THEN
        RAISE EXCEPTION 'alerts are kept for somebody with a role other than auditor' USING ERRCODE = 'QM022';
    END IF;
    IF of_value IS NULL OR of_value = 'NaN' OR abs(of_value) = 'Infinity' OR of_n IS NULL OR of_n < 0 THEN
        RAISE EXCEPTION 'an alert is about a number' USING ERRCODE = 'QM024';
    END IF;
    IF (falls AND clears_at < beyond) OR (NOT falls AND clears_at > beyond) THEN
        RAISE EXCEPTION 'an alert clears on the good side of its limit' USING ERRCODE = 'QM024';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended(ours::text || '/alert/' || of_metric || '/' || of_subject, 0));
    SELECT a.* INTO standing
    FROM ml_loop.alerts AS a
    WHERE a.organization_id = ours AND a.metric = of_metric AND a.subject = of_subject AND a.state <> 'closed'
    FOR UPDATE;
    IF standing.id IS NULL AND is_beyond THEN
        INSERT INTO ml_loop.alerts (
            organization_id, metric, subject, level, threshold, opened_value, last_value, n, message
        )
        VALUES (ours, of_metric, of_subject, of_level, beyond, of_value, of_value, of_n, left(in_words, 1000))
        RETURNING * INTO standing;
        came_of_it := 'opened';
    ELSIF standing.id IS NOT NULL THEN
        UPDATE ml_loop.alerts AS a
        SET
            last_value = of_value, n = of_n, seen_at = clock_timestamp(),
            state = CASE WHEN is_clear THEN 'closed' ELSE a.state END,
            closed_at = CASE WHEN is_clear THEN clock_timestamp() END,
            closed_why = CASE WHEN is_clear THEN left(in_words, 1000) END
        WHERE a.id = standing.id;
        came_of_it := CASE WHEN is_clear THEN 'closed' ELSE 'still' END;
    END IF;
    IF came_of_it IN ('opened', 'closed') THEN
        PERFORM qms_private.note_event(
            ours, 'ml_loop.alerts', standing.id, 'alert_' || came_of_it,
            jsonb_build_object(
                'metric', of_metric, 'subject', of_subject, 'level', standing.level, 'value', of_value, 'n', of_n,
                'threshold', beyond, 'clears_at', clears_at
            )
        );
    END IF;
    RETURN jsonb_build_object('alert_id', standing.id, 'event', came_of_it);
END
$$;
COMMENT ON FUNCTION ml_loop.settle_alert(
    text, text, text, double precision, double precision, boolean, double precision, integer, text
) IS
'What a measured value means for the alert of its metric and subject: opened beyond the limit, still between, closed when clearly back, or none.';

CREATE FUNCTION ml_loop.acknowledge_alert(alert_id uuid, because text) RETURNS ml_loop.alerts
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    ours uuid := qms.current_organization_id();
    standing ml_loop.alerts;
BEGIN
    IF ours IS NULL OR NOT qms.may_write() THEN
        RAISE EXCEPTION 'an alert is acknowledged by somebody with a role other than auditor' USING ERRCODE = 'QM022';
    END IF;
    IF char_length(btrim(coalesce(because, ''))) < 10 THEN
        RAISE EXCEPTION 'say in ten characters or more what is done about the alert' USING ERRCODE = 'QM024';
    END IF;
    -- The turn of the trail before the row, as a roll-back takes them.
    PERFORM qms_private.lock_trail(ours);
    SELECT a.* INTO standing
    FROM ml_loop.alerts AS a
    WHERE a.id = alert_id AND a.organization_id = ours
    FOR UPDATE;
    IF standing.id IS NULL THEN
        RAISE EXCEPTION 'there is no such alert' USING ERRCODE = 'QM023';
    END IF;
    IF standing.state = 'closed' THEN
        RAISE EXCEPTION 'the alert is closed' USING ERRCODE = 'QM021';
    END IF;
    IF standing.state = 'acknowledged' THEN
        RETURN standing;
    END IF;
    UPDATE ml_loop.alerts AS a
    SET
        state = 'acknowledged', acknowledged_by = qms.current_user_id(), acknowledged_kind = qms.current_actor_kind(),
        acknowledged_at = clock_timestamp(), acknowledged_why = left(because, 2000)
    WHERE a.id = standing.id
    RETURNING a.* INTO standing;
    -- What has happened once has no value that could come back: seen by somebody, it is over.
    IF starts_with(standing.subject, 'roll-out ') THEN
        UPDATE ml_loop.alerts AS a
        SET state = 'closed', closed_at = clock_timestamp(), closed_why = 'acknowledged: it happened once'
        WHERE a.id = standing.id
        RETURNING a.* INTO standing;
    END IF;
    PERFORM qms_private.note_event(
        ours, 'ml_loop.alerts', standing.id, 'alert_acknowledged',
        jsonb_build_object('metric', standing.metric, 'subject', standing.subject, 'because', left(because, 2000))
    );
    RETURN standing;
END
$$;
COMMENT ON FUNCTION ml_loop.acknowledge_alert(uuid, text) IS
'Somebody has seen an alert and says what is done about it; it stays until the value is clearly back. Done twice, the first stays.';

CREATE FUNCTION ml_loop.told_alert(alert_id uuid, told_of jsonb) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    ours uuid := qms.current_organization_id();
    standing ml_loop.alerts;
BEGIN
    IF ours IS NULL OR NOT qms.may_write() THEN
        RAISE EXCEPTION 'alerts are kept for somebody with a role other than auditor' USING ERRCODE = 'QM022';
    END IF;
    IF told_of ->> 'state' IS NULL OR told_of ->> 'channel' IS NULL THEN
        RAISE EXCEPTION 'what was told names a state and a channel' USING ERRCODE = 'QM024';
    END IF;
    SELECT a.* INTO standing
    FROM ml_loop.alerts AS a
    WHERE a.id = alert_id AND a.organization_id = ours
    FOR UPDATE;
    IF standing.id IS NULL THEN
        RAISE EXCEPTION 'there is no such alert' USING ERRCODE = 'QM023';
    END IF;
    IF standing.told @> jsonb_build_array(
        jsonb_build_object('state', told_of ->> 'state', 'channel', told_of ->> 'channel')
    ) THEN
        RETURN false;
    END IF;
    UPDATE ml_loop.alerts AS a
    SET told = a.told || jsonb_build_array(
        jsonb_build_object('state', told_of ->> 'state', 'channel', told_of ->> 'channel', 'at', clock_timestamp())
    )
    WHERE a.id = standing.id;
    RETURN true;
END
$$;
COMMENT ON FUNCTION ml_loop.told_alert(uuid, jsonb) IS
'Claims that a state of an alert is told through a channel. False: it was told before; whoever gets true tells it.';

CREATE FUNCTION ml_loop.untold_alert(alert_id uuid, told_of jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT qms.may_write() THEN
        RAISE EXCEPTION 'alerts are kept for somebody with a role other than auditor' USING ERRCODE = 'QM022';
    END IF;
    UPDATE ml_loop.alerts AS a
    SET told = coalesce(
        (
            SELECT jsonb_agg(one.told ORDER BY one.place)
            FROM jsonb_array_elements(a.told) WITH ORDINALITY AS one (told, place)
            WHERE NOT one.told @> jsonb_build_object('state', told_of ->> 'state', 'channel', told_of ->> 'channel')
        ),
        '[]'
    )
    WHERE a.id = alert_id AND a.organization_id = qms.current_organization_id();
END
$$;
COMMENT ON FUNCTION ml_loop.untold_alert(uuid, jsonb) IS
'Telling failed: the claim is given back, and the next look tries again.';

CREATE FUNCTION agents.forget_undelivered(older_than interval) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    gone integer;
BEGIN
    IF qms.current_organization_id() IS NULL OR NOT qms.may_write() THEN
        RAISE EXCEPTION 'retention is for somebody with a role other than auditor' USING ERRCODE = 'QM022';
    END IF;
    IF older_than IS NULL OR older_than < interval '30 days' THEN
        RAISE EXCEPTION 'what was not delivered is kept for at least 30 days' USING ERRCODE = 'QM024';
    END IF;
    DELETE FROM agents.otlp_outbox AS o
    WHERE o.organization_id = qms.current_organization_id() AND o.given_up_at < clock_timestamp() - older_than;
    GET DIAGNOSTICS gone = ROW_COUNT;
    RETURN gone;
END
$$;
COMMENT ON FUNCTION agents.forget_undelivered(interval) IS
'Takes away copies meant for Langfuse that were given up long ago; the calls themselves stay. It says how many.';

GRANT CREATE ON SCHEMA agents TO qms_ledger;
ALTER FUNCTION agents.forget_undelivered(interval) OWNER TO qms_ledger;
REVOKE CREATE ON SCHEMA agents FROM qms_ledger;
SET LOCAL ROLE qms_ledger;
REVOKE ALL ON FUNCTION agents.forget_undelivered(interval) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION agents.forget_undelivered(interval) TO qms_app;
RESET ROLE;

GRANT CREATE ON SCHEMA ml_loop TO qms_definer;
ALTER FUNCTION ml_loop.settle_alert(
    text, text, text, double precision, double precision, boolean, double precision, integer, text
) OWNER TO qms_definer;
ALTER FUNCTION ml_loop.acknowledge_alert(uuid, text) OWNER TO qms_definer;
ALTER FUNCTION ml_loop.told_alert(uuid, jsonb) OWNER TO qms_definer;
ALTER FUNCTION ml_loop.untold_alert(uuid, jsonb) OWNER TO qms_definer;
REVOKE CREATE ON SCHEMA ml_loop FROM qms_definer;
SET LOCAL ROLE qms_definer;
REVOKE ALL ON FUNCTION
    ml_loop.settle_alert(
        text, text, text, double precision, double precision, boolean, double precision, integer, text
    ),
    ml_loop.acknowledge_alert(uuid, text),
    ml_loop.told_alert(uuid, jsonb),
    ml_loop.untold_alert(uuid, jsonb)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    ml_loop.settle_alert(
        text, text, text, double precision, double precision, boolean, double precision, integer, text
    ),
    ml_loop.acknowledge_alert(uuid, text),
    ml_loop.told_alert(uuid, jsonb),
    ml_loop.untold_alert(uuid, jsonb)
    TO qms_app;
RESET ROLE;
