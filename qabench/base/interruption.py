"""Ctrl-C and a scheduler's SIGTERM end a command with one sentence."""

from __future__ import annotations

import _thread
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from qabench.errors import SignalError

_SAID: dict[int, str] = {signal.SIGINT: "interrupted", signal.SIGTERM: "ended by SIGTERM"}

# Seconds.
_SOON = 0.01


class Terminated(BaseException):
    """Not an ``Exception``, like KeyboardInterrupt, so that no handler of errors catches it."""


# What a handler that catches everything must raise again.
SIGNALS = (KeyboardInterrupt, Terminated)


@contextmanager
def stoppable(advice: str) -> Iterator[None]:
    """Let SIGINT and SIGTERM end the block.

    Args:
        advice: how to resume, as the end of a sentence.

    Raises:
        SignalError: SIGINT or SIGTERM came.
    """
    # Python delivers signals only to the main thread, and lets no other set handlers.
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        came.append(number)
        if number == signal.SIGINT:
            raise KeyboardInterrupt
        # A second signal must not interrupt the cleaning up after the first.
        signal.signal(number, signal.SIG_IGN)
        raise Terminated

    def lost(what: sys.UnraisableHookArgs) -> None:
        if not came or what.exc_type not in SIGNALS:
            report(what)
            return
        # It was raised where nothing can be raised, as in a destructor: raise it again outside.
        number = came.pop()
        signal.signal(number, stop)
        threading.Timer(_SOON, _thread.interrupt_main, (number,)).start()

    report, sys.unraisablehook = sys.unraisablehook, lost
    before = {number: signal.getsignal(number) for number in _SAID}
    # A shell lets its background commands ignore Ctrl-C; None means a handler not set by Python.
    heard = [one for one, handler in before.items() if handler not in (signal.SIG_IGN, None)]
    for number in heard:
        signal.signal(number, stop)
    try:
        yield
    # Native code in between, which knows no signals, may turn one into any error.
    except BaseException as error:
        if not came and not isinstance(error, KeyboardInterrupt):
            raise
        number = came[0] if came else int(signal.SIGINT)
        raise SignalError(f"{_SAID[number]}; {advice}", number) from error
    finally:
        sys.unraisablehook = report
        for number in heard:
            signal.signal(number, before[number])
