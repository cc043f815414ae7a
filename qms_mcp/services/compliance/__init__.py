"""Frameworks, clauses and the evidence an organization has for them.

Three words are used of a clause: evidence is found, stale or missing. Whether a requirement is met is for people to
judge; nothing here says so.
"""

from qms_mcp.services.compliance.service import Compliance

__all__ = ["Compliance"]
