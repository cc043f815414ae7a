-- What playbooks ask through execute_query, as the person they work for: counts, each with a few numbers as examples.

-- name: open_by_type
-- Open records by type: how many, how many past their due date, how old in the middle and the oldest.
SELECT
    i.category,
    count(*)::integer AS open,
    (count(*) FILTER (WHERE i.due_date < now()))::integer AS overdue,
    round((percentile_cont(0.5) WITHIN GROUP (
        ORDER BY extract(EPOCH FROM now() - i.created_at) / 86400
    ))::numeric)::integer AS median_days,
    round(max(extract(EPOCH FROM now() - i.created_at) / 86400))::integer AS oldest_days,
    (array_agg(i.number ORDER BY i.created_at, i.number))[1] AS oldest,
    (array_agg(i.number ORDER BY i.due_date, i.number) FILTER (WHERE i.due_date < now()))[1] AS longest_overdue,
    round(max(extract(EPOCH FROM now() - i.due_date) / 86400))::integer AS longest_overdue_days
FROM qms.quality_items AS i
WHERE i.closed_at IS NULL
GROUP BY i.category
ORDER BY i.category;

-- name: closed_by_type
-- Records closed within a year, by type: how many, how many after their due date, how long it took in the middle.
SELECT
    i.category,
    count(*)::integer AS closed,
    (count(*) FILTER (WHERE i.closed_at > i.due_date))::integer AS late,
    round((percentile_cont(0.5) WITHIN GROUP (
        ORDER BY extract(EPOCH FROM i.closed_at - i.created_at) / 86400
    ))::numeric)::integer AS median_days
FROM qms.quality_items AS i
WHERE i.closed_at >= now() - interval '365 days'
GROUP BY i.category
ORDER BY i.category;

-- name: completeness
-- What open records lack, by type.
SELECT
    i.category,
    count(*)::integer AS open,
    (count(*) FILTER (WHERE i.owner_id IS NULL))::integer AS no_owner,
    (count(*) FILTER (WHERE i.due_date IS NULL))::integer AS no_due_date,
    (count(*) FILTER (WHERE i.risk_class IS NULL))::integer AS no_risk_class,
    (count(*) FILTER (WHERE coalesce(btrim(i.description), '') = ''))::integer AS no_description,
    array_to_string(
        (array_agg(i.number ORDER BY i.number) FILTER (WHERE i.owner_id IS NULL))[1:10], ' '
    ) AS without_owner
FROM qms.quality_items AS i
WHERE i.closed_at IS NULL
GROUP BY i.category
ORDER BY i.category;

-- name: duplicates
-- Records of one type with the same title and the same description; versions of documents are meant to look alike.
SELECT
    i.category,
    count(*)::integer AS records,
    array_to_string((array_agg(i.number ORDER BY i.number))[1:10], ' ') AS numbers
FROM qms.quality_items AS i
WHERE btrim(i.description) <> '' AND i.category <> 'document'
GROUP BY i.category, lower(btrim(i.title)), lower(btrim(i.description))
HAVING count(*) > 1
ORDER BY count(*) DESC, min(i.number);

-- name: missing_links
-- Records that should hang together with another one and do not, by what is missing.
SELECT
    i.category,
    m.missing,
    count(*)::integer AS records,
    (count(*) FILTER (WHERE i.closed_at IS NULL))::integer AS open,
    array_to_string((array_agg(i.number ORDER BY i.number))[1:10], ' ') AS numbers
FROM qms.missing_links AS m
INNER JOIN qms.quality_items AS i ON m.id = i.id
GROUP BY i.category, m.missing
ORDER BY i.category, m.missing;

-- name: impossible_dates
-- Records whose dates stand in an order that can't be, by rule.
SELECT
    d.rule,
    count(*)::integer AS records,
    array_to_string((array_agg(i.number ORDER BY i.number))[1:10], ' ') AS numbers
FROM (
    SELECT
        q.id,
        'closed before it was made' AS rule
    FROM qms.quality_items AS q
    WHERE q.closed_at < q.created_at
    UNION ALL
    SELECT
        q.id,
        'due before it was made' AS rule
    FROM qms.quality_items AS q
    WHERE q.due_date < q.created_at
    UNION ALL
    SELECT
        c.id,
        'received before it happened' AS rule
    FROM qms.complaints AS c
    WHERE c.received_on < c.event_on
    UNION ALL
    SELECT
        c.id,
        'answered before it was received' AS rule
    FROM qms.complaints AS c
    WHERE c.replied_on < c.received_on
    UNION ALL
    SELECT
        c.id,
        'received in the future' AS rule
    FROM qms.complaints AS c
    WHERE c.received_on > current_date + 1
    UNION ALL
    SELECT
        n.id,
        'contained before it was detected' AS rule
    FROM qms.nonconformances AS n
    WHERE n.contained_on < n.detected_on
    UNION ALL
    SELECT
        n.id,
        'detected in the future' AS rule
    FROM qms.nonconformances AS n
    WHERE n.detected_on > current_date + 1
    UNION ALL
    SELECT
        f.id,
        'terminated before it was initiated' AS rule
    FROM qms.field_actions AS f
    WHERE f.terminated_on < f.initiated_on
) AS d
INNER JOIN qms.quality_items AS i ON d.id = i.id
GROUP BY d.rule
ORDER BY count(*) DESC, d.rule;

