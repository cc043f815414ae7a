"""The analytics agent: records turned into figures."""
