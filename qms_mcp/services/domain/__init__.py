"""Pure rules of the quality domain: no database, no protocol, no clock but the one that is passed in.

Each module takes values and returns values, so that an answer can be computed again from what the record holds.
"""
