"""CAPAs: opened with a reason why a correction does not suffice, and followed to the proof that the actions worked."""
