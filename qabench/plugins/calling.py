"""Hooks other than heads: each plugin is called separately, and one that fails is named.

A failing hook is never an error: it becomes a warning, and the other plugins are still called.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from qabench.base.interruption import SIGNALS
from qabench.base.terminal import safe, shortened
from qabench.plugins.discovery import InstalledPlugin, discover, listed
from qabench.plugins.guarding import reason_of

if TYPE_CHECKING:
    from qabench.reports.report import Report

T = TypeVar("T")
_LONGEST = 300


@dataclass(frozen=True, slots=True)
class Contribution(Generic[T]):
    """Something that a plugin offers."""

    plugin: InstalledPlugin
    value: T


@dataclass(frozen=True, slots=True)
class HookFailure:
    """A hook of a plugin that failed, or offered what cannot be used."""

    plugin: InstalledPlugin
    hook: str
    reason: str

    def __str__(self) -> str:
        reason = shortened(safe(self.reason).rstrip("."), _LONGEST)
        return f"Hook {self.hook} of {self.plugin} failed: {reason}"


def attempt(
    plugin: InstalledPlugin, hook: str, work: Callable[[], T], about: str = ""
) -> T | HookFailure:
    """What a plugin's own code returns, or its failure if it raises.

    Args:
        plugin: whose code it is.
        hook: that the code came through.
        work: the code.
        about: goes before the reason of a failure.
    """
    try:
        return work()
    except SIGNALS:
        raise
    # It may raise anything or call sys.exit, and must not end a run.
    except BaseException as error:
        return HookFailure(plugin, hook, about + reason_of(error))


def contributions(hook: str, kind: type[T]) -> Iterator[Contribution[T] | HookFailure]:
    """What all plugins offer through a hook that returns several of ``kind``."""
    for plugin in discover().plugins:
        if hook not in plugin.hooks:
            continue
        offered = attempt(plugin, hook, partial(_offered, plugin, hook, kind))
        if isinstance(offered, HookFailure):
            yield offered
            continue
        for value in offered:
            if isinstance(value, kind):
                yield Contribution(plugin, value)
            else:
                reason = f"it returned a {type(value).__name__} in its list of {kind.__name__}"
                yield HookFailure(plugin, hook, reason)


def _offered(plugin: InstalledPlugin, hook: str, kind: type) -> list[object]:
    return listed(plugin.answer(hook), hook, kind)


def run_finished(report: Report, folder: Path) -> None:
    """Tell all plugins that a run has finished."""
    hook = "qabench_run_finished"
    for plugin in discover().plugins:
        told = attempt(plugin, hook, partial(plugin.answer, hook, report=report, folder=folder))
        if isinstance(told, HookFailure):
            warn(told)


def warn(problem: object) -> None:
    """Warn on stderr, only once for each text."""
    _warn(str(problem))


@cache
def _warn(text: str) -> None:
    # Unless the caller configured logging, this prints just the sentence.
    logging.getLogger("qabench").warning("%s.", text)
