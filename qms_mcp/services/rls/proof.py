"""The test that proves a table's policies: real rows, real roles, and nothing of it stays.

The test is one DO block, run as the owner. It makes two organizations and their people, takes from the table every
constraint that would ask for more than a policy does, adds rows, and then tries as each person what a policy has to
allow or refuse. It ends in an exception of its own, so that PostgreSQL undoes all of it even without a transaction
around; a policy that does not hold raises QM097 instead.
"""

from dataclasses import dataclass

from qms_mcp.services.design.names import literal, quoted
from qms_mcp.services.rls.templates import ROLES, Rules

_REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Step:
    """Something a person tries: how many rows it has to reach, or that it has to be refused."""

    claim: str
    person: str
    statement: str
    expected: str
    role: str = "qms_app"


def proof_sql(rules: Rules) -> str:
    """Return the test of a table's policies."""
    owner = quoted(rules.owner_column) if rules.owner_column else None
    values = [
        f"{_INDENT}({', '.join(literal(part) for part in (s.claim, s.person, s.role, s.statement, s.expected))})"
        for s in steps(rules)
    ]
    member, colleague = _people(rules)
    return _PROOF.format(
        table=rules.table,
        subject=literal(rules.table),
        template=rules.template,
        member_role=literal(member),
        colleague_role=literal(colleague),
        kept="'organization_id'" + (f", {literal(rules.owner_column)}" if rules.owner_column else ""),
        columns="organization_id" + (f", {owner}" if owner else ""),
        rows=",\n        ".join(
            f"({organization}{', ' + person if owner else ''})"
            for organization, person in (("ours", "member"), ("ours", "colleague"), ("theirs", "stranger"))
        ),
        steps=",\n".join(values),
    )


_INDENT = " " * 12


def _people(rules: Rules) -> tuple[str, str]:
    """Return the role of the member and that of the colleague, who may do less where the template says so."""
    if rules.template == "role":
        without = [role for role in ROLES if role not in rules.roles]
        return rules.roles[0], without[0] if without else "auditor"
    if rules.template == "owner":
        without = [role for role in ROLES if role not in {*rules.roles, "auditor"}]
        return without[0] if without else ROLES[0], next(iter(rules.roles), "reporter")
    return "reporter", "owner"


def steps(rules: Rules) -> list[Step]:
    """Return what is tried."""
    table, column = rules.table, quoted(rules.owner_column) if rules.owner_column else None
    read = f"SELECT FROM {table}"
    owned = f", {column}" if column else ""

    def adding(organization: str, person: str) -> str:
        value = f", '{{{person}}}'" if column else ""
        return f"INSERT INTO {table} (organization_id{owned}) VALUES ('{{{organization}}}'{value})"  # noqa: S608 - names are quoted, values fixed

    all_seen = "1" if rules.template == "owner" else "2"
    colleague_sees = "2" if rules.template == "owner" and rules.roles else all_seen
    found = [
        Step("a member sees what the template allows", "member", read, all_seen),
        Step("a colleague sees what the template allows", "colleague", read, colleague_sees),
        Step("the SQL tools see the same as the member", "member", read, all_seen, "qms_sql"),
        Step("somebody of another organization sees only their own", "stranger", read, "1"),
        Step("without an identity nothing is seen", "nobody", read, "0"),
        Step("a forged identity sees nothing", "forged", read, "0"),
        Step("visitors see nothing", "member", read, _REFUSED, "anon"),
        Step("a member adds to the own organization", "member", adding("ours", "member"), "1"),
        Step("nobody adds to another organization", "member", adding("theirs", "member"), _REFUSED),
        Step("without an identity nothing is added", "nobody", adding("ours", "member"), _REFUSED),
        Step("an auditor adds nothing", "auditor", adding("ours", "auditor"), _REFUSED),
        Step("the SQL tools add nothing", "member", adding("ours", "member"), _REFUSED, "qms_sql"),
        Step("nothing is deleted", "member", f"DELETE FROM {table}", _REFUSED),  # noqa: S608 - names are quoted, values fixed
    ]
    if rules.template == "role":
        found.append(Step("others add nothing", "colleague", adding("ours", "colleague"), _REFUSED))
    if rules.template == "owner":
        found.append(Step("nobody adds in another's name", "member", adding("ours", "colleague"), _REFUSED))
    return found + _changes(rules)


def _changes(rules: Rules) -> list[Step]:
    change = f"UPDATE {rules.table} SET organization_id = organization_id"  # noqa: S608 - names are quoted, values fixed
    if rules.append_only:
        return [Step("nothing is changed", "member", change, _REFUSED)]
    mine = "1" if rules.template == "owner" else "2"
    found = [
        Step("a member changes what the template allows", "member", change, mine),
        Step("an auditor changes nothing", "auditor", change, "0"),
        Step("without an identity nothing is changed", "nobody", change, "0"),
        Step(
            "nothing is moved to another organization",
            "member",
            f"UPDATE {rules.table} SET organization_id = '{{theirs}}'",  # noqa: S608 - names are quoted, values fixed
            _REFUSED,
        ),
    ]
    if rules.template == "role":
        found.append(Step("others change nothing", "colleague", change, "0"))
    return found


