"""The attempts behind docs/bad-input.md, whose rows say what line a user sees."""
