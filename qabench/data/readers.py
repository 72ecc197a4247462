"""Read examples from nested SQuAD JSON, flat JSON, JSON lines, Parquet and the Hugging Face Hub.

A reader only finds the records in a source; ``qabench.data.audit.audit`` judges them.
Whatever a file holds, the outcome is an ``ExampleSet`` or a ``DataError``.
"""

import gzip
import io
import json
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from qabench.base import parquet
from qabench.base.parquet import ParquetError
from qabench.base.terminal import printable, reason
from qabench.base.untrusted import TrapError, TwiceError, largest, refuse_trap, unique
from qabench.data.audit import FIELDS, REQUIRED_FIELDS, RawRecord, audit, kind
from qabench.data.examples import ExampleSet, OnBadRecord
from qabench.errors import DataError

_GZIP_MAGIC = b"\x1f\x8b"
_PARQUET_MAGIC = b"PAR1"
_LINE_SUFFIXES = (".jsonl", ".ndjson")

_Stream = io.BufferedReader | io.BytesIO


def read_file(path: Path, on_bad_record: OnBadRecord = "fail") -> ExampleSet:
    """Read and audit one data file; its format is told by its content and suffix.

    Args:
        path: Nested SQuAD JSON, flat JSON, JSON lines or Parquet; JSON may be gzipped.
        on_bad_record: ``fail`` refuses a file with a bad record; ``skip`` leaves such records out.

    Raises:
        DataError: The file cannot be read, a record is bad, or no question is left.
    """
    return audit(_file_records(path), printable(str(path)), on_bad_record)


def read_hub(
    repository: str, revision: str, split: str, on_bad_record: OnBadRecord = "fail"
) -> ExampleSet:
    """Read and audit one split of a Hub data set at a fixed revision; its code is never run.

    Args:
        repository: Name on the Hub, such as ``rajpurkar/squad_v2``.
        revision: Commit, tag or branch.
        split: Such as ``validation``.
        on_bad_record: As for ``read_file``.

    Raises:
        DataError: The data set cannot be loaded, a record is bad, or no question is left.
    """
    source = printable(f"{repository}@{revision}:{split}")
    return audit(_hub_records(repository, revision, split, source), source, on_bad_record)


def _hub_records(repository: str, revision: str, split: str, source: str) -> Iterator[RawRecord]:
    try:
        dataset = _load_dataset(repository, revision, split)
        columns = list(dataset.column_names)
        rows = iter(dataset.select_columns([name for name in FIELDS if name in columns]))
    # Every library below (datasets, huggingface_hub, httpx, fsspec) has errors of its own.
    except Exception as error:
        raise DataError(_hub_failure(source, error)) from error
    _check_columns(source, columns)
    for number, row in enumerate(_guarded(source, rows), start=1):
        yield RawRecord(f"row {number}", row)


def _load_dataset(repository: str, revision: str, split: str) -> Any:
    import datasets

    # datasets would read such a folder instead, and ignore the revision.
    if Path(repository).is_dir():
        raise FileExistsError(f"a folder {repository!r} here would be read in place of the Hub")
    return datasets.load_dataset(repository, revision=revision, split=split)


def _hub_failure(source: str, error: Exception) -> str:
    return (
        f"{source}: cannot be loaded from the Hugging Face Hub ({reason(error)}); check the "
        "names of repository, revision and split, the network and HF_HUB_OFFLINE, "
        "or use a local file with data.train=PATH"
    )


def _guarded(source: str, rows: Iterator[Any]) -> Iterator[Any]:
    try:
        yield from rows
    except Exception as error:
        raise DataError(_hub_failure(source, error)) from error


def _file_records(path: Path) -> Iterator[RawRecord]:
    name = printable(str(path))
    try:
        with _open(name, path) as file:
            packed = file.read(2) == _GZIP_MAGIC
            file.seek(0)
            stream = _unpacked(file) if packed else file
            yield from _stream_records(name, _suffix(path), stream)
    except FileNotFoundError:
        raise DataError(f"{name}: there is no such file; check the path") from None
    except IsADirectoryError:
        raise DataError(f"{name}: is a directory; name a file in it") from None
    except TrapError as error:
        raise DataError(f"{name}: {error}; if you trust it, unpack it and use JSON lines") from None
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(
            f"{name}: cannot be read ({reason(error)}); check that the file is whole "
            "and that you may read it"
        ) from error


def _open(name: str, path: Path) -> io.BufferedReader:
    try:
        return path.open("rb")
    except ValueError as error:
        raise DataError(f"{name!r}: is no possible path ({error}); check the path") from None


def _unpacked(file: io.BufferedReader) -> io.BytesIO:
    limit = largest(file)
    content = gzip.GzipFile(fileobj=file).read(limit + 1)
    refuse_trap(len(content), limit)
    return io.BytesIO(content)


def _suffix(path: Path) -> str:
    named = path.with_suffix("") if path.suffix.lower() == ".gz" else path
    return named.suffix.lower()


def _stream_records(name: str, suffix: str, stream: _Stream) -> Iterator[RawRecord]:
    head = stream.read(len(_PARQUET_MAGIC))
    stream.seek(0)
    if not head:
        raise DataError(f"{name}: is empty; use a file with at least one question")
    if head == _PARQUET_MAGIC or suffix == ".parquet":
        return _parquet_records(name, stream)
    if suffix in _LINE_SUFFIXES:
        return _line_records(name, stream)
    return _document_records(name, stream.read())


