-- Records from files: added like any other, a batch at a time.

-- name: fields
-- The fields of a type of record that may be given; no row when there is no such type.
SELECT
    t.label,
    qms.writable_fields('quality_items', false) || qms.writable_fields(t.table_name, false) AS fields
FROM qms.record_types AS t
WHERE t.category = %(category)s;

-- name: categories
-- The types of records there are.
SELECT t.category
FROM qms.record_types AS t
ORDER BY t.category;

-- name: known
-- Which of these rows are records already.
SELECT i.external_id
FROM qms.quality_items AS i
WHERE i.category = %(category)s AND i.external_id = ANY(%(external_ids)s::text[]);

-- name: add
-- Adds records in the order of their rows.
SELECT r.number
FROM jsonb_array_elements(%(rows)s::jsonb) WITH ORDINALITY AS f (fields, place)
CROSS JOIN LATERAL qms.add_record(%(category)s, f.fields) AS r
ORDER BY f.place;

-- name: note
-- Writes into the trail what was imported.
SELECT qms.note_event('qms.quality_items', null, 'imported', %(details)s::jsonb) AS noted;
