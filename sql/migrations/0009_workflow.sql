-- The workflow engine: state machines as versioned data, and the one function that moves a record.
--
-- The tables altered here hold few rows before these features exist, and a file runs in one transaction, in which
-- nothing can be built concurrently.
-- squawk-ignore-file require-concurrent-index-creation, require-concurrent-index-deletion, adding-foreign-key-constraint
-- squawk-ignore-file constraint-missing-not-valid, adding-not-nullable-field, disallowed-unique-constraint

CREATE TABLE qms.workflow_definitions (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid REFERENCES qms.organizations (id),
    category text NOT NULL REFERENCES qms.record_types (category),
    version integer NOT NULL CHECK (version > 0),
    body jsonb NOT NULL,
    sha256 text NOT NULL,
    approval_id uuid REFERENCES qms.approvals (id),
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE NULLS NOT DISTINCT (organization_id, category, version)
);
COMMENT ON TABLE qms.workflow_definitions IS
'State machines, a version a row and never changed: those without an organization are shipped, the others somebody '
'reviewed for their own.';
CREATE INDEX workflow_definitions_category ON qms.workflow_definitions (category, organization_id, version DESC);
CREATE INDEX workflow_definitions_approval ON qms.workflow_definitions (approval_id);

CREATE TABLE qms.workflow_drafts (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL REFERENCES qms.organizations (id),
    category text NOT NULL REFERENCES qms.record_types (category),
    based_on integer NOT NULL,
    body jsonb NOT NULL,
    reason text NOT NULL CHECK (length(btrim(reason)) >= 10),
    drafted_by uuid NOT NULL REFERENCES auth.users (id),
    drafted_kind text NOT NULL CHECK (drafted_kind IN ('human', 'agent', 'system')),
    created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE qms.workflow_drafts IS 'Changes of a state machine somebody proposed; they count once a person approved them.';
CREATE INDEX workflow_drafts_org ON qms.workflow_drafts (organization_id, created_at);
CREATE INDEX workflow_drafts_category ON qms.workflow_drafts (category);
CREATE INDEX workflow_drafts_by ON qms.workflow_drafts (drafted_by);

CREATE TABLE qms.transitions (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL,
    record_id uuid NOT NULL,
    record_version integer NOT NULL,
    name text NOT NULL,
    from_state text,
    to_state text NOT NULL,
    reason text NOT NULL,
    by_id uuid REFERENCES auth.users (id),
    by_kind text NOT NULL,
    definition_id uuid NOT NULL REFERENCES qms.workflow_definitions (id),
    approval_id uuid REFERENCES qms.approvals (id),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    FOREIGN KEY (organization_id, record_id) REFERENCES qms.quality_items (organization_id, id)
);
COMMENT ON TABLE qms.transitions IS 'Each step a record took from state to state: the only way its state changes.';
CREATE INDEX transitions_record ON qms.transitions (organization_id, record_id, created_at);
CREATE INDEX transitions_lookup ON qms.transitions (record_id, record_version);
CREATE INDEX transitions_by ON qms.transitions (by_id);
CREATE INDEX transitions_definition ON qms.transitions (definition_id);
CREATE INDEX transitions_approval ON qms.transitions (approval_id);
ALTER TABLE qms.transitions ALTER COLUMN reason SET STATISTICS 0;

CREATE TABLE qms_private.guards (
    name text PRIMARY KEY CHECK (name ~ '^[a-z][a-z_]*$'),
    about text NOT NULL CHECK (about IN ('record', 'person')),
    meaning text NOT NULL
);
COMMENT ON TABLE qms_private.guards IS
'The conditions a transition can name: qms_private.guard_<name>. About the record, or about the person who acts.';

ALTER TABLE qms.quality_items
ADD CONSTRAINT quality_items_definition FOREIGN KEY (definition_id) REFERENCES qms.workflow_definitions (id);
CREATE INDEX quality_items_definition ON qms.quality_items (definition_id);

ALTER TABLE qms.approvals
ADD COLUMN record_id uuid,
ADD COLUMN record_version integer,
ADD COLUMN record_sha256 text,
ADD COLUMN to_state text,
ADD COLUMN meaning text,
ADD CONSTRAINT approvals_record FOREIGN KEY (organization_id, record_id)
REFERENCES qms.quality_items (organization_id, id),
ADD CONSTRAINT records_are_signed_on_the_page CHECK (
    channel IS NULL OR channel = 'page' OR tool IN ('apply_migration', 'transform_data')
),
ADD CONSTRAINT bound_to_a_version CHECK ((record_id IS NULL) = (record_version IS NULL OR record_sha256 IS NULL));
CREATE INDEX approvals_record ON qms.approvals (organization_id, record_id);
COMMENT ON COLUMN qms.approvals.meaning IS 'What the signature will mean: approval, review, disposition, effectiveness, ...';

-- Definitions -----------------------------------------------------------------------------------------------------------

CREATE FUNCTION qms_private.definition_for(of_organization uuid, of_category text) RETURNS qms.workflow_definitions
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT d.*
    FROM qms.workflow_definitions AS d
    WHERE d.category = of_category AND (d.organization_id IS NULL OR d.organization_id = of_organization)
    ORDER BY d.organization_id NULLS LAST, d.version DESC
    LIMIT 1
$$;
COMMENT ON FUNCTION qms_private.definition_for(uuid, text) IS
'The state machine new records of an organization run on: its own latest, or the latest that is shipped.';

CREATE FUNCTION qms_private.as_texts(list jsonb) RETURNS text []
LANGUAGE sql IMMUTABLE SET search_path = ''
AS $$SELECT coalesce(array_agg(e.item), '{}') FROM jsonb_array_elements_text(coalesce(list, '[]')) AS e (item)$$;
COMMENT ON FUNCTION qms_private.as_texts(jsonb) IS 'A JSON array of texts as an array; null as an empty one.';

CREATE FUNCTION qms_private.guard_options(guard jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE SET search_path = ''
AS $$SELECT CASE jsonb_typeof(guard) WHEN 'string' THEN jsonb_build_object('name', guard #>> '{}') ELSE guard END$$;
COMMENT ON FUNCTION qms_private.guard_options(jsonb) IS 'A guard or effect with its options: "x" is {"name": "x"}.';

CREATE FUNCTION qms_private.edges(body jsonb) RETURNS TABLE (
    name text, from_state text, to_state text, edge jsonb, person boolean, guards jsonb, effects jsonb
)
LANGUAGE sql IMMUTABLE SET search_path = ''
AS $$
    SELECT
        t.edge ->> 'name', f.state, t.edge ->> 'to', t.edge, coalesce((t.edge ->> 'person')::boolean, false),
        coalesce((
            SELECT jsonb_agg(qms_private.guard_options(g.guard))
            FROM jsonb_array_elements(coalesce(t.edge -> 'guards', '[]')) AS g (guard)
        ), '[]'),
        coalesce((
            SELECT jsonb_agg(qms_private.guard_options(f.effect))
            FROM jsonb_array_elements(coalesce(t.edge -> 'effects', '[]')) AS f (effect)
        ), '[]')
    FROM jsonb_array_elements(body -> 'transitions') AS t (edge), jsonb_array_elements_text(t.edge -> 'from') AS f (state)
$$;
COMMENT ON FUNCTION qms_private.edges(jsonb) IS 'The transitions of a definition, one row for each pair of states.';

CREATE FUNCTION qms_private.problems_alone(body jsonb) RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT format('the first state %s is not among the states', coalesce(body ->> 'initial', 'is not named'))
    WHERE NOT coalesce(body -> 'states' ? (body ->> 'initial'), false)
    UNION ALL
    SELECT format('%s: the state %s does not exist', e.name, s.state)
    FROM qms_private.edges(body) AS e, unnest(ARRAY[e.from_state, e.to_state]) AS s (state)
    WHERE NOT coalesce(body -> 'states' ? s.state, false)
    UNION ALL
    SELECT format('%s: leads from %s to %s twice', min(e.name), e.from_state, e.to_state)
    FROM qms_private.edges(body) AS e GROUP BY e.from_state, e.to_state HAVING count(*) > 1
    UNION ALL
    SELECT format('%s: there is no guard %s', e.name, g.guard ->> 'name')
    FROM qms_private.edges(body) AS e, jsonb_array_elements(e.guards) AS g (guard)
    WHERE NOT EXISTS (SELECT FROM qms_private.guards AS k WHERE k.name = g.guard ->> 'name')
    UNION ALL
    SELECT format('%s: there is no effect %s', e.name, f.effect)
    FROM qms_private.edges(body) AS e, jsonb_array_elements(e.effects) AS f (effect)
    WHERE
        coalesce(f.effect ->> 'name', '') !~ '^[a-z][a-z_]*$'
        OR to_regprocedure(format('qms_private.effect_%s(qms.quality_items, jsonb)', f.effect ->> 'name')) IS NULL
    UNION ALL
    SELECT format('%s: it must name who may do it', e.name)
    FROM qms_private.edges(body) AS e
    WHERE
        cardinality(qms_private.as_texts(e.edge -> 'roles')) = 0
        OR NOT qms_private.as_texts(e.edge -> 'roles')
        <@ ARRAY['reporter', 'owner', 'reviewer', 'approver', 'qa_approver', 'mrb', 'regulatory']
    UNION ALL
    SELECT format('the state %s: due_days is a number of days up to 3660, days is business or calendar', s.key)
    FROM jsonb_each(body -> 'states') AS s
    WHERE
        coalesce(s.value ->> 'due_days', '0') !~ '^([0-9]{1,3}|[12][0-9]{3}|3[0-5][0-9]{2}|36[0-5][0-9]|3660)$'
        OR coalesce(s.value ->> 'days', 'business') NOT IN ('business', 'calendar')
    UNION ALL
    SELECT format('the state %s: escalation takes after_days, a level from 1 to 9 and a role', s.key)
    FROM jsonb_each(body -> 'states') AS s, jsonb_array_elements(coalesce(s.value -> 'escalate', '[]')) AS r (rule)
    WHERE
        coalesce(r.rule ->> 'after_days', '') !~ '^[0-9]{1,3}$' OR coalesce(r.rule ->> 'level', '') !~ '^[1-9]$'
        OR coalesce(r.rule ->> 'role', '') NOT IN (
            'reporter', 'owner', 'reviewer', 'approver', 'qa_approver', 'mrb', 'regulatory', 'admin'
        )
    UNION ALL
    SELECT format('%s: a step of a person says what the signature means', e.name)
    FROM qms_private.edges(body) AS e WHERE e.person AND coalesce(e.edge ->> 'meaning', '') = ''
$$;
COMMENT ON FUNCTION qms_private.problems_alone(jsonb) IS 'What is wrong with a definition by itself.';

CREATE FUNCTION qms_private.problems_against(body jsonb, shipped jsonb) RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    WITH RECURSIVE ours AS (SELECT e.* FROM qms_private.edges(body) AS e),
    theirs AS (SELECT e.* FROM qms_private.edges(shipped) AS e),
    -- A state of the organization stands for the shipped state from which it is reached: what is locked there stays
    -- locked, and it is left as that one is left.
    own_states AS (
        SELECT s.key AS state, s.value AS content FROM jsonb_each(body -> 'states') AS s WHERE NOT shipped -> 'states' ? s.key
    ),
    reached (state, anchor) AS (
        SELECT o.to_state, o.from_state FROM ours AS o
        WHERE shipped -> 'states' ? o.from_state AND NOT shipped -> 'states' ? o.to_state
        UNION
        SELECT o.to_state, r.anchor FROM reached AS r
        INNER JOIN ours AS o ON r.state = o.from_state WHERE NOT shipped -> 'states' ? o.to_state
    ),
    stands_for (state, anchor) AS (
        SELECT r.state, r.anchor FROM reached AS r
        UNION ALL SELECT s.state, s.state FROM jsonb_object_keys(shipped -> 'states') AS s (state)
    ),
    placed AS (
        SELECT o.*, f.anchor, m.edge AS model, m.name AS model_name, m.person AS model_person, m.guards AS model_guards, m.effects AS model_effects
        FROM ours AS o
        INNER JOIN stands_for AS f ON o.from_state = f.state
        LEFT JOIN theirs AS m ON f.anchor = m.from_state AND o.to_state = m.to_state
        WHERE shipped -> 'states' ? o.to_state
    )
    SELECT format('the first state has to be %s', shipped ->> 'initial') WHERE body -> 'initial' IS DISTINCT FROM shipped -> 'initial'
    UNION ALL
    SELECT format('the state %s is missing: records may be in it', s.state)
    FROM jsonb_object_keys(shipped -> 'states') AS s (state) WHERE NOT body -> 'states' ? s.state
    UNION ALL
    SELECT format('the state %s: whether it is final stays as it was', s.key)
    FROM jsonb_each(shipped -> 'states') AS s
    WHERE coalesce(body -> 'states' -> s.key -> 'final', 'false') <> coalesce(s.value -> 'final', 'false')
    UNION ALL
    SELECT format('the state %s locks less than %s', s.state, CASE s.state WHEN s.anchor THEN 'it did' ELSE s.anchor END)
    FROM stands_for AS s
    WHERE
        NOT qms_private.as_texts(body -> 'states' -> s.state -> 'locked') @> qms_private.as_texts(shipped -> 'states' -> s.anchor -> 'locked')
        OR NOT qms_private.as_texts(body -> 'states' -> s.state -> 'open') <@ qms_private.as_texts(shipped -> 'states' -> s.anchor -> 'open')
    UNION ALL
    SELECT format('the state %s is no end: only shipped states are final', o.state)
    FROM own_states AS o WHERE coalesce((o.content ->> 'final')::boolean, false)
    UNION ALL
    SELECT format('the state %s has to be reached from one shipped state, not from %s', r.state, string_agg(r.anchor, ', ' ORDER BY r.anchor))
    FROM reached AS r GROUP BY r.state HAVING count(*) > 1
    UNION ALL
    SELECT format('%s (%s to %s): a final state is left as the shipped workflow leaves it', o.name, o.from_state, o.to_state)
    FROM ours AS o
    WHERE coalesce((shipped -> 'states' -> o.from_state ->> 'final')::boolean, false) AND NOT shipped -> 'states' ? o.to_state
    UNION ALL
    SELECT format('%s (%s to %s): a step of an organization has no effects', o.name, o.from_state, o.to_state)
    FROM ours AS o WHERE o.effects <> '[]' AND NOT shipped -> 'states' ? o.to_state
    UNION ALL
    SELECT DISTINCT format('%s (%s to %s): the shipped workflow has no step from %s to %s', p.name, p.from_state, p.to_state, p.anchor, p.to_state)
    FROM placed AS p
    -- Back from an own state to where it was reached from a person may lead: that starts the clock anew.
    WHERE p.model IS NULL AND NOT (p.to_state = p.anchor AND p.from_state <> p.anchor AND p.person AND p.effects = '[]')
    UNION ALL
    SELECT DISTINCT format('%s (%s to %s): a person has to do it', p.name, p.from_state, p.to_state)
    FROM placed AS p WHERE p.model_person AND NOT p.person
    UNION ALL
    SELECT DISTINCT format('%s (%s to %s): its name, its meaning and what it rejects stay as they were (%s)', p.name, p.from_state, p.to_state, p.model_name)
    FROM placed AS p
    WHERE
        p.model IS NOT NULL AND (
            p.name IS DISTINCT FROM p.model_name OR p.edge -> 'rejects' IS DISTINCT FROM p.model -> 'rejects'
            OR (p.model_person AND p.edge -> 'meaning' IS DISTINCT FROM p.model -> 'meaning')
        )
    UNION ALL
    SELECT DISTINCT format('%s (%s to %s): the guard %s is missing', p.name, p.from_state, p.to_state, g.guard ->> 'name')
    FROM placed AS p, jsonb_array_elements(p.model_guards) AS g (guard)
    WHERE NOT EXISTS (
        SELECT FROM jsonb_array_elements(p.guards) AS k (guard)
        -- Whom a step excludes may grow; every other guard stays word for word.
        WHERE k.guard = g.guard OR (
            k.guard ->> 'name' = 'not_person' AND g.guard ->> 'name' = 'not_person' AND (k.guard -> 'of') @> (g.guard -> 'of')
        )
    )
    UNION ALL
    SELECT DISTINCT format('%s (%s to %s): %s is not required any more', p.name, p.from_state, p.to_state, r.field)
    FROM placed AS p, unnest(qms_private.as_texts(p.model -> 'requires')) AS r (field)
    WHERE r.field <> ALL (qms_private.as_texts(p.edge -> 'requires'))
    UNION ALL
    SELECT DISTINCT format('%s (%s to %s): more roles than shipped may do it', p.name, p.from_state, p.to_state)
    FROM placed AS p
    WHERE p.model IS NOT NULL AND NOT qms_private.as_texts(p.edge -> 'roles') <@ qms_private.as_texts(p.model -> 'roles')
    UNION ALL
    SELECT DISTINCT format('%s (%s to %s): what it does besides stays as it was', p.name, p.from_state, p.to_state)
    FROM placed AS p WHERE p.model IS NOT NULL AND p.effects <> p.model_effects
$$;
COMMENT ON FUNCTION qms_private.problems_against(jsonb, jsonb) IS
'Where a definition of an organization guards less than the shipped one.';

CREATE FUNCTION qms.workflow_problems(of_category text, body jsonb) RETURNS text []
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT coalesce(array_agg(p.problem), '{}')
    FROM (
        SELECT a.problem FROM qms_private.problems_alone(body) AS a (problem)
        UNION ALL
        SELECT a.problem
        FROM qms_private.problems_against(body, (
            SELECT d.body FROM qms.workflow_definitions AS d
            WHERE d.category = of_category AND d.organization_id IS NULL ORDER BY d.version DESC LIMIT 1
        )) AS a (problem)
    ) AS p
$$;
COMMENT ON FUNCTION qms.workflow_problems(text, jsonb) IS 'Why a state machine can''t be used by an organization; empty when it can.';

CREATE FUNCTION qms.keep_definition() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    wrong text [];
BEGIN
    IF new.organization_id IS NULL THEN
        wrong := ARRAY(SELECT p.problem FROM qms_private.problems_alone(new.body) AS p (problem));
    ELSE
        wrong := qms.workflow_problems(new.category, new.body);
    END IF;
    IF cardinality(wrong) > 0 THEN
        RAISE EXCEPTION 'this % workflow can''t be used: %', new.category, array_to_string(wrong, '; ')
        USING ERRCODE = 'QM024';
    END IF;
    new.sha256 := encode(sha256(convert_to(new.body::text, 'UTF8')), 'hex');
    RETURN new;
END
$$;
COMMENT ON FUNCTION qms.keep_definition() IS 'Refuses a state machine that is broken, or guards less than the shipped one.';
CREATE TRIGGER keep_definition BEFORE INSERT ON qms.workflow_definitions
FOR EACH ROW EXECUTE FUNCTION qms.keep_definition();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON qms.workflow_definitions
FOR EACH ROW EXECUTE FUNCTION qms.refuse_change();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON qms.workflow_definitions
FOR EACH STATEMENT EXECUTE FUNCTION qms.refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON qms.workflow_drafts
FOR EACH ROW EXECUTE FUNCTION qms.refuse_change();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON qms.workflow_drafts
FOR EACH STATEMENT EXECUTE FUNCTION qms.refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON qms.transitions
FOR EACH ROW EXECUTE FUNCTION qms.refuse_change();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON qms.transitions
FOR EACH STATEMENT EXECUTE FUNCTION qms.refuse_change();

-- Moving a record -------------------------------------------------------------------------------------------------------

CREATE FUNCTION qms_private.due_in_state(of_organization uuid, body jsonb, in_state text, since timestamptz)
RETURNS timestamptz
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    IF NOT coalesce(body -> 'states' -> in_state ? 'due_days', false) THEN
        RETURN NULL;
    END IF;
    RETURN qms.due_after(
        of_organization, since, (body -> 'states' -> in_state ->> 'due_days')::integer,
        coalesce(body -> 'states' -> in_state ->> 'days', 'business')
    );
END
$$;
COMMENT ON FUNCTION qms_private.due_in_state(uuid, jsonb, text, timestamptz) IS
'When a record that entered a state has to leave it; null when the workflow sets no time.';

CREATE FUNCTION qms_private.all_fields(item qms.quality_items) RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    own_table text;
    own jsonb;
BEGIN
    SELECT t.table_name INTO own_table FROM qms.record_types AS t WHERE t.category = item.category;
    IF own_table IS NOT NULL THEN
        EXECUTE format('SELECT to_jsonb(t) FROM qms.%I AS t WHERE t.id = $1', own_table) INTO own USING item.id;
    END IF;
    RETURN coalesce(own, '{}') || (to_jsonb(item) - 'embedding');
END
$$;
COMMENT ON FUNCTION qms_private.all_fields(qms.quality_items) IS 'The fields of a record, of the base and of its type.';

CREATE FUNCTION qms_private.has_details(item qms.quality_items) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    own_table text;
    found boolean;
BEGIN
    SELECT t.table_name INTO own_table FROM qms.record_types AS t WHERE t.category = item.category;
    IF own_table IS NULL THEN
        RETURN false;
    END IF;
    EXECUTE format('SELECT EXISTS (SELECT FROM qms.%I AS t WHERE t.id = $1)', own_table) INTO found USING item.id;
    RETURN found;
END
$$;
COMMENT ON FUNCTION qms_private.has_details(qms.quality_items) IS 'Whether a record has the row of its type.';

CREATE FUNCTION qms_private.blocked_by(item qms.quality_items, edge jsonb, wanted text, person uuid) RETURNS text []
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    found text [] := '{}';
    why text;
    one record;
    fields jsonb;
BEGIN
    IF wanted = 'record' AND edge ? 'requires' THEN
        fields := qms_private.all_fields(item);
        SELECT found || coalesce(array_agg(replace(r.field, '_', ' ') || ' is missing (' || r.field || ')'), '{}') INTO found
        FROM unnest(qms_private.as_texts(edge -> 'requires')) AS r (field)
        WHERE coalesce(qms.said(fields ->> r.field), '') IN ('', '[]', '{}');
    END IF;
    -- A guard about fields that are not there finds nothing wrong with them.
    IF wanted = 'record' AND NOT qms_private.has_details(item) THEN
        found := found || 'the fields of its type are not recorded yet'::text;
    END IF;
    FOR one IN
        SELECT k.name, o.options
        FROM jsonb_array_elements(coalesce(edge -> 'guards', '[]')) AS g (guard),
            LATERAL (SELECT qms_private.guard_options(g.guard) AS options) AS o
        INNER JOIN qms_private.guards AS k ON k.name = o.options ->> 'name' AND k.about = wanted
    LOOP
        EXECUTE format('SELECT qms_private.%I($1, $2, $3)', 'guard_' || one.name)
        INTO why USING item, one.options, person;
        IF why IS NOT NULL THEN
            found := found || why;
        END IF;
    END LOOP;
    RETURN found;
END
$$;
COMMENT ON FUNCTION qms_private.blocked_by(qms.quality_items, jsonb, text, uuid) IS
'Why a transition is not possible: because of the record, or because of the person.';

CREATE FUNCTION qms_private.not_this_person(item qms.quality_items, edge jsonb) RETURNS text []
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT
        CASE
            WHEN EXISTS (SELECT FROM unnest(qms_private.as_texts(edge -> 'roles')) AS r (role) WHERE qms.has_role(r.role))
                THEN '{}'::text []
            ELSE ARRAY['it takes the role ' || array_to_string(qms_private.as_texts(edge -> 'roles'), ' or ')]
        END || qms_private.blocked_by(item, edge, 'person', qms.current_user_id())
$$;
COMMENT ON FUNCTION qms_private.not_this_person(qms.quality_items, jsonb) IS
'Why the caller is not the one who may take this step: role and segregation of duties.';

CREATE FUNCTION qms.next_steps(record_id uuid) RETURNS TABLE (
    name text, to_state text, person boolean, meaning text, roles text [], blocked text [], not_you text []
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT
        e.name, e.to_state, e.person, e.edge ->> 'meaning', qms_private.as_texts(e.edge -> 'roles'),
        qms_private.blocked_by(i, e.edge, 'record', qms.current_user_id()), qms_private.not_this_person(i, e.edge)
    FROM qms.quality_items AS i
    INNER JOIN qms.workflow_definitions AS d
        ON d.id = coalesce(i.definition_id, (qms_private.definition_for(i.organization_id, i.category)).id),
        qms_private.edges(d.body) AS e
    WHERE
        i.id = next_steps.record_id AND i.organization_id = qms.current_organization_id() AND e.from_state = i.status
$$;
COMMENT ON FUNCTION qms.next_steps(uuid) IS
'What is possible for a record now; what blocks each step, and why it may not be the caller who takes it.';

CREATE FUNCTION qms_private.edge_to(item qms.quality_items, wanted text) RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    body jsonb;
    found jsonb;
BEGIN
    SELECT d.body INTO body FROM qms.workflow_definitions AS d
    WHERE d.id = coalesce(item.definition_id, (qms_private.definition_for(item.organization_id, item.category)).id);
    SELECT e.edge INTO found FROM qms_private.edges(body) AS e WHERE e.from_state = item.status AND e.to_state = wanted;
    IF found IS NULL THEN
        RAISE EXCEPTION '% can''t go from "%" to "%"', item.number, item.status, wanted USING ERRCODE = 'QM021',
        HINT = 'From here it can go to: ' || coalesce(
            (SELECT string_agg(e.to_state, ', ') FROM qms_private.edges(body) AS e WHERE e.from_state = item.status),
            'nowhere, this state is final'
        ) || '.';
    END IF;
    RETURN found;
END
$$;
COMMENT ON FUNCTION qms_private.edge_to(qms.quality_items, text) IS 'The transition of a record to a state; error QM021 when there is none.';

CREATE FUNCTION qms_private.seen(record_id uuid, expected_version integer) RETURNS qms.quality_items
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    RETURN qms.seen_version(record_id, expected_version);
END
$$;
COMMENT ON FUNCTION qms_private.seen(uuid, integer) IS 'qms.seen_version for functions of the workflow.';

CREATE FUNCTION qms.transition(record_id uuid, expected_version integer, to_state text, reason text)
RETURNS qms.quality_items
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    item qms.quality_items;
    definition qms.workflow_definitions;
    edge jsonb;
    why text [];
    effect jsonb;
    kind text := qms.current_actor_kind();
BEGIN
    PERFORM set_config('qms.reason', transition.reason, true);
    IF coalesce(length(qms.written_reason()), 0) < 10 THEN
        RAISE EXCEPTION 'a transition needs a reason of at least 10 characters' USING ERRCODE = 'QM024';
    END IF;
    item := qms_private.seen(transition.record_id, transition.expected_version);
    IF NOT qms.may_keep_records() THEN
        RAISE EXCEPTION 'whoever is only an auditor or administrator changes no record' USING ERRCODE = 'QM022';
    END IF;
    edge := qms_private.edge_to(item, transition.to_state);
    IF coalesce((edge ->> 'person')::boolean, false) AND kind IS DISTINCT FROM 'human' THEN
        RAISE EXCEPTION '"%" of % is for a person to do, signed on the approval page', edge ->> 'name', item.number
        USING ERRCODE = 'QM022', HINT = 'transition_record asks for it and returns the link for the person.';
    END IF;
    why := qms_private.not_this_person(item, edge);
    IF cardinality(why) > 0 THEN
        RAISE EXCEPTION '"%" of % is not for you: %', edge ->> 'name', item.number, array_to_string(why, '; ')
        USING ERRCODE = 'QM022', HINT = 'Somebody else has to do it.';
    END IF;
    why := qms_private.blocked_by(item, edge, 'record', qms.current_user_id());
    IF cardinality(why) > 0 THEN
        RAISE EXCEPTION '"%" of % is blocked: %', edge ->> 'name', item.number, array_to_string(why, '; ')
        USING ERRCODE = 'QM021', HINT = 'Settle these first; get_record lists what blocks each step.';
    END IF;
    SELECT d.* INTO definition FROM qms.workflow_definitions AS d
    WHERE d.id = coalesce(item.definition_id, (qms_private.definition_for(item.organization_id, item.category)).id);
    INSERT INTO qms.transitions (
        organization_id, record_id, record_version, name, from_state, to_state, reason, by_id, by_kind, definition_id,
        approval_id
    )
    VALUES (
        item.organization_id, item.id, qms.coming_version(item), edge ->> 'name', item.status, transition.to_state,
        qms.written_reason(), qms.current_user_id(), kind, definition.id,
        -- Only a decision makes somebody human; whoever else names an approval here names one of their choice.
        CASE WHEN kind = 'human' THEN nullif(current_setting('qms.approval_id', true), '')::uuid END
    );
    UPDATE qms.quality_items AS i
    SET
        status = transition.to_state,
        state_since = clock_timestamp(),
        due_date = coalesce(
            qms_private.due_in_state(i.organization_id, definition.body, transition.to_state, clock_timestamp()), i.due_date
        ),
        closed_at = CASE
            WHEN (definition.body -> 'states' -> transition.to_state ->> 'final')::boolean THEN clock_timestamp()
        END,
        escalation_level = 0,
        definition_id = definition.id,
        adopted_by = CASE WHEN kind = 'human' THEN coalesce(i.adopted_by, qms.current_user_id()) ELSE i.adopted_by END,
        adopted_at = CASE WHEN kind = 'human' THEN coalesce(i.adopted_at, clock_timestamp()) ELSE i.adopted_at END
    WHERE i.id = item.id
    RETURNING i.* INTO item;
    FOR effect IN
        SELECT qms_private.guard_options(f.effect) FROM jsonb_array_elements(coalesce(edge -> 'effects', '[]')) AS f (effect)
    LOOP
        EXECUTE format('SELECT qms_private.%I($1, $2)', 'effect_' || (effect ->> 'name')) USING item, effect;
    END LOOP;
    SELECT i.* INTO item FROM qms.quality_items AS i WHERE i.id = item.id;
    RETURN item;
END
$$;
COMMENT ON FUNCTION qms.transition(uuid, integer, text, text) IS
'Moves a record to another state: the only way there is. QM021 when it is not possible, with every reason; QM022 when '
'it is not for the caller.';

-- Asking a person -------------------------------------------------------------------------------------------------------

CREATE FUNCTION qms.request_decision(
    record_id uuid, expected_version integer, to_state text, meaning text, reason text
) RETURNS qms.approvals
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    item qms.quality_items;
    edge jsonb;
    why text [];
    standing qms.approvals;
    shown text;
    for_tool text := CASE WHEN to_state IS NULL THEN 'request_signature' ELSE 'transition_record' END;
BEGIN
    PERFORM set_config('qms.reason', request_decision.reason, true);
    IF coalesce(length(qms.written_reason()), 0) < 10 THEN
        RAISE EXCEPTION 'a request needs a reason of at least 10 characters' USING ERRCODE = 'QM024',
        HINT = 'The person who decides reads it.';
    END IF;
    item := qms_private.seen(request_decision.record_id, request_decision.expected_version);
    IF NOT qms.may_keep_records() THEN
        RAISE EXCEPTION 'whoever is only an auditor or administrator changes no record' USING ERRCODE = 'QM022';
    END IF;
    IF to_state IS NOT NULL THEN
        edge := qms_private.edge_to(item, to_state);
        IF NOT coalesce((edge ->> 'person')::boolean, false) THEN
            RAISE EXCEPTION '"%" of % needs no signature', edge ->> 'name', item.number USING ERRCODE = 'QM021',
            HINT = 'transition_record does it at once.';
        END IF;
        why := qms_private.blocked_by(item, edge, 'record', qms.current_user_id());
        IF cardinality(why) > 0 THEN
            RAISE EXCEPTION '"%" of % is blocked: %', edge ->> 'name', item.number, array_to_string(why, '; ')
            USING ERRCODE = 'QM021', HINT = 'Settle these first; get_record lists what blocks each step.';
        END IF;
    ELSIF btrim(coalesce(request_decision.meaning, '')) = '' THEN
        RAISE EXCEPTION 'a signature has a meaning' USING ERRCODE = 'QM024',
        HINT = 'authorship, review, approval, responsibility or verification.';
    END IF;
    SELECT a.* INTO standing
    FROM qms.approvals AS a
    WHERE
        a.organization_id = item.organization_id AND a.record_id = item.id AND a.record_version = item.version
        AND a.tool = for_tool AND a.to_state IS NOT DISTINCT FROM request_decision.to_state
        AND a.meaning = coalesce(edge ->> 'meaning', request_decision.meaning)
        AND a.state = 'pending' AND a.expires_at > clock_timestamp()
    LIMIT 1;
    IF standing.id IS NOT NULL THEN
        RETURN standing;
    END IF;
    shown := jsonb_pretty(jsonb_build_object(
        'step', coalesce(edge ->> 'name', 'signature'), 'from', item.status, 'to', to_state,
        'meaning', coalesce(edge ->> 'meaning', request_decision.meaning), 'record', item.number, 'version', item.version,
        'content', qms.record_content(item.id)
    ));
    INSERT INTO qms.approvals (
        organization_id, tool, subject_id, content_sha256, summary, content, requested_by, requested_kind, reason,
        client_name, record_id, record_version, record_sha256, to_state, meaning
    )
    VALUES (
        item.organization_id, for_tool, item.id, encode(sha256(convert_to(shown, 'UTF8')), 'hex'),
        CASE
            WHEN to_state IS NULL THEN format('Sign %s v%s: %s', item.number, item.version, item.title)
            ELSE format('%s %s v%s: %s', initcap(replace(edge ->> 'name', '_', ' ')), item.number, item.version, item.title)
        END,
        shown, qms.current_user_id(), qms.current_actor_kind(), qms.written_reason(),
        nullif(current_setting('qms.client', true), ''), item.id, item.version, qms.record_sha256(item.id), to_state,
        coalesce(edge ->> 'meaning', request_decision.meaning)
    )
    RETURNING * INTO standing;
    PERFORM qms_private.write_entry(
        item.organization_id, 'qms.approvals', standing.id, 'requested', item.id, item.version, NULL, NULL,
        jsonb_build_object('to_state', to_state, 'meaning', standing.meaning, 'record_sha256', standing.record_sha256)
    );
    RETURN standing;
END
$$;
COMMENT ON FUNCTION qms.request_decision(uuid, integer, text, text, text) IS
'Asks a person to take a step or to sign, for exactly this version of a record. Asked twice, it is one request.';

CREATE FUNCTION qms.request_workflow(of_category text, new_body jsonb, reason text) RETURNS qms.approvals
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    ours uuid := qms.current_organization_id();
    active qms.workflow_definitions := qms_private.definition_for(ours, of_category);
    wrong text [] := qms.workflow_problems(of_category, new_body);
    draft uuid;
    asked qms.approvals;
    shown text := jsonb_pretty(new_body);
BEGIN
    PERFORM set_config('qms.reason', request_workflow.reason, true);
    IF NOT qms.has_role('admin') THEN
        RAISE EXCEPTION 'only the role admin drafts a workflow' USING ERRCODE = 'QM022';
    END IF;
    IF coalesce(length(qms.written_reason()), 0) < 10 THEN
        RAISE EXCEPTION 'a change of a workflow needs a reason of at least 10 characters' USING ERRCODE = 'QM024';
    END IF;
    IF active.id IS NULL THEN
        RAISE EXCEPTION 'there is no record type %', quote_nullable(of_category) USING ERRCODE = 'QM024';
    END IF;
    IF cardinality(wrong) > 0 THEN
        RAISE EXCEPTION 'this % workflow can''t be used: %', of_category, array_to_string(wrong, '; ')
        USING ERRCODE = 'QM024', HINT = 'An organization may add steps and guards; those shipped stay.';
    END IF;
    PERFORM qms_private.lock_trail(ours);
    INSERT INTO qms.workflow_drafts (organization_id, category, based_on, body, reason, drafted_by, drafted_kind)
    VALUES (ours, of_category, active.version, new_body, qms.written_reason(), qms.current_user_id(), qms.current_actor_kind())
    RETURNING id INTO draft;
    INSERT INTO qms.approvals (
        organization_id, tool, subject_id, content_sha256, summary, content, requested_by, requested_kind, reason,
        client_name, meaning
    )
    VALUES (
        ours, 'change_workflow', draft, encode(sha256(convert_to(shown, 'UTF8')), 'hex'),
        format('Change the workflow of %s (version %s)', of_category, active.version + 1), shown,
        qms.current_user_id(), qms.current_actor_kind(), qms.written_reason(),
        nullif(current_setting('qms.client', true), ''), 'approval'
    )
    RETURNING * INTO asked;
    PERFORM qms_private.write_entry(
        ours, 'qms.approvals', asked.id, 'requested', NULL, NULL, NULL, NULL,
        jsonb_build_object('workflow', of_category, 'content_sha256', asked.content_sha256)
    );
    RETURN asked;
END
$$;
COMMENT ON FUNCTION qms.request_workflow(text, jsonb, text) IS
'Proposes a state machine for the caller''s organization; somebody who holds qa_approver and did not draft it decides.';

CREATE FUNCTION qms_private.why_not_decide(asked qms.approvals) RETURNS text []
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    item qms.quality_items;
BEGIN
    IF asked.tool = 'change_workflow' THEN
        RETURN CASE WHEN qms.has_role('qa_approver') THEN '{}'::text [] ELSE ARRAY['it takes the role qa_approver'] END
        || CASE WHEN asked.requested_by = qms.current_user_id() THEN ARRAY['whoever drafted it may not approve it'] ELSE '{}'::text [] END;
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
COMMENT ON FUNCTION qms_private.why_not_decide(qms.approvals) IS 'Why the caller is not the one to decide this; empty when it is.';

CREATE FUNCTION qms_private.carry_out(asked qms.approvals, why text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    PERFORM set_config('qms.approval_id', asked.id::text, true);
    IF asked.tool = 'transition_record' THEN
        PERFORM qms.transition(asked.record_id, asked.record_version, asked.to_state, why);
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
COMMENT ON FUNCTION qms_private.carry_out(qms.approvals, text) IS
'Does what was approved, as the person who approved it. Only the function that checked the signature calls it.';

-- Rights ----------------------------------------------------------------------------------------------------------------

GRANT SELECT, INSERT ON qms.workflow_definitions, qms.workflow_drafts, qms.transitions TO qms_definer;
GRANT SELECT ON qms_private.guards TO qms_definer;
GRANT SELECT ON qms.workflow_definitions, qms.workflow_drafts, qms.transitions TO qms_app, qms_sql;
ALTER TABLE qms.workflow_definitions ENABLE ROW LEVEL SECURITY;
ALTER TABLE qms.workflow_definitions FORCE ROW LEVEL SECURITY;
CREATE POLICY read_own ON qms.workflow_definitions FOR SELECT TO qms_app, qms_sql
USING (coalesce(organization_id, (SELECT qms.current_organization_id())) = (SELECT qms.current_organization_id()));
CREATE POLICY administration ON qms.workflow_definitions FOR ALL TO qms_definer USING (true) WITH CHECK (true);
ALTER TABLE qms.workflow_drafts ENABLE ROW LEVEL SECURITY;
ALTER TABLE qms.workflow_drafts FORCE ROW LEVEL SECURITY;
CREATE POLICY read_own ON qms.workflow_drafts FOR SELECT TO qms_app, qms_sql
USING (organization_id = (SELECT qms.current_organization_id()));
CREATE POLICY administration ON qms.workflow_drafts FOR ALL TO qms_definer USING (true) WITH CHECK (true);
ALTER TABLE qms.transitions ENABLE ROW LEVEL SECURITY;
ALTER TABLE qms.transitions FORCE ROW LEVEL SECURITY;
CREATE POLICY read_own ON qms.transitions FOR SELECT TO qms_app, qms_sql
USING (organization_id = (SELECT qms.current_organization_id()));
CREATE POLICY administration ON qms.transitions FOR ALL TO qms_definer USING (true) WITH CHECK (true);

GRANT CREATE ON SCHEMA qms, qms_private TO qms_definer;
ALTER FUNCTION qms_private.definition_for(uuid, text) OWNER TO qms_definer;
ALTER FUNCTION qms_private.as_texts(jsonb) OWNER TO qms_definer;
ALTER FUNCTION qms_private.guard_options(jsonb) OWNER TO qms_definer;
ALTER FUNCTION qms_private.edges(jsonb) OWNER TO qms_definer;
ALTER FUNCTION qms_private.problems_alone(jsonb) OWNER TO qms_definer;
ALTER FUNCTION qms_private.problems_against(jsonb, jsonb) OWNER TO qms_definer;
ALTER FUNCTION qms.workflow_problems(text, jsonb) OWNER TO qms_definer;
ALTER FUNCTION qms.keep_definition() OWNER TO qms_definer;
ALTER FUNCTION qms_private.due_in_state(uuid, jsonb, text, timestamptz) OWNER TO qms_definer;
ALTER FUNCTION qms_private.all_fields(qms.quality_items) OWNER TO qms_definer;
ALTER FUNCTION qms_private.has_details(qms.quality_items) OWNER TO qms_definer;
ALTER FUNCTION qms_private.blocked_by(qms.quality_items, jsonb, text, uuid) OWNER TO qms_definer;
ALTER FUNCTION qms_private.not_this_person(qms.quality_items, jsonb) OWNER TO qms_definer;
ALTER FUNCTION qms.next_steps(uuid) OWNER TO qms_definer;
ALTER FUNCTION qms_private.edge_to(qms.quality_items, text) OWNER TO qms_definer;
ALTER FUNCTION qms_private.seen(uuid, integer) OWNER TO qms_definer;
ALTER FUNCTION qms.transition(uuid, integer, text, text) OWNER TO qms_definer;
ALTER FUNCTION qms.request_decision(uuid, integer, text, text, text) OWNER TO qms_definer;
ALTER FUNCTION qms.request_workflow(text, jsonb, text) OWNER TO qms_definer;
ALTER FUNCTION qms_private.why_not_decide(qms.approvals) OWNER TO qms_definer;
ALTER FUNCTION qms_private.carry_out(qms.approvals, text) OWNER TO qms_definer;
REVOKE CREATE ON SCHEMA qms, qms_private FROM qms_definer;
SET LOCAL ROLE qms_definer;
GRANT EXECUTE ON FUNCTION qms.keep_definition() TO SESSION_USER;
GRANT EXECUTE ON FUNCTION qms_private.definition_for(uuid, text), qms_private.edges(jsonb) TO SESSION_USER;
GRANT EXECUTE ON FUNCTION
    qms.workflow_problems(text, jsonb), qms.next_steps(uuid), qms.transition(uuid, integer, text, text),
    qms.request_decision(uuid, integer, text, text, text), qms.request_workflow(text, jsonb, text)
    TO qms_app;
RESET ROLE;
