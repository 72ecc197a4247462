"""A benchmark file, its schema and its name."""
