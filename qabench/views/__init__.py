"""The comparison as text, figures and page."""
