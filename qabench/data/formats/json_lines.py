"""JSON lines: a record, a paragraph or an article in each line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from qabench.data.audit import RawRecord
from qabench.data.formats import known, squad_json
from qabench.data.formats.content import Content
from qabench.data.formats.json_parts import as_object


def recognises(content: Content) -> bool:
    """Whether the first of several lines is a whole object."""
    return isinstance(content.first_line, dict)


def records(content: Content) -> Iterator[RawRecord]:
    """The records of each line that is not blank.

    Raises:
        DataError: a line is not a JSON object in UTF-8, or has another structure.
    """
    return of_lines(content, content.lines())


def of_lines(content: Content, lines: Iterable[tuple[int, str]]) -> Iterator[RawRecord]:
    """The records of some lines of the file, given with their numbers."""
    for place, (number, text) in enumerate(lines):
        where = f"line {number}"
        entry = as_object(content, content.parsed(text, number), where)
        if place == 0:
            known.refuse(content, entry)
        if squad_json.is_nested(entry):
            yield from squad_json.nested(content, entry, where)
        else:
            yield RawRecord(where, entry)
