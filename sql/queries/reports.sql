-- Quality reports: what happened in a period, beside the period before it, and how things stood at its end.
--
-- A record counts on the day it is about (occurred_at, else created_at); cancelled ones do not count. What was open at
-- a moment was reported before it and not closed by then; what was overdue is judged by the due date as it is now.
-- Reports themselves do not count: making one would change the next.

-- name: organization
-- Whose report it is.
SELECT o.name
FROM qms.organizations AS o
WHERE o.id = (SELECT qms.current_organization_id());

-- name: flow
-- What came in, was closed, stood open and stood overdue, by type of record.
SELECT
    i.category,
    (count(*) FILTER (WHERE r.at >= %(since)s AND r.at < %(at)s))::integer AS opened,
    (count(*) FILTER (WHERE r.at >= %(before)s AND r.at < %(since)s))::integer AS opened_before,
    (count(*) FILTER (WHERE i.closed_at >= %(since)s AND i.closed_at < %(at)s))::integer AS closed,
    (count(*) FILTER (WHERE i.closed_at >= %(before)s AND i.closed_at < %(since)s))::integer AS closed_before,
    (count(*) FILTER (
        WHERE i.closed_at >= %(since)s AND i.closed_at < %(at)s
        AND (i.closed_at AT TIME ZONE %(zone)s)::date <= (i.due_date AT TIME ZONE %(zone)s)::date
    ))::integer
    AS on_time,
    (count(*) FILTER (WHERE i.closed_at >= %(since)s AND i.closed_at < %(at)s AND i.due_date IS NOT NULL))::integer
    AS closed_with_due,
    (count(*) FILTER (WHERE r.at < %(at)s AND coalesce(i.closed_at >= %(at)s, TRUE)))::integer AS open,
    (count(*) FILTER (WHERE r.at < %(since)s AND coalesce(i.closed_at >= %(since)s, TRUE)))::integer AS open_before,
    (count(*) FILTER (
        WHERE
        r.at < %(at)s
        AND coalesce(i.closed_at >= %(at)s, TRUE)
        AND (i.due_date AT TIME ZONE %(zone)s)::date < %(day)s::date
    ))::integer AS overdue,
    (count(*) FILTER (
        WHERE
        r.at < %(since)s
        AND coalesce(i.closed_at >= %(since)s, TRUE)
        AND (i.due_date AT TIME ZONE %(zone)s)::date < %(day_before)s::date
    ))::integer AS overdue_before,
    (max(extract(EPOCH FROM %(at)s - r.at) / 86400) FILTER (
        WHERE r.at < %(at)s AND coalesce(i.closed_at >= %(at)s, TRUE)
    ))::integer AS oldest_days
FROM qms.quality_items AS i
CROSS JOIN LATERAL (VALUES (coalesce(i.occurred_at, i.created_at))) AS r (at)
WHERE
    i.organization_id = (SELECT qms.current_organization_id())
    AND i.status <> 'cancelled'
    AND NOT EXISTS (
        SELECT FROM qms.documents AS w
        WHERE w.organization_id = i.organization_id AND w.id = i.id AND w.document_type = 'report'
    )
GROUP BY i.category
ORDER BY i.category;

-- name: monthly
-- How many records of some types were reported in each whole month before a moment.
SELECT
    i.category,
    to_char(date_trunc('month', r.day), 'YYYY-MM') AS month,
    count(*)::integer AS records
FROM qms.quality_items AS i
CROSS JOIN LATERAL (VALUES (coalesce(i.occurred_at, i.created_at) AT TIME ZONE %(zone)s)) AS r (day)
WHERE
    i.organization_id = (SELECT qms.current_organization_id())
    AND i.status <> 'cancelled'
    AND i.category IN ('nonconformance', 'complaint', 'deviation', 'capa')
    AND r.day >= %(chart_from)s::date
    AND r.day < date_trunc('month', %(at)s AT TIME ZONE %(zone)s)
GROUP BY i.category, date_trunc('month', r.day)
ORDER BY i.category, month;

-- name: first_month
-- The month of the first record there is, so that months before it do not count as months without any.
SELECT
    to_char(date_trunc('month', min(coalesce(i.occurred_at, i.created_at)) AT TIME ZONE %(zone)s), 'YYYY-MM')
    AS month
FROM qms.quality_items AS i
WHERE i.organization_id = (SELECT qms.current_organization_id()) AND i.status <> 'cancelled';

-- name: overdue
-- What is open and past its due date, the longest first.
SELECT
    i.number,
    i.version,
    i.title,
    i.category,
    i.status AS state,
    p.printed_name AS owner,
    (i.due_date AT TIME ZONE %(zone)s)::date AS due_on,
    %(day)s::date - (i.due_date AT TIME ZONE %(zone)s)::date AS days,
    (count(*) OVER ())::integer AS total
FROM qms.quality_items AS i
LEFT JOIN qms.people AS p ON i.owner_id = p.user_id
WHERE
    i.organization_id = (SELECT qms.current_organization_id())
    AND i.status <> 'cancelled'
    AND NOT EXISTS (
        SELECT FROM qms.documents AS w
        WHERE w.organization_id = i.organization_id AND w.id = i.id AND w.document_type = 'report'
    )
    AND (i.due_date AT TIME ZONE %(zone)s)::date < %(day)s::date
    AND coalesce(i.closed_at >= %(at)s, TRUE)
    AND coalesce(i.occurred_at, i.created_at) < %(at)s
ORDER BY i.due_date, i.number
LIMIT %(max_rows)s;

-- name: workload
-- Who has how much open and overdue.
SELECT
    coalesce(p.printed_name, 'nobody') AS owner,
    count(*)::integer AS open,
    (count(*) FILTER (WHERE (i.due_date AT TIME ZONE %(zone)s)::date < %(day)s::date))::integer AS overdue,
    (count(*) OVER ())::integer AS total
