-- Reference data all organizations share: whoever is signed in reads it, nobody but the owner of the database changes it.

DO $$
DECLARE
    named text;
BEGIN
    FOREACH named IN ARRAY ARRAY[
        'record_types', 'record_parts', 'frameworks', 'clauses', 'clause_map', 'clause_evidence_rules'
    ] LOOP
        EXECUTE format('ALTER TABLE qms.%I ENABLE ROW LEVEL SECURITY', named);
        EXECUTE format('ALTER TABLE qms.%I FORCE ROW LEVEL SECURITY', named);
        EXECUTE format(
            'CREATE POLICY read_signed_in ON qms.%I FOR SELECT TO qms_app, qms_sql '
            'USING ((SELECT qms.current_organization_id()) IS NOT NULL)', named
        );
        EXECUTE format('CREATE POLICY administration ON qms.%I TO qms_definer, CURRENT_USER USING (true) WITH CHECK (true)', named);
    END LOOP;
    -- Nobody reaches these but functions of their owner; should a right ever be given by mistake, it opens nothing.
    FOREACH named IN ARRAY ARRAY['trail_heads', 'record_numbers'] LOOP
        EXECUTE format('ALTER TABLE qms_private.%I ENABLE ROW LEVEL SECURITY', named);
        EXECUTE format('ALTER TABLE qms_private.%I FORCE ROW LEVEL SECURITY', named);
        EXECUTE format('CREATE POLICY administration ON qms_private.%I TO qms_definer USING (true) WITH CHECK (true)', named);
    END LOOP;
END
$$;
