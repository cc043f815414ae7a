"""Datasets: what agents were asked and what a good answer is, frozen, masked and split without leakage."""