FROM qms.quality_items AS i
LEFT JOIN qms.people AS p ON i.owner_id = p.user_id
WHERE
    i.organization_id = (SELECT qms.current_organization_id())
    AND i.status <> 'cancelled'
    AND i.category NOT IN ('document', 'supplier', 'equipment')
    AND coalesce(i.closed_at >= %(at)s, TRUE)
    AND coalesce(i.occurred_at, i.created_at) < %(at)s
GROUP BY coalesce(p.printed_name, 'nobody')
ORDER BY overdue DESC, open DESC, owner ASC
LIMIT %(max_rows)s;

-- name: nonconformances
-- Nonconformances by stage, area, kind of cause, part and supplier, of the period and of the one before.
WITH counted AS (
    SELECT
        d.dimension,
        d.value,
        (count(*) FILTER (WHERE r.at >= %(since)s AND r.at < %(at)s))::integer AS records,
        (count(*) FILTER (WHERE r.at < %(since)s))::integer AS records_before
    FROM qms.nonconformances AS n
    INNER JOIN qms.quality_items AS i ON n.id = i.id
    LEFT JOIN qms.quality_items AS s ON n.supplier_id = s.id
    CROSS JOIN LATERAL (VALUES (coalesce(i.occurred_at, i.created_at))) AS r (at)
    CROSS JOIN LATERAL (
        VALUES
        ('stage', n.detected_at_stage),
        ('area', n.area),
        ('kind of cause', n.cause_category),
        ('part', n.part_number),
        ('supplier', s.title)
    ) AS d (dimension, value)
    WHERE
        n.organization_id = (SELECT qms.current_organization_id())
        AND i.status <> 'cancelled'
        AND r.at >= %(before)s
        AND r.at < %(at)s
    GROUP BY d.dimension, d.value
),

placed AS (
    SELECT
        c.dimension,
        c.value,
        c.records,
        c.records_before,
        row_number() OVER (
            PARTITION BY c.dimension ORDER BY c.records DESC, c.records_before DESC, c.value ASC
        ) AS place,
        (count(*) OVER (PARTITION BY c.dimension))::integer AS total
    FROM counted AS c
    WHERE c.records > 0 OR c.records_before > 0
)

SELECT
    p.dimension,
    p.value,
    p.records,
    p.records_before,
    p.total
FROM placed AS p
WHERE p.place <= %(max_rows)s
ORDER BY p.dimension, p.place;

-- name: causes_of_a_year
-- Nonconformances of the year up to the moment by kind of cause.
SELECT
    n.cause_category AS value,
    count(*)::integer AS records
FROM qms.nonconformances AS n
INNER JOIN qms.quality_items AS i ON n.id = i.id
WHERE
    n.organization_id = (SELECT qms.current_organization_id())
    AND i.status <> 'cancelled'
    AND n.cause_category IS NOT NULL
    AND coalesce(i.occurred_at, i.created_at) >= %(year_from)s
    AND coalesce(i.occurred_at, i.created_at) < %(at)s
GROUP BY n.cause_category
ORDER BY records DESC, n.cause_category ASC;

-- name: nonconformance_costs
-- What nonconformances cost as they say themselves, by currency.
SELECT
    coalesce(n.currency, 'no currency') AS currency,
    coalesce(sum(n.cost) FILTER (WHERE r.at >= %(since)s), 0)::float AS cost,
    coalesce(sum(n.cost) FILTER (WHERE r.at < %(since)s), 0)::float AS cost_before,
    (count(n.cost) FILTER (WHERE r.at >= %(since)s))::integer AS with_cost,
    (count(*) FILTER (WHERE r.at >= %(since)s))::integer AS records
FROM qms.nonconformances AS n
INNER JOIN qms.quality_items AS i ON n.id = i.id
CROSS JOIN LATERAL (VALUES (coalesce(i.occurred_at, i.created_at))) AS r (at)
WHERE
    n.organization_id = (SELECT qms.current_organization_id())
    AND i.status <> 'cancelled'
    AND r.at >= %(before)s
    AND r.at < %(at)s
GROUP BY coalesce(n.currency, 'no currency')
ORDER BY currency;

-- name: dispositions
-- What was decided about nonconforming product in the period.
SELECT
    d.disposition,
    count(*)::integer AS decisions,
    sum(d.quantity)::float AS quantity
FROM qms.dispositions AS d
WHERE
    d.organization_id = (SELECT qms.current_organization_id())
    AND d.withdrawn_reason IS NULL
    AND d.decided_at >= %(since)s
    AND d.decided_at < %(at)s
GROUP BY d.disposition
ORDER BY decisions DESC, d.disposition ASC;

-- name: complaints
-- Complaints by product, kind of event and country, of the period and of the one before.
WITH counted AS (
    SELECT
        d.dimension,
        d.value,
        (count(*) FILTER (WHERE r.at >= %(since)s))::integer AS records,
        (count(*) FILTER (WHERE r.at < %(since)s))::integer AS records_before
    FROM qms.complaints AS c
    INNER JOIN qms.quality_items AS i ON c.id = i.id
    CROSS JOIN LATERAL (VALUES (coalesce(i.occurred_at, i.created_at))) AS r (at)
    CROSS JOIN LATERAL (
        VALUES ('product', c.product), ('kind of event', c.event_type), ('country', c.country)
    ) AS d (dimension, value)
    WHERE
        c.organization_id = (SELECT qms.current_organization_id())
        AND i.status <> 'cancelled'
        AND r.at >= %(before)s
        AND r.at < %(at)s
    GROUP BY d.dimension, d.value
),

placed AS (
    SELECT
        n.dimension,
        n.value,
        n.records,
        n.records_before,
        row_number() OVER (
            PARTITION BY n.dimension ORDER BY n.records DESC, n.records_before DESC, n.value ASC
        ) AS place,
        (count(*) OVER (PARTITION BY n.dimension))::integer AS total
    FROM counted AS n
)

