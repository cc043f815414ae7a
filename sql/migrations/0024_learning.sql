-- The improvement loop whole: versions that never change, feedback, datasets without leakage, evaluations, gates,
-- roll-outs, alerts, and the jobs that do the work.
--
-- Whatever was learned, measured or decided is kept as it was: rows here are added and not changed, but for where
-- something stands. The runner takes an advisory lock and sets a lock time-out; the tables altered here are small.
-- squawk-ignore-file require-concurrent-index-creation, constraint-missing-not-valid, adding-foreign-key-constraint

-- Versions of an agent ------------------------------------------------------------------------------------------------

ALTER TABLE ml_loop.model_versions
ADD COLUMN content text,
ADD COLUMN content_sha256 text,
ADD COLUMN origin text NOT NULL DEFAULT 'written' CHECK (origin IN ('shipped', 'trained', 'trial', 'written')),
ADD COLUMN parent_id uuid,
ADD COLUMN dataset_version_id uuid,
ADD COLUMN job_id uuid,
ADD COLUMN notes text NOT NULL DEFAULT '',
ADD COLUMN created_by uuid REFERENCES auth.users (id),
ADD COLUMN created_kind text,
ADD CONSTRAINT content_is_what_it_says CHECK (
    (content IS NULL) = (content_sha256 IS NULL)
    AND (
        content IS NULL
        OR (
            content_sha256 = encode(sha256(convert_to(content, 'UTF8')), 'hex') AND content::jsonb = config
            AND version = model_name || '@' || left(content_sha256, 12)
        )
    )
),
ADD CONSTRAINT model_versions_parent FOREIGN KEY (organization_id, parent_id)
REFERENCES ml_loop.model_versions (organization_id, id);
COMMENT ON COLUMN ml_loop.model_versions.content IS 'The version itself as canonical JSON: prompt, exemplars, model, effort, limits, tools, shape of the answer. Its hash is its name.';
COMMENT ON COLUMN ml_loop.model_versions.origin IS 'shipped with the program; trained by a job; trial: a step of an optimiser; written by hand.';
CREATE INDEX model_versions_parent_of ON ml_loop.model_versions (organization_id, parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX model_versions_created_by ON ml_loop.model_versions (created_by);

-- Feedback --------------------------------------------------------------------------------------------------------------

ALTER TABLE ml_loop.feedback_loop
ADD COLUMN tool_call_id uuid,
ADD COLUMN record_id uuid,
ADD COLUMN record_version integer,
ADD COLUMN model_name text,
ADD COLUMN agent_version text,
ADD COLUMN label text NOT NULL DEFAULT '' CHECK (char_length(label) <= 100),
ADD COLUMN details jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(details) = 'object'),
ADD COLUMN given_kind text,
ADD COLUMN langfuse_trace_id text,
ADD COLUMN idempotency_key text CHECK (char_length(idempotency_key) BETWEEN 1 AND 200),
ADD CONSTRAINT feedback_is_about_something CHECK (num_nonnulls(run_id, tool_call_id, record_id) > 0) NOT VALID,
ADD CONSTRAINT feedback_record FOREIGN KEY (organization_id, record_id) REFERENCES qms.quality_items (organization_id, id);
COMMENT ON COLUMN ml_loop.feedback_loop.given_kind IS 'human: on the review page, by the person. agent: a model passed on what its user said. system: a scorer.';
COMMENT ON COLUMN ml_loop.feedback_loop.details IS 'What the score is made of: of an automatic one the score of each scorer.';
CREATE UNIQUE INDEX feedback_once ON ml_loop.feedback_loop (organization_id, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE UNIQUE INDEX feedback_automatic ON ml_loop.feedback_loop (run_id, label) WHERE source = 'automated';
CREATE INDEX feedback_of_agent ON ml_loop.feedback_loop (organization_id, model_name, created_at);
CREATE INDEX feedback_of_record ON ml_loop.feedback_loop (record_id) WHERE record_id IS NOT NULL;
CREATE INDEX feedback_of_call ON ml_loop.feedback_loop (tool_call_id) WHERE tool_call_id IS NOT NULL;

ALTER TABLE ml_loop.training_data
ADD COLUMN run_id uuid,
ADD COLUMN feedback_id uuid REFERENCES ml_loop.feedback_loop (id),
ADD COLUMN agent_version text,
ADD COLUMN group_key text,
ADD CONSTRAINT training_data_run FOREIGN KEY (organization_id, run_id) REFERENCES agents.agent_runs (organization_id, id);
COMMENT ON COLUMN ml_loop.training_data.group_key IS 'The conversation it comes from: all of one group go to the same side of a split.';
CREATE UNIQUE INDEX training_data_feedback ON ml_loop.training_data (feedback_id) WHERE feedback_id IS NOT NULL;
CREATE INDEX training_data_of_run ON ml_loop.training_data (run_id) WHERE run_id IS NOT NULL;

-- Datasets --------------------------------------------------------------------------------------------------------------

CREATE TABLE ml_loop.datasets (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL REFERENCES qms.organizations (id),
    model_name text NOT NULL,
    name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 100),
    created_by uuid NOT NULL DEFAULT qms.current_user_id() REFERENCES auth.users (id),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (organization_id, name),
    UNIQUE (organization_id, id)
);
COMMENT ON TABLE ml_loop.datasets IS 'Names under which versions of a dataset are kept.';
CREATE INDEX datasets_created_by ON ml_loop.datasets (created_by);

