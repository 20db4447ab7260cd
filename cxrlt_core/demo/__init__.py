"""Synthetic releases of the three data sets and untrained text encoders: the study without data."""
