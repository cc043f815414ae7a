"""Signing: what tools may ask for, and the desk at which a person decides."""
