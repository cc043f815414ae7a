"""Audits and their findings: planned from the clauses of a framework, with a sample anybody can draw again."""

from qms_mcp.services.audits.service import Audits

__all__ = ["Audits"]
