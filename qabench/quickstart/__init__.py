"""The generated questions of the quickstart benchmark, and its tiny encoder."""
