"""A report is made: from training, from another tool's answers, or again to verify it."""
