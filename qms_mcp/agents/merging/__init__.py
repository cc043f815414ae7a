"""Gathering what several agents found: one statement once, with all its sources, and what contradicts what."""

from qms_mcp.agents.merging.gathering import Claims, Embed, claims, merge, merge_with, statements
from qms_mcp.agents.merging.likeness import Embeddings, Likeness, Trigrams
from qms_mcp.agents.merging.models import Contradiction, Contribution, Item, Merged, Source, Tally

__all__ = [
    "Claims",
    "Contradiction",
    "Contribution",
    "Embed",
    "Embeddings",
    "Item",
    "Likeness",
    "Merged",
    "Source",
    "Tally",
    "Trigrams",
    "claims",
    "merge",
    "merge_with",
    "statements",
]
