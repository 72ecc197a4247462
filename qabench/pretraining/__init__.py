"""Makes the quickstart's encoder."""
