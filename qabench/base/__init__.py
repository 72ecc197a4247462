"""Files, text, JSON and signals, safe against crashes and hostile input; knows no questions."""
