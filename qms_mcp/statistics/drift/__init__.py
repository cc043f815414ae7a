"""Whether what is seen now differs from a reference, how sure that is, and how large the difference is.

Two questions are kept apart: a test says whether there is a difference at all, an effect from 0 to 1 says how large it
is. A large effect in few observations proves nothing, and a tiny one in thousands is sure and does not matter; severity
is the effect, and counts only when the test is passed.
"""
