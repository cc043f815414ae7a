-- The conditions and effects that workflows name, and the state machines that are shipped.

INSERT INTO qms_private.guards (name, about, meaning) VALUES
('not_person', 'person', 'Segregation of duties: whoever is named by one of the sources in "of" may not take the step.'),
('is_person', 'person', 'Only somebody who is named by one of the sources in "of" may take the step.'),
('not_own_training_result', 'person', 'Who was trained does not judge the training alone.'),
('all_signed', 'record', 'Everybody asked to sign before the state in "state" has signed what the record says now.'),
('owner_signed', 'record', 'The owner of the record has signed what it says now.'),
('due_passed', 'record', 'The due time of the record has passed.'),
('critical_has_capa', 'record', 'A critical record has a CAPA.'),
('capa_linked', 'record', 'When a CAPA is required, one is linked and has been opened.'),
('contained_if_in_hand', 'record', 'Product in hand is contained before it is reviewed.'),
('has_disposition', 'record', 'It is proposed what becomes of the affected product.'),
('quantities_add_up', 'record', 'The dispositions account for the affected quantity, no more and no less.'),
('use_as_is_justified', 'record', 'A concession says why the product may be used.'),
('after_delivery_decided', 'record', 'For delivered product it is decided whether the field must be told.'),
('rework_verified', 'record', 'What was reworked or repaired was verified again.'),
('minor_deviation', 'record', 'Only a minor deviation goes on without an investigation.'),
('has_root_cause_with_evidence', 'record', 'There is a root cause with evidence, or it is said why none could be found.'),
('has_planned_action', 'record', 'There is an action, and each action has an owner and a due date.'),
('has_criterion', 'record', 'How effectiveness will be measured is planned: metric, baseline, target, window, sample.'),
('all_actions_done', 'record', 'Every action is done and says what shows it.'),
('all_actions_accepted', 'record', 'Somebody other than its owner accepted every action.'),
('linked_changes_closed', 'record', 'No change request that belongs to the record is open.'),
('linked_training_done', 'record', 'No training that belongs to the record is open.'),
('no_adverse_effect', 'record', 'The actions were found to do no harm.'),
('window_over', 'record', 'The window in which effectiveness is measured is over.'),
('window_after_actions', 'record', 'The window reaches beyond the day on which the last action was done.'),
('minimum_sample_reached', 'record', 'The last check of effectiveness saw enough.'),
('last_check_met', 'record', 'The last check of effectiveness met the criterion.'),
('has_effectiveness_check', 'record', 'Effectiveness was checked in this cycle.'),
('successor_capa_linked', 'record', 'Another CAPA goes on with the matter.'),
('impact_assessed', 'record', 'Each aspect a change can touch is assessed.'),
('emergency_declared', 'record', 'A change that cannot wait says until when it will be approved.'),
('reportability_assessed', 'record', 'The last assessment of reportability came to a proposal.'),
('reportability_decided', 'record', 'A person decided on the last assessment of reportability.'),
('not_reportable', 'record', 'An event that is reported is investigated.'),
('reported_if_required', 'record', 'What has to be reported was reported.'),
('device_identified', 'record', 'Which product it was is recorded.'),
('complainant_named', 'record', 'Who complained is recorded.'),
('document_has_content', 'record', 'There is something to approve.'),
('revision_is_newer', 'record', 'The revision is higher than the one that is effective.'),
('change_request_named', 'record', 'A new version belongs to an approved change, where the organization wants that.'),
('effective_date_reached', 'record', 'The day on which the document becomes effective is here.'),
('training_complete_or_waived', 'record', 'Those who need it are trained on this version, or it is said why not.'),
('replaced_or_reason', 'record', 'What is withdrawn is replaced, or it is said why.'),
('successor_effective', 'record', 'Another version is effective: that alone supersedes a document.'),
('auditor_independent', 'record', 'Whoever leads the audit does not answer for the audited area.'),
('findings_closed', 'record', 'Every finding of the audit is closed.'),
('risk_rated', 'record', 'The risk is rated by its method.'),
('acceptable_without_control', 'record', 'The risk is acceptable as it is.'),
('has_control', 'record', 'There is a control of the risk.'),
('controls_verified', 'record', 'Each control is verified twice: that it is there, and that it works.'),
('residual_rated', 'record', 'The residual risk is rated by its method.'),
('benefit_outweighs', 'record', 'A risk that stays unacceptable is weighed against the benefit.'),
('training_has_subject', 'record', 'The training is about a document version or a topic.'),
('no_open_scars', 'record', 'The supplier has answered every corrective action request.'),
('calibration_due_soon', 'record', 'The next calibration is due within 30 days.'),
('calibration_overdue', 'record', 'The next calibration is overdue.'),
('calibration_good', 'record', 'The last calibration was in tolerance and is still valid.'),
('calibration_bad', 'record', 'The last calibration was out of tolerance.'),
('report_planned', 'record', 'A report that is required has a due date.'),
('extension_fits', 'record', 'There is an open due date to move, to a later day.');

-- What guards look at ---------------------------------------------------------------------------------------------------

CREATE FUNCTION qms_private.local_date(of_organization uuid, at_time timestamptz) RETURNS date
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT (at_time AT TIME ZONE o.time_zone)::date FROM qms.organizations AS o WHERE o.id = of_organization
$$;
COMMENT ON FUNCTION qms_private.local_date(uuid, timestamptz) IS 'The day an instant belongs to where the organization is.';

CREATE FUNCTION qms_private.today_of(of_organization uuid) RETURNS date
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$SELECT qms_private.local_date(of_organization, clock_timestamp())$$;
COMMENT ON FUNCTION qms_private.today_of(uuid) IS 'Today, where the organization is.';

CREATE FUNCTION qms_private.counted(number bigint, one text, many text) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = ''
AS $$SELECT CASE number WHEN 0 THEN NULL WHEN 1 THEN '1 ' || one ELSE number || ' ' || many END$$;
COMMENT ON FUNCTION qms_private.counted(bigint, text, text) IS 'A number of things in words: null for none of them.';

