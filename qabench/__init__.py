"""Trustworthy comparison of extractive question-answering heads.

``qabench.hookimpl`` and ``qabench.HeadSpec`` are what a plugin's module needs; what a head itself
is made of (and what needs torch) lies in :mod:`qabench.heads`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from qabench.errors import QABenchError

if TYPE_CHECKING:
    from qabench.hookspecs import HeadSpec, hookimpl

__version__ = "0.1.0"
__all__ = ["HeadSpec", "QABenchError", "__version__", "hookimpl"]


def __getattr__(name: str) -> object:
    """Load the plugin contract when it is asked for: most commands need no pluggy."""
    if name in ("HeadSpec", "hookimpl"):
        from qabench import hookspecs

        return getattr(hookspecs, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
