"""Simulations of the detectors of drift: `make bench-drift`."""
