"""Calls of a plugin's own code: whatever it raises is one sentence that names whose it is."""

from __future__ import annotations

import logging
import os
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pluggy

from qabench.base.interruption import SIGNALS
from qabench.base.terminal import safe, shortened
from qabench.errors import PluginError, QABenchError

# Seconds that an import may take before it is named.
PATIENCE = 2.0
_LONGEST = 300
_OWN = str(Path(__file__).parents[1])


@contextmanager
def guarded(owner: str, call: str) -> Iterator[None]:
    """Turn what a plugin raises, or its ``sys.exit``, into one sentence.

    Args:
        owner: the plugin and its version, as the beginning of a sentence.
        call: what was called, such as ``build``.

    Raises:
        PluginError: the block raised. Signals, full memory and errors of qabench pass as they are.
    """
    try:
        yield
    except (*SIGNALS, QABenchError, MemoryError):
        raise
    # sys.exit(0) would end a run as if it had succeeded; Rust panics are no Exceptions either.
    except BaseException as error:
        if type(error).__name__ == "OutOfMemoryError":
            raise
        said = shortened(safe(reason_of(error)).rstrip("."), _LONGEST)
        raise PluginError(f"{owner} failed in {call}{_place(error)}: {said}.") from error


def reason_of(error: BaseException) -> str:
    """What a plugin raised, as part of a sentence."""
    text = " ".join(str(error).split()) or "no message"
    if isinstance(error, PluginError):
        return text
    if isinstance(error, pluggy.PluginValidationError):
        return f"a hook has a wrong name or signature: {text}"
    return f"{type(error).__name__}: {text}"


def _place(error: BaseException) -> str:
    """File and line of the plugin's own code; empty where it was not reached."""
    frames = traceback.extract_tb(error.__traceback__)
    torch = f"{os.sep}torch{os.sep}"
    last = [frame for frame in frames if torch not in frame.filename][-1]
    own = last.filename.startswith(_OWN)
    return "" if own else f" at {Path(last.filename).name}:{last.lineno}"


@contextmanager
def named_if_slow(owner: str, doing: str) -> Iterator[None]:
    """Name a plugin on stderr when a block takes seconds, which may be forever."""
    log = logging.getLogger("qabench")
    told = (f"{owner} takes more than {PATIENCE:g} s to {doing}; Ctrl-C stops waiting.",)
    timer = threading.Timer(PATIENCE, log.warning, told)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
