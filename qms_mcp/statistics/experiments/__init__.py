"""Experiments with two versions: compared on the same cases, planned for a size, and stopped when enough is known."""