CREATE TABLE ml_loop.dataset_versions (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL REFERENCES qms.organizations (id),
    dataset_id uuid NOT NULL,
    version integer NOT NULL CHECK (version > 0),
    content_sha256 text NOT NULL CHECK (content_sha256 ~ '^[0-9a-f]{64}$'),
    n integer NOT NULL CHECK (n > 0),
    spec jsonb NOT NULL CHECK (jsonb_typeof(spec) = 'object'),
    report jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(report) = 'object'),
    created_by uuid NOT NULL DEFAULT qms.current_user_id() REFERENCES auth.users (id),
    created_kind text NOT NULL DEFAULT qms.current_actor_kind(),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (organization_id, id),
    UNIQUE (dataset_id, version),
    UNIQUE (dataset_id, content_sha256),
    FOREIGN KEY (organization_id, dataset_id) REFERENCES ml_loop.datasets (organization_id, id)
);
COMMENT ON TABLE ml_loop.dataset_versions IS 'A dataset as it was frozen: the hash of its items, how they were chosen, and what was left out.';
CREATE INDEX dataset_versions_created_by ON ml_loop.dataset_versions (created_by);

CREATE TABLE ml_loop.dataset_groups (
    organization_id uuid NOT NULL REFERENCES qms.organizations (id),
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    dataset_version_id uuid NOT NULL,
    group_key text NOT NULL,
    split text NOT NULL CHECK (split IN ('train', 'dev', 'test')),
    UNIQUE (dataset_version_id, group_key),
    UNIQUE (organization_id, dataset_version_id, group_key, split),
    FOREIGN KEY (organization_id, dataset_version_id) REFERENCES ml_loop.dataset_versions (organization_id, id)
);
COMMENT ON TABLE ml_loop.dataset_groups IS 'On which side of the split a conversation is: one row, so never on two.';

CREATE TABLE ml_loop.dataset_items (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL REFERENCES qms.organizations (id),
    dataset_version_id uuid NOT NULL,
    position integer NOT NULL CHECK (position > 0),
    group_key text NOT NULL,
    split text NOT NULL,
    input jsonb NOT NULL,
    expected jsonb NOT NULL,
    score double precision CHECK (score BETWEEN 0 AND 1),
    weight double precision NOT NULL DEFAULT 1 CHECK (weight > 0),
    is_validated boolean NOT NULL DEFAULT false,
    slices jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(slices) = 'object'),
    item_sha256 text NOT NULL CHECK (item_sha256 ~ '^[0-9a-f]{64}$'),
    run_ids uuid [] NOT NULL DEFAULT '{}',
    feedback_ids uuid [] NOT NULL DEFAULT '{}',
    UNIQUE (organization_id, id),
    UNIQUE (dataset_version_id, position),
    UNIQUE (dataset_version_id, item_sha256),
    -- With the one row of its group this makes leakage across the split impossible.
    FOREIGN KEY (organization_id, dataset_version_id, group_key, split)
    REFERENCES ml_loop.dataset_groups (organization_id, dataset_version_id, group_key, split)
);
COMMENT ON TABLE ml_loop.dataset_items IS 'What was asked and what a good answer is, masked, with the runs and the feedback it comes from.';
COMMENT ON COLUMN ml_loop.dataset_items.slices IS 'What results are looked at by: {"subject": "capa", "length": "short"}.';

ALTER TABLE ml_loop.model_versions ADD CONSTRAINT model_versions_dataset
FOREIGN KEY (organization_id, dataset_version_id) REFERENCES ml_loop.dataset_versions (organization_id, id);
CREATE INDEX model_versions_of_dataset ON ml_loop.model_versions (dataset_version_id) WHERE dataset_version_id IS NOT NULL;

-- Jobs: work that outlives the call that asked for it -------------------------------------------------------------------

CREATE TABLE agents.jobs (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL REFERENCES qms.organizations (id),
    user_id uuid NOT NULL REFERENCES auth.users (id),
    kind text NOT NULL CHECK (char_length(kind) BETWEEN 1 AND 60),
    key text NOT NULL CHECK (char_length(key) BETWEEN 1 AND 200),
    spec jsonb NOT NULL CHECK (jsonb_typeof(spec) = 'object'),
    runs_in text NOT NULL DEFAULT 'server' CHECK (runs_in IN ('server', 'workers')),
    state text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'running', 'completed', 'failed', 'cancelled')),
    stage text NOT NULL DEFAULT '',
    fence integer NOT NULL DEFAULT 0,
    executor text,
    result jsonb,
    error text,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    started_at timestamptz,
    finished_at timestamptz,
    UNIQUE (organization_id, id),
    UNIQUE (organization_id, kind, key),
    CONSTRAINT job_finished_is_dated CHECK ((state IN ('queued', 'running')) = (finished_at IS NULL))
);
COMMENT ON TABLE agents.jobs IS 'Long work, begun once under its key: trainings, evaluations, what runs on a schedule. Killed, it goes on in another process.';
CREATE INDEX jobs_newest ON agents.jobs (organization_id, kind, created_at DESC);
CREATE INDEX jobs_unfinished ON agents.jobs (executor) WHERE finished_at IS NULL;
CREATE INDEX jobs_user ON agents.jobs (user_id);

