"""How peers do the same: written from the documented behaviour of each."""
