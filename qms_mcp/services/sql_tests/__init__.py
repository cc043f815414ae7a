"""Tests of tables, in SQL: what a script looks like, and how one is made from a table's constraints and policies."""
