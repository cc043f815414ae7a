"""Anomalies: values, rates, categories and texts that the others do not let one expect, each with how likely it is.

`times` reads moments; `robust` and `seasonal` judge values, `rates` counts, `rare` categories and `texts` writing.
`control` decides which of many are called: the share of false ones is held, whatever their number.
"""
