-- Risk items: what is known of one, its controls, and the criteria of the organization.

-- name: rating
-- How a risk item is rated now.
SELECT
    r.method,
    r.severity,
    r.occurrence,
    r.detection,
    r.probability,
    r.residual_severity,
    r.residual_occurrence,
    r.residual_detection,
    r.residual_probability,
    r.action_priority,
    r.acceptability,
    r.residual_priority,
    r.residual_acceptability
FROM qms.risks AS r
WHERE r.id = %(record_id)s;

-- name: controls
-- The controls of a risk, and whether that they are there and that they work was verified.
SELECT
    c.control_kind,
    c.description,
    c.implementation_verified_on IS NOT NULL AND c.effectiveness_verified_on IS NOT NULL AS verified
FROM qms.risk_controls AS c
WHERE c.record_id = %(record_id)s
ORDER BY c.created_at, c.id;

-- name: matrix
-- The organization's own criteria of severity by probability; null when it has none.
SELECT o.settings -> 'risk_matrix' AS matrix
FROM qms.organizations AS o
WHERE o.id = (SELECT qms.current_organization_id());