def _parquet_records(name: str, stream: _Stream) -> Iterator[RawRecord]:
    try:
        columns = parquet.schema(stream).names
        _check_columns(name, columns)
        batches = parquet.batches(stream, [field for field in FIELDS if field in columns])
        rows = (row for batch in batches for row in parquet.rows(batch))
        for number, row in enumerate(rows, start=1):
            yield RawRecord(f"row {number}", row)
    except ParquetError as error:
        raise DataError(
            f"{name}: is not a readable Parquet file ({error}); export it again"
        ) from error


def _check_columns(source: str, columns: Iterable[str]) -> None:
    missing = [name for name in REQUIRED_FIELDS if name not in columns]
    if missing:
        raise DataError(
            f"{source}: has no column {', '.join(map(repr, missing))}; the columns needed are "
            f"{', '.join(REQUIRED_FIELDS)}"
        )


def _line_records(name: str, lines: Iterable[bytes]) -> Iterator[RawRecord]:
    # Only \n ends a line here: str.splitlines would also cut at U+2028, legal inside JSON text.
    for number, line in enumerate(lines, start=1):
        text = _decoded(name, line, number)
        if text.strip():
            where = f"line {number}"
            yield RawRecord(where, _object(name, _parsed(name, text, number), where))


def _document_records(name: str, content: bytes) -> Iterator[RawRecord]:
    text = _decoded(name, content)
    if _is_lines(text):
        yield from _line_records(name, io.BytesIO(content))
        return
    root, entries = _entries(name, _parsed(name, text))
    if any(isinstance(entry, dict) and "paragraphs" in entry for entry in entries):
        yield from _nested_records(name, root, entries)
        return
    for index, entry in enumerate(entries):
        where = f"{root}[{index}]"
        yield RawRecord(where, _object(name, entry, where))


def _is_lines(text: str) -> bool:
    """Whether this is JSON lines under another suffix: the first line is a whole object."""
    first, _, rest = text.strip().partition("\n")
    if not rest:
        return False
    try:
        return isinstance(json.loads(first), dict)
    except (ValueError, RecursionError):
        return False


def _entries(name: str, document: object) -> tuple[str, list[Any]]:
    if isinstance(document, list):
        return "", document
    entries = document.get("data") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise DataError(
            f"{name}: the top level must be a list of records, or an object whose 'data' is a "
            "list as in SQuAD files; export the file in one of the two forms"
        )
    return "data", entries


def _nested_records(name: str, root: str, articles: list[Any]) -> Iterator[RawRecord]:
    for a, article in enumerate(articles):
        place = f"{root}[{a}]"
        for p, paragraph in enumerate(_children(name, article, place, "paragraphs")):
            shared = {"title": article.get("title")}
            spot = f"{place}.paragraphs[{p}]"
            questions = _children(name, paragraph, spot, "qas")
            if "context" in paragraph:
                shared["context"] = paragraph["context"]
            for q, question in enumerate(questions):
                where = f"{spot}.qas[{q}]"
                yield RawRecord(where, _question_fields(_object(name, question, where)) | shared)


def _question_fields(question: dict[str, Any]) -> dict[str, Any]:
    names = ("id", "question", "answers", "is_impossible")
    fields = {name: question[name] for name in names if name in question}
    # Some SQuAD v2 files leave the key out where is_impossible says it all.
    if question.get("is_impossible") is True:
        fields.setdefault("answers", [])
    return fields


def _children(name: str, parent: object, where: str, key: str) -> list[Any]:
    fields = _object(name, parent, where)
    if key not in fields:
        raise DataError(f"{name}: {where}.{key} is missing; each entry needs a list {key!r}")
    children = fields[key]
    if not isinstance(children, list):
        raise DataError(f"{name}: {where}.{key} must be a list, not {kind(children)}")
    return children


def _object(name: str, value: object, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise DataError(f"{name}: {where} must be an object, not {kind(value)}")
    return value


def _decoded(name: str, content: bytes, first_line: int = 1) -> str:
    try:
        return content.decode("utf-8-sig" if first_line == 1 else "utf-8")
    except UnicodeDecodeError as error:
        line = first_line + content.count(b"\n", 0, error.start)
        raise DataError(f"{name}, line {line}: is not UTF-8 text; save it as UTF-8") from None


def _parsed(name: str, text: str, first_line: int = 1) -> Any:
    try:
        return json.loads(text, object_pairs_hook=unique)
    except json.JSONDecodeError as error:
        line = first_line + error.lineno - 1
        raise DataError(
            f"{name}, line {line}, column {error.colno}: is not valid JSON ({error.msg}); "
            "correct it there or export the file again"
        ) from None
    except RecursionError:
        raise DataError(
            f"{name}, from line {first_line}: is nested too deeply for SQuAD data; "
            "export the file again"
        ) from None
    except TwiceError as error:
        owner = f"question {printable(error.id)!r}" if error.id else "an object"
        raise DataError(
            f"{name}, from line {first_line}: {owner} has the key {error.key!r} twice; keep one"
        ) from None
    # Python refuses to convert a number of thousands of digits.
    except ValueError as error:
        raise DataError(
            f"{name}, from line {first_line}: holds an unusable number ({reason(error)}); "
            "export the file again"
        ) from None
