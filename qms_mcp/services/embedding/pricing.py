"""List prices of providers, in US dollars for a million tokens; a setting overrules them."""

_PER_MILLION = {
    "text-embedding-3-large": 0.13,
    "text-embedding-3-small": 0.02,
    "text-embedding-ada-002": 0.10,
    "voyage-3-large": 0.18,
    "voyage-3.5": 0.06,
    "voyage-3.5-lite": 0.02,
    "voyage-4": 0.06,
    "voyage-4-large": 0.12,
    "voyage-4-lite": 0.02,
    "voyage-code-3": 0.18,
    "voyage-finance-2": 0.12,
    "voyage-law-2": 0.12,
}


def price_per_million(model: str, given: float | None) -> float | None:
    """Return what a million tokens cost; none when nobody said."""
    return _PER_MILLION.get(model) if given is None else given


def estimated_tokens(text: str) -> int:
    """Return about how many tokens a text has, rather too many: a token for three bytes."""
    return len(text.encode("utf-8", "replace")) // 3 + 1
