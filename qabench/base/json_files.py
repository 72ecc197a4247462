"""JSON, read strictly: what two readers would read differently is refused.

All JSON is read here, also what qabench itself wrote: anyone may have changed it since.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qabench.base.terminal import reason
from qabench.base.untrusted import TrapError, open_file, refuse_outside
from qabench.base.validation import first_problem


class JSONError(ValueError):
    """A text cannot be used as JSON; the message names it and says where and why."""


def parse_json(text: str, name: str, line: int | None = None) -> Any:
    """The value of a JSON text; NaN and infinities are left to the caller, who can say where.

    Args:
        text: a whole document.
        name: what to call it in messages.
        line: the line of a file that it begins at, where it is not the whole file.

    Raises:
        JSONError: it is not valid, an object has a key twice, it is nested too deeply, or it holds
            a number of thousands of digits.
    """
    try:
        return json.loads(text, object_pairs_hook=_unique)
    except json.JSONDecodeError as error:
        place = f"line {(line or 1) + error.lineno - 1}, column {error.colno}"
        raise JSONError(f"{name}, {place}: is not valid JSON ({error.msg})") from None
    except _DuplicateKeyError as error:
        problem = str(error)
    except RecursionError:
        problem = "is nested too deeply"
    # Python refuses to convert a number of thousands of digits.
    except ValueError as error:
        problem = f"holds an unusable number ({reason(error)})"
    raise JSONError(f"{name}: {problem}" if line is None else f"{name}, line {line}: {problem}")


def read_json(path: Path) -> Any:
    """The value of a JSON file in UTF-8, with or without a byte order mark.

    Raises:
        JSONError: it cannot be read, or as for :func:`parse_json`.
    """
    return parse_json(read_text(path), str(path))


def read_text(path: Path) -> str:
    """The text of a file in UTF-8, with or without a byte order mark; a pipe is read once.

    Raises:
        JSONError: it cannot be read.
    """
    try:
        with open_file(path) as file:
            return file.read().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise JSONError(f"{path}: is not UTF-8 text") from None
    # ValueError: no path can hold NUL.
    except (OSError, TrapError, ValueError) as error:
        said = getattr(error, "strerror", None) or error
        raise JSONError(f"{path}: cannot be read ({said})") from error


def read_own_json(path: Path, schema: Mapping[str, Any]) -> Any:
    """The value of a file that qabench wrote into a run directory.

    Args:
        path: the file.
        schema: JSON Schema that it must follow.

    Raises:
        ReportError: the path is a link that leads out of its folder, or not a regular file.
        JSONError: as for :func:`read_json`, or the value does not follow the schema, or holds what
            :func:`qabench.base.validation.first_problem` refuses in any document.
    """
    refuse_outside(path)
    document = read_json(path)
    if problem := first_problem(schema, document):
        raise JSONError(f"{path}: {problem}")
    return document


def as_json(value: object) -> Any:
    """The value as it is read again after it was written: tuples are lists, keys are text."""
    return json.loads(json.dumps(value))


class _DuplicateKeyError(ValueError):
    """A key stands twice in an object, so that readers differ in what they find."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    counts = Counter(key for key, _ in pairs)
    twice = next(key for key in counts if counts[key] > 1)
    id = found.get("id")
    owner = f"the object with the id {id!r}" if isinstance(id, str) else "an object"
    raise _DuplicateKeyError(f"{owner} has the key {twice!r} twice")
