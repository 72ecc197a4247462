"""The browsable report: one self-contained HTML file."""

from qabench.views.page.document import Picture, Section, write_page

__all__ = ["Picture", "Section", "write_page"]
