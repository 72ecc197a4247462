"""The run directory: what run it is of, and files in it that appear whole or not at all.

``run.json`` says what a directory is a run of. One that was begun with other settings or data is
refused with the difference, and one that is no run directory is never touched.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qabench import reports
from qabench.errors import RunError
from qabench.files import write_json
from qabench.reports import Report
from qabench.validation import dotted

FILE_NAME = "run.json"


def claim(folder: Path, identity: Mapping[str, Any], force: bool) -> Report | None:
    """Make a folder this run's own.

    Args:
        folder: made if it does not exist.
        identity: everything that must be the same for the run to be gone on with, as JSON types.
        force: delete what an earlier run left there.

    Returns:
        The report, if the folder holds this very run, finished.

    Raises:
        RunError: the folder belongs to another run or is none, or it cannot be made.
        ReportError: it holds a broken report.
    """
    path = folder / FILE_NAME
    if folder.is_symlink():
        raise RunError(
            f"{folder} is a link, and a run writes and deletes in its own folder alone; name "
            f"another --runs-dir."
        )
    if force and path.exists():
        shutil.rmtree(folder)
    if path.exists():
        _compare(folder, _known(path), json.loads(json.dumps(identity)))
        report = folder / reports.FILE_NAME
        return reports.read(report) if report.exists() else None
    if folder.exists() and any(folder.iterdir()):
        raise RunError(
            f"{folder} holds files but no {FILE_NAME}, so it is no run directory; move them away, "
            f"or name another folder with --runs-dir."
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(
            f"{folder} cannot be made ({error.strerror}); name another --runs-dir."
        ) from error
    write_json(path, identity)
    return None


def _known(path: Path) -> dict[str, Any]:
    try:
        known = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise RunError(f"{path} cannot be read ({error}); run anew with --force.") from error
    if not isinstance(known, dict):
        raise RunError(f"{path} is not a JSON object; run anew with --force.")
    return known


def _compare(folder: Path, known: dict[str, Any], asked: dict[str, Any]) -> None:
    old, new = dotted(known), dotted(asked)
    different = [key for key in sorted(old.keys() | new.keys()) if old.get(key) != new.get(key)]
    if different:
        shown = "; ".join(f"{key}: {old.get(key)} -> {new.get(key)}" for key in different[:5])
        raise RunError(
            f"{folder} was begun with other settings ({shown}); name another --runs-dir, or "
            f"overwrite it with --force."
        )
