-- Metrics: what is read of the records to compute them, as the caller sees them.

-- name: records
-- The records of some types: their base, their own fields, how often their due date was moved, and their transitions.
WITH finals AS MATERIALIZED (
    SELECT
        w.id,
        s.key AS state
    FROM qms.workflow_definitions AS w
    CROSS JOIN LATERAL jsonb_each(w.body -> 'states') AS s
    WHERE (s.value ->> 'final')::boolean
),

histories AS MATERIALIZED (
    SELECT
        x.record_id,
        jsonb_agg(
            jsonb_build_array(x.created_at, x.from_state, x.to_state, f.state IS NOT NULL)
            ORDER BY x.created_at, x.record_version
        ) AS steps
    FROM qms.transitions AS x
    INNER JOIN qms.quality_items AS xi ON x.organization_id = xi.organization_id AND x.record_id = xi.id
    LEFT JOIN finals AS f ON x.definition_id = f.id AND x.to_state = f.state
    WHERE x.organization_id = (SELECT qms.current_organization_id()) AND xi.category = any(%(types)s)
    GROUP BY x.record_id
)

SELECT
    i.id,
    i.number,
    i.category AS type,
    i.status AS state,
    i.priority,
    i.risk_class,
    p.printed_name AS owner,
    coalesce(i.occurred_at, i.created_at) AS reported_at,
    i.due_date AS due_at,
    i.closed_at,
    coalesce(
        to_jsonb(n), to_jsonb(d), to_jsonb(c), to_jsonb(a), to_jsonb(f) || jsonb_build_object('area', fa.area),
        to_jsonb(r), to_jsonb(s), to_jsonb(t), to_jsonb(e), to_jsonb(o) - 'content' - 'structure', to_jsonb(u),
        '{}'::jsonb
    ) AS fields,
    s2.title AS supplier,
    tp.printed_name AS person,
    td.number AS document,
    h.steps AS history,
    (
        SELECT count(*)
        FROM qms.extension_requests AS x
        INNER JOIN qms.quality_items AS xi ON x.organization_id = xi.organization_id AND x.id = xi.id
        WHERE x.organization_id = i.organization_id AND x.target_id = i.id AND xi.status = 'approved'
    ) AS extensions,
    EXISTS (
        SELECT FROM qms.record_links AS l
        WHERE l.organization_id = i.organization_id AND l.from_id = i.id AND l.kind = 'duplicates'
    ) AS duplicate
FROM qms.quality_items AS i
LEFT JOIN qms.people AS p ON i.owner_id = p.user_id
LEFT JOIN qms.nonconformances AS n ON i.organization_id = n.organization_id AND i.id = n.id
LEFT JOIN qms.deviations AS d ON i.organization_id = d.organization_id AND i.id = d.id
LEFT JOIN qms.complaints AS c ON i.organization_id = c.organization_id AND i.id = c.id
LEFT JOIN qms.capas AS a ON i.organization_id = a.organization_id AND i.id = a.id
LEFT JOIN qms.findings AS f ON i.organization_id = f.organization_id AND i.id = f.id
LEFT JOIN qms.change_requests AS r ON i.organization_id = r.organization_id AND i.id = r.id
LEFT JOIN qms.scars AS s ON i.organization_id = s.organization_id AND i.id = s.id
LEFT JOIN qms.trainings AS t ON i.organization_id = t.organization_id AND i.id = t.id
LEFT JOIN qms.equipment AS e ON i.organization_id = e.organization_id AND i.id = e.id
LEFT JOIN qms.documents AS o ON i.organization_id = o.organization_id AND i.id = o.id
LEFT JOIN qms.audits AS u ON i.organization_id = u.organization_id AND i.id = u.id
LEFT JOIN qms.audits AS fa ON f.organization_id = fa.organization_id AND f.audit_id = fa.id
LEFT JOIN qms.people AS tp ON t.trainee_id = tp.user_id
LEFT JOIN qms.quality_items AS td ON t.organization_id = td.organization_id AND t.document_id = td.id
LEFT JOIN histories AS h ON i.id = h.record_id
LEFT JOIN qms.quality_items AS s2
    ON
        i.organization_id = s2.organization_id
        AND s2.id = coalesce(n.supplier_id, s.supplier_id)
WHERE
    i.organization_id = (SELECT qms.current_organization_id())
    AND i.category = any(%(types)s)
ORDER BY i.number;
