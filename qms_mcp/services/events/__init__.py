"""Events: reporting what happened, and preparing the decisions that people take about it."""
