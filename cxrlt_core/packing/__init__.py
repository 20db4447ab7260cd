"""Image files, decoded once, into packed arrays."""
