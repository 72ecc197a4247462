"""Parquet files of strangers, read in memory bounded by the size of the file.

A Parquet file stores a text once and refers to it from any number of rows, so a few KB can unpack
to gigabytes. Texts are therefore read as they are stored: each text of a column is one object, and
the size of what lists refer to is computed before anything is copied.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate, chain
from typing import Any, BinaryIO, overload

from qabench.base.terminal import reason
from qabench.base.untrusted import largest, refuse_trap

# Bytes of a number or a reference.
_WIDTH = 8


class ParquetError(Exception):
    """A file cannot be read as Parquet; the message says why."""


def schema(source: BinaryIO) -> Any:
    """The file's ``pyarrow.Schema``.

    Raises:
        ParquetError: the file is damaged or not Parquet.
    """
    from pyarrow import parquet

    with _damage():
        return parquet.read_schema(source)


def batches(source: BinaryIO, columns: Collection[str]) -> Iterator[Any]:
    """The file's rows as ``pyarrow.RecordBatch``, with all texts as dictionaries, also in lists.

    Args:
        source: is read from its beginning.
        columns: to read; others are ignored.

    Raises:
        ParquetError: the file is damaged, or stores texts so that their size is unknown.
        TrapError: the columns unpack to more than a file of this size may.
    """
    from pyarrow import parquet

    limit = largest(source)
    with _damage():
        metadata = parquet.read_metadata(source)
        # Asking pyarrow about single columns can crash the process if a footer is damaged.
        groups = map(metadata.row_group, range(metadata.num_row_groups))
        size = sum(group.total_byte_size for group in groups)
        refuse_trap(size, limit)
        file = parquet.ParquetFile(source, read_dictionary=_texts(metadata.schema, columns))
        # pyarrow cannot join nested references of several row groups.
        for group in range(metadata.num_row_groups):
            for batch in file.iter_batches(
                row_groups=[group], columns=list(columns), use_threads=False
            ):
                # References may point outside the dictionary.
                batch.validate(full=True)
                size += sum(map(_copied, batch.columns))
                refuse_trap(size, limit)
                yield batch


def rows(batch: Any) -> Iterator[dict[str, object]]:
    """The batch's rows by column name, each column as :func:`values` has it."""
    columns = list(map(values, batch.columns))
    return (dict(zip(batch.schema.names, row, strict=True)) for row in zip(*columns, strict=True))


def values(column: Any) -> list[Any]:
    """The values of a column; equal texts outside of lists are one object.

    Raises:
        ParquetError: Python cannot hold a value, such as a date after the year 9999.
    """
    import pyarrow as pa

    with _damage():
        if not pa.types.is_dictionary(column.type):
            return list(column.to_pylist())
        texts = column.dictionary.to_pylist()
        return [None if index is None else texts[index] for index in column.indices.to_pylist()]


class Texts(Sequence[str]):
    """A column of texts that stays as it was read until it is asked for: it takes less memory."""

    def __init__(self, chunks: Sequence[Any]) -> None:
        """Take a column without nulls, in chunks as its batches have them."""
        self._chunks = chunks
        self._ends = list(accumulate(map(len, chunks)))

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def __iter__(self) -> Iterator[str]:
        return chain.from_iterable(map(values, self._chunks))

    @overload
    def __getitem__(self, place: int) -> str: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[str]: ...

    def __getitem__(self, place: int | slice) -> str | Sequence[str]:
        if isinstance(place, slice):
            return tuple(self)[place]
        number = range(len(self))[place]
        chunk = bisect_right(self._ends, number)
        text: str = self._chunks[chunk][number - self._ends[chunk]].as_py()
        return text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    __hash__ = None  # type: ignore[assignment]


def release() -> None:
    """Give memory that reading no longer needs back to the system; pyarrow keeps it otherwise."""
    import pyarrow as pa

    pa.default_memory_pool().release_unused()


@contextmanager
def _damage() -> Iterator[None]:
    import pyarrow as pa

    # pyarrow reports damage as any of these, depending on where it is.
    errors = (pa.ArrowException, OSError, ValueError, ArithmeticError, NotImplementedError)
    try:
        yield
    except errors as error:
        raise ParquetError(reason(error)) from error


def _texts(schema: Any, columns: Collection[str]) -> list[str]:
    """Paths of the texts in some columns, which may be nested."""
    leaves = [schema.column(number) for number in range(len(schema))]
    wanted = [leaf for leaf in leaves if leaf.path.partition(".")[0] in columns]
    for leaf in wanted:
        # These cannot be read as they are stored, and question files do not need them.
        if leaf.physical_type == "FIXED_LEN_BYTE_ARRAY":
            raise ParquetError(f"column {leaf.path!r} holds bytes of one length")
    return [leaf.path for leaf in wanted if leaf.physical_type == "BYTE_ARRAY"]


def _copied(column: Any) -> int:
    """Bytes of what :func:`values` returns for a column."""
    import pyarrow as pa

    if pa.types.is_dictionary(column.type):
        return int(column.dictionary.nbytes) + _WIDTH * len(column)
    return _referred(column)


def _referred(array: Any) -> int:
    """Bytes of the values in a column, counted once for each reference."""
    import pyarrow as pa
    import pyarrow.compute as pc

    size = _WIDTH * len(array)
    if pa.types.is_dictionary(array.type):
        lengths = pc.binary_length(array.dictionary)
        return size + int(pc.sum(lengths.take(array.indices), min_count=0).as_py())
    if pa.types.is_map(array.type):
        return size + _referred(array.keys) + _referred(array.items)
    if pa.types.is_struct(array.type):
        return size + sum(map(_referred, array.flatten()))
    if pa.types.is_nested(array.type):
        return size + _referred(array.flatten())
    return size
