"""How a version of an agent goes to people: in the shadow, to a few, to all; watched, and taken back."""
