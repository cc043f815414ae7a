-- What classify_feedback reads of complaints.

-- name: records
-- Records named by id or number, in the order in which they were named; without a number where there is none.
SELECT
    r.reference,
    i.number,
    i.version,
    i.category,
    i.title,
    i.description,
    c.event_type
FROM unnest(%(asked_for)s::text[]) WITH ORDINALITY AS r (reference, place)
LEFT JOIN qms.quality_items AS i
    ON i.organization_id = (SELECT qms.current_organization_id()) AND i.id = qms.find_record(r.reference)
LEFT JOIN qms.complaints AS c ON i.id = c.id
ORDER BY r.place;
