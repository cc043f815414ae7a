"""Controlled documents: where their bytes come from, what is in them, and how versions follow each other."""