CREATE TABLE agents.job_notes (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL,
    job_id uuid NOT NULL,
    step integer NOT NULL,
    stage text NOT NULL,
    note jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (job_id, step),
    FOREIGN KEY (organization_id, job_id) REFERENCES agents.jobs (organization_id, id)
);
COMMENT ON TABLE agents.job_notes IS 'What a job has done so far, in order: where it goes on after an interruption.';
CREATE INDEX job_notes_org ON agents.job_notes (organization_id);

-- Evaluations -----------------------------------------------------------------------------------------------------------

CREATE TABLE ml_loop.evaluations (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL REFERENCES qms.organizations (id),
    model_name text NOT NULL,
    version_id uuid NOT NULL,
    dataset_version_id uuid,
    purpose text NOT NULL CHECK (purpose IN ('score', 'trial', 'safety')),
    split text NOT NULL CHECK (split IN ('train', 'dev', 'test', 'all')),
    spec jsonb NOT NULL CHECK (jsonb_typeof(spec) = 'object'),
    spec_sha256 text NOT NULL CHECK (spec_sha256 ~ '^[0-9a-f]{64}$'),
    job_id uuid,
    dispatch_id uuid,
    state text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'completed', 'failed')),
    n integer NOT NULL DEFAULT 0,
    score double precision CHECK (score BETWEEN 0 AND 1),
    cost_usd numeric NOT NULL DEFAULT 0,
    summary jsonb NOT NULL DEFAULT '{}',
    error text,
    created_by uuid NOT NULL DEFAULT qms.current_user_id() REFERENCES auth.users (id),
    created_kind text NOT NULL DEFAULT qms.current_actor_kind(),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz,
    UNIQUE (organization_id, id),
    FOREIGN KEY (organization_id, version_id) REFERENCES ml_loop.model_versions (organization_id, id),
    FOREIGN KEY (organization_id, dataset_version_id) REFERENCES ml_loop.dataset_versions (organization_id, id),
    FOREIGN KEY (organization_id, job_id) REFERENCES agents.jobs (organization_id, id),
    FOREIGN KEY (organization_id, dispatch_id) REFERENCES agents.dispatches (organization_id, id)
);
COMMENT ON TABLE ml_loop.evaluations IS 'A version measured on cases: by which scorers, at what cost, with what result.';
COMMENT ON COLUMN ml_loop.evaluations.spec_sha256 IS 'Of scorers, judge and their versions, cases and seed: the same is not measured twice.';
CREATE INDEX evaluations_version ON ml_loop.evaluations (organization_id, version_id, created_at);
CREATE INDEX evaluations_dataset ON ml_loop.evaluations (dataset_version_id);
CREATE INDEX evaluations_job ON ml_loop.evaluations (job_id);
CREATE INDEX evaluations_dispatch ON ml_loop.evaluations (dispatch_id);
CREATE INDEX evaluations_created_by ON ml_loop.evaluations (created_by);

ALTER TABLE ml_loop.eval_results
ADD COLUMN evaluation_id uuid,
ADD COLUMN case_key text,
ADD COLUMN dataset_item_id uuid,
ADD COLUMN run_id uuid,
ADD COLUMN latency_ms integer,
ADD COLUMN cost_usd numeric,
ADD CONSTRAINT eval_results_evaluation FOREIGN KEY (organization_id, evaluation_id) REFERENCES ml_loop.evaluations (organization_id, id),
ADD CONSTRAINT eval_results_item FOREIGN KEY (organization_id, dataset_item_id) REFERENCES ml_loop.dataset_items (organization_id, id),
ADD CONSTRAINT eval_results_run FOREIGN KEY (organization_id, run_id) REFERENCES agents.agent_runs (organization_id, id);
COMMENT ON COLUMN ml_loop.eval_results.eval_type IS 'Which scorer.';
CREATE UNIQUE INDEX eval_results_once ON ml_loop.eval_results (evaluation_id, case_key, eval_type) WHERE evaluation_id IS NOT NULL;
CREATE INDEX eval_results_of_item ON ml_loop.eval_results (dataset_item_id) WHERE dataset_item_id IS NOT NULL;
CREATE INDEX eval_results_of_run ON ml_loop.eval_results (run_id) WHERE run_id IS NOT NULL;

CREATE TABLE ml_loop.model_answers (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL REFERENCES qms.organizations (id),
    purpose text NOT NULL CHECK (char_length(purpose) BETWEEN 1 AND 60),
    request_sha256 text NOT NULL CHECK (request_sha256 ~ '^[0-9a-f]{64}$'),
    model text NOT NULL,
    answer text NOT NULL,
    usage jsonb NOT NULL DEFAULT '{}',
    cost_usd numeric NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (organization_id, purpose, request_sha256)
);
COMMENT ON TABLE ml_loop.model_answers IS 'What a judge or an optimiser was answered: the same question is not paid for twice, and a resumed job hears the same.';

