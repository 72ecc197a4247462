"""Values that tables hold as text: JSON, or what Python and numpy print. Nothing is evaluated."""

from __future__ import annotations

import ast
import warnings
from contextlib import suppress
from typing import Any

from qabench.base.json_files import JSONError, parse_json

# Answers of a question; a longer text is no such value.
_LONGEST = 1_000_000


def literal(text: str) -> Any:
    """The value that a text writes; ``None`` if it writes none."""
    if len(text) > _LONGEST:
        return None
    with suppress(JSONError):
        return parse_json(text, "")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _value(ast.parse(text.strip(), mode="eval").body)
    except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
        return None


def _value(node: ast.expr) -> Any:
    match node:
        case ast.Constant(value=None | bool() | int() | float() | str() as value):
            return value
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
            return -value
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return [_value(one) for one in items]
        case ast.Dict(keys=keys, values=values):
            # A key is None in {**other}, and the lengths then differ.
            names = [_value(key) for key in keys if key is not None]
            if len(set(names)) < len(names):
                raise ValueError("has a key twice")
            return dict(zip(names, map(_value, values), strict=True))
        # array(['1871'], dtype=object) and np.int64(31), as numpy prints them.
        case ast.Call(args=[item, *_]) if _called(node.func) in _PRINTED:
            return _value(item)
        case ast.Name(id="nan"):
            return None
    raise ValueError("is not a literal")


_PRINTED = {"array", "int32", "int64", "str_"}


def _called(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
