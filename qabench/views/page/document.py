"""The HTML document: everything is inline, nothing is fetched, every text is escaped."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from qabench.base.files import write_text
from qabench.comparison.contests import Contest
from qabench.comparison.leaderboard import Table
from qabench.views.page.data import contest_data
from qabench.views.page.packing import pack
from qabench.views.page.standings import escape, standings


@dataclass(frozen=True, slots=True)
class Illustration:
    """A figure of the page.

    Attributes:
        title: what it shows, for readers who cannot see it.
        caption: how to read it.
        svg: the drawing.
    """

    title: str
    caption: str
    svg: str


@dataclass(frozen=True, slots=True)
class Section:
    """One contest on the page: its table with conclusions, figures, and questions."""

    contest: Contest
    table: Table
    illustrations: tuple[Illustration, ...] = ()


def write_page(sections: Sequence[Section], path: Path) -> None:
    """Write the page, whole or not at all.

    Raises:
        ReportError: results by question are missing.
        RunError: the file cannot be written.
    """
    write_text(path, document(sections))


def document(sections: Sequence[Section]) -> str:
    """The page as text."""
    style, script = (files(__package__).joinpath(name).read_text("utf-8") for name in _PARTS)
    body = "\n".join(_section(place, section) for place, section in enumerate(sections))
    policy = (
        f"default-src 'none'; img-src data:; style-src {_hash(style)}; "
        f"script-src {_hash(script)}; base-uri 'none'; form-action 'none'"
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>qabench report</title>\n<style>{style}</style>\n</head>\n<body>\n"
        f"<h1>qabench report</h1>\n{body}\n<script>{script}</script>\n</body>\n</html>\n"
    )


_PARTS = ("page.css", "page.js")


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _section(place: int, section: Section) -> str:
    figures = "\n".join(_figure(one) for one in section.illustrations)
    data = pack(contest_data(section.contest))
    return (
        f'<section class="contest" id="contest-{place}">\n'
        f"{standings(section.table)}\n"
        f'<div class="figures">{figures}</div>\n'
        "<h3>Questions</h3>\n<noscript><p>Browsing questions needs JavaScript.</p></noscript>\n"
        f'<div class="browser" data-source="data-{place}"></div>\n'
        f'<script type="application/octet-stream" id="data-{place}">{data}</script>\n</section>'
    )


def _figure(one: Illustration) -> str:
    encoded = base64.b64encode(one.svg.encode()).decode()
    title, caption = escape(one.title), escape(one.caption)
    return (
        f'<figure><img alt="{title}" src="data:image/svg+xml;base64,{encoded}">'
        f"<figcaption>{caption}</figcaption></figure>"
    )
