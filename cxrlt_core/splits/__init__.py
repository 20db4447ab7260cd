"""From tables to training, development and test sets."""
