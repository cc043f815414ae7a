"""The ledger: every call of a tool, a resource or a prompt, kept before its answer leaves."""
