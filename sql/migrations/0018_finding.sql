-- Finding: hybrid search and similar cases over the index, within one organization.
--
-- These functions run as their owner so that the indexes can be used (row-level security keeps them from conditions that
-- are not leakproof); each names the organization of the caller itself.
--
-- What is dropped comes back under its name: the table as a view of the index, the function with one argument more.
-- squawk-ignore-file ban-drop-function, ban-drop-table

-- A search by words reads the weights of thousands of pieces and the text of ten: rows without their texts are half as
-- many pages.
ALTER TABLE search.chunks SET (toast_tuple_target = 1024);
ALTER TABLE search.chunks ALTER COLUMN weights SET STORAGE MAIN;

CREATE FUNCTION search.languages() RETURNS text []
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(
        (SELECT k.languages FROM search.corpora AS k WHERE k.organization_id = qms.current_organization_id()), ARRAY['en']
    )
$$;
COMMENT ON FUNCTION search.languages() IS 'The languages of the caller''s collection.';

CREATE FUNCTION search.terms_of(query text) RETURNS SETOF text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT DISTINCT t.lexeme
    FROM unnest(search.languages()) AS l (language)
    CROSS JOIN LATERAL unnest(search.vector_of(query, l.language)) AS t
    -- These two mean something in the text of a tsquery.
    WHERE t.lexeme !~ '[\\'']'
$$;
COMMENT ON FUNCTION search.terms_of(text) IS 'The terms of a query, reduced as the languages of the collection are.';

CREATE FUNCTION search.query_of(query text) RETURNS tsquery
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT string_agg(quote_literal(t.lexeme), '|')::tsquery FROM search.terms_of(query) AS t (lexeme)
$$;
COMMENT ON FUNCTION search.query_of(text) IS 'Any of the terms of a query; null when it has none.';

CREATE FUNCTION search.counted_terms(lexemes text []) RETURNS TABLE (lexeme text, chunk_count bigint, weight real)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
DECLARE
    ours uuid := qms.current_organization_id();
    corpus search.corpora;
    added bigint;
BEGIN
    SELECT k.* INTO corpus FROM search.corpora AS k WHERE k.organization_id = ours;
    SELECT count(*) INTO added
    FROM search.chunks AS c WHERE c.organization_id = ours AND c.id > coalesce(corpus.last_chunk, 0);
    -- What was counted, and what was added since: a term is known as soon as a piece has it.
    RETURN QUERY
    SELECT
        n.term, n.found,
        ln(1 + greatest(coalesce(corpus.counted, 0) + added - n.found + 0.5, 0.5) / (greatest(n.found, 1) + 0.5))::real
    FROM (
        SELECT t.term, coalesce(s.chunk_count, 0) + coalesce(r.found, 0) AS found
        FROM unnest(lexemes) AS t (term)
        LEFT JOIN search.term_stats AS s ON s.organization_id = ours AND s.lexeme = t.term
        LEFT JOIN (
            SELECT u.lexeme, count(*) AS found
            FROM search.chunks AS c CROSS JOIN LATERAL unnest(c.stems) AS u
            WHERE
                c.organization_id = ours AND c.id > coalesce(corpus.last_chunk, 0) AND added > 0
                AND u.lexeme = ANY (lexemes)
            GROUP BY u.lexeme
        ) AS r ON r.lexeme = t.term
    ) AS n;
END
$$;
COMMENT ON FUNCTION search.counted_terms(text []) IS
'In how many pieces of the caller''s organization each term is, and its inverse document frequency (BM25): as '
'search.refresh_terms counted them, and the pieces added since.';

CREATE FUNCTION search.better_word(unknown text) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
DECLARE
    ours uuid := qms.current_organization_id();
    its text [] := search.trigrams(unknown);
    -- A word as similar as that shares so many that it has one of these, which saves looking up the rest.
    telling text [] := its[1 + greatest(floor(0.35 * (2 * cardinality(its) - 5) / 1.35 - 0.01)::integer, 0):];
    found text;
