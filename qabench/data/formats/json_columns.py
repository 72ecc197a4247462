"""One JSON object of columns, as pandas' ``to_json`` and ``Dataset.to_dict`` write them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from qabench.data.audit import RawRecord
from qabench.data.conventions import missing
from qabench.data.formats import columns
from qabench.data.formats.content import Content
from qabench.errors import DataError


def recognises(content: Content) -> bool:
    """Whether the object has the columns by name, or rows with their names."""
    return _table(content.document) is not None


def records(content: Content) -> Iterator[RawRecord]:
    """A record for each row.

    Raises:
        DataError: the columns are not of one length.
    """
    names, rows = _table(content.document) or ([], [])
    wanted = columns.usable(content.name, names)
    for number, row in enumerate(rows, start=1):
        if len(row) != len(names):
            raise DataError(
                f"{content.name}: row {number} has {len(row)} values for {len(names)} columns; "
                "export the file again"
            )
        by_name = dict(zip(names, row, strict=True))
        yield RawRecord(f"row {number}", {name: by_name[name] for name in wanted})


def _table(document: Any) -> tuple[list[str], list[list[Any]]] | None:
    """Names of the columns, and the rows."""
    if not isinstance(document, dict):
        return None
    if _are(str, document.get("columns")) and _are(list, document.get("data")):
        return document["columns"], document["data"]
    if document and all(key.isdigit() and isinstance(document[key], dict) for key in document):
        return _of_rows(list(document.values()))
    if missing(document):
        return None
    every = {name: _values(column) for name, column in document.items()}
    found = {name: column for name, column in every.items() if column is not None}
    if missing(found):
        return None
    # A column that is shorter ends the rows, and their lengths then differ.
    longest = max(map(len, found.values()))
    rows = [[column[n] for column in found.values() if n < len(column)] for n in range(longest)]
    return list(found), rows


def _of_rows(rows: list[dict[str, Any]]) -> tuple[list[str], list[list[Any]]] | None:
    """Rows under their numbers, as ``to_json(orient="index")`` writes them."""
    names = list(rows[0])
    if missing(names):
        return None
    return names, [[row[name] for name in names if name in row] for row in rows]


def _are(kind: type, values: Any) -> bool:
    return isinstance(values, list) and all(isinstance(one, kind) for one in values)


def _values(column: Any) -> list[Any] | None:
    """A column's values, whether it is a list or has their numbers as keys."""
    if isinstance(column, list):
        return column
    if isinstance(column, dict) and all(key.isdigit() for key in column):
        return list(column.values())
    return None
