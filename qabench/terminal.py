"""Text from data, made safe to print."""

from __future__ import annotations

import re
import unicodedata

_SPACE = re.compile(r"\s+")


def safe(text: str) -> str:
    """One line without control, format or surrogate characters.

    Escape sequences in a context must not reach the terminal, and bidirectional overrides must not
    reorder what stands beside them.
    """
    line = _SPACE.sub(" ", text)
    return "".join("\ufffd" if unicodedata.category(one) in _HIDDEN else one for one in line)


_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn"}
