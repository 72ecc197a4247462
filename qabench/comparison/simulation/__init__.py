"""How often verdicts are wrong, tried on made-up runs whose true difference is known.

``python -m qabench.comparison.simulation`` prints the tables of docs/verdicts.md.
"""
