-- Typed quality records over one base: what each type keeps of its own, its parts, links and evidence.
--
-- The tables altered here hold few rows before these features exist, and a file runs in one transaction, in which
-- nothing can be built concurrently.
-- squawk-ignore-file require-concurrent-index-creation, require-concurrent-index-deletion, adding-foreign-key-constraint
-- squawk-ignore-file constraint-missing-not-valid, adding-not-nullable-field, disallowed-unique-constraint

CREATE TABLE qms.record_types (
    category text PRIMARY KEY,
    prefix text NOT NULL UNIQUE,
    label text NOT NULL,
    table_name text NOT NULL UNIQUE
);
COMMENT ON TABLE qms.record_types IS 'The types of quality records: how they are numbered and where their own fields are.';
INSERT INTO qms.record_types (category, prefix, label, table_name) VALUES
('nonconformance', 'NC', 'Nonconformance', 'nonconformances'),
('deviation', 'DEV', 'Deviation', 'deviations'),
('complaint', 'CMP', 'Complaint', 'complaints'),
('capa', 'CAPA', 'Corrective and preventive action', 'capas'),
('change_request', 'CR', 'Change request', 'change_requests'),
('document', 'DOC', 'Controlled document', 'documents'),
('audit', 'AUD', 'Audit', 'audits'),
('finding', 'FND', 'Audit finding', 'findings'),
('risk', 'RSK', 'Risk item', 'risks'),
('training', 'TRN', 'Training assignment', 'trainings'),
('supplier', 'SUP', 'Supplier', 'suppliers'),
('scar', 'SCAR', 'Supplier corrective action request', 'scars'),
('equipment', 'EQP', 'Equipment', 'equipment'),
('field_action', 'FA', 'Field action', 'field_actions'),
('extension_request', 'EXT', 'Extension request', 'extension_requests');

CREATE TABLE qms_private.record_numbers (
    organization_id uuid NOT NULL REFERENCES qms.organizations (id),
    prefix text NOT NULL,
    year integer NOT NULL,
    last_number integer NOT NULL,
    PRIMARY KEY (organization_id, prefix, year)
);
COMMENT ON TABLE qms_private.record_numbers IS 'The last number given, per type and year: gap-free, because it is given in the transaction that adds the record.';

-- The base --------------------------------------------------------------------------------------------------------------

ALTER TABLE qms.quality_items
ADD COLUMN number text,
ADD COLUMN version integer NOT NULL DEFAULT 1,
ADD COLUMN risk_class text CHECK (risk_class IN ('low', 'medium', 'high', 'critical')),
ADD COLUMN owner_id uuid REFERENCES auth.users (id),
ADD COLUMN occurred_at timestamptz,
ADD COLUMN tags text [] NOT NULL DEFAULT '{}',
ADD COLUMN source jsonb,
ADD COLUMN external_id text,
ADD COLUMN definition_id uuid,
ADD COLUMN drafted_by uuid REFERENCES auth.users (id),
ADD COLUMN drafted_by_kind text CHECK (drafted_by_kind IN ('human', 'agent', 'system')),
ADD COLUMN adopted_by uuid REFERENCES auth.users (id),
ADD COLUMN adopted_at timestamptz,
ADD COLUMN state_since timestamptz,
ADD COLUMN closed_at timestamptz,
ADD COLUMN escalation_level integer NOT NULL DEFAULT 0,
ADD COLUMN legal_hold boolean NOT NULL DEFAULT false,
ADD COLUMN touched_by_transaction xid8;
COMMENT ON COLUMN qms.quality_items.number IS 'What people call it: CAPA-2026-0014. Gap-free per type and year.';
COMMENT ON COLUMN qms.quality_items.version IS 'Grows with every transaction that changes the record or a part of it.';
COMMENT ON COLUMN qms.quality_items.owner_id IS 'Who answers for the record.';
COMMENT ON COLUMN qms.quality_items.drafted_by_kind IS 'agent: a model wrote it, until a person adopts it.';
COMMENT ON COLUMN qms.quality_items.external_id IS 'Its id where it was imported from; importing it again finds it.';
ALTER TABLE qms.quality_items ALTER COLUMN tags SET STATISTICS 0, ALTER COLUMN external_id SET STATISTICS 0;
CREATE UNIQUE INDEX quality_items_number ON qms.quality_items (organization_id, number);
CREATE UNIQUE INDEX quality_items_external ON qms.quality_items (organization_id, category, external_id)
WHERE external_id IS NOT NULL;
CREATE INDEX quality_items_owner ON qms.quality_items (owner_id);
CREATE INDEX quality_items_recent ON qms.quality_items (organization_id, created_at DESC, id);
CREATE INDEX quality_items_open_due ON qms.quality_items (organization_id, due_date, id) WHERE closed_at IS NULL;
CREATE INDEX quality_items_drafted ON qms.quality_items (drafted_by);
CREATE INDEX quality_items_adopted ON qms.quality_items (adopted_by);
CREATE INDEX quality_items_tags ON qms.quality_items USING gin (tags);
CREATE POLICY administration ON qms.quality_items FOR ALL TO qms_definer USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE ON qms.quality_items TO qms_definer;
REVOKE INSERT, UPDATE ON qms.quality_items FROM qms_app;
GRANT
INSERT (
    id, organization_id, title, description, category, priority, risk_class, owner_id, assigned_to, due_date, occurred_at,
    tags, metadata, source, external_id
),
UPDATE (title, description, priority, risk_class, owner_id, assigned_to, due_date, occurred_at, tags, metadata)
ON qms.quality_items TO qms_app;
GRANT SELECT ON qms.record_types TO qms_app, qms_sql, qms_definer;
GRANT SELECT, INSERT, UPDATE ON qms_private.record_numbers TO qms_definer;

-- What each type keeps of its own ---------------------------------------------------------------------------------------

CREATE TABLE qms.nonconformances (
    id uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    detected_on date,
    detected_at_stage text CHECK (detected_at_stage IN ('incoming', 'in_process', 'final', 'delivered', 'field')),
    area text,
    part_number text,
    lot text,
    supplier_id uuid,
    quantity_affected numeric CHECK (quantity_affected >= 0),
    unit text,
    delivered boolean NOT NULL DEFAULT false,
    containment text,
    contained_on date,
    correction text,
    cause_category text CHECK (
        cause_category IN ('man', 'machine', 'material', 'method', 'measurement', 'environment')
    ),
    root_cause text,
    verification_result text,
    capa_required boolean,
    capa_rationale text,
    field_action_rationale text,
    cost numeric CHECK (cost >= 0),
    currency text
);
COMMENT ON TABLE qms.nonconformances IS 'Nonconformances: what was found, how it was contained and what became of it (ISO 9001 8.7, ISO 13485 8.3).';

CREATE TABLE qms.deviations (
    id uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    instruction text,
    planned boolean,
    classification text CHECK (classification IN ('minor', 'major', 'critical')),
    batch text,
    batch_impact text,
    immediate_action text,
    investigation text,
    conclusion text,
    capa_required boolean,
    capa_rationale text
);
COMMENT ON TABLE qms.deviations IS 'Departures from approved instructions, with the impact on batches.';

CREATE TABLE qms.complaints (
    id uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    received_on date,
    aware_on date,
    event_on date,
    product text,
    udi_di text,
    udi_pi text,
    lot text,
    serial_number text,
    complainant_name text,
    complainant_contact text,
    complainant_address text,
    country text,
    event_type text CHECK (event_type IN ('death', 'serious_injury', 'malfunction', 'other', 'unknown')),
    reporter_role text CHECK (reporter_role IN ('manufacturer', 'importer', 'user_facility')),
    investigation text,
    no_investigation_reason text,
    correction text,
    reply text,
    replied_on date,
    reportable boolean,
    report_due_on date,
    reported_on date,
    reportability_decided_by uuid REFERENCES auth.users (id)
);
COMMENT ON TABLE qms.complaints IS 'Complaints about released products and whether an authority must be told (21 CFR 820.35(a), 803).';
COMMENT ON COLUMN qms.complaints.aware_on IS 'The day somebody of the company became aware: clocks start here.';

CREATE TABLE qms.capas (
    id uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    source_kind text,
    problem_statement text,
    risk_screen jsonb,
    root_cause_summary text,
    root_cause_not_determined text,
    similar_cases text,
    criterion jsonb,
    window_starts_on date,
    window_ends_on date,
    minimum_sample integer CHECK (minimum_sample > 0),
    verification_result text,
    no_adverse_effect boolean,
    cycle integer NOT NULL DEFAULT 1,
    verdict text CHECK (verdict IN ('effective', 'ineffective')),
    verdict_by uuid REFERENCES auth.users (id)
);
COMMENT ON TABLE qms.capas IS 'Corrective and preventive actions (ISO 9001 10.2, ISO 13485 8.5.2 and 8.5.3).';
COMMENT ON COLUMN qms.capas.criterion IS 'The measurable effectiveness criterion: metric, baseline, target, comparator.';
COMMENT ON COLUMN qms.capas.cycle IS 'Grows when actions were ineffective and the investigation begins again.';

