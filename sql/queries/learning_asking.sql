-- What models were answered: the same question is not paid for twice.

-- name: kept
-- The answer to a request, if it was asked before.
SELECT
    a.model,
    a.answer,
    a.cost_usd::float8 AS cost_usd
FROM ml_loop.model_answers AS a
WHERE
    a.organization_id = (SELECT qms.current_organization_id())
    AND a.purpose = %(purpose)s AND a.request_sha256 = %(request_sha256)s;

-- name: keep
-- Keeps an answer, unless somebody who asked the same was faster.
INSERT INTO ml_loop.model_answers AS a (
    organization_id, purpose, request_sha256, model, answer, usage, cost_usd
)
VALUES (
    qms.current_organization_id(), %(purpose)s, %(request_sha256)s, %(model)s, %(answer)s, %(usage)s::jsonb,
    %(cost_usd)s
)
ON CONFLICT (organization_id, purpose, request_sha256) DO NOTHING;
