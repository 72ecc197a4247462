"""Benchmarks: their names, their files and settings, and where their questions come from."""