CREATE TABLE qms.change_requests (
    id uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    change_kind text,
    justification text,
    current_situation text,
    proposed_change text,
    emergency boolean NOT NULL DEFAULT false,
    approve_until date,
    implementation text,
    verification_result text,
    effective_on date
);
COMMENT ON TABLE qms.change_requests IS 'Changes under control: what, why, and what it touches (ISO 13485 4.1.4, 7.3.9; ISO 9001 6.3, 8.5.6).';

CREATE TABLE qms.documents (
    id uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    document_number text,
    revision integer CHECK (revision > 0),
    document_type text,
    author_id uuid REFERENCES auth.users (id),
    editors uuid [] NOT NULL DEFAULT '{}',
    change_summary text,
    content text,
    content_sha256 text,
    training_required boolean NOT NULL DEFAULT false,
    training_waiver text,
    planned_effective_on date,
    review_every_months integer CHECK (review_every_months > 0),
    next_review_on date,
    is_effective boolean NOT NULL DEFAULT false,
    effective_from timestamptz,
    effective_to timestamptz,
    replaced_by uuid,
    obsolete_reason text
);
COMMENT ON TABLE qms.documents IS 'Controlled documents: a row is one version; at most one version of a document is effective (ISO 13485 4.2.4).';
ALTER TABLE qms.documents ADD CONSTRAINT documents_revision UNIQUE (organization_id, document_number, revision);
CREATE UNIQUE INDEX documents_one_effective ON qms.documents (organization_id, document_number) WHERE is_effective;

CREATE TABLE qms.audits (
    id uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    audit_kind text CHECK (audit_kind IN ('internal', 'supplier', 'external')),
    scope text,
    criteria text,
    area text,
    area_responsible uuid REFERENCES auth.users (id),
    lead_auditor uuid REFERENCES auth.users (id),
    planned_from date,
    planned_to date,
    checklist jsonb,
    conclusion text
);
COMMENT ON TABLE qms.audits IS 'Audits: scope, criteria, checklist (ISO 9001 9.2, ISO 13485 8.2.4).';

CREATE TABLE qms.findings (
    id uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    audit_id uuid,
    grade text CHECK (grade IN ('critical', 'major', 'minor', 'opportunity')),
    clause text,
    requirement text,
    objective_evidence text,
    response text,
    response_due_on date,
    verification_result text,
    capa_required boolean,
    capa_rationale text
);
COMMENT ON TABLE qms.findings IS 'What an audit found, with its grade and the response.';

CREATE TABLE qms.risks (
    id uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    method text CHECK (method IN ('fmea', 'iso14971')),
    item_function text,
    failure_mode text,
    effect text,
    cause text,
    hazard text,
    hazardous_situation text,
    harm text,
    severity integer CHECK (severity BETWEEN 1 AND 10),
    occurrence integer CHECK (occurrence BETWEEN 1 AND 10),
    detection integer CHECK (detection BETWEEN 1 AND 10),
    rpn integer GENERATED ALWAYS AS (severity * occurrence * detection) STORED,
    action_priority text CHECK (action_priority IN ('H', 'M', 'L')),
    probability integer CHECK (probability BETWEEN 1 AND 10),
    acceptability text CHECK (acceptability IN ('acceptable', 'as_low_as_possible', 'unacceptable')),
    residual_severity integer CHECK (residual_severity BETWEEN 1 AND 10),
    residual_occurrence integer CHECK (residual_occurrence BETWEEN 1 AND 10),
    residual_detection integer CHECK (residual_detection BETWEEN 1 AND 10),
    residual_rpn integer GENERATED ALWAYS AS (residual_severity * residual_occurrence * residual_detection) STORED,
    residual_priority text CHECK (residual_priority IN ('H', 'M', 'L')),
    residual_probability integer CHECK (residual_probability BETWEEN 1 AND 10),
    residual_acceptability text CHECK (
        residual_acceptability IN ('acceptable', 'as_low_as_possible', 'unacceptable')
    ),
    benefit_risk text,
    new_risks_considered text
);
COMMENT ON TABLE qms.risks IS 'Risk items: an FMEA line or the chain from hazard to harm of ISO 14971.';

CREATE TABLE qms.trainings (
    id uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    document_id uuid,
    trainee_id uuid REFERENCES auth.users (id),
    trainer_id uuid REFERENCES auth.users (id),
    topic text,
    completed_on date,
    acknowledged_at timestamptz,
    effectiveness_result text,
    waiver_reason text,
    expires_on date
);
COMMENT ON TABLE qms.trainings IS 'Training assignments, each for one version of a document (ISO 9001 7.2, ISO 13485 6.2).';

CREATE TABLE qms.suppliers (
    id uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    supplier_code text,
    contact text,
    country text,
    supplied_scope text,
    approval_basis text,
    score numeric CHECK (score BETWEEN 0 AND 100),
    evaluated_on date,
    reevaluation_due_on date,
    certificates jsonb
);
COMMENT ON TABLE qms.suppliers IS 'The approved supplier list (ISO 9001 8.4.1, ISO 13485 7.4.1).';

CREATE TABLE qms.scars (
    id uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    supplier_id uuid,
    requirement text,
    response text,
    response_due_on date,
    root_cause text,
    corrective_action text,
    verification_result text
);
COMMENT ON TABLE qms.scars IS 'Corrective action requests to suppliers.';

CREATE TABLE qms.equipment (
    id uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    asset_number text,
    equipment_kind text,
    location text,
    tolerance text,
    interval_days integer CHECK (interval_days > 0),
    last_calibrated_on date,
    calibration_due_on date,
    impact_assessment text,
    impact_concluded_on date
);
COMMENT ON TABLE qms.equipment IS 'Measuring and production equipment and its calibration (ISO 9001 7.1.5, ISO 13485 7.6).';

CREATE TABLE qms.field_actions (
    id uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    action_kind text CHECK (action_kind IN ('recall', 'correction', 'removal', 'advisory_notice', 'stock_recovery')),
    classification text,
    product text,
    lots text,
    quantity numeric CHECK (quantity >= 0),
    distribution text,
    reason_for_action text,
    health_hazard text,
    initiated_on date,
    report_required boolean,
    report_rationale text,
    report_due_on date,
    effectiveness_result text,
    terminated_on date
);
COMMENT ON TABLE qms.field_actions IS 'Corrections and removals of delivered products (21 CFR 806, ISO 13485 8.3.3).';

CREATE TABLE qms.extension_requests (
    id uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    target_id uuid,
    action_id uuid,
    former_due_on date,
    requested_due_on date,
    justification text
);
COMMENT ON TABLE qms.extension_requests IS 'Requests to move a due date: the only way the due date of a CAPA changes.';

-- Parts: many of them belong to one record ------------------------------------------------------------------------------

CREATE TABLE qms.capa_actions (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL,
    record_id uuid NOT NULL,
    created_by uuid REFERENCES auth.users (id),
    created_kind text,
    cycle integer NOT NULL DEFAULT 1,
    action_type text NOT NULL CHECK (action_type IN ('containment', 'correction', 'corrective', 'preventive')),
    description text NOT NULL,
    owner_id uuid REFERENCES auth.users (id),
    due_on date,
    progress text,
    completed_on date,
    completion_evidence text,
    accepted_by uuid REFERENCES auth.users (id),
    accepted_at timestamptz
);
COMMENT ON TABLE qms.capa_actions IS 'The actions of a CAPA. accepted_by: a person other than the owner saw that it is done.';

CREATE TABLE qms.root_causes (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL,
    record_id uuid NOT NULL,
    created_by uuid REFERENCES auth.users (id),
    created_kind text,
    cycle integer NOT NULL DEFAULT 1,
    method text NOT NULL CHECK (method IN ('five_whys', 'fishbone', 'is_is_not', 'fault_tree')),
    parent_id uuid,
    ordinal integer NOT NULL DEFAULT 1,
    statement text NOT NULL,
    detail jsonb,
    cause_category text CHECK (
        cause_category IN ('man', 'machine', 'material', 'method', 'measurement', 'environment')
    ),
    is_root_cause boolean NOT NULL DEFAULT false,
    evidence jsonb NOT NULL DEFAULT '[]',
    withdrawn_reason text,
    CONSTRAINT a_root_cause_has_evidence CHECK (NOT is_root_cause OR jsonb_array_length(evidence) > 0)
);
COMMENT ON TABLE qms.root_causes IS 'The analysis of causes as a tree: 5 Whys, fishbone, is/is-not, fault tree. A root cause has evidence.';

