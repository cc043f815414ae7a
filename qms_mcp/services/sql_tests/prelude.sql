-- Two organizations with people in them, and what test scripts call. All of it vanishes with the transaction.

CREATE OR REPLACE FUNCTION pg_temp.organization(who text) RETURNS uuid LANGUAGE sql STABLE
AS $$SELECT nullif(current_setting('qms_test.organization_' || who, true), '')::uuid$$;

CREATE OR REPLACE FUNCTION pg_temp.person(who text) RETURNS uuid LANGUAGE sql STABLE
AS $$SELECT nullif(current_setting('qms_test.person_' || who, true), '')::uuid$$;

CREATE OR REPLACE FUNCTION pg_temp.verify(condition boolean, message text) RETURNS void LANGUAGE plpgsql
AS $$
BEGIN
    IF condition IS NOT TRUE THEN
        RAISE EXCEPTION '%', message USING ERRCODE = 'assert_failure';
    END IF;
END
$$;

CREATE OR REPLACE FUNCTION pg_temp.become(who text, as_role text DEFAULT 'qms_app') RETURNS void LANGUAGE plpgsql
AS $$
DECLARE
    person uuid := pg_temp.person(who);
    organization uuid := pg_temp.organization(who);
BEGIN
    -- Not by set_config: some roles may not call it.
    IF person IS NULL AND who NOT IN ('nobody', 'owner') THEN
        RAISE EXCEPTION 'nobody is called %', who USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SET LOCAL ROLE NONE;
    PERFORM set_config(
        'qms.identity',
        coalesce(qms_private.mint_identity(person, organization, 'agent', pg_backend_pid()), ''),
        true
    );
    PERFORM set_config(
        'request.jwt.claims',
        CASE WHEN person IS NULL THEN '' ELSE jsonb_build_object('sub', person, 'role', 'authenticated')::text END,
        true
    );
    PERFORM set_config('qms.reason', 'A test script tries it.', true);
    IF who <> 'owner' THEN
        PERFORM set_config('role', as_role, true);
    END IF;
END
$$;

CREATE OR REPLACE FUNCTION pg_temp.enrol(who text, at text, roles text []) RETURNS uuid LANGUAGE plpgsql
AS $$
DECLARE
    person uuid;
    organization uuid := coalesce(pg_temp.organization(at), gen_random_uuid());
    before text := current_setting('role');
BEGIN
    SET LOCAL ROLE NONE;
    person := pg_temp.newcomer();
    PERFORM set_config('role', 'qms_definer', true);
    INSERT INTO qms.organizations (id, name, slug) VALUES (organization, 'Test ' || at, 'test-' || organization)
    ON CONFLICT (id) DO NOTHING;
    INSERT INTO qms.people (user_id, printed_name) VALUES (person, 'Test ' || who);
    INSERT INTO qms.memberships (organization_id, user_id, roles) VALUES (organization, person, enrol.roles);
    PERFORM set_config('qms_test.organization_' || at, organization::text, true);
    PERFORM set_config('qms_test.organization_' || who, organization::text, true);
    PERFORM set_config('qms_test.person_' || who, person::text, true);
    PERFORM set_config('role', before, true);
    RETURN person;
END
$$;

CREATE OR REPLACE FUNCTION pg_temp.newcomer() RETURNS uuid LANGUAGE plpgsql
AS $$
DECLARE
    person uuid := gen_random_uuid();
    before text := current_setting('role');
BEGIN
    SET LOCAL ROLE NONE;
    IF has_table_privilege('qms_definer', 'auth.users', 'INSERT') THEN
        PERFORM set_config('role', 'qms_definer', true);
    END IF;
    INSERT INTO auth.users (id, email) VALUES (person, person || '@test.invalid');
    PERFORM set_config('role', before, true);
    RETURN person;
END
$$;

GRANT EXECUTE ON FUNCTION
    pg_temp.newcomer(), pg_temp.organization(text), pg_temp.person(text), pg_temp.verify(boolean, text), pg_temp.become(text, text),
    pg_temp.enrol(text, text, text [])
    TO PUBLIC;

SELECT pg_temp.enrol(
    'a', 'a', ARRAY['reporter', 'owner', 'reviewer', 'approver', 'qa_approver', 'mrb', 'regulatory', 'admin']
);
SELECT pg_temp.enrol(
    'b', 'b', ARRAY['reporter', 'owner', 'reviewer', 'approver', 'qa_approver', 'mrb', 'regulatory', 'admin']
);
SELECT pg_temp.enrol('auditor', 'a', ARRAY['auditor']);
