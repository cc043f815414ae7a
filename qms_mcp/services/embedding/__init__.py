"""Vectors of texts: the model on this machine or a provider's, the queue they are made from, and its worker."""
