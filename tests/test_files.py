"""Files appear whole or not at all."""

from __future__ import annotations

import hashlib
import os

import pytest

from qabench.errors import RunError
from qabench.files import sha256, write_json, write_text


def test_a_file_is_written_and_hashed(tmp_path):
    write_json(tmp_path / "a.json", {"é": [1, 2.5, None]}, indent=None)
    data = (tmp_path / "a.json").read_bytes()
    assert data == '{"é": [1, 2.5, null]}\n'.encode()
    assert sha256(tmp_path / "a.json") == hashlib.sha256(data).hexdigest()


def test_a_failed_write_leaves_the_old_file_and_no_draft(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    write_text(path, "old")

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RunError, match="No space left on device"):
        write_text(path, "new")
    assert path.read_text() == "old"
    assert [one.name for one in tmp_path.iterdir()] == ["a.txt"]


def test_a_missing_folder_is_one_sentence(tmp_path):
    with pytest.raises(RunError, match="cannot be written"):
        write_text(tmp_path / "none" / "a.txt", "x")


def test_numbers_that_are_none_are_refused(tmp_path):
    with pytest.raises(ValueError, match="Out of range float"):
        write_json(tmp_path / "a.json", float("nan"))
