"""Dispatches: what was asked of several agents, where it stands, and what came of it.

The rows are the truth; a process that works on a dispatch reads and writes them through `DispatchRows`, and a caller
through `Dispatches`. Who runs the agents (this process, or workers elsewhere) is behind `Launcher`.
"""
