"""Files that are recognised but not read, each with the way to a file that is."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from dataclasses import dataclass

from qabench.base.terminal import shortened, visible
from qabench.data.formats.content import Content
from qabench.errors import DataError


@dataclass(frozen=True, slots=True)
class Foreign:
    """A kind of file that holds no questions as such.

    Attributes:
        name: what it is, as in "is a zip archive".
        begins: its first bytes, in one of several forms.
        advice: what to do; the file itself may say more.
    """

    name: str
    begins: tuple[bytes, ...]
    advice: str | Callable[[Content], str]


def refuse(content: Content) -> None:
    """Stop at a file of a known other kind.

    Raises:
        DataError: it is one; the message names it and says how to convert it.
    """
    content.stream.seek(0)
    head = content.stream.read(512)
    # Web pages may begin with blanks, in any case of letters.
    text = head.lstrip().lower()
    for one in _KINDS:
        if head.startswith(one.begins) or (text.startswith(one.begins) and one in _TEXTS):
            advice = one.advice if isinstance(one.advice, str) else one.advice(content)
            raise DataError(f"{content.name}: is {one.name}; {advice}")
    if head[257:262] == b"ustar":
        raise DataError(f"{content.name}: is a tar archive; unpack it and name a file in it")


def _inside_zip(content: Content) -> str:
    try:
        content.stream.seek(0)
        with zipfile.ZipFile(content.stream) as archive:
            names = [one for one in archive.namelist() if not one.endswith("/")]
    # zipfile raises many kinds of errors for damaged archives.
    except Exception:
        return "it is damaged: get it again, unpack it and name a file in it"
    if "[Content_Types].xml" in names:
        return "if it is a workbook of Excel, save its sheet as CSV in UTF-8"
    some = ", ".join(visible(shortened(one, 60)) for one in names[:3])
    more = f", and {len(names) - 3} more" if len(names) > 3 else ""
    return f"unpack it and name a file in it (it holds {some or 'nothing'}{more})"


_UNPACK = "unpack it and name a file in it"
_TO_JSON = "load it with the library that wrote it, and save it with to_json(lines=True)"
_TEXTS = (
    Foreign(
        "a web page",
        (b"<!doctype html", b"<html"),
        "the download gave a page in place of the file: download the raw file",
    ),
    Foreign("XML", (b"<?xml",), "convert it to SQuAD JSON or JSON lines"),
    Foreign(
        "a pointer of Git LFS",
        (b"version https://git-lfs.github.com",),
        "get the file itself with git lfs pull",
    ),
)
_KINDS = (
    Foreign("a zip archive", (b"PK\x03\x04", b"PK\x05\x06"), _inside_zip),
    Foreign("a 7z archive", (b"7z\xbc\xaf\x27\x1c",), _UNPACK),
    Foreign("packed with xz", (b"\xfd7zXZ\x00",), _UNPACK),
    Foreign("packed with bzip2", (b"BZh",), _UNPACK),
    Foreign("packed with zstd", (b"\x28\xb5\x2f\xfd",), _UNPACK),
    Foreign(
        "a pickle, which could run code when it is loaded",
        tuple(bytes((0x80, one)) for one in range(2, 6)),
        _TO_JSON,
    ),
    Foreign("an old workbook of Excel", (b"\xd0\xcf\x11\xe0",), "save its sheet as CSV in UTF-8"),
    Foreign("an SQLite database", (b"SQLite format 3\x00",), "export its table as CSV"),
    Foreign("a NumPy array", (b"\x93NUMPY",), _TO_JSON),
    Foreign("HDF5", (b"\x89HDF\r\n",), _TO_JSON),
    Foreign("Feather in its first version", (b"FEA1",), _TO_JSON),
    *_TEXTS,
)