SELECT
    p.dimension,
    p.value,
    p.records,
    p.records_before,
    p.total
FROM placed AS p
WHERE p.place <= %(max_rows)s
ORDER BY p.dimension, p.place;

-- name: reportability
-- How complaints of the period stand towards authorities, and how long answers took.
SELECT
    (count(*) FILTER (WHERE c.reportable))::integer AS reportable,
    (count(*) FILTER (WHERE NOT c.reportable))::integer AS not_reportable,
    (count(*) FILTER (WHERE c.reportable IS NULL))::integer AS undecided,
    (count(*) FILTER (WHERE c.event_type IN ('death', 'serious_injury')))::integer AS serious,
    (percentile_cont(0.5) WITHIN GROUP (ORDER BY c.replied_on - c.received_on))::float AS median_days_to_reply,
    count(c.replied_on)::integer AS replied
FROM qms.complaints AS c
INNER JOIN qms.quality_items AS i ON c.id = i.id
WHERE
    c.organization_id = (SELECT qms.current_organization_id())
    AND i.status <> 'cancelled'
    AND coalesce(i.occurred_at, i.created_at) >= %(since)s
    AND coalesce(i.occurred_at, i.created_at) < %(at)s;

-- name: undecided_reports
-- Complaints whose reporting nobody has decided on, or that were to be reported and were not in time.
SELECT
    i.number,
    i.version,
    i.title,
    i.status AS state,
    c.event_type,
    c.report_due_on,
    c.reported_on,
    coalesce(c.report_due_on < coalesce(c.reported_on, %(day)s::date), FALSE) AS late,
    %(day)s::date - coalesce(c.aware_on, c.received_on, (i.created_at AT TIME ZONE %(zone)s)::date) AS days_known,
    (count(*) OVER ())::integer AS total
FROM qms.complaints AS c
INNER JOIN qms.quality_items AS i ON c.id = i.id
WHERE
    c.organization_id = (SELECT qms.current_organization_id())
    AND i.status <> 'cancelled'
    AND coalesce(i.occurred_at, i.created_at) < %(at)s
    AND (
        (c.reportable IS NULL AND coalesce(i.closed_at >= %(at)s, TRUE))
        OR (c.reportable AND c.reported_on IS NULL)
        OR (c.reported_on > c.report_due_on AND c.reported_on >= %(first)s AND c.reported_on < %(day_after)s)
    )
ORDER BY c.report_due_on, i.created_at, i.number
LIMIT %(max_rows)s;

-- name: field_actions
-- Field actions that were open in the period.
SELECT
    i.number,
    i.version,
    i.title,
    i.status AS state,
    f.action_kind,
    f.product,
    f.report_due_on,
    f.terminated_on,
    (count(*) OVER ())::integer AS total
FROM qms.field_actions AS f
INNER JOIN qms.quality_items AS i ON f.id = i.id
WHERE
    f.organization_id = (SELECT qms.current_organization_id())
    AND i.status <> 'cancelled'
    AND coalesce(i.occurred_at, i.created_at) < %(at)s
    AND coalesce(i.closed_at >= %(since)s, TRUE)
ORDER BY i.created_at, i.number
LIMIT %(max_rows)s;

-- name: open_capas
-- Open CAPAs, the longest overdue first, with what is still to do in each.
SELECT
    i.number,
    i.version,
    i.title,
    i.status AS state,
    i.risk_class,
    p.printed_name AS owner,
    (i.due_date AT TIME ZONE %(zone)s)::date AS due_on,
    greatest(%(day)s::date - (i.due_date AT TIME ZONE %(zone)s)::date, 0) AS overdue_days,
    floor(extract(EPOCH FROM %(at)s - coalesce(i.occurred_at, i.created_at)) / 86400)::integer AS age_days,
    c.cycle,
    c.window_ends_on,
    coalesce(a.open, 0)::integer AS actions_open,
    coalesce(a.late, 0)::integer AS actions_late,
    coalesce(x.asked, 0)::integer AS extensions,
    coalesce(x.waiting, 0)::integer AS extensions_waiting,
    (count(*) OVER ())::integer AS total
FROM qms.capas AS c
INNER JOIN qms.quality_items AS i ON c.id = i.id
LEFT JOIN qms.people AS p ON i.owner_id = p.user_id
LEFT JOIN LATERAL (
    SELECT
        count(*) FILTER (WHERE k.completed_on IS NULL) AS open,
        count(*) FILTER (WHERE k.completed_on IS NULL AND k.due_on < %(day)s::date) AS late
    FROM qms.capa_actions AS k
    WHERE k.organization_id = c.organization_id AND k.record_id = c.id AND k.cycle = c.cycle
) AS a ON TRUE
LEFT JOIN LATERAL (
    SELECT
        count(*) AS asked,
        count(*) FILTER (WHERE e.closed_at IS NULL) AS waiting
    FROM qms.extension_requests AS r
    INNER JOIN qms.quality_items AS e ON r.id = e.id
    WHERE r.organization_id = c.organization_id AND r.target_id = c.id
) AS x ON TRUE
WHERE
    c.organization_id = (SELECT qms.current_organization_id())
    AND i.status <> 'cancelled'
    AND coalesce(i.occurred_at, i.created_at) < %(at)s
    AND coalesce(i.closed_at >= %(at)s, TRUE)
ORDER BY i.due_date ASC NULLS LAST, i.number ASC
LIMIT %(max_rows)s;

-- name: capa_stages
-- Open CAPAs by the state they are in now, with their ages.
SELECT
    i.status AS state,
    count(*)::integer AS open,
    (count(*) FILTER (WHERE (i.due_date AT TIME ZONE %(zone)s)::date < %(day)s::date))::integer AS overdue,
    (count(*) FILTER (WHERE r.days < 30))::integer AS under_30,
    (count(*) FILTER (WHERE r.days >= 30 AND r.days < 90))::integer AS from_30,
    (count(*) FILTER (WHERE r.days >= 90 AND r.days < 180))::integer AS from_90,
    (count(*) FILTER (WHERE r.days >= 180))::integer AS from_180,
    (percentile_cont(0.5) WITHIN GROUP (ORDER BY r.days))::integer AS median_days,
    max(r.days)::integer AS oldest_days
