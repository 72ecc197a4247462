"""Tables as text: plain, GitHub Markdown, LaTeX, HTML, CSV and JSON."""

from __future__ import annotations

import csv
import html
import io
import json
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from qabench.base.numbers import percent

if TYPE_CHECKING:
    from qabench.comparison.leaderboard import Row, Table
    from qabench.scoring.predictions import FileScores

FORMATS = ("plain", "github", "latex", "html", "csv", "json")
_TABULATE = {"plain": "simple", "github": "github", "latex": "latex", "html": "html"}


def render(tables: Sequence[Table], format: str) -> str:
    """All tables as text in one of ``FORMATS``.

    CSV has the table's title as its first column, and mean and standard deviation in separate
    columns; CSV and JSON have unrounded numbers.
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


def _text(table: Table, format: str) -> str:
    from qabench.comparison.verdicts import WORDS, located

    body = _grid([_cells(row) for row in table.rows], _headers(table), format)
    headers, rows = located(table.differences)
    parts = [body, _lines([*table.notes, *table.conclusions], format)]
    if rows:
        parts += [_grid(rows, headers, format) + "\n", _lines([WORDS], format)]
    # Markdown ends a table with a blank line.
    gap = "\n\n" if format == "github" else "\n"
    titles = {
        "html": f"<h2>{html.escape(table.title)}</h2>",
        "latex": f"% {table.title}",
        "github": markdown(table.title),
    }
    parts = [titles.get(format, table.title), *parts]
    return gap.join(part.rstrip() for part in parts if part) + "\n"


def _grid(rows: Sequence[Sequence[str]], headers: Sequence[str], format: str) -> str:
    from tabulate import tabulate

    if format == "github":
        headers = [markdown(header) for header in headers]
        rows = [[markdown(cell) for cell in row] for row in rows]
    text: str = tabulate(rows, headers, tablefmt=_TABULATE[format], disable_numparse=True)
    return text


def _lines(lines: Sequence[str], format: str) -> str:
    if format == "html":
        return "".join(f"<p>{html.escape(line)}</p>\n" for line in lines)
    if format == "latex":
        return "".join(f"% {line}\n" for line in lines)
    if format == "github":
        # Markdown joins lines without a blank line between them.
        return "\n\n".join(markdown(line) for line in lines)
    return "".join(f"{line}\n" for line in lines)


def markdown(text: str) -> str:
    """Text without markup, links and mentions that stays in its cell."""
    return _LINKED.sub(r"\g<0>&#8203;", _MARKUP.sub(r"\\\g<0>", text))


_MARKUP = re.compile(r"[\\`|<>&*~\[\]]")
# GitHub links these wherever they stand, also escaped: a space without width keeps them apart.
_LINKED = re.compile(r":(?=//)|www(?=\.)|@(?=\w)|#(?=\d)", re.IGNORECASE)


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
    said = {"notes": table.notes, "conclusions": table.conclusions}
    from qabench.views.documents import differences_document

    return {
        "title": table.title,
        "rows": rows,
        **said,
        "differences": differences_document(table.differences),
    }


def score_table(scores: FileScores) -> str:
    """The official scores of a predictions file beside those of always answering ""."""
    from tabulate import tabulate

    null = scores.always_null.as_dict()
    rows = [
        [key, *(percent(one) if isinstance(one, float) else one for one in (value, null.get(key)))]
        for key, value in scores.official.as_dict().items()
    ]
    if scores.unplaced:
        rows = [[f"{row[0]} †" if "total" in str(row[0]) else row[0], *row[1:]] for row in rows]
    headers = ("official score", "value", "always null")
    align = ("left", "right", "right")
    text: str = tabulate(rows, headers, disable_numparse=True, colalign=align)
    if scores.missing or scores.extra:
        text += f"\n{scores.missing} ids missing, {scores.extra} ids extra"
    marks = ["† "] * bool(scores.unplaced) + [""] * len(scores.remarks)
    return "\n".join([text, *map("".join, zip(marks, scores.remarks, strict=False))])
