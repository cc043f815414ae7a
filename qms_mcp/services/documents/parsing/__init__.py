"""Files read into Markdown, in a child process.

Whatever is in a file came from outside, so nothing of it is opened in the server: `parse` starts a child that reads
one file under limits of time, memory and size and answers with text. A file that hangs or crashes its parser loses
its own child, and `parse` says so of that file.

`models` is what comes out, `running` starts the child and is the only other part the server itself runs; `child` and
all that it calls (`kinds`, `archives`, `pdf`, `office`, `plain`, `letters`) run apart. The child reads the type of
the file off its content, each format becomes Markdown in its own way, and `deriving` finds title, number, language
and requirements in the Markdown.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qms_mcp.services.documents.parsing.models import Limits, Parsed


async def parse(content: bytes, file_name: str, *, limits: "Limits | None" = None) -> "Parsed":
    """Read a file into Markdown with its pages, title, language and requirements.

    Args:
        content: The bytes of the file.
        file_name: Its name; it decides only between kinds of text, and where content and name differ it is a warning.
        limits: What a file may cost; the defaults when left out.

    Raises:
        UnreadableFileError: The file can't be read; `reason` says in a word why.
    """
    # The child imports this package too, and does without the libraries of the server.
    from qms_mcp.services.documents.parsing.running import parse_apart  # noqa: PLC0415

    return await parse_apart(content, file_name, limits=limits)
