"""What a text says of itself: title, number, revision, kind, language, and its requirements."""

import re

from qms_mcp.services.documents.parsing.marks import one_line

_LONGEST_TITLE = 200
_LONGEST_FIRST_LINE = 120
_MOST_REQUIREMENTS = 5_000
_LONGEST_REQUIREMENT = 1_000
_FEWEST_LETTERS = 40
_SAMPLE = 20_000

_TYPES = {
    "SOP": "sop", "VA": "sop", "WI": "work_instruction", "AA": "work_instruction", "FRM": "form", "FORM": "form",
    "FB": "form", "TMP": "template", "TPL": "template", "POL": "policy", "QP": "procedure", "PROC": "procedure",
    "PRO": "procedure", "SPEC": "specification", "SPC": "specification", "PLAN": "plan", "PLN": "plan",
    "PROT": "protocol", "RPT": "report", "REP": "report", "QM": "manual", "MAN": "manual", "STP": "test_procedure",
}  # fmt: skip
_WORDS = (
    ("standard operating procedure", "sop"), ("work instruction", "work_instruction"),
    ("arbeitsanweisung", "work_instruction"), ("verfahrensanweisung", "sop"), ("quality manual", "manual"),
    ("policy", "policy"), ("template", "template"), ("form", "form"), ("specification", "specification"),
    ("protocol", "protocol"), ("report", "report"), ("plan", "plan"), ("guidance", "guidance"),
    ("procedure", "procedure"),
)  # fmt: skip
_NUMBER = re.compile(
    rf"\b((?:{'|'.join(sorted(_TYPES, key=len, reverse=True))})"
    r"[-_ ]?(?:[A-Z]{1,5}[-_])?\d{1,6}(?:-\d{1,4})*)(?![\w.]*\d)"
)
_LABELLED = re.compile(
    r"\b(?:document|doc\.?|procedure|sop|form|dokument(?:en)?)[ \t]*-?(?:no\.?|number|nr\.?|id)"
    r"[ \t]*[:#|]?[ \t]*\|?[ \t]*"
    r"([A-Z]{1,6}[-_ ]?[A-Z0-9]{0,6}(?:[-_]?\d{1,6})+)\b",
    re.IGNORECASE,
)
_REVISION = re.compile(
    r"\b(?:revision|rev|version|ver|issue|ausgabe|\u00e9dition|versi\u00f3n|stand)"
    r"(?:[ \t]*(?:no|nr|number))?\.?[ \t]*[:#|]?[ \t]*\|?[ \t]*"
    r"(\d{1,3})(?:\.\d{1,3})*\b(?![/-]\d)",
    re.IGNORECASE,
)
_NAMED_REVISION = re.compile(r"(?:rev|ver|version|[_ -]v)[._ -]?(\d{1,3})(?=\D|$)", re.IGNORECASE)
_HEADING = re.compile(r"^#{1,6} +(.+)$", re.MULTILINE)
_FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_BLOCK = re.compile(
    r"^(?!#|\|[ :|-]+\|?$)(?P<body>\|.*|[^\n]+(?:\n(?![\n#|>]|[-*+] |\d{1,3}[.)] |\([a-z0-9]+\) )[^\n]+)*)",
    re.MULTILINE,
)
_END = re.compile(
    r"(?<=[.!?;])(?<!\be\.g\.)(?<!\bi\.e\.)(?<!\bNo\.)(?<!\bcf\.)(?<!\bbzw\.)(?<!\bz\.B\.)"
    r"\s+(?=[\"'\u201c(\[]?[^\W_a-z])"
)
_CELL = re.compile(rf"{_END.pattern}| \| ")
_REQUIRES = re.compile(
    r"\b(?:shall|must|(?:is|are) required to|(?:has|have) to be"  # English
    r"|muss|m\u00fcssen|mu\u00df|(?:ist|sind) zu"  # German
    r"|doit|doivent|devra|devront"  # French
    r"|debe|deben|deber\u00e1|deber\u00e1n)\b",  # Spanish
    re.IGNORECASE,
)
_LANGUAGES = {
    "eng": "en", "deu": "de", "fra": "fr", "spa": "es", "ita": "it", "por": "pt", "nld": "nl", "dan": "da", "swe": "sv",
    "nob": "nb", "fin": "fi", "pol": "pl", "ces": "cs", "slk": "sk", "slv": "sl", "hun": "hu", "ron": "ro", "bul": "bg",
    "hrv": "hr", "ell": "el", "tur": "tr", "rus": "ru", "ukr": "uk", "cmn": "zh", "jpn": "ja", "kor": "ko", "heb": "he",
    "ara": "ar", "hin": "hi", "vie": "vi", "tha": "th", "cat": "ca", "est": "et", "lav": "lv", "lit": "lt",
}  # fmt: skip


