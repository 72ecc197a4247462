"""One module for each figure, with a function ``draw``; listed in ``views/plots/drawing.py``."""
