"""The hash of a plugin's source changes with its code, and with nothing else."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint

import pytest

from qabench.plugins.discovery import discover
from qabench.plugins.source import source_hash

INIT = """
from qabench import HeadSpec, hookimpl

@hookimpl
def qabench_heads():
    from .head import build
    return [HeadSpec("made_up_head", "made up", build)]
"""
HEAD = """
def build(hidden_size, options):
    raise NotImplementedError
"""


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """The folder of a package with a head, and a function that gives its hash."""
    folder = tmp_path / "made_up_package"
    folder.mkdir()
    (folder / "__init__.py").write_text(INIT)
    (folder / "head.py").write_text(HEAD)
    monkeypatch.syspath_prepend(tmp_path)
    for name in [name for name in sys.modules if name.split(".")[0] == folder.name]:
        monkeypatch.delitem(sys.modules, name)
    point = EntryPoint("made_up", folder.name, "qabench")
    (head,) = discover([point]).heads
    return folder, lambda: source_hash(head)


def test_every_module_of_the_package_counts(plugin):
    folder, digest = plugin
    before = digest()
    (folder / "head.py").write_text(HEAD + "# another line\n")
    edited = digest()
    (folder / "inner").mkdir()
    (folder / "inner" / "more.py").write_text("")
    assert len({before, edited, digest()}) == 3


def test_what_is_no_code_does_not_count(plugin):
    folder, digest = plugin
    before = digest()
    (folder / "notes.txt").write_text("to do")
    (folder / "__pycache__").mkdir(exist_ok=True)
    (folder / "__pycache__" / "head.cpython-311.pyc").write_bytes(b"compiled")
    assert digest() == before


def test_a_module_that_is_renamed_is_other_code(plugin):
    folder, digest = plugin
    before = digest()
    (folder / "head.py").rename(folder / "tail.py")
    assert digest() != before


def test_a_head_of_this_repository_has_the_hash_of_its_package(heads):
    head = discover().head(heads[0])
    assert source_hash(head) == source_hash(head)
    others = {source_hash(one) for one in discover().heads}
    assert len(others) == len({one.distribution for one in discover().heads})
