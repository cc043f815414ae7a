"""SQL for a model: run what only reads, explain what is slow, find what a question is about."""
