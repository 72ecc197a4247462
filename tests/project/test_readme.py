"""What the README shows works as it stands there."""

from __future__ import annotations

import re
import sys
import tomllib
from importlib.metadata import EntryPoint

import pytest
import torch
from support.places import ROOT

from qabench.benchmarks import settings as benchmark
from qabench.heads import LabelledBatch, WindowBatch
from qabench.plugins.discovery import discover

README = (ROOT / "README.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, flags=re.S | re.M)


def test_the_ci_script_runs_the_readmes_test_command():
    commands = [line for block in blocks("sh") for line in block.splitlines() if "tox" in line]
    assert len(commands) == 1
    assert commands[0] in (ROOT / ".ci" / "run").read_text().splitlines()


def test_the_readmes_benchmark_is_valid(tmp_path):
    (tmp_path / "my_data.toml").write_text(blocks("toml")[0])
    loaded = benchmark.load(str(tmp_path / "my_data.toml"))
    assert loaded.head_options("any") == {"dropout": 0.1}


def test_the_readmes_head_is_a_working_plugin_of_under_40_lines(tmp_path, monkeypatch):
    (code,) = blocks("python")
    (tmp_path / "my_head.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    # Other tests write plugins of this name: the module must be gone afterwards.
    monkeypatch.setitem(sys.modules, "my_head", None)
    del sys.modules["my_head"]
    group = tomllib.loads(blocks("toml")[1])["project"]["entry-points"]["qabench"]
    (point,) = [EntryPoint(name, value, "qabench") for name, value in group.items()]
    registry = discover([point])
    assert not registry.broken
    found = registry.head("my_head")
    assert len([line for line in code.splitlines() if line.strip()]) < 40
    head = found.spec.build(8, found.options({}))
    mask = torch.tensor([[True] * 6 + [False]])
    context = torch.tensor([[False, False, True, True, True, False, False]])
    states = torch.randn(1, 7, 8)
    labels = torch.tensor([3])
    head.loss(states, LabelledBatch(mask, context, labels, labels)).backward()
    assert all(parameter.grad is not None for parameter in head.parameters())
    spans = head.spans(states, WindowBatch(mask, context), 4, 2)
    assert (spans.start >= 2).all()
    assert (spans.end - spans.start < 2).all()


@pytest.mark.parametrize("file", re.findall(r"\]\(([^)#:]+)\)", README))
def test_links_lead_somewhere(file):
    assert (ROOT / file).exists()
