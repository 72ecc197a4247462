"""What somebody who edits a finished run may do, and make consistent."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from qabench.base.files import sha256
from qabench.reports import report_file


def edit_json(path: Path, change: Callable[[Any], None]) -> None:
    """Change a JSON file in place."""
    document = json.loads(path.read_text("utf-8"))
    change(document)
    path.write_text(json.dumps(document, indent=2), "utf-8")


def edit(folder: Path, change: Callable[[Any], None]) -> None:
    """Change the report, and renew the sha256 beside it."""
    edit_json(folder / report_file.FILE_NAME, change)
    seal(folder)


def seal(folder: Path) -> None:
    """Write the sha256 beside a report as qabench does."""
    path = folder / report_file.FILE_NAME
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    path.with_name(report_file.SEAL_NAME).write_text(f"{digest}  {path.name}\n")


def rehash(folder: Path) -> None:
    """Make the report list the files as they are now."""

    def renew(report: Any) -> None:
        report["files"] = {name: sha256(folder / name) for name in report["files"]}

    edit(folder, renew)


def change(folder: Path, *keys: str | int, to: object) -> None:
    """Give one value of the report another, and renew the sha256 beside it."""
    edit(folder, lambda report: put(report, keys, to))


def put(document: Any, keys: tuple[str | int, ...], value: object) -> None:
    """Set a value inside a document."""
    for key in keys[:-1]:
        document = document[key]
    document[keys[-1]] = value
