"""The data agent: how far the records can be relied on."""
