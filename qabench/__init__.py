"""Trustworthy comparison of extractive question-answering heads.

``qabench.hookimpl`` and ``qabench.HeadSpec`` are what a plugin's module needs; what a head itself
is made of (and what needs torch) lies in :mod:`qabench.heads`.
"""

from qabench.errors import QABenchError
from qabench.hookspecs import HeadSpec, hookimpl

__version__ = "0.1.0"
__all__ = ["HeadSpec", "QABenchError", "__version__", "hookimpl"]
