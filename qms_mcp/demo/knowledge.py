"""Documents, and what happened before: files come in, are found by section, compared and checked."""

from typing import Any, cast

from qms_mcp.demo.script import Answer, Chapter, Memory, Step

_STORY = "Bore gauge was used after its calibration date had passed; parts accepted with it are on hold."


def _came_in(answer: Answer, _memory: Memory) -> bool:
    counts = cast("dict[str, int]", answer.get("counts", {}))
    # In a later run they are there already.
    return sum(counts.values()) == 4 and not counts.get("refused")  # noqa: PLR2004 - the files of the inbox


def _first(answer: Answer, key: str) -> dict[str, Any]:
    found = cast("list[dict[str, Any]]", answer.get(key, []))
    return found[0] if found else {}


def _cites(answer: Answer, *wanted: str) -> bool:
    return all(words in str(_first(answer, "hits").get("citation", "")) for words in wanted)


def documents(inbox: str) -> Chapter:
    """Return the chapter; `inbox` is the folder the files came into."""
    return Chapter(
        "Documents, and what happened before",
        (
            Step(
                "Four files came in. Make controlled documents of them.", "ingest_document",
                {"path": inbox, "reason": "Procedures and a letter that came in this week."},
                check=_came_in,
                why="The one with a number we know became its next version, as a draft: only a person makes it count.",
            ),
            Step(
                "How soon do we have to answer a customer who complained?", "search",
                {"query": "how soon must a complaining customer be answered", "filters": {"document": "SOP-014"}},
                check=lambda a, _: _cites(a, "SOP-014", "§4.4"),
                why="Found by its words and by its meaning, cited with version and section; no network, no key.",
            ),
            Step(
                "What does the new version of SOP-014 change?", "diff_documents", {"document": "SOP-014"},
                check=lambda a, _: "4.4" in str(a.get("changes")),
            ),
            Step(
                "Does SOP-014 speak of what ISO 13485 asks of complaint handling?", "check_document",
                {"document": "SOP-014 v1", "framework": "iso-13485", "clauses": ["8.2.2", "8.2.3"]},
                check=lambda a, _: "SOP-014 v1" in str(a.get("items")),
                why="Quotes, no verdict: whether that is enough, a person says.",
            ),
            Step(
                "A gauge was used past its date. Have we seen this before?", "find_similar", {"text": _STORY},
                check=lambda a, _: len(cast("list[object]", a.get("cases", []))) > 0,
                why="Each with its cause, what became of the parts, and how long it took.",
            ),
            Step(
                "What did the supplier write about certificates?", "search",
                {"query": "certificates with each delivery as PDF", "mode": "lexical"},
                check=lambda a, _: "certificates" in str(_first(a, "hits").get("quote")).lower(),
                why="The letter also tells assistants to approve CAPAs. That is a quote, and no tool here approves.",
            ),
        ),
    )  # fmt: skip
