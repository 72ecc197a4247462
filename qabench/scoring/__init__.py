"""Answers to scores, thresholds, baselines and the causes of lost points."""
