"""The run directory: whose it is, and who may write to it."""

from __future__ import annotations

import errno
import os
import signal
import socket
import subprocess
import sys
import textwrap

import pytest

from qabench.errors import RunError
from qabench.reports import rundir

HOLD = """
    import sys, time
    from pathlib import Path
    from qabench.reports import rundir
    with rundir.locked(Path(sys.argv[1])):
        print("held", flush=True)
        time.sleep(600)
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that holds the lock of ``run``."""
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(HOLD), str(tmp_path / "run")],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path[1:])},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()


def test_a_second_process_is_refused_with_the_name_of_the_first(holder, tmp_path):
    who = f"Process {holder.pid} on {socket.gethostname()} is writing to"
    with pytest.raises(RunError, match=who), rundir.locked(tmp_path / "run"):
        pass
    # The refused one took nothing away.
    with pytest.raises(RunError, match=who), rundir.locked(tmp_path / "run"):
        pass


def test_the_lock_of_a_killed_process_is_free(holder, tmp_path):
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    with rundir.locked(tmp_path / "run"):
        pass


def test_a_lock_is_of_one_directory(holder, tmp_path):
    with rundir.locked(tmp_path / "other"):
        pass


def test_what_a_killed_process_left_in_its_first_moment_is_no_obstacle(tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    (run / f".{rundir.FILE_NAME}.123.part").write_text('{"ben')
    rundir.claim(run, {"seed": 1}, force=False)
    assert [path.name for path in run.iterdir()] == [rundir.FILE_NAME]


def test_force_deletes_a_run_and_what_a_kill_left_of_its_deletion(tmp_path):
    run, half = tmp_path / "run", tmp_path / ".run.123.old.part"
    half.mkdir()
    (half / "report.json").write_text("{}")
    rundir.claim(run, {"seed": 1}, force=False)
    (run / "predictions.json").write_text("{}")
    rundir.claim(run, {"seed": 2}, force=True)
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    assert [path.name for path in run.iterdir()] == [rundir.FILE_NAME]


def test_a_killed_deletion_leaves_no_half_of_a_run_in_its_place(tmp_path, monkeypatch):
    run = tmp_path / "run"
    rundir.claim(run, {"seed": 1}, force=False)

    def killed(*args, **kwargs):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("shutil.rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            rundir.claim(run, {"seed": 2}, force=True)
    assert not run.exists()
    rundir.claim(run, {"seed": 2}, force=False)
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_another_run_is_refused_before_and_after_the_lock(tmp_path):
    run = tmp_path / "run"
    rundir.claim(run, {"data": {"train": "abc"}}, force=False)
    for refuse in (rundir.finished, lambda *of: rundir.claim(*of, force=False)):
        with pytest.raises(RunError, match=r"data\.train: abc -> abd"):
            refuse(run, {"data": {"train": "abd"}})


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ('{"seed": 1, "seed": 2}', "has the key 'seed' twice"),
        ('{"seed": NaN}', "seed is nan, but must be a finite number"),
        ('{"seed": "\\ud800"}', "seed holds half of a surrogate pair"),
        ("[" * 60 + "]" * 60, "is nested more than 50 levels deep"),
        ("[]", "must be of type object"),
        ("{", "is not valid JSON"),
    ],
)
def test_a_changed_run_file_is_one_sentence(tmp_path, content, problem):
    run = tmp_path / "run"
    rundir.claim(run, {"seed": 1}, force=False)
    (run / rundir.FILE_NAME).write_text(content)
    for read in (rundir.finished, lambda *of: rundir.claim(*of, force=False)):
        with pytest.raises(RunError, match=rf"run\.json.*{problem}.*; run it again with --force"):
            read(run, {"seed": 1})


def test_a_directory_that_was_only_begun_is_not_finished(tmp_path):
    run = tmp_path / "run"
    assert rundir.finished(run, {}) is None
    rundir.claim(run, {}, force=False)
    assert rundir.finished(run, {}) is None


@pytest.mark.parametrize(
    "error",
    [OSError(errno.ENOLCK, "No locks available"), NotImplementedError("No locks available")],
)
def test_a_file_system_without_locks_is_named_as_such(tmp_path, monkeypatch, error):
    def refuse(self, **given):
        raise error

    monkeypatch.setattr(rundir.FileLock, "acquire", refuse)
    said = r"cannot be locked \(No locks available\); choose a --runs-dir on a file system that has"
    with pytest.raises(RunError, match=said), rundir.locked(tmp_path / "run"):
        pass
