"""An agent that thinks with Claude: one request a turn, its tool calls at once, everything kept before it has effect.

The conversation is a fold over what memory holds. `worker` drives it; `rounds` is one reply with what its calls were
answered; `conversation` makes the messages of the next request from all rounds; `budget` says whether there may be one
more, and how long its answer may be; `looping` sees when nothing new comes; `asking` sends a request and reads the
stream; `failures` puts what went wrong into words; `access` holds the one client of the process.
"""
