-- Search: what fits a query, what resembles a case and how that case ended, and what is indexed.

-- name: find
-- A page of what fits a query, best first, with what each result is cited by and the piece that fits best; one row of
-- nulls when the page is empty. marked is the piece with the words of the query between two control characters,
-- character for character as long as the piece.
WITH ranked AS MATERIALIZED (
    SELECT
        f.place,
        f.source_id,
        f.chunk_id,
        f.score,
        f.lexical_rank,
        f.lexical_score,
        f.semantic_rank,
        f.similarity,
        f.more_chunks
    FROM
        search.find(
            %(query)s, %(mode)s, %(vector)s::extensions.halfvec, %(model_id)s::smallint, %(filters)s::jsonb, %(at_most)s
        )
        WITH ORDINALITY AS f (
            source_id, chunk_id, score, lexical_rank, lexical_score, semantic_rank, similarity, more_chunks, place
        )
),

spelt AS MATERIALIZED (
    SELECT
        jsonb_object_agg(g.word, g.better) AS words,
        string_agg(quote_literal(g.better), '|')::tsquery AS terms
    FROM search.suggest(%(query)s) AS g
    WHERE %(mode)s IN ('hybrid', 'lexical')
),

counted AS (
    SELECT
        (SELECT count(*) FROM ranked) AS found,
        t.words AS spelt,
        q.terms IS NULL AS without_terms,
        CASE WHEN q.terms IS NULL THEN t.terms ELSE coalesce(q.terms || t.terms, q.terms) END AS terms
    FROM spelt AS t
    CROSS JOIN LATERAL search.query_of(%(query)s) AS q (terms)
)

SELECT
    c.found,
    c.spelt,
    c.without_terms,
    search.identifiers(%(query)s) AS identifiers,
    r.place,
    r.score,
    r.lexical_rank,
    r.lexical_score,
    r.semantic_rank,
    r.similarity,
    s.id AS source_id,
    s.content_type,
    s.record_id,
    s.title,
    s.is_current,
    i.number,
    i.version,
    i.status AS state,
    d.document_number,
    d.revision,
    p.section,
    p.heading,
    p.page,
    p.content,
    -- What looks like a tag of HTML would be left out.
    ts_headline(
        search.configuration(s.language), translate(search.fold(p.content), E'<>\x02\x03', '    '),
        coalesce(c.terms, ''::tsquery), E'HighlightAll=true, StartSel=\x02, StopSel=\x03'
    ) AS marked,
    (
        SELECT
            jsonb_agg(
                jsonb_build_object('section', m.section, 'heading', m.heading, 'page', m.page) ORDER BY w.place
            )
        FROM unnest(r.more_chunks) WITH ORDINALITY AS w (id, place)
        INNER JOIN LATERAL (SELECT x.* FROM search.chunks AS x WHERE x.id = w.id OFFSET 0) AS m ON TRUE -- noqa: AM09
    ) AS more
FROM counted AS c
LEFT JOIN ranked AS r ON r.place BETWEEN %(first)s AND %(last)s
-- Row by row, whatever the planner thinks of a table it has not looked at yet.
LEFT JOIN LATERAL (SELECT x.* FROM search.sources AS x WHERE x.id = r.source_id OFFSET 0) AS s ON TRUE -- noqa: AM09
LEFT JOIN LATERAL (SELECT x.* FROM search.chunks AS x WHERE x.id = r.chunk_id OFFSET 0) AS p ON TRUE -- noqa: AM09
LEFT JOIN LATERAL (SELECT x.* FROM qms.quality_items AS x WHERE x.id = s.record_id OFFSET 0) AS i ON TRUE -- noqa: AM09
LEFT JOIN LATERAL (SELECT x.* FROM qms.documents AS x WHERE x.id = s.record_id OFFSET 0) AS d ON TRUE -- noqa: AM09
ORDER BY r.place;

-- name: known
-- What a search can be narrowed to: types of records and texts, states of workflows, frameworks.
SELECT
    (
        SELECT coalesce(array_agg(k.name ORDER BY k.name), '{}')
        FROM (
            SELECT t.category AS name FROM qms.record_types AS t
            UNION
            SELECT s.content_type FROM search.sources AS s WHERE s.record_id IS NULL
        ) AS k
    ) AS types,
    (
        SELECT coalesce(array_agg(DISTINCT x.state ORDER BY x.state), '{}')
        FROM qms.workflow_definitions AS w CROSS JOIN LATERAL jsonb_object_keys(w.body -> 'states') AS x (state)
    ) AS states,
    (SELECT coalesce(array_agg(f.key ORDER BY f.key), '{}') FROM qms.frameworks AS f) AS frameworks;

