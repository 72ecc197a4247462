"""Text from data, made safe to print."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

import click

_SPACE = re.compile(r"\s+")
_ODD = re.compile(r"[^ -~\n]")
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn"}


def safe(text: str) -> str:
    """One line without control, format or surrogate characters.

    Escape sequences in a context must not reach the terminal, and bidirectional overrides must not
    reorder what stands beside them.
    """
    return visible(_SPACE.sub(" ", text))


def visible(text: str) -> str:
    """The same of whole lines and tables, whose spaces and line breaks stay."""
    return _ODD.sub(_shown, text)


def reason(error: Exception) -> str:
    """An error of a library by its type and its first sentence, without advice that may follow."""
    said = re.split(r"\.\s|\n", str(error).strip(), maxsplit=1)[0]
    return f"{type(error).__name__}: {safe(said).rstrip('.')}" if said else type(error).__name__


def echo(text: str, *, error: bool = False, end: str = "\n") -> None:
    """Print text that may come from anywhere, on stdout or stderr."""
    click.echo(visible(text) + end, nl=False, err=error)


def _shown(one: re.Match[str]) -> str:
    return "\ufffd" if unicodedata.category(one[0]) in _HIDDEN else one[0]


def printable(text: str) -> str:
    """Escape lone surrogates, which no terminal or UTF-8 file accepts."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def commented(steps: Sequence[tuple[str, str]]) -> list[str]:
    """A line for each command and its purpose, which a shell takes as they stand."""
    width = max(len(command) for command, _ in steps)
    return [f"  {command.ljust(width)}   # {purpose}" for command, purpose in steps]
