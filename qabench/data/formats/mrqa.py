"""MRQA: JSON lines, a header first, then a context with its questions in each line."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from qabench.data.audit import RawRecord
from qabench.data.formats import json_lines
from qabench.data.formats.content import Content


def recognises(content: Content) -> bool:
    """Whether the first line is a header."""
    first = content.first_line
    return isinstance(first, dict) and isinstance(first.get("header"), dict)


def records(content: Content) -> Iterator[RawRecord]:
    """A record for each question.

    Raises:
        DataError: a line is not a JSON object in UTF-8, or has another structure.
    """
    return json_lines.of_lines(content, islice(content.lines(), 1, None))