-- name: reportability
-- Open complaints nobody has decided on reporting to an authority, and reports that are late.
SELECT
    i.number,
    c.event_type,
    c.reportable,
    current_date - coalesce(c.aware_on, c.received_on, i.created_at::date) AS days_known,
    c.report_due_on < current_date AS past_due
FROM qms.complaints AS c
INNER JOIN qms.quality_items AS i ON c.id = i.id
WHERE i.closed_at IS NULL AND (c.reportable IS NULL OR (c.reportable AND c.reported_on IS NULL))
ORDER BY c.report_due_on, coalesce(c.aware_on, c.received_on, i.created_at::date), i.number;

-- name: frameworks
-- The frameworks the organization keeps its matrix of requirements for.
SELECT
    f.key,
    f.name,
    count(*)::integer AS requirements
FROM qms.compliance_records AS r
INNER JOIN qms.frameworks AS f ON r.framework_id = f.id
GROUP BY f.key, f.name
ORDER BY count(*) DESC, f.key;

-- name: events_by_month
-- Events of up to thirteen whole months, the last of them the newest whole month with events, by type.
WITH event AS (
    SELECT
        i.category,
        date_trunc('month', coalesce(
            n.detected_on, c.received_on, f.initiated_on, (i.occurred_at AT TIME ZONE 'UTC')::date,
            (i.created_at AT TIME ZONE 'UTC')::date
        ))::date AS month
    FROM qms.quality_items AS i
    LEFT JOIN qms.nonconformances AS n ON i.id = n.id
    LEFT JOIN qms.complaints AS c ON i.id = c.id
    LEFT JOIN qms.field_actions AS f ON i.id = f.id
    WHERE i.category IN ('nonconformance', 'deviation', 'complaint', 'field_action')
),

newest AS (
    SELECT max(e.month) AS month
    FROM event AS e
    WHERE e.month < date_trunc('month', (now() AT TIME ZONE 'UTC'))::date
)

SELECT
    e.category,
    e.month::text AS month,
    n.month::text AS newest,
    count(*)::integer AS events
FROM event AS e
CROSS JOIN newest AS n
WHERE e.month BETWEEN n.month - interval '12 months' AND n.month
GROUP BY e.category, e.month, n.month
ORDER BY e.category, e.month;

-- name: complaints_by_product
-- Products with the most complaints in the year up to the newest complaint.
SELECT
    c.product,
    count(*)::integer AS complaints,
    (count(*) FILTER (WHERE i.closed_at IS NULL))::integer AS open,
    (count(*) FILTER (WHERE c.event_type IN ('death', 'serious_injury')))::integer AS serious,
    (sum(count(*)) OVER ())::integer AS every,
    array_to_string((array_agg(i.number ORDER BY i.number DESC))[1:10], ' ') AS numbers
FROM qms.complaints AS c
INNER JOIN qms.quality_items AS i ON c.id = i.id
WHERE c.received_on > (SELECT max(m.received_on) FROM qms.complaints AS m) - 365
GROUP BY c.product
ORDER BY count(*) DESC, c.product;

-- name: nonconformances_by_supplier
-- Suppliers by the nonconformances of their deliveries.
SELECT
    s.number AS supplier,
    s.title AS name,
    count(*)::integer AS nonconformances,
    (count(*) FILTER (WHERE i.closed_at IS NULL))::integer AS open,
    array_to_string((array_agg(i.number ORDER BY i.number DESC))[1:10], ' ') AS numbers
FROM qms.nonconformances AS n
INNER JOIN qms.quality_items AS i ON n.id = i.id
INNER JOIN qms.quality_items AS s ON n.supplier_id = s.id
GROUP BY s.number, s.title
ORDER BY count(*) DESC, s.number;

-- name: causes
-- Nonconformances by the category of their cause; null where none is recorded.
SELECT
    n.cause_category,
    count(*)::integer AS nonconformances
FROM qms.nonconformances AS n
GROUP BY n.cause_category
ORDER BY count(*) DESC, n.cause_category;

-- name: areas
-- Nonconformances by area; null where none is recorded.
SELECT
    n.area,
    count(*)::integer AS nonconformances
FROM qms.nonconformances AS n
GROUP BY n.area
ORDER BY count(*) DESC, n.area;