CREATE TABLE qms.effectiveness_checks (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL,
    record_id uuid NOT NULL,
    created_by uuid REFERENCES auth.users (id),
    created_kind text,
    cycle integer NOT NULL DEFAULT 1,
    window_start date,
    window_end date,
    sample integer,
    value numeric,
    baseline numeric,
    target numeric,
    outcome text NOT NULL CHECK (outcome IN ('met', 'not_met', 'too_early')),
    detail jsonb
);
COMMENT ON TABLE qms.effectiveness_checks IS 'What the planned criterion gave on the data of its window.';

CREATE TABLE qms.dispositions (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL,
    record_id uuid NOT NULL,
    created_by uuid REFERENCES auth.users (id),
    created_kind text,
    disposition text NOT NULL CHECK (
        disposition IN ('use_as_is', 'rework', 'repair', 'regrade', 'scrap', 'return_to_supplier')
    ),
    quantity numeric NOT NULL CHECK (quantity > 0),
    justification text,
    withdrawn_reason text,
    decided_by uuid REFERENCES auth.users (id),
    decided_at timestamptz
);
COMMENT ON TABLE qms.dispositions IS 'What becomes of nonconforming product, by quantity: proposed, until the material review board decides.';

CREATE TABLE qms.reportability_assessments (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL,
    record_id uuid NOT NULL,
    created_by uuid REFERENCES auth.users (id),
    created_kind text,
    rule text NOT NULL,
    answers jsonb NOT NULL,
    proposal text NOT NULL CHECK (proposal IN ('report', 'not_reportable', 'undetermined')),
    rationale text NOT NULL,
    report_due_on date,
    decided_by uuid REFERENCES auth.users (id),
    decided_at timestamptz
);
COMMENT ON TABLE qms.reportability_assessments IS 'The answers to the decision tree of 21 CFR 803 or 806 and what follows from them: a proposal, until a person decides.';

CREATE TABLE qms.impact_assessments (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL,
    record_id uuid NOT NULL,
    created_by uuid REFERENCES auth.users (id),
    created_kind text,
    aspect text NOT NULL CHECK (
        aspect IN (
            'function', 'performance', 'usability', 'safety', 'regulatory', 'documents', 'training', 'validation',
            'suppliers', 'inventory'
        )
    ),
    affected boolean NOT NULL,
    impact text NOT NULL,
    action_needed text
);
COMMENT ON TABLE qms.impact_assessments IS 'What a change does to each aspect of the product and the system.';

CREATE TABLE qms.risk_controls (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL,
    record_id uuid NOT NULL,
    created_by uuid REFERENCES auth.users (id),
    created_kind text,
    control_kind text NOT NULL CHECK (control_kind IN ('inherent_design', 'protective', 'information', 'prevention', 'detection')),
    description text NOT NULL,
    implementation_evidence text,
    implementation_verified_on date,
    effectiveness_evidence text,
    effectiveness_verified_on date
);
COMMENT ON TABLE qms.risk_controls IS 'Controls of a risk. That it is implemented and that it works are verified apart (ISO 14971 7.2).';

CREATE TABLE qms.calibrations (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL,
    record_id uuid NOT NULL,
    created_by uuid REFERENCES auth.users (id),
    created_kind text,
    performed_on date NOT NULL,
    performed_by text,
    result text NOT NULL CHECK (result IN ('in_tolerance', 'out_of_tolerance')),
    as_found text,
    as_left text,
    certificate text,
    next_due_on date
);
COMMENT ON TABLE qms.calibrations IS 'Calibrations of equipment: as found, as left, and until when it may be used.';

CREATE TABLE qms.evidence (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL,
    record_id uuid NOT NULL,
    created_by uuid REFERENCES auth.users (id),
    created_kind text,
    kind text NOT NULL,
    title text NOT NULL,
    uri text,
    document_id uuid,
    sha256 text CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    CONSTRAINT points_somewhere CHECK (uri IS NOT NULL OR document_id IS NOT NULL OR sha256 IS NOT NULL)
);
COMMENT ON TABLE qms.evidence IS 'Objective evidence of a record: where it is and its hash.';

CREATE TABLE qms.required_signatures (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL,
    record_id uuid NOT NULL,
    created_by uuid REFERENCES auth.users (id),
    created_kind text,
    signer_id uuid NOT NULL REFERENCES auth.users (id),
    meaning text NOT NULL,
    for_state text NOT NULL
);
COMMENT ON TABLE qms.required_signatures IS 'Who else has to sign before the record may go to a state.';

CREATE TABLE qms.record_notes (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL,
    record_id uuid NOT NULL,
    created_by uuid REFERENCES auth.users (id),
    created_kind text,
    body text NOT NULL
);
COMMENT ON TABLE qms.record_notes IS 'Remarks on a record, in the order in which they were made.';

CREATE TABLE qms.record_links (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL,
    from_id uuid NOT NULL,
    to_id uuid NOT NULL,
    kind text NOT NULL CHECK (
        kind IN (
            'caused_by', 'corrects', 'implements', 'evidences', 'supersedes', 'duplicates', 'relates_to', 'trains_on',
            'affects'
        )
    ),
    note text,
    created_by uuid REFERENCES auth.users (id),
    created_kind text,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (organization_id, from_id, to_id, kind),
    FOREIGN KEY (organization_id, from_id) REFERENCES qms.quality_items (organization_id, id),
    FOREIGN KEY (organization_id, to_id) REFERENCES qms.quality_items (organization_id, id),
    CONSTRAINT not_to_itself CHECK (from_id <> to_id)
);
COMMENT ON TABLE qms.record_links IS 'How records hang together: the graph that is walked from a complaint to the training.';
CREATE INDEX record_links_to ON qms.record_links (organization_id, to_id);
CREATE INDEX record_links_by ON qms.record_links (created_by);

CREATE TABLE qms.record_parts (
    table_name text PRIMARY KEY,
    changeable text [] NOT NULL
);
COMMENT ON TABLE qms.record_parts IS 'The tables of parts, and which of their columns may change after they were added.';
INSERT INTO qms.record_parts (table_name, changeable) VALUES
('capa_actions', '{description,owner_id,due_on,progress,completed_on,completion_evidence}'),
('root_causes', '{statement,detail,cause_category,is_root_cause,evidence,withdrawn_reason}'),
('effectiveness_checks', '{}'),
('dispositions', '{quantity,justification,withdrawn_reason}'),
('reportability_assessments', '{}'),
('impact_assessments', '{affected,impact,action_needed}'),
('risk_controls', '{description,implementation_evidence,implementation_verified_on,effectiveness_evidence,effectiveness_verified_on}'),
('calibrations', '{}'),
('evidence', '{}'),
('required_signatures', '{}'),
('record_notes', '{}');
GRANT SELECT ON qms.record_parts TO qms_app, qms_sql, qms_definer;

-- Checks that each way of writing passes --------------------------------------------------------------------------------

CREATE FUNCTION qms.changed_fields(before jsonb, after jsonb) RETURNS text []
LANGUAGE sql IMMUTABLE SET search_path = ''
AS $$
    SELECT coalesce(array_agg(k.field ORDER BY k.field), '{}')
    FROM jsonb_object_keys(after) AS k (field)
    WHERE before -> k.field IS DISTINCT FROM after -> k.field
$$;
COMMENT ON FUNCTION qms.changed_fields(jsonb, jsonb) IS 'Which fields differ.';

CREATE FUNCTION qms_private.next_number(of_organization uuid, of_prefix text, in_year integer) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    given integer;
BEGIN
    INSERT INTO qms_private.record_numbers AS n (organization_id, prefix, year, last_number)
    VALUES (of_organization, of_prefix, in_year, 1)
    ON CONFLICT (organization_id, prefix, year) DO UPDATE SET last_number = n.last_number + 1
    RETURNING n.last_number INTO given;
    RETURN of_prefix || '-' || in_year || '-' || lpad(given::text, greatest(4, length(given::text)), '0');
END
$$;
COMMENT ON FUNCTION qms_private.next_number(uuid, text, integer) IS 'The next number of a type and year; its row is locked until the transaction ends.';

