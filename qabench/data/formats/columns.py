"""Records of formats that have a column for each field."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from qabench.data.audit import REQUIRED_FIELDS, RawRecord
from qabench.data.conventions import KNOWN, missing
from qabench.errors import DataError


def usable(source: str, columns: Iterable[str]) -> list[str]:
    """The columns that may be fields of a record.

    Raises:
        DataError: a required field has no column.
    """
    given = list(columns)
    if lacking := missing(given):
        raise DataError(
            f"{source}: has no column {', '.join(map(repr, lacking))}; the columns needed are "
            f"{', '.join(REQUIRED_FIELDS)}"
        )
    return [name for name in given if name in KNOWN]


def numbered(rows: Iterable[Mapping[str, object]]) -> Iterator[RawRecord]:
    """The rows as records, from row 1."""
    return (RawRecord(f"row {number}", row) for number, row in enumerate(rows, start=1))
