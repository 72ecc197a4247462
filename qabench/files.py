"""Files that appear whole or not at all, and what identifies them."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

from qabench.errors import RunError


def write_bytes(path: Path, data: bytes) -> None:
    """Write to a neighbour, flush it to disk, and rename it into place.

    Raises:
        RunError: the folder cannot be written or the disk is full; an older file stays as it was.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with draft.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise RunError(
            f"{path} cannot be written ({error.strerror}); free some space, or name another folder."
        ) from error


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 as :func:`write_bytes` does."""
    write_bytes(path, text.encode())


def write_json(path: Path, value: object, indent: int | None = 2) -> None:
    """Write JSON (no NaN or Infinity) as :func:`write_bytes` does."""
    write_text(path, json.dumps(value, indent=indent, ensure_ascii=False, allow_nan=False) + "\n")


def sha256(path: Path) -> str:
    """Hex digest of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
