"""Encoder and head, fine-tuned with torch."""
