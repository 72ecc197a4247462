"""Files that come with qabench: benchmarks and JSON Schemas."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from qabench.base.json_files import read_json

_IN_WHEEL = Path(__file__).parents[1] / "_files"
_IN_CHECKOUT = Path(__file__).parents[2]


def packaged(folder: str) -> Path:
    """The folder ``benchmarks`` or ``schemas``, from the wheel or from an editable checkout."""
    in_wheel = _IN_WHEEL / folder
    return in_wheel if in_wheel.is_dir() else _IN_CHECKOUT / folder


@cache
def schema(name: str) -> Mapping[str, Any]:
    """The published schema ``schemas/<name>.schema.json``."""
    found: Mapping[str, Any] = read_json(packaged("schemas") / f"{name}.schema.json")
    return found
