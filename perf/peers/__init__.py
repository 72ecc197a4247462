"""How peers do the same: written anew from the documented behaviour of each."""
