"""Training: put together, taken step by step to its end, saved and resumed on the way."""
