"""Langfuse: finished calls as spans, and scores, through an outbox.

A call enters the outbox in the transaction that finishes it, so it is there exactly when the ledger has it. A
shipper takes rows from there, makes spans of them and posts them; calls never wait for it, and neither does the end
of the process. Nothing here is imported without keys, and the client library only once there is something to ship.
"""

from qms_mcp.ledger.langfuse.sink import LangfuseSink

__all__ = ["LangfuseSink"]
