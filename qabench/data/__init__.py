"""Questions with their gold answers: read, audited, fingerprinted and split into halves."""
