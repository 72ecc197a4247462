"""Signals end a block with one sentence and the exit code of a shell."""

from __future__ import annotations

import signal
import sys
import threading
import time

import pytest

from qabench.base.interruption import stoppable
from qabench.errors import SignalError

pytestmark = pytest.mark.usefixtures("hears_ctrl_c")


@pytest.mark.parametrize(
    ("number", "code", "what"),
    [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "ended by SIGTERM")],
)
def test_a_signal_ends_the_block_with_advice(number, code, what):
    before = signal.getsignal(number)
    with pytest.raises(SignalError, match=f"^{what}; resume so$") as error, stoppable("resume so"):
        signal.raise_signal(number)
    assert error.value.exit_code == code
    assert signal.getsignal(number) == before


def test_no_handler_of_exceptions_swallows_it():
    def careless() -> None:
        try:
            signal.raise_signal(signal.SIGTERM)
        except Exception:
            pytest.fail("taken for an error")

    with pytest.raises(SignalError), stoppable("resume so"):
        careless()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_error_that_native_code_made_of_a_signal_is_still_the_signal(number):
    def native() -> None:
        try:
            signal.raise_signal(number)
        except BaseException:
            raise ValueError("could not determine the shape") from None

    with pytest.raises(SignalError) as error, stoppable("resume so"):
        native()
    assert error.value.exit_code == 128 + number


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_that_comes_in_a_destructor_ends_the_block_all_the_same(number, capsys):
    class Dying:
        def __del__(self) -> None:
            signal.raise_signal(number)

    def work() -> None:
        Dying()
        end = time.monotonic() + 60
        while time.monotonic() < end:
            time.sleep(0.001)

    before = sys.unraisablehook
    with pytest.raises(SignalError) as error, stoppable("resume so"):
        work()
    assert error.value.exit_code == 128 + number
    assert capsys.readouterr().err == ""
    assert sys.unraisablehook is before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_that_is_ignored_stays_so(number):
    before = signal.signal(number, signal.SIG_IGN)
    try:
        with stoppable("resume so"):
            signal.raise_signal(number)
        assert signal.getsignal(number) == signal.SIG_IGN
    finally:
        signal.signal(number, before)


def test_a_second_signal_does_not_break_into_cleaning_up():
    cleaned = []

    def terminated_twice() -> None:
        try:
            signal.raise_signal(signal.SIGTERM)
        finally:
            signal.raise_signal(signal.SIGTERM)
            cleaned.append(True)

    with pytest.raises(SignalError), stoppable("resume so"):
        terminated_twice()
    assert cleaned


def test_a_thread_runs_the_block_without_handlers():
    done = []

    def work() -> None:
        with stoppable("resume so"):
            done.append(signal.getsignal(signal.SIGTERM))

    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [before]


def test_an_error_is_left_alone():
    with pytest.raises(ValueError, match="other"), stoppable("resume so"):
        raise ValueError("other")
