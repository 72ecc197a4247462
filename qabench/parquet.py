"""Parquet files of strangers, read in memory that their size bounds.

A Parquet file holds a text once and refers to it from any number of rows, so a few KB can stand for
gigabytes. Texts are therefore read as they are stored: those of a column stay one object each, and
what the references inside of lists come to is counted before anything is copied.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

from qabench.hostile import largest, refuse_trap
from qabench.terminal import reason

# Prefixes of earlier texts stand for texts in it, at a size that shows only when all are read.
_UNBOUNDED = "DELTA_BYTE_ARRAY"
# Bytes of a number or a reference, with its place in a list.
_WIDTH = 8


class ParquetError(Exception):
    """A file cannot be read as Parquet; the message says why."""


def schema(source: BinaryIO) -> Any:
    """The file's ``pyarrow.Schema``.

    Raises:
        ParquetError: the file is damaged or none.
    """
    from pyarrow import parquet

    with _damage():
        return parquet.read_schema(source)


def batches(source: BinaryIO, columns: Collection[str]) -> Iterator[Any]:
    """The file's rows as ``pyarrow.RecordBatch``, with texts as dictionaries, nested ones too.

    Args:
        source: is read from its beginning.
        columns: to read; others are not looked at.

    Raises:
        ParquetError: the file is damaged, or its texts are stored so that their size is unknown.
        TrapError: the columns come to more than a file of this size may hold.
    """
    from pyarrow import parquet

    limit = largest(source)
    with _damage():
        metadata = parquet.read_metadata(source)
        leaves = [i for i in range(metadata.num_columns) if _is_in(metadata, i, columns)]
        size = sum(_stored(metadata, leaf) for leaf in leaves)
        refuse_trap(size, limit)
        texts = [metadata.schema.column(leaf) for leaf in leaves]
        references = [text.path for text in texts if text.physical_type == "BYTE_ARRAY"]
        file = parquet.ParquetFile(source, read_dictionary=references)
        # Nested references of several row groups at a time are more than pyarrow can join.
        for group in range(metadata.num_row_groups):
            for batch in file.iter_batches(row_groups=[group], columns=list(columns)):
                size += sum(map(_copied, batch.columns))
                refuse_trap(size, limit)
                yield batch


def rows(batch: Any) -> Iterator[dict[str, object]]:
    """The batch's rows by column name, each column as :func:`values` has it."""
    columns = list(map(values, batch.columns))
    return (dict(zip(batch.schema.names, row, strict=True)) for row in zip(*columns, strict=True))


def values(column: Any) -> list[Any]:
    """The column of a batch; the same text, outside of lists, is one object.

    Raises:
        ParquetError: a text is not UTF-8.
    """
    import pyarrow as pa

    with _damage():
        if not pa.types.is_dictionary(column.type):
            return list(column.to_pylist())
        texts = column.dictionary.to_pylist()
        return [None if index is None else texts[index] for index in column.indices.to_pylist()]


@contextmanager
def _damage() -> Iterator[None]:
    import pyarrow as pa

    # pyarrow reports damage as any of these, by where in the file it is.
    errors = (pa.ArrowException, OSError, ValueError, ArithmeticError, NotImplementedError)
    try:
        yield
    except errors as error:
        raise ParquetError(reason(error)) from error


def _is_in(metadata: Any, leaf: int, columns: Collection[str]) -> bool:
    path = metadata.schema.column(leaf).path
    return any(path == name or path.startswith(f"{name}.") for name in columns)


def _stored(metadata: Any, leaf: int) -> int:
    """Bytes of a leaf column before its references are followed."""
    width = max(_WIDTH, metadata.schema.column(leaf).length)
    groups = map(metadata.row_group, range(metadata.num_row_groups))
    chunks = [group.column(leaf) for group in groups]
    if any(_UNBOUNDED in chunk.encodings for chunk in chunks):
        raise ParquetError(f"column {chunks[0].path_in_schema!r} is encoded as {_UNBOUNDED}")
    return sum(chunk.total_uncompressed_size + chunk.num_values * width for chunk in chunks)


def _copied(column: Any) -> int:
    """Bytes of the texts that :func:`values` makes of a column."""
    import pyarrow as pa

    shared = pa.types.is_dictionary(column.type)
    return int(column.dictionary.nbytes) if shared else _referred(column)


def _referred(array: Any) -> int:
    """Bytes of the texts in a column, each counted as often as it is referred to."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_dictionary(array.type):
        lengths = pc.binary_length(array.dictionary)
        return int(pc.sum(lengths.take(array.indices), min_count=0).as_py())
    if pa.types.is_map(array.type):
        return _referred(array.keys) + _referred(array.items)
    if pa.types.is_struct(array.type):
        return sum(map(_referred, array.flatten()))
    if pa.types.is_nested(array.type):
        return _referred(array.flatten())
    return 0
