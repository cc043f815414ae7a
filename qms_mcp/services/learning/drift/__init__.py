"""Drift of agents: whether what they are asked and what they answer still is what it was when all was well."""
