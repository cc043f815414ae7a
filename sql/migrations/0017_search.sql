-- Text as it is searched: folding, sections, pieces, terms; and the index of every record, kept by the database itself.
--
-- A record is indexed when the transaction that changes it commits, so a search right after finds it. What is indexed
-- is derived and can be made again at any time (search.index_record): none of it is a record.
--
-- There will never be 32,768 models; two bytes beside each vector are enough to name one.
-- squawk-ignore-file prefer-bigint-over-smallint

DO $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_catalog.pg_extension AS e
        INNER JOIN pg_catalog.pg_namespace AS n ON e.extnamespace = n.oid
        WHERE e.extname = 'vector' AND n.nspname = 'extensions'
    ) THEN
        RAISE EXCEPTION 'pgvector is not in the schema extensions'
        USING ERRCODE = 'QM010', HINT = 'Run ALTER EXTENSION vector SET SCHEMA extensions; then migrate again.';
    END IF;
    -- On a server where a superuser made the schema, only they can open it.
    GRANT USAGE ON SCHEMA extensions TO qms_app, qms_sql, qms_definer;
    IF NOT pg_catalog.has_schema_privilege('qms_app', 'extensions', 'USAGE')
        OR NOT pg_catalog.has_schema_privilege('qms_definer', 'extensions', 'USAGE') THEN
        RAISE EXCEPTION 'the schema extensions is not open to the roles of the application'
        USING ERRCODE = 'QM010', HINT = 'Let a superuser run once: GRANT USAGE ON SCHEMA extensions TO PUBLIC; then migrate again.';
    END IF;
    IF string_to_array(regexp_replace((SELECT e.extversion FROM pg_catalog.pg_extension AS e WHERE e.extname = 'vector'), '[^0-9.]', '', 'g'), '.')::integer [] < ARRAY[0, 7] THEN
        RAISE EXCEPTION 'this pgvector has no halfvec'
        USING ERRCODE = 'QM010', HINT = 'Install pgvector 0.8 or newer, then ALTER EXTENSION vector UPDATE.';
    END IF;
END
$$;

CREATE SCHEMA search;
GRANT USAGE ON SCHEMA search TO qms_app, qms_sql, qms_probe, qms_definer;

-- Folding and sections ------------------------------------------------------------------------------------------------

