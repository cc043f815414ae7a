"""The tables of a document, as rows of text, from the Markdown its content is kept as."""

from markdown_it import MarkdownIt
from markdown_it.token import Token


def tables_of(content: str) -> list[list[list[str]]]:
    """Return every table with its header first; cells as plain text."""
    tables: list[list[list[str]]] = []
    cell = False
    for token in MarkdownIt("commonmark").enable("table").parse(content):
        if token.type == "table_open":
            tables.append([])
        elif token.type == "tr_open":
            tables[-1].append([])
        elif token.type in {"th_open", "td_open"}:
            cell = True
        elif cell and token.type == "inline":
            tables[-1][-1].append(_plain(token))
            cell = False
    return [[row for row in table if any(row)] for table in tables]


def _plain(token: Token) -> str:
    parts = [child.content if child.type in {"text", "code_inline"} else " " for child in token.children or []]
    return " ".join("".join(parts).split())
