"""Sections of small Markdown texts for tests that need no database; the real ones come from `search.sections`."""

import re

from qms_mcp.services.documents.sections import DocumentText, Section

_HEADING = re.compile(r"^(#{1,6})[ \t]+(?:((?:\d+|[A-Z]\.\d+)(?:\.\d+)*)\.?[ \t]+)?(\S.*)$", re.MULTILINE)


def document(label: str, content: str) -> DocumentText:
    """Return a text with its sections."""
    found = list(_HEADING.finditer(content))
    sections: list[Section] = []
    above: list[tuple[int, str]] = []
    if content[: found[0].start() if found else None].strip():
        sections.append(Section(0, 0, "", "", "", 0, found[0].start() if found else len(content)))
    for place, heading in enumerate(found):
        level, number, title = len(heading[1]), heading[2], heading[3].strip()
        end = found[place + 1].start() if place + 1 < len(found) else len(content)
        shown = f"{number} {title}" if number else title
        above = [one for one in above if one[0] < level] + [(level, shown)]
        path = number or re.sub(r"\W+", "-", title.lower()).strip("-")
        trail = " > ".join(one[1] for one in above)
        sections.append(Section(len(sections), level, path, title, trail, heading.start(), end))
    return DocumentText(label, content, sections)
