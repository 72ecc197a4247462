"""Flat JSON: a list of records, an object that has it under ``data``, or one record."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from qabench.data.audit import RawRecord
from qabench.data.formats import known
from qabench.data.formats.content import Content
from qabench.data.formats.json_parts import as_object, entries


def recognises(content: Content) -> bool:
    """Whether there is such a list or record."""
    return _entries(content.document) is not None


def records(content: Content) -> Iterator[RawRecord]:
    """A record for each entry.

    Raises:
        DataError: an entry is not an object.
    """
    root, listed = _entries(content.document) or ("", [])
    for index, entry in enumerate(listed):
        where = f"{root}[{index}]"
        record = as_object(content, entry, where)
        if index == 0:
            known.refuse(content, record)
        yield RawRecord(where, record)


def _entries(document: object) -> tuple[str, list[Any]] | None:
    if isinstance(document, dict) and all(
        isinstance(document.get(name), str) for name in ("question", "context")
    ):
        return "", [document]
    return entries(document)
