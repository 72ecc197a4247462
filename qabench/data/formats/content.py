"""A data file as the formats see it: as bytes, as lines, or as one JSON document."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from qabench.base.json_files import JSONError, parse_json
from qabench.errors import DataError


@dataclass(frozen=True)
class Content:
    """What a file holds, unpacked; nothing is read before a format asks for it.

    Attributes:
        name: what to call the file in messages.
        suffix: of the unpacked file, in lower case with its dot: ``.json``.
        stream: the bytes; every method reads them from the beginning.
    """

    name: str
    suffix: str
    stream: io.BufferedReader | io.BytesIO

    def begins_with(self, magic: bytes) -> bool:
        """Whether these are the first bytes."""
        self.stream.seek(0)
        return self.stream.read(len(magic)) == magic

    def lines(self) -> Iterator[tuple[int, str]]:
        r"""Number, from 1, and text of each line that is not blank; only ``\n`` ends a line.

        Raises:
            DataError: a line is not UTF-8.
        """
        self.stream.seek(0)
        # str.splitlines would also cut at U+2028, which is legal inside JSON text.
        for number, line in enumerate(self.stream, start=1):
            text = self._decoded(line, number)
            if text.strip():
                yield number, text

    @cached_property
    def first_line(self) -> Any:
        """The JSON value of the first line; ``None`` if it is not JSON, or is the only line.

        Raises:
            DataError: one of the first two lines is not UTF-8.
        """
        lines = self.lines()
        first, second = next(lines, None), next(lines, None)
        if first is None or second is None:
            return None
        try:
            return parse_json(first[1], self.name, first[0])
        except JSONError:
            return None

    @cached_property
    def document(self) -> Any:
        """The whole file as one JSON value.

        Raises:
            DataError: it is not UTF-8, or not JSON that all readers read alike.
        """
        return self.parsed(self.text())

    def text(self) -> str:
        """The whole file.

        Raises:
            DataError: it is not UTF-8.
        """
        self.stream.seek(0)
        return self._decoded(self.stream.read())

    def parsed(self, text: str, line: int | None = None) -> Any:
        """The value of a JSON text from the file, which begins at a line.

        Raises:
            DataError: as for :func:`qabench.base.json_files.parse_json`.
        """
        try:
            return parse_json(text, self.name, line)
        except JSONError as error:
            raise DataError(f"{error}; correct it there or export the file again") from None

    def _decoded(self, content: bytes, line: int = 1) -> str:
        try:
            return content.decode("utf-8-sig" if line == 1 else "utf-8")
        except UnicodeDecodeError as error:
            line += content.count(b"\n", 0, error.start)
            raise DataError(
                f"{self.name}, line {line}: is not UTF-8 text; save it as UTF-8"
            ) from None
