"""``qabench check``: runs every check on one installed head, and prints the results."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch

from qabench.base.terminal import safe
from qabench.errors import PluginError
from qabench.testing import Check, Failure, checks, installed


def examine(plugin: str, options: Mapping[str, Any], say: Callable[[str], None]) -> None:
    """Check an installed head on one thread.

    Args:
        plugin: its name.
        options: head options that differ from their defaults.
        say: takes one line for each check, followed by the three parts of a failure.

    Raises:
        PluginError: there is no such plugin, its hook or options are wrong, it does not build a
            head, or the head fails a check.
    """
    factory = installed(plugin, **options)
    failed = 0
    with _one_thread():
        # What cannot be built at all is one error, not a failure of every check.
        factory.build()
        for check in checks():
            failure = check.failure(factory)
            failed += failure is not None
            say(_words(check, failure))
    if failed:
        raise PluginError(
            f"Plugin {plugin!r} fails {failed} of {len(checks())} checks; fix what is named above."
        )


def _words(check: Check, failure: Failure | None) -> str:
    if failure is None:
        return f"ok      {check.name:<30}  {check.summary}"
    parts = (f"        {safe(part)}" for part in str(failure).splitlines())
    return "\n".join([f"FAILED  {check.name:<30}  {check.summary}", *parts])


@contextmanager
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
