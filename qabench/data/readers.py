"""Read the questions of a file, whatever its format (``qabench.data.formats``).

A format only finds the records; :func:`qabench.data.audit.audit` judges them. Whatever a file
holds, the outcome is an ``ExampleSet`` or a ``DataError``.
"""

from __future__ import annotations

import gzip
import io
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from qabench.base.terminal import reason, visible
from qabench.base.untrusted import TrapError, largest, open_file, refuse_trap
from qabench.data.audit import RawRecord, audit
from qabench.data.conventions import standard
from qabench.data.examples import ExampleSet, OnBadRecord
from qabench.data.formats import foreign, format_of, saved
from qabench.data.formats.content import Content
from qabench.errors import DataError

_GZIP_MAGIC = b"\x1f\x8b"


def read_file(path: Path, on_bad_record: OnBadRecord = "fail") -> ExampleSet:
    """Read and audit one data file; its suffix and content tell its format.

    Args:
        path: A file in one of ``FORMATS``, perhaps gzipped, or the folder of a saved dataset.
        on_bad_record: ``fail`` refuses a file with a bad record; ``skip`` leaves such records out;
            ``score`` keeps what scores need of them.

    Raises:
        DataError: The file cannot be read, a record is bad, or no question is left.
    """
    name = visible(str(path))
    return audited(records(path), name, on_bad_record)


def audited(
    found: Iterable[RawRecord], source: str, on_bad_record: OnBadRecord = "fail"
) -> ExampleSet:
    """The examples of records as they are found, and what was read other than it is written."""
    said = Counter[str]()
    examples = audit(standard(found, said), source, on_bad_record)
    return replace(examples, notes=tuple(f"{count} {what}" for what, count in said.items()))


def records(path: Path) -> Iterator[RawRecord]:
    """The records of a file or of a saved dataset, unchecked and in order.

    Raises:
        DataError: It cannot be read.
    """
    name = visible(str(path))
    if saved.is_dataset(path):
        yield from saved.records(path, name)
        return
    try:
        with _open(path, name) as file:
            content = Content(name, _suffix(path), _unpacked(file))
            if not content.stream.read(1):
                raise DataError(f"{name}: is empty; use a file with at least one question")
            foreign.refuse(content)
            yield from format_of(content).records(content)
    except FileNotFoundError:
        raise DataError(f"{name}: there is no such file; check the path") from None
    except IsADirectoryError:
        raise DataError(f"{name}: is a directory; {saved.advice(path)}") from None
    except TrapError as error:
        raise DataError(f"{name}: {error}; if you trust it, unpack it and use JSON lines") from None
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(
            f"{name}: cannot be read ({reason(error)}); check that the file is whole "
            "and that you may read it"
        ) from error


def _open(path: Path, name: str) -> io.BufferedReader | io.BytesIO:
    try:
        return open_file(path)
    # It holds NUL.
    except ValueError as error:
        raise DataError(f"{name}: is not a possible path ({error}); check the path") from None


def _unpacked(file: io.BufferedReader | io.BytesIO) -> io.BufferedReader | io.BytesIO:
    packed = file.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC
    limit = largest(file)
    if not packed:
        return file
    content = gzip.GzipFile(fileobj=file).read(limit + 1)
    refuse_trap(len(content), limit)
    return io.BytesIO(content)


def _suffix(path: Path) -> str:
    named = path.with_suffix("") if path.suffix.lower() == ".gz" else path
    return named.suffix.lower()
