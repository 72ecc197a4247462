"""What a question is, which file it comes from, and in which half it is."""
