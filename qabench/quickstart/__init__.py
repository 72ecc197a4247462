"""The benchmark that comes with qabench: generated questions and a tiny encoder."""
