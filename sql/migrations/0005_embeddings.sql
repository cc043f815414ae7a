-- Shared vectors, and the search over them.

GRANT USAGE ON SCHEMA public TO qms_app, qms_sql, qms_probe;

CREATE TABLE public.embeddings (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL REFERENCES qms.organizations (id),
    content text NOT NULL,
    content_type text NOT NULL,
    source_id uuid,
    source_table text,
    embedding vector(1536) NOT NULL,
    metadata jsonb DEFAULT '{}',
    created_at timestamptz DEFAULT now()
);
COMMENT ON TABLE public.embeddings IS 'Texts with their vectors, whatever table they come from.';
ALTER TABLE public.embeddings ALTER COLUMN content SET STATISTICS 0;
CREATE INDEX embeddings_org ON public.embeddings (organization_id, content_type);
CREATE INDEX embeddings_source ON public.embeddings (source_table, source_id);
-- Not ivfflat: built on an empty table it found one of ten neighbours; HNSW needs no training data.
CREATE INDEX idx_embeddings_vector ON public.embeddings USING hnsw (embedding vector_cosine_ops);

ALTER TABLE public.embeddings ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.embeddings FORCE ROW LEVEL SECURITY;
CREATE POLICY read_own ON public.embeddings FOR SELECT TO qms_app, qms_sql
USING (organization_id = (SELECT qms.current_organization_id()));
CREATE POLICY add_own ON public.embeddings FOR INSERT TO qms_app
WITH CHECK (organization_id = (SELECT qms.current_organization_id()) AND (SELECT qms.may_write()));
CREATE POLICY change_own ON public.embeddings FOR UPDATE TO qms_app
USING (organization_id = (SELECT qms.current_organization_id()) AND (SELECT qms.may_write()))
WITH CHECK (organization_id = (SELECT qms.current_organization_id()));
GRANT SELECT ON public.embeddings TO qms_app, qms_sql;
GRANT INSERT, UPDATE ON public.embeddings TO qms_app;

-- Exact within the organization: a tenant filter over an approximate index loses rows in silence. Adding 0 keeps the
-- planner from that index.
CREATE FUNCTION public.match_embeddings(
    query_embedding vector(1536), match_count integer DEFAULT 10, filter_type text DEFAULT NULL
) RETURNS TABLE (id uuid, content text, content_type text, similarity double precision)
LANGUAGE sql STABLE
AS $$
    SELECT
        e.id,
        e.content,
        e.content_type,
        1 - (e.embedding <=> query_embedding) AS similarity
    FROM public.embeddings AS e
    WHERE filter_type IS NULL OR e.content_type = filter_type
    ORDER BY (e.embedding <=> query_embedding) + 0
    LIMIT least(greatest(match_count, 0), 1000)
$$;
COMMENT ON FUNCTION public.match_embeddings(vector, integer, text) IS
'The stored texts nearest to a vector by cosine similarity, best first; only those of the caller''s organization.';
GRANT EXECUTE ON FUNCTION public.match_embeddings(vector, integer, text) TO qms_app, qms_sql;