FROM qms.capas AS c
INNER JOIN qms.quality_items AS i ON c.id = i.id
CROSS JOIN LATERAL (
    VALUES (extract(EPOCH FROM %(at)s - coalesce(i.occurred_at, i.created_at)) / 86400)
) AS r (days)
WHERE
    c.organization_id = (SELECT qms.current_organization_id())
    AND i.status <> 'cancelled'
    AND r.days > 0
    AND coalesce(i.closed_at >= %(at)s, TRUE)
GROUP BY i.status
ORDER BY
    array_position(
        ARRAY['draft', 'open', 'investigation', 'plan_approval', 'implementation', 'verification', 'effectiveness'],
        i.status
    ),
    i.status;

-- name: capa_verdicts
-- How CAPAs that were closed did: in the period, in the one before, and in the year up to the moment.
SELECT
    coalesce(c.verdict, 'none') AS verdict,
    (count(*) FILTER (WHERE i.closed_at >= %(since)s))::integer AS closed,
    (count(*) FILTER (WHERE i.closed_at >= %(before)s AND i.closed_at < %(since)s))::integer AS closed_before,
    (count(*) FILTER (WHERE i.closed_at >= %(year_from)s))::integer AS closed_in_a_year,
    (count(*) FILTER (WHERE i.closed_at >= %(year_from)s AND c.cycle > 1))::integer AS more_than_once
FROM qms.capas AS c
INNER JOIN qms.quality_items AS i ON c.id = i.id
WHERE
    c.organization_id = (SELECT qms.current_organization_id())
    AND i.status = 'closed'
    AND i.closed_at >= least(%(before)s, %(year_from)s)
    AND i.closed_at < %(at)s
GROUP BY coalesce(c.verdict, 'none')
ORDER BY verdict;

-- name: late_actions
-- Actions of open CAPAs that are past their day.
SELECT
    i.number,
    i.version,
    k.action_type,
    k.description AS title,
    p.printed_name AS owner,
    k.due_on,
    %(day)s::date - k.due_on AS days,
    (count(*) OVER ())::integer AS total
FROM qms.capa_actions AS k
INNER JOIN qms.capas AS c ON k.record_id = c.id
INNER JOIN qms.quality_items AS i ON c.id = i.id
LEFT JOIN qms.people AS p ON k.owner_id = p.user_id
WHERE
    k.organization_id = (SELECT qms.current_organization_id())
    AND i.status <> 'cancelled'
    AND coalesce(i.closed_at >= %(at)s, TRUE)
    AND k.cycle = c.cycle
    AND k.completed_on IS NULL
    AND k.due_on < %(day)s::date
ORDER BY k.due_on, i.number, k.id
LIMIT %(max_rows)s;

-- name: extensions
-- Extensions of due dates asked for in the period, and those that wait.
SELECT
    i.number,
    i.version,
    coalesce(t.number, 'an action') AS target,
    i.status AS state,
    x.former_due_on,
    x.requested_due_on,
    x.justification AS title,
    (count(*) OVER ())::integer AS total
FROM qms.extension_requests AS x
INNER JOIN qms.quality_items AS i ON x.id = i.id
LEFT JOIN qms.quality_items AS t ON x.target_id = t.id
WHERE
    x.organization_id = (SELECT qms.current_organization_id())
    AND i.created_at < %(at)s
    AND (i.created_at >= %(since)s OR coalesce(i.closed_at >= %(at)s, TRUE))
ORDER BY i.closed_at DESC NULLS FIRST, i.created_at ASC, i.number ASC
LIMIT %(max_rows)s;

-- name: repeat_causes
-- Causes that were named more than once in the year up to the moment, by nonconformances and by CAPAs; how many of
-- these came after a CAPA on the same cause was closed.
WITH solved AS (
    SELECT
        lower(btrim(d.root_cause_summary)) AS cause,
        min(i.closed_at) AS closed_at
    FROM qms.capas AS d
    INNER JOIN qms.quality_items AS i ON d.id = i.id
    WHERE
        d.organization_id = (SELECT qms.current_organization_id())
        AND i.status = 'closed'
        AND btrim(d.root_cause_summary) <> ''
    GROUP BY lower(btrim(d.root_cause_summary))
),

causes AS (
    SELECT
        n.id,
        n.root_cause AS cause
    FROM qms.nonconformances AS n
    WHERE n.organization_id = (SELECT qms.current_organization_id()) AND btrim(n.root_cause) <> ''
    UNION ALL
    SELECT
        d.id,
        d.root_cause_summary AS cause
    FROM qms.capas AS d
    WHERE d.organization_id = (SELECT qms.current_organization_id()) AND btrim(d.root_cause_summary) <> ''
)

SELECT
    min(c.cause) AS cause,
    count(*)::integer AS records,
    (count(*) FILTER (WHERE coalesce(i.occurred_at, i.created_at) >= %(since)s))::integer AS in_period,
    (count(*) FILTER (WHERE i.category = 'capa'))::integer AS capas,
    (count(*) FILTER (WHERE coalesce(i.occurred_at, i.created_at) > s.closed_at))::integer AS after_a_closed_capa,
    (array_agg(i.number ORDER BY i.number))[1:4] AS numbers,
    (count(*) OVER ())::integer AS total
FROM causes AS c
INNER JOIN qms.quality_items AS i ON c.id = i.id
LEFT JOIN solved AS s ON lower(btrim(c.cause)) = s.cause
WHERE
    i.organization_id = (SELECT qms.current_organization_id())
    AND i.status <> 'cancelled'
    AND coalesce(i.occurred_at, i.created_at) >= %(year_from)s
    AND coalesce(i.occurred_at, i.created_at) < %(at)s
