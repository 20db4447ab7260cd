"""Weights that others have trained: found, fetched, read as plain tensors, and loaded whole or not at all."""
