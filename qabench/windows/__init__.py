"""Questions to windows, and spans back to answers."""
