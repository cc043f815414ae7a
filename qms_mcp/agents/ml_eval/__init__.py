"""The evaluation agent: how well agents and tools themselves do."""