CREATE TABLE ml_loop.gate_reports (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL REFERENCES qms.organizations (id),
    model_name text NOT NULL,
    version_id uuid NOT NULL,
    baseline_id uuid NOT NULL,
    dataset_version_id uuid NOT NULL,
    checks jsonb NOT NULL CHECK (jsonb_typeof(checks) = 'array'),
    passed boolean NOT NULL,
    content text NOT NULL,
    content_sha256 text NOT NULL CHECK (content_sha256 = encode(sha256(convert_to(content, 'UTF8')), 'hex')),
    created_by uuid NOT NULL DEFAULT qms.current_user_id() REFERENCES auth.users (id),
    created_kind text NOT NULL DEFAULT qms.current_actor_kind(),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (organization_id, id),
    FOREIGN KEY (organization_id, version_id) REFERENCES ml_loop.model_versions (organization_id, id),
    FOREIGN KEY (organization_id, baseline_id) REFERENCES ml_loop.model_versions (organization_id, id),
    FOREIGN KEY (organization_id, dataset_version_id) REFERENCES ml_loop.dataset_versions (organization_id, id),
    -- Every gate has to be there and to be passed; nobody decides that by writing `true`.
    CONSTRAINT passed_means_every_gate CHECK (
        NOT passed OR (
            checks @> '[{"gate": "threshold", "passed": true}, {"gate": "regression", "passed": true}]'
            AND checks @> '[{"gate": "slices", "passed": true}, {"gate": "safety", "passed": true}]'
            AND checks @> '[{"gate": "cost", "passed": true}, {"gate": "latency", "passed": true}]'
            AND NOT checks @> '[{"passed": false}]'
        )
    )
);
COMMENT ON TABLE ml_loop.gate_reports IS 'Whether a version may go to people: every gate with its numbers, and the report a person reads.';
CREATE INDEX gate_reports_version ON ml_loop.gate_reports (organization_id, version_id, created_at DESC);
CREATE INDEX gate_reports_baseline ON ml_loop.gate_reports (baseline_id);
CREATE INDEX gate_reports_dataset ON ml_loop.gate_reports (dataset_version_id);
CREATE INDEX gate_reports_created_by ON ml_loop.gate_reports (created_by);

-- Which version answers -------------------------------------------------------------------------------------------------

CREATE TABLE ml_loop.aliases (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL REFERENCES qms.organizations (id),
    model_name text NOT NULL,
    alias text NOT NULL CHECK (alias IN ('production', 'candidate', 'shadow')),
    version_id uuid NOT NULL,
    since timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (organization_id, model_name, alias),
    FOREIGN KEY (organization_id, version_id) REFERENCES ml_loop.model_versions (organization_id, id)
);
COMMENT ON TABLE ml_loop.aliases IS 'Which version of an agent a name stands for. Without a row for production, the shipped version answers.';
CREATE INDEX aliases_version ON ml_loop.aliases (version_id);

CREATE TABLE ml_loop.alias_moves (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL REFERENCES qms.organizations (id),
    model_name text NOT NULL,
    alias text NOT NULL,
    from_id uuid,
    to_id uuid,
    reason text NOT NULL CHECK (btrim(reason) <> ''),
    approval_id uuid REFERENCES qms.approvals (id),
    moved_by uuid REFERENCES auth.users (id) DEFAULT qms.current_user_id(),
    moved_kind text NOT NULL DEFAULT coalesce(qms.current_actor_kind(), 'system'),
    moved_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    FOREIGN KEY (organization_id, from_id) REFERENCES ml_loop.model_versions (organization_id, id),
    FOREIGN KEY (organization_id, to_id) REFERENCES ml_loop.model_versions (organization_id, id)
);
COMMENT ON TABLE ml_loop.alias_moves IS 'Every move of an alias: from what, to what, why, by whom, with which approval. Null: the shipped version.';
CREATE INDEX alias_moves_of ON ml_loop.alias_moves (organization_id, model_name, moved_at DESC);
CREATE INDEX alias_moves_from ON ml_loop.alias_moves (from_id);
CREATE INDEX alias_moves_to ON ml_loop.alias_moves (to_id);
CREATE INDEX alias_moves_approval ON ml_loop.alias_moves (approval_id);
CREATE INDEX alias_moves_by ON ml_loop.alias_moves (moved_by);

