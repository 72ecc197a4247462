"""Figures of a contest: PNG and SVG by matplotlib, one style, readable without colour.

Only the command line imports this package, and only where it draws.
"""

from qabench.views.plots.drawing import draw
from qabench.views.plots.pictures import Picture, as_svg, save

__all__ = ["Picture", "as_svg", "draw", "save"]