CREATE FUNCTION qms_private.is_member(of_organization uuid, person uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT EXISTS (
        SELECT FROM qms.memberships AS m
        WHERE m.organization_id = of_organization AND m.user_id = person
            AND m.valid_from <= clock_timestamp() AND (m.valid_to IS NULL OR m.valid_to > clock_timestamp())
            AND NOT EXISTS (SELECT FROM qms.people AS p WHERE p.user_id = person AND p.deactivated_at IS NOT NULL)
    )
$$;
COMMENT ON FUNCTION qms_private.is_member(uuid, uuid) IS 'Whether somebody belongs to an organization now.';

CREATE FUNCTION qms.prepare_record() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    claims jsonb := qms_private.identity();
    of_type qms.record_types;
    definition record;
    began timestamptz := clock_timestamp();
BEGIN
    SELECT t.* INTO of_type FROM qms.record_types AS t WHERE t.category = new.category;
    IF of_type.category IS NULL THEN
        RAISE EXCEPTION 'there is no record type %', quote_nullable(new.category) USING ERRCODE = 'QM024',
        HINT = 'Types: ' || (SELECT string_agg(t.category, ', ' ORDER BY t.category) FROM qms.record_types AS t) || '.';
    END IF;
    IF btrim(coalesce(new.title, '')) = '' THEN
        RAISE EXCEPTION 'a record needs a title' USING ERRCODE = 'QM024', HINT = 'One line that says what happened.';
    END IF;
    SELECT d.* INTO definition FROM qms_private.definition_for(new.organization_id, new.category) AS d;
    IF claims IS NOT NULL OR new.status IS NULL OR new.status = 'draft' THEN
        new.status := definition.body ->> 'initial';
    ELSIF NOT definition.body -> 'states' ? new.status THEN
        RAISE EXCEPTION 'a % has no state %', new.category, quote_literal(new.status) USING ERRCODE = 'QM024';
    END IF;
    IF claims IS NOT NULL THEN
        new.created_at := began;
        new.closed_at := NULL;
        new.drafted_by := (claims ->> 'sub')::uuid;
        new.drafted_by_kind := claims ->> 'kind';
        new.adopted_by := CASE WHEN claims ->> 'kind' = 'human' THEN new.drafted_by END;
        new.adopted_at := CASE WHEN claims ->> 'kind' = 'human' THEN began END;
    ELSE
        new.created_at := coalesce(new.created_at, began);
        new.drafted_by_kind := coalesce(new.drafted_by_kind, 'system');
        new.closed_at := CASE
            WHEN (definition.body -> 'states' -> new.status ->> 'final')::boolean THEN coalesce(new.closed_at, began)
        END;
    END IF;
    IF (new.owner_id IS NOT NULL AND NOT qms_private.is_member(new.organization_id, new.owner_id))
        OR (new.assigned_to IS NOT NULL AND NOT qms_private.is_member(new.organization_id, new.assigned_to)) THEN
        RAISE EXCEPTION 'owner_id and assigned_to must be people of this organization' USING ERRCODE = 'QM024';
    END IF;
    new.updated_at := greatest(new.created_at, coalesce(new.updated_at, new.created_at));
    new.version := 1;
    new.definition_id := definition.id;
    new.state_since := coalesce(CASE WHEN claims IS NULL THEN new.state_since END, new.created_at);
    new.touched_by_transaction := pg_current_xact_id();
    new.due_date := coalesce(new.due_date, qms_private.due_in_state(new.organization_id, definition.body, new.status, began));
    PERFORM qms_private.lock_trail(new.organization_id);
    -- A row that is there already is not added (ON CONFLICT): it takes no number, so that none is missing.
    IF EXISTS (SELECT FROM qms.quality_items AS i WHERE i.id = new.id) OR EXISTS (
        SELECT FROM qms.quality_items AS i
        WHERE
            i.organization_id = new.organization_id AND i.category = new.category AND i.external_id = new.external_id
    ) THEN
        RETURN new;
    END IF;
    new.number := qms_private.next_number(
        new.organization_id, of_type.prefix,
        extract(year FROM new.created_at AT TIME ZONE (
            SELECT o.time_zone FROM qms.organizations AS o WHERE o.id = new.organization_id
        ))::integer
    );
    RETURN new;
END
$$;
COMMENT ON FUNCTION qms.prepare_record() IS
'Gives a new record its number, first state, workflow and draft marks. Only the owner of the database, loading records, '
'may name a state.';

CREATE FUNCTION qms.refuse_locked(item qms.quality_items, changed text [], of_part text) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = ''
AS $$
DECLARE
    state jsonb;
    wrong text;
BEGIN
    SELECT d.body -> 'states' -> item.status INTO state
    FROM qms.workflow_definitions AS d
    -- A record of the time before there were workflows is locked as the shipped one says.
    WHERE d.id = item.definition_id OR (
        item.definition_id IS NULL AND d.category = item.category AND d.organization_id IS NULL
    )
    ORDER BY d.version DESC LIMIT 1;
    IF coalesce(jsonb_array_length(state -> 'locked'), 0) = 0 THEN
        RETURN;
    END IF;
    SELECT c.field INTO wrong
    FROM unnest(changed) AS c (field)
    WHERE
        state -> 'locked' ?| CASE WHEN of_part IS NULL THEN ARRAY['*', c.field] ELSE ARRAY['*', of_part, of_part || '.' || c.field] END
        AND NOT coalesce(
            CASE
                WHEN of_part IS NULL THEN state -> 'open' ? c.field
                ELSE state -> 'open' ?| ARRAY[of_part, of_part || '.' || c.field]
            END, false
        )
    LIMIT 1;
    IF wrong IS NOT NULL THEN
        RAISE EXCEPTION '% can''t be changed: % is in state "%", which locks it',
        CASE WHEN of_part IS NULL OR wrong = of_part THEN wrong ELSE of_part || '.' || wrong END, item.number, item.status
        USING ERRCODE = 'QM021', HINT = 'get_record says what is possible in this state.';
    END IF;
END
$$;
COMMENT ON FUNCTION qms.refuse_locked(qms.quality_items, text [], text) IS
'Refuses a change of what the state of a record locks (error QM021).';

CREATE FUNCTION qms.coming_version(item qms.quality_items) RETURNS integer
LANGUAGE sql STABLE SET search_path = ''
AS $$
    SELECT item.version + (item.touched_by_transaction IS DISTINCT FROM pg_current_xact_id())::integer
$$;
COMMENT ON FUNCTION qms.coming_version(qms.quality_items) IS
'The version a record has once it is changed in this transaction: one more, whatever else changes in it.';

CREATE FUNCTION qms.keep_record() RETURNS trigger
LANGUAGE plpgsql SET search_path = ''
AS $$
DECLARE
    before jsonb := to_jsonb(old) - ARRAY['embedding', 'updated_at', 'touched_by_transaction', 'escalation_level'];
    after jsonb := to_jsonb(new) - ARRAY['embedding', 'updated_at', 'touched_by_transaction', 'escalation_level'];
    changed text [] := qms.changed_fields(before, after);
    fixed text [] := ARRAY['id', 'organization_id', 'number', 'category', 'created_at', 'drafted_by', 'drafted_by_kind', 'source', 'external_id'];
BEGIN
    IF changed = '{}' AND new.touched_by_transaction IS NOT DISTINCT FROM old.touched_by_transaction THEN
        RETURN new;
    END IF;
    IF changed && fixed THEN
        RAISE EXCEPTION 'what identifies a record never changes: %', array_to_string(
            ARRAY(SELECT f FROM unnest(fixed) AS x (f) WHERE f = ANY (changed)), ', '
        ) USING ERRCODE = 'QM021';
    END IF;
    IF new.status IS DISTINCT FROM old.status AND NOT EXISTS (
        SELECT FROM qms.transitions AS t
        WHERE
            t.record_id = new.id AND t.record_version = qms.coming_version(old)
            AND t.from_state IS NOT DISTINCT FROM old.status AND t.to_state = new.status
    ) THEN
        RAISE EXCEPTION 'the state of a record changes only by a transition' USING ERRCODE = 'QM021';
    END IF;
    -- What the workflow itself changes it may change in any state; it runs as the role that owns it.
    IF current_user <> 'qms_definer' THEN
        PERFORM qms.refuse_locked(old, changed, NULL);
        IF (new.owner_id IS DISTINCT FROM old.owner_id AND NOT qms.is_colleague(new.owner_id))
            OR (new.assigned_to IS DISTINCT FROM old.assigned_to AND NOT qms.is_colleague(new.assigned_to)) THEN
            RAISE EXCEPTION 'owner_id and assigned_to must be people of this organization' USING ERRCODE = 'QM024';
        END IF;
    END IF;
    new.version := qms.coming_version(old);
    new.touched_by_transaction := pg_current_xact_id();
    RETURN new;
END
$$;
COMMENT ON FUNCTION qms.keep_record() IS
'What identifies a record stays, locked fields stay, the state moves only by a transition, and the version grows once '
'in each transaction.';

CREATE FUNCTION qms.is_colleague(person uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$SELECT person IS NULL OR qms_private.is_member(qms.current_organization_id(), person)$$;
COMMENT ON FUNCTION qms.is_colleague(uuid) IS 'Whether somebody (or nobody) belongs to the caller''s organization now.';

CREATE FUNCTION qms_private.touch_record(touched uuid) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = ''
AS $$
    UPDATE qms.quality_items AS i SET touched_by_transaction = pg_current_xact_id()
    WHERE i.id = touched AND i.touched_by_transaction IS DISTINCT FROM pg_current_xact_id()
$$;
COMMENT ON FUNCTION qms_private.touch_record(uuid) IS 'A part of the record changes: its version grows.';

CREATE FUNCTION qms.refuse_strangers(before jsonb, after jsonb) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = ''
AS $$
DECLARE
    named text;
BEGIN
    FOREACH named IN ARRAY ARRAY[
        'owner_id', 'signer_id', 'author_id', 'area_responsible', 'lead_auditor', 'trainee_id', 'trainer_id'
    ] LOOP
        IF after ->> named IS NOT NULL AND before -> named IS DISTINCT FROM after -> named
            AND qms.current_user_id() IS NOT NULL AND NOT qms.is_colleague((after ->> named)::uuid) THEN
            RAISE EXCEPTION '% must be somebody of this organization', named USING ERRCODE = 'QM024';
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION qms.refuse_strangers(jsonb, jsonb) IS
'Whoever a caller newly names as owner, signer, author, trainee and so on belongs to the organization (error QM024).';

CREATE FUNCTION qms.keep_details() RETURNS trigger
LANGUAGE plpgsql SET search_path = ''
AS $$
DECLARE
    item qms.quality_items;
    before jsonb := CASE WHEN tg_op = 'INSERT' THEN '{}'::jsonb ELSE to_jsonb(old) END;
    after jsonb := to_jsonb(new);
    expected text;
    belongs text;
BEGIN
    new.organization_id := coalesce(new.organization_id, qms.current_organization_id());
    SELECT i.* INTO item
    FROM qms.quality_items AS i WHERE i.id = new.id AND i.organization_id = new.organization_id;
    SELECT t.table_name INTO expected FROM qms.record_types AS t WHERE t.category = item.category;
    IF expected IS DISTINCT FROM tg_table_name::text THEN
        RAISE EXCEPTION 'there is no record for these fields' USING ERRCODE = 'QM023';
    END IF;
    IF tg_op = 'UPDATE' AND (new.id, new.organization_id) IS DISTINCT FROM (old.id, old.organization_id) THEN
        RAISE EXCEPTION 'fields stay with their record' USING ERRCODE = 'QM021';
    END IF;
    IF current_user <> 'qms_definer' THEN
        PERFORM qms.refuse_strangers(before, after);
        IF tg_op = 'UPDATE' THEN
            PERFORM qms.refuse_locked(item, qms.changed_fields(before, after), NULL);
            -- What waits for a record to be closed is not taken away from it.
            belongs := CASE tg_table_name
                WHEN 'findings' THEN 'audit_id' WHEN 'scars' THEN 'supplier_id' WHEN 'trainings' THEN 'document_id'
            END;
            IF before ->> belongs IS NOT NULL AND before -> belongs IS DISTINCT FROM after -> belongs THEN
                RAISE EXCEPTION '% of % says what it belongs to, and stays', belongs, item.number
                USING ERRCODE = 'QM021', HINT = 'Bring this one to its end and add another.';
            END IF;
        ELSIF qms.current_user_id() IS NOT NULL AND EXISTS (
            SELECT FROM qms.transitions AS t WHERE t.record_id = new.id
        ) THEN
            RAISE EXCEPTION '% is in state "%": its fields are added while it is new', item.number, item.status
            USING ERRCODE = 'QM021';
        END IF;
    END IF;
    RETURN new;
END
$$;
COMMENT ON FUNCTION qms.keep_details() IS 'The fields of a type belong to a record of that type, and locked ones stay as they are.';

CREATE FUNCTION qms.keep_part() RETURNS trigger
LANGUAGE plpgsql SET search_path = ''
AS $$
DECLARE
    item qms.quality_items;
    changed text [];
    may_change text [];
BEGIN
    new.organization_id := coalesce(new.organization_id, qms.current_organization_id());
    SELECT i.* INTO item
    FROM qms.quality_items AS i WHERE i.id = new.record_id AND i.organization_id = new.organization_id;
    IF item.id IS NULL THEN
        RAISE EXCEPTION 'there is no record this could belong to' USING ERRCODE = 'QM023';
    END IF;
    changed := qms.changed_fields(CASE WHEN tg_op = 'INSERT' THEN '{}'::jsonb ELSE to_jsonb(old) END, to_jsonb(new));
    IF tg_op = 'INSERT' AND qms.current_user_id() IS NOT NULL THEN
        new.created_by := qms.current_user_id();
        new.created_kind := qms.current_actor_kind();
        -- Which one is the last follows from this: not from when somebody began a transaction.
        new.created_at := clock_timestamp();
    END IF;
    IF current_user = 'qms_definer' THEN
        RETURN new;
    END IF;
    IF tg_op = 'UPDATE' THEN
        SELECT p.changeable INTO may_change FROM qms.record_parts AS p WHERE p.table_name = tg_table_name::text;
        IF NOT changed <@ may_change THEN
            RAISE EXCEPTION '% of % can''t be changed', array_to_string(changed, ', '), tg_table_name
            USING ERRCODE = 'QM021', HINT = 'What was recorded stays; add a new entry instead.';
        END IF;
    END IF;
    PERFORM qms.refuse_strangers(CASE WHEN tg_op = 'INSERT' THEN '{}'::jsonb ELSE to_jsonb(old) END, to_jsonb(new));
    PERFORM qms.refuse_locked(
        item, CASE WHEN tg_op = 'INSERT' THEN ARRAY[tg_table_name::text] ELSE changed END, tg_table_name::text
    );
    -- What a person accepted or decided is that no more once it says something else.
    IF tg_op = 'UPDATE' AND NOT changed <@ ARRAY['withdrawn_reason']
        AND coalesce(to_jsonb(old) ->> 'decided_by', to_jsonb(old) ->> 'accepted_by') IS NOT NULL THEN
        new := jsonb_populate_record(
            new, '{"decided_by": null, "decided_at": null, "accepted_by": null, "accepted_at": null}'
        );
    END IF;
    RETURN new;
END
$$;
COMMENT ON FUNCTION qms.keep_part() IS
'A part belongs to a record of the same organization, says who added it, and changes only where its state lets it.';

CREATE FUNCTION qms.touch_parent() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    PERFORM qms_private.touch_record((to_jsonb(new) ->> tg_argv[0])::uuid);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION qms.touch_parent() IS 'Its record gets a new version when a part or a field changes.';

CREATE FUNCTION qms.keep_link() RETURNS trigger
LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
    new.organization_id := coalesce(new.organization_id, qms.current_organization_id());
    IF qms.current_user_id() IS NOT NULL THEN
        new.created_by := qms.current_user_id();
        new.created_kind := qms.current_actor_kind();
        new.created_at := clock_timestamp();
    END IF;
    RETURN new;
END
$$;
COMMENT ON FUNCTION qms.keep_link() IS 'A link says who made it and when.';

-- Who keeps records -----------------------------------------------------------------------------------------------------

CREATE FUNCTION qms.may_keep_records() RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$SELECT coalesce(jsonb_array_length((qms_private.identity() -> 'roles') - ARRAY['auditor', 'admin']) > 0, false)$$;
COMMENT ON FUNCTION qms.may_keep_records() IS
'False for who is only an auditor or administrator: the one reads all, the other configures, neither writes records.';
ALTER POLICY add_own ON qms.quality_items
WITH CHECK (organization_id = (SELECT qms.current_organization_id()) AND (SELECT qms.may_keep_records()));
ALTER POLICY change_own ON qms.quality_items
USING (organization_id = (SELECT qms.current_organization_id()) AND (SELECT qms.may_keep_records()))
WITH CHECK (organization_id = (SELECT qms.current_organization_id()));

-- The same for all tables -----------------------------------------------------------------------------------------------

CREATE FUNCTION qms_private.protect_table(named text, kind text) RETURNS void
LANGUAGE plpgsql SET search_path = ''
AS $$
DECLARE
    own_columns text;
    changeable text;
BEGIN
    EXECUTE format('ALTER TABLE qms.%I ENABLE ROW LEVEL SECURITY', named);
    EXECUTE format('ALTER TABLE qms.%I FORCE ROW LEVEL SECURITY', named);
    EXECUTE format(
        'CREATE POLICY read_own ON qms.%I FOR SELECT TO qms_app, qms_sql '
        'USING (organization_id = (SELECT qms.current_organization_id()))', named);
    EXECUTE format(
        'CREATE POLICY add_own ON qms.%I FOR INSERT TO qms_app '
        'WITH CHECK (organization_id = (SELECT qms.current_organization_id()) AND (SELECT qms.may_keep_records()))', named);
    EXECUTE format(
        'CREATE POLICY change_own ON qms.%I FOR UPDATE TO qms_app '
        'USING (organization_id = (SELECT qms.current_organization_id()) AND (SELECT qms.may_keep_records())) '
        'WITH CHECK (organization_id = (SELECT qms.current_organization_id()))', named);
    EXECUTE format('CREATE POLICY administration ON qms.%I FOR ALL TO qms_definer USING (true) WITH CHECK (true)', named);
    EXECUTE format('GRANT SELECT ON qms.%I TO qms_app, qms_sql', named);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE ON qms.%I TO qms_definer', named);
    SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) INTO own_columns
    FROM pg_catalog.pg_attribute AS a
    WHERE
        a.attrelid = format('qms.%I', named)::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
        AND a.attname <> ALL (ARRAY[
            'created_at', 'created_by', 'created_kind', 'accepted_by', 'accepted_at', 'decided_by', 'decided_at',
            'verdict', 'verdict_by', 'cycle', 'reportable', 'reportability_decided_by', 'is_effective',
            'effective_from', 'effective_to', 'acknowledged_at', 'next_review_on', 'rpn', 'residual_rpn'
        ])
        -- By when a complaint is reported follows from what a person decided.
        AND (named, a.attname::text) <> ('complaints', 'report_due_on');
    EXECUTE format('GRANT INSERT (%s) ON qms.%I TO qms_app', own_columns, named);
    IF kind = 'part' THEN
        SELECT string_agg(quote_ident(c.name), ', ') INTO changeable
        FROM qms.record_parts AS p, unnest(p.changeable) AS c (name) WHERE p.table_name = named;
    ELSE
        SELECT string_agg(c.name, ', ') INTO changeable
        FROM unnest(string_to_array(own_columns, ', ')) AS c (name)
        -- Once equipment is registered, its dates follow from its calibrations.
        WHERE c.name NOT IN ('id', 'organization_id', 'last_calibrated_on', 'calibration_due_on');
    END IF;
    IF changeable IS NOT NULL AND kind <> 'link' THEN
        EXECUTE format('GRANT UPDATE (%s) ON qms.%I TO qms_app', changeable, named);
    END IF;
    EXECUTE format(
        'CREATE TRIGGER trail_turn BEFORE INSERT OR UPDATE ON qms.%I FOR EACH STATEMENT '
        'EXECUTE FUNCTION qms.take_trail_turn()', named);
    EXECUTE format(
        'CREATE TRIGGER keep BEFORE INSERT OR UPDATE ON qms.%I FOR EACH ROW EXECUTE FUNCTION qms.%I()', named,
        CASE kind WHEN 'type' THEN 'keep_details' WHEN 'part' THEN 'keep_part' ELSE 'keep_link' END);
    EXECUTE format(
        'CREATE TRIGGER a_touch_parent AFTER INSERT OR UPDATE ON qms.%I FOR EACH ROW EXECUTE FUNCTION qms.touch_parent(%L)',
        named, CASE kind WHEN 'type' THEN 'id' WHEN 'part' THEN 'record_id' ELSE 'from_id' END);
    EXECUTE format(
        'CREATE TRIGGER record_change AFTER INSERT OR UPDATE ON qms.%I FOR EACH ROW EXECUTE FUNCTION qms.record_entry(%L)',
        named, CASE kind WHEN 'type' THEN 'id' WHEN 'part' THEN 'record_id' ELSE 'from_id' END);
    EXECUTE format(
        'CREATE TRIGGER never_deleted BEFORE DELETE ON qms.%I FOR EACH ROW EXECUTE FUNCTION qms.refuse_change()', named);
    EXECUTE format(
        'CREATE TRIGGER never_truncated BEFORE TRUNCATE ON qms.%I FOR EACH STATEMENT EXECUTE FUNCTION qms.refuse_change()',
        named);
END
$$;
COMMENT ON FUNCTION qms_private.protect_table(text, text) IS
'Gives a table of records what all of them have: tenancy, rights by column, the trail, and no way to delete.';

DO $$
DECLARE
    named text;
    referring record;
BEGIN
    FOR named IN SELECT t.table_name FROM qms.record_types AS t ORDER BY t.table_name LOOP
        EXECUTE format('ALTER TABLE qms.%I ADD COLUMN created_at timestamptz NOT NULL DEFAULT now()', named);
        EXECUTE format('ALTER TABLE qms.%I ADD FOREIGN KEY (organization_id, id) REFERENCES qms.quality_items (organization_id, id)', named);
        EXECUTE format('CREATE INDEX %I ON qms.%I (organization_id)', named || '_org', named);
        PERFORM qms_private.protect_table(named, 'type');
    END LOOP;
    FOR named IN SELECT p.table_name FROM qms.record_parts AS p ORDER BY p.table_name LOOP
        EXECUTE format('ALTER TABLE qms.%I ADD COLUMN created_at timestamptz NOT NULL DEFAULT now()', named);
        EXECUTE format('ALTER TABLE qms.%I ADD FOREIGN KEY (organization_id, record_id) REFERENCES qms.quality_items (organization_id, id)', named);
        EXECUTE format('CREATE INDEX %I ON qms.%I (organization_id, record_id, created_at)', named || '_record', named);
        PERFORM qms_private.protect_table(named, 'part');
    END LOOP;
    PERFORM qms_private.protect_table('record_links', 'link');
    -- A record may refer to another one of the same organization, and to no other.
    FOR referring IN
        SELECT * FROM (VALUES
            ('nonconformances', 'supplier_id'), ('documents', 'replaced_by'), ('findings', 'audit_id'),
            ('trainings', 'document_id'), ('scars', 'supplier_id'), ('extension_requests', 'target_id'),
            ('evidence', 'document_id')
        ) AS r (table_name, column_name)
    LOOP
        EXECUTE format(
            'ALTER TABLE qms.%I ADD FOREIGN KEY (organization_id, %I) REFERENCES qms.quality_items (organization_id, id)',
            referring.table_name, referring.column_name);
        EXECUTE format('CREATE INDEX ON qms.%I (organization_id, %I)', referring.table_name, referring.column_name);
    END LOOP;
    -- No day without end and no quantity that is none: they pass every comparison.
    FOR referring IN
        SELECT
            c.relname AS table_name,
            string_agg(
                CASE
                    WHEN a.atttypid = 'numeric'::regtype THEN format('%1$I > ''-Infinity'' AND %1$I < ''Infinity''', a.attname)
                    ELSE format('isfinite(%I)', a.attname)
                END, ' AND ' ORDER BY a.attnum
            ) AS column_name
        FROM pg_catalog.pg_class AS c
        INNER JOIN pg_catalog.pg_attribute AS a ON c.oid = a.attrelid
        WHERE
            c.relnamespace = 'qms'::regnamespace AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
            AND a.atttypid IN ('date'::regtype, 'timestamptz'::regtype, 'numeric'::regtype)
            AND c.relname IN (
                SELECT t.table_name FROM qms.record_types AS t UNION ALL SELECT p.table_name FROM qms.record_parts AS p
                UNION ALL SELECT 'quality_items'
            )
        GROUP BY c.relname
    LOOP
        EXECUTE format(
            'ALTER TABLE qms.%I ADD CONSTRAINT %I CHECK (%s)', referring.table_name, referring.table_name || '_finite',
            referring.column_name);
    END LOOP;
    -- A column that names a person is looked up by person.
    FOR referring IN
        SELECT c.conrelid::regclass AS table_name, a.attname AS column_name
        FROM pg_catalog.pg_constraint AS c
        INNER JOIN pg_catalog.pg_attribute AS a ON c.conrelid = a.attrelid AND a.attnum = c.conkey[1]
        WHERE
            c.contype = 'f' AND c.confrelid = 'auth.users'::regclass AND a.attname <> 'id'
            AND c.conrelid IN (
                SELECT format('qms.%I', t.table_name)::regclass FROM qms.record_types AS t
                UNION ALL SELECT format('qms.%I', p.table_name)::regclass FROM qms.record_parts AS p
            )
    LOOP
        EXECUTE format('CREATE INDEX ON %s (%I)', referring.table_name, referring.column_name);
    END LOOP;
    -- Estimates come from statistics over all organizations: texts give none away.
    FOR referring IN
        SELECT a.attrelid::regclass AS table_name, a.attname AS column_name
        FROM pg_catalog.pg_attribute AS a
        WHERE
            a.attnum > 0 AND NOT a.attisdropped AND a.atttypid IN ('text'::regtype, 'jsonb'::regtype)
            AND a.attrelid IN (
                SELECT format('qms.%I', t.table_name)::regclass FROM qms.record_types AS t
                UNION ALL SELECT format('qms.%I', p.table_name)::regclass FROM qms.record_parts AS p
                UNION ALL SELECT 'qms.record_links'::regclass
            )
    LOOP
        EXECUTE format('ALTER TABLE %s ALTER COLUMN %I SET STATISTICS 0', referring.table_name, referring.column_name);
    END LOOP;
END
$$;

CREATE TRIGGER prepare_record BEFORE INSERT ON qms.quality_items
FOR EACH ROW EXECUTE FUNCTION qms.prepare_record();
CREATE TRIGGER keep_record BEFORE UPDATE ON qms.quality_items
FOR EACH ROW EXECUTE FUNCTION qms.keep_record();

-- Writing by name -------------------------------------------------------------------------------------------------------

CREATE FUNCTION qms.find_record(reference text) RETURNS uuid
LANGUAGE sql STABLE SET search_path = ''
AS $$
    SELECT i.id FROM qms.quality_items AS i
    WHERE
        i.organization_id = qms.current_organization_id()
        AND CASE
            WHEN reference ~* '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$' THEN i.id = reference::uuid
            ELSE i.number = upper(btrim(reference))
        END
$$;
COMMENT ON FUNCTION qms.find_record(text) IS 'The record with this id or number in the caller''s organization; null when there is none.';

CREATE FUNCTION qms.writable_fields(of_table text, for_update boolean) RETURNS text []
LANGUAGE sql STABLE SET search_path = ''
AS $$
    SELECT coalesce(array_agg(a.attname::text ORDER BY a.attnum), '{}')
    FROM pg_catalog.pg_attribute AS a
    WHERE
        a.attrelid = format('qms.%I', of_table)::regclass AND a.attnum > 0 AND NOT a.attisdropped
        AND a.attname NOT IN ('id', 'organization_id', 'record_id', 'category')
        AND has_column_privilege('qms_app', a.attrelid, a.attnum, CASE WHEN for_update THEN 'UPDATE' ELSE 'INSERT' END)
$$;
COMMENT ON FUNCTION qms.writable_fields(text, boolean) IS 'The fields of a table that a caller may give or change.';

CREATE FUNCTION qms.refuse_unknown(fields jsonb, known text [], of_what text) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = ''
AS $$
DECLARE
    wrong text;
BEGIN
    SELECT string_agg(quote_literal(k.field), ', ') INTO wrong
    FROM jsonb_object_keys(fields) AS k (field) WHERE k.field <> ALL (known);
    IF wrong IS NOT NULL THEN
        RAISE EXCEPTION '% has no field % that can be written here', of_what, wrong
        USING ERRCODE = 'QM024', HINT = 'Fields: ' || array_to_string(known, ', ') || '.';
    END IF;
END
$$;
COMMENT ON FUNCTION qms.refuse_unknown(jsonb, text [], text) IS 'Refuses fields that do not exist, and names those that do (error QM024).';

CREATE FUNCTION qms.write_row(of_table text, at_id uuid, fields jsonb, extra jsonb) RETURNS uuid
LANGUAGE plpgsql SET search_path = ''
AS $$
DECLARE
    names text;
    wanted jsonb := fields || extra;
    written uuid;
BEGIN
    SELECT string_agg(quote_ident(k.field), ', ') INTO names FROM jsonb_object_keys(wanted) AS k (field);
    IF at_id IS NULL THEN
        EXECUTE format(
            'INSERT INTO qms.%I (%s) SELECT %s FROM jsonb_populate_record(NULL::qms.%I, $1) RETURNING id',
            of_table, names, names, of_table
        ) INTO written USING wanted;
    ELSIF names IS NOT NULL THEN
        EXECUTE format(
            'UPDATE qms.%I AS t SET (%s) = (SELECT %s FROM jsonb_populate_record(NULL::qms.%I, $1)) WHERE t.id = $2 RETURNING t.id',
            of_table, names, names, of_table
        ) INTO written USING wanted, at_id;
    END IF;
    RETURN written;
EXCEPTION
    WHEN data_exception OR check_violation OR not_null_violation OR foreign_key_violation THEN
        RAISE EXCEPTION 'a value does not fit: %', CASE
            WHEN sqlerrm ~ 'violates' THEN regexp_replace(sqlerrm, ' of relation.*| for relation.*', '') ELSE sqlerrm
        END
        USING ERRCODE = 'QM024', HINT = 'describe_table qms.' || of_table || ' shows the fields and what they allow.';
END
$$;
COMMENT ON FUNCTION qms.write_row(text, uuid, jsonb, jsonb) IS 'Inserts a row, or updates the one with this id, from named fields.';

CREATE FUNCTION qms.add_record(of_category text, fields jsonb) RETURNS qms.quality_items
LANGUAGE plpgsql SET search_path = ''
AS $$
DECLARE
    own_table text;
    base_fields text [] := qms.writable_fields('quality_items', false);
    own_fields text [];
    made uuid;
    result qms.quality_items;
BEGIN
    SELECT t.table_name INTO own_table FROM qms.record_types AS t WHERE t.category = of_category;
    IF own_table IS NULL THEN
        RAISE EXCEPTION 'there is no record type %', quote_nullable(of_category) USING ERRCODE = 'QM024',
        HINT = 'Types: ' || (SELECT string_agg(t.category, ', ' ORDER BY t.category) FROM qms.record_types AS t) || '.';
    END IF;
    own_fields := qms.writable_fields(own_table, false);
    PERFORM qms.refuse_unknown(fields, base_fields || own_fields, of_category);
    made := qms.write_row(
        'quality_items', NULL,
        (SELECT coalesce(jsonb_object_agg(f.key, f.value), '{}') FROM jsonb_each(fields) AS f WHERE f.key = ANY (base_fields)),
        jsonb_build_object('organization_id', qms.current_organization_id(), 'category', of_category)
    );
    PERFORM qms.write_row(
        own_table, NULL,
        (SELECT coalesce(jsonb_object_agg(f.key, f.value), '{}') FROM jsonb_each(fields) AS f WHERE f.key = ANY (own_fields)),
        jsonb_build_object('id', made, 'organization_id', qms.current_organization_id())
    );
    SELECT i.* INTO result FROM qms.quality_items AS i WHERE i.id = made;
    RETURN result;
END
$$;
COMMENT ON FUNCTION qms.add_record(text, jsonb) IS 'Adds a record with the fields of the base and of its type.';

CREATE FUNCTION qms.seen_version(record_id uuid, expected_version integer) RETURNS qms.quality_items
LANGUAGE plpgsql SET search_path = ''
AS $$
DECLARE
    item qms.quality_items;
BEGIN
    PERFORM qms.take_turn();
    SELECT i.* INTO item
    FROM qms.quality_items AS i
    WHERE i.id = seen_version.record_id AND i.organization_id = qms.current_organization_id();
    IF item.id IS NULL THEN
        RAISE EXCEPTION 'there is no such record' USING ERRCODE = 'QM023', HINT = 'list_records or search find it.';
    END IF;
    IF expected_version IS NOT NULL AND item.version <> expected_version THEN
        RAISE EXCEPTION '% is at version % now, not %', item.number, item.version, expected_version
        USING ERRCODE = 'QM020', HINT = 'Read it again with get_record, look at what changed, and repeat.';
    END IF;
    RETURN item;
END
$$;
COMMENT ON FUNCTION qms.seen_version(uuid, integer) IS
'The record, if it still has the version its caller saw (error QM020 otherwise); nobody else changes it until the transaction ends.';

CREATE FUNCTION qms.take_turn() RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = ''
AS $$SELECT qms_private.lock_trail(o.ours) FROM (SELECT qms.current_organization_id() AS ours) AS o WHERE o.ours IS NOT NULL$$;
COMMENT ON FUNCTION qms.take_turn() IS 'Waits for the turn to write records of the caller''s organization.';

CREATE FUNCTION qms.change_record(record_id uuid, expected_version integer, fields jsonb) RETURNS qms.quality_items
LANGUAGE plpgsql SET search_path = ''
AS $$
DECLARE
    item qms.quality_items := qms.seen_version(record_id, expected_version);
    own_table text;
    base_fields text [] := qms.writable_fields('quality_items', true);
    own_fields text [];
    own jsonb;
BEGIN
    SELECT t.table_name INTO own_table FROM qms.record_types AS t WHERE t.category = item.category;
    IF own_table IS NULL THEN
        RAISE EXCEPTION '% has a type that is not known (any more)', item.number USING ERRCODE = 'QM021';
    END IF;
    own_fields := qms.writable_fields(own_table, true);
    PERFORM qms.refuse_unknown(fields, base_fields || own_fields, item.category);
    SELECT coalesce(jsonb_object_agg(f.key, f.value), '{}') INTO own
    FROM jsonb_each(fields) AS f WHERE f.key = ANY (own_fields);
    -- A record of the time before there were types gets its fields with the first change of one.
    IF own <> '{}' AND qms.write_row(own_table, item.id, own, '{}') IS NULL THEN
        PERFORM qms.write_row(
            own_table, NULL, own, jsonb_build_object('id', item.id, 'organization_id', item.organization_id)
        );
    END IF;
    PERFORM qms.write_row(
        'quality_items', item.id,
        (SELECT coalesce(jsonb_object_agg(f.key, f.value), '{}') FROM jsonb_each(fields) AS f WHERE f.key = ANY (base_fields)),
        '{}'
    );
    SELECT i.* INTO item FROM qms.quality_items AS i WHERE i.id = item.id;
    RETURN item;
END
$$;
COMMENT ON FUNCTION qms.change_record(uuid, integer, jsonb) IS
'Changes fields of a record its caller has seen in its latest version (error QM020 otherwise).';

CREATE FUNCTION qms.add_part(record_id uuid, part text, fields jsonb) RETURNS uuid
LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
    PERFORM qms.seen_version(add_part.record_id, NULL);
    IF NOT EXISTS (SELECT FROM qms.record_parts AS p WHERE p.table_name = part) THEN
        RAISE EXCEPTION 'there is no part %', quote_nullable(part) USING ERRCODE = 'QM024';
    END IF;
    PERFORM qms.refuse_unknown(fields, qms.writable_fields(part, false), part);
    RETURN qms.write_row(
        part, NULL, fields,
        jsonb_build_object(
            'id', gen_random_uuid(), 'record_id', add_part.record_id, 'organization_id', qms.current_organization_id()
        )
    );
END
$$;
COMMENT ON FUNCTION qms.add_part(uuid, text, jsonb) IS 'Adds a part (an action, a cause, a piece of evidence, ...) to a record.';

CREATE FUNCTION qms.change_part(part text, part_id uuid, fields jsonb) RETURNS uuid
LANGUAGE plpgsql SET search_path = ''
AS $$
DECLARE
    written uuid;
BEGIN
    PERFORM qms.take_turn();
    IF NOT EXISTS (SELECT FROM qms.record_parts AS p WHERE p.table_name = part) THEN
        RAISE EXCEPTION 'there is no part %', quote_nullable(part) USING ERRCODE = 'QM024';
    END IF;
    PERFORM qms.refuse_unknown(fields, qms.writable_fields(part, true), part);
    written := qms.write_row(part, part_id, fields, '{}');
    IF written IS NULL THEN
        RAISE EXCEPTION 'there is no such entry in %', part USING ERRCODE = 'QM023';
    END IF;
    RETURN written;
END
$$;
COMMENT ON FUNCTION qms.change_part(text, uuid, jsonb) IS 'Changes fields of a part that may still change.';

CREATE FUNCTION qms.link_records(from_id uuid, to_id uuid, kind text, note text) RETURNS uuid
LANGUAGE plpgsql SET search_path = ''
AS $$
DECLARE
    made uuid;
BEGIN
    PERFORM qms.seen_version(link_records.from_id, NULL);
    PERFORM qms.seen_version(link_records.to_id, NULL);
    SELECT l.id INTO made
    FROM qms.record_links AS l
    WHERE l.from_id = link_records.from_id AND l.to_id = link_records.to_id AND l.kind = link_records.kind;
    RETURN coalesce(made, qms.write_row('record_links', NULL, '{}', jsonb_build_object(
        'id', gen_random_uuid(), 'organization_id', qms.current_organization_id(), 'from_id', link_records.from_id,
        'to_id', link_records.to_id, 'kind', link_records.kind, 'note', link_records.note
    )));
END
$$;
COMMENT ON FUNCTION qms.link_records(uuid, uuid, text, text) IS 'Links two records; the same link is made once.';

-- The content of a record -----------------------------------------------------------------------------------------------

CREATE FUNCTION qms.record_content(record_id uuid) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = ''
AS $$
DECLARE
    item qms.quality_items;
    own_table text;
    own jsonb;
    part text;
    rows_of_part jsonb;
    content jsonb;
BEGIN
    SELECT i.* INTO item FROM qms.quality_items AS i WHERE i.id = record_content.record_id;
    SELECT t.table_name INTO own_table FROM qms.record_types AS t WHERE t.category = item.category;
    content := to_jsonb(item) - ARRAY[
        'embedding', 'updated_at', 'version', 'status', 'state_since', 'closed_at', 'escalation_level', 'legal_hold',
        'touched_by_transaction', 'adopted_by', 'adopted_at', 'definition_id', 'drafted_by_kind', 'due_date'
    ];
    content := jsonb_set(content, '{created_at}', to_jsonb((extract(epoch FROM item.created_at) * 1000000)::bigint));
    IF item.occurred_at IS NOT NULL THEN
        content := jsonb_set(content, '{occurred_at}', to_jsonb((extract(epoch FROM item.occurred_at) * 1000000)::bigint));
    END IF;
    IF own_table IS NOT NULL THEN
        -- Left out is what steps write, and only that: the day a field action is to be reported by, people write.
        EXECUTE format('SELECT to_jsonb(t) - ARRAY[''id'', ''organization_id'', ''created_at'', ''effective_from'', ''effective_to'', ''is_effective'', ''acknowledged_at'', ''verdict'', ''verdict_by'', ''cycle'', ''reportable'', ''reportability_decided_by'', ''next_review_on'', ''replaced_by'', ''last_calibrated_on'', ''calibration_due_on''] FROM qms.%I AS t WHERE t.id = $1', own_table)
        INTO own USING item.id;
        IF own_table = 'complaints' THEN
            own := own - 'report_due_on';
        END IF;
    END IF;
    content := content || jsonb_build_object('details', coalesce(own, '{}'));
    FOR part IN SELECT p.table_name FROM qms.record_parts AS p WHERE p.table_name <> 'record_notes' ORDER BY p.table_name LOOP
        EXECUTE format(
            'SELECT jsonb_agg(to_jsonb(t) - ARRAY[''organization_id'', ''record_id'', ''created_at'', ''accepted_by'', ''accepted_at'', ''decided_by'', ''decided_at''] ORDER BY t.created_at, t.id) FROM qms.%I AS t WHERE t.record_id = $1', part
        ) INTO rows_of_part USING item.id;
        IF rows_of_part IS NOT NULL THEN
            content := content || jsonb_build_object(part, rows_of_part);
        END IF;
    END LOOP;
    -- A column added later is empty in what was signed before, and changes nothing about it.
    RETURN jsonb_strip_nulls(content);
END
$$;
COMMENT ON FUNCTION qms.record_content(uuid) IS
'What a person signs: fields and parts of a record in one canonical object, without state and version.';

CREATE FUNCTION qms.record_sha256(record_id uuid) RETURNS text
LANGUAGE sql STABLE SET search_path = ''
AS $$SELECT encode(sha256(convert_to(qms.record_content(record_id)::text, 'UTF8')), 'hex')$$;
COMMENT ON FUNCTION qms.record_sha256(uuid) IS 'The hash a signature is bound to.';

GRANT CREATE ON SCHEMA qms, qms_private TO qms_definer;
ALTER FUNCTION qms_private.next_number(uuid, text, integer) OWNER TO qms_definer;
ALTER FUNCTION qms_private.is_member(uuid, uuid) OWNER TO qms_definer;
ALTER FUNCTION qms_private.touch_record(uuid) OWNER TO qms_definer;
ALTER FUNCTION qms.prepare_record() OWNER TO qms_definer;
ALTER FUNCTION qms.touch_parent() OWNER TO qms_definer;
ALTER FUNCTION qms.is_colleague(uuid) OWNER TO qms_definer;
ALTER FUNCTION qms.may_keep_records() OWNER TO qms_definer;
ALTER FUNCTION qms.take_turn() OWNER TO qms_definer;
REVOKE CREATE ON SCHEMA qms, qms_private FROM qms_definer;
SET LOCAL ROLE qms_definer;
GRANT EXECUTE ON FUNCTION qms.prepare_record(), qms.touch_parent() TO SESSION_USER;
GRANT EXECUTE ON FUNCTION qms.is_colleague(uuid), qms.take_turn() TO qms_app, SESSION_USER;
GRANT EXECUTE ON FUNCTION qms.may_keep_records() TO qms_app, qms_sql;
RESET ROLE;
GRANT EXECUTE ON FUNCTION
    qms.changed_fields(jsonb, jsonb), qms.coming_version(qms.quality_items), qms.refuse_locked(qms.quality_items, text [], text),
    qms.refuse_strangers(jsonb, jsonb), qms.find_record(text),
    qms.record_content(uuid), qms.record_sha256(uuid)
    TO qms_app, qms_sql, qms_definer;
GRANT EXECUTE ON FUNCTION
    qms.writable_fields(text, boolean), qms.refuse_unknown(jsonb, text [], text), qms.write_row(text, uuid, jsonb, jsonb),
    qms.add_record(text, jsonb), qms.seen_version(uuid, integer), qms.change_record(uuid, integer, jsonb),
    qms.add_part(uuid, text, jsonb), qms.change_part(text, uuid, jsonb), qms.link_records(uuid, uuid, text, text)
    TO qms_app, qms_definer;
