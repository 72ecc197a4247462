"""Pretrains the quickstart's encoder."""
