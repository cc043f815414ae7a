"""Prompts that lead a model through the tools, and completions for what prompts and resources take."""
