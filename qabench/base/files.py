"""Files and folders that appear whole or not at all, and what identifies them."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from safetensors import SafetensorError

from qabench.errors import RunError

_DRAFT = ".part"


def draft_of(path: Path, owner: str = "") -> Path:
    """Where a file or folder is prepared, beside its place; each process has its own by default."""
    return path.with_name(f".{path.name}.{owner or os.getpid()}{_DRAFT}")


def named_below(folder: Path, name: str) -> list[Path]:
    """The files of a name in a folder and its subfolders, in path order.

    What is not in its place yet, or vanishes while this looks, is left out.
    """
    found = []
    # Unlike glob, walk takes no offence at a folder that has just been renamed.
    for place, folders, names in os.walk(folder):
        folders[:] = [one for one in folders if not (one[0] == "." and one.endswith(_DRAFT))]
        if name in names:
            found.append(Path(place, name))
    return sorted(found)


def passed_over(folder: Path) -> list[tuple[Path, str]]:
    """What :func:`named_below` does not look into, and why: links and unreadable folders.

    Links to what is below the folder anyway are left out.
    """
    found: list[tuple[Path, str]] = []

    def note(error: OSError) -> None:
        # It vanished meanwhile, or was no folder in the first place.
        if not isinstance(error, FileNotFoundError | NotADirectoryError):
            found.append((Path(str(error.filename)), error.strerror or "it cannot be read"))

    for place, folders, _ in os.walk(folder, onerror=note):
        folders[:] = [one for one in folders if not (one[0] == "." and one.endswith(_DRAFT))]
        links = (Path(place, one) for one in folders if os.path.islink(Path(place, one)))  # noqa: PTH114
        found += [
            (one, "it is a link")
            for one in links
            if not one.resolve().is_relative_to(folder.resolve())
        ]
    return sorted(found)


def remove_drafts(folder: Path, of: str = "*") -> None:
    """Delete what killed processes began to write or to delete in a folder.

    No process may be writing to it now.

    Args:
        folder: its subfolders are not looked into.
        of: name of the file or folder whose drafts are deleted.
    """
    for draft in folder.glob(f".{of}.*{_DRAFT}"):
        _discard(draft)


@contextmanager
def writing(path: Path, draft: Path | None = None) -> Iterator[None]:
    """Turn any library's error about a full or read-only disk into one sentence.

    Args:
        path: what is written.
        draft: where, if not at :func:`draft_of` the path.

    Raises:
        RunError: the folder cannot be written or the disk is full; no draft is left.
    """
    try:
        yield
    except Exception as error:
        _discard(draft or draft_of(path))
        reason = _why_unwritten(error)
        if reason is None:
            raise
        raise RunError(
            f"{path} cannot be written ({reason}); free some space, or name another folder."
        ) from error


def refuse_unwritable(folder: Path) -> None:
    """Refuse a folder that cannot be made or written to; nothing is made.

    Raises:
        RunError: a name is too long or not UTF-8, a file is in the way, or it is not allowed.
    """
    try:
        str(folder).encode()
    except UnicodeEncodeError as error:
        raise RunError(f"{folder} is not a name in UTF-8; name another folder.") from error
    with writing(folder):
        place = _first_that_exists(folder)
        for problem, is_so in (
            (errno.ENOTDIR, not place.is_dir()),
            (errno.EROFS, _is_read_only(place)),
            (errno.EACCES, not os.access(place, os.W_OK | os.X_OK)),
        ):
            if is_so:
                raise OSError(problem, os.strerror(problem))


def _is_read_only(place: Path) -> bool:
    """Whether the file system is; only POSIX tells."""
    return hasattr(os, "statvfs") and bool(os.statvfs(place).f_flag & os.ST_RDONLY)


def _first_that_exists(folder: Path) -> Path:
    for place in (folder, *folder.parents):
        # Other errors, such as a name that is too long, are the caller's.
        with suppress(FileNotFoundError, NotADirectoryError):
            place.stat()
            return place
    return Path()


def _why_unwritten(error: Exception) -> str | None:
    """What a library says of a disk that cannot be written; ``None`` for any other error."""
    if isinstance(error, OSError):
        return error.strerror or str(error)
    # Libraries in Rust; tokenizers raises a bare Exception.
    if isinstance(error, SafetensorError) or "(os error " in str(error):
        return str(error)
    # All that torch says: fewer bytes arrived than it wrote.
    if isinstance(error, RuntimeError) and "inline_container" in str(error):
        return "torch could not write all bytes"
    return None


def write_bytes(path: Path, data: bytes) -> None:
    """Write to a neighbour, flush it to disk, and rename it into place.

    Raises:
        RunError: the folder cannot be written or the disk is full; an older file is kept.
    """
    draft = draft_of(path)
    with writing(path):
        with draft.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        _flush(path.parent)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 as :func:`write_bytes` does."""
    write_bytes(path, text.encode())


def write_json(path: Path, value: object, indent: int | None = 2) -> None:
    """Write JSON (no NaN or Infinity) as :func:`write_bytes` does."""
    write_text(path, json.dumps(value, indent=indent, ensure_ascii=False, allow_nan=False) + "\n")


def settle(draft: Path, folder: Path) -> None:
    """Flush a complete folder to disk and rename it into place, instead of what may be there.

    Raises:
        OSError: it cannot be flushed or renamed.
    """
    for path in (*draft.rglob("*"), draft):
        _flush(path)
    delete(folder)
    draft.replace(folder)
    _flush(folder.parent)


def delete(folder: Path) -> None:
    """Delete a folder, if it exists; at no moment is half of it in its place.

    Raises:
        OSError: it cannot be moved away.
    """
    if os.path.lexists(folder):
        old = draft_of(folder, f"{os.getpid()}.old")
        _discard(old)
        folder.replace(old)
        _discard(old)


def sha256(path: Path) -> str:
    """Hex digest of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _discard(draft: Path) -> None:
    # Its name may be too long.
    with suppress(OSError):
        if draft.is_dir() and not draft.is_symlink():
            shutil.rmtree(draft, ignore_errors=True)
        else:
            draft.unlink()


_NO_FLUSH = (errno.EINVAL, errno.ENOTSUP, errno.EBADF, errno.EACCES, errno.EPERM, errno.ENOSYS)


def _flush(path: Path) -> None:
    """Make a file's bytes, or the names in a folder, survive a power failure."""
    is_folder = path.is_dir()
    if is_folder and os.name == "nt":
        return  # Windows opens no folders.
    descriptor = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some network file systems flush files but not folders.
        if not is_folder or error.errno not in _NO_FLUSH:
            raise
    finally:
        os.close(descriptor)
