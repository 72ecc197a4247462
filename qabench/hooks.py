"""Hooks beyond heads: each plugin is called on its own, and one that fails is named.

What goes wrong in a plugin is never an error here: it is a sentence for a warning, and the others
go on.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Generic, TypeVar

from qabench.plugins import InstalledPlugin, discover, listed, reason_of
from qabench.reports import Report
from qabench.terminal import safe

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Contribution(Generic[T]):
    """Something that a plugin offers."""

    plugin: InstalledPlugin
    value: T


@dataclass(frozen=True, slots=True)
class Failure:
    """A hook of a plugin that failed, or offered what cannot be used."""

    plugin: InstalledPlugin
    hook: str
    reason: str

    def __str__(self) -> str:
        return f"Hook {self.hook} of {self.plugin} failed: {safe(self.reason).rstrip('.')}"


def contributions(hook: str, kind: type[T]) -> Iterator[Contribution[T] | Failure]:
    """What all plugins offer through a hook that returns several of ``kind``."""
    for plugin in discover().plugins:
        if hook not in plugin.hooks:
            continue
        try:
            answers = getattr(plugin.manager.hook, hook)()
            offered = listed(answers[0] if answers else None, hook, kind)
        # A plugin's own code may raise anything, and must not end the command.
        except (Exception, SystemExit) as error:
            yield Failure(plugin, hook, reason_of(error))
            continue
        for value in offered:
            if isinstance(value, kind):
                yield Contribution(plugin, value)
            else:
                reason = f"it returned a {type(value).__name__} in its list of {kind.__name__}"
                yield Failure(plugin, hook, reason)


def run_finished(report: Report, folder: Path) -> None:
    """Tell all plugins that a run has finished."""
    hook = "qabench_run_finished"
    for plugin in discover().plugins:
        try:
            plugin.manager.hook.qabench_run_finished(report=report, folder=folder)
        except (Exception, SystemExit) as error:
            warn(Failure(plugin, hook, reason_of(error)))


def warn(problem: object) -> None:
    """A warning on stderr, once for each text however often a command meets it."""
    _warn(str(problem))


@cache
def _warn(text: str) -> None:
    # Without handlers of the caller's, logging prints the bare sentence.
    logging.getLogger("qabench").warning("%s.", text)