GROUP BY lower(btrim(c.cause))
HAVING count(*) > 1
ORDER BY records DESC, cause ASC
LIMIT %(max_rows)s;

-- name: preventive_actions
-- Actions of CAPAs by kind: planned and completed in the period.
SELECT
    k.action_type,
    (count(*) FILTER (WHERE k.created_at >= %(since)s AND k.created_at < %(at)s))::integer AS planned,
    (count(*) FILTER (WHERE k.completed_on >= %(first)s AND k.completed_on < %(day_after)s))::integer AS completed,
    (count(*) FILTER (WHERE k.completed_on IS NULL AND i.closed_at IS NULL))::integer AS open
FROM qms.capa_actions AS k
INNER JOIN qms.quality_items AS i ON k.record_id = i.id
WHERE k.organization_id = (SELECT qms.current_organization_id()) AND i.status <> 'cancelled' AND k.created_at < %(at)s
GROUP BY k.action_type
ORDER BY k.action_type;

-- name: audits
-- Audits planned for the period or still open, by kind.
SELECT
    coalesce(a.audit_kind, 'kind not said') AS audit_kind,
    count(*)::integer AS planned,
    (count(*) FILTER (WHERE i.status NOT IN ('planned', 'cancelled')))::integer AS held,
    (count(*) FILTER (WHERE i.status = 'planned' AND a.planned_to < %(day)s::date))::integer AS not_held_in_time,
    (count(*) FILTER (WHERE i.closed_at < %(at)s))::integer AS closed
FROM qms.audits AS a
INNER JOIN qms.quality_items AS i ON a.id = i.id
WHERE
    a.organization_id = (SELECT qms.current_organization_id())
    AND i.status <> 'cancelled'
    AND coalesce(a.planned_from, (coalesce(i.occurred_at, i.created_at) AT TIME ZONE %(zone)s)::date) >= %(first)s
    AND coalesce(a.planned_from, (coalesce(i.occurred_at, i.created_at) AT TIME ZONE %(zone)s)::date) < %(day_after)s
GROUP BY coalesce(a.audit_kind, 'kind not said')
ORDER BY audit_kind;

-- name: findings
-- Findings by grade: in the period, in the one before, and what is open.
SELECT
    coalesce(f.grade, 'grade not said') AS grade,
    (count(*) FILTER (WHERE r.at >= %(since)s))::integer AS raised,
    (count(*) FILTER (WHERE r.at >= %(before)s AND r.at < %(since)s))::integer AS raised_before,
    (count(*) FILTER (WHERE coalesce(i.closed_at >= %(at)s, TRUE)))::integer AS open,
    (count(*) FILTER (
        WHERE coalesce(i.closed_at >= %(at)s, TRUE) AND (i.due_date AT TIME ZONE %(zone)s)::date < %(day)s::date
    ))::integer AS overdue
FROM qms.findings AS f
INNER JOIN qms.quality_items AS i ON f.id = i.id
CROSS JOIN LATERAL (VALUES (coalesce(i.occurred_at, i.created_at))) AS r (at)
WHERE f.organization_id = (SELECT qms.current_organization_id()) AND i.status <> 'cancelled' AND r.at < %(at)s
GROUP BY coalesce(f.grade, 'grade not said')
ORDER BY array_position(ARRAY['critical', 'major', 'minor', 'opportunity'], coalesce(f.grade, 'grade not said'));

-- name: improvements
-- Opportunities for improvement that auditors saw and that are open.
SELECT
    i.number,
    i.version,
    i.title,
    i.status AS state,
    (count(*) OVER ())::integer AS total
FROM qms.findings AS f
INNER JOIN qms.quality_items AS i ON f.id = i.id
WHERE
    f.organization_id = (SELECT qms.current_organization_id())
    AND f.grade = 'opportunity'
    AND i.status <> 'cancelled'
    AND coalesce(i.occurred_at, i.created_at) < %(at)s
    AND coalesce(i.closed_at >= %(at)s, TRUE)
ORDER BY i.created_at, i.number
LIMIT %(max_rows)s;

-- name: supplier
-- A supplier by number, id or name.
SELECT
    i.id,
    i.number,
    i.title
FROM qms.suppliers AS s
INNER JOIN qms.quality_items AS i ON s.id = i.id
WHERE
    s.organization_id = (SELECT qms.current_organization_id())
    AND (
        i.number = upper(%(reference)s)
        OR i.id::text = lower(%(reference)s)
        OR lower(btrim(i.title)) = lower(%(reference)s)
        OR lower(s.supplier_code) = lower(%(reference)s)
    )
ORDER BY i.number
LIMIT 2;

-- name: suppliers
-- Suppliers with their approval, what was delivered wrong, and what they were asked to correct; the worst first.
SELECT
    i.id,
    i.number,
    i.version,
    i.title,
    i.status AS state,
    s.score::float AS score,
    s.evaluated_on,
    s.reevaluation_due_on,
    coalesce(s.reevaluation_due_on < %(day)s::date AND i.status <> 'disqualified', FALSE) AS reevaluation_late,
    s.certificates,
    coalesce(n.records, 0)::integer AS nonconformances,
    coalesce(n.records_before, 0)::integer AS nonconformances_before,
    coalesce(n.quantity, 0)::float AS quantity,
    coalesce(c.open, 0)::integer AS scars_open,
    coalesce(c.late, 0)::integer AS scars_late,
    coalesce(c.issued, 0)::integer AS scars_issued,
    (count(*) OVER ())::integer AS total
