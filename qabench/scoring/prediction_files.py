"""Prediction files of any tool, in the shapes that tools write.

An object of answers by question id; or a list or lines of objects with an id each, as the
library ``evaluate`` takes them. An answer is a text, or an object with a text inside.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qabench.base.json_files import JSONError, parse_json, read_text
from qabench.base.terminal import shortened
from qabench.base.untrusted import lone_surrogate
from qabench.data.audit import kind
from qabench.errors import DataError

_IDS = ("id", "qid", "question_id", "example_id")
_TEXTS = ("prediction_text", "text", "answer", "prediction")
_ODDS = "no_answer_probability"
_WRAPPERS = ("predictions", "answers", "data")


@dataclass(frozen=True, slots=True)
class Given:
    """What a predictions file says.

    Attributes:
        texts: answer by question id, "" for none, in the order of the file.
        null_odds: the probability of no answer by id, if the file has it for every question.
        notes: what was read other than it is written, a sentence each.
    """

    texts: dict[str, str]
    null_odds: dict[str, float] | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ById:
    """Values by question id, and how many ids were whole numbers."""

    values: dict[str, Any]
    numbers: int = 0


def read_answers(path: Path) -> Given:
    """Read a predictions file.

    Raises:
        DataError: it cannot be read, has another shape, has an id twice, or an answer that is not
            a text.
    """
    found = by_id(path)
    values = found.values
    if any(map(_is_n_best, values.values())):
        raise DataError(
            f"{path} is an n-best file: it lists several answers to a question; name the file "
            "with one answer for each, usually predictions.json beside it."
        )
    texts = {id: _text(path, id, value) for id, value in values.items()}
    odds = {id: one[_ODDS] for id, one in values.items() if isinstance(one, dict) and _ODDS in one}
    for id, value in odds.items():
        if not is_finite(value) or not 0 <= value <= 1:
            raise DataError(
                f"{path}, question {id!r}: {_ODDS} is {short(value)}, not a number from 0 to 1; "
                f"fix that entry."
            )
    complete = bool(odds) and len(odds) == len(values)
    nulls = sum(_inner(value) is None for value in values.values())
    notes = [
        (nulls, "predictions are null and count as no answer."),
        (found.numbers, "ids of predictions are whole numbers and are read as text."),
        (len(odds) if complete else 0, f"values of {_ODDS} are read as null odds."),
    ]
    return Given(texts, odds if complete else None, tuple(f"{n} {what}" for n, what in notes if n))


def _text(path: Path, id: str, value: Any) -> str:
    answer = _inner(value)
    if answer is None:
        return ""
    if not isinstance(answer, str):
        raise DataError(
            f"{path}, question {id!r}: the prediction is {short(value)}, not a string; "
            f'use "" for no answer.'
        )
    if at := lone_surrogate(answer):
        raise DataError(
            f"{path}, question {id!r}: the prediction holds half of a surrogate pair at "
            f"offset {at.start()}; write the file again as UTF-8."
        )
    return answer


def _inner(value: Any) -> Any:
    """The text of an answer, which may be inside an object, or the only entry of a list."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
        if not isinstance(value, str | dict):
            return [value]
    if isinstance(value, dict):
        names = [name for name in _TEXTS if name in value]
        # An object without a text, or with two, is no answer that can be told.
        return value[names[0]] if len(names) == 1 else value
    return value


def _is_n_best(value: Any) -> bool:
    return isinstance(value, list) and len(value) > 1


def by_id(path: Path) -> ById:
    """The values of a file by question id, whatever its shape.

    Raises:
        DataError: it cannot be read, has another shape, or has an id twice.
    """
    document = _document(path)
    if isinstance(document, dict) and len(document) == 1:
        (name, inner), *_ = document.items()
        if name in _WRAPPERS and (isinstance(inner, list) or _is_by_id(inner)):
            document = inner
    if isinstance(document, dict):
        return ById(document)
    if isinstance(document, list) and document and all(map(_has_id, document)):
        return _of_list(path, document)
    raise DataError(
        f"{path} is not a JSON object; it must map question ids to values, or be a list or lines "
        "of objects with an id each."
    )


def _is_by_id(value: Any) -> bool:
    return isinstance(value, dict) and not any(name in value for name in _TEXTS)


def _document(path: Path) -> Any:
    try:
        text = read_text(path)
        try:
            return parse_json(text, str(path))
        except JSONError:
            if (lines := _lines(text, str(path))) is None:
                raise
            return lines
    except JSONError as error:
        raise DataError(
            f"{error}; name a readable file with one JSON object of question ids."
        ) from error


def _lines(text: str, name: str) -> list[Any] | None:
    """The objects of JSON lines; ``None`` if the text is none."""
    try:
        found = [parse_json(line, name) for line in text.split("\n") if line.strip()]
    except JSONError:
        return None
    return found if len(found) > 1 and all(map(_has_id, found)) else None


def _has_id(entry: Any) -> bool:
    return isinstance(entry, dict) and any(name in entry for name in _IDS)


def _of_list(path: Path, entries: Iterable[dict[str, Any]]) -> ById:
    values: dict[str, Any] = {}
    numbers = 0
    for entry in entries:
        id = next(entry[name] for name in _IDS if name in entry)
        if isinstance(id, int) and not isinstance(id, bool):
            numbers += 1
            id = short(id)
        if not isinstance(id, str):
            raise DataError(f"{path}: an id is {kind(id)}; each needs an id that is text.")
        if id in values:
            raise DataError(f"{path} has the id {id!r} twice; name a file with each id once.")
        values[id] = {name: value for name, value in entry.items() if name not in _IDS}
    return ById(values, numbers)


def odds_in(value: Any) -> Any:
    """The evidence for no answer in an entry of a list; any other value itself."""
    return value.get(_ODDS, value) if isinstance(value, dict) else value


def is_finite(value: object) -> bool:
    """Whether it is a number that is neither infinite nor NaN."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    # An integer of hundreds of digits does not fit into a float.
    except OverflowError:
        return False


def short(value: object) -> str:
    """A value as a message shows it."""
    try:
        return shortened(json.dumps(value, default=str), 40)
    # Python prints no number of thousands of digits.
    except ValueError:
        return "a number of thousands of digits"