CREATE TABLE ml_loop.rollouts (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL REFERENCES qms.organizations (id),
    model_name text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('shadow', 'canary', 'experiment', 'production')),
    version_id uuid NOT NULL,
    baseline_id uuid,
    percent numeric NOT NULL CHECK (percent > 0 AND percent <= 100),
    sticky_by text NOT NULL DEFAULT 'dispatch' CHECK (sticky_by IN ('dispatch', 'person')),
    salt text NOT NULL DEFAULT gen_random_uuid()::text,
    plan jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(plan) = 'object'),
    gate_report_id uuid,
    approval_id uuid REFERENCES qms.approvals (id),
    state text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'completed', 'rolled_back', 'stopped')),
    outcome jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(outcome) = 'object'),
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at timestamptz,
    end_reason text,
    ended_kind text,
    UNIQUE (organization_id, id),
    FOREIGN KEY (organization_id, version_id) REFERENCES ml_loop.model_versions (organization_id, id),
    FOREIGN KEY (organization_id, baseline_id) REFERENCES ml_loop.model_versions (organization_id, id),
    FOREIGN KEY (organization_id, gate_report_id) REFERENCES ml_loop.gate_reports (organization_id, id),
    CONSTRAINT rollout_end_is_told CHECK ((state = 'running') = (ended_at IS NULL) AND (ended_at IS NULL) = (end_reason IS NULL))
);
COMMENT ON TABLE ml_loop.rollouts IS 'How a version goes to people: to how many of them, watched against which other, and how it ended. The plan holds the limits of the watch.';
CREATE UNIQUE INDEX rollouts_one_at_a_time ON ml_loop.rollouts (organization_id, model_name) WHERE state = 'running' AND kind IN ('canary', 'experiment');
CREATE UNIQUE INDEX rollouts_one_shadow ON ml_loop.rollouts (organization_id, model_name) WHERE state = 'running' AND kind = 'shadow';
CREATE INDEX rollouts_version ON ml_loop.rollouts (organization_id, version_id);
CREATE INDEX rollouts_baseline ON ml_loop.rollouts (baseline_id);
CREATE INDEX rollouts_gates ON ml_loop.rollouts (gate_report_id);
CREATE INDEX rollouts_approval ON ml_loop.rollouts (approval_id);

CREATE TABLE ml_loop.promotion_requests (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL REFERENCES qms.organizations (id),
    model_name text NOT NULL,
    action text NOT NULL CHECK (action IN ('canary', 'experiment', 'production', 'roll_back')),
    version_id uuid,
    percent numeric CHECK (percent > 0 AND percent <= 100),
    sticky_by text NOT NULL DEFAULT 'dispatch',
    plan jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(plan) = 'object'),
    gate_report_id uuid,
    content text NOT NULL,
    reason text NOT NULL CHECK (char_length(btrim(reason)) >= 10),
    requested_by uuid NOT NULL DEFAULT qms.current_user_id() REFERENCES auth.users (id),
    requested_kind text NOT NULL DEFAULT qms.current_actor_kind(),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (organization_id, id),
    FOREIGN KEY (organization_id, version_id) REFERENCES ml_loop.model_versions (organization_id, id),
    FOREIGN KEY (organization_id, gate_report_id) REFERENCES ml_loop.gate_reports (organization_id, id)
);
COMMENT ON TABLE ml_loop.promotion_requests IS 'What a person was asked to let go to people, or to take back; a version of null is the shipped one.';
CREATE INDEX promotion_requests_org ON ml_loop.promotion_requests (organization_id, model_name, created_at DESC);
CREATE INDEX promotion_requests_version ON ml_loop.promotion_requests (version_id);
CREATE INDEX promotion_requests_gates ON ml_loop.promotion_requests (gate_report_id);
CREATE INDEX promotion_requests_by ON ml_loop.promotion_requests (requested_by);

-- Drift, alerts ---------------------------------------------------------------------------------------------------------

CREATE TABLE ml_loop.drift_references (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL REFERENCES qms.organizations (id),
    model_name text NOT NULL,
    metric_type text NOT NULL,
    agent_version text,
    n integer NOT NULL CHECK (n > 0),
    sample jsonb NOT NULL,
    window_from timestamptz NOT NULL,
    window_to timestamptz NOT NULL,
    reason text NOT NULL DEFAULT '',
    created_by uuid NOT NULL DEFAULT qms.current_user_id() REFERENCES auth.users (id),
    created_kind text NOT NULL DEFAULT qms.current_actor_kind(),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (organization_id, id)
);
COMMENT ON TABLE ml_loop.drift_references IS 'What a metric of an agent looked like when all was well: what is compared with, kept as it was.';
CREATE INDEX drift_references_of ON ml_loop.drift_references (organization_id, model_name, metric_type, created_at DESC);
CREATE INDEX drift_references_by ON ml_loop.drift_references (created_by);

ALTER TABLE ml_loop.drift_metrics
ADD COLUMN reference_id uuid,
ADD COLUMN method text,
ADD COLUMN n_reference integer,
ADD COLUMN n_current integer,
ADD COLUMN statistic double precision,
ADD COLUMN p_value double precision,
ADD COLUMN effect double precision,
ADD COLUMN severity text,
ADD COLUMN agent_version text,
ADD COLUMN details jsonb NOT NULL DEFAULT '{}',
ADD CONSTRAINT drift_metrics_reference FOREIGN KEY (organization_id, reference_id) REFERENCES ml_loop.drift_references (organization_id, id);
COMMENT ON COLUMN ml_loop.drift_metrics.drift_score IS 'The size of the difference from 0 to 1, as the method defines it; from 0.3 on it is severe.';
CREATE INDEX drift_metrics_of_reference ON ml_loop.drift_metrics (reference_id) WHERE reference_id IS NOT NULL;

