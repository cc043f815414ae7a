"""The quality assurance agent: what is late, stuck, or without evidence."""
