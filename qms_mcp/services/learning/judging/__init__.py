"""A model as judge of answers: by a rubric, checked against known answers first, never taken at its word."""
