"""Figures as files, and as SVG within a page; the same figure gives the same bytes."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from qabench.base.files import write_bytes
from qabench.errors import RunError
from qabench.views.plots.style import styled

# Neither dates nor versions: a figure changes only where its numbers do.
_METADATA: dict[str, dict[str, str | None]] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
}
_IDS = re.compile(r'(\bid="|href="#|url\(#)')


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A figure and the words that go with it.

    Attributes:
        name: of its files, without ending; unique in a contest.
        title: what it shows.
        caption: how to read it.
        figure: the figure.
    """

    name: str
    title: str
    caption: str
    figure: Figure


def save(pictures: Sequence[Picture], folder: Path) -> list[Path]:
    """Write the pictures as PNG and SVG, each file whole or not at all; the folder is made.

    Raises:
        RunError: the folder cannot be written or the disk is full.
    """
    files = {
        folder / f"{one.name}.{format}": _rendered(one, format)
        for one in pictures
        for format in _METADATA
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"{folder} cannot be made ({error.strerror}); name another one.") from error
    for path, data in files.items():
        write_bytes(path, data)
    return list(files)


def as_svg(picture: Picture) -> str:
    """The picture as an ``<svg>`` element for HTML, with ids that no other picture has."""
    text = _rendered(picture, "svg").decode()
    element = text[text.index("<svg") :]
    return _IDS.sub(rf"\1{picture.name}-", element)


def _rendered(picture: Picture, format: str) -> bytes:
    file = io.BytesIO()
    metadata = _METADATA[format] | {"Title": picture.title}
    with styled():
        picture.figure.savefig(file, format=format, metadata=metadata)
    return file.getvalue()
