"""What must not be on a page: anything that is fetched from elsewhere, markup that shows."""

from __future__ import annotations

import re

from mkdocs.exceptions import PluginError

_FETCHED = re.compile(
    r"""<(?:script|img|iframe|source)\b[^>]*\bsrc=["']?(?:https?:)?//[^>]*>"""
    r"""|<link\b(?=[^>]*\brel=["']?(?:stylesheet|preload|preconnect|icon))[^>]*"""
    r"""\bhref=["']?(?:https?:)?//[^>]*>""",
    re.IGNORECASE,
)
_RAW = re.compile(r":(?:class|func|meth|mod|attr|data):|\.\. [a-z-]+::|<!-- generate")


def on_post_page(output: str, page, **_) -> str:
    """Stop at the first page that has it; links may lead anywhere."""
    if found := _FETCHED.search(output):
        raise PluginError(f"{page.file.src_path} would fetch {found[0]}; keep it in docs/.")
    if found := _RAW.search(output):
        raise PluginError(f"{page.file.src_path} shows {found[0]!r}; translate it in docs/_hooks.")
    return output
