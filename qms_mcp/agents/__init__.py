"""Sub-agents: what each is for, which tools it may call, what it must return, and how its findings are merged.

Nothing in here knows MCP or the database: an agent reaches the world through `Calls`, and whoever runs it says what
that is.
"""