-- Parsed bodies name nothing that a search_path could change, and are planned into the statement that calls them.
-- Character for character, so that a place in the folded text is the same place in the text.
CREATE FUNCTION search.fold(content text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE
        WHEN content !~ '[^\x01-\x7f]' THEN content
        ELSE
        translate(
        content,
        E'ÀÁÂÃÄÅÇÈÉÊËÌÍÎÏÑÒÓÔÕÖÙÚÛÜÝàáâãäåçèéêëìíîïñòóôõöùúûüýÿĀāĂăĄąĆćĈĉĊċČčĎďĒēĔĕĖėĘęĚěĜĝĞğĠġĢģĤĥĨĩĪīĬĭĮįİĴĵ'
        || E'ĶķĹĺĻļĽľŃńŅņŇňŌōŎŏŐőŔŕŖŗŘřŚśŜŝŞşŠšŢţŤťŨũŪūŬŭŮůŰűŲųŴŵŶŷŸŹźŻżŽžǍǎǏǐǑǒǓǔǕǖǗǘǙǚǛǜȘșȚțḀḁḂḃḄḅḆḇḈḉḊḋḌḍḎḏḐḑḒ'
        || E'ḓḔḕḖḗḘḙḚḛḜḝḞḟḠḡḢḣḤḥḦḧḨḩḪḫḬḭḮḯḰḱḲḳḴḵḶḷḸḹḺḻḼḽḾḿṀṁṂṃṄṅṆṇṈṉṊṋṌṍṎṏṐṑṒṓṔṕṖṗṘṙṚṛṜṝṞṟṠṡṢṣṤṥṦṧṨṩṪṫṬṭṮṯṰṱṲṳṴṵṶ'
        || E'ṷṸṹṺṻṼṽṾṿẀẁẂẃẄẅẆẇẈẉẊẋẌẍẎẏẐẑẒẓẔẕẖẗẘẙẠạẢảẤấẦầẨẩẪẫẬậẮắẰằẲẳẴẵẶặẸẹẺẻẼẽẾếỀềỂểỄễỆệỈỉỊịỌọỎỏỐốỒồỔổỖỗỘộỚớỜờỞởỠ'
        || E'ỡỢợỤụỦủỨứỪừỬửỮữỰựỲỳỴỵỶỷỸỹßẞøØłŁđĐæÆœŒðþıµμ×‘’‚′“”„″«»‐‑‒–—−\u00a0\u2009\u202f\u2007',
        E'AAAAAACEEEEIIIINOOOOOUUUUYaaaaaaceeeeiiiinooooouuuuyyAaAaAaCcCcCcCcDdEeEeEeEeEeGgGgGgGgHhIiIiIiIiIJj'
        || E'KkLlLlLlNnNnNnOoOoOoRrRrRrSsSsSsSsTtTtUuUuUuUuUuUuWwYyYZzZzZzAaIiOoUuUuUuUuUuSsTtAaBbBbBbCcDdDdDdDdD'
        || E'dEeEeEeEeEeFfGgHhHhHhHhHhIiIiKkKkKkLlLlLlLlMmMmMmNnNnNnNnOoOoOoOoPpPpRrRrRrRrSsSsSsSsSsTtTtTtTtUuUuU'
        || E'uUuUuVvVvWwWwWwWwWwXxXxYyZzZzZzhtwyAaAaAaAaAaAaAaAaAaAaAaAaEeEeEeEeEeEeEeEeIiIiOoOoOoOoOoOoOoOoOoOoO'
        || E'oOoUuUuUuUuUuUuUuYyYyYyYysSoOlLdDaAoOdtiuux''''''''""""""------\u0020\u0020\u0020\u0020'
        )
    END;
COMMENT ON FUNCTION search.fold(text) IS
'The text without accents and typographic marks, each character replaced by exactly one.';

CREATE FUNCTION search.slug(title text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN coalesce(nullif(left(btrim(regexp_replace(lower(search.fold(title)), '[^[:alnum:]]+', '-', 'g'), '-'), 60), ''), 'section');
COMMENT ON FUNCTION search.slug(text) IS 'A title as part of an address: lower case, hyphens, at most 60 characters.';

CREATE FUNCTION search.headed(content text) RETURNS TABLE (
    ordinal integer, level integer, path text, title text, heading_path text, char_start integer, char_end integer
)
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    line record;
    fenced boolean := false;
    marks text [];
    titles text [] := '{}';
    levels integer [] := '{}';
    printed text;
    begun boolean := false;
BEGIN
    ordinal := 0;
    level := 0;
    path := '';
    title := '';
    heading_path := '';
    char_start := 0;
    FOR line IN
        SELECT l.words, (sum(char_length(l.words) + 1) OVER (ORDER BY l.place))::integer - char_length(l.words) - 1 AS at
        FROM string_to_table(content, E'\n') WITH ORDINALITY AS l (words, place)
    LOOP
        IF line.words ~ '^\s*(```|~~~)' THEN
            fenced := NOT fenced;
        END IF;
        -- A line of more than 1,000 characters is no heading.
        marks := CASE WHEN NOT fenced AND char_length(line.words) <= 1000 THEN regexp_match(line.words, '^ {0,3}(#{1,6})[ \t]+(\S.*?)[ \t]*#*[ \t]*$') END;
        IF marks IS NULL THEN
            begun := begun OR line.words ~ '\S';
            CONTINUE;
        END IF;
        IF begun THEN
            char_end := line.at;
            RETURN NEXT;
            ordinal := ordinal + 1;
        END IF;
        begun := true;
        level := char_length(marks[1]);
        title := left(btrim(regexp_replace(marks[2], '[*_`]+', '', 'g')), 500);
        WHILE cardinality(levels) > 0 AND levels[cardinality(levels)] >= level LOOP
            levels := trim_array(levels, 1);
            titles := trim_array(titles, 1);
        END LOOP;
        levels := levels || level;
        titles := titles || title;
        heading_path := array_to_string(titles, ' > ');
        printed := (regexp_match(title, '^(?:§+\s*|(?:Section|Clause|Chapter|Annex|Appendix|Abschnitt|Kapitel|Article)\s+)?((?:[A-Z]{1,2}[.-])?[0-9]{1,4}(?:[.-][0-9]{1,3})*[a-z]?)(?:[.):]|\s|$)'))[1];
        path := coalesce(printed, search.slug(title));
        char_start := line.at;
    END LOOP;
    IF begun THEN
        char_end := char_length(content);
        RETURN NEXT;
    END IF;
END
$$;
COMMENT ON FUNCTION search.headed(text) IS 'The sections of a text as search.sections gives them, repeated paths not yet told apart.';

CREATE FUNCTION search.sections(content text) RETURNS TABLE (
    ordinal integer, level integer, path text, title text, heading_path text, char_start integer, char_end integer
)
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT
        h.ordinal, h.level,
        h.path || CASE WHEN h.nth > 1 THEN '-' || h.nth ELSE '' END,
        h.title, h.heading_path, h.char_start, h.char_end
    FROM (SELECT x.*, row_number() OVER (PARTITION BY x.path ORDER BY x.ordinal) AS nth FROM search.headed(content) AS x) AS h
    ORDER BY h.ordinal
$$;
COMMENT ON FUNCTION search.sections(text) IS
'The sections of a Markdown text: printed number or slug of the title, titles above, and where each begins and ends '
'(characters from 0, subsections not included). Text before the first heading has level 0 and an empty path.';

-- A piece is what is found: about a paragraph or three of one section, at most 1,300 characters, because a model of
-- 256 tokens reads no more. A table that is cut gets its header again.
CREATE TYPE search.piece AS (
    section text, heading text, char_start integer, char_end integer, content text
);

CREATE FUNCTION search.cut_long(line text) RETURNS SETOF text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    most CONSTANT integer := 1300;
    -- What is cut off is copied; of a line of millions of characters, so much at a time.
    slice CONSTANT integer := 40000;
    rest text;
    ahead text;
    upto integer;
BEGIN
    IF char_length(line) <= most THEN
        RETURN NEXT line;
        RETURN;
    END IF;
    FOR place IN 0..(char_length(line) - 1) / slice LOOP
        rest := substr(line, 1 + place * slice, slice);
        WHILE char_length(rest) > most LOOP
            ahead := left(rest, most);
            -- The last end of a sentence in the last two thirds, or else the last space.
            upto := char_length(substring(ahead FROM '^(.*[.!?;:]["'')\]]?\s)'));
            IF upto IS NULL OR upto < most / 3 THEN
                upto := char_length(substring(ahead FROM '^(.*\s)'));
            END IF;
            IF upto IS NULL OR upto < most / 3 THEN
                upto := most;
            END IF;
            RETURN NEXT left(rest, upto);
            rest := substr(rest, upto + 1);
        END LOOP;
        RETURN NEXT rest;
    END LOOP;
END
$$;
COMMENT ON FUNCTION search.cut_long(text) IS 'A long line in parts, at ends of sentences; together they are the line again.';

-- Lines and sections meet by hash: how many there are is not known beforehand, and a hundred thousand of each are.
CREATE FUNCTION search.pieces(content text) RETURNS SETOF search.piece
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp SET enable_nestloop = off
AS $$
DECLARE
    enough CONSTANT integer := 700;
    most CONSTANT integer := 1300;
    line record;
    one search.piece;
    at integer := 0;
    header text;
    in_table integer := 0;
    gathered text := '';
BEGIN
    one.section := '';
    one.heading := '';
    one.char_start := 0;
    FOR line IN
        SELECT p.words, s.path, s.heading_path, s.level > 0 AS is_heading
        FROM (
            SELECT l.words, l.place, (sum(char_length(l.words) + 1) OVER (ORDER BY l.place))::integer - char_length(l.words) - 1 AS at
            FROM string_to_table(content, E'\n') WITH ORDINALITY AS l (words, place)
        ) AS l
        LEFT JOIN search.sections(content) AS s ON l.at = s.char_start AND (s.level > 0 OR l.place = 1)
        CROSS JOIN LATERAL search.cut_long(l.words || E'\n') WITH ORDINALITY AS p (words, place)
        ORDER BY l.place, p.place
    LOOP
        IF line.is_heading AND line.path <> one.section THEN
            IF gathered ~ '\S' THEN
                one.char_end := at;
                one.content := btrim(gathered, E' \n');
                RETURN NEXT one;
            END IF;
            one.section := line.path;
            one.heading := left(line.heading_path, 500);
            gathered := '';
            header := NULL;
            in_table := 0;
        END IF;
        IF line.is_heading THEN
            one.char_start := at + char_length(line.words);
        ELSE
            IF line.words ~ '^\s*\|' THEN
                in_table := in_table + 1;
                IF in_table = 1 THEN
                    header := left(line.words, 400);
                ELSIF in_table = 2 AND line.words ~ '^\s*\|[\s:|-]+\|?\s*$' THEN
                    header := header || left(line.words, 400);
                ELSIF in_table = 2 THEN
                    header := NULL;
                END IF;
            ELSE
                in_table := 0;
                header := NULL;
            END IF;
            IF gathered <> '' AND (
                char_length(gathered) + char_length(line.words) > most
                OR (line.words !~ '\S' AND char_length(gathered) >= enough)
            ) THEN
                one.char_end := at;
                one.content := btrim(gathered, E' \n');
                RETURN NEXT one;
                gathered := CASE WHEN in_table > 2 AND header IS NOT NULL THEN header ELSE '' END;
                one.char_start := at;
            END IF;
            IF gathered = '' AND line.words !~ '\S' THEN
                one.char_start := at + char_length(line.words);
            ELSE
                gathered := gathered || line.words;
            END IF;
        END IF;
        at := at + char_length(line.words);
    END LOOP;
    IF gathered ~ '\S' THEN
        -- The line break after the last line is not part of the content.
        one.char_end := at - 1;
        one.content := btrim(gathered, E' \n');
        RETURN NEXT one;
    END IF;
END
$$;
COMMENT ON FUNCTION search.pieces(text) IS
'A Markdown text in pieces to find, none across two sections, each with its section and the titles above it.';

-- Terms -----------------------------------------------------------------------------------------------------------------

CREATE FUNCTION search.configuration(language text) RETURNS regconfig
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE language
        WHEN 'en' THEN 'pg_catalog.english'
        WHEN 'de' THEN 'pg_catalog.german'
        WHEN 'fr' THEN 'pg_catalog.french'
        WHEN 'es' THEN 'pg_catalog.spanish'
        WHEN 'it' THEN 'pg_catalog.italian'
        WHEN 'pt' THEN 'pg_catalog.portuguese'
        WHEN 'nl' THEN 'pg_catalog.dutch'
        WHEN 'sv' THEN 'pg_catalog.swedish'
        WHEN 'da' THEN 'pg_catalog.danish'
        WHEN 'no' THEN 'pg_catalog.norwegian'
        WHEN 'fi' THEN 'pg_catalog.finnish'
        WHEN 'hu' THEN 'pg_catalog.hungarian'
        WHEN 'ro' THEN 'pg_catalog.romanian'
        WHEN 'ru' THEN 'pg_catalog.russian'
        WHEN 'tr' THEN 'pg_catalog.turkish'
        ELSE 'pg_catalog.simple'
    END::regconfig
$$;
COMMENT ON FUNCTION search.configuration(text) IS 'How words of a language (ISO 639-1) are reduced to stems.';

CREATE FUNCTION search.identifiers(content text) RETURNS text []
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(array_agg(DISTINCT f.found), '{}')
    FROM (
        -- Part, lot and record numbers: letters and digits, however they are separated.
        SELECT '#' || lower(regexp_replace(m.found[1], '[^[:alnum:]]', '', 'g')) AS found
        FROM regexp_matches(
            search.fold(content),
            '\m([[:alnum:]]+(?:[-/._][[:alnum:]]+)+|[[:alpha:]]+[0-9][[:alnum:]]*|[0-9]+[[:alpha:]][[:alnum:]]*)\M', 'g'
        ) AS m (found)
        WHERE m.found[1] ~ '[0-9]'
        UNION
        -- A quantity with its unit, with or without a space, comma or point.
        SELECT '#' || replace(m.found[1], ',', '.') || lower(m.found[2])
        FROM regexp_matches(
            search.fold(content),
            '\m([0-9]+(?:[.,][0-9]+)?)\s?°?\s?(mm|cm|um|nm|km|m|kg|mg|ug|g|ml|ul|l|ms|min|s|h|c|f|kpa|mpa|hpa|pa|mbar|bar|psi|nm|kn|n|mv|kv|v|ma|a|kw|mw|w|khz|mhz|ghz|hz|ppm|dpi|rpm|in)\M', 'gi'
        ) AS m (found)
    ) AS f
    WHERE char_length(f.found) BETWEEN 3 AND 60
$$;
COMMENT ON FUNCTION search.identifiers(text) IS
'Numbers of parts, lots, records and quantities with units in a text, each in one spelling and marked with #.';

CREATE FUNCTION search.vector_of(content text, language text) RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT to_tsvector(search.configuration(language), search.fold(content)) || array_to_tsvector(search.identifiers(content))
$$;
COMMENT ON FUNCTION search.vector_of(text, text) IS 'The stems of a text with their places, and its identifiers.';

CREATE FUNCTION search.term_number(lexeme text) RETURNS integer
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN ('x' || substr(md5(lexeme), 1, 7))::bit(28)::integer + 1;
COMMENT ON FUNCTION search.term_number(text) IS 'The dimension of a term in a sparse vector: 28 bits of its hash.';

CREATE FUNCTION search.weights_of(stems tsvector) RETURNS extensions.sparsevec
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
    -- Okapi BM25 (Robertson and Zaragoza 2009) with k1 = 1.5, b = 0.75 and an average length of 90 terms; what depends
    -- on the collection, the inverse document frequency, is in the vector of the query.
    WITH terms AS (
        SELECT
            search.term_number(t.lexeme) AS term,
            -- A word of a heading or title counts twice.
            (coalesce(cardinality(t.positions), 1) + coalesce(cardinality(array_positions(t.weights, 'A')), 0))::real AS frequency
        FROM unnest(stems) AS t
    ),

    length AS (SELECT sum(t.frequency) AS terms FROM terms AS t),

    weights AS (
        SELECT
            t.term,
            sum(t.frequency * 2.5 / (t.frequency + 1.5 * (0.25 + 0.75 * l.terms / 90))) AS weight
        FROM terms AS t CROSS JOIN length AS l
        GROUP BY t.term
        -- A sparse vector holds 16,000 values; no piece has so many terms, a text of a caller may.
        ORDER BY weight DESC, t.term
        LIMIT 15000
    )

    SELECT ('{' || coalesce(string_agg(w.term || ':' || w.weight, ',' ORDER BY w.term), '') || '}/268435456')::extensions.sparsevec
    FROM weights AS w
$$;
COMMENT ON FUNCTION search.weights_of(tsvector) IS 'The BM25 weights of the terms of a piece, as a sparse vector.';

CREATE FUNCTION search.hash_of(heading text, content text) RETURNS bytea
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN sha256(convert_to(heading || E'\n' || content, 'UTF8'));
COMMENT ON FUNCTION search.hash_of(text, text) IS 'The sha256 of what a model is given to read: heading, line break, content.';

ALTER TABLE qms.documents ADD COLUMN structure jsonb;
COMMENT ON COLUMN qms.documents.structure IS
'What reading the original gave besides the content: pages [[char_start, page], ...], language, media_type, parser, ...';

-- What is indexed -------------------------------------------------------------------------------------------------------

CREATE TABLE search.corpora (
    organization_id uuid PRIMARY KEY REFERENCES qms.organizations (id),
    languages text [] NOT NULL DEFAULT '{}',
    counted bigint,
    last_chunk bigint,
    counted_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE search.corpora IS
'The collection of each organization: its languages, and when its terms were counted last (counted pieces, up to last_chunk).';

CREATE TABLE search.sources (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL REFERENCES qms.organizations (id),
    record_id uuid CHECK (record_id = id),
    record_version integer,
    content_type text NOT NULL CHECK (content_type ~ '^[a-z][a-z0-9_.-]{0,62}$'),
    title text NOT NULL,
    is_current boolean NOT NULL DEFAULT true,
    language text NOT NULL DEFAULT 'en',
    source_table text,
    source_id uuid,
    metadata jsonb NOT NULL DEFAULT '{}',
    indexed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (organization_id, id),
    UNIQUE (organization_id, source_table, source_id, content_type),
    FOREIGN KEY (organization_id, record_id) REFERENCES qms.quality_items (organization_id, id)
);
COMMENT ON TABLE search.sources IS
'What can be found: each record (its id is that of the record; a document is one version), and texts put in by callers.';
COMMENT ON COLUMN search.sources.is_current IS 'False for superseded, obsolete and cancelled versions: found only when asked for.';
ALTER TABLE search.sources ALTER COLUMN title SET STATISTICS 0;
CREATE INDEX sources_record ON search.sources (organization_id, record_id);

CREATE TABLE search.chunks (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    organization_id uuid NOT NULL,
    source_id uuid NOT NULL,
    content_type text NOT NULL,
    is_current boolean NOT NULL,
    ordinal integer NOT NULL,
    section text NOT NULL,
    heading text NOT NULL,
    page integer,
    char_start integer NOT NULL,
    char_end integer NOT NULL,
    content text NOT NULL,
    content_sha bytea NOT NULL GENERATED ALWAYS AS (search.hash_of(heading, content)) STORED,
    stems tsvector NOT NULL,
    weights extensions.sparsevec NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    -- What refers to a piece names its organization too, so that no reference can cross organizations.
    UNIQUE (organization_id, id),
    FOREIGN KEY (organization_id, source_id) REFERENCES search.sources (organization_id, id) ON DELETE CASCADE
);
COMMENT ON TABLE search.chunks IS 'The pieces of each source, with the stems and BM25 weights they are found by.';
COMMENT ON COLUMN search.chunks.section IS 'Path of the section in its document: a printed number such as 5.2, or a slug; empty outside sections.';
COMMENT ON COLUMN search.chunks.char_start IS 'Where the piece begins in the content of the document, characters from 0; char_end is after its last one.';
ALTER TABLE search.chunks
ALTER COLUMN content SET STATISTICS 0, ALTER COLUMN heading SET STATISTICS 0, ALTER COLUMN stems SET STATISTICS 0,
ALTER COLUMN weights SET STATISTICS 0, ALTER COLUMN section SET STATISTICS 0;
CREATE INDEX chunks_stems ON search.chunks USING gin (stems);
CREATE INDEX chunks_source ON search.chunks (source_id, ordinal);
CREATE INDEX chunks_organization ON search.chunks (organization_id, content_type, is_current, id);
CREATE INDEX chunks_newest ON search.chunks (organization_id, id);

CREATE TABLE search.term_stats (
    organization_id uuid NOT NULL REFERENCES qms.organizations (id),
    lexeme text NOT NULL,
    chunk_count integer NOT NULL,
    trigrams text [],
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (organization_id, lexeme)
);
COMMENT ON TABLE search.term_stats IS
'In how many pieces of its organization a term occurs, and the groups of three letters a misspelling is recognised by.';
ALTER TABLE search.term_stats ALTER COLUMN lexeme SET STATISTICS 0, ALTER COLUMN trigrams SET STATISTICS 0;
CREATE INDEX term_stats_trigrams ON search.term_stats USING gin (trigrams);

CREATE TABLE search.embedding_models (
    id smallint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key text NOT NULL UNIQUE CHECK (key ~ '^[a-z0-9][a-z0-9._-]{0,60}$'),
    provider text NOT NULL CHECK (provider IN ('local', 'voyage', 'openai', 'compatible', 'given')),
    model text NOT NULL,
    dims integer NOT NULL CHECK (dims BETWEEN 1 AND 4000),
    query_prefix text NOT NULL DEFAULT '',
    document_prefix text NOT NULL DEFAULT '',
    base_url text,
    state text NOT NULL DEFAULT 'filling' CHECK (state IN ('filling', 'active', 'retired')),
    activated_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE search.embedding_models IS
'Models that make vectors. One is active, another may be filled to replace it; provider given means that callers bring vectors.';
CREATE UNIQUE INDEX embedding_models_one_active ON search.embedding_models ((true)) WHERE state = 'active' AND provider <> 'given';
CREATE UNIQUE INDEX embedding_models_one_filling ON search.embedding_models ((true)) WHERE state = 'filling';

CREATE TABLE search.embeddings_by_model (
    chunk_id bigint NOT NULL,
    model_id smallint NOT NULL REFERENCES search.embedding_models (id),
    organization_id uuid NOT NULL REFERENCES qms.organizations (id),
    content_type text NOT NULL,
    is_current boolean NOT NULL,
    content_sha bytea NOT NULL,
    embedding extensions.halfvec NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (chunk_id, model_id),
    FOREIGN KEY (organization_id, chunk_id) REFERENCES search.chunks (organization_id, id) ON DELETE CASCADE
) PARTITION BY LIST (model_id);
COMMENT ON TABLE search.embeddings_by_model IS
'The vector of a piece by a model, a partition for each model: vectors of two models never meet.';
CREATE INDEX embeddings_organization ON search.embeddings_by_model (organization_id, content_type, is_current);
CREATE INDEX embeddings_content ON search.embeddings_by_model (organization_id, content_sha);
ALTER TABLE search.embeddings_by_model ALTER COLUMN embedding SET STATISTICS 0, ALTER COLUMN content_sha SET STATISTICS 0;

CREATE TABLE search.embedding_jobs (
    chunk_id bigint NOT NULL,
    model_id smallint NOT NULL REFERENCES search.embedding_models (id) ON DELETE CASCADE,
    organization_id uuid NOT NULL REFERENCES qms.organizations (id),
    attempts integer NOT NULL DEFAULT 0,
    not_before timestamptz NOT NULL DEFAULT now(),
    leased_by text,
    leased_until timestamptz,
    last_error text,
    dead boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (chunk_id, model_id),
    FOREIGN KEY (organization_id, chunk_id) REFERENCES search.chunks (organization_id, id) ON DELETE CASCADE
);
COMMENT ON TABLE search.embedding_jobs IS
'Pieces that wait for their vector: leased to a worker for a while, tried again later, set aside as dead with the last error.';
CREATE INDEX embedding_jobs_waiting ON search.embedding_jobs (model_id, not_before) WHERE NOT dead;
CREATE INDEX embedding_jobs_organization ON search.embedding_jobs (organization_id, model_id);

CREATE TABLE search.embedding_usage (
    organization_id uuid NOT NULL REFERENCES qms.organizations (id),
    -- No reference: what a model has cost outlives it.
    model_key text NOT NULL,
    day date NOT NULL DEFAULT (now() AT TIME ZONE 'UTC')::date,
    requests bigint NOT NULL DEFAULT 0,
    tokens bigint NOT NULL DEFAULT 0,
    cost numeric NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (organization_id, model_key, day)
);
COMMENT ON TABLE search.embedding_usage IS 'What vectors of a provider cost each day (UTC): requests, tokens, money in US dollars.';

DO $$
DECLARE
    named text;
BEGIN
    FOREACH named IN ARRAY ARRAY[
        'corpora', 'sources', 'chunks', 'term_stats', 'embeddings_by_model', 'embedding_jobs', 'embedding_usage'
    ] LOOP
        EXECUTE format('ALTER TABLE search.%I ENABLE ROW LEVEL SECURITY', named);
        EXECUTE format('ALTER TABLE search.%I FORCE ROW LEVEL SECURITY', named);
        EXECUTE format(
            'CREATE POLICY read_own ON search.%I FOR SELECT TO qms_app, qms_sql '
            'USING (organization_id = (SELECT qms.current_organization_id()))', named
        );
        EXECUTE format('CREATE POLICY administration ON search.%I TO qms_definer USING (true) WITH CHECK (true)', named);
        EXECUTE format('GRANT SELECT ON search.%I TO qms_app, qms_sql', named);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON search.%I TO qms_definer', named);
    END LOOP;
    -- A worker acts for one organization, and what it writes is derived: it may, whatever its roles are.
    FOREACH named IN ARRAY ARRAY['embeddings_by_model', 'embedding_jobs', 'embedding_usage'] LOOP
        EXECUTE format(
            'CREATE POLICY work_own ON search.%I TO qms_app '
            'USING (organization_id = (SELECT qms.current_organization_id())) '
            'WITH CHECK (organization_id = (SELECT qms.current_organization_id()))', named
        );
        EXECUTE format('GRANT INSERT, UPDATE ON search.%I TO qms_app', named);
    END LOOP;
    GRANT DELETE ON search.embedding_jobs TO qms_app;
    ALTER TABLE search.embedding_models ENABLE ROW LEVEL SECURITY;
    ALTER TABLE search.embedding_models FORCE ROW LEVEL SECURITY;
    CREATE POLICY read_signed_in ON search.embedding_models FOR SELECT TO qms_app, qms_sql
    USING ((SELECT qms.current_organization_id()) IS NOT NULL);
    CREATE POLICY administration ON search.embedding_models TO qms_definer, CURRENT_USER USING (true) WITH CHECK (true);
    GRANT SELECT ON search.embedding_models TO qms_app, qms_sql, qms_definer;
END
$$;

-- Models ------------------------------------------------------------------------------------------------------------------

CREATE FUNCTION search.add_model(
    of_key text, of_provider text, of_model text, of_dims integer, of_base_url text, prefixes text []
) RETURNS smallint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    added search.embedding_models;
    partition text;
BEGIN
    SELECT m.* INTO added FROM search.embedding_models AS m WHERE m.key = of_key;
    IF added.id IS NOT NULL THEN
        IF (added.provider, added.model, added.dims) IS DISTINCT FROM (of_provider, of_model, of_dims) THEN
            RAISE EXCEPTION 'there is another model with the key %: % % with % dimensions', of_key, added.provider, added.model, added.dims
            USING ERRCODE = 'QM024', HINT = 'Choose another key.';
        END IF;
        RETURN added.id;
    END IF;
    INSERT INTO search.embedding_models (key, provider, model, dims, base_url, query_prefix, document_prefix, state, activated_at)
    VALUES (
        of_key, of_provider, of_model, of_dims, of_base_url, coalesce(prefixes[1], ''), coalesce(prefixes[2], ''),
        CASE WHEN of_provider = 'given' THEN 'active' ELSE 'filling' END,
        CASE WHEN of_provider = 'given' THEN clock_timestamp() END
    )
    RETURNING * INTO added;
    partition := 'embeddings_m' || added.id;
    EXECUTE format('CREATE TABLE search.%I PARTITION OF search.embeddings_by_model FOR VALUES IN (%s)', partition, added.id);
    EXECUTE format(
        'ALTER TABLE search.%I ADD CONSTRAINT dims CHECK (extensions.vector_dims(embedding) = %s)', partition, of_dims
    );
    EXECUTE format('ALTER TABLE search.%I ALTER COLUMN embedding SET STORAGE PLAIN', partition);
    EXECUTE format('ALTER TABLE search.%I ENABLE ROW LEVEL SECURITY', partition);
    EXECUTE format('ALTER TABLE search.%I FORCE ROW LEVEL SECURITY', partition);
    EXECUTE format('CREATE POLICY administration ON search.%I TO qms_definer USING (true) WITH CHECK (true)', partition);
    EXECUTE format('GRANT SELECT ON search.%I TO qms_definer', partition);
    RETURN added.id;
END
$$;
COMMENT ON FUNCTION search.add_model(text, text, text, integer, text, text []) IS
'Registers a model and makes its partition, without the index of neighbours: fill, then search.build_index. The same model twice is one.';

CREATE FUNCTION search.build_index(of_model smallint) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    EXECUTE format(
        'CREATE INDEX IF NOT EXISTS %I ON search.%I USING hnsw ((embedding::extensions.halfvec(%s)) extensions.halfvec_cosine_ops)',
        'embeddings_m' || of_model || '_near', 'embeddings_m' || of_model,
        (SELECT m.dims FROM search.embedding_models AS m WHERE m.id = of_model)
    );
END
$$;
COMMENT ON FUNCTION search.build_index(smallint) IS 'Builds the index of neighbours of a model; reading and searching go on, writing of its vectors waits.';

CREATE FUNCTION search.activate_model(of_model smallint) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE search.embedding_models AS m SET state = 'retired'
    WHERE m.state = 'active' AND m.provider <> 'given' AND m.id <> of_model;
    UPDATE search.embedding_models AS m SET state = 'active', activated_at = clock_timestamp()
    WHERE m.id = of_model AND m.state <> 'active';
END
$$;
COMMENT ON FUNCTION search.activate_model(smallint) IS 'From now on searches use this model; the one before is retired and can be dropped.';

CREATE FUNCTION search.drop_model(of_model smallint) RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM search.embedding_models AS m WHERE m.id = of_model AND m.state = 'retired') THEN
        RETURN false;
    END IF;
    EXECUTE format('DROP TABLE IF EXISTS search.%I', 'embeddings_m' || of_model);
    DELETE FROM search.embedding_models AS m WHERE m.id = of_model;
    RETURN true;
END
$$;
COMMENT ON FUNCTION search.drop_model(smallint) IS 'Drops a retired model with its vectors and jobs. Set lock_timeout: it waits for searches, and they for it.';

SELECT search.add_model('minilm-l6-v2-int8', 'local', 'all-MiniLM-L6-v2', 384, NULL, '{}');
SELECT search.build_index(1::smallint);
SELECT search.activate_model(1::smallint);
SELECT search.add_model('given-1536', 'given', 'vectors of callers', 1536, NULL, '{}');
SELECT search.build_index(2::smallint);

CREATE FUNCTION search.enqueue() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO search.embedding_jobs (chunk_id, model_id, organization_id)
    SELECT c.id, m.id, c.organization_id
    FROM added AS c INNER JOIN search.embedding_models AS m ON m.state <> 'retired' AND m.provider <> 'given'
    ORDER BY c.id, m.id
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION search.enqueue() IS 'A new piece waits for a vector of each model that is used or filled.';
CREATE TRIGGER enqueue AFTER INSERT ON search.chunks REFERENCING NEW TABLE AS added
FOR EACH STATEMENT EXECUTE FUNCTION search.enqueue();

-- Indexing ----------------------------------------------------------------------------------------------------------------

CREATE FUNCTION search.pages_of(pages jsonb) RETURNS TABLE (page integer, places int4range)
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT p.page, int4range(p.at, lead(p.at) OVER (ORDER BY p.at, p.page))
    FROM (
        SELECT DISTINCT ON ((e.pair ->> 0)::integer) (e.pair ->> 0)::integer AS at, (e.pair ->> 1)::integer AS page
        FROM jsonb_array_elements(CASE jsonb_typeof(pages) WHEN 'array' THEN pages ELSE '[]' END) AS e (pair)
        WHERE e.pair ->> 0 ~ '^[0-9]{1,9}$' AND e.pair ->> 1 ~ '^[0-9]{1,9}$'
        ORDER BY (e.pair ->> 0)::integer, (e.pair ->> 1)::integer DESC
    ) AS p
$$;
COMMENT ON FUNCTION search.pages_of(jsonb) IS 'From which character to which one each page goes; what is no page is left out.';

CREATE FUNCTION search.put_pieces(source search.sources, content text, names text, pages jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    stems_of_names tsvector := setweight(array_to_tsvector(search.identifiers(coalesce(names, ''))), 'A');
BEGIN
    -- Looked at first: while terms are counted the row is locked, and records go on being written.
    IF NOT EXISTS (
        SELECT FROM search.corpora AS k
        WHERE k.organization_id = source.organization_id AND k.languages @> ARRAY[source.language]
    ) THEN
        INSERT INTO search.corpora AS k (organization_id, languages)
        VALUES (source.organization_id, ARRAY[source.language])
        ON CONFLICT (organization_id) DO UPDATE SET languages = k.languages || excluded.languages
        WHERE NOT k.languages @> excluded.languages;
    END IF;
    -- A piece that is there already keeps its row and so its vectors, wherever it moved to.
    WITH cut AS (
        SELECT
            p.place::integer AS place, p.section, p.char_start, p.char_end, p.content,
            left(
                CASE
                    WHEN p.heading = '' OR p.heading = source.title THEN source.title
                    WHEN starts_with(p.heading, source.title || ' > ') THEN p.heading
                    ELSE source.title || ' > ' || p.heading
                END, 600
            ) AS heading,
            g.page
        FROM search.pieces(content) WITH ORDINALITY AS p (section, heading, char_start, char_end, content, place)
        LEFT JOIN search.pages_of(pages) AS g ON g.places @> p.char_start
    ),

    bare AS (
        -- What has no text is found by its title.
        SELECT c.* FROM cut AS c
        UNION ALL
        SELECT 1, '', 0, 0, left(source.title, 600), left(source.title, 600), NULL WHERE NOT EXISTS (SELECT FROM cut)
    ),

    wanted AS (
        SELECT b.*, b.hash AS sha, row_number() OVER (PARTITION BY b.hash ORDER BY b.place) AS nth
        FROM (SELECT c.*, search.hash_of(c.heading, c.content) AS hash FROM bare AS c) AS b
    ),

    there AS (
        SELECT c.id, c.content_sha AS sha, row_number() OVER (PARTITION BY c.content_sha ORDER BY c.ordinal) AS nth
        FROM search.chunks AS c WHERE c.source_id = source.id
    ),

    gone AS (
        DELETE FROM search.chunks AS c
        WHERE c.source_id = source.id AND NOT EXISTS (
            SELECT FROM there AS t INNER JOIN wanted AS w ON t.sha = w.sha AND t.nth = w.nth WHERE t.id = c.id
        )
    ),

    moved AS (
        UPDATE search.chunks AS c
        SET
            ordinal = w.place, section = w.section, page = w.page, char_start = w.char_start, char_end = w.char_end,
            is_current = source.is_current
        FROM there AS t INNER JOIN wanted AS w ON t.sha = w.sha AND t.nth = w.nth
        WHERE
            c.id = t.id
            AND (c.ordinal, c.section, c.page, c.char_start, c.char_end, c.is_current)
            IS DISTINCT FROM (w.place, w.section, w.page, w.char_start, w.char_end, source.is_current)
    ),

    stemmed AS (
        SELECT
            w.*,
            setweight(search.vector_of(w.heading, source.language), 'A') || stems_of_names
            || search.vector_of(w.content, source.language) AS stems
        FROM wanted AS w
        LEFT JOIN there AS t ON w.sha = t.sha AND w.nth = t.nth
        WHERE t.id IS NULL
    )

    INSERT INTO search.chunks (
        organization_id, source_id, content_type, is_current, ordinal, section, heading, page, char_start, char_end,
        content, stems, weights
    )
    SELECT
        source.organization_id, source.id, source.content_type, source.is_current, s.place, s.section, s.heading, s.page,
        s.char_start, s.char_end, s.content, s.stems, search.weights_of(s.stems)
    FROM stemmed AS s
    ORDER BY s.place;
    UPDATE search.embeddings_by_model AS e SET is_current = source.is_current
    FROM search.chunks AS c
    WHERE c.source_id = source.id AND e.chunk_id = c.id AND e.is_current <> source.is_current;
END
$$;
COMMENT ON FUNCTION search.put_pieces(search.sources, text, text, jsonb) IS
'Makes the pieces of a source those of this content; only what changed is written.';

CREATE FUNCTION search.words_of(fields jsonb) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    field record;
    words text;
    lines text [] := '{}';
BEGIN
    FOR field IN SELECT e.key, e.value, jsonb_typeof(e.value) AS kind FROM jsonb_each(
        CASE jsonb_typeof(fields) WHEN 'object' THEN fields ELSE '{}' END
    ) AS e ORDER BY e.key LOOP
        words := CASE field.kind
            WHEN 'string' THEN field.value #>> '{}'
            WHEN 'array' THEN (
                SELECT string_agg(a.item #>> '{}', ', ')
                FROM jsonb_array_elements(field.value) AS a (item) WHERE jsonb_typeof(a.item) = 'string'
            )
        END;
        -- Ids, hashes, dates and times say nothing to who searches in words.
        IF words ~ '[[:alpha:]]{2}' AND field.key NOT IN ('content', 'content_sha256', 'structure', 'sha256', 'uri')
            AND words !~ '^([0-9a-f]{8}-[0-9a-f]{4}-|[0-9a-f]{64}$|[0-9]{4}-[0-9]{2}-[0-9]{2}([T ]|$))' THEN
            lines := lines || (upper(left(field.key, 1)) || replace(substr(field.key, 2), '_', ' ') || ': ' || words);
        END IF;
    END LOOP;
    RETURN nullif(array_to_string(lines, E'\n'), '');
END
$$;
COMMENT ON FUNCTION search.words_of(jsonb) IS 'What is said in words in the fields of an object, a line for each field.';

-- Written out for each table, so that a session plans it once (see qms.record_parts_of). A migration that adds a type or a
-- part makes it again.
DO $do$
DECLARE
    of_types text;
    of_parts text;
BEGIN
    SELECT string_agg(
        format('WHEN %L THEN SELECT to_jsonb(t) INTO own FROM qms.%I AS t WHERE t.id = of_record;', r.category, r.table_name), ' '
    ) INTO of_types FROM qms.record_types AS r;
    SELECT string_agg(
        format(
            'SELECT %1$L AS part, to_jsonb(t) AS fields, t.created_at, t.id FROM qms.%1$I AS t '
            'WHERE t.organization_id = ours AND t.record_id = of_record', p.table_name
        ), ' UNION ALL ' ORDER BY p.table_name
    ) INTO of_parts FROM qms.record_parts AS p WHERE p.table_name <> 'required_signatures';
    EXECUTE format(
        'CREATE FUNCTION search.text_of(of_record uuid) RETURNS text LANGUAGE plpgsql STABLE '
        'SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$ '
        'DECLARE ours uuid; item qms.quality_items; own jsonb; parts text; '
        'BEGIN '
        'SELECT i.* INTO item FROM qms.quality_items AS i WHERE i.id = of_record; ours := item.organization_id; '
        'CASE item.category %s ELSE own := NULL; END CASE; '
        'SELECT string_agg(g.label || E'':\n'' || g.words, E''\n\n'' ORDER BY g.label) INTO parts FROM ('
        'SELECT upper(left(p.part, 1)) || replace(substr(p.part, 2), ''_'', '' '') AS label, '
        'string_agg(search.words_of(p.fields), E''\n'' ORDER BY p.created_at, p.id) AS words FROM (%s) AS p GROUP BY p.part'
        ') AS g WHERE g.words IS NOT NULL; '
        'RETURN concat_ws(E''\n\n'', item.description, search.words_of(own), search.words_of(item.metadata), '
        'search.words_of(jsonb_build_object(''tags'', item.tags)), parts); '
        'END $$', of_types, of_parts
    );
END
$do$;
COMMENT ON FUNCTION search.text_of(uuid) IS 'All that is said in words in a record and its parts, without its number and title.';

CREATE FUNCTION search.index_record(of_record uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    item qms.quality_items;
    document qms.documents;
    source search.sources;
BEGIN
    SELECT i.* INTO item FROM qms.quality_items AS i WHERE i.id = of_record;
    IF item.id IS NULL OR item.number IS NULL OR EXISTS (
        SELECT FROM search.sources AS s WHERE s.id = item.id AND s.record_version = item.version
    ) THEN
        RETURN;
    END IF;
    IF item.category = 'document' THEN
        SELECT d.* INTO document FROM qms.documents AS d WHERE d.id = item.id;
    END IF;
    INSERT INTO search.sources AS s (
        id, organization_id, record_id, record_version, content_type, title, is_current, language
    )
    SELECT
        item.id, item.organization_id, item.id, item.version, item.category, item.title,
        item.category <> 'document' OR item.status NOT IN ('superseded', 'obsolete', 'cancelled'),
        coalesce(
            substring(document.structure ->> 'language' FROM '^[a-z]{2}$'), substring(o.settings ->> 'language' FROM '^[a-z]{2}$'), 'en'
        )
    FROM qms.organizations AS o WHERE o.id = item.organization_id
    ON CONFLICT (id) DO UPDATE
    SET
        record_version = excluded.record_version, title = excluded.title, is_current = excluded.is_current,
        language = excluded.language, indexed_at = clock_timestamp()
    -- An id that belongs to a text somebody put in is not taken from them.
    WHERE s.organization_id = excluded.organization_id AND s.record_id IS NOT NULL
    RETURNING * INTO source;
    IF source.id IS NULL THEN
        RETURN;
    END IF;
    PERFORM search.put_pieces(
        source,
        CASE
            WHEN nullif(btrim(document.content), '') IS NOT NULL THEN document.content
            ELSE coalesce(search.text_of(item.id), '')
        END,
        concat_ws(' ', item.number, document.document_number),
        coalesce(document.structure -> 'pages', '[]')
    );
END
$$;
COMMENT ON FUNCTION search.index_record(uuid) IS
'Brings the index of a record up to its present version; does nothing when it is.';

CREATE FUNCTION search.index_safely(of_record uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM search.index_record(of_record);
EXCEPTION WHEN data_exception OR program_limit_exceeded OR invalid_parameter_value THEN
    -- A record is kept whether or not it can be found; index_progress counts it as stale.
    RAISE WARNING 'record % is not indexed: %', of_record, sqlerrm;
END
$$;
COMMENT ON FUNCTION search.index_safely(uuid) IS 'Indexes a record; a text that can''t be indexed is no reason not to keep it.';

CREATE FUNCTION search.index_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM search.index_safely(new.id);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION search.index_change() IS 'Indexes a record when the transaction that changed it commits, once.';

-- Texts of callers ----------------------------------------------------------------------------------------------------------

CREATE FUNCTION search.put_text(
    of_type text, of_title text, of_content text, of_table text, of_id uuid, of_metadata jsonb
) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    source search.sources;
BEGIN
    IF NOT qms.may_write() THEN
        RAISE EXCEPTION 'you may not put texts into the index' USING ERRCODE = 'QM022', HINT = 'Ask a colleague who may write.';
    END IF;
    IF EXISTS (SELECT FROM qms.record_types AS t WHERE t.category = of_type) THEN
        RAISE EXCEPTION 'texts of type % are records, which are indexed by themselves', of_type
        USING ERRCODE = 'QM024', HINT = 'Choose another content_type, such as note or manual.';
    END IF;
    INSERT INTO search.sources AS s (organization_id, content_type, title, source_table, source_id, metadata)
    VALUES (
        qms.current_organization_id(), of_type, coalesce(nullif(btrim(of_title), ''), left(of_content, 80)), of_table,
        of_id, coalesce(of_metadata, '{}')
    )
    ON CONFLICT (organization_id, source_table, source_id, content_type) DO UPDATE
    SET title = excluded.title, metadata = excluded.metadata, indexed_at = clock_timestamp()
    RETURNING * INTO source;
    PERFORM search.put_pieces(source, of_content, NULL, '[]');
    RETURN source.id;
END
$$;
COMMENT ON FUNCTION search.put_text(text, text, text, text, uuid, jsonb) IS
'Puts a text of the caller into the index; the same source_table and source_id replace what was there. Returns its source.';

-- Work --------------------------------------------------------------------------------------------------------------------

CREATE FUNCTION search.claim_jobs(of_model smallint, max_rows integer, worker text, lease interval) RETURNS TABLE (
    chunk_id bigint, organization_id uuid, content_sha bytea, text_to_embed text
)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    mine bigint [];
BEGIN
    SELECT array_agg(t.chunk_id) INTO mine
    FROM (
        SELECT j.chunk_id
        FROM search.embedding_jobs AS j
        WHERE
            j.model_id = of_model AND NOT j.dead AND j.not_before <= clock_timestamp()
            AND (j.leased_until IS NULL OR j.leased_until < clock_timestamp())
        ORDER BY j.not_before, j.chunk_id
        LIMIT max_rows
        FOR UPDATE SKIP LOCKED
    ) AS t;
    -- What the organization has a vector of already needs no model.
    WITH known AS (
        INSERT INTO search.embeddings_by_model AS n (
            chunk_id, model_id, organization_id, content_type, is_current, content_sha, embedding
        )
        SELECT c.id, of_model, c.organization_id, c.content_type, c.is_current, c.content_sha, e.embedding
        FROM search.chunks AS c
        CROSS JOIN LATERAL (
            SELECT x.embedding
            FROM search.embeddings_by_model AS x
            WHERE
                x.model_id = of_model AND x.organization_id = c.organization_id AND x.content_sha = c.content_sha
            LIMIT 1
        ) AS e
        WHERE c.id = ANY (mine)
        ORDER BY c.id
        ON CONFLICT (chunk_id, model_id) DO UPDATE SET content_sha = excluded.content_sha, embedding = excluded.embedding
        RETURNING n.chunk_id
    ),

    settled AS (
        DELETE FROM search.embedding_jobs AS j USING known AS k
        WHERE j.model_id = of_model AND j.chunk_id = k.chunk_id
        RETURNING j.chunk_id
    )

    SELECT coalesce(array_agg(m.id), '{}') INTO mine
    FROM unnest(mine) AS m (id) WHERE NOT EXISTS (SELECT FROM settled AS s WHERE s.chunk_id = m.id);
    UPDATE search.embedding_jobs AS j SET leased_by = worker, leased_until = clock_timestamp() + lease
    WHERE j.model_id = of_model AND j.chunk_id = ANY (mine);
    RETURN QUERY
    SELECT c.id, c.organization_id, c.content_sha, c.heading || E'\n' || c.content
    FROM search.chunks AS c WHERE c.id = ANY (mine) ORDER BY c.id;
END
$$;
COMMENT ON FUNCTION search.claim_jobs(smallint, integer, text, interval) IS
'Leases pieces that wait for a vector of a model to a worker; what has one already is settled without work.';

CREATE FUNCTION search.finish_jobs(
    of_model smallint, worker text, chunks bigint [], hashes bytea [], vectors extensions.halfvec []
) RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    done integer;
BEGIN
    WITH given AS (
        SELECT g.chunk_id, g.content_sha, g.embedding FROM unnest(chunks, hashes, vectors) AS g (chunk_id, content_sha, embedding)
    ),

    stored AS (
        INSERT INTO search.embeddings_by_model AS n (
            chunk_id, model_id, organization_id, content_type, is_current, content_sha, embedding
        )
        SELECT c.id, of_model, c.organization_id, c.content_type, c.is_current, c.content_sha, g.embedding
        FROM given AS g INNER JOIN search.chunks AS c ON g.chunk_id = c.id AND g.content_sha = c.content_sha
        ORDER BY c.id
        ON CONFLICT (chunk_id, model_id) DO UPDATE
        SET content_sha = excluded.content_sha, embedding = excluded.embedding, is_current = excluded.is_current
        RETURNING n.chunk_id
    )

    DELETE FROM search.embedding_jobs AS j USING stored AS s WHERE j.model_id = of_model AND j.chunk_id = s.chunk_id;
    GET DIAGNOSTICS done = ROW_COUNT;
    RETURN done;
END
$$;
COMMENT ON FUNCTION search.finish_jobs(smallint, text, bigint [], bytea [], extensions.halfvec []) IS
'Stores the vectors of pieces that are still what they were (by hash) and takes them off the queue.';

CREATE FUNCTION search.fail_job(
    of_model smallint, worker text, chunk bigint, error text, retry_after interval, fatal boolean
) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp
AS $$
    UPDATE search.embedding_jobs AS j
    SET
        attempts = j.attempts + 1, last_error = left(error, 500), leased_by = NULL, leased_until = NULL,
        not_before = clock_timestamp() + retry_after, dead = fatal OR j.attempts >= 4
    WHERE j.model_id = of_model AND j.chunk_id = chunk AND j.leased_by = worker
$$;
COMMENT ON FUNCTION search.fail_job(smallint, text, bigint, text, interval, boolean) IS
'Gives a piece back to be tried later; after five tries, or at once when it is fatal, it is set aside as dead.';

CREATE FUNCTION search.release_jobs(worker text) RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    released integer;
BEGIN
    UPDATE search.embedding_jobs AS j SET leased_by = NULL, leased_until = NULL WHERE j.leased_by = worker;
    GET DIAGNOSTICS released = ROW_COUNT;
    RETURN released;
END
$$;
COMMENT ON FUNCTION search.release_jobs(text) IS 'Hands back what a worker has leased: it stops.';

CREATE FUNCTION search.revive_jobs(of_model smallint) RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    revived integer;
BEGIN
    UPDATE search.embedding_jobs AS j SET dead = false, attempts = 0, not_before = clock_timestamp()
    WHERE j.model_id = of_model AND j.dead;
    GET DIAGNOSTICS revived = ROW_COUNT;
    RETURN revived;
END
$$;
COMMENT ON FUNCTION search.revive_jobs(smallint) IS 'Puts what was set aside as dead back into the queue.';

CREATE FUNCTION search.queue_model(of_model smallint) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    queued bigint;
BEGIN
    INSERT INTO search.embedding_jobs (chunk_id, model_id, organization_id)
    SELECT c.id, of_model, c.organization_id
    FROM search.chunks AS c
    WHERE NOT EXISTS (
        SELECT FROM search.embeddings_by_model AS e
        WHERE e.model_id = of_model AND e.chunk_id = c.id AND e.content_sha = c.content_sha
    )
    ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS queued = ROW_COUNT;
    RETURN queued;
END
$$;
COMMENT ON FUNCTION search.queue_model(smallint) IS 'Queues every piece that has no vector of a model yet.';

CREATE FUNCTION search.index_progress() RETURNS TABLE (
    model_id smallint, key text, provider text, model text, dims integer, state text, chunks bigint, done bigint,
    queued bigint, leased bigint, failed bigint, stale bigint, last_error text, oldest_queued timestamptz
)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT
        m.id, m.key, m.provider, m.model, m.dims, m.state, n.chunks, e.done, j.queued, j.leased, j.failed,
        (
            SELECT count(*) FROM qms.quality_items AS i
            LEFT JOIN search.sources AS s ON i.id = s.id
            WHERE i.number IS NOT NULL AND s.record_version IS DISTINCT FROM i.version
        ),
        j.last_error, j.oldest
    FROM search.embedding_models AS m
    CROSS JOIN (SELECT count(*) AS chunks FROM search.chunks) AS n
    CROSS JOIN LATERAL (
        SELECT count(*) AS done FROM search.embeddings_by_model AS x WHERE x.model_id = m.id
    ) AS e
    CROSS JOIN LATERAL (
        SELECT
            count(*) FILTER (WHERE NOT q.dead) AS queued,
            count(*) FILTER (WHERE q.leased_until > clock_timestamp()) AS leased,
            count(*) FILTER (WHERE q.dead) AS failed,
            (array_agg(q.last_error ORDER BY q.dead DESC, q.attempts DESC) FILTER (WHERE q.last_error IS NOT NULL))[1] AS last_error,
            min(q.created_at) FILTER (WHERE NOT q.dead) AS oldest
        FROM search.embedding_jobs AS q WHERE q.model_id = m.id
    ) AS j
    ORDER BY m.id
$$;
COMMENT ON FUNCTION search.index_progress() IS
'How far the index is, by model, of what the caller may see. stale: records whose pieces are of an older version.';

CREATE FUNCTION search.add_cost(of_organization uuid, of_model smallint, of_tokens bigint, of_cost numeric) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp
AS $$
    INSERT INTO search.embedding_usage AS u (organization_id, model_key, requests, tokens, cost)
    SELECT of_organization, m.key, 1, of_tokens, of_cost FROM search.embedding_models AS m WHERE m.id = of_model
    ON CONFLICT (organization_id, model_key, day) DO UPDATE
    SET requests = u.requests + 1, tokens = u.tokens + excluded.tokens, cost = u.cost + excluded.cost
$$;
COMMENT ON FUNCTION search.add_cost(uuid, smallint, bigint, numeric) IS 'Adds a request to a provider to the costs of the day.';

-- Frequencies -------------------------------------------------------------------------------------------------------------

CREATE FUNCTION search.trigrams(word text) RETURNS text []
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT array_agg(DISTINCT substr('  ' || word || ' ', g.place, 3))
    FROM generate_series(1, char_length(word) + 1) AS g (place)
$$;
COMMENT ON FUNCTION search.trigrams(text) IS 'The groups of three letters of a word, as pg_trgm makes them.';

CREATE FUNCTION search.refresh_terms(force boolean) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    ours uuid := qms.current_organization_id();
    corpus search.corpora;
    newest bigint;
    since bigint;
BEGIN
    SELECT k.* INTO corpus FROM search.corpora AS k WHERE k.organization_id = ours FOR UPDATE SKIP LOCKED;
    IF corpus.organization_id IS NULL THEN
        RETURN false;
    END IF;
    SELECT max(c.id), count(*) FILTER (WHERE c.id > coalesce(corpus.last_chunk, 0)) INTO newest, since
    FROM (SELECT x.id FROM search.chunks AS x WHERE x.organization_id = ours AND x.id > coalesce(corpus.last_chunk, 0)) AS c;
    IF NOT force AND coalesce(since, 0) <= greatest(100, coalesce(corpus.counted, 0) / 50)
        AND (coalesce(since, 0) = 0 OR corpus.counted_at > clock_timestamp() - interval '30 seconds') THEN
        RETURN false;
    END IF;
    -- In the order of the key, so that two of these never wait for each other in a circle.
    WITH now_there AS MATERIALIZED (
        SELECT s.word, s.ndoc
        FROM ts_stat(format('SELECT c.stems FROM search.chunks AS c WHERE c.organization_id = %L', ours)) AS s
    ),

    gone AS (
        DELETE FROM search.term_stats AS t
        WHERE t.organization_id = ours AND NOT EXISTS (SELECT FROM now_there AS n WHERE n.word = t.lexeme)
    )

    INSERT INTO search.term_stats AS t (organization_id, lexeme, chunk_count, trigrams)
    SELECT ours, n.word, n.ndoc, CASE WHEN n.word ~ '^[[:alpha:]]{4,40}$' THEN search.trigrams(n.word) END
    FROM now_there AS n
    ORDER BY n.word
    ON CONFLICT (organization_id, lexeme) DO UPDATE SET chunk_count = excluded.chunk_count
    WHERE t.chunk_count <> excluded.chunk_count;
    UPDATE search.corpora AS k
    SET
        counted = (SELECT count(*) FROM search.chunks AS c WHERE c.organization_id = ours),
        last_chunk = coalesce(newest, k.last_chunk), counted_at = clock_timestamp()
    WHERE k.organization_id = ours;
    RETURN true;
END
$$;
COMMENT ON FUNCTION search.refresh_terms(boolean) IS
'Counts in how many pieces of the caller''s organization each term occurs, when enough has changed. Nothing of another '
'organization goes into what this one sees.';
