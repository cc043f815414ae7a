-- Document control: comparing, checking, copying and reviewing versions of documents.

-- name: sections
-- The sections of a Markdown text, in their order.
SELECT
    s.ordinal,
    s.level,
    s.path,
    s.title,
    s.heading_path,
    s.char_start,
    s.char_end
FROM search.sections(%(content)s) AS s
ORDER BY s.ordinal;

-- name: version
-- A version of a document: by record id or record number (reference), else by document number and revision; without a
-- revision the effective one (unless the newest is wanted), else the latest that was not cancelled.
SELECT
    d.id,
    d.document_number,
    d.revision,
    d.document_type,
    d.content,
    d.content_sha256,
    d.effective_from,
    d.effective_to,
    d.planned_effective_on,
    d.next_review_on,
    d.change_summary,
    d.obsolete_reason,
    i.number,
    i.version,
    i.status,
    i.title,
    i.owner_id,
    author.printed_name AS author,
    owner.printed_name AS owner,
    coalesce(replacing.document_number || ' v' || replacing.revision, replaced_by.number) AS replaced_by,
    coalesce(replacing.document_number = d.document_number, FALSE) AS replaced_by_itself
FROM qms.documents AS d
INNER JOIN qms.quality_items AS i ON d.id = i.id
LEFT JOIN qms.people AS author ON d.author_id = author.user_id
LEFT JOIN qms.people AS owner ON i.owner_id = owner.user_id
LEFT JOIN qms.documents AS replacing ON d.replaced_by = replacing.id
LEFT JOIN qms.quality_items AS replaced_by ON d.replaced_by = replaced_by.id
WHERE
    d.organization_id = (SELECT qms.current_organization_id())
    AND (
        (
            upper(d.document_number) = upper(%(reference)s)
            AND (%(revision)s::integer IS NULL OR d.revision = %(revision)s)
        )
        OR (
            (i.number = upper(%(reference)s) OR i.id::text = lower(%(reference)s))
            AND (%(revision)s::integer IS NULL OR d.revision = %(revision)s)
        )
    )
ORDER BY
    coalesce(upper(d.document_number) = upper(%(reference)s), FALSE) DESC,
    (d.is_effective AND NOT %(newest)s::boolean) DESC,
    (i.status = 'cancelled') ASC,
    d.revision DESC NULLS LAST,
    i.created_at DESC
LIMIT 1;

-- name: revisions
-- All versions of a document, the latest first.
SELECT
    d.id,
    d.revision,
    i.number,
    i.status,
    d.effective_from,
    d.effective_to,
    d.change_summary,
    author.printed_name AS author
FROM qms.documents AS d
INNER JOIN qms.quality_items AS i ON d.id = i.id
LEFT JOIN qms.people AS author ON d.author_id = author.user_id
WHERE
    d.organization_id = (SELECT qms.current_organization_id())
    AND (d.id = %(document_id)s OR d.document_number = %(document_number)s)
ORDER BY d.revision DESC NULLS LAST, i.created_at DESC
LIMIT %(max_rows)s;

-- name: document_numbers
-- The document numbers there are.
SELECT DISTINCT d.document_number
FROM qms.documents AS d
WHERE d.organization_id = (SELECT qms.current_organization_id()) AND d.document_number IS NOT NULL
ORDER BY d.document_number
LIMIT %(max_rows)s;

-- name: clauses
-- Clauses of a framework that hold requirements: at or under a number, or in a list of numbers; all without either.
SELECT
    c.number,
    c.title,
    c.kind,
    p.title AS parent_title
FROM qms.clauses AS c
LEFT JOIN qms.clauses AS p ON c.framework_id = p.framework_id AND c.parent = p.number
WHERE
    c.framework_id = %(framework_id)s
    AND (c.kind = 'requirement' OR c.number = ANY(%(numbers)s::text[]))
    AND (
        %(numbers)s::text[] IS NULL
        OR EXISTS (
            SELECT FROM unnest(%(numbers)s::text[]) AS n (number)
            WHERE
                c.number = n.number
                OR starts_with(c.number, n.number || '.')
                OR starts_with(c.number, n.number || '(')
        )
    )
ORDER BY c.sort_key;

-- name: named_documents
-- What is known of document numbers a text names: each with its effective and its latest version.
SELECT
    d.document_number,
    max(d.revision) FILTER (WHERE d.is_effective) AS effective,
    max(d.revision) AS latest,
    (array_agg(i.status ORDER BY d.revision DESC NULLS LAST))[1] AS status