-- name: complaint_events
-- Complaints by what happened.
SELECT
    c.event_type,
    count(*)::integer AS complaints,
    (count(*) FILTER (WHERE i.closed_at IS NULL))::integer AS open,
    array_to_string((array_agg(i.number ORDER BY i.closed_at IS NULL DESC, i.number DESC))[1:10], ' ') AS numbers
FROM qms.complaints AS c
INNER JOIN qms.quality_items AS i ON c.id = i.id
GROUP BY c.event_type
ORDER BY count(*) DESC, c.event_type;

-- name: unanswered_complaints
-- Open complaints that have waited for a reply for more than thirty days.
SELECT
    i.number,
    current_date - coalesce(c.received_on, i.created_at::date) AS days
FROM qms.complaints AS c
INNER JOIN qms.quality_items AS i ON c.id = i.id
WHERE i.closed_at IS NULL AND c.replied_on IS NULL AND coalesce(c.received_on, i.created_at::date) < current_date - 30
ORDER BY coalesce(c.received_on, i.created_at::date), i.number;

-- name: newest_complaints
-- The newest complaints in their own words.
SELECT
    i.number,
    i.title,
    left(i.description, 600) AS description,
    c.product,
    i.closed_at IS NULL AS open
FROM qms.complaints AS c
INNER JOIN qms.quality_items AS i ON c.id = i.id
ORDER BY coalesce(c.received_on, i.created_at::date) DESC, i.number DESC
LIMIT 50;

-- name: ratings
-- What was said of answers, by source: how many, the mean, and how many are low.
SELECT
    f.source,
    count(*)::integer AS ratings,
    round(avg(f.score)::numeric, 2)::double precision AS mean,
    (count(*) FILTER (WHERE f.score < 0.5))::integer AS low
FROM ml_loop.feedback_loop AS f
GROUP BY f.source
ORDER BY f.source;

-- name: tool_calls
-- Finished calls of thirty days by tool: failures, those that are faults of the system, and how long they took.
SELECT
    t.tool_name,
    count(*)::integer AS calls,
    (count(*) FILTER (WHERE NOT t.success))::integer AS failures,
    (count(*) FILTER (WHERE t.error_code IN ('internal', 'unavailable')))::integer AS faults,
    round((percentile_cont(0.95) WITHIN GROUP (ORDER BY t.duration_ms))::numeric)::integer AS slow_ms
FROM agents.tool_calls AS t
WHERE t.kind = 'tool' AND t.state = 'finished' AND t.created_at > now() - interval '30 days'
GROUP BY t.tool_name
ORDER BY count(*) DESC, t.tool_name;

-- name: tool_errors
-- Failed calls of thirty days by what went wrong.
SELECT
    coalesce(t.error_code, 'unknown') AS error_code,
    count(*)::integer AS calls,
    array_to_string((array_agg(DISTINCT t.tool_name))[1:5], ', ') AS tools
FROM agents.tool_calls AS t
WHERE NOT t.success AND t.created_at > now() - interval '30 days'
GROUP BY t.error_code
ORDER BY count(*) DESC, t.error_code;

-- name: unfinished_calls
-- Calls that began more than ten minutes ago and never ended.
SELECT
    t.tool_name,
    count(*)::integer AS calls,
    min(t.created_at)::text AS first_at
FROM agents.tool_calls AS t
WHERE t.state = 'unfinished' AND t.created_at < now() - interval '10 minutes'
GROUP BY t.tool_name
ORDER BY count(*) DESC, t.tool_name;

-- name: runs
-- Runs of thirty days by agent: how they ended and what they used.
SELECT
    r.agent_type,
    count(*)::integer AS runs,
    (count(*) FILTER (WHERE r.status IN ('failed', 'lost')))::integer AS failed,
    coalesce(sum(coalesce((r.token_usage ->> 'input')::numeric, 0)), 0)::bigint AS input_tokens,
    coalesce(sum(coalesce((r.token_usage ->> 'output')::numeric, 0)), 0)::bigint AS output_tokens
FROM agents.agent_runs AS r
WHERE r.created_at > now() - interval '30 days'
GROUP BY r.agent_type
ORDER BY count(*) DESC, r.agent_type;

-- name: evaluations
-- Evaluations by kind: how many, and the mean score.
SELECT
    e.eval_type,
    count(*)::integer AS cases,
    round(avg(e.score)::numeric, 2)::double precision AS mean
FROM ml_loop.eval_results AS e
GROUP BY e.eval_type
ORDER BY e.eval_type;

-- name: drift_alerts
-- Metrics that moved so far that an alert was raised.
SELECT
    d.model_name,
    d.metric_type,
    d.baseline_value,
    d.current_value,
    d.drift_score
FROM ml_loop.drift_metrics AS d
WHERE d.alert_triggered AND d.created_at > now() - interval '30 days'
ORDER BY d.created_at DESC;
