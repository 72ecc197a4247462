"""Rows as the dataset viewer of the Hugging Face Hub gives them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from qabench.data.audit import RawRecord
from qabench.data.formats.content import Content
from qabench.data.formats.json_parts import as_object, list_in
from qabench.errors import DataError


def recognises(content: Content) -> bool:
    """Whether there is a list of rows that each have a ``row``."""
    document = content.document
    rows = document.get("rows") if isinstance(document, dict) else None
    return isinstance(rows, list) and any(isinstance(one, dict) and "row" in one for one in rows)


def records(content: Content) -> Iterator[RawRecord]:
    """A record for each row.

    Raises:
        DataError: a row has another structure, or the viewer cut a value short.
    """
    for index, one in enumerate(list_in(content, content.document, "the top level", "rows")):
        where = f"rows[{index}]"
        row: dict[str, Any] = as_object(content, one, where)
        if row.get("truncated_cells"):
            raise DataError(
                f"{content.name}: {where} has values that the viewer cut short; download the "
                "dataset's own files"
            )
        yield RawRecord(where, as_object(content, row.get("row"), f"{where}.row"))
