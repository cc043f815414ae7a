"""The approval page: where a person reads exactly what is decided, proves who it is, and signs or rejects.

Server-rendered, without a script, usable on a phone. Whatever it shows of a record is text somebody wrote: it is
escaped everywhere, and characters a screen would obey or hide are spelled out.
"""