-- name: similar
-- What resembles a record or a text, best first, with how each case ended and what the two have in common.
WITH ranked AS MATERIALIZED (
    SELECT
        f.place,
        f.source_id,
        f.chunk_id,
        f.score,
        f.lexical_rank,
        f.lexical_score,
        f.semantic_rank,
        f.similarity
    FROM
        search.similar(
            %(source_id)s::uuid, %(text)s, %(vector)s::extensions.halfvec,
            coalesce(
                %(model_id)s::smallint,
                (SELECT m.id FROM search.embedding_models AS m WHERE m.state = 'active' AND m.provider <> 'given')
            ),
            %(filters)s::jsonb, %(max_rows)s
        )
        WITH ORDINALITY AS f (
            source_id, chunk_id, score, lexical_rank, lexical_score, semantic_rank, similarity, more_chunks, place
        )
),

asked AS MATERIALIZED (
    SELECT t.lexeme
    FROM search.terms_of(%(text)s) AS t (lexeme)
    WHERE %(source_id)s::uuid IS NULL
    UNION
    SELECT t.lexeme
    FROM search.chunks AS c
    CROSS JOIN LATERAL unnest(c.stems) AS t
    WHERE c.source_id = %(source_id)s::uuid
),

shared AS MATERIALIZED (
    SELECT
        r.place,
        t.lexeme
    FROM ranked AS r
    INNER JOIN search.chunks AS c ON r.chunk_id = c.id
    CROSS JOIN LATERAL unnest(c.stems) AS t
    INNER JOIN asked AS a ON t.lexeme = a.lexeme
),

weighed AS MATERIALIZED (
    SELECT
        w.lexeme,
        w.weight
    FROM search.counted_terms(ARRAY(SELECT DISTINCT s.lexeme FROM shared AS s)) AS w
),

-- The CAPAs a case hangs together with, and the case itself when it is one.
capas AS (
    SELECT
        r.source_id,
        k.id,
        i.number,
        i.version,
        i.status,
        k.verdict,
        k.cycle,
        k.root_cause_summary
    FROM ranked AS r
    CROSS JOIN LATERAL (
        SELECT r.source_id AS id
        UNION
        SELECT CASE WHEN l.from_id = r.source_id THEN l.to_id ELSE l.from_id END
        FROM qms.record_links AS l
        WHERE l.organization_id = (SELECT qms.current_organization_id()) AND r.source_id IN (l.from_id, l.to_id)
    ) AS o
    INNER JOIN qms.capas AS k ON o.id = k.id
    INNER JOIN qms.quality_items AS i ON k.id = i.id AND i.status <> 'cancelled'
),

mine AS MATERIALIZED (
    SELECT qms.own_fields(i.id, i.category) AS details
    FROM qms.quality_items AS i
    WHERE i.id = %(source_id)s::uuid
)

SELECT
    r.place,
    r.score,
    r.lexical_rank,
    r.lexical_score,
    r.semantic_rank,
    r.similarity,
    i.id AS record_id,
    i.category AS content_type,
    i.number,
    i.version,
    i.title,
    i.status AS state,
    i.closed_at,
    d.document_number,
    d.revision,
    c.section,
    c.heading,
    c.page,
    c.content,
    CASE WHEN i.closed_at IS NOT NULL THEN extract(DAY FROM i.closed_at - i.created_at)::integer END AS days_to_close,
    (
        SELECT array_agg(x.cause ORDER BY x.cause)
        FROM (
            SELECT t.statement AS cause
            FROM qms.root_causes AS t
            WHERE
                (
                    t.record_id = r.source_id
                    OR t.record_id IN (SELECT k.id FROM capas AS k WHERE k.source_id = r.source_id)
                )
                AND t.is_root_cause
                AND t.withdrawn_reason IS NULL
            UNION
            SELECT n.root_cause
            FROM qms.nonconformances AS n
            WHERE n.id = r.source_id AND btrim(n.root_cause) <> ''
            UNION
            SELECT k.root_cause_summary
            FROM capas AS k
            WHERE k.source_id = r.source_id AND btrim(k.root_cause_summary) <> ''
        ) AS x
    ) AS root_causes,
    (
        SELECT array_agg(x.word ORDER BY x.word)
        FROM (
            SELECT DISTINCT o.disposition || CASE WHEN o.decided_at IS NULL THEN ' (proposed)' ELSE '' END AS word
            FROM qms.dispositions AS o
            WHERE o.record_id = r.source_id AND o.withdrawn_reason IS NULL
        ) AS x
    ) AS dispositions,
    (
        SELECT array_agg(k.number || ' v' || k.version || ' (' || k.status || ')' ORDER BY k.number)
        FROM capas AS k WHERE k.source_id = r.source_id AND k.id <> r.source_id
    ) AS capas,
    (
        SELECT coalesce(k.verdict, e.outcome)
        FROM capas AS k
        LEFT JOIN LATERAL (
            SELECT x.outcome
            FROM qms.effectiveness_checks AS x
            WHERE x.record_id = k.id
            ORDER BY x.created_at DESC
            LIMIT 1
        ) AS e ON TRUE
        WHERE k.source_id = r.source_id AND coalesce(k.verdict, e.outcome) IS NOT NULL
        ORDER BY k.number DESC
        LIMIT 1
    ) AS effectiveness,
    (
        SELECT array_agg(x.lexeme ORDER BY x.weight DESC, x.lexeme ASC)
        FROM (
            SELECT
                w.lexeme,
                w.weight
            FROM shared AS s INNER JOIN weighed AS w ON s.lexeme = w.lexeme
            WHERE s.place = r.place
            ORDER BY w.weight DESC, w.lexeme ASC
            LIMIT 10
        ) AS x
    ) AS shared_terms,
    (
        SELECT array_agg(f.key ORDER BY f.key)
        FROM mine AS m
        CROSS JOIN LATERAL jsonb_each_text(m.details) AS f (key, value)
        WHERE
            f.key = ANY(%(compared)s::text[])
            AND f.value <> ''
            AND lower(qms.own_fields(i.id, i.category) ->> f.key) = lower(f.value)
    ) AS same_fields
