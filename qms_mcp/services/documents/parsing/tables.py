"""Tables in Markdown: the first row is the header, a cell is one line."""

from qms_mcp.services.documents.parsing.marks import one_line


def markdown_table(rows: list[list[str]]) -> str:
    """Return rows as a Markdown table; empty when there are none."""
    width = max((len(row) for row in rows), default=0)
    if not width:
        return ""
    lines = [_line([*row, *[""] * (width - len(row))]) for row in rows]
    return "\n".join([lines[0], _line(["---"] * width), *lines[1:]])


def sheet_blocks(rows: list[list[str]]) -> list[str]:
    """Return a sheet as texts and tables.

    A blank row separates tables; a line with one cell above a table is its caption; empty columns at the right go.
    """
    blocks: list[str] = []
    waiting: list[list[str]] = []
    for row in [*rows, []]:
        if any(cell.strip() for cell in row):
            waiting.append(row)
            continue
        blocks += _block(waiting)
        waiting = []
    return blocks


def _block(rows: list[list[str]]) -> list[str]:
    width = max((_width(row) for row in rows), default=0)
    if width == 1 == len(rows):
        return [one_line(" ".join(rows[0]))]
    texts: list[str] = []
    start = 0
    while width > 1 and start < len(rows) and sum(bool(cell.strip()) for cell in rows[start]) == 1:
        texts.append(one_line(" ".join(rows[start])))
        start += 1
    table = markdown_table([row[:width] for row in rows[start:]])
    return [*texts, table] if table else texts


def _width(row: list[str]) -> int:
    return max((place + 1 for place, cell in enumerate(row) if cell.strip()), default=0)


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(one_line(cell).replace("|", "\\|") for cell in cells) + " |"