CREATE TABLE ml_loop.alert_rules (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL REFERENCES qms.organizations (id),
    metric text NOT NULL CHECK (metric IN ('latency_s', 'error_rate', 'tokens_per_day', 'drift', 'feedback_average', 'queue_depth')),
    threshold double precision NOT NULL,
    clears_at double precision NOT NULL,
    level text NOT NULL CHECK (level IN ('warning', 'critical')),
    window_minutes integer NOT NULL CHECK (window_minutes BETWEEN 1 AND 525600),
    minimum_n integer NOT NULL DEFAULT 1 CHECK (minimum_n > 0),
    enabled boolean NOT NULL DEFAULT true,
    reason text NOT NULL DEFAULT '',
    set_by uuid DEFAULT qms.current_user_id() REFERENCES auth.users (id),
    set_kind text NOT NULL DEFAULT qms.current_actor_kind(),
    set_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE ml_loop.alert_rules IS 'From when on something is an alert, as an organization set it; the newest row of a metric counts, without one the shipped limit.';
CREATE INDEX alert_rules_newest ON ml_loop.alert_rules (organization_id, metric, set_at DESC);
CREATE INDEX alert_rules_set_by ON ml_loop.alert_rules (set_by);

CREATE TABLE ml_loop.alerts (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL REFERENCES qms.organizations (id),
    metric text NOT NULL,
    subject text NOT NULL DEFAULT '',
    level text NOT NULL CHECK (level IN ('warning', 'critical')),
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'acknowledged', 'closed')),
    threshold double precision NOT NULL,
    opened_value double precision NOT NULL,
    last_value double precision NOT NULL,
    n integer NOT NULL DEFAULT 0,
    message text NOT NULL,
    opened_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    acknowledged_by uuid REFERENCES auth.users (id),
    acknowledged_kind text,
    acknowledged_at timestamptz,
    acknowledged_why text,
    closed_at timestamptz,
    closed_why text,
    told jsonb NOT NULL DEFAULT '[]',
    UNIQUE (organization_id, id),
    CONSTRAINT alert_acknowledged_by_someone CHECK ((acknowledged_by IS NULL) = (acknowledged_at IS NULL)),
    CONSTRAINT alert_closed_is_dated CHECK ((state = 'closed') = (closed_at IS NOT NULL))
);
COMMENT ON TABLE ml_loop.alerts IS 'What went beyond a limit: opened, acknowledged by somebody, closed when it is clearly back.';
CREATE UNIQUE INDEX alerts_one_open ON ml_loop.alerts (organization_id, metric, subject) WHERE state <> 'closed';
CREATE INDEX alerts_newest ON ml_loop.alerts (organization_id, opened_at DESC);
CREATE INDEX alerts_acknowledged_by ON ml_loop.alerts (acknowledged_by);

CREATE TABLE ml_loop.job_schedules (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL REFERENCES qms.organizations (id),
    job text NOT NULL CHECK (char_length(job) BETWEEN 1 AND 60),
    cron text NOT NULL CHECK (char_length(cron) BETWEEN 9 AND 100),
    enabled boolean NOT NULL DEFAULT true,
    options jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(options) = 'object'),
    reason text NOT NULL DEFAULT '',
    set_by uuid NOT NULL DEFAULT qms.current_user_id() REFERENCES auth.users (id),
    set_kind text NOT NULL DEFAULT qms.current_actor_kind(),
    set_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE ml_loop.job_schedules IS 'When a job runs, as an organization set it; the newest row of a job counts, without one the shipped schedule.';
CREATE INDEX job_schedules_newest ON ml_loop.job_schedules (organization_id, job, set_at DESC);
CREATE INDEX job_schedules_set_by ON ml_loop.job_schedules (set_by);

-- Who may ---------------------------------------------------------------------------------------------------------------

DO $$
DECLARE
    place text;
