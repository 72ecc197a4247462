"""The comparisons, one module for each part of the work."""
