"""What files from strangers may try, in any format."""

from __future__ import annotations

import errno
import io
import os
import re
import stat
from pathlib import Path
from typing import BinaryIO

from qabench.errors import ReportError

# A file that unpacks to more than both is a trap. Bytes; ratio to the size of the file.
_LARGEST_UNPACKED = 1 << 30
_LARGEST_RATIO = 100

_SURROGATE = re.compile("[\ud800-\udfff]")


class TrapError(Exception):
    """A file unpacks to far more than its size."""


def open_file(path: Path) -> io.BufferedReader | io.BytesIO:
    """A regular file, or all that a pipe holds, such as a shell's ``<(command)``.

    Raises:
        OSError: it cannot be opened, or is neither; devices such as ``/dev/zero`` never end.
        TrapError: a pipe holds more than a file may unpack to.
        ValueError: no file can have this name.
    """
    # Opening a pipe would else wait for its writer.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags)
    kind = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(kind) and not stat.S_ISFIFO(kind):
        os.close(descriptor)
        if stat.S_ISDIR(kind):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    file = os.fdopen(descriptor, "rb")
    if stat.S_ISREG(kind):
        return file
    with file:
        os.set_blocking(descriptor, True)
        content = file.read(_LARGEST_UNPACKED + 1)
    if len(content) > _LARGEST_UNPACKED:
        raise TrapError(f"gives more than {_LARGEST_UNPACKED} bytes")
    return io.BytesIO(content)


def largest(file: BinaryIO) -> int:
    """How many bytes a file may unpack to; the file is rewound."""
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    return max(_LARGEST_UNPACKED, _LARGEST_RATIO * size)


def refuse_trap(size: int, limit: int) -> None:
    """Refuse a file that unpacks to more bytes than it may.

    Raises:
        TrapError: ``size`` is over the limit.
    """
    if size > limit:
        raise TrapError(f"unpacks to more than {limit} bytes, over {_LARGEST_RATIO} times its size")


def lone_surrogate(text: str) -> re.Match[str] | None:
    """The first lone half of a surrogate pair in a text, which UTF-8 cannot hold."""
    return None if text.isascii() else _SURROGATE.search(text)


def inside(folder: Path, name: str) -> Path:
    """The file of that name in a run directory.

    Raises:
        ReportError: the name leads out of the folder, in itself or as a link.
    """
    try:
        path = (folder / name).resolve()
    # A link to itself; a name with NUL in it.
    except (OSError, RuntimeError, ValueError):
        path = Path("/")
    if not path.is_relative_to(folder.resolve()):
        raise ReportError(
            f"{name!r} leads out of the run directory {folder}, and nothing outside it is read; "
            f"put a copy of the file there."
        )
    return folder / name


def refuse_outside(path: Path) -> None:
    """Refuse a file of a run directory that is a link out of it, or not a regular file.

    Raises:
        ReportError: it is one of these.
    """
    inside(path.parent, path.name)
    if path.exists() and not path.is_file():
        raise ReportError(f"{path} is not a regular file; put a copy of the file there.")
