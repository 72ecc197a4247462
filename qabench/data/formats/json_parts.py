"""Parts of a JSON file that must be a list or an object; errors name their place."""

from __future__ import annotations

from typing import Any

from qabench.data.audit import kind
from qabench.data.formats.content import Content
from qabench.errors import DataError


def entries(document: object) -> tuple[str, list[Any]] | None:
    """A document's list of entries, itself or under ``data``, with its place; or ``None``."""
    if isinstance(document, list):
        return "", document
    found = document.get("data") if isinstance(document, dict) else None
    return ("data", found) if isinstance(found, list) else None


def as_object(content: Content, value: object, where: str) -> dict[str, Any]:
    """The value itself.

    Raises:
        DataError: it is not an object.
    """
    if not isinstance(value, dict):
        raise DataError(f"{content.name}: {where} must be an object, not {kind(value)}")
    return value


def list_in(content: Content, parent: object, where: str, key: str) -> list[Any]:
    """The list that an object has under a key.

    Raises:
        DataError: the parent is not an object, or has no such list.
    """
    fields = as_object(content, parent, where)
    if key not in fields:
        raise DataError(
            f"{content.name}: {where}.{key} is missing; each entry needs a list {key!r}"
        )
    found = fields[key]
    if not isinstance(found, list):
        raise DataError(f"{content.name}: {where}.{key} must be a list, not {kind(found)}")
    return found
