"""Ctrl-C and a scheduler's SIGTERM end a command with one sentence."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from qabench.errors import SignalError


class _Terminated(BaseException):
    """Like KeyboardInterrupt no Exception, so that nothing on its way takes it for an error."""


@contextmanager
def stoppable(advice: str) -> Iterator[None]:
    """Let signals end the block.

    Args:
        advice: how to go on, as the end of a sentence.

    Raises:
        SignalError: SIGINT or SIGTERM came.
    """
    # Python delivers signals to the main thread alone, and lets no other handle them.
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _terminate)
    try:
        yield
    except KeyboardInterrupt as error:
        raise SignalError(f"interrupted; {advice}", signal.SIGINT) from error
    except _Terminated as error:
        raise SignalError(f"ended by SIGTERM; {advice}", signal.SIGTERM) from error
    finally:
        signal.signal(signal.SIGTERM, before)


def _terminate(number: int, frame: FrameType | None) -> None:
    # A second one must not break into the cleaning up after the first.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise _Terminated
