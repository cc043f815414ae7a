-- Days that count: due times in business days of the site, and what happens when one passes.

CREATE FUNCTION qms_private.is_workday(site_calendar jsonb, day date) RETURNS boolean
LANGUAGE sql IMMUTABLE SET search_path = ''
AS $$
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
$$;
COMMENT ON FUNCTION qms_private.is_workday(jsonb, date) IS
'Whether a site works on a day: {"workdays": [1..7], "holidays": ["2026-12-25"]}; without valid workdays Monday to Friday.';

CREATE FUNCTION qms_private.end_of_day(zone text, day date) RETURNS timestamptz
LANGUAGE sql STABLE SET search_path = ''
AS $$
    -- Where clocks go back over midnight, it strikes twice: the earlier one ends the day.
    SELECT m.midnight - CASE
        WHEN ((m.midnight - interval '1 hour') AT TIME ZONE zone)::date > day THEN interval '1 hour' ELSE interval '0'
    END - interval '1 microsecond'
    FROM (SELECT (day + 1)::timestamp AT TIME ZONE zone AS midnight) AS m
$$;
COMMENT ON FUNCTION qms_private.end_of_day(text, date) IS 'The last microsecond of a day in a time zone.';

CREATE FUNCTION qms.due_after(of_organization uuid, since timestamptz, days integer, kind text) RETURNS timestamptz
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
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
COMMENT ON FUNCTION qms.due_after(uuid, timestamptz, integer, text) IS
'The end of the day by which something is due: so many business or calendar days after the day of `since`, counted where '
'the organization is. No business days: that day, or the next one on which the site works.';

CREATE FUNCTION qms.business_days_between(of_organization uuid, from_day date, to_day date) RETURNS integer
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT count(*)::integer
    FROM qms.organizations AS o,
        generate_series(from_day + 1, to_day, interval '1 day') AS s (day)
    WHERE
        o.id = of_organization AND o.id = coalesce((SELECT qms.current_organization_id()), of_organization)
        AND qms_private.is_workday(o.site_calendar, s.day::date)
$$;
COMMENT ON FUNCTION qms.business_days_between(uuid, date, date) IS
'How many days the site works after one day, up to and including the other; 0 when that is not later.';

-- Escalation ------------------------------------------------------------------------------------------------------------

CREATE TABLE qms.escalations (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL,
    record_id uuid NOT NULL,
    state text NOT NULL,
    state_since timestamptz NOT NULL,
    level integer NOT NULL CHECK (level BETWEEN 1 AND 9),
    to_role text NOT NULL CHECK (
        to_role IN ('reporter', 'owner', 'reviewer', 'approver', 'qa_approver', 'mrb', 'regulatory', 'admin')
    ),
    overdue_since timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (organization_id, record_id, state_since, overdue_since, level),
    FOREIGN KEY (organization_id, record_id) REFERENCES qms.quality_items (organization_id, id)
);
COMMENT ON TABLE qms.escalations IS
'Records that stayed in a state for longer than they may, and who was to hear of it. A due date that was moved counts anew.';
COMMENT ON COLUMN qms.escalations.overdue_since IS 'The due time that passed.';
CREATE INDEX escalations_recent ON qms.escalations (organization_id, created_at);
ALTER TABLE qms.escalations ENABLE ROW LEVEL SECURITY;
ALTER TABLE qms.escalations FORCE ROW LEVEL SECURITY;
CREATE POLICY read_own ON qms.escalations FOR SELECT TO qms_app, qms_sql
USING (organization_id = (SELECT qms.current_organization_id()));
CREATE POLICY administration ON qms.escalations FOR ALL TO qms_definer USING (true) WITH CHECK (true);
GRANT SELECT ON qms.escalations TO qms_app, qms_sql;
GRANT SELECT, INSERT ON qms.escalations TO qms_definer;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON qms.escalations
FOR EACH ROW EXECUTE FUNCTION qms.refuse_change();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON qms.escalations
FOR EACH STATEMENT EXECUTE FUNCTION qms.refuse_change();
CREATE TRIGGER trail_turn BEFORE INSERT ON qms.escalations
FOR EACH STATEMENT EXECUTE FUNCTION qms.take_trail_turn();
CREATE TRIGGER record_change AFTER INSERT ON qms.escalations
FOR EACH ROW EXECUTE FUNCTION qms.record_entry('record_id');

CREATE FUNCTION qms_private.due_rules(of_organization uuid) RETURNS TABLE (
    record_id uuid, state text, state_since timestamptz, overdue_since timestamptz, level integer, to_role text
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
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
COMMENT ON FUNCTION qms_private.due_rules(uuid) IS
'The escalation rules that apply to the overdue records of an organization by now.';

CREATE FUNCTION qms.escalate_due() RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
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
COMMENT ON FUNCTION qms.escalate_due() IS
'Escalates the overdue records of the caller''s organization by the rules of their workflows, each once for each due '
'time, at most 200 at once, so that other writers get their turn; returns how many escalations are new. A record keeps '
'its version: nothing it says has changed.';

GRANT CREATE ON SCHEMA qms, qms_private TO qms_definer;
ALTER FUNCTION qms_private.is_workday(jsonb, date) OWNER TO qms_definer;
ALTER FUNCTION qms_private.end_of_day(text, date) OWNER TO qms_definer;
ALTER FUNCTION qms.due_after(uuid, timestamptz, integer, text) OWNER TO qms_definer;
ALTER FUNCTION qms.business_days_between(uuid, date, date) OWNER TO qms_definer;
ALTER FUNCTION qms_private.due_rules(uuid) OWNER TO qms_definer;
ALTER FUNCTION qms.escalate_due() OWNER TO qms_definer;
REVOKE CREATE ON SCHEMA qms, qms_private FROM qms_definer;
SET LOCAL ROLE qms_definer;
GRANT EXECUTE ON FUNCTION
    qms.due_after(uuid, timestamptz, integer, text), qms.business_days_between(uuid, date, date), qms.escalate_due()
    TO qms_app;
RESET ROLE;