FROM qms.suppliers AS s
INNER JOIN qms.quality_items AS i ON s.id = i.id
LEFT JOIN LATERAL (
    SELECT
        count(*) FILTER (WHERE r.at >= %(since)s) AS records,
        count(*) FILTER (WHERE r.at < %(since)s) AS records_before,
        sum(m.quantity_affected) FILTER (WHERE r.at >= %(since)s) AS quantity
    FROM qms.nonconformances AS m
    INNER JOIN qms.quality_items AS q ON m.id = q.id
    CROSS JOIN LATERAL (VALUES (coalesce(q.occurred_at, q.created_at))) AS r (at)
    WHERE
        m.organization_id = s.organization_id
        AND m.supplier_id = s.id
        AND q.status <> 'cancelled'
        AND r.at >= %(before)s
        AND r.at < %(at)s
) AS n ON TRUE
LEFT JOIN LATERAL (
    SELECT
        count(*) FILTER (WHERE coalesce(q.closed_at >= %(at)s, TRUE)) AS open,
        count(*) FILTER (
            WHERE
            coalesce(q.closed_at >= %(at)s, TRUE)
            AND coalesce(a.response_due_on, (q.due_date AT TIME ZONE %(zone)s)::date) < %(day)s::date
        ) AS late,
        count(*) FILTER (WHERE coalesce(q.occurred_at, q.created_at) >= %(since)s) AS issued
    FROM qms.scars AS a
    INNER JOIN qms.quality_items AS q ON a.id = q.id
    WHERE
        a.organization_id = s.organization_id
        AND a.supplier_id = s.id
        AND q.status <> 'cancelled'
        AND coalesce(q.occurred_at, q.created_at) < %(at)s
) AS c ON TRUE
WHERE
    s.organization_id = (SELECT qms.current_organization_id())
    AND coalesce(i.occurred_at, i.created_at) < %(at)s
    AND (%(supplier_id)s::uuid IS NULL OR s.id = %(supplier_id)s)
ORDER BY nonconformances DESC, scars_open DESC, reevaluation_late DESC, i.number ASC
LIMIT %(max_rows)s;

-- name: supplier_states
-- Suppliers by the state of their approval.
SELECT
    i.status AS state,
    count(*)::integer AS suppliers,
    (count(*) FILTER (
        WHERE s.reevaluation_due_on < %(day)s::date AND i.status <> 'disqualified'
    ))::integer AS reevaluation_late,
    (count(*) FILTER (WHERE s.certificates IS NULL))::integer AS without_certificates
FROM qms.suppliers AS s
INNER JOIN qms.quality_items AS i ON s.id = i.id
WHERE
    s.organization_id = (SELECT qms.current_organization_id())
    AND coalesce(i.occurred_at, i.created_at) < %(at)s
    AND (%(supplier_id)s::uuid IS NULL OR s.id = %(supplier_id)s)
GROUP BY i.status
ORDER BY i.status;

-- name: supplier_nonconformances
-- Nonconformances that name a supplier, and incoming ones that name none, of the period and of the one before.
SELECT
    (count(*) FILTER (WHERE n.supplier_id IS NOT NULL AND r.at >= %(since)s))::integer AS named,
    (count(*) FILTER (WHERE n.supplier_id IS NOT NULL AND r.at < %(since)s))::integer AS named_before,
    (count(*) FILTER (
        WHERE n.supplier_id IS NULL AND n.detected_at_stage = 'incoming' AND r.at >= %(since)s
    ))::integer AS incoming_without
FROM qms.nonconformances AS n
INNER JOIN qms.quality_items AS i ON n.id = i.id
CROSS JOIN LATERAL (VALUES (coalesce(i.occurred_at, i.created_at))) AS r (at)
WHERE
    n.organization_id = (SELECT qms.current_organization_id())
    AND i.status <> 'cancelled'
    AND (%(supplier_id)s::uuid IS NULL OR n.supplier_id = %(supplier_id)s)
    AND r.at >= %(before)s
    AND r.at < %(at)s;

-- name: scars
-- SCARs that are open, or were issued or closed in the period.
SELECT
    i.number,
    i.version,
    i.title,
    i.status AS state,
    s.title AS supplier,
    coalesce(a.response_due_on, (i.due_date AT TIME ZONE %(zone)s)::date) AS due_on,
    coalesce(i.closed_at >= %(at)s, TRUE) AS open,
    coalesce(i.closed_at >= %(at)s, TRUE)
    AND coalesce(coalesce(a.response_due_on, (i.due_date AT TIME ZONE %(zone)s)::date) < %(day)s::date, FALSE) AS late,
    (count(*) OVER ())::integer AS total
FROM qms.scars AS a
INNER JOIN qms.quality_items AS i ON a.id = i.id
LEFT JOIN qms.quality_items AS s ON a.supplier_id = s.id
WHERE
    a.organization_id = (SELECT qms.current_organization_id())
    AND i.status <> 'cancelled'
    AND (%(supplier_id)s::uuid IS NULL OR a.supplier_id = %(supplier_id)s)
    AND coalesce(i.occurred_at, i.created_at) < %(at)s
    AND (coalesce(i.closed_at >= %(at)s, TRUE) OR i.closed_at >= %(since)s)
ORDER BY late DESC, due_on ASC NULLS LAST, i.number ASC
LIMIT %(max_rows)s;

-- name: trainings
-- Training: what was assigned and completed in the period, what is open, what is late.
SELECT
    (count(*) FILTER (WHERE i.created_at >= %(since)s))::integer AS assigned,
    (count(*) FILTER (WHERE t.completed_on >= %(first)s AND t.completed_on < %(day_after)s))::integer AS completed,
    (count(*) FILTER (WHERE coalesce(i.closed_at >= %(at)s, TRUE)))::integer AS open,
    (count(*) FILTER (
        WHERE coalesce(i.closed_at >= %(at)s, TRUE) AND (i.due_date AT TIME ZONE %(zone)s)::date < %(day)s::date
    ))::integer AS overdue,
    (count(*) FILTER (WHERE t.expires_on < %(day)s::date AND i.status = 'completed'))::integer AS expired,
    count(*)::integer AS total
