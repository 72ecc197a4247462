"""What to name instead of a name that does not exist."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

# Share of letters in common, 0 to 1.
_ALIKE = 0.5


def did_you_mean(wrong: str, known: Iterable[str], nothing: str) -> str:
    """The known names nearest to a wrong one, or all of them, as part of a sentence.

    Args:
        wrong: the name that is not known.
        known: the names that are.
        nothing: what to say where no name is known.
    """
    names = sorted(set(known))
    near = difflib.get_close_matches(wrong, names, n=3, cutoff=_ALIKE)
    if near:
        return f"did you mean {' or '.join(map(repr, near))}?"
    return f"choose from {', '.join(names)}" if names else nothing
