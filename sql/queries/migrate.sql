-- name: lock
-- One migrator at a time; given back with the transaction.
SELECT pg_advisory_xact_lock(7160312046000518);

-- name: history_table
-- The table of the Supabase CLI, with its columns.
DO $$
BEGIN
    IF to_regclass('supabase_migrations.schema_migrations') IS NULL THEN
        CREATE SCHEMA IF NOT EXISTS supabase_migrations;
        CREATE TABLE supabase_migrations.schema_migrations (
            version text PRIMARY KEY,
            statements text [],
            name text
        );
    END IF;
END
$$;

-- name: has_history
-- Whether any migration was ever recorded here.
SELECT to_regclass('supabase_migrations.schema_migrations') IS NOT NULL AS known;

-- name: history
-- What was applied, with its text.
SELECT
    version,
    statements
FROM supabase_migrations.schema_migrations
ORDER BY version;

-- name: record
-- That migration %(version)s has been applied, with its text.
INSERT INTO supabase_migrations.schema_migrations (version, statements, name)
VALUES (%(version)s, %(statements)s, %(name)s);

-- name: prerequisites
-- What the migrations need of the server and of the login.
SELECT
    current_setting('server_version_num')::integer AS version,
    current_setting('server_version') AS version_name,
    CASE
        WHEN EXISTS (SELECT FROM pg_catalog.pg_extension AS e WHERE e.extname = 'vector') THEN 'installed'
        ELSE (
            SELECT
                CASE
                    WHEN bool_or(v.trusted OR current_setting('is_superuser') = 'on') THEN 'creatable'
                    ELSE 'locked'
                END AS state
            FROM pg_catalog.pg_available_extension_versions AS v
            WHERE v.name = 'vector'
            HAVING count(*) > 0
        )
    END AS vector,
    has_database_privilege(current_database(), 'CREATE') AS may_create;

-- name: versions
-- What is applied, as far as the server may know.
SELECT version FROM supabase_migrations.schema_migrations;
