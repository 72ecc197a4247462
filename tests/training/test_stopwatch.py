"""Seconds are added up over blocks and over the parts of an interrupted training."""

from __future__ import annotations

import time

import pytest

from qabench.training.stopwatch import Stopwatch


@pytest.fixture
def clock(monkeypatch):
    """A function that sets the time."""
    now = [100.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])

    def set_to(seconds: float) -> None:
        now[0] = 100.0 + seconds

    return set_to


def test_blocks_are_added_to_the_seconds_before(clock):
    watch = Stopwatch(10.0)
    with watch:
        clock(2)
    clock(5)
    with watch:
        clock(6)
    assert watch.seconds == 13.0


def test_a_block_that_still_runs_counts(clock):
    watch = Stopwatch()
    with watch:
        clock(1.5)
        assert watch.seconds == 1.5
        clock(2)
    clock(9)
    assert watch.seconds == 2.0


def test_a_block_that_raises_counts(clock):
    def interrupted() -> None:
        clock(3)
        raise KeyboardInterrupt

    watch = Stopwatch()
    with pytest.raises(KeyboardInterrupt), watch:
        interrupted()
    assert watch.seconds == 3.0
