"""The leaderboard with conclusions and notes, as HTML that needs no script."""

from __future__ import annotations

import html
from collections.abc import Sequence

from qabench.base.terminal import visible
from qabench.comparison.leaderboard import Row, Table
from qabench.comparison.verdicts import SIGNS, located


def escape(text: str) -> str:
    """Text for any place of the document, without markup and unseen characters."""
    return html.escape(visible(text))


def standings(table: Table) -> str:
    """Title, ranking, conclusions and notes of a contest."""
    headers = "".join(
        f'<th scope="col" class="number">{escape(column.header)}</th>' for column in table.columns
    )
    rows = "\n".join(_row(row) for row in table.rows)
    return (
        f"<h2>{escape(table.title)}</h2>\n"
        '<div class="wide"><table class="leaderboard">\n'
        f'<thead><tr><th scope="col">system</th><th scope="col">seeds</th>{headers}</tr></thead>\n'
        f"<tbody>\n{rows}\n</tbody></table></div>\n"
        f"{_list('notes', table.conclusions)}{_located(table)}{_list('notes fine', table.notes)}"
    )


def _located(table: Table) -> str:
    """Where each difference lies."""
    headers, rows = located(table.differences)
    if not rows:
        return ""
    head = "".join(f'<th scope="col">{escape(one)}</th>' for one in headers)
    lines = "\n".join(
        f'<tr><th scope="row"><bdi>{escape(first)}</bdi></th>'
        + "".join(f'<td class="number">{escape(cell)}</td>' for cell in cells)
        + "</tr>"
        for first, *cells in rows
    )
    return (
        f'<div class="wide"><table class="leaderboard">\n<thead><tr>{head}</tr></thead>\n'
        f'<tbody>\n{lines}\n</tbody></table></div>\n<p class="fine">{escape(SIGNS)}</p>\n'
    )


def _row(row: Row) -> str:
    seeds = ", ".join(str(seed) for seed in row.seeds) or "–"
    cells = "".join(
        f'<td class="number">{"–" if cell is None else escape(str(cell))}</td>'
        for cell in row.cells
    )
    label = f'<th scope="row"><bdi>{escape(row.label)}</bdi></th>'
    return f"<tr>{label}<td>{seeds}</td>{cells}</tr>"


def _list(name: str, lines: Sequence[str]) -> str:
    if not lines:
        return ""
    items = "".join(f"<li>{escape(line.strip())}</li>\n" for line in lines)
    return f'<ul class="{name}">\n{items}</ul>\n'
