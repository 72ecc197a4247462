"""What the README shows works, and it stays a page."""

from __future__ import annotations

import re

import pytest
from support.doc_pages import blocks
from support.places import ROOT

from qabench import HeadSpec
from qabench.testing import HeadFactory, checks

README = ROOT / "README.md"


def code(language: str) -> list[str]:
    return [block.text for block in blocks(README) if block.language == language]


def test_it_has_at_most_1000_words():
    assert len(README.read_text("utf-8").split()) <= 1000


def test_the_ci_script_runs_the_test_command():
    commands = [line for text in code("sh") for line in text.splitlines() if "tox" in line]
    assert len(commands) == 1
    assert commands[0] in (ROOT / ".ci" / "run").read_text().splitlines()


@pytest.mark.parametrize("check", checks(), ids=str)
def test_the_head_keeps_the_contract(check):
    (text,) = code("python")
    names: dict[str, type] = {}
    exec(text, names)
    spec = HeadSpec("my_head", "of the README", lambda size, options: names["MyHead"](size))
    check(HeadFactory(spec, {}))


@pytest.mark.parametrize("file", re.findall(r"\]\(([^)#:]+)\)", README.read_text("utf-8")))
def test_links_lead_somewhere(file):
    assert (ROOT / file).exists()
