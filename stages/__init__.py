"""The stages of dvc.yaml, a script each."""

import gc

# Imports make hundreds of thousands of objects and next to no garbage: looking for it that often, as Python
# does by default (700), takes a tenth or more of a stage's start.
gc.set_threshold(100_000)
