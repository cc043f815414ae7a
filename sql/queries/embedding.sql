-- name: administer
-- Vectors of all organizations are made in the role that may see all of them.
SET LOCAL ROLE qms_definer;

-- name: active_model
-- The model whose vectors are searched.
SELECT
    m.id,
    m.key,
    m.provider,
    m.model,
    m.dims,
    m.query_prefix,
    m.document_prefix,
    m.state,
    m.base_url
FROM search.embedding_models AS m
WHERE m.state = 'active' AND m.provider <> 'given';

-- name: models
-- All models, the oldest first.
SELECT
    m.id,
    m.key,
    m.provider,
    m.model,
    m.dims,
    m.query_prefix,
    m.document_prefix,
    m.state,
    m.base_url
FROM search.embedding_models AS m
ORDER BY m.id;

-- name: waiting
-- The models for which a vector can be made now, the one that is searched first.
SELECT
    m.id,
    m.key,
    m.provider,
    m.model,
    m.dims,
    m.query_prefix,
    m.document_prefix,
    m.state,
    m.base_url
FROM search.embedding_models AS m
WHERE
    m.state <> 'retired' AND m.provider <> 'given'
    AND EXISTS (
        SELECT FROM search.embedding_jobs AS j
        WHERE
            j.model_id = m.id AND NOT j.dead AND j.not_before <= clock_timestamp()
            AND (j.leased_until IS NULL OR j.leased_until < clock_timestamp())
    )
ORDER BY m.state, m.id;

-- name: claim
-- Takes on pieces for a while.
SELECT
    c.chunk_id,
    c.organization_id,
    c.content_sha,
    c.text_to_embed AS text
FROM search.claim_jobs(
    %(model_id)s::smallint, %(max_rows)s::integer, %(worker)s::text, make_interval(secs => %(seconds)s)
) AS c;

-- name: finish
-- Stores vectors; how many were still wanted.
SELECT
    search.finish_jobs(
        %(model_id)s::smallint, %(worker)s::text, %(chunks)s::bigint[], %(sha256s)s::bytea[],
        %(vectors)s::extensions.halfvec[]
    ) AS number;

-- name: fail
-- Gives one piece back, to be tried later or to be set aside.
SELECT
    search.fail_job(
        %(model_id)s::smallint, %(worker)s::text, %(chunk_id)s::bigint, %(error)s::text,
        make_interval(secs => %(seconds)s), %(fatal)s::boolean
    ) AS failed;

-- name: postpone
-- Gives pieces back because their model can't be used now; it was not their fault, so no attempt is counted.
UPDATE search.embedding_jobs AS j
SET
    leased_by = NULL, leased_until = NULL, last_error = left(%(error)s, 500),
    not_before = clock_timestamp() + make_interval(secs => %(seconds)s)
WHERE
    j.model_id = %(model_id)s::smallint AND j.leased_by = %(worker)s::text
    AND j.chunk_id = ANY(%(chunks)s::bigint[]);

-- name: release
-- Hands back whatever this worker still has.
SELECT search.release_jobs(%(worker)s::text) AS number;

-- name: spend
-- Notes what a provider was paid.
SELECT
    search.add_cost(
        %(organization_id)s::uuid, %(model_id)s::smallint, %(tokens)s::bigint, %(cost)s::numeric
    ) AS noted;

-- name: refresh_terms
-- Counts the terms of the organization again, if enough has changed.
SELECT search.refresh_terms(FALSE) AS refreshed;

-- name: progress
-- How far each model is.
SELECT
    p.model_id,
    p.key,
    p.provider,
    p.model,
    p.dims,
    p.state,
    p.chunks,
    p.done,
    p.queued,
    p.leased,
    p.failed,
    p.stale,
    p.last_error,
    p.oldest_queued
FROM search.index_progress() AS p;

-- name: volume
-- How much there is to embed: pieces, texts that differ within their organization, and bytes of these.
SELECT
    count(*) AS texts,
    coalesce(sum(t.bytes), 0)::bigint AS bytes,
    coalesce(sum(t.pieces), 0)::bigint AS pieces
FROM (
    SELECT
        max(octet_length(c.heading) + octet_length(c.content) + 1) AS bytes,
        count(*) AS pieces
    FROM search.chunks AS c
    GROUP BY c.organization_id, c.content_sha
) AS t;

-- name: add_model
-- Registers a model and makes the partition for its vectors.
SELECT a.added::integer AS number
FROM search.add_model(
    %(key)s::text, %(provider)s::text, %(model)s::text, %(dims)s::integer, %(base_url)s::text, %(prefixes)s::text[]
) AS a (added);

-- name: queue_model
-- Queues every piece that has no vector of the model; how many.
SELECT search.queue_model(%(model_id)s::smallint)::integer AS number;

-- name: revive
-- Queues again what was set aside.
SELECT search.revive_jobs(%(model_id)s::smallint) AS number;

-- name: memory_for_index
-- An index of neighbours is built in memory, or slowly.
SELECT set_config('maintenance_work_mem', %(memory)s, TRUE) AS memory;

-- name: build_index
-- Builds the index of neighbours.
SELECT search.build_index(%(model_id)s::smallint) AS built;

-- name: activate_model
-- From now on this model is searched.
SELECT search.activate_model(%(model_id)s::smallint) AS activated;

-- name: patience
-- How long to wait for a lock.
SELECT set_config('lock_timeout', %(milliseconds)s || 'ms', TRUE) AS patience;

-- name: drop_model
-- Drops a retired model and its vectors.
SELECT search.drop_model(%(model_id)s::smallint) AS dropped;
