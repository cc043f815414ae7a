"""SQL as text: tokens with their lines, statements, and the parts of a PL/pgSQL body.

This is for reading and advising, never for deciding what is safe: that is asked of PostgreSQL itself
(`qms_mcp.db.guard`). It knows the lexical rules (strings and their prefixes, dollar quotes, nested comments, quoted
identifiers, `BEGIN ATOMIC` bodies) and nothing of the grammar.
"""

from qms_mcp.sqltext.lexer import Token, tokenize
from qms_mcp.sqltext.statements import Statement, split_statements

__all__ = ["Statement", "Token", "split_statements", "tokenize"]
