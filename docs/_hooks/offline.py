"""The site fetches nothing: a page that would is an error."""

from __future__ import annotations

import re

from mkdocs.exceptions import PluginError

_FETCHED = re.compile(
    r"""<(?:script|img|iframe|source)\b[^>]*\bsrc=["']?(?:https?:)?//[^>]*>"""
    r"""|<link\b(?=[^>]*\brel=["']?(?:stylesheet|preload|preconnect|icon))[^>]*"""
    r"""\bhref=["']?(?:https?:)?//[^>]*>""",
    re.IGNORECASE,
)


def on_post_page(output: str, page, **_) -> str:
    """Stop at the first page that loads something from elsewhere; links may lead anywhere."""
    found = _FETCHED.search(output)
    if found:
        raise PluginError(f"{page.file.src_path} would fetch {found[0]}; keep it in docs/.")
    return output
