"""A disk that is full or read-only: one sentence, and what was finished stays valid."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from qabench.benchmarks import settings as benchmark
from qabench.errors import RunError
from qabench.runs.pipeline import run as run_plan
from qabench.runs.tasks import Plan
from qabench.runs.verify import verify


class Disk:
    """A small file system in memory."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def mount(self, options: str) -> bool:
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(self.place)]
        try:
            return subprocess.run(command, capture_output=True).returncode == 0
        except OSError:
            return False

    def change(self, options: str) -> None:
        assert self.mount(f"remount,{options}")

    def used(self) -> int:
        """Bytes, in whole pages as the file system counts them."""
        words = ["df", "--block-size=1", "--output=used", str(self.place)]
        return int(subprocess.run(words, capture_output=True, text=True).stdout.split()[-1])


@pytest.fixture
def disk(tmp_path):
    place = tmp_path / "disk"
    place.mkdir()
    disk = Disk(place)
    if not disk.mount("size=64m"):
        pytest.skip("needs the right to mount a small file system (run as root)")
    yield disk
    subprocess.run(["umount", "--lazy", str(place)], check=True)


@pytest.fixture
def plan(heads, benchmark_file, disk):
    settings = benchmark.load(str(benchmark_file), ["training.epochs=1"])

    def of_seed(seed: int) -> Plan:
        return Plan(settings, heads[:1], [seed], disk.place / "runs")

    return of_seed


def finish(plan: Plan) -> Path:
    (record,) = run_plan(plan, lambda line: None)
    return record.folder


@pytest.mark.parametrize("share", [0.02, 0.25, 0.6, 0.9])
def test_a_full_disk_is_one_sentence_and_the_run_is_resumed_when_there_is_space(disk, plan, share):
    """At each share of what a run needs it is another file that finds the disk full."""
    first = finish(plan(0))
    kept = disk.used()
    # While it is made, a run holds its checkpoint beside its model.
    disk.change(f"size={kept + int(share * 3 * kept)}")
    with pytest.raises(RunError, match=r"cannot be written .*free some space") as failure:
        finish(plan(1))
    assert "\n" not in str(failure.value)
    assert verify(first).problems == ()
    assert disk.used() <= kept + int(share * 3 * kept)
    disk.change("size=64m")
    second = finish(plan(1))
    assert verify(second).problems == ()
    assert {path.name for path in second.iterdir()} == {path.name for path in first.iterdir()}


def test_a_read_only_disk_is_one_sentence_and_its_finished_runs_are_used(disk, plan):
    first = finish(plan(0))
    disk.change("ro")
    assert finish(plan(0)) == first
    with pytest.raises(RunError, match=r"cannot be written \(Read-only file system\)"):
        finish(plan(1))
    assert verify(first).problems == ()
