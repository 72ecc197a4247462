"""The leaderboard with conclusions and notes, as HTML that needs no script."""

from __future__ import annotations

import html
from collections.abc import Sequence

from qabench.base.terminal import visible
from qabench.comparison.leaderboard import Row, Table
from qabench.comparison.verdicts import WORDS, located


def escape(text: str) -> str:
    """Text for any place of the document, without markup and unseen characters."""
    return html.escape(visible(text))


def standings(table: Table) -> str:
    """Title, ranking, conclusions, differences and notes of a contest."""
    headers = ("system", "seeds", *(column.header for column in table.columns))
    ranking = _table("ranking", headers, [_row(row) for row in table.rows])
    return (
        f"<h2>{escape(table.title)}</h2>\n{ranking}"
        f"{_list('notes', table.conclusions)}{_located(table)}{_list('notes fine', table.notes)}"
    )


def _located(table: Table) -> str:
    """Where each difference lies."""
    headers, rows = located(table.differences)
    if not rows:
        return ""
    found = _table("where the differences lie", headers, [_cells(*row) for row in rows])
    return f'{found}<p class="fine">{escape(WORDS)}</p>\n'


def _row(row: Row) -> str:
    values = ("–" if cell is None else str(cell) for cell in row.cells)
    return _cells(row.label, _seeds(row.seeds), *values)


def _seeds(seeds: Sequence[int]) -> str:
    """Rising seeds; many without a gap by the first and the last."""
    if len(seeds) > 3 and seeds[-1] - seeds[0] == len(seeds) - 1:
        return f"{seeds[0]} to {seeds[-1]}"
    return ", ".join(map(str, seeds)) or "–"


def _cells(label: str, *values: str) -> str:
    """A row: its label, and what stands in the other columns."""
    cells = "".join(f"<td>{escape(one)}</td>" for one in values)
    return f'<tr><th scope="row"><bdi>{escape(label)}</bdi></th>{cells}</tr>'


def _table(name: str, headers: Sequence[str], rows: Sequence[str]) -> str:
    """A table in a box of its own that scrolls sideways, so that the page does not."""
    head = "".join(f'<th scope="col">{escape(one)}</th>' for one in headers)
    body = "\n".join(rows)
    return (
        f'<div class="wide" tabindex="0" role="region" aria-label="{name}">'
        f'<table class="leaderboard">\n<thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{body}\n</tbody></table></div>\n"
    )


def _list(name: str, lines: Sequence[str]) -> str:
    if not lines:
        return ""
    items = "".join(f"<li>{escape(line.strip())}</li>\n" for line in lines)
    return f'<ul class="{name}">\n{items}</ul>\n'
