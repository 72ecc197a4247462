"""Text from data, made safe to show: on a terminal, in a report, on a page."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

import click

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


def echo(text: str, *, error: bool = False, end: str = "\n") -> None:
    """Print text that may come from anywhere, on stdout or stderr."""
    click.echo(visible(text) + end, nl=False, err=error)


def commented(steps: Sequence[tuple[str, str]]) -> list[str]:
    """A line for each command and its purpose; a shell can run the lines as they are."""
    width = max(len(command) for command, _ in steps)
    return [f"  {command.ljust(width)}   # {purpose}" for command, purpose in steps]
