"""Arrow, as the library ``datasets`` and Feather store tables: a column for each field."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from qabench.base import parquet
from qabench.base.parquet import ParquetError
from qabench.base.terminal import reason
from qabench.base.untrusted import largest, refuse_trap
from qabench.data.audit import RawRecord
from qabench.data.formats import columns
from qabench.data.formats.content import Content
from qabench.errors import DataError

_FILE, _STREAM = b"ARROW1", b"\xff\xff\xff\xff"


def recognises(content: Content) -> bool:
    """Whether the file begins as Arrow's files or streams do."""
    return content.begins_with(_FILE) or content.begins_with(_STREAM)


def records(content: Content) -> Iterator[RawRecord]:
    """A record for each row.

    Raises:
        DataError: the file is damaged, or a column is missing.
    """
    table = _table(content)
    wanted = columns.usable(content.name, table.column_names)
    try:
        batches = table.select(wanted).to_batches(max_chunksize=1000)
        yield from columns.numbered(row for batch in batches for row in parquet.rows(batch))
    except ParquetError as error:
        raise _unreadable(content, error) from error


def _table(content: Content) -> Any:
    import pyarrow as pa

    is_file = content.begins_with(_FILE)
    limit = largest(content.stream)
    content.stream.seek(0)
    data = pa.py_buffer(content.stream.read())
    try:
        with pa.ipc.open_file(data) if is_file else pa.ipc.open_stream(data) as reader:
            table = reader.read_all()
        # Offsets of a damaged file may lead out of its buffers, where ``nbytes`` follows them.
        table.validate(full=True)
        refuse_trap(table.nbytes, limit)
    except (pa.ArrowException, OSError, ValueError, MemoryError, KeyError) as error:
        raise _unreadable(content, error) from error
    return table


def _unreadable(content: Content, error: Exception) -> DataError:
    return DataError(
        f"{content.name}: is not a readable Arrow file ({reason(error)}); export it again"
    )
