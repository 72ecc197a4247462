"""JSON lines: a record in each line."""

from __future__ import annotations

from collections.abc import Iterator

from qabench.data.audit import RawRecord
from qabench.data.formats.content import Content
from qabench.data.formats.json_parts import as_object


def recognises(content: Content) -> bool:
    """Whether the first of several lines is a whole object."""
    return isinstance(content.first_line, dict)


def records(content: Content) -> Iterator[RawRecord]:
    """A record for each line that is not blank.

    Raises:
        DataError: a line is not a JSON object in UTF-8.
    """
    for number, text in content.lines():
        where = f"line {number}"
        yield RawRecord(where, as_object(content, content.parsed(text, number), where))