FROM qms.trainings AS t
INNER JOIN qms.quality_items AS i ON t.id = i.id
WHERE t.organization_id = (SELECT qms.current_organization_id()) AND i.status <> 'cancelled' AND i.created_at < %(at)s;

-- name: equipment
-- Measuring equipment: how much is in use, late for calibration, or out of tolerance.
SELECT
    (count(*) FILTER (WHERE i.status <> 'retired'))::integer AS in_use,
    (count(*) FILTER (WHERE i.status <> 'retired' AND e.calibration_due_on < %(day)s::date))::integer AS late,
    (count(*) FILTER (WHERE i.status IN ('out_of_tolerance', 'impact_assessment')))::integer AS out_of_tolerance,
    (
        SELECT count(*) FROM qms.calibrations AS k
        WHERE
            k.organization_id = (SELECT qms.current_organization_id())
            AND k.performed_on >= %(first)s AND k.performed_on < %(day_after)s
    )::integer AS calibrated,
    (
        SELECT count(*) FROM qms.calibrations AS k
        WHERE
            k.organization_id = (SELECT qms.current_organization_id())
            AND k.result = 'out_of_tolerance'
            AND k.performed_on >= %(first)s AND k.performed_on < %(day_after)s
    )::integer AS found_out_of_tolerance
FROM qms.equipment AS e
INNER JOIN qms.quality_items AS i ON e.id = i.id
WHERE e.organization_id = (SELECT qms.current_organization_id()) AND coalesce(i.occurred_at, i.created_at) < %(at)s;

-- name: late_equipment
-- Equipment that needs attention.
SELECT
    i.number,
    i.version,
    i.title,
    i.status AS state,
    e.calibration_due_on AS due_on,
    (count(*) OVER ())::integer AS total
FROM qms.equipment AS e
INNER JOIN qms.quality_items AS i ON e.id = i.id
WHERE
    e.organization_id = (SELECT qms.current_organization_id())
    AND i.status <> 'retired'
    AND coalesce(i.occurred_at, i.created_at) < %(at)s
    AND (e.calibration_due_on < %(day)s::date OR i.status IN ('out_of_tolerance', 'impact_assessment'))
ORDER BY e.calibration_due_on ASC NULLS LAST, i.number ASC
LIMIT %(max_rows)s;

-- name: changes
-- Change requests by kind: in the period, and what is under way.
SELECT
    coalesce(c.change_kind, 'kind not said') AS change_kind,
    (count(*) FILTER (WHERE r.at >= %(since)s))::integer AS requested,
    (count(*) FILTER (WHERE c.effective_on >= %(first)s AND c.effective_on < %(day_after)s))::integer AS made_effective,
    (count(*) FILTER (WHERE coalesce(i.closed_at >= %(at)s, TRUE)))::integer AS open,
    (count(*) FILTER (WHERE c.emergency AND r.at >= %(since)s))::integer AS emergencies
FROM qms.change_requests AS c
INNER JOIN qms.quality_items AS i ON c.id = i.id
CROSS JOIN LATERAL (VALUES (coalesce(i.occurred_at, i.created_at))) AS r (at)
WHERE c.organization_id = (SELECT qms.current_organization_id()) AND i.status <> 'cancelled' AND r.at < %(at)s
GROUP BY coalesce(c.change_kind, 'kind not said')
ORDER BY change_kind;

-- name: open_changes
-- Change requests under way.
SELECT
    i.number,
    i.version,
    i.title,
    i.status AS state,
    c.change_kind,
    (i.due_date AT TIME ZONE %(zone)s)::date AS due_on,
    (count(*) OVER ())::integer AS total
FROM qms.change_requests AS c
INNER JOIN qms.quality_items AS i ON c.id = i.id
WHERE
    c.organization_id = (SELECT qms.current_organization_id())
    AND i.status <> 'cancelled'
    AND coalesce(i.occurred_at, i.created_at) < %(at)s
    AND coalesce(i.closed_at >= %(at)s, TRUE)
ORDER BY i.due_date ASC NULLS LAST, i.number ASC
LIMIT %(max_rows)s;

-- name: risks
-- Risks: rated high, without verified controls, without accepted residual risk.
SELECT
    count(*)::integer AS risks,
    (count(*) FILTER (WHERE r.action_priority = 'H' OR r.acceptability = 'unacceptable'))::integer AS high,
    (count(*) FILTER (WHERE i.status NOT IN ('residual_accepted', 'monitored')))::integer AS residual_not_accepted,
    (count(*) FILTER (WHERE k.controls > 0 AND k.effective < k.controls))::integer AS control_not_shown_effective,
    (count(*) FILTER (WHERE k.controls = 0))::integer AS without_control,
    (count(*) FILTER (WHERE (i.due_date AT TIME ZONE %(zone)s)::date < %(day)s::date))::integer AS overdue
FROM qms.risks AS r
INNER JOIN qms.quality_items AS i ON r.id = i.id
CROSS JOIN LATERAL (
    SELECT
        count(*) AS controls,
        count(*) FILTER (WHERE c.effectiveness_verified_on IS NOT NULL) AS effective
    FROM qms.risk_controls AS c
    WHERE c.organization_id = r.organization_id AND c.record_id = r.id
) AS k
WHERE
    r.organization_id = (SELECT qms.current_organization_id())
    AND i.status <> 'cancelled'
    AND coalesce(i.occurred_at, i.created_at) < %(at)s;

-- name: high_risks
-- Risks that are rated high and whose residual risk nobody has accepted.
SELECT
    i.number,
    i.version,
    i.title,
    i.status AS state,
    coalesce(r.action_priority, r.acceptability) AS rating,
    (count(*) OVER ())::integer AS total
