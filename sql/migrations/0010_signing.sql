-- Signing: who sits at the approval page, whether the password is right, and what was signed.

CREATE TABLE qms_private.sessions (
    token_sha256 bytea PRIMARY KEY CHECK (length(token_sha256) = 32),
    user_id uuid NOT NULL REFERENCES auth.users (id),
    zone text NOT NULL,
    opened_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    last_used_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz NOT NULL DEFAULT clock_timestamp() + interval '8 hours',
    first_signed_at timestamptz,
    ended_at timestamptz
);
COMMENT ON TABLE qms_private.sessions IS 'People at the approval page. Of the token only its hash is kept; 15 minutes unused or 8 hours end a session.';
CREATE INDEX sessions_user ON qms_private.sessions (user_id);

CREATE TABLE qms_private.approval_links (
    token_sha256 bytea PRIMARY KEY CHECK (length(token_sha256) = 32),
    approval_id uuid NOT NULL REFERENCES qms.approvals (id),
    made_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz NOT NULL,
    followed_at timestamptz
);
COMMENT ON TABLE qms_private.approval_links IS 'Links to the approval page, each good for one visit.';
CREATE INDEX approval_links_approval ON qms_private.approval_links (approval_id);

CREATE TABLE qms.security_reports (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL REFERENCES qms.organizations (id),
    kind text NOT NULL CHECK (kind IN ('locked_out')),
    user_id uuid NOT NULL REFERENCES auth.users (id),
    details jsonb NOT NULL DEFAULT '{}',
    acknowledged_by uuid REFERENCES auth.users (id),
    acknowledged_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT acknowledged_by_someone CHECK ((acknowledged_by IS NULL) = (acknowledged_at IS NULL))
);
COMMENT ON TABLE qms.security_reports IS 'What those who answer for access have to see at once: a person locked out after wrong passwords.';
CREATE INDEX security_reports_org ON qms.security_reports (organization_id, created_at);
CREATE INDEX security_reports_user ON qms.security_reports (user_id);
CREATE INDEX security_reports_acknowledged_by ON qms.security_reports (acknowledged_by);

CREATE TABLE qms.signatures (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL REFERENCES qms.organizations (id),
    record_id uuid NOT NULL,
    record_version integer NOT NULL CHECK (record_version > 0),
    content jsonb NOT NULL,
    content_sha256 text NOT NULL CHECK (content_sha256 = encode(sha256(convert_to(content::text, 'UTF8')), 'hex')),
    signer_id uuid NOT NULL REFERENCES auth.users (id),
    printed_name text NOT NULL CHECK (btrim(printed_name) <> ''),
    meaning text NOT NULL CHECK (btrim(meaning) <> ''),
    verdict text NOT NULL CHECK (verdict IN ('signed', 'rejected')),
    reason text NOT NULL,
    to_state text,
    zone text NOT NULL,
    components integer NOT NULL CHECK (components BETWEEN 0 AND 2),
    approval_id uuid NOT NULL UNIQUE REFERENCES qms.approvals (id),
    signed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    FOREIGN KEY (organization_id, record_id) REFERENCES qms.quality_items (organization_id, id),
    CONSTRAINT rejected_with_reason CHECK (verdict = 'signed' OR length(btrim(reason)) >= 10)
);
COMMENT ON TABLE qms.signatures IS 'What people signed or rejected: the name as it was then, when, in which zone, what it means, '
'and the very content. Only the deciding function writes here.';
COMMENT ON COLUMN qms.signatures.components IS '2: user id and password. 1: password, later in the same session. '
'0: a recorded approval, in an organization that set signatures to that.';
COMMENT ON COLUMN qms.signatures.zone IS 'IANA zone of the person who signed.';
ALTER TABLE qms.signatures ALTER COLUMN reason SET STATISTICS 0, ALTER COLUMN content SET STATISTICS 0;
CREATE INDEX signatures_record ON qms.signatures (organization_id, record_id, signed_at);
CREATE INDEX signatures_signer ON qms.signatures (signer_id);

ALTER TABLE qms.signatures ENABLE ROW LEVEL SECURITY;
ALTER TABLE qms.signatures FORCE ROW LEVEL SECURITY;
CREATE POLICY read_own ON qms.signatures FOR SELECT TO qms_app, qms_sql
USING (organization_id = (SELECT qms.current_organization_id()));
CREATE POLICY administration ON qms.signatures FOR ALL TO qms_definer USING (true) WITH CHECK (true);
GRANT SELECT ON qms.signatures TO qms_app, qms_sql;
GRANT SELECT, INSERT ON qms.signatures TO qms_definer;
CREATE TRIGGER never_changed BEFORE UPDATE OR DELETE ON qms.signatures
FOR EACH ROW EXECUTE FUNCTION qms.refuse_change();
CREATE TRIGGER never_truncated BEFORE TRUNCATE ON qms.signatures
FOR EACH STATEMENT EXECUTE FUNCTION qms.refuse_change();
CREATE TRIGGER trail_turn BEFORE INSERT ON qms.signatures
FOR EACH STATEMENT EXECUTE FUNCTION qms.take_trail_turn();
CREATE TRIGGER record_change AFTER INSERT ON qms.signatures
FOR EACH ROW EXECUTE FUNCTION qms.record_entry('record_id');

ALTER TABLE qms.security_reports ENABLE ROW LEVEL SECURITY;
ALTER TABLE qms.security_reports FORCE ROW LEVEL SECURITY;
CREATE POLICY read_own ON qms.security_reports FOR SELECT TO qms_app, qms_sql
USING (organization_id = (SELECT qms.current_organization_id()));
CREATE POLICY administration ON qms.security_reports FOR ALL TO qms_definer USING (true) WITH CHECK (true);
GRANT SELECT ON qms.security_reports TO qms_app, qms_sql;
GRANT SELECT, INSERT ON qms.security_reports TO qms_definer;
GRANT UPDATE (acknowledged_by, acknowledged_at) ON qms.security_reports TO qms_definer;
CREATE TRIGGER never_deleted BEFORE DELETE ON qms.security_reports
FOR EACH ROW EXECUTE FUNCTION qms.refuse_change();
CREATE TRIGGER never_truncated BEFORE TRUNCATE ON qms.security_reports
FOR EACH STATEMENT EXECUTE FUNCTION qms.refuse_change();
CREATE TRIGGER record_change AFTER INSERT OR UPDATE ON qms.security_reports
FOR EACH ROW EXECUTE FUNCTION qms.record_entry();

