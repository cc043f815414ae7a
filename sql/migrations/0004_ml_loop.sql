-- The improvement loop: versions, training data, evaluations, drift, feedback.

CREATE SCHEMA ml_loop;
COMMENT ON SCHEMA ml_loop IS 'How agents are evaluated and improved, in measured steps.';
GRANT USAGE ON SCHEMA ml_loop TO qms_app, qms_sql, qms_probe;

CREATE TABLE ml_loop.model_versions (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL REFERENCES qms.organizations (id),
    model_name text NOT NULL,
    version text NOT NULL,
    config jsonb NOT NULL,
    metrics jsonb DEFAULT '{}',
    status text DEFAULT 'training',
    deployed_at timestamptz,
    created_at timestamptz DEFAULT now(),
    UNIQUE (organization_id, model_name, version),
    UNIQUE (organization_id, id)
);
COMMENT ON TABLE ml_loop.model_versions IS 'Versions of an agent: prompt, exemplars, model and limits.';

CREATE TABLE ml_loop.training_data (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL REFERENCES qms.organizations (id),
    model_name text NOT NULL,
    input jsonb NOT NULL,
    output jsonb NOT NULL,
    feedback_score double precision CHECK (feedback_score BETWEEN 0 AND 1),
    is_validated boolean DEFAULT false,
    source text,
    created_at timestamptz DEFAULT now()
);
COMMENT ON TABLE ml_loop.training_data IS 'What an agent was asked and answered, with the score it got (0 to 1).';
CREATE INDEX idx_training_data_model ON ml_loop.training_data (organization_id, model_name, created_at);

CREATE TABLE ml_loop.eval_results (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL REFERENCES qms.organizations (id),
    model_version_id uuid,
    eval_type text NOT NULL,
    score double precision NOT NULL,
    details jsonb DEFAULT '{}',
    created_at timestamptz DEFAULT now(),
    FOREIGN KEY (organization_id, model_version_id) REFERENCES ml_loop.model_versions (organization_id, id)
);
COMMENT ON TABLE ml_loop.eval_results IS 'Results of evaluations, one row a case.';
CREATE INDEX eval_results_version ON ml_loop.eval_results (model_version_id);
CREATE INDEX eval_results_org ON ml_loop.eval_results (organization_id, created_at);

CREATE TABLE ml_loop.drift_metrics (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL REFERENCES qms.organizations (id),
    model_name text NOT NULL,
    metric_type text NOT NULL,
    baseline_value double precision,
    current_value double precision,
    drift_score double precision,
    alert_triggered boolean DEFAULT false,
    created_at timestamptz DEFAULT now()
);
COMMENT ON TABLE ml_loop.drift_metrics IS 'How far a metric has moved from its baseline.';
CREATE INDEX drift_metrics_model ON ml_loop.drift_metrics (organization_id, model_name, created_at);

CREATE TABLE ml_loop.feedback_loop (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL REFERENCES qms.organizations (id),
    run_id uuid,
    source text NOT NULL CHECK (source IN ('user', 'automated', 'llm-judge')),
    score double precision NOT NULL CHECK (score BETWEEN 0 AND 1),
    comment text,
    given_by uuid REFERENCES auth.users (id),
    created_at timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (organization_id, run_id) REFERENCES agents.agent_runs (organization_id, id)
);
COMMENT ON TABLE ml_loop.feedback_loop IS 'Feedback on a run: from a person, a rule or a judge.';
CREATE INDEX feedback_loop_org ON ml_loop.feedback_loop (organization_id, created_at);
CREATE INDEX feedback_loop_run ON ml_loop.feedback_loop (run_id);
CREATE INDEX feedback_loop_given_by ON ml_loop.feedback_loop (given_by);

DO $$
DECLARE
    loop_table text;
BEGIN
    FOREACH loop_table IN ARRAY ARRAY[
        'model_versions', 'training_data', 'eval_results', 'drift_metrics', 'feedback_loop'
    ] LOOP
        EXECUTE format('ALTER TABLE ml_loop.%I ENABLE ROW LEVEL SECURITY', loop_table);
        EXECUTE format('ALTER TABLE ml_loop.%I FORCE ROW LEVEL SECURITY', loop_table);
        EXECUTE format(
            'CREATE POLICY read_own ON ml_loop.%I FOR SELECT TO qms_app, qms_sql '
            'USING (organization_id = (SELECT qms.current_organization_id()))', loop_table
        );
        EXECUTE format(
            'CREATE POLICY add_own ON ml_loop.%I FOR INSERT TO qms_app '
            'WITH CHECK (organization_id = (SELECT qms.current_organization_id()) AND (SELECT qms.may_write()))',
            loop_table
        );
        EXECUTE format(
            'CREATE POLICY change_own ON ml_loop.%I FOR UPDATE TO qms_app '
            'USING (organization_id = (SELECT qms.current_organization_id()) AND (SELECT qms.may_write())) '
            'WITH CHECK (organization_id = (SELECT qms.current_organization_id()))', loop_table
        );
        EXECUTE format('GRANT SELECT ON ml_loop.%I TO qms_app, qms_sql', loop_table);
        EXECUTE format('GRANT INSERT, UPDATE ON ml_loop.%I TO qms_app', loop_table);
    END LOOP;
END
$$;
