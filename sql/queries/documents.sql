-- Documents: what is there already, where a new version continues, and what became of one that was written.

-- name: may_write
-- Whether the caller may keep records at all.
SELECT qms.may_keep_records() AS may_write;

-- name: with_bytes
-- The document that was made from these bytes, besides some.
SELECT f.record_id AS id
FROM qms.document_files AS f
INNER JOIN qms.quality_items AS i ON f.record_id = i.id
WHERE
    f.organization_id = (SELECT qms.current_organization_id())
    AND f.sha256 = %(sha256)s
    AND f.role = 'original'
    AND f.record_id <> ALL(%(besides)s::uuid[])
ORDER BY (i.status = 'cancelled') ASC, f.created_at ASC, f.id ASC
LIMIT 1;

-- name: versions
-- The versions of a document by its number, the latest first.
SELECT
    d.id,
    i.number,
    i.version,
    d.document_number,
    d.revision,
    i.status AS state,
    d.is_effective,
    d.content_sha256,
    i.title,
    d.document_type,
    d.training_required,
    d.review_every_months,
    i.owner_id,
    i.tags
FROM qms.documents AS d
INNER JOIN qms.quality_items AS i ON d.id = i.id
WHERE
    d.organization_id = (SELECT qms.current_organization_id())
    AND upper(d.document_number) = upper(%(document_number)s)
ORDER BY d.revision DESC NULLS LAST, i.created_at DESC
LIMIT %(max_rows)s;

-- name: kept
-- A document as it is now, with what its index holds.
SELECT
    i.title,
    d.document_number,
    d.revision,
    d.structure ->> 'language' AS language,
    (d.structure ->> 'requirements')::integer AS requirements,
    f.sha256,
    f.pages,
    (SELECT count(*) FROM search.sections(d.content) AS s WHERE s.level > 0) AS sections,
    (
        SELECT count(*)
        FROM search.chunks AS c
        WHERE c.organization_id = d.organization_id AND c.source_id = d.id
    ) AS pieces
FROM qms.documents AS d
INNER JOIN qms.quality_items AS i ON d.id = i.id
LEFT JOIN qms.document_files AS f ON d.id = f.record_id AND f.role = 'original'
WHERE d.organization_id = (SELECT qms.current_organization_id()) AND d.id = %(record_id)s
ORDER BY f.created_at, f.id
LIMIT 1;
