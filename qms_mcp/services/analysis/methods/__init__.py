"""The methods of analysis: one module each, found by `catalogue`."""
