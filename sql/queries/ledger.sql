-- name: record
-- Writes ledger entries (a JSON array) in their order, in one transaction.
SELECT agents.record(%(entries)s::jsonb);
