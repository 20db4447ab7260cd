"""The attempts behind bad-input.md, whose rows say what line a user sees."""
