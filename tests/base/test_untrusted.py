"""What is opened: regular files, and pipes once; devices never end and are refused."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from qabench.base import untrusted
from qabench.base.untrusted import TrapError, open_file

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no such files")


@pytest.fixture
def pipe(tmp_path) -> Path:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    return path


def test_a_regular_file_is_opened(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"content")
    with open_file(path) as file:
        assert file.read() == b"content"


def test_a_pipe_without_a_writer_does_not_hang(pipe):
    with open_file(pipe) as file:
        assert file.read() == b""


def test_a_pipe_is_read_to_its_end(pipe):
    # More than a pipe holds, so that the writer must wait for the reader.
    content = b"x" * 300_000
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    writer = os.open(pipe, os.O_WRONLY)

    def write():
        with os.fdopen(writer, "wb") as file:
            file.write(content)

    thread = threading.Thread(target=write)
    thread.start()
    with open_file(pipe) as file:
        assert file.read() == content
        file.seek(0)
        assert len(file.read()) == len(content)
    thread.join()
    os.close(reader)


def test_a_pipe_that_gives_too_much_is_a_trap(pipe, monkeypatch):
    monkeypatch.setattr(untrusted, "_LARGEST_UNPACKED", 10)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    with pipe.open("wb") as file:
        file.write(b"x" * 11)
        file.flush()
        with pytest.raises(TrapError, match="gives more than 10 bytes"):
            open_file(pipe)
    os.close(reader)


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null", "/dev/full"])
def test_a_device_is_refused(device):
    with pytest.raises(OSError, match="not a regular file"):
        open_file(Path(device))


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(IsADirectoryError):
        open_file(tmp_path)


COMMANDS = {
    "data": ["score", "{odd}", "{good}"],
    "predictions": ["score", "{data}", "{odd}"],
    "null odds": ["score", "{data}", "{good}", "--null-odds", "{odd}"],
    "imported predictions": ["import-predictions", "--name", "x", "{data}", "{odd}"],
    "benchmark": ["run", "--plugin", "x", "--benchmark", "{odd}"],
    "report": ["report", "{odd}"],
    "verified report": ["verify", "{odd}"],
}


@pytest.mark.parametrize("what", COMMANDS)
@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_no_command_hangs_on_a_pipe_or_a_device(what, kind, data_files, tmp_path):
    good, odd = tmp_path / "good.json", tmp_path / "odd.toml"
    good.write_text("{" + ", ".join(f'"s2-{number}": ""' for number in range(18)) + "}")
    if kind == "pipe":
        os.mkfifo(odd)
    else:
        odd.symlink_to("/dev/zero")
    places = {"odd": odd, "good": good, "data": data_files[1]}
    words = [word.format(**places) for word in COMMANDS[what]]
    done = subprocess.run(
        [sys.executable, "-m", "qabench", *words],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=60,
    )
    assert done.returncode > 1, done.stdout
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("qabench: ")
    assert len(done.stderr.splitlines()) == 1


def test_process_substitution_is_data(data_files, tmp_path):
    good = tmp_path / "good.json"
    good.write_text("{" + ", ".join(f'"s2-{number}": ""' for number in range(18)) + "}")
    command = f"{sys.executable} -m qabench score <(cat {data_files[1]}) <(cat {good})"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "33.33" in done.stdout