FROM qms.risks AS r
INNER JOIN qms.quality_items AS i ON r.id = i.id
WHERE
    r.organization_id = (SELECT qms.current_organization_id())
    AND i.status NOT IN ('cancelled', 'residual_accepted', 'monitored')
    AND (r.action_priority = 'H' OR r.acceptability = 'unacceptable')
    AND coalesce(i.occurred_at, i.created_at) < %(at)s
ORDER BY i.due_date ASC NULLS LAST, i.number ASC
LIMIT %(max_rows)s;

-- name: documents
-- Controlled documents: effective ones, what became effective in the period, periodic reviews that are late.
SELECT
    (count(*) FILTER (WHERE d.is_effective))::integer AS effective,
    (count(*) FILTER (WHERE d.effective_from >= %(since)s AND d.effective_from < %(at)s))::integer AS made_effective,
    (count(*) FILTER (WHERE d.is_effective AND d.next_review_on < %(day)s::date))::integer AS review_late,
    (count(*) FILTER (WHERE d.is_effective AND d.next_review_on IS NULL))::integer AS without_review
FROM qms.documents AS d
INNER JOIN qms.quality_items AS i ON d.id = i.id
WHERE
    d.organization_id = (SELECT qms.current_organization_id())
    AND coalesce(d.document_type, '') <> 'report'
    AND coalesce(i.occurred_at, i.created_at) < %(at)s;

-- name: frameworks
-- Standards and regulations the organization keeps its matrix for, and what began or ends around the period.
SELECT
    f.key,
    f.name,
    f.in_force_from,
    f.in_force_until,
    s.name AS successor,
    EXISTS (
        SELECT FROM qms.compliance_records AS r
        WHERE r.organization_id = (SELECT qms.current_organization_id()) AND r.framework_id = f.id
    ) AS ours
FROM qms.frameworks AS f
LEFT JOIN qms.frameworks AS s ON f.successor_id = s.id
WHERE
    (f.in_force_from >= %(before)s::date AND f.in_force_from < %(day)s::date + 365)
    OR (f.in_force_until >= %(before)s::date AND f.in_force_until < %(day)s::date + 365)
ORDER BY f.in_force_from, f.name;

-- name: former_reviews
-- Records of former management reviews: minutes and reports, the latest first.
SELECT
    i.id,
    i.number,
    i.version,
    i.title,
    i.status AS state,
    d.document_number,
    d.revision,
    (i.created_at AT TIME ZONE %(zone)s)::date AS made_on
FROM qms.documents AS d
INNER JOIN qms.quality_items AS i ON d.id = i.id
WHERE
    d.organization_id = (SELECT qms.current_organization_id())
    AND i.status <> 'cancelled'
    AND d.document_number IS DISTINCT FROM %(document_number)s
    AND i.created_at < %(at)s
    AND (
        (d.document_type = 'report' AND d.document_number LIKE 'MR-%%')
        OR i.title ILIKE '%%management review%%'
    )
ORDER BY i.created_at DESC, i.number DESC
LIMIT 1;

-- name: review_actions
-- Records linked to a management review, or tagged as coming from one.
SELECT
    i.number,
    i.version,
    i.title,
    i.category,
    i.status AS state,
    (i.due_date AT TIME ZONE %(zone)s)::date AS due_on,
    coalesce(i.closed_at >= %(at)s, TRUE) AS open,
    coalesce(i.closed_at >= %(at)s, TRUE)
    AND coalesce((i.due_date AT TIME ZONE %(zone)s)::date < %(day)s::date, FALSE) AS late,
    (count(*) OVER ())::integer AS total
FROM qms.quality_items AS i
WHERE
    i.organization_id = (SELECT qms.current_organization_id())
    AND i.status <> 'cancelled'
    AND i.category <> 'document'
    AND coalesce(i.occurred_at, i.created_at) < %(at)s
    AND (
        i.tags && ARRAY['management-review', 'management_review']
        OR EXISTS (
            SELECT FROM qms.record_links AS l
            WHERE
                l.organization_id = (SELECT qms.current_organization_id())
                AND ((l.from_id = i.id AND l.to_id = %(review_id)s) OR (l.to_id = i.id AND l.from_id = %(review_id)s))
        )
    )
ORDER BY open DESC, i.due_date ASC NULLS LAST, i.number ASC
LIMIT %(max_rows)s;

-- name: objectives
-- Quality objectives the organization has set, as its settings hold them.
SELECT o.settings -> 'quality_objectives' AS objectives
FROM qms.organizations AS o
WHERE o.id = (SELECT qms.current_organization_id());

-- name: latest_report
-- The latest version of a report that was not cancelled, with what it says of its numbers.
SELECT
    i.id,
    i.number,
    d.document_number,
    d.revision,
    d.structure -> 'report' AS report
FROM qms.documents AS d
INNER JOIN qms.quality_items AS i ON d.id = i.id
WHERE
    d.organization_id = (SELECT qms.current_organization_id())
    AND upper(d.document_number) = upper(%(document_number)s)
    AND i.status <> 'cancelled'
ORDER BY d.revision DESC NULLS LAST, i.created_at DESC
LIMIT 1;

-- name: stored
-- A report by the record it is kept as.
SELECT
    i.id,
    i.number,
    i.version,
    i.status AS state,
    d.document_number,
    d.revision,
    d.content_sha256,
    d.structure -> 'report' AS report
FROM qms.documents AS d
INNER JOIN qms.quality_items AS i ON d.id = i.id
WHERE d.organization_id = (SELECT qms.current_organization_id()) AND d.id = %(record_id)s;

-- name: files
-- The files of a version of a document: its original and what is attached, the latest of a kind first.
SELECT
    f.role,
    f.file_name,
    f.media_type,
    f.byte_count,
    f.sha256
FROM qms.document_files AS f
WHERE f.organization_id = (SELECT qms.current_organization_id()) AND f.record_id = %(record_id)s
ORDER BY f.created_at DESC, f.id ASC;
