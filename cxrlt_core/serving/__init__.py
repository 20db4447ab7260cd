"""Trained models and ensembles in use: image files in, probabilities out."""
