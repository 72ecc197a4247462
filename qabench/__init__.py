"""Trustworthy comparison of extractive question-answering heads.

``qabench.hookimpl`` and the specs of what a plugin offers are what its module needs; what a head
itself is made of (and what needs torch) lies in :mod:`qabench.heads`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from qabench.errors import QABenchError

if TYPE_CHECKING:
    from qabench.plugins.hookspecs import (
        HOOKSPEC_VERSION,
        HeadSpec,
        MetricSpec,
        ScoredQuestion,
        SliceSpec,
        hookimpl,
    )

__version__ = "0.1.0"
__all__ = [
    "HOOKSPEC_VERSION",
    "HeadSpec",
    "MetricSpec",
    "QABenchError",
    "ScoredQuestion",
    "SliceSpec",
    "__version__",
    "hookimpl",
]


def __getattr__(name: str) -> object:
    """Load the plugin contract when it is asked for: most commands need no pluggy."""
    if name in __all__:
        from qabench.plugins import hookspecs

        return getattr(hookspecs, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
