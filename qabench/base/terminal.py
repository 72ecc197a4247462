"""Text from data, made safe to show: on a terminal, in a report, on a page."""

from __future__ import annotations

import codecs
import errno
import os
import re
import sys
import unicodedata
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TextIO

import click

from qabench.errors import OutputError, SignalError

_SPACE = re.compile(r"\s+")
# Persian, Hindi and emoji are written with the two joiners.
_ODD = re.compile(r"[^ -~\n\t\u200c\u200d]")


def visible(text: str) -> str:
    """The text with every character that cannot be seen named, such as ``⟨U+202E⟩``.

    Escape sequences in a context must not reach the terminal, bidirectional overrides must not
    reorder what stands beside them, and half of a surrogate pair cannot be written as UTF-8.
    Spaces, tabs and line breaks stay.
    """
    return _ODD.sub(_named, text)


def safe(text: str) -> str:
    """One line of :func:`visible` text: white space becomes single spaces."""
    return visible(_SPACE.sub(" ", text))


def _named(one: re.Match[str]) -> str:
    # Control and format characters, surrogates, private use, unassigned.
    unseen = unicodedata.category(one[0]).startswith("C")
    return f"⟨U+{ord(one[0]):04X}⟩" if unseen else one[0]


def shortened(text: str, longest: int) -> str:
    """The text, cut to at most ``longest`` characters, the last of which is then "…"."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def reason(error: Exception) -> str:
    """An error of a library by its type and its first sentence, without advice that may follow."""
    said = re.split(r"\.\s|\n", str(error).strip(), maxsplit=1)[0]
    return f"{type(error).__name__}: {safe(said).rstrip('.')}" if said else type(error).__name__


def prepare_output() -> None:
    """Let stdout and stderr take any text, whatever their encoding.

    What an encoding lacks, such as ``≠`` in cp1252, is written in ASCII.

    Raises:
        OutputError: stdout is closed.
    """
    codecs.register_error("qabench", _in_ascii)
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        # A test's own stream may be of another type.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="qabench")
    if sys.stdout is None:
        raise OutputError(
            "stdout is closed, so nothing can be printed; send it to a file or to /dev/null."
        )


_TWINS = {
    "≠": "!=",
    "≈": "~",
    "≤": "<=",
    "≥": ">=",
    "±": "+/-",
    "×": "x",
    "−": "-",
    "–": "-",
    "—": "-",
    "…": "...",
    "†": "+",
    "‡": "++",
    "·": "*",
    "→": "->",
    "⟨": "<",
    "⟩": ">",
    "“": '"',
    "”": '"',
    "‘": "'",
    "’": "'",
}


def _in_ascii(error: UnicodeError) -> tuple[str, int]:
    """What stands for characters that an encoding lacks; an error handler of codecs."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join(_TWINS.get(one, "?") for one in lacking), error.end


def echo(text: str, *, error: bool = False, end: str = "\n") -> None:
    """Print text that may come from anywhere, on stdout or stderr.

    Raises:
        OutputError: it cannot be written.
        SignalError: its reader is gone, as after ``| head -1``.
    """
    try:
        click.echo(visible(text) + end, nl=False, err=error)
    except OSError as problem:
        stream = sys.stderr if error else sys.stdout
        _abandon(stream)
        if problem.errno == errno.EPIPE:
            raise SignalError("", _SIGPIPE) from problem
        raise unwritten(problem) from problem


# Windows has no name for it.
_SIGPIPE = 13


def unwritten(problem: OSError) -> OutputError:
    """A full disk, or whatever else keeps stdout from being written, as one sentence."""
    return OutputError(
        f"the output cannot be written ({problem.strerror}); free some space, or send it elsewhere."
    )


def _abandon(stream: TextIO) -> None:
    """Throw away what a stream still holds; Python would try to write it once more at its end."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def is_lost(problem: OSError) -> bool:
    """Whether an error is of writing to an open stream, as help is written: it names no file."""
    full = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF)
    if problem.filename is not None or problem.errno not in full:
        return False
    _abandon(sys.stdout)
    return True


_WIDE = 72


def commented(steps: Sequence[tuple[str, str]]) -> list[str]:
    """A line for each command and its purpose; a shell can run the lines as they are."""
    # One long command must not push the comments of all others out of sight.
    width = max((len(command) for command, _ in steps if len(command) <= _WIDE), default=0)
    return [f"  {command.ljust(width)}   # {purpose}" for command, purpose in steps]
