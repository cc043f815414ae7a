"""The schema agent: tables, row-level security, migrations."""