BEGIN
    FOREACH place IN ARRAY ARRAY[
        'datasets', 'dataset_versions', 'dataset_groups', 'dataset_items', 'evaluations', 'model_answers',
        'gate_reports', 'aliases', 'alias_moves', 'rollouts', 'promotion_requests', 'drift_references', 'alert_rules',
        'alerts', 'job_schedules'
    ] LOOP
        EXECUTE format('ALTER TABLE ml_loop.%I ENABLE ROW LEVEL SECURITY', place);
        EXECUTE format('ALTER TABLE ml_loop.%I FORCE ROW LEVEL SECURITY', place);
        EXECUTE format(
            'CREATE POLICY read_own ON ml_loop.%I FOR SELECT TO qms_app, qms_sql '
            'USING (organization_id = (SELECT qms.current_organization_id()))', place
        );
        EXECUTE format('GRANT SELECT ON ml_loop.%I TO qms_app, qms_sql', place);
    END LOOP;
    -- These are written by a service as rows, and never again.
    FOREACH place IN ARRAY ARRAY[
        'datasets', 'dataset_versions', 'dataset_groups', 'dataset_items', 'evaluations', 'model_answers',
        'gate_reports', 'promotion_requests', 'drift_references', 'alert_rules', 'job_schedules'
    ] LOOP
        EXECUTE format(
            'CREATE POLICY add_own ON ml_loop.%I FOR INSERT TO qms_app '
            'WITH CHECK (organization_id = (SELECT qms.current_organization_id()) AND (SELECT qms.may_write()))', place
        );
        EXECUTE format('GRANT INSERT ON ml_loop.%I TO qms_app', place);
    END LOOP;
    -- Where something stands moves, by functions of their own or by the service that drives it.
    FOREACH place IN ARRAY ARRAY[
        'datasets', 'dataset_versions', 'dataset_groups', 'dataset_items', 'model_answers', 'gate_reports',
        'alias_moves', 'promotion_requests', 'drift_references', 'alert_rules', 'job_schedules', 'feedback_loop',
        'training_data', 'eval_results', 'drift_metrics'
    ] LOOP
        EXECUTE format(
            'CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON ml_loop.%I '
            'FOR EACH ROW EXECUTE FUNCTION qms.refuse_change()', place
        );
    END LOOP;
    FOREACH place IN ARRAY ARRAY['evaluations', 'aliases', 'rollouts', 'alerts', 'model_versions'] LOOP
        EXECUTE format(
            'CREATE TRIGGER never_deleted BEFORE DELETE ON ml_loop.%I '
            'FOR EACH ROW EXECUTE FUNCTION qms.refuse_change()', place
        );
    END LOOP;
    FOREACH place IN ARRAY ARRAY[
        'datasets', 'dataset_versions', 'dataset_groups', 'dataset_items', 'evaluations', 'model_answers',
        'gate_reports', 'aliases', 'alias_moves', 'rollouts', 'promotion_requests', 'drift_references', 'alert_rules',
        'alerts', 'job_schedules', 'feedback_loop', 'training_data', 'eval_results', 'drift_metrics', 'model_versions'
    ] LOOP
        EXECUTE format(
            'CREATE TRIGGER never_truncated BEFORE TRUNCATE ON ml_loop.%I '
            'FOR EACH STATEMENT EXECUTE FUNCTION qms.refuse_change()', place
        );
        EXECUTE format(
            'CREATE POLICY administration ON ml_loop.%I FOR ALL TO qms_definer USING (true) WITH CHECK (true)', place
        );
        EXECUTE format('GRANT SELECT, INSERT, UPDATE ON ml_loop.%I TO qms_definer', place);
    END LOOP;
    FOREACH place IN ARRAY ARRAY['feedback_loop', 'training_data', 'eval_results', 'drift_metrics', 'model_versions'] LOOP
        EXECUTE format('REVOKE UPDATE ON ml_loop.%I FROM qms_app', place);
        EXECUTE format('DROP POLICY change_own ON ml_loop.%I', place);
    END LOOP;
    -- The kind of whoever acts is the database's to say.
    FOREACH place IN ARRAY ARRAY['evaluations'] LOOP
        EXECUTE format(
            'CREATE POLICY change_own ON ml_loop.%I FOR UPDATE TO qms_app '
            'USING (organization_id = (SELECT qms.current_organization_id()) AND (SELECT qms.may_write())) '
            'WITH CHECK (organization_id = (SELECT qms.current_organization_id()))', place
        );
    END LOOP;
END
$$;
GRANT UPDATE (state, n, score, cost_usd, summary, error, finished_at, dispatch_id) ON ml_loop.evaluations TO qms_app;
GRANT USAGE ON SCHEMA ml_loop TO qms_definer, qms_ledger;

-- A version is what it was when it was made; only where it stands may move.
CREATE FUNCTION ml_loop.keep_version() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF (to_jsonb(new) - ARRAY['status', 'deployed_at', 'metrics']) <> (to_jsonb(old) - ARRAY['status', 'deployed_at', 'metrics']) THEN
        RAISE EXCEPTION 'a version of an agent does not change: another one has to be made' USING ERRCODE = 'QM003';
    END IF;
    RETURN new;
END
$$;
COMMENT ON FUNCTION ml_loop.keep_version() IS 'Keeps a version as it was made.';
CREATE TRIGGER keep_version BEFORE UPDATE ON ml_loop.model_versions
FOR EACH ROW EXECUTE FUNCTION ml_loop.keep_version();

CREATE FUNCTION ml_loop.as_oneself() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- Whoever writes says neither who nor what kind of actor they are: the database knows.
    IF qms.current_organization_id() IS NOT NULL THEN
        new := jsonb_populate_record(
            new, jsonb_build_object(tg_argv[0], qms.current_user_id(), tg_argv[1], qms.current_actor_kind())
        );
    END IF;
    RETURN new;
END
$$;
COMMENT ON FUNCTION ml_loop.as_oneself() IS 'Sets who wrote a row, and what kind of actor, from the identity of the transaction.';
CREATE TRIGGER as_oneself BEFORE INSERT ON ml_loop.model_versions FOR EACH ROW EXECUTE FUNCTION ml_loop.as_oneself('created_by', 'created_kind');
CREATE TRIGGER as_oneself BEFORE INSERT ON ml_loop.dataset_versions FOR EACH ROW EXECUTE FUNCTION ml_loop.as_oneself('created_by', 'created_kind');
CREATE TRIGGER as_oneself BEFORE INSERT ON ml_loop.evaluations FOR EACH ROW EXECUTE FUNCTION ml_loop.as_oneself('created_by', 'created_kind');
CREATE TRIGGER as_oneself BEFORE INSERT ON ml_loop.gate_reports FOR EACH ROW EXECUTE FUNCTION ml_loop.as_oneself('created_by', 'created_kind');
CREATE TRIGGER as_oneself BEFORE INSERT ON ml_loop.promotion_requests FOR EACH ROW EXECUTE FUNCTION ml_loop.as_oneself('requested_by', 'requested_kind');
CREATE TRIGGER as_oneself BEFORE INSERT ON ml_loop.drift_references FOR EACH ROW EXECUTE FUNCTION ml_loop.as_oneself('created_by', 'created_kind');
CREATE TRIGGER as_oneself BEFORE INSERT ON ml_loop.alert_rules FOR EACH ROW EXECUTE FUNCTION ml_loop.as_oneself('set_by', 'set_kind');
CREATE TRIGGER as_oneself BEFORE INSERT ON ml_loop.job_schedules FOR EACH ROW EXECUTE FUNCTION ml_loop.as_oneself('set_by', 'set_kind');
CREATE TRIGGER as_oneself BEFORE INSERT ON ml_loop.feedback_loop FOR EACH ROW EXECUTE FUNCTION ml_loop.as_oneself('given_by', 'given_kind');

