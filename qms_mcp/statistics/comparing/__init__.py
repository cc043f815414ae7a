"""Comparing groups: how large a difference is, how sure it is, and what could have been seen at all.

`samples` and `moments` hold groups of measured values; `means`, `ranks`, `variance` test them, `effects`, `posthoc`,
`power` and `equivalence` say how large, between which, and what a test that found nothing is worth. `paired` compares
within pairs. `proportions` and `rates` are the same for counts.
"""
