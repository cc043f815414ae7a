-- name: store
-- Stores a version of an agent, or finds the one with this content.
SELECT ml_loop.store_version(%(agent)s, %(made)s) AS id;

-- name: find
-- A version by its id, its name, or the alias it has.
SELECT
    v.id,
    v.model_name AS agent,
    v.version,
    v.content,
    v.origin,
    v.parent_id,
    v.dataset_version_id,
    v.job_id,
    v.notes,
    v.created_at,
    v.created_by,
    v.created_kind
FROM ml_loop.model_versions AS v
LEFT JOIN ml_loop.aliases AS a ON a.version_id = v.id AND a.model_name = v.model_name AND a.alias = %(named)s
WHERE
    v.model_name = %(agent)s AND v.content IS NOT NULL
    AND (v.id::text = %(named)s OR v.version = %(named)s OR a.id IS NOT NULL)
ORDER BY a.id IS NOT NULL DESC
LIMIT 1;
