"""The formats of question files: a module for each, and one table of them.

A new format is a module with two functions and an entry of ``FORMATS``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from qabench.data.audit import RawRecord
from qabench.data.formats import flat_json, json_lines, parquet, squad_json
from qabench.data.formats.content import Content
from qabench.errors import DataError


@dataclass(frozen=True, slots=True)
class Format:
    """A way to write questions into a file.

    Attributes:
        name: what people call it.
        suffixes: in lower case, with their dot; a file with one of them is of this format.
        recognises: whether a file with another suffix is of this format, by its content.
        records: the records of a file, unchecked and in order; may raise ``DataError``.
    """

    name: str
    suffixes: tuple[str, ...]
    recognises: Callable[[Content], bool]
    records: Callable[[Content], Iterator[RawRecord]]


# The first that fits is taken: formats that read the whole file to be recognised come last.
FORMATS = (
    Format("Parquet", (".parquet",), parquet.recognises, parquet.records),
    Format("JSON lines", (".jsonl", ".ndjson"), json_lines.recognises, json_lines.records),
    Format("SQuAD JSON", (), squad_json.recognises, squad_json.records),
    Format("flat JSON", (), flat_json.recognises, flat_json.records),
)


def format_of(content: Content) -> Format:
    """The format of a file.

    Raises:
        DataError: no format recognises it.
    """
    for one in FORMATS:
        if content.suffix in one.suffixes or one.recognises(content):
            return one
    raise DataError(
        f"{content.name}: the top level must be a list of records, or an object whose 'data' is a "
        "list as in SQuAD files; export the file in one of the two forms"
    )
