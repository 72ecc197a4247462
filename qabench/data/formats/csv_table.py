"""CSV and TSV: a line of column names, then a record in each row."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from qabench.data.audit import RawRecord
from qabench.data.formats import columns
from qabench.data.formats.content import Content
from qabench.errors import DataError

SUFFIXES = (".csv", ".tsv")
# Contexts are longer than the csv module expects.
_LONGEST_CELL = 10_000_000


def recognises(_: Content) -> bool:
    """Only the suffix tells: any text can be read as CSV."""
    return False


def records(content: Content) -> Iterator[RawRecord]:
    """A record for each row.

    Raises:
        DataError: the file is not UTF-8, a column is missing, or a row has other columns.
    """
    csv.field_size_limit(_LONGEST_CELL)
    lines = io.StringIO(content.text(), newline="")
    rows = csv.reader(lines, _dialect(content, lines), strict=True)
    try:
        names = next(rows, [])
        wanted = set(columns.usable(content.name, names))
        if len(set(names)) < len(names):
            raise DataError(f"{content.name}: has two columns of one name; rename one")
        for number, row in enumerate(rows, start=1):
            if row:
                yield _record(content, names, row, number, wanted)
    except csv.Error as error:
        raise DataError(
            f"{content.name}, line {rows.line_num}: is not valid CSV ({error}); export it again"
        ) from None


def _dialect(content: Content, lines: io.StringIO) -> type[csv.Dialect]:
    """Excel's, with the separator that is found most often in the names of the columns."""
    names = lines.readline()
    lines.seek(0)
    usual = "\t" if content.suffix == ".tsv" else ","
    found = max((usual, ";", "\t", ","), key=names.count)

    class Dialect(csv.excel):
        delimiter = found

    return Dialect


def _record(
    content: Content, names: list[str], row: list[str], number: int, wanted: set[str]
) -> RawRecord:
    if len(row) != len(names):
        raise DataError(
            f"{content.name}, row {number}: has {len(row)} values for {len(names)} columns; "
            "put quotes around values that hold the separator or a line break"
        )
    # An empty cell is no value.
    fields = {
        name: value if value != "" else None
        for name, value in zip(names, row, strict=True)
        if name in wanted
    }
    return RawRecord(f"row {number}", fields)