ALTER TABLE agents.jobs ENABLE ROW LEVEL SECURITY;
ALTER TABLE agents.jobs FORCE ROW LEVEL SECURITY;
CREATE POLICY read_own ON agents.jobs FOR SELECT TO qms_app, qms_sql
USING (organization_id = (SELECT qms.current_organization_id()));
CREATE POLICY ledger ON agents.jobs FOR ALL TO qms_ledger USING (true) WITH CHECK (true);
ALTER TABLE agents.job_notes ENABLE ROW LEVEL SECURITY;
ALTER TABLE agents.job_notes FORCE ROW LEVEL SECURITY;
CREATE POLICY read_own ON agents.job_notes FOR SELECT TO qms_app, qms_sql
USING (organization_id = (SELECT qms.current_organization_id()));
CREATE POLICY ledger ON agents.job_notes FOR ALL TO qms_ledger USING (true) WITH CHECK (true);
GRANT SELECT ON agents.jobs, agents.job_notes TO qms_app, qms_sql;
GRANT SELECT, INSERT, UPDATE ON agents.jobs TO qms_ledger;
GRANT SELECT, INSERT ON agents.job_notes TO qms_ledger;
CREATE TRIGGER never_deleted BEFORE DELETE ON agents.jobs FOR EACH ROW EXECUTE FUNCTION qms.refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON agents.job_notes FOR EACH ROW EXECUTE FUNCTION qms.refuse_change();
CREATE TRIGGER never_truncated BEFORE TRUNCATE ON agents.jobs FOR EACH STATEMENT EXECUTE FUNCTION qms.refuse_change();
CREATE TRIGGER never_truncated BEFORE TRUNCATE ON agents.job_notes FOR EACH STATEMENT EXECUTE FUNCTION qms.refuse_change();

-- Where a run stands in all this --------------------------------------------------------------------------------------

ALTER TABLE agents.agent_runs ADD COLUMN version_id uuid, ADD COLUMN lane text, ADD COLUMN rollout_id uuid;
COMMENT ON COLUMN agents.agent_runs.lane IS 'Why this version answered: shipped, production, canary, experiment, control, shadow, evaluation, trial.';
ALTER TABLE agents.agent_runs ADD CONSTRAINT agent_runs_version
FOREIGN KEY (organization_id, version_id) REFERENCES ml_loop.model_versions (organization_id, id) NOT VALID;
ALTER TABLE agents.agent_runs VALIDATE CONSTRAINT agent_runs_version;
CREATE INDEX agent_runs_of_version ON agents.agent_runs (organization_id, version_id, completed_at) WHERE version_id IS NOT NULL;
CREATE INDEX agent_runs_of_rollout ON agents.agent_runs (rollout_id, completed_at) WHERE rollout_id IS NOT NULL;
ALTER TABLE agents.dispatches ADD COLUMN purpose text NOT NULL DEFAULT 'work' CHECK (purpose IN ('work', 'evaluation', 'trial', 'shadow'));
COMMENT ON COLUMN agents.dispatches.purpose IS 'work: somebody wants the answer. The others measure versions: they draft nothing and count nowhere else.';
ALTER TABLE agents.dispatch_tasks ADD COLUMN version_id uuid, ADD COLUMN inputs jsonb NOT NULL DEFAULT '{}';
COMMENT ON COLUMN agents.dispatch_tasks.version_id IS 'The version that has to do it; null: whichever the aliases say.';
COMMENT ON COLUMN agents.dispatch_tasks.inputs IS 'Answers of others it is given, beside those of the tasks it waited for.';

DO $$
DECLARE
    texts record;
BEGIN
    -- Estimates come from statistics over all organizations: texts give none away.
    FOR texts IN
        SELECT a.attrelid::regclass AS place, a.attname
        FROM pg_catalog.pg_attribute AS a
        INNER JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid
        WHERE
            (c.relnamespace = 'ml_loop'::regnamespace OR c.oid IN ('agents.jobs'::regclass, 'agents.job_notes'::regclass))
            AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
            AND a.atttypid IN ('text'::regtype, 'jsonb'::regtype)
    LOOP
        EXECUTE format('ALTER TABLE %s ALTER COLUMN %I SET STATISTICS 0', texts.place, texts.attname);
    END LOOP;
END
$$;
