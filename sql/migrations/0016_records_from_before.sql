-- Records from before they had numbers and workflows get them, each with an entry in the trail.

ALTER TABLE qms.quality_items DISABLE TRIGGER keep_record;

DO $$
DECLARE
    item record;
    given integer;
    in_year integer;
BEGIN
    SET LOCAL ROLE qms_definer;
    PERFORM set_config('qms.reason', 'Numbered and bound to its workflow by the upgrade.', true);
    FOR item IN
        SELECT i.id, i.organization_id, i.status, i.created_at, i.metadata, t.prefix, t.table_name, d.id AS definition_id, d.body
        FROM qms.quality_items AS i
        INNER JOIN qms.record_types AS t ON i.category = t.category
        INNER JOIN qms.workflow_definitions AS d ON t.category = d.category AND d.organization_id IS NULL
        WHERE i.number IS NULL
        ORDER BY i.organization_id, i.created_at, i.id
    LOOP
        in_year := extract(year FROM item.created_at)::integer;
        INSERT INTO qms_private.record_numbers AS n (organization_id, prefix, year, last_number)
        VALUES (item.organization_id, item.prefix, in_year, 1)
        ON CONFLICT (organization_id, prefix, year) DO UPDATE SET last_number = n.last_number + 1
        RETURNING n.last_number INTO given;
        UPDATE qms.quality_items AS i
        SET
            number = item.prefix || '-' || in_year || '-' || lpad(given::text, greatest(4, length(given::text)), '0'),
            definition_id = item.definition_id,
            state_since = coalesce(i.updated_at, i.created_at),
            -- A state no workflow knows is kept in words; the record begins at the first one.
            status = CASE WHEN item.body -> 'states' ? item.status THEN item.status ELSE item.body ->> 'initial' END,
            metadata = coalesce(i.metadata, '{}') || CASE
                WHEN item.body -> 'states' ? item.status THEN '{}'::jsonb
                ELSE jsonb_build_object('state_before_upgrade', item.status)
            END,
            closed_at = CASE
                WHEN (item.body -> 'states' -> item.status ->> 'final')::boolean THEN coalesce(i.updated_at, i.created_at)
            END
        WHERE i.id = item.id;
        EXECUTE format('INSERT INTO qms.%I (id, organization_id) VALUES ($1, $2) ON CONFLICT DO NOTHING', item.table_name)
        USING item.id, item.organization_id;
    END LOOP;
    PERFORM set_config('qms.reason', '', true);
    RESET ROLE;
END
$$;

ALTER TABLE qms.quality_items ENABLE TRIGGER keep_record;
