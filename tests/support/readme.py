"""`python -m tests.support.readme`: writes the table of tools into the README."""

import re
from pathlib import Path

from qms_mcp.cli.tools import markdown_table

README = Path(__file__).parents[2] / "README.md"
_BETWEEN = re.compile(r"(<!-- tools:begin -->\n).*?(<!-- tools:end -->)", re.DOTALL)


def with_current_table(text: str) -> str:
    """Return the README with the table of the tools there are."""
    return _BETWEEN.sub(lambda marks: f"{marks[1]}{markdown_table()}\n{marks[2]}", text)


def main() -> None:
    """Write the file."""
    README.write_text(with_current_table(README.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
