"""The formats of question files: a module for each, and one table of them.

A new format is a module with two functions and an entry of ``FORMATS``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from qabench.data.audit import RawRecord
from qabench.data.formats import (
    arrow,
    csv_table,
    flat_json,
    json_columns,
    json_lines,
    known,
    mrqa,
    parquet,
    squad_json,
    viewer_rows,
)
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
        described: what tells it, for the page of the formats.
    """

    name: str
    suffixes: tuple[str, ...]
    recognises: Callable[[Content], bool]
    records: Callable[[Content], Iterator[RawRecord]]
    described: str = ""


# The first that fits is taken: formats that read the whole file to be recognised come last.
FORMATS = (
    Format(
        "Parquet",
        (".parquet",),
        parquet.recognises,
        parquet.records,
        "`.parquet`, or the file's first bytes",
    ),
    Format(
        "Arrow",
        (".arrow", ".feather"),
        arrow.recognises,
        arrow.records,
        "`.arrow`, `.feather`, or the file's first bytes",
    ),
    Format(
        "CSV",
        csv_table.SUFFIXES,
        csv_table.recognises,
        csv_table.records,
        "`.csv`, `.tsv`; `answers` as pandas prints it, or columns `text` and `answer_start`",
    ),
    Format(
        "MRQA",
        (),
        mrqa.recognises,
        mrqa.records,
        "JSON lines whose first has a `header`; spans end at their last character",
    ),
    Format(
        "JSON lines",
        (".jsonl", ".ndjson"),
        json_lines.recognises,
        json_lines.records,
        "`.jsonl`, `.ndjson`, or a first line that is a whole object; a record, paragraph or "
        "article in each",
    ),
    Format(
        "SQuAD JSON",
        (),
        squad_json.recognises,
        squad_json.records,
        "v1.1 or v2.0: `data` → `paragraphs` → `qas`, or a list of paragraphs with `qas`",
    ),
    Format(
        "rows of a dataset viewer",
        (),
        viewer_rows.recognises,
        viewer_rows.records,
        "`rows`, each with a `row`",
    ),
    Format(
        "columns in JSON",
        (),
        json_columns.recognises,
        json_columns.records,
        "an object of columns, as `DataFrame.to_json` and `Dataset.to_dict` write it",
    ),
    Format(
        "flat JSON",
        (),
        flat_json.recognises,
        flat_json.records,
        "a list of records, an object with a list `data`, or one record",
    ),
)


def format_of(content: Content) -> Format:
    """The format of a file.

    Raises:
        DataError: no format recognises it.
    """
    for one in FORMATS:
        if content.suffix in one.suffixes or one.recognises(content):
            return one
    document = content.document
    for entry in (document, *(document.values() if isinstance(document, dict) else ())):
        if isinstance(entry, dict):
            known.refuse(content, entry)
    raise DataError(
        f"{content.name}: the top level must be a list of records, or an object whose 'data' is a "
        "list as in SQuAD files; export the file in one of the two forms"
    )
