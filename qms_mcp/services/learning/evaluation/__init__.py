"""Versions measured on cases that were set aside: run, scored, kept, and compared case by case."""
