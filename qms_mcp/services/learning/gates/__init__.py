"""Whether a version may go to people: six gates, each with its numbers, and a report a person can read."""
