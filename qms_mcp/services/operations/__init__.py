"""Keeping watch over agents: alerts, what they use, and what runs on a schedule."""
