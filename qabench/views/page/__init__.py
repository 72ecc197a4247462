"""The browsable report: one self-contained HTML file."""

from qabench.views.page.document import Illustration, Section, write_page

__all__ = ["Illustration", "Section", "write_page"]
