"""Records of formats that have a column for each field."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from qabench.data.audit import FIELDS, REQUIRED_FIELDS, RawRecord
from qabench.errors import DataError


def usable(source: str, columns: Iterable[str]) -> list[str]:
    """The columns that are fields of a record, in the order of ``FIELDS``.

    Raises:
        DataError: a required field has no column.
    """
    present = set(columns)
    missing = [name for name in REQUIRED_FIELDS if name not in present]
    if missing:
        raise DataError(
            f"{source}: has no column {', '.join(map(repr, missing))}; the columns needed are "
            f"{', '.join(REQUIRED_FIELDS)}"
        )
    return [name for name in FIELDS if name in present]


def numbered(rows: Iterable[Mapping[str, object]]) -> Iterator[RawRecord]:
    """The rows as records, from row 1."""
    return (RawRecord(f"row {number}", row) for number, row in enumerate(rows, start=1))
