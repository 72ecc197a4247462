"""What a run leaves on disk: its report, and the directory that belongs to it."""