CREATE FUNCTION qms_private.uuids_in(value jsonb) RETURNS SETOF uuid
LANGUAGE sql IMMUTABLE SET search_path = ''
AS $$
    SELECT (v.item #>> '{}')::uuid
    FROM jsonb_array_elements(CASE jsonb_typeof(value) WHEN 'array' THEN value ELSE jsonb_build_array(value) END) AS v (item)
    WHERE v.item #>> '{}' ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
$$;
COMMENT ON FUNCTION qms_private.uuids_in(jsonb) IS 'The ids in a value: it is one, or a list of them.';

CREATE FUNCTION qms_private.editors_of(item qms.quality_items) RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT DISTINCT a.actor_id
    FROM qms.audit_logs AS a
    WHERE
        a.organization_id = item.organization_id AND a.record_id = item.id AND a.actor_id IS NOT NULL
        AND a.action IN ('insert', 'update')
        AND a.entity_type NOT IN (
            'qms.transitions', 'qms.approvals', 'qms.signatures', 'qms.escalations', 'qms.record_notes',
            'qms.record_links', 'qms.required_signatures'
        )
        -- Taking a step writes these; that is no editing.
        AND EXISTS (
            SELECT FROM jsonb_object_keys(coalesce(a.changes, '{}')) AS k (field)
            WHERE k.field <> ALL (ARRAY[
                'status', 'state_since', 'due_date', 'closed_at', 'escalation_level', 'definition_id', 'adopted_by',
                'adopted_at', 'accepted_by', 'accepted_at', 'decided_by', 'decided_at', 'is_effective', 'effective_from',
                'effective_to', 'next_review_on', 'replaced_by', 'legal_hold', 'priority', 'assigned_to', 'owner_id'
            ])
        )
$$;
COMMENT ON FUNCTION qms_private.editors_of(qms.quality_items) IS
'Who wrote what a record says, by the trail. Behind an agent that wrote stands the person for whom it acted.';

CREATE FUNCTION qms_private.people_named(item qms.quality_items, source text) RETURNS SETOF uuid
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    place text := split_part(source, '.', 1);
    field text := split_part(source, '.', 2);
    other qms.quality_items;
BEGIN
    IF field = '' THEN
        RETURN QUERY SELECT u.id FROM qms_private.uuids_in(qms_private.all_fields(item) -> place) AS u (id);
    ELSIF source = 'trail.editors' THEN
        RETURN QUERY SELECT e.id FROM qms_private.editors_of(item) AS e (id);
    ELSIF place = 'trail' THEN
        RETURN QUERY
        SELECT u.id
        FROM qms.audit_logs AS a, LATERAL qms_private.uuids_in(a.changes -> field -> 'new') AS u (id)
        WHERE
            a.organization_id = item.organization_id AND a.entity_id = item.id
            AND a.entity_type IN (
                'qms.quality_items',
                (SELECT 'qms.' || t.table_name FROM qms.record_types AS t WHERE t.category = item.category)
            )
            AND a.changes ? field;
    ELSIF place IN ('target', 'audit', 'action') THEN
        IF place = 'action' THEN
            RETURN QUERY
            SELECT c.owner_id FROM qms.extension_requests AS x INNER JOIN qms.capa_actions AS c ON x.action_id = c.id
            WHERE x.id = item.id AND c.organization_id = item.organization_id;
            RETURN QUERY
            SELECT u.id
            FROM qms.extension_requests AS x
            INNER JOIN qms.audit_logs AS a ON x.organization_id = a.organization_id AND x.action_id = a.entity_id,
                LATERAL qms_private.uuids_in(a.changes -> field -> 'new') AS u (id)
            WHERE x.id = item.id AND a.entity_type = 'qms.capa_actions' AND a.changes ? field;
            RETURN;
        END IF;
        SELECT i.* INTO other FROM qms.quality_items AS i
        WHERE
            i.organization_id = item.organization_id
            AND i.id = (qms_private.all_fields(item) ->> (place || '_id'))::uuid;
        IF other.id IS NOT NULL THEN
            -- Whoever was that before, too: nobody steps aside for the moment of a decision.
            RETURN QUERY SELECT u.id FROM qms_private.uuids_in(qms_private.all_fields(other) -> field) AS u (id);
            RETURN QUERY SELECT p.id FROM qms_private.people_named(other, 'trail.' || field) AS p (id);
        END IF;
    ELSIF EXISTS (SELECT FROM qms.record_parts AS p WHERE p.table_name = place) THEN
        RETURN QUERY EXECUTE format(
            'SELECT u.id FROM qms.%I AS t, LATERAL qms_private.uuids_in(to_jsonb(t) -> $2) AS u (id) WHERE t.record_id = $1',
            place
        ) USING item.id, field;
    END IF;
END
$$;
COMMENT ON FUNCTION qms_private.people_named(qms.quality_items, text) IS
'The people a source names: a field (owner_id, editors), a field of a part (capa_actions.owner_id), of the record it '
'belongs to, now or ever (target., audit., action.), whoever a field ever held (trail.owner_id), or all who wrote it (trail.editors).';

CREATE FUNCTION qms_private.source_words(source text) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = ''
AS $$
    SELECT CASE source
        WHEN 'owner_id' THEN 'the owner'
        WHEN 'assigned_to' THEN 'the one it is assigned to'
        WHEN 'drafted_by' THEN 'who drafted it'
        WHEN 'author_id' THEN 'the author'
        WHEN 'editors' THEN 'an editor of this version'
        WHEN 'trail.editors' THEN 'an editor of this version, by the trail'
        WHEN 'trail.owner_id' THEN 'a former owner'
        WHEN 'trail.assigned_to' THEN 'one it was assigned to'
        WHEN 'trail.author_id' THEN 'a former author'
        WHEN 'capa_actions.owner_id' THEN 'the owner of an action'
        WHEN 'action.owner_id' THEN 'the owner of the action'
        WHEN 'target.owner_id' THEN 'the owner of what is late'
        WHEN 'area_responsible' THEN 'responsible for the audited area'
        WHEN 'audit.area_responsible' THEN 'responsible for the audited area'
        WHEN 'trainee_id' THEN 'the trainee'
        WHEN 'trainer_id' THEN 'the trainer'
        ELSE 'named as ' || replace(replace(source, '_', ' '), '.', ', ')
    END
$$;
COMMENT ON FUNCTION qms_private.source_words(text) IS 'What somebody named by a source is, in words.';

CREATE FUNCTION qms_private.name_of(person uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$SELECT coalesce((SELECT p.printed_name FROM qms.people AS p WHERE p.user_id = person), 'this person')$$;
COMMENT ON FUNCTION qms_private.name_of(uuid) IS 'The printed name of a person.';

CREATE FUNCTION qms_private.linked(item qms.quality_items, of_category text) RETURNS SETOF qms.quality_items
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT i.*
    FROM qms.quality_items AS i
    WHERE
        i.organization_id = item.organization_id AND i.category = of_category AND i.id IN (
            SELECT CASE WHEN l.from_id = item.id THEN l.to_id ELSE l.from_id END
            FROM qms.record_links AS l
            WHERE
                l.organization_id = item.organization_id AND (l.from_id = item.id OR l.to_id = item.id)
                AND l.kind <> 'duplicates'
        )
$$;
COMMENT ON FUNCTION qms_private.linked(qms.quality_items, text) IS
'The records of a type a record is linked with, whichever way the link points.';

CREATE FUNCTION qms_private.open_numbers(records qms.quality_items [], fine text []) RETURNS text
LANGUAGE sql STABLE SET search_path = ''
AS $$
    SELECT string_agg(coalesce(r.number, r.title) || ' (' || coalesce(r.status, 'no state') || ')', ', ' ORDER BY r.number)
    FROM unnest(records) AS r WHERE coalesce(r.status, '') <> ALL (fine)
$$;
COMMENT ON FUNCTION qms_private.open_numbers(qms.quality_items [], text []) IS
'Those of some records that are in none of the given states, by number.';

-- Guards about the person -----------------------------------------------------------------------------------------------

CREATE FUNCTION qms_private.guard_not_person(item qms.quality_items, options jsonb, person uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT format('%s is %s and may not do this', qms_private.name_of(person), qms_private.source_words(s.source))
    FROM unnest(qms_private.as_texts(options -> 'of')) WITH ORDINALITY AS s (source, place)
    WHERE EXISTS (SELECT FROM qms_private.people_named(item, s.source) AS p (id) WHERE p.id = person)
    ORDER BY s.place LIMIT 1
$$;

CREATE FUNCTION qms_private.guard_is_person(item qms.quality_items, options jsonb, person uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT format('%s is not %s', qms_private.name_of(person), string_agg(qms_private.source_words(s.source), ' or '))
    FROM unnest(qms_private.as_texts(options -> 'of')) AS s (source)
    HAVING NOT bool_or(EXISTS (SELECT FROM qms_private.people_named(item, s.source) AS p (id) WHERE p.id = person))
$$;

CREATE FUNCTION qms_private.guard_not_own_training_result(item qms.quality_items, options jsonb, person uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT format('%s is the trainee, and the record says how effective the training was: the trainer says that', qms_private.name_of(person))
    FROM qms.trainings AS t
    WHERE t.id = item.id AND t.effectiveness_result IS NOT NULL AND t.trainee_id = person
$$;

-- Guards about any record -----------------------------------------------------------------------------------------------

CREATE FUNCTION qms_private.guard_all_signed(item qms.quality_items, options jsonb, person uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    WITH missing AS (
        SELECT r.signer_id, r.meaning
        FROM qms.required_signatures AS r
        WHERE
            r.record_id = item.id AND r.for_state = options ->> 'state' AND NOT EXISTS (
                SELECT FROM qms.signature_status(item.id) AS s
                WHERE
                    s.signer_id = r.signer_id AND s.meaning = r.meaning AND s.verdict = 'signed' AND s.status = 'valid'
            )
    )
    SELECT 'still to sign: ' || string_agg(qms_private.name_of(m.signer_id) || ' (' || m.meaning || ')', ', ')
    FROM missing AS m
    -- The last of them may sign by taking the step; until somebody takes it, that is not known.
    HAVING count(*) > 1 OR bool_or(
        m.meaning IS DISTINCT FROM options ->> 'meaning'
        OR (qms.current_actor_kind() = 'human' AND m.signer_id IS DISTINCT FROM person)
    )
$$;

CREATE FUNCTION qms_private.guard_owner_signed(item qms.quality_items, options jsonb, person uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT 'the owner' || coalesce(', ' || qms_private.name_of(item.owner_id) || ',', '') || ' has not signed what it says now'
        || coalesce(' (' || (options ->> 'meaning') || ')', '')
    WHERE item.owner_id IS NULL OR NOT EXISTS (
        SELECT FROM qms.signature_status(item.id) AS s
        WHERE
            s.signer_id = item.owner_id AND s.meaning = options ->> 'meaning' AND s.verdict = 'signed'
            AND s.status = 'valid'
    )
$$;

CREATE FUNCTION qms_private.guard_due_passed(item qms.quality_items, options jsonb, person uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT CASE
        WHEN item.due_date IS NULL THEN 'it has no due date'
        WHEN item.due_date >= clock_timestamp() THEN
            'it is due on ' || qms_private.local_date(item.organization_id, item.due_date) || ', that is not over yet'
    END
$$;

CREATE FUNCTION qms_private.guard_critical_has_capa(item qms.quality_items, options jsonb, person uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT 'it is critical, and no CAPA is linked'
    WHERE
        'critical' IN (
            item.risk_class, qms_private.all_fields(item) ->> 'grade', qms_private.all_fields(item) ->> 'classification'
        )
        AND NOT EXISTS (SELECT FROM qms_private.linked(item, 'capa') AS c WHERE c.status <> 'cancelled')
$$;

CREATE FUNCTION qms_private.guard_capa_linked(item qms.quality_items, options jsonb, person uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT 'a CAPA is required, and none that is open or beyond is linked' || coalesce(
        ' (' || (SELECT string_agg(c.number || ': ' || c.status, ', ' ORDER BY c.number) FROM qms_private.linked(item, 'capa') AS c) || ')',
        ''
    )
    WHERE
        (qms_private.all_fields(item) ->> 'capa_required')::boolean
        AND NOT EXISTS (SELECT FROM qms_private.linked(item, 'capa') AS c WHERE c.status NOT IN ('draft', 'cancelled'))
$$;

-- Nonconformances and deviations ----------------------------------------------------------------------------------------

CREATE FUNCTION qms_private.guard_contained_if_in_hand(item qms.quality_items, options jsonb, person uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT 'product may be in hand, and containment is missing: contain it first, or record that it was delivered or that nothing is affected (quantity_affected 0)'
    FROM qms.nonconformances AS n
    WHERE
        n.id = item.id AND qms.said(n.containment) IS NULL AND n.quantity_affected IS DISTINCT FROM 0
        AND NOT (n.delivered OR coalesce(n.detected_at_stage, '') IN ('delivered', 'field'))
$$;

CREATE FUNCTION qms_private.guard_has_disposition(item qms.quality_items, options jsonb, person uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT 'no disposition is proposed for ' || n.quantity_affected || coalesce(' ' || n.unit, '')
    FROM qms.nonconformances AS n
    WHERE
        n.id = item.id AND n.quantity_affected > 0
        AND NOT EXISTS (SELECT FROM qms.dispositions AS d WHERE d.record_id = item.id AND d.withdrawn_reason IS NULL)
$$;

CREATE FUNCTION qms_private.guard_quantities_add_up(item qms.quality_items, options jsonb, person uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT format(
        '%s of %s%s %s', trim_scale(s.total), trim_scale(n.quantity_affected), coalesce(' ' || n.unit, ''),
        CASE WHEN s.total > n.quantity_affected THEN 'are dispositioned: more than are affected'
            ELSE 'are dispositioned: ' || trim_scale(n.quantity_affected - s.total) || ' remain' END
    )
    FROM qms.nonconformances AS n,
        (
            SELECT coalesce(sum(d.quantity), 0) AS total
            FROM qms.dispositions AS d WHERE d.record_id = item.id AND d.withdrawn_reason IS NULL
        ) AS s
    WHERE n.id = item.id AND n.quantity_affected IS NOT NULL AND s.total <> n.quantity_affected
$$;

CREATE FUNCTION qms_private.guard_use_as_is_justified(item qms.quality_items, options jsonb, person uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT qms_private.counted(
        count(*), 'disposition "use as is" has no justification', 'dispositions "use as is" have no justification'
    )
    FROM qms.dispositions AS d
    WHERE
        d.record_id = item.id AND d.withdrawn_reason IS NULL AND d.disposition = 'use_as_is'
        AND qms.said(d.justification) IS NULL
$$;

CREATE FUNCTION qms_private.guard_after_delivery_decided(item qms.quality_items, options jsonb, person uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT 'the product was delivered: link a field action, or say in field_action_rationale why there is none'
    FROM qms.nonconformances AS n
    WHERE
        n.id = item.id AND (n.delivered OR coalesce(n.detected_at_stage, '') IN ('delivered', 'field'))
        AND qms.said(n.field_action_rationale) IS NULL
        AND NOT EXISTS (SELECT FROM qms_private.linked(item, 'field_action') AS f WHERE f.status <> 'cancelled')
$$;

CREATE FUNCTION qms_private.guard_rework_verified(item qms.quality_items, options jsonb, person uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT qms_private.counted(
        count(*), 'rework or repair has no verification result', 'reworks or repairs have no verification result'
    )
    FROM qms.dispositions AS d
    INNER JOIN qms.nonconformances AS n ON d.record_id = n.id
    WHERE
        d.record_id = item.id AND d.withdrawn_reason IS NULL AND d.disposition IN ('rework', 'repair')
        AND qms.said(n.verification_result) IS NULL
$$;

CREATE FUNCTION qms_private.guard_minor_deviation(item qms.quality_items, options jsonb, person uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT 'a deviation that is ' || coalesce(d.classification, 'not classified') || ' has to be investigated'
    FROM qms.deviations AS d WHERE d.id = item.id AND d.classification IS DISTINCT FROM 'minor'
$$;

-- CAPA ------------------------------------------------------------------------------------------------------------------

CREATE FUNCTION qms_private.guard_has_root_cause_with_evidence(item qms.quality_items, options jsonb, person uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT 'no root cause with evidence is recorded in this cycle, and root_cause_not_determined does not say why'
    FROM qms.capas AS c
    WHERE
        c.id = item.id AND qms.said(c.root_cause_not_determined) IS NULL
        AND NOT EXISTS (
            SELECT FROM qms.root_causes AS r
            WHERE
                r.record_id = item.id AND r.cycle = c.cycle AND r.is_root_cause AND r.withdrawn_reason IS NULL
                AND jsonb_array_length(r.evidence) > 0
        )
$$;

CREATE FUNCTION qms_private.guard_has_planned_action(item qms.quality_items, options jsonb, person uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT CASE
        WHEN count(*) FILTER (WHERE a.cycle = c.cycle) = 0 THEN 'no action is planned in this cycle'
        ELSE qms_private.counted(
            count(*) FILTER (WHERE a.owner_id IS NULL OR a.due_on IS NULL), 'action has no owner or no due date',
            'actions have no owner or no due date'
        )
    END
    FROM qms.capas AS c LEFT JOIN qms.capa_actions AS a ON c.id = a.record_id
    WHERE c.id = item.id
$$;

CREATE FUNCTION qms_private.guard_has_criterion(item qms.quality_items, options jsonb, person uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT CASE
        WHEN cardinality(m.missing) > 0 THEN 'the effectiveness criterion is not measurable yet, missing: ' || array_to_string(m.missing, ', ')
        WHEN c.window_ends_on < c.window_starts_on THEN 'the window of the effectiveness criterion ends before it begins'
    END
    FROM qms.capas AS c,
        LATERAL (
            SELECT array_remove(ARRAY[
                CASE WHEN coalesce(c.criterion ->> 'metric', '') = '' THEN 'criterion.metric' END,
                CASE WHEN c.criterion ->> 'baseline' IS NULL THEN 'criterion.baseline' END,
                CASE WHEN c.criterion ->> 'target' IS NULL THEN 'criterion.target' END,
                CASE WHEN coalesce(c.criterion ->> 'comparator', '') = '' THEN 'criterion.comparator' END,
                CASE WHEN c.window_starts_on IS NULL THEN 'window_starts_on' END,
                CASE WHEN c.window_ends_on IS NULL THEN 'window_ends_on' END,
                CASE WHEN c.minimum_sample IS NULL THEN 'minimum_sample' END
            ], NULL) AS missing
        ) AS m
    WHERE c.id = item.id
$$;

CREATE FUNCTION qms_private.guard_all_actions_done(item qms.quality_items, options jsonb, person uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT concat_ws(
        '; ',
        qms_private.counted(count(*) FILTER (WHERE a.completed_on IS NULL), 'action is open', 'actions are open'),
        qms_private.counted(
            count(*) FILTER (WHERE a.completed_on > qms_private.today_of(item.organization_id)),
            'action is said to be completed on a day that is still to come',
            'actions are said to be completed on days that are still to come'
        ),
        qms_private.counted(
            count(*) FILTER (WHERE a.completed_on IS NOT NULL AND qms.said(a.completion_evidence) IS NULL),
            'action is done without evidence', 'actions are done without evidence'
        )
    )
    FROM qms.capa_actions AS a WHERE a.record_id = item.id
    HAVING
        bool_or(
            a.completed_on IS NULL OR a.completed_on > qms_private.today_of(item.organization_id)
            OR qms.said(a.completion_evidence) IS NULL
        )
$$;

CREATE FUNCTION qms_private.guard_all_actions_accepted(item qms.quality_items, options jsonb, person uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT qms_private.counted(count(*), 'action is not accepted', 'actions are not accepted') || ' by somebody other than its owner'
    FROM qms.capa_actions AS a
    WHERE a.record_id = item.id AND (a.accepted_by IS NULL OR a.accepted_by = a.owner_id)
$$;

CREATE FUNCTION qms_private.guard_linked_changes_closed(item qms.quality_items, options jsonb, person uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT 'linked changes are open: ' || qms_private.open_numbers(
        ARRAY(SELECT r FROM qms_private.linked(item, 'change_request') AS r), ARRAY['closed', 'rejected', 'cancelled']
    )
$$;

CREATE FUNCTION qms_private.guard_linked_training_done(item qms.quality_items, options jsonb, person uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT 'linked training is open: ' || qms_private.open_numbers(
        ARRAY(SELECT r FROM qms_private.linked(item, 'training') AS r), ARRAY['completed', 'waived']
    )
$$;

CREATE FUNCTION qms_private.guard_no_adverse_effect(item qms.quality_items, options jsonb, person uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT CASE c.no_adverse_effect
        WHEN false THEN 'the actions have an adverse effect (no_adverse_effect is false)'
        ELSE 'whether the actions have an adverse effect is not recorded (no_adverse_effect)'
    END
    FROM qms.capas AS c WHERE c.id = item.id AND c.no_adverse_effect IS DISTINCT FROM true
$$;

CREATE FUNCTION qms_private.guard_window_over(item qms.quality_items, options jsonb, person uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT CASE
        WHEN c.window_ends_on IS NULL THEN 'no window is planned (window_ends_on)'
        WHEN c.window_ends_on >= qms_private.today_of(item.organization_id)
            THEN 'the window ends on ' || c.window_ends_on || ', that is not over yet'
    END
    FROM qms.capas AS c WHERE c.id = item.id
$$;

CREATE FUNCTION qms_private.guard_window_after_actions(item qms.quality_items, options jsonb, person uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT format(
        'the window ends on %s, before the last action was completed (%s): it shows nothing about the actions',
        c.window_ends_on, max(a.completed_on)
    )
    FROM qms.capas AS c INNER JOIN qms.capa_actions AS a ON c.id = a.record_id
    WHERE c.id = item.id AND a.action_type IN ('corrective', 'preventive')
    GROUP BY c.window_ends_on
    HAVING max(a.completed_on) > c.window_ends_on
$$;

CREATE FUNCTION qms_private.last_check(item qms.quality_items) RETURNS qms.effectiveness_checks
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT e.*
    FROM qms.effectiveness_checks AS e INNER JOIN qms.capas AS c ON e.record_id = c.id AND e.cycle = c.cycle
    WHERE e.record_id = item.id
    ORDER BY e.created_at DESC, e.id DESC LIMIT 1
$$;
COMMENT ON FUNCTION qms_private.last_check(qms.quality_items) IS 'The last check of effectiveness in this cycle.';

CREATE FUNCTION qms_private.guard_minimum_sample_reached(item qms.quality_items, options jsonb, person uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT CASE
        WHEN k.id IS NULL THEN 'effectiveness was not checked in this cycle'
        WHEN coalesce(k.sample, 0) < c.minimum_sample
            THEN format('the last check saw %s of at least %s', coalesce(k.sample, 0), c.minimum_sample)
    END
    FROM qms.capas AS c, qms_private.last_check(item) AS k WHERE c.id = item.id
$$;

CREATE FUNCTION qms_private.guard_last_check_met(item qms.quality_items, options jsonb, person uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT CASE
        WHEN k.id IS NULL THEN 'effectiveness was not checked in this cycle'
        WHEN k.outcome <> 'met' THEN 'the last check says: ' || replace(k.outcome, '_', ' ')
    END
    FROM qms_private.last_check(item) AS k
$$;

CREATE FUNCTION qms_private.guard_has_effectiveness_check(item qms.quality_items, options jsonb, person uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT 'effectiveness was not checked in this cycle' FROM qms_private.last_check(item) AS k WHERE k.id IS NULL
$$;

CREATE FUNCTION qms_private.guard_successor_capa_linked(item qms.quality_items, options jsonb, person uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT 'no other CAPA that is open is linked'
    WHERE NOT EXISTS (
        SELECT FROM qms_private.linked(item, 'capa') AS c
        WHERE c.status NOT IN ('draft', 'cancelled', 'replaced') AND c.created_at > item.created_at
    )
$$;

-- Changes, complaints, documents ----------------------------------------------------------------------------------------

CREATE FUNCTION qms_private.guard_impact_assessed(item qms.quality_items, options jsonb, person uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT nullif(concat_ws(
        '; ',
        'not assessed yet: ' || string_agg(w.aspect, ', ' ORDER BY w.place) FILTER (WHERE a.aspect IS NULL),
        'affected, and no action says what follows: '
        || string_agg(w.aspect, ', ' ORDER BY w.place) FILTER (WHERE a.affected AND qms.said(a.action_needed) IS NULL)
    ), '')
    FROM unnest(ARRAY[
        'function', 'performance', 'usability', 'safety', 'regulatory', 'documents', 'training', 'validation', 'suppliers',
        'inventory'
    ]) WITH ORDINALITY AS w (aspect, place)
    LEFT JOIN LATERAL (
        SELECT x.* FROM qms.impact_assessments AS x
        WHERE x.record_id = item.id AND x.aspect = w.aspect ORDER BY x.created_at DESC, x.id DESC LIMIT 1
    ) AS a ON true
$$;

CREATE FUNCTION qms_private.guard_emergency_declared(item qms.quality_items, options jsonb, person uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT CASE
        WHEN NOT c.emergency THEN 'it is no emergency: it has to be approved first'
        WHEN c.approve_until IS NULL THEN 'until when it will be approved is missing (approve_until)'
        WHEN c.approve_until NOT BETWEEN t.today AND t.today + 10
            THEN 'approve_until is ' || c.approve_until || ': it has to be within the next 10 days'
    END
    FROM qms.change_requests AS c, qms_private.today_of(item.organization_id) AS t (today) WHERE c.id = item.id
$$;

CREATE FUNCTION qms_private.last_assessment(item qms.quality_items) RETURNS qms.reportability_assessments
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT a.* FROM qms.reportability_assessments AS a
    WHERE a.record_id = item.id ORDER BY a.created_at DESC, a.id DESC LIMIT 1
$$;
COMMENT ON FUNCTION qms_private.last_assessment(qms.quality_items) IS 'The last assessment of reportability.';

CREATE FUNCTION qms_private.guard_reportability_assessed(item qms.quality_items, options jsonb, person uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT CASE
        WHEN a.id IS NULL THEN 'reportability is not assessed'
        WHEN a.proposal = 'undetermined' THEN 'the last assessment of reportability is undetermined'
    END
    FROM qms_private.last_assessment(item) AS a
$$;

CREATE FUNCTION qms_private.guard_reportability_decided(item qms.quality_items, options jsonb, person uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT CASE
        WHEN a.id IS NULL THEN 'reportability is not assessed'
        WHEN a.decided_by IS NULL THEN 'no person decided on the last assessment of reportability'
    END
    FROM qms_private.last_assessment(item) AS a
$$;

CREATE FUNCTION qms_private.guard_not_reportable(item qms.quality_items, options jsonb, person uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT 'the proposal is to report: a reportable event has to be investigated'
    FROM qms_private.last_assessment(item) AS a WHERE a.proposal = 'report'
$$;

CREATE FUNCTION qms_private.guard_reported_if_required(item qms.quality_items, options jsonb, person uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT 'it is reportable' || coalesce(' by ' || c.report_due_on, '') || ', and when it was reported is missing (reported_on)'
    FROM qms.complaints AS c WHERE c.id = item.id AND c.reportable AND c.reported_on IS NULL
$$;

CREATE FUNCTION qms_private.guard_device_identified(item qms.quality_items, options jsonb, person uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT 'no UDI, lot or serial number is recorded; write "not available" where nobody could tell'
    FROM qms.complaints AS c
    WHERE
        c.id = item.id
        AND coalesce(qms.said(c.udi_di), qms.said(c.udi_pi), qms.said(c.lot), qms.said(c.serial_number)) IS NULL
$$;

CREATE FUNCTION qms_private.guard_complainant_named(item qms.quality_items, options jsonb, person uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT 'name and address or telephone of the complainant are missing; write "not given" where they were not'
    FROM qms.complaints AS c
    WHERE
        c.id = item.id AND (
            qms.said(c.complainant_name) IS NULL
            OR coalesce(qms.said(c.complainant_contact), qms.said(c.complainant_address)) IS NULL
        )
$$;

CREATE FUNCTION qms_private.guard_document_has_content(item qms.quality_items, options jsonb, person uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT 'it has no content, hash of a content or evidence that points to one'
    FROM qms.documents AS d
    WHERE
        d.id = item.id AND qms.said(d.content) IS NULL AND d.content_sha256 IS NULL
        AND NOT EXISTS (SELECT FROM qms.evidence AS e WHERE e.record_id = item.id AND e.sha256 IS NOT NULL)
$$;

CREATE FUNCTION qms_private.guard_revision_is_newer(item qms.quality_items, options jsonb, person uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT format('revision %s of %s is effective already', f.revision, f.document_number)
    FROM qms.documents AS d
    INNER JOIN qms.documents AS f
        ON d.organization_id = f.organization_id AND d.document_number = f.document_number AND d.id <> f.id
    WHERE d.id = item.id AND f.is_effective AND f.revision >= d.revision
    LIMIT 1
$$;

CREATE FUNCTION qms_private.guard_change_request_named(item qms.quality_items, options jsonb, person uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT 'a new version needs an approved change request, and none is linked'
    FROM qms.documents AS d INNER JOIN qms.organizations AS o ON d.organization_id = o.id
    WHERE
        d.id = item.id AND d.revision > 1 AND o.settings ->> 'documents_need_change' = 'true'
        AND NOT EXISTS (
            SELECT FROM qms_private.linked(item, 'change_request') AS c
            WHERE c.status IN ('approved', 'implementing', 'verification', 'closed')
        )
$$;

CREATE FUNCTION qms_private.guard_effective_date_reached(item qms.quality_items, options jsonb, person uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT CASE
        WHEN d.planned_effective_on IS NULL THEN 'the day on which it becomes effective is missing (planned_effective_on)'
        WHEN d.planned_effective_on > qms_private.today_of(item.organization_id)
            THEN 'it becomes effective on ' || d.planned_effective_on
    END
    FROM qms.documents AS d WHERE d.id = item.id
$$;

CREATE FUNCTION qms_private.guard_training_complete_or_waived(item qms.quality_items, options jsonb, person uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT CASE
        WHEN qms.said(d.training_waiver) IS NOT NULL OR NOT d.training_required THEN NULL
        WHEN count(i.id) = 0 THEN 'training is required, and nobody is assigned to it'
        WHEN count(i.id) FILTER (WHERE i.status NOT IN ('completed', 'waived')) > 0 THEN format(
            'training on this version is open for %s of %s people: %s',
            count(i.id) FILTER (WHERE i.status NOT IN ('completed', 'waived')), count(i.id),
            string_agg(i.number, ', ' ORDER BY i.number) FILTER (WHERE i.status NOT IN ('completed', 'waived'))
        )
    END
    FROM qms.documents AS d
    LEFT JOIN qms.trainings AS t ON d.organization_id = t.organization_id AND d.id = t.document_id
    LEFT JOIN qms.quality_items AS i ON t.id = i.id
    WHERE d.id = item.id
    GROUP BY d.training_waiver, d.training_required
$$;

CREATE FUNCTION qms_private.guard_replaced_or_reason(item qms.quality_items, options jsonb, person uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT 'neither what replaces it (replaced_by) nor why it is withdrawn (obsolete_reason) is recorded'
    FROM qms.documents AS d
    WHERE d.id = item.id AND d.replaced_by IS NULL AND qms.said(d.obsolete_reason) IS NULL
$$;

CREATE FUNCTION qms_private.guard_successor_effective(item qms.quality_items, options jsonb, person uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    -- The release of a version takes this step for the former one, in the same transaction; nobody else does.
    SELECT 'a document is superseded when a newer version of it becomes effective, by itself'
$$;

-- Audits, risks, training, suppliers, equipment, the field --------------------------------------------------------------

CREATE FUNCTION qms_private.guard_auditor_independent(item qms.quality_items, options jsonb, person uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT CASE
        WHEN a.area_responsible IS NULL THEN 'who answers for the audited area is not recorded (area_responsible)'
        ELSE format('%s answers for the audited area and may not lead its audit', qms_private.name_of(a.area_responsible))
    END
    FROM qms.audits AS a
    WHERE
        a.id = item.id AND (
            a.area_responsible IN (a.lead_auditor, item.assigned_to)
            -- Of a supplier or an authority nobody of the organization does.
            OR (a.area_responsible IS NULL AND a.audit_kind = 'internal')
        )
$$;

CREATE FUNCTION qms_private.guard_findings_closed(item qms.quality_items, options jsonb, person uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT 'findings are open: ' || qms_private.open_numbers(
        ARRAY(
            SELECT i FROM qms.findings AS f INNER JOIN qms.quality_items AS i ON f.id = i.id
            WHERE f.organization_id = item.organization_id AND f.audit_id = item.id
        ), ARRAY['closed']
    )
$$;

CREATE FUNCTION qms_private.guard_risk_rated(item qms.quality_items, options jsonb, person uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT CASE
        WHEN r.method IS NULL THEN 'the method is missing (fmea or iso14971)'
        WHEN r.method = 'fmea' AND NOT (r.failure_mode, r.severity, r.occurrence, r.detection) IS NOT NULL
            THEN 'the rating is incomplete (failure_mode, severity, occurrence, detection)'
        WHEN r.method = 'iso14971' AND NOT (r.hazard, r.hazardous_situation, r.harm, r.severity, r.probability, r.acceptability) IS NOT NULL
            THEN 'the chain is incomplete (hazard, hazardous_situation, harm, severity, probability, acceptability)'
    END
    FROM qms.risks AS r WHERE r.id = item.id
$$;

CREATE FUNCTION qms_private.guard_acceptable_without_control(item qms.quality_items, options jsonb, person uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT 'the risk as it is rated needs a control first'
    FROM qms.risks AS r
    WHERE
        r.id = item.id
        AND NOT coalesce(CASE r.method WHEN 'iso14971' THEN r.acceptability = 'acceptable' ELSE r.action_priority = 'L' END, false)
$$;

CREATE FUNCTION qms_private.guard_has_control(item qms.quality_items, options jsonb, person uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT 'no control is planned'
    WHERE NOT EXISTS (SELECT FROM qms.risk_controls AS c WHERE c.record_id = item.id)
$$;

CREATE FUNCTION qms_private.guard_controls_verified(item qms.quality_items, options jsonb, person uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT nullif(concat_ws(
        '; ',
        qms_private.counted(
            count(*) FILTER (WHERE c.implementation_verified_on IS NULL OR qms.said(c.implementation_evidence) IS NULL),
            'control is not verified to be implemented', 'controls are not verified to be implemented'
        ),
        qms_private.counted(
            count(*) FILTER (WHERE c.effectiveness_verified_on IS NULL OR qms.said(c.effectiveness_evidence) IS NULL),
            'control is not verified to be effective', 'controls are not verified to be effective'
        )
    ), '')
    FROM qms.risk_controls AS c WHERE c.record_id = item.id
$$;

CREATE FUNCTION qms_private.guard_residual_rated(item qms.quality_items, options jsonb, person uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT CASE
        WHEN r.method IS NULL THEN 'the method is missing (fmea or iso14971)'
        WHEN r.method = 'fmea' AND NOT (r.residual_severity, r.residual_occurrence, r.residual_detection) IS NOT NULL
            THEN 'the residual rating is incomplete (residual_severity, residual_occurrence, residual_detection)'
        WHEN r.method = 'iso14971' AND NOT (r.residual_severity, r.residual_probability, r.residual_acceptability) IS NOT NULL
            THEN 'the residual risk is not rated (residual_severity, residual_probability, residual_acceptability)'
    END
    FROM qms.risks AS r WHERE r.id = item.id
$$;

CREATE FUNCTION qms_private.guard_benefit_outweighs(item qms.quality_items, options jsonb, person uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT 'the residual risk is unacceptable, and the benefit is not weighed against it (benefit_risk)'
    FROM qms.risks AS r
    WHERE r.id = item.id AND r.residual_acceptability = 'unacceptable' AND qms.said(r.benefit_risk) IS NULL
$$;

CREATE FUNCTION qms_private.guard_training_has_subject(item qms.quality_items, options jsonb, person uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT CASE
        WHEN t.document_id IS NULL AND qms.said(t.topic) IS NULL THEN 'it names neither a document version nor a topic'
        WHEN t.document_id IS NOT NULL AND NOT EXISTS (SELECT FROM qms.documents AS d WHERE d.id = t.document_id)
            THEN 'document_id is no document'
    END
    FROM qms.trainings AS t WHERE t.id = item.id
$$;

CREATE FUNCTION qms_private.guard_no_open_scars(item qms.quality_items, options jsonb, person uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT 'corrective action requests to this supplier are open: ' || qms_private.open_numbers(
        ARRAY(
            SELECT i FROM qms.scars AS s INNER JOIN qms.quality_items AS i ON s.id = i.id
            WHERE s.organization_id = item.organization_id AND s.supplier_id = item.id
        ), ARRAY['closed', 'cancelled']
    )
$$;

CREATE FUNCTION qms_private.last_calibration(item qms.quality_items) RETURNS qms.calibrations
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT c.* FROM qms.calibrations AS c
    WHERE c.record_id = item.id ORDER BY c.performed_on DESC, c.created_at DESC, c.id DESC LIMIT 1
$$;
COMMENT ON FUNCTION qms_private.last_calibration(qms.quality_items) IS 'The last calibration of a piece of equipment.';

CREATE FUNCTION qms_private.guard_calibration_due_soon(item qms.quality_items, options jsonb, person uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT CASE
        WHEN e.calibration_due_on IS NULL THEN 'when it is to be calibrated is not recorded (calibration_due_on)'
        WHEN e.calibration_due_on > qms_private.today_of(item.organization_id) + 30 THEN 'it is to be calibrated by ' || e.calibration_due_on
    END
    FROM qms.equipment AS e WHERE e.id = item.id
$$;

CREATE FUNCTION qms_private.guard_calibration_overdue(item qms.quality_items, options jsonb, person uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT 'its calibration is not overdue' || coalesce(': it is due by ' || e.calibration_due_on, '')
    FROM qms.equipment AS e
    WHERE
        e.id = item.id
        AND NOT coalesce(e.calibration_due_on < qms_private.today_of(item.organization_id), false)
$$;

CREATE FUNCTION qms_private.guard_calibration_good(item qms.quality_items, options jsonb, person uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT CASE
        WHEN c.id IS NULL THEN 'no calibration is recorded'
        WHEN c.result <> 'in_tolerance' THEN 'the last calibration, on ' || c.performed_on || ', was out of tolerance'
        WHEN c.performed_on > t.today THEN 'the calibration is dated ' || c.performed_on || ', that day is still to come'
        WHEN coalesce(c.next_due_on, c.performed_on + e.interval_days) IS NULL
            THEN 'until when the calibration holds is missing (next_due_on, or interval_days of the equipment)'
        WHEN coalesce(c.next_due_on, c.performed_on + e.interval_days) < t.today
            THEN 'the last calibration held until ' || coalesce(c.next_due_on, c.performed_on + e.interval_days)
    END
    FROM qms.equipment AS e, qms_private.last_calibration(item) AS c, qms_private.today_of(item.organization_id) AS t (today)
    WHERE e.id = item.id
$$;

CREATE FUNCTION qms_private.guard_calibration_bad(item qms.quality_items, options jsonb, person uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT 'the last calibration was not out of tolerance'
    FROM qms_private.last_calibration(item) AS c WHERE c.result IS DISTINCT FROM 'out_of_tolerance'
$$;

CREATE FUNCTION qms_private.guard_report_planned(item qms.quality_items, options jsonb, person uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT 'a report is required, and by when is missing (report_due_on)'
    FROM qms.field_actions AS f WHERE f.id = item.id AND f.report_required AND f.report_due_on IS NULL
$$;

CREATE FUNCTION qms_private.guard_extension_fits(item qms.quality_items, options jsonb, person uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT CASE
        WHEN i.id IS NULL THEN 'it names no record whose due date is to move (target_id)'
        WHEN i.closed_at IS NOT NULL THEN coalesce(i.number, 'it') || ' is closed'
        WHEN x.action_id IS NOT NULL AND a.id IS NULL THEN 'the action does not belong to ' || coalesce(i.number, 'it')
        WHEN a.completed_on IS NOT NULL THEN 'the action is done'
        WHEN x.requested_due_on <= t.today THEN 'the requested date, ' || x.requested_due_on || ', is not in the future'
        WHEN x.requested_due_on <= coalesce(a.due_on, qms_private.local_date(item.organization_id, i.due_date))
            THEN 'the requested date, ' || x.requested_due_on || ', is not later than the due date'
    END
    FROM qms.extension_requests AS x
    LEFT JOIN qms.quality_items AS i ON x.organization_id = i.organization_id AND x.target_id = i.id
    LEFT JOIN qms.capa_actions AS a ON x.action_id = a.id AND x.target_id = a.record_id
    CROSS JOIN qms_private.today_of(item.organization_id) AS t (today)
    WHERE x.id = item.id
$$;

-- What a step does besides -----------------------------------------------------------------------------------------------

CREATE FUNCTION qms_private.effect_decide_dispositions(item qms.quality_items, options jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    UPDATE qms.dispositions AS d SET decided_by = qms.current_user_id(), decided_at = clock_timestamp()
    WHERE d.record_id = item.id AND d.withdrawn_reason IS NULL;
END
$$;
COMMENT ON FUNCTION qms_private.effect_decide_dispositions(qms.quality_items, jsonb) IS 'The proposed dispositions are decided by who takes the step.';

CREATE FUNCTION qms_private.effect_decide_reportability(item qms.quality_items, options jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    last_one qms.reportability_assessments := qms_private.last_assessment(item);
BEGIN
    UPDATE qms.reportability_assessments AS a SET decided_by = qms.current_user_id(), decided_at = clock_timestamp()
    WHERE a.id = last_one.id;
    UPDATE qms.complaints AS c
    SET
        reportable = last_one.proposal = 'report', report_due_on = last_one.report_due_on,
        reportability_decided_by = qms.current_user_id()
    WHERE c.id = item.id;
    -- The clock of the authority runs, whatever the workflow would give.
    IF last_one.proposal = 'report' AND last_one.report_due_on IS NOT NULL THEN
        UPDATE qms.quality_items AS i
        SET due_date = least(i.due_date, qms_private.end_of_day(o.time_zone, last_one.report_due_on))
        FROM qms.organizations AS o
        WHERE i.id = item.id AND i.organization_id = o.id;
    END IF;
END
$$;
COMMENT ON FUNCTION qms_private.effect_decide_reportability(qms.quality_items, jsonb) IS
'The last assessment of reportability is decided by who takes the step; the record is due when the report is.';

CREATE FUNCTION qms_private.effect_supersede_former(item qms.quality_items, options jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    former record;
BEGIN
    FOR former IN
        SELECT i.id, i.version, i.status, i.definition_id
        FROM qms.documents AS d
        INNER JOIN qms.documents AS f ON d.organization_id = f.organization_id AND d.document_number = f.document_number
        INNER JOIN qms.quality_items AS i ON f.id = i.id
        WHERE d.id = item.id AND f.id <> item.id AND f.is_effective
    LOOP
        INSERT INTO qms.transitions (
            organization_id, record_id, record_version, name, from_state, to_state, reason, by_id, by_kind, definition_id
        )
        VALUES (
            item.organization_id, former.id, former.version + 1, 'supersede', former.status, 'superseded',
            'superseded by ' || item.number || ': ' || qms.written_reason(), qms.current_user_id(),
            qms.current_actor_kind(), former.definition_id
        );
        UPDATE qms.quality_items AS i
        SET
            status = 'superseded', state_since = clock_timestamp(), closed_at = clock_timestamp(), due_date = NULL,
            escalation_level = 0
        WHERE i.id = former.id;
        UPDATE qms.documents AS d
        SET is_effective = false, effective_to = clock_timestamp(), replaced_by = item.id
        WHERE d.id = former.id;
        INSERT INTO qms.record_links (organization_id, from_id, to_id, kind)
        VALUES (item.organization_id, item.id, former.id, 'supersedes')
        ON CONFLICT (organization_id, from_id, to_id, kind) DO NOTHING;
    END LOOP;
END
$$;
COMMENT ON FUNCTION qms_private.effect_supersede_former(qms.quality_items, jsonb) IS
'The version of the document that was effective is superseded, in the same transaction.';

CREATE FUNCTION qms_private.effect_make_effective(item qms.quality_items, options jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    UPDATE qms.documents AS d SET is_effective = true, effective_from = clock_timestamp(), effective_to = NULL
    WHERE d.id = item.id;
END
$$;
COMMENT ON FUNCTION qms_private.effect_make_effective(qms.quality_items, jsonb) IS 'From now on this version of the document is the one that counts.';

CREATE FUNCTION qms_private.effect_end_effective(item qms.quality_items, options jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    UPDATE qms.documents AS d SET is_effective = false, effective_to = clock_timestamp() WHERE d.id = item.id;
END
$$;
COMMENT ON FUNCTION qms_private.effect_end_effective(qms.quality_items, jsonb) IS 'From now on no version of the document counts.';

CREATE FUNCTION qms_private.effect_schedule_review(item qms.quality_items, options jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    next_review date;
BEGIN
    UPDATE qms.documents AS d
    SET next_review_on = (qms_private.today_of(item.organization_id) + make_interval(months => d.review_every_months))::date
    WHERE d.id = item.id
    RETURNING d.next_review_on INTO next_review;
    UPDATE qms.quality_items AS i
    SET due_date = qms_private.end_of_day(o.time_zone, next_review)
    FROM qms.organizations AS o
    WHERE i.id = item.id AND i.organization_id = o.id;
END
$$;
COMMENT ON FUNCTION qms_private.effect_schedule_review(qms.quality_items, jsonb) IS
'The next periodic review is due so many months from today; without an interval nothing is due.';

CREATE FUNCTION qms_private.effect_accept_actions(item qms.quality_items, options jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    UPDATE qms.capa_actions AS a SET accepted_by = qms.current_user_id(), accepted_at = clock_timestamp()
    WHERE a.record_id = item.id AND a.completed_on IS NOT NULL AND a.owner_id IS DISTINCT FROM qms.current_user_id();
END
$$;
COMMENT ON FUNCTION qms_private.effect_accept_actions(qms.quality_items, jsonb) IS 'Who takes the step accepts the actions that are done, except own ones.';

CREATE FUNCTION qms_private.effect_due_by_actions(item qms.quality_items, options jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    UPDATE qms.quality_items AS i
    SET due_date = qms_private.end_of_day(o.time_zone, (
        SELECT max(a.due_on) FROM qms.capa_actions AS a WHERE a.record_id = item.id AND a.completed_on IS NULL
    ))
    FROM qms.organizations AS o
    WHERE i.id = item.id AND i.organization_id = o.id;
END
$$;
COMMENT ON FUNCTION qms_private.effect_due_by_actions(qms.quality_items, jsonb) IS 'The record is due when its last open action is.';

CREATE FUNCTION qms_private.effect_due_after_window(item qms.quality_items, options jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    UPDATE qms.quality_items AS i
    SET due_date = qms_private.end_of_day(
        o.time_zone, greatest(c.window_ends_on, qms_private.today_of(i.organization_id)) + (options ->> 'days')::integer
    )
    FROM qms.organizations AS o, qms.capas AS c
    WHERE i.id = item.id AND i.organization_id = o.id AND c.id = item.id;
END
$$;
COMMENT ON FUNCTION qms_private.effect_due_after_window(qms.quality_items, jsonb) IS
'The record is due so many days after the window of its effectiveness check.';

CREATE FUNCTION qms_private.effect_set_verdict(item qms.quality_items, options jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    UPDATE qms.capas AS c SET verdict = options ->> 'verdict', verdict_by = qms.current_user_id() WHERE c.id = item.id;
END
$$;
COMMENT ON FUNCTION qms_private.effect_set_verdict(qms.quality_items, jsonb) IS 'Whether the actions were effective, as the person who takes the step says.';

CREATE FUNCTION qms_private.effect_next_cycle(item qms.quality_items, options jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    -- What the former cycle planned and found stays in its parts and in the trail; the next one plans its own.
    UPDATE qms.capas AS c
    SET
        cycle = c.cycle + 1, window_starts_on = NULL, window_ends_on = NULL, verification_result = NULL,
        no_adverse_effect = NULL, root_cause_not_determined = NULL
    WHERE c.id = item.id;
END
$$;
COMMENT ON FUNCTION qms_private.effect_next_cycle(qms.quality_items, jsonb) IS 'The investigation begins again, with a plan of its own.';

CREATE FUNCTION qms_private.effect_apply_extension(item qms.quality_items, options jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    wanted qms.extension_requests;
BEGIN
    SELECT x.* INTO wanted FROM qms.extension_requests AS x WHERE x.id = item.id;
    IF wanted.action_id IS NOT NULL THEN
        UPDATE qms.capa_actions AS a SET due_on = wanted.requested_due_on
        WHERE a.id = wanted.action_id AND a.record_id = wanted.target_id AND a.organization_id = item.organization_id;
    END IF;
    -- While actions are carried out, the record is not due before the last of them.
    UPDATE qms.quality_items AS i
    SET
        due_date = CASE
            WHEN wanted.action_id IS NULL THEN qms_private.end_of_day(o.time_zone, wanted.requested_due_on)
            WHEN i.status <> 'implementation' THEN i.due_date
            ELSE greatest(i.due_date, qms_private.end_of_day(o.time_zone, wanted.requested_due_on))
        END,
        escalation_level = 0
    FROM qms.organizations AS o
    WHERE i.id = wanted.target_id AND i.organization_id = item.organization_id AND i.organization_id = o.id;
END
$$;
COMMENT ON FUNCTION qms_private.effect_apply_extension(qms.quality_items, jsonb) IS 'Moves the due date that was asked for; escalation counts anew.';

CREATE FUNCTION qms_private.effect_acknowledge_training(item qms.quality_items, options jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    UPDATE qms.trainings AS t SET acknowledged_at = clock_timestamp() WHERE t.id = item.id;
END
$$;
COMMENT ON FUNCTION qms_private.effect_acknowledge_training(qms.quality_items, jsonb) IS 'When the training was acknowledged.';

CREATE FUNCTION qms_private.effect_calibration_due(item qms.quality_items, options jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    next_one date;
BEGIN
    UPDATE qms.equipment AS e
    SET last_calibrated_on = c.performed_on, calibration_due_on = coalesce(c.next_due_on, c.performed_on + e.interval_days)
    FROM qms_private.last_calibration(item) AS c
    WHERE e.id = item.id AND c.result = 'in_tolerance'
    RETURNING e.calibration_due_on INTO next_one;
    IF next_one IS NOT NULL THEN
        UPDATE qms.quality_items AS i SET due_date = qms_private.end_of_day(o.time_zone, next_one)
        FROM qms.organizations AS o
        WHERE i.id = item.id AND i.organization_id = o.id;
    END IF;
END
$$;
COMMENT ON FUNCTION qms_private.effect_calibration_due(qms.quality_items, jsonb) IS 'When it was calibrated last, and by when it has to be again.';

CREATE FUNCTION qms_private.effect_due_by_field(item qms.quality_items, options jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    UPDATE qms.quality_items AS i
    SET due_date = coalesce(
        qms_private.end_of_day(o.time_zone, (qms_private.all_fields(item) ->> (options ->> 'field'))::date), i.due_date
    )
    FROM qms.organizations AS o
    WHERE i.id = item.id AND i.organization_id = o.id;
END
$$;
COMMENT ON FUNCTION qms_private.effect_due_by_field(qms.quality_items, jsonb) IS 'The record is due on the day a field of it names.';

CREATE FUNCTION qms.in_cycle() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    IF qms.current_user_id() IS NOT NULL THEN
        new.cycle := coalesce((SELECT c.cycle FROM qms.capas AS c WHERE c.id = new.record_id), 1);
    END IF;
    RETURN new;
END
$$;
COMMENT ON FUNCTION qms.in_cycle() IS 'A part of a CAPA belongs to the cycle in which it was added.';
CREATE TRIGGER in_cycle BEFORE INSERT ON qms.capa_actions FOR EACH ROW EXECUTE FUNCTION qms.in_cycle();
CREATE TRIGGER in_cycle BEFORE INSERT ON qms.root_causes FOR EACH ROW EXECUTE FUNCTION qms.in_cycle();
CREATE TRIGGER in_cycle BEFORE INSERT ON qms.effectiveness_checks FOR EACH ROW EXECUTE FUNCTION qms.in_cycle();

DO $$
DECLARE
    named record;
    other text;
BEGIN
    FOR named IN SELECT k.name, k.meaning FROM qms_private.guards AS k ORDER BY k.name LOOP
        EXECUTE format(
            'COMMENT ON FUNCTION qms_private.%I(qms.quality_items, jsonb, uuid) IS %L', 'guard_' || named.name, named.meaning
        );
    END LOOP;
    GRANT CREATE ON SCHEMA qms, qms_private TO qms_definer;
    FOR other IN
        SELECT p.oid::regprocedure::text
        FROM pg_catalog.pg_proc AS p
        WHERE
            p.pronamespace = 'qms_private'::regnamespace AND (
                p.proname ~ '^(guard|effect)_'
                OR p.proname IN (
                    'local_date', 'today_of', 'counted', 'uuids_in', 'editors_of', 'people_named', 'source_words', 'name_of',
                    'linked', 'open_numbers', 'last_check', 'last_assessment', 'last_calibration'
                )
            ) AND p.proname <> 'guard_options'
    LOOP
        EXECUTE format('ALTER FUNCTION %s OWNER TO qms_definer', other);
    END LOOP;
    ALTER FUNCTION qms.in_cycle() OWNER TO qms_definer;
    REVOKE CREATE ON SCHEMA qms, qms_private FROM qms_definer;
END
$$;

-- The state machines ----------------------------------------------------------------------------------------------------
-- Steps with "person" are decisions: approval, disposition, reportability, acceptance, verdict, closure, cancellation,
-- reopening, waiver, rejection. Everything else an agent may do for somebody who has the role.
-- "rejects" names the steps that, refused by the person asked, become this one.

CREATE TEMPORARY TABLE shipped (category text PRIMARY KEY, body jsonb NOT NULL) ON COMMIT DROP;

INSERT INTO shipped VALUES ('nonconformance', $json${
"initial": "open",
"states": {
  "open": {"label": "Open", "due_days": 1},
  "contained": {"label": "Contained", "due_days": 5},
  "under_review": {"label": "Under review", "due_days": 10},
  "dispositioned": {"label": "Dispositioned", "due_days": 20, "locked": ["dispositions", "quantity_affected", "unit", "part_number", "lot", "delivered", "detected_at_stage"]},
  "verified": {"label": "Verified", "due_days": 10, "locked": ["dispositions", "quantity_affected", "unit", "part_number", "lot", "delivered", "detected_at_stage", "verification_result"]},
  "closed": {"label": "Closed", "final": true},
  "cancelled": {"label": "Cancelled", "final": true},
  "reopened": {"label": "Reopened", "due_days": 5}
},
"transitions": [
  {"name": "contain", "from": ["open"], "to": "contained", "roles": ["reporter", "owner", "reviewer", "mrb", "qa_approver"],
   "requires": ["containment", "contained_on"]},
  {"name": "review", "from": ["open", "contained"], "to": "under_review", "roles": ["owner", "reviewer", "mrb", "qa_approver"],
   "guards": ["contained_if_in_hand"]},
  {"name": "disposition", "from": ["under_review"], "to": "dispositioned", "roles": ["mrb"], "person": true, "meaning": "disposition",
   "requires": ["quantity_affected"],
   "guards": ["has_disposition", "quantities_add_up", "use_as_is_justified", "after_delivery_decided",
              {"name": "all_signed", "state": "dispositioned", "meaning": "disposition"},
              {"name": "not_person", "of": ["drafted_by"]}],
   "effects": ["decide_dispositions"]},
  {"name": "verify", "from": ["dispositioned"], "to": "verified", "roles": ["reviewer", "mrb", "qa_approver"], "person": true, "meaning": "verification",
   "guards": ["rework_verified"]},
  {"name": "close", "from": ["verified"], "to": "closed", "roles": ["qa_approver"], "person": true, "meaning": "closure",
   "requires": ["capa_required", "capa_rationale"], "guards": ["critical_has_capa", "capa_linked"]},
  {"name": "cancel", "from": ["open", "contained", "under_review", "reopened"], "to": "cancelled", "roles": ["qa_approver"], "person": true, "meaning": "cancellation"},
  {"name": "reopen", "from": ["closed"], "to": "reopened", "roles": ["qa_approver"], "person": true, "meaning": "reopening"},
  {"name": "resume", "from": ["reopened"], "to": "under_review", "roles": ["owner", "reviewer", "mrb", "qa_approver"], "guards": ["contained_if_in_hand"]}
]}$json$);

INSERT INTO shipped VALUES ('deviation', $json${
"initial": "open",
"states": {
  "open": {"label": "Open", "due_days": 2},
  "assessed": {"label": "Assessed", "due_days": 30, "days": "calendar"},
  "investigated": {"label": "Investigated", "due_days": 5},
  "dispositioned": {"label": "Dispositioned", "due_days": 5, "locked": ["*"], "open": ["record_notes", "required_signatures", "capa_required", "capa_rationale", "evidence"]},
  "approved": {"label": "Approved", "due_days": 10, "locked": ["*"], "open": ["record_notes", "evidence"]},
  "closed": {"label": "Closed", "final": true},
  "cancelled": {"label": "Cancelled", "final": true}
},
"transitions": [
  {"name": "assess", "from": ["open"], "to": "assessed", "roles": ["owner", "reviewer", "qa_approver"],
   "requires": ["classification", "batch_impact", "planned"]},
  {"name": "investigate", "from": ["assessed"], "to": "investigated", "roles": ["owner", "reviewer", "qa_approver"], "requires": ["investigation"]},
  {"name": "disposition", "from": ["investigated"], "to": "dispositioned", "roles": ["mrb", "qa_approver"], "person": true, "meaning": "disposition",
   "requires": ["batch_impact", "conclusion"], "guards": [{"name": "not_person", "of": ["drafted_by"]}]},
  {"name": "disposition_minor", "from": ["assessed"], "to": "dispositioned", "roles": ["mrb", "qa_approver"], "person": true, "meaning": "disposition",
   "requires": ["batch_impact", "conclusion"], "guards": ["minor_deviation", {"name": "not_person", "of": ["drafted_by"]}]},
  {"name": "approve", "from": ["dispositioned"], "to": "approved", "roles": ["qa_approver"], "person": true, "meaning": "approval",
   "requires": ["capa_required", "capa_rationale"],
   "guards": ["capa_linked", {"name": "all_signed", "state": "approved", "meaning": "approval"},
              {"name": "not_person", "of": ["owner_id", "assigned_to", "drafted_by", "trail.owner_id", "trail.assigned_to"]}]},
  {"name": "reject", "from": ["dispositioned"], "to": "assessed", "roles": ["owner", "reviewer", "approver", "qa_approver", "mrb"], "person": true, "meaning": "rejection", "rejects": ["approved"]},
  {"name": "close", "from": ["approved"], "to": "closed", "roles": ["qa_approver"], "person": true, "meaning": "closure", "guards": ["critical_has_capa", "capa_linked"]},
  {"name": "cancel", "from": ["open", "assessed"], "to": "cancelled", "roles": ["qa_approver"], "person": true, "meaning": "cancellation"}
]}$json$);

INSERT INTO shipped VALUES ('complaint', $json${
"initial": "received",
"states": {
  "received": {"label": "Received", "due_days": 1},
  "triage": {"label": "Triage", "due_days": 2},
  "reportability": {"label": "Reportability", "due_days": 5},
  "investigation": {"label": "Investigation", "due_days": 30, "days": "calendar", "locked": ["received_on", "aware_on", "event_type", "reporter_role"]},
  "no_investigation": {"label": "No investigation", "due_days": 5, "locked": ["received_on", "aware_on", "event_type", "reporter_role", "no_investigation_reason"]},
  "response": {"label": "Response", "due_days": 10, "locked": ["received_on", "aware_on", "event_type", "reporter_role", "no_investigation_reason", "investigation"]},
  "closed": {"label": "Closed", "final": true},
  "reopened": {"label": "Reopened", "due_days": 2}
},
"transitions": [
  {"name": "triage", "from": ["received"], "to": "triage", "roles": ["reporter", "owner", "reviewer", "regulatory", "qa_approver"],
   "requires": ["product", "received_on", "aware_on", "description"]},
  {"name": "assess", "from": ["triage"], "to": "reportability", "roles": ["owner", "reviewer", "regulatory", "qa_approver"], "requires": ["event_type"]},
  {"name": "decide", "from": ["reportability"], "to": "investigation", "roles": ["regulatory"], "person": true, "meaning": "reportability",
   "requires": ["aware_on"], "guards": ["reportability_assessed"], "effects": ["decide_reportability"]},
  {"name": "decide_without_investigation", "from": ["reportability"], "to": "no_investigation", "roles": ["regulatory"], "person": true, "meaning": "reportability",
   "requires": ["aware_on", "no_investigation_reason"], "guards": ["reportability_assessed", "not_reportable"], "effects": ["decide_reportability"]},
  {"name": "reassess", "from": ["investigation", "no_investigation", "response"], "to": "reportability", "roles": ["owner", "reviewer", "regulatory", "qa_approver"]},
  {"name": "respond", "from": ["investigation"], "to": "response", "roles": ["owner", "reviewer", "regulatory", "qa_approver"],
   "requires": ["investigation"], "guards": ["reportability_decided"]},
  {"name": "respond_without_investigation", "from": ["no_investigation"], "to": "response", "roles": ["owner", "reviewer", "regulatory", "qa_approver"],
   "requires": ["no_investigation_reason"], "guards": ["reportability_decided"]},
  {"name": "close", "from": ["response"], "to": "closed", "roles": ["qa_approver", "regulatory"], "person": true, "meaning": "closure",
   "requires": ["product", "received_on", "description", "correction", "reply"],
   "guards": ["reportability_decided", "reported_if_required", "device_identified", "complainant_named", "critical_has_capa"]},
  {"name": "reopen", "from": ["closed"], "to": "reopened", "roles": ["qa_approver", "regulatory"], "person": true, "meaning": "reopening"},
  {"name": "resume", "from": ["reopened"], "to": "triage", "roles": ["owner", "reviewer", "regulatory", "qa_approver"]}
]}$json$);

INSERT INTO shipped VALUES ('capa', $json${
"initial": "draft",
"states": {
  "draft": {"label": "Draft", "due_days": 5},
  "open": {"label": "Open", "due_days": 5, "locked": ["due_date"]},
  "investigation": {"label": "Investigation", "due_days": 30, "days": "calendar", "locked": ["due_date", "source_kind"]},
  "plan_approval": {"label": "Plan approval", "due_days": 5, "locked": ["*"], "open": ["record_notes"]},
  "implementation": {"label": "Implementation",
    "locked": ["due_date", "title", "description", "risk_class", "source_kind", "problem_statement", "risk_screen", "root_cause_summary",
               "root_cause_not_determined", "similar_cases", "criterion", "window_starts_on", "window_ends_on", "minimum_sample",
               "root_causes", "capa_actions", "effectiveness_checks"],
    "open": ["capa_actions.progress", "capa_actions.completed_on", "capa_actions.completion_evidence"]},
  "verification": {"label": "Verification", "due_days": 10,
    "locked": ["due_date", "title", "description", "risk_class", "source_kind", "problem_statement", "risk_screen", "root_cause_summary",
               "root_cause_not_determined", "similar_cases", "criterion", "window_starts_on", "window_ends_on", "minimum_sample",
               "root_causes", "capa_actions", "effectiveness_checks"]},
  "effectiveness": {"label": "Effectiveness check", "locked": ["*"], "open": ["effectiveness_checks", "evidence", "record_notes", "required_signatures", "owner_id", "assigned_to"]},
  "closed": {"label": "Closed", "final": true},
  "replaced": {"label": "Replaced by another CAPA", "final": true},
  "cancelled": {"label": "Cancelled", "final": true}
},
"transitions": [
  {"name": "open", "from": ["draft"], "to": "open", "roles": ["owner", "reviewer", "qa_approver"],
   "requires": ["source_kind", "problem_statement", "risk_class", "owner_id"]},
  {"name": "investigate", "from": ["open"], "to": "investigation", "roles": ["owner", "reviewer", "qa_approver"]},
  {"name": "submit_plan", "from": ["investigation"], "to": "plan_approval", "roles": ["owner"],
   "requires": ["owner_id"],
   "guards": ["has_root_cause_with_evidence", "has_planned_action", "has_criterion"]},
  {"name": "approve_plan", "from": ["plan_approval"], "to": "implementation", "roles": ["qa_approver"], "person": true, "meaning": "approval",
   "guards": ["has_root_cause_with_evidence", "has_planned_action", "has_criterion",
              {"name": "all_signed", "state": "implementation", "meaning": "approval"},
              {"name": "not_person", "of": ["owner_id", "assigned_to", "drafted_by", "trail.owner_id", "trail.assigned_to"]}],
   "effects": ["due_by_actions"]},
  {"name": "reject", "from": ["plan_approval"], "to": "investigation", "roles": ["owner", "reviewer", "approver", "qa_approver"], "person": true, "meaning": "rejection", "rejects": ["implementation"]},
  {"name": "accept_actions", "from": ["implementation"], "to": "verification", "roles": ["reviewer", "qa_approver"], "person": true, "meaning": "verification",
   "guards": ["all_actions_done", "linked_changes_closed", "linked_training_done", {"name": "not_person", "of": ["capa_actions.owner_id"]}],
   "effects": ["accept_actions"]},
  {"name": "verify", "from": ["verification"], "to": "effectiveness", "roles": ["reviewer", "qa_approver"], "person": true, "meaning": "verification",
   "requires": ["verification_result"],
   "guards": ["all_actions_accepted", "no_adverse_effect", {"name": "not_person", "of": ["capa_actions.owner_id"]}],
   "effects": [{"name": "due_after_window", "days": 14}]},
  {"name": "reject", "from": ["verification"], "to": "implementation", "roles": ["owner", "reviewer", "approver", "qa_approver"], "person": true, "meaning": "rejection",
   "guards": [], "effects": ["due_by_actions"], "rejects": ["effectiveness"]},
  {"name": "close", "from": ["effectiveness"], "to": "closed", "roles": ["qa_approver"], "person": true, "meaning": "effectiveness",
   "guards": ["all_actions_accepted", "window_over", "window_after_actions", "minimum_sample_reached", "last_check_met",
              {"name": "all_signed", "state": "closed", "meaning": "effectiveness"},
              {"name": "not_person", "of": ["owner_id", "assigned_to", "capa_actions.owner_id", "trail.owner_id", "trail.assigned_to"]}],
   "effects": [{"name": "set_verdict", "verdict": "effective"}]},
  {"name": "find_ineffective", "from": ["effectiveness"], "to": "investigation", "roles": ["qa_approver"], "person": true, "meaning": "effectiveness",
   "guards": ["has_effectiveness_check", {"name": "not_person", "of": ["owner_id", "assigned_to", "capa_actions.owner_id", "trail.owner_id", "trail.assigned_to"]}],
   "effects": [{"name": "set_verdict", "verdict": "ineffective"}, "next_cycle"]},
  {"name": "replace", "from": ["effectiveness"], "to": "replaced", "roles": ["qa_approver"], "person": true, "meaning": "effectiveness",
   "guards": ["has_effectiveness_check", "successor_capa_linked", {"name": "not_person", "of": ["owner_id", "assigned_to", "capa_actions.owner_id", "trail.owner_id", "trail.assigned_to"]}],
   "effects": [{"name": "set_verdict", "verdict": "ineffective"}]},
  {"name": "cancel", "from": ["draft", "open", "investigation", "plan_approval", "implementation"], "to": "cancelled", "roles": ["qa_approver"], "person": true, "meaning": "cancellation"}
]}$json$);

INSERT INTO shipped VALUES ('change_request', $json${
"initial": "draft",
"states": {
  "draft": {"label": "Draft", "due_days": 10},
  "impact_assessment": {"label": "Impact assessment", "due_days": 10, "locked": ["change_kind", "proposed_change", "justification"]},
  "approved": {"label": "Approved", "due_days": 10,
    "locked": ["title", "description", "change_kind", "justification", "current_situation", "proposed_change", "emergency", "approve_until", "impact_assessments"]},
  "emergency": {"label": "Implementing, approval to follow", "due_days": 5,
    "locked": ["title", "description", "change_kind", "justification", "current_situation", "proposed_change", "emergency", "approve_until"]},
  "implementing": {"label": "Implementing", "due_days": 30, "days": "calendar",
    "locked": ["title", "description", "change_kind", "justification", "current_situation", "proposed_change", "emergency", "approve_until", "impact_assessments"]},
  "verification": {"label": "Verification", "due_days": 10,
    "locked": ["title", "description", "change_kind", "justification", "current_situation", "proposed_change", "emergency", "approve_until", "impact_assessments", "implementation"]},
  "closed": {"label": "Closed", "final": true},
  "rejected": {"label": "Rejected", "final": true},
  "cancelled": {"label": "Cancelled", "final": true}
},
"transitions": [
  {"name": "submit", "from": ["draft"], "to": "impact_assessment", "roles": ["reporter", "owner", "reviewer", "qa_approver"],
   "requires": ["change_kind", "justification", "proposed_change"]},
  {"name": "revise", "from": ["impact_assessment"], "to": "draft", "roles": ["reporter", "owner", "reviewer", "qa_approver"]},
  {"name": "approve", "from": ["impact_assessment"], "to": "approved", "roles": ["approver", "qa_approver"], "person": true, "meaning": "approval",
   "guards": ["impact_assessed", {"name": "all_signed", "state": "approved", "meaning": "approval"},
              {"name": "not_person", "of": ["drafted_by", "owner_id", "trail.owner_id"]}]},
  {"name": "reject", "from": ["impact_assessment", "emergency"], "to": "rejected", "roles": ["owner", "reviewer", "approver", "qa_approver"], "person": true, "meaning": "rejection", "rejects": ["approved", "implementing"]},
  {"name": "begin_unapproved", "from": ["draft", "impact_assessment"], "to": "emergency", "roles": ["approver", "qa_approver"], "person": true, "meaning": "responsibility",
   "requires": ["change_kind", "justification", "proposed_change"],
   "guards": ["emergency_declared", {"name": "not_person", "of": ["drafted_by", "owner_id", "trail.owner_id"]}], "effects": [{"name": "due_by_field", "field": "approve_until"}]},
  {"name": "approve_in_retrospect", "from": ["emergency"], "to": "implementing", "roles": ["approver", "qa_approver"], "person": true, "meaning": "approval",
   "guards": ["impact_assessed", {"name": "all_signed", "state": "approved", "meaning": "approval"},
              {"name": "not_person", "of": ["drafted_by", "owner_id", "trail.owner_id"]}]},
  {"name": "implement", "from": ["approved"], "to": "implementing", "roles": ["owner", "reviewer", "qa_approver"], "guards": []},
  {"name": "complete", "from": ["implementing"], "to": "verification", "roles": ["owner", "reviewer", "qa_approver"], "requires": ["implementation"]},
  {"name": "reject", "from": ["verification"], "to": "implementing", "roles": ["owner", "reviewer", "approver", "qa_approver"], "person": true, "meaning": "rejection", "rejects": ["closed"]},
  {"name": "close", "from": ["verification"], "to": "closed", "roles": ["approver", "qa_approver"], "person": true, "meaning": "closure",
   "requires": ["verification_result", "effective_on"],
   "guards": ["linked_training_done", {"name": "not_person", "of": ["drafted_by", "owner_id", "trail.owner_id"]}]},
  {"name": "cancel", "from": ["draft", "impact_assessment", "approved", "implementing"], "to": "cancelled", "roles": ["approver", "qa_approver"], "person": true, "meaning": "cancellation"}
]}$json$);

-- approved -> effective needs no further signature: the approval covers the date and the waiver, which are locked since
-- review began; what remains is the calendar and the training, and both are facts the database checks.
INSERT INTO shipped VALUES ('document', $json${
"initial": "draft",
"states": {
  "draft": {"label": "Draft", "due_days": 30, "days": "calendar"},
  "in_review": {"label": "In review", "due_days": 10, "locked": ["*"], "open": ["record_notes"]},
  "approved": {"label": "Approved", "due_days": 30, "days": "calendar", "locked": ["*"], "open": ["record_notes"]},
  "effective": {"label": "Effective", "locked": ["*"], "open": ["record_notes", "obsolete_reason", "replaced_by", "owner_id", "assigned_to"]},
  "superseded": {"label": "Superseded", "final": true},
  "obsolete": {"label": "Obsolete", "final": true},
  "cancelled": {"label": "Cancelled", "final": true}
},
"transitions": [
  {"name": "submit", "from": ["draft"], "to": "in_review", "roles": ["owner", "reviewer", "qa_approver"],
   "requires": ["document_number", "revision", "document_type", "author_id", "planned_effective_on"],
   "guards": ["document_has_content", "revision_is_newer", "change_request_named",
              {"name": "is_person", "of": ["author_id", "owner_id", "drafted_by"]}]},
  {"name": "approve", "from": ["in_review"], "to": "approved", "roles": ["approver", "qa_approver"], "person": true, "meaning": "approval",
   "guards": [{"name": "all_signed", "state": "approved", "meaning": "approval"},
              {"name": "not_person", "of": ["author_id", "editors", "drafted_by", "trail.editors", "trail.author_id"]}]},
  {"name": "reject", "from": ["in_review"], "to": "draft", "roles": ["owner", "reviewer", "approver", "qa_approver"], "person": true, "meaning": "rejection", "rejects": ["approved"]},
  {"name": "withdraw", "from": ["approved"], "to": "draft", "roles": ["qa_approver"], "person": true, "meaning": "withdrawal"},
  {"name": "make_effective", "from": ["approved"], "to": "effective", "roles": ["owner", "approver", "qa_approver"],
   "guards": ["effective_date_reached", "training_complete_or_waived", "revision_is_newer"],
   "effects": ["supersede_former", "make_effective", "schedule_review"]},
  {"name": "confirm_review", "from": ["effective"], "to": "effective", "roles": ["owner", "reviewer", "approver", "qa_approver"], "person": true, "meaning": "review",
   "effects": ["schedule_review"]},
  {"name": "supersede", "from": ["effective"], "to": "superseded", "roles": ["owner", "qa_approver"], "guards": ["successor_effective"]},
  {"name": "make_obsolete", "from": ["effective"], "to": "obsolete", "roles": ["qa_approver"], "person": true, "meaning": "approval",
   "guards": ["replaced_or_reason", {"name": "owner_signed", "meaning": "responsibility"}, {"name": "not_person", "of": ["owner_id"]}],
   "effects": ["end_effective"]},
  {"name": "cancel", "from": ["draft"], "to": "cancelled", "roles": ["approver", "qa_approver"], "person": true, "meaning": "cancellation"}
]}$json$);

INSERT INTO shipped VALUES ('audit', $json${
"initial": "planned",
"states": {
  "planned": {"label": "Planned"},
  "in_progress": {"label": "In progress", "due_days": 10},
  "report": {"label": "Report", "due_days": 10, "locked": ["scope", "criteria", "area", "area_responsible"]},
  "findings_open": {"label": "Findings open", "due_days": 60, "days": "calendar", "locked": ["*"], "open": ["record_notes", "evidence", "assigned_to", "owner_id"]},
  "closed": {"label": "Closed", "final": true},
  "cancelled": {"label": "Cancelled", "final": true}
},
"transitions": [
  {"name": "start", "from": ["planned"], "to": "in_progress", "roles": ["owner", "reviewer", "qa_approver"],
   "requires": ["audit_kind", "scope", "criteria", "lead_auditor"], "guards": ["auditor_independent"]},
  {"name": "report", "from": ["in_progress"], "to": "report", "roles": ["owner", "reviewer", "qa_approver"], "requires": ["conclusion"]},
  {"name": "issue", "from": ["report"], "to": "findings_open", "roles": ["reviewer", "qa_approver"], "person": true, "meaning": "approval",
   "requires": ["conclusion"],
   "guards": ["auditor_independent", {"name": "all_signed", "state": "findings_open", "meaning": "approval"}, {"name": "not_person", "of": ["area_responsible"]}]},
  {"name": "reject", "from": ["report"], "to": "in_progress", "roles": ["owner", "reviewer", "approver", "qa_approver"], "person": true, "meaning": "rejection", "rejects": ["findings_open"]},
  {"name": "close", "from": ["findings_open"], "to": "closed", "roles": ["qa_approver"], "person": true, "meaning": "closure",
   "guards": ["findings_closed", {"name": "not_person", "of": ["area_responsible"]}]},
  {"name": "cancel", "from": ["planned", "in_progress"], "to": "cancelled", "roles": ["qa_approver"], "person": true, "meaning": "cancellation"}
]}$json$);

INSERT INTO shipped VALUES ('finding', $json${
"initial": "open",
"states": {
  "open": {"label": "Open", "due_days": 20},
  "response": {"label": "Response", "due_days": 10, "locked": ["grade", "clause", "requirement", "objective_evidence", "audit_id"]},
  "accepted": {"label": "Accepted", "due_days": 60, "days": "calendar", "locked": ["grade", "clause", "requirement", "objective_evidence", "audit_id", "response", "capa_required", "capa_rationale"]},
  "verified": {"label": "Verified", "due_days": 5, "locked": ["*"], "open": ["record_notes", "evidence"]},
  "closed": {"label": "Closed", "final": true}
},
"transitions": [
  {"name": "respond", "from": ["open"], "to": "response", "roles": ["owner", "reviewer", "qa_approver"], "requires": ["grade", "objective_evidence", "response"]},
  {"name": "accept", "from": ["response"], "to": "accepted", "roles": ["reviewer", "qa_approver"], "person": true, "meaning": "approval",
   "requires": ["grade", "capa_required", "capa_rationale"],
   "guards": ["critical_has_capa", "capa_linked", {"name": "not_person", "of": ["owner_id", "assigned_to", "audit.area_responsible", "trail.owner_id", "trail.assigned_to"]}]},
  {"name": "reject", "from": ["response"], "to": "open", "roles": ["owner", "reviewer", "approver", "qa_approver"], "person": true, "meaning": "rejection", "rejects": ["accepted"]},
  {"name": "verify", "from": ["accepted"], "to": "verified", "roles": ["reviewer", "qa_approver"], "person": true, "meaning": "verification",
   "requires": ["verification_result"], "guards": [{"name": "not_person", "of": ["owner_id", "assigned_to", "audit.area_responsible", "trail.owner_id", "trail.assigned_to"]}]},
  {"name": "close", "from": ["verified"], "to": "closed", "roles": ["qa_approver"], "person": true, "meaning": "closure",
   "guards": [{"name": "not_person", "of": ["owner_id", "assigned_to", "audit.area_responsible", "trail.owner_id", "trail.assigned_to"]}]}
]}$json$);

INSERT INTO shipped VALUES ('risk', $json${
"initial": "identified",
"states": {
  "identified": {"label": "Identified", "due_days": 10},
  "evaluated": {"label": "Evaluated", "due_days": 20},
  "control_planned": {"label": "Control planned", "due_days": 60, "days": "calendar"},
  "control_verified": {"label": "Control verified", "due_days": 10, "locked": ["risk_controls", "severity", "occurrence", "detection", "probability", "acceptability", "action_priority", "method"]},
  "residual_accepted": {"label": "Residual risk accepted", "due_days": 10, "locked": ["*"], "open": ["record_notes", "owner_id", "assigned_to"]},
  "monitored": {"label": "Monitored", "due_days": 365, "days": "calendar", "locked": ["*"], "open": ["record_notes", "owner_id", "assigned_to"]}
},
"transitions": [
  {"name": "evaluate", "from": ["identified"], "to": "evaluated", "roles": ["owner", "reviewer", "qa_approver"], "guards": ["risk_rated"]},
  {"name": "plan_controls", "from": ["evaluated"], "to": "control_planned", "roles": ["owner", "reviewer", "qa_approver"], "guards": ["risk_rated", "has_control"]},
  {"name": "accept_as_is", "from": ["evaluated"], "to": "residual_accepted", "roles": ["approver", "qa_approver"], "person": true, "meaning": "risk_acceptance",
   "guards": ["risk_rated", "acceptable_without_control", {"name": "not_person", "of": ["owner_id", "trail.owner_id"]}]},
  {"name": "verify_controls", "from": ["control_planned"], "to": "control_verified", "roles": ["reviewer", "qa_approver"], "person": true, "meaning": "verification",
   "guards": ["has_control", "controls_verified"]},
  {"name": "accept_risk", "from": ["control_verified"], "to": "residual_accepted", "roles": ["approver", "qa_approver"], "person": true, "meaning": "risk_acceptance",
   "requires": ["new_risks_considered"],
   "guards": ["residual_rated", "benefit_outweighs", {"name": "all_signed", "state": "residual_accepted", "meaning": "risk_acceptance"},
              {"name": "not_person", "of": ["owner_id", "trail.owner_id"]}]},
  {"name": "reject", "from": ["control_verified"], "to": "control_planned", "roles": ["owner", "reviewer", "approver", "qa_approver"], "person": true, "meaning": "rejection", "rejects": ["residual_accepted"]},
  {"name": "monitor", "from": ["residual_accepted"], "to": "monitored", "roles": ["owner", "reviewer", "qa_approver"]},
  {"name": "reassess", "from": ["residual_accepted", "monitored"], "to": "evaluated", "roles": ["owner", "reviewer", "qa_approver"], "guards": ["risk_rated"]}
]}$json$);

INSERT INTO shipped VALUES ('training', $json${
"initial": "assigned",
"states": {
  "assigned": {"label": "Assigned", "due_days": 30, "days": "calendar"},
  "in_progress": {"label": "In progress", "due_days": 14, "days": "calendar", "locked": ["document_id", "trainee_id"]},
  "overdue": {"label": "Overdue", "locked": ["document_id", "trainee_id"]},
  "completed": {"label": "Completed", "final": true},
  "waived": {"label": "Waived", "final": true}
},
"transitions": [
  {"name": "start", "from": ["assigned", "overdue"], "to": "in_progress", "roles": ["reporter", "owner", "reviewer", "approver", "qa_approver", "mrb", "regulatory"],
   "requires": ["trainee_id"], "guards": ["training_has_subject"]},
  {"name": "complete", "from": ["in_progress"], "to": "completed", "roles": ["reporter", "owner", "reviewer", "approver", "qa_approver", "mrb", "regulatory"],
   "person": true, "meaning": "acknowledgement", "requires": ["trainee_id", "completed_on"],
   "guards": ["training_has_subject", {"name": "is_person", "of": ["trainee_id", "trainer_id"]}, "not_own_training_result"],
   "effects": ["acknowledge_training"]},
  {"name": "mark_overdue", "from": ["assigned", "in_progress"], "to": "overdue", "roles": ["reporter", "owner", "reviewer", "approver", "qa_approver", "mrb", "regulatory"],
   "guards": ["due_passed"]},
  {"name": "waive", "from": ["assigned", "in_progress", "overdue"], "to": "waived", "roles": ["approver", "qa_approver"], "person": true, "meaning": "waiver",
   "requires": ["waiver_reason"], "guards": [{"name": "not_person", "of": ["trainee_id"]}]}
]}$json$);

INSERT INTO shipped VALUES ('supplier', $json${
"initial": "candidate",
"states": {
  "candidate": {"label": "Candidate", "due_days": 30, "days": "calendar"},
  "evaluated": {"label": "Evaluated", "due_days": 10, "locked": ["supplied_scope", "approval_basis", "score", "evaluated_on"]},
  "approved": {"label": "Approved", "locked": ["supplied_scope", "approval_basis", "score", "evaluated_on", "reevaluation_due_on", "due_date"]},
  "conditional": {"label": "Approved with conditions", "locked": ["supplied_scope", "approval_basis", "score", "evaluated_on", "reevaluation_due_on", "due_date"]},
  "suspended": {"label": "Suspended", "due_days": 30, "days": "calendar"},
  "disqualified": {"label": "Disqualified", "final": true}
},
"transitions": [
  {"name": "evaluate", "from": ["candidate", "suspended"], "to": "evaluated", "roles": ["owner", "reviewer", "qa_approver"],
   "requires": ["supplied_scope", "approval_basis", "evaluated_on"]},
  {"name": "reevaluate", "from": ["approved", "conditional"], "to": "candidate", "roles": ["owner", "reviewer", "qa_approver"]},
  {"name": "approve", "from": ["evaluated", "conditional"], "to": "approved", "roles": ["approver", "qa_approver"], "person": true, "meaning": "approval",
   "requires": ["reevaluation_due_on"], "guards": ["no_open_scars"], "effects": [{"name": "due_by_field", "field": "reevaluation_due_on"}]},
  {"name": "approve_with_conditions", "from": ["evaluated"], "to": "conditional", "roles": ["approver", "qa_approver"], "person": true, "meaning": "approval",
   "requires": ["reevaluation_due_on"], "effects": [{"name": "due_by_field", "field": "reevaluation_due_on"}]},
  {"name": "reject", "from": ["evaluated"], "to": "candidate", "roles": ["owner", "reviewer", "approver", "qa_approver"], "person": true, "meaning": "rejection", "rejects": ["approved", "conditional"]},
  {"name": "suspend", "from": ["approved", "conditional"], "to": "suspended", "roles": ["approver", "qa_approver"], "person": true, "meaning": "suspension"},
  {"name": "disqualify", "from": ["candidate", "evaluated", "suspended"], "to": "disqualified", "roles": ["approver", "qa_approver"], "person": true, "meaning": "disqualification"}
]}$json$);

INSERT INTO shipped VALUES ('scar', $json${
"initial": "issued",
"states": {
  "issued": {"label": "Issued", "due_days": 30, "days": "calendar"},
  "response": {"label": "Response", "due_days": 10, "locked": ["supplier_id", "requirement"]},
  "accepted": {"label": "Accepted", "due_days": 60, "days": "calendar", "locked": ["supplier_id", "requirement", "response", "root_cause", "corrective_action"]},
  "verified": {"label": "Verified", "due_days": 5, "locked": ["*"], "open": ["record_notes", "evidence"]},
  "closed": {"label": "Closed", "final": true},
  "cancelled": {"label": "Cancelled", "final": true}
},
"transitions": [
  {"name": "respond", "from": ["issued"], "to": "response", "roles": ["owner", "reviewer", "qa_approver"],
   "requires": ["supplier_id", "requirement", "response", "root_cause", "corrective_action"]},
  {"name": "accept", "from": ["response"], "to": "accepted", "roles": ["reviewer", "approver", "qa_approver"], "person": true, "meaning": "approval"},
  {"name": "reject", "from": ["response"], "to": "issued", "roles": ["owner", "reviewer", "approver", "qa_approver"], "person": true, "meaning": "rejection", "rejects": ["accepted"]},
  {"name": "verify", "from": ["accepted"], "to": "verified", "roles": ["reviewer", "approver", "qa_approver"], "person": true, "meaning": "verification", "requires": ["verification_result"]},
  {"name": "close", "from": ["verified"], "to": "closed", "roles": ["qa_approver"], "person": true, "meaning": "closure"},
  {"name": "cancel", "from": ["issued", "response"], "to": "cancelled", "roles": ["qa_approver"], "person": true, "meaning": "cancellation"}
]}$json$);

INSERT INTO shipped VALUES ('equipment', $json${
"initial": "in_service",
"states": {
  "in_service": {"label": "In service"},
  "due": {"label": "Calibration due"},
  "overdue": {"label": "Overdue, blocked", "escalate": [{"after_days": 0, "level": 1, "role": "owner"}, {"after_days": 5, "level": 2, "role": "qa_approver"}]},
  "out_of_tolerance": {"label": "Out of tolerance, blocked", "due_days": 2},
  "impact_assessment": {"label": "Impact of former results is assessed", "due_days": 10},
  "retired": {"label": "Retired", "final": true}
},
"transitions": [
  {"name": "mark_due", "from": ["in_service"], "to": "due", "roles": ["reporter", "owner", "reviewer", "qa_approver"], "guards": ["calibration_due_soon"]},
  {"name": "mark_overdue", "from": ["in_service", "due"], "to": "overdue", "roles": ["reporter", "owner", "reviewer", "qa_approver"], "guards": ["calibration_overdue"]},
  {"name": "record_calibration", "from": ["in_service", "due", "overdue"], "to": "in_service", "roles": ["owner", "reviewer", "qa_approver"],
   "guards": ["calibration_good"], "effects": ["calibration_due"]},
  {"name": "find_out_of_tolerance", "from": ["in_service", "due", "overdue"], "to": "out_of_tolerance", "roles": ["reporter", "owner", "reviewer", "qa_approver"], "guards": ["calibration_bad"]},
  {"name": "assess_impact", "from": ["out_of_tolerance"], "to": "impact_assessment", "roles": ["owner", "reviewer", "qa_approver"]},
  {"name": "release", "from": ["impact_assessment"], "to": "in_service", "roles": ["qa_approver"], "person": true, "meaning": "approval",
   "requires": ["impact_assessment", "impact_concluded_on"], "guards": ["calibration_good"], "effects": ["calibration_due"]},
  {"name": "retire", "from": ["in_service", "due", "overdue"], "to": "retired", "roles": ["approver", "qa_approver"], "person": true, "meaning": "approval"},
  {"name": "retire_after_assessment", "from": ["impact_assessment"], "to": "retired", "roles": ["approver", "qa_approver"], "person": true, "meaning": "approval",
   "requires": ["impact_assessment", "impact_concluded_on"]}
]}$json$);

-- A report to the authority is due 10 working days after the action began; the record names the day.
INSERT INTO shipped VALUES ('field_action', $json${
"initial": "draft",
"states": {
  "draft": {"label": "Draft", "due_days": 2},
  "assessment": {"label": "Assessment", "due_days": 5},
  "executing": {"label": "Executing", "due_days": 10, "locked": ["action_kind", "product", "lots", "quantity", "reason_for_action", "health_hazard", "report_required", "report_rationale", "report_due_on", "initiated_on"]},
  "effectiveness": {"label": "Effectiveness check", "due_days": 60, "days": "calendar", "locked": ["action_kind", "product", "lots", "quantity", "reason_for_action", "health_hazard", "report_required", "report_rationale", "report_due_on", "initiated_on", "distribution"]},
  "closed": {"label": "Closed", "final": true},
  "cancelled": {"label": "Cancelled", "final": true}
},
"transitions": [
  {"name": "assess", "from": ["draft"], "to": "assessment", "roles": ["owner", "reviewer", "regulatory", "qa_approver"], "requires": ["action_kind", "product", "reason_for_action"]},
  {"name": "decide", "from": ["assessment"], "to": "executing", "roles": ["regulatory"], "person": true, "meaning": "reportability",
   "requires": ["health_hazard", "report_required", "report_rationale", "initiated_on"],
   "guards": ["report_planned", {"name": "all_signed", "state": "executing", "meaning": "reportability"}],
   "effects": [{"name": "due_by_field", "field": "report_due_on"}]},
  {"name": "reject", "from": ["assessment"], "to": "draft", "roles": ["owner", "reviewer", "approver", "qa_approver", "regulatory"], "person": true, "meaning": "rejection", "rejects": ["executing"]},
  {"name": "check_effectiveness", "from": ["executing"], "to": "effectiveness", "roles": ["owner", "reviewer", "regulatory", "qa_approver"], "requires": ["distribution"]},
  {"name": "close", "from": ["effectiveness"], "to": "closed", "roles": ["regulatory", "qa_approver"], "person": true, "meaning": "closure",
   "requires": ["effectiveness_result", "terminated_on"]},
  {"name": "cancel", "from": ["draft", "assessment"], "to": "cancelled", "roles": ["regulatory", "qa_approver"], "person": true, "meaning": "cancellation"}
]}$json$);

INSERT INTO shipped VALUES ('extension_request', $json${
"initial": "requested",
"states": {
  "requested": {"label": "Requested", "due_days": 3},
  "approved": {"label": "Approved", "final": true},
  "rejected": {"label": "Rejected", "final": true},
  "withdrawn": {"label": "Withdrawn", "final": true}
},
"transitions": [
  {"name": "approve", "from": ["requested"], "to": "approved", "roles": ["approver", "qa_approver"], "person": true, "meaning": "approval",
   "requires": ["target_id", "requested_due_on", "justification"],
   "guards": ["extension_fits", {"name": "not_person", "of": ["drafted_by", "owner_id", "target.owner_id", "action.owner_id"]}],
   "effects": ["apply_extension"]},
  {"name": "reject", "from": ["requested"], "to": "rejected", "roles": ["owner", "reviewer", "approver", "qa_approver"], "person": true, "meaning": "rejection", "rejects": ["approved"]},
  {"name": "withdraw", "from": ["requested"], "to": "withdrawn", "roles": ["reporter", "owner", "reviewer", "approver", "qa_approver"], "person": true, "meaning": "cancellation"}
]}$json$);

-- What all of them share: a final state locks the record but for remarks; a state that is overdue is escalated to the
-- owners after one business day and to quality assurance after five.
GRANT SELECT ON shipped TO qms_definer;
SET LOCAL ROLE qms_definer;
INSERT INTO qms.workflow_definitions (category, version, body)
SELECT
    s.category, 1, jsonb_set(s.body, '{states}', (
        SELECT jsonb_object_agg(
            t.key,
            CASE
                WHEN coalesce((t.value ->> 'final')::boolean, false)
                    THEN '{"locked": ["*"], "open": ["record_notes"]}'::jsonb || t.value
                ELSE '{"escalate": [{"after_days": 1, "level": 1, "role": "owner"}, {"after_days": 5, "level": 2, "role": "qa_approver"}]}'::jsonb
                    || t.value
            END
        )
        FROM jsonb_each(s.body -> 'states') AS t
    ))
FROM shipped AS s
ORDER BY s.category;
RESET ROLE;
