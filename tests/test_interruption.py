"""Signals end a block with one sentence and the exit code of a shell."""

from __future__ import annotations

import signal
import threading

import pytest

from qabench.errors import SignalError
from qabench.interruption import stoppable


@pytest.mark.parametrize(
    ("number", "code", "what"),
    [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "ended by SIGTERM")],
)
def test_a_signal_ends_the_block_with_advice(number, code, what):
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SignalError, match=f"^{what}; go on so$") as error, stoppable("go on so"):
        signal.raise_signal(number)
    assert error.value.exit_code == code
    assert signal.getsignal(signal.SIGTERM) == before


def test_no_handler_of_exceptions_swallows_it():
    def careless() -> None:
        try:
            signal.raise_signal(signal.SIGTERM)
        except Exception:
            pytest.fail("taken for an error")

    with pytest.raises(SignalError), stoppable("go on so"):
        careless()


def test_a_second_signal_does_not_break_into_cleaning_up():
    cleaned = []

    def terminated_twice() -> None:
        try:
            signal.raise_signal(signal.SIGTERM)
        finally:
            signal.raise_signal(signal.SIGTERM)
            cleaned.append(True)

    with pytest.raises(SignalError), stoppable("go on so"):
        terminated_twice()
    assert cleaned


def test_a_thread_runs_the_block_without_handlers():
    done = []

    def work() -> None:
        with stoppable("go on so"):
            done.append(signal.getsignal(signal.SIGTERM))

    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [before]


def test_an_error_is_left_alone():
    with pytest.raises(ValueError, match="other"), stoppable("go on so"):
        raise ValueError("other")
