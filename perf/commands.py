"""Commands in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence

_NOT_COMPILED = "PYTHONDONTWRITEBYTECODE"


class CommandError(Exception):
    """A command that is measured failed."""


def python(*words: str) -> Callable[[], str]:
    """What runs this Python with these words and returns what it printed.

    Modules are compiled once, as those that pip installs are, whatever the environment says.
    """
    environment = {name: value for name, value in os.environ.items() if name != _NOT_COMPILED}

    def call() -> str:
        done = subprocess.run(
            [sys.executable, *words], capture_output=True, text=True, env=environment
        )
        if done.returncode:
            lines = done.stderr.strip().splitlines()
            raise CommandError(
                f"python {' '.join(words)} failed with code {done.returncode}: "
                f"{lines[-1] if lines else 'it printed nothing'}"
            )
        return done.stdout

    return call


def qabench(words: Sequence[str]) -> Callable[[], str]:
    """The same for the installed qabench."""
    return python("-m", "qabench", *words)
