-- The judge beside people.

-- name: pairs
-- Runs that a person scored on the review page and this judge scored too: the mean of each.
WITH judged AS (
    SELECT
        f.run_id,
        avg(f.score) AS score
    FROM ml_loop.feedback_loop AS f
    WHERE
        f.organization_id = (SELECT qms.current_organization_id()) AND f.source = 'llm-judge'
        AND f.label = %(judge)s AND f.model_name = %(agent)s
    GROUP BY f.run_id
),

rated AS (
    SELECT
        f.run_id,
        avg(f.score) AS score
    FROM ml_loop.feedback_loop AS f
    WHERE
        f.organization_id = (SELECT qms.current_organization_id()) AND f.source = 'user'
        AND f.given_kind = 'human' AND f.model_name = %(agent)s
    GROUP BY f.run_id
)

SELECT
    j.score AS judged,
    h.score AS human
FROM judged AS j
INNER JOIN rated AS h ON j.run_id = h.run_id
ORDER BY j.run_id;

-- name: rated_by_people
-- Runs that a person scored on the review page and this judge has not, the newest first.
SELECT
    r.id AS run_id,
    coalesce(r.input ->> 'request', '') AS request,
    r.output
FROM agents.agent_runs AS r
WHERE
    r.organization_id = (SELECT qms.current_organization_id()) AND r.agent_type = %(agent)s
    AND r.output IS NOT NULL
    AND EXISTS (
        SELECT FROM ml_loop.feedback_loop AS f
        WHERE f.run_id = r.id AND f.source = 'user' AND f.given_kind = 'human'
    )
    AND NOT EXISTS (
        SELECT FROM ml_loop.feedback_loop AS f
        WHERE f.run_id = r.id AND f.source = 'llm-judge' AND f.label = %(judge)s
    )
ORDER BY r.completed_at DESC, r.id DESC
LIMIT %(max_rows)s;
