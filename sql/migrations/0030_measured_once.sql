-- What was measured stays as it was, and a report that lets a version go to people rests on it.
--
-- The arithmetic of a gate is the program's. That there is something it was done on is looked at here: a report is not
-- passed when the database knows of no finished evaluation of both versions on its dataset, or of none on the safety set.

CREATE FUNCTION ml_loop.keep_measured() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF old.state <> 'running' THEN
        RAISE EXCEPTION 'what was measured does not change' USING ERRCODE = 'QM003', HINT = 'Measure it again.';
    END IF;
    RETURN new;
END
$$;
COMMENT ON FUNCTION ml_loop.keep_measured() IS 'Keeps an evaluation that has ended as it ended.';
CREATE TRIGGER keep_measured BEFORE UPDATE ON ml_loop.evaluations
FOR EACH ROW EXECUTE FUNCTION ml_loop.keep_measured();

CREATE FUNCTION ml_loop.only_while_measuring() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- Two processes may finish one evaluation: the second one's scores are left out, as its end is.
    IF new.evaluation_id IS NOT NULL AND qms.current_organization_id() IS NOT NULL AND NOT EXISTS (
        SELECT
        FROM ml_loop.evaluations AS e
        WHERE e.id = new.evaluation_id AND e.organization_id = new.organization_id AND e.state = 'running'
        FOR UPDATE
    ) THEN
        RETURN NULL;
    END IF;
    RETURN new;
END
$$;
COMMENT ON FUNCTION ml_loop.only_while_measuring() IS 'Takes no scores for an evaluation that has ended.';
CREATE TRIGGER only_while_measuring BEFORE INSERT ON ml_loop.eval_results
FOR EACH ROW EXECUTE FUNCTION ml_loop.only_while_measuring();

CREATE FUNCTION ml_loop.rests_on_measurements() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    missing text;
BEGIN
    IF NOT new.passed OR qms.current_organization_id() IS NULL THEN
        RETURN new;
    END IF;
    SELECT string_agg(format('%s on %s', v.version, w.what), ', ') INTO missing
    FROM ml_loop.model_versions AS v
    CROSS JOIN (VALUES ('score', 'the dataset'), ('safety', 'the safety set')) AS w (purpose, what)
    WHERE
        v.organization_id = new.organization_id AND v.id IN (new.version_id, new.baseline_id)
        AND NOT EXISTS (
            SELECT
            FROM ml_loop.evaluations AS e
            WHERE
                e.organization_id = new.organization_id AND e.version_id = v.id AND e.purpose = w.purpose
                AND e.state = 'completed' AND e.n > 0
                AND (w.purpose = 'safety' OR (e.split = 'test' AND e.dataset_version_id = new.dataset_version_id))
                AND EXISTS (SELECT FROM ml_loop.eval_results AS r WHERE r.evaluation_id = e.id)
        );
    IF missing IS NOT NULL OR new.version_id = new.baseline_id THEN
        RAISE EXCEPTION 'the gates can''t be passed by what was not measured: %', coalesce(missing, 'a difference')
        USING ERRCODE = 'QM021', HINT = 'Run the gates.';
    END IF;
    RETURN new;
END
$$;
COMMENT ON FUNCTION ml_loop.rests_on_measurements() IS
'Takes no passed report without finished evaluations of both versions, on the side of the dataset that was held out and on the safety set.';
CREATE TRIGGER rests_on_measurements BEFORE INSERT ON ml_loop.gate_reports
FOR EACH ROW EXECUTE FUNCTION ml_loop.rests_on_measurements();

REVOKE ALL ON FUNCTION ml_loop.keep_measured(), ml_loop.only_while_measuring(), ml_loop.rests_on_measurements() FROM public;
