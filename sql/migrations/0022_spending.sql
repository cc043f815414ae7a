-- A person agrees to what a dispatch is estimated to cost, bound to exactly what was asked for, once.
--
-- The runner takes an advisory lock and sets a lock time-out; approvals are few.
-- squawk-ignore-file ban-drop-function, constraint-missing-not-valid, ban-drop-constraint

-- What agents cost is no quality record, and never bound to one: it is decided where schema and data are.
ALTER TABLE qms.approvals
DROP CONSTRAINT records_are_signed_on_the_page,
ADD CONSTRAINT records_are_signed_on_the_page CHECK (
    channel IS NULL OR channel = 'page' OR tool IN ('apply_migration', 'transform_data')
    OR (tool = 'dispatch_agents' AND record_id IS NULL)
);

CREATE FUNCTION qms_private.request_spending(
    exactly text, in_words text, why text, through_client text
) RETURNS qms.approvals
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    our_organization uuid := qms.current_organization_id();
    digest text := encode(sha256(convert_to(exactly, 'UTF8')), 'hex');
    -- What was asked for is its own subject: the same request of an organization has the same one.
    subject uuid := md5(our_organization::text || exactly)::uuid;
    standing qms.approvals;
BEGIN
    IF our_organization IS NULL OR NOT qms.may_write() THEN
        RAISE EXCEPTION 'agents are sent by somebody with a role other than auditor' USING ERRCODE = 'QM022';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended(subject::text, 0));
    SELECT a.* INTO standing
    FROM qms.approvals AS a
    WHERE
        a.organization_id = our_organization AND a.tool = 'dispatch_agents' AND a.subject_id = subject
        AND a.content_sha256 = digest AND a.state <> 'used' AND a.expires_at > clock_timestamp()
    ORDER BY a.created_at DESC
    LIMIT 1;
    IF standing.id IS NULL THEN
        INSERT INTO qms.approvals (
            organization_id, tool, subject_id, content_sha256, summary, content, requested_by, requested_kind,
            reason, client_name
        )
        VALUES (
            our_organization, 'dispatch_agents', subject, digest, in_words, exactly, qms.current_user_id(),
            qms.current_actor_kind(), why, through_client
        )
        RETURNING * INTO standing;
    END IF;
    RETURN standing;
END
$$;
COMMENT ON FUNCTION qms_private.request_spending(text, text, text, text) IS
'The approval a costly dispatch waits for: the same request finds the same one until it is used.';

-- Only its owner may take it away, and only we may write a new one.
SET LOCAL ROLE qms_definer;
DROP FUNCTION qms_private.confirm_approval(uuid, text);
RESET ROLE;
CREATE FUNCTION qms_private.confirm_approval(approval_id uuid, verdict text) RETURNS qms.approvals
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM qms.approvals AS a
        WHERE a.id = approval_id AND a.organization_id = qms.current_organization_id()
            AND a.tool IN ('apply_migration', 'transform_data', 'dispatch_agents')
            AND NOT EXISTS (
                SELECT FROM qms.organizations AS o
                WHERE o.id = a.organization_id AND o.settings @> '{"confirm_in_client": false}'
            )
    ) THEN
        RAISE EXCEPTION 'there is no such approval to confirm' USING ERRCODE = 'QM004';
    END IF;
    RETURN qms_private.decide_approval(
        approval_id, qms.current_user_id(), verdict, 'elicitation', 'confirmed in the client'
    );
END
$$;
COMMENT ON FUNCTION qms_private.confirm_approval(uuid, text) IS
'The person in front of the client confirms a change of schema or data, or what agents may cost, unless the organization '
'wants a password for it (settings.confirm_in_client = false). Quality records are never decided this way.';

GRANT CREATE ON SCHEMA qms_private TO qms_definer;
ALTER FUNCTION qms_private.request_spending(text, text, text, text) OWNER TO qms_definer;
ALTER FUNCTION qms_private.confirm_approval(uuid, text) OWNER TO qms_definer;
REVOKE CREATE ON SCHEMA qms_private FROM qms_definer;
SET LOCAL ROLE qms_definer;
GRANT EXECUTE ON FUNCTION
    qms_private.request_spending(text, text, text, text),
    qms_private.confirm_approval(uuid, text)
    TO qms_app;
RESET ROLE;