def title_of(markdown: str, said: str | None, *, trusted: bool = False) -> str | None:
    """Return the title: an unnumbered heading at the very start, what the file says, its first line or heading.

    Args:
        markdown: The text.
        said: What the file gives as its title; office programs put names of templates and files there.
        trusted: Whether a person wrote that title on purpose, as in front matter.
    """
    heading = _HEADING.search(markdown)
    first = next((line.strip() for line in markdown.split("\n") if line.strip()), "")
    own = said if said and not re.search(r"\.\w{3,4}$|^untitled|^microsoft ", said.strip(), re.IGNORECASE) else ""
    named = heading[1] if heading and not re.match(r"(?:§\s*)?[\d(]", heading[1]) else ""
    short = first if len(first) <= _LONGEST_FIRST_LINE and not first.startswith(("|", "#", "-", "`")) else ""
    at_start = named if heading and heading.start() == 0 else ""
    order = (own, at_start) if trusted else (at_start, own)
    found = next((text for text in (*order, short, named, heading[1] if heading else "") if text), "")
    return one_line(found)[:_LONGEST_TITLE] or None


def number_of(start: str, file_name: str) -> str | None:
    """Return the number of the document: what its start labels so, then what looks like one, then the name."""
    if labelled := _LABELLED.search(start):
        return one_line(labelled[1]).upper()
    stem = file_name.rsplit(".", 1)[0]
    found = _NUMBER.search(start[:300]) or _NUMBER.search(stem.upper().replace("_", "-")) or _NUMBER.search(start)
    return found[1].replace("_", "-").replace(" ", "-") if found else None


def type_of(number: str | None, title: str | None) -> str | None:
    """Return the kind of document its number or title names."""
    prefix = re.match(r"[A-Z]+", number or "")
    if prefix and prefix[0] in _TYPES:
        return _TYPES[prefix[0]]
    words = (title or "").lower()
    return next((kind for word, kind in _WORDS if re.search(rf"\b{word}\b", words)), None)


def revision_of(start: str, file_name: str) -> int | None:
    """Return the revision the start of the text or the name of the file names, as a whole number from 1."""
    found = _REVISION.search(start) or _NAMED_REVISION.search(file_name.rsplit(".", 1)[0])
    return int(found[1]) or None if found else None


def requirements_of(markdown: str) -> list[dict[str, str | int]]:
    """Return the sentences that require something, with their place."""
    text = _FENCE.sub(lambda fence: " " * len(fence[0]), markdown)
    found: list[dict[str, str | int]] = []
    for block in _BLOCK.finditer(text):
        if not _REQUIRES.search(block["body"]):
            continue
        for start, sentence in _sentences(block["body"], block.start("body")):
            if _REQUIRES.search(sentence):
                found.append({"text": one_line(sentence)[:_LONGEST_REQUIREMENT], "char_start": start})
        if len(found) >= _MOST_REQUIREMENTS:
            return found[:_MOST_REQUIREMENTS]
    return found


def _sentences(body: str, offset: int) -> list[tuple[int, str]]:
    bounds = [0]
    for end in (_CELL if body.startswith("|") else _END).finditer(body):
        bounds += [end.start(), end.end()]
    bounds.append(len(body))
    found: list[tuple[int, str]] = []
    for start, stop in zip(bounds[::2], bounds[1::2], strict=True):
        piece = body[start:stop]
        lead = re.match(r"(?:[\s|>*+-]|\d{1,3}[.)] )*", piece)
        skipped = lead.end() if lead else 0
        found.append((offset + start + skipped, piece[skipped:].rstrip(" |")))
    return found


def language_of(markdown: str) -> str | None:
    """Return the language as ISO 639-1; None when there is too little text or it is none of those known."""
    sample = re.sub(r"[#|*_`\d]+|https?://\S+", " ", markdown[:_SAMPLE])
    if sum(c.isalpha() for c in sample) < _FEWEST_LETTERS:
        return None
    import kreuzberg  # noqa: PLC0415 - a tenth of a second

    config = kreuzberg.ExtractionConfig(
        use_cache=False,
        language_detection=kreuzberg.LanguageDetectionConfig(enabled=True, min_confidence=0.5),
        concurrency=kreuzberg.ConcurrencyConfig(max_threads=1),
    )
    try:
        result = kreuzberg.extract_bytes_sync(sample.encode(errors="replace"), "text/plain", config=config)
    except Exception:  # noqa: BLE001 - a text without a language is still a text
        return None
    return _LANGUAGES.get((result.detected_languages or [""])[0])


def clean_metadata(metadata: dict[str, str]) -> dict[str, str]:
    """Return metadata as short single lines."""
    tidied = {one_line(name)[:60]: one_line(said)[:500] for name, said in metadata.items()}
    return {name: said for name, said in list(tidied.items())[:40] if name and said}