_PROOF = """\
-- Run it as the owner: qms-mcp test-sql FILE. All of it is undone, in a transaction or not.
-- test: the row-level security of {table} holds (template {template})
DO $proof$
DECLARE
    subject CONSTANT regclass := {subject};
    ours CONSTANT uuid := gen_random_uuid();
    theirs CONSTANT uuid := gen_random_uuid();
    member CONSTANT uuid := gen_random_uuid();
    colleague CONSTANT uuid := gen_random_uuid();
    auditor CONSTANT uuid := gen_random_uuid();
    stranger CONSTANT uuid := gen_random_uuid();
    tickets jsonb;
    loosening text;
    step record;
    outcome text;
    reached bigint;
BEGIN
    SET LOCAL lock_timeout = '2s';

    -- Two organizations and their people.
    SET LOCAL ROLE qms_definer;
    INSERT INTO auth.users (id) VALUES (member), (colleague), (auditor), (stranger);
    INSERT INTO qms.organizations (id, name, slug) VALUES (ours, 'Ours', ours::text), (theirs, 'Theirs', theirs::text);
    INSERT INTO qms.memberships (organization_id, user_id, roles) VALUES
        (ours, member, ARRAY[{member_role}]), (ours, colleague, ARRAY[{colleague_role}]),
        (ours, auditor, ARRAY['auditor']), (theirs, stranger, ARRAY[{member_role}]);
    RESET ROLE;
    tickets := jsonb_build_object(
        'member', qms_private.mint_identity(member, ours, 'agent', pg_backend_pid()),
        'colleague', qms_private.mint_identity(colleague, ours, 'agent', pg_backend_pid()),
        'auditor', qms_private.mint_identity(auditor, ours, 'agent', pg_backend_pid()),
        'stranger', qms_private.mint_identity(stranger, theirs, 'agent', pg_backend_pid()),
        'nobody', ''
    );
    tickets := tickets || jsonb_build_object('forged', repeat('0', 64) || substr(tickets ->> 'member', 65));

    -- Only the policies are on trial: no trigger, no constraint asks for more.
    EXECUTE format('ALTER TABLE %s NO FORCE ROW LEVEL SECURITY, DISABLE TRIGGER USER', subject);
    FOREACH loosening IN ARRAY ARRAY(
        SELECT format('ALTER TABLE %s DROP CONSTRAINT %I CASCADE', subject, c.conname)
        FROM pg_constraint AS c
        WHERE c.conrelid = subject AND c.contype IN ('c', 'p', 'u', 'x')
    ) || ARRAY(
        SELECT format('ALTER TABLE %s ALTER COLUMN %I DROP NOT NULL', subject, a.attname)
        FROM pg_attribute AS a
        WHERE
            a.attrelid = subject AND a.attnum > 0 AND a.attnotnull AND NOT a.attisdropped AND NOT a.atthasdef
            AND a.attidentity = '' AND a.attname NOT IN ({kept})
    ) LOOP
        EXECUTE loosening;
    END LOOP;
    INSERT INTO {table} ({columns}) VALUES
        {rows};
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', subject);

    FOR step IN
        SELECT s.claim, s.person, s.role_name, s.statement, s.expected FROM (VALUES
{steps}
        ) AS s (claim, person, role_name, statement, expected)
    LOOP
        BEGIN
            PERFORM set_config('qms.identity', tickets ->> step.person, true);
            EXECUTE format('SET LOCAL ROLE %I', step.role_name);
            EXECUTE replace(replace(replace(replace(replace(
                step.statement, '{{ours}}', ours::text), '{{theirs}}', theirs::text), '{{member}}', member::text),
                '{{colleague}}', colleague::text), '{{auditor}}', auditor::text);
            GET DIAGNOSTICS reached = ROW_COUNT;
            RAISE EXCEPTION USING ERRCODE = 'QM098', MESSAGE = reached::text;
        EXCEPTION
            WHEN SQLSTATE 'QM098' THEN outcome := sqlerrm;
            WHEN insufficient_privilege THEN outcome := 'refused';
        END;
        IF outcome IS DISTINCT FROM step.expected THEN
            RAISE EXCEPTION '{table}: "%" does not hold: expected %, got %', step.claim, step.expected, outcome
            USING ERRCODE = 'QM097';
        END IF;
    END LOOP;
    RAISE EXCEPTION USING ERRCODE = 'QM099', MESSAGE = 'proven';
EXCEPTION
    WHEN SQLSTATE 'QM099' THEN NULL;
END
$proof$;
"""
