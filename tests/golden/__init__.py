"""Golden values: a refactor keeps them. ``python -m tests.golden`` writes values.json anew."""
