"""JSON Schema validation whose messages name the place, the problem and the nearest known key."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from qabench.base.suggestions import did_you_mean
from qabench.base.terminal import shortened
from qabench.base.untrusted import lone_surrogate

if TYPE_CHECKING:
    from jsonschema import ValidationError

# Levels: far more than any setting or report needs, far fewer than Python's recursion limit.
_DEEPEST = 50
_LARGEST = 2**63
_HALF = "half of a surrogate pair, which is not text"


def first_problem(schema: Mapping[str, Any], document: object) -> str | None:
    """The most telling violation as one phrase without a full stop, or ``None``.

    Some values are refused whatever the schema says, since not every reader of JSON or UTF-8 takes
    them: NaN and infinities, whole numbers of more than 64 bits, lone surrogates, dates, deep
    nesting.
    """
    from jsonschema.exceptions import best_match

    if unusable := _unusable(document, _DEEPEST):
        return f"{unusable[0] or 'the document'} {unusable[1]}"
    error = best_match(_validator()(schema).iter_errors(document))
    if error is None:
        return None
    place = ".".join(str(part) for part in error.absolute_path)
    if error.validator == "additionalProperties":
        return _unknown_key(error, place)
    if error.validator == "required":
        missing = [key for key in error.validator_value if key not in error.instance]
        return f"key {'.'.join([*place.split('.'), missing[0]]).lstrip('.')!r} is missing"
    shown = shortened(json.dumps(error.instance, default=str), 60)
    return f"{place or 'the document'} is {shown}, but {_expectation(error)}"


@cache
def _validator() -> Any:
    """A validator that keeps to the standard where Python's numbers and patterns are laxer."""
    # jsonschema takes as long to import as everything else that listing plugins needs.
    import jsonschema

    known = jsonschema.Draft202012Validator
    types = known.TYPE_CHECKER.redefine("integer", lambda _, value: type(value) is int)
    return jsonschema.validators.extend(known, {"pattern": _pattern}, type_checker=types)


def _pattern(
    _validator: object, pattern: str, text: object, _schema: object
) -> Iterator[ValidationError]:
    from jsonschema import ValidationError

    # Python's $ also matches before a line break at the end.
    strict = pattern[:-1] + r"\Z" if pattern.endswith("$") else pattern
    if isinstance(text, str) and not re.search(strict, text):
        yield ValidationError(f"{text!r} does not match {pattern!r}")


def _unusable(value: object, deepest: int) -> tuple[str, str] | None:
    """The dotted keys that lead to what no document may hold, and what it is."""
    match value:
        # The most frequent types first: a document may have millions of values.
        case str():
            return ("", f"holds {_HALF}") if lone_surrogate(value) else None
        case float():
            finite = math.isfinite(value)
            return None if finite else ("", f"is {value}, but must be a finite number")
        case None | bool():
            return None
        case int():
            large = abs(value) >= _LARGEST
            return ("", "is a whole number of more than 64 bits") if large else None
        case list():
            return _unusable_inside(enumerate(value), deepest)
        case Mapping():
            return _unusable_inside(value.items(), deepest)
        case _:
            return "", f"is a {type(value).__name__}, which JSON does not have; quote it"


def _unusable_inside(
    parts: Iterable[tuple[object, object]], deepest: int
) -> tuple[str, str] | None:
    if not deepest:
        return "", f"is nested more than {_DEEPEST} levels deep"
    for key, value in parts:
        if isinstance(key, str) and lone_surrogate(key):
            return "", f"has the key {key!r}, which holds {_HALF}"
        if found := _unusable(value, deepest - 1):
            return f"{key}.{found[0]}".rstrip("."), found[1]
    return None


def _unknown_key(error: ValidationError, place: str) -> str:
    known = error.schema.get("properties", {})
    unknown = min(key for key in error.instance if key not in known)
    where = f" in {place}" if place else ""
    hint = did_you_mean(unknown, known, "no key is known here")
    return f"unknown key {unknown!r}{where} ({hint})"


def _expectation(error: ValidationError) -> str:
    value = error.validator_value
    match error.validator:
        case "type":
            kinds = value if isinstance(value, list) else [value]
            return f"must be of type {' or '.join(kinds)}"
        case "enum":
            return f"must be one of {', '.join(map(str, value))}"
        case "minimum":
            return f"must be at least {value}"
        case "exclusiveMinimum":
            return f"must be greater than {value}"
        case "maximum":
            return f"must be at most {value}"
        case "pattern":
            return f"must match {value}"
        case _:
            return str(error.message)


def fill_defaults(schema: Mapping[str, Any], document: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of ``document`` with every ``default`` of the schema's properties filled in."""
    filled = dict(document)
    for key, sub in schema.get("properties", {}).items():
        if key not in filled and "default" in sub:
            filled[key] = sub["default"]
        if sub.get("type") == "object" and "properties" in sub:
            filled[key] = fill_defaults(sub, filled.get(key, {}))
    return filled


def dotted(document: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """The values of a nested object by their dotted keys."""
    flat: dict[str, Any] = {}
    for key, value in document.items():
        if isinstance(value, Mapping):
            flat |= dotted(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value
    return flat
