"""The feedback agent: what customers and users say."""
