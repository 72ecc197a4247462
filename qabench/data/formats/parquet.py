"""Parquet: a column for each field."""

from __future__ import annotations

from collections.abc import Iterator

from qabench.base import parquet
from qabench.base.parquet import ParquetError
from qabench.data.audit import RawRecord
from qabench.data.formats import columns
from qabench.data.formats.content import Content
from qabench.errors import DataError

_MAGIC = b"PAR1"


def recognises(content: Content) -> bool:
    """Whether the file begins as Parquet files do."""
    return content.begins_with(_MAGIC)


def records(content: Content) -> Iterator[RawRecord]:
    """A record for each row.

    Raises:
        DataError: the file is damaged, or a column is missing.
    """
    try:
        wanted = columns.usable(content.name, parquet.schema(content.stream).names)
        batches = parquet.batches(content.stream, wanted)
        yield from columns.numbered(row for batch in batches for row in parquet.rows(batch))
    except ParquetError as error:
        raise DataError(
            f"{content.name}: is not a readable Parquet file ({error}); export it again"
        ) from error
