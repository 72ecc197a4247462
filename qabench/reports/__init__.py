"""What a run leaves on disk, and whose directory it is."""
