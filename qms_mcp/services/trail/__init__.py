"""The audit trail: read, verified, exported, anchored.

The database writes it (`sql/migrations/0007_trail.sql`): triggers append an entry for each change, in the transaction
of the change, into one chain for each organization. Entry n holds the hash of entry n-1, so an entry that is altered,
replaced or missing shows. Nothing here writes an entry but the notes that the trail was exported or anchored.
"""