FROM qms.documents AS d
INNER JOIN qms.quality_items AS i ON d.id = i.id
WHERE
    d.organization_id = (SELECT qms.current_organization_id())
    AND upper(d.document_number) = ANY(%(numbers)s::text[])
GROUP BY d.document_number;

-- name: number_prefixes
-- The prefixes document numbers of the organization have: SOP, WI, FRM.
SELECT DISTINCT upper(substring(d.document_number FROM '^[A-Za-z]+')) AS prefix
FROM qms.documents AS d
WHERE d.organization_id = (SELECT qms.current_organization_id()) AND d.document_number ~ '^[A-Za-z]+[-_ ]?[0-9]';

-- name: issuing
-- Whose copy it is, who asks for it, and when.
SELECT
    o.name AS organization,
    o.time_zone AS zone,
    p.printed_name AS person,
    clock_timestamp() AS at
FROM qms.organizations AS o
LEFT JOIN qms.people AS p ON p.user_id = %(person)s
WHERE o.id = (SELECT qms.current_organization_id());

-- name: note_copy
-- Writes into the trail that a copy was made.
SELECT qms.note_event('qms.documents', %(document_id)s, 'export', %(details)s::jsonb) AS noted;

-- name: originals
-- The original file of a version.
SELECT
    f.file_name,
    f.sha256
FROM qms.document_files AS f
WHERE f.record_id = %(document_id)s AND f.role = 'original'
ORDER BY f.created_at, f.id;

-- name: reviews_due
-- Effective versions whose periodic review comes before a day, the most urgent first; without a person, of everybody.
SELECT
    d.id,
    d.document_number,
    d.revision,
    i.number,
    i.version,
    i.title,
    i.owner_id,
    owner.printed_name AS owner,
    d.next_review_on,
    d.review_every_months,
    (now() AT TIME ZONE o.time_zone)::date AS today,
    (SELECT max(t.created_at) FROM qms.transitions AS t WHERE t.record_id = d.id AND t.name = 'confirm_review')
    AS reviewed_at,
    count(*) OVER () AS total
FROM qms.documents AS d
INNER JOIN qms.quality_items AS i ON d.id = i.id
INNER JOIN qms.organizations AS o ON d.organization_id = o.id
LEFT JOIN qms.people AS owner ON i.owner_id = owner.user_id
WHERE
    d.organization_id = (SELECT qms.current_organization_id())
    AND d.is_effective
    AND d.next_review_on <= (now() AT TIME ZONE o.time_zone)::date + %(within_days)s::integer
    AND (%(person)s::uuid IS NULL OR i.owner_id = %(person)s)
ORDER BY d.next_review_on, d.document_number, d.id
LIMIT %(max_rows)s OFFSET %(skip)s;

-- name: trained_before
-- Who was trained, or was assigned to be, on a former version of a document and still belongs to the organization.
SELECT DISTINCT
    t.trainee_id,
    coalesce(p.printed_name, t.trainee_id::text) AS person
FROM qms.documents AS d
INNER JOIN qms.documents AS f
    ON
        f.organization_id = d.organization_id AND f.document_number = d.document_number
        AND f.revision < d.revision
INNER JOIN qms.trainings AS t ON f.id = t.document_id AND t.organization_id = d.organization_id
INNER JOIN qms.memberships AS m
    ON
        t.trainee_id = m.user_id AND m.organization_id = d.organization_id
        AND m.valid_from <= clock_timestamp() AND (m.valid_to IS NULL OR m.valid_to > clock_timestamp())
LEFT JOIN qms.people AS p ON t.trainee_id = p.user_id
WHERE d.id = %(document_id)s AND d.organization_id = (SELECT qms.current_organization_id())
ORDER BY person, t.trainee_id;

-- name: people_with_roles
-- Who has one of the roles now.
SELECT m.user_id AS trainee_id
FROM qms.memberships AS m
WHERE
    m.organization_id = (SELECT qms.current_organization_id())
    AND m.roles && %(roles)s::text[]
    AND m.valid_from <= clock_timestamp()
    AND (m.valid_to IS NULL OR m.valid_to > clock_timestamp())
ORDER BY m.user_id;

-- name: assigned_already
-- Who is assigned to the training on a version.
SELECT DISTINCT t.trainee_id
FROM qms.trainings AS t
WHERE
    t.organization_id = (SELECT qms.current_organization_id())
    AND t.document_id = %(document_id)s
    AND t.trainee_id IS NOT NULL;