BEGIN
    IF unknown !~ '^[[:alpha:]]{4,40}$' THEN
        RETURN NULL;
    END IF;
    IF EXISTS (SELECT FROM search.corpora AS k WHERE k.organization_id = ours AND k.counted_at IS NOT NULL) THEN
        SELECT s.lexeme INTO found
        FROM search.term_stats AS s
        CROSS JOIN LATERAL (SELECT count(*) AS shared FROM unnest(s.trigrams) AS g (three) WHERE g.three = ANY (its)) AS o
        WHERE
            s.organization_id = ours AND s.trigrams && telling AND abs(char_length(s.lexeme) - char_length(unknown)) <= 5
            AND o.shared::real / (cardinality(s.trigrams) + cardinality(its) - o.shared) >= 0.35
        ORDER BY o.shared::real / (cardinality(s.trigrams) + cardinality(its) - o.shared) DESC, s.chunk_count DESC, s.lexeme
        LIMIT 1;
        RETURN found;
    END IF;
    -- Not counted yet: the first letter is taken as right, to be quick.
    SELECT s.word INTO found
    FROM ts_stat(format('SELECT c.stems FROM search.chunks AS c WHERE c.organization_id = %L', ours)) AS s
    CROSS JOIN LATERAL (SELECT search.trigrams(s.word) AS trigrams) AS v
    CROSS JOIN LATERAL (SELECT count(*) AS shared FROM unnest(v.trigrams) AS g (three) WHERE g.three = ANY (its)) AS o
    WHERE
        s.word ~ '^[[:alpha:]]{4,40}$' AND left(s.word, 1) = left(unknown, 1)
        AND abs(char_length(s.word) - char_length(unknown)) <= 5
        AND o.shared::real / (cardinality(v.trigrams) + cardinality(its) - o.shared) >= 0.35
    ORDER BY o.shared::real / (cardinality(v.trigrams) + cardinality(its) - o.shared) DESC, s.ndoc DESC, s.word
    LIMIT 1;
    RETURN found;
END
$$;
COMMENT ON FUNCTION search.better_word(text) IS
'The word of the caller''s own collection that shares most groups of three letters with a word it does not have (Jaccard '
'similarity of trigrams, at least 0.35).';