GRANT SELECT, INSERT ON qms_private.sessions, qms_private.approval_links TO qms_definer;
GRANT UPDATE (last_used_at, first_signed_at, ended_at) ON qms_private.sessions TO qms_definer;
GRANT UPDATE (followed_at) ON qms_private.approval_links TO qms_definer;
-- How an organization signs is a setting of its own; each change of it stands in its trail.
GRANT UPDATE (settings) ON qms.organizations TO qms_definer;

-- Who is human ----------------------------------------------------------------------------------------------------------

CREATE FUNCTION qms_private.ticket_for(
    for_user uuid, for_organization uuid, as_kind text, backend_pid integer
) RETURNS text
LANGUAGE plpgsql STABLE STRICT SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    granted text [];
    held uuid;
    payload text;
BEGIN
    SELECT m.roles, m.id INTO granted, held
    FROM qms.memberships AS m
    WHERE
        m.user_id = for_user AND m.organization_id = for_organization
        AND m.valid_from <= clock_timestamp() AND (m.valid_to IS NULL OR m.valid_to > clock_timestamp())
        AND NOT EXISTS (
            SELECT FROM qms.people AS p WHERE p.user_id = for_user AND p.deactivated_at IS NOT NULL
        )
    ORDER BY m.valid_from DESC
    LIMIT 1;
    IF granted IS NULL THEN
        RAISE EXCEPTION 'no valid membership' USING ERRCODE = 'QM001';
    END IF;
    payload := jsonb_build_object(
        'sub', for_user, 'org', for_organization, 'kind', as_kind, 'roles', to_jsonb(granted),
        'membership', held, 'pid', backend_pid, 'exp', extract(epoch FROM clock_timestamp())::bigint + 300
    )::text;
    RETURN qms_private.sign_identity(payload) || '.' || payload;
END
$$;
COMMENT ON FUNCTION qms_private.ticket_for(uuid, uuid, text, integer) IS
'A signed identity of any kind. Only functions of its owner may call it: this is what makes somebody human.';

-- How the server asked for an identity until now; from here on it can have every kind but one.
GRANT CREATE ON SCHEMA qms, qms_private TO qms_definer;
SET LOCAL ROLE qms_definer;
-- squawk-ignore ban-drop-function
DROP FUNCTION qms_private.mint_identity(uuid, uuid, text, integer);
-- squawk-ignore ban-drop-function
DROP FUNCTION qms_private.identity();
RESET ROLE;
CREATE FUNCTION qms_private.identity() RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    ticket text := current_setting('qms.identity', true);
    payload text := substr(ticket, 66);
    claims jsonb;
BEGIN
    IF coalesce(ticket, '') = '' OR substr(ticket, 1, 64) IS DISTINCT FROM qms_private.sign_identity(payload) THEN
        RETURN NULL;
    END IF;
    claims := payload::jsonb;
    IF (claims ->> 'pid')::integer <> pg_backend_pid()
        OR (claims ->> 'exp')::bigint < extract(epoch FROM transaction_timestamp()) THEN
        RETURN NULL;
    END IF;
    -- A ticket may be minutes old; roles taken away and people deactivated since count at once.
    IF NOT EXISTS (
        SELECT FROM qms.memberships AS m
        WHERE
            m.user_id = (claims ->> 'sub')::uuid AND m.organization_id = (claims ->> 'org')::uuid
            AND m.valid_from <= clock_timestamp() AND (m.valid_to IS NULL OR m.valid_to > clock_timestamp())
            -- Other roles are another membership. The owner of the database may sign claims that name none.
            AND m.id = coalesce((claims ->> 'membership')::uuid, m.id)
    ) OR EXISTS (
        SELECT FROM qms.people AS p WHERE p.user_id = (claims ->> 'sub')::uuid AND p.deactivated_at IS NOT NULL
    ) THEN
        RETURN NULL;
    END IF;
    RETURN claims;
END
$$;
COMMENT ON FUNCTION qms_private.identity() IS
'The verified claims of this transaction, or null: forged, foreign, expired and outdated tickets count as none.';
CREATE FUNCTION qms_private.mint_identity(
    for_user uuid, for_organization uuid, as_kind text, backend_pid integer
) RETURNS text
LANGUAGE plpgsql STABLE STRICT SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    IF as_kind = 'human' THEN
        RAISE EXCEPTION 'nobody can be made human by asking'
        USING ERRCODE = 'QM022', HINT = 'A person decides on the approval page, with a password.';
    ELSIF as_kind NOT IN ('agent', 'system') THEN
        RAISE EXCEPTION 'actor_kind must be agent or system' USING ERRCODE = 'QM002';
    END IF;
    RETURN qms_private.ticket_for(for_user, for_organization, as_kind, backend_pid);
END
$$;
COMMENT ON FUNCTION qms_private.mint_identity(uuid, uuid, text, integer) IS
'A signed identity of an agent or of the system, for one database connection and five minutes. Error QM001 when the '
'membership is not valid, QM022 for the kind human.';

