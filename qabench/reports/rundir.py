"""The run directory: which run it belongs to, and which process may write to it.

``run.json`` identifies the run. A directory that was begun with other settings, data, code, weights
or versions is refused with the difference, and a directory that is not of a run is never touched. A
lock beside the directory keeps other processes out; it is the operating system's, so it ends with
its process, however the process ends.
"""

from __future__ import annotations

import errno
import os
import re
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from qabench.base.files import delete, remove_drafts, write_json, writing
from qabench.base.json_files import JSONError, as_json, read_own_json
from qabench.base.terminal import safe
from qabench.base.validation import dotted
from qabench.errors import RunError
from qabench.reports import report_file
from qabench.reports.report import Report

FILE_NAME = "run.json"
_VERSIONS = "versions."
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP)
_HASH = re.compile("[0-9a-f]{64}")


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other processes from writing to a run directory, which need not exist yet.

    Raises:
        RunError: another process writes to it, or its parent cannot be written to.
    """
    # Beside the directory, because --force moves the directory away.
    lock_file, holder = (folder.with_name(f".{folder.name}.{one}") for one in ("lock", "holder"))
    _refuse_links(lock_file, holder)
    lock = FileLock(lock_file)
    with writing(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            raise RunError(
                f"{_named(holder)} is writing to {folder}; wait until it ends, or choose another "
                f"--runs-dir."
            ) from error
        # Some network file systems; filelock's own word for it is the second.
        except (OSError, NotImplementedError) as error:
            if getattr(error, "errno", errno.ENOLCK) not in _NO_LOCKS:
                raise
            raise RunError(
                f"{folder} cannot be locked ({getattr(error, 'strerror', error)}); choose a "
                f"--runs-dir on a file system that has locks."
            ) from error
    try:
        with writing(holder):
            holder.write_text(f"Process {os.getpid()} on {socket.gethostname()}", "utf-8")
        yield
    finally:
        with suppress(OSError):
            holder.unlink()
        lock.release()


def _named(holder: Path) -> str:
    try:
        return holder.read_text("utf-8") or "Another process"
    except (OSError, ValueError):
        return "Another process"


def finished(
    folder: Path, identity: Mapping[str, Any], accept_versions: bool = False
) -> Report | None:
    """The report of a run, if its directory holds one.

    Args:
        folder: the run directory; it is only read.
        identity: everything that must be the same for the run to be used or resumed, as JSON types.
        accept_versions: whether what is under ``versions`` may differ.

    Raises:
        RunError: the directory belongs to another run.
        ReportError: its report is broken.
    """
    _refuse_links(folder)
    path = folder / FILE_NAME
    if not path.exists():
        return None
    _compare(folder, _known(path), as_json(identity), accept_versions)
    report = folder / report_file.FILE_NAME
    return report_file.read(report) if report.exists() else None


def claim(
    folder: Path, identity: Mapping[str, Any], force: bool, accept_versions: bool = False
) -> None:
    """Make a folder this run's own; the caller holds its lock.

    Args:
        folder: made if it does not exist.
        identity: as in :func:`finished`.
        force: delete what an earlier run left there.
        accept_versions: as in :func:`finished`; what resumes the run is noted as its versions.

    Raises:
        RunError: the folder belongs to another run, is not a run directory, or cannot be made.
    """
    _refuse_links(folder)
    path = folder / FILE_NAME
    with writing(folder):
        remove_drafts(folder.parent, folder.name)
        remove_drafts(folder)
        if force and path.exists():
            delete(folder)
        folder.mkdir(exist_ok=True)
    _refuse_links(*folder.iterdir())
    if path.exists():
        known, asked = _known(path), as_json(identity)
        _compare(folder, known, asked, accept_versions)
        if known != asked and not (folder / report_file.FILE_NAME).exists():
            write_json(path, asked)
    elif any(folder.iterdir()):
        raise RunError(
            f"{folder} holds files but no {FILE_NAME}, so it is not a run directory; move them "
            f"away, or choose another folder with --runs-dir."
        )
    else:
        write_json(path, identity)


def _refuse_links(*paths: Path) -> None:
    for path in paths:
        if path.is_symlink():
            raise RunError(
                f"{path} is a link, and a run writes and deletes only in its own folder; choose "
                f"another --runs-dir."
            )


def _known(path: Path) -> dict[str, Any]:
    try:
        known: dict[str, Any] = read_own_json(path, {"type": "object"})
    except JSONError as error:
        raise RunError(f"{error}; run it again with --force.") from error
    return known


def _compare(
    folder: Path, known: dict[str, Any], asked: dict[str, Any], accept_versions: bool
) -> None:
    old, new = dotted(known), dotted(asked)
    different = [key for key in sorted(old.keys() | new.keys()) if old.get(key) != new.get(key)]
    of_versions = [key for key in different if key.startswith(_VERSIONS)]
    accepted = accept_versions and of_versions == different
    if not different or accepted:
        return
    changes = (f"{key}: {_shown(old.get(key))} -> {_shown(new.get(key))}" for key in different[:5])
    listed = safe("; ".join(changes))
    if of_versions == different:
        raise RunError(
            f"{folder} was begun with other versions ({listed}); use it with --accept-versions, "
            f"choose another --runs-dir, or overwrite it with --force."
        )
    raise RunError(
        f"{folder} was begun with other settings, data, code or weights ({listed}); choose another "
        f"--runs-dir, or overwrite it with --force."
    )


def _shown(value: object) -> object:
    """A value for a message; of a hash the beginning is enough."""
    return value[:12] if isinstance(value, str) and _HASH.fullmatch(value) else value