CREATE FUNCTION search.suggest(query text) RETURNS TABLE (word text, better text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
    SELECT u.lexeme, b.better
    FROM (
        SELECT t.lexeme
        FROM search.counted_terms(ARRAY(SELECT x.lexeme FROM search.terms_of(query) AS x (lexeme))) AS t
        WHERE t.chunk_count = 0
        LIMIT 8
    ) AS u
    CROSS JOIN LATERAL search.better_word(u.lexeme) AS b (better)
    WHERE b.better IS NOT NULL
$$;
COMMENT ON FUNCTION search.suggest(text) IS 'For words of a query that no piece has: the most similar one that there is.';

CREATE FUNCTION search.conditions(filters jsonb) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT concat_ws(
        ' AND ',
        'c.organization_id = $1',
        CASE WHEN coalesce((filters ->> 'superseded')::boolean, false) THEN NULL ELSE 'c.is_current' END,
        CASE
            WHEN filters ? 'types'
                THEN 'c.content_type = ANY (ARRAY(SELECT jsonb_array_elements_text($2 -> ''types'')))'
        END,
        CASE
            WHEN filters ? 'within'
                THEN 'c.source_id = ANY (ARRAY(SELECT w.id::uuid FROM jsonb_array_elements_text($2 -> ''within'') AS w (id)))'
        END,
        CASE WHEN filters ? 'except' THEN 'c.source_id <> ($2 ->> ''except'')::uuid' END,
        CASE
            WHEN filters ? 'document' THEN
                'EXISTS (SELECT FROM qms.documents AS d WHERE d.id = c.source_id AND d.organization_id = $1 '
                'AND upper(d.document_number) = upper($2 ->> ''document''))'
        END,
        CASE
            WHEN filters ? 'framework' THEN
                'EXISTS (SELECT FROM qms.evidence_links AS l '
                'INNER JOIN qms.clauses AS k ON l.clause_id = k.id INNER JOIN qms.frameworks AS f ON k.framework_id = f.id '
                'WHERE l.record_id = c.source_id AND l.organization_id = $1 AND NOT l.withdrawn '
                'AND f.key = $2 ->> ''framework'')'
        END,
        CASE
            WHEN filters ?| ARRAY['states', 'owner_id', 'since', 'until', 'tags'] THEN
                'EXISTS (SELECT FROM qms.quality_items AS i WHERE i.id = c.source_id AND i.organization_id = $1'
                || CASE
                    WHEN filters ? 'states'
                        THEN ' AND i.status = ANY (ARRAY(SELECT jsonb_array_elements_text($2 -> ''states'')))'
                    ELSE ''
                END
                || CASE WHEN filters ? 'owner_id' THEN ' AND i.owner_id = ($2 ->> ''owner_id'')::uuid' ELSE '' END
                || CASE
                    WHEN filters ? 'since'
                        THEN ' AND coalesce(i.occurred_at, i.created_at) >= ($2 ->> ''since'')::timestamptz'
                    ELSE ''
                END
                || CASE
                    WHEN filters ? 'until'
                        THEN ' AND coalesce(i.occurred_at, i.created_at) < ($2 ->> ''until'')::timestamptz'
                    ELSE ''
                END
                || CASE
                    WHEN filters ? 'tags' THEN ' AND i.tags @> ARRAY(SELECT jsonb_array_elements_text($2 -> ''tags''))'
                    ELSE ''
                END
                || ')'
        END
    )
$$;
COMMENT ON FUNCTION search.conditions(jsonb) IS
'The conditions of a search on its pieces (c), made of fixed words only: $1 is the organization, $2 the filters.';

CREATE FUNCTION search.is_narrow(filters jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT filters ?| ARRAY['within', 'document', 'framework', 'states', 'owner_id', 'since', 'until', 'tags']
$$;
COMMENT ON FUNCTION search.is_narrow(jsonb) IS 'Whether the filters ask for more than a vector itself knows.';

CREATE FUNCTION search.near_sql(of_model smallint, filters jsonb) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    few CONSTANT integer := CASE WHEN search.is_narrow(filters) THEN 5000 ELSE 10000 END;
    model search.embedding_models;
    candidates bigint;
    from_where text;
BEGIN
    SELECT m.* INTO model FROM search.embedding_models AS m WHERE m.id = of_model AND m.state <> 'filling';
    IF model.id IS NULL THEN
        RAISE EXCEPTION 'the model of this search is not in use any more' USING ERRCODE = 'QM025', HINT = 'Search again.';
    END IF;
    from_where := format(
        'FROM search.%I AS e %s WHERE e.organization_id = $1%s%s%s', 'embeddings_m' || of_model,
        CASE
            WHEN search.is_narrow(filters) OR filters ? 'except'
                THEN 'INNER JOIN search.chunks AS c ON e.chunk_id = c.id AND ' || search.conditions(filters)
            ELSE ''
        END,
        CASE WHEN coalesce((filters ->> 'superseded')::boolean, false) THEN '' ELSE ' AND e.is_current' END,
        CASE
            WHEN filters ? 'types'
                THEN ' AND e.content_type = ANY (ARRAY(SELECT jsonb_array_elements_text($2 -> ''types'')))'
            ELSE ''
        END,
        ''
    );
    -- Conditions on records are counted by sources, of which there are fewer.
    EXECUTE format(
        'SELECT count(*) FROM (SELECT %s LIMIT %s) AS x',
        CASE
            WHEN search.is_narrow(filters) THEN
                'FROM (SELECT s.id AS source_id, s.organization_id, s.content_type, s.is_current FROM search.sources AS s) AS c WHERE '
                || search.conditions(filters)
            ELSE from_where
        END, few + 1
    )
    INTO candidates USING qms.current_organization_id(), filters;
    -- A filter over an index of neighbours loses rows in silence: up to 10,000 candidates are all compared. Adding 0 keeps
    -- the planner from that index.
    RETURN format(
        'SELECT e.chunk_id, e.embedding::extensions.halfvec(%1$s) OPERATOR(extensions.<=>) $5::extensions.halfvec(%1$s) AS distance '
        '%2$s ORDER BY (e.embedding::extensions.halfvec(%1$s) OPERATOR(extensions.<=>) $5::extensions.halfvec(%1$s))%3$s LIMIT $6',
        model.dims, from_where, CASE WHEN candidates <= few THEN ' + 0' ELSE '' END
    );
END
$$;
COMMENT ON FUNCTION search.near_sql(smallint, jsonb) IS
'The statement that finds the nearest pieces: all candidates compared when they are few, the index of neighbours otherwise.';

CREATE FUNCTION search.ranked(
    weights extensions.sparsevec, any_of tsquery, phrase text, vector extensions.halfvec, of_model smallint, filters jsonb,
    mode text, max_rows integer, by_section boolean
) RETURNS TABLE (
    source_id uuid, chunk_id bigint, score double precision, lexical_rank integer, lexical_score double precision,
    semantic_rank integer, similarity double precision, more_chunks bigint []
)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off
SET hnsw.ef_search = 120 SET hnsw.iterative_scan = relaxed_order SET hnsw.max_scan_tuples = 40000
AS $$
DECLARE
    -- A document is found by its sections, a record as a whole.
    part text := CASE WHEN by_section THEN 'CASE c.content_type WHEN ''document'' THEN c.section ELSE '''' END' ELSE '''''' END;
    by_words text := 'SELECT NULL::uuid AS source_id, '''' AS part, NULL::bigint AS id, NULL::double precision AS score WHERE false';
    by_meaning text := by_words;
BEGIN
    IF any_of IS NOT NULL OR phrase IS NOT NULL THEN
        by_words := format(
            'SELECT c.source_id, %s AS part, c.id, -(c.weights OPERATOR(extensions.<#>) $3) AS score FROM search.chunks AS c '
            'WHERE %s%s%s ORDER BY c.weights OPERATOR(extensions.<#>) $3, c.id LIMIT $10',
            part, search.conditions(filters),
            CASE WHEN any_of IS NOT NULL THEN ' AND c.stems @@ $4' ELSE '' END,
            CASE
                WHEN phrase IS NOT NULL THEN
                    ' AND position($7 IN lower(regexp_replace(search.fold(c.heading || '' '' || c.content), ''\s+'', '' '', ''g''))) > 0'
                ELSE ''
            END
        );
    END IF;
    IF vector IS NOT NULL THEN
        by_meaning := format(
            'SELECT c.source_id, %s AS part, c.id, 1 - n.distance AS score '
            'FROM (%s) AS n INNER JOIN search.chunks AS c ON n.chunk_id = c.id AND c.organization_id = $1',
            part, search.near_sql(of_model, filters)
        );
    END IF;
    RETURN QUERY EXECUTE format(
        'WITH words AS MATERIALIZED (%s), '
        'meaning AS MATERIALIZED (%s), '
        'best_words AS ('
        '    SELECT b.*, row_number() OVER (ORDER BY b.score DESC, b.id) AS place '
        '    FROM ('
        '        SELECT w.source_id, w.part, (array_agg(w.id ORDER BY w.score DESC, w.id))[1] AS id, '
        -- A second piece that fits counts a little; all of them would put the longest first.
        '            max(w.score) + 0.1 * coalesce((array_agg(w.score ORDER BY w.score DESC))[2], 0) AS score '
        '        FROM words AS w GROUP BY w.source_id, w.part) AS b), '
        'best_meaning AS ('
        '    SELECT b.*, row_number() OVER (ORDER BY b.score DESC, b.id) AS place '
        '    FROM (SELECT DISTINCT ON (m.source_id, m.part) m.* FROM meaning AS m '
        '        ORDER BY m.source_id, m.part, m.score DESC, m.id) AS b), '
        'fused AS ('
        '    SELECT source_id, part, '
        '        CASE $8 WHEN ''hybrid'' THEN coalesce(1.0 / (15 + l.place), 0) + coalesce(1.0 / (15 + s.place), 0) '
        '            WHEN ''semantic'' THEN s.score ELSE l.score END::double precision AS score, '
        '        l.place::integer AS lexical_rank, l.score::double precision AS lexical_score, '
        '        s.place::integer AS semantic_rank, s.score::double precision AS similarity '
        '    FROM best_words AS l FULL JOIN best_meaning AS s USING (source_id, part)), '
        -- Which piece is shown, and which else fit: by words and by meaning as well.
        'pieces AS ('
        '    SELECT source_id, part, id, coalesce(1.0 / (15 + w.place), 0) + coalesce(1.0 / (15 + m.place), 0) AS score '
        '    FROM (SELECT x.*, row_number() OVER (ORDER BY x.score DESC, x.id) AS place FROM words AS x) AS w '
        '    FULL JOIN (SELECT x.*, row_number() OVER (ORDER BY x.score DESC, x.id) AS place FROM meaning AS x) AS m '
        '    USING (source_id, part, id)), '
        'shown AS ('
        '    SELECT DISTINCT ON (p.source_id, p.part) p.source_id, p.part, p.id '
        '    FROM pieces AS p ORDER BY p.source_id, p.part, p.score DESC, p.id) '
        'SELECT f.source_id, h.id, f.score, f.lexical_rank, f.lexical_score, f.semantic_rank, f.similarity, '
        '    (array_remove(o.ids, h.id))[1:3] '
        'FROM fused AS f INNER JOIN shown AS h USING (source_id, part) INNER JOIN ('
        '    SELECT p.source_id, array_agg(p.id ORDER BY p.score DESC, p.id) AS ids FROM pieces AS p GROUP BY p.source_id'
        ') AS o USING (source_id) '
        'ORDER BY f.score DESC, f.lexical_rank NULLS LAST, h.id LIMIT $9',
        by_words, by_meaning
    ) USING
        qms.current_organization_id(), filters, weights, any_of, vector,
        -- Neighbours further away than these hardly move a result, and each costs time.
        CASE mode WHEN 'hybrid' THEN 150 ELSE greatest(150, max_rows) END, phrase, mode, max_rows,
        greatest(150, 2 * max_rows);
EXCEPTION WHEN undefined_table THEN
    RAISE EXCEPTION 'the model of this search is not in use any more' USING ERRCODE = 'QM025', HINT = 'Search again.';
END
$$;
COMMENT ON FUNCTION search.ranked(
    extensions.sparsevec, tsquery, text, extensions.halfvec, smallint, jsonb, text, integer, boolean
) IS
'Sources, or sections of documents, by terms (BM25) and by meaning (cosine), fused by reciprocal ranks with k = 15 '
'(Cormack et al. 2009 use 60; 15 was as good or better on what we measured), each with the piece that fits best.';

CREATE FUNCTION search.weighed(
    lexemes text [], most integer, mending boolean, OUT weights extensions.sparsevec, OUT any_of tsquery
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
    WITH counted AS MATERIALIZED (
        SELECT t.lexeme, t.chunk_count, t.weight FROM search.counted_terms(lexemes) AS t
    ),

    mended AS MATERIALIZED (
        SELECT array_agg(DISTINCT b.better) AS words
        FROM (SELECT c.lexeme FROM counted AS c WHERE mending AND c.chunk_count = 0 LIMIT 8) AS u
        CROSS JOIN LATERAL search.better_word(u.lexeme) AS b (better)
        WHERE b.better IS NOT NULL
    ),

    wanted AS (
        SELECT c.lexeme, c.chunk_count, c.weight, search.term_number(c.lexeme) AS term
        FROM (
            SELECT c.* FROM counted AS c
            UNION ALL
            SELECT t.* FROM mended AS m CROSS JOIN LATERAL search.counted_terms(m.words) AS t WHERE m.words IS NOT NULL
        ) AS c
        WHERE c.chunk_count > 0
        ORDER BY c.weight DESC, c.lexeme
        LIMIT most
    )

    SELECT
        ('{' || string_agg(c.term || ':' || c.weight, ',' ORDER BY c.term) || '}/268435456')::extensions.sparsevec,
        -- What has only very common terms of the query is not worth the time; what has a rarer one is weighed with all.
        coalesce(
            string_agg(quote_literal(c.lexeme), '|') FILTER (
                WHERE c.chunk_count <= greatest(5000, (SELECT min(x.chunk_count) FROM wanted AS x))
            ), string_agg(quote_literal(c.lexeme), '|')
        )::tsquery
    FROM (SELECT DISTINCT ON (x.term) x.* FROM wanted AS x ORDER BY x.term, x.weight DESC) AS c
$$;
COMMENT ON FUNCTION search.weighed(text [], integer, boolean) IS
'Terms as a sparse vector of their inverse document frequencies, and the ones that candidates must have one of.';

CREATE FUNCTION search.find(
    query text, mode text, vector extensions.halfvec, of_model smallint, filters jsonb, max_rows integer
) RETURNS TABLE (
    source_id uuid, chunk_id bigint, score double precision, lexical_rank integer, lexical_score double precision,
    semantic_rank integer, similarity double precision, more_chunks bigint []
)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
DECLARE
    ours uuid := qms.current_organization_id();
    wanted text [] := ARRAY(SELECT t.lexeme FROM search.terms_of(query) AS t (lexeme));
    rarity extensions.sparsevec := '{}/268435456';
    any_of tsquery;
    phrase text;
BEGIN
    IF mode = 'number' THEN
        RETURN QUERY EXECUTE format(
            'SELECT s.id, (SELECT min(c.id) FROM search.chunks AS c WHERE c.source_id = s.id AND c.ordinal = 1), '
            '    CASE WHEN $3 IN (i.number, upper(d.document_number)) THEN 1.0 ELSE 0.5 END::double precision, '
            '    NULL::integer, NULL::double precision, NULL::integer, NULL::double precision, ''{}''::bigint [] '
            'FROM qms.quality_items AS i INNER JOIN search.sources AS s ON i.id = s.id '
            'LEFT JOIN qms.documents AS d ON i.id = d.id '
            'WHERE i.id IN ('
            '    SELECT x.id FROM qms.quality_items AS x WHERE x.organization_id = $1 AND starts_with(x.number, $3) '
            '    UNION '
            '    SELECT x.id FROM qms.documents AS x WHERE x.organization_id = $1 AND starts_with(upper(x.document_number), $3)) '
            'AND EXISTS (SELECT FROM search.chunks AS c WHERE c.source_id = s.id AND %s) '
            'ORDER BY 3 DESC, d.document_number, d.revision DESC NULLS LAST, i.number LIMIT $4',
            search.conditions(filters)
        ) USING ours, filters, upper(btrim(query)), max_rows;
        RETURN;
    END IF;
    IF mode <> 'semantic' THEN
        SELECT coalesce(w.weights, rarity), w.any_of INTO rarity, any_of FROM search.weighed(wanted, 64, mode <> 'exact') AS w;
        IF mode = 'exact' THEN
            phrase := lower(btrim(regexp_replace(search.fold(query), '[\s"]+', ' ', 'g')));
            SELECT string_agg('(' || q.words::text || ')', '|')::tsquery INTO any_of
            FROM (
                SELECT phraseto_tsquery(search.configuration(l.language), search.fold(query)) AS words
                FROM unnest(search.languages()) AS l (language)
            ) AS q
            WHERE numnode(q.words) > 0;
        END IF;
    END IF;
    RETURN QUERY
    SELECT r.*
    FROM search.ranked(
        rarity, any_of, phrase, CASE WHEN mode IN ('hybrid', 'semantic') THEN vector END,
        of_model, filters, CASE WHEN mode = 'hybrid' AND vector IS NULL THEN 'lexical' ELSE mode END, max_rows, true
    ) AS r;
END
$$;
COMMENT ON FUNCTION search.find(text, text, extensions.halfvec, smallint, jsonb, integer) IS
'What fits a query, best first, one row for each record and each section of a document. mode: hybrid (lexical '
'without a vector), lexical, semantic, exact (the words as they stand) or number.';

CREATE FUNCTION search.similar(
    of_source uuid, query text, vector extensions.halfvec, of_model smallint, filters jsonb, max_rows integer
) RETURNS TABLE (
    source_id uuid, chunk_id bigint, score double precision, lexical_rank integer, lexical_score double precision,
    semantic_rank integer, similarity double precision, more_chunks bigint []
)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
DECLARE
    ours uuid := qms.current_organization_id();
    most CONSTANT integer := 32;
    wanted text [];
    meaning extensions.halfvec := vector;
    rarity extensions.sparsevec;
    any_of tsquery;
BEGIN
    IF of_source IS NULL THEN
        wanted := ARRAY(SELECT t.lexeme FROM search.terms_of(query) AS t (lexeme));
    ELSE
        wanted := ARRAY(
            SELECT t.lexeme
            FROM search.chunks AS c CROSS JOIN LATERAL unnest(c.stems) AS t
            WHERE c.source_id = of_source AND c.organization_id = ours AND t.lexeme !~ '[\\'']'
            GROUP BY t.lexeme
            ORDER BY sum(cardinality(t.positions)) DESC, t.lexeme
            LIMIT 400
        );
        filters := filters || jsonb_build_object('except', of_source);
        IF meaning IS NULL THEN
            SELECT extensions.avg(e.embedding) INTO meaning
            FROM search.embeddings_by_model AS e
            INNER JOIN search.chunks AS c ON e.chunk_id = c.id AND e.organization_id = c.organization_id
            WHERE c.source_id = of_source AND e.organization_id = ours AND e.model_id = of_model;
        END IF;
    END IF;
    SELECT w.weights, w.any_of INTO rarity, any_of FROM search.weighed(wanted, most, false) AS w;
    RETURN QUERY
    SELECT r.*
    FROM search.ranked(
        coalesce(rarity, '{}/268435456'), any_of, NULL, meaning, of_model, filters,
        CASE WHEN meaning IS NULL THEN 'lexical' WHEN any_of IS NULL THEN 'semantic' ELSE 'hybrid' END, max_rows, false
    ) AS r;
END
$$;
COMMENT ON FUNCTION search.similar(uuid, text, extensions.halfvec, smallint, jsonb, integer) IS
'What resembles a source by its rarest terms and its vectors, or a text; best first, one row a source.';

-- The former surface --------------------------------------------------------------------------------------------------------

GRANT SELECT ON public.embeddings TO qms_definer;
CREATE POLICY moving ON public.embeddings FOR SELECT TO qms_definer USING (true);
DO $$
DECLARE
    old record;
    source uuid;
    chunk bigint;
BEGIN
    SET LOCAL ROLE qms_definer;
    FOR old IN SELECT e.* FROM public.embeddings AS e ORDER BY e.created_at, e.id LOOP
        INSERT INTO search.sources (id, organization_id, content_type, title, source_table, source_id, metadata)
        VALUES (
            old.id, old.organization_id,
            CASE WHEN old.content_type ~ '^[a-z][a-z0-9_.-]{0,62}$' THEN old.content_type ELSE search.slug(old.content_type) END,
            left(old.content, 80), NULL, NULL,
            coalesce(old.metadata, '{}') || jsonb_strip_nulls(jsonb_build_object(
                'source_table', old.source_table, 'source_id', old.source_id
            ))
        );
        INSERT INTO search.chunks (
            organization_id, source_id, content_type, is_current, ordinal, section, heading, char_start, char_end, content,
            stems, weights
        )
        SELECT
            s.organization_id, s.id, s.content_type, true, 1, '', '', 0, char_length(old.content), old.content, v.stems,
            search.weights_of(v.stems)
        FROM search.sources AS s CROSS JOIN (SELECT search.vector_of(left(old.content, 100000), 'en') AS stems) AS v
        WHERE s.id = old.id
        RETURNING id INTO chunk;
        INSERT INTO search.embeddings_by_model (
            chunk_id, model_id, organization_id, content_type, is_current, content_sha, embedding
        )
        SELECT c.id, 2, c.organization_id, c.content_type, true, c.content_sha, old.embedding::extensions.halfvec
        FROM search.chunks AS c WHERE c.id = chunk;
    END LOOP;
    RESET ROLE;
END
$$;
DROP FUNCTION public.match_embeddings(extensions.vector, integer, text);
DROP TABLE public.embeddings;

CREATE VIEW public.embeddings WITH (security_invoker = true) AS
SELECT
    s.id, c.organization_id, c.content, c.content_type, s.source_id, s.source_table,
    e.embedding::extensions.vector AS embedding, s.metadata, c.created_at
FROM search.embeddings_by_model AS e
INNER JOIN search.chunks AS c ON e.chunk_id = c.id AND e.organization_id = c.organization_id
INNER JOIN search.sources AS s ON c.source_id = s.id AND c.organization_id = s.organization_id;
COMMENT ON VIEW public.embeddings IS 'Pieces of texts with their vectors, of whatever model; the index itself is in the schema search.';
GRANT SELECT ON public.embeddings TO qms_app, qms_sql, qms_definer;

CREATE FUNCTION search.put_vector(of_source uuid, vector extensions.halfvec, of_key text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    ours uuid := qms.current_organization_id();
    model search.embedding_models;
BEGIN
    IF NOT qms.may_write() THEN
        RAISE EXCEPTION 'you may not put vectors into the index' USING ERRCODE = 'QM022', HINT = 'Ask a colleague who may write.';
    END IF;
    SELECT m.* INTO model FROM search.embedding_models AS m
    WHERE m.provider = 'given' AND m.dims = extensions.vector_dims(vector) AND (of_key IS NULL OR m.key = of_key)
    ORDER BY m.id LIMIT 1;
    IF model.id IS NULL THEN
        RAISE EXCEPTION 'there is no model for vectors of % dimensions that callers bring', extensions.vector_dims(vector)
        USING ERRCODE = 'QM024', HINT = 'Dimensions there are: ' || (
            SELECT string_agg(m.dims::text, ', ' ORDER BY m.dims) FROM search.embedding_models AS m WHERE m.provider = 'given'
        ) || '. Leave the vector out to have it made here.';
    END IF;
    IF (SELECT count(*) FROM search.chunks AS c WHERE c.source_id = of_source AND c.organization_id = ours) <> 1 THEN
        RAISE EXCEPTION 'a vector belongs to one piece, and this text has several'
        USING ERRCODE = 'QM024', HINT = 'Give texts of at most 700 characters without headings, or leave the vector out.';
    END IF;
    INSERT INTO search.embeddings_by_model AS e (
        chunk_id, model_id, organization_id, content_type, is_current, content_sha, embedding
    )
    SELECT c.id, model.id, c.organization_id, c.content_type, c.is_current, c.content_sha, vector
    FROM search.chunks AS c WHERE c.source_id = of_source AND c.organization_id = ours
    ON CONFLICT (chunk_id, model_id) DO UPDATE SET embedding = excluded.embedding, content_sha = excluded.content_sha;
END
$$;
COMMENT ON FUNCTION search.put_vector(uuid, extensions.halfvec, text) IS 'Stores a vector of the caller''s own for a text of theirs.';

CREATE FUNCTION search.add_embedding() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF new.organization_id IS DISTINCT FROM qms.current_organization_id() THEN
        RAISE EXCEPTION 'rows belong to your organization' USING ERRCODE = '42501';
    END IF;
    new.id := search.put_text(
        new.content_type, left(new.content, 80), new.content, new.source_table, new.source_id, new.metadata
    );
    PERFORM search.put_vector(new.id, new.embedding::extensions.halfvec, NULL);
    RETURN new;
END
$$;
COMMENT ON FUNCTION search.add_embedding() IS 'A row added to public.embeddings is a text with a vector of the caller''s own.';
CREATE TRIGGER add_embedding INSTEAD OF INSERT ON public.embeddings FOR EACH ROW EXECUTE FUNCTION search.add_embedding();
GRANT INSERT ON public.embeddings TO qms_app;

CREATE FUNCTION public.match_embeddings(
    query_embedding extensions.vector, match_count integer DEFAULT 10, filter_type text DEFAULT NULL, of_model text DEFAULT NULL
) RETURNS TABLE (id uuid, content text, content_type text, similarity double precision)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off
SET hnsw.ef_search = 120 SET hnsw.iterative_scan = relaxed_order
AS $$
DECLARE
    model search.embedding_models;
    filters jsonb := jsonb_strip_nulls(jsonb_build_object('types', CASE WHEN filter_type IS NOT NULL THEN jsonb_build_array(filter_type) END));
BEGIN
    SELECT m.* INTO model FROM search.embedding_models AS m
    WHERE
        m.state = 'active' AND m.dims = extensions.vector_dims(query_embedding)
        AND (match_embeddings.of_model IS NULL OR m.key = match_embeddings.of_model)
    ORDER BY m.provider = 'given' DESC, m.id LIMIT 1;
    IF model.id IS NULL THEN
        RAISE EXCEPTION 'no model%s has vectors of % dimensions', coalesce(' ' || match_embeddings.of_model, ''),
            extensions.vector_dims(query_embedding)
        USING ERRCODE = 'QM024', HINT = 'index_status names the models and their dimensions.';
    END IF;
    RETURN QUERY EXECUTE format(
        'SELECT c.source_id, c.content, c.content_type, 1 - n.distance FROM (%s) AS n '
        'INNER JOIN search.chunks AS c ON n.chunk_id = c.id AND c.organization_id = $1 ORDER BY n.distance, c.id',
        search.near_sql(model.id, filters)
    ) USING
        qms.current_organization_id(), filters, NULL::text, NULL::text, query_embedding::extensions.halfvec,
        least(greatest(match_count, 0), 1000);
END
$$;
COMMENT ON FUNCTION public.match_embeddings(extensions.vector, integer, text, text) IS
'The pieces nearest to a vector by cosine similarity, best first; only those of the caller''s organization, current versions, '
'and one model: the named one, or the one that has so many dimensions (vectors of callers first).';

-- From now on the index follows the records -----------------------------------------------------------------------------

CREATE CONSTRAINT TRIGGER index_record AFTER INSERT OR UPDATE ON qms.quality_items
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION search.index_change();

-- Who owns and who may ------------------------------------------------------------------------------------------------------

GRANT SELECT ON qms.evidence_links, qms.clauses, qms.frameworks, qms.documents, qms.quality_items, qms.organizations TO qms_definer;
GRANT CREATE ON SCHEMA search, public TO qms_definer;
DO $$
DECLARE
    named text;
BEGIN
    FOREACH named IN ARRAY ARRAY[
        'search.index_record(uuid)', 'search.index_safely(uuid)', 'search.index_change()', 'search.put_text(text, text, text, text, uuid, jsonb)',
        'search.refresh_terms(boolean)', 'search.languages()', 'search.counted_terms(text[])', 'search.suggest(text)',
        'search.ranked(extensions.sparsevec, tsquery, text, extensions.halfvec, smallint, jsonb, text, integer, boolean)',
        'search.better_word(text)', 'search.weighed(text[], integer, boolean)', 'search.find(text, text, extensions.halfvec, smallint, jsonb, integer)',
        'search.similar(uuid, text, extensions.halfvec, smallint, jsonb, integer)',
        'search.put_vector(uuid, extensions.halfvec, text)',
        'public.match_embeddings(extensions.vector, integer, text, text)'
    ] LOOP
        EXECUTE format('ALTER FUNCTION %s OWNER TO qms_definer', named);
    END LOOP;
END
$$;
REVOKE CREATE ON SCHEMA search, public FROM qms_definer;
GRANT EXECUTE ON FUNCTION
    search.fold(text), search.slug(text), search.headed(text), search.pages_of(jsonb), search.sections(text), search.pieces(text), search.cut_long(text),
    search.configuration(text), search.identifiers(text), search.vector_of(text, text), search.term_number(text),
    search.weights_of(tsvector), search.hash_of(text, text), search.trigrams(text), search.terms_of(text),
    search.query_of(text), search.words_of(jsonb), search.text_of(uuid), search.index_progress()
    TO qms_app, qms_sql, qms_definer;
GRANT EXECUTE ON FUNCTION
    search.put_pieces(search.sources, text, text, jsonb), search.conditions(jsonb), search.is_narrow(jsonb),
    search.near_sql(smallint, jsonb), search.enqueue()
    TO qms_definer;
GRANT EXECUTE ON FUNCTION
    search.claim_jobs(smallint, integer, text, interval),
    search.finish_jobs(smallint, text, bigint [], bytea [], extensions.halfvec []),
    search.fail_job(smallint, text, bigint, text, interval, boolean), search.release_jobs(text),
    search.revive_jobs(smallint), search.queue_model(smallint), search.add_cost(uuid, smallint, bigint, numeric)
    TO qms_app, qms_definer;
SET LOCAL ROLE qms_definer;
GRANT EXECUTE ON FUNCTION
    search.put_text(text, text, text, text, uuid, jsonb), search.put_vector(uuid, extensions.halfvec, text),
    search.refresh_terms(boolean), search.find(text, text, extensions.halfvec, smallint, jsonb, integer),
    search.similar(uuid, text, extensions.halfvec, smallint, jsonb, integer), search.suggest(text), search.languages(),
    search.counted_terms(text [])
    TO qms_app;
GRANT EXECUTE ON FUNCTION
    public.match_embeddings(extensions.vector, integer, text, text), search.languages(),
    search.find(text, text, extensions.halfvec, smallint, jsonb, integer),
    search.similar(uuid, text, extensions.halfvec, smallint, jsonb, integer), search.suggest(text),
    search.counted_terms(text [])
    TO qms_app, qms_sql;
RESET ROLE;
