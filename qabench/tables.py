"""Tables as text: plain, GitHub Markdown, LaTeX, HTML, CSV and JSON."""

from __future__ import annotations

import csv
import html
import io
import json
from collections.abc import Sequence
from typing import Literal, get_args

from qabench.leaderboard import Row, Table

Format = Literal["plain", "github", "latex", "html", "csv", "json"]
FORMATS: tuple[str, ...] = get_args(Format)
_TABULATE = {"plain": "simple", "github": "github", "latex": "latex", "html": "html"}


def render(tables: Sequence[Table], format: Format) -> str:
    """All tables as text in one format.

    CSV has the table's title as its first column, and mean and standard deviation in columns of
    their own; JSON has unrounded numbers.
    """
    if format == "json":
        return json.dumps([_document(table) for table in tables], indent=2) + "\n"
    if format == "csv":
        return _csv(tables)
    return "\n".join(_text(table, format) for table in tables)


def _headers(table: Table) -> list[str]:
    return ["system", "seeds", *(column.header for column in table.columns)]


def _cells(row: Row) -> list[str]:
    seeds = ",".join(str(seed) for seed in row.seeds) or "–"
    return [row.label, seeds, *("–" if cell is None else str(cell) for cell in row.cells)]


def _text(table: Table, format: Format) -> str:
    from tabulate import tabulate

    rows = [_cells(row) for row in table.rows]
    body = tabulate(rows, _headers(table), tablefmt=_TABULATE[format], disable_numparse=True)
    if format == "html":
        listed = "".join(f"<p>{html.escape(note)}</p>\n" for note in table.notes)
        return f"<h2>{html.escape(table.title)}</h2>\n{body}\n{listed}"
    if format == "latex":
        comments = "".join(f"% {note}\n" for note in table.notes)
        return f"% {table.title}\n{body}\n{comments}"
    # Markdown runs lines together that no blank line parts.
    blank = "\n" if format == "github" else ""
    listed = "".join(f"{note}\n{blank}" for note in table.notes)
    return f"{table.title}\n{blank}{body}\n{blank}{listed}"


def _csv(tables: Sequence[Table]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    first = True
    for table in tables:
        names = [column.name for column in table.columns]
        if first:
            both = (part for name in names for part in (name, f"{name}_sd"))
            writer.writerow(("data", "system", "seeds", *both))
            first = False
        for row in table.rows:
            numbers = (
                number
                for cell in row.cells
                for number in ((cell.mean, cell.deviation) if cell else (None, None))
            )
            seeds = " ".join(str(seed) for seed in row.seeds)
            writer.writerow((table.title, row.label, seeds, *numbers))
    return out.getvalue()


def _document(table: Table) -> dict[str, object]:
    names = [column.name for column in table.columns]
    rows = [
        {
            "system": row.label,
            "seeds": row.seeds,
            **{
                name: None if cell is None else {"mean": cell.mean, "sd": cell.deviation}
                for name, cell in zip(names, row.cells, strict=True)
            },
        }
        for row in table.rows
    ]
    return {"title": table.title, "rows": rows, "notes": table.notes}
