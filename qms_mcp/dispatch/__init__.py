"""The runtime of agents: their work made durable, their tools called in process, their traces kept."""