FROM ranked AS r
INNER JOIN qms.quality_items AS i ON r.source_id = i.id
INNER JOIN search.chunks AS c ON r.chunk_id = c.id
LEFT JOIN qms.documents AS d ON i.id = d.id
ORDER BY r.place;

-- name: case
-- The record that is compared: null when the caller has none like it.
SELECT
    i.id,
    i.number,
    i.version
FROM qms.quality_items AS i
WHERE i.organization_id = (SELECT qms.current_organization_id()) AND i.id = qms.find_record(%(reference)s);

-- name: match_embeddings
-- The pieces nearest to a vector of the caller's own.
SELECT
    e.id,
    e.content,
    e.content_type,
    e.similarity,
    s.title,
    i.number,
    i.version,
    d.document_number,
    d.revision
FROM
    public.match_embeddings(%(vector)s::extensions.vector, %(max_rows)s, %(of_type)s, %(model)s)
    WITH ORDINALITY AS e (id, content, content_type, similarity, place)
INNER JOIN search.sources AS s ON e.id = s.id
LEFT JOIN qms.quality_items AS i ON s.record_id = i.id
LEFT JOIN qms.documents AS d ON s.record_id = d.id
ORDER BY e.place;

-- name: put_text
-- Puts a text of the caller into the index and returns its source.
SELECT
    search.put_text(
        %(content_type)s, %(title)s, %(content)s, %(source_table)s, %(source_id)s::uuid, %(metadata)s::jsonb
    ) AS id;

-- name: put_vector
-- Stores a vector of the caller's own for a text of theirs.
SELECT search.put_vector(%(source_id)s::uuid, %(vector)s::extensions.halfvec, NULL);

-- name: progress
-- How far the index is, by model.
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
    p.oldest_queued,
    u.tokens,
    u.cost
FROM search.index_progress() AS p
LEFT JOIN LATERAL (
    SELECT
        sum(y.tokens)::bigint AS tokens,
        sum(y.cost) AS cost
    FROM search.embedding_usage AS y
    WHERE y.model_key = p.key
) AS u ON TRUE
ORDER BY p.state, p.model_id;

-- name: sources_by_type
-- How much is indexed, by type.
SELECT
    s.content_type,
    count(*) AS sources
FROM search.sources AS s
GROUP BY s.content_type
ORDER BY s.content_type;

-- name: versions
-- Which versions of a document there are.
SELECT
    d.document_number,
    d.revision,
    i.status AS state
FROM qms.documents AS d
INNER JOIN qms.quality_items AS i ON d.id = i.id
WHERE
    d.organization_id = (SELECT qms.current_organization_id())
    AND upper(d.document_number) = upper(%(document_number)s)
ORDER BY d.revision DESC NULLS LAST;

-- name: document_numbers
-- Numbers of documents that contain some characters, first those that begin with them.
SELECT DISTINCT ON (strpos(upper(d.document_number), upper(%(part)s)) > 1, d.document_number) d.document_number
FROM qms.documents AS d
WHERE
    d.organization_id = (SELECT qms.current_organization_id())
    AND strpos(upper(d.document_number), upper(%(part)s)) > 0
ORDER BY strpos(upper(d.document_number), upper(%(part)s)) > 1, d.document_number
LIMIT %(max_rows)s;

-- name: announced
-- The document version something was announced about.
SELECT
    d.document_number,
    d.revision
FROM qms.documents AS d
WHERE
    d.organization_id = (SELECT qms.current_organization_id())
    AND d.id = %(record_id)s
    AND d.document_number IS NOT NULL;
