"""The files between stages: where they lie, how they are read, written and checked."""