CREATE FUNCTION qms_private.become(for_user uuid, for_organization uuid, because text, through text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    PERFORM
        set_config('qms.reason', because, true), set_config('qms.client', through, true),
        set_config(
            'qms.identity', coalesce(qms_private.ticket_for(for_user, for_organization, 'human', pg_backend_pid()), ''), true
        );
END
$$;
COMMENT ON FUNCTION qms_private.become(uuid, uuid, text, text) IS
'From here on the transaction acts as this person. Whoever calls it has checked the person and calls nobody() after.';

CREATE FUNCTION qms_private.nobody() RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = ''
AS $$
    SELECT set_config('qms.identity', '', true), set_config('qms.reason', '', true), set_config('qms.client', '', true);
    SELECT;
$$;
COMMENT ON FUNCTION qms_private.nobody() IS 'From here on the transaction acts for nobody.';

-- Passwords -------------------------------------------------------------------------------------------------------------

CREATE FUNCTION qms_private.person_named(user_ref text) RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT u.id FROM auth.users AS u
    WHERE lower(u.email) = lower(btrim(user_ref)) OR u.id::text = lower(btrim(user_ref))
    ORDER BY u.id LIMIT 1
$$;
COMMENT ON FUNCTION qms_private.person_named(text) IS 'The person with this user id: the e-mail address, or the id itself.';

CREATE FUNCTION qms_private.password_parameters(user_ref text) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT coalesce(
        (
            SELECT regexp_replace(c.password_hash, '\$[^$]*$', '')
            FROM qms_private.credentials AS c WHERE c.user_id = qms_private.person_named(user_ref)
        ),
        '$argon2id$v=19$m=65536,t=3,p=4$' || rtrim(
            encode(
                substr(decode(qms_private.sign_identity('no such person: ' || lower(btrim(user_ref))), 'hex'), 1, 16),
                'base64'
            ),
            '='
        )
    )
$$;
COMMENT ON FUNCTION qms_private.password_parameters(text) IS
'What is needed to derive the argon2id encoding of a typed password: all of it before the last $. Somebody who does '
'not exist has parameters too, always the same, so that nobody learns who exists.';

CREATE FUNCTION qms_private.note_for_person(of_user uuid, what text, details jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    place uuid;
BEGIN
    FOR place IN
        SELECT m.organization_id FROM qms_private.memberships_of(of_user) AS m ORDER BY m.organization_id
    LOOP
        PERFORM qms_private.note_event(place, 'qms.people', of_user, what, details);
    END LOOP;
END
$$;
COMMENT ON FUNCTION qms_private.note_for_person(uuid, text, jsonb) IS
'Writes an event into the trail of each organization of a person, always in the same order.';

CREATE FUNCTION qms_private.check_password(of_user uuid, derived text, via text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    held qms_private.credentials;
    locks boolean;
BEGIN
    SELECT c.* INTO held FROM qms_private.credentials AS c WHERE c.user_id = of_user FOR UPDATE;
    IF held.user_id IS NULL OR derived IS NULL THEN
        RETURN 'unknown';
    ELSIF held.locked_until > clock_timestamp() THEN
        PERFORM qms_private.note_for_person(of_user, 'refused', jsonb_build_object('why', 'locked', 'via', via));
        RETURN 'locked';
    ELSIF sha256(convert_to(held.password_hash, 'UTF8')) = sha256(convert_to(derived, 'UTF8'))
        AND EXISTS (SELECT FROM qms_private.memberships_of(of_user)) THEN
        UPDATE qms_private.credentials AS c SET failed_tries = 0, locked_until = NULL WHERE c.user_id = of_user;
        RETURN 'right';
    END IF;
    locks := held.failed_tries + 1 >= 5;
    UPDATE qms_private.credentials AS c
    SET
        failed_tries = CASE WHEN locks THEN 0 ELSE held.failed_tries + 1 END,
        locked_until = CASE WHEN locks THEN clock_timestamp() + interval '15 minutes' END
    WHERE c.user_id = of_user;
    -- Locks are always taken in this order: credentials, sessions, trail.
    IF locks THEN
        UPDATE qms_private.sessions AS s SET ended_at = clock_timestamp() WHERE s.user_id = of_user AND s.ended_at IS NULL;
    END IF;
    PERFORM qms_private.note_for_person(
        of_user, CASE WHEN locks THEN 'locked' ELSE 'refused' END,
        jsonb_build_object('why', 'wrong password', 'via', via, 'tries', held.failed_tries + 1)
    );
    IF locks THEN
        INSERT INTO qms.security_reports (organization_id, kind, user_id, details)
        SELECT m.organization_id, 'locked_out', of_user, jsonb_build_object('via', via, 'tries', held.failed_tries + 1)
        FROM qms_private.memberships_of(of_user) AS m
        ORDER BY m.organization_id;
        RETURN 'locks';
    END IF;
    RETURN 'wrong';
END
$$;
COMMENT ON FUNCTION qms_private.check_password(uuid, text, text) IS
'right, wrong, locks (this wrong try was the fifth: locked for 15 minutes, sessions ended, reported), locked or '
'unknown. The row stays locked, so tries side by side count one by one.';

-- Sessions --------------------------------------------------------------------------------------------------------------

CREATE FUNCTION qms_private.sign_in(user_ref text, derived text, in_zone text, via text) RETURNS TABLE (
    outcome text, token text
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    person uuid := qms_private.person_named(user_ref);
    fresh text := encode(sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())), 'hex');
    place uuid;
BEGIN
    outcome := qms_private.check_password(person, derived, via);
    IF outcome = 'right' THEN
        INSERT INTO qms_private.sessions (token_sha256, user_id, zone)
        VALUES (sha256(convert_to(fresh, 'UTF8')), person, qms_private.zone_of(person, in_zone));
        FOR place IN
            SELECT m.organization_id FROM qms_private.memberships_of(person) AS m ORDER BY m.organization_id
        LOOP
            PERFORM qms_private.become(person, place, 'signed in', via);
            PERFORM qms_private.note_event(place, 'qms.people', person, 'signed_in', jsonb_build_object('via', via));
        END LOOP;
        PERFORM qms_private.nobody();
        token := fresh;
    END IF;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION qms_private.sign_in(text, text, text, text) IS
'Opens a session for who knows the password and returns its token, once; it is always a new one.';

CREATE FUNCTION qms_private.zone_of(person uuid, wanted text) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    zone text;
BEGIN
    FOR zone IN
        SELECT z.zone FROM (
            SELECT wanted AS zone, 1 AS place
            UNION ALL SELECT p.time_zone, 2 FROM qms.people AS p WHERE p.user_id = person AND p.time_zone <> 'UTC'
            UNION ALL (
                SELECT o.time_zone, 3 FROM qms_private.memberships_of(person) AS m
                INNER JOIN qms.organizations AS o ON m.organization_id = o.id
                LIMIT 1
            )
        ) AS z WHERE z.zone ~ '^[A-Za-z]+(/[A-Za-z0-9_+-]+)*$' ORDER BY z.place
    LOOP
        BEGIN
            PERFORM clock_timestamp() AT TIME ZONE zone;
            RETURN zone;
        EXCEPTION WHEN invalid_parameter_value THEN
            CONTINUE;
        END;
    END LOOP;
    RETURN 'UTC';
END
$$;
COMMENT ON FUNCTION qms_private.zone_of(uuid, text) IS
'The wanted zone if there is such a one, else the person''s, else the first organization''s, else UTC.';

CREATE FUNCTION qms_private.session_with(session_token text) RETURNS qms_private.sessions
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    found_session qms_private.sessions;
BEGIN
    UPDATE qms_private.sessions AS s
    SET last_used_at = clock_timestamp()
    WHERE
        s.token_sha256 = sha256(convert_to(session_token, 'UTF8'))
        AND s.ended_at IS NULL AND s.expires_at > clock_timestamp()
        AND s.last_used_at > clock_timestamp() - interval '15 minutes'
        AND EXISTS (SELECT FROM qms_private.memberships_of(s.user_id))
    RETURNING s.* INTO found_session;
    RETURN found_session;
END
$$;
COMMENT ON FUNCTION qms_private.session_with(text) IS 'The living session with this token, used just now; or null.';

CREATE FUNCTION qms_private.session_seen(session_token text) RETURNS TABLE (
    user_id uuid, email text, printed_name text, zone text, has_signed boolean, expires_at timestamptz
)
LANGUAGE sql SECURITY DEFINER SET search_path = ''
AS $$
    SELECT
        s.user_id, u.email, coalesce(p.printed_name, u.email), s.zone, s.first_signed_at IS NOT NULL,
        least(s.expires_at, s.last_used_at + interval '15 minutes')
    FROM qms_private.session_with(session_token) AS s
    INNER JOIN auth.users AS u ON s.user_id = u.id
    LEFT JOIN qms.people AS p ON s.user_id = p.user_id
$$;
COMMENT ON FUNCTION qms_private.session_seen(text) IS 'Whose session this is. No row when it has ended.';

CREATE FUNCTION qms_private.sign_out(session_token text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    person uuid;
BEGIN
    UPDATE qms_private.sessions AS s SET ended_at = clock_timestamp()
    WHERE s.token_sha256 = sha256(convert_to(session_token, 'UTF8')) AND s.ended_at IS NULL
    RETURNING s.user_id INTO person;
    IF person IS NOT NULL THEN
        PERFORM qms_private.note_for_person(person, 'signed_out', '{}');
    END IF;
END
$$;
COMMENT ON FUNCTION qms_private.sign_out(text) IS 'Ends a session.';

-- Links -----------------------------------------------------------------------------------------------------------------

CREATE FUNCTION qms_private.make_link(to_approval uuid) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    fresh text := encode(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()), 'hex');
BEGIN
    INSERT INTO qms_private.approval_links (token_sha256, approval_id, expires_at)
    SELECT sha256(convert_to(fresh, 'UTF8')), a.id, a.expires_at
    FROM qms.approvals AS a
    WHERE a.id = to_approval AND a.state = 'pending' AND a.expires_at > clock_timestamp();
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no such approval to decide' USING ERRCODE = 'QM004';
    END IF;
    RETURN fresh;
END
$$;
COMMENT ON FUNCTION qms_private.make_link(uuid) IS 'A token that leads to an approval, once. It shows nothing before somebody signs in.';

CREATE FUNCTION qms_private.follow_link(link_token text) RETURNS uuid
LANGUAGE sql SECURITY DEFINER SET search_path = ''
AS $$
    UPDATE qms_private.approval_links AS l
    SET followed_at = clock_timestamp()
    WHERE
        l.token_sha256 = sha256(convert_to(link_token, 'UTF8'))
        AND l.followed_at IS NULL AND l.expires_at > clock_timestamp()
    RETURNING l.approval_id
$$;
COMMENT ON FUNCTION qms_private.follow_link(text) IS 'The approval a link leads to; null when it was followed before or is too old.';

-- What is shown ---------------------------------------------------------------------------------------------------------

-- Times in the fields of a type would be written in the zone of the session otherwise, and the hash with them.
ALTER FUNCTION qms.record_content(uuid) SET timezone TO 'UTC';

CREATE FUNCTION qms.changed_paths(before jsonb, after jsonb, at_path text DEFAULT '') RETURNS text []
LANGUAGE plpgsql IMMUTABLE SET search_path = ''
AS $$
DECLARE
    paths text [] := '{}';
    old_part jsonb := before;
    new_part jsonb := after;
    key text;
BEGIN
    IF before IS NOT DISTINCT FROM after THEN
        RETURN paths;
    END IF;
    IF jsonb_typeof(before) = 'array' AND jsonb_typeof(after) = 'array' AND jsonb_path_exists(before || after, '$[*].id') THEN
        SELECT coalesce(jsonb_object_agg(e.part ->> 'id', e.part), '{}') INTO old_part FROM jsonb_array_elements(before) AS e (part);
        SELECT coalesce(jsonb_object_agg(e.part ->> 'id', e.part), '{}') INTO new_part FROM jsonb_array_elements(after) AS e (part);
    ELSIF jsonb_typeof(before) IS DISTINCT FROM 'object' OR jsonb_typeof(after) IS DISTINCT FROM 'object' THEN
        RETURN ARRAY[at_path];
    END IF;
    FOR key IN SELECT k.key FROM jsonb_object_keys(old_part || new_part) AS k (key) ORDER BY k.key LOOP
        paths := paths || qms.changed_paths(
            old_part -> key, new_part -> key, CASE WHEN at_path = '' THEN key ELSE at_path || '.' || key END
        );
    END LOOP;
    RETURN paths;
END
$$;
COMMENT ON FUNCTION qms.changed_paths(jsonb, jsonb, text) IS 'Which fields of two contents differ, each by its path; parts are matched by id.';

CREATE FUNCTION qms.signature_words(signature qms.signatures) RETURNS text
LANGUAGE sql STABLE SET search_path = ''
AS $$
    SELECT
        CASE
            WHEN signature.verdict = 'rejected' THEN 'Rejected'
            WHEN signature.components = 0 THEN 'Recorded approval'
            ELSE 'Signed'
        END
        || ' by ' || signature.printed_name || ', ' || signature.meaning || ', '
        || to_char(signature.signed_at AT TIME ZONE signature.zone, 'YYYY-MM-DD HH24:MI:SS') || ' ' || signature.zone
        || ' (' || to_char(signature.signed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') || ' UTC)'
        || CASE WHEN signature.verdict = 'rejected' THEN ': ' || signature.reason ELSE '' END
$$;
COMMENT ON FUNCTION qms.signature_words(qms.signatures) IS
'How a signature reads wherever its record is shown: printed name, meaning, time in the signer''s zone and in UTC.';

CREATE FUNCTION qms.signature_status(record_id uuid) RETURNS TABLE (
    id uuid, approval_id uuid, record_version integer, signer_id uuid, printed_name text, meaning text, verdict text,
    reason text, to_state text, signed_at timestamptz, zone text, components integer, status text, changed text [],
    words text
)
LANGUAGE sql STABLE SET search_path = ''
AS $$
    SELECT
        s.id, s.approval_id, s.record_version, s.signer_id, s.printed_name, s.meaning, s.verdict, s.reason, s.to_state,
        s.signed_at, s.zone, s.components,
        CASE
            WHEN s.content_sha256 <> encode(sha256(convert_to(s.content::text, 'UTF8')), 'hex') THEN 'broken'
            -- When the next step is due follows from the state, which is not what was signed.
            WHEN s.content - 'due_date' IS DISTINCT FROM n.content - 'due_date' THEN 'content_changed'
            ELSE 'valid'
        END,
        qms.changed_paths(s.content - 'due_date', n.content - 'due_date'),
        qms.signature_words(s)
    FROM qms.signatures AS s
    CROSS JOIN LATERAL (SELECT qms.record_content(s.record_id) AS content OFFSET 0) AS n
    WHERE s.record_id = signature_status.record_id
    ORDER BY s.signed_at, s.id
$$;
COMMENT ON FUNCTION qms.signature_status(uuid) IS
'The signatures of a record, checked now. valid: the record still is what was signed. content_changed: it is not, '
'`changed` says where. broken: the signature itself was altered.';

CREATE FUNCTION qms_private.way_of_deciding(approval qms.approvals) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT CASE
        WHEN approval.record_id IS NULL THEN 'password'
        WHEN o.settings ->> 'signatures' = 'recorded' THEN 'recorded'
        ELSE 'signature'
    END
    FROM qms.organizations AS o WHERE o.id = approval.organization_id
$$;
COMMENT ON FUNCTION qms_private.way_of_deciding(qms.approvals) IS
'signature: bound to the record. recorded: the organization wants approvals recorded without a password '
'(settings.signatures). password: no record is signed, but a password is asked for.';

CREATE FUNCTION qms_private.what_blocks(approval qms.approvals, person uuid) RETURNS text []
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    reasons text [];
    item qms.quality_items;
BEGIN
    SELECT i.* INTO item FROM qms.quality_items AS i WHERE i.id = approval.record_id;
    IF item.version <> approval.record_version THEN
        RETURN ARRAY[format('the record is at version %s now; this was asked for version %s', item.version, approval.record_version)];
    END IF;
    PERFORM qms_private.become(person, approval.organization_id, 'looks at an approval', 'approval page');
    reasons := qms_private.why_not_decide(approval);
    IF approval.to_state IS NOT NULL THEN
        reasons := reasons || coalesce((
            SELECT s.blocked FROM qms.next_steps(approval.record_id) AS s WHERE s.to_state = approval.to_state LIMIT 1
        ), '{}');
    END IF;
    PERFORM qms_private.nobody();
    RETURN reasons;
END
$$;
COMMENT ON FUNCTION qms_private.what_blocks(qms.approvals, uuid) IS 'Why this person can''t decide this now, in words; nothing when the person can.';

CREATE FUNCTION qms_private.waiting_for(session_token text) RETURNS TABLE (
    id uuid, organization text, tool text, summary text, number text, title text, to_state text, meaning text,
    requested_by text, requested_kind text, client_name text, created_at timestamptz, expires_at timestamptz,
    blocked text []
)
LANGUAGE sql SECURITY DEFINER SET search_path = ''
AS $$
    SELECT
        a.id, m.organization_name, a.tool, a.summary, i.number, i.title, a.to_state, a.meaning,
        coalesce(p.printed_name, u.email), a.requested_kind, a.client_name, a.created_at, a.expires_at,
        qms_private.what_blocks(a, s.user_id)
    FROM qms_private.session_with(session_token) AS s
    CROSS JOIN LATERAL qms_private.memberships_of(s.user_id) AS m
    INNER JOIN qms.approvals AS a ON m.organization_id = a.organization_id
    INNER JOIN auth.users AS u ON a.requested_by = u.id
    LEFT JOIN qms.people AS p ON a.requested_by = p.user_id
    LEFT JOIN qms.quality_items AS i ON a.record_id = i.id
    WHERE a.state = 'pending' AND a.expires_at > clock_timestamp()
    ORDER BY a.created_at, a.id
    LIMIT 200
$$;
COMMENT ON FUNCTION qms_private.waiting_for(text) IS 'What waits for a decision in the organizations of whoever has this session.';

CREATE FUNCTION qms_private.approval_for(session_token text, of_approval uuid) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' SET timezone TO 'UTC'
AS $$
DECLARE
    person uuid := (qms_private.session_with(session_token)).user_id;
    approval qms.approvals;
    item qms.quality_items;
    baseline qms.signatures;
BEGIN
    SELECT a.* INTO approval
    FROM qms.approvals AS a
    WHERE
        a.id = of_approval
        AND a.organization_id IN (SELECT m.organization_id FROM qms_private.memberships_of(person) AS m);
    IF approval.id IS NULL THEN
        RETURN NULL;
    END IF;
    SELECT i.* INTO item FROM qms.quality_items AS i WHERE i.id = approval.record_id;
    SELECT s.* INTO baseline FROM qms.signatures AS s
    WHERE s.record_id = item.id AND s.verdict = 'signed' ORDER BY s.signed_at DESC LIMIT 1;
    RETURN jsonb_build_object(
        'id', approval.id, 'tool', approval.tool, 'summary', approval.summary, 'content', approval.content,
        'reason', approval.reason, 'requested_kind', approval.requested_kind, 'client_name', approval.client_name,
        'created_at', approval.created_at, 'expires_at', approval.expires_at, 'meaning', approval.meaning,
        'to_state', approval.to_state, 'decided_at', approval.decided_at, 'decision_reason', approval.decision_reason,
        'decided_by', (SELECT p.printed_name FROM qms.people AS p WHERE p.user_id = approval.decided_by),
        'state', CASE
            WHEN approval.state = 'pending' AND approval.expires_at <= clock_timestamp() THEN 'expired' ELSE approval.state
        END,
        'organization', (SELECT o.name FROM qms.organizations AS o WHERE o.id = approval.organization_id),
        'requested_by', (
            SELECT coalesce(p.printed_name, u.email) FROM auth.users AS u
            LEFT JOIN qms.people AS p ON u.id = p.user_id WHERE u.id = approval.requested_by
        ),
        'sha256', CASE WHEN item.id IS NULL THEN approval.content_sha256 ELSE qms.record_sha256(item.id) END,
        'way', qms_private.way_of_deciding(approval),
        'blocked', CASE
            WHEN approval.state = 'pending' AND approval.expires_at > clock_timestamp()
                THEN to_jsonb(qms_private.what_blocks(approval, person))
            ELSE '[]'
        END,
        'record', CASE WHEN item.id IS NOT NULL THEN jsonb_build_object(
            'id', item.id, 'number', item.number, 'category', item.category, 'title', item.title,
            'version', item.version, 'state', item.status, 'drafted_by_kind', item.drafted_by_kind,
            'adopted', item.adopted_by IS NOT NULL, 'content', qms.record_content(item.id),
            'signed_version', baseline.record_version, 'signed_content', baseline.content,
            'signatures', (SELECT jsonb_agg(to_jsonb(s) ORDER BY s.signed_at) FROM qms.signature_status(item.id) AS s),
            'last_changes', (
                SELECT jsonb_agg(jsonb_build_object('entity', l.entity_type, 'action', l.action, 'changes', l.changes) ORDER BY l.seq)
                FROM qms.audit_logs AS l
                WHERE l.organization_id = item.organization_id AND l.record_id = item.id
                    AND l.record_version = item.version AND l.action IN ('insert', 'update')
                    AND l.entity_type NOT IN ('qms.signatures', 'qms.transitions', 'qms.approvals')
            ),
            'people', (
                SELECT jsonb_object_agg(p.user_id, p.printed_name) FROM qms.people AS p
                WHERE EXISTS (
                    SELECT FROM qms.memberships AS m
                    WHERE m.user_id = p.user_id AND m.organization_id = item.organization_id
                )
            )
        ) END
    );
END
$$;
COMMENT ON FUNCTION qms_private.approval_for(text, uuid) IS
'An approval as the person of this session is shown it, with the whole record and what was signed before; null when '
'there is none in that person''s organizations.';

-- Deciding --------------------------------------------------------------------------------------------------------------

CREATE FUNCTION qms_private.sign_record(
    approval qms.approvals, session qms_private.sessions, verdict text, why text, shown_sha256 text, with_components integer
) RETURNS qms.signatures
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' SET timezone TO 'UTC'
AS $$
DECLARE
    item qms.quality_items;
    now_content jsonb;
    digest text;
    made qms.signatures;
    reasons text [];
    step text;
BEGIN
    SELECT i.* INTO item
    FROM qms.quality_items AS i
    WHERE i.id = approval.record_id AND i.organization_id = approval.organization_id FOR UPDATE;
    now_content := qms.record_content(item.id);
    digest := encode(sha256(convert_to(now_content::text, 'UTF8')), 'hex');
    IF item.version <> approval.record_version OR digest <> approval.record_sha256 THEN
        RAISE EXCEPTION '% changed since this was asked for: it is at version % now, not %', item.number, item.version,
        approval.record_version USING ERRCODE = 'QM020', HINT = 'Ask for the decision again; nothing was decided.';
    ELSIF shown_sha256 IS DISTINCT FROM digest THEN
        RAISE EXCEPTION 'what was shown is not what % holds now', item.number
        USING ERRCODE = 'QM020', HINT = 'Open the page again and read it; nothing was decided.';
    END IF;
    reasons := qms_private.why_not_decide(approval);
    IF cardinality(reasons) > 0 THEN
        RAISE EXCEPTION 'this is not for you to decide: %', array_to_string(reasons, '; ')
        USING ERRCODE = 'QM022', HINT = 'Somebody else has to do it.';
    END IF;
    INSERT INTO qms.signatures (
        organization_id, record_id, record_version, content, content_sha256, signer_id, printed_name, meaning, verdict,
        reason, to_state, zone, components, approval_id
    )
    SELECT
        item.organization_id, item.id, item.version, now_content, digest, u.id, coalesce(p.printed_name, u.email),
        coalesce(approval.meaning, 'approval'), CASE verdict WHEN 'approved' THEN 'signed' ELSE 'rejected' END,
        why, approval.to_state, session.zone, with_components, approval.id
    FROM auth.users AS u
    LEFT JOIN qms.people AS p ON u.id = p.user_id
    WHERE u.id = session.user_id
    RETURNING * INTO made;
    IF verdict = 'approved' THEN
        PERFORM qms_private.carry_out(approval, qms.written_reason());
    ELSE
        -- Refusing to cancel sends nothing back: the step says which requests it answers, and who may take it.
        SELECT e.to_state INTO step
        FROM qms.workflow_definitions AS d, qms_private.edges(d.body) AS e
        WHERE
            d.id = item.definition_id AND e.name = 'reject' AND e.from_state = item.status
            AND (approval.to_state IS NULL OR NOT e.edge ? 'rejects' OR e.edge -> 'rejects' ? approval.to_state)
            AND qms_private.not_this_person(item, e.edge) = '{}'
        LIMIT 1;
        IF step IS NOT NULL THEN
            PERFORM set_config('qms.approval_id', approval.id::text, true);
            PERFORM qms.transition(item.id, item.version, step, qms.written_reason());
            PERFORM set_config('qms.approval_id', '', true);
        END IF;
    END IF;
    RETURN made;
END
$$;
COMMENT ON FUNCTION qms_private.sign_record(qms.approvals, qms_private.sessions, text, text, text, integer) IS
'Writes the signature and takes the step it is for, as the person. A rejection is a signature too; it takes the step '
'named reject where the workflow has one.';

CREATE FUNCTION qms_private.decide_as_person(
    approval qms.approvals, session qms_private.sessions, verdict text, why text, shown_sha256 text, with_components integer
) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    signature qms.signatures;
    reasons text [];
    now_state text;
BEGIN
    PERFORM qms_private.lock_trail(approval.organization_id);
    SELECT a.* INTO approval FROM qms.approvals AS a WHERE a.id = approval.id FOR UPDATE;
    IF approval.state <> 'pending' OR approval.expires_at <= clock_timestamp() THEN
        RAISE EXCEPTION 'there is nothing to decide any more: it is %',
        CASE approval.state WHEN 'pending' THEN 'expired' ELSE approval.state END
        USING ERRCODE = 'QM021', HINT = 'Ask for the decision again if it is still needed.';
    ELSIF verdict IS NULL OR verdict NOT IN ('approved', 'rejected') THEN
        RAISE EXCEPTION 'a verdict is approved or rejected' USING ERRCODE = 'QM024';
    ELSIF verdict = 'rejected' AND length(btrim(coalesce(why, ''))) < 10 THEN
        RAISE EXCEPTION 'a rejection needs a reason of at least 10 characters'
        USING ERRCODE = 'QM024', HINT = 'Whoever asked reads it.';
    END IF;
    IF approval.record_id IS NULL THEN
        reasons := qms_private.why_not_decide(approval);
        IF cardinality(reasons) > 0 THEN
            RAISE EXCEPTION 'this is not for you to decide: %', array_to_string(reasons, '; ')
            USING ERRCODE = 'QM022', HINT = 'Somebody else has to do it.';
        ELSIF shown_sha256 IS DISTINCT FROM approval.content_sha256 THEN
            RAISE EXCEPTION 'what was shown is not what would happen' USING ERRCODE = 'QM020', HINT = 'Open the page again.';
        END IF;
    END IF;
    UPDATE qms.approvals AS a
    SET
        state = verdict, decided_by = session.user_id, decided_at = clock_timestamp(), channel = 'page',
        decision_reason = why
    WHERE a.id = approval.id;
    PERFORM qms_private.write_entry(
        approval.organization_id, 'qms.approvals', approval.id, verdict, approval.record_id, approval.record_version,
        NULL, NULL, jsonb_build_object('tool', approval.tool, 'components', with_components)
    );
    IF approval.record_id IS NULL THEN
        -- A change of schema or rows is carried out later, by the tool that spends the approval.
        IF verdict = 'approved' AND approval.tool NOT IN ('apply_migration', 'transform_data') THEN
            PERFORM qms_private.carry_out(approval, qms.written_reason());
            UPDATE qms.approvals AS a SET state = 'used', used_at = clock_timestamp() WHERE a.id = approval.id;
        END IF;
        RETURN jsonb_build_object('outcome', 'decided', 'verdict', verdict);
    END IF;
    signature := qms_private.sign_record(approval, session, verdict, coalesce(btrim(why), ''), shown_sha256, with_components);
    IF verdict = 'approved' THEN
        UPDATE qms.approvals AS a SET state = 'used', used_at = clock_timestamp() WHERE a.id = approval.id;
    END IF;
    SELECT i.status INTO now_state FROM qms.quality_items AS i WHERE i.id = approval.record_id;
    RETURN jsonb_build_object(
        'outcome', 'decided', 'verdict', verdict, 'signature_id', signature.id, 'state', now_state,
        'words', qms.signature_words(signature)
    );
END
$$;
COMMENT ON FUNCTION qms_private.decide_as_person(qms.approvals, qms_private.sessions, text, text, text, integer) IS
'The decision itself, once the person is known. Only decide() calls it.';

CREATE FUNCTION qms_private.decide(
    session_token text, user_ref text, derived text, of_approval uuid, verdict text, why text, shown_sha256 text
) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    session qms_private.sessions;
    approval qms.approvals;
    way text;
    with_components integer;
    checked text;
    decided jsonb;
BEGIN
    PERFORM FROM qms_private.credentials AS c
    INNER JOIN qms_private.sessions AS s ON c.user_id = s.user_id
    WHERE s.token_sha256 = sha256(convert_to(session_token, 'UTF8'))
    FOR UPDATE OF c;
    session := qms_private.session_with(session_token);
    IF session.user_id IS NULL THEN
        RETURN '{"outcome": "signed_out"}';
    END IF;
    SELECT a.* INTO approval
    FROM qms.approvals AS a
    WHERE
        a.id = of_approval
        AND a.organization_id IN (SELECT m.organization_id FROM qms_private.memberships_of(session.user_id) AS m);
    IF approval.id IS NULL THEN
        RAISE EXCEPTION 'there is no such approval' USING ERRCODE = 'QM023';
    END IF;
    way := qms_private.way_of_deciding(approval);
    with_components := CASE
        WHEN way = 'recorded' THEN 0 WHEN session.first_signed_at IS NULL OR user_ref IS NOT NULL THEN 2 ELSE 1
    END;
    IF way <> 'recorded' THEN
        IF session.first_signed_at IS NULL AND user_ref IS NULL THEN
            RAISE EXCEPTION 'the first signature of a session needs the user id too' USING ERRCODE = 'QM024';
        END IF;
        -- A user id that is not the one of this session is as wrong as a wrong password.
        checked := qms_private.check_password(
            session.user_id,
            CASE WHEN user_ref IS NULL OR qms_private.person_named(user_ref) = session.user_id THEN derived ELSE '' END,
            'signing'
        );
        IF checked <> 'right' THEN
            RETURN jsonb_build_object('outcome', checked);
        END IF;
    END IF;
    PERFORM qms_private.become(
        session.user_id, approval.organization_id,
        CASE WHEN length(btrim(coalesce(why, ''))) >= 10 THEN btrim(why)
            ELSE left(concat_ws(' ', verdict, 'on the approval page:', approval.summary), 500) END,
        'approval page'
    );
    decided := qms_private.decide_as_person(approval, session, verdict, why, shown_sha256, with_components);
    PERFORM qms_private.nobody();
    IF way <> 'recorded' THEN
        UPDATE qms_private.sessions AS s SET first_signed_at = coalesce(s.first_signed_at, clock_timestamp())
        WHERE s.token_sha256 = session.token_sha256;
    END IF;
    RETURN decided;
END
$$;
COMMENT ON FUNCTION qms_private.decide(text, text, text, uuid, text, text, text) IS
'The one place where a person decides: living session, right password, an approval that waits, a record that is what '
'was asked for and what was shown. A wrong password is an answer and no error, so that the try stays counted.';

CREATE FUNCTION qms_private.note_refusal(session_token text, of_approval uuid, why text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    person uuid := (qms_private.session_with(session_token)).user_id;
    place uuid;
BEGIN
    SELECT a.organization_id INTO place FROM qms.approvals AS a
    WHERE
        a.id = of_approval
        AND a.organization_id IN (SELECT m.organization_id FROM qms_private.memberships_of(person) AS m);
    IF place IS NOT NULL THEN
        PERFORM qms_private.note_event(
            place, 'qms.approvals', of_approval, 'refused', jsonb_build_object('person', person, 'why', left(why, 500))
        );
    END IF;
END
$$;
COMMENT ON FUNCTION qms_private.note_refusal(text, uuid, text) IS
'Writes into the trail that a decision was tried and refused; the refusal itself undid all else.';

CREATE FUNCTION qms_private.reports_for(session_token text) RETURNS TABLE (
    id uuid, organization text, kind text, person text, details jsonb, created_at timestamptz
)
LANGUAGE sql SECURITY DEFINER SET search_path = ''
AS $$
    SELECT r.id, m.organization_name, r.kind, coalesce(p.printed_name, 'a person'), r.details, r.created_at
    FROM qms_private.session_with(session_token) AS s
    CROSS JOIN LATERAL qms_private.memberships_of(s.user_id) AS m
    INNER JOIN qms.security_reports AS r ON m.organization_id = r.organization_id
    LEFT JOIN qms.people AS p ON r.user_id = p.user_id
    WHERE m.roles && ARRAY['admin', 'qa_approver'] AND r.acknowledged_at IS NULL
    ORDER BY r.created_at, r.id
    LIMIT 50
$$;
COMMENT ON FUNCTION qms_private.reports_for(text) IS 'Security reports nobody has acknowledged, for those who answer for access.';

CREATE FUNCTION qms_private.acknowledge_report(session_token text, report uuid) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    person uuid := (qms_private.session_with(session_token)).user_id;
    place uuid;
BEGIN
    SELECT r.organization_id INTO place
    FROM qms.security_reports AS r
    INNER JOIN qms_private.memberships_of(person) AS m ON r.organization_id = m.organization_id
    WHERE r.id = report AND r.acknowledged_at IS NULL AND m.roles && ARRAY['admin', 'qa_approver'];
    IF place IS NULL THEN
        RETURN false;
    END IF;
    PERFORM qms_private.become(person, place, 'acknowledged a security report', 'approval page');
    UPDATE qms.security_reports AS r SET acknowledged_by = person, acknowledged_at = clock_timestamp()
    WHERE r.id = report AND r.acknowledged_at IS NULL;
    PERFORM qms_private.nobody();
    RETURN true;
END
$$;
COMMENT ON FUNCTION qms_private.acknowledge_report(text, uuid) IS 'Somebody who answers for access has seen a report.';

GRANT EXECUTE ON FUNCTION qms.changed_paths(jsonb, jsonb, text), qms.signature_words(qms.signatures), qms.signature_status(uuid)
TO qms_app, qms_sql, qms_definer;
DO $$
DECLARE
    named regprocedure;
    for_server text [] := ARRAY[
        'mint_identity', 'password_parameters', 'sign_in', 'session_seen', 'sign_out', 'make_link', 'follow_link', 'waiting_for',
        'approval_for', 'decide', 'note_refusal', 'reports_for', 'acknowledge_report'
    ];
    internal text [] := ARRAY[
        'identity', 'ticket_for', 'become', 'nobody', 'person_named', 'note_for_person', 'check_password', 'zone_of', 'session_with',
        'way_of_deciding', 'what_blocks', 'sign_record', 'decide_as_person'
    ];
BEGIN
    FOR named IN
        SELECT p.oid::regprocedure FROM pg_catalog.pg_proc AS p
        WHERE p.pronamespace = 'qms_private'::regnamespace AND p.proname = ANY (for_server || internal)
    LOOP
        EXECUTE format('ALTER FUNCTION %s OWNER TO qms_definer', named);
    END LOOP;
    SET LOCAL ROLE qms_definer;
    FOR named IN
        SELECT p.oid::regprocedure FROM pg_catalog.pg_proc AS p
        WHERE p.pronamespace = 'qms_private'::regnamespace AND p.proname = ANY (for_server || internal)
    LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', named);
        IF (SELECT p.proname FROM pg_catalog.pg_proc AS p WHERE p.oid = named) = ANY (for_server) THEN
            EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO qms_server, SESSION_USER', named);
        END IF;
    END LOOP;
    RESET ROLE;
END
$$;
REVOKE CREATE ON SCHEMA qms, qms_private FROM qms_definer;
